//! The request to delete an application: its packet, opened here by hand; what becomes of its message; its counter.

use std::sync::LazyLock;

use aes::{Aes128Dec, Aes128Enc};
use cipher::{BlockCipherDecrypt, KeyInit};
use cmac::{Cmac, Mac};
use hex_literal::hex;
use onecard_applet::PAGE_SIZE;

use crate::{
    chip::Chip,
    image::{KIC, KID, PLATFORM, card_with, empty, set_up, store, with_applications_of},
    phone::{ALL, Act, Act::*, Fetched, OK, Phone},
    sim::Sim,
};

fn chip() -> Chip {
    static MADE: LazyLock<Chip> = LazyLock::new(|| set_up(with_applications_of(&card_with(1))));
    MADE.clone()
}

fn boot(chip: Chip) -> Phone {
    Phone::boot(Sim::insert(chip), &ALL, *b"zh")
}

/// Asks for the deletion, up to the message.
fn ask(phone: &mut Phone) -> Fetched {
    let mut shown = phone.open();
    for act in [Choose(4), Type("13579"), Choose(1)] {
        phone.respond(&shown, &act);
        shown = phone.serve().unwrap();
    }
    assert_eq!(shown.kind, 0x13, "{}", shown.line());
    shown
}

struct Opened {
    counter: u64,
    body: Vec<u8>,
}

/// Deciphers the packet in a SEND SHORT MESSAGE and checks all of it.
fn open(command: &Fetched) -> Opened {
    assert_eq!(command.qualifier, 0x00);
    let tpdu = command.value(0x0B);
    let head = [&hex!("41 00 0B")[..], &PLATFORM, &hex!("7F F6")].concat();
    let user_data = tpdu.strip_prefix(&head[..]).unwrap();
    assert_eq!(user_data[0] as usize, user_data.len() - 1);
    let packet = user_data[1..].strip_prefix(&hex!("027000")).unwrap();
    assert_eq!(u16::from_be_bytes([packet[0], packet[1]]) as usize, packet.len() - 2);
    assert_eq!(packet[2..10], hex!("15 1600 12 12 4F4E45"));
    let cipher = Aes128Dec::new(&KIC.into());
    let mut previous = [0; 16];
    let mut plain = Vec::new();
    for block in packet[10..].chunks(16) {
        let mut deciphered: [u8; 16] = block.try_into().unwrap();
        cipher.decrypt_block((&mut deciphered).into());
        plain.extend(deciphered.iter().zip(previous).map(|(byte, before)| byte ^ before));
        previous = block.try_into().unwrap();
    }
    let (counters, rest) = plain.split_at(6);
    let (checksum, data) = rest.split_at(8);
    let mut mac = Cmac::<Aes128Enc>::new(&KID.into());
    [&packet[..10], counters, data].iter().for_each(|part| mac.update(part));
    assert_eq!(mac.finalize().into_bytes()[..8], *checksum);
    let padding = counters[5] as usize;
    assert!(data.ends_with(&vec![0; padding]));
    let counter = counters[..5].iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
    Opened { counter, body: data[..data.len() - padding].to_vec() }
}

#[test]
fn what_it_says() {
    let mut phone = boot(chip());
    let opened = open(&ask(&mut phone));
    let body = hex!("FF 01 F04F4E4543011000000000000001 3100100000000427 3133353739FFFFFF 7A68");
    assert_eq!((opened.counter, &opened.body[..]), (1, &body[..]));
}

#[test]
fn each_has_its_own_counter_also_after_power_off() {
    let mut counters = Vec::new();
    let mut chip = chip();
    for _ in 0..20 {
        let mut phone = boot(chip);
        let sent = ask(&mut phone);
        phone.respond(&sent, &OK);
        let text = phone.serve().unwrap();
        phone.respond(&text, &OK);
        assert!(phone.serve().is_none());
        counters.push(open(&sent).counter);
        chip = phone.sim.remove();
    }
    assert_eq!(counters, (1..=20).collect::<Vec<_>>());
}

#[test]
fn what_becomes_of_the_message() {
    for result in 0..=0xFF_u8 {
        let mut phone = boot(chip());
        let sent = ask(&mut phone);
        phone.respond(&sent, &Act::Result(result, &[0x00]));
        let next = phone.serve();
        let line = next.as_ref().map(Fetched::line);
        let expected = match result {
            0x00..=0x0F => Some("[注销申请已发送，办理结果将另行通知]"),
            0x10 => None,
            0x20 | 0x21 => Some("[网络忙，稍后自动重发]"),
            _ => Some("[申请没有发出，请稍后再试]"),
        };
        assert_eq!(line.as_deref(), expected, "{result:02X}");
        if let Some(text) = next {
            phone.respond(&text, &OK);
            assert!(phone.serve().is_none(), "{result:02X}");
        }
        let timer = phone.lines.iter().any(|line| line == "timer 1 [00, 00, 03]");
        assert_eq!(timer, matches!(result, 0x20 | 0x21), "{result:02X}");
    }
    let mut phone = boot(chip());
    let sent = ask(&mut phone);
    phone.respond(&sent, &Act::Result(0x20, &[0x05]));
    assert_eq!(phone.serve().unwrap().line(), "[申请没有发出，请稍后再试]", "barred: it will not be better soon");
}

const EXPIRED: [u8; 14] = hex!("D70C 82028281 A40101 A503000003");

#[test]
fn a_busy_network_gets_the_same_bytes_three_times() {
    let mut phone = boot(chip());
    let sent = ask(&mut phone);
    for attempt in 1..=3 {
        phone.respond(&sent, &Act::Result(0x21, &[0x00]));
        let text = phone.serve().unwrap();
        phone.respond(&text, &OK);
        assert!(phone.serve().is_none());
        if attempt == 3 {
            assert_eq!(text.line(), "[申请没有发出，请稍后再试]");
            assert_eq!(phone.envelope(&EXPIRED), hex!("9000"));
            break;
        }
        assert_eq!(text.line(), "[网络忙，稍后自动重发]");
        // The menu can be used meanwhile, and the message comes when it is closed.
        let menu = phone.open();
        assert_eq!(phone.envelope(&EXPIRED), hex!("9300"));
        phone.respond(&menu, &crate::phone::CANCEL);
        assert!(phone.serve().is_none());
        assert_eq!(phone.envelope(&EXPIRED)[0], 0x91);
        assert_eq!(phone.fetch().unwrap().bytes, sent.bytes);
    }
    let next = ask(&mut phone);
    assert_eq!((open(&sent).counter, open(&next).counter), (1, 2));
}

/// The platform takes a higher number only: a second request before the first is sent would lose the first.
#[test]
fn while_one_waits_no_further_one_is_made() {
    let mut phone = boot(chip());
    let first = ask(&mut phone);
    phone.respond(&first, &Act::Result(0x21, &[0x00]));
    let text = phone.serve().unwrap();
    phone.respond(&text, &OK);
    assert!(phone.serve().is_none());
    let mut shown = phone.open();
    for act in [Choose(4), Type("24680"), Choose(1)] {
        phone.respond(&shown, &act);
        shown = phone.serve().unwrap();
    }
    assert_eq!(shown.line(), "[上次申请尚待自动重发，请稍后再试]");
    phone.respond(&shown, &crate::phone::CANCEL);
    assert!(phone.serve().is_none());
    assert_eq!(phone.envelope(&EXPIRED)[0], 0x91);
    let again = phone.fetch().unwrap();
    assert_eq!(again.bytes, first.bytes);
    phone.respond(&again, &OK);
    let text = phone.serve().unwrap();
    assert_eq!(text.line(), "[注销申请已发送，办理结果将另行通知]");
    phone.respond(&text, &OK);
    assert!(phone.serve().is_none());
    let second = ask(&mut phone);
    assert_eq!((open(&first).counter, open(&second).counter), (1, 2));
}

/// The timer was refused, or nobody knows what became of it.
#[test]
fn without_its_timer_the_message_waits_for_commands() {
    for refused in [hex!("20"), hex!("24"), hex!("30"), hex!("FF")] {
        let mut phone = boot(chip());
        let sent = ask(&mut phone);
        phone.respond(&sent, &Act::Result(0x21, &[0x00]));
        let timer = phone.fetch().unwrap();
        assert_eq!(timer.kind, 0x27);
        if refused == [0xFF] {
            assert_eq!(phone.send(&hex!("8014000003 830100")), hex!("6A80"));
        } else {
            phone.respond(&timer, &Act::Result(refused[0], &[0x00]));
            let text = phone.serve().unwrap();
            phone.respond(&text, &OK);
        }
        assert!(phone.serve().is_none());
        let open_and_close = [&hex!("0070000001")[..], &hex!("00708001")];
        assert!((0..12).any(|at| phone.send(open_and_close[at % 2])[0] == 0x91), "{refused:02X?}");
        assert_eq!(phone.fetch().unwrap().bytes, sent.bytes);
    }
}

#[test]
fn an_answer_that_is_none_ends_it_and_the_next_has_a_new_counter() {
    let mut phone = boot(chip());
    let sent = ask(&mut phone);
    assert_eq!(phone.send(&hex!("801400000C 8103001300 82028281 830100")), hex!("6A80"));
    assert!(phone.serve().is_none());
    assert_eq!(open(&sent).counter + 1, open(&ask(&mut phone)).counter);
}

#[test]
fn without_the_key_set_it_is_not_sent() {
    let mut sim = Sim::insert(chip());
    assert_eq!(store(&mut sim, &hex!("5003 01 02")), 0x9000);
    let mut phone = boot(sim.remove());
    assert_eq!(phone.walk(&[Choose(4), Type("1234"), Choose(1)])[3], "[申请没有发出，请稍后再试]");
}

#[test]
fn what_the_operator_sets() {
    let mut sim = Sim::insert(chip());
    assert_eq!(store(&mut sim, &hex!("5002 07 9168310800 2005 5004 02 1E 21")), 0x9000);
    let mut phone = boot(sim.remove());
    let sent = ask(&mut phone);
    assert_eq!(sent.value(0x06), hex!("91683108002005"));
    let tpdu = sent.value(0x0B);
    let spi = tpdu.windows(3).position(|window| window == hex!("1E2112"));
    assert!(spi.is_some(), "{tpdu:02X?}");
    // Whatever is wrong, nothing of it is kept.
    let mut sim = Sim::insert(chip());
    let wrong: [&[u8]; 15] = [
        &hex!("5001 01 91"),
        &hex!("5001 03 1121 43"),
        &hex!("5001 03 91A1 43"),
        &hex!("5001 03 91F1 43"),
        &hex!("5001 0C 91 2143658709214365870921"),
        &hex!("5001 04 912143"),
        &hex!("5003 01 00"),
        &hex!("5003 01 10"),
        &hex!("5003 02 0101"),
        &hex!("5004 02 0600"),
        &hex!("5004 02 1200"),
        &hex!("5004 02 16C0"),
        &hex!("5006 01 00"),
        &hex!("5001"),
        &hex!("5001 03 912143 5003 01 00"),
    ];
    for wrong in wrong {
        assert_eq!(store(&mut sim, wrong), 0x6A80, "{wrong:02X?}");
    }
    assert_eq!(open(&ask(&mut boot(sim.remove()))).counter, 1, "as it was");
    // Taken away: delete is not set up any more.
    let mut sim = Sim::insert(chip());
    assert_eq!(store(&mut sim, &hex!("5001 00")), 0x9000);
    assert_eq!(boot(sim.remove()).walk(&[Choose(4)])[1], "[本卡未开通自助注销，请到服务点办理]");
}

/// Power cut at every write of a request: no counter ever comes twice with other content.
#[test]
fn no_counter_is_used_twice_whatever_is_torn() {
    let whole = {
        let mut phone = boot(chip());
        let before = phone.sim.chip.0.borrow().operations;
        ask(&mut phone);
        phone.sim.chip.0.borrow().operations - before
    };
    let (mut kept, mut not_kept, mut cuts) = (0, 0, 0);
    for operation in 0..whole {
        for landing in 0..=PAGE_SIZE {
            let mut phone = boot(chip());
            let mut shown = phone.open();
            for act in [Choose(4), Type("2468")] {
                phone.respond(&shown, &act);
                shown = phone.serve().unwrap();
            }
            {
                let mut chip = phone.sim.chip.0.borrow_mut();
                (chip.operations_left, chip.landing) = (operation, landing);
            }
            let details = [0x81, 0x03, shown.number, shown.kind, shown.qualifier];
            let data = [&details[..], &hex!("82028281 830100 900101")].concat();
            let answer = phone.sim.try_send(&[&[0x80, 0x14, 0, 0, data.len() as u8][..], &data].concat());
            assert!(answer.is_err(), "an answer after the power went");
            let counter = open(&ask(&mut boot(phone.sim.remove()))).counter;
            assert!(matches!(counter, 1 | 2), "{counter}");
            if counter == 2 {
                kept += 1;
            } else {
                not_kept += 1;
            }
            cuts += 1;
        }
    }
    assert!(kept > 0 && not_kept > 0);
    println!("{cuts} cuts: {kept} numbers lost, {not_kept} not yet taken, none left the card");
}

/// The same for the choice of language: the old one or the new one.
#[test]
fn a_torn_choice_of_language_is_the_old_one_or_the_new_one() {
    let (mut old, mut new) = (0, 0);
    for operation in 0..2 {
        for landing in 0..=PAGE_SIZE {
            let mut phone = boot(empty());
            let menu = phone.open();
            phone.respond(&menu, &Choose(5));
            let languages = phone.serve().unwrap();
            {
                let mut chip = phone.sim.chip.0.borrow_mut();
                (chip.operations_left, chip.landing) = (operation, landing);
            }
            let details = [0x81, 0x03, languages.number, languages.kind, languages.qualifier];
            let data = [&details[..], &hex!("82028281 830100 900103")].concat();
            assert!(phone.sim.try_send(&[&[0x80, 0x14, 0, 0, data.len() as u8][..], &data].concat()).is_err());
            match boot(phone.sim.remove()).lines[1].as_str() {
                "menu 一卡通: 1=一卡通" => old += 1,
                "menu One Card: 1=One Card" => new += 1,
                other => panic!("{other}"),
            }
        }
    }
    assert!(old > 0 && new > 0);
}

/// Neither the password nor an open request stays in the memory.
#[test]
fn the_password_is_not_kept() {
    let mut phone = boot(chip());
    ask(&mut phone);
    assert!(!phone.sim.remembers(b"13579"));
}

#[test]
fn a_request_that_waits_is_not_sent_by_a_locked_card() {
    let mut phone = boot(chip());
    let first = ask(&mut phone);
    phone.respond(&first, &Act::Result(0x21, &[0x00]));
    let text = phone.serve().unwrap();
    phone.respond(&text, &OK);
    assert!(phone.serve().is_none());
    phone.sim.ok(&hex!("0070000001"));
    let mut host = crate::host::Login { channel: 1, ..crate::host::Login::SCP03 }.open(&mut phone.sim);
    for state in [0x07, 0x0F, 0x7F] {
        host.ok(&mut phone.sim, [0x81, 0xF0, 0x80, state], &hex!("A000000151000000"));
    }
    phone.sim.ok(&hex!("00708001"));
    phone.envelope(&EXPIRED);
    assert!(phone.serve().is_none_or(|shown| shown.kind != 0x13));
}
