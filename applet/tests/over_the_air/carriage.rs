//! 19.1: which messages are for the card, and their parts in any order.

use hex_literal::hex;

use crate::{
    phone::{ALL, Phone},
    platform::{FILES, FILES_2G, Platform, SECURED, deliver, envelope, object, parts, script, sim, tpdu},
    sim::Sim,
};

const SELECT_ICCID: &[u8] = &hex!("00A40004022FE2");
const READ_ICCID: &[u8] = &hex!("00B000000A");

const SELECT_PL: &[u8] = &hex!("00A40004022F05");

/// A packet in that many parts, which writes `letters` to EF PL.
fn long(platform: &mut Platform, count: usize, letters: &[u8; 2]) -> Vec<Vec<u8>> {
    let update = [&hex!("00D6000002")[..], letters].concat();
    let mut commands = vec![SELECT_PL, &update];
    commands.resize((134 * count - 60) / 9, SELECT_PL);
    let packet = platform.next(hex!("1600"), FILES, &script(&commands));
    let parts = parts(&packet, platform.counter as u8);
    assert_eq!(parts.len(), count);
    parts
}

fn take(sim: &mut Sim, part: &[u8]) {
    assert_eq!(sim.send(&envelope(&tpdu(part))), hex!("9000"));
}

/// What EF PL begins with.
fn written(sim: &mut Sim) -> [u8; 2] {
    sim.send(SELECT_PL);
    sim.ok(&hex!("00B0000002")).try_into().unwrap()
}

#[test]
fn it_is_served_before_terminal_profile_and_after_and_not_while_a_command_is_outstanding() {
    let mut platform = Platform::new(1);
    let mut sim = sim();
    assert_eq!(platform.script(&mut sim, FILES, &[SELECT_ICCID, READ_ICCID]).len(), 2);
    let mut phone = Phone::off(sim, *b"zh");
    let packet = platform.next(SECURED, FILES, &script(&[SELECT_ICCID, READ_ICCID]));
    let command = envelope(&tpdu(&parts(&packet, 0)[0]));
    assert_eq!(phone.profile(&ALL)[0], 0x91);
    assert_eq!(phone.send(&command), hex!("9300"), "the language is asked for");
    phone.fetch();
    assert_eq!(phone.send(&command), hex!("9300"), "and not answered");
    phone.profile(&ALL);
    phone.serve();
    let proof = platform.read(SECURED[1], &phone.sim.ok(&command));
    assert_eq!((proof.status, proof.counter), (0x00, platform.counter), "the refused one was not taken");
}

#[test]
fn tags_with_and_without_bit_8_and_objects_that_are_missing() {
    let mut platform = Platform::new(1);
    let mut sim = sim();
    type Body = fn(&[u8]) -> Vec<u8>;
    let mut send = |sim: &mut Sim, body: Body| {
        let packet = platform.next(SECURED, FILES, &script(&[SELECT_ICCID]));
        let data = object(0xD1, &body(&tpdu(&parts(&packet, 0)[0])));
        let answer = sim.send(&[&hex!("80C20000")[..], &[data.len() as u8], &data].concat());
        (answer.len() > 2, u16::from_be_bytes(*answer.last_chunk().unwrap()))
    };
    let bodies: [(Body, (bool, u16)); 7] = [
        (|tpdu| [&hex!("02028381")[..], &object(0x0B, tpdu)].concat(), (true, 0x9000)),
        (|tpdu| [&hex!("82028381 0605 9168310800")[..], &object(0x8B, tpdu)].concat(), (true, 0x9000)),
        (|tpdu| [&hex!("82028381 8600")[..], &object(0x8B, tpdu)].concat(), (true, 0x9000)),
        (|tpdu| object(0x8B, tpdu), (false, 0x6A80)),
        (|tpdu| [&hex!("82028281")[..], &object(0x8B, tpdu)].concat(), (false, 0x6A80)),
        (|_| hex!("82028381").to_vec(), (false, 0x6A80)),
        (|tpdu| [&hex!("82028381 860C 911111111111111111111111")[..], &object(0x8B, tpdu)].concat(), (false, 0x6A80)),
    ];
    for (body, expected) in bodies {
        assert_eq!(send(&mut sim, body), expected);
    }
    assert_eq!(sim.send(&hex!("80C2000103 D10100")), hex!("6A86"));
}

#[test]
fn a_message_that_is_not_for_the_card_is_dropped() {
    let mut platform = Platform::new(1);
    let mut sim = sim();
    let packet = platform.next(SECURED, FILES, &script(&[SELECT_ICCID]));
    let right = tpdu(&parts(&packet, 0)[0]);
    // First byte, PID, DCS, header length, element 70 and its length.
    for (at, byte) in [(0, 0x04), (0, 0x45), (7, 0x00), (8, 0x04), (17, 0x03), (18, 0x71), (19, 0x01)] {
        let mut wrong = right.clone();
        wrong[at] = byte;
        assert_eq!(sim.send(&envelope(&wrong)), hex!("9000"), "{at}");
    }
    assert_eq!(sim.send(&envelope(&right[..right.len() - 1])), hex!("9000"));
    let mut general = right;
    general[8] = 0x16;
    assert!(sim.ok(&envelope(&general)).len() > 16);
}

/// Every order of three parts, each of them twice, and of eight forwards and backwards.
#[test]
fn parts_come_in_any_order_and_more_than_once() {
    let mut platform = Platform::new(1);
    let mut sim = sim();
    for (number, order) in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]].into_iter().enumerate() {
        let letters = [b'a', b'a' + number as u8];
        let parts = long(&mut platform, 3, &letters);
        for index in [order[0], order[0], order[1], order[1]] {
            take(&mut sim, &parts[index]);
            assert_ne!(written(&mut sim), letters);
        }
        take(&mut sim, &parts[order[2]]);
        assert_eq!(written(&mut sim), letters);
    }
    for letters in [b"ab", b"ba"] {
        let mut parts = long(&mut platform, 8, letters);
        if letters == b"ba" {
            parts.reverse();
        }
        parts.iter().for_each(|part| take(&mut sim, part));
        assert_eq!(written(&mut sim), *letters);
    }
}

/// A part that comes again replaces nothing, whatever is in it.
#[test]
fn the_first_of_two_parts_of_one_number_counts() {
    let mut platform = Platform::new(1);
    let mut sim = sim();
    let parts = long(&mut platform, 2, b"xy");
    take(&mut sim, &parts[0]);
    let mut forged = parts[0].clone();
    forged[60] ^= 1;
    take(&mut sim, &forged);
    take(&mut sim, &parts[1]);
    assert_eq!(written(&mut sim), *b"xy");
}

#[test]
fn one_message_at_a_time_is_gathered() {
    let mut platform = Platform::new(1);
    let mut sim = sim();
    let before = written(&mut sim);
    let (first, second) = (long(&mut platform, 3, b"11"), long(&mut platform, 3, b"22"));
    // The second message drops what was there of the first, and the first what was there of the second.
    for part in [&first[0], &first[1], &second[0], &second[1], &first[2], &second[2]] {
        take(&mut sim, part);
    }
    assert_eq!(written(&mut sim), before);
    // A message in one part drops nothing.
    take(&mut sim, &second[0]);
    take(&mut sim, &second[1]);
    let alone = platform.next(hex!("0609"), FILES_2G, &[]);
    assert_eq!(platform.read(0x01, &deliver(&mut sim, &alone)).status, 0x0A);
    take(&mut sim, &second[2]);
    assert_eq!(written(&mut sim), *b"22");
}

#[test]
fn parts_of_other_messages_do_not_make_one_whole() {
    let mut platform = Platform::new(1);
    let mut sim = sim();
    let parts = long(&mut platform, 2, b"33");
    let wide = [&hex!("060804000102 02")[..], &parts[1][6..]].concat();
    let other_reference = [&[5, 0, 3, 0x77, 2, 2][..], &parts[1][6..]].concat();
    let of_three = [&[5, 0, 3, 1, 3, 2][..], &parts[1][6..]].concat();
    // No packet begins in the second part, and one begins in the first.
    let begins_again = [&[7, 0, 3, 1, 2, 2, 0x70, 0][..], &parts[1][6..]].concat();
    let begins_not = [&[5, 0, 3, 1, 2, 1][..], &parts[0][8..]].concat();
    for second in [&wide, &other_reference, &of_three] {
        take(&mut sim, &parts[0]);
        take(&mut sim, second);
        assert_ne!(written(&mut sim), *b"33");
    }
    take(&mut sim, &parts[1]);
    take(&mut sim, &begins_not);
    assert_ne!(written(&mut sim), *b"33");
    let mut elsewhere = tpdu(&parts[0]);
    elsewhere[3] ^= 0x10;
    assert_eq!(sim.send(&envelope(&elsewhere)), hex!("9000"));
    take(&mut sim, &parts[1]);
    take(&mut sim, &begins_again);
    assert_ne!(written(&mut sim), *b"33", "from another originator");
    sim.reset();
    take(&mut sim, &parts[0]);
    sim.reset();
    take(&mut sim, &parts[1]);
    assert_ne!(written(&mut sim), *b"33", "a reset of the contacts took it");
    (1..=9).for_each(|number| take(&mut sim, &[&[5, 0, 3, 9, 9, number][..], &[0; 10]].concat()));
    take(&mut sim, &parts[0]);
    assert_eq!(written(&mut sim), *b"33", "nine parts are no message, and drop none");
}
