//! What may be sent to a card at all. Every command passes here before it leaves, whatever rule it comes from, so that a
//! mistake in the rules costs a card nothing.

use std::collections::BTreeMap;

use onecard_wire::{ins, status::StatusWord};

/// How far a run may go.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Mode {
    /// Nothing is written, no try is counted, no transaction is completed.
    #[default]
    Read,
    /// A test application is made on a blank card, used, and taken off again.
    Write,
}

/// Looks at each command.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    mode: Mode,
    /// Tries left and tries when full, by name of the key or PIN.
    tries: BTreeMap<String, (u16, u16)>,
    /// Whether the last command began a transaction.
    begun: bool,
}

/// Why a command was not sent.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Withheld {
    /// It writes, and the card is only to be read.
    #[error("it writes to the card, which is only to be read")]
    Writes,
    /// It could complete a transaction.
    #[error("it could complete a transaction, and the card is only to be read")]
    Completes,
    /// It could block an application or the card for good.
    #[error("it could block the card or an application for good")]
    BlocksForGood,
    /// It counts a try of something that the rule does not name.
    #[error("it counts a try, and the rule does not say whose")]
    UnnamedTry,
    /// Nobody knows how many tries are left.
    #[error("it counts a try of {0}, and nobody knows how many are left")]
    UnknownTries(String),
    /// It could cost the last try.
    #[error("it counts a try of {0}, and {1} is left: it could be the last")]
    LastTry(String, u16),
}

/// Fewest tries that must be left for one to be made: should it fail, one is left.
const TRIES_MIN: u16 = 2;

impl Guard {
    pub(crate) const fn new(mode: Mode) -> Self {
        Self { mode, tries: BTreeMap::new(), begun: false }
    }

    pub(crate) const fn mode(&self) -> Mode {
        self.mode
    }

    /// So many tries of `name` are left, of as many.
    pub(crate) fn set_tries(&mut self, name: &str, left: u16, full: u16) {
        self.tries.insert(name.to_owned(), (left, full));
    }

    /// Whether enough tries of `name` are known to be left.
    pub(crate) fn may_try(&self, name: &str) -> bool {
        self.check_tries(name).is_ok()
    }

    /// Whether `command`, which may count a try of each of `tries`, may leave.
    pub(crate) fn check(&self, command: &[u8], tries: &[String]) -> Result<(), Withheld> {
        let [cla, ins, p1, p2, rest @ ..] = command else { return Ok(()) };
        // Without a data field there is nothing to write and no secret to compare.
        let has_data = rest.len() > 1;
        if has_data && (*ins == ins::CARD_BLOCK || (*ins == ins::APPLICATION_BLOCK && *p2 != 0x00)) {
            return Err(Withheld::BlocksForGood);
        }
        if self.mode == Mode::Read {
            let cache = *ins == ins::UPDATE_CAPP_DATA_CACHE && *cla == ins::CLA_PBOC;
            // Of the SAM's, those of an undo or a load spend something.
            let sam = matches!(*ins, ins::INIT_SAM | ins::CREDIT_SAM) && *p1 == ins::SAM_PURCHASE;
            let refused = *ins == ins::CREDIT_SAM && *p1 > ins::SAM_PAST_PURCHASE;
            let reads = READS.contains(ins) || *ins == ins::READ_BINARY || cache || sam || refused;
            if (has_data && !reads) || *ins == ins::ERASE_DF {
                return Err(Withheld::Writes);
            }
            if self.begun && COMPLETES.contains(ins) {
                return Err(Withheld::Completes);
            }
        }
        if has_data && counts(*cla, *ins) {
            if tries.is_empty() {
                return Err(Withheld::UnnamedTry);
            }
            tries.iter().try_for_each(|name| self.check_tries(name))?;
        }
        Ok(())
    }

    /// What the answer says of the tries that are left. Whatever is not a success is taken for a failure that was counted.
    pub(crate) fn answered(&mut self, command: &[u8], tries: &[String], status: StatusWord) {
        let began = |bytes: &[u8]| matches!(bytes, [_, ins::INITIALIZE | ins::INIT_SAM, ..]);
        self.begun = status.is_ok() && began(command);
        let [cla, ins, _, _, rest @ ..] = command else { return };
        if rest.len() <= 1 || !counts(*cla, *ins) {
            return;
        }
        for name in tries {
            if let Some((left, full)) = self.tries.get_mut(name) {
                *left = match status.tries() {
                    _ if status.is_ok() => *full,
                    Some(told) if told < 0x0F => u16::from(told),
                    _ => left.saturating_sub(1),
                };
            }
        }
    }

    fn check_tries(&self, name: &str) -> Result<(), Withheld> {
        match self.tries.get(name) {
            None => Err(Withheld::UnknownTries(name.to_owned())),
            Some((left, _)) if *left < TRIES_MIN => Err(Withheld::LastTry(name.to_owned(), *left)),
            Some(_) => Ok(()),
        }
    }
}

/// Instructions that may carry data to a card that is only read: they write nothing, whatever the data.
const READS: [u8; 15] = [
    ins::VERIFY,
    ins::INITIALIZE,
    ins::CREDIT_FOR_LOAD,
    ins::DEBIT,
    ins::UPDATE_OVERDRAW_LIMIT,
    ins::GET_TRANSACTION_PROVE,
    ins::GET_BALANCE,
    ins::GET_CHALLENGE,
    ins::INTERNAL_AUTHENTICATE,
    ins::SELECT,
    ins::READ_RECORD,
    ins::GET_DATA,
    ins::INIT_FOR_DESCRYPT,
    ins::DES_CRYPT,
    ins::SAM_MARK,
];
/// Instructions that complete a transaction, or change what it writes.
const COMPLETES: [u8; 5] =
    [ins::CREDIT_FOR_LOAD, ins::DEBIT, ins::UPDATE_OVERDRAW_LIMIT, ins::UPDATE_CAPP_DATA_CACHE, ins::CREDIT_SAM];

/// Whether a command with data compares a secret.
fn counts(cla: u8, ins: u8) -> bool {
    let secrets = [ins::VERIFY, ins::EXTERNAL_AUTHENTICATE, ins::CHANGE_OR_RELOAD_PIN, ins::PIN_UNBLOCK];
    let blocks = [ins::APPLICATION_BLOCK, ins::APPLICATION_UNBLOCK, ins::CARD_BLOCK];
    secrets.contains(&ins) || blocks.contains(&ins) || cla & ins::CLA_SM_BIT != 0
}
