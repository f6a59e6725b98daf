//! CPU cards: from blank to an enterprise's application, in an MF under the operator's keys.

use onecard_host::{
    access::{RightTerms, Slot, sealed_right, write_access_right},
    card::{SelectError, Selected, select},
    crypto::{DesKey, LineKey},
    issuing::{
        CardOrder, CardWash, Condition, Examined, Known, MfKeys, NotOurs, Note, Opener, Reached, examine,
        examine_unnumbered, prepare_mf_resumable, wash_card_to_enterprise, wash_card_to_operator,
    },
    key_store::StoreError,
    sam::{CardFactors, Sam},
    transport::{Transport, TransportError},
};
use onecard_wire::{aid, number::ApplicationSerial};

use super::{IssuingKeys, Keeper, Orders, card_check};
use crate::{
    batch::{Craft, Found, Job, Setback, Unfinished},
    numbers::{Number, Serial, Series},
};

/// The making of a batch of CPU cards.
#[derive(Debug)]
pub struct CpuCardCraft<'c> {
    /// The keys.
    pub keys: &'c IssuingKeys,
    /// What each card gets.
    pub orders: &'c Orders<'c>,
    /// The numbers.
    pub series: &'c Series,
}

impl Craft for CpuCardCraft<'_> {
    type Opening = LineKey;

    fn look(&self, card: &mut dyn Transport, unfinished: &Unfinished) -> Result<Found<LineKey>, Setback> {
        let enterprise = self.keys.enterprise_id();
        match select(card, &aid::enterprise_application(enterprise)) {
            Ok(application) => return self.whole(card, application.serial(), unfinished.all()),
            Err(SelectError::Exchange(error)) => return Err(NotOurs::Exchange(error).into()),
            // Not there, not finished, or blocked: what opens the MF tells.
            Err(_) => {}
        }
        let mut closed = match examine_unnumbered(card, enterprise)? {
            Examined::Known(condition) => return found(condition, None),
            Examined::Closed(closed) => closed,
        };
        let mut tried = 0;
        for (opener, number) in in_order(unfinished) {
            if !closed.may_be_opened_by(opener) {
                continue;
            }
            let mf = self.mf(self.serial(number)?)?;
            closed = match closed.open(card, opener, &mf)? {
                Examined::Known(condition) => return found(condition, Some((number, &mf))),
                Examined::Closed(closed) => closed,
            };
            tried += 1;
        }
        let unfinished = unfinished.all();
        let stopped = tried > 0 && !closed.may_be_opened_by(Opener::ControlKey);
        let refusal = closed.refusal();
        Err(if stopped { Setback::NotOurs(tried_some(&refusal, tried, unfinished.len())) } else { refusal.into() })
    }

    fn make(&self, card: &mut dyn Transport, job: &Job, opening: LineKey) -> Result<(), Setback> {
        let serial = application_serial(job)?;
        let order = self.orders.order(job.row).ok_or_else(|| no_row(job.row))?;
        let (mf, mut keeper) = (self.mf(serial)?, self.keys.keeper());
        prepare_mf_resumable(card, &opening, &mf)?;
        let management = self.keys.management(serial).map_err(station)?;
        // The MF was erased: the directory is new, and nothing is to be found out by a try.
        let (known, application) = (Known::default(), (order.enterprise, serial, order.directory));
        wash_card_to_operator(card, &mf, &management, application, known, &mut known.clone())?;
        drop(management);
        let application = second_wash(card, self.keys, &mut keeper, serial, &order)?;
        write_rights(card, &application, &mut keeper, &order, &self.orders.rights(&order))
            .map_err(|setback| keeper.explain(setback))
    }

    fn check(&self, card: &mut dyn Transport, job: &Job) -> Result<(), Setback> {
        let serial = application_serial(job)?;
        let order = self.orders.order(job.row).ok_or_else(|| no_row(job.row))?;
        card_check::check(card, self.keys, serial, &order, &self.orders.rights(&order))
    }
}

impl CpuCardCraft<'_> {
    /// A card on which the application can be selected.
    fn whole(
        &self,
        card: &mut dyn Transport,
        serial: ApplicationSerial,
        unfinished: &[Number],
    ) -> Result<Found<LineKey>, Setback> {
        let Some(number) = self.series.number_of(serial) else {
            return Err(Setback::NotOurs(format!("card {serial} is issued already, with a number of another series")));
        };
        if !unfinished.contains(&number) {
            return Ok(Found::Whole(number, None));
        }
        let mf = self.mf(serial)?;
        let opener = match examine(card, self.keys.enterprise_id(), Some(&mf)) {
            Ok(Condition::Issued { opener, .. } | Condition::Unfinished(opener)) => Some(opener.key(&mf)),
            Ok(Condition::Blank) => None,
            Err(NotOurs::Exchange(error)) => return Err(NotOurs::Exchange(error).into()),
            Err(_) => None,
        };
        Ok(Found::Whole(number, opener))
    }

    fn mf(&self, serial: ApplicationSerial) -> Result<MfKeys, Setback> {
        self.keys.mf(serial).map_err(station)
    }

    fn serial(&self, number: Number) -> Result<ApplicationSerial, Setback> {
        match self.series.serial(number) {
            Some(Serial::Application { serial, .. }) => Ok(serial),
            _ => Err(Setback::Station(format!("number {} is outside the profile's range", number.0))),
        }
    }
}

/// The enterprise's keys, contents and PIN, onto an application that has the operator's management key alone.
pub(super) fn second_wash(
    card: &mut dyn Transport,
    keys: &IssuingKeys,
    keeper: &mut Keeper<'_>,
    serial: ApplicationSerial,
    order: &CardOrder,
) -> Result<Selected, Setback> {
    let wash = CardWash { serial, order, management: keys.operator_version() };
    let known = Known::default().with(Note::Reached(Reached::Operator));
    let washed = wash_card_to_enterprise(card, &mut keys.store(), keeper, &wash, known, &mut known.clone());
    washed.map_err(|error| keeper.explain(error.into()))
}

/// EF 0019.
pub(super) fn write_rights(
    card: &mut dyn Transport,
    application: &Selected,
    keeper: &mut dyn Sam,
    order: &CardOrder,
    rights: &[(Slot, RightTerms)],
) -> Result<(), Setback> {
    let factors = CardFactors { enterprise: order.enterprise, serial: application.serial() };
    for (slot, terms) in rights {
        let right = sealed_right(keeper, factors, order.key_version, terms)
            .map_err(|error| Setback::Station(format!("access rights: {error}")))?;
        write_access_right(card, application, keeper, *slot, &right).map_err(card_check::right_setback)?;
    }
    Ok(())
}

/// Which keys of which numbers are tried. A first key stands for one command, and a card of 15 tries has no room for both keys of many
/// numbers: the one that was begun last, whose card was in the reader when the station died, is tried by both before the others.
fn in_order(unfinished: &Unfinished) -> impl Iterator<Item = (Opener, Number)> {
    let last = unfinished.begun().first().copied();
    let others = move |number: &Number| Some(*number) != last;
    let both = [Opener::ControlKey, Opener::FirstKey];
    let of_last = last.into_iter().flat_map(move |number| both.map(|opener| (opener, number)));
    let all = unfinished.all().to_vec();
    of_last.chain(
        both.into_iter()
            .flat_map(move |opener| all.clone().into_iter().filter(others).map(move |number| (opener, number))),
    )
}

/// What a condition means, where the keys of a number may have opened the card.
fn found(condition: Condition, opened: Option<(Number, &MfKeys)>) -> Result<Found<LineKey>, Setback> {
    match (condition, opened) {
        (Condition::Blank, _) => Ok(Found::Blank(DesKey::TRANSPORT.into())),
        (Condition::Unfinished(Opener::NoKey), _) => Ok(Found::Blank(DesKey::TRANSPORT.into())),
        (Condition::Unfinished(opener), Some((number, mf))) => Ok(Found::Begun(number, opener.key(mf))),
        (Condition::Issued { application: None, .. }, _) => {
            Err(Setback::NotOurs("the application on the card is blocked: serve it at the desk".to_owned()))
        }
        (Condition::Issued { .. } | Condition::Unfinished(_), _) => {
            Err(Setback::NotOurs("an application came up on the card that was not there: present it again".to_owned()))
        }
    }
}

/// A card with few tries may be begun by a number whose keys were not tried.
fn tried_some(refused: &NotOurs, tried: usize, unfinished: usize) -> String {
    format!(
        "{refused}; of {unfinished} begun numbers {tried} keys were tried, the last begun first, and its other tries were kept"
    )
}

pub(super) fn application_serial(job: &Job) -> Result<ApplicationSerial, Setback> {
    match job.serial {
        Serial::Application { serial, .. } => Ok(serial),
        Serial::Sam(_) => Err(Setback::Station("a SAM's number cannot be a card's: see the profile".to_owned())),
    }
}

pub(super) fn no_row(row: u64) -> Setback {
    Setback::Station(format!("the list has no row {row}: it was changed since the batch began"))
}

/// The store made nothing.
pub(super) fn station(error: StoreError) -> Setback {
    Setback::Station(error.to_string())
}

/// The card left, or the reader failed.
pub(super) fn silent(error: TransportError) -> Setback {
    Setback::Silent(error)
}
