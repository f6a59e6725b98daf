//! What a batch by a key master card needs before its first card, and what it tells of exports afterwards.

use std::{fs, io::ErrorKind, path::Path};

use anyhow::Context;
use onecard_host::key_store::KeyTarget;
use onecard_station::{
    batch::{Books, Fate},
    craft::{Orders, WashingBook, WashingKeys, exports_left, exports_of},
    journal::{Replay, replayed},
    numbers::{Number, Serial, Series},
    report::Exports,
    washing::Washings,
};
use onecard_wire::number::ApplicationSerial;

use super::inputs::Read;

/// Who counts what a key master card was asked for.
pub(super) struct ExportCount<'e, 'k> {
    pub(super) keys: &'e WashingKeys<'k>,
    pub(super) book: &'e WashingBook<'e>,
    /// Bodies of one whole card.
    pub(super) a_card: u32,
}

/// That the card holds every key and the issuing SAM makes every MAC, without an export; how many bodies a card takes.
pub(super) fn ready(keys: &WashingKeys<'_>, orders: &Orders<'_>, read: &Read) -> anyhow::Result<u32> {
    let order = orders.any().context("the list is empty")?;
    let series = &read.profile.series;
    let serial = application(series, Number(series.last)).context("the profile's numbers make no serial")?;
    keys.are_ready_for(orders, serial)
        .context("profile, key master card and issuing SAM make no card; none was touched")?;
    Ok(exports_of(&order))
}

/// That its allowance covers every row that has no good card yet.
pub(super) fn allowance_covers(
    keys: &WashingKeys<'_>,
    orders: &Orders<'_>,
    read: &Read,
    books: &Books,
    washings: &Washings,
) -> anyhow::Result<()> {
    let order = orders.any().context("the list is empty")?;
    let wanted = read.lines().into_iter().map(|row| {
        let number = books.row(row);
        match number.and_then(|number| books.number(number)).map(|numbered| numbered.fate) {
            Some(Fate::Good) => 0,
            _ => {
                let serial = number.and_then(|number| application(&read.profile.series, number));
                let reached = serial.and_then(|serial| washings.reached(KeyTarget::Application(serial)));
                u64::from(exports_left(&order, reached))
            }
        }
    });
    keys.allowance_covers(wanted.sum(), exports_of(&order)).context("no card was touched")
}

/// What the lines of the file at `path` amount to; of no file, nothing.
pub(super) fn replayed_or_new<R: Replay>(path: &Path) -> anyhow::Result<R> {
    let name = path.display().to_string();
    match fs::read(path) {
        Ok(content) => Ok(replayed(&name, &content)?),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(R::default()),
        Err(error) => Err(error).with_context(|| format!("journal {name} cannot be read")),
    }
}

impl ExportCount<'_, '_> {
    /// For one card.
    pub(super) fn of(&self, serial: ApplicationSerial) -> u32 {
        self.book.exports(serial)
    }

    /// For all numbers of the batch.
    pub(super) fn all(&self, books: &Books, series: &Series) -> anyhow::Result<Exports> {
        let numbers = books.numbers().filter_map(|(number, _)| application(series, number));
        let asked: u64 = numbers.map(|serial| u64::from(self.of(serial))).sum();
        let beyond = asked.saturating_sub(books.stock().good * u64::from(self.a_card));
        Ok(Exports { asked, beyond, left: self.keys.card_exports_left()? })
    }
}

fn application(series: &Series, number: Number) -> Option<ApplicationSerial> {
    match series.serial(number) {
        Some(Serial::Application { serial, .. }) => Some(serial),
        _ => None,
    }
}
