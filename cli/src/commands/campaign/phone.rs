//! `onecard campaign phone`.

use std::{fmt, path::PathBuf};

use clap::Args;
use onecard_host::over_the_air::message::Address;
use serde::Serialize;

use super::look;
use crate::output::{Exit, Output};

/// Options of `campaign phone`.
#[derive(Args, Debug)]
pub(crate) struct ChangePhone {
    /// The gateway's book.
    #[arg(value_name = "BOOK")]
    book: PathBuf,
    /// The card, 19 or 20 digits.
    #[arg(value_name = "ICCID")]
    iccid: String,
    #[command(flatten)]
    now: Now,
}

/// Where it is now.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Now {
    /// The telephone number that it has now.
    #[arg(long, value_name = "PHONE")]
    to: Option<Address>,
    /// It is in none: no order is taken for it, and another card can have its number. Its orders have to have ended.
    #[arg(long)]
    none: bool,
}

/// Writes it into the book.
pub(super) fn run(options: &ChangePhone) -> anyhow::Result<Output> {
    let mut store = look(&options.book)?;
    let phone = options.now.to.as_ref();
    match phone {
        Some(phone) => store.set_phone(&options.iccid, phone)?,
        None => store.take_out_of_service(&options.iccid)?,
    }
    let facts = Changed { iccid: options.iccid.clone(), phone: phone.map(ToString::to_string) };
    Output::new("onecard.campaign-phone/1", Exit::Done, &facts)
}

#[derive(Serialize)]
struct Changed {
    iccid: String,
    /// None: out of service.
    phone: Option<String>,
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.phone {
            Some(phone) => write!(f, "Card {} is in telephone {phone} 已换号", self.iccid),
            None => write!(f, "Card {} is out of service 已停用", self.iccid),
        }
    }
}
