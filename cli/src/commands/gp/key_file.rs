//! The keys of a session: from a file of one SIM, published, or an operator's.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use onecard_host::{
    crypto::Key,
    globalplatform::{
        AesKey, ChannelKeys, KeySource, KeyTriple, OperatorsKeys,
        secure_channel::{OpenError, Peer},
    },
    keys::RootKeys,
};
use onecard_wire::{globalplatform::secure_channel::ProtocolId, key::Algorithm};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use crate::{
    development_keys::{DevelopmentKeys, KEY_VERSION},
    private_file,
};

const WHAT: &str = "key file";

/// What a SIM's maker gives with it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    protocol: String,
    version: String,
    #[serde(deserialize_with = "secret")]
    enc: Zeroizing<String>,
    #[serde(deserialize_with = "secret")]
    mac: Zeroizing<String>,
    #[serde(deserialize_with = "secret")]
    dek: Zeroizing<String>,
}

/// The keys in the file at `path`. Messages never repeat its text, which may be a key.
pub(crate) fn read(path: &Path) -> anyhow::Result<ChannelKeys> {
    let (_, text) = private_file::read(path, WHAT)?;
    parse(&text).with_context(|| format!("{WHAT} {}", path.display()))
}

fn parse(text: &str) -> anyhow::Result<ChannelKeys> {
    let content: Content = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        anyhow!(
            "line {} does not fit: `protocol` (\"scp02\", \"scp03\"), `version`, `enc`, `mac` and `dek` are wanted",
            before.lines().count().max(1)
        )
    })?;
    let version = super::access::version(&content.version).map_err(|expected| anyhow!("`version`: {expected}"))?;
    match content.protocol.as_str() {
        "scp02" => {
            let key = |text: &str| Key::from_hex(Algorithm::Des, text);
            let triple = KeyTriple { enc: key(&content.enc)?, mac: key(&content.mac)?, dek: key(&content.dek)? };
            Ok(ChannelKeys::scp02(version, triple)?)
        }
        "scp03" => {
            let key = |text: &str| AesKey::from_hex(text);
            let triple = KeyTriple { enc: key(&content.enc)?, mac: key(&content.mac)?, dek: key(&content.dek)? };
            Ok(ChannelKeys::scp03(version, triple)?)
        }
        _ => bail!("`protocol` is neither \"scp02\" nor \"scp03\""),
    }
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}

/// The published keys of test cards.
pub(super) fn test_keys(protocol: ProtocolId, version: u8) -> anyhow::Result<ChannelKeys> {
    let value: [u8; 16] = core::array::from_fn(|at| 0x40 + at as u8);
    Ok(match protocol {
        ProtocolId::SCP02 => {
            let key = Key::from_bytes(value);
            ChannelKeys::scp02(version, KeyTriple { enc: key.clone(), mac: key.clone(), dek: key })?
        }
        _ => {
            let key = AesKey::new(&value)?;
            ChannelKeys::scp03(version, KeyTriple { enc: key.clone(), mac: key.clone(), dek: key })?
        }
    })
}

/// The operator's keys, of which each SIM has its own.
pub(super) fn of_operator(
    keys: &DevelopmentKeys,
    protocol: ProtocolId,
    version: u8,
) -> anyhow::Result<Box<dyn KeySource>> {
    Ok(Box::new(Roots { roots: keys.roots.clone(), protocol, version }))
}

/// Keeps the roots for as long as a session may ask for them.
#[derive(Debug)]
struct Roots {
    roots: RootKeys,
    protocol: ProtocolId,
    version: u8,
}

impl Roots {
    fn keys(&self) -> OperatorsKeys<'_> {
        OperatorsKeys { roots: &self.roots, root_version: KEY_VERSION, protocol: self.protocol, version: self.version }
    }
}

impl KeySource for Roots {
    fn version(&self) -> u8 {
        self.version
    }

    fn keys_for(&self, peer: &Peer) -> Result<ChannelKeys, OpenError> {
        self.keys().keys_for(peer)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const GOOD: &str = "protocol = \"scp03\"\nversion = \"30\"\n\
        enc = \"000102030405060708090a0b0c0d0e0f\"\nmac = \"101112131415161718191a1b1c1d1e1f\"\n\
        dek = \"202122232425262728292a2b2c2d2e2f\"\n";

    #[test]
    fn a_file_of_either_protocol() {
        assert_eq!(parse(GOOD).unwrap().protocol(), ProtocolId::SCP03);
        let old = parse(&GOOD.replace("scp03", "scp02").replace("30", "20")).unwrap();
        assert_eq!((old.protocol(), old.version), (ProtocolId::SCP02, 0x20));
    }

    #[test]
    fn a_key_is_not_repeated_in_an_error() {
        for (from, to) in [
            ("scp03", "scp11"),
            ("\"30\"", "\"3\""),
            ("0e0f\"", "0e\""),
            ("mac", "mca"),
            ("enc = \"0001", "enc = 0001"),
        ] {
            let wrong = GOOD.replacen(from, to, 1);
            assert_ne!(wrong, GOOD, "{from}");
            let message = format!("{:#}", parse(&wrong).unwrap_err());
            assert!(!message.contains("0203040506") && !message.contains("1213"), "{message}");
        }
    }
}
