//! The report a batch ends with: a page to print and sign, a list for other programs, and a signature over both and the journal
//! (specification 18.6).

mod csv_list;
mod html;
mod qr;
mod signature;

use std::io::{self, Write};

pub use signature::{NoReport, ReportKey, Signed, UnfitName, sign, verify};

use crate::{batch::Stock, journal::ChainHash};

/// How far a journal had come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extent {
    /// Its lines, the first included.
    pub lines: usize,
    /// The hash of the last.
    pub head: ChainHash,
}

/// What a report tells of the whole batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Summary {
    /// Name of the batch in the ledger of numbers.
    pub batch: String,
    /// Whose cards.
    pub enterprise: String,
    /// The kind, as the profile writes it.
    pub kind: String,
    /// The profile's file and its SHA-256.
    pub profile: [String; 2],
    /// The list's file and its SHA-256.
    pub list: [String; 2],
    /// When the report was made, by the station's clock.
    pub at: String,
    /// Rows of the list.
    pub rows: u64,
    /// How the stock stands.
    pub stock: Stock,
    /// The batch's journal.
    pub journal: Extent,
    /// The ledger of numbers.
    pub ledger: Extent,
    /// What a key master card was asked for; `None` of a batch without one.
    pub exports: Option<Exports>,
}

/// Bodies of WRITE KEY that a key master card was asked for (导出次数).
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Exports {
    /// In all.
    pub asked: u64,
    /// Of them, those beyond one for each key of each good card: for answers that were lost, and for cards that are not good.
    pub beyond: u64,
    /// What the card may still export for cards.
    pub left: u32,
}

/// One good card.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// The row of the list.
    pub row: u64,
    /// Whose it is, or which terminal's.
    pub name: String,
    /// 工号, or empty.
    pub staff_number: String,
    /// 部门 or 地点, or empty.
    pub department: String,
    /// What the card's files say.
    pub serial: String,
    /// What is printed on it; `None` of a SAM.
    pub printed: Option<String>,
    /// Bodies of WRITE KEY that a key master card was asked for; `None` of a batch without one.
    pub exports: Option<u32>,
}

/// A number that nobody has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Void {
    /// The row it was for.
    pub row: u64,
    /// What the card would have said.
    pub serial: String,
    /// Whether the card is spoilt; otherwise it did not come back.
    pub spoilt: bool,
}

/// Writes the page: UTF-8, one file, nothing loaded from elsewhere.
///
/// # Errors
/// Of `to`.
pub fn write_html(
    to: &mut impl Write,
    summary: &Summary,
    lines: impl IntoIterator<Item = Line>,
    voids: &[Void],
) -> io::Result<()> {
    html::write(to, summary, lines, voids)
}

/// Writes the list: CSV in UTF-8 with a byte order mark, as spreadsheets want it.
///
/// # Errors
/// Of `to`.
pub fn write_csv(to: &mut impl Write, lines: impl IntoIterator<Item = Line>) -> io::Result<()> {
    csv_list::write(to, lines)
}

/// Digits in groups of four, as they are printed on cards.
fn in_groups(digits: &str) -> String {
    let groups: Vec<String> =
        digits.as_bytes().chunks(4).map(|group| String::from_utf8_lossy(group).into_owned()).collect();
    groups.join(" ")
}

#[cfg(test)]
mod tests;
