//! TERMINAL PROFILE, FETCH, TERMINAL RESPONSE, ENVELOPE themselves.

use std::sync::LazyLock;

use hex_literal::hex;

use crate::{
    chip::Chip,
    image::{card_with, set_up, with_applications_of},
    phone::{ALL, Act::*, CANCEL, HELP, OK, Phone},
    sim::Sim,
};

const SELECTION: [u8; 9] = hex!("D30782020181900101");
const STATUS: [u8; 4] = hex!("80F20000");

fn chip() -> Chip {
    static MADE: LazyLock<Chip> = LazyLock::new(|| set_up(with_applications_of(&card_with(1))));
    MADE.clone()
}

fn boot() -> Phone {
    Phone::boot(Sim::insert(chip()), &ALL, *b"zh")
}

#[test]
fn nothing_is_said_before_the_profile() {
    let mut phone = Phone::off(Sim::insert(chip()), *b"zh");
    for command in [&hex!("00A40004023F00")[..], &STATUS, &hex!("0070000001")] {
        assert_ne!(phone.send(command)[0], 0x91, "{command:02X?}");
    }
    assert_eq!(phone.send(&hex!("8012000000")), hex!("6985"));
    assert_eq!(phone.send(&hex!("801400000C 810301250082028281830100")), hex!("6985"));
    assert_eq!(phone.envelope(&SELECTION), hex!("6985"));
    assert_eq!(phone.send(&hex!("80100000")), hex!("6700"), "an empty profile");
    assert_eq!(phone.send(&hex!("8010000101FF")), hex!("6A86"));
}

#[test]
fn bytes_of_the_first_commands() {
    let mut phone = Phone::off(Sim::insert(chip()), *b"en");
    assert_eq!(phone.profile(&ALL), hex!("910B"));
    assert_eq!(phone.sim.send(&hex!("801200000B")), hex!("D009 8103012604 82028182 9000"));
    assert_eq!(phone.send(&hex!("8014000010 8103012604 82028281 830100 AD027A68")), hex!("911E"));
    let menu = hex!("D01C 8103022580 82028182 8507 80 4E00 5361 901A 8F08 01 80 4E00 5361 901A 9000");
    assert_eq!(phone.sim.send(&hex!("801200001E")), menu);
}

#[test]
fn a_command_can_be_fetched_again_until_it_is_answered() {
    let mut phone = Phone::off(Sim::insert(chip()), *b"en");
    phone.profile(&ALL);
    let first = phone.sim.send(&hex!("801200000B"));
    assert_eq!(phone.sim.send(&hex!("801200000B")), first);
    assert_eq!(phone.sim.send(&hex!("8012000000")), first, "all there is");
    for wrong in [0x01, 0x0A, 0x0C, 0xFF] {
        assert_eq!(phone.send(&[0x80, 0x12, 0, 0, wrong]), hex!("6C0B"), "{wrong:02X}");
    }
    assert_eq!(phone.send(&hex!("801200000101")), hex!("6700"));
    assert_eq!(phone.sim.send(&hex!("801200000B")), first, "nothing was lost");
}

#[test]
fn a_command_not_yet_fetched_is_announced_by_every_command_of_the_uicc() {
    let mut phone = Phone::off(Sim::insert(chip()), *b"en");
    phone.profile(&ALL);
    for _ in 0..3 {
        assert_eq!(phone.send(&hex!("0070000001")), hex!("910B"), "MANAGE CHANNEL");
    }
    assert_eq!(phone.send(&hex!("0070000001")), hex!("6A81"), "a refusal stays one");
    assert_eq!(phone.send(&hex!("00A4040008A000000151000000")), hex!("9000"), "the issuer domain's are its own");
    assert_eq!(
        phone.send(&hex!("00A404000EF04F4E4543011000000000000001")),
        hex!("9000"),
        "enterprise applications' too"
    );
    assert_eq!(phone.send(&hex!("805C000204")), hex!("9000"));
    phone.sim.send(&hex!("801200000B"));
    assert_eq!(phone.send(&hex!("00708001")), hex!("9000"), "fetched: nothing to announce until it is answered");
}

#[test]
fn envelopes_wait_for_the_outstanding_command() {
    let mut phone = Phone::off(Sim::insert(chip()), *b"en");
    phone.profile(&ALL);
    assert_eq!(phone.envelope(&SELECTION), hex!("9300"), "announced");
    phone.sim.send(&hex!("801200000B"));
    assert_eq!(phone.envelope(&SELECTION), hex!("9300"), "fetched");
    assert_eq!(phone.envelope(&hex!("D60A 990107 82028281 AD02")), hex!("6A80"), "not whole");
    phone.send(&hex!("8014000010 8103012604 82028281 830100 AD02656E"));
    assert!(phone.serve().is_none());
    assert_eq!(
        phone.open().line(),
        "One Card: 1=Balance, 2=Card information, 3=Last transactions, 4=Delete application, 5=Language"
    );
    assert_eq!(phone.envelope(&SELECTION), hex!("9300"));
}

#[test]
fn an_answer_to_another_command_ends_the_dialogue() {
    let wrong: [&dyn Fn(u8) -> Vec<u8>; 9] = [
        &|number| [&hex!("8103")[..], &[number + 1], &hex!("2480 82028281 830100 900101")].concat(),
        &|number| [&hex!("8103")[..], &[number], &hex!("2580 82028281 830100 900101")].concat(),
        &|number| [&hex!("8103")[..], &[number], &hex!("2400 82028281 830100 900101")].concat(),
        &|number| [&hex!("8103")[..], &[number], &hex!("2480 82028281")].concat(),
        &|number| [&hex!("8103")[..], &[number], &hex!("2480 82028281 8300")].concat(),
        &|_| hex!("82028281 830100 900101").to_vec(),
        &|number| [&hex!("8102")[..], &[number], &hex!("24 82028281 830100 900101")].concat(),
        &|number| [&hex!("8103")[..], &[number], &hex!("2480 82028281 830100 9002")].concat(),
        &|_| vec![0xFF; 40],
    ];
    for wrong in wrong {
        let mut phone = boot();
        let menu = phone.open();
        let data = wrong(menu.number);
        let status = phone.send(&[&[0x80, 0x14, 0, 0, data.len() as u8][..], &data].concat());
        assert_eq!(status, hex!("6A80"), "{data:02X?}");
        assert_eq!(phone.send(&hex!("8012000000")), hex!("6985"), "nothing is outstanding");
        assert_eq!(phone.open().kind, 0x24, "and the menu opens again");
    }
    let mut phone = boot();
    phone.open();
    assert_eq!(phone.send(&hex!("80140000")), hex!("6A80"), "an empty one");
}

#[test]
fn behind_an_answer_that_is_none_the_next_command_waits() {
    let mut phone = Phone::off(Sim::insert(chip()), *b"zh");
    phone.profile(&ALL);
    let first = phone.fetch().unwrap();
    assert_eq!(phone.send(&hex!("8014000003 830100")), hex!("6A80"));
    assert_eq!(phone.send(&hex!("0070000001"))[0], 0x91);
    let next = phone.fetch().unwrap();
    assert_eq!((first.kind, next.kind), (0x26, 0x25), "{} {}", first.line(), next.line());
}

#[test]
fn an_answer_without_a_command() {
    let mut phone = boot();
    assert_eq!(phone.send(&hex!("801400000C 810301250082028281830100")), hex!("6985"));
    phone.envelope(&SELECTION);
    assert_eq!(phone.send(&hex!("801400000C 810301250082028281830100")), hex!("6985"), "announced, not fetched");
    assert!(phone.send(&hex!("0070000001"))[0] == 0x91, "it still waits");
}

#[test]
fn help_of_the_entry() {
    for (language, help) in [
        (b"zh", "[查询一卡通余额、卡片信息和交易记录，注销应用]"),
        (b"en", "[Balance, card information and transactions of your One Card applications, and how to delete one]"),
    ] {
        let mut phone = Phone::boot(Sim::insert(chip()), &ALL, *language);
        assert_eq!(phone.envelope(&hex!("D309 82020181 900101 1500"))[0], 0x91);
        let shown = phone.serve().unwrap();
        assert_eq!(shown.line(), help);
        phone.respond(&shown, &OK);
        assert!(phone.serve().is_none());
    }
}

#[test]
fn other_envelopes() {
    let mut phone = boot();
    for (envelope, status) in [
        (&hex!("D307 82020181 900102")[..], hex!("6A80")), // no such item
        (&hex!("D304 82020181"), hex!("6A80")),
        (&hex!("D707 82028281 A40105"), hex!("9000")), // a timer of nobody
        (&hex!("D704 82028281"), hex!("6A80")),
        (&hex!("D607 99010B 82028281"), hex!("9000")), // an event not asked for
        (&hex!("D604 82028281"), hex!("6A80")),
        (&hex!("D104 82028381"), hex!("6A80")),
        (&hex!("D109 82028381 8B03040000"), hex!("9000")), // a message that is not whole
        (&hex!("D404 82028281"), hex!("6A80")),
        (&hex!("D504 82028281"), hex!("6A80")),
        (&hex!("0000"), hex!("6A80")),
        (&hex!("D3"), hex!("6A80")),
        (&hex!("D300 00"), hex!("6A80")),
    ] {
        assert_eq!(phone.envelope(envelope), status, "{envelope:02X?}");
    }
    assert_eq!(phone.send(&hex!("80C20000")), hex!("6A80"));
    assert_eq!(phone.open().kind, 0x24, "none did any harm");
}

#[test]
fn the_language_follows_the_phone() {
    let mut phone = boot();
    assert!(phone.envelope(&hex!("D60B 990107 82028281 AD02656E"))[0] == 0x91);
    assert!(phone.serve().is_none());
    assert_eq!(phone.lines.last().unwrap(), "menu One Card: 1=One Card");
    assert_eq!(phone.envelope(&hex!("D60B 990107 82028281 AD026672")), hex!("9000"), "French: English it stays");
    phone.envelope(&hex!("D60B 990107 82028281 AD027A68"));
    assert!(phone.serve().is_none());
    assert_eq!(phone.lines.last().unwrap(), "menu 一卡通: 1=一卡通");
}

#[test]
fn a_busy_phone_gets_the_menu_later() {
    // With timers: after half a minute, the same bytes.
    let mut phone = Phone::off(Sim::insert(chip()), *b"zh");
    phone.profile(&ALL);
    let language = phone.fetch().unwrap();
    phone.respond(&language, &Result(0x20, &[0x00]));
    let menu = phone.fetch().unwrap();
    phone.respond(&menu, &Result(0x20, &[0x01]));
    assert!(phone.serve().is_none());
    assert_eq!(phone.lines[2..], ["events [07]", "timer 1 [00, 00, 03]"]);
    assert!(phone.envelope(&hex!("D70C 82028281 A40101 A503000003"))[0] == 0x91);
    assert_eq!(phone.fetch().unwrap().bytes, menu.bytes);
    // Three times, and no more.
    phone.respond(&menu, &Result(0x20, &[0x01]));
    assert!(phone.serve().is_none());
    phone.envelope(&hex!("D70C 82028281 A40101 A503000003"));
    assert_eq!(phone.fetch().unwrap().bytes, menu.bytes);
    assert_eq!(phone.respond(&menu, &Result(0x20, &[0x01])), hex!("9000"));
    // Without: after some commands.
    let mut profile = ALL;
    profile[7] &= !0x01;
    let mut phone = Phone::off(Sim::insert(chip()), *b"zh");
    phone.profile(&profile);
    phone.fetch();
    let menu = loop {
        let fetched = phone.fetch().unwrap();
        if fetched.kind == 0x25 {
            break fetched;
        }
        phone.respond(&fetched, &OK);
    };
    phone.respond(&menu, &Result(0x20, &[0x01]));
    assert!(phone.serve().is_none());
    let announced =
        (0..20).position(|at| phone.send(&[0x00, 0x70, if at % 2 == 0 { 0 } else { 0x80 }, (at % 2) as u8])[0] == 0x91);
    assert!(announced.is_some_and(|at| at > 1), "{announced:?}");
    assert_eq!(phone.fetch().unwrap().bytes, menu.bytes);
}

#[test]
fn a_new_profile_begins_anew() {
    let mut phone = boot();
    phone.open();
    phone.profile(&ALL);
    phone.serve();
    assert_eq!(phone.lines[phone.lines.len() - 3..], ["local information 04", "menu 一卡通: 1=一卡通", "events [07]"]);
    phone.sim.reset();
    assert_eq!(phone.envelope(&SELECTION), hex!("6985"), "a reset is before the profile");
    let _ = (HELP, CANCEL, Choose(1));
}
