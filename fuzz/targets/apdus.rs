//! Commands of a stranger on both interfaces. He has no key: whatever he sends, no balance moves, and the SIM comes up again.
#![no_main]
use libfuzzer_sys::fuzz_target;
use onecard_applet::Interface;
use onecard_fuzz::{Sim, select};

/// Nothing was loaded.
const BALANCE: [u8; 6] = [0, 0, 0, 0, 0x90, 0x00];

fuzz_target!(|bytes: &[u8]| {
    let mut sim = Sim::new();
    let mut rest = bytes;
    // Bit 1: the interface. Above it, a length, or what lengths leave free: a SELECT that random bytes would not find.
    while let [head, tail @ ..] = rest {
        let interface = if head & 1 == 0 { Interface::Contact } else { Interface::Radio };
        let (command, behind) = match head >> 1 {
            shortcut @ 0x7E..=0x7F => (select(shortcut - 0x7D), tail),
            length => {
                let (command, behind) = tail.split_at(usize::from(length).min(tail.len()));
                (command.to_vec(), behind)
            }
        };
        sim.send(interface, &command);
        rest = behind;
    }
    let mut sim = sim.tapped();
    for enterprise in 1..=2 {
        // A stranger may end the card's life over the contacts, if he has its keys; he has not.
        assert_eq!(sim.send(Interface::Radio, &select(enterprise)).get(53..), Some(&[0x90, 0x00][..]));
        assert_eq!(sim.send(Interface::Radio, &[0x80, 0x5C, 0x00, 0x02, 0x04]), BALANCE);
    }
});
