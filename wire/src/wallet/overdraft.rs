//! Overdraft update (修改透支限额): fields of `80 50 04` and `80 58` (FMCOS 2.0 user manual p. 117-119).

use super::OverdraftLimit;
use crate::{
    amount::Amount,
    date::Moment,
    key::{AlgorithmId, KeyVersion},
    layout::{Reader, Writer},
    number::TerminalNumber,
};

/// Data field of INITIALIZE FOR UPDATE: key id ‖ terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InitializeUpdate {
    /// Key index.
    pub key_id: u8,
    /// The terminal.
    pub terminal: TerminalNumber,
}

impl InitializeUpdate {
    /// Length on the wire.
    pub const LEN: usize = 7;

    /// From a data field.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(data);
        let parsed = Self { key_id: reader.u8()?, terminal: TerminalNumber(reader.array()?) };
        reader.end(parsed)
    }

    /// As on the wire.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        Writer::new().u8(self.key_id).put(&self.terminal.0).finish()
    }
}

/// Answer to INITIALIZE FOR UPDATE.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UpdateInitialized {
    /// Balance before: real money and overdraft limit.
    pub old_balance: Amount,
    /// Online sequence before the increment.
    pub online_sequence: u16,
    /// Limit before.
    pub old_limit: OverdraftLimit,
    /// Version of the overdraft key.
    pub key_version: KeyVersion,
    /// Algorithm of the overdraft key.
    pub algorithm: AlgorithmId,
    /// The card's random.
    pub random: [u8; 4],
    /// Shows that the card holds the overdraft key.
    pub mac1: [u8; 4],
}

impl UpdateInitialized {
    /// Length on the wire.
    pub const LEN: usize = 19;

    /// From an answer without its status word.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(data);
        let parsed = Self {
            old_balance: Amount::from_bytes(reader.array()?),
            online_sequence: reader.u16()?,
            old_limit: OverdraftLimit(reader.array()?),
            key_version: KeyVersion(reader.u8()?),
            algorithm: AlgorithmId(reader.u8()?),
            random: reader.array()?,
            mac1: reader.array()?,
        };
        reader.end(parsed)
    }

    /// As on the wire.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        Writer::new()
            .put(&self.old_balance.to_bytes())
            .u16(self.online_sequence)
            .put(&self.old_limit.0)
            .put(&[self.key_version.0, self.algorithm.0])
            .put(&self.random)
            .put(&self.mac1)
            .finish()
    }
}

/// Data field of UPDATE OVERDRAW LIMIT: new limit ‖ date ‖ time ‖ MAC2. The answer is a TAC of 4 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UpdateOverdrawLimit {
    /// Limit from now on.
    pub new_limit: OverdraftLimit,
    /// The host's date and time.
    pub moment: Moment,
    /// Shows that the host holds the overdraft key.
    pub mac2: [u8; 4],
}

impl UpdateOverdrawLimit {
    /// Length on the wire.
    pub const LEN: usize = 14;

    /// From a data field.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(data);
        let parsed = Self {
            new_limit: OverdraftLimit(reader.array()?),
            moment: Moment::from_bytes(reader.array()?)?,
            mac2: reader.array()?,
        };
        reader.end(parsed)
    }

    /// As on the wire.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        Writer::new().put(&self.new_limit.0).put(&self.moment.to_bytes()).put(&self.mac2).finish()
    }
}
