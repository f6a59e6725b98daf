//! What a terminal has a SAM's working keys make (PBOC PSAM, DES CRYPT): cryptograms that a genuine card answers with, and
//! MACs of what doors and attendance terminals write.

use core::fmt;

use onecard_wire::sam::UsageKind;
use subtle::ConstantTimeEq;

use crate::keys::Purpose;

/// Whose INTERNAL AUTHENTICATE is answered.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AuthenticationUse {
    /// At a door: key 30 id 01.
    Access,
    /// At an attendance terminal: key 30 id 02.
    Attendance,
}

/// What a line-protection MAC is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LineKeyUse {
    /// APPEND RECORD to the access log: key 36 id 03.
    AccessAppend,
    /// APPEND RECORD to the attendance log: key 36 id 02.
    AttendanceAppend,
    /// Static MAC of an access right: a key that is on no card.
    Rights,
}

/// What a card's key makes of 8 random bytes: one block of its cipher.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cryptogram {
    /// Of DES or triple DES.
    Eight([u8; 8]),
    /// Of AES or SM4.
    Sixteen([u8; 16]),
}

impl AuthenticationUse {
    /// The SAM's kind of key.
    #[must_use]
    pub const fn kind(self) -> UsageKind {
        match self {
            Self::Access => UsageKind::ACCESS_AUTHENTICATION,
            Self::Attendance => UsageKind::ATTENDANCE_AUTHENTICATION,
        }
    }

    /// What the key is for.
    #[must_use]
    pub const fn purpose(self) -> Purpose {
        match self {
            Self::Access => Purpose::AccessAuthentication,
            Self::Attendance => Purpose::AttendanceAuthentication,
        }
    }
}

impl LineKeyUse {
    /// The SAM's kind of key.
    #[must_use]
    pub const fn kind(self) -> UsageKind {
        match self {
            Self::AccessAppend => UsageKind::ACCESS_APPEND,
            Self::AttendanceAppend => UsageKind::ATTENDANCE_APPEND,
            Self::Rights => UsageKind::RIGHTS,
        }
    }

    /// What the key is for.
    #[must_use]
    pub const fn purpose(self) -> Purpose {
        match self {
            Self::AccessAppend => Purpose::AccessAppend,
            Self::AttendanceAppend => Purpose::AttendanceAppend,
            Self::Rights => Purpose::Rights,
        }
    }
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

    fn as_bytes(&self) -> &[u8] {
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
