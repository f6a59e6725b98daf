//! INIT_SAM_FOR_PURCHASE, CREDIT_SAM_FOR_PURCHASE, and the check of a past MAC2.

use onecard_wire::{
    fid::Fid,
    ins::{SAM_CHECK_LOAD, SAM_LOAD, SAM_PAST_PURCHASE, SAM_PURCHASE},
    sam::{InitSamAnswer, SequenceRecord, UsageKind},
    status::StatusWord,
    wallet::TransactionType,
};

use super::SamRequest;
use crate::{
    apdu::{Command, Response, put},
    card::Card,
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
    Purchase(Purchase),
}

/// A purchase that waits for the card's MAC2.
pub(crate) struct Purchase {
    session_key: SessionKey,
    done: SequenceRecord,
}

impl<P: Platform> Card<P> {
    /// `80 70`: P1 00 purchase, 02 load (own).
    pub(crate) fn init_sam(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        match (command.p1, command.p2) {
            (SAM_PURCHASE, 0x00) => self.init_sam_for_purchase(command, answer),
            (SAM_LOAD, 0x00) => self.sam_load(command, answer),
            _ => refuse(StatusWord::WRONG_P1P2),
        }
    }

    /// `80 72`: P1 00 purchase, 02 MAC1 of a load (own), 03 past purchase (own).
    pub(crate) fn credit_sam(&mut self, command: &Command<'_>, transaction: SamTransaction) -> Result<(), Failure> {
        command.require_no_answer()?;
        match (command.p1, command.p2) {
            (SAM_PURCHASE, 0x00) => self.credit_sam_for_purchase(command, transaction),
            (SAM_CHECK_LOAD, 0x00) => self.sam_check_load(command),
            (SAM_PAST_PURCHASE, 0x00) => self.check_past_purchase(command),
            _ => refuse(StatusWord::WRONG_P1P2),
        }
    }

    fn init_sam_for_purchase(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        let request = SamRequest::parse(command.data, 0)?;
        command.require_answer_len(InitSamAnswer::LEN)?;
        let (_, next) = self.sequence()?;
        if next == u32::MAX {
            return refuse(StatusWord::COUNTER_AT_MAXIMUM);
        }
        let session_key = self.purchase_session_key(&request, next)?;
        let init = &request.init;
        let order =
            Order { amount: init.amount, transaction_type: init.transaction_type, terminal: self.terminal_number()? };
        let mac1 = session_key.mac(&dated_input(&order, init.moment.date, init.moment.time));
        put(answer, &InitSamAnswer { terminal_sequence: next, mac1 }.emit())?;
        self.session.sam = SamTransaction::Purchase(Purchase { session_key, done: spent(&request, next) });
        Ok(())
    }

    /// A wrong MAC2 ends the transaction and locks nothing (own), or a false card could lock a till.
    fn credit_sam_for_purchase(&mut self, command: &Command<'_>, transaction: SamTransaction) -> Result<(), Failure> {
        command.require_data_len(4)?;
        let SamTransaction::Purchase(Purchase { session_key, done }) = transaction else {
            return refuse(StatusWord::NO_TRANSACTION);
        };
        if !same(&session_key.mac(&done.amount.to_bytes()), command.data) {
            return refuse(StatusWord::MAC_WRONG);
        }
        self.write_sequence(&done)
    }

    /// The MAC2 that GET TRANSACTION PROVE brought; the sequence moves on only if it still stands there.
    fn check_past_purchase(&mut self, command: &Command<'_>) -> Result<(), Failure> {
        let (sequence, data) = command.data.split_first_chunk().ok_or(StatusWord::WRONG_LENGTH)?;
        let sequence = u32::from_be_bytes(*sequence);
        let request = SamRequest::parse(data, 4)?;
        let session_key = self.purchase_session_key(&request, sequence)?;
        if !same(&session_key.mac(&request.init.amount.to_bytes()), request.rest) {
            return refuse(StatusWord::MAC_WRONG);
        }
        let (_, next) = self.sequence()?;
        if next == sequence && next != u32::MAX { self.write_sequence(&spent(&request, sequence)) } else { Ok(()) }
    }

    fn purchase_session_key(&self, request: &SamRequest<'_>, sequence: u32) -> Result<SessionKey, StatusWord> {
        let init = &request.init;
        let is_purchase = matches!(
            init.transaction_type,
            TransactionType::CASH_WITHDRAW
                | TransactionType::PURCHASE_ED
                | TransactionType::PURCHASE_EP
                | TransactionType::CAPP
        );
        if !is_purchase {
            return Err(StatusWord::WRONG_DATA);
        }
        let key = self.card_key(UsageKind::PURCHASE, init.key_version.0, request.factors)?;
        Ok(SessionKey::offline(&key, init.random, init.card_sequence, sequence))
    }

    /// EF 0018 and the next terminal sequence.
    fn sequence(&self) -> Result<(File, u32), StatusWord> {
        let (_, file) = find_child(&self.nvm, self.session.directory.index, Fid::SAM_SEQUENCE)
            .ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
        let (ring, length) = cyclic_ring(&file).ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
        if length != SequenceRecord::LEN {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        let next = ring.newest(&self.nvm).map_or(0, |cell| u32::from_be_bytes(self.nvm.array(ring.content(cell))));
        Ok((file, next))
    }

    fn write_sequence(&mut self, done: &SequenceRecord) -> Result<(), Failure> {
        let (file, _) = self.sequence()?;
        let mut transaction = Transaction::new();
        stage_cyclic(&self.nvm, &file, &done.emit(), &mut transaction)?;
        Ok(self.nvm.commit(transaction)?)
    }
}

/// What EF 0018 says after the purchase with this sequence.
fn spent(request: &SamRequest<'_>, sequence: u32) -> SequenceRecord {
    SequenceRecord {
        next_sequence: sequence.saturating_add(1),
        card_serial: request.serial(),
        card_sequence: request.init.card_sequence,
        amount: request.init.amount,
    }
}
