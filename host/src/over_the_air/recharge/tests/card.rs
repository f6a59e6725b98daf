//! As much of a card as a recharge meets.

use onecard_wire::{
    amount::Amount,
    date::Moment,
    ins,
    key::{AlgorithmId, KeyVersion},
    number::TerminalNumber,
    ota::packet_status,
    record::LogRecord,
    status::StatusWord,
    wallet::{CreditForLoad, Initialize, LoadInitialized, OverdraftLimit, Purse, TransactionType},
};

use super::super::RechargeTerms;
use crate::{
    apdu::Response,
    crypto::{Key, SessionKey, TransactionTerms, load_tac},
    keys::CheckValue,
    over_the_air::{OpenedCommand, PacketKeys, Script, tests::card::answered},
};

pub(super) const LOAD_KEY: Key = Key::from_bytes(*b"the load key, 11");
pub(super) const TAC_KEY: Key = Key::from_bytes(*b"the tac key  ...");
pub(super) const MAINTENANCE_KEY: Key = Key::from_bytes(*b"maintenance key.");
pub(super) const OURS: TerminalNumber = TerminalNumber([0x31, 0, 0, 0, 0, 1]);
const STATION: TerminalNumber = TerminalNumber([0x31, 0, 0, 0, 0, 2]);
pub(super) const AMOUNT: Amount = Amount::from_fen(5_000);
/// Proofs that a card keeps besides the last load's.
pub(super) const PROOFS: usize = 8;

pub(super) fn terms() -> RechargeTerms {
    let enterprise = "1000000000000001".parse().unwrap();
    RechargeTerms { enterprise, purse: Purse::Ep, key_id: 0x11, amount: AMOUNT, terminal: OURS }
}

pub(super) fn noon() -> Moment {
    Moment::from_bytes([0x20, 0x26, 0x11, 0x29, 0x12, 0, 0]).unwrap()
}

/// The purse by chapter 6, and what is pending by 19.6.
#[derive(Default)]
pub(super) struct Card {
    pub(super) counter: u64,
    pub(super) balance: u32,
    online: u16,
    offline: u16,
    random: u8,
    pending: Option<(Initialize, SessionKey)>,
    /// Type, sequence behind, TAC.
    pub(super) proofs: Vec<(u8, u16, [u8; 4])>,
    pub(super) last_load: Option<(u8, u16, [u8; 4])>,
    /// Of EF 0018, the newest first.
    pub(super) log: Vec<LogRecord>,
    /// Loads of ours and of the station.
    pub(super) credited: [u32; 2],
    /// Whether it says which maintenance key it has (19.4.5).
    pub(super) shows_key: bool,
}

impl Card {
    pub(super) fn with_balance(balance: u32) -> Self {
        Self { balance, ..Self::default() }
    }

    /// Takes a packet; the power goes before the command of that number, if there is one.
    pub(super) fn take(&mut self, keys: &PacketKeys, packet: &[u8], torn_at: Option<usize>) -> Option<Vec<u8>> {
        let opened = OpenedCommand::read(keys, packet).unwrap();
        let counter = opened.terms.counter.number();
        if counter <= self.counter {
            return Some(answered(keys, &opened.terms, packet_status::COUNTER_LOW, &[]));
        }
        self.counter = counter;
        let script = Script::parse(opened.terms.tar, &opened.data).unwrap();
        let (mut inside, mut executed) = (Vec::new(), 0);
        for (command, number) in script.commands().iter().zip(1..) {
            if torn_at == Some(number) {
                return None;
            }
            let response = self.execute(command.header(), command.data());
            executed = number;
            let apdu = [&response.data[..], &response.status.to_bytes()].concat();
            inside.extend([&[0x23, apdu.len() as u8][..], &apdu].concat());
            if !response.status.is_ok() {
                break;
            }
        }
        let inside = [&[0x80, 0x01, executed as u8][..], &inside].concat();
        let [high, low] = (inside.len() as u16).to_be_bytes();
        let data = [&[0xAB, 0x82, high, low][..], &inside].concat();
        Some(answered(keys, &opened.terms, packet_status::OK, &data))
    }

    pub(super) fn execute(&mut self, header: [u8; 4], data: &[u8]) -> Response {
        let ok = |data: Vec<u8>| Response { data, status: StatusWord::OK };
        let refused = |status| Response { data: Vec::new(), status: StatusWord(status) };
        match header[1] {
            ins::SELECT => ok(Vec::new()),
            ins::INITIALIZE => ok(self.initialize(Initialize::parse(data).unwrap()).emit().to_vec()),
            ins::CREDIT_FOR_LOAD => match self.credit(CreditForLoad::parse(data).unwrap()) {
                Ok(tac) => ok(tac.to_vec()),
                Err(status) => refused(status),
            },
            ins::GET_BALANCE => ok(self.balance.to_be_bytes().to_vec()),
            ins::GET_TRANSACTION_PROVE => {
                let asked = (header[3], u16::from_be_bytes(data.try_into().unwrap()));
                let kept = self.proofs.iter().chain(&self.last_load).find(|proof| (proof.0, proof.1) == asked);
                kept.map_or_else(|| refused(0x9406), |proof| ok([&[0; 4], &proof.2[..]].concat()))
            }
            ins::READ_RECORD => match self.log.get(usize::from(header[2]) - 1) {
                Some(record) => ok([&record.emit()[..], &[0; 4]].concat()),
                None => refused(StatusWord::RECORD_NOT_FOUND.0),
            },
            ins::GET_DATA if self.shows_key => ok(CheckValue::of(&MAINTENANCE_KEY).0.to_vec()),
            ins::GET_DATA => refused(StatusWord::WRONG_P1P2.0),
            other => panic!("{other:02X}"),
        }
    }

    fn initialize(&mut self, order: Initialize) -> LoadInitialized {
        self.random = self.random.wrapping_add(1);
        let random = [self.random; 4];
        let session = SessionKey::of_load(&LOAD_KEY, random, self.online);
        self.pending = (order.amount != Amount::ZERO).then_some((order, session));
        LoadInitialized {
            old_balance: Amount::from_fen(self.balance),
            online_sequence: self.online,
            key_version: KeyVersion(1),
            algorithm: AlgorithmId(0),
            random,
            mac1: [0; 4],
        }
    }

    fn credit(&mut self, credit: CreditForLoad) -> Result<[u8; 4], u16> {
        let (order, session) = self.pending.clone().ok_or(0x6901_u16)?;
        let terms = TransactionTerms {
            amount: order.amount,
            transaction_type: TransactionType::LOAD_EP,
            terminal: order.terminal,
            moment: Moment { date: credit.date, time: credit.time },
        };
        if session.load_mac2(&terms) != credit.mac2 {
            return Err(0x9302);
        }
        Ok(self.loaded(&terms))
    }

    pub(super) fn loaded(&mut self, terms: &TransactionTerms) -> [u8; 4] {
        self.pending = None;
        self.balance += terms.amount.fen();
        let tac = load_tac(&TAC_KEY, Amount::from_fen(self.balance), self.online, terms);
        self.online += 1;
        self.last_load = Some((TransactionType::LOAD_EP.0, self.online, tac));
        self.keep((TransactionType::LOAD_EP.0, self.online, tac));
        self.write(self.online, terms);
        self.credited[usize::from(terms.terminal != OURS)] += 1;
        tac
    }

    fn keep(&mut self, proof: (u8, u16, [u8; 4])) {
        self.proofs.insert(0, proof);
        self.proofs.truncate(PROOFS);
    }

    fn write(&mut self, sequence: u16, terms: &TransactionTerms) {
        let TransactionTerms { amount, transaction_type, terminal, moment: Moment { date, time } } = *terms;
        let overdraft = OverdraftLimit([0; 3]);
        let record = LogRecord { sequence, overdraft, amount, transaction_type, terminal, date, time };
        self.log.insert(0, record);
        self.log.truncate(20);
    }

    /// By radio: a purchase of little, or the station's load.
    pub(super) fn used(&mut self, station: bool) {
        if station {
            let terms = TransactionTerms {
                amount: Amount::from_fen(1_000),
                transaction_type: TransactionType::LOAD_EP,
                terminal: STATION,
                moment: noon(),
            };
            self.loaded(&terms);
        } else if self.balance >= 10 {
            self.balance -= 10;
            self.offline += 1;
            self.keep((TransactionType::PURCHASE_EP.0, self.offline, [1; 4]));
            let terms = TransactionTerms {
                amount: Amount::from_fen(10),
                transaction_type: TransactionType::PURCHASE_EP,
                terminal: STATION,
                moment: noon(),
            };
            self.write(self.offline, &terms);
        }
    }
}
