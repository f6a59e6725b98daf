//! Packets: published ones, and every combination of SPI and key.

use onecard_vectors::{
    Vectors,
    secured_packet::{CommandPacket as Command, ResponsePacket as Response},
    vector::Vector,
};

use super::card::{answered, every_set, keys_of, kid_serves, opened, refused};
use crate::{
    crypto::{Key, TripleLengthKey},
    globalplatform::{AesKey, DomainKey},
    over_the_air::{
        Answer, BuildError, CommandHeader, CommandPacket, CounterMode, Integrity, OpenedCommand, PacketCounter,
        PacketKeys, PacketStatus, PacketTerms, ReadError, RedundancyCheck, ResponseError, Spi, Tar,
    },
};

/// Of the value's cipher by the low half of its field; any key where none is published, since none is used.
fn key(field: u8, value: &[u8]) -> DomainKey {
    match (field & 0x0F, value.len()) {
        (2, 16 | 24 | 32) => DomainKey::Aes(AesKey::new(value).unwrap()),
        (9, 24) => DomainKey::TripleDes3(TripleLengthKey::from_bytes(value.try_into().unwrap())),
        (5, 16) => DomainKey::TripleDes(Key::from_bytes(value.try_into().unwrap())),
        (_, 0) => DomainKey::TripleDes(Key::from_bytes([0; 16])),
        // gsm0348 names its sets of 16 bytes 9 too: the third part is the first again.
        (9, 16) => DomainKey::TripleDes(Key::from_bytes(value.try_into().unwrap())),
        other => panic!("no key set has {other:?}"),
    }
}

fn keys(kic: u8, kid: u8, ciphering: &[u8], checksum: &[u8]) -> PacketKeys {
    let version = if ciphering.is_empty() { kid >> 4 } else { kic >> 4 };
    keys_of([key(kic, ciphering), key(kid, checksum)], version)
}

#[test]
fn published_commands() {
    let vectors = Vectors::embedded().unwrap().command_packet;
    let (mut built, mut refused) = (0, Vec::new());
    for Vector { name, body, .. } in &vectors {
        let Command { kic, kid, ciphering_key, checksum_key, tar, counter, data, packet, .. } = body;
        if kic & 0x0F == 0x0D && body.is_enciphered() {
            let keys = keys_of([key(5, &[1; 16]), key(5, &[2; 16])], 1);
            let error = OpenedCommand::read(&keys, packet).unwrap_err();
            assert!(error.to_string().contains("single DES"), "{name}: {error}");
            refused.push(name.as_str());
            continue;
        }
        let keys = keys(*kic, *kid, ciphering_key, checksum_key);
        if body.has_checksum() && body.checksum_len() == 4 {
            assert!(matches!(OpenedCommand::read(&keys, packet), Err(ReadError::Malformed { field: "CHL", .. })));
            refused.push(name.as_str());
            continue;
        }
        let redundancy_check = RedundancyCheck::from_code(kid & 0x0F).unwrap_or_default();
        let (tar, counter) = (Tar(*tar), PacketCounter::from_bytes(*counter));
        let terms = PacketTerms { spi: Spi::from_bytes(body.spi).unwrap(), redundancy_check, tar, counter };
        let ours = CommandPacket::build(&keys, terms, data).unwrap();
        assert_eq!(hex::encode_upper(&ours.bytes), hex::encode_upper(packet), "{name}");
        let theirs = OpenedCommand::read(&keys, packet).unwrap();
        assert_eq!((&theirs.data[..], theirs.terms), (&data[..], terms), "{name}");
        built += 1;
    }
    assert_eq!((built, refused), (11, vec!["gsm0348-request-004", "gsm0348-request-028"]));
}

#[test]
fn published_responses() {
    let vectors = Vectors::embedded().unwrap().response_packet;
    let (mut proven, mut hints, mut wrong) = (0, 0, 0);
    for vector in &vectors {
        let Response { kic, kid, ciphering_key, checksum_key, tar, counter, .. } = &vector.body;
        let keys = keys(*kic, *kid, ciphering_key, checksum_key);
        let redundancy_check = RedundancyCheck::from_code(kid & 0x0F).unwrap_or_default();
        let (tar, counter) = (Tar(*tar), PacketCounter::from_bytes(*counter));
        let terms = PacketTerms { spi: Spi::from_bytes(vector.body.spi).unwrap(), redundancy_check, tar, counter };
        let answer = Answer::read(&keys, &terms, &vector.body.packet);
        if !vector.is_valid() {
            assert_eq!(answer, Err(ResponseError::WrongChecksum), "{}", vector.name);
            wrong += 1;
            continue;
        }
        let answer = answer.unwrap();
        assert_eq!(answer.status(), PacketStatus(vector.body.status), "{}", vector.name);
        assert_eq!(hex::encode_upper(answer.data()), hex::encode_upper(&vector.body.data), "{}", vector.name);
        match answer {
            Answer::Proven(_) => {
                assert!(vector.body.has_checksum(), "{}", vector.name);
                proven += 1;
            }
            Answer::Hint(hint) => {
                assert_eq!((hint.tar, hint.counter), (tar, counter), "{}", vector.name);
                assert!(!vector.body.has_checksum(), "{}", vector.name);
                hints += 1;
            }
        }
    }
    assert_eq!((proven, hints, wrong), (4, 6, 1));
}

/// Each SPI with each set of keys, and both redundancy checks.
fn every_terms() -> impl Iterator<Item = PacketTerms> {
    let spis = (0..=u16::MAX).filter_map(|bytes| Spi::from_bytes(bytes.to_be_bytes()));
    spis.flat_map(|spi| {
        [RedundancyCheck::Crc16, RedundancyCheck::Crc32].map(|redundancy_check| PacketTerms {
            spi,
            redundancy_check,
            tar: Tar::ENTERPRISE,
            counter: PacketCounter::new(0x01_2345_6789).unwrap(),
        })
    })
}

#[test]
fn every_combination_is_built_and_read() {
    let mut served = 0;
    for keys in every_set() {
        for terms in every_terms() {
            let data = [0xA5; 21];
            let packet = CommandPacket::build(&keys, terms, &data);
            if !kid_serves(&keys, &terms) {
                assert_eq!(packet, Err(BuildError::TwoAlgorithms));
                continue;
            }
            let packet = packet.unwrap();
            let header = CommandHeader::parse(&packet.bytes).unwrap();
            let names_a_set = terms.spi.ciphered
                || terms.spi.integrity != Integrity::None
                || terms.spi.asks_proof() && (terms.spi.proof.ciphered || terms.spi.proof.integrity != Integrity::None);
            assert_eq!(header.version().is_some(), names_a_set, "{terms:?}");
            assert_eq!(header.version().unwrap_or(keys.version()), keys.version());
            let read = opened(&keys, &packet.bytes);
            assert_eq!((&read.data[..], read.terms.spi, read.terms.counter), (&data[..], terms.spi, terms.counter));
            assert_eq!(packet.bytes[10..].windows(21).any(|window| window == data), !terms.spi.ciphered);
            served += 1;
        }
    }
    // A checksum beside a redundancy check, either way round, and a proof that is asked for: not by CRC-16, and by CRC-32 beside
    // two-key triple DES alone.
    let mixed = 2 * 8 * 8;
    assert_eq!(served, 5 * 2 * 24 * 36 - 5 * mixed - 4 * mixed);
}

#[test]
fn every_proof_is_worth_what_its_check_is() {
    let mut proven = 0;
    for keys in every_set() {
        for terms in every_terms().filter(|terms| kid_serves(&keys, terms)) {
            for length in [0, 3, 16] {
                let data = vec![0x5A; length];
                let answer = Answer::read(&keys, &terms, &answered(&keys, &terms, 0x00, &data)).unwrap();
                assert_eq!((answer.status(), answer.data()), (PacketStatus::OK, &data[..]), "{terms:?}");
                let has_checksum = terms.spi.proof.integrity == Integrity::Checksum;
                assert_eq!(matches!(answer, Answer::Proven(_)), has_checksum);
                proven += usize::from(has_checksum);
                let Answer::Hint(hint) = Answer::read(&keys, &terms, &refused(&terms, 0x09)).unwrap() else {
                    panic!("a refusal in clear proves nothing");
                };
                assert_eq!((hint.status, hint.counter), (PacketStatus(0x09), terms.counter), "{terms:?}");
            }
        }
    }
    assert!(proven > 1_000, "{proven}");
}

#[test]
fn no_changed_bit_is_believed() {
    for keys in every_set() {
        let counter = PacketCounter::new(7).unwrap();
        let terms =
            PacketTerms { spi: Spi::FULL, redundancy_check: RedundancyCheck::Crc32, tar: Tar::ENTERPRISE, counter };
        let good = answered(&keys, &terms, 0x00, &[0xAB, 0x07, 0x80, 0x01, 0x01, 0x23, 0x02, 0x90, 0x00]);
        assert!(matches!(Answer::read(&keys, &terms, &good), Ok(Answer::Proven(_))));
        let command = CommandPacket::build(&keys, terms, &[1; 30]).unwrap();
        for bit in 0..8 * good.len() {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(!matches!(Answer::read(&keys, &terms, &bad), Ok(Answer::Proven(_))), "bit {bit}");
        }
        for bit in 0..8 * command.bytes.len() {
            let mut bad = command.bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let read = OpenedCommand::read(&keys, &bad);
            assert!(read.is_err(), "bit {bit}: {read:?}");
        }
        for length in 0..good.len() {
            assert!(Answer::read(&keys, &terms, &good[..length]).is_err());
        }
    }
}

#[test]
fn a_proof_of_another_packet_is_none_of_this() {
    let keys = &every_set()[2];
    let at = |number| PacketCounter::new(number).unwrap();
    let terms = |tar, counter| PacketTerms { spi: Spi::FULL, redundancy_check: RedundancyCheck::Crc32, tar, counter };
    let ours = terms(Tar::ENTERPRISE, at(7));
    for other in [terms(Tar::ENTERPRISE, at(6)), terms(Tar::FILES, at(7))] {
        let proof = answered(keys, &other, 0x00, &[]);
        let error = Answer::read(keys, &ours, &proof).unwrap_err();
        assert_eq!(error, ResponseError::OtherPacket { tar: other.tar, counter: other.counter });
    }
    let of_another_set = answered(&every_set()[3], &ours, 0x00, &[]);
    assert_eq!(Answer::read(keys, &ours, &of_another_set), Err(ResponseError::WrongChecksum));
}

#[test]
fn what_cannot_be_built() {
    let keys = &every_set()[0];
    let spi = Spi::FULL;
    let terms =
        PacketTerms { spi, redundancy_check: RedundancyCheck::Crc32, tar: Tar::FILES, counter: PacketCounter::END };
    assert_eq!(CommandPacket::build(keys, terms, &[]), Err(BuildError::CounterAtEnd));
    let unchecked = PacketTerms { spi: Spi { counter: CounterMode::Unchecked, ..spi }, ..terms };
    assert!(CommandPacket::build(keys, unchecked, &[]).is_ok());
    assert_eq!(CommandPacket::build(keys, unchecked, &[0; 65_536]), Err(BuildError::TooLong(65_536)));
    let max = CommandPacket::data_max(keys, &unchecked, 2 + 65_535);
    let longest = CommandPacket::build(keys, unchecked, &vec![1; max]).unwrap();
    assert_eq!(longest.bytes.len(), 10 + 65_527 / 8 * 8);
    assert!(matches!(
        OpenedCommand::read(&every_set()[1], &longest.bytes),
        Err(ReadError::OtherKeys { version: 1, .. })
    ));
}

#[test]
fn no_key_is_printed() {
    let keys = &every_set()[0];
    assert_eq!(format!("{keys:?}"), "PacketKeys(set 01)");
}
