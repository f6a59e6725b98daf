//! Command packets (ETSI TS 102 225 clause 5.1): built, and read by whoever has the keys.

use onecard_wire::{
    layout::Reader,
    ota::{COUNTER_LEN, algorithm},
};
use zeroize::Zeroizing;

use super::{
    check::{Check, kid_code},
    keys::PacketKeys,
    security::{CounterMode, PacketCounter, RedundancyCheck, SetVersion, Spi, Tar},
};

/// CPL and CHL.
const LENGTHS_LEN: usize = 3;
/// CPL to TAR: what is never enciphered.
pub(super) const CLEAR_LEN: usize = LENGTHS_LEN + 7;
/// CPL to PCNTR.
pub(super) const HEADER_LEN: usize = CLEAR_LEN + COUNTER_LEN + 1;
/// SPI to PCNTR: what CHL counts besides RC/CC.
const COUNTED_LEN: usize = HEADER_LEN - LENGTHS_LEN;

/// What a command packet says besides its data, and what the proof of its receipt has to repeat.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PacketTerms {
    /// How it is secured, and which proof is asked for.
    pub spi: Spi,
    /// Which redundancy check, where SPI has one.
    pub redundancy_check: RedundancyCheck,
    /// Who it is for.
    pub tar: Tar,
    /// Its number under its key set.
    pub counter: PacketCounter,
}

/// A command packet, CPL to padding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommandPacket {
    /// As they were asked for.
    pub terms: PacketTerms,
    /// Its bytes: to be kept, and sent again just so.
    pub bytes: Vec<u8>,
}

/// A command packet that cannot be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BuildError {
    /// More data than CPL counts.
    #[error("{0} bytes of secured data do not fit a packet: divide the script")]
    TooLong(usize),
    /// The counter's last value, which every receiver refuses.
    #[error("the counter of the key set is at its end: put a new key set on the card")]
    CounterAtEnd,
    /// KID would have to name two algorithms.
    #[error(
        "KID names one algorithm for command and proof: ask for the same check of both, or for CRC-32 beside two-key triple DES"
    )]
    TwoAlgorithms,
}

/// The header of a command packet as anybody reads it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CommandHeader {
    /// CHL.
    pub header_length: u8,
    /// SPI.
    pub spi: Spi,
    /// KIc.
    pub kic: u8,
    /// KID.
    pub kid: u8,
    /// TAR.
    pub tar: Tar,
}

/// A command packet that was read and was right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenedCommand {
    /// What it says besides.
    pub terms: PacketTerms,
    /// Bytes of padding.
    pub padding: u8,
    /// RC/CC, empty if it has none.
    pub check: Vec<u8>,
    /// Secured data without padding; erased on drop, as they may be commands with keys.
    pub data: Zeroizing<Vec<u8>>,
}

/// Why a command packet was not read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReadError {
    /// A field that cannot be so.
    #[error("{field} at byte {at} of the packet is not of a secured packet: {reason}")]
    Malformed {
        /// By its name in the standard.
        field: &'static str,
        /// Where it begins, from 0.
        at: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Other keys than were handed in.
    #[error("the packet is of key set {version:02X} with algorithm {algorithm:X}: name the file with that set's keys")]
    OtherKeys {
        /// The set's version by the packet.
        version: u8,
        /// The low half of KIc or KID.
        algorithm: u8,
    },
    /// PCNTR, redundancy check or checksum are not right: another key, or a packet that was changed on its way.
    #[error(
        "the packet's {0} is wrong: it was made with other keys, or changed on its way; nothing in it can be believed"
    )]
    Wrong(&'static str),
}

impl CommandPacket {
    /// Builds it.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn build(keys: &PacketKeys, terms: PacketTerms, data: &[u8]) -> Result<Self, BuildError> {
        let PacketTerms { spi, redundancy_check, tar, counter } = terms;
        if spi.compares_counter() && counter == PacketCounter::END {
            return Err(BuildError::CounterAtEnd);
        }
        let check = Check::new(spi.integrity, redundancy_check);
        let kid = kid_code(spi, keys, redundancy_check).ok_or(BuildError::TwoAlgorithms)?;
        let to_encipher = COUNTER_LEN + 1 + check.length() + data.len();
        let padding = if spi.ciphered { to_encipher.next_multiple_of(keys.kic.block_len()) - to_encipher } else { 0 };
        let length = CLEAR_LEN + to_encipher + padding;
        let counted = u16::try_from(length - 2).map_err(|_| BuildError::TooLong(data.len()))?;

        let [a, b, c, d, e] = counter.to_bytes();
        let [first, second] = spi.to_bytes();
        let [high, low] = counted.to_be_bytes();
        let version = keys.version.number() << 4;
        let [x, y, z] = tar.0;
        let chl = (COUNTED_LEN + check.length()) as u8;
        let kic = version | keys.kic.algorithm();
        let head: [u8; HEADER_LEN] =
            [high, low, chl, first, second, kic, version | kid, x, y, z, a, b, c, d, e, padding as u8];
        let zeros = [0; 16];
        let zeros = zeros.get(..padding).unwrap_or_default();
        let mut bytes = Vec::with_capacity(length);
        bytes.extend_from_slice(&head);
        if check != Check::None {
            let field = check.of(keys, &[&head, data, zeros]);
            bytes.extend_from_slice(field.get(..check.length()).unwrap_or_default());
        }
        bytes.extend_from_slice(data);
        bytes.extend_from_slice(zeros);
        if let Some(enciphered) = bytes.get_mut(CLEAR_LEN..).filter(|_| spi.ciphered) {
            keys.kic.encipher(enciphered);
        }
        Ok(Self { terms, bytes })
    }

    /// Most secured data in bytes that one packet of `room` bytes, CPL to padding, carries under these terms.
    #[must_use]
    pub fn data_max(keys: &PacketKeys, terms: &PacketTerms, room: usize) -> usize {
        let behind_tar = room.saturating_sub(CLEAR_LEN);
        let block = if terms.spi.ciphered { keys.kic.block_len() } else { 1 };
        let used = COUNTER_LEN + 1 + Check::new(terms.spi.integrity, terms.redundancy_check).length();
        (behind_tar / block * block).saturating_sub(used)
    }
}

impl CommandHeader {
    /// Reads what is in clear; the packet is `packet`, whole.
    ///
    /// # Errors
    /// [`ReadError::Malformed`].
    pub fn parse(packet: &[u8]) -> Result<Self, ReadError> {
        let short = malformed("CPL", 0, "the packet is too short to have a header");
        let mut reader = Reader::new(packet);
        let counted = reader.u16().ok_or(short)?;
        if usize::from(counted) != packet.len() - 2 {
            return Err(malformed("CPL", 0, "it is not the number of bytes behind it"));
        }
        let header_length = reader.u8().ok_or(short)?;
        let spi = reader.array().ok_or(short)?;
        let spi = Spi::from_bytes(spi).ok_or(malformed("SPI", 3, "a signature, or bits that mean nothing"))?;
        let [kic, kid] = reader.array().ok_or(short)?;
        let tar = Tar(reader.array().ok_or(short)?);
        let header = Self { header_length, spi, kic, kid, tar };
        let at_chl = "it is not the length of the header with this SPI and KID";
        let expected = header.check()?.length() + COUNTED_LEN;
        if usize::from(header_length) != expected || packet.len() < LENGTHS_LEN + expected {
            return Err(malformed("CHL", 2, at_chl));
        }
        Ok(header)
    }

    /// The version of the key set it names, if a set counts; `None` for none, for 0, and for two different ones.
    #[must_use]
    pub fn version(&self) -> Option<SetVersion> {
        let proof = self.spi.asks_proof().then_some(self.spi.proof);
        let kic = self.spi.ciphered || proof.is_some_and(|proof| proof.ciphered);
        let kid = Check::new(self.spi.integrity, RedundancyCheck::default()) != Check::None
            || proof.is_some_and(|proof| Check::new(proof.integrity, RedundancyCheck::default()) != Check::None);
        let [of_kic, of_kid] = [self.kic >> 4, self.kid >> 4].map(SetVersion::new);
        match (kic, kid) {
            (true, true) => of_kic.filter(|_| of_kic == of_kid),
            (true, false) => of_kic,
            (false, true) => of_kid,
            (false, false) => None,
        }
    }

    fn redundancy_check(&self) -> Result<RedundancyCheck, ReadError> {
        let unknown = malformed("KID", 6, "it names no redundancy check: CRC-16 is 1, CRC-32 is 5");
        RedundancyCheck::from_code(self.kid & 0x0F).ok_or(unknown)
    }

    fn check(&self) -> Result<Check, ReadError> {
        use super::security::Integrity;
        Ok(match self.spi.integrity {
            Integrity::None => Check::None,
            Integrity::RedundancyCheck => Check::Redundancy(self.redundancy_check()?),
            Integrity::Checksum => Check::Checksum,
        })
    }

    /// Whether the handed keys are those that the packet names, and of those algorithms.
    fn agrees_with(&self, keys: &PacketKeys) -> Result<(), ReadError> {
        let named = |field: u8, algorithm: u8| {
            let other = ReadError::OtherKeys { version: field >> 4, algorithm: field & 0x0F };
            (field == keys.version.number() << 4 | algorithm).then_some(()).ok_or(other)
        };
        if self.spi.ciphered {
            refused_algorithm("KIc", 5, self.kic)?;
            named(self.kic, keys.kic.algorithm())?;
        }
        if self.check()? == Check::Checksum {
            refused_algorithm("KID", 6, self.kid)?;
            named(self.kid, keys.kid.algorithm())?;
        }
        Ok(())
    }
}

impl OpenedCommand {
    /// Deciphers and checks a command packet: a request of the card, or one of the platform's own to be explained.
    ///
    /// # Errors
    /// [`ReadError`]. A PCNTR that cannot be and a checksum that is wrong are told apart here: whoever has the keys may know.
    pub fn read(keys: &PacketKeys, packet: &[u8]) -> Result<Self, ReadError> {
        let header = CommandHeader::parse(packet)?;
        header.agrees_with(keys)?;
        let check = header.check()?;
        let mut plain = Zeroizing::new(packet.to_vec());
        let behind = plain.get_mut(CLEAR_LEN..).unwrap_or_default();
        if header.spi.ciphered {
            if !behind.len().is_multiple_of(keys.kic.block_len()) {
                return Err(malformed("the enciphered part", CLEAR_LEN, "it is not whole blocks"));
            }
            keys.kic.decipher(behind);
        }
        let mut reader = Reader::new(&plain);
        let short = malformed("CNTR", CLEAR_LEN, "the packet ends in its header");
        let head = reader.slice(HEADER_LEN).ok_or(short)?;
        let field = reader.slice(check.length()).ok_or(short)?;
        let padded = reader.rest();
        // Not short-cut by PCNTR: the checksum is of everything, whatever it says.
        if !check.is_right(keys, &[head, padded], field) {
            return Err(ReadError::Wrong("RC/CC"));
        }
        let (head, &[padding]) = head.split_last_chunk::<1>().ok_or(short)?;
        let counter = PacketCounter::from_bytes(*head.last_chunk().ok_or(short)?);
        let block = if header.spi.ciphered { keys.kic.block_len() } else { 1 };
        let length = padded.len().checked_sub(usize::from(padding)).filter(|_| usize::from(padding) < block);
        let data = length.and_then(|length| padded.get(..length)).ok_or(ReadError::Wrong("PCNTR"))?;
        let redundancy_check = RedundancyCheck::from_code(header.kid & 0x0F).unwrap_or_default();
        Ok(Self {
            terms: PacketTerms { spi: header.spi, redundancy_check, tar: header.tar, counter },
            padding,
            check: field.to_vec(),
            data: Zeroizing::new(data.to_vec()),
        })
    }

    /// Whether its counter counts: a packet without one has the field all the same.
    #[must_use]
    pub const fn has_counter(&self) -> bool {
        !matches!(self.terms.spi.counter, CounterMode::Absent)
    }
}

/// Algorithms that no key set here can have.
fn refused_algorithm(field: &'static str, at: usize, value: u8) -> Result<(), ReadError> {
    match value & 0x0F {
        algorithm::AES | algorithm::TRIPLE_DES_2 | algorithm::TRIPLE_DES_3 => Ok(()),
        algorithm::DES | algorithm::DES_ECB => Err(malformed(field, at, "it names single DES, which is refused")),
        _ => Err(malformed(field, at, "it names an algorithm that both sides would have to know beforehand")),
    }
}

pub(super) const fn malformed(field: &'static str, at: usize, reason: &'static str) -> ReadError {
    ReadError::Malformed { field, at, reason }
}
