//! EF 0016, the card holder (JR/T 0025, 55 bytes).

use crate::layout::{Reader, Writer};

/// EF 0016. Texts are the bytes of GB18030 (the trade's encoding), zero-padded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// Card type, by the issuer.
    pub card_type: u8,
    /// 01 for the issuer's own staff.
    pub staff: u8,
    /// Name, GB18030.
    pub name: [u8; 20],
    /// Number of the identity document.
    pub id_number: [u8; 32],
    /// 00 national id, 01 officer, 02 passport, 03 entry permit, 04 temporary id, 05 other.
    pub id_type: u8,
}

impl Holder {
    /// Length of the file.
    pub const LEN: usize = 55;

    /// From the file's content.
    #[must_use]
    pub fn parse(content: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(content);
        let parsed = Self {
            card_type: reader.u8()?,
            staff: reader.u8()?,
            name: reader.array()?,
            id_number: reader.array()?,
            id_type: reader.u8()?,
        };
        reader.end(parsed)
    }

    /// As in the file.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        Writer::new().put(&[self.card_type, self.staff]).put(&self.name).put(&self.id_number).u8(self.id_type).finish()
    }
}

impl core::fmt::Debug for Holder {
    /// Personal data stays out of logs.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Holder(..)")
    }
}
