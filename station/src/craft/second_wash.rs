//! Cards after the operator's wash: the enterprise's, by a key master card and an issuing SAM (specification 18.5.11).
//!
//! Nothing on such a card tells its number, which the operator gave it and which its one key is diversified by. So cards come in the
//! order of their numbers. The first WRITE KEY shows whether one is the card it was taken for, and spends a try if it is not.

use std::fs::File;

use onecard_host::{
    apdu::{Command, exchange},
    card::{SelectError, Selected, select},
    disk::DiskFile,
    issuing::{CardOrder, CardWash, Cause, IssuingError, ListedOwner, Reached, listed_owner, wash_card_to_enterprise},
    sam::{AuthenticationUse, CardFactors},
    transport::Transport,
};
use onecard_wire::{aid, ins, number::ApplicationSerial};
use rand::RngExt;

use super::{
    Orders, WashingBook, WashingKeys, card_check,
    cpu_card::{application_serial, no_row, write_rights},
    washing_keys::{CardNotes, exports_left, exports_of},
};
use crate::{
    batch::{Craft, Found, Job, Setback, Unfinished},
    numbers::{Number, Serial, Series},
};

/// The second wash of a batch of cards, or of SIMs whose application is installed.
#[derive(Debug)]
pub struct SecondWashCraft<'c, 'k, F = File> {
    /// Key master card and issuing SAM.
    pub keys: &'c WashingKeys<'k>,
    /// The journal of washes.
    pub book: &'c WashingBook<'c, F>,
    /// What each card gets.
    pub orders: &'c Orders<'c>,
    /// The numbers.
    pub series: &'c Series,
}

/// Whose keys an application has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeysOf {
    /// The operator's one key, for all that is known.
    Operator,
    /// The enterprise's, some or all.
    Enterprise,
}

const NOT_WASHED: &str =
    "the operator's wash is missing: `onecard wash first card`, of a SIM `onecard gp install` 尚未一次洗卡";
const OTHER_SAM: &str = "the card has the key master card's keys, and the issuing SAM has others: take the issuing SAM of these keys, \
     then go on 发卡SAM与密钥母卡不符";

impl<F: DiskFile + Send> Craft for SecondWashCraft<'_, '_, F> {
    type Opening = KeysOf;

    fn comes_numbered(&self) -> bool {
        true
    }

    fn look(&self, card: &mut dyn Transport, unfinished: &Unfinished) -> Result<Found<KeysOf>, Setback> {
        let found = match select(card, &aid::enterprise_application(self.keys.enterprise_id())) {
            Ok(application) => return self.whole(card, application.serial(), unfinished),
            Err(SelectError::NotIssued) => self.without_contents(card, unfinished)?,
            Err(SelectError::Exchange(error)) => return Err(card_check::exchange_setback(error)),
            Err(SelectError::NoApplication) => return Err(Setback::NotOurs(NOT_WASHED.to_owned())),
            Err(error) => return Err(Setback::NotOurs(error.to_string())),
        };
        self.allowance_covers(&found)?;
        Ok(found)
    }

    fn make(&self, card: &mut dyn Transport, job: &Job, has: KeysOf) -> Result<(), Setback> {
        let serial = application_serial(job)?;
        let order = self.orders.order(job.row).ok_or_else(|| no_row(job.row))?;
        if has == KeysOf::Operator && self.book.reached(serial) == Some(Reached::Good) {
            return Err(Setback::OtherNumber(format!("{serial} was washed before, and this card is not it 并非该卡")));
        }
        let application = self.wash(card, serial, &order)?;
        write_rights(card, &application, &mut **self.keys.sam(), &order, &self.orders.rights(&order))
    }

    fn check(&self, card: &mut dyn Transport, job: &Job) -> Result<(), Setback> {
        let serial = application_serial(job)?;
        let order = self.orders.order(job.row).ok_or_else(|| no_row(job.row))?;
        let rights = self.orders.rights(&order);
        card_check::agree(card, order.key_version, &mut **self.keys.sam(), serial, &order, &rights)
    }
}

impl<F: DiskFile> SecondWashCraft<'_, '_, F> {
    /// A card that says who it is, which everybody can: a key 30 shows it.
    fn whole(
        &self,
        card: &mut dyn Transport,
        serial: ApplicationSerial,
        unfinished: &Unfinished,
    ) -> Result<Found<KeysOf>, Setback> {
        let number = self.series.number_of(serial).ok_or_else(|| {
            Setback::NotOurs(format!("card {serial} is issued already, with a number of another series"))
        })?;
        let shown = unfinished.all().contains(&number) && self.shows(card, serial)?;
        Ok(Found::Whole(number, shown.then_some(KeysOf::Enterprise)))
    }

    /// One that does not.
    fn without_contents(&self, card: &mut dyn Transport, unfinished: &Unfinished) -> Result<Found<KeysOf>, Setback> {
        let owner = listed_owner(card).map_err(card_check::exchange_setback)?;
        match owner {
            ListedOwner::Nobody => Err(Setback::NotOurs(NOT_WASHED.to_owned())),
            ListedOwner::Operator => Ok(self.operators(unfinished)),
            ListedOwner::Enterprise | ListedOwner::Untold => {
                if let Some(found) = self.by_authentication(card, unfinished)? {
                    return Ok(found);
                }
                // No key that could answer is there yet.
                let few =
                    |number: &Number| matches!(self.reached(*number), Some(Reached::ControlSent | Reached::Keys(_)));
                match unfinished.begun().iter().copied().find(few) {
                    Some(number) => Ok(Found::Begun(number, KeysOf::Enterprise)),
                    None if owner == ListedOwner::Untold => Ok(self.operators(unfinished)),
                    None => Err(strange_keys()),
                }
            }
        }
    }

    /// The operator's key alone: of the number that was begun and has not got its control key, of which there is one at most; else of
    /// the next.
    fn operators(&self, unfinished: &Unfinished) -> Found<KeysOf> {
        let has_operators =
            |number: &Number| matches!(self.reached(*number), None | Some(Reached::Operator | Reached::ControlSent));
        match unfinished.begun().iter().copied().find(has_operators) {
            Some(number) => Found::Begun(number, KeysOf::Operator),
            None => Found::Blank(KeysOf::Operator),
        }
    }

    /// Whose keys 30 the card has; `None` if it has none. No try is spent.
    fn by_authentication(
        &self,
        card: &mut dyn Transport,
        unfinished: &Unfinished,
    ) -> Result<Option<Found<KeysOf>>, Setback> {
        let mut answered = false;
        for usage in AuthenticationUse::ALL {
            let question = rand::rng().random();
            let Some(answer) = internal_authenticate(card, usage, question)? else { continue };
            answered = true;
            for number in unfinished.all() {
                let Some(serial) = self.serial(*number) else { continue };
                if self.makes(usage, serial, question, &answer)? {
                    return Ok(Some(Found::Begun(*number, KeysOf::Enterprise)));
                }
            }
        }
        if answered { Err(strange_keys()) } else { Ok(None) }
    }

    /// Whether a key 30 of the card answers as that card's does.
    fn shows(&self, card: &mut dyn Transport, serial: ApplicationSerial) -> Result<bool, Setback> {
        let usage = AuthenticationUse::Access;
        let question = rand::rng().random();
        match internal_authenticate(card, usage, question)? {
            Some(answer) => self.makes(usage, serial, question, &answer),
            None => Ok(false),
        }
    }

    /// Whether the issuing SAM makes the same of that question.
    fn makes(
        &self,
        usage: AuthenticationUse,
        serial: ApplicationSerial,
        question: [u8; 8],
        answer: &[u8],
    ) -> Result<bool, Setback> {
        let card = CardFactors { enterprise: self.keys.enterprise_id(), serial };
        let made = self.keys.sam().authentication(card, usage, self.keys.version(), question);
        made.map(|expected| expected.is(answer)).map_err(|error| Setback::Station(format!("issuing SAM: {error}")))
    }

    /// Before the card is touched. A number that is to be given no card any more needs none.
    fn allowance_covers(&self, found: &Found<KeysOf>) -> Result<(), Setback> {
        let order = self.orders.any().ok_or_else(|| Setback::Station("the list is empty".to_owned()))?;
        let wanted = match found {
            Found::Blank(_) => exports_of(&order),
            Found::Begun(number, _) | Found::Whole(number, _) => exports_left(&order, self.reached(*number)),
        };
        let covered = self.keys.allowance_covers(u64::from(wanted), exports_of(&order));
        covered.map_err(|error| Setback::Station(error.to_string()))
    }

    fn wash(
        &self,
        card: &mut dyn Transport,
        serial: ApplicationSerial,
        order: &CardOrder,
    ) -> Result<Selected, Setback> {
        let begun = self.book.begin(serial, self.keys.hash(order));
        let known = begun.map_err(|error| Setback::Station(error.to_string()))?;
        let mut notes = CardNotes::of(self.book, serial);
        let mut store = notes.store(self.keys);
        let wash = CardWash { serial, order, management: self.keys.management_version() };
        let washed = wash_card_to_enterprise(card, &mut store, &mut **self.keys.sam(), &wash, known, &mut notes);
        washed.map_err(|error| match error.cause {
            Cause::NeitherKey | Cause::LastTry | Cause::AnotherCard => other_number(serial, &error),
            Cause::Exchange(_) => error.into(),
            _ if self.sam_has_other_keys(card, serial) => Setback::Station(OTHER_SAM.to_owned()),
            _ => error.into(),
        })
    }

    /// Whether a key 30 of the card answers as no key of the issuing SAM does.
    fn sam_has_other_keys(&self, card: &mut dyn Transport, serial: ApplicationSerial) -> bool {
        AuthenticationUse::ALL.into_iter().any(|usage| {
            let question = rand::rng().random();
            let Ok(Some(answer)) = internal_authenticate(card, usage, question) else { return false };
            matches!(self.makes(usage, serial, question, &answer), Ok(false))
        })
    }

    fn reached(&self, number: Number) -> Option<Reached> {
        self.serial(number).and_then(|serial| self.book.reached(serial))
    }

    fn serial(&self, number: Number) -> Option<ApplicationSerial> {
        match self.series.serial(number) {
            Some(Serial::Application { serial, .. }) => Some(serial),
            _ => None,
        }
    }
}

/// What the application that is selected makes of `question` by a key 30; `None` without such a key.
fn internal_authenticate(
    card: &mut dyn Transport,
    usage: AuthenticationUse,
    question: [u8; 8],
) -> Result<Option<Vec<u8>>, Setback> {
    const ENCIPHER: u8 = 0x00;
    let id = usage.purpose().place().map_or(0, |place| place.id);
    let ask = Command::new(ins::CLA_ISO, ins::INTERNAL_AUTHENTICATE, ENCIPHER, id).with_data(&question).expecting(0);
    let answer = exchange(card, &ask).map_err(card_check::exchange_setback)?;
    Ok(answer.status.is_ok().then_some(answer.data))
}

fn strange_keys() -> Setback {
    Setback::NotOurs("the card has keys of no number of this batch that is unfinished 并非本批未完成的卡".to_owned())
}

fn other_number(serial: ApplicationSerial, error: &IssuingError) -> Setback {
    Setback::OtherNumber(format!(
        "taken for {serial}, the card is not it, or has other keys of the operator's ({cause}): cards come in the order of their \
         numbers. If the card of {serial} is lost, say so by --give-up {serial} 请按卡号顺序放卡",
        cause = error.cause
    ))
}
