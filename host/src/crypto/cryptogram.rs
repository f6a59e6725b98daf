//! What INTERNAL and EXTERNAL AUTHENTICATE compare.

use core::fmt;

use subtle::ConstantTimeEq;

/// What a key makes of 8 random bytes: one block of its cipher.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cryptogram {
    /// Of DES or triple DES.
    Eight([u8; 8]),
    /// Of AES or SM4.
    Sixteen([u8; 16]),
}

impl Cryptogram {
    /// From a SAM's answer; `None` unless it is one block.
    #[must_use]
    pub fn from_answer(answer: &[u8]) -> Option<Self> {
        let eight = answer.try_into().ok().map(Self::Eight);
        eight.or_else(|| answer.try_into().ok().map(Self::Sixteen))
    }

    /// Whether the card's `answer` is it, in constant time.
    #[must_use]
    pub fn is(&self, answer: &[u8]) -> bool {
        self.as_bytes().ct_eq(answer).into()
    }

    /// Its length: what INTERNAL AUTHENTICATE is asked for.
    #[must_use]
    pub const fn le(&self) -> u8 {
        match self {
            Self::Eight(_) => 8,
            Self::Sixteen(_) => 16,
        }
    }

    /// 8 or 16 bytes.
    pub(crate) const fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Eight(bytes) => bytes,
            Self::Sixteen(bytes) => bytes,
        }
    }
}

impl fmt::Debug for Cryptogram {
    /// Whoever sees it before the card answers could answer in the card's place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cryptogram({} bytes)", self.le())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn a_cryptogram_is_one_block_and_not_printed() {
        for length in [0, 7, 9, 15, 17] {
            assert_eq!(Cryptogram::from_answer(&[0x11; 17][..length]), None);
        }
        for length in [8, 16] {
            let cryptogram = Cryptogram::from_answer(&[0x11; 16][..length]);
            assert_eq!(cryptogram.map(|made| usize::from(made.le())), Some(length));
            let is = |answer: &[u8]| cryptogram.is_some_and(|made| made.is(answer));
            assert!(is(&[0x11; 16][..length]) && !is(&[]) && !is(&[0x10; 16][..length]) && !is(&[0x11; 12]));
            assert!(!format!("{cryptogram:?}").contains("17"));
        }
    }
}
