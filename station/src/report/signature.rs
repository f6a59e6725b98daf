//! The signature: a text that names the files by their hashes and the journal by its last, signed by Ed25519 (RFC 8032).

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

const FIRST_LINE: &str = "onecard-issuing-report;1";

/// The public key that reports are checked by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReportKey(VerifyingKey);

/// What a signature says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signed {
    /// Lines of the journal when it was signed.
    pub lines: usize,
    /// The journal's hash up to that line, in hexadecimal digits.
    pub head: String,
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
#[must_use]
pub fn sign(key: &SigningKey, lines: usize, head: &str, files: &[(&str, &[u8])]) -> String {
    let mut text = format!("{FIRST_LINE}\njournal {lines} {head}\n");
    for (name, content) in files {
        text.push_str(&format!("file {} {name}\n", hex::encode(Sha256::digest(content))));
    }
    let signature = hex::encode(key.sign(text.as_bytes()).to_bytes());
    text.push_str(&format!("signature {signature}\n"));
    text
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
    let journal = lines.next().and_then(|line| line.strip_prefix("journal ")).and_then(|line| line.split_once(' '));
    let (count, head) = journal.ok_or(NoReport::OtherText)?;
    let files = lines.map(|line| {
        let (hash, name) = line.strip_prefix("file ")?.split_once(' ')?;
        Some((name.to_owned(), hash.to_owned()))
    });
    Ok(Signed {
        lines: count.parse().map_err(|_| NoReport::OtherText)?,
        head: head.to_owned(),
        files: files.collect::<Option<_>>().ok_or(NoReport::OtherText)?,
    })
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
