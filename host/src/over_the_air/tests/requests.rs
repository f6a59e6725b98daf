//! Requests of a card, made here by the words of 15.6.6.

use onecard_wire::{number::ApplicationSerial, ota::request};

use super::card::every_set;
use crate::over_the_air::{
    CommandPacket, CounterMode, DeleteRequest, Integrity, PacketCounter, PacketTerms, PasswordTries, PasswordVerdict,
    ProofOfReceipt, RedundancyCheck, RequestError, RequestsTaken, ServicePassword, Spi, Tar,
};

const TERMS: PacketTerms = PacketTerms {
    spi: Spi { proof: ProofOfReceipt::NONE, ..Spi::FULL },
    redundancy_check: RedundancyCheck::Crc32,
    tar: Tar::ENTERPRISE,
    counter: PacketCounter::from_bytes([0, 0, 0, 0, 9]),
};

fn serial() -> ApplicationSerial {
    "3100100000000076".parse().unwrap()
}

fn data(password: &[u8; 8]) -> Vec<u8> {
    let aid = hex_literal::hex!("F04F4E4543011000000000000001");
    [&[0xFF, 0x01][..], &aid, &serial().to_bytes(), password, b"zh"].concat()
}

#[test]
fn a_delete_request_is_read() {
    for keys in every_set() {
        let data = data(b"123456\xFF\xFF");
        assert_eq!(data.len(), request::DELETE_LEN);
        let packet = CommandPacket::build(&keys, TERMS, &data).unwrap();
        let read = DeleteRequest::read(&keys, &packet.bytes).unwrap();
        assert_eq!((read.number.number(), read.serial, &read.language), (9, serial(), b"zh"));
        assert_eq!(read.enterprise.to_string(), "1000000000000001");
        assert_eq!(read.password, ServicePassword::new("123456").unwrap());
        assert_ne!(read.password, ServicePassword::new("123457").unwrap());
        assert_eq!(read.password.expose(), b"123456");
        assert!(!format!("{read:?}").contains("123456"));
    }
}

#[test]
fn what_is_no_request() {
    let keys = &every_set()[2];
    let read = |terms, data: &[u8]| {
        DeleteRequest::read(keys, &CommandPacket::build(keys, terms, data).unwrap().bytes).unwrap_err()
    };
    let good = data(b"12345678");
    for spi in [
        Spi { integrity: Integrity::RedundancyCheck, ..TERMS.spi },
        Spi { ciphered: false, ..TERMS.spi },
        Spi { counter: CounterMode::Unchecked, ..TERMS.spi },
    ] {
        assert_eq!(read(PacketTerms { spi, ..TERMS }, &good), RequestError::Unsecured);
    }
    assert_eq!(read(PacketTerms { tar: Tar::FILES, ..TERMS }, &good), RequestError::OtherTar(Tar::FILES));
    assert_eq!(read(TERMS, &hex_literal::hex!("00A4040000")), RequestError::Unknown);
    assert_eq!(read(TERMS, &[&[0xFF, 0x02], &good[2..]].concat()), RequestError::Unknown);
    for (at, byte, field) in [
        (2, 0xA0, "the AID"),
        (17, 0x77, "the serial"),
        (24, b'x', "the service password"),
        (29, 0xFF, "the service password"),
        (33, b'H', "the language"),
    ] {
        let mut wrong = good.clone();
        wrong[at] = byte;
        if at == 17 {
            // Some digit of the serial.
            wrong[16] ^= 0x01;
        }
        assert_eq!(read(TERMS, &wrong), RequestError::Field(field), "byte {at}");
    }
    assert_eq!(read(TERMS, &good[..33]), RequestError::Field("the language"));
    assert_eq!(read(TERMS, &[&good[..], &[0]].concat()), RequestError::Field("the language"));
    for wrong in ["123", "123456789", "12 34", ""] {
        assert_eq!(ServicePassword::new(wrong), None);
    }
}

#[test]
fn a_number_is_taken_once_and_none_below_it() {
    let mut taken = RequestsTaken::default();
    let number = |number| PacketCounter::new(number).unwrap();
    assert!(taken.take(number(1)) && taken.take(number(7)));
    for old in [1, 2, 6, 7] {
        assert!(!taken.take(number(old)), "{old}");
    }
    let kept: RequestsTaken = serde_json::from_str(&serde_json::to_string(&taken).unwrap()).unwrap();
    assert_eq!(kept, taken);
    assert!(taken.take(number(8)));
}

#[test]
fn tries_of_a_password_end_and_come_back_with_the_right_one() {
    let mut tries = PasswordTries::new(3);
    assert_eq!(tries.check(|| false), PasswordVerdict::Wrong { tries_left: 2 });
    assert_eq!(tries.check(|| true), PasswordVerdict::Right);
    for tries_left in [2, 1, 0] {
        assert_eq!(tries.check(|| false), PasswordVerdict::Wrong { tries_left });
    }
    let mut kept: PasswordTries = serde_json::from_str(&serde_json::to_string(&tries).unwrap()).unwrap();
    assert_eq!(kept.check(|| panic!("it is not compared any more")), PasswordVerdict::Locked);
    assert_eq!(kept, tries);
}
