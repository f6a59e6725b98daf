//! What a trace is checked by: development key files, and files with the keys of one card.
//!
//! A card's key file is TOML: `format`, and a table `card` for each key with `type`, `id`, `key` (32 hexadecimal digits, or
//! 16 of a DES key) and, unless it is of triple DES, `algorithm` (`sm4`, `aes`). A SAM's key is a table `sam` with `kind` in
//! the place of type and id; it is diversified as the trace says. Its mode is 0600.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::Args;
use onecard_host::{
    crypto::{DesKey, Key, LineKey},
    keys::Cipher,
    trace::{GivenKey, TraceKeys},
};
use onecard_wire::{key::KeyType, sam::UsageKind};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use crate::{development_keys::DevelopmentKeys, passphrase::PassphraseSource, private_file};

/// The keys of whoever checks.
#[derive(Args, Debug)]
pub(crate) struct KeySources {
    /// A development key file: cards of its enterprise are known by their answer to SELECT.
    #[arg(long, value_name = "FILE")]
    keys: Vec<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseSource,
    /// A file with the keys of the card in the trace; `onecard trace check --help` shows one.
    #[arg(long, value_name = "FILE")]
    card_keys: Vec<PathBuf>,
}

const FORMAT: &str = "onecard-card-keys;1";
const WHAT: &str = "card key file";

impl KeySources {
    /// Whether none was named.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.card_keys.is_empty()
    }

    /// All of them together.
    pub(crate) fn read(&self) -> anyhow::Result<TraceKeys> {
        let mut keys = TraceKeys::new();
        for path in &self.keys {
            keys = keys.with_enterprise(DevelopmentKeys::read(path, &self.passphrase)?.of_enterprise());
        }
        for path in &self.card_keys {
            keys = card_keys(keys, path)?;
        }
        Ok(keys)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    format: String,
    #[serde(default)]
    card: Vec<OfCard>,
    #[serde(default)]
    sam: Vec<OfSam>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfCard {
    #[serde(rename = "type")]
    key_type: String,
    id: String,
    #[serde(default)]
    algorithm: Cipher,
    #[serde(deserialize_with = "erased")]
    key: Zeroizing<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfSam {
    kind: String,
    #[serde(default)]
    algorithm: Cipher,
    #[serde(deserialize_with = "erased")]
    key: Zeroizing<String>,
}

/// Messages name the file and a key by its place, and never repeat its digits.
fn card_keys(mut keys: TraceKeys, path: &Path) -> anyhow::Result<TraceKeys> {
    let name = || format!("{WHAT} {}", path.display());
    let (_, text) = private_file::read(path, WHAT)?;
    let content: Content = toml::from_str(&text)
        .map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            anyhow!("line {} is not as a {WHAT} has it", before.lines().count().max(1))
        })
        .with_context(name)?;
    if content.format != FORMAT {
        bail!("{}: the format is not {FORMAT:?}", name());
    }
    for (OfCard { key_type, id, algorithm, key }, number) in content.card.iter().zip(1..) {
        let place = || format!("{}: key {number} of the card", name());
        let (key_type, id) = (KeyType(byte(key_type).with_context(place)?), byte(id).with_context(place)?);
        let key = line_key(*algorithm, key).with_context(place)?;
        keys = keys.with_card_key(GivenKey { key_type, id, key });
    }
    for (OfSam { kind, algorithm, key }, number) in content.sam.iter().zip(1..) {
        let place = || format!("{}: key {number} of the SAM", name());
        let kind = UsageKind(byte(kind).with_context(place)?);
        keys = keys.with_sam_key(kind, Key::from_hex((*algorithm).into(), key).with_context(place)?);
    }
    Ok(keys)
}

fn erased<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}

fn byte(text: &str) -> anyhow::Result<u8> {
    u8::from_str_radix(text, 16).map_err(|_| anyhow!("{text:?} is not two hexadecimal digits"))
}

fn line_key(cipher: Cipher, digits: &str) -> anyhow::Result<LineKey> {
    const DES_DIGITS: usize = 16;
    if digits.len() == DES_DIGITS && matches!(cipher, Cipher::TripleDes) {
        let mut bytes = Zeroizing::new([0; DesKey::LEN]);
        hex::decode_to_slice(digits, &mut *bytes).map_err(|_| anyhow!("a DES key is 16 hexadecimal digits"))?;
        return Ok(DesKey::from_bytes(*bytes).into());
    }
    Ok(Key::from_hex(cipher.into(), digits)?.into())
}
