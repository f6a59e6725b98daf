//! Ed25519 keys in files: what blacklists and reports are signed by, and what they are checked by.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use ed25519_dalek::SigningKey;
use rand::RngExt;
use zeroize::Zeroizing;

use crate::{journal::beside, private_file};

/// A key pair that was made.
pub(crate) struct Made {
    /// The file to hand out.
    pub(crate) public_file: PathBuf,
    /// The public key, hexadecimal digits.
    pub(crate) public: String,
}

/// Makes the key `what` in a file that its owner alone can read, and beside it the public one.
pub(crate) fn create(file: &Path, what: &str) -> anyhow::Result<Made> {
    let secret: Zeroizing<[u8; 32]> = Zeroizing::new(rand::rng().random());
    let signing = SigningKey::from_bytes(&secret);
    let text = Zeroizing::new(hex::encode(*secret));
    private_file::create(file, what, &text)?;
    let public_file = beside(file, ".pub");
    let public = hex::encode(signing.verifying_key().to_bytes());
    private_file::create(&public_file, what, &format!("{public}\n"))?;
    Ok(Made { public_file, public })
}

/// The key `what` in the file at `path`.
pub(crate) fn read(path: &Path, what: &str) -> anyhow::Result<SigningKey> {
    let (_, text) = private_file::read(path, what)?;
    let mut secret = Zeroizing::new([0; 32]);
    // The error could name a digit.
    hex::decode_to_slice(text.trim_end(), &mut *secret)
        .map_err(|_| anyhow!("{what} {} is no key to sign by: expected 64 hexadecimal digits", path.display()))?;
    Ok(SigningKey::from_bytes(&secret))
}

/// The 32 bytes of the public key `what` in the file at `path`.
pub(crate) fn read_public(path: &Path, what: &str) -> anyhow::Result<[u8; 32]> {
    let name = || format!("{what} {}", path.display());
    let text = fs::read_to_string(path).with_context(name)?;
    let mut key = [0; 32];
    hex::decode_to_slice(text.trim_end(), &mut key)
        .with_context(|| format!("{} is not 64 hexadecimal digits: name the .pub file", name()))?;
    Ok(key)
}
