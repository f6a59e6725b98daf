//! A list as spreadsheets save it: a CSV file in UTF-8 or GB18030, separated by commas, semicolons or tabs, one row for each
//! (specification 18.2).
//!
//! Everything that is wrong with it is found before anything is done, and all of it at once: row, column, what was expected.

mod encoding;
mod rows;

use core::fmt;

pub use encoding::Encoding;
pub use rows::{Row, Rows};

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

/// A column of a list, under either of its names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Column {
    name: &'static str,
    chinese: &'static str,
    required: bool,
}

/// A column by its English and its Chinese name.
#[must_use]
pub const fn column(name: &'static str, chinese: &'static str, required: bool) -> Column {
    Column { name, chinese, required }
}

/// Reads a list whose rows `parse` reads; `file` names it in messages.
///
/// # Errors
/// [`ListError`].
pub fn read<T>(
    file: &str,
    content: &[u8],
    columns: &[Column],
    parse: impl Fn(&mut Rows, Row<'_>) -> Option<T>,
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
        let parsed = parse(&mut rows, Row { line, heads: &heads, record: &record });
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
                    if crate::people::is_unprintable(character) {
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
