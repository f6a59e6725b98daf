//! The list of people cards are issued to, or of terminals that get a SAM: a CSV file as spreadsheets save it, in UTF-8 or
//! GB18030, separated by commas, semicolons or tabs, one a row (specification 18.2).
//!
//! Everything that is wrong with it is found before a card is touched, and all of it at once: row, column, what was expected.

mod encoding;
mod identity;
mod rows;

use core::fmt;

use onecard_wire::{amount::Amount, date::Date, number::TerminalNumber};

pub use encoding::Encoding;
pub use identity::{Document, HolderName, IdNumber, holder, holder_text};
use rows::Rows;

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

/// A list, and how it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct List<T> {
    /// Its rows in their order, each with its line in the file, from 1.
    pub rows: Vec<(u64, T)>,
    /// Its encoding, found by trial.
    pub encoding: Encoding,
    /// What stands between its columns.
    pub separator: char,
}

/// Something wrong with a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// The line, from 1; `None`: the file as a whole.
    pub row: Option<u64>,
    /// The column, as the file heads it.
    pub column: Option<String>,
    /// What was expected, what was found.
    pub text: String,
}

/// What is wrong with a list, all of it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub struct ListError {
    /// The file.
    pub file: String,
    /// At least one, in the order of the rows.
    pub problems: Vec<Problem>,
}

/// Reads a list of people; `file` names it in messages.
///
/// # Errors
/// [`ListError`].
pub fn people(file: &str, content: &[u8]) -> Result<List<Person>, ListError> {
    read(file, content, &PERSON_COLUMNS, |rows, row| rows.person(row))
}

/// Reads a list of terminals.
///
/// # Errors
/// [`ListError`].
pub fn terminals(file: &str, content: &[u8]) -> Result<List<Terminal>, ListError> {
    read(file, content, &TERMINAL_COLUMNS, |rows, row| rows.terminal(row))
}

/// A column of a list, under either of its names.
struct Column {
    name: &'static str,
    chinese: &'static str,
    required: bool,
}

const fn column(name: &'static str, chinese: &'static str, required: bool) -> Column {
    Column { name, chinese, required }
}

const PERSON_COLUMNS: [Column; 8] = [
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

fn read<T>(
    file: &str,
    content: &[u8],
    columns: &'static [Column],
    parse: impl Fn(&mut Rows, rows::Row<'_>) -> Option<T>,
) -> Result<List<T>, ListError> {
    let failed = |problems| ListError { file: file.to_owned(), problems };
    let whole = |text: String| failed(vec![Problem { row: None, column: None, text }]);
    let (text, encoding) = encoding::decode(content).map_err(whole)?;
    let separator = encoding::separator(&text);
    let mut reader =
        csv::ReaderBuilder::new().delimiter(separator).trim(csv::Trim::All).flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| whole(error.to_string()))?.clone();
    let heads = rows::heads(columns, &header).map_err(failed)?;
    let (mut rows, mut lines) = (Rows::default(), rows::Lines::of(&text));
    let mut list = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| whole(error.to_string()))?;
        let line = lines.at(record.position().map_or(0, csv::Position::byte));
        // Spreadsheets save empty rows below the last.
        if record.iter().all(str::is_empty) {
            continue;
        }
        if record.len() != header.len() {
            let text = format!("expected {} columns, found {}", header.len(), record.len());
            rows.problems.push(Problem { row: Some(line), column: None, text });
            continue;
        }
        let parsed = parse(&mut rows, rows::Row { line, heads: &heads, record: &record });
        list.extend(parsed.map(|row| (line, row)));
    }
    match (rows.problems.is_empty(), list.is_empty()) {
        (true, true) => Err(whole("nobody is in it: one row for each is expected below the first".to_owned())),
        (true, false) => Ok(List { rows: list, encoding, separator: char::from(separator) }),
        (false, _) => Err(failed(rows.problems)),
    }
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 20;
        write!(f, "list {}:", self.file)?;
        match self.problems.as_slice() {
            [one] => write!(f, " {one}")?,
            problems => problems.iter().take(SHOWN).try_for_each(|problem| write!(f, "\n  {problem}"))?,
        }
        match self.problems.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(row) = self.row {
            write!(f, "row {row}")?;
            if let Some(column) = &self.column {
                f.write_str(", column ")?;
                for character in column.chars() {
                    if identity::is_unprintable(character) {
                        write!(f, "{}", character.escape_unicode())?;
                    } else {
                        write!(f, "{character}")?;
                    }
                }
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Person {
    /// Personal data stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Person(..)")
    }
}

#[cfg(test)]
mod tests;
