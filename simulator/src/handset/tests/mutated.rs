//! Published commands with a byte changed: the phone answers each once, or says that it cannot be read.

use std::time::Duration;

use onecard_vectors::Vectors;

use super::super::{Handset, HandsetError, Settings, played_card::PlayedCard, screen::Screen};

#[test]
fn a_changed_command_is_answered_once_or_unreadable() {
    let (mut answered, mut unreadable, mut shown) = (0, 0, 0);
    for vector in Vectors::embedded().unwrap().toolkit_command {
        for at in 0..vector.body.bytes.len() {
            for change in [0x01, 0x80, 0xFF] {
                let mut command = vector.body.bytes.clone();
                command[at] ^= change;
                let card = PlayedCard::wanting(&[&command]);
                let mut phone = Handset::new(card.clone(), Settings::default());
                let booted = phone.boot();
                let responses = match (booted, phone.screen()) {
                    (Err(HandsetError::Unreadable { .. }), _) => {
                        unreadable += 1;
                        0
                    }
                    (Ok(()), Screen::Idle(_)) => {
                        answered += 1;
                        1
                    }
                    (Ok(()), _) => {
                        shown += 1;
                        phone.wait(Duration::from_secs(5 * 3600)).unwrap();
                        1
                    }
                    (Err(error), _) => panic!("{} byte {at} ^ {change:02X}: {error}", vector.name),
                };
                let card = card.played();
                // A reset is the one thing that is not answered.
                let responses = if card.resets > 1 { 0 } else { responses };
                assert_eq!(card.responses.len(), responses, "{} byte {at} ^ {change:02X}", vector.name);
            }
        }
    }
    println!("{answered} answered at once, {shown} shown, {unreadable} unreadable");
    assert!(answered > 1_000 && unreadable > 1_000 && shown > 1_000);
}
