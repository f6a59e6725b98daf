//! What the searches share: a SIM to search on, and how bytes become commands.

use std::sync::OnceLock;

use onecard_applet::{Interface, Response, RfidSim};
use onecard_simulator::{
    chip::{Chip, PoweredChip},
    sample::{SIM, Sample},
};
use onecard_wire::number::ApplicationSerial;

/// A SIM in a phone that is in a terminal's field, with two enterprises' applications on it.
pub struct Sim(RfidSim<PoweredChip>);

impl Sim {
    /// The same at every run.
    #[must_use]
    pub fn new() -> Self {
        static CHIP: OnceLock<Chip> = OnceLock::new();
        Self::up(CHIP.get_or_init(personalised).snapshot())
    }

    /// The same after a power-off.
    #[must_use]
    pub fn tapped(self) -> Self {
        Self::up(self.0.power_down().power_off())
    }

    /// The whole answer; a chip whose power nobody cuts has one.
    pub fn send(&mut self, interface: Interface, command: &[u8]) -> Vec<u8> {
        let mut answer = Response::new();
        self.0.process(interface, command, &mut answer).expect("nobody cuts the power");
        assert!(answer.len() >= 2, "no status word to {command:02X?}");
        answer.to_vec()
    }

    fn up(chip: Chip) -> Self {
        match RfidSim::power_up(chip.power_on()) {
            Ok(sim) => Self(sim),
            Err(dead) => panic!("it does not come up: {:?}", dead.cause),
        }
    }
}

impl Default for Sim {
    fn default() -> Self {
        Self::new()
    }
}

/// SELECT of the application of the first enterprise, or the second.
#[must_use]
pub fn select(enterprise: u8) -> Vec<u8> {
    let name = [0xF0, 0x4F, 0x4E, 0x45, 0x43, 0x01, 0x10, 0, 0, 0, 0, 0, 0, enterprise];
    [&[0x00, 0xA4, 0x04, 0x00, 14][..], &name, &[0x00]].concat()
}

fn personalised() -> Chip {
    let mut sample = Sample::new("searches").expect("the sample is right");
    let mut chip = sample.sim(SIM.iccid).expect("the sample's data are right");
    for number in 1..=2 {
        let enterprise = format!("100000000000000{number}").parse().expect("16 digits");
        let serial = ApplicationSerial::from_parts(31, 1, number).expect("a serial");
        chip = sample.install(chip, enterprise, serial).expect("there is room");
    }
    chip
}
