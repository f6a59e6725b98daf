//! What a person or a terminal is in a row of a list.

use onecard_wire::{amount::Amount, date::Date, number::TerminalNumber};

use super::{
    Person, Terminal,
    identity::{Document, HolderName, IdNumber},
};
use crate::list::{Row, Rows};

impl Rows {
    /// A person, by [`PERSON_COLUMNS`](super::PERSON_COLUMNS).
    pub fn person(&mut self, row: &Row<'_>) -> Option<Person> {
        let name = self.field(row, "name", "1 to 20 bytes in GB18030, ten Chinese characters", HolderName::parse);
        let document = self.document(row);
        let staff = self.optional(row, "staff", "yes, no, 是 or 否", yes_or_no);
        let valid_from = self.optional(row, "valid_from", "a day YYYY-MM-DD", Date::parse);
        let valid_to = self.optional(row, "valid_to", "a day YYYY-MM-DD, not before valid_from", |text| {
            let from = valid_from.flatten();
            Date::parse(text).filter(|to| from.is_none_or(|from| from <= *to))
        });
        // A passport's letters are one letter in either case.
        self.once(row, "id_number", row.text("id_number").to_ascii_uppercase());
        self.once(row, "staff_number", row.text("staff_number").to_owned());
        let department = self.printable(row, "department");
        let staff_number = self.printable(row, "staff_number");
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

    pub(super) fn terminal(&mut self, row: &Row<'_>) -> Option<Terminal> {
        let number = self.field(row, "terminal", "12 decimal digits", |text| {
            let decimal = text.bytes().all(|byte| byte.is_ascii_digit());
            decimal.then(|| text.parse::<TerminalNumber>().ok()).flatten()
        });
        let load_limit = self.optional(row, "load_limit", "yuan such as 10000.00", Amount::parse_yuan);
        self.once(row, "terminal", row.text("terminal").to_owned());
        let place = self.printable(row, "place");
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
