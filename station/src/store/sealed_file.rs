//! A text sealed by a passphrase (密封文件): Argon2id makes the key, XChaCha20-Poly1305 seals (spec 17.3.2).

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305,
    aead::{Aead, Payload},
};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Passphrase;

/// What a guess of the passphrase costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Cost {
    /// About a third of a second and 64 MiB for each guess (RFC 9106, second recommended option, one lane).
    pub const USUAL: Self = Self { memory_kib: 64 * 1024, passes: 3 };
    /// Most that a file may ask for: 1 GiB, 16 passes.
    const MAX: Self = Self { memory_kib: 1024 * 1024, passes: 16 };
}

/// A sealed text as its file holds it. What it holds and whose it is can be read without the passphrase, and cannot be
/// changed without it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedFile {
    format: String,
    content: String,
    owner: String,
    memory_kib: u32,
    passes: u32,
    salt: String,
    nonce: String,
    sealed: String,
}

/// A sealed file that does not open.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SealedError {
    /// It does not parse.
    #[error("line {line} is not as a sealed file has it")]
    Line {
        /// Where.
        line: usize,
    },
    /// Of another format.
    #[error("the format is not {expected:?}: it was written by another edition", expected = SealedFile::FORMAT)]
    Format,
    /// Its numbers cannot be.
    #[error("`{field}` is damaged: take the copy that is kept elsewhere")]
    Field {
        /// Which.
        field: &'static str,
    },
    /// It holds something else.
    #[error("it holds {found}, and {expected} is needed")]
    Content {
        /// What it holds.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// The passphrase is another, or a byte is.
    #[error("the passphrase is wrong, or the file is damaged: try again 口令错误或文件损坏")]
    Passphrase,
    /// It cannot be sealed.
    #[error("it cannot be sealed: {0}")]
    Unsealable(&'static str),
}

const KEY_LEN: usize = 32;
const SALT_LEN: usize = 16;
const NONCE_LEN: usize = 24;
const HEADER: &str = "# One Card sealed file 密封文件: its passphrase opens it, and nobody can replace it.\n";

impl SealedFile {
    const FORMAT: &str = "onecard-sealed;1";

    /// Seals `secret`, which is a `content` of `owner`'s. Salt and nonce come from `random`.
    ///
    /// # Errors
    /// [`SealedError::Unsealable`], if the memory is not there.
    pub fn seal(
        (content, owner): (&str, &str),
        secret: &[u8],
        passphrase: &Passphrase,
        cost: Cost,
        random: &mut impl CryptoRng,
    ) -> Result<Self, SealedError> {
        let (mut salt, mut nonce) = ([0; SALT_LEN], [0; NONCE_LEN]);
        random.fill_bytes(&mut salt);
        random.fill_bytes(&mut nonce);
        let mut file = Self {
            format: Self::FORMAT.to_owned(),
            content: content.to_owned(),
            owner: owner.to_owned(),
            memory_kib: cost.memory_kib,
            passes: cost.passes,
            salt: hex::encode(salt),
            nonce: hex::encode(nonce),
            sealed: String::new(),
        };
        let cipher = file.cipher(passphrase, &salt)?;
        let payload = Payload { msg: secret, aad: &file.in_clear() };
        let sealed = cipher.encrypt(&nonce.into(), payload).map_err(|_| SealedError::Unsealable("it is too long"))?;
        file.sealed = hex::encode(sealed);
        Ok(file)
    }

    /// The secret, if it is a `content`.
    ///
    /// # Errors
    /// [`SealedError::Passphrase`], or what is damaged.
    pub fn open(&self, content: &str, passphrase: &Passphrase) -> Result<Zeroizing<Vec<u8>>, SealedError> {
        if self.content != content {
            return Err(SealedError::Content { found: self.content.clone(), expected: content.to_owned() });
        }
        let salt: [u8; SALT_LEN] = field(&self.salt, "salt")?;
        let nonce: [u8; NONCE_LEN] = field(&self.nonce, "nonce")?;
        let sealed = hex::decode(&self.sealed).map_err(|_| SealedError::Field { field: "sealed" })?;
        let cipher = self.cipher(passphrase, &salt)?;
        let payload = Payload { msg: &sealed, aad: &self.in_clear() };
        cipher.decrypt(&nonce.into(), payload).map(Zeroizing::new).map_err(|_| SealedError::Passphrase)
    }

    /// Whose it is: a person of a ceremony, an enterprise.
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// What it holds.
    #[must_use]
    pub fn content(&self) -> &str {
        &self.content
    }

    /// Whether a file begins as a sealed one does.
    #[must_use]
    pub fn is_sealed(text: &str) -> bool {
        text.starts_with(HEADER)
    }

    /// From its file.
    ///
    /// # Errors
    /// [`SealedError`] with the line or field.
    pub fn from_text(text: &str) -> Result<Self, SealedError> {
        let file: Self = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            SealedError::Line { line: before.lines().count().max(1) }
        })?;
        if file.format != Self::FORMAT {
            return Err(SealedError::Format);
        }
        if file.memory_kib > Cost::MAX.memory_kib {
            return Err(SealedError::Field { field: "memory_kib" });
        }
        if file.passes > Cost::MAX.passes {
            return Err(SealedError::Field { field: "passes" });
        }
        Ok(file)
    }

    /// For its file.
    ///
    /// # Errors
    /// [`SealedError::Unsealable`], which cannot be.
    pub fn to_text(&self) -> Result<String, SealedError> {
        let body = toml::to_string(self).map_err(|_| SealedError::Unsealable("it cannot be written as TOML"))?;
        Ok([HEADER, &body].concat())
    }

    fn cipher(&self, passphrase: &Passphrase, salt: &[u8]) -> Result<XChaCha20Poly1305, SealedError> {
        let params = Params::new(self.memory_kib, self.passes, 1, Some(KEY_LEN));
        let params = params.map_err(|_| SealedError::Field { field: "memory_kib" })?;
        let mut key = Zeroizing::new([0; KEY_LEN]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.expose(), salt, &mut *key)
            .map_err(|_| SealedError::Unsealable("there is not enough memory for its passphrase"))?;
        Ok(XChaCha20Poly1305::new((&*key).into()))
    }

    /// What is bound to the seal: everything in front of it but salt and nonce, which are bound by their use.
    fn in_clear(&self) -> Vec<u8> {
        let Self { format, content, owner, memory_kib, passes, .. } = self;
        format!("{format}\n{content}\n{owner}\n{memory_kib}\n{passes}").into_bytes()
    }
}

fn field<const N: usize>(text: &str, field: &'static str) -> Result<[u8; N], SealedError> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| SealedError::Field { field })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rand::{SeedableRng, rngs::ChaCha20Rng};

    const CHEAP: Cost = Cost { memory_kib: 16, passes: 1 };

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::typed(Zeroizing::new(text.to_owned()))
    }

    fn sealed() -> SealedFile {
        let random = &mut ChaCha20Rng::seed_from_u64(1);
        SealedFile::seal(("component", "张三"), b"the secret", &passphrase("right"), CHEAP, random).unwrap()
    }

    #[test]
    fn the_passphrase_opens_it_and_nothing_else_does() {
        let text = sealed().to_text().unwrap();
        assert!(SealedFile::is_sealed(&text) && !text.contains("the secret"));
        let file = SealedFile::from_text(&text).unwrap();
        assert_eq!((file.content(), file.owner()), ("component", "张三"));
        assert_eq!(file.open("component", &passphrase("right")).unwrap()[..], *b"the secret");
        assert_eq!(file.open("component", &passphrase("wrong")).unwrap_err(), SealedError::Passphrase);
        let other = SealedError::Content { found: "component".to_owned(), expected: "root keys".to_owned() };
        assert_eq!(file.open("root keys", &passphrase("right")).unwrap_err(), other);
    }

    #[test]
    fn a_changed_file_does_not_open() {
        let text = sealed().to_text().unwrap();
        let first_of = |name: &str| text.find(name).unwrap() + name.len();
        for at in [first_of("\nsalt = \""), first_of("\nnonce = \""), first_of("\nsealed = \""), first_of("owner = \"")]
        {
            let end = at + text[at..].chars().next().unwrap().len_utf8();
            let other = if text[at..end] == *"0" { "1" } else { "0" };
            let changed = [&text[..at], other, &text[end..]].concat();
            let opened = SealedFile::from_text(&changed).unwrap().open("component", &passphrase("right"));
            assert_eq!(opened.unwrap_err(), SealedError::Passphrase, "{changed}");
        }
        let changed = text.replace("passes = 1", "passes = 2");
        assert!(SealedFile::from_text(&changed).unwrap().open("component", &passphrase("right")).is_err());
        for (from, to) in [("= 16\n", "= 1048577\n"), ("passes = 1", "passes = 17"), (";1", ";2"), ("salt", "sand")] {
            assert!(SealedFile::from_text(&text.replacen(from, to, 1)).is_err(), "{to}");
        }
    }
}
