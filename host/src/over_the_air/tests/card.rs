//! As much of a card as answers packets.

use onecard_wire::ota::RESPONSE_HEADER;

use crate::{
    crypto::{Key, TripleLengthKey},
    globalplatform::{AesKey, DomainKey},
    over_the_air::{
        Integrity, OpenedCommand, OtaKeySet, PacketKeys, PacketTerms, RedundancyCheck, SetVersion, check::Check,
    },
};

pub(in crate::over_the_air) fn keys_of([kic, kid]: [DomainKey; 2], version: u8) -> PacketKeys {
    let kik = kid.clone();
    PacketKeys::new(&OtaKeySet::new(SetVersion(version), [kic, kid, kik]).unwrap())
}

/// Sets of every algorithm.
pub(in crate::over_the_air) fn every_set() -> Vec<PacketKeys> {
    let bytes = |start: u8, len: u8| (start..start + len).collect::<Vec<u8>>();
    let two = |start| DomainKey::TripleDes(Key::from_bytes(bytes(start, 16).try_into().unwrap()));
    let three = |start| DomainKey::TripleDes3(TripleLengthKey::from_bytes(bytes(start, 24).try_into().unwrap()));
    let aes = |start, len| DomainKey::Aes(AesKey::new(&bytes(start, len)).unwrap());
    vec![
        keys_of([two(0x10), two(0x51)], 1),
        keys_of([three(0x10), three(0x51)], 2),
        keys_of([aes(0x10, 16), aes(0x51, 16)], 3),
        keys_of([aes(0x10, 24), aes(0x51, 24)], 14),
        keys_of([aes(0x10, 32), aes(0x51, 32)], 15),
    ]
}

/// The answer to a packet as the standard has it, padded with zeros.
pub(in crate::over_the_air) fn answered(keys: &PacketKeys, terms: &PacketTerms, status: u8, data: &[u8]) -> Vec<u8> {
    let proof = terms.spi.proof;
    let check = Check::new(proof.integrity, terms.redundancy_check);
    let block = if proof.ciphered { keys.block_len() } else { 1 };
    let used = 7 + check.length() + data.len();
    let padding = used.next_multiple_of(block) - used;
    let length = u16::try_from(1 + 3 + used + padding).unwrap();
    let head = [
        &length.to_be_bytes()[..],
        &[10 + check.length() as u8],
        &terms.tar.0,
        &terms.counter.to_bytes(),
        &[padding as u8, status],
    ]
    .concat();
    let padded = [data, &vec![0; padding]].concat();
    let field = check.of(keys, &[&RESPONSE_HEADER, &head, &padded]);
    let mut packet = [&head, &field[..check.length()], &padded].concat();
    if proof.ciphered {
        keys.kic.encipher(&mut packet[6..]);
    }
    packet
}

/// A refusal, in clear with nothing.
pub(in crate::over_the_air) fn refused(terms: &PacketTerms, status: u8) -> Vec<u8> {
    [&[0, 11, 10][..], &terms.tar.0, &terms.counter.to_bytes(), &[0, status]].concat()
}

pub(in crate::over_the_air) fn opened(keys: &PacketKeys, packet: &[u8]) -> OpenedCommand {
    OpenedCommand::read(keys, packet).unwrap()
}

/// Whether KID can name both checks.
pub(in crate::over_the_air) fn kid_serves(keys: &PacketKeys, terms: &PacketTerms) -> bool {
    let (command, proof) = (terms.spi.integrity, terms.spi.proof.integrity);
    let mixed = matches!(
        (command, proof),
        (Integrity::Checksum, Integrity::RedundancyCheck) | (Integrity::RedundancyCheck, Integrity::Checksum)
    );
    let five = terms.redundancy_check == RedundancyCheck::Crc32 && keys.kid.algorithm() == 5;
    !mixed || !terms.spi.asks_proof() || five
}
