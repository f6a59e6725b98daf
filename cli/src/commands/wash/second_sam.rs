//! `onecard wash second sam`.

use std::fmt;

use anyhow::Context;
use clap::Args;
use onecard_host::{
    issuing::{SamCardOrder, SamSerial, SamWash, wash_sam_to_enterprise},
    key_store::{KeyStore, KeyTarget},
};
use onecard_simulator::chip::Kind;
use onecard_station::washing::{Notes, OrderHash};
use onecard_wire::{amount::Amount, key::KeyVersion, number::TerminalNumber};
use serde::Serialize;

use super::{
    LeftAlone,
    book::{BookOptions, Next},
    store::StoreSource,
};
use crate::{
    args::{self, SamSource},
    commands::sam::{self, Role, SamFacts, Validity},
    consent::Consent,
    output::{Exit, Output},
    reader::{CardReader, Inserted},
    terminal_sam::TerminalSam,
    washing_journal::WashingJournalFile,
};

/// Options of `wash second sam`.
#[derive(Args, Debug)]
pub(crate) struct SecondSam {
    #[command(flatten)]
    reader: CardReader,
    #[command(flatten)]
    store: StoreSource,
    /// Who makes the MACs of the SAM's own files: keys:FILE. Without it they stay empty until the same command is run again with it.
    #[arg(long, value_name = "SAM")]
    sam: Option<SamSource>,
    /// What the terminal does.
    #[arg(long, value_enum)]
    role: Role,
    /// What it may load until the station raises the limit, yuan.
    #[arg(long, value_name = "YUAN", default_value = "10000", value_parser = args::amount)]
    load_limit: Amount,
    #[command(flatten)]
    validity: Validity,
    /// Version of the enterprise's keys.
    #[arg(long, value_name = "N", default_value_t = 1)]
    key_version: u8,
    /// Version of the operator's management key that the SAM has now.
    #[arg(long, value_name = "N", default_value_t = 1)]
    management_version: u8,
    #[command(flatten)]
    book: BookOptions,
    #[command(flatten)]
    consent: Consent,
}

pub(super) fn run(options: &SecondSam) -> anyhow::Result<Output> {
    let place = options.reader.place()?;
    let mut book = options.book.open()?;
    let washed = options.store.with(|store| {
        let mut chip = place.inserted(Some(Kind::Sam))?;
        let washed = options.wash(store, &mut chip, &mut book);
        chip.taken_out_of(place)?;
        washed.with_context(|| place.to_string())
    })?;
    Output::new("onecard.wash-second-sam/1", Exit::Done, &washed)
}

impl SecondSam {
    fn wash(
        &self,
        store: &mut dyn KeyStore,
        chip: &mut Inserted,
        book: &mut WashingJournalFile,
    ) -> anyhow::Result<Washed> {
        let enterprise = store.enterprise();
        let Some((serial, terminal)) = sam::numbers(chip)? else {
            return Err(LeftAlone("it has no number yet: `onecard wash first sam` 尚未一次洗卡".to_owned()).into());
        };
        let (order, management) = (self.order(serial, terminal), KeyVersion(self.management_version));
        let target = KeyTarget::Sam(serial);
        if self.book.next(book, target, sam::has_contents(chip, enterprise)?)? == Next::Nothing {
            return Ok(Washed { serial: serial.to_string(), was_good: true, sam: Some(sam::read(chip, enterprise)?) });
        }
        let mut issuing = match &self.sam {
            Some(source) => Some(self.store.issuing_sam(source, enterprise)?),
            None => None,
        };
        self.consent.ask(self.reader.place()?, "a SAM with the operator's key 一次洗卡后的SAM卡", &plan(&order))?;
        let places = format!("{:?} key {:02X}, management {:02X}", order.keys, order.own_key_version.0, management.0);
        let hash = OrderHash::of(&store.keys()?, &places);
        let known = book.replayed().known(target, &hash);
        let mut notes = Notes::begin(book, target, hash, self.book.now()?)?;
        let wash = SamWash { order: &order, management };
        let is_whole = issuing.is_some();
        let issuing = issuing.as_mut().map(TerminalSam::sam);
        wash_sam_to_enterprise(chip, store, issuing, &wash, known, &mut notes)?;
        let sam = if is_whole { Some(sam::read(chip, enterprise)?) } else { None };
        Ok(Washed { serial: serial.to_string(), was_good: false, sam })
    }

    fn order(&self, serial: SamSerial, terminal: TerminalNumber) -> SamCardOrder {
        let version = KeyVersion(self.key_version);
        SamCardOrder {
            serial,
            directory: sam::DIRECTORY,
            terminal,
            valid_from: self.validity.valid_from,
            valid_to: self.validity.valid_to,
            load_limit: self.load_limit,
            own_key_version: version,
            keys: self.role.sam_role().keys(version),
        }
    }
}

fn plan(order: &SamCardOrder) -> Vec<String> {
    vec![
        format!("SAM {} of terminal 终端机编号 {}: the enterprise's keys 写入单位密钥", order.serial, order.terminal),
        format!("may load 充值额度 {} yuan, valid 有效期 {} to {}", order.load_limit, order.valid_from, order.valid_to),
    ]
}

#[derive(Serialize)]
struct Washed {
    serial: String,
    /// Nothing was written: it was good before.
    was_good: bool,
    /// `None` while its own files are empty.
    sam: Option<SamFacts>,
}

impl fmt::Display for Washed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let serial = &self.serial;
        match (&self.sam, self.was_good) {
            (Some(_), true) => {
                writeln!(f, "SAM {serial} was washed before, and nothing was written. SAM卡已完成二次洗卡，未写入。")
            }
            (Some(_), false) => writeln!(f, "SAM {serial} has the enterprise's keys and contents. 二次洗卡完成。"),
            (None, _) => writeln!(
                f,
                "SAM {serial} has the enterprise's keys, and its own files are empty: the same command again with --sam keys:FILE \
                 writes them. 密钥已写入，文件待写。"
            ),
        }?;
        self.sam.as_ref().map_or(Ok(()), |sam| sam.fmt(f))
    }
}
