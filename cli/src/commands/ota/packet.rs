//! A script and what becomes a packet of it, as `build` and `send` take them.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};
use onecard_host::over_the_air::{
    CommandPacket, Form, PacketCounter, PacketKeys, PacketTerms, RedundancyCheck, Script, Spi, Tar,
    message::{PacketKind, Reference, UserData, divide},
};

use super::{keys::KeyOptions, script_file};

/// Options of a packet.
#[derive(Args, Debug)]
pub(super) struct PacketOptions {
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
    pub(super) reference: Reference,
    #[command(flatten)]
    keys: KeyOptions,
}

/// A packet that is made, and what it was made of.
pub(super) struct Made {
    pub(super) keys: PacketKeys,
    pub(super) script: Script,
    pub(super) packet: CommandPacket,
    pub(super) parts: Vec<UserData>,
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

impl PacketOptions {
    /// Makes the packet.
    pub(super) fn make(&self) -> anyhow::Result<Made> {
        let keys = self.keys.required()?;
        let form = match self.format {
            Format::Expanded => Form::EXPANDED,
            Format::Compact => Form::Compact,
        };
        let commands = script_file::read(&self.script, form)?;
        let script = Script::new(self.tar, form, commands);
        let script = script.with_context(|| format!("script {}", self.script.display()))?;
        let redundancy_check = match self.crc {
            Crc::Crc16 => RedundancyCheck::Crc16,
            Crc::Crc32 => RedundancyCheck::Crc32,
        };
        let terms = PacketTerms { spi: self.spi, redundancy_check, tar: self.tar, counter: self.counter };
        let packet = CommandPacket::build(&keys, terms, &script.to_bytes())?;
        let parts = divide(PacketKind::Command, &packet.bytes, self.reference)?;
        Ok(Made { keys, script, packet, parts })
    }
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

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    hex::decode(text).ok()?.try_into().ok()
}
