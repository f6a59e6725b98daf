//! What the cards' holders do by radio meanwhile: they pay at a till, and load at a station.

use std::collections::HashMap;

use onecard_host::{
    card::Pin,
    issuing::SamRole,
    sam::{Levels, PsamCard},
    terminal::{InMemoryStore, OrderNumber, Outcome, PurchaseOrder, RechargeOrder, purchase, recharge},
};
use onecard_simulator::{message_centre::network::Network, reader::Reader, sample::Sample};
use onecard_wire::{
    amount::Amount,
    date::Moment,
    number::{EnterpriseId, TerminalNumber},
    wallet::Purse,
};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use super::{judge::Violation, people::People};

const TERMINAL: TerminalNumber = TerminalNumber([0x00, 0x00, 0x00, 0x00, 0x12, 0x34]);
const PRICE: Amount = Amount::from_fen(7);
const LOADED: Amount = Amount::from_fen(500);
/// Of a hundred taps, how many load.
const LOADS_OF_100: u32 = 10;
/// One card in so many at each step of the network's clock.
const CARDS_A_TAP: u32 = 600;
/// Most taps of a step. While a gateway waits half an hour for a proof, a card used every other minute forgets the load that the gateway
/// would ask it for: its log has 20 records, and what is behind them is for the issuer's books (specification 19.6.1.3).
const TAPS_MAX: u32 = 6;

/// A terminal with a SAM, and what it has moved.
pub(super) struct Radio {
    sam: PsamCard<Reader>,
    store: InMemoryStore,
    orders: u64,
    enterprise: EnterpriseId,
    moment: Moment,
    random: ChaCha8Rng,
    moved_fen: HashMap<u32, i64>,
    /// That were committed.
    pub(super) purchases: u64,
    pub(super) loads: u64,
}

impl Radio {
    pub(super) fn new(sample: &mut Sample, moment: Moment, seed: u64) -> Result<Self, Violation> {
        let enterprise = sample.enterprise();
        let slot = Reader::insert(sample.sam(TERMINAL, &[SamRole::Till, SamRole::Recharge])?);
        let sam = PsamCard::open(slot, enterprise, Levels::Serial, Sample::KEY_VERSION);
        Ok(Self {
            sam: sam.map_err(|_| Violation::World("a terminal's SAM"))?,
            store: InMemoryStore::new(),
            orders: 0,
            enterprise,
            moment,
            random: ChaCha8Rng::seed_from_u64(seed.rotate_left(32)),
            moved_fen: HashMap::new(),
            purchases: 0,
            loads: 0,
        })
    }

    /// What has been loaded onto the card by radio, less what was paid.
    pub(super) fn moved_fen(&self, card: u32) -> i64 {
        self.moved_fen.get(&card).copied().unwrap_or_default()
    }

    /// Some of the cards are held to the terminal.
    pub(super) fn taps(&mut self, network: &mut Network, people: &People) -> Result<(), Violation> {
        let cards = people.numbers().len() as u32;
        let whole = cards / CARDS_A_TAP;
        let taps = whole + u32::from(self.random.random_range(0..CARDS_A_TAP) < cards % CARDS_A_TAP);
        for _ in 0..taps.min(TAPS_MAX) {
            let card = self.random.random_range(0..cards);
            self.tap(network, card)?;
        }
        Ok(())
    }

    /// A card without an application, without money or suspended refuses, and nothing is moved.
    fn tap(&mut self, network: &mut Network, card: u32) -> Result<(), Violation> {
        let loads = self.random.random_range(0..100) < LOADS_OF_100;
        let tapped =
            network.tap(&People::phone(card)?, |reader| if loads { self.load(reader) } else { self.sell(reader) });
        match tapped {
            Some(Some(Outcome::Committed(_))) => {
                let (taps, fen) = if loads {
                    (&mut self.loads, i64::from(LOADED.fen()))
                } else {
                    (&mut self.purchases, -i64::from(PRICE.fen()))
                };
                *taps += 1;
                *self.moved_fen.entry(card).or_default() += fen;
                Ok(())
            }
            Some(Some(Outcome::Unknown(_))) | None => Err(Violation::World("a tap that nothing disturbs")),
            Some(_) => Ok(()),
        }
    }

    fn number(&mut self) -> OrderNumber {
        self.orders += 1;
        OrderNumber(self.orders)
    }

    fn sell(&mut self, reader: &mut Reader) -> Option<Outcome> {
        let order = PurchaseOrder {
            number: self.number(),
            enterprise: self.enterprise,
            purse: Purse::Ep,
            key_id: 1,
            amount: PRICE,
            moment: self.moment,
            pin: None,
        };
        purchase(reader, &mut self.sam, &mut self.store, &order).ok().map(|tap| tap.outcome)
    }

    fn load(&mut self, reader: &mut Reader) -> Option<Outcome> {
        let order = RechargeOrder {
            number: self.number(),
            enterprise: self.enterprise,
            purse: Purse::Ep,
            key_id: 1,
            amount: LOADED,
            moment: self.moment,
            pin: Pin::from_digits(Sample::PIN).ok(),
        };
        recharge(reader, &mut self.sam, &mut self.store, &order).ok().map(|tap| tap.outcome)
    }
}
