//! What a card keeps over power and reset, and what it does not; a card that falls silent.

use std::time::Duration;

use onecard_simulator::{
    chip::Chip,
    tear::{Cut, Tear},
    vpcd::{End, Presented, Protocol, SimulatedCard},
};
use onecard_tests::world::{PIN_DIGITS, World};
use onecard_wire::aid;
use pcsc::{Card, Disposition, Protocols, ShareMode};

use crate::stage::Stage;

const LIMIT: Duration = Duration::from_secs(60);

fn send(card: &Card, command: &[u8]) -> Result<Vec<u8>, pcsc::Error> {
    let mut answer = [0; 258];
    card.transmit(command, &mut answer).map(<[u8]>::to_vec)
}

/// The status word.
fn status(card: &Card, command: &[u8]) -> u16 {
    let answer = send(card, command).unwrap();
    u16::from_be_bytes(*answer.last_chunk().unwrap())
}

fn select(card: &Card) -> u16 {
    let name = aid::enterprise_application(World::shared().enterprise_id());
    status(card, &[&[0x00, 0xA4, 0x04, 0x00, name.len() as u8], &name[..]].concat())
}

fn verify(card: &Card, digits: &str) -> u16 {
    let pin = hex::decode(digits).unwrap();
    status(card, &[&[0x00, 0x20, 0x00, 0x00, pin.len() as u8], &pin[..]].concat())
}

/// GET BALANCE of the deposit, which needs the PIN.
const DEPOSIT: [u8; 5] = [0x80, 0x5C, 0x00, 0x01, 0x04];

fn card(chip: Chip) -> SimulatedCard {
    SimulatedCard::new(chip, Protocol::T1)
}

#[test]
fn pin_state_and_selection_end_with_reset_and_power_and_tries_do_not() {
    let stage = Stage::begin(LIMIT);
    let inserted = stage.insert(0, card(World::shared().card(0).unwrap()));
    let mut connected = stage.connect(0);
    let authenticate = |card: &Card| {
        assert_eq!((select(card), verify(card, PIN_DIGITS), status(card, &DEPOSIT)), (0x9000, 0x9000, 0x9000));
    };
    for ending in [Disposition::ResetCard, Disposition::UnpowerCard] {
        authenticate(&connected);
        connected.reconnect(ShareMode::Shared, Protocols::ANY, ending).unwrap();
        assert_ne!(status(&connected, &DEPOSIT), 0x9000, "the application is still selected after {ending:?}");
        assert_eq!((select(&connected), status(&connected, &DEPOSIT)), (0x9000, 0x6982), "{ending:?}");
    }
    // Whoever leaves the card as it is finds it so.
    authenticate(&connected);
    connected.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::LeaveCard).unwrap();
    assert_eq!(status(&connected, &DEPOSIT), 0x9000);

    assert_eq!(verify(&connected, "999999"), 0x63C2);
    connected.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::UnpowerCard).unwrap();
    assert_eq!((select(&connected), verify(&connected, "999999")), (0x9000, 0x63C1));
    drop(connected);
    // Nor do they when the card goes away and comes again.
    let inserted = stage.insert(0, inserted.pull(&stage));
    let connected = stage.connect(0);
    assert_eq!((select(&connected), verify(&connected, PIN_DIGITS)), (0x9000, 0x9000));
    inserted.pull(&stage);
}

/// Loses its power at the next programming operation after each power-up.
struct Torn(SimulatedCard);

impl Presented for Torn {
    fn atr(&self) -> &[u8] {
        self.0.atr()
    }

    fn power_on(&mut self) {
        self.0.power_on();
        let cut = |chip: &mut Chip| chip.cut_power_at(Cut { operation: 0, tear: Tear::BEFORE });
        self.0.running().unwrap().tap_with(cut);
    }

    fn power_off(&mut self) {
        self.0.power_off();
    }

    fn reset(&mut self) {
        self.power_on();
    }

    fn transmit(&mut self, command: &[u8]) -> Option<Vec<u8>> {
        self.0.transmit(command)
    }
}

#[test]
fn a_card_without_power_is_an_error_then_gone_and_keeps_what_it_had() {
    let stage = Stage::begin(LIMIT);
    let inserted = stage.insert(0, Torn(card(World::shared().card(0).unwrap())));
    let connected = stage.connect(0);
    assert_eq!(select(&connected), 0x9000);
    // The error counter falls before the PIN is compared, and there the power goes.
    let verify_wrong = [&[0x00, 0x20, 0x00, 0x00, 0x03][..], &[0x99; 3]].concat();
    assert_eq!(send(&connected, &verify_wrong).as_deref(), Ok(&[][..]));
    let error = send(&connected, &DEPOSIT).unwrap_err();
    assert!(matches!(error, pcsc::Error::NotTransacted | pcsc::Error::RemovedCard), "{error:?}");
    let (Torn(torn), end) = inserted.left(&stage);
    assert!(matches!(end, End::Silent), "{end:?}");
    drop(connected);

    let inserted = stage.insert(0, torn);
    let connected = stage.connect(0);
    assert_eq!((select(&connected), verify(&connected, "999999")), (0x9000, 0x63C2));
    inserted.pull(&stage);
}
