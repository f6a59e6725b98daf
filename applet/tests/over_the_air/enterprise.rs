//! 19.4.3, 19.4.4: enterprise applications over the air: no rights, a session of their own, MACs good in one place.

use cipher::{BlockCipherEncrypt, KeyInit};
use des::TdesEde2;
use hex_literal::hex;

use crate::{
    application::{AID, key, protect, select, session_key},
    deal::Deal,
    domain::{CONTROL, install, name},
    platform::{
        DOMAIN, ENTERPRISE, Platform, SECURED, answers, deliver, object, script, sim, template, without_applications,
    },
    sim::Sim,
};

fn word(answer: &[u8]) -> u16 {
    u16::from_be_bytes(*answer.last_chunk().unwrap())
}

/// What stands in front of a MAC in a packet: the place, enciphered by the MAC's key.
pub fn initial(key: [u8; 16], counter: u64, number: u8) -> [u8; 8] {
    let mut place = [0; 8];
    place[..5].copy_from_slice(&counter.to_be_bytes()[3..]);
    place[5] = number;
    session_key(key, place)
}

/// A command under key 36 of that id, for its place in the next packet.
fn protected(platform: &Platform, number: u8, id: u8, header: [u8; 4], data: &[u8]) -> Vec<u8> {
    protect(&initial(key(0x36, id), platform.counter + 1, number), id, header, data)
}

/// WRITE KEY under the control key, for its place in a packet.
pub fn write_key(counter: u64, number: u8, p1p2: [u8; 2], record: &[u8]) -> Vec<u8> {
    write_key_under(key(0x39, 0x00), (counter, number), p1p2, record)
}

fn write_key_under(control: [u8; 16], (counter, number): (u64, u8), p1p2: [u8; 2], record: &[u8]) -> Vec<u8> {
    let mut body = [&[record.len() as u8][..], record].concat();
    if !body.len().is_multiple_of(8) {
        body.push(0x80);
        body.resize(body.len().next_multiple_of(8), 0);
    }
    let cipher = TdesEde2::new(&control.into());
    body.chunks_mut(8).for_each(|block| {
        let mut one: [u8; 8] = (&*block).try_into().unwrap();
        cipher.encrypt_block((&mut one).into());
        block.copy_from_slice(&one);
    });
    let message = [&[0x84, 0xD4, p1p2[0], p1p2[1], body.len() as u8 + 4][..], &body].concat();
    let mac = crate::application::line_mac(&control, &initial(control, counter, number), &message);
    [&message[..], &mac].concat()
}

#[test]
fn every_command_needs_its_own_key() {
    let mut sim = sim();
    let mut platform = Platform::new(1);
    let mut send = |commands: &[&[u8]]| {
        let selected = select();
        let commands: Vec<&[u8]> = [&[&selected[..]][..], commands].concat();
        word(platform.script(&mut sim, ENTERPRISE, &commands).last().unwrap())
    };
    // The ED wants the PIN, the log a state, the keys below 11 too; the EP is free.
    assert_eq!(send(&[&hex!("805C000104")]), 0x6982);
    assert_eq!(send(&[&hex!("805C000204")]), 0x9000);
    assert_eq!(send(&[&hex!("00B201C400")]), 0x6982);
    assert_eq!(send(&[&hex!("805000010B 01 00000064 001122334455")]), 0x6982);
    assert_eq!(send(&[&hex!("00D6950001 00")]), 0x6987, "no MAC");
    assert_eq!(send(&[&hex!("0084000004")]), 0x6985, "no challenge");
    assert_eq!(send(&[&hex!("0082000008 0000000000000000")]), 0x6985, "so there is nothing to authenticate by");
    assert_eq!(send(&[&hex!("80E0000107 2F 0208 22 00 FF 18")]), 0x6D00);
    // What a packet opened is closed behind it: the PIN is verified in one, and not in the next.
    assert_eq!(send(&[&hex!("0020000003 123456"), &hex!("805C000104")]), 0x9000);
    assert_eq!(send(&[&hex!("805C000104")]), 0x6982);
}

/// MACed writes and reads of every kind, in their places.
#[test]
fn a_mac_in_its_place() {
    let mut sim = sim();
    let mut platform = Platform::new(1);
    let select = select();
    let from = hex!("20260301");
    let update = protected(&platform, 2, 0x00, hex!("04D69514"), &from);
    let record = protected(&platform, 3, 0x00, hex!("04DC01E4"), &hex!("AA0500 22222222"));
    let done = platform.script(&mut sim, ENTERPRISE, &[&select, &update, &record, &hex!("00B0951404")]);
    assert_eq!(done[1..3], [hex!("9000"); 2], "{done:02X?}");
    assert_eq!(done[3], [&from[..], &hex!("9000")].concat());
    // A MACed read needs no state, and its answer has a MAC under the same initial value.
    let read = [&protected(&platform, 2, 0x00, hex!("04B09600"), &[])[..], &[0x10]].concat();
    let done = platform.script(&mut sim, ENTERPRISE, &[&select, &read]);
    assert_eq!((word(&done[1]), done[1].len()), (0x9000, 0x10 + 4 + 2), "{done:02X?}");
    let (content, rest) = done[1].split_at(0x10);
    let mac = crate::application::line_mac(&key(0x36, 0x00), &initial(key(0x36, 0x00), platform.counter, 2), content);
    assert_eq!(rest[..4], mac);
    // Blocked, and unblocked, and the same in the compact format, where GET RESPONSE counts.
    let block = protected(&platform, 3, 0x00, hex!("841E0000"), &[]);
    assert_eq!(
        platform.send(&mut sim, ENTERPRISE, &[&select[..], &hex!("00C0000000"), &block].concat()),
        hex!("03 9000")
    );
    let unblock = protected(&platform, 2, 0x00, hex!("84180000"), &[]);
    assert_eq!(platform.send(&mut sim, ENTERPRISE, &[&select[..], &unblock].concat()), hex!("02 9000"));
}

/// Not by the plain place, not in another place of the packet, not in another packet, and not twice.
#[test]
fn a_mac_is_good_in_its_place_alone() {
    let mut sim = sim();
    let mut platform = Platform::new(1);
    let select = select();
    let header = hex!("04D69514");
    let send = |platform: &mut Platform, sim: &mut Sim, command: &[u8]| {
        let answered = platform.script(sim, ENTERPRISE, &[&select, command]);
        word(&answered[1])
    };
    let right = protected(&platform, 2, 0x00, header, &hex!("20260301"));
    let elsewhere = protected(&platform, 3, 0x00, header, &hex!("20260301"));
    assert_eq!(send(&mut platform, &mut sim, &elsewhere), 0x6988);
    assert_eq!(send(&mut platform, &mut sim, &right), 0x6988, "its packet was the one before");
    let mut place = [0; 8];
    place[..5].copy_from_slice(&(platform.counter + 1).to_be_bytes()[3..]);
    place[5] = 2;
    let not_enciphered = protect(&place, 0x00, header, &hex!("20260301"));
    assert_eq!(send(&mut platform, &mut sim, &not_enciphered), 0x6988);
    let of_zeros = protect(&[0; 8], 0x00, header, &hex!("20260301"));
    assert_eq!(send(&mut platform, &mut sim, &of_zeros), 0x6988);
    let right = protected(&platform, 2, 0x00, header, &hex!("20260301"));
    let packet = platform.next(SECURED, ENTERPRISE, &script(&[&select, &right]));
    let read = |platform: &Platform, report: &[u8]| platform.read(SECURED[1], report);
    assert_eq!(answers(&read(&platform, &deliver(&mut sim, &packet)).data)[1], hex!("9000"));
    assert_eq!(read(&platform, &deliver(&mut sim, &packet)).status, 0x02);
}

/// Attack 3: a MACed write heard at a station is bent onto the air: whoever picks the counter would pick the initial value,
/// were it not enciphered.
#[test]
fn attack_03_a_mac_heard_at_a_station_is_right_in_no_packet() {
    let mut sim = sim();
    let mut platform = Platform::new(1);
    sim.radio(&select());
    // A challenge that is the place itself: counter 00 00 00 00 nn, command 02.
    for counter in [1_u64, 0x0102_0304] {
        platform.counter = counter - 1;
        let mut challenge = [0; 8];
        challenge[..5].copy_from_slice(&counter.to_be_bytes()[3..]);
        challenge[5] = 2;
        let heard = protect(&challenge, 0x00, hex!("04D69514"), &hex!("20260301"));
        let answered = platform.script(&mut sim, ENTERPRISE, &[&select(), &heard]);
        assert_eq!(answered[1], hex!("6988"));
    }
    // At the station it is right.
    sim.chip.0.borrow_mut().random.extend(hex!("0000000001020000"));
    let challenge = sim.radio(&hex!("0084000008"));
    assert_eq!(challenge[..8], hex!("0000000001020000"));
    assert_eq!(sim.radio(&protect(&challenge[..8], 0x00, hex!("04D69514"), &hex!("20260301"))), hex!("9000"));
}

/// Keys end to end: bodies made for a counter that was reserved before.
#[test]
fn write_key_in_its_place() {
    let mut sim = sim();
    let mut platform = Platform::new(2);
    let record = [&hex!("F6 F0 F0 FF FF")[..], &key(0x36, 0x00)].concat();
    let new = [&hex!("FE F0 F0 02 00")[..], &[0x77; 16]].concat();
    let at = platform.counter + 1;
    let commands = [select(), write_key(at, 2, [0x36, 0x00], &record), write_key(at, 3, [0x01, 0x02], &new)];
    let commands: Vec<&[u8]> = commands.iter().map(Vec::as_slice).collect();
    assert_eq!(platform.script(&mut sim, ENTERPRISE, &commands)[1..], [hex!("9000"); 2]);
    assert_eq!(platform.script(&mut sim, ENTERPRISE, &commands)[1], hex!("9302"), "in another packet");
    sim.radio(&select());
    assert!(
        sim.radio(&hex!("805001020B 02 00000000 001122334455")).ends_with(&hex!("9000")),
        "the new purchase key is there"
    );
}

/// 19.4.5: a packet asks which maintenance key there is, behind what is asked beside it; nobody near the card does.
#[test]
fn the_maintenance_key_shows_its_check_value_in_a_packet_alone() {
    const ASK: [u8; 5] = hex!("80CA00E203");
    let mut sim = sim();
    let (mut platform, select) = (Platform::new(1), select());
    let check_value = |key| [&session_key(key, [0; 8])[..3], &hex!("9000")].concat();
    let own = check_value(key(0x36, 0x00));
    let tries = |sim: &mut Sim| sim.radio(&hex!("80CA00E000"));
    sim.radio(&select);
    let before = tries(&mut sim);
    for status in [0x00, 0x01, 0x03] {
        let write = protected(&platform, 2, 0x00, hex!("04D69700"), &[status]);
        assert_eq!(platform.script(&mut sim, ENTERPRISE, &[&select, &write])[1], hex!("9000"));
        let commands: [&[u8]; 4] = [&select, &hex!("00B0970001"), &hex!("805C000204"), &ASK];
        let asked = platform.script(&mut sim, ENTERPRISE, &commands);
        assert_eq!((&asked[1][..], &asked[3]), (&[status, 0x90, 0x00][..], &own), "{asked:02X?}");
    }
    let mut send = |sim: &mut Sim, command: &[u8]| platform.script(sim, ENTERPRISE, &[&select, command])[1].clone();
    assert_eq!(send(&mut sim, &hex!("80CA00E200")), own);
    assert_eq!(send(&mut sim, &hex!("80CA02E203")), hex!("6A86"), "the append keys' is not told");
    assert_eq!(send(&mut sim, &hex!("80CA00E2010003")), hex!("6700"));
    sim.radio(&select);
    assert_eq!(sim.radio(&ASK), hex!("6A86"));
    assert_eq!(tries(&mut sim), before, "and no try of any key is spent");
    // Another one in its place.
    let record = [&hex!("F6 F0 F0 FF FF")[..], &[0x5A; 16]].concat();
    let write = write_key(platform.counter + 1, 2, [0x36, 0x00], &record);
    let done = platform.script(&mut sim, ENTERPRISE, &[&select, &write, &ASK]);
    assert_eq!(done[1..], [hex!("9000").to_vec(), check_value([0x5A; 16])]);
}

/// None is selected; INSTALL alone has made it; an append key stands there; one of 8 bytes does, which could be searched for.
#[test]
fn an_application_without_a_maintenance_key_to_show() {
    const ASK: [u8; 5] = hex!("80CA00E203");
    let mut sim = Sim::insert(without_applications());
    let mut platform = Platform::new(1);
    assert_eq!(platform.script(&mut sim, ENTERPRISE, &[&ASK]), [hex!("6985")]);
    platform.script(&mut sim, DOMAIN, &[&install(&platform.clone(), 7)]);
    let select = [&hex!("00A404000E")[..], &name(7)].concat();
    assert_eq!(platform.script(&mut sim, ENTERPRISE, &[&select, &ASK])[1], hex!("6A88"));
    let short = [&hex!("F6 F0 F0 FF FF")[..], &[0x5A; 8]].concat();
    for (id, record, shown) in [(0x02, &short, hex!("6A88")), (0x00, &short, hex!("6985"))] {
        let write = write_key_under(CONTROL, (platform.counter + 1, 2), [0x01, id], record);
        let done = platform.script(&mut sim, ENTERPRISE, &[&select, &write, &ASK]);
        assert_eq!(done[1..], [hex!("9000"), shown], "{id:02X}");
    }
}

/// A transaction of the radio is not disturbed by what an accepted packet reads, and ended by what it writes (15.3).
#[test]
fn what_a_packet_leaves_and_ends_of_the_radios() {
    for (commands, goes_on) in [
        (vec![select(), hex!("805C000204").to_vec()], true),
        (vec![select(), Deal::new(0x02, 500).first()], true),
        (vec![select(), Deal::new(0x02, 0).first()], false),
        (vec![select(), Vec::new()], false),
    ] {
        let mut sim = sim();
        let mut platform = Platform::new(1);
        let deal = Deal::new(0x02, 100);
        sim.radio(&select());
        let mut begun = sim.radio(&deal.first());
        begun.truncate(begun.len() - 2);
        let mut commands = commands;
        if commands[1].is_empty() {
            commands[1] = protected(&platform, 2, 0x00, hex!("04D69514"), &hex!("20260301"));
        }
        let commands: Vec<&[u8]> = commands.iter().map(Vec::as_slice).collect();
        assert_eq!(word(&platform.script(&mut sim, ENTERPRISE, &commands)[1]), 0x9000);
        assert_eq!(word(&sim.radio(&deal.second(&begun))), if goes_on { 0x9000 } else { 0x6901 }, "{commands:02X?}");
    }
}

/// A chained script counts as selecting its application, until it is over.
#[test]
fn a_chain_holds_its_application() {
    let mut sim = sim();
    let mut platform = Platform::new(1);
    let delete = [&hex!("80E4000010 4F 0E")[..], &AID].concat();
    let chain = |byte: u8, command: &[u8]| template(&[&[0x83, 1, byte][..], &object(0x22, command)].concat());
    platform.send(&mut sim, ENTERPRISE, &chain(1, &select()));
    let mut host = crate::host::Login::SCP03.open(&mut sim);
    assert_eq!(host.status(&mut sim, hex!("80E40000"), &delete[5..]), 0x6985);
    let balance = answers(&platform.send(&mut sim, ENTERPRISE, &chain(3, &hex!("805C000204"))));
    assert_eq!(balance[0], hex!("00000000 9000"));
    assert_eq!(host.status(&mut sim, hex!("80E40000"), &delete[5..]), 0x9000);
}

/// Without a counter that is kept a MAC is refused: mode 00 and 01 cannot be asked for here, so it is told by the minimum.
#[test]
fn no_packet_without_a_counter_reaches_an_application() {
    let mut sim = sim();
    let mut platform = Platform::new(1);
    for first in [0x06, 0x0E] {
        let report = deliver(&mut sim, &platform.next([first, 0x01], ENTERPRISE, &script(&[&select()])));
        assert_eq!(platform.read(0x01, &report).status, 0x0A);
    }
}
