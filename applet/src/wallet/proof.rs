//! GET TRANSACTION PROVE (FMCOS 2.0 user manual p. 121-122).

use onecard_wire::{
    status::StatusWord,
    wallet::{Proof, Purse, TransactionType},
};

use crate::{
    apdu::{Command, Response, put},
    card::Card,
    failure::Failure,
    platform::Platform,
};

impl<P: Platform> Card<P> {
    /// GET TRANSACTION PROVE: P2 is the type, the data field the sequence after the increment.
    pub(crate) fn transaction_prove(&self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        let wanted = TransactionType(command.p2);
        let purse = purse_of(wanted).filter(|_| command.p1 == 0).ok_or(StatusWord::WRONG_P1P2)?;
        let sequence = command.data.try_into().map(u16::from_be_bytes).map_err(|_| StatusWord::WRONG_LENGTH)?;
        command.require_answer_len(Proof::LEN)?;
        let open = self.open_purse(purse)?;
        let proven = self
            .find_proven(&open, |proven| proven.sequence == sequence && proven.transaction_type == wanted)
            .ok_or(StatusWord::NO_MAC_AVAILABLE)?;
        Ok(put(answer, &proven.proof.emit())?)
    }
}

const fn purse_of(transaction_type: TransactionType) -> Option<Purse> {
    match transaction_type {
        TransactionType::LOAD_ED
        | TransactionType::UNLOAD_ED
        | TransactionType::CASH_WITHDRAW
        | TransactionType::PURCHASE_ED
        | TransactionType::OVERDRAFT => Some(Purse::Ed),
        TransactionType::LOAD_EP
        | TransactionType::PURCHASE_EP
        | TransactionType::CAPP
        | TransactionType::UNDO
        | TransactionType::UNLOAD_EP => Some(Purse::Ep),
        _ => None,
    }
}
