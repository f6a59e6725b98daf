//! What is said of an application in every state.

use hex_literal::hex;

use crate::{
    application::{VERIFY, done, protected},
    chip::Chip,
    deal::Deal,
    desk::Desk,
    host::Login,
    image::{card_with, lock_by_domain, set_up, with_applications_of},
    phone::{ALL, Act::*, Phone},
    sim::Sim,
};

fn phone(chip: Chip, language: &[u8; 2]) -> Phone {
    Phone::boot(Sim::insert(chip), &ALL, *language)
}

/// Balance and card information, on that day.
fn told(chip: &Chip, language: &[u8; 2], date: [u8; 7]) -> (String, String) {
    let mut phone = phone(chip.clone(), language);
    phone.date = date;
    let balance = phone.walk(&[Choose(1)]).remove(1);
    (balance, phone.walk(&[Choose(2)]).remove(1))
}

const TODAY: [u8; 7] = hex!("62119270000023");

/// Both texts end with what is said of the state.
fn ends(chip: &Chip, date: [u8; 7], chinese: &str, english: &str) {
    let (balance, information) = told(chip, b"zh", date);
    assert!(balance.ends_with(&format!(" / {chinese}]")), "{balance}");
    assert!(information.ends_with(&format!(" / 状态 {chinese}]")), "{information}");
    let (balance, information) = told(chip, b"en", date);
    assert!(balance.ends_with(&format!(" / {english}]")), "{balance}");
    assert!(information.ends_with(&format!(" / State {english}]")), "{information}");
}

fn with_parameters(content: &[u8]) -> Chip {
    let mut desk = Desk::with_money(100, 200);
    done(&protected(&mut desk.reader, 0x00, hex!("04D69700"), content));
    with_applications_of(&desk.reader.remove())
}

#[test]
fn suspended_and_lost() {
    ends(&with_parameters(&[0x01]), TODAY, "已停用", "suspended");
    ends(&with_parameters(&[0x03]), TODAY, "已挂失", "reported lost");
    ends(&with_parameters(&[0x77]), TODAY, "已停用", "suspended");
}

#[test]
fn blocked_and_locked() {
    let mut desk = Desk::with_money(100, 200);
    done(&protected(&mut desk.reader, 0x00, hex!("841E0000"), &[]));
    ends(&with_applications_of(&desk.reader.remove()), TODAY, "已锁定", "blocked");
    let mut desk = Desk::with_money(100, 200);
    done(&protected(&mut desk.reader, 0x00, hex!("841E0001"), &[]));
    ends(&with_applications_of(&desk.reader.remove()), TODAY, "已永久锁定", "blocked for good");
    let mut chip = with_applications_of(&Desk::with_money(100, 200).reader.remove());
    lock_by_domain(&mut chip, 0);
    ends(&chip, TODAY, "已被运营商锁定", "locked by the operator");
}

#[test]
fn outside_its_dates() {
    let chip = with_applications_of(&Desk::with_money(100, 200).reader.remove());
    ends(&chip, hex!("92101000000023"), "已过有效期", "expired");
    assert!(told(&chip, b"zh", hex!("82211300000023")).1.ends_with("正常]"), "the last day");
    let unused = with_applications_of(&card_with(1));
    ends(&unused, hex!("52211300000023"), "未到有效期", "not yet valid");
    let no_date = hex!("FFFFFFFFFFFFFF");
    assert!(told(&chip, b"en", no_date).1.ends_with("normal]"), "nobody knows the day");
}

#[test]
fn a_balance_that_expires() {
    let mut content = [0; 12];
    content[8..].copy_from_slice(&hex!("20261129"));
    let chip = with_parameters(&content);
    assert!(told(&chip, b"zh", TODAY).0.ends_with("余额有效期至 2026-11-29]"));
    assert!(told(&chip, b"zh", hex!("62110300000023")).0.ends_with("余额已过期 2026-11-29]"));
    assert!(told(&chip, b"en", TODAY).0.ends_with("Balance valid until 2026-11-29]"));
    // A phone that knows no date: the card has seen the 22nd of July.
    content[8..].copy_from_slice(&hex!("20260721"));
    let seen = told(&with_parameters(&content), b"en", hex!("FFFFFFFFFFFFFF")).0;
    assert!(seen.ends_with("Balance has expired 2026-07-21]"), "{seen}");
}

#[test]
fn credit_is_named() {
    let mut desk = Desk::with_money(100, 200);
    desk.reader.ok(VERIFY);
    desk.done(&Deal::new(0x07, 5000));
    let chip = with_applications_of(&desk.reader.remove());
    assert_eq!(
        told(&chip, b"zh", TODAY).0,
        "[3100 0000 0000 0018 / 电子钱包 2.00 元 / 电子存折 51.00 元 / (含透支额度 50.00) / 余额长期有效]"
    );
    assert!(told(&chip, b"en", TODAY).0.contains("Deposit 51.00 yuan / (overdraft included 50.00)"));
}

#[test]
fn one_that_is_not_issued() {
    let mut chip = with_applications_of(&card_with(1));
    // The serial in EF 0015, which is nowhere else.
    let serial = hex!("0000 3100100000000427");
    let at = chip.bytes.windows(10).position(|window| window == serial).unwrap();
    chip.bytes[at..at + 10].fill(0);
    ends(&chip, TODAY, "未启用", "not yet issued");
    for (language, refused) in
        [(b"zh", "[该应用未启用，不能注销]"), (b"en", "[This application is not yet issued and cannot be deleted]")]
    {
        assert_eq!(phone(set_up(chip.clone()), language).walk(&[Choose(4)])[1], refused);
    }
}

/// The largest numbers there are still fit one text.
#[test]
fn the_longest_texts_fit() {
    let mut content = [0; 12];
    content[0] = 0x01;
    content[8..].copy_from_slice(&hex!("20260721"));
    let mut desk = Desk::with_money(1, u32::MAX - 1);
    desk.done(&Deal::new(0x07, 0x00FF_FFFF));
    desk.done(&Deal::new(0x01, u32::MAX - 0x0100_0000));
    for _ in 0..3 {
        desk.done(&Deal::new(0x0B, 10));
        desk.done(&Deal::new(0x02, 10));
    }
    done(&protected(&mut desk.reader, 0x00, hex!("04D69700"), &content));
    let chip = with_applications_of(&desk.reader.remove());
    for language in [b"zh", b"en"] {
        let mut phone = phone(chip.clone(), language);
        let lines = [phone.walk(&[Choose(1)]), phone.walk(&[Choose(2)]), phone.walk(&[Choose(3), OK_AGAIN, OK_AGAIN])];
        println!("{lines:#?}");
        assert!(lines[0][1].contains("42949672.94") && lines[0][1].contains("167772.15"));
    }
}

const OK_AGAIN: crate::phone::Act = crate::phone::OK;

/// A locked card says so of itself, of every application, and asks nobody to delete anything.
#[test]
fn the_card_locked() {
    const DOMAIN: [u8; 8] = hex!("A000000151000000");
    let lock = |sim: &mut Sim, states: &[u8]| {
        sim.ok(&hex!("0070000001"));
        let mut host = Login { channel: 1, ..Login::SCP03 }.open(sim);
        states.iter().for_each(|state| drop(host.ok(sim, [0x81, 0xF0, 0x80, *state], &DOMAIN)));
        sim.ok(&hex!("00708001"));
    };
    let chip = set_up(with_applications_of(&card_with(1)));
    let mut sim = Sim::insert(chip.clone());
    lock(&mut sim, &[0x07, 0x0F, 0x7F]);
    let locked = sim.remove();
    ends(&locked, TODAY, "卡已被运营商锁定", "card locked by the operator");
    let lines = phone(locked.clone(), b"zh").walk(&[Choose(4)]);
    assert!(lines[1].contains("卡已被运营商锁定，不能注销"), "{lines:#?}");
    let lines = phone(locked, b"en").walk(&[Choose(4)]);
    assert!(lines[1].contains("The card is locked by the operator, nothing can be deleted"), "{lines:#?}");
    // Locked while the last question is on the screen: nothing is sent.
    let mut phone = phone(chip, b"en");
    let mut shown = phone.open();
    for act in [Choose(4), Type("13579")] {
        phone.respond(&shown, &act);
        shown = phone.serve().unwrap();
    }
    lock(&mut phone.sim, &[0x07, 0x0F, 0x7F]);
    phone.respond(&shown, &Choose(1));
    let told = phone.serve().unwrap();
    assert!(told.line().contains("nothing can be deleted"), "{}", told.line());
    assert_eq!(told.kind, 0x21);
}
