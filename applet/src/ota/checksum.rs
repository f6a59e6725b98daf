//! What stands in the RC/CC field of packets (ETSI TS 102 225 clauses 5.1.3.1, 5.1.3.2).

use crc::{CRC_16_IBM_SDLC, CRC_32_ISO_HDLC, Crc, Table};
use heapless::Vec;
use onecard_wire::ota::{CHECKSUM_LEN, redundancy_check};

use crate::crypto::DomainKey;

static CRC_16: Crc<u16, Table<1>> = Crc::<u16, Table<1>>::new(&CRC_16_IBM_SDLC);
static CRC_32: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISO_HDLC);

/// A field's value.
pub(crate) type Check = Vec<u8, CHECKSUM_LEN>;

/// Which redundancy check.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RedundancyCheck {
    Crc16,
    Crc32,
}

impl RedundancyCheck {
    /// By the low half of KID.
    pub(crate) const fn of(kid: u8) -> Option<Self> {
        match kid & 0x0F {
            redundancy_check::CRC_16 => Some(Self::Crc16),
            redundancy_check::CRC_32 => Some(Self::Crc32),
            _ => None,
        }
    }

    pub(crate) const fn len(self) -> usize {
        match self {
            Self::Crc16 => 2,
            Self::Crc32 => 4,
        }
    }

    pub(crate) fn over(self, parts: &[&[u8]]) -> Check {
        match self {
            Self::Crc16 => {
                let mut digest = CRC_16.digest();
                parts.iter().for_each(|part| digest.update(part));
                digest.finalize().to_be_bytes().iter().copied().collect()
            }
            Self::Crc32 => {
                let mut digest = CRC_32.digest();
                parts.iter().for_each(|part| digest.update(part));
                digest.finalize().to_be_bytes().iter().copied().collect()
            }
        }
    }
}

/// How a packet is checked.
pub(crate) enum Integrity<'k> {
    Nothing,
    Redundancy(RedundancyCheck),
    Checksum(&'k DomainKey),
}

impl Integrity<'_> {
    /// Length of the field in bytes.
    pub(crate) const fn len(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Redundancy(check) => check.len(),
            Self::Checksum(_) => CHECKSUM_LEN,
        }
    }

    /// The field over everything but itself.
    pub(crate) fn over(&self, parts: &[&[u8]]) -> Check {
        match self {
            Self::Nothing => Vec::new(),
            Self::Redundancy(check) => check.over(parts),
            Self::Checksum(key) => key.packet_checksum(parts).iter().copied().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    /// The standard's own examples (clause 5.1.3.2).
    #[test]
    fn redundancy_checks_are_as_published() {
        assert_eq!(RedundancyCheck::Crc16.over(&[&hex!("0102"), &hex!("030405")]), hex!("22EC"));
        assert_eq!(RedundancyCheck::Crc32.over(&[&hex!("0102030405")]), hex!("470B99F4"));
    }
}
