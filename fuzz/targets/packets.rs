//! What comes to a platform: messages, packets, answers. Nothing panics; what is read is written again as it was; and nothing but
//! a right checksum makes a proof.
#![no_main]
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use onecard_host::{
    crypto::{Key, TripleLengthKey},
    globalplatform::{AesKey, DomainKey},
    over_the_air::{
        Answer, CommandHeader, CommandPacket, DeleteRequest, OpenedCommand, OtaKeySet, PacketCounter, PacketKeys,
        PacketTerms, RedundancyCheck, Script, SetVersion, Spi, Tar,
        message::{Assembly, Deliver, PacketKind, Reference, Submit, UserData, divide},
    },
};

const TARS: [Tar; 4] = [Tar::ISSUER_DOMAIN, Tar::FILES, Tar::ENTERPRISE, Tar([1, 2, 3])];

fuzz_target!(|bytes: &[u8]| {
    let [choice, first, second, rest @ ..] = bytes else { return };
    messages(rest);
    let keys = &keys()[usize::from(*choice) % 3];
    for tar in TARS {
        script(tar, rest);
    }
    let _ = CommandHeader::parse(rest);
    // A stranger has no key: what he sends is never right by chance, unless SPI asks for no checksum.
    if let Ok(opened) = OpenedCommand::read(keys, rest) {
        assert_ne!(opened.check.len(), 8, "a checksum was found");
    }
    assert!(DeleteRequest::read(keys, rest).is_err());
    let Some(spi) = Spi::from_bytes([*first, *second]) else { return };
    let redundancy_check = if choice & 0x80 == 0 { RedundancyCheck::Crc16 } else { RedundancyCheck::Crc32 };
    let counter = PacketCounter::new(u64::from(*choice)).expect("five bytes");
    let terms = PacketTerms { spi, redundancy_check, tar: TARS[usize::from(choice >> 2) % 4], counter };
    assert!(!matches!(Answer::read(keys, &terms, rest), Ok(Answer::Proven(_))), "a proof was found");
    if let Ok(packet) = CommandPacket::build(keys, terms, rest) {
        there_and_back(keys, &packet, rest);
    }
});

fn there_and_back(keys: &PacketKeys, packet: &CommandPacket, data: &[u8]) {
    let opened = OpenedCommand::read(keys, &packet.bytes).expect("it is right");
    assert_eq!((&opened.data[..], opened.terms.spi), (data, packet.terms.spi));
    let Ok(parts) = divide(PacketKind::Command, &packet.bytes, Reference::Short(7)) else { return };
    let mut parts = parts.iter().rev().map(|part| UserData::parse(&part.to_bytes()).expect("it is right"));
    let Some(last) = parts.next() else { return };
    let whole = last.body.clone();
    let Some(mut assembly) = Assembly::begin(last) else {
        assert_eq!(whole, packet.bytes);
        return;
    };
    parts.for_each(|part| assembly.add(part).expect("of the same message"));
    assert_eq!(assembly.packet(), Some((PacketKind::Command, packet.bytes.clone())));
}

fn messages(bytes: &[u8]) {
    if let Ok(message) = Deliver::parse(bytes) {
        assert_eq!(Deliver::parse(&message.to_bytes()), Ok(message));
    }
    if let Ok(message) = Submit::parse(bytes) {
        assert_eq!(Submit::parse(&message.to_bytes()), Ok(message));
    }
    if let Ok(user_data) = UserData::parse(bytes) {
        assert_eq!(UserData::parse(&user_data.to_bytes()), Ok(user_data.clone()));
        let _ = Assembly::begin(user_data).and_then(|assembly| assembly.packet());
    }
}

fn script(tar: Tar, bytes: &[u8]) {
    let Ok(script) = Script::parse(tar, bytes) else { return };
    assert_eq!(Script::parse(tar, &script.to_bytes()).as_ref(), Ok(&script));
    if let Ok(answer) = script.read_answer(bytes) {
        assert!(answer.executed <= script.commands().len());
    }
}

fn keys() -> &'static [PacketKeys; 3] {
    static KEYS: OnceLock<[PacketKeys; 3]> = OnceLock::new();
    KEYS.get_or_init(|| {
        let aes = || DomainKey::Aes(AesKey::new(&[0x51; 32]).expect("32 bytes"));
        let two = || DomainKey::TripleDes(Key::from_bytes(*b"two of three DES"));
        let three = || DomainKey::TripleDes3(TripleLengthKey::from_bytes(*b"three different DES keys"));
        let set = |keys| {
            let version = SetVersion::new(1).expect("over the air");
            PacketKeys::new(&OtaKeySet::new(version, keys).expect("over the air"))
        };
        [set([aes(), aes(), aes()]), set([two(), two(), two()]), set([three(), three(), three()])]
    })
}
