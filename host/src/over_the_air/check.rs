//! The RC/CC field of both packets.

use crc::{CRC_16_IBM_SDLC, CRC_32_ISO_HDLC, Crc, Table};
use onecard_wire::ota::CHECKSUM_LEN;
use subtle::ConstantTimeEq;

use super::{
    keys::PacketKeys,
    security::{Integrity, RedundancyCheck, Spi},
};

/// The polynomials of ISO/IEC 13239, sent as the standard's example has them: `22EC` and `470B99F4` of 01 02 03 04 05.
const CRC_16: Crc<u16, Table<1>> = Crc::<u16, Table<1>>::new(&CRC_16_IBM_SDLC);
const CRC_32: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISO_HDLC);

/// What one packet has in the field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Check {
    None,
    Redundancy(RedundancyCheck),
    Checksum,
}

impl Check {
    pub(super) const fn new(integrity: Integrity, redundancy_check: RedundancyCheck) -> Self {
        match integrity {
            Integrity::None => Self::None,
            Integrity::RedundancyCheck => Self::Redundancy(redundancy_check),
            Integrity::Checksum => Self::Checksum,
        }
    }

    /// Length of the field in bytes.
    pub(super) const fn length(self) -> usize {
        match self {
            Self::None => 0,
            Self::Redundancy(check) => check.length(),
            Self::Checksum => CHECKSUM_LEN,
        }
    }

    /// The field, in the first bytes of what is returned.
    pub(super) fn of(self, keys: &PacketKeys, parts: &[&[u8]]) -> [u8; CHECKSUM_LEN] {
        match self {
            Self::None => [0; CHECKSUM_LEN],
            Self::Redundancy(RedundancyCheck::Crc16) => {
                let mut digest = CRC_16.digest();
                parts.iter().for_each(|part| digest.update(part));
                let [a, b] = digest.finalize().to_be_bytes();
                [a, b, 0, 0, 0, 0, 0, 0]
            }
            Self::Redundancy(RedundancyCheck::Crc32) => {
                let mut digest = CRC_32.digest();
                parts.iter().for_each(|part| digest.update(part));
                let [a, b, c, d] = digest.finalize().to_be_bytes();
                [a, b, c, d, 0, 0, 0, 0]
            }
            Self::Checksum => keys.kid.checksum(parts),
        }
    }

    /// Whether `field` is the parts' own, in constant time.
    pub(super) fn is_right(self, keys: &PacketKeys, parts: &[&[u8]], field: &[u8]) -> bool {
        let expected = self.of(keys, parts);
        expected.get(..self.length()).is_some_and(|expected| expected.ct_eq(field).into())
    }
}

/// The one low half of KID for command and proof; `None` if it would have to be two.
pub(super) fn kid_code(spi: Spi, keys: &PacketKeys, redundancy_check: RedundancyCheck) -> Option<u8> {
    let proof = if spi.asks_proof() { spi.proof.integrity } else { Integrity::None };
    let code = |integrity| match integrity {
        Integrity::None => None,
        Integrity::RedundancyCheck => Some(redundancy_check.code()),
        Integrity::Checksum => Some(keys.kid.algorithm()),
    };
    match (code(spi.integrity), code(proof)) {
        (None, None) => Some(keys.kid.algorithm()),
        (Some(code), None) | (None, Some(code)) => Some(code),
        (Some(of_command), Some(of_proof)) => (of_command == of_proof).then_some(of_command),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redundancy_checks_of_the_standard() {
        // ETSI TS 102 225 clause 5.1.3.2.
        assert_eq!(CRC_16.checksum(&[1, 2, 3, 4, 5]), 0x22EC);
        assert_eq!(CRC_32.checksum(&[1, 2, 3, 4, 5]), 0x470B_99F4);
    }
}
