//! Cards to be judged.

use onecard_conformance::{Mode, Order, Report, TestedCard, named_keys};
use onecard_host::{
    card::{Pin, select, update_binary},
    crypto::LineKey,
    issuing::SamRole,
    keys::Purpose,
    transport::{Transport, TransportError},
};
use onecard_simulator::{
    chip::{Blank, Chip},
    reader::Reader,
    sample::Sample,
};
use onecard_wire::{
    aid,
    fid::Fid,
    key::Algorithm,
    number::{ApplicationSerial, TerminalNumber},
};
use rand::{SeedableRng, rngs::ChaCha8Rng};

/// A simulated card in a reader.
pub(crate) struct Simulated(pub(crate) Reader);

impl Simulated {
    /// Its memory.
    pub(crate) fn image(&mut self) -> Vec<u8> {
        self.0.tap_with(|chip| chip.image().to_vec())
    }
}

impl Transport for Simulated {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.0.transmit(command)
    }
}

impl TestedCard for Simulated {
    fn power_cycle(&mut self) -> Result<(), TransportError> {
        self.0.tap();
        Ok(())
    }
}

/// A personalised card whose keys are all of `algorithm`, and how it is tried with its keys and PIN.
pub(crate) fn personalised(algorithm: Algorithm) -> (Simulated, Order) {
    let mut sample = Sample::with_algorithm("judge", algorithm).unwrap();
    let serial = ApplicationSerial::from_parts(31, 1, 7).unwrap();
    let card = Simulated(Reader::insert(sample.card(serial).unwrap()));
    let keys = sample.keys().card(serial);
    let names = named_keys(&keys, Sample::KEY_VERSION);
    let order = Order {
        application: aid::enterprise_application(sample.enterprise()).to_vec(),
        keys: Some(names),
        pin: Some(Pin::from_digits(Sample::PIN).unwrap().expose().to_vec()),
        ..Order::default()
    };
    (card, order)
}

/// The same of 3DES as a plain FMCOS wallet: version 01.
pub(crate) fn plain_wallet() -> (Simulated, Order) {
    let (mut card, order) = personalised(Algorithm::Des);
    let sample = Sample::new("judge").unwrap();
    let keys = sample.keys().card(ApplicationSerial::from_parts(31, 1, 7).unwrap());
    let mut maintenance = LineKey::from(keys.keys().key(Purpose::Maintenance, Sample::KEY_VERSION).unwrap().clone());
    let name = aid::enterprise_application(sample.enterprise());
    let selected = select(&mut card, &name).unwrap();
    update_binary(&mut card, &selected, Fid::PUBLIC_DATA, 9, &[0x01], &mut maintenance).unwrap();
    (card, order)
}

/// A till's SAM.
pub(crate) fn sam() -> Simulated {
    let terminal = TerminalNumber([0x00, 0x00, 0x00, 0x00, 0x00, 0x01]);
    Simulated(Reader::insert(Sample::new("judge").unwrap().sam(terminal, &[SamRole::Till]).unwrap()))
}

pub(crate) fn blank() -> (Simulated, Order) {
    let card = Simulated(Reader::insert(Chip::blank(Blank::CpuCard, 9).unwrap()));
    let application = aid::enterprise_application(Sample::ENTERPRISE.parse().unwrap()).to_vec();
    (card, Order { mode: Mode::Write, application, ..Order::default() })
}

pub(crate) fn run(card: &mut dyn TestedCard, order: &Order) -> Report {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    order.run(card, &mut random, &mut |_, _| ()).unwrap()
}
