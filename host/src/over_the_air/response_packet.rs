//! Response packets (ETSI TS 102 225 clause 5.2): what a proof of receipt proves, and what is a hint and nothing more.

use core::fmt;

use onecard_wire::{
    layout::Reader,
    ota::{COUNTER_LEN, RESPONSE_HEADER, packet_status},
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    check::Check,
    command_packet::{PacketTerms, ReadError, malformed},
    keys::PacketKeys,
    security::{PacketCounter, RedundancyCheck, Tar},
};

/// RPL, RHL, TAR: what is never enciphered.
const CLEAR_LEN: usize = 2 + 1 + 3;
/// RPL to the status.
const HEADER_LEN: usize = CLEAR_LEN + COUNTER_LEN + 1 + 1;
/// TAR to the status: what RHL counts besides RC/CC.
const COUNTED_LEN: usize = HEADER_LEN - 3;

/// What came back for a packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// The card says so: the checksum is right, and TAR and counter are those of the packet.
    Proven(Proven),
    /// Anybody may have said so: nothing follows from it but that asking may help.
    Hint(Hint),
}

/// A response that the card made for this packet. There is no way to one but a right checksum.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proven {
    status: PacketStatus,
    data: Vec<u8>,
}

/// A response without a checksum, or of another packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hint {
    /// Its TAR.
    pub tar: Tar,
    /// Its counter; some cards have zeros in a refusal.
    pub counter: PacketCounter,
    /// Its status.
    pub status: PacketStatus,
    /// Its data.
    pub data: Vec<u8>,
}

/// Response status code (clause 5.2, table 5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct PacketStatus(pub u8);

/// Why a response is not even a hint.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ResponseError {
    /// It is no response packet.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
    /// It is not the card's, or was changed on its way.
    #[error("the response's checksum is wrong: it proves nothing; ask the card again under a higher counter")]
    WrongChecksum,
    /// The card made it for another packet.
    #[error("the response is to the packet of TAR {tar} with counter {counter}, and not to this one")]
    OtherPacket {
        /// Of the response.
        tar: Tar,
        /// Of the response.
        counter: PacketCounter,
    },
}

/// The fields of a response packet, whoever made it.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Fields<'p> {
    tar: Tar,
    counter: PacketCounter,
    status: PacketStatus,
    data: &'p [u8],
}

impl Answer {
    /// Reads `packet`, RPL to padding, as the answer to the packet of `terms` under `keys`.
    ///
    /// # Errors
    /// [`ResponseError`].
    pub fn read(keys: &PacketKeys, terms: &PacketTerms, packet: &[u8]) -> Result<Self, ResponseError> {
        let check = Check::new(terms.spi.proof.integrity, terms.redundancy_check);
        let (tar, found) = clear_part(packet)?;
        if found != check {
            return Ok(Self::hint(fields(packet, found)?));
        }
        let plain = deciphered(keys, terms, packet);
        let secured = fields(&plain, found).ok().filter(|_| is_right(keys, &plain, check));
        let Some(fields) = secured else {
            // A refusal goes out in clear, whatever was asked for; where no check was, lengths do not tell them apart.
            let in_clear = (check == Check::None).then(|| self::fields(packet, found));
            return match in_clear {
                Some(fields) => Ok(Self::hint(fields?)),
                None => Err(ResponseError::WrongChecksum),
            };
        };
        if check == Check::None && terms.spi.proof.ciphered && fields.counter != terms.counter {
            return Ok(Self::hint(self::fields(packet, found)?));
        }
        if check != Check::Checksum {
            return Ok(Self::hint(fields));
        }
        if tar != terms.tar || fields.counter != terms.counter {
            return Err(ResponseError::OtherPacket { tar, counter: fields.counter });
        }
        Ok(Self::Proven(Proven { status: fields.status, data: fields.data.to_vec() }))
    }

    /// Most data in bytes that a response packet of `room` bytes, RPL to padding, carries under these terms.
    #[must_use]
    pub fn data_max(keys: &PacketKeys, terms: &PacketTerms, room: usize) -> usize {
        let behind_tar = room.saturating_sub(CLEAR_LEN);
        let block = if terms.spi.proof.ciphered { keys.block_len() } else { 1 };
        let used = COUNTER_LEN + 2 + Check::new(terms.spi.proof.integrity, terms.redundancy_check).length();
        (behind_tar / block * block).saturating_sub(used)
    }

    /// What is behind the user data header of a response packet; `None` if there is another.
    #[must_use]
    pub fn packet_of(user_data: &[u8]) -> Option<&[u8]> {
        user_data.strip_prefix(&RESPONSE_HEADER)
    }

    /// The status, whatever it is worth.
    #[must_use]
    pub const fn status(&self) -> PacketStatus {
        match self {
            Self::Proven(proven) => proven.status,
            Self::Hint(hint) => hint.status,
        }
    }

    /// The data, whatever they are worth.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        match self {
            Self::Proven(proven) => &proven.data,
            Self::Hint(hint) => &hint.data,
        }
    }

    fn hint(Fields { tar, counter, status, data }: Fields<'_>) -> Self {
        Self::Hint(Hint { tar, counter, status, data: data.to_vec() })
    }
}

impl Proven {
    /// What became of the packet.
    #[must_use]
    pub const fn status(&self) -> PacketStatus {
        self.status
    }

    /// What its commands answered.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }
}

/// RPL, RHL and TAR, and what RHL says that the RC/CC field is.
fn clear_part(packet: &[u8]) -> Result<(Tar, Check), ReadError> {
    let short = malformed("RPL", 0, "the packet is too short to have a header");
    let mut reader = Reader::new(packet);
    let counted = reader.u16().ok_or(short)?;
    if usize::from(counted) != packet.len() - 2 || packet.len() < HEADER_LEN {
        return Err(malformed("RPL", 0, "it is not the number of bytes behind it, or these are too few"));
    }
    let rhl = usize::from(reader.u8().ok_or(short)?);
    let kinds = [
        Check::None,
        Check::Redundancy(RedundancyCheck::Crc16),
        Check::Redundancy(RedundancyCheck::Crc32),
        Check::Checksum,
    ];
    let found = kinds.into_iter().find(|check| rhl == COUNTED_LEN + check.length() && packet.len() >= rhl + 3);
    let check = found.ok_or(malformed("RHL", 2, "no response packet has a header of that length"))?;
    Ok((Tar(reader.array().ok_or(short)?), check))
}

/// The packet in clear; as it is if it was not to be enciphered, or cannot be.
fn deciphered(keys: &PacketKeys, terms: &PacketTerms, packet: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut plain = Zeroizing::new(packet.to_vec());
    let behind = plain.get_mut(CLEAR_LEN..).unwrap_or_default();
    if terms.spi.proof.ciphered && behind.len().is_multiple_of(keys.kic.block_len()) {
        keys.kic.decipher(behind);
    }
    plain
}

/// Over `02 71 00`, RPL to status, and what is behind RC/CC.
fn is_right(keys: &PacketKeys, plain: &[u8], check: Check) -> bool {
    let Some((head, rest)) = plain.split_at_checked(HEADER_LEN) else { return false };
    let Some((field, data)) = rest.split_at_checked(check.length()) else { return false };
    check.is_right(keys, &[&RESPONSE_HEADER, head, data], field)
}

fn fields(plain: &[u8], check: Check) -> Result<Fields<'_>, ReadError> {
    let short = malformed("RPL", 0, "the packet ends in its header");
    let mut reader = Reader::new(plain);
    reader.slice(3).ok_or(short)?;
    let tar = Tar(reader.array().ok_or(short)?);
    let counter = PacketCounter::from_bytes(reader.array().ok_or(short)?);
    let padding = usize::from(reader.u8().ok_or(short)?);
    let status = PacketStatus(reader.u8().ok_or(short)?);
    reader.slice(check.length()).ok_or(short)?;
    let padded = reader.rest();
    let length = padded.len().checked_sub(padding);
    let data = length.and_then(|length| padded.get(..length));
    let data = data.ok_or(malformed("PCNTR", CLEAR_LEN + COUNTER_LEN, "it is more than there is"))?;
    Ok(Fields { tar, counter, status, data })
}

impl PacketStatus {
    /// The commands were executed, however they ended.
    pub const OK: Self = Self(packet_status::OK);

    /// What it means, in English and Chinese; `None` if the standard has no such status.
    #[must_use]
    pub const fn meaning(self) -> Option<(&'static str, &'static str)> {
        Some(match self.0 {
            packet_status::OK => ("the packet was right", "报文正确"),
            packet_status::INTEGRITY_FAILED => ("RC/CC is wrong", "校验失败"),
            packet_status::COUNTER_LOW => ("the counter is too low: such a packet was there before", "计数器过低"),
            packet_status::COUNTER_HIGH => ("the counter is too high", "计数器过高"),
            packet_status::COUNTER_BLOCKED => ("the counter is at its end", "计数器已锁"),
            packet_status::CIPHERING_ERROR => ("it cannot be deciphered", "解密错误"),
            packet_status::UNIDENTIFIED_SECURITY_ERROR => ("another error of security", "其他安全错误"),
            packet_status::INSUFFICIENT_MEMORY => ("the memory is too small for it", "存储空间不足"),
            packet_status::NEEDS_MORE_TIME => ("more time is needed", "需要更多时间"),
            packet_status::TAR_UNKNOWN => ("there is no such TAR", "TAR未知"),
            packet_status::INSUFFICIENT_SECURITY => ("the TAR asks for more security", "安全级别不足"),
            packet_status::FOLLOWS_BY_SUBMIT => ("the response follows by SMS-SUBMIT", "响应将由短信发出"),
            _ => return None,
        })
    }
}

impl fmt::Display for PacketStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.meaning() {
            Some((english, chinese)) => write!(f, "{:02X} {english} {chinese}", self.0),
            None => write!(f, "{:02X}", self.0),
        }
    }
}
