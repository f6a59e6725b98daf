//! The key file: an operator's root keys, in clear for trying things out, or sealed by a passphrase.
//!
//! TOML: `format`, `enterprise` (16 digits) and a table `roots` with `purpose`, `version` and `key` (32 hexadecimal
//! digits) for each key; a sealed file has the same inside (spec 17.3). Its mode is 0600. In the field a root never leaves its key store (profile §4).

use std::{fs::File, path::Path};

use anyhow::{Context, anyhow, bail};
use onecard_host::{
    keys::{EnterpriseKeys, Purpose, RootKeys},
    terminal::IssuerKeys,
};
use onecard_station::store::{Cost, Passphrase, SealedFile};
use onecard_wire::{
    key::{Algorithm, KeyVersion},
    number::EnterpriseId,
};
use rand::CryptoRng;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{passphrase::PassphraseSource, private_file};

/// Version of every key this program makes.
pub(crate) const KEY_VERSION: KeyVersion = KeyVersion(0x01);

const FORMAT: &str = "onecard-development-keys;1";
const WHAT: &str = "development key file";
const SEALED_FILE: &str = "sealed key file";
/// What a sealed file says that it holds.
const SEALED: &str = "root keys";
const HEADER: &str = "# One Card DEVELOPMENT KEYS, in clear: for trying things out, never for cards that hold money.\n";

/// What a development key file holds.
#[derive(Debug)]
pub(crate) struct DevelopmentKeys {
    /// The enterprise whose applications are issued under them.
    pub(crate) enterprise: EnterpriseId,
    /// The operator's roots.
    pub(crate) roots: RootKeys,
    /// Whether they come from a sealed file, or go into one.
    pub(crate) sealed: bool,
}

impl DevelopmentKeys {
    /// New keys from `random`.
    pub(crate) fn generate(enterprise: EnterpriseId, random: &mut impl CryptoRng) -> Self {
        Self::generate_with(enterprise, Algorithm::Des, random)
    }

    /// The same, all of one cipher.
    pub(crate) fn generate_with(enterprise: EnterpriseId, algorithm: Algorithm, random: &mut impl CryptoRng) -> Self {
        Self { enterprise, roots: RootKeys::generate_with(KEY_VERSION, |_| algorithm, random), sealed: false }
    }

    /// The keys in the file at `path`, in clear or sealed, and the file, which a caller may lock.
    pub(crate) fn open(path: &Path, passphrase: &PassphraseSource) -> anyhow::Result<(Self, File)> {
        let (file, text) = private_file::read(path, WHAT)?;
        if !SealedFile::is_sealed(&text) {
            let keys = Self::parse(&text).with_context(|| format!("{WHAT} {}", path.display()))?;
            return Ok((keys, file));
        }
        let name = || format!("{SEALED_FILE} {}", path.display());
        let sealed = SealedFile::from_text(&text).with_context(name)?;
        let passphrase = passphrase.to_open(&path.display().to_string())?;
        Ok((Self::unseal(&sealed, &passphrase).with_context(name)?, file))
    }

    /// The keys in the file at `path`, in clear or sealed.
    pub(crate) fn read(path: &Path, passphrase: &PassphraseSource) -> anyhow::Result<Self> {
        Self::open(path, passphrase).map(|(keys, _)| keys)
    }

    /// Writes them to a new file with mode 0600.
    pub(crate) fn create(&self, path: &Path) -> anyhow::Result<()> {
        let text = Zeroizing::new([HEADER, &self.body()?].concat());
        private_file::create(path, WHAT, &text)
    }

    fn body(&self) -> anyhow::Result<Zeroizing<String>> {
        let content =
            Content { format: FORMAT.to_owned(), enterprise: self.enterprise.to_string(), roots: &self.roots };
        // The error could name a value.
        toml::to_string(&content).map(Zeroizing::new).map_err(|_| anyhow!("the keys cannot be written as TOML"))
    }

    /// Writes them to a new file sealed by `passphrase`, with mode 0600.
    pub(crate) fn create_sealed(&self, path: &Path, passphrase: &Passphrase) -> anyhow::Result<()> {
        let owner = format!("enterprise {}", self.enterprise);
        let body = self.body()?;
        let file = SealedFile::seal((SEALED, &owner), body.as_bytes(), passphrase, Cost::USUAL, &mut rand::rng())?;
        private_file::create(path, SEALED_FILE, &file.to_text()?)
    }

    /// The keys in the sealed file at `path`.
    pub(crate) fn open_sealed(path: &Path, passphrase: &Passphrase) -> anyhow::Result<Self> {
        let (_, text) = private_file::read(path, SEALED_FILE)?;
        let name = || format!("{SEALED_FILE} {}", path.display());
        Self::unseal(&SealedFile::from_text(&text).with_context(name)?, passphrase).with_context(name)
    }

    fn unseal(file: &SealedFile, passphrase: &Passphrase) -> anyhow::Result<Self> {
        let body = file.open(SEALED, passphrase)?;
        let keys = Self::parse(std::str::from_utf8(&body).map_err(|_| anyhow!("what it holds is not text"))?)?;
        Ok(Self { sealed: true, ..keys })
    }

    /// The enterprise's keys: what SAMs hold, and what cards' keys come from.
    pub(crate) fn of_enterprise(&self) -> EnterpriseKeys {
        self.roots.enterprise(self.enterprise)
    }

    /// What the issuer checks TACs with: every version there is.
    pub(crate) fn issuer(&self) -> IssuerKeys {
        let keys = self.of_enterprise();
        let tac_keys = keys.keys().names().filter(|(purpose, _)| *purpose == Purpose::Tac);
        tac_keys
            .filter_map(|(purpose, version)| keys.keys().key(purpose, version).ok())
            .fold(IssuerKeys::new(), |issuer, key| issuer.with(self.enterprise, key.clone()))
    }

    /// Messages name a line and never repeat its text, which may be a key.
    fn parse(text: &str) -> anyhow::Result<Self> {
        let content: Content<RootKeys> = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            anyhow!("line {} is not as `onecard keys new` writes it", before.lines().count().max(1))
        })?;
        if content.format != FORMAT {
            bail!("the format is not {FORMAT:?}: make a new file by `onecard keys new`");
        }
        let enterprise = content.enterprise.parse().map_err(|_| anyhow!("`enterprise` is not 16 decimal digits"))?;
        Ok(Self { enterprise, roots: content.roots, sealed: false })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content<R> {
    format: String,
    enterprise: String,
    roots: R,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rand::{SeedableRng, rngs::ChaCha20Rng};

    #[test]
    fn a_file_that_does_not_parse_is_named_by_line_and_its_keys_are_not_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        let keys = DevelopmentKeys::generate("1000000000000001".parse().unwrap(), &mut ChaCha20Rng::seed_from_u64(1));
        keys.create(&path).unwrap();
        assert_eq!(DevelopmentKeys::read(&path, &PassphraseSource::default()).unwrap().roots, keys.roots);
        assert!(keys.create(&path).is_err());

        let text = std::fs::read_to_string(&path).unwrap();
        let line = text.lines().position(|line| line.starts_with("key = ")).unwrap();
        let secret: String = text.lines().nth(line).unwrap().chars().skip(7).take(30).collect();
        for wrong in [text.replacen(&secret, &format!("{secret}zz"), 1), text.replacen("version = 1", "version = x", 1)]
        {
            let message = format!("{:#}", DevelopmentKeys::parse(&wrong).unwrap_err());
            assert!(message.starts_with("line ") && !message.contains(&secret), "{message}");
        }
        assert!(DevelopmentKeys::parse(&text.replacen(";1", ";9", 1)).is_err());
    }
}
