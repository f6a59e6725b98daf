//! The list of good cards for other programs.

use std::io::{self, Write};

use super::Line;

pub(super) fn write(to: &mut impl Write, lines: impl IntoIterator<Item = Line>) -> io::Result<()> {
    to.write_all("\u{FEFF}".as_bytes())?;
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(to);
    writer.write_record(["row", "name", "staff_number", "department", "serial", "printed_number"])?;
    for line in lines {
        let Line { row, name, staff_number, department, serial, printed } = line;
        let row = row.to_string();
        let text = [row.as_str(), &name, &staff_number, &department, &serial, printed.as_deref().unwrap_or_default()];
        writer.write_record(text.map(inert))?;
    }
    writer.flush()
}

/// A spreadsheet takes what begins so for a formula.
fn inert(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@']);
    if formula { format!("'{text}") } else { text.to_owned() }
}
