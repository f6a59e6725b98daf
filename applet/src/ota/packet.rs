//! Command packets of the card's own (ETSI TS 102 225 clause 5.1), with a cryptographic checksum, enciphered or not.

use heapless::Vec;
use onecard_wire::{
    ota::{CHECKSUM_LEN, CLEAR_LEN, COMMAND_HEADER, COUNTER_LEN, USER_DATA_MAX, algorithm, spi},
    status::StatusWord,
};
use zeroize::Zeroizing;

use crate::crypto::{DomainKey, ZERO_BLOCK};

/// Longest packet: it goes into one short message.
pub(crate) const PACKET_MAX: usize = USER_DATA_MAX - COMMAND_HEADER.len();
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
    let checksum = keys.checksum.packet_checksum(&[&clear, &counters, data, padding]);
    let mut room = Zeroizing::new([0; BODY_MAX]);
    let body = joined(&[&counters, &checksum, data, padding], &mut *room)?;
    if enciphered {
        keys.ciphering.encipher_cbc(ZERO_BLOCK, body);
    }
    Ok(clear.iter().chain(&*body).copied().collect())
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

/// The low half of KIc and KID that names a key's cipher.
pub(super) const fn algorithm_of(key: &DomainKey) -> u8 {
    match key {
        DomainKey::TripleDes2(_) => algorithm::TRIPLE_DES_2,
        DomainKey::TripleDes3(_) => algorithm::TRIPLE_DES_3,
        DomainKey::Aes128(_) | DomainKey::Aes192(_) | DomainKey::Aes256(_) => algorithm::AES,
    }
}

/// Puts parts one behind the other.
fn joined<'r>(parts: &[&[u8]], room: &'r mut [u8]) -> Result<&'r mut [u8], StatusWord> {
    let mut used = 0;
    for part in parts {
        let place = room.get_mut(used..used + part.len()).ok_or(StatusWord::INTERNAL_ERROR)?;
        place.copy_from_slice(part);
        used += part.len();
    }
    room.get_mut(..used).ok_or(StatusWord::INTERNAL_ERROR)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
pub(super) mod tests {
    extern crate std;

    use onecard_vectors::{Vectors, secured_packet::CommandPacket};
    use std::{println, vec::Vec};

    use super::*;
    use crate::rfid_sim::KeySetCipher;

    /// A key under the algorithm of KIc or KID; a packet that uses none gets any.
    pub(crate) fn key(algorithm: u8, value: &[u8]) -> Option<DomainKey> {
        let value = if value.is_empty() { &[0x5A; 16] } else { value };
        match algorithm & 0x0F {
            algorithm::AES => DomainKey::from_value(KeySetCipher::Aes, value),
            algorithm::TRIPLE_DES_2 | algorithm::TRIPLE_DES_3 => DomainKey::from_value(KeySetCipher::Des, value),
            _ => None,
        }
    }

    fn made(vector: &CommandPacket) -> Option<Result<Vec<u8>, StatusWord>> {
        let keys = PacketKeys {
            ciphering: key(vector.kic, &vector.ciphering_key)?,
            checksum: key(vector.kid, &vector.checksum_key)?,
        };
        let header =
            PacketHeader { security: vector.spi, key_set: vector.kic >> 4, tar: vector.tar, counter: vector.counter };
        Some(command_packet(&keys, &header, &vector.data).map(|packet| packet.to_vec()))
    }

    #[test]
    fn published_packets_are_made() {
        let (mut same, mut others) = (0, Vec::new());
        for vector in Vectors::embedded().unwrap().command_packet {
            // Checksums of 4 bytes belong to keys that say so, and this card has none.
            let packet = &vector.body;
            if packet.has_checksum() && packet.checksum_len() == CHECKSUM_LEN && packet.packet.len() <= PACKET_MAX {
                let made = made(packet).unwrap_or_else(|| panic!("{}: no such key", vector.name));
                assert_eq!(made.as_ref(), Ok(&packet.packet), "{}", vector.name);
                same += 1;
            } else {
                if let Some(made) = made(packet).filter(|_| !packet.has_checksum() || packet.packet.len() > PACKET_MAX)
                {
                    assert_eq!(made, Err(StatusWord::INTERNAL_ERROR), "{}", vector.name);
                }
                others.push(vector.name);
            }
        }
        println!("{same} made; not of this card's kind: {others:?}");
        assert_eq!(same, 8);
    }
}
