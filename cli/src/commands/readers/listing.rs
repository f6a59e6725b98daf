//! The readers there are.

use std::{fmt, time::Duration};

use anyhow::bail;
use onecard_host::{
    apdu::{Command, exchange},
    card::{SelectError, select},
    transport::{
        Transport, TransportError,
        pcsc::{BitRate, Connection, Line, LineProtocol, ReaderStatus, Service, Sharing, Slot, Used, Waited, Watch},
    },
};
use onecard_wire::{aid, fid::Fid, ins, number::EnterpriseId};
use serde::Serialize;

use super::Readers;
use crate::{commands::sam, output::Output, table::pairs};

/// What is printed.
#[derive(Serialize)]
struct Listed {
    readers: Vec<Reader>,
}

#[derive(Serialize)]
struct Reader {
    name: String,
    /// `empty`, `card` or `mute`.
    slot: &'static str,
    /// `nobody`, `shared` or `exclusive`.
    #[serde(skip_serializing_if = "Option::is_none")]
    used_by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    atr: Option<String>,
    #[serde(flatten)]
    line: Option<LineFacts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<Looked>,
    /// Why the card was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct LineFacts {
    protocol: Option<&'static str>,
    /// `told` by the reader, `offered` by the card, or `unknown`.
    bit_rate_is: &'static str,
    bits_per_second: Option<u32>,
    /// In bytes; null if the reader does not tell.
    longest_command: Option<usize>,
}

/// What a card says it is.
#[derive(Serialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
enum Looked {
    Card {
        enterprise: String,
        serial: String,
    },
    Blocked {
        enterprise: String,
    },
    Sam {
        enterprise: String,
        terminal: String,
    },
    /// It has a master file, and no application of this enterprise.
    Other,
    /// Not even that.
    Foreign {
        status: String,
    },
}

pub(super) fn run(options: &Readers) -> anyhow::Result<Output> {
    let service = Service::connect()?;
    if let Some(seconds) = options.wait {
        wait(Duration::from_secs(seconds.into()))?;
    }
    let enterprise = options.look.then_some(options.enterprise.enterprise);
    let readers = service.readers()?.into_iter().map(|reader| Reader::of(&service, reader, enterprise));
    Output::view("onecard.readers/1", &Listed { readers: readers.collect() })
}

fn wait(limit: Duration) -> anyhow::Result<()> {
    match Watch::begin()?.wait_for_card(None, limit)? {
        Waited::Happened(_) => Ok(()),
        Waited::TimedOut | Waited::Cancelled => bail!("no card came within {} seconds 未等到卡", limit.as_secs()),
    }
}

impl Reader {
    fn of(service: &Service, ReaderStatus { name, slot }: ReaderStatus, look: Option<EnterpriseId>) -> Self {
        let reader =
            |slot| Self { name: name.clone(), slot, used_by: None, atr: None, line: None, card: None, error: None };
        match slot {
            Slot::Empty => reader("empty"),
            Slot::Mute => reader("mute"),
            Slot::Card { atr, used } => {
                let used_by = Some(match used {
                    Used::ByNobody => "nobody",
                    Used::Shared => "shared",
                    Used::Exclusively => "exclusive",
                });
                let mut reader = Self { used_by, atr: Some(hex::encode_upper(atr)), ..reader("card") };
                // A connection ends by a reset, which would end what another program has begun.
                if used == Used::ByNobody {
                    reader.ask(service, look);
                }
                reader
            }
        }
    }

    fn ask(&mut self, service: &Service, look: Option<EnterpriseId>) {
        let asked = Connection::open(service, &self.name, Sharing::Exclusive).and_then(|mut connection| {
            self.line = Some(LineFacts::of(connection.line()));
            look.map(|enterprise| connection.tap(|card| look_at(card, enterprise))?).transpose()
        });
        match asked {
            Ok(card) => self.card = card,
            Err(error) => self.error = Some(error.to_string()),
        }
    }
}

impl LineFacts {
    fn of(line: &Line) -> Self {
        let (bit_rate_is, bits_per_second) = match line.bit_rate {
            BitRate::Told(rate) => ("told", Some(rate)),
            BitRate::Offered(rate) => ("offered", Some(rate)),
            BitRate::Unknown => ("unknown", None),
        };
        let protocol = line.protocol.map(LineProtocol::name);
        Self { protocol, bit_rate_is, bits_per_second, longest_command: line.longest_command }
    }
}

fn look_at(mut card: &mut dyn Transport, enterprise: EnterpriseId) -> Result<Looked, TransportError> {
    let name = enterprise.to_string();
    match select(card, &aid::enterprise_application(enterprise)) {
        Ok(application) => {
            return Ok(Looked::Card { enterprise: name, serial: application.serial().to_string() });
        }
        Err(SelectError::Blocked | SelectError::PermanentlyBlocked) => return Ok(Looked::Blocked { enterprise: name }),
        Err(_) => {}
    }
    if let Ok(facts) = sam::read(&mut card, enterprise) {
        return Ok(Looked::Sam { enterprise: name, terminal: facts.terminal });
    }
    let mf = Command::new(ins::CLA_ISO, ins::SELECT, 0x00, 0x00).with_data(&Fid::MF.0.to_be_bytes()).expecting(0);
    match exchange(card, &mf) {
        Ok(answer) if answer.status.is_ok() => Ok(Looked::Other),
        Ok(answer) => Ok(Looked::Foreign { status: format!("{:04X}", answer.status.0) }),
        Err(error) => match error {
            onecard_host::apdu::ExchangeError::Transport(error) => Err(error),
            onecard_host::apdu::ExchangeError::Malformed(_) => Err(TransportError::NoAnswer),
        },
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.readers.is_empty() {
            return writeln!(f, "No reader is connected 未接读卡器.");
        }
        self.readers.iter().try_for_each(|reader| reader.fmt(f))
    }
}

impl fmt::Display for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "pcsc:{}", self.name)?;
        let slot = match (self.slot, self.used_by) {
            ("empty", _) => "no card 无卡",
            ("mute", _) => "a card that does not answer its reset: turn it round, or use another 卡无响应",
            (_, Some("shared")) => "present, shared by other programs 有卡，其他程序共用中",
            (_, Some("exclusive")) => "present, in use by another program 有卡，其他程序独占中",
            _ => "present 有卡",
        };
        let mut facts = vec![("card 卡片", slot.to_owned())];
        facts.extend(self.atr.clone().map(|atr| ("ATR", atr)));
        if let Some(line) = &self.line {
            facts.push(("protocol 协议", line.protocol.unwrap_or("unknown 未知").to_owned()));
            facts.push(("bit rate 速率", line.bit_rate()));
            let longest = line.longest_command.map(|bytes| format!("{bytes} bytes"));
            facts.push(("longest command 最长命令", longest.unwrap_or_else(|| "not told 读卡器未报告".to_owned())));
        }
        facts.extend(self.card.as_ref().map(|card| ("it is 识别为", card.text())));
        facts.extend(self.error.clone().map(|error| ("not asked 未识别", error)));
        f.write_str(&pairs(facts))
    }
}

impl LineFacts {
    fn bit_rate(&self) -> String {
        match (self.bit_rate_is, self.bits_per_second) {
            ("told", Some(rate)) => format!("{rate} bit/s, as the reader says 读卡器报告"),
            ("offered", Some(rate)) => format!("up to {rate} bit/s, as the card offers 卡片支持上限"),
            _ => "unknown 未知".to_owned(),
        }
    }
}

impl Looked {
    fn text(&self) -> String {
        match self {
            Self::Card { enterprise, serial } => format!("card {serial} of enterprise {enterprise} 会员卡"),
            Self::Blocked { enterprise } => format!("a blocked card of enterprise {enterprise} 已锁定"),
            Self::Sam { enterprise, terminal } => format!("SAM of terminal {terminal}, enterprise {enterprise}"),
            Self::Other => {
                "a card without an application of this enterprise, perhaps blank 非本单位卡或空白卡".to_owned()
            }
            Self::Foreign { status } => format!("no FMCOS card, it answers {status} 非FMCOS卡"),
        }
    }
}
