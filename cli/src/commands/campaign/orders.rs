//! A list of orders, read whole: every fault by row and column.

use std::{collections::HashMap, fmt, path::Path};

use anyhow::Context;
use onecard_gateway::campaign::{Flow, NewCard, NewTask, SetCipher, UnixMillis};
use onecard_host::over_the_air::{SetVersion, message::Address};
use onecard_wire::{amount::Amount, number::ApplicationSerial, uicc};

use crate::args;

/// An order as it stands in the list.
pub(super) struct Order {
    pub(super) number: String,
    pub(super) card: NewCard,
    pub(super) serial: ApplicationSerial,
    /// What stands in the column of money, if the list has to have one.
    pub(super) money: Amount,
}

/// What is wrong with a list: everything, so that it is mended once.
#[derive(Debug)]
pub(super) struct ListFaults {
    file: String,
    faults: Vec<String>,
}

/// Faults that are told.
const TOLD_MAX: usize = 20;

const REQUIRED: [&str; 4] = ["order", "iccid", "phone", "serial"];
const OPTIONAL: [&str; 3] = ["key_set", "cipher", "counter"];

/// The column of money that a list has to have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Money {
    /// `amount`, more than nothing.
    Amount,
    /// `deposit`: what the ED holds by the books, which may be nothing.
    Deposit,
}

impl Money {
    const fn column(self) -> &'static str {
        match self {
            Self::Amount => "amount",
            Self::Deposit => "deposit",
        }
    }
}

/// Reads the list at `path`.
pub(super) fn read(path: &Path, money: Option<Money>) -> anyhow::Result<Vec<Order>> {
    let content = std::fs::read(path).with_context(|| format!("list {} cannot be read", path.display()))?;
    Ok(parse(&path.display().to_string(), &content, money)?)
}

/// The order's task.
pub(super) fn task(order: Order, flow: Flow, not_before: UnixMillis) -> NewTask {
    NewTask { order_number: order.number, card: order.card, flow, not_before }
}

fn parse(file: &str, content: &[u8], money: Option<Money>) -> Result<Vec<Order>, ListFaults> {
    let whole = |fault: String| ListFaults { file: file.to_owned(), faults: vec![fault] };
    let text = std::str::from_utf8(content).map_err(|_| whole("not UTF-8: save it as \"CSV UTF-8\"".to_owned()))?;
    // Spreadsheets put a byte order mark in front, and end lines by two characters.
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text).replace("\r\n", "\n");
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| whole(error.to_string()))?.clone();
    if let Some(fault) = header_fault(&header, money) {
        return Err(whole(fault));
    }
    let (mut orders, mut faults) = (Vec::new(), Vec::new());
    let mut seen = [("order", HashMap::new()), ("iccid", HashMap::new()), ("phone", HashMap::new())];
    for (record, number) in reader.records().zip(2_u64..) {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                faults.push(format!("row {number}: {error}"));
                continue;
            }
        };
        let row = Row { header: &header, record: &record, number };
        match row.order(money) {
            Ok(order) => orders.push(order),
            Err(fault) => faults.push(fault),
        }
        for (column, rows) in &mut seen {
            if let Some(first) = rows.insert(row.value(column).to_owned(), number) {
                faults.push(row.fault(column, &format!("stands in row {first} already: each comes once in a list")));
            }
        }
    }
    match (faults.is_empty(), orders.is_empty()) {
        (true, true) => Err(whole("no order in it: one row for each is expected below the header".to_owned())),
        (true, false) => Ok(orders),
        (false, _) => Err(ListFaults { file: file.to_owned(), faults }),
    }
}

fn header_fault(header: &csv::StringRecord, money: Option<Money>) -> Option<String> {
    let required: Vec<&str> = REQUIRED.into_iter().chain(money.map(Money::column)).collect();
    if let Some(missing) = required.iter().find(|name| !header.iter().any(|column| column == **name)) {
        return Some(format!("row 1: column {missing:?} is missing; expected are {}", required.join(", ")));
    }
    let unknown = header.iter().find(|column| !required.contains(column) && !OPTIONAL.contains(column));
    if let Some(unknown) = unknown {
        return Some(format!(
            "row 1: column {unknown:?} is not known; expected are {}, and {} if need be",
            required.join(", "),
            OPTIONAL.join(", ")
        ));
    }
    let twice = header.iter().enumerate().find(|(at, column)| header.iter().skip(at + 1).any(|other| other == *column));
    twice.map(|(_, column)| format!("row 1: column {column:?} stands there twice"))
}

struct Row<'r> {
    header: &'r csv::StringRecord,
    record: &'r csv::StringRecord,
    number: u64,
}

impl Row<'_> {
    fn value(&self, column: &str) -> &str {
        let at = self.header.iter().position(|name| name == column);
        at.and_then(|at| self.record.get(at)).unwrap_or_default()
    }

    fn fault(&self, column: &str, expected: &str) -> String {
        format!("row {}, {column}: {:?} {expected}", self.number, self.value(column))
    }

    fn order(&self, money: Option<Money>) -> Result<Order, String> {
        let number = self.value("order").to_owned();
        if number.is_empty() {
            return Err(self.fault("order", "is no number of an order"));
        }
        let iccid = self.value("iccid").to_owned();
        if uicc::iccid(&iccid).is_none() {
            return Err(self.fault("iccid", "is not 19 or 20 digits"));
        }
        let phone = self.phone()?;
        let card = NewCard { iccid, phone, key_set: self.key_set()?, cipher: self.cipher()?, counter: self.counter()? };
        let serial =
            self.parsed("serial", "is not the 16 digits of a card number, the last of them its check digit")?;
        let read = |column: &str, read: fn(&str) -> Result<Amount, String>| {
            read(self.value(column)).map_err(|expected| self.fault(column, &format!("is wrong: {expected}")))
        };
        let money = match money {
            Some(money @ Money::Amount) => read(money.column(), args::positive_amount)?,
            Some(money @ Money::Deposit) => read(money.column(), args::amount)?,
            None => Amount::ZERO,
        };
        Ok(Order { number, card, serial, money })
    }

    fn parsed<T: std::str::FromStr>(&self, column: &str, expected: &str) -> Result<T, String> {
        self.value(column).parse().map_err(|_| self.fault(column, expected))
    }

    /// Digits alone: a telephone number can hold letters a to c, which nobody means here.
    fn phone(&self) -> Result<Address, String> {
        let digits = self.value("phone").trim_start_matches('+').bytes().all(|byte| byte.is_ascii_digit());
        let phone = self.parsed("phone", "is no telephone number: 1 to 20 digits, + in front if international")?;
        if digits {
            Ok(phone)
        } else {
            Err(self.fault("phone", "is no telephone number: digits, + in front if international"))
        }
    }

    fn key_set(&self) -> Result<SetVersion, String> {
        let text = match self.value("key_set") {
            "" => "01",
            text => text,
        };
        let version = u8::from_str_radix(text, 16).ok().and_then(SetVersion::new);
        version.ok_or_else(|| self.fault("key_set", "is no key set over the air, 01 to 0F"))
    }

    fn cipher(&self) -> Result<SetCipher, String> {
        match self.value("cipher") {
            "" => Ok(SetCipher::Aes),
            text => SetCipher::parse(text).ok_or_else(|| self.fault("cipher", "is neither aes nor 3des")),
        }
    }

    fn counter(&self) -> Result<u64, String> {
        const END: u64 = 0xFF_FFFF_FFFF;
        match self.value("counter") {
            "" => Ok(0),
            text => text
                .parse()
                .ok()
                .filter(|counter| *counter < END)
                .ok_or_else(|| self.fault("counter", "is no counter of five bytes")),
        }
    }
}

impl fmt::Display for ListFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.faults.len();
        write!(
            f,
            "list {} has {count} fault{}, and nothing of it was taken 列表有误",
            self.file,
            if count == 1 { "" } else { "s" }
        )?;
        self.faults.iter().take(TOLD_MAX).try_for_each(|fault| write!(f, "\n  {fault}"))?;
        if count > TOLD_MAX { write!(f, "\n  and {} more", count - TOLD_MAX) } else { Ok(()) }
    }
}

impl std::error::Error for ListFaults {}
