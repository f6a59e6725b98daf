//! Packets of an issue, opened with the keys that the card has by then.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use hex_literal::hex;
use onecard_wire::{
    date::Date,
    fid::Fid,
    key::{Algorithm, KeyVersion},
    number::ApplicationSerial,
    record::{Holder, Parameters},
};

use super::{IssueError, IssueOrder, IssuePacket, IssuePlan, KeyInHand, NotIssued, install_command};
use crate::{
    card::Pin,
    crypto::Key,
    globalplatform::{AesKey, DomainKey},
    issuing::CardOrder,
    key_store::SoftwareStore,
    keys::{EnterpriseKeys, KeySet, Purpose},
    over_the_air::{
        Answer, Ending, OtaKeySet, PacketCounter, PacketKeys, PacketTerms, ProofOfReceipt, ProofWay, Proven,
        RedundancyCheck, SetVersion, Spi, Tar,
        message::{Reference, data_max},
        tests::card::{answered, every_set},
    },
};

const VERSION: KeyVersion = KeyVersion(1);

fn keys(algorithm: Algorithm) -> EnterpriseKeys {
    let keys = Purpose::ALL
        .into_iter()
        .zip(0x41..)
        .fold(KeySet::default(), |keys, (purpose, byte)| keys.with(purpose, VERSION, Key::new(algorithm, [byte; 16])));
    EnterpriseKeys::new("1000000000000001".parse().unwrap(), keys)
}

fn serial() -> ApplicationSerial {
    ApplicationSerial::from_bytes(hex!("3100100000000423")).unwrap()
}

/// The proof by SMS-SUBMIT: a whole application in one message of eight parts.
fn by_submit() -> PacketTerms {
    let proof = ProofOfReceipt { way: ProofWay::Submit, ..Spi::FULL.proof };
    PacketTerms { spi: Spi { proof, ..Spi::FULL }, ..terms() }
}

fn terms() -> PacketTerms {
    let counter = PacketCounter::new(0).unwrap();
    PacketTerms { spi: Spi::FULL, redundancy_check: RedundancyCheck::Crc32, tar: Tar::ENTERPRISE, counter }
}

/// The script's packet as the card has it, and what the card must have by then.
fn check_packet(packet: &IssuePacket, keys: &EnterpriseKeys, done: &mut Vec<u8>) {
    let key = |purpose| keys.card_key(serial(), purpose, VERSION).unwrap();
    for (command, number) in packet.script.commands().iter().zip(1_u8..) {
        let [cla, ins, p1, p2] = command.header();
        let [a, b, c, d, e] = packet.counter.to_bytes();
        let place = [a, b, c, d, e, number, 0, 0];
        let under = match ins {
            0xD4 if done.contains(&0xD4) => key(Purpose::Control),
            0xD4 => key(Purpose::Management),
            0xD6 => key(Purpose::Maintenance),
            0xA4 => {
                assert_eq!((number, cla), (1, 0x00));
                continue;
            }
            0xB0 | 0x5C => {
                done.push(ins);
                continue;
            }
            other => panic!("{other:02X}"),
        };
        let (message, mac) = command.data().split_at(command.data().len() - 4);
        let head = [cla, ins, p1, p2, command.data().len() as u8];
        assert_eq!(under.line_mac_over_the_air(place, &[&head, message].concat()), mac, "command {number}");
        let elsewhere = [a, b, c, d, e, number + 1, 0, 0];
        assert_ne!(under.line_mac_over_the_air(elsewhere, &[&head, message].concat()), mac);
        done.push(ins);
    }
}

fn card_order() -> CardOrder {
    CardOrder {
        enterprise: "1000000000000001".parse().unwrap(),
        directory: Fid(0x3F01),
        valid_from: Date::parse("2026-01-01").unwrap(),
        valid_to: Date::parse("2030-12-31").unwrap(),
        holder: Holder { card_type: 0, staff: 1, name: [0x41; 20], id_number: [0x31; 32], id_type: 0 },
        parameters: Parameters::UNLIMITED,
        pin: Pin::from_digits("135790").unwrap(),
        key_version: VERSION,
        beside: Vec::new(),
    }
}

#[test]
fn every_command_is_made_for_its_place_and_fits() {
    let card = card_order();
    for algorithm in [Algorithm::Des, Algorithm::Sm4, Algorithm::Aes] {
        for (set, parts) in every_set().iter().zip([1, 2, 3, 8, 8]) {
            let order = IssueOrder { card: &card, serial: serial(), management: VERSION, algorithm };
            let plan = IssuePlan::new::<core::convert::Infallible>(order, set, &by_submit(), parts).unwrap();
            let counters: Vec<_> =
                (0..plan.counters() as u64).map(|at| PacketCounter::new(0x0100 + at).unwrap()).collect();
            let enterprise = keys(algorithm);
            let maintenance = enterprise.card_key(serial(), Purpose::Maintenance, VERSION).unwrap();
            let mut store = SoftwareStore::new(enterprise.clone());
            let packets = plan.packets(&counters, &mut store, &mut KeyInHand(maintenance)).unwrap();
            let room = data_max(set, &terms(), Reference::Wide(0), parts);
            let mut done = Vec::new();
            for packet in &packets {
                let length = packet.script.to_bytes().len();
                assert!(length <= room, "{algorithm:?}, {parts} parts: {length} of {room}");
                check_packet(packet, &enterprise, &mut done);
            }
            let count = |ins| done.iter().filter(|it| **it == ins).count();
            let written = Purpose::ALL.into_iter().filter(|purpose| purpose.place().is_some()).count() + 1;
            assert_eq!((count(0xD4), count(0xD6), count(0xB0), count(0x5C)), (written, 3, 2, 1));
            if parts == 8 {
                assert_eq!(packets.len(), 1, "{algorithm:?}: a whole application in one message of eight parts");
            }
        }
    }
}

#[test]
fn what_was_read_back_is_compared() {
    let (card, set) = (card_order(), &every_set()[2]);
    let order = IssueOrder { card: &card, serial: serial(), management: VERSION, algorithm: Algorithm::Des };
    let plan = || IssuePlan::new::<core::convert::Infallible>(order, set, &by_submit(), 8).unwrap();
    let by_report = IssuePlan::new::<core::convert::Infallible>(order, set, &terms(), 8);
    assert!(matches!(by_report, Err(IssueError::Room { .. })), "a report has no room for what is read back");
    let mut store = SoftwareStore::new(keys(Algorithm::Des));
    let mut maintenance = KeyInHand(keys(Algorithm::Des).card_key(serial(), Purpose::Maintenance, VERSION).unwrap());
    let counter = PacketCounter::new(9).unwrap();
    let none = plan().packets(&[], &mut store, &mut maintenance);
    assert!(matches!(none, Err(IssueError::Counters { packets: 1, counters: 0 })));
    let [packet] = &plan().packets(&[counter], &mut store, &mut maintenance).unwrap()[..] else { panic!("one") };
    let proven = |answers: &[Vec<u8>]| -> Proven {
        let apdus = answers.iter().flat_map(|data| [&[0x23, data.len() as u8 + 2][..], data, &[0x90, 0x00]].concat());
        let inside = [&[0x80, 0x01, answers.len() as u8][..], &apdus.collect::<Vec<_>>()].concat();
        let length = (inside.len() as u16).to_be_bytes();
        let data = [&[0xAB, 0x82][..], &length, &inside].concat();
        let terms = PacketTerms { counter, ..by_submit() };
        match Answer::read(set, &terms, &answered(set, &terms, 0x00, &data)).unwrap() {
            Answer::Proven(proven) => proven,
            Answer::Hint(_) => panic!("a checksum"),
        }
    };
    let mut good = vec![Vec::new(); packet.script.commands().len()];
    for expected in &packet.answers {
        good[expected.command - 1].clone_from(&expected.data);
    }
    assert_eq!(packet.check(&proven(&good)), Ok(()));
    let first = packet.answers[0].command;
    good[first - 1][3] ^= 1;
    assert_eq!(packet.check(&proven(&good)), Err(NotIssued::Different(first)));
    let stopped = packet.check(&proven(&good[..5]));
    assert!(matches!(stopped, Err(NotIssued::Ended(Ending::Stopped { command: 5, .. }))), "{stopped:?}");
}

#[test]
fn the_first_key_travels_under_kik() {
    let control = Key::from_bytes(*b"the first key...");
    let enterprise = "1000000000000001".parse().unwrap();
    let install = |kik: DomainKey| {
        let set = OtaKeySet::new(SetVersion::new(1).unwrap(), [kik.clone(), kik.clone(), kik]).unwrap();
        let _ = PacketKeys::new(&set);
        install_command(&set, enterprise, &control).unwrap()
    };
    let des = Key::from_bytes(*b"a key of the kik");
    let command = install(DomainKey::TripleDes(des.clone()));
    assert_eq!(command.header(), hex!("80 E6 0C 00"));
    let expected = [
        &hex!("06 F04F4E454300 06 F04F4E454301 0E F04F4E4543011000000000000001 01 00 16 C9 14 00")[..],
        &des.encipher(control.expose()),
        &crate::keys::CheckValue::of(&control).0,
        &hex!("00"),
    ];
    assert_eq!(hex::encode(command.data()), hex::encode(expected.concat()));
    let aes = Key::new(Algorithm::Aes, *b"a key of the kik");
    let command = install(DomainKey::Aes(AesKey::new(aes.expose()).unwrap()));
    assert!(command.data().windows(16).any(|window| window == aes.encipher(control.expose())));
}
