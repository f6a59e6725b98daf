//! A record of EF 0018, the transaction log (JR/T 0025.2; FMCOS 2.0 user manual p. 141).

use crate::{
    amount::Amount,
    date::{Date, Moment, Time},
    layout::{Reader, Writer},
    number::TerminalNumber,
    wallet::{OverdraftLimit, TransactionType},
};

/// One transaction. The sequence is the one **after** the increment, as a traced FM1208 writes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogRecord {
    /// Online or offline sequence after the increment.
    pub sequence: u16,
    /// Overdraft limit.
    pub overdraft: OverdraftLimit,
    /// Amount.
    pub amount: Amount,
    /// Type.
    pub transaction_type: TransactionType,
    /// Terminal.
    pub terminal: TerminalNumber,
    /// Date, the terminal's or host's.
    pub date: Date,
    /// Time, the terminal's or host's.
    pub time: Time,
}

impl LogRecord {
    /// Length of a record.
    pub const LEN: usize = 23;

    /// From a record; `None` for an empty one too.
    #[must_use]
    pub fn parse(record: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(record);
        let (sequence, overdraft) = (reader.u16()?, OverdraftLimit(reader.array()?));
        let amount = Amount::from_bytes(reader.array()?);
        let transaction_type = TransactionType(reader.u8()?);
        let terminal = TerminalNumber(reader.array()?);
        let Moment { date, time } = Moment::from_bytes(reader.array()?)?;
        reader.end(Self { sequence, overdraft, amount, transaction_type, terminal, date, time })
    }

    /// As in the file.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        Writer::new()
            .u16(self.sequence)
            .put(&self.overdraft.0)
            .put(&self.amount.to_bytes())
            .u8(self.transaction_type.0)
            .put(&self.terminal.0)
            .put(&self.date.to_bytes())
            .put(&self.time.to_bytes())
            .finish()
    }
}
