//! INIT_SAM_FOR_PURCHASE, CREDIT_SAM_FOR_PURCHASE, and the check of a past MAC2.

use onecard_wire::{
    fid::Fid,
    ins::{SAM_CHECK_LOAD, SAM_LOAD, SAM_PAST_PURCHASE, SAM_PURCHASE, SAM_UNDO},
    sam::{InitSam, InitSamAnswer, SequenceRecord, UsageKind},
    status::StatusWord,
    wallet::TransactionType,
};

use super::SamRequest;
use super::undo::is_undone_by;
use crate::{
    apdu::{Command, Response, put},
    cos::Cos,
    crypto::same,
    failure::{Failure, refuse},
    fs::{
        File, find_child,
        record::{cyclic_ring, stage_cyclic},
    },
    nvm::Transaction,
    platform::Platform,
    wallet::{Order, SessionKey, dated_input},
};

/// The SAM's transaction between its two commands; any other command cancels it.
#[derive(Default)]
pub(crate) enum SamTransaction {
    #[default]
    Idle,
    /// A purchase that waits for the card's MAC2.
    Purchase(Awaited),
    /// An undo that waits for it.
    Undo(Awaited),
}

/// What the card's MAC2 will complete.
pub(crate) struct Awaited {
    session_key: SessionKey,
    done: SequenceRecord,
}

/// EF 0018.
pub(super) struct Sequence {
    file: File,
    /// Its newest record.
    pub(super) last: Option<SequenceRecord>,
}

impl Sequence {
    /// The next terminal sequence.
    ///
    /// # Errors
    /// 9402 if the last is spent.
    pub(super) fn next(&self) -> Result<u32, StatusWord> {
        match self.last.map_or(0, |last| last.next_sequence) {
            u32::MAX => Err(StatusWord::COUNTER_AT_MAXIMUM),
            next => Ok(next),
        }
    }
}

impl<P: Platform> Cos<'_, P> {
    /// `80 70`: P1 00 purchase, 01 undo (own), 02 load (own).
    pub(crate) fn init_sam(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        match (command.p1, command.p2) {
            (SAM_PURCHASE, 0x00) => self.init_sam_for_purchase(command, answer),
            (SAM_UNDO, 0x00) => self.init_sam_for_undo(command, answer),
            (SAM_LOAD, 0x00) => self.sam_load(command, answer),
            _ => refuse(StatusWord::WRONG_P1P2),
        }
    }

    /// `80 72`: P1 00 purchase, 01 undo (own), 02 MAC1 of a load (own), 03 past purchase or undo (own).
    pub(crate) fn credit_sam(&mut self, command: &Command<'_>, transaction: SamTransaction) -> Result<(), Failure> {
        command.require_no_answer()?;
        match (command.p1, command.p2) {
            (SAM_PURCHASE | SAM_UNDO, 0x00) => self.complete_sam(command, transaction),
            (SAM_CHECK_LOAD, 0x00) => self.sam_check_load(command),
            (SAM_PAST_PURCHASE, 0x00) => self.check_past(command),
            _ => refuse(StatusWord::WRONG_P1P2),
        }
    }

    fn init_sam_for_purchase(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        let request = SamRequest::parse(command.data, 0)?;
        command.require_answer_len(InitSamAnswer::LEN)?;
        let next = self.sequence()?.next()?;
        if !is_purchase(request.init.transaction_type) {
            return refuse(StatusWord::WRONG_DATA);
        }
        let awaited = self.answer_mac1(&request, UsageKind::PURCHASE, next, answer)?;
        self.session.sam = SamTransaction::Purchase(awaited);
        Ok(())
    }

    /// Answers the terminal sequence and MAC1. The sequence is spent once the card's MAC2 is there.
    pub(super) fn answer_mac1(
        &self,
        request: &SamRequest<'_>,
        kind: UsageKind,
        terminal_sequence: u32,
        answer: &mut Response,
    ) -> Result<Awaited, StatusWord> {
        let session_key = self.session_key(request, kind, terminal_sequence)?;
        let InitSam { amount, transaction_type, moment, .. } = request.init;
        let order = Order { amount, transaction_type, terminal: self.terminal_number()? };
        let mac1 = session_key.mac(&dated_input(&order, moment.date, moment.time));
        put(answer, &InitSamAnswer { terminal_sequence, mac1 }.emit())?;
        Ok(Awaited { session_key, done: done(request, terminal_sequence) })
    }

    /// `80 72`, P1 as of the INIT_SAM before it. A wrong MAC2 ends the transaction and locks nothing (own), or a false card
    /// could lock a till.
    fn complete_sam(&mut self, command: &Command<'_>, transaction: SamTransaction) -> Result<(), Failure> {
        command.require_data_len(4)?;
        let Awaited { session_key, done } = match (command.p1, transaction) {
            (SAM_PURCHASE, SamTransaction::Purchase(awaited)) | (SAM_UNDO, SamTransaction::Undo(awaited)) => awaited,
            _ => return refuse(StatusWord::NO_TRANSACTION),
        };
        if !same(&session_key.mac(&done.amount.to_bytes()), command.data) {
            return refuse(StatusWord::MAC_WRONG);
        }
        self.write_sequence(&done)
    }

    /// The MAC2 that GET TRANSACTION PROVE brought; the sequence moves on only if it still stands there.
    fn check_past(&mut self, command: &Command<'_>) -> Result<(), Failure> {
        let (sequence, data) = command.data.split_first_chunk().ok_or(StatusWord::WRONG_LENGTH)?;
        let sequence = u32::from_be_bytes(*sequence);
        let request = SamRequest::parse(data, 4)?;
        let kind = match request.init.transaction_type {
            TransactionType::UNDO => UsageKind::CANCEL,
            purchase if is_purchase(purchase) => UsageKind::PURCHASE,
            _ => return refuse(StatusWord::WRONG_DATA),
        };
        let session_key = self.session_key(&request, kind, sequence)?;
        if !same(&session_key.mac(&request.init.amount.to_bytes()), request.rest) {
            return refuse(StatusWord::MAC_WRONG);
        }
        let (stands, done) = (self.sequence()?, done(&request, sequence));
        if kind == UsageKind::CANCEL {
            // Its number was spent when it began.
            let last = stands.last.filter(|last| is_undone_by(last, &request));
            let undone = |last: SequenceRecord| SequenceRecord {
                next_sequence: last.next_sequence.max(done.next_sequence),
                ..done
            };
            return last.map_or(Ok(()), |last| self.write_sequence(&undone(last)));
        }
        if stands.next() == Ok(sequence) { self.write_sequence(&done) } else { Ok(()) }
    }

    fn session_key(
        &self,
        request: &SamRequest<'_>,
        kind: UsageKind,
        terminal_sequence: u32,
    ) -> Result<SessionKey, StatusWord> {
        let key = self.transaction_key(kind, request)?;
        Ok(SessionKey::offline(&key, request.init.random, request.init.card_sequence, terminal_sequence))
    }

    /// # Errors
    /// 6985 if the application has no EF 0018 as this profile has it.
    pub(super) fn sequence(&self) -> Result<Sequence, StatusWord> {
        let (_, file) = find_child(self.nvm, self.session.directory.index, Fid::SAM_SEQUENCE)
            .ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
        let (ring, length) = cyclic_ring(&file).ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
        if length != SequenceRecord::LEN {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        let record = |cell| SequenceRecord::parse(&self.nvm.array::<{ SequenceRecord::LEN }>(ring.content(cell)));
        Ok(Sequence { file, last: ring.newest(self.nvm).and_then(record) })
    }

    pub(super) fn write_sequence(&mut self, done: &SequenceRecord) -> Result<(), Failure> {
        let Sequence { file, .. } = self.sequence()?;
        let mut transaction = Transaction::new();
        stage_cyclic(self.nvm, &file, &done.emit(), &mut transaction)?;
        Ok(self.nvm.commit(transaction)?)
    }
}

/// What INIT_SAM_FOR_PURCHASE makes MAC1 for: loads and undos have forms of their own (own).
const fn is_purchase(transaction_type: TransactionType) -> bool {
    matches!(
        transaction_type,
        TransactionType::CASH_WITHDRAW
            | TransactionType::PURCHASE_ED
            | TransactionType::PURCHASE_EP
            | TransactionType::CAPP
    )
}

/// What EF 0018 says once the transaction with this sequence is complete.
fn done(request: &SamRequest<'_>, terminal_sequence: u32) -> SequenceRecord {
    SequenceRecord {
        next_sequence: terminal_sequence.saturating_add(1),
        card_serial: request.serial(),
        card_sequence: request.init.card_sequence,
        amount: request.init.amount,
        transaction_type: request.init.transaction_type,
    }
}
