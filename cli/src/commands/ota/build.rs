//! `onecard ota build`.

use std::fmt;

use clap::Args;
use onecard_host::over_the_air::message::{Address, Deliver, ServiceCentreTime, UserData, data_max};
use onecard_wire::date::Moment;
use serde::Serialize;

use super::packet::{Made, PacketOptions};
use crate::{
    clock,
    output::{Exit, Output},
    table,
};

/// Options of `ota build`.
#[derive(Args, Debug)]
pub(crate) struct Build {
    #[command(flatten)]
    packet: PacketOptions,
    /// Make SMS-DELIVER TPDUs as if from this number, as a message centre does.
    #[arg(long, value_name = "NUMBER")]
    from: Option<Address>,
    /// Their time stamp [default: the clock's].
    #[arg(long, value_name = "MOMENT", value_parser = at, requires = "from")]
    at: Option<Moment>,
}

#[derive(Serialize)]
struct Built {
    tar: String,
    counter: String,
    spi: String,
    key_set: String,
    commands: usize,
    data_bytes: usize,
    data_bytes_max: usize,
    packet: String,
    user_data: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sms_deliver: Vec<String>,
}

/// Builds it.
pub(super) fn run(options: &Build) -> anyhow::Result<Output> {
    let Made { keys, script, packet, parts } = options.packet.make()?;
    let terms = packet.terms;
    let reference = options.packet.reference;
    let built = Built {
        tar: terms.tar.to_string(),
        counter: terms.counter.to_string(),
        spi: hex::encode_upper(terms.spi.to_bytes()),
        key_set: format!("{:02X}", keys.version().number()),
        commands: script.commands().len(),
        data_bytes: script.to_bytes().len(),
        data_bytes_max: data_max(&keys, &terms, reference, parts.len()),
        packet: hex::encode_upper(&packet.bytes),
        user_data: parts.iter().map(|part| hex::encode_upper(part.to_bytes())).collect(),
        sms_deliver: options.deliveries(parts)?,
    };
    Output::new("onecard.ota-build/1", Exit::Done, &built)
}

impl Build {
    fn deliveries(&self, parts: Vec<UserData>) -> anyhow::Result<Vec<String>> {
        let Some(from) = &self.from else { return Ok(Vec::new()) };
        let moment = self.at.map_or_else(clock::now, Ok)?;
        let last = parts.len();
        let tpdu = |(part, number): (UserData, usize)| {
            let message = Deliver::download(from.clone(), time_stamp(moment), part);
            hex::encode_upper(Deliver { no_more: number == last, ..message }.to_bytes())
        };
        Ok(parts.into_iter().zip(1..).map(tpdu).collect())
    }
}

/// Two-digit year to second, swapped; the zone is that of China, UTC + 8 hours in quarters of an hour.
fn time_stamp(moment: Moment) -> ServiceCentreTime {
    const ZONE: u8 = 0x23;
    let [_, year, month, day] = moment.date.to_bytes();
    let [hour, minute, second] = moment.time.to_bytes();
    let swapped = [year, month, day, hour, minute, second].map(|byte| byte.rotate_left(4));
    let [a, b, c, d, e, f] = swapped;
    ServiceCentreTime([a, b, c, d, e, f, ZONE])
}

fn at(text: &str) -> Result<Moment, String> {
    clock::moment(text).ok_or_else(|| "expected a moment such as '2026-11-02 12:30'".to_owned())
}

impl fmt::Display for Built {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tar, counter, spi, key_set, commands, data_bytes, data_bytes_max, packet, user_data, sms_deliver } =
            self;
        let pairs = [
            ("TAR 应用标识", tar.clone()),
            ("CNTR 计数器", counter.clone()),
            ("SPI 安全参数", spi.clone()),
            ("key set 密钥集", key_set.clone()),
            ("commands 命令数", commands.to_string()),
            ("secured data 安全数据", format!("{data_bytes} of {data_bytes_max} bytes")),
            ("messages 短信数", user_data.len().to_string()),
        ];
        writeln!(f, "{}", table::pairs(pairs))?;
        writeln!(f, "packet 报文\n  {packet}")?;
        writeln!(f, "user data 用户数据")?;
        user_data.iter().try_for_each(|part| writeln!(f, "  {part}"))?;
        if !sms_deliver.is_empty() {
            writeln!(f, "SMS-DELIVER 下行短信")?;
        }
        sms_deliver.iter().try_for_each(|tpdu| writeln!(f, "  {tpdu}"))
    }
}
