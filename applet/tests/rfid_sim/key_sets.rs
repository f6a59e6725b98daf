//! PUT KEY and DELETE of keys: what a version takes, counters, the last set, and that nothing of a key stays.

use hex_literal::hex;
use onecard_applet::{KeySet, KeySetCipher};

use super::{
    host::{Host, Login, SELECT, aes_check_value, des_check_value},
    sim::{DEK, ENC, KEY_SETS, MAC, Sim, blank, try_blank},
};

const NEW: [[u8; 16]; 3] = [[0xA1; 16], [0xA2; 16], [0xA3; 16]];
pub const NEW_LOGIN: Login = Login { enc: NEW[0], mac: NEW[1], dek: NEW[2], ..Login::SCP03 };

/// A key's data field.
pub fn block(host: &Host, kind: u8, key: &[u8; 16]) -> Vec<u8> {
    let check_value = if kind == 0x88 { aes_check_value(key) } else { des_check_value(key) };
    [&[kind, 0x10][..], &host.sensitive(key), &[3], &check_value].concat()
}

/// The same with the key's length in front of it.
fn block_with_length(host: &Host, kind: u8, key: &[u8; 16]) -> Vec<u8> {
    let mut block = block(host, kind, key);
    block.splice(1..2, [0x11, 0x10]);
    block
}

pub fn set(host: &Host, version: u8, kind: u8, keys: &[[u8; 16]]) -> Vec<u8> {
    let blocks = keys.iter().flat_map(|key| block(host, kind, key));
    [version].into_iter().chain(blocks).collect()
}

/// What the list of keys says of a version: ids, type and length.
fn listed(sim: &mut Sim, host: &mut Host, version: u8) -> Vec<[u8; 3]> {
    let answer = host.ok(sim, hex!("80CA00E0"), &[]);
    let entries = answer.split_at(if answer[1] == 0x81 { 3 } else { 2 }).1;
    entries.chunks(6).filter(|entry| entry[3] == version).map(|entry| [entry[2], entry[4], entry[5]]).collect()
}

#[test]
fn a_set_is_added_and_opens_a_session() {
    for login in [Login::SCP03, Login::SCP02] {
        let mut sim = Sim::new();
        let mut host = login.open(&mut sim);
        let data = set(&host, 0x3F, 0x88, &NEW);
        let answer = host.ok(&mut sim, hex!("80D80081"), &data);
        assert_eq!(answer, [&[0x3F][..], NEW.map(|key| aes_check_value(&key)).as_flattened()].concat());
        assert_eq!(listed(&mut sim, &mut host, 0x3F), [[1, 0x88, 16], [2, 0x88, 16], [3, 0x88, 16]]);
        assert_eq!(host.status(&mut sim, hex!("80D80081"), &data), 0x6A80, "it is there");
        let mut sim = sim.power_cycled();
        sim.ok(&SELECT);
        let answer = sim.ok(&hex!("80503F00080102030405060708 00"));
        assert_eq!(answer[29..], [0, 0, 1], "a new set begins anew");
        assert!(Login { version: 0x3F, ..NEW_LOGIN }.works(&mut sim) && login.works(&mut sim));
    }
}

#[test]
fn keys_come_one_by_one_and_in_both_forms() {
    let mut sim = Sim::new();
    let mut host = Login::SCP03.open(&mut sim);
    for (id, key) in (1..).zip(&NEW) {
        let data = [&[0x3F][..], &block_with_length(&host, 0x88, key)].concat();
        assert_eq!(host.ok(&mut sim, [0x80, 0xD8, 0x00, id], &data).len(), 4);
        assert_eq!(listed(&mut sim, &mut host, 0x3F).len(), usize::from(id));
    }
    // Of a set that is not whole no session is opened.
    assert_eq!(host.ok(&mut sim, hex!("80E40000"), &hex!("D00102 D2013F")), [0]);
    assert_eq!(listed(&mut sim, &mut host, 0x3F), [[1, 0x88, 16], [3, 0x88, 16]]);
    sim.ok(&SELECT);
    assert_eq!(sim.send(&hex!("80503F00080102030405060708 00")), hex!("6A88"));
    assert!(Login::SCP03.works(&mut sim));
}

#[test]
fn a_set_is_replaced_and_nothing_of_it_stays() {
    let mut sim = Sim::new();
    let mut host = Login::SCP03.open(&mut sim);
    let data = set(&host, 0x30, 0x88, &NEW);
    host.ok(&mut sim, hex!("80D83081"), &data);
    // The session goes on under its own keys.
    host.ok(&mut sim, hex!("80CA0066"), &[]);
    let mut sim = sim.power_cycled();
    assert!(!Login::SCP03.works(&mut sim) && NEW_LOGIN.works(&mut sim));
    // Key set 20 has the same values: it goes too.
    let mut host = NEW_LOGIN.open(&mut sim);
    assert!(sim.remembers(&ENC) && sim.remembers(&DEK));
    host.ok(&mut sim, hex!("80E40000"), &hex!("D20120"));
    for key in [ENC, MAC, DEK] {
        assert!(!sim.remembers(&key));
    }
    assert!(!Login::SCP02.works(&mut sim));
}

#[test]
fn a_set_gets_another_version() {
    let mut sim = Sim::new();
    let mut host = Login::SCP02.open(&mut sim);
    let data = set(&host, 0x31, 0x88, &NEW);
    host.ok(&mut sim, hex!("80D83081"), &data);
    assert_eq!((listed(&mut sim, &mut host, 0x30).len(), listed(&mut sim, &mut host, 0x31).len()), (0, 3));
    assert_eq!(host.status(&mut sim, hex!("80D83081"), &data), 0x6A88);
    let one = set(&host, 0x32, 0x88, &NEW[..1]);
    assert_eq!(host.status(&mut sim, hex!("80D83101"), &one), 0x6A80, "one key of three does not go alone");
}

#[test]
fn put_key_refuses() {
    let mut sim = Sim::new();
    let mut host = Login::SCP03.open(&mut sim);
    let aes = |host: &Host, version| set(host, version, 0x88, &NEW);
    let des = |host: &Host, version| set(host, version, 0x80, &NEW);
    let mut wrong_value = aes(&host, 0x3F);
    *wrong_value.last_mut().unwrap() ^= 1;
    let mut no_value = aes(&host, 0x3F);
    no_value.truncate(20);
    no_value[19] = 0;
    let mut mixed = aes(&host, 0x0F);
    mixed.truncate(23);
    mixed.extend(block(&host, 0x80, &NEW[0]));
    let four = set(&host, 0x3F, 0x88, &[NEW[0]; 4]);
    let cases = [
        (hex!("80D80081"), wrong_value, 0x6982),
        (hex!("80D80001"), no_value, 0x6A80),
        (hex!("80D80081"), mixed, 0x6A80),
        (hex!("80D80081"), four, 0x6A80),
        (hex!("80D80081"), aes(&host, 0x2F), 0x6A80),
        (hex!("80D80081"), des(&host, 0x3F), 0x6A80),
        (hex!("80D80081"), aes(&host, 0x10), 0x6A80),
        (hex!("80D80081"), aes(&host, 0x40), 0x6A80),
        (hex!("80D80001"), aes(&host, 0x3F), 0x6A80),
        (hex!("80D80082"), aes(&host, 0x3F), 0x6A86),
        (hex!("80D80080"), aes(&host, 0x3F), 0x6A86),
        (hex!("80D83F81"), aes(&host, 0x3F), 0x6A88),
        (hex!("80D80081"), vec![], 0x6A80),
        (hex!("80D80081"), vec![0x3F], 0x6A80),
        (hex!("80D80081"), vec![0x3F, 0x88, 0x10, 0x00], 0x6A80),
        (hex!("80D80081"), vec![0x3F, 0x88, 0x00, 0x03, 1, 2, 3], 0x6A80),
        (
            hex!("80D80081"),
            vec![0x3F, 0x88, 0x11, 0x20, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 3, 1, 2, 3],
            0x6A80,
        ),
    ];
    for (header, data, status) in cases {
        assert_eq!(host.status(&mut sim, header, &data), status, "{header:02X?} {data:02X?}");
        assert_eq!(listed(&mut sim, &mut host, 0x3F), [[0; 3]; 0]);
    }
    // A set takes no key of another cipher.
    let first = set(&host, 0x05, 0x80, &NEW[..1]);
    host.ok(&mut sim, hex!("80D80001"), &first);
    let second = set(&host, 0x05, 0x88, &NEW[..1]);
    assert_eq!(host.status(&mut sim, hex!("80D80002"), &second), 0x6A80);
}

#[test]
fn as_many_sets_as_are_listed_in_one_answer() {
    let mut sim = Sim::new();
    let mut host = Login { level: 0x01, ..Login::SCP03 }.open(&mut sim);
    for version in 0x01..=0x0B {
        let data = set(&host, version, 0x80, &NEW);
        host.ok(&mut sim, hex!("80D80081"), &data);
    }
    let data = set(&host, 0x0C, 0x80, &NEW);
    assert_eq!(host.status(&mut sim, hex!("80D80081"), &data), 0x6A84);
    let listed = host.ok(&mut sim, hex!("80CA00E0"), &[]);
    assert_eq!((listed.len(), &listed[..3]), (3 + 13 * 18, &hex!("E081EA")[..]));
    let mut sim = sim.power_cycled();
    sim.ok(&SELECT);
    assert_eq!(sim.ok(&hex!("80CA00E000")), listed);
    let mut host = Login::SCP03.open(&mut sim);
    host.ok(&mut sim, hex!("80E40000"), &hex!("D20101"));
    let data = set(&host, 0x0C, 0x80, &NEW);
    host.ok(&mut sim, hex!("80D80081"), &data);
}

#[test]
fn the_last_set_that_opens_sessions_stays() {
    let mut sim = Sim::new();
    let mut host = Login::SCP03.open(&mut sim);
    for (data, status) in [
        (&hex!("D2013A")[..], 0x6A88),
        (&hex!("D00104 D20130"), 0x6A88),
        (&hex!("D00101"), 0x6A80),
        (&hex!("D20130 4F05A000000003"), 0x6A80),
        (&hex!("D20130 D20120"), 0x6A80),
        (&hex!("D2023020"), 0x6A80),
        (&hex!(""), 0x6A80),
        (&hex!("D20120"), 0x9000),
        (&hex!("D20130"), 0x6985),
        (&hex!("D00102 D20130"), 0x6985),
    ] {
        assert_eq!(host.status(&mut sim, hex!("80E40000"), data), status, "{data:02X?}");
    }
    // Nor does it become a set over the air.
    let data = set(&host, 0x05, 0x88, &NEW);
    assert_eq!(host.status(&mut sim, hex!("80D83081"), &data), 0x6985);
    assert!(Login::SCP03.works(&mut sim));
}

#[test]
fn a_card_is_made_with_right_sets_alone() {
    assert!(try_blank(&KEY_SETS).is_some() && try_blank(&[]).is_some());
    let short = KeySet { enc: &ENC[..15], ..KEY_SETS[0] };
    let wrong_version = KeySet { version: 0x10, ..KEY_SETS[0] };
    let wrong_cipher = KeySet { cipher: KeySetCipher::Aes, ..KEY_SETS[1] };
    for sets in
        [[short, KEY_SETS[1]], [wrong_version, KEY_SETS[1]], [wrong_cipher, KEY_SETS[0]], [KEY_SETS[0], KEY_SETS[0]]]
    {
        assert!(try_blank(&sets).is_none());
    }
    drop(blank());
}
