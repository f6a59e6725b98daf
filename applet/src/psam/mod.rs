//! The SAM's own commands (PBOC PSAM; profile §4).

mod descrypt;
mod load;
mod mark;
mod purchase;
mod undo;
mod write_key;

use onecard_wire::{
    fid::Fid,
    layout::Reader,
    number::TerminalNumber,
    sam::{InitSam, LEVELS_MAX, Usage, UsageKind},
    status::StatusWord,
};

pub(crate) use descrypt::WorkingKey;
pub(crate) use purchase::SamTransaction;

use crate::{
    cos::Cos,
    crypto::Key,
    fs::{FileIndex, find_child},
    keys::{KeyRecord, find_sam},
    platform::Platform,
};

/// What diversifies a key: the card's serial, the enterprise, the region.
type Factor = [u8; FACTOR_LEN];
const FACTOR_LEN: usize = 8;

/// An INIT_SAM data field: the transaction, the factors, and what follows them.
struct SamRequest<'a> {
    init: InitSam,
    /// As sent: card serial first.
    factors: &'a [Factor],
    rest: &'a [u8],
}

impl<'a> SamRequest<'a> {
    /// # Errors
    /// 6700 unless one to three factors and `rest_len` bytes follow; 6A80 for a moment that does not exist.
    fn parse(data: &'a [u8], rest_len: usize) -> Result<Self, StatusWord> {
        let factors_len = data.len().checked_sub(InitSam::LEN + rest_len).ok_or(StatusWord::WRONG_LENGTH)?;
        let levels = factors_len / FACTOR_LEN;
        if !factors_len.is_multiple_of(FACTOR_LEN) || !(1..=LEVELS_MAX).contains(&levels) {
            return Err(StatusWord::WRONG_LENGTH);
        }
        let mut reader = Reader::new(data);
        let init = InitSam::read(&mut reader).ok_or(StatusWord::WRONG_DATA)?;
        let factors = reader.slice(factors_len).ok_or(StatusWord::WRONG_LENGTH)?.as_chunks().0;
        Ok(Self { init, factors, rest: reader.rest() })
    }

    /// The card's serial.
    fn serial(&self) -> Factor {
        self.factors.first().copied().unwrap_or_default()
    }
}

impl<P: Platform> Cos<'_, P> {
    /// The card's key for a transaction: the working key of this kind and of the card's version and algorithm, diversified.
    ///
    /// # Errors
    /// 9403 without such a key, 6A80 if its level is not the number of factors.
    fn transaction_key(&self, kind: UsageKind, request: &SamRequest<'_>) -> Result<Key, StatusWord> {
        let record = self.working_key(kind, request.init.key_version.0)?;
        if record.algorithm() != request.init.algorithm.algorithm() {
            return Err(StatusWord::NO_SUCH_KEY);
        }
        self.diversified(&record, request.factors)
    }

    /// # Errors
    /// 9403 without such a key.
    fn working_key(&self, kind: UsageKind, version: u8) -> Result<KeyRecord, StatusWord> {
        let keys = self.session.directory.keys.as_ref().ok_or(StatusWord::NO_SUCH_KEY)?;
        let wanted = |usage: u8, stored: u8| Usage(usage).kind() == kind && stored == version;
        find_sam(self.nvm, keys, wanted).ok_or(StatusWord::NO_SUCH_KEY)
    }

    /// A working key diversified by `factors`, the last one first.
    ///
    /// # Errors
    /// 6A80 if its level is not the number of factors.
    fn diversified(&self, record: &KeyRecord, factors: &[Factor]) -> Result<Key, StatusWord> {
        if usize::from(Usage(record.type_byte()).levels()) != factors.len() {
            return Err(StatusWord::WRONG_DATA);
        }
        let master = record.key(self.nvm)?;
        Ok(factors.iter().rev().fold(master, |key, factor| key.diversified(factor)))
    }

    /// The SAM's terminal number, MF EF 0016.
    ///
    /// # Errors
    /// 6985 if the station has not written one.
    fn terminal_number(&self) -> Result<TerminalNumber, StatusWord> {
        let (_, file) = find_child(self.nvm, FileIndex::MF, Fid::SAM_TERMINAL)
            .filter(|(_, file)| file.size_bytes() >= 6)
            .ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
        Ok(TerminalNumber(self.nvm.array(file.body())))
    }
}
