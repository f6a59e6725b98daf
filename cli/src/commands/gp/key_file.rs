//! The keys of a session: from a file of one SIM, published, or an operator's. A file may have a set over the air in their place.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use onecard_host::{
    crypto::{Key, TripleLengthKey},
    globalplatform::{
        AesKey, ChannelKeys, DomainKey, KeySource, KeyTriple, OperatorsKeys,
        secure_channel::{OpenError, Peer},
    },
    keys::RootKeys,
    over_the_air::SetVersion,
};
use onecard_wire::{globalplatform::secure_channel::ProtocolId, key::Algorithm};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use crate::{
    development_keys::{DevelopmentKeys, KEY_VERSION},
    private_file,
};

const WHAT: &str = "key file";

/// What a file holds.
#[derive(Clone, Debug)]
pub(crate) enum FileKeys {
    /// Keys that open sessions.
    Channel(ChannelKeys),
    /// Keys of packets: KIc, KID, KIK.
    OverTheAir(SetVersion, [DomainKey; 3]),
}

/// What a SIM's maker gives with it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    protocol: String,
    version: String,
    #[serde(alias = "kic", deserialize_with = "secret")]
    enc: Zeroizing<String>,
    #[serde(alias = "kid", deserialize_with = "secret")]
    mac: Zeroizing<String>,
    #[serde(alias = "kik", deserialize_with = "secret")]
    dek: Zeroizing<String>,
}

/// The session's keys in the file at `path`. Messages never repeat its text, which may be a key.
pub(crate) fn read(path: &Path) -> anyhow::Result<ChannelKeys> {
    match read_any(path)? {
        FileKeys::Channel(keys) => Ok(keys),
        FileKeys::OverTheAir(..) => bail!(
            "{WHAT} {} has a set over the air, which opens no session 空中密钥集不能用于安全通道: name one of scp03 or scp02",
            path.display()
        ),
    }
}

/// The keys in the file at `path`, of either kind.
pub(crate) fn read_any(path: &Path) -> anyhow::Result<FileKeys> {
    let (_, text) = private_file::read(path, WHAT)?;
    parse(&text).with_context(|| format!("{WHAT} {}", path.display()))
}

fn parse(text: &str) -> anyhow::Result<FileKeys> {
    let content: Content = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        anyhow!(
            "line {} does not fit: `protocol`, `version` and three keys are wanted: `enc`, `mac`, `dek` of \"scp02\" or \"scp03\", \
             `kic`, `kid`, `kik` of \"ota-aes\" or \"ota-3des\"",
            before.lines().count().max(1)
        )
    })?;
    let version = super::access::version(&content.version).map_err(|expected| anyhow!("`version`: {expected}"))?;
    match content.protocol.as_str() {
        "scp02" => {
            let key = |text: &str| Key::from_hex(Algorithm::Des, text);
            let triple = KeyTriple { enc: key(&content.enc)?, mac: key(&content.mac)?, dek: key(&content.dek)? };
            Ok(FileKeys::Channel(ChannelKeys::scp02(version, triple)?))
        }
        "scp03" => {
            let key = |text: &str| AesKey::from_hex(text);
            let triple = KeyTriple { enc: key(&content.enc)?, mac: key(&content.mac)?, dek: key(&content.dek)? };
            Ok(FileKeys::Channel(ChannelKeys::scp03(version, triple)?))
        }
        "ota-aes" => content.over_the_air(version, |text| Ok(DomainKey::Aes(AesKey::from_hex(text)?))),
        "ota-3des" => content.over_the_air(version, triple_des),
        _ => bail!("`protocol` is none of \"scp02\", \"scp03\", \"ota-aes\" and \"ota-3des\""),
    }
}

impl Content {
    /// KIc, KID and KIK, of one length: a set is of one cipher (15.4.4.1).
    fn over_the_air(&self, version: u8, key: impl Fn(&str) -> anyhow::Result<DomainKey>) -> anyhow::Result<FileKeys> {
        let version = SetVersion::new(version).ok_or_else(|| anyhow!("`version` of a set over the air is 01 to 0F"))?;
        let keys = [key(&self.enc)?, key(&self.mac)?, key(&self.dek)?];
        let [kic, kid, kik] = keys.each_ref().map(|key| key.expose().len());
        if kic != kid || kic != kik {
            bail!("the three keys are not of one length");
        }
        Ok(FileKeys::OverTheAir(version, keys))
    }
}

/// Of two keys, or of three.
fn triple_des(text: &str) -> anyhow::Result<DomainKey> {
    if text.len() == 2 * TripleLengthKey::LEN {
        let mut value = Zeroizing::new([0; TripleLengthKey::LEN]);
        hex::decode_to_slice(text, &mut *value).map_err(|_| anyhow!("a key is not of hexadecimal digits"))?;
        return Ok(DomainKey::TripleDes3(TripleLengthKey::from_bytes(*value)));
    }
    Ok(DomainKey::TripleDes(Key::from_hex(Algorithm::Des, text)?))
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
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    const GOOD: &str = "protocol = \"scp03\"\nversion = \"30\"\n\
        enc = \"000102030405060708090a0b0c0d0e0f\"\nmac = \"101112131415161718191a1b1c1d1e1f\"\n\
        dek = \"202122232425262728292a2b2c2d2e2f\"\n";

    #[test]
    fn a_file_of_either_protocol() {
        let channel = |text: &str| match parse(text).unwrap() {
            FileKeys::Channel(keys) => (keys.protocol(), keys.version),
            FileKeys::OverTheAir(version, _) => panic!("{version:?}"),
        };
        assert_eq!(channel(GOOD), (ProtocolId::SCP03, 0x30));
        assert_eq!(channel(&GOOD.replace("scp03", "scp02").replace("30", "20")), (ProtocolId::SCP02, 0x20));
    }

    #[test]
    fn a_set_over_the_air_of_either_cipher() {
        let text = |protocol: &str, version: &str, length: usize| {
            let key = |first: usize| hex::encode((first..first + length).map(|byte| byte as u8).collect::<Vec<_>>());
            let [kic, kid, kik] = [0x00, 0x40, 0x80].map(key);
            format!(
                "protocol = \"{protocol}\"\nversion = \"{version}\"\nkic = \"{kic}\"\nkid = \"{kid}\"\nkik = \"{kik}\"\n"
            )
        };
        for (protocol, length) in
            [("ota-aes", 16), ("ota-aes", 24), ("ota-aes", 32), ("ota-3des", 16), ("ota-3des", 24)]
        {
            let FileKeys::OverTheAir(version, keys) = parse(&text(protocol, "0F", length)).unwrap() else {
                panic!("{protocol}")
            };
            assert_eq!((version.number(), keys[2].expose().len(), keys[2].expose()[0]), (0x0F, length, 0x80));
        }
        for wrong in [text("ota-aes", "10", 16), text("ota-aes", "00", 16), text("ota-3des", "01", 32)] {
            parse(&wrong).unwrap_err();
        }
        let uneven = text("ota-3des", "01", 16).replace("8e8f\"", "8e8f9091929394959697\"");
        assert!(format!("{:#}", parse(&uneven).unwrap_err()).contains("one length"));
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
