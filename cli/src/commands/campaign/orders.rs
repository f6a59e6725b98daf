//! A list of orders, read whole: every fault by row and column.

use std::path::Path;

use anyhow::Context;
use onecard_gateway::campaign::{NewCard, SetCipher};
use onecard_host::over_the_air::{SetVersion, message::Address};
use onecard_station::{
    list::{self, Column, Row, Rows, column},
    people::{PERSON_COLUMNS, Person},
};
use onecard_wire::{amount::Amount, number::ApplicationSerial, uicc};

use crate::args;

/// An order as it stands in the list.
pub(super) struct Order {
    pub(super) number: String,
    pub(super) card: NewCard,
    /// Of an issue it may be missing: then one is allotted.
    pub(super) serial: Option<ApplicationSerial>,
    /// What stands in the column of money, if the list has to have one.
    pub(super) money: Amount,
    /// Of an issue: who gets it.
    pub(super) person: Option<Person>,
}

/// The orders with their lines in the file.
pub(super) type Orders = Vec<(u64, Order)>;

/// What a list has beside the orders and their cards.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Beside {
    /// `amount`, more than nothing.
    Amount,
    /// `deposit`: what the ED holds by the books, which may be nothing.
    Deposit,
    /// Nothing.
    Nothing,
    /// The people, as `onecard issue batch` has them; the serial may be missing.
    People,
}

const CARD_COLUMNS: [Column; 6] = [
    column("order", "订单号", true),
    column("iccid", "卡号", true),
    column("phone", "手机号", true),
    column("key_set", "密钥集", false),
    column("cipher", "算法", false),
    column("counter", "计数器", false),
];

impl Beside {
    fn columns(self) -> Vec<Column> {
        let serial = column("serial", "应用序列号", self != Self::People);
        let mut columns = [&CARD_COLUMNS[..], &[serial]].concat();
        match self {
            Self::Amount => columns.push(column("amount", "金额", true)),
            Self::Deposit => columns.push(column("deposit", "电子存折余额", true)),
            Self::Nothing => {}
            Self::People => columns.extend(PERSON_COLUMNS),
        }
        columns
    }
}

/// Reads the list at `path`.
pub(super) fn read(path: &Path, beside: Beside) -> anyhow::Result<(Orders, Vec<u8>)> {
    let content = std::fs::read(path).with_context(|| format!("list {} cannot be read", path.display()))?;
    let read =
        list::read(&path.display().to_string(), &content, &beside.columns(), |rows, row| order(rows, &row, beside));
    let list = read.context("nothing of the list was taken 列表有误，未登记")?;
    Ok((list.rows, content))
}

fn order(rows: &mut Rows, row: &Row<'_>, beside: Beside) -> Option<Order> {
    let number = rows.field(row, "order", "the order's number, yours", |text| {
        (!text.is_empty() && !text.contains(char::is_control)).then(|| text.to_owned())
    });
    let card = card(rows, row);
    let is_serial = "the 16 digits of a card number, the last of them its check digit";
    let serial = match beside {
        Beside::People => rows.optional(row, "serial", is_serial, |text| text.parse().ok()),
        _ => rows.field(row, "serial", is_serial, |text| text.parse().ok().map(Some)),
    };
    let money = match beside {
        Beside::Amount => {
            rows.field(row, "amount", "yuan such as 100.00, more than nothing", |text| args::positive_amount(text).ok())
        }
        Beside::Deposit => rows.field(row, "deposit", "yuan such as 0.00", |text| args::amount(text).ok()),
        Beside::Nothing | Beside::People => Some(Amount::ZERO),
    };
    let person = match beside {
        Beside::People => rows.person(row).map(Some),
        _ => Some(None),
    };
    // Each comes once in a list.
    for name in ["order", "iccid", "phone"] {
        rows.once(row, name, row.text(name).to_owned());
    }
    if beside == Beside::People {
        rows.once(row, "serial", row.text("serial").to_owned());
    }
    Some(Order { number: number?, card: card?, serial: serial?, money: money?, person: person? })
}

fn card(rows: &mut Rows, row: &Row<'_>) -> Option<NewCard> {
    const END: u64 = 0xFF_FFFF_FFFF;
    let iccid = rows.field(row, "iccid", "19 or 20 digits", |text| uicc::iccid(text).map(|_| text.to_owned()));
    let phone = rows.field(row, "phone", "a telephone number: 1 to 20 digits, + in front if international", phone);
    let key_set = rows.optional(row, "key_set", "a key set over the air, 01 to 0F", |text| {
        u8::from_str_radix(text, 16).ok().and_then(SetVersion::new)
    });
    let cipher = rows.optional(row, "cipher", "aes or 3des", SetCipher::parse);
    let counter = rows.optional(row, "counter", "a counter of five bytes, below its end", |text| {
        text.parse().ok().filter(|counter| *counter < END)
    });
    Some(NewCard {
        iccid: iccid?,
        phone: phone?,
        key_set: key_set?.or_else(|| SetVersion::new(0x01))?,
        cipher: cipher?.unwrap_or(SetCipher::Aes),
        counter: counter?.unwrap_or(0),
    })
}

/// Digits alone: a telephone number can hold letters a to c, which nobody means here.
fn phone(text: &str) -> Option<Address> {
    let digits = text.trim_start_matches('+').bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}
