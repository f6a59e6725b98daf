//! A blank card in a reader held to the specification, through pcscd: whole commands by T=1, and by T=0.

use std::{process::Stdio, time::Duration};

use onecard_conformance::{Mode, Order, TestedCard};
use onecard_host::transport::{
    Transport, TransportError,
    pcsc::{Connection, LineProtocol, Service, Sharing},
};
use onecard_simulator::{
    chip::{Blank, Chip},
    vpcd::{Protocol, SimulatedCard},
};
use rand::{SeedableRng, rngs::ChaCha8Rng};

use crate::{program::onecard, stage::Stage};

const LIMIT: Duration = Duration::from_secs(900);
const CARD: usize = 0;

#[test]
fn a_blank_card_in_a_reader_keeps_every_rule() {
    let stage = Stage::begin(LIMIT);
    let service = Service::connect().unwrap();
    for protocol in [Protocol::T1, Protocol::T0] {
        let inserted = stage.insert(CARD, SimulatedCard::new(Chip::blank(Blank::CpuCard, 5).unwrap(), protocol));
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

/// A card in a reader is written to after its user was asked, and never if there is nobody to ask.
#[test]
fn a_card_in_a_reader_is_not_written_to_unasked() {
    let stage = Stage::begin(LIMIT);
    let _inserted = stage.insert(CARD, SimulatedCard::new(Chip::blank(Blank::CpuCard, 5).unwrap(), Protocol::T1));
    let name = format!("pcsc:{}", stage.reader(CARD).into_string().unwrap());
    for (consent, code) in [(None, 1), (Some("--yes"), 0)] {
        let mut command = onecard();
        command.args(["conformance", "--reader", &name, "--write"]).args(consent).stdin(Stdio::null());
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{told}");
        assert!(told.contains("loses a try"), "{told}");
        assert_eq!(told.contains("nothing was written"), consent.is_none(), "{told}");
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
