//! What happens by radio meanwhile: a till that sells, and a desk that writes.

use onecard_host::{
    card::{Pin, select, update_binary},
    crypto::LineKey,
    issuing::SamRole,
    keys::Purpose,
    sam::{Levels, PsamCard},
    terminal::{InMemoryStore, OrderNumber, Outcome, PurchaseOrder, RechargeOrder, purchase, recharge},
    transport::Transport,
};
use onecard_simulator::{phone_slot::PhoneSlot, reader::Reader, sample::Sample};
use onecard_wire::{aid, amount::Amount, date::Moment, fid::Fid, number::TerminalNumber, wallet::Purse};

use super::bench::{enterprise, sample, serial};

const TERMINAL: TerminalNumber = TerminalNumber([0x00, 0x00, 0x00, 0x00, 0x12, 0x34]);
/// What [`Till::load`] loads.
pub(crate) const LOADED: Amount = Amount::from_fen(5_000);
/// What [`Till::sell`] sells for.
pub(crate) const PRICE: Amount = Amount::from_fen(1_250);

/// A till that recharges, too.
pub(crate) struct Till {
    sam: PsamCard<Reader>,
    store: InMemoryStore,
    orders: u64,
    /// What it has sold in all.
    pub(crate) sold: Amount,
}

impl Till {
    pub(crate) fn new() -> Self {
        let slot = Reader::insert(sample().sam(TERMINAL, &[SamRole::Till, SamRole::Recharge]).unwrap());
        let sam = PsamCard::open(slot, enterprise(), Levels::Serial, Sample::KEY_VERSION).unwrap();
        Self { sam, store: InMemoryStore::new(), orders: 0, sold: Amount::ZERO }
    }

    fn number(&mut self) -> OrderNumber {
        self.orders += 1;
        OrderNumber(self.orders)
    }

    /// With the holder's PIN.
    pub(crate) fn load(&mut self, slot: &PhoneSlot) {
        let mut field = slot.field();
        field.enter();
        self.load_by(&mut field);
        field.leave();
    }

    /// The same, of whatever is held to it.
    pub(crate) fn load_by(&mut self, field: &mut impl Transport) {
        let order = RechargeOrder {
            number: self.number(),
            enterprise: enterprise(),
            purse: Purse::Ep,
            key_id: 1,
            amount: LOADED,
            moment: moment(),
            pin: Some(Pin::from_digits(Sample::PIN).unwrap()),
        };
        let tap = recharge(field, &mut self.sam, &mut self.store, &order).unwrap();
        assert!(matches!(tap.outcome, Outcome::Committed(_)), "{tap:?}");
    }

    /// Sells, if the card lets it.
    pub(crate) fn sell(&mut self, slot: &PhoneSlot) -> bool {
        let mut field = slot.field();
        field.enter();
        let sold = self.sell_by(&mut field);
        field.leave();
        sold
    }

    /// The same, to whatever is held to it.
    pub(crate) fn sell_by(&mut self, field: &mut impl Transport) -> bool {
        let order = PurchaseOrder {
            number: self.number(),
            enterprise: enterprise(),
            purse: Purse::Ep,
            key_id: 1,
            amount: PRICE,
            moment: moment(),
            pin: None,
        };
        let sold = match purchase(field, &mut self.sam, &mut self.store, &order) {
            Ok(tap) => matches!(tap.outcome, Outcome::Committed(_)),
            Err(_) => false,
        };
        if sold {
            self.sold = self.sold.plus(PRICE).unwrap();
        }
        sold
    }
}

fn moment() -> Moment {
    Moment::from_bytes([0x20, 0x26, 0x11, 0x29, 0x12, 0, 0]).unwrap()
}

/// The desk writes the status into EF 0017, by radio.
pub(crate) fn write_status(slot: &PhoneSlot, sample: &Sample, status: u8) {
    let keys = sample.keys();
    let mut maintenance = LineKey::from(keys.card_key(serial(), Purpose::Maintenance, Sample::KEY_VERSION).unwrap());
    let mut field = slot.field();
    field.enter();
    let card = select(&mut field, &aid::enterprise_application(enterprise())).unwrap();
    update_binary(&mut field, &card, Fid::PARAMETERS, 0, &[status], &mut maintenance).unwrap();
    field.leave();
}
