//! `onecard gp keys`.

use std::{fmt, path::PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use onecard_host::{
    globalplatform::{
        ChannelKeys, KeySource,
        management::{NewKeys, delete_key_set, key_information, put_key},
    },
    keys::CheckValue,
};
use onecard_wire::globalplatform::{key_id, secure_channel::ProtocolId};
use serde::Serialize;

use super::{
    access::{Access, changed, new_version, version},
    info::{KnownKey, key_table, known_keys},
    key_file,
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
  onecard gp keys put --reader sim:wang.sim --keys dev.keys --new-file wang.keys")]
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
    /// A file with the three new keys, as for --key-file.
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
    let source = options.new_keys(protocol)?;
    let plan = match options.replace {
        Some(old) => format!("key set {:02X}, in place of {old:02X} 替换密钥集", source.version()),
        None => format!("key set {:02X} 新增密钥集", source.version()),
    };
    options.consent.ask(options.access.card.place()?, "a SIM", &[plan])?;
    let (version, values) = options.access.in_session(|session| {
        let new: ChannelKeys = source.keys_for(session.peer())?;
        let keys = new.to_domain_keys();
        let order = NewKeys {
            replaces: options.replace,
            version: new.version,
            first_id: key_id::ENC,
            keys: &keys,
            form: onecard_host::globalplatform::management::KeyForm::default(),
        };
        Ok((new.version, changed(put_key(session, &order))?))
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
    fn new_keys(&self, protocol: ProtocolId) -> anyhow::Result<Box<dyn KeySource>> {
        if let Some(file) = &self.new_file {
            let keys = key_file::read(file)?;
            let version = new_version(self.version.unwrap_or(keys.version), keys.protocol())?;
            return Ok(Box::new(Fixed(keys.with_version(version))));
        }
        let file = self.new.as_deref().context("name the new keys by --new or --new-file")?;
        let default = if protocol == ProtocolId::SCP02 { 0x20 } else { 0x30 };
        let version = new_version(self.version.unwrap_or(default), protocol)?;
        let keys = DevelopmentKeys::read(file, &self.access.channel.passphrase)?;
        key_file::of_operator(&keys, protocol, version)
    }
}

/// One set, of whichever protocol: it is not what the session is opened with.
#[derive(Debug)]
struct Fixed(ChannelKeys);

impl KeySource for Fixed {
    fn version(&self) -> u8 {
        self.0.version
    }

    fn keys_for(
        &self,
        _peer: &onecard_host::globalplatform::secure_channel::Peer,
    ) -> Result<ChannelKeys, onecard_host::globalplatform::secure_channel::OpenError> {
        Ok(self.0.clone())
    }
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
