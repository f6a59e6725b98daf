//! A purse in a probe's application, and the terminal's half of its transactions, by the host library's constructions.

use onecard_host::crypto::{Key, SessionKey, TransactionTerms};
use onecard_wire::{
    amount::Amount,
    date::Moment,
    number::TerminalNumber,
    wallet::{
        CreditForLoad, DebitForPurchase, Debited, LoadInitialized, OverdraftLimit, PurchaseInitialized, Purse,
        TransactionType,
    },
};

use crate::probe::{Probe, Reply, bytes};

/// Keys that set a purse up; a test's own have other ids.
pub(crate) const LOAD_KEY: [u8; 16] = hex_literal::hex!("3F7E0A1B2C3D4E5F60718293A4B5C6D7");
pub(crate) const PURCHASE_KEY: [u8; 16] = hex_literal::hex!("3E7E94A5B6C7D8E9FA0B1C2D3E4F5061");
pub(crate) const TAC_KEY: [u8; 16] = hex_literal::hex!("34123456789ABCDEF0FEDCBA98765432");
/// Their id.
pub(crate) const KEY_ID: u8 = 0x7E;
pub(crate) const TERMINAL: [u8; 6] = [0x00, 0x11, 0x22, 0x33, 0x44, 0x55];
pub(crate) const MOMENT: [u8; 7] = hex_literal::hex!("20261123102030");

/// One purse, both keys by id [`KEY_ID`].
#[derive(Clone, Copy)]
pub(crate) struct Till {
    pub(crate) purse: Purse,
}

pub(crate) const EP: Till = Till { purse: Purse::Ep };
pub(crate) const ED: Till = Till { purse: Purse::Ed };

impl Till {
    /// The purse, its log 0018 of ten records, both keys. The TAC key is the caller's.
    pub(crate) fn create(self, probe: &mut Probe) {
        probe.create("0018", "2E 0A17 F0EF FFFF");
        probe.create(&format!("{:04X}", self.purse as u16), "2F 0208 F0 00 FF 18");
        probe.key(KEY_ID, "3FF0F00100", &LOAD_KEY);
        probe.key(KEY_ID, "3EF0F00100", &PURCHASE_KEY);
    }

    pub(crate) fn initialize_load(self, probe: &mut Probe, amount: u32) -> LoadInitialized {
        LoadInitialized::parse(&probe.done(&self.initialize(0x00, amount))).unwrap()
    }

    pub(crate) fn initialize_purchase(self, probe: &mut Probe, amount: u32) -> PurchaseInitialized {
        PurchaseInitialized::parse(&probe.done(&self.initialize(0x01, amount))).unwrap()
    }

    /// The command INITIALIZE, P1 00 load, 01 purchase.
    pub(crate) fn initialize(self, p1: u8, amount: u32) -> String {
        format!("8050{p1:02X}{:02X}0B{KEY_ID:02X}{amount:08X}{}", self.purse as u8, hex::encode(TERMINAL))
    }

    /// CREDIT FOR LOAD for an INITIALIZE.
    pub(crate) fn credit(self, begun: &LoadInitialized, amount: u32) -> String {
        let session = SessionKey::of_load(&Key::from_bytes(LOAD_KEY), begun.random, begun.online_sequence);
        let mac2 = session.load_mac2(&terms(TransactionType::load(self.purse), amount));
        let Moment { date, time } = moment();
        format!("805200000B{}", hex::encode(CreditForLoad { date, time, mac2 }.emit()))
    }

    /// DEBIT FOR PURCHASE for an INITIALIZE.
    pub(crate) fn debit(self, begun: &PurchaseInitialized, amount: u32, terminal_sequence: u32) -> String {
        debit(&Key::from_bytes(PURCHASE_KEY), self.purse, begun, amount, terminal_sequence)
    }

    /// A whole load; the TAC.
    pub(crate) fn load(self, probe: &mut Probe, amount: u32) -> Vec<u8> {
        let begun = self.initialize_load(probe, amount);
        probe.done(&self.credit(&begun, amount))
    }

    /// A whole purchase.
    pub(crate) fn pay(self, probe: &mut Probe, amount: u32) -> Debited {
        let begun = self.initialize_purchase(probe, amount);
        Debited::parse(&probe.done(&self.debit(&begun, amount, 0))).unwrap()
    }

    pub(crate) fn balance(self, probe: &mut Probe) -> u32 {
        let data = probe.done(&format!("805C00{:02X}04", self.purse as u8));
        u32::from_be_bytes(data.try_into().unwrap())
    }

    /// Loads and purchases of nothing until balance and sequences stand there: a card has no command that sets one.
    pub(crate) fn bring_to(self, probe: &mut Probe, balance: u32, online_sequence: u16, offline_sequence: u16) {
        for number in 0..online_sequence {
            self.load(probe, if number == 0 { balance } else { 0 });
        }
        for _ in 0..offline_sequence {
            self.pay(probe, 0);
        }
        assert_eq!(self.balance(probe), balance);
    }

    /// GET TRANSACTION PROVE.
    pub(crate) fn proof(self, probe: &mut Probe, transaction_type: u8, sequence: u16) -> Reply {
        probe.ask(&format!("805A00{transaction_type:02X}02{sequence:04X}08"))
    }

    /// Balance, both sequences and the newest log record, by what the card answers.
    pub(crate) fn standing(self, probe: &mut Probe) -> (u32, u16, u16, Reply) {
        let online = self.initialize_load(probe, 0).online_sequence;
        let offline = self.initialize_purchase(probe, 0);
        assert_eq!(offline.overdraft, OverdraftLimit([0; 3]));
        (self.balance(probe), online, offline.offline_sequence, probe.ask("00B201C417"))
    }
}

/// DEBIT FOR PURCHASE by a key.
pub(crate) fn debit(key: &Key, purse: Purse, begun: &PurchaseInitialized, amount: u32, sequence: u32) -> String {
    let session = SessionKey::of_purchase(key, begun.random, begun.offline_sequence, sequence);
    let mac1 = session.purchase_mac1(&terms(TransactionType::purchase(purse), amount));
    let Moment { date, time } = moment();
    let field = DebitForPurchase { terminal_sequence: sequence, date, time, mac1 };
    format!("805401000F{}", hex::encode(field.emit()))
}

pub(crate) fn terms(transaction_type: TransactionType, amount: u32) -> TransactionTerms {
    let amount = Amount::from_fen(amount);
    TransactionTerms { amount, transaction_type, terminal: TerminalNumber(TERMINAL), moment: moment() }
}

pub(crate) fn moment() -> Moment {
    Moment::from_bytes(MOMENT).unwrap()
}

/// `command` with its last byte changed.
pub(crate) fn bent(command: &str) -> String {
    let mut command = bytes(command);
    *command.last_mut().unwrap() ^= 0x01;
    hex::encode(command)
}
