//! Phones that can do less: what they cannot is never sent to them, and the rest is still there.

use std::sync::LazyLock;

use hex_literal::hex;

use crate::{
    chip::Chip,
    image::{card_with, set_up, with_applications_of},
    phone::{ALL, Act::*, BACK, CANCEL, OK, Phone},
    sim::Sim,
};

/// Byte and bit, both from 1.
fn without(facilities: &[(usize, u8)]) -> [u8; 20] {
    let mut profile = ALL;
    facilities.iter().for_each(|(byte, bit)| profile[byte - 1] &= !(1 << (bit - 1)));
    profile
}

fn chip() -> Chip {
    static MADE: LazyLock<Chip> = LazyLock::new(|| set_up(with_applications_of(&card_with(2))));
    MADE.clone()
}

fn boot(profile: &[u8]) -> Phone {
    Phone::boot(Sim::insert(chip()), profile, *b"zh")
}

const SELECT_ITEM: (usize, u8) = (4, 1);

#[test]
fn without_a_menu_or_texts_nothing_is_sent() {
    for facility in [(4, 6), (1, 4), (3, 1)] {
        let mut phone = boot(&without(&[facility]));
        assert_eq!(phone.lines, [""; 0], "{facility:?}");
        let selection = [0xD3, 0x07, 0x82, 0x02, 0x01, 0x81, 0x90, 0x01, 0x01];
        assert_eq!(phone.envelope(&selection), [0x6A, 0x80]);
    }
    assert_eq!(boot(&[0x00]).lines, [""; 0]);
}

#[test]
fn without_chinese_letters_english() {
    let mut phone = boot(&without(&[(2, 7)]));
    assert_eq!(phone.lines[1], "menu One Card: 1=One Card");
    assert_eq!(phone.walk(&[Choose(5)])[1], "Language: 1=As the phone, 3=English *1");
    assert_eq!(phone.walk(&[Choose(5), Choose(2)])[2], "-", "not offered");
    // Chosen on another phone.
    let mut other = boot(&ALL);
    other.walk(&[Choose(5), Choose(2)]);
    let lesser = Phone::boot(Sim::insert(other.sim.remove()), &without(&[(2, 7)]), *b"zh");
    assert_eq!(lesser.lines[1], "menu One Card: 1=One Card");
}

#[test]
fn without_a_language_or_events_or_a_date() {
    assert_eq!(boot(&without(&[(9, 4)])).lines, ["menu 一卡通: 1=一卡通", "events [07]"], "Chinese by itself");
    assert_eq!(boot(&without(&[(5, 1)])).lines, ["local information 04", "menu 一卡通: 1=一卡通"]);
    assert_eq!(boot(&without(&[(6, 1)])).lines, ["local information 04", "menu 一卡通: 1=一卡通"]);
    let mut phone = boot(&without(&[(8, 3)]));
    phone.open();
    assert!(!phone.lines.contains(&"local information 03".to_owned()));
}

#[test]
fn without_a_language_that_of_the_card() {
    let mut phone = Phone::off(Sim::insert(chip()), *b"zh");
    assert_eq!(phone.send(&hex!("00A4040C07A0000000871002")), hex!("9000"), "the USIM");
    assert_eq!(phone.send(&hex!("00A4000C026F05")), hex!("9000"), "EF LI");
    assert_eq!(phone.send(&hex!("00D6000004 656E7A68")), hex!("9000"), "English first");
    let mut english = Phone::boot(phone.sim, &without(&[(9, 4)]), *b"zh");
    assert_eq!(english.lines, ["menu One Card: 1=One Card", "events [07]"]);
    // Chosen in the menu: it is the first of the card from then on, and the phone reads it again.
    english.walk(&[Choose(5), Choose(2)]);
    assert!(english.lines.contains(&"refresh 01 [01, 3F, 00, 7F, FF, 6F, 05]".to_owned()));
    assert_eq!(english.send(&hex!("00A4040C07A0000000871002")), hex!("9000"));
    english.send(&hex!("00A4000C026F05"));
    assert_eq!(english.sim.send(&hex!("00B0000004")), hex!("7A68656E 9000"));
    let mut without_refresh = boot(&without(&[(3, 8)]));
    without_refresh.walk(&[Choose(5), Choose(3)]);
    assert!(!without_refresh.lines.iter().any(|line| line.starts_with("refresh")));
}

#[test]
fn without_input_or_messages_delete_is_not_offered() {
    for facility in [(3, 3), (4, 2)] {
        let mut phone = boot(&without(&[facility]));
        assert_eq!(phone.walk(&[Choose(4)])[0], "一卡通: 1=余额, 2=卡片信息, 3=交易记录, 5=语言");
        assert_eq!(phone.walk(&[Choose(4)])[1], "-", "nor taken");
    }
}

#[test]
fn without_a_choice_every_balance_in_turn() {
    let mut phone = boot(&without(&[SELECT_ITEM]));
    let balance = |number| format!("[1000 0000 0000 000{number} / 电子钱包 0.00 元 / 电子存折 0.00 元 / 余额长期有效]");
    assert_eq!(phone.walk(&[OK, BACK, OK, OK]), [balance(1), balance(2), balance(1), balance(2), "-".to_owned()]);
    assert_eq!(phone.walk(&[BACK])[1], "-");
    assert_eq!(phone.walk(&[OK, CANCEL])[2], "-");
    let empty = set_up(crate::image::empty());
    let mut phone = Phone::boot(Sim::insert(empty), &without(&[SELECT_ITEM]), *b"en");
    assert_eq!(phone.walk(&[OK]), ["[There is no One Card application on this card]", "-"]);
}

#[test]
fn no_profile_gets_what_it_lacks() {
    let commands: [(u8, u8, usize, u8); 9] = [
        (0x01, 0xFF, 3, 8),
        (0x21, 0xFF, 3, 1),
        (0x23, 0xFF, 3, 3),
        (0x24, 0xFF, 4, 1),
        (0x13, 0xFF, 4, 2),
        (0x25, 0xFF, 4, 6),
        (0x05, 0xFF, 5, 1),
        (0x26, 0x04, 9, 4),
        (0x26, 0x03, 8, 3),
    ];
    let found = |seen: &[(u8, u8)], kind, qualifier| {
        seen.iter().any(|(of, with)| *of == kind && (qualifier == 0xFF || *with == qualifier))
    };
    let all = everything_tried(&ALL);
    for (kind, qualifier, byte, bit) in commands {
        assert!(found(&all, kind, qualifier), "{kind:02X} is sent to a phone that can");
        let seen = everything_tried(&without(&[(byte, bit)]));
        assert!(!found(&seen, kind, qualifier), "{kind:02X}: {seen:02X?}");
    }
}

/// Commands that a phone gets, with their qualifiers, when all of the menu is tried.
fn everything_tried(profile: &[u8]) -> Vec<(u8, u8)> {
    let mut phone = Phone::off(Sim::insert(chip()), *b"zh");
    phone.profile(profile);
    let mut seen = Vec::new();
    for turn in 0..40 {
        let Some(fetched) = phone.fetch() else {
            phone.envelope(&[0xD3, 0x07, 0x82, 0x02, 0x01, 0x81, 0x90, 0x01, 0x01]);
            continue;
        };
        seen.push((fetched.kind, fetched.qualifier));
        let line = fetched.line();
        let act = match fetched.kind {
            0x24 if line.contains("5=") && turn > 30 => Choose(5),
            0x24 if line.contains("3=English") => Choose(3),
            0x24 if line.contains("注销应用") && !line.contains('?') => Choose(4),
            0x24 => Choose(1),
            0x23 => Type("1234"),
            _ => OK,
        };
        phone.respond(&fetched, &act);
    }
    seen
}
