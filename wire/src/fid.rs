//! File identifiers. The short file identifier of an EF is the low five bits of its FID (FMCOS 2.0).

use core::ops::RangeInclusive;

/// Where cards on the market have files of the MF, and directories: nobody lists what is in an MF, so whoever has to know that
/// it is empty looks there.
pub const LOOKED_FOR: [RangeInclusive<u16>; 7] = [
    0x0001..=0x001F,
    0x1001..=0x100F,
    0x2001..=0x200F,
    0x3F01..=0x3FFE,
    0xADF1..=0xADF3,
    0xDDF1..=0xDDF3,
    0xDF01..=0xDFFE,
];

/// A file identifier.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Fid(pub u16);

impl Fid {
    /// Master file.
    pub const MF: Self = Self(0x3F00);
    /// Key file of a DF.
    pub const KEY: Self = Self(0x0000);
    /// Electronic deposit (ED).
    pub const ED: Self = Self(0x0001);
    /// Electronic purse (EP).
    pub const EP: Self = Self(0x0002);
    /// Public application data.
    pub const PUBLIC_DATA: Self = Self(0x0015);
    /// Card holder.
    pub const HOLDER: Self = Self(0x0016);
    /// One-card parameters (own).
    pub const PARAMETERS: Self = Self(0x0017);
    /// Transaction log.
    pub const LOG: Self = Self(0x0018);
    /// Access rights (own).
    pub const ACCESS_RIGHTS: Self = Self(0x0019);
    /// Attendance log (own).
    pub const ATTENDANCE_LOG: Self = Self(0x001A);
    /// Access log (own).
    pub const ACCESS_LOG: Self = Self(0x001B);
    /// Compound-purchase records.
    pub const CAPP: Self = Self(0x001C);
    /// In a SAM's MF: card information, 14 bytes.
    pub const SAM_CARD_INFO: Self = Self(0x0015);
    /// In a SAM's MF: terminal information, 6 bytes.
    pub const SAM_TERMINAL: Self = Self(0x0016);
    /// In a SAM's application: public information, 25 bytes.
    pub const SAM_PUBLIC_INFO: Self = Self(0x0017);
    /// In a SAM's application: terminal transaction sequence, cyclic records of 18 bytes ([`crate::sam::SequenceRecord`],
    /// own), written by the card only.
    pub const SAM_SEQUENCE: Self = Self(0x0018);
    /// In a SAM's application: what it may still load, 19 bytes ([`crate::sam::LoadLimit`], own).
    pub const SAM_LOAD_LIMIT: Self = Self(0x0019);

    /// The short file identifier, 1 to 30, if this FID has one.
    #[must_use]
    pub const fn sfi(self) -> Option<u8> {
        match self.0 {
            0x0001..=0x001E => Some(self.0 as u8),
            _ => None,
        }
    }
}
