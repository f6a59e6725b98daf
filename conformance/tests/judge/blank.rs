//! Which cards are not written to, and what it costs them to be looked at.

use std::{cell::RefCell, rc::Rc};

use onecard_conformance::{Mode, Order, Report, RunError, TestedCard};
use onecard_host::{
    crypto::{DesKey, LineKey},
    transport::Transport,
};
use rand::{SeedableRng, rngs::ChaCha8Rng};

use crate::{
    bench::{Simulated, blank},
    faulty::{Break, Faulty, is, says},
};

fn write(card: &mut dyn TestedCard, as_sold: bool) -> Result<Report, RunError> {
    let order = Order { mode: Mode::Write, application: vec![0xA0; 8], as_sold, ..Order::default() };
    order.run(card, &mut ChaCha8Rng::seed_from_u64(3), &mut |_, _| ())
}

/// A card of another maker: it has no list of keys, and says so by this word.
fn foreign(word: u16) -> Break {
    Box::new(move |_, command, ask| if is(command, &[0x80, 0xCA]) { says(word) } else { ask(command) })
}

fn select_mf_and_open(card: &mut Simulated, key: &LineKey) -> Vec<u8> {
    card.power_cycle().unwrap();
    card.transmit(&[0x00, 0xA4, 0x00, 0x00, 0x02, 0x3F, 0x00]).unwrap();
    let challenge = card.transmit(&[0x00, 0x84, 0x00, 0x00, 0x04]).unwrap();
    let cryptogram = key.encipher(&[&challenge[..4], &[0; 4]].concat());
    card.transmit(&[&[0x00, 0x82, 0x00, 0x00, 0x08], cryptogram.as_slice()].concat()).unwrap()
}

const OTHER_KEY: [u8; 8] = [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88];

/// A blank card whose key has three tries, as the transport key has, and another value.
fn of_another_key() -> Simulated {
    let (mut card, _) = blank();
    assert_eq!(select_mf_and_open(&mut card, &DesKey::TRANSPORT.into()), [0x90, 0x00]);
    for command in [
        &[0x80, 0x0E, 0x00, 0x00][..],
        &[0x80, 0xE0, 0x00, 0x00, 0x07, 0x3F, 0x00, 0x50, 0x01, 0x0F, 0xFF, 0xFF],
        &[&[0x80, 0xD4, 0x01, 0x00, 0x0D, 0x39, 0xF0, 0x0F, 0x0F, 0x33], &OTHER_KEY[..]].concat(),
    ] {
        assert_eq!(card.transmit(command).unwrap(), [0x90, 0x00], "{command:02X?}");
    }
    card
}

#[test]
fn a_card_of_another_key_loses_one_try_a_run_and_is_not_written_to() {
    let mut card = of_another_key();
    for words in [["63C2", "2 tries are left"], ["63C1", "1 try is left, the last"]] {
        let authentications = Rc::new(RefCell::new(0));
        let counted = Rc::clone(&authentications);
        let mut faulty = Faulty::new(
            card,
            Box::new(move |_, command, ask| {
                assert!(!matches!(command, [_, 0x0E | 0xE0 | 0xD4 | 0xD6, ..]), "{command:02X?}");
                *counted.borrow_mut() += usize::from(is(command, &[0x00, 0x82]));
                if is(command, &[0x80, 0xCA]) { says(0x6D00) } else { ask(command) }
            }),
        );
        let refused = write(&mut faulty, true).unwrap_err();
        assert!(matches!(refused, RunError::OtherKey(_)), "{refused}");
        let told = refused.to_string();
        assert!(words.iter().all(|word| told.contains(word)) && told.contains("Do not run this again"), "{told}");
        assert_eq!(*authentications.borrow(), 1);
        card = faulty.into_inner();
    }
    // It lists its keys now: with one try left, none is spent.
    let refused = write(&mut card, false).unwrap_err();
    assert!(matches!(&refused, RunError::NotBlank(why) if why.contains("one try left")), "{refused}");
    let opened = select_mf_and_open(&mut card, &DesKey::from_bytes(OTHER_KEY).into());
    assert_eq!(opened, [0x90, 0x00], "the last try is still there");
}

#[test]
fn a_card_that_seems_erased_is_not_taken_for_blank() {
    // 6A82 to a command it does not know: nobody vouches for it, and it has another key.
    let (card, _) = blank();
    let refused = write(&mut Faulty::new(card, foreign(0x6A82)), false).unwrap_err();
    assert!(matches!(refused, RunError::UnknownTries), "{refused}");
    let refused = write(&mut Faulty::new(of_another_key(), foreign(0x6A82)), true).unwrap_err();
    assert!(matches!(refused, RunError::OtherKey(_)), "{refused}");
    // It has the transport key after all.
    let (card, _) = blank();
    let report = write(&mut Faulty::new(card, foreign(0x6A82)), true).unwrap();
    assert_eq!(report.failures().count(), 0, "{}", report.text());
}

#[test]
fn whatever_is_in_the_master_file_is_found() {
    for fid in [0x0007_u16, 0x001F, 0x1001, 0x3F17, 0x3FFE, 0xADF1, 0xDDF1, 0xDF42, 0xDF7E, 0xDFFE] {
        for word in [0x6A82, 0x6D00] {
            let (mut card, _) = blank();
            let before = card.image();
            let [high, low] = fid.to_be_bytes();
            let mut list = foreign(word);
            let mut card = Faulty::new(
                card,
                Box::new(move |seen, command, ask| {
                    assert!(!is(command, &[0x00, 0x82]), "no try is spent on it");
                    let there = command == [0x00, 0xA4, 0x00, 0x00, 0x02, high, low];
                    if there { says(0x9000) } else { list(seen, command, ask) }
                }),
            );
            let refused = write(&mut card, true).unwrap_err();
            let named = format!("{fid:04X}");
            assert!(matches!(&refused, RunError::NotBlank(why) if why.contains(&named)), "{fid:04X}: {refused}");
            assert!(card.image() == before);
        }
    }
}
