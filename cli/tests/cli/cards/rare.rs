//! Cards as no station of this project makes them, or as years of use do.

use onecard_host::{
    apdu::{Command, exchange},
    card::{external_authenticate, select, update_binary},
    crypto::{Key, SessionKey, TransactionTerms},
    issuing::{CardOrder, MfKeys, issue_card, prepare_mf},
    keys::Purpose,
    line_protection::{challenge, enciphered},
    transport::{Transport, TransportError},
};
use onecard_simulator::{
    chip::{Blank, Chip},
    image_file::Durability,
    reader::Reader,
    sample::Sample,
};
use onecard_wire::{
    aid,
    amount::Amount,
    date::{Date, Moment},
    fid::Fid,
    ins,
    key::{Algorithm, AlgorithmId},
    number::{ApplicationSerial, TerminalNumber},
    record::{CardStatus, Parameters},
    wallet::{DebitForPurchase, Initialize, PurchaseInitialized, Purse, TransactionType},
};

use super::{CardTools, Desk};

impl Desk {
    pub(super) fn rare_cards(&mut self) {
        let order = self.sample.order();
        let status = Parameters { status: CardStatus(0x7F), ..Parameters::UNLIMITED };
        self.store("unknown-status", &CardOrder { parameters: status, ..order.clone() }, |_, _| ());
        self.store("key-locked", &order, |card, keys| fail_reading_key(card, keys, 3));
        self.store("key-guessed", &order, |card, keys| fail_reading_key(card, keys, 2));
        // EF 0015, byte 23: the first day is none.
        self.store("unreadable", &order, |card, keys| {
            let selected = select(card, &aid::enterprise_application(keys.order.enterprise)).unwrap();
            let maintenance = &mut keys.line_key(Purpose::Maintenance);
            update_binary(card, &selected, Fid::PUBLIC_DATA, 20, &[0xFF], maintenance).unwrap();
        });
        self.store("worn", &order, |card, keys| buy_nothing(card, keys, 65_400));
        self.plain_cards();
        self.half_issued();
        self.next_keys();
    }

    /// EF 0017 of cards whose chip does not enforce it: terminals do.
    fn plain_cards(&mut self) {
        let day = |text| Date::parse(text).unwrap().to_bytes();
        let limits = Parameters {
            balance_max: Amount::from_fen(10_000),
            purchase_max: Amount::from_fen(5_000),
            pin_threshold: Amount::from_fen(2_000),
            ..Parameters::UNLIMITED
        };
        let suspended = Parameters { status: CardStatus::SUSPENDED, ..Parameters::UNLIMITED };
        let expired = Parameters { balance_expiry: day("2026-10-31"), ..Parameters::UNLIMITED };
        for (name, parameters) in
            [("plain-limited", limits), ("plain-suspended", suspended), ("plain-expired", expired)]
        {
            let order = CardOrder { parameters, ..self.sample.order() };
            self.store(name, &order, |card, keys| {
                let selected = select(card, &aid::enterprise_application(keys.order.enterprise)).unwrap();
                let maintenance = &mut keys.line_key(Purpose::Maintenance);
                update_binary(card, &selected, Fid::PUBLIC_DATA, 9, &[0x01], maintenance).unwrap();
            });
        }
    }

    /// A station that took no notice when one WRITE KEY, the undo key's, never reached the card.
    fn half_issued(&mut self) {
        let serial = self.next_serial();
        let mf = MfKeys::of_card(&self.sample.roots().chip(serial.to_bytes()), Sample::KEY_VERSION).unwrap();
        let mut random = rand::rng();
        let mut reader = Reader::insert(Chip::blank(Blank::CpuCard, self.serial).unwrap());
        let transport_key = onecard_host::crypto::DesKey::TRANSPORT.into();
        prepare_mf(&mut reader, &transport_key, &mf, &mut random).unwrap();
        let undo = Purpose::ALL.into_iter().filter(|purpose| purpose.place().is_some());
        let undo = undo.take_while(|purpose| *purpose != Purpose::Cancel).count();
        let mut losing = Losing { card: reader, writes: 0, lost: undo };
        let keys = self.sample.keys().card(serial);
        issue_card(&mut losing, &mf, &keys, &self.sample.order(), &mut random).unwrap();
        assert!(losing.writes > losing.lost);
        losing.card.remove().store(&self.folder.join("key-missing.card"), Durability::ProcessKill).unwrap();
    }

    /// A card under the next keys, which the SAMs of today lack.
    fn next_keys(&mut self) {
        let serial = self.next_serial();
        let mut next = Sample::new("service desk").unwrap().with_next_keys(Algorithm::Des).unwrap();
        let order = CardOrder { key_version: Sample::NEXT_KEY_VERSION, beside: Vec::new(), ..next.order() };
        let mut chip = next.card_with(serial, &order).unwrap();
        chip.store(&self.folder.join("next-keys.card"), Durability::ProcessKill).unwrap();
    }

    fn next_serial(&mut self) -> ApplicationSerial {
        let serial = ApplicationSerial::from_parts(31, 1, self.serial).unwrap();
        self.serial += 1;
        serial
    }
}

/// A card to which the n-th WRITE KEY never gets, and of which the station believes that it did.
struct Losing {
    card: Reader,
    writes: usize,
    lost: usize,
}

impl Transport for Losing {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        if command[..2] == [ins::CLA_PBOC_SM, ins::WRITE_KEY] {
            self.writes += 1;
            if self.writes - 1 == self.lost {
                return Ok(vec![0x90, 0x00]);
            }
        }
        self.card.transmit(command)
    }
}

/// A reading key that has three tries, as FMCOS cards have them, and so many failures.
fn fail_reading_key(card: &mut dyn Transport, keys: &CardTools, failures: usize) {
    let selected = select(card, &aid::enterprise_application(keys.order.enterprise)).unwrap();
    let value = keys.keys.keys().key(Purpose::Reading, Sample::KEY_VERSION).unwrap();
    let record = [&[0xF9, 0xF0, 0xF0, 0x01, 0x33][..], value.expose()].concat();
    let write = Command::new(ins::CLA_PBOC, ins::WRITE_KEY, 0x39, 0x01).with_bytes(&record).unwrap();
    let challenge = challenge(card).unwrap();
    let sent = enciphered(&write, challenge, &keys.line_key(Purpose::Control)).unwrap();
    exchange(card, &sent).unwrap().done().unwrap();
    for _ in 0..failures {
        let wrong = Key::from_bytes([0x5A; 16]).into();
        external_authenticate(card, &selected, 0x01, &wrong).unwrap_err();
    }
}

/// Purchases of nothing: a card has no command that sets its sequence.
fn buy_nothing(card: &mut dyn Transport, keys: &CardTools, times: u32) {
    let key = keys.keys.keys().key(Purpose::Purchase, Sample::KEY_VERSION).unwrap();
    let (terminal, amount) = (TerminalNumber([0; 6]), Amount::ZERO);
    let moment = Moment::from_bytes([0x20, 0x26, 0x01, 0x01, 0x08, 0x00, 0x00]).unwrap();
    let terms = TransactionTerms { amount, transaction_type: TransactionType::PURCHASE_EP, terminal, moment };
    let begin = Command::new(ins::CLA_PBOC, ins::INITIALIZE, ins::INITIALIZE_PURCHASE, Purse::Ep as u8);
    let begin = begin.with_data(&Initialize { key_id: 0x01, amount, terminal }.emit()).expecting(15);
    for number in 0..times {
        let begun = exchange(card, &begin).unwrap().done().unwrap();
        let begun = PurchaseInitialized::parse(&begun).unwrap();
        assert_eq!((u32::from(begun.offline_sequence), begun.algorithm), (number, AlgorithmId::TRIPLE_DES));
        let session = SessionKey::of_purchase(key, begun.random, begun.offline_sequence, number);
        let Moment { date, time } = moment;
        let mac1 = session.purchase_mac1(&terms);
        let debit = DebitForPurchase { terminal_sequence: number, date, time, mac1 }.emit();
        let debit = Command::new(ins::CLA_PBOC, ins::DEBIT, ins::DEBIT_PURCHASE, 0x00).with_data(&debit).expecting(8);
        exchange(card, &debit).unwrap().done().unwrap();
    }
}
