//! GET TRANSACTION PROVE (FMCOS 2.0 user manual p. 121-122).

use onecard_wire::{
    status::StatusWord,
    wallet::{Proof, TransactionType},
};

use crate::{
    apdu::{Command, Response, put},
    cos::Cos,
    failure::Failure,
    platform::Platform,
};

impl<P: Platform> Cos<'_, P> {
    /// GET TRANSACTION PROVE: P2 is the type, the data field the sequence after the increment.
    pub(crate) fn transaction_prove(&self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        let wanted = TransactionType(command.p2);
        let purse = wanted.purse().filter(|_| command.p1 == 0).ok_or(StatusWord::WRONG_P1P2)?;
        let sequence = command.data.try_into().map(u16::from_be_bytes).map_err(|_| StatusWord::WRONG_LENGTH)?;
        command.require_answer_len(Proof::LEN)?;
        let open = self.open_purse(purse)?;
        let proven = self
            .find_proven(&open, |proven| proven.sequence == sequence && answers_to(proven.transaction_type, wanted))
            .ok_or(StatusWord::NO_MAC_AVAILABLE)?;
        Ok(put(answer, &proven.proof.emit())?)
    }
}

/// Some terminals ask for a compound purchase by the type of a plain one.
fn answers_to(stored: TransactionType, wanted: TransactionType) -> bool {
    stored == wanted || (stored, wanted) == (TransactionType::CAPP, TransactionType::PURCHASE_EP)
}
