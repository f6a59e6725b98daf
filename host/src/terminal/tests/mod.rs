//! The terminals against a scripted card (published traces) and a model card that loses, changes and forges answers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod attacks;
mod desk;
mod evidence;
mod failing;
mod journal;
mod listed;
mod model_card;
mod plain_wallet;
mod relayed;
mod remote;
mod replayed;
mod subsidies;
mod texts;
mod torn;
mod traces;
mod undo;
mod villain;

use onecard_wire::{
    amount::Amount,
    date::{Date, Moment, Time},
    key::KeyVersion,
    number::{ApplicationSerial, EnterpriseId, TerminalNumber},
    wallet::Purse,
};

use super::*;
use crate::{
    card::Pin,
    crypto::Key,
    keys::{EnterpriseKeys, KeySet, Purpose},
    sam::{SoftwareSam, SoftwareSamState},
};

const VERSION: KeyVersion = KeyVersion(1);
const TERMINAL: TerminalNumber = TerminalNumber([0, 0, 0, 0, 0x12, 0x34]);

fn enterprise() -> EnterpriseId {
    "1000000000000001".parse().unwrap()
}

fn serial(number: u64) -> ApplicationSerial {
    ApplicationSerial::from_parts(31, 1, number).unwrap()
}

fn moment(second: u8) -> Moment {
    let time = Time::from_bytes([0x12, 0x30, ((second / 10) << 4) | (second % 10)]).unwrap();
    Moment { date: Date::parse("2026-11-22").unwrap(), time }
}

fn yuan(text: &str) -> Amount {
    Amount::parse_yuan(text).unwrap()
}

/// Unequal halves, and another key for each purpose.
fn master(purpose: Purpose) -> Key {
    Key::from_bytes(std::array::from_fn(|at| (at as u8).wrapping_mul(37) ^ (purpose as u8).wrapping_mul(11) ^ 0x5A))
}

fn keys(purposes: &[Purpose]) -> EnterpriseKeys {
    let set = purposes.iter().fold(KeySet::default(), |set, purpose| set.with(*purpose, VERSION, master(*purpose)));
    EnterpriseKeys::new(enterprise(), set)
}

fn sam(purposes: &[Purpose]) -> SoftwareSam {
    let state = SoftwareSamState {
        terminal: TERMINAL,
        next_sequence: 7,
        load_limit_fen: 100_000,
        last_load: None,
        last_purchase: None,
        randoms_made: 0,
    };
    SoftwareSam::new(keys(purposes), VERSION, state)
}

/// A SAM that can read the log too.
fn whole_sam() -> SoftwareSam {
    sam(&[Purpose::Purchase, Purpose::Load, Purpose::Maintenance, Purpose::Cancel])
}

fn issuer() -> IssuerKeys {
    IssuerKeys::new().with(enterprise(), master(Purpose::Tac))
}

fn sale(number: u64, amount: &str) -> PurchaseOrder {
    PurchaseOrder {
        number: OrderNumber(number),
        enterprise: enterprise(),
        purse: Purse::Ep,
        key_id: 1,
        amount: yuan(amount),
        moment: moment(u8::try_from(number % 60).unwrap()),
        pin: None,
    }
}

fn top_up(number: u64, amount: &str) -> RechargeOrder {
    RechargeOrder {
        number: OrderNumber(number),
        enterprise: enterprise(),
        purse: Purse::Ep,
        key_id: 1,
        amount: yuan(amount),
        moment: moment(u8::try_from(number % 60).unwrap()),
        pin: Some(Pin::from_digits("123456").unwrap()),
    }
}

fn committed(outcome: &Outcome) -> Receipt {
    match outcome {
        Outcome::Committed(receipt) => *receipt,
        other => panic!("not committed: {other:?}"),
    }
}

fn cause(outcome: &Outcome) -> Cause {
    match outcome {
        Outcome::NotCommitted(reason) => reason.cause.clone(),
        other => panic!("not \"not committed\": {other:?}"),
    }
}

fn in_doubt(outcome: &Outcome) -> InDoubt {
    match outcome {
        Outcome::Unknown(in_doubt) => in_doubt.clone(),
        other => panic!("not unknown: {other:?}"),
    }
}
