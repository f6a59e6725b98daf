//! The list of people cards are made for: a CSV file in UTF-8, one person a row.
//!
//! | column | content |
//! |---|---|
//! | `number` | the member's number, 1 to 10 digits: the serial of the card's application is made from it |
//! | `name` | 姓名, at most 20 bytes in GB18030: ten Chinese characters |
//! | `department` | 部门, shown in lists, not on the card |
//! | `id_number` | 身份证号, 18 characters with a birthday that exists and its check character (GB 11643, ISO 7064 MOD 11-2) |
//! | `valid_from`, `valid_to` | 有效期, `YYYY-MM-DD` |
//! | `first_load` | 首次充值, yuan; 0 for none |
//!
//! The columns may stand in any order, with no others between them. No number and no id number comes twice.

use std::{collections::HashMap, fmt, hash::Hash};

use onecard_station::people::{self as station, Document};
pub(crate) use onecard_station::people::{HolderName, IdNumber, holder_text};
use onecard_wire::{amount::Amount, date::Date, number::ApplicationSerial, record::Holder};

/// The list that ships with the program: fifty invented people.
pub(crate) const EXAMPLE: &str = include_str!("../data/people.csv");

const COLUMNS: [&str; 7] = ["number", "name", "department", "id_number", "valid_from", "valid_to", "first_load"];

/// One row.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Person {
    /// Made from the member's number.
    pub(crate) serial: ApplicationSerial,
    pub(crate) name: HolderName,
    pub(crate) department: String,
    pub(crate) id_number: IdNumber,
    pub(crate) valid_from: Date,
    pub(crate) valid_to: Date,
    pub(crate) first_load: Amount,
}

/// Reads a list; `file` names it in messages.
///
/// # Errors
/// [`PeopleError`]: everything that is wrong, so that the list is mended once.
pub(crate) fn parse(file: &str, content: &[u8]) -> Result<Vec<Person>, PeopleError> {
    let whole = |problem: &str| PeopleError { file: file.to_owned(), problems: vec![problem.to_owned()] };
    let text = std::str::from_utf8(content).map_err(|_| whole("not UTF-8: save it as \"CSV UTF-8\""))?;
    // Spreadsheets put a byte order mark in front.
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    // A row's position stands in front of the line feed that is left of CRLF, so that its line would be the one before.
    let text = text.replace("\r\n", "\n");
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| whole(&error.to_string()))?.clone();
    if let Some(problem) = header_problem(&header) {
        return Err(whole(&problem));
    }
    let mut rows = Rows::default();
    for record in reader.records() {
        match record {
            Ok(record) => rows.add(&header, &record),
            Err(error) => rows.problems.push(row_problem(&error)),
        }
    }
    match (rows.problems.is_empty(), rows.people.is_empty()) {
        (true, true) => Err(whole("no person in it: one row for each is expected below the header")),
        (true, false) => Ok(rows.people),
        (false, _) => Err(PeopleError { file: file.to_owned(), problems: rows.problems }),
    }
}

impl Person {
    /// EF 0016.
    pub(crate) fn holder(&self) -> Holder {
        holder(&self.name, Some(&self.id_number))
    }
}

/// EF 0016 of a member who is not the issuer's own staff and identified by the national id.
pub(crate) fn holder(name: &HolderName, id_number: Option<&IdNumber>) -> Holder {
    const CARD_TYPE: u8 = 0x01;
    let document = id_number.map(|number| Document::ResidentId(number.clone()));
    station::holder(CARD_TYPE, false, name, document.as_ref())
}

/// What is wrong with a list: file, row, column, and what was expected there.
#[derive(Debug, thiserror::Error)]
pub(crate) struct PeopleError {
    file: String,
    problems: Vec<String>,
}

impl fmt::Display for PeopleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 10;
        write!(f, "list of people {}:", self.file)?;
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

/// What was read so far.
#[derive(Default)]
struct Rows {
    people: Vec<Person>,
    problems: Vec<String>,
    serials: HashMap<ApplicationSerial, u64>,
    id_numbers: HashMap<IdNumber, u64>,
}

impl Rows {
    fn add(&mut self, header: &csv::StringRecord, record: &csv::StringRecord) {
        let mut row =
            Row { line: record.position().map_or(0, csv::Position::line), header, record, problems: Vec::new() };
        let serial = row.field("number", "a member's number of 1 to 10 digits", serial);
        let name = row.field("name", "1 to 20 bytes in GB18030, ten Chinese characters", HolderName::parse);
        let department = row.field("department", "a department", |text| Some(text.to_owned()));
        let id_number =
            row.field("id_number", "an id number of 18 characters with its check character", IdNumber::parse);
        let valid_from = row.field("valid_from", "a day YYYY-MM-DD", Date::parse);
        let valid_to = row.field("valid_to", "a day YYYY-MM-DD, not before valid_from", |text| {
            Date::parse(text).filter(|to| valid_from.is_none_or(|from| from <= *to))
        });
        let first_load = row.field("first_load", "yuan such as 100.00", Amount::parse_yuan);
        row.unique("number", serial, &mut self.serials);
        row.unique("id_number", id_number.clone(), &mut self.id_numbers);
        self.problems.append(&mut row.problems);
        if let (
            Some(serial),
            Some(name),
            Some(department),
            Some(id_number),
            Some(valid_from),
            Some(valid_to),
            Some(first_load),
        ) = (serial, name, department, id_number, valid_from, valid_to, first_load)
        {
            self.people.push(Person { serial, name, department, id_number, valid_from, valid_to, first_load });
        }
    }
}

/// One row and what is wrong with it.
struct Row<'r> {
    line: u64,
    header: &'r csv::StringRecord,
    record: &'r csv::StringRecord,
    problems: Vec<String>,
}

impl Row<'_> {
    fn field<T>(&mut self, column: &str, expected: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let at = self.header.iter().position(|name| name == column);
        let text = at.and_then(|at| self.record.get(at)).unwrap_or_default();
        let parsed = parse(text);
        if parsed.is_none() {
            self.problems.push(format!("row {}, column {column}: expected {expected}, found {text:?}", self.line));
        }
        parsed
    }

    fn unique<T: Eq + Hash>(&mut self, column: &str, value: Option<T>, seen: &mut HashMap<T, u64>) {
        let Some(value) = value else { return };
        if let Some(first) = seen.insert(value, self.line) {
            let line = self.line;
            self.problems.push(format!("row {line}, column {column}: expected another one than row {first} has"));
        }
    }
}

/// The province and attribute of every serial this program issues: both are the operator's to choose.
const PROVINCE: u8 = 31;
const ATTRIBUTE: u16 = 1;

/// The application serial of a member's number.
pub(crate) fn serial(number: &str) -> Option<ApplicationSerial> {
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .then(|| number.parse().ok())
        .flatten()
        .and_then(|number| ApplicationSerial::from_parts(PROVINCE, ATTRIBUTE, number))
}

fn header_problem(header: &csv::StringRecord) -> Option<String> {
    let count = |column: &str| header.iter().filter(|name| *name == column).count();
    let fits = header.len() == COLUMNS.len() && COLUMNS.iter().all(|column| count(column) == 1);
    let found = header.iter().collect::<Vec<_>>().join(",");
    (!fits).then(|| format!("row 1: expected the columns {}, found {found:?}", COLUMNS.join(",")))
}

fn row_problem(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos: Some(pos), expected_len, len } => {
            format!("row {}: expected {expected_len} columns, found {len}", pos.line())
        }
        _ => error.to_string(),
    }
}

impl fmt::Debug for Person {
    /// Personal data stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Person(..)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    const GOOD: &str = "7,王小明,研发部,990101199001010011,2026-01-01,2026-12-31,100";

    fn with_check(first: &str) -> String {
        let check = "0123456789X".chars().find(|check| IdNumber::parse(&format!("{first}{check}")).is_some());
        format!("{first}{}", check.unwrap())
    }

    fn list(rows: &[String]) -> Result<Vec<Person>, String> {
        let text = format!("{}\n{}\n", COLUMNS.join(","), rows.join("\n"));
        parse("people.csv", text.as_bytes()).map_err(|error| error.to_string())
    }

    fn good() -> String {
        GOOD.replace("990101199001010011", &with_check("99010119900101001"))
    }

    #[test]
    fn the_example_has_fifty_people_whose_names_come_back_from_the_card() {
        let people = parse("example", EXAMPLE.as_bytes()).unwrap();
        assert_eq!(people.len(), 50);
        for person in &people {
            assert_eq!(holder_text(&person.holder().name), person.name.to_string());
            // 99 is no province: nobody has such a number.
            assert!(holder_text(&person.holder().id_number).starts_with("99"));
        }
    }

    #[test]
    fn every_wrong_field_is_named_with_what_was_expected() {
        let people = list(&[good()]).unwrap();
        assert_eq!(people[0].serial.to_string(), "3100100000000076");
        let lines = format!("{}\r\n{}\r\n{},1\r\n", COLUMNS.join(","), good(), good());
        let of_windows = parse("p", lines.as_bytes()).unwrap_err().to_string();
        assert!(of_windows.contains("row 3: expected 7 columns, found 8"), "{of_windows}");
        let rows = [
            good().replace("王小明", "王小明王小明王小明王小"),
            good().replacen('7', "12345678901", 1),
            good().replace("2026-12-31", "2025-12-31"),
            good().replace(",100", ",1.234"),
        ];
        for (row, column) in rows.iter().zip(["name", "number", "valid_to", "first_load"]) {
            let message = list(std::slice::from_ref(row)).unwrap_err();
            assert!(message.starts_with(&format!("list of people people.csv: row 2, column {column}: ")), "{message}");
        }
        assert!(list(&[good(), good()]).unwrap_err().contains("row 3, column number: expected another one than row 2"));
        assert!(list(&["1,2".to_owned()]).unwrap_err().contains("row 2: expected 7 columns, found 2"));
        assert!(list(&[]).unwrap_err().contains("no person"));
        assert!(parse("p", b"number,name\n").unwrap_err().to_string().contains("row 1: expected the columns"));
        assert!(parse("p", &[0xCD, 0xF5]).unwrap_err().to_string().contains("not UTF-8"));
    }

    #[test]
    fn a_spreadsheets_mark_and_another_order_of_columns_are_taken() {
        let text = "\u{FEFF}name,number,department,id_number,valid_from,valid_to,first_load\r\n王,7,部,";
        let text = format!("{text}{},2026-01-01,2026-12-31,0\r\n", with_check("99010119900101001"));
        assert_eq!(parse("p", text.as_bytes()).unwrap()[0].name.to_string(), "王");
    }
}
