//! What `card inspect --json` wrote, as far as a card is made from it again.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, anyhow, bail, ensure};
use onecard_wire::{
    fid::Fid,
    key::{AlgorithmId, KeyListEntry, KeyType},
    record::{AccessRight, CappRecord, Holder, Parameters, PublicData},
};
use serde::Deserialize;

use crate::commands::card::{inspect::Content, key_names::has_version};

/// An old card.
pub(super) struct Archive {
    /// Whether each file came with the card's MAC.
    pub(super) proven: bool,
    pub(super) public_data: PublicData,
    pub(super) holder: Holder,
    pub(super) parameters: Parameters,
    /// By slot.
    pub(super) rights: Vec<Option<AccessRight>>,
    pub(super) capp_records: Vec<Vec<u8>>,
    pub(super) keys: Vec<KeyListEntry>,
    pub(super) purses: Vec<Purse>,
    /// Records of the three logs.
    pub(super) log_records: usize,
}

/// A purse, as the old card told it; nothing proves a balance.
#[derive(Deserialize)]
pub(super) struct Purse {
    pub(super) purse: String,
    pub(super) balance_fen: Option<u32>,
    pub(super) overdraft_fen: Option<u32>,
}

#[derive(Deserialize)]
struct Stored {
    schema: String,
    serial: String,
    proven: bool,
    own_parts: bool,
    purses: Vec<Purse>,
    keys: Option<Vec<StoredKey>>,
    files: BTreeMap<String, Content>,
}

#[derive(Deserialize)]
struct StoredKey {
    #[serde(rename = "type")]
    key_type: String,
    id: String,
    version: Option<u8>,
    algorithm: u8,
}

const SCHEMA: &str = "onecard.card-inspect/1";

impl Archive {
    /// Reads the file at `path`, and refuses what does not hold a whole card.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let name = || format!("archive {}", path.display());
        let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", name()))?;
        let stored: Stored = serde_json::from_str(&text)
            .with_context(|| format!("{} is not what `onecard --json card inspect` writes", name()))?;
        stored.archive().with_context(name)
    }
}

impl Stored {
    fn archive(self) -> anyhow::Result<Archive> {
        ensure!(self.schema == SCHEMA, "its schema is {:?}, this release reads {SCHEMA:?}", self.schema);
        ensure!(self.own_parts, "it is of a plain FMCOS wallet, which lists no keys: issue the card by `card new`");
        let files = Files(&self.files);
        let parsed = |file| anyhow!("file {file} does not parse: inspect the old card again");
        let public_data = PublicData::parse(&files.binary(Fid::PUBLIC_DATA)?).ok_or_else(|| parsed("0015"))?;
        ensure!(
            public_data.serial.to_string() == self.serial,
            "it names card {}, its file 0015 card {}: it was changed",
            self.serial,
            public_data.serial
        );
        let keys = self.keys.context("it holds no key list: inspect the old card again")?;
        let keys: Option<Vec<KeyListEntry>> = keys.iter().map(StoredKey::entry).collect();
        let rights = files.binary(Fid::ACCESS_RIGHTS)?;
        ensure!(rights.len() == AccessRight::FILE_LEN, parsed("0019"));
        let capp_records = files.records(Fid::CAPP)?;
        ensure!(capp_records.iter().all(|record| CappRecord::parse(record).is_some()), parsed("001C"));
        let logs = [Fid::LOG, Fid::ATTENDANCE_LOG, Fid::ACCESS_LOG];
        Ok(Archive {
            proven: self.proven,
            public_data,
            holder: Holder::parse(&files.binary(Fid::HOLDER)?).ok_or_else(|| parsed("0016"))?,
            parameters: Parameters::parse(&files.binary(Fid::PARAMETERS)?).ok_or_else(|| parsed("0017"))?,
            rights: rights.chunks(AccessRight::LEN).map(AccessRight::parse).collect(),
            capp_records,
            keys: keys.context("its key list does not parse: inspect the old card again")?,
            purses: self.purses,
            log_records: logs.into_iter().filter_map(|file| files.records(file).ok()).map(|log| log.len()).sum(),
        })
    }
}

impl StoredKey {
    fn entry(&self) -> Option<KeyListEntry> {
        let byte = |text| u8::from_str_radix(text, 16).ok();
        let key_type = KeyType(byte(&self.key_type)?);
        let version = if has_version(key_type) { self.version? } else { 0 };
        Some(KeyListEntry { key_type, id: byte(&self.id)?, version, algorithm: self.algorithm, tries: 0 })
    }
}

/// The same key: of one type, id, version and cipher.
pub(super) fn same_key(archived: &KeyListEntry, new: &KeyListEntry) -> bool {
    let cipher = |key: &KeyListEntry| AlgorithmId(key.algorithm).algorithm();
    (archived.key_type, archived.id, cipher(archived)) == (new.key_type, new.id, cipher(new))
        && (archived.version == new.version || !has_version(archived.key_type))
}

struct Files<'f>(&'f BTreeMap<String, Content>);

impl Files<'_> {
    fn binary(&self, file: Fid) -> anyhow::Result<Vec<u8>> {
        match self.find(file)? {
            Content::Binary(digits) => decoded(file, digits),
            Content::Records(_) => bail!("file {:04X} has records where bytes were expected: it was changed", file.0),
        }
    }

    fn records(&self, file: Fid) -> anyhow::Result<Vec<Vec<u8>>> {
        match self.find(file)? {
            Content::Records(records) => records.iter().map(|digits| decoded(file, digits)).collect(),
            Content::Binary(_) => bail!("file {:04X} has bytes where records were expected: it was changed", file.0),
        }
    }

    fn find(&self, file: Fid) -> anyhow::Result<&Content> {
        let found = self.0.get(&format!("{:04X}", file.0));
        found.with_context(|| {
            format!("file {:04X} is missing: inspect the old card again with --sam of the service desk", file.0)
        })
    }
}

fn decoded(file: Fid, digits: &str) -> anyhow::Result<Vec<u8>> {
    hex::decode(digits).with_context(|| format!("file {:04X} is no hexadecimal digits: it was changed", file.0))
}
