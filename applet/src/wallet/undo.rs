//! Undo of the last purchase (消费撤销) (own, profile §3.3): a purchase backwards, by the cancel key.

use onecard_wire::{
    key::KeyType,
    wallet::{Purse, TransactionType},
};

use super::Wallet;
use crate::{
    apdu::{Command, Response},
    cos::Cos,
    failure::Failure,
    nvm::Transaction,
    platform::Platform,
};

impl<P: Platform> Cos<'_, P> {
    pub(super) fn initialize_for_undo(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        let undo = self.begin_with_terminal(command, Purse::Ep, KeyType::CANCEL, TransactionType::UNDO, answer)?;
        self.session.wallet = Wallet::Undo(undo);
        Ok(())
    }

    /// DEBIT, P1 06.
    pub(super) fn debit_for_undo(
        &mut self,
        command: &Command<'_>,
        wallet: Wallet,
        answer: &mut Response,
    ) -> Result<(), Failure> {
        let begun = match wallet {
            Wallet::Undo(begun) => Some(begun),
            _ => None,
        };
        self.debit_with_terminal(command, begun, Transaction::new(), answer)
    }
}
