//! Free tries by cutting the power.

use onecard_host::{
    card::{Pin, external_authentication, reload_command},
    crypto::Key,
    transport::Transport,
};
use onecard_simulator::{
    chip::Chip,
    reader::Reader,
    tear::{Cut, Tear},
};

use crate::{
    commands::{READING, RELOAD, specimen},
    probe::{bytes, line_key},
};

/// 18: the power is cut around the counter. At every operation the guesser either learns nothing, or has spent his try: up to
/// the moment the try is spent the memory is the same, byte by byte, with the right secret as with a wrong one.
#[test]
fn attack_18_no_power_cut_gives_a_free_try() {
    let mut probe = specimen();
    probe.power_cycle();
    let chip = probe.into_chip();
    let guesses: [Guess; 4] = [verify, change_pin, authenticate, reload];
    for guess in guesses {
        let mut reader = entered(chip.snapshot());
        guess(&mut reader, false).unwrap();
        let operations = reader.remove().operations();
        let mut spent = false;
        for operation in 0..operations {
            for tear in [Tear::BEFORE, Tear::AFTER] {
                let torn_at = |right| torn(&chip, Cut { operation, tear }, guess, right);
                if !spent {
                    let (wrong, right) = (torn_at(false).remove(), torn_at(true).remove());
                    assert!(wrong.image() == right.image(), "{operation}: the memory tells the secrets apart");
                }
                let mut reader = torn_at(false);
                reader.tap();
                enter(&mut reader);
                let spent_now = tries_left(&mut reader, guess) == 1;
                assert!(spent_now || !spent, "a try once spent stays spent");
                spent = spent_now;
            }
        }
        assert!(spent, "the try is spent before the answer");
    }
}

/// Tries a right or a wrong secret; `None` without an answer.
type Guess = fn(&mut Reader, bool) -> Option<u16>;

/// A reader in which the power went during the guess.
fn torn(chip: &Chip, cut: Cut, guess: Guess, right: bool) -> Reader {
    let mut chip = chip.snapshot();
    chip.cut_power_at(cut);
    let mut reader = entered(chip);
    assert_eq!(guess(&mut reader, right), None, "there is no answer");
    reader
}

fn enter(reader: &mut Reader) {
    reader.transmit(&bytes("00A4000002DF01")).unwrap();
}

fn entered(chip: Chip) -> Reader {
    let mut reader = Reader::insert(chip);
    enter(&mut reader);
    reader
}

fn answered(reader: &mut Reader, command: &[u8]) -> Option<u16> {
    let answer = reader.transmit(command).ok()?;
    Some(u16::from_be_bytes(*answer.last_chunk().unwrap()))
}

fn verify(reader: &mut Reader, right: bool) -> Option<u16> {
    answered(reader, &bytes(if right { "0020000003123456" } else { "0020000003999999" }))
}

fn change_pin(reader: &mut Reader, right: bool) -> Option<u16> {
    answered(reader, &bytes(if right { "805E010007123456FF654321" } else { "805E010007999999FF654321" }))
}

fn authenticate(reader: &mut Reader, right: bool) -> Option<u16> {
    let answer = reader.transmit(&bytes("0084000004")).unwrap();
    let challenge = onecard_host::line_protection::Challenge::from_random(*answer.first_chunk().unwrap());
    let key = line_key(if right { &READING } else { &[0x13; 16] });
    answered(reader, &external_authentication(0x01, challenge, &key).to_bytes())
}

fn reload(reader: &mut Reader, right: bool) -> Option<u16> {
    let key = Key::from_bytes(if right { RELOAD } else { [0x13; 16] });
    answered(reader, &reload_command(&Pin::from_digits("654321").unwrap(), &key).unwrap().to_bytes())
}

/// Tries left after one more wrong guess; RELOAD PIN does not say, so it is guessed until its key is locked.
fn tries_left(reader: &mut Reader, guess: Guess) -> u16 {
    for left in (0..4).rev() {
        match guess(reader, false) {
            Some(0x63C0) => return 3 - left,
            Some(0x6983) => return 2 - left,
            _ => {}
        }
    }
    panic!("it never locks")
}
