//! The list of good cards for other programs.

use std::io::{self, Write};

use super::{Line, in_groups};

pub(super) fn write(to: &mut impl Write, lines: impl IntoIterator<Item = Line>) -> io::Result<()> {
    to.write_all("\u{FEFF}".as_bytes())?;
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(to);
    writer.write_record(["row", "name", "staff_number", "department", "serial", "printed_number"])?;
    for line in lines {
        let Line { row, name, staff_number, department, serial, printed } = line;
        let (row, serial) = (row.to_string(), in_groups(&serial));
        let printed = printed.as_deref().map_or_else(String::new, in_groups);
        let text = [&row, &name, &staff_number, &department, &serial, &printed].map(String::as_str);
        writer.write_record(text.map(inert))?;
    }
    writer.flush()
}

/// A spreadsheet takes what begins so for a formula, in letters of either width; of a number it keeps 15 digits, so that those of
/// cards are written as text, in groups.
fn inert(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r']);
    if formula { format!("'{text}") } else { text.to_owned() }
}
