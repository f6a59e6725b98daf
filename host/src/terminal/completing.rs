//! The one command of a transaction that moves money, and what its answer is worth.

use onecard_wire::{
    date::Moment,
    ins,
    status::StatusWord,
    wallet::{CreditForLoad, DebitForPurchase, Debited, OverdraftLimit, UpdateOverdrawLimit},
};

use super::{Doubt, Kind, Transaction};
use crate::{
    apdu::{Command, CommandName, ExchangeError, exchange},
    transport::{Transport, TransportError},
};

impl Kind {
    /// What the command that completes it is called.
    pub(super) const fn completing_name(self) -> CommandName {
        match self {
            Self::PurchaseEd | Self::PurchaseEp | Self::CashWithdraw | Self::Capp => CommandName::DebitForPurchase,
            Self::LoadEd | Self::LoadEp => CommandName::CreditForLoad,
            Self::Undo => CommandName::DebitForUndo,
            Self::UnloadEd | Self::UnloadEp => CommandName::DebitForUnload,
            Self::Overdraft => CommandName::UpdateOverdrawLimit,
        }
    }
}

/// DEBIT, CREDIT or UPDATE OVERDRAW LIMIT for `transaction`, with the SAM's MAC1 or the approver's MAC2.
pub(super) fn completing_command(transaction: &Transaction, mac: [u8; 4]) -> Command {
    let Transaction { kind, moment: Moment { date, time }, .. } = *transaction;
    let command = |ins, p1| Command::new(ins::CLA_PBOC, ins, p1, 0);
    let by_host = CreditForLoad { date, time, mac2: mac };
    match kind {
        Kind::PurchaseEd | Kind::PurchaseEp | Kind::CashWithdraw | Kind::Capp | Kind::Undo => {
            let terminal_sequence = transaction.terminal_sequence.unwrap_or_default();
            let field = DebitForPurchase { terminal_sequence, date, time, mac1: mac };
            let p1 = if kind == Kind::Undo { ins::DEBIT_UNDO } else { ins::DEBIT_PURCHASE };
            command(ins::DEBIT, p1).with_data(&field.emit()).expecting(DEBITED_LEN)
        }
        Kind::LoadEd | Kind::LoadEp => command(ins::CREDIT_FOR_LOAD, 0).with_data(&by_host.emit()).expecting(MAC_LEN),
        Kind::UnloadEd | Kind::UnloadEp => {
            command(ins::DEBIT, ins::DEBIT_UNLOAD).with_data(&by_host.emit()).expecting(MAC_LEN)
        }
        Kind::Overdraft => {
            let new_limit = OverdraftLimit::from_amount(transaction.amount).unwrap_or_default();
            let field = UpdateOverdrawLimit { new_limit, moment: transaction.moment, mac2: mac };
            command(ins::UPDATE_OVERDRAW_LIMIT, 0).with_data(&field.emit()).expecting(MAC_LEN)
        }
    }
}

const DEBITED_LEN: u8 = Debited::LEN as u8;
/// A TAC, or the MAC3 of an unload.
const MAC_LEN: u8 = 4;

/// What came back from DEBIT or CREDIT.
pub(super) enum Completion {
    /// 9000 with these data.
    Done(Vec<u8>),
    /// A word that the card answers before it executes anything. No MAC protects it: whoever relays the answers can put it in
    /// the place of another one.
    SaysNothingDone(StatusWord),
    /// The transport did not send it.
    NotSent(TransportError),
    /// Anything else.
    InDoubt(Doubt),
}

/// Sends DEBIT or CREDIT. `own_parts` says that the card is of this profile, where 6985 means just one thing.
pub(super) fn complete<C: Transport + ?Sized>(card: &mut C, command: &Command, own_parts: bool) -> Completion {
    let mut watched = Watched { card, has_data: false };
    match exchange(&mut watched, command) {
        Err(ExchangeError::Transport(error)) if error.is_unsent() && !watched.has_data => Completion::NotSent(error),
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
