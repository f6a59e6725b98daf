//! The settlement record: what a terminal hands in for every completed transaction.
//!
//! # File format
//! UTF-8 text, lines ended by a line feed, fields parted by commas and never quoted (they are digits and words). Line 1 is
//! [`FORMAT`], line 2 names the columns, each further line is one record:
//!
//! | column | content |
//! |---|---|
//! | `order` | the till's order number, decimal |
//! | `enterprise`, `serial`, `terminal` | 16, 16 and 12 digits as on the card |
//! | `type` | transaction type, 2 hexadecimal digits (FMCOS 2.0 user manual p. 121) |
//! | `amount`, `old_balance`, `new_balance` | fen, decimal |
//! | `card_sequence` | the card's online (loads, unloads, overdraft updates) or offline sequence before the transaction, decimal |
//! | `terminal_sequence` | the SAM's transaction sequence, decimal; empty for those |
//! | `moment` | `YYYYMMDDHHMMSS`, the terminal's or host's |
//! | `key_version`, `algorithm` | of the card's key, 2 hexadecimal digits each |
//! | `tac` | 8 hexadecimal digits, for an unload its MAC3; empty if the log or the desk alone told of the transaction |
//! | `evidence` | `answer`, `mac2`, `mac3`, `tac`, `log` or `desk`: how the terminal knows |
//!
//! A record is unique by [`SettlementRecord::key`]; a terminal sequence may come twice after a lost answer. What a purchase's
//! TAC does not cover, and what follows from that, is told at [`audit`](fn@audit).

mod audit;
mod export;
mod sales;

pub use audit::{Audit, Gap, Objection, audit};
pub use export::{ExportError, SCHEMA, from_csv, from_json, to_csv, to_json};

use core::fmt;

use onecard_wire::{
    amount::Amount,
    number::{ApplicationSerial, EnterpriseId},
    wallet::{Purse, TransactionType},
};
use serde::{Deserialize, Serialize};

use super::{Kind, OrderNumber, Transaction, stored};

/// First line of a settlement file.
pub const FORMAT: &str = "onecard-settlement;1";
/// Second line of a settlement file.
pub const COLUMNS: &str = "order,enterprise,serial,terminal,type,amount,old_balance,new_balance,card_sequence,\
                           terminal_sequence,moment,key_version,algorithm,tac,evidence";

/// One completed transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettlementRecord {
    /// The transaction.
    pub transaction: Transaction,
    /// For the issuer; an unload has no TAC, and its MAC3 stands here. `None` if the card's log alone showed the transaction.
    #[serde(with = "stored::four_bytes_or_none")]
    pub tac: Option<[u8; 4]>,
    /// How the terminal knows.
    pub evidence: Evidence,
}

/// What showed a terminal that a transaction was completed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The card's answer: a DEBIT's with the MAC2 that the SAM accepted or the MAC3 that the desk accepted, or a CREDIT's.
    Answer,
    /// A proof whose MAC2 the SAM accepted.
    Mac2,
    /// A proof whose MAC3 the desk accepted.
    Mac3,
    /// A proof whose TAC the issuer accepted.
    Tac,
    /// The card's log, read with MAC.
    Log,
    /// The service desk's decision.
    Desk,
}

/// What no two settlement records share: the card's own number of the transaction. A purchase's TAC does not cover it, so
/// whoever pays asks [`audit`](fn@audit) besides.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SettlementKey {
    /// The enterprise.
    pub enterprise: EnterpriseId,
    /// The card.
    pub serial: ApplicationSerial,
    /// The purse.
    pub purse: Purse,
    /// Whether it is the online sequence.
    pub online: bool,
    /// The sequence.
    pub card_sequence: u16,
}

impl SettlementRecord {
    /// What no two records share.
    #[must_use]
    pub const fn key(&self) -> SettlementKey {
        let Transaction { enterprise, serial, kind, card_sequence, .. } = self.transaction;
        SettlementKey { enterprise, serial, purse: kind.purse(), online: kind.is_online(), card_sequence }
    }
}

/// A settlement file of `records`.
#[must_use]
pub fn write<'a>(records: impl IntoIterator<Item = &'a SettlementRecord>) -> String {
    let mut text = format!("{FORMAT}\n{COLUMNS}\n");
    for record in records {
        text.push_str(&line(record));
        text.push('\n');
    }
    text
}

/// One record as a line of the file, without its line feed: for a terminal that appends.
#[must_use]
pub fn line(record: &SettlementRecord) -> String {
    let SettlementRecord { transaction: t, tac, evidence } = record;
    format!(
        "{},{},{},{},{:02X},{},{},{},{},{},{},{:02X},{:02X},{},{}",
        t.order,
        t.enterprise,
        t.serial,
        t.terminal,
        t.kind.transaction_type().0,
        t.amount.fen(),
        t.old_balance.fen(),
        t.new_balance.fen(),
        t.card_sequence,
        t.terminal_sequence.map(|sequence| sequence.to_string()).unwrap_or_default(),
        stored::moment_digits(t.moment),
        t.key_version,
        t.algorithm,
        tac.map(hex::encode_upper).unwrap_or_default(),
        evidence,
    )
}

/// Reads a settlement file.
///
/// # Errors
/// [`SettlementError`] names line and field. A file without the final line feed is cut off, and refused.
pub fn parse(text: &str) -> Result<Vec<SettlementRecord>, SettlementError> {
    let mut lines = text.split_inclusive('\n').zip(1..).map(|(line, number)| match line.strip_suffix('\n') {
        Some(line) => Ok((line, number)),
        None => Err(SettlementError { line: number, field: "line feed", found: line.to_owned() }),
    });
    for expected in [FORMAT, COLUMNS] {
        let (found, line) = lines.next().unwrap_or(Ok(("", 1)))?;
        if found != expected {
            return Err(SettlementError { line, field: "header", found: found.to_owned() });
        }
    }
    lines.map(|line| line.and_then(|(line, number)| parse_line(line, number))).collect()
}

/// Which field of which line does not fit.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}: field {field} does not fit: {found:?}")]
pub struct SettlementError {
    /// Counted from 1.
    pub line: usize,
    /// Column name, `header` or `line feed`; `balances` if the fields contradict each other; `end` for columns too many.
    pub field: &'static str,
    /// What stands there.
    pub found: String,
}

fn parse_line(text: &str, line: usize) -> Result<SettlementRecord, SettlementError> {
    let mut fields = Fields { rest: Some(text), line };
    let order = OrderNumber(fields.next("order", decimal)?);
    let enterprise = fields.next("enterprise", |text| text.parse().ok())?;
    let serial = fields.next("serial", |text| text.parse().ok())?;
    let terminal = fields.next("terminal", |text| text.parse().ok())?;
    let kind = fields.next("type", |text| Kind::from_transaction_type(TransactionType(byte(text)?)))?;
    let amount = fields.next("amount", fen)?;
    let old_balance = fields.next("old_balance", fen)?;
    let new_balance = fields.next("new_balance", fen)?;
    let card_sequence = fields.next("card_sequence", decimal)?;
    let terminal_sequence = fields.next("terminal_sequence", |text| optional(text, decimal))?;
    let moment = fields.next("moment", stored::parse_moment)?;
    let key_version = fields.next("key_version", byte)?;
    let algorithm = fields.next("algorithm", byte)?;
    let tac = fields.next("tac", |text| optional(text, stored::parse_four_bytes))?;
    let evidence = fields.next("evidence", Evidence::parse)?;
    fields.end()?;
    let transaction = Transaction {
        order,
        enterprise,
        serial,
        kind,
        amount,
        old_balance,
        new_balance,
        card_sequence,
        terminal,
        terminal_sequence,
        moment,
        key_version,
        algorithm,
    };
    if !transaction.is_consistent() {
        return Err(SettlementError { line, field: "balances", found: text.to_owned() });
    }
    Ok(SettlementRecord { transaction, tac, evidence })
}

/// The fields of one line, in order.
struct Fields<'a> {
    rest: Option<&'a str>,
    line: usize,
}

impl<'a> Fields<'a> {
    fn next<T>(&mut self, field: &'static str, parse: impl Fn(&'a str) -> Option<T>) -> Result<T, SettlementError> {
        let missing = SettlementError { line: self.line, field, found: String::new() };
        let rest = self.rest.take().ok_or(missing)?;
        let (text, rest) = rest.split_once(',').map_or((rest, None), |(text, rest)| (text, Some(rest)));
        self.rest = rest;
        parse(text).ok_or_else(|| SettlementError { line: self.line, field, found: text.to_owned() })
    }

    fn end(self) -> Result<(), SettlementError> {
        match self.rest {
            None => Ok(()),
            Some(rest) => Err(SettlementError { line: self.line, field: "end", found: rest.to_owned() }),
        }
    }
}

/// Digits alone: no sign, no space.
fn decimal<T: core::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn fen(text: &str) -> Option<Amount> {
    decimal(text).map(Amount::from_fen)
}

fn byte(text: &str) -> Option<u8> {
    let mut byte = [0];
    hex::decode_to_slice(text, &mut byte).ok().map(|()| u8::from_be_bytes(byte))
}

/// An empty field is `Some(None)`, as wrong text is `None`.
fn optional<'a, T>(text: &'a str, parse: impl Fn(&'a str) -> Option<T>) -> Option<Option<T>> {
    if text.is_empty() { Some(None) } else { parse(text).map(Some) }
}

impl Evidence {
    const ALL: [Self; 6] = [Self::Answer, Self::Mac2, Self::Mac3, Self::Tac, Self::Log, Self::Desk];

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|evidence| evidence.name() == text)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Mac2 => "mac2",
            Self::Mac3 => "mac3",
            Self::Tac => "tac",
            Self::Log => "log",
            Self::Desk => "desk",
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
