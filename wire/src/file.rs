//! CREATE FILE (FMCOS 2.0 special manual §CREATE FILE): type bytes and data fields, and the access right byte.

use crate::layout::{Reader, Writer};

/// Access right `XY`. `0Y`: the MF's security state is at least Y. `XY`, X not 0: the current DF's state lies in Y..=X,
/// so `EF` can never be met.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccessRight(pub u8);

impl AccessRight {
    /// Met in every state.
    pub const FREE: Self = Self(0xF0);
    /// Met in no state.
    pub const NEVER: Self = Self(0xEF);

    /// False for a right that no state meets.
    #[must_use]
    pub const fn can_be_met(self) -> bool {
        self.0 >> 4 == 0 || self.0 & 0x0F <= self.0 >> 4
    }

    /// Whether the two security states (0 to F) meet this right.
    #[must_use]
    pub const fn met_by(self, mf_state: u8, df_state: u8) -> bool {
        let (high, low) = (self.0 >> 4, self.0 & 0x0F);
        if high == 0 { mf_state >= low } else { low <= df_state && df_state <= high }
    }
}

/// What kind of file: the type byte without its protection bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum FileKind {
    /// Binary file.
    Binary = 0x28,
    /// Fixed-length records.
    Fixed = 0x2A,
    /// Variable-length records, each tag, length, value.
    Variable = 0x2C,
    /// Cyclic records, number 1 the newest.
    Cyclic = 0x2E,
    /// Electronic deposit or purse.
    Purse = 0x2F,
    /// Directory.
    Directory = 0x38,
    /// Key file.
    Key = 0x3F,
}

/// Bit of an EF's type byte: a write needs a MAC.
pub const WRITE_NEEDS_MAC: u8 = 0x80;
/// Bit of an EF's type byte: a write must be enciphered.
pub const WRITE_NEEDS_CIPHER: u8 = 0x40;

impl FileKind {
    /// From a type byte; the protection bits belong to data files alone.
    #[must_use]
    pub const fn from_type_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0x2F => Self::Purse,
            0x38 => Self::Directory,
            0x3F => Self::Key,
            _ => match byte & !(WRITE_NEEDS_MAC | WRITE_NEEDS_CIPHER) {
                0x28 => Self::Binary,
                0x2A => Self::Fixed,
                0x2C => Self::Variable,
                0x2E => Self::Cyclic,
                _ => return None,
            },
        })
    }
}

/// The seven bytes that create an elementary, key or purse file: `type size2 right right rfu last`.
///
/// For fixed and cyclic records `size` is count ‖ record length; for a purse it is 0208, the first right is the use right
/// and the last byte names the log. For a key file the first right byte is `dfSfi` and the second the right to add keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CreateElementary {
    /// Type byte with its protection bits.
    pub type_byte: u8,
    /// Size in bytes, or count ‖ length.
    pub size: [u8; 2],
    /// Right to read (to use, for a purse).
    pub read: AccessRight,
    /// Right to write.
    pub write: AccessRight,
    /// Reserved, FF.
    pub reserved: u8,
    /// Key byte; log SFI for a purse.
    pub last: u8,
}

impl CreateElementary {
    /// Length on the wire.
    pub const LEN: usize = 7;

    /// From the data field of CREATE FILE.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(data);
        let created = Self {
            type_byte: reader.u8()?,
            size: reader.array()?,
            read: AccessRight(reader.u8()?),
            write: AccessRight(reader.u8()?),
            reserved: reader.u8()?,
            last: reader.u8()?,
        };
        reader.end(created)
    }

    /// As on the wire.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        Writer::new()
            .u8(self.type_byte)
            .put(&self.size)
            .put(&[self.read.0, self.write.0, self.reserved, self.last])
            .finish()
    }
}

/// Which type 36 keys protect a file, from the last byte of its CREATE FILE.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LineKeys(pub u8);

impl LineKeys {
    /// Reading in clear is allowed (where the read right is met).
    #[must_use]
    pub const fn plain_read_allowed(self) -> bool {
        self.0 & 0x80 != 0
    }

    /// Id of the type 36 key that protects a read: bits 4 and 3, 11 = id 00 … 00 = id 03.
    #[must_use]
    pub const fn read_key_id(self) -> u8 {
        3 - ((self.0 >> 2) & 3)
    }

    /// Id of the type 36 key that protects a write: bits 2 and 1.
    #[must_use]
    pub const fn write_key_id(self) -> u8 {
        3 - (self.0 & 3)
    }
}

/// Bytes a header takes of its directory's size, by FMCOS's accounting (user manual p. 43, 78).
pub const EF_HEADER_SIZE: u16 = 11;
/// Bytes a purse's body takes.
pub const PURSE_BODY_SIZE: u16 = 22;
/// Deepest directory: MF is level 1.
pub const DEPTH_MAX: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_read_high_to_low() {
        assert!(AccessRight::FREE.met_by(0, 0) && AccessRight::FREE.met_by(0, 15));
        assert!((0..16).all(|state| !AccessRight::NEVER.met_by(15, state)));
        assert!(AccessRight(0xF1).met_by(0, 1) && !AccessRight(0xF1).met_by(15, 0));
        assert!(AccessRight(0x22).met_by(0, 2) && !AccessRight(0x22).met_by(0, 3));
        assert!(AccessRight(0x02).met_by(2, 0) && !AccessRight(0x02).met_by(1, 15));
    }

    #[test]
    fn line_keys_are_counted_backwards() {
        assert_eq!((LineKeys(0xFF).read_key_id(), LineKeys(0xFF).write_key_id()), (0, 0));
        assert_eq!((LineKeys(0xFD).read_key_id(), LineKeys(0xFD).write_key_id()), (0, 2));
        assert_eq!(LineKeys(0xFC).write_key_id(), 3);
        assert!(!LineKeys(0x7F).plain_read_allowed());
    }
}
