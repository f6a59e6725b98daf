//! `onecard gp keys`.

use std::{fmt, path::PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use onecard_host::{
    globalplatform::{
        DomainKey, KeySource,
        management::{NewKeys, delete_key_set, key_information, put_key},
        secure_channel::Peer,
    },
    keys::CheckValue,
    over_the_air::SetVersion,
};
use onecard_wire::globalplatform::{key_id, secure_channel::ProtocolId};
use serde::Serialize;

use super::{
    access::{Access, changed, new_version, version},
    info::{KnownKey, key_table, known_keys},
    key_file::{self, FileKeys},
};
use crate::{
    consent::Consent,
    development_keys::DevelopmentKeys,
    output::{Exit, Output},
};

/// What can be done with key sets.
#[derive(Subcommand, Debug)]
pub(crate) enum KeysCommand {
    /// The key sets there are, without their values 查看
    #[command(after_help = "Example:\n  onecard gp keys show --reader sim:wang.sim --keys dev.keys")]
    Show(Show),
    /// Add a key set, or replace one 写入
    ///
    /// The new keys travel enciphered, and the SIM answers with their check values.
    #[command(after_help = "\
Examples:
  # a test SIM gets the operator's own keys, in place of the published ones 测试卡换为本单位密钥
  onecard gp keys put --reader sim:wang.sim --test-keys --new dev.keys --version 30 --replace 30
  onecard gp keys put --reader sim:wang.sim --keys dev.keys --new-file wang.keys
  # a set over the air 空中密钥集
  onecard gp keys put --reader sim:wang.sim --keys dev.keys --new-file wang.ota")]
    Put(Put),
    /// Delete a key set 删除
    #[command(after_help = "Example:\n  onecard gp keys delete 31 --reader sim:wang.sim --keys dev.keys")]
    Delete(Delete),
}

/// Options of `gp keys show`.
#[derive(Args, Debug)]
pub(crate) struct Show {
    #[command(flatten)]
    access: Access,
}

/// Options of `gp keys put`.
#[derive(Args, Debug)]
pub(crate) struct Put {
    /// The development key file that the new keys come from, as this SIM's own.
    #[arg(long, value_name = "FILE", required_unless_present = "new_file", conflicts_with = "new_file")]
    new: Option<PathBuf>,
    /// A file with the three new keys, as for --key-file; or a set over the air: `protocol` "ota-aes" or "ota-3des", `version` 01 to
    /// 0F, `kic`, `kid`, `kik`.
    #[arg(long, value_name = "FILE")]
    new_file: Option<PathBuf>,
    /// Version of the new key set [default: the file's; of --new 30, SCP02: 20].
    #[arg(long, value_name = "VERSION", value_parser = version)]
    version: Option<u8>,
    /// The key set that goes for it.
    #[arg(long, value_name = "VERSION", value_parser = version)]
    replace: Option<u8>,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    access: Access,
}

/// Options of `gp keys delete`.
#[derive(Args, Debug)]
pub(crate) struct Delete {
    /// Version of the key set, two hexadecimal digits.
    #[arg(value_name = "VERSION", value_parser = version)]
    version: u8,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    access: Access,
}

/// Runs one of them.
pub(super) fn run(command: &KeysCommand) -> anyhow::Result<Output> {
    match command {
        KeysCommand::Show(options) => show(options),
        KeysCommand::Put(options) => put(options),
        KeysCommand::Delete(options) => delete(options),
    }
}

fn show(options: &Show) -> anyhow::Result<Output> {
    let keys = options.access.in_session(|session| Ok(key_information(session)?.unwrap_or_default()))?;
    Output::view("onecard.gp-keys/1", &Shown { keys: known_keys(&keys) })
}

fn put(options: &Put) -> anyhow::Result<Output> {
    let protocol = options.access.channel.protocol();
    let new = options.new_keys(protocol)?;
    let plan = match options.replace {
        Some(old) => format!("key set {:02X}, in place of {old:02X} 替换密钥集", new.version()),
        None => format!("key set {:02X} 新增密钥集", new.version()),
    };
    options.consent.ask(options.access.card.place()?, "a SIM", &[plan])?;
    let (version, values) = options.access.in_session(|session| {
        let (version, keys) = new.of(session.peer())?;
        let order = NewKeys {
            replaces: options.replace,
            version,
            first_id: key_id::ENC,
            keys: &keys,
            form: onecard_host::globalplatform::management::KeyForm::default(),
        };
        Ok((version, changed(put_key(session, &order))?))
    })?;
    let written = Written {
        version: format!("{version:02X}"),
        replaced: options.replace.map(|version| format!("{version:02X}")),
        check_values: values.iter().map(CheckValue::to_string).collect(),
    };
    Output::new("onecard.gp-keys-put/1", Exit::Done, &written)
}

fn delete(options: &Delete) -> anyhow::Result<Output> {
    let version = options.version;
    options.consent.ask(
        options.access.card.place()?,
        "a SIM",
        &[format!("key set {version:02X} is erased 删除密钥集")],
    )?;
    options.access.in_session(|session| changed(delete_key_set(session, version)))?;
    Output::new("onecard.gp-keys-delete/1", Exit::Done, &Deleted { version: format!("{version:02X}") })
}

impl Put {
    fn new_keys(&self, protocol: ProtocolId) -> anyhow::Result<NewSet> {
        if let Some(file) = &self.new_file {
            return Ok(match key_file::read_any(file)? {
                FileKeys::Channel(keys) => {
                    let version = new_version(self.version.unwrap_or(keys.version), keys.protocol())?;
                    NewSet::Fixed(version, keys.to_domain_keys())
                }
                FileKeys::OverTheAir(version, keys) => {
                    NewSet::Fixed(over_the_air(self.version.unwrap_or(version.number()))?, keys)
                }
            });
        }
        let file = self.new.as_deref().context("name the new keys by --new or --new-file")?;
        let default = if protocol == ProtocolId::SCP02 { 0x20 } else { 0x30 };
        let version = new_version(self.version.unwrap_or(default), protocol)?;
        let keys = DevelopmentKeys::read(file, &self.access.channel.passphrase)?;
        Ok(NewSet::Operators(key_file::of_operator(&keys, protocol, version)?))
    }
}

/// A set that is to be put onto the SIM.
enum NewSet {
    /// The SIM's own, by its number.
    Operators(Box<dyn KeySource>),
    /// Of a file.
    Fixed(u8, [DomainKey; 3]),
}

impl NewSet {
    fn version(&self) -> u8 {
        match self {
            Self::Operators(source) => source.version(),
            Self::Fixed(version, _) => *version,
        }
    }

    fn of(&self, peer: &Peer) -> anyhow::Result<(u8, [DomainKey; 3])> {
        Ok(match self {
            Self::Operators(source) => {
                let keys = source.keys_for(peer)?;
                (keys.version, keys.to_domain_keys())
            }
            Self::Fixed(version, keys) => (*version, keys.clone()),
        })
    }
}

/// Version of a set over the air.
fn over_the_air(version: u8) -> anyhow::Result<u8> {
    let is = SetVersion::new(version).map(SetVersion::number);
    is.with_context(|| format!("key set {version:02X} is none over the air: give --version 01 to 0F 非空中密钥集"))
}

#[derive(Serialize)]
struct Shown {
    keys: Vec<KnownKey>,
}

#[derive(Serialize)]
struct Written {
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced: Option<String>,
    check_values: Vec<String>,
}

#[derive(Serialize)]
struct Deleted {
    version: String,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&key_table(&self.keys))
    }
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, check_values, .. } = self;
        writeln!(f, "Key set {version} is on the SIM; check values 校验值 {}.", check_values.join(" "))
    }
}

impl fmt::Display for Deleted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Key set {} is gone from the SIM. 密钥集已删除。", self.version)
    }
}
