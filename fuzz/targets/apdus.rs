//! Commands of a stranger on both interfaces.
#![no_main]
use libfuzzer_sys::fuzz_target;
use onecard_applet::Interface;
use onecard_fuzz::Sim;

fuzz_target!(|bytes: &[u8]| {
    let mut sim = Sim::new();
    let mut rest = bytes;
    while let [head, tail @ ..] = rest {
        let length = usize::from(*head >> 1).min(tail.len());
        let (command, behind) = tail.split_at(length);
        let interface = if head & 1 == 0 { Interface::Contact } else { Interface::Radio };
        sim.send(interface, command);
        rest = behind;
    }
    sim.tapped();
});
