//! 19.4.1: the issuer domain over the air: INSTALL, DELETE, PUT KEY under KIK, life cycles.

use hex_literal::hex;

use crate::{
    application::AID,
    host::{Login, SELECT, des_check_value},
    platform::{
        DOMAIN, ENTERPRISE, Platform, SECURED, answers, cbc, deliver, object, sim, template, without_applications,
    },
    sim::Sim,
};

pub const CONTROL: [u8; 16] = hex!("C0C1C2C3C4C5C6C7C8C9CACBCCCDCECF");

pub fn name(number: u8) -> Vec<u8> {
    [&hex!("F04F4E454301 10000000000000")[..], &[number]].concat()
}

/// INSTALL for install and make selectable of enterprise `number`, whose control key is of triple DES.
pub fn install(platform: &Platform, number: u8) -> Vec<u8> {
    let wrapped = platform.sensitive(&CONTROL);
    let parameters = [&hex!("C914 00")[..], &wrapped, &des_check_value(&CONTROL)].concat();
    let data = [
        &hex!("06 F04F4E454300 06 F04F4E454301 0E")[..],
        &name(number),
        &hex!("01 00"),
        &[parameters.len() as u8],
        &parameters,
        &[0],
    ]
    .concat();
    [&hex!("80E60C00")[..], &[data.len() as u8], &data].concat()
}

pub fn delete(name: &[u8]) -> Vec<u8> {
    [&hex!("80E40000")[..], &[name.len() as u8 + 2, 0x4F, name.len() as u8], name].concat()
}

/// PUT KEY of a whole set over the air.
pub fn put_key(by: &Platform, p1: u8, new: &Platform) -> Vec<u8> {
    let mut data = vec![new.set];
    for key in [&new.kic, &new.kid, &new.kik] {
        let mut check = if new.algorithm == 0x02 { [1; 16] } else { [0; 16] };
        let block = if new.algorithm == 0x02 { 16 } else { 8 };
        cbc(key, new.algorithm, &mut check[..block]);
        let kind = if new.algorithm == 0x02 { 0x88 } else { 0x80 };
        // What does not fill whole blocks of KIK has its length in front.
        let mut text = key.clone();
        text.resize(key.len().next_multiple_of(by.block_len()), 0);
        let mut field = by.sensitive(&text);
        if text.len() != key.len() {
            field.insert(0, key.len() as u8);
        }
        data.extend([&[kind, field.len() as u8][..], &field, &[3], &check[..3]].concat());
    }
    [&[0x80, 0xD8, p1, 0x81, data.len() as u8][..], &data].concat()
}

fn word(answer: &[u8]) -> u16 {
    u16::from_be_bytes(*answer.last_chunk().unwrap())
}

/// By each key set an application comes, is found by radio, and goes.
#[test]
fn install_and_delete() {
    let mut sim = Sim::insert(without_applications());
    for mut platform in Platform::all() {
        let select = [&hex!("00A404000E")[..], &name(7)].concat();
        let status = [&hex!("80F24002024F00")[..]].concat();
        let done = platform.script(&mut sim, DOMAIN, &[&install(&platform.clone(), 7), &status]);
        assert_eq!(done[0], hex!("00 9000"));
        assert!(done[1].windows(14).any(|window| window == name(7)), "{done:02X?}");
        assert!(sim.radio(&select).ends_with(&hex!("9000")));
        assert!(sim.radio(&hex!("80CA00E000")).ends_with(&hex!("9000")), "its control key is there");
        assert_eq!(platform.script(&mut sim, DOMAIN, &[&delete(&name(7))])[0], hex!("6985"), "selected by radio");
        sim.leave_field();
        let gone = platform.script(&mut sim, DOMAIN, &[&delete(&name(7)), &delete(&name(7))]);
        assert_eq!(gone, [hex!("00 9000").to_vec(), hex!("6A88").to_vec()]);
        assert!(!sim.remembers(&CONTROL));
        assert_eq!(sim.radio(&select), hex!("6A82"));
        // A control key under another set's KIK has a wrong check value, and nothing is there.
        let mut other = platform.clone();
        other.kik[0] ^= 0x10;
        assert_eq!(platform.script(&mut sim, DOMAIN, &[&install(&other, 7)])[0], hex!("6982"));
    }
}

/// Compact: a command with data announces its answer. GET DATA has none there: of tag 2F00 it is of the expanded format.
#[test]
fn compact_commands_of_the_domain() {
    let mut sim = sim();
    let mut platform = Platform::new(2);
    let listed = platform.send(&mut sim, DOMAIN, &hex!("80CA00C100"));
    assert_eq!(listed[..3], hex!("01 9000"));
    let applications = platform.send(&mut sim, DOMAIN, &hex!("80F24002024F00 00C0000000"));
    assert_eq!((&applications[..3], applications[3]), (&hex!("02 9000")[..], 0xE3));
    let named = platform.script(&mut sim, DOMAIN, &[&hex!("80CA2F00025C00")]);
    assert!(named[0].ends_with(&[&AID[..], &hex!("9000")].concat()), "{named:02X?}");
    assert_eq!(platform.send(&mut sim, DOMAIN, &delete(&AID)), hex!("01 6985"), "it is in use");
    crate::loads::suspend(&mut platform, &mut sim);
    assert_eq!(platform.send(&mut sim, DOMAIN, &delete(&AID)), hex!("01 6101"));
    assert_eq!(platform.send(&mut sim, DOMAIN, &[&delete(&AID)[..], &hex!("00C0000000")].concat()), hex!("01 6A88"));
    // What else a secure channel opens is open, and its level told.
    let open = platform.script(&mut sim, DOMAIN, &[&hex!("80CAFF2100"), &hex!("80CA00D300")]);
    assert_eq!((word(&open[0]), &open[1][..]), (0x9000, &hex!("D3 01 83 9000")[..]));
}

/// Every kind of key under every KIK; the packet's own proof is under the keys the packet came with.
#[test]
fn put_key_under_kik() {
    for by in Platform::all() {
        for kind in 1..=4 {
            let mut sim = sim();
            let mut by = by.clone();
            let mut new = Platform::new(kind);
            new.set = 9;
            for key in [&mut new.kic, &mut new.kid, &mut new.kik] {
                key.iter_mut().for_each(|byte| *byte ^= 0x3C);
            }
            let done = by.script(&mut sim, DOMAIN, &[&put_key(&by.clone(), 0x00, &new)]);
            assert_eq!((word(&done[0]), done[0].len()), (0x9000, 12), "{kind}: {done:02X?}");
            // A new set begins where sets that are gone ended: at 0 here.
            assert_eq!(new.send(&mut sim, DOMAIN, &hex!("80CA00C100"))[..3], hex!("01 9000"));
            let mut next = Platform::new(kind);
            next.set = 9;
            let replaced = new.script(&mut sim, DOMAIN, &[&put_key(&new.clone(), 0x09, &next)]);
            assert_eq!(word(&replaced[0]), 0x9000);
            // The counter goes on: what was said to the set that went cannot be said to this one.
            let low = next.next(SECURED, DOMAIN, &[]);
            assert_eq!(next.read(SECURED[1], &deliver(&mut sim, &low)).status, 0x02);
            next.counter = new.counter;
            next.send(&mut sim, DOMAIN, &[]);
            // Deleted and put in again it still does not begin anew.
            assert_eq!(by.script(&mut sim, DOMAIN, &[&hex!("80E4000003 D20109")])[0], hex!("00 9000"));
            by.script(&mut sim, DOMAIN, &[&put_key(&by.clone(), 0x00, &next)]);
            let again = next.packet(SECURED, DOMAIN, &[]);
            assert_eq!(next.read(SECURED[1], &deliver(&mut sim, &again)).status, 0x02);
        }
    }
}

/// Keys that go over the air end the sessions that they opened; the last set that opens channels stays.
#[test]
fn sessions_and_the_last_set_that_opens_them() {
    let mut sim = sim();
    let mut platform = Platform::new(1);
    let mut host = Login::SCP03.open(&mut sim);
    assert_eq!(platform.script(&mut sim, DOMAIN, &[&hex!("80E4000003 D20120")])[0], hex!("00 9000"));
    assert_eq!(host.status(&mut sim, hex!("80F28002"), &hex!("4F00")), 0x6982, "the session is over");
    assert_eq!(platform.script(&mut sim, DOMAIN, &[&hex!("80E4000003 D20130")])[0], hex!("6985"));
    sim.ok(&SELECT);
    assert!(Login::SCP03.works(&mut sim));
    // A set without KIK takes no keys, and does what needs none.
    let mut host = Login::SCP03.open(&mut sim);
    assert_eq!(host.status(&mut sim, hex!("80E40000"), &hex!("D00103 D20102")), 0x9000);
    let mut without = Platform::new(2);
    let refused =
        without.script(&mut sim, DOMAIN, &[&hex!("80CA00C100"), &put_key(&without.clone(), 0x00, &Platform::new(2))]);
    assert_eq!((word(&refused[0]), &refused[1][..]), (0x9000, &hex!("6A88")[..]));
}

/// Locked over the air, an application or the card: what is begun in it is over, on both interfaces.
#[test]
fn locks_and_their_reverse() {
    let mut sim = sim();
    let mut platform = Platform::new(1);
    let lock = |p2: u8| [&[0x80, 0xF0, 0x40, p2, 14][..], &AID].concat();
    let select = crate::application::select();
    sim.radio(&select);
    let begun = sim.radio(&hex!("805001020B 01 00000000 001122334455"));
    assert!(begun.ends_with(&hex!("9000")));
    assert_eq!(platform.script(&mut sim, DOMAIN, &[&lock(0x80)])[0], hex!("9000"));
    assert_eq!(sim.radio(&hex!("805C000204")), hex!("6985"));
    let [refused] = &platform.script(&mut sim, ENTERPRISE, &[&select])[..] else { panic!() };
    assert_eq!(refused[..], hex!("6A82"));
    assert_eq!(platform.script(&mut sim, DOMAIN, &[&lock(0x07)])[0], hex!("9000"));
    assert!(sim.radio(&select).ends_with(&hex!("9000")));
    crate::loads::suspend(&mut platform, &mut sim);
    // The card: INITIALIZED, SECURED, CARD_LOCKED and back.
    let states: Vec<&[u8]> = vec![&hex!("80F0800700"), &hex!("80F0800F00"), &hex!("80F0807F00")];
    assert_eq!(platform.script(&mut sim, DOMAIN, &states), [hex!("9000"); 3]);
    assert_eq!(platform.script(&mut sim, ENTERPRISE, &[&select])[0], hex!("6985"));
    let refused = platform.script(&mut sim, DOMAIN, &[&hex!("80F28002024F00"), &delete(&AID)]);
    assert_eq!((word(&refused[0]), &refused[1][..]), (0x9000, &hex!("6985")[..]));
    assert_eq!(platform.script(&mut sim, DOMAIN, &[&hex!("80F0800F00")])[0], hex!("9000"));
    assert!(platform.script(&mut sim, ENTERPRISE, &[&select])[0].ends_with(&hex!("9000")));
    // Terminated it answers this packet, and then none.
    let last = platform.script(&mut sim, DOMAIN, &[&hex!("80F080FF00"), &hex!("80F28002024F00")]);
    assert_eq!(last, [hex!("9000"), hex!("6985")]);
    let packet = platform.next(SECURED, DOMAIN, &hex!("80CA00E000"));
    let answer = sim.send(&crate::platform::envelope(&crate::platform::tpdu(&crate::platform::parts(&packet, 0)[0])));
    assert_eq!(answer, hex!("6985"));
}

/// STORE DATA to the toolkit applet spans the commands of a packet, and the packets of a chain.
#[test]
fn what_the_operator_sets_over_the_air() {
    let mut sim = sim();
    let mut platform = Platform::new(1);
    let personalize = hex!("80E620000C 0000 06 F04F4E454311 000000");
    let store = hex!("80E2880004 5005 01 06");
    assert_eq!(
        platform.script(&mut sim, DOMAIN, &[&personalize, &store]),
        [hex!("00 9000").to_vec(), hex!("9000").to_vec()]
    );
    assert_eq!(
        platform.script(&mut sim, DOMAIN, &[&store])[0],
        hex!("6A80"),
        "the domain's own objects have no such group"
    );
    let chain = |byte: u8, command: &[u8]| template(&[&[0x83, 1, byte][..], &object(0x22, command)].concat());
    assert_eq!(answers(&platform.send(&mut sim, DOMAIN, &chain(1, &personalize)))[0], hex!("00 9000"));
    assert_eq!(answers(&platform.send(&mut sim, DOMAIN, &chain(3, &store)))[0], hex!("9000"));
    // Keys that go by a secure channel take the chain with them.
    assert_eq!(answers(&platform.send(&mut sim, DOMAIN, &chain(1, &personalize)))[0], hex!("00 9000"));
    let mut host = Login::SCP03.open(&mut sim);
    assert_eq!(host.status(&mut sim, hex!("80E40000"), &hex!("D20104")), 0x9000);
    assert_eq!(platform.send(&mut sim, DOMAIN, &chain(3, &store)), hex!("AB 06 830101 800100"));
}
