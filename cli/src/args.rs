//! The command line as a whole: global options, where cards and SAMs are, and how values are written.

use std::{path::PathBuf, str::FromStr};

use clap::{Args, Parser};
use onecard_host::terminal::OrderNumber;
use onecard_wire::{
    amount::Amount,
    date::{Date, Moment},
    number::{ApplicationSerial, EnterpriseId, TerminalNumber},
    record::Zone,
};

use crate::{
    clock,
    commands::Command,
    people::{HolderName, IdNumber},
    reader::ReaderName,
};

/// The enterprise of everything that is made without naming one.
pub(crate) const ENTERPRISE: &str = "1000000000000001";

const ABOUT: &str = "One Card 一卡通: cards, SAMs and terminals, safe to tear";

const EXAMPLES: &str = "\
Begin here:
  onecard demo                       the main job from keys to settlement, as a story
  onecard demo --out /tmp/onecard    the same; its cards, SAMs and records stay

Then step by step 逐步操作:
  # development keys, a till's SAM, a PIN, a card 开发密钥、SAM卡、密码、发卡
  onecard keys new dev.keys
  onecard sam new --reader sim:till.sam --keys dev.keys --role till
  echo 135790 > wang.pin; chmod 600 wang.pin
  onecard card new --reader sim:wang.card --keys dev.keys --number 7 --name 王小明 --pin-file wang.pin
  # recharge, pay, balance 充值、消费、余额
  onecard card recharge 100 --reader sim:wang.card --sam keys:dev.keys --pin-file wang.pin
  onecard card pay 12.50 --reader sim:wang.card --sam sim:till.sam
  onecard card show --reader sim:wang.card

Exit codes:
  0  done
  1  an error; no money moved
  2  wrong usage; no money moved
  3  outcome unknown 结果未知: the card may have done it; present the same card again
  4  refused 未成交: by card, SAM or rule; no money moved
  5  a settlement file holds unproven records
  6  card doctor found a problem, or what soon is one; trace check or replay found
     something wrong; a phone did not show what its script says";

/// What was typed.
#[derive(Parser, Debug)]
#[command(name = "onecard", version, about = ABOUT, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Cli {
    /// Print JSON for machines: an object with `schema`; amounts are in fen.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// `sim:FILE`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ChipFile(pub(crate) PathBuf);

/// `sim:FILE`, `pcsc:NAME` or `keys:FILE`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum SamSource {
    /// A SAM in a reader.
    Slot(ReaderName),
    /// A development key file, from which this program does a SAM's work itself.
    Keys(PathBuf),
}

/// Where vpcd waits for a card: HOST:PORT.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct VirtualReader {
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// Where the enterprise is not told by a key file.
#[derive(Args, Clone, Debug)]
pub(crate) struct Enterprise {
    /// Enterprise id (单位代码), 16 digits; with keys:FILE the file tells it.
    #[arg(long, value_name = "ID", default_value = ENTERPRISE)]
    pub(crate) enterprise: EnterpriseId,
}

/// The terminal's clock.
#[derive(Args, Clone, Debug)]
pub(crate) struct At {
    /// The terminal's date and time, instead of this machine's.
    #[arg(long, value_name = "YYYY-MM-DD HH:MM:SS", value_parser = moment)]
    at: Option<Moment>,
}

impl At {
    /// Whether a moment was asked for.
    pub(crate) const fn is_given(&self) -> bool {
        self.at.is_some()
    }

    /// The moment asked for, or now.
    pub(crate) fn moment(&self) -> anyhow::Result<Moment> {
        self.at.map_or_else(clock::now, Ok)
    }
}

impl FromStr for ChipFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("sim:") {
            Some(path) if !path.is_empty() => Ok(Self(path.into())),
            _ => Err("expected sim:FILE, such as sim:wang.card".to_owned()),
        }
    }
}

impl FromStr for SamSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("sim" | "pcsc", _)) => text.parse().map(Self::Slot),
            Some(("keys", path)) if !path.is_empty() => Ok(Self::Keys(path.into())),
            _ => Err("expected pcsc:NAME or sim:FILE (a SAM), or keys:FILE (a development key file)".to_owned()),
        }
    }
}

impl FromStr for VirtualReader {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        match parsed {
            Some((host, port)) if !host.is_empty() && port < u16::MAX => Ok(Self { host: host.to_owned(), port }),
            _ => Err("expected HOST:PORT, such as 127.0.0.1:35963".to_owned()),
        }
    }
}

/// Yuan.
pub(crate) fn amount(text: &str) -> Result<Amount, String> {
    Amount::parse_yuan(text).ok_or_else(|| "expected yuan with at most two decimals, such as 12.50".to_owned())
}

/// Yuan, more than nothing.
pub(crate) fn positive_amount(text: &str) -> Result<Amount, String> {
    amount(text).and_then(|amount| match amount {
        Amount::ZERO => Err("expected more than 0".to_owned()),
        amount => Ok(amount),
    })
}

/// An order's number.
pub(crate) fn order(text: &str) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| *number < OrderNumber::SUBSIDIES);
    let last = OrderNumber::SUBSIDIES - 1;
    number.ok_or_else(|| format!("expected a number up to {last}; those above are of subsidies"))
}

/// A terminal number as this program issues them: a SAM of another issuer may hold other bytes.
pub(crate) fn terminal_number(text: &str) -> Result<TerminalNumber, String> {
    let decimal = text.bytes().all(|byte| byte.is_ascii_digit());
    decimal.then(|| text.parse().ok()).flatten().ok_or_else(|| "expected 12 decimal digits".to_owned())
}

/// A card's number.
pub(crate) fn card_number(text: &str) -> Result<ApplicationSerial, String> {
    text.parse().map_err(|_| "expected the 16 digits of a card number, the last of them its check digit".to_owned())
}

/// A day.
pub(crate) fn date(text: &str) -> Result<Date, String> {
    Date::parse(text).ok_or_else(|| "expected a day that exists, YYYY-MM-DD".to_owned())
}

/// A zone of doors.
pub(crate) fn zone(text: &str) -> Result<Zone, String> {
    let number = text.parse().ok().filter(|number| !matches!(number, 0 | 0xFFFF));
    number.map(Zone).ok_or_else(|| "expected a zone, 1 to 65534".to_owned())
}

/// A zone of doors, or every one.
pub(crate) fn zone_or_all(text: &str) -> Result<Zone, String> {
    if text == "all" { Ok(Zone::ALL) } else { zone(text).map_err(|expected| format!("{expected}, or all")) }
}

/// A name that fits the card.
pub(crate) fn holder_name(text: &str) -> Result<HolderName, String> {
    HolderName::parse(text).ok_or_else(|| "expected 1 to 20 bytes in GB18030, ten Chinese characters".to_owned())
}

/// An id number.
pub(crate) fn id_number(text: &str) -> Result<IdNumber, String> {
    IdNumber::parse(text).ok_or_else(|| "expected 18 characters with a birthday and the check character".to_owned())
}

fn moment(text: &str) -> Result<Moment, String> {
    clock::moment(text).ok_or_else(|| "expected a date and time that exist, YYYY-MM-DD HH:MM:SS".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
