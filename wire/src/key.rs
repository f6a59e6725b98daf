//! Key types and key records of WRITE KEY (FMCOS 2.0 special manual §WRITE KEY; profile §3.2).

/// Type byte of a key record, without protection bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct KeyType(pub u8);

impl KeyType {
    /// Internal authentication, encipher.
    pub const INTERNAL_ENCIPHER: Self = Self(0x30);
    /// Internal authentication, decipher.
    pub const INTERNAL_DECIPHER: Self = Self(0x31);
    /// Internal authentication, MAC.
    pub const INTERNAL_MAC: Self = Self(0x32);
    /// TAC key (DTK).
    pub const TAC: Self = Self(0x34);
    /// Line protection and maintenance (DAMK).
    pub const MAINTENANCE: Self = Self(0x36);
    /// PIN unblock (DPUK).
    pub const PIN_UNBLOCK: Self = Self(0x37);
    /// PIN reload (DRPK).
    pub const PIN_RELOAD: Self = Self(0x38);
    /// External authentication; id 00 is the directory's control key.
    pub const EXTERNAL: Self = Self(0x39);
    /// PIN.
    pub const PIN: Self = Self(0x3A);
    /// Overdraft update (DUK).
    pub const OVERDRAFT: Self = Self(0x3C);
    /// Unload (DULK).
    pub const UNLOAD: Self = Self(0x3D);
    /// Purchase (DPK).
    pub const PURCHASE: Self = Self(0x3E);
    /// Load (DLK).
    pub const LOAD: Self = Self(0x3F);
    /// Purchase cancel (own).
    pub const CANCEL: Self = Self(0x33);

    /// Bits that say: replaced only enciphered and MACed under the control key.
    pub const PROTECTED: u8 = 0xC0;

    /// Splits a type byte into the type and whether it is protected.
    #[must_use]
    pub const fn split(byte: u8) -> (Self, bool) {
        (Self(byte & 0x3F), byte & Self::PROTECTED != 0)
    }

    /// Whether the record holds an error counter: 36 to 3A. All others hold version and algorithm.
    #[must_use]
    pub const fn counts_errors(self) -> bool {
        matches!(self.0, 0x36..=0x3A)
    }

    /// Whether FMCOS or this profile knows the type.
    #[must_use]
    pub const fn is_known(self) -> bool {
        matches!(self.0, 0x30..=0x34 | 0x36..=0x3A | 0x3C..=0x3F)
    }
}

/// The control key's id.
pub const CONTROL_KEY_ID: u8 = 0x00;

/// Key version, echoed by INITIALIZE so that the SAM picks the right key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct KeyVersion(pub u8);

/// Algorithm byte of a key record. 00 and 01 are both triple DES with a 16-byte key: real cards echo the byte and go by
/// the key's length.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct AlgorithmId(pub u8);

impl AlgorithmId {
    /// Two-key triple DES.
    pub const TRIPLE_DES: Self = Self(0x00);
    /// SM4 (own, as transport cards number it).
    pub const SM4: Self = Self(0x04);
    /// AES-128 (own).
    pub const AES: Self = Self(0x06);

    /// The cipher the byte stands for. Every byte but the two own ones is DES or triple DES, by the key's length.
    #[must_use]
    pub const fn algorithm(self) -> Algorithm {
        match self {
            Self::SM4 => Algorithm::Sm4,
            Self::AES => Algorithm::Aes,
            _ => Algorithm::Des,
        }
    }

    /// The byte a station writes for a cipher.
    #[must_use]
    pub const fn of(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Des => Self::TRIPLE_DES,
            Algorithm::Sm4 => Self::SM4,
            Algorithm::Aes => Self::AES,
        }
    }
}

/// A cipher (profile §3.2). The key file's last byte names that of the types 36 to 39 by the same numbers; FF is DES.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Algorithm {
    /// DES or two-key triple DES: 8-byte blocks.
    Des,
    /// SM4 (GB/T 32907; own): 16-byte blocks.
    Sm4,
    /// AES-128 (FIPS 197; own): 16-byte blocks.
    Aes,
}

impl Algorithm {
    /// Length of a block in bytes.
    #[must_use]
    pub const fn block_len(self) -> usize {
        match self {
            Self::Des => 8,
            Self::Sm4 | Self::Aes => 16,
        }
    }

    /// What the last byte of a key file's CREATE FILE says of its keys 36 to 39.
    #[must_use]
    pub const fn of_key_file(last: u8) -> Self {
        AlgorithmId(last).algorithm()
    }

    /// The last byte of the key file of an application whose keys 36 to 39 have this cipher.
    #[must_use]
    pub const fn key_file_byte(self) -> u8 {
        match self {
            Self::Des => 0xFF,
            Self::Sm4 => AlgorithmId::SM4.0,
            Self::Aes => AlgorithmId::AES.0,
        }
    }
}

/// An entry of the key list, `80 CA page E0` (own, profile §3.2): the value of one C0 in `E0{C0 05 …}*`.
///
/// A SAM's working keys stand in it under the tag C1, the usage as type and the version as id: usages and types overlap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyListEntry {
    /// Type without its protection bits.
    pub key_type: KeyType,
    /// Id.
    pub id: u8,
    /// Version; for 36 to 3A, whose records have none, how often the key was replaced.
    pub version: u8,
    /// Algorithm byte; for 36 to 39 the key file's; for 3A zero.
    pub algorithm: u8,
    /// Tries left, FF for 255 and more; FF for a key that counts none.
    pub tries: u8,
}

impl KeyListEntry {
    /// Length of the value.
    pub const LEN: usize = 5;
    /// Tag of the whole list.
    pub const LIST_TAG: u8 = 0xE0;
    /// Tag of an entry.
    pub const TAG: u8 = 0xC0;
    /// Tag of an entry that is a SAM's working key.
    pub const SAM_TAG: u8 = 0xC1;
    /// Entries in one answer; P1 counts the pages from 0. A page with fewer is the last.
    pub const PAGE: usize = 36;

    /// From the value of a C0.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        let [key_type, id, version, algorithm, tries] = bytes;
        Self { key_type: KeyType(key_type), id, version, algorithm, tries }
    }

    /// As in the list.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; Self::LEN] {
        [self.key_type.0, self.id, self.version, self.algorithm, self.tries]
    }
}

/// A WRITE KEY record: `type ‖ use right ‖ change right ‖ b4 ‖ b5 ‖ value`.
///
/// `b4 ‖ b5` are version ‖ algorithm, or follow-up state ‖ error counter where [`KeyType::counts_errors`].
pub const RECORD_HEADER_LEN: usize = 5;
/// Bytes a key takes of its key file beside its value, by FMCOS's accounting.
pub const RECORD_OVERHEAD: u16 = 8;
/// Longest PIN in bytes; WRITE KEY takes 2 to 8.
pub const PIN_LEN_MAX: usize = 8;
/// Error counter FF: 65,535 failures in a row (own; FMCOS: 15).
pub const COUNTER_OWN_MAX: u16 = 0xFFFF;

/// Tries an error counter byte grants when full: its high nibble, or [`COUNTER_OWN_MAX`] for FF on types 36 to 39.
#[must_use]
pub const fn tries_max(key_type: KeyType, counter: u8) -> u16 {
    match (key_type, counter) {
        (KeyType::PIN, _) | (_, 0x00..=0xFE) => (counter >> 4) as u16,
        (_, 0xFF) => COUNTER_OWN_MAX,
    }
}

/// Tries an error counter byte grants at first: its low nibble, or all of them for FF on types 36 to 39.
#[must_use]
pub const fn tries_at_first(key_type: KeyType, counter: u8) -> u16 {
    match (key_type, counter) {
        (KeyType::PIN, _) | (_, 0x00..=0xFE) => (counter & 0x0F) as u16,
        (_, 0xFF) => COUNTER_OWN_MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cipher_is_read_as_it_is_written() {
        for algorithm in [Algorithm::Des, Algorithm::Sm4, Algorithm::Aes] {
            assert_eq!(AlgorithmId::of(algorithm).algorithm(), algorithm);
            assert_eq!(Algorithm::of_key_file(algorithm.key_file_byte()), algorithm);
        }
        // Real cards echo 01 and go on with triple DES.
        assert_eq!(AlgorithmId(0x01).algorithm(), Algorithm::Des);
    }
}
