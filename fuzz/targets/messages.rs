//! Short messages of a stranger, whole and in parts, and packets of one who has the operator's keys and says in them whatever he
//! likes. Neither moves a balance: no key set is an enterprise's. The SIM answers as clause 19.1 has it, and comes up again.
#![no_main]
use libfuzzer_sys::fuzz_target;
use onecard_applet::Interface;
use onecard_fuzz::{Operator, Sim, envelope, select};

/// Nothing was loaded.
const BALANCE: [u8; 6] = [0, 0, 0, 0, 0x90, 0x00];
/// Length of an application's FCI.
const FCI_LEN: usize = 53;
/// More proactive commands in a row than a proof has parts.
const FETCHES_MAX: usize = 64;

fuzz_target!(|bytes: &[u8]| {
    let mut sim = Sim::new();
    let mut operator = Operator::new();
    sim.send(Interface::Contact, &[&[0x80, 0x10, 0x00, 0x00, 20][..], &[0xFF; 20]].concat());
    served(&mut sim);
    let mut rest = bytes;
    while let [head, length, tail @ ..] = rest {
        let (said, behind) = tail.split_at(usize::from(*length).min(tail.len()));
        rest = behind;
        match head {
            0x00..=0x7F => operator.messages(*head, said).iter().for_each(|message| answered(&mut sim, message)),
            0x80..=0xBF => answered(&mut sim, said),
            0xC0..=0xDF => drop(sim.send(Interface::Contact, said)),
            _ => drop(sim.send(Interface::Radio, said)),
        }
    }
    let mut sim = sim.tapped();
    for enterprise in 1..=2 {
        // With the operator's keys an application may go or be locked; where one is left, no money came.
        if sim.send(Interface::Radio, &select(enterprise)).get(FCI_LEN..) == Some(&[0x90, 0x00][..]) {
            assert_eq!(sim.send(Interface::Radio, &[0x80, 0x5C, 0x00, 0x02, 0x04]), BALANCE);
        }
    }
});

/// A message for the card by its user data: 9000 and a proof at most, 91xx, 9300, or what a card at its end says.
fn answered(sim: &mut Sim, user_data: &[u8]) {
    let answer = sim.send(Interface::Contact, &envelope(user_data));
    let (proof, status) = answer.split_at(answer.len() - 2);
    assert!(matches!(status, [0x90 | 0x93, 0x00] | [0x91, _] | [0x69, 0x85]), "{status:02X?}");
    assert!(proof.is_empty() || (proof.starts_with(&[0x02, 0x71, 0x00]) && proof.len() <= 128), "{proof:02X?}");
    served(sim);
}

/// A phone that does whatever it is told.
fn served(sim: &mut Sim) {
    for _ in 0..FETCHES_MAX {
        let command = sim.send(Interface::Contact, &[0x80, 0x12, 0x00, 0x00, 0x00]);
        let Some(details) = command.windows(5).find(|bytes| bytes.starts_with(&[0x81, 0x03])) else { return };
        let body = [details, &[0x82, 0x02, 0x82, 0x81, 0x83, 0x01, 0x00]].concat();
        sim.send(Interface::Contact, &[&[0x80, 0x14, 0x00, 0x00, body.len() as u8][..], &body].concat());
    }
    panic!("the toolkit does not come to rest");
}
