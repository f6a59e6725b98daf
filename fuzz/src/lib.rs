//! What the searches share: a SIM to search on, and how bytes become commands.

pub mod key_master;

use std::sync::OnceLock;

use onecard_applet::{Interface, Response, RfidSim};
use onecard_host::over_the_air::{
    CommandPacket, OtaKeySet, PacketCounter, PacketKeys, PacketTerms, RedundancyCheck, SetVersion, Spi, Tar,
    message::{PacketKind, Reference, divide},
};
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

/// ENVELOPE (SMS-PP DOWNLOAD) with that user data, as far as one command holds them.
#[must_use]
pub fn envelope(user_data: &[u8]) -> Vec<u8> {
    let long = |bytes: &[u8]| match bytes.len() {
        short @ 0..=0x7F => vec![short as u8],
        length => vec![0x81, length as u8],
    };
    let user_data = &user_data[..user_data.len().min(140)];
    let head = [0x44, 0x04, 0x91, 0x21, 0x43, 0x7F, 0xF6, 0x62, 0x11, 0x92, 0x71, 0x30, 0x45, 0x23];
    let tpdu = [&head[..], &[user_data.len() as u8], user_data].concat();
    let body = [&[0x82, 0x02, 0x83, 0x81, 0x8B][..], &long(&tpdu), &tpdu].concat();
    let data = [&[0xD1][..], &long(&body), &body].concat();
    [&[0x80, 0xC2, 0x00, 0x00, data.len() as u8][..], &data].concat()
}

/// One who has the SIM's key set over the air.
pub struct Operator {
    keys: PacketKeys,
    counter: u64,
}

impl Operator {
    /// Before the first packet.
    #[must_use]
    pub fn new() -> Self {
        let sample = Sample::new(LABEL).expect("the sample is right");
        let [_, _, number @ ..] = SIM.iccid;
        let version = SetVersion::new(1).expect("a version over the air");
        let set = OtaKeySet::of_chip(sample.roots(), Sample::KEY_VERSION, (number, version), true);
        Self { keys: PacketKeys::new(&set.expect("the sample has them")), counter: 0 }
    }

    /// The user data of the messages of the next packet, whose checksum is right whatever it says. `choice` says for whom, and
    /// how the proof comes back.
    pub fn messages(&mut self, choice: u8, data: &[u8]) -> Vec<Vec<u8>> {
        const TARS: [Tar; 6] =
            [Tar::ENTERPRISE, Tar::ISSUER_DOMAIN, Tar::FILES, Tar::FILES_2G, Tar::FILES_USIM, Tar([0xC0, 0x00, 0x00])];
        self.counter += 1;
        let second = if choice & 0x40 == 0 { 0x19 } else { 0x39 };
        let terms = PacketTerms {
            spi: Spi::from_bytes([0x16, second]).expect("an SPI"),
            redundancy_check: RedundancyCheck::default(),
            tar: TARS[usize::from(choice & 0x3F) % TARS.len()],
            counter: PacketCounter::new(self.counter).expect("far from its end"),
        };
        let packet = CommandPacket::build(&self.keys, terms, data).expect("it fits");
        let parts = divide(PacketKind::Command, &packet.bytes, Reference::Short(self.counter as u8)).expect("it fits");
        parts.iter().map(|part| part.to_bytes()).collect()
    }
}

impl Default for Operator {
    fn default() -> Self {
        Self::new()
    }
}

/// Everybody's keys follow from it.
const LABEL: &str = "searches";

fn personalised() -> Chip {
    let mut sample = Sample::new(LABEL).expect("the sample is right");
    let mut chip = sample.sim(SIM.iccid).expect("the sample's data are right");
    for number in 1..=2 {
        let enterprise = format!("100000000000000{number}").parse().expect("16 digits");
        let serial = ApplicationSerial::from_parts(31, 1, number).expect("a serial");
        chip = sample.install(chip, enterprise, serial).expect("there is room");
    }
    chip
}
