//! Settlement records for other programs: JSON, and CSV (RFC 4180) that spreadsheets leave as it is.
//!
//! Both have the columns of the settlement file. JSON: `{"schema": …, "records": [{…}]}`, each column a string, but amounts
//! and sequences numbers, and null where the file has an empty field. CSV: a header line, a column `schema` in front, and what
//! a spreadsheet would take for a number and round or trim stands as text:
//!
//! | column | example |
//! |---|---|
//! | `order` | `#12` |
//! | `enterprise`, `serial`, `terminal` | `3100-1000-0000-0423` |
//! | `type`, `key_version`, `algorithm`, `tac` | `0x06` |
//! | `moment` | `2026-06-01T08:30:00` |
//!
//! No field begins with a character that a spreadsheet takes for a formula.

use serde_json::{Map, Value, json};

use super::{COLUMNS, SettlementError, SettlementRecord, line, parse_line};

/// Names columns and version, in JSON and in each line of CSV.
pub const SCHEMA: &str = "onecard-settlement/1";

/// Columns that are numbers in JSON.
const NUMBERS: [&str; 5] = ["amount", "old_balance", "new_balance", "card_sequence", "terminal_sequence"];

/// Why an export was not written or read.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Not CSV.
    #[error("this is no CSV")]
    Csv(#[from] csv::Error),
    /// Not JSON.
    #[error("this is no JSON")]
    Json(#[from] serde_json::Error),
    /// Of another release, or something else.
    #[error("schema or columns are {found:?}, not those of {SCHEMA}: use the release that wrote it")]
    Schema {
        /// What stands there.
        found: String,
    },
    /// A record that is none.
    #[error("record {0}")]
    Record(#[from] SettlementError),
}

/// Records as CSV.
///
/// # Errors
/// [`ExportError::Csv`]: never, for records of this library.
pub fn to_csv<'a>(records: impl IntoIterator<Item = &'a SettlementRecord>) -> Result<String, ExportError> {
    let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    csv.write_record(header())?;
    for record in records {
        let line = line(record);
        let cells = COLUMNS.split(',').zip(line.split(',')).map(|(column, field)| cell(column, field));
        csv.write_record(core::iter::once(SCHEMA.to_owned()).chain(cells))?;
    }
    let bytes = csv.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    // Digits and words are ASCII.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Records from CSV.
///
/// # Errors
/// [`ExportError`] names the record, counted from 1, and the column.
pub fn from_csv(text: &str) -> Result<Vec<SettlementRecord>, ExportError> {
    let mut csv = csv::Reader::from_reader(text.as_bytes());
    let found: Vec<String> = csv.headers()?.iter().map(str::to_owned).collect();
    if !found.iter().map(String::as_str).eq(header()) {
        return Err(ExportError::Schema { found: found.join(",") });
    }
    let mut records = Vec::new();
    for (row, number) in csv.records().zip(1..) {
        let row = row?;
        let mut cells = row.iter();
        match cells.next() {
            Some(SCHEMA) => {}
            other => return Err(ExportError::Schema { found: other.unwrap_or_default().to_owned() }),
        }
        let fields = COLUMNS.split(',').zip(cells).map(|(column, cell)| field(column, cell, number));
        records.push(parse_line(&fields.collect::<Result<Vec<_>, _>>()?.join(","), number)?);
    }
    Ok(records)
}

/// Records as JSON.
#[must_use]
pub fn to_json<'a>(records: impl IntoIterator<Item = &'a SettlementRecord>) -> String {
    let records: Vec<Value> = records.into_iter().map(|record| object(&line(record))).collect();
    format!("{:#}\n", json!({ "schema": SCHEMA, "records": records }))
}

/// Records from JSON.
///
/// # Errors
/// [`ExportError`] names the record, counted from 1, and the column.
pub fn from_json(text: &str) -> Result<Vec<SettlementRecord>, ExportError> {
    let value: Value = serde_json::from_str(text)?;
    let schema = value.get("schema").and_then(Value::as_str).unwrap_or_default();
    let records = value.get("records").and_then(Value::as_array).filter(|_| schema == SCHEMA);
    let records = records.ok_or_else(|| ExportError::Schema { found: schema.to_owned() })?;
    let parsed = records.iter().zip(1..).map(|(record, number)| {
        let fields = COLUMNS.split(',').map(|column| match record.get(column) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(Value::Number(digits)) => Ok(digits.to_string()),
            Some(Value::Null) => Ok(String::new()),
            other => Err(SettlementError { line: number, field: named(column), found: format!("{other:?}") }),
        });
        parse_line(&fields.collect::<Result<Vec<_>, _>>()?.join(","), number)
    });
    Ok(parsed.collect::<Result<_, _>>()?)
}

fn header() -> impl Iterator<Item = &'static str> {
    core::iter::once("schema").chain(COLUMNS.split(','))
}

fn object(line: &str) -> Value {
    let members = COLUMNS.split(',').zip(line.split(',')).map(|(column, field)| {
        let number = field.parse::<u64>().ok().filter(|_| NUMBERS.contains(&column));
        let value = match number {
            Some(number) => number.into(),
            None if field.is_empty() => Value::Null,
            None => field.into(),
        };
        (column.to_owned(), value)
    });
    Value::Object(members.collect::<Map<_, _>>())
}

/// A field as a spreadsheet leaves it.
fn cell(column: &str, field: &str) -> String {
    match column {
        _ if field.is_empty() => String::new(),
        "order" => format!("#{field}"),
        "enterprise" | "serial" | "terminal" => {
            let digits: Vec<char> = field.chars().collect();
            digits.chunks(4).map(String::from_iter).collect::<Vec<_>>().join("-")
        }
        "type" | "key_version" | "algorithm" | "tac" => format!("0x{field}"),
        "moment" => {
            let mut digits = field.chars();
            let mut next = |count| digits.by_ref().take(count).collect::<String>();
            let (year, month, day) = (next(4), next(2), next(2));
            format!("{year}-{month}-{day}T{}:{}:{}", next(2), next(2), next(2))
        }
        _ => field.to_owned(),
    }
}

/// The field that stands as `cell`, and as nothing else.
fn field(column: &'static str, found: &str, line: usize) -> Result<String, SettlementError> {
    let plain = found.strip_prefix("0x").or(found.strip_prefix('#')).unwrap_or(found);
    let plain: String = match column {
        "moment" | "enterprise" | "serial" | "terminal" => plain.chars().filter(char::is_ascii_digit).collect(),
        _ => plain.to_owned(),
    };
    if cell(column, &plain) == found {
        Ok(plain)
    } else {
        Err(SettlementError { line, field: column, found: found.to_owned() })
    }
}

/// The column's name as errors keep it.
fn named(column: &str) -> &'static str {
    COLUMNS.split(',').find(|name| *name == column).unwrap_or("columns")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;
    use crate::terminal::settlement::{FORMAT, parse};

    /// A purchase, a recharge as a subsidy, and one known from the log alone.
    fn records() -> Vec<SettlementRecord> {
        let lines = "12,1000000000000001,3100100000000423,001122334455,06,1250,10000,8750,256,7,20260601083000,01,00,0E123456,mac2\n\
            9223372036854775808,1000000000000001,3100100000000423,001122334455,02,100,8750,8850,3,,20260601083001,01,00,12E45678,answer\n\
            14,1000000000000001,3100100000000423,001122334455,06,1,8850,8849,257,8,20260601083002,01,04,,log\n";
        parse(&format!("{FORMAT}\n{COLUMNS}\n{lines}")).unwrap()
    }

    #[test]
    fn what_is_exported_is_read_back() {
        let records = records();
        assert_eq!(from_csv(&to_csv(&records).unwrap()).unwrap(), records);
        assert_eq!(from_json(&to_json(&records)).unwrap(), records);
        assert_eq!(from_csv(&to_csv(&[]).unwrap()).unwrap(), []);
        assert_eq!(from_json(&to_json(&[])).unwrap(), []);
    }

    #[test]
    fn a_spreadsheet_finds_no_number_to_round_and_no_formula() {
        let text = to_csv(&records()).unwrap();
        let rows: Vec<&str> = text.split("\r\n").collect();
        assert_eq!(rows.first().unwrap(), &format!("schema,{COLUMNS}"));
        assert_eq!(
            rows.get(1).unwrap(),
            &"onecard-settlement/1,#12,1000-0000-0000-0001,3100-1000-0000-0423,0011-2233-4455,0x06,1250,10000,8750,256,7,\
              2026-06-01T08:30:00,0x01,0x00,0x0E123456,mac2"
        );
        for cell in rows.iter().flat_map(|row| row.split(',')) {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
            // More than 15 digits are rounded, leading zeros trimmed, 12E45678 is infinite.
            let as_number = cell.parse::<f64>().is_ok();
            assert!(!as_number || (cell.len() <= 10 && cell.parse::<u32>().unwrap().to_string() == cell), "{cell}");
        }
    }

    #[test]
    fn json_has_columns_by_name() {
        let value: Value = serde_json::from_str(&to_json(&records())).unwrap();
        assert_eq!(value["schema"], SCHEMA);
        let [purchase, load, logged] = value["records"].as_array().unwrap().as_slice() else { panic!("{value}") };
        assert_eq!((&purchase["amount"], &purchase["serial"]), (&json!(1250), &json!("3100100000000423")));
        assert_eq!((&load["order"], &load["terminal_sequence"]), (&json!("9223372036854775808"), &Value::Null));
        assert_eq!((&logged["tac"], &logged["evidence"]), (&Value::Null, &json!("log")));
    }

    #[test]
    fn what_was_changed_is_named() {
        let (csv, json) = (to_csv(&records()).unwrap(), to_json(&records()));
        for (from, to, record, field) in [
            ("#12,", "12,", 1, "order"),
            ("0x06,1250", "6,1250", 1, "type"),
            ("3100-1000-0000-0423,0011-2233-4455,0x02", "3.1E15,0011-2233-4455,0x02", 2, "serial"),
            ("2026-06-01T08:30:02", "01.06.2026 08:30", 3, "moment"),
            ("8750,256", "8751,256", 1, "balances"),
        ] {
            assert!(csv.contains(from), "{from}");
            match from_csv(&csv.replacen(from, to, 1)) {
                Err(ExportError::Record(error)) => assert_eq!((error.line, error.field), (record, field)),
                other => panic!("{to}: {other:?}"),
            }
        }
        let error = from_json(&json.replacen("\"amount\": 1250", "\"amount\": true", 1)).unwrap_err();
        assert!(matches!(error, ExportError::Record(SettlementError { line: 1, field: "amount", .. })), "{error}");
        for newer in [csv.replace("settlement/1", "settlement/2"), csv.replacen("schema", "format", 1)] {
            assert!(matches!(from_csv(&newer), Err(ExportError::Schema { .. })));
        }
        assert!(matches!(from_json(&json.replace("settlement/1", "settlement/2")), Err(ExportError::Schema { .. })));
        assert!(matches!(from_json("[]"), Err(ExportError::Schema { .. })));
        assert!(from_csv("\"").is_err() && from_json("{").is_err());
    }
}
