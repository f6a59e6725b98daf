//! The key set of packets, out of a key store and never out of an argument.

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use onecard_host::over_the_air::{OtaKeySet, PacketKeys, SetVersion};

use crate::{
    commands::gp::key_file::{self, FileKeys},
    development_keys::{DevelopmentKeys, KEY_VERSION},
    passphrase::PassphraseSource,
};

/// Where the keys are.
#[derive(Args, Debug)]
#[command(next_help_heading = "Keys (密钥)")]
pub(super) struct KeyOptions {
    /// A file with the three keys of this very SIM's set, as for `gp keys put --new-file`: `protocol` "ota-aes" or "ota-3des", `kic`,
    /// `kid`, `kik`; or "scp03" AES, "scp02" triple DES, with `enc` as KIc, `mac` KID, `dek` KIK.
    #[arg(long, value_name = "FILE", conflicts_with = "keys")]
    key_file: Option<PathBuf>,
    /// The development key file that the SIM's keys come from, clear or sealed.
    #[arg(long, value_name = "FILE", requires = "chip")]
    keys: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseSource,
    /// With --keys: the chip's number, the last 8 bytes of EF_ICCID as stored, in hexadecimal digits.
    #[arg(long, value_name = "NUMBER", value_parser = chip, requires = "keys")]
    chip: Option<[u8; 8]>,
    /// With --keys: the key set's version, 01 to 0F.
    #[arg(long, value_name = "VERSION", value_parser = set, default_value = "01")]
    set: SetVersion,
    /// With --keys: the cipher of the set.
    #[arg(long, value_enum, default_value_t = Cipher::Aes)]
    cipher: Cipher,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Cipher {
    /// AES-128
    Aes,
    /// Triple DES of two keys
    #[value(name = "3des")]
    TripleDes,
}

impl KeyOptions {
    /// The keys, if some are named.
    pub(super) fn read(&self) -> anyhow::Result<Option<PacketKeys>> {
        let set = match (&self.key_file, &self.keys, self.chip) {
            (Some(file), ..) => {
                let (version, keys) = match key_file::read_any(file)? {
                    FileKeys::OverTheAir(version, keys) => (version, keys),
                    FileKeys::Channel(keys) => {
                        let version = SetVersion::new(keys.version).with_context(|| {
                            format!(
                                "{}: key set {:02X} is none over the air: 01 to 0F 非空中密钥集",
                                file.display(),
                                keys.version
                            )
                        })?;
                        (version, keys.to_domain_keys())
                    }
                };
                OtaKeySet::new(version, keys)?
            }
            (None, Some(file), Some(chip)) => {
                let keys = DevelopmentKeys::read(file, &self.passphrase)?;
                OtaKeySet::of_chip(&keys.roots, KEY_VERSION, (chip, self.set), self.cipher == Cipher::Aes)?
            }
            _ => return Ok(None),
        };
        Ok(Some(PacketKeys::new(&set)))
    }

    /// The keys, which are needed.
    pub(super) fn required(&self) -> anyhow::Result<PacketKeys> {
        self.read()?.ok_or_else(|| anyhow!("the key set is needed: name --key-file, or --keys and --chip 请指定密钥"))
    }
}

fn chip(text: &str) -> Result<[u8; 8], String> {
    let bytes = hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| "expected 16 hexadecimal digits".to_owned())
}

fn set(text: &str) -> Result<SetVersion, String> {
    let byte = (text.len() == 2).then(|| u8::from_str_radix(text, 16).ok()).flatten();
    byte.and_then(SetVersion::new).ok_or_else(|| "expected two hexadecimal digits, 01 to 0F".to_owned())
}
