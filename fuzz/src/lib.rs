//! What the searches share: a SIM to search on, and how bytes become commands.

use std::sync::OnceLock;

use onecard_applet::{Interface, Response, RfidSim};
use onecard_simulator::{
    chip::{Blank, Chip, PoweredChip},
    sample::SIM,
};

/// A SIM in a phone that is in a terminal's field.
pub struct Sim(RfidSim<PoweredChip>);

impl Sim {
    /// The same at every run.
    #[must_use]
    pub fn new() -> Self {
        static CHIP: OnceLock<Chip> = OnceLock::new();
        let chip = CHIP.get_or_init(|| Chip::blank(Blank::RfidSim(&SIM), 1).expect("the sample's data are right"));
        Self::up(chip.snapshot())
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
