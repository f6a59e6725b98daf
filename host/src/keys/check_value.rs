//! Key check values (profile §4).

use core::{fmt, str::FromStr};

use onecard_wire::key::Algorithm;

use crate::crypto::Key;

/// First three bytes of the zero block enciphered (AES: of 16 bytes 01): shows that two people hold the same key, and not
/// which.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CheckValue(pub [u8; 3]);

impl CheckValue {
    /// The check value of `key`.
    #[must_use]
    pub fn of(key: &Key) -> Self {
        let block = match key.algorithm() {
            Algorithm::Des | Algorithm::Sm4 => [0x00; Key::LEN],
            Algorithm::Aes => [0x01; Key::LEN],
        };
        let [a, b, c, ..] = key.encipher_key_length(block);
        Self([a, b, c])
    }
}

/// A text that is no check value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a check value has 6 hexadecimal digits")]
pub struct NotACheckValue;

impl FromStr for CheckValue {
    type Err = NotACheckValue;

    fn from_str(text: &str) -> Result<Self, NotACheckValue> {
        let mut bytes = [0; 3];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| NotACheckValue)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for CheckValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for CheckValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_zero_key() {
        // DES of the zero block under the zero key is 8CA64DE9C1B123A7 (NIST SP 800-17); triple DES with equal halves
        // is single DES.
        assert_eq!(CheckValue::of(&Key::from_bytes([0; 16])).to_string(), "8CA64D");
    }

    #[test]
    fn each_cipher_has_its_own() {
        // OpenSSL 3.0: 16 bytes 01 by AES-128-ECB, 16 bytes 00 by SM4-ECB, both under this key.
        let of = |algorithm| CheckValue::of(&Key::new(algorithm, *b"sixteen bytes ok")).to_string();
        assert_eq!(of(Algorithm::Aes), "FD1116");
        assert_eq!(of(Algorithm::Sm4), "F4E031");
    }
}
