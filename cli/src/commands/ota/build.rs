//! `onecard ota build`.

use std::{fmt, path::PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};
use onecard_host::over_the_air::{
    CommandPacket, Form, PacketCounter, PacketTerms, RedundancyCheck, Script, Spi, Tar,
    message::{Address, Deliver, PacketKind, Reference, ServiceCentreTime, UserData, data_max, divide},
};
use onecard_wire::date::Moment;
use serde::Serialize;

use super::{keys::KeyOptions, script_file};
use crate::{
    clock,
    output::{Exit, Output},
    table,
};

/// Options of `ota build`.
#[derive(Args, Debug)]
pub(crate) struct Build {
    /// The script: commands, one a line.
    #[arg(value_name = "SCRIPT")]
    script: PathBuf,
    /// Who it is for: domain, files, files-2g, files-usim, enterprise, or six hexadecimal digits.
    #[arg(long, value_parser = tar)]
    tar: Tar,
    /// The packet's counter, ten hexadecimal digits.
    #[arg(long, value_name = "COUNTER", value_parser = counter)]
    counter: PacketCounter,
    /// How it is secured and which proof is asked for, four hexadecimal digits: by default checksum, enciphered, counter higher, and a
    /// proof always, with checksum and enciphered, in the delivery report.
    #[arg(long, value_parser = spi, default_value = "1619")]
    spi: Spi,
    /// The redundancy check, where SPI asks for one.
    #[arg(long, value_enum, default_value_t = Crc::Crc32)]
    crc: Crc,
    /// How the commands stand in the packet.
    #[arg(long, value_enum, default_value_t = Format::Expanded)]
    format: Format,
    /// Reference of a message in parts: two hexadecimal digits, or four.
    #[arg(long, value_parser = reference, default_value = "00")]
    reference: Reference,
    /// Make SMS-DELIVER TPDUs as if from this number, as a message centre does.
    #[arg(long, value_name = "NUMBER")]
    from: Option<Address>,
    /// Their time stamp [default: the clock's].
    #[arg(long, value_name = "MOMENT", value_parser = at, requires = "from")]
    at: Option<Moment>,
    #[command(flatten)]
    keys: KeyOptions,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    /// Each command's answer comes back
    Expanded,
    /// Shorter; the last command's answer comes back
    Compact,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Crc {
    /// CRC-16
    #[value(name = "16")]
    Crc16,
    /// CRC-32
    #[value(name = "32")]
    Crc32,
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
    let keys = options.keys.required()?;
    let form = match options.format {
        Format::Expanded => Form::EXPANDED,
        Format::Compact => Form::Compact,
    };
    let commands = script_file::read(&options.script, form)?;
    let script = Script::new(options.tar, form, commands);
    let script = script.with_context(|| format!("script {}", options.script.display()))?;
    let redundancy_check = match options.crc {
        Crc::Crc16 => RedundancyCheck::Crc16,
        Crc::Crc32 => RedundancyCheck::Crc32,
    };
    let terms = PacketTerms { spi: options.spi, redundancy_check, tar: options.tar, counter: options.counter };
    let data = script.to_bytes();
    let packet = CommandPacket::build(&keys, terms, &data)?;
    let parts = divide(PacketKind::Command, &packet.bytes, options.reference)?;
    let built = Built {
        tar: terms.tar.to_string(),
        counter: terms.counter.to_string(),
        spi: hex::encode_upper(terms.spi.to_bytes()),
        key_set: format!("{:02X}", keys.version().number()),
        commands: script.commands().len(),
        data_bytes: data.len(),
        data_bytes_max: data_max(&keys, &terms, options.reference, parts.len()),
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

fn tar(text: &str) -> Result<Tar, String> {
    Ok(match text {
        "domain" => Tar::ISSUER_DOMAIN,
        "files" => Tar::FILES,
        "files-2g" => Tar::FILES_2G,
        "files-usim" => Tar::FILES_USIM,
        "enterprise" => Tar::ENTERPRISE,
        digits => Tar(bytes(digits).ok_or("expected a name of `--help`, or six hexadecimal digits")?),
    })
}

fn counter(text: &str) -> Result<PacketCounter, String> {
    bytes(text).map(PacketCounter::from_bytes).ok_or_else(|| "expected ten hexadecimal digits".to_owned())
}

fn spi(text: &str) -> Result<Spi, String> {
    let spi = bytes(text).ok_or("expected four hexadecimal digits")?;
    Spi::from_bytes(spi).ok_or_else(|| "a signature, or bits that mean nothing (specification 19.2.2)".to_owned())
}

fn reference(text: &str) -> Result<Reference, String> {
    let short = bytes(text).map(|[byte]: [u8; 1]| Reference::Short(byte));
    let wide = || bytes(text).map(|wide| Reference::Wide(u16::from_be_bytes(wide)));
    short.or_else(wide).ok_or_else(|| "expected two or four hexadecimal digits".to_owned())
}

fn at(text: &str) -> Result<Moment, String> {
    clock::moment(text).ok_or_else(|| "expected a moment such as '2026-11-02 12:30'".to_owned())
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    hex::decode(text).ok()?.try_into().ok()
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
