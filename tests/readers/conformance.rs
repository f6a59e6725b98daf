//! A blank card in a reader held to the specification, through pcscd: whole commands by T=1, and by T=0.

use std::time::Duration;

use onecard_conformance::{Mode, Order, TestedCard};
use onecard_host::transport::{
    Transport, TransportError,
    pcsc::{Connection, LineProtocol, Service, Sharing},
};
use onecard_simulator::{
    chip::{Chip, Kind},
    vpcd::{Protocol, SimulatedCard},
};
use rand::{SeedableRng, rngs::ChaCha8Rng};

use crate::stage::Stage;

const LIMIT: Duration = Duration::from_secs(120);
const CARD: usize = 0;

#[test]
fn a_blank_card_in_a_reader_keeps_every_rule() {
    let stage = Stage::begin(LIMIT);
    let service = Service::connect().unwrap();
    for protocol in [Protocol::T1, Protocol::T0] {
        let inserted = stage.insert(CARD, SimulatedCard::new(Chip::blank(Kind::CpuCard, 5).unwrap(), protocol));
        let name = stage.reader(CARD).into_string().unwrap();
        let mut card = Tested(Connection::open(&service, &name, Sharing::Exclusive).unwrap());
        let order = Order { mode: Mode::Write, ..Order::default() };
        let report = order.run(&mut card, &mut ChaCha8Rng::seed_from_u64(5), &mut |_, _| ()).unwrap();
        assert_eq!(report.counts().failed, 0, "{protocol:?}\n{}", report.text());
        assert!(report.counts().passed > 150, "{protocol:?}\n{}", report.text());
        println!("{protocol:?}: {:?}", report.counts());
        drop(card);
        inserted.pull(&stage);
    }
}

struct Tested(Connection);

impl Transport for Tested {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.0.transmit(command)
    }
}

impl TestedCard for Tested {
    fn power_cycle(&mut self) -> Result<(), TransportError> {
        self.0.reconnect()
    }

    fn carries_le(&self) -> bool {
        self.0.line().protocol != Some(LineProtocol::T0)
    }
}
