//! The list of good cards for other programs.

use std::io::{self, Write};

use super::{Line, in_groups};

pub(super) fn write(to: &mut impl Write, lines: impl IntoIterator<Item = Line>) -> io::Result<()> {
    to.write_all("\u{FEFF}".as_bytes())?;
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(to);
    let mut lines = lines.into_iter().peekable();
    let counted = lines.peek().is_some_and(|line| line.exports.is_some());
    let heads = ["row", "name", "staff_number", "department", "serial", "printed_number"];
    writer.write_record(heads.into_iter().chain(counted.then_some("exports")))?;
    for line in lines {
        let Line { row, name, staff_number, department, serial, printed, exports } = line;
        let (row, serial) = (row.to_string(), in_groups(&serial));
        let printed = printed.as_deref().map_or_else(String::new, in_groups);
        let text = [&row, &name, &staff_number, &department, &serial, &printed].map(String::as_str);
        let exports = exports.map(|exports| exports.to_string());
        writer.write_record(text.map(inert).into_iter().chain(exports))?;
    }
    writer.flush()
}

/// A spreadsheet takes what begins so for a formula, in letters of either width; of a number it keeps 15 digits, so that those of
/// cards are written as text, in groups.
fn inert(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r']);
    if formula { format!("'{text}") } else { text.to_owned() }
}
