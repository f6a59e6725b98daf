//! The load of profile §4 (own): checks the card's MAC1, takes the amount off the SAM's limit, makes MAC2.

use onecard_wire::{
    amount::Amount,
    fid::Fid,
    file::FileKind,
    number::TerminalNumber,
    sam::{LoadLimit, UsageKind},
    status::StatusWord,
    wallet::TransactionType,
};

use super::SamRequest;
use crate::{
    apdu::{Command, Response, put},
    cos::Cos,
    crypto::same,
    failure::Failure,
    fs::{File, find_child},
    nvm::Transaction,
    platform::Platform,
    wallet::{Order, SessionKey, dated_input, load_mac1_input},
};

/// Behind the INIT_SAM data: old balance, MAC1.
const MAC1_PART_LEN: usize = 8;
/// Behind those, where INITIALIZE said another terminal number than the SAM's.
const TERMINAL_LEN: usize = 6;

impl<P: Platform> Cos<'_, P> {
    /// `80 70 02 00`: the INIT_SAM data ‖ old balance ‖ MAC1 → MAC2. The limit falls before MAC2 leaves; the last request
    /// asked again is not charged again.
    pub(super) fn sam_load(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        let request = SamRequest::parse(command.data, MAC1_PART_LEN)?;
        command.require_answer_len(4)?;
        let terminal = self.terminal_number()?;
        let (session_key, order) = self.genuine_load(&request, request.rest, terminal)?;
        self.charge_limit(&request)?;
        let moment = request.init.moment;
        Ok(put(answer, &session_key.mac(&dated_input(&order, moment.date, moment.time)))?)
    }

    /// `80 72 02 00`: the same data ‖ terminal number; whether MAC1 is a genuine card's. Nothing is charged and nothing
    /// answered, so a terminal can ask a card afresh where it stands, by a number in INITIALIZE that no recording has.
    pub(super) fn sam_check_load(&self, command: &Command<'_>) -> Result<(), Failure> {
        let request = SamRequest::parse(command.data, MAC1_PART_LEN + TERMINAL_LEN)?;
        let (mac1_part, terminal) = request.rest.split_last_chunk().ok_or(StatusWord::WRONG_LENGTH)?;
        Ok(self.genuine_load(&request, mac1_part, TerminalNumber(*terminal)).map(drop)?)
    }

    /// # Errors
    /// 6A80 unless it is a load, 9403 without the key, 9302 for a wrong MAC1.
    fn genuine_load(
        &self,
        request: &SamRequest<'_>,
        mac1_part: &[u8],
        terminal: TerminalNumber,
    ) -> Result<(SessionKey, Order), StatusWord> {
        let (old_balance, mac1) = mac1_part.split_first_chunk().ok_or(StatusWord::WRONG_LENGTH)?;
        let init = &request.init;
        if !matches!(init.transaction_type, TransactionType::LOAD_ED | TransactionType::LOAD_EP) {
            return Err(StatusWord::WRONG_DATA);
        }
        let key = self.transaction_key(UsageKind::LOAD, request)?;
        let session_key = SessionKey::online(&key, init.random, init.card_sequence);
        let order = Order { amount: init.amount, transaction_type: init.transaction_type, terminal };
        if !same(&session_key.mac(&load_mac1_input(Amount::from_bytes(*old_balance), &order)), mac1) {
            return Err(StatusWord::MAC_WRONG);
        }
        Ok((session_key, order))
    }

    /// # Errors
    /// 9401 if the limit is less than the amount, 6985 if this SAM has no limit file.
    fn charge_limit(&mut self, request: &SamRequest<'_>) -> Result<(), Failure> {
        let (file, limit) = self.load_limit()?;
        let charged = LoadLimit {
            spendable: limit.spendable,
            card_serial: request.serial(),
            card_sequence: request.init.card_sequence,
            amount: request.init.amount,
            transaction_type: request.init.transaction_type,
        };
        if charged == limit {
            return Ok(());
        }
        let spendable = limit.spendable.minus(charged.amount).ok_or(StatusWord::BALANCE_TOO_LOW)?;
        let mut transaction = Transaction::new();
        transaction.write(file.body(), &LoadLimit { spendable, ..charged }.emit())?;
        Ok(self.nvm.commit(transaction)?)
    }

    fn load_limit(&self) -> Result<(File, LoadLimit), StatusWord> {
        let (_, file) = find_child(self.nvm, self.session.directory.index, Fid::SAM_LOAD_LIMIT)
            .filter(|(_, file)| file.kind() == Some(FileKind::Binary) && file.size_bytes() == LoadLimit::LEN)
            .ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
        let limit = LoadLimit::parse(&self.nvm.array::<{ LoadLimit::LEN }>(file.body()));
        limit.map(|limit| (file, limit)).ok_or(StatusWord::INTERNAL_ERROR)
    }
}
