#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use hex_literal::hex;
use onecard_vectors::Vectors;
use onecard_wire::ota::{PARTS_MAX, USER_DATA_MAX};
use proptest::{collection::vec, prelude::*};

use super::{
    Address, Assembly, Concatenation, Deliver, ForeignPart, PacketKind, Reference, ServiceCentreTime, Submit,
    TooManyParts, TpduError, UserData, UserDataError, data_max, divide,
};
use crate::over_the_air::{
    CommandPacket, CounterMode, Integrity, PacketCounter, PacketTerms, RedundancyCheck, Spi, Tar,
    tests::card::every_set,
};

const SHORT: Reference = Reference::Short(0x5A);

fn terms(spi: Spi) -> PacketTerms {
    let counter = PacketCounter::new(1).unwrap();
    PacketTerms { spi, redundancy_check: RedundancyCheck::Crc16, tar: Tar::ENTERPRISE, counter }
}

fn packets() -> Vec<Vec<u8>> {
    Vectors::embedded().unwrap().command_packet.into_iter().map(|vector| vector.body.packet).collect()
}

/// By the words of 19.7.2: 106 and 98 bytes in one message.
#[test]
fn how_much_fits_is_what_is_built_and_no_byte_more() {
    let expected = [106, 106, 98, 98, 98];
    for (keys, single) in every_set().iter().zip(expected) {
        assert_eq!(data_max(keys, &terms(Spi::FULL), SHORT, 1), single);
        for spi in (0..=0x1F).filter_map(|first| Spi::from_bytes([first, 0x00])) {
            for reference in [SHORT, Reference::Wide(0x1234)] {
                for parts in 1..=PARTS_MAX {
                    let max = data_max(keys, &terms(spi), reference, parts);
                    let built = |length| CommandPacket::build(keys, terms(spi), &vec![7; length]).unwrap().bytes;
                    let divided = divide(PacketKind::Command, &built(max), reference).unwrap();
                    assert_eq!(divided.len(), parts, "{spi:?} {reference:?}");
                    assert!(divided.iter().all(|part| part.to_bytes().len() <= USER_DATA_MAX));
                    let more = divide(PacketKind::Command, &built(max + 1), reference);
                    assert_eq!(more.map_or(PARTS_MAX + 1, |more| more.len()), parts + 1, "{spi:?} {reference:?}");
                }
            }
        }
    }
    // In clear there are no blocks.
    let bare = Spi { integrity: Integrity::None, ciphered: false, counter: CounterMode::Absent, ..Spi::FULL };
    assert_eq!(data_max(&every_set()[2], &terms(bare), SHORT, 1), 140 - 3 - 10 - 6);
}

/// A published packet divided by the words of TS 31.115 clause 4: 132 bytes in the first part, 134 in the others.
#[test]
fn divided_as_the_standard_has_it() {
    let packet = packets().into_iter().max_by_key(Vec::len).unwrap();
    assert_eq!(packet.len(), 282);
    let bytes = |reference| {
        let parts = divide(PacketKind::Command, &packet, reference).unwrap();
        parts.iter().map(UserData::to_bytes).collect::<Vec<_>>()
    };
    let [first, second, third] = &bytes(SHORT)[..] else { panic!("three parts") };
    assert_eq!(*first, [&hex!("07 00 03 5A 03 01 70 00")[..], &packet[..132]].concat());
    assert_eq!(*second, [&hex!("05 00 03 5A 03 02")[..], &packet[132..266]].concat());
    assert_eq!(*third, [&hex!("05 00 03 5A 03 03")[..], &packet[266..]].concat());
    let [first, second, third] = &bytes(Reference::Wide(0x1234))[..] else { panic!("three parts") };
    assert_eq!(*first, [&hex!("08 08 04 1234 03 01 70 00")[..], &packet[..131]].concat());
    assert_eq!(*second, [&hex!("06 08 04 1234 03 02")[..], &packet[131..264]].concat());
    assert_eq!(*third, [&hex!("06 08 04 1234 03 03")[..], &packet[264..]].concat());
    assert_eq!(divide(PacketKind::Command, &[0; 1_071], SHORT), Err(TooManyParts(1_071)));
    assert_eq!(divide(PacketKind::Command, &[0; 1_070], SHORT).unwrap().len(), PARTS_MAX);
}

#[test]
fn published_messages() {
    let deliveries = [
        // 3GPP TS 31.124 27.22.5, as AOSP's and ofono's tests hold it; onomondo-uicc's test of a packet.
        &hex!("44049121437FF6891010000000001E0270000019000D00000000BFFF00000000000100DCDCDCDCDCDCDCDCDCDC")[..],
        &hex!(
            "400881556677887FF6001129120000043D02700000381506012525B0001080766F57F0F89BBDBC09AF97B8B7EF7EDC6C8BD2A35A57
             1470374975003BFD77AC39531CC482714E7547A3F85CC5DC10"
        ),
    ];
    let numbers = ["+1234", "55667788"];
    for (bytes, number) in deliveries.iter().zip(numbers) {
        let message = Deliver::parse(bytes).unwrap();
        assert_eq!((message.originator.to_string().as_str(), message.pid, message.dcs), (number, 0x7F, 0xF6));
        assert_eq!(message.user_data.packet, Some(PacketKind::Command));
        assert_eq!(message.to_bytes(), *bytes);
        assert_eq!(number.parse::<Address>().unwrap(), message.originator);
    }
    // suma12/asterix SecurePacket.py: a proof of receipt by SEND SHORT MESSAGE.
    let bytes = hex!(
        "4100038119F000F631027100002C0EC00000888B39C361C66D5F3DC4EFCEF508CC228021DD34E577B147E54EFF18B3922C9176644E2E8A
         A9A695"
    );
    let message = Submit::parse(&bytes).unwrap();
    assert_eq!((message.destination.to_string().as_str(), message.pid, message.dcs), ("910", 0x00, 0xF6));
    assert_eq!((message.user_data.packet, message.user_data.body.len()), (Some(PacketKind::Response), 46));
    assert_eq!(message.to_bytes(), bytes);
    // 3GPP TS 31.124: text without a header.
    let text = hex!("04049121437F16891010000000000D546573744D6573736167652031");
    assert_eq!(Deliver::parse(&text), Err(TpduError::NoHeader));
    assert_eq!(Submit::parse(&text), Err(TpduError::OtherType(0x04)));
}

#[test]
fn parts_in_any_order_and_twice() {
    let packet = packets().into_iter().max_by_key(Vec::len).unwrap();
    let parts = divide(PacketKind::Response, &packet, SHORT).unwrap();
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [2, 0, 1]] {
        let mut assembly = Assembly::begin(parts[order[0]].clone()).unwrap();
        for (at, done) in [(order[1], false), (order[1], false), (order[2], true)] {
            let mut again = parts[at].clone();
            assembly.add(again.clone()).unwrap();
            again.body.fill(0);
            assembly.add(again).unwrap();
            assert_eq!(assembly.packet(), done.then(|| (PacketKind::Response, packet.clone())));
        }
    }
    let mut assembly = Assembly::begin(parts[0].clone()).unwrap();
    for other in [Reference::Short(0x5B), Reference::Wide(0x5A)] {
        let foreign = divide(PacketKind::Response, &packet, other).unwrap();
        assert_eq!(assembly.add(foreign[1].clone()), Err(ForeignPart));
    }
    let whole = UserData { concatenation: None, packet: Some(PacketKind::Response), body: vec![1] };
    assert_eq!((Assembly::begin(whole.clone()), assembly.add(whole)), (None, Err(ForeignPart)));
}

#[test]
fn headers_that_cannot_be() {
    let error = |bytes: &[u8]| UserData::parse(bytes).unwrap_err();
    assert_eq!(error(&[]), UserDataError::Header);
    assert_eq!(error(&hex!("03 70 00")), UserDataError::Header);
    assert_eq!(error(&hex!("02 70 01 AA")), UserDataError::Header);
    assert_eq!(error(&hex!("03 70 01 AA")), UserDataError::Element(0x70));
    assert_eq!(error(&hex!("04 70 00 71 00")), UserDataError::Element(0x71));
    for part in [hex!("05 00 03 01 02 00"), hex!("05 00 03 01 02 03"), hex!("05 00 03 01 00 00")] {
        assert_eq!(error(&part), UserDataError::Element(0x00));
    }
    assert_eq!(error(&hex!("06 00 04 01 02 01 70")), UserDataError::Element(0x00));
    assert_eq!(error(&hex!("05 00 03 01 02 01 AA")), UserDataError::NoPacket);
    assert_eq!(error(&hex!("00 AA")), UserDataError::NoPacket);
    // Other elements are passed by.
    assert!(UserData::parse(&hex!("06 05 02 0B 84 70 00 AA")).is_ok());
}

#[test]
fn numbers() {
    for (text, bytes) in [
        ("+8613800138000", &hex!("0D 91 683108108300F0")[..]),
        ("10086", &hex!("05 81 0180F6")),
        ("*#12", &hex!("04 81 BA21")),
    ] {
        let mut put = Vec::new();
        let address: Address = text.parse().unwrap();
        address.put(&mut put);
        assert_eq!((hex::encode(&put), address.to_string().as_str()), (hex::encode(bytes), text));
        assert_eq!(format!("{address:?}"), format!("Address({} digits)", bytes[0]));
    }
    for wrong in ["", "+", "12 34", "123456789012345678901", "+12x"] {
        assert!(wrong.parse::<Address>().is_err(), "{wrong}");
    }
}

prop_compose! {
    fn user_data()(
        body in vec(any::<u8>(), 0..=130), wide: bool, reference: u16, parts in 1_u8..=8, part in 1_u8..=8, several: bool,
        command: bool,
    ) -> UserData {
        let reference = if wide { reference } else { reference & 0xFF };
        let part = part.min(parts);
        let concatenation = several.then_some(Concatenation { wide, reference, parts, part });
        let kind = if command { PacketKind::Command } else { PacketKind::Response };
        UserData { concatenation, packet: (!several || part == 1).then_some(kind), body }
    }
}

proptest! {
    #[test]
    fn messages_there_and_back(user_data in user_data(), number in "\\+?[0-9]{1,20}", no_more: bool, time: [u8; 7]) {
        let originator: Address = number.parse().unwrap();
        let deliver = Deliver { no_more, ..Deliver::download(originator.clone(), ServiceCentreTime(time), user_data.clone()) };
        prop_assert_eq!(Deliver::parse(&deliver.to_bytes()).unwrap(), deliver.clone());
        let submit = Submit { reference: time[0], destination: originator, pid: 0x7F, dcs: 0xF6, user_data };
        prop_assert_eq!(Submit::parse(&submit.to_bytes()).unwrap(), submit.clone());
        let mut longer = submit.to_bytes();
        longer.push(0);
        let is_length = matches!(Submit::parse(&longer), Err(TpduError::Length { .. }));
        prop_assert!(is_length);
    }

    #[test]
    fn what_is_read_is_what_is_written(mut bytes in vec(any::<u8>(), 0..180)) {
        if let Some(first) = bytes.first_mut() {
            *first = 0x44;
        }
        if let Ok(message) = Deliver::parse(&bytes) {
            prop_assert_eq!(Deliver::parse(&message.to_bytes()).unwrap(), message);
        }
    }
}
