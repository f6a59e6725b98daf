//! What a packet asks of security: SPI, TAR, counter (ETSI TS 102 225 clauses 5.1.1 to 5.1.3). A signature, single DES, and
//! algorithms that both sides would have to know beforehand cannot be said.

use core::fmt;

use onecard_wire::{
    globalplatform::key_version,
    ota::{self, COUNTER_LEN, proof, redundancy_check, spi, tar},
};
use serde::{Deserialize, Serialize};

/// SPI: how a command packet is secured, and which proof of receipt it asks for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Spi {
    /// Of the command packet.
    pub integrity: Integrity,
    /// Whether the command packet is enciphered.
    pub ciphered: bool,
    /// What the receiver does with the counter.
    pub counter: CounterMode,
    /// The proof of receipt.
    pub proof: ProofOfReceipt,
}

/// What is in the RC/CC/DS field.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Integrity {
    /// Nothing: the field has no byte.
    None,
    /// A redundancy check, which anybody can make.
    RedundancyCheck,
    /// A cryptographic checksum.
    Checksum,
}

/// What the receiver does with CNTR.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CounterMode {
    /// There is no counter; the field is there all the same.
    Absent,
    /// It is not looked at.
    Unchecked,
    /// It must be higher than the last.
    Higher,
    /// It must be higher than the last by one.
    Next,
}

/// The proof of receipt a command packet asks for: the second byte of SPI.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ProofOfReceipt {
    /// When it is sent.
    pub when: ProofWhen,
    /// Of the response packet.
    pub integrity: Integrity,
    /// Whether the response packet is enciphered.
    pub ciphered: bool,
    /// How it travels.
    pub way: ProofWay,
}

/// When a proof of receipt is sent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ProofWhen {
    /// Never.
    Never,
    /// Always.
    Always,
    /// If the packet was not right.
    OfErrors,
}

/// How a proof of receipt travels.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ProofWay {
    /// In the delivery report.
    Report,
    /// In a short message of its own.
    Submit,
}

/// Which redundancy check: the low half of KID (clause 5.1.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub enum RedundancyCheck {
    /// CRC-16 of ISO/IEC 13239, 2 bytes.
    Crc16,
    /// CRC-32 of ISO/IEC 13239, 4 bytes.
    #[default]
    Crc32,
}

/// Who a packet is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Tar(pub [u8; 3]);

/// CNTR: five bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct PacketCounter([u8; COUNTER_LEN]);

/// Version of a key set over the air: the high half of KIc and KID, 1 to 15.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SetVersion(pub(super) u8);

impl Spi {
    /// Checksum, enciphered, counter higher; a proof always, with checksum and enciphered, in the delivery report: what every
    /// TAR of the card takes (specification 19.2.6), and a proof that is worth believing.
    pub const FULL: Self = Self {
        integrity: Integrity::Checksum,
        ciphered: true,
        counter: CounterMode::Higher,
        proof: ProofOfReceipt {
            when: ProofWhen::Always,
            integrity: Integrity::Checksum,
            ciphered: true,
            way: ProofWay::Report,
        },
    };

    /// From its two bytes; `None` for a signature and for bits that mean nothing.
    #[must_use]
    pub fn from_bytes([first, second]: [u8; 2]) -> Option<Self> {
        let known = spi::INTEGRITY | spi::CIPHERED | spi::COUNTER;
        let known_of_proof = proof::WHEN | proof::INTEGRITY | proof::CIPHERED | proof::BY_SUBMIT;
        if first & !known != 0 || second & !known_of_proof != 0 {
            return None;
        }
        Some(Self {
            integrity: Integrity::from_bits(first & spi::INTEGRITY)?,
            ciphered: first & spi::CIPHERED != 0,
            counter: match first & spi::COUNTER {
                spi::COUNTER_UNCHECKED => CounterMode::Unchecked,
                spi::COUNTER_HIGHER => CounterMode::Higher,
                spi::COUNTER_NEXT => CounterMode::Next,
                _ => CounterMode::Absent,
            },
            proof: ProofOfReceipt {
                when: match second & proof::WHEN {
                    0x00 => ProofWhen::Never,
                    proof::ALWAYS => ProofWhen::Always,
                    proof::OF_ERRORS => ProofWhen::OfErrors,
                    _ => return None,
                },
                integrity: Integrity::from_bits((second & proof::INTEGRITY) >> proof::INTEGRITY_SHIFT)?,
                ciphered: second & proof::CIPHERED != 0,
                way: if second & proof::BY_SUBMIT == 0 { ProofWay::Report } else { ProofWay::Submit },
            },
        })
    }

    /// Its two bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 2] {
        let counter = match self.counter {
            CounterMode::Absent => 0x00,
            CounterMode::Unchecked => spi::COUNTER_UNCHECKED,
            CounterMode::Higher => spi::COUNTER_HIGHER,
            CounterMode::Next => spi::COUNTER_NEXT,
        };
        let ciphered = if self.ciphered { spi::CIPHERED } else { 0x00 };
        let when = match self.proof.when {
            ProofWhen::Never => 0x00,
            ProofWhen::Always => proof::ALWAYS,
            ProofWhen::OfErrors => proof::OF_ERRORS,
        };
        let proof_ciphered = if self.proof.ciphered { proof::CIPHERED } else { 0x00 };
        let way = match self.proof.way {
            ProofWay::Report => 0x00,
            ProofWay::Submit => proof::BY_SUBMIT,
        };
        let proof_integrity = self.proof.integrity.to_bits() << proof::INTEGRITY_SHIFT;
        [self.integrity.to_bits() | ciphered | counter, when | proof_integrity | proof_ciphered | way]
    }

    /// Whether the receiver compares the counter.
    #[must_use]
    pub const fn compares_counter(self) -> bool {
        matches!(self.counter, CounterMode::Higher | CounterMode::Next)
    }

    /// Whether a proof can come at all.
    #[must_use]
    pub const fn asks_proof(self) -> bool {
        !matches!(self.proof.when, ProofWhen::Never)
    }
}

impl ProofOfReceipt {
    /// None.
    pub const NONE: Self =
        Self { when: ProofWhen::Never, integrity: Integrity::None, ciphered: false, way: ProofWay::Report };
}

impl Integrity {
    const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0x00 => Some(Self::None),
            spi::REDUNDANCY_CHECK => Some(Self::RedundancyCheck),
            spi::CRYPTOGRAPHIC_CHECKSUM => Some(Self::Checksum),
            _ => None,
        }
    }

    const fn to_bits(self) -> u8 {
        match self {
            Self::None => 0x00,
            Self::RedundancyCheck => spi::REDUNDANCY_CHECK,
            Self::Checksum => spi::CRYPTOGRAPHIC_CHECKSUM,
        }
    }
}

impl RedundancyCheck {
    /// The low half of KID that names it.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Crc16 => redundancy_check::CRC_16,
            Self::Crc32 => redundancy_check::CRC_32,
        }
    }

    /// From the low half of KID.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            redundancy_check::CRC_16 => Some(Self::Crc16),
            redundancy_check::CRC_32 => Some(Self::Crc32),
            _ => None,
        }
    }

    /// Its length in bytes.
    #[must_use]
    pub const fn length(self) -> usize {
        match self {
            Self::Crc16 => 2,
            Self::Crc32 => 4,
        }
    }
}

impl Tar {
    /// The issuer domain.
    pub const ISSUER_DOMAIN: Self = Self(tar::ISSUER_DOMAIN);
    /// The UICC's files, from the MF.
    pub const FILES: Self = Self(tar::FILES);
    /// The UICC's files, class A0 too.
    pub const FILES_2G: Self = Self(tar::FILES_2G);
    /// The UICC's files, from the USIM.
    pub const FILES_USIM: Self = Self(tar::FILES_USIM);
    /// The enterprise applications.
    pub const ENTERPRISE: Self = Self(tar::ENTERPRISE);
}

impl PacketCounter {
    /// The one that no packet may have any more.
    pub const END: Self = Self([0xFF; COUNTER_LEN]);

    /// From its five bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; COUNTER_LEN]) -> Self {
        Self(bytes)
    }

    /// From a number; `None` beyond five bytes.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        match number.to_be_bytes() {
            [0, 0, 0, bytes @ ..] => Some(Self(bytes)),
            _ => None,
        }
    }

    /// Its five bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; COUNTER_LEN] {
        self.0
    }

    /// As a number.
    #[must_use]
    pub const fn number(self) -> u64 {
        let [a, b, c, d, e] = self.0;
        u64::from_be_bytes([0, 0, 0, a, b, c, d, e])
    }

    /// The counter behind it; `None` at [`Self::END`].
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        Self::new(self.number() + 1)
    }
}

impl TryFrom<u64> for PacketCounter {
    type Error = &'static str;

    fn try_from(number: u64) -> Result<Self, Self::Error> {
        Self::new(number).ok_or("a counter has five bytes")
    }
}

impl From<PacketCounter> for u64 {
    fn from(counter: PacketCounter) -> Self {
        counter.number()
    }
}

impl SetVersion {
    /// From the version of the domain's key set; `None` if it is none over the air.
    #[must_use]
    pub fn new(version: u8) -> Option<Self> {
        key_version::OVER_THE_AIR.contains(&version).then_some(Self(version))
    }

    /// As GlobalPlatform counts key sets.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// In hexadecimal digits.
impl fmt::Display for Tar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_upper(self.0))
    }
}

/// In hexadecimal digits.
impl fmt::Display for PacketCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_upper(self.0))
    }
}

const _: () = assert!(ota::MINIMUM_SECURITY == Spi::FULL.to_bytes()[0]);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_spi_there_and_back_and_no_other() {
        let mut known = 0;
        for bytes in (0..=u16::MAX).map(u16::to_be_bytes) {
            let [first, second] = bytes;
            let sensible =
                first & 0xE0 == 0 && first & 3 != 3 && second & 0xC0 == 0 && second & 3 != 3 && second & 0x0C != 0x0C;
            let spi = Spi::from_bytes(bytes);
            assert_eq!(spi.is_some(), sensible, "{bytes:02X?}");
            if let Some(spi) = spi {
                assert_eq!(spi.to_bytes(), bytes);
                known += 1;
            }
        }
        assert_eq!(known, (3 * 2 * 4) * (3 * 3 * 2 * 2));
    }

    #[test]
    fn a_counter_ends() {
        let first = PacketCounter::new(0x01FF).unwrap();
        assert_eq!((first.to_string().as_str(), first.next().unwrap().number()), ("00000001FF", 0x0200));
        assert_eq!(PacketCounter::END.next(), None);
        assert_eq!(PacketCounter::new(1 << 40), None);
        assert!(SetVersion::new(0).is_none() && SetVersion::new(15).is_some() && SetVersion::new(16).is_none());
    }
}
