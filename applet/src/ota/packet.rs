//! Command packets of the card's own (ETSI TS 102 225 clause 5.1), with a cryptographic checksum, enciphered or not.

use heapless::Vec;
use onecard_wire::{
    ota::{CHECKSUM_LEN, COMMAND_HEADER, COUNTER_LEN, USER_DATA_MAX, algorithm, spi},
    status::StatusWord,
};
use zeroize::Zeroizing;

use crate::crypto::{DomainKey, ZERO_BLOCK};

/// Longest packet: it goes into one short message.
pub(crate) const PACKET_MAX: usize = USER_DATA_MAX - COMMAND_HEADER.len();
/// CPL, CHL, SPI, KIc, KID, TAR.
const CLEAR_LEN: usize = 10;
/// CNTR and PCNTR.
const COUNTERS_LEN: usize = COUNTER_LEN + 1;
/// Enciphered, or ready to be, from CNTR to the padding.
const BODY_MAX: usize = PACKET_MAX - CLEAR_LEN;

/// The keys of a packet.
pub(crate) struct PacketKeys {
    /// KIc: ciphering.
    pub(crate) ciphering: DomainKey,
    /// KID: checksum.
    pub(crate) checksum: DomainKey,
}

/// What stands in front of the data.
#[derive(Clone, Copy)]
pub(crate) struct PacketHeader {
    /// SPI. Its first byte says checksum; others are not made here.
    pub(crate) security: [u8; 2],
    /// Version of the key set, 0 to F.
    pub(crate) key_set: u8,
    pub(crate) tar: [u8; 3],
    pub(crate) counter: [u8; COUNTER_LEN],
}

/// Makes a packet, CPL to padding.
///
/// # Errors
/// 6F00 for data that do not fit one short message, and for an SPI without a checksum: faults of this program.
pub(crate) fn command_packet(
    keys: &PacketKeys,
    header: &PacketHeader,
    data: &[u8],
) -> Result<Vec<u8, PACKET_MAX>, StatusWord> {
    let [first, second] = header.security;
    if first & spi::INTEGRITY != spi::CRYPTOGRAPHIC_CHECKSUM {
        return Err(StatusWord::INTERNAL_ERROR);
    }
    let enciphered = first & spi::CIPHERED != 0;
    let unpadded = COUNTERS_LEN + CHECKSUM_LEN + data.len();
    let padded = if enciphered { unpadded.next_multiple_of(keys.ciphering.block_len()) } else { unpadded };
    let clear = clear_part(keys, header, second, padded);
    let counters = counters(header, padded - unpadded);
    let padding = ZERO_BLOCK.get(..padded - unpadded).unwrap_or_default();
    let checksum = checksum(&keys.checksum, &[&clear, &counters, data, padding])?;
    // No short way out from here on: what is put together here is erased unless it leaves enciphered.
    let mut body: Zeroizing<Vec<u8, BODY_MAX>> = Zeroizing::new(Vec::new());
    for part in [&counters, &checksum[..], data, padding] {
        body.extend_from_slice(part).map_err(|_| StatusWord::INTERNAL_ERROR)?;
    }
    if enciphered {
        keys.ciphering.encipher_cbc(ZERO_BLOCK, &mut body);
    }
    Ok(clear.iter().chain(body.iter()).copied().collect())
}

/// CPL, which counts what is behind it; CHL, which counts SPI to checksum; SPI, KIc, KID, TAR.
fn clear_part(keys: &PacketKeys, header: &PacketHeader, second: u8, padded: usize) -> [u8; CLEAR_LEN] {
    let [cpl_high, cpl_low] = ((CLEAR_LEN - 2 + padded) as u16).to_be_bytes();
    let chl = (CLEAR_LEN - 3 + COUNTERS_LEN + CHECKSUM_LEN) as u8;
    let set = header.key_set << 4;
    let [first, _] = header.security;
    let [tar_1, tar_2, tar_3] = header.tar;
    let (kic, kid) = (set | algorithm_of(&keys.ciphering), set | algorithm_of(&keys.checksum));
    [cpl_high, cpl_low, chl, first, second, kic, kid, tar_1, tar_2, tar_3]
}

fn counters(header: &PacketHeader, padding: usize) -> [u8; COUNTERS_LEN] {
    let [a, b, c, d, e] = header.counter;
    [a, b, c, d, e, padding as u8]
}

const fn algorithm_of(key: &DomainKey) -> u8 {
    match key {
        DomainKey::TripleDes2(_) => algorithm::TRIPLE_DES_2,
        DomainKey::TripleDes3(_) => algorithm::TRIPLE_DES_3,
        DomainKey::Aes128(_) | DomainKey::Aes192(_) | DomainKey::Aes256(_) => algorithm::AES,
    }
}

/// AES: CMAC, its first 8 bytes. Triple DES: the last block of a CBC, the message filled up by zeros, which are not sent
/// (clause 5.1.3).
fn checksum(key: &DomainKey, parts: &[&[u8]]) -> Result<[u8; CHECKSUM_LEN], StatusWord> {
    let first_half = |block: &[u8]| block.first_chunk().copied().ok_or(StatusWord::INTERNAL_ERROR);
    if key.block_len() != CHECKSUM_LEN {
        return first_half(&key.mac(parts.iter().copied()));
    }
    let mut message: Zeroizing<Vec<u8, { PACKET_MAX + CHECKSUM_LEN }>> = Zeroizing::new(Vec::new());
    for part in parts {
        message.extend_from_slice(part).map_err(|_| StatusWord::INTERNAL_ERROR)?;
    }
    let filled = message.len().next_multiple_of(CHECKSUM_LEN);
    message.resize(filled, 0).map_err(|_| StatusWord::INTERNAL_ERROR)?;
    key.encipher_cbc(ZERO_BLOCK, &mut message);
    message.last_chunk().copied().ok_or(StatusWord::INTERNAL_ERROR)
}
