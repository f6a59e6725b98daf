//! Compound purchase (CAPP, 复合消费): INITIALIZE FOR CAPP PURCHASE, UPDATE CAPP DATA CACHE; its DEBIT is a purchase's
//! (FMCOS 2.0 user manual p. 99-106).

use onecard_wire::{
    fid::Fid,
    file::{FileKind, WRITE_NEEDS_CIPHER},
    key::KeyType,
    record::CappRecord,
    status::StatusWord,
    wallet::{Purse, TransactionType},
};

use super::{Begun, Wallet};
use crate::{
    apdu::{Command, Response},
    cos::Cos,
    failure::{Failure, refuse},
    nvm::Transaction,
    platform::Platform,
};

/// What one transaction caches at most: its records, and what the journal needs beside each.
pub(super) const CACHE_MAX: usize = 384;

/// A compound purchase that waits for its DEBIT.
pub(crate) struct Compound {
    pub(super) begun: Begun,
    /// New records, in the order they came; they take effect with the balance.
    pub(super) cached: Transaction,
    /// How much of [`CACHE_MAX`] they take.
    cached_len: usize,
}

impl<P: Platform> Cos<'_, P> {
    pub(super) fn initialize_for_capp_purchase(
        &mut self,
        command: &Command<'_>,
        answer: &mut Response,
    ) -> Result<(), Failure> {
        let begun = self.begin_with_terminal(command, Purse::Ep, KeyType::PURCHASE, TransactionType::CAPP, answer)?;
        self.session.wallet = Wallet::Capp(Compound { begun, cached: Transaction::new(), cached_len: 0 });
        Ok(())
    }

    /// UPDATE CAPP DATA CACHE: a whole new record in place of an unlocked one, by tag or number. Only success leaves the
    /// purchase open.
    pub(crate) fn update_capp_data_cache(&mut self, command: &Command<'_>, wallet: Wallet) -> Result<(), Failure> {
        command.require_no_answer()?;
        if command.data.is_empty() {
            return refuse(StatusWord::WRONG_LENGTH);
        }
        let Wallet::Capp(mut compound) = wallet else {
            return refuse(StatusWord::NO_TRANSACTION);
        };
        let address = self.unlocked_capp_record(command)?;
        compound.cached_len += Transaction::WRITE_HEADER_LEN + command.data.len();
        if compound.cached_len > CACHE_MAX {
            return refuse(StatusWord::NOT_ENOUGH_SPACE);
        }
        compound.cached.write(address, command.data)?;
        self.session.wallet = Wallet::Capp(compound);
        Ok(())
    }

    /// Where the record that the command may replace by its data lies. MAC1 does not cover that data, so in an application of
    /// the profile it reaches the file made for it alone, whatever right another has.
    fn unlocked_capp_record(&self, command: &Command<'_>) -> Result<usize, StatusWord> {
        let (_, file, layout) = self.record_file(command)?;
        // Logs are cyclic: what only a MAC may append to is out of a purchase's reach.
        if !matches!(file.kind(), Some(FileKind::Variable | FileKind::Fixed)) {
            return Err(StatusWord::WRONG_FILE_KIND);
        }
        self.session.require(file.second_right)?;
        if file.fid != Fid::CAPP && self.limits().is_some() {
            return Err(StatusWord::SECURITY_NOT_SATISFIED);
        }
        if file.type_byte & WRITE_NEEDS_CIPHER != 0 {
            return Err(StatusWord::SM_DATA_MISSING);
        }
        let (address, record) = self.find_record(&file, layout, command.p1, command.p2 & 0x07)?;
        let stored = CappRecord::parse(&record).ok_or(StatusWord::RECORD_NOT_FOUND)?;
        if stored.lock != CappRecord::OPEN {
            return Err(StatusWord::RECORD_LOCKED);
        }
        if command.data.len() > record.len() {
            return Err(StatusWord::NOT_ENOUGH_SPACE);
        }
        if command.data.len() < record.len() {
            return Err(StatusWord::WRONG_LENGTH);
        }
        let new = CappRecord::parse(command.data).ok_or(StatusWord::WRONG_DATA)?;
        if new.type_id == stored.type_id { Ok(address) } else { Err(StatusWord::WRONG_DATA) }
    }
}
