//! The signature: a text that names the files by their hashes and the journal by its last, signed by Ed25519 (RFC 8032).

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use super::Extent;
use crate::journal::ChainHash;

const FIRST_LINE: &str = "onecard-issuing-report;2";

/// The public key that reports are checked by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReportKey(VerifyingKey);

/// What a signature says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signed {
    /// The journal when it was signed.
    pub journal: Extent,
    /// The ledger of numbers then: its later lines may be other batches'.
    pub ledger: Extent,
    /// Files by name, each with its SHA-256 in hexadecimal digits.
    pub files: Vec<(String, String)>,
}

/// Why a signature proves nothing.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoReport {
    /// These bytes are no such text.
    #[error("this is no signature of an issuing report: its first line is {FIRST_LINE}")]
    OtherText,
    /// Another key's, or the text was changed.
    #[error("the signature is wrong: the text was changed, or it is not this station's key")]
    WrongSignature,
    /// No key that every signature does not fit.
    #[error("these 32 bytes are no Ed25519 public key: fetch the station's .pub file again")]
    NoKey,
}

/// A signature names files line by line.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the report's file {0:?} has a control character in its name: rename the list, or name another journal")]
pub struct UnfitName(pub String);

impl ReportKey {
    /// From 32 bytes.
    ///
    /// # Errors
    /// [`NoReport::NoKey`].
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, NoReport> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| NoReport::NoKey)?;
        if key.is_weak() { Err(NoReport::NoKey) } else { Ok(Self(key)) }
    }
}

/// The text, its last line the signature. `files` are names and contents.
///
/// # Errors
/// [`UnfitName`].
pub fn sign(key: &SigningKey, journal: Extent, ledger: Extent, files: &[(&str, &[u8])]) -> Result<String, UnfitName> {
    let mut text = format!("{FIRST_LINE}\n");
    for (name, Extent { lines, head }) in [("journal", journal), ("ledger", ledger)] {
        text.push_str(&format!("{name} {lines} {head}\n"));
    }
    for (name, content) in files {
        if name.contains(char::is_control) {
            return Err(UnfitName((*name).to_owned()));
        }
        text.push_str(&format!("file {} {name}\n", hex::encode(Sha256::digest(content))));
    }
    let signature = hex::encode(key.sign(text.as_bytes()).to_bytes());
    text.push_str(&format!("signature {signature}\n"));
    Ok(text)
}

/// What `text` says, once its signature is right.
///
/// # Errors
/// [`NoReport`].
pub fn verify(text: &str, key: &ReportKey) -> Result<Signed, NoReport> {
    let (signed, signature) = text.rsplit_once("signature ").ok_or(NoReport::OtherText)?;
    let mut lines = signed.lines();
    if lines.next() != Some(FIRST_LINE) {
        return Err(NoReport::OtherText);
    }
    let mut bytes = [0; 64];
    hex::decode_to_slice(signature.trim_end(), &mut bytes).map_err(|_| NoReport::OtherText)?;
    let signature = Signature::from_bytes(&bytes);
    key.0.verify_strict(signed.as_bytes(), &signature).map_err(|_| NoReport::WrongSignature)?;
    let mut extent = |name| lines.next().and_then(|line| extent(line.strip_prefix(name)?)).ok_or(NoReport::OtherText);
    let (journal, ledger) = (extent("journal ")?, extent("ledger ")?);
    let files = lines.map(|line| {
        let (hash, name) = line.strip_prefix("file ")?.split_once(' ')?;
        Some((name.to_owned(), hash.to_owned()))
    });
    Ok(Signed { journal, ledger, files: files.collect::<Option<_>>().ok_or(NoReport::OtherText)? })
}

/// `LINES HASH`.
fn extent(text: &str) -> Option<Extent> {
    let (lines, digits) = text.split_once(' ')?;
    let mut head = [0; 32];
    hex::decode_to_slice(digits, &mut head).ok()?;
    Some(Extent { lines: lines.parse().ok()?, head: ChainHash(head) })
}

impl Signed {
    /// The first file whose content is not the one that was signed; `None` if `content` of each is.
    #[must_use]
    pub fn changed(&self, content: impl Fn(&str) -> Option<Vec<u8>>) -> Option<&str> {
        let is_same = |(name, hash): &&(String, String)| {
            content(name).is_some_and(|content| hex::encode(Sha256::digest(content)) == *hash)
        };
        self.files.iter().find(|file| !is_same(file)).map(|(name, _)| name.as_str())
    }
}
