//! The undo of this SAM's last purchase (own, profile §4).

use onecard_wire::{
    sam::{InitSamAnswer, SequenceRecord, UsageKind},
    status::StatusWord,
    wallet::TransactionType,
};

use super::{SamRequest, SamTransaction};
use crate::{
    apdu::{Command, Response},
    cos::Cos,
    failure::{Failure, refuse},
    platform::Platform,
};

impl<P: Platform> Cos<'_, P> {
    /// `80 70 01 00`: the undo takes the SAM's next sequence, so that hiding it from settlement leaves a gap. The sequence
    /// moves on before MAC1 leaves: who keeps the card's MAC2 from the SAM leaves the gap too. The purchase stays the last
    /// until a MAC2 shows that it is undone, so an undo that failed can be tried again, with another number.
    pub(super) fn init_sam_for_undo(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        let request = SamRequest::parse(command.data, 0)?;
        command.require_answer_len(InitSamAnswer::LEN)?;
        let sequence = self.sequence()?;
        let next = sequence.next()?;
        if request.init.transaction_type != TransactionType::UNDO {
            return refuse(StatusWord::WRONG_DATA);
        }
        let last = sequence.last.filter(|last| is_undone_by(last, &request)).ok_or(StatusWord::NO_MAC_AVAILABLE)?;
        let awaited = self.answer_mac1(&request, UsageKind::CANCEL, next, answer)?;
        self.write_sequence(&SequenceRecord { next_sequence: next.saturating_add(1), ..last })?;
        self.session.sam = SamTransaction::Undo(awaited);
        Ok(())
    }
}

/// Whether `request` undoes what this SAM did last: a purchase from the EP, of that card and amount, and nothing came after
/// it on the card. An undo is no purchase, so each is undone once.
pub(super) fn is_undone_by(last: &SequenceRecord, request: &SamRequest<'_>) -> bool {
    last.transaction_type == TransactionType::PURCHASE_EP
        && last.card_serial == request.serial()
        && last.amount == request.init.amount
        && last.card_sequence.checked_add(1) == Some(request.init.card_sequence)
}
