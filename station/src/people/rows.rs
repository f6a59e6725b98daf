//! Row by row: each field parsed, what may not come twice, and everything that is wrong.

use std::collections::HashMap;

use onecard_wire::{amount::Amount, date::Date, number::TerminalNumber};

use super::{
    Column, Problem,
    identity::{Document, HolderName, IdNumber, is_unprintable},
};
use crate::people::{Person, Terminal};

/// Which column of the file is which.
pub(super) type Heads = Vec<Head>;

/// A column of the file.
pub(super) struct Head {
    /// Its English name.
    name: &'static str,
    /// As the file heads it.
    told: String,
}

/// Which columns `header` has.
pub(super) fn heads(columns: &'static [Column], header: &csv::StringRecord) -> Result<Heads, Vec<Problem>> {
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
pub(super) struct Row<'r> {
    pub(super) line: u64,
    pub(super) heads: &'r Heads,
    pub(super) record: &'r csv::StringRecord,
}

/// What was read so far.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) problems: Vec<Problem>,
    /// Where a value stood first, by column.
    seen: HashMap<(&'static str, String), u64>,
}

impl Rows {
    pub(super) fn person(&mut self, row: Row<'_>) -> Option<Person> {
        let name = self.field(&row, "name", "1 to 20 bytes in GB18030, ten Chinese characters", HolderName::parse);
        let document = self.document(&row);
        let staff = self.optional(&row, "staff", "yes, no, 是 or 否", yes_or_no);
        let valid_from = self.optional(&row, "valid_from", "a day YYYY-MM-DD", Date::parse);
        let valid_to = self.optional(&row, "valid_to", "a day YYYY-MM-DD, not before valid_from", |text| {
            let from = valid_from.flatten();
            Date::parse(text).filter(|to| from.is_none_or(|from| from <= *to))
        });
        // A passport's letters are one letter in either case.
        self.once(&row, "id_number", row.text("id_number").to_ascii_uppercase());
        self.once(&row, "staff_number", row.text("staff_number").to_owned());
        let department = self.printable(&row, "department");
        let staff_number = self.printable(&row, "staff_number");
        Some(Person {
            name: name?,
            document: document?,
            department: department?,
            staff_number: staff_number?,
            staff: staff?,
            valid_from: valid_from?,
            valid_to: valid_to?,
        })
    }

    pub(super) fn terminal(&mut self, row: Row<'_>) -> Option<Terminal> {
        let number = self.field(&row, "terminal", "12 decimal digits", |text| {
            let decimal = text.bytes().all(|byte| byte.is_ascii_digit());
            decimal.then(|| text.parse::<TerminalNumber>().ok()).flatten()
        });
        let load_limit = self.optional(&row, "load_limit", "yuan such as 10000.00", Amount::parse_yuan);
        self.once(&row, "terminal", row.text("terminal").to_owned());
        let place = self.printable(&row, "place");
        Some(Terminal { number: number?, place: place?, load_limit: load_limit? })
    }

    /// The outer option: whether it is right; the inner: whether there is one.
    #[allow(clippy::option_option, reason = "wrong, absent and there are three things")]
    fn document(&mut self, row: &Row<'_>) -> Option<Option<Document>> {
        let kind = self.optional(row, "id_type", ID_TYPES, id_type)?.unwrap_or(0);
        let expected = if kind == 0 {
            "18 characters with a birthday that exists and the check character (GB 11643); another document needs id_type"
        } else {
            "1 to 32 letters, digits or hyphens"
        };
        self.optional(row, "id_number", expected, |text| match kind {
            0 => IdNumber::parse(text).map(Document::ResidentId),
            kind => {
                let fits = text.len() <= 32 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
                fits.then(|| Document::Other { kind, number: text.to_owned() })
            }
        })
    }

    fn field<T>(
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

    /// As [`Self::field`] of a column that may be missing or empty.
    #[allow(clippy::option_option, reason = "wrong, absent and there are three things")]
    fn optional<T>(
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
    fn printable(&mut self, row: &Row<'_>, name: &'static str) -> Option<String> {
        self.field(row, name, "characters that can be printed", |text| {
            (!text.contains(is_unprintable)).then(|| text.to_owned())
        })
    }

    /// A value that no other row may have; `value` is the same for what is the same in other letters.
    fn once(&mut self, row: &Row<'_>, name: &'static str, value: String) {
        if value.is_empty() {
            return;
        }
        if let Some(first) = self.seen.insert((name, value), row.line) {
            self.problem(row, name, format!("expected another one than row {first} has"));
        }
    }

    fn problem(&mut self, row: &Row<'_>, name: &str, text: String) {
        let told = row.heads.iter().find(|head| head.name == name).map_or(name, |head| &head.told);
        self.problems.push(Problem { row: Some(row.line), column: Some(told.to_owned()), text });
    }
}

impl Row<'_> {
    /// The field of a column; empty if the file lacks the column.
    fn text(&self, name: &str) -> &str {
        let at = self.heads.iter().position(|head| head.name == name);
        at.and_then(|at| self.record.get(at)).unwrap_or_default()
    }
}

const ID_TYPES: &str = "00 or 身份证, 01 or 军官证, 02 or 护照, 03 or 入境证, 04 or 临时身份证, 05 or 其他";

/// Kind of identity document, as EF 0016 numbers it.
fn id_type(text: &str) -> Option<u8> {
    const NAMES: [[&str; 2]; 6] =
        [["00", "身份证"], ["01", "军官证"], ["02", "护照"], ["03", "入境证"], ["04", "临时身份证"], ["05", "其他"]];
    NAMES.iter().position(|names| names.contains(&text)).and_then(|at| u8::try_from(at).ok())
}

fn yes_or_no(text: &str) -> Option<bool> {
    match text {
        "yes" | "是" | "1" => Some(true),
        "no" | "否" | "0" => Some(false),
        _ => None,
    }
}
