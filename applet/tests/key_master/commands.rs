//! Classes, instructions, lengths: the standard's word, and nothing changes.

use hex_literal::hex;

use super::{
    ceremony::{Pair, command},
    chip::Slot,
    reference::Algorithm,
    slot::{Master, Mother},
};

const MASTER: [(u8, u8); 10] = [
    (0x00, 0xA4),
    (0x00, 0x84),
    (0x00, 0x20),
    (0x00, 0x82),
    (0x80, 0xCA),
    (0x80, 0x36),
    (0x80, 0x38),
    (0x84, 0x30),
    (0x84, 0x32),
    (0x84, 0x34),
];
const MOTHER: [(u8, u8); 5] = [(0x00, 0xA4), (0x00, 0x84), (0x00, 0x88), (0x80, 0xCA), (0x84, 0x30)];

fn expected(served: &[(u8, u8)], cla: u8, ins: u8) -> Option<u16> {
    match cla {
        0x00 | 0x04 | 0x80 | 0x84 if served.contains(&(cla, ins)) => None,
        0x00 | 0x04 | 0x80 | 0x84 if !served.iter().any(|(_, known)| *known == ins) => Some(0x6D00),
        _ => Some(0x6E00),
    }
}

#[test]
fn every_class_and_instruction() {
    let pair = Pair::with_keys(Algorithm::Aes);
    let (mut master, mut mother) = (pair.master, pair.mother);
    for cla in 0..=255 {
        for ins in 0..=255 {
            if let Some(word) = expected(&MASTER, cla, ins) {
                assert_eq!(master.status(&[cla, ins, 0, 0]), word, "{cla:02X} {ins:02X}");
            }
            if let Some(word) = expected(&MOTHER, cla, ins) {
                assert_eq!(mother.status(&[cla, ins, 0, 0]), word, "{cla:02X} {ins:02X}");
            }
        }
    }
    // Through all that it has stayed open.
    master.ok(&hex!("80CA00E100"));
}

/// Every P1, P2 and length of every command, on a blank card, a closed and an open one: none of them writes, answers data
/// or does anything but GET DATA, GET CHALLENGE and SELECT.
#[test]
fn every_parameter_and_length() {
    let reading = [0xA4, 0x84, 0xCA];
    for state in 0..3 {
        let mut master = match state {
            0 => Master::blank(),
            1 => Pair::with_keys(Algorithm::Aes).power_cycled().master,
            _ => Pair::with_keys(Algorithm::Aes).master,
        };
        let image = |master: &Master| master.chip.0.borrow().bytes.clone();
        let before = image(&master);
        for (cla, ins) in MASTER {
            for parameter in 0..=255 {
                for (p1, p2) in [(parameter, 0x00), (0x00, parameter), (parameter, parameter)] {
                    for length in [0, 1, 8, 16, 18, 22, 24, 35, 112, 239] {
                        let order = [&[cla, ins, p1, p2, length as u8][..], &vec![0xA5; length]].concat();
                        if ins == 0x20 && (p1, p2, length) == (0, 0, 8) {
                            continue;
                        }
                        if ins == 0x82 && (p1, p2, length) == (0, 0, 16) {
                            continue;
                        }
                        let (data, status) = master.send(&order);
                        assert!(reading.contains(&ins) || (data.is_empty() && status != 0x9000), "{order:02X?}");
                    }
                }
            }
        }
        assert!(image(&master) == before, "something was written");
    }
}

#[test]
fn malformed_commands() {
    let mut pair = Pair::with_keys(Algorithm::Aes);
    for malformed in [&[][..], &hex!("00A404"), &hex!("0020000009 00"), &hex!("80CA00C0 02 00"), &[0x80; 260]] {
        assert_eq!(pair.master.status(malformed), 0x6700);
        assert_eq!(pair.mother.status(malformed), 0x6700);
    }
    assert_eq!(pair.master.status(&hex!("0084000004")), 0x6700);
    assert_eq!(pair.master.status(&hex!("00840000")), 0x6700);
    assert_eq!(pair.master.status(&hex!("80CA00C01A")), 0x6C1B);
    assert_eq!(pair.master.status(&hex!("80CA00E001")), 0x6C84);
    assert_eq!(pair.master.status(&hex!("80CA00C1")), 0x6A86);
    assert_eq!(pair.master.status(&hex!("80CA01C0")), 0x6A86);
    assert_eq!(pair.mother.status(&hex!("80CA00E0")), 0x6A86);
    assert_eq!(pair.mother.status(&hex!("80CA00C012")), 0x6C11);
    assert_eq!(pair.mother.status(&[&command(hex!("00880000"), &[0; 8])[..], &[8]].concat()), 0x6C10);
    // VERIFY with an Le: no try is spent.
    assert_eq!(pair.master.status(&hex!("0020000008 3030303030303030 00")), 0x6700);
    assert_eq!(pair.report().pin_tries, 3);
}

/// A chip is one kind of card.
#[test]
fn no_other_card_comes_up_on_the_chip() {
    use super::slot::Card;
    for chip in [Master::blank().remove(), Mother::blank().remove()] {
        let shared = || super::chip::Shared(std::rc::Rc::new(std::cell::RefCell::new(chip.clone())));
        let up = [
            onecard_applet::Card::power_up(shared()).is_ok(),
            onecard_applet::RfidSim::power_up(shared()).is_ok(),
            <onecard_applet::KeyMasterCard<_> as Card>::up(shared()).is_ok(),
            <onecard_applet::MotherAuthenticationCard<_> as Card>::up(shared()).is_ok(),
        ];
        assert_eq!(up.iter().filter(|up| **up).count(), 1);
        assert!(!up[0] && !up[1]);
    }
}
