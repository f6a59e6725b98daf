//! The one command of a transaction that moves money, and what its answer is worth.

use onecard_wire::status::StatusWord;

use super::Doubt;
use crate::{
    apdu::{Command, exchange},
    transport::{Transport, TransportError},
};

/// What came back from DEBIT or CREDIT.
pub(super) enum Completion {
    /// 9000 with these data.
    Done(Vec<u8>),
    /// A word that the card answers before it executes anything. No MAC protects it: whoever relays the answers can put it in
    /// the place of another one.
    SaysNothingDone(StatusWord),
    /// Anything else.
    InDoubt(Doubt),
}

/// Sends DEBIT or CREDIT. `own_parts` says that the card is of this profile, where 6985 means just one thing.
pub(super) fn complete<C: Transport + ?Sized>(card: &mut C, command: &Command, own_parts: bool) -> Completion {
    let mut watched = Watched { card, has_data: false };
    match exchange(&mut watched, command) {
        Err(error) => Completion::InDoubt(Doubt::NoAnswer(error)),
        Ok(response) if response.status.is_ok() => Completion::Done(response.data),
        // After 61xx the command is executed, and the word is GET RESPONSE's.
        Ok(response) if watched.has_data || !says_nothing_done(response.status, own_parts) => {
            Completion::InDoubt(Doubt::Status(response.status))
        }
        Ok(response) => Completion::SaysNothingDone(response.status),
    }
}

/// Whether `status` says that this DEBIT or CREDIT was refused before anything was written (FMCOS 2.0 user manual p. 91,
/// 96). 6901 is none of them: a reader that sends an executed DEBIT twice gets it too; nor is 6985 of a plain FMCOS card,
/// which may mean the same. 6581, 6F00 and every unknown word leave it open.
fn says_nothing_done(status: StatusWord, own_parts: bool) -> bool {
    match status {
        StatusWord::MAC_WRONG
        | StatusWord::BALANCE_TOO_LOW
        | StatusWord::WRONG_LENGTH
        | StatusWord::SECURITY_NOT_SATISFIED
        | StatusWord::FUNCTION_NOT_SUPPORTED
        | StatusWord::WRONG_P1P2 => true,
        StatusWord::CONDITIONS_NOT_SATISFIED => own_parts,
        _ => false,
    }
}

/// Notices 61xx.
struct Watched<'c, C: ?Sized> {
    card: &'c mut C,
    has_data: bool,
}

impl<C: Transport + ?Sized> Transport for Watched<'_, C> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let answer = self.card.transmit(command)?;
        self.has_data |= matches!(answer.as_slice(), [.., 0x61, _]);
        Ok(answer)
    }
}
