//! Row by row: each field parsed, what may not come twice, and everything that is wrong.

use std::collections::HashMap;

use super::{Column, Problem};
use crate::people::is_unprintable;

/// Which column of the file is which.
pub(crate) type Heads = Vec<Head>;

/// A column of the file.
#[derive(Debug)]
pub(crate) struct Head {
    /// Its English name.
    name: &'static str,
    /// As the file heads it.
    told: String,
}

/// Which columns `header` has.
pub(super) fn heads(columns: &[Column], header: &csv::StringRecord) -> Result<Heads, Vec<Problem>> {
    let first_row =
        |column: Option<&str>, text: String| Problem { row: Some(1), column: column.map(str::to_owned), text };
    let known = || columns.iter().map(|column| format!("{} or {}", column.name, column.chinese)).collect::<Vec<_>>();
    let (mut heads, mut problems) = (Heads::new(), Vec::new());
    for told in header {
        let column = columns.iter().find(|column| [column.name, column.chinese].contains(&told));
        match column {
            None => problems.push(first_row(Some(told), format!("unknown column: expected {}", known().join(", ")))),
            Some(column) if heads.iter().any(|head| head.name == column.name) => {
                problems.push(first_row(Some(told), "this column is there twice: expected once".to_owned()));
            }
            Some(column) => heads.push(Head { name: column.name, told: told.to_owned() }),
        }
    }
    for missing in columns.iter().filter(|column| column.required) {
        if !heads.iter().any(|head| head.name == missing.name) {
            let text = format!("expected a column {} or {}, found none", missing.name, missing.chinese);
            problems.push(first_row(None, text));
        }
    }
    if problems.is_empty() { Ok(heads) } else { Err(problems) }
}

/// The lines of a text, counted as its rows are read.
pub(super) struct Lines<'t> {
    text: &'t str,
    line: u64,
    counted: usize,
}

impl<'t> Lines<'t> {
    pub(super) const fn of(text: &'t str) -> Self {
        Self { text, line: 1, counted: 0 }
    }

    /// The line on which a row begins. Its place, as the reader tells it, may stand in front of the line feed of the row before.
    pub(super) fn at(&mut self, byte: u64) -> u64 {
        let rest = usize::try_from(byte).ok().and_then(|byte| self.text.get(byte..)).unwrap_or_default();
        let begins = self.text.len() - rest.trim_start_matches(['\r', '\n']).len();
        let passed = self.text.get(self.counted..begins).unwrap_or_default();
        self.line += passed.matches('\n').count() as u64;
        self.counted = self.counted.max(begins);
        self.line
    }
}

/// One row.
#[derive(Debug)]
pub struct Row<'r> {
    pub(super) line: u64,
    pub(super) heads: &'r Heads,
    pub(super) record: &'r csv::StringRecord,
}

/// What was read so far.
#[derive(Default, Debug)]
pub struct Rows {
    pub(super) problems: Vec<Problem>,
    /// Where a value stood first, by column.
    seen: HashMap<(&'static str, String), u64>,
}

impl Rows {
    /// The value of a column, if it is one; else the problem is noted.
    pub fn field<T>(
        &mut self,
        row: &Row<'_>,
        name: &'static str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = row.text(name);
        let parsed = parse(text);
        if parsed.is_none() {
            self.problem(row, name, format!("expected {expected}, found {text:?}"));
        }
        parsed
    }

    /// As [`Self::field`] of a column that may be missing or empty. The outer option: whether it is right; the inner: whether there is one.
    #[allow(clippy::option_option, reason = "wrong, absent and there are three things")]
    pub fn optional<T>(
        &mut self,
        row: &Row<'_>,
        name: &'static str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<Option<T>> {
        if row.text(name).is_empty() {
            return Some(None);
        }
        self.field(row, name, expected, parse).map(Some)
    }

    /// Text for the report, that may be empty.
    pub fn printable(&mut self, row: &Row<'_>, name: &'static str) -> Option<String> {
        self.field(row, name, "characters that can be printed", |text| {
            (!text.contains(is_unprintable)).then(|| text.to_owned())
        })
    }

    /// A value that no other row may have; `value` is the same for what is the same in other letters.
    pub fn once(&mut self, row: &Row<'_>, name: &'static str, value: String) {
        if value.is_empty() {
            return;
        }
        if let Some(first) = self.seen.insert((name, value), row.line) {
            self.problem(row, name, format!("expected another one than row {first} has"));
        }
    }

    /// Something is wrong in a column of that row.
    pub fn problem(&mut self, row: &Row<'_>, name: &str, text: String) {
        let told = row.heads.iter().find(|head| head.name == name).map_or(name, |head| &head.told);
        self.problems.push(Problem { row: Some(row.line), column: Some(told.to_owned()), text });
    }
}

impl Row<'_> {
    /// The field of a column; empty if the file lacks the column.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        let at = self.heads.iter().position(|head| head.name == name);
        at.and_then(|at| self.record.get(at)).unwrap_or_default()
    }
}
