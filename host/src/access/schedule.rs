//! A terminal's schedule table: on which days and at what hours a row lets in.
//!
//! ```toml
//! holidays = ["2026-10-01", "2026-10-02"]
//!
//! [[row]]
//! number = 1                            # as access rights name it; 0 is always, and not in the table
//! days = ["mon", "tue", "wed", "thu", "fri"]
//! windows = ["08:00-12:00", "13:30-18:00"]
//!
//! [[row]]
//! number = 2
//! days = ["mon", "tue", "wed", "thu", "fri"]
//! windows = ["22:00-06:00"]             # ends on the next day
//! on_holidays = "as-usual"              # or "closed", which is meant without it, or "open" whatever the day of the week
//! ```
//!
//! A window that ends on the next day belongs to the day on which it begins: so does its holiday. The first second of a
//! window is inside, its end is not; a day ends at 24:00.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil;
use onecard_wire::date::{Date, Moment, Time};
use serde::Deserialize;

use crate::calendar;

/// Rows 01 to FF and the holidays, checked when they are read.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(try_from = "Document")]
pub struct ScheduleTable {
    rows: BTreeMap<u8, Row>,
    holidays: BTreeSet<civil::Date>,
}

/// What is wrong with a table, and where.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("schedule table, {place}, {field}: {problem}")]
pub struct ScheduleError {
    /// The row, or the table itself.
    pub place: String,
    /// The field.
    pub field: &'static str,
    /// What is wrong with its value.
    pub problem: String,
}

impl ScheduleTable {
    /// In an access right: at all times.
    pub const ALWAYS: u8 = 0x00;

    /// Whether `row` is open at that moment; `None` if the table has no such row.
    #[must_use]
    pub fn is_open(&self, row: u8, at: Moment) -> Option<bool> {
        if row == Self::ALWAYS {
            return Some(true);
        }
        let row = self.rows.get(&row)?;
        let Some(today) = calendar::day(at.date) else { return Some(false) };
        let second = calendar::second_of_day(at);
        let began_today = self.applies(row, today) && row.windows.iter().any(|window| window.holds(second));
        let began_yesterday = today.yesterday().is_ok_and(|yesterday| self.applies(row, yesterday))
            && row.windows.iter().any(|window| window.holds_on_the_next_day(second));
        Some(began_today || began_yesterday)
    }

    fn applies(&self, row: &Row, day: civil::Date) -> bool {
        let weekday = row.days.contains(&day.weekday().to_monday_zero_offset());
        match row.on_holidays {
            OnHolidays::AsUsual => weekday,
            OnHolidays::Closed => weekday && !self.holidays.contains(&day),
            OnHolidays::Open => weekday || self.holidays.contains(&day),
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Row {
    /// Days from Monday, 0.
    days: BTreeSet<i8>,
    windows: Vec<Window>,
    on_holidays: OnHolidays,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum OnHolidays {
    Closed,
    Open,
    AsUsual,
}

/// Seconds of the day; one that ends before it begins ends on the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Window {
    from: u32,
    to: u32,
}

impl Window {
    fn holds(self, second: u32) -> bool {
        self.from <= second && (second < self.to || self.to < self.from)
    }

    fn holds_on_the_next_day(self, second: u32) -> bool {
        self.to < self.from && second < self.to
    }
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY_SECONDS: u32 = 86_400;

/// As written, before any check but that of its form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    holidays: Vec<String>,
    #[serde(default)]
    row: Vec<WrittenRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRow {
    number: i64,
    days: Vec<String>,
    windows: Vec<String>,
    on_holidays: Option<String>,
}

impl TryFrom<Document> for ScheduleTable {
    type Error = ScheduleError;

    fn try_from(document: Document) -> Result<Self, ScheduleError> {
        let holidays = document.holidays.iter().map(|text| {
            let day = Date::parse(text).and_then(calendar::day);
            day.ok_or_else(|| ScheduleError {
                place: "the table itself".to_owned(),
                field: "holidays",
                problem: format!("{text:?} is no date; write 2026-10-01"),
            })
        });
        let mut table = Self { rows: BTreeMap::new(), holidays: holidays.collect::<Result<_, _>>()? };
        for written in &document.row {
            let number = written.number()?;
            if table.rows.insert(number, written.row()?).is_some() {
                return Err(written.wrong("number", "another row has it".to_owned()));
            }
        }
        Ok(table)
    }
}

impl WrittenRow {
    fn number(&self) -> Result<u8, ScheduleError> {
        let number = u8::try_from(self.number).ok().filter(|number| *number != ScheduleTable::ALWAYS);
        number.ok_or_else(|| self.wrong("number", "rows are 1 to 255; 0 in an access right means always".to_owned()))
    }

    fn row(&self) -> Result<Row, ScheduleError> {
        let on_holidays = match self.on_holidays.as_deref() {
            None | Some("closed") => OnHolidays::Closed,
            Some("open") => OnHolidays::Open,
            Some("as-usual") => OnHolidays::AsUsual,
            Some(other) => {
                let problem = format!("{other:?} is none of \"closed\", \"open\", \"as-usual\"");
                return Err(self.wrong("on_holidays", problem));
            }
        };
        let days: BTreeSet<i8> = self.days.iter().map(|day| self.day(day)).collect::<Result<_, _>>()?;
        let windows: Vec<Window> = self.windows.iter().map(|text| self.window(text)).collect::<Result<_, _>>()?;
        if windows.is_empty() {
            return Err(self.wrong("windows", "a row needs one; write \"00:00-24:00\" for the whole day".to_owned()));
        }
        if days.is_empty() && on_holidays != OnHolidays::Open {
            return Err(self.wrong("days", "a row needs one, or on_holidays = \"open\"".to_owned()));
        }
        Ok(Row { days, windows, on_holidays })
    }

    fn day(&self, text: &str) -> Result<i8, ScheduleError> {
        let found = DAYS.iter().zip(0..).find(|(name, _)| **name == text);
        found.map(|(_, day)| day).ok_or_else(|| self.wrong("days", format!("{text:?} is none of {}", DAYS.join(", "))))
    }

    fn window(&self, text: &str) -> Result<Window, ScheduleError> {
        let wrong = |problem: &str| self.wrong("windows", format!("{text:?}: {problem}"));
        let form = || wrong("write 08:00-12:00, or 22:00-06:00 for one that ends on the next day");
        let (from, to) = text.split_once('-').ok_or_else(form)?;
        let from = seconds(from).ok_or_else(form)?;
        let to = if to == "24:00" { DAY_SECONDS } else { seconds(to).ok_or_else(form)? };
        if from == to {
            return Err(wrong("it begins when it ends; write 00:00-24:00 for the whole day"));
        }
        Ok(Window { from, to })
    }

    fn wrong(&self, field: &'static str, problem: String) -> ScheduleError {
        ScheduleError { place: format!("row {}", self.number), field, problem }
    }
}

/// `HH:MM`, or with seconds.
fn seconds(text: &str) -> Option<u32> {
    let time = Time::parse(text).or_else(|| Time::parse(&format!("{text}:00")))?;
    let date = Date::from_bytes([0x20, 0x00, 0x01, 0x01])?;
    Some(calendar::second_of_day(Moment { date, time }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn table(text: &str) -> Result<ScheduleTable, String> {
        toml::from_str(text).map_err(|error: toml::de::Error| error.message().to_owned())
    }

    fn open(table: &ScheduleTable, row: u8, date: &str, time: &str) -> bool {
        let at = Moment { date: Date::parse(date).unwrap(), time: Time::parse(time).unwrap() };
        table.is_open(row, at).unwrap()
    }

    const OFFICE: &str = r#"
        holidays = ["2026-10-01", "2024-02-29"]
        [[row]]
        number = 1
        days = ["mon", "tue", "wed", "thu", "fri"]
        windows = ["08:00-12:00", "13:30-24:00"]
    "#;

    #[test]
    fn days_windows_and_their_ends() {
        let office = table(OFFICE).unwrap();
        // 2026-11-27 is a Friday.
        for (time, expected) in [
            ("07:59:59", false),
            ("08:00:00", true),
            ("11:59:59", true),
            ("12:00:00", false),
            ("13:30:00", true),
            ("23:59:59", true),
        ] {
            assert_eq!(open(&office, 1, "2026-11-27", time), expected, "{time}");
            assert!(!open(&office, 1, "2026-11-28", time), "Saturday {time}");
        }
        assert!(!open(&office, 1, "2026-11-28", "00:00:00"));
        assert!(open(&office, ScheduleTable::ALWAYS, "2026-11-28", "00:00:00"));
        let at = Moment { date: Date::parse("2026-11-27").unwrap(), time: Time::parse("09:00:00").unwrap() };
        assert_eq!(office.is_open(2, at), None);
        assert_eq!(ScheduleTable::default().is_open(0, at), Some(true));
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_begins() {
        let night = table("[[row]]\nnumber = 7\ndays = [\"fri\"]\nwindows = [\"22:00-06:00\"]").unwrap();
        for (date, time, expected) in [
            ("2026-11-27", "05:59:59", false),
            ("2026-11-27", "21:59:59", false),
            ("2026-11-27", "22:00:00", true),
            ("2026-11-27", "23:59:59", true),
            ("2026-11-28", "00:00:00", true),
            ("2026-11-28", "05:59:59", true),
            ("2026-11-28", "06:00:00", false),
            ("2026-11-28", "22:00:00", false),
            ("2026-11-29", "01:00:00", false),
        ] {
            assert_eq!(open(&night, 7, date, time), expected, "{date} {time}");
        }
        // Over the end of a leap February and of a year.
        let thursday = table("[[row]]\nnumber = 7\ndays = [\"thu\"]\nwindows = [\"22:00-06:00\"]").unwrap();
        assert!(open(&thursday, 7, "2024-03-01", "05:00:00"), "after Thursday 29 February");
        assert!(!open(&thursday, 7, "2023-03-01", "05:00:00"), "after Tuesday 28 February");
        assert!(open(&thursday, 7, "2027-01-01", "05:00:00"), "after Thursday 31 December");
    }

    #[test]
    fn holidays() {
        let office = table(OFFICE).unwrap();
        assert!(!open(&office, 1, "2026-10-01", "09:00:00"), "Thursday, a holiday");
        assert!(open(&office, 1, "2026-10-02", "09:00:00"));
        assert!(!open(&office, 1, "2024-02-29", "09:00:00"), "a leap day is a holiday like any other");
        let with = |on_holidays: &str, windows: &str| {
            table(&format!(
                "holidays = [\"2026-10-03\"]\n[[row]]\nnumber = 1\ndays = [\"sun\", \"sat\"]\nwindows = [{windows:?}]\n\
                 on_holidays = {on_holidays:?}"
            ))
            .unwrap()
        };
        // A Saturday.
        for (on_holidays, expected) in [("closed", false), ("open", true), ("as-usual", true)] {
            assert_eq!(open(&with(on_holidays, "08:00-12:00"), 1, "2026-10-03", "09:00:00"), expected, "{on_holidays}");
        }
        // The night of the holiday is closed to its end, the night before it is open into the holiday.
        let nights = with("closed", "22:00-06:00");
        assert!(!open(&nights, 1, "2026-10-03", "23:00:00") && !open(&nights, 1, "2026-10-04", "05:00:00"));
        assert!(open(&nights, 1, "2026-10-04", "23:00:00") && open(&nights, 1, "2026-10-05", "05:00:00"));
        let only = "holidays = [\"2026-10-01\"]\n[[row]]\nnumber = 3\ndays = []\nwindows = [\"00:00-24:00\"]\n\
                    on_holidays = \"open\"";
        assert!(open(&table(only).unwrap(), 3, "2026-10-01", "00:00:00"));
        assert!(!open(&table(only).unwrap(), 3, "2026-10-02", "00:00:00"));
    }

    #[test]
    fn an_error_names_row_and_field() {
        let row = |number: &str, days: &str, windows: &str, more: &str| {
            table(&format!("[[row]]\nnumber = {number}\ndays = [{days}]\nwindows = [{windows}]\n{more}")).unwrap_err()
        };
        let (mon, day) = ("\"mon\"", "\"08:00-12:00\"");
        for (message, expected) in [
            (row("0", mon, day, ""), "row 0, number: rows are 1 to 255"),
            (row("256", mon, day, ""), "row 256, number: rows are 1 to 255"),
            (row("4", "\"Monday\"", day, ""), "row 4, days: \"Monday\" is none of mon, "),
            (row("4", "", day, ""), "row 4, days: a row needs one"),
            (row("4", mon, "", ""), "row 4, windows: a row needs one"),
            (row("4", mon, "\"8-12\"", ""), "row 4, windows: \"8-12\": write 08:00-12:00"),
            (row("4", mon, "\"08:00-25:00\"", ""), "row 4, windows: \"08:00-25:00\""),
            (row("4", mon, "\"24:00-06:00\"", ""), "row 4, windows: \"24:00-06:00\""),
            (row("4", mon, "\"08:00-08:00\"", ""), "row 4, windows: \"08:00-08:00\": it begins when it ends"),
            (row("4", mon, day, "on_holidays = \"shut\""), "row 4, on_holidays: \"shut\" is none of"),
            (
                table("holidays = [\"2026-02-29\"]").unwrap_err(),
                "the table itself, holidays: \"2026-02-29\" is no date",
            ),
        ] {
            assert!(message.contains(expected), "{message}");
        }
        let twice = format!("{OFFICE}[[row]]\nnumber = 1\ndays = [{mon}]\nwindows = [{day}]");
        assert!(table(&twice).unwrap_err().contains("row 1, number: another row has it"));
        assert!(table("[[row]]\nnumber = 1\nday = []").is_err());
    }
}
