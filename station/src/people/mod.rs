//! The list of people cards are issued to, or of terminals that get a SAM: a CSV file as spreadsheets save it, in UTF-8 or
//! GB18030, separated by commas, semicolons or tabs, one a row (specification 18.2).
//!
//! Everything that is wrong with it is found before a card is touched, and all of it at once: row, column, what was expected.

mod identity;
mod rows;

use core::fmt;

use onecard_wire::{amount::Amount, date::Date, number::TerminalNumber};

pub(crate) use identity::is_unprintable;
pub use identity::{Document, HolderName, IdNumber, holder, holder_text};

use crate::list::{self, Column, List, ListError, column};

/// One row of a list of people.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// 姓名.
    pub name: HolderName,
    /// 证件.
    pub document: Option<Document>,
    /// 部门: in the report, not on the card.
    pub department: String,
    /// 工号 or 学号: in the report, not on the card.
    pub staff_number: String,
    /// One of the issuer's own staff; `None` leaves it to the profile.
    pub staff: Option<bool>,
    /// First day of validity, if it is not the profile's.
    pub valid_from: Option<Date>,
    /// Last day of validity, if it is not the profile's.
    pub valid_to: Option<Date>,
}

/// One row of a list of terminals.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Terminal {
    /// 终端机编号.
    pub number: TerminalNumber,
    /// 地点: in the report, not on the SAM.
    pub place: String,
    /// What its SAM may load, if it is not the profile's limit.
    pub load_limit: Option<Amount>,
}

/// Reads a list of people; `file` names it in messages.
///
/// # Errors
/// [`ListError`].
pub fn people(file: &str, content: &[u8]) -> Result<List<Person>, ListError> {
    list::read(file, content, &PERSON_COLUMNS, |rows, row| rows.person(&row))
}

/// Reads a list of terminals.
///
/// # Errors
/// [`ListError`].
pub fn terminals(file: &str, content: &[u8]) -> Result<List<Terminal>, ListError> {
    list::read(file, content, &TERMINAL_COLUMNS, |rows, row| rows.terminal(&row))
}

/// The columns that a [`Person`] is read from.
pub const PERSON_COLUMNS: [Column; 8] = [
    column("name", "姓名", true),
    column("id_number", "证件号码", false),
    column("id_type", "证件类型", false),
    column("department", "部门", false),
    column("staff_number", "工号", false),
    column("staff", "本单位职工", false),
    column("valid_from", "有效期起", false),
    column("valid_to", "有效期止", false),
];

const TERMINAL_COLUMNS: [Column; 3] =
    [column("terminal", "终端机编号", true), column("place", "地点", false), column("load_limit", "充值额度", false)];

impl fmt::Debug for Person {
    /// Personal data stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Person(..)")
    }
}

#[cfg(test)]
mod tests;
