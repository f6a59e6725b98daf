//! The limits and the account of EF 0017 (specification 3.6), and what a transaction does to the two balances, told a second
//! time and more simply than the card does: a model of a few numbers without memory, MACs or commands. Card and model go
//! through the same drawn sequences of transactions of every type, writes of the limits, power-offs and selections, with
//! dates that go to and fro, and after each the ending, the account and the balances must be the same.
//!
//! The model is of one interface and of a terminal that has every key. Answers, proofs and the log are compared by
//! [`Desk::run`] itself.

use std::{collections::BTreeMap, env, ops::Range};

use hex_literal::hex;
use rand::{Rng, RngExt, SeedableRng, rngs::ChaCha8Rng, seq::IndexedRandom};

use super::{
    application::{done, protected},
    deal::{Deal, ED, EP, TERMINAL},
    desk::{Desk, End, Parameters},
};

type Day = [u8; 4];

/// What the card must know of its money and its days.
#[derive(Clone, Default, Debug)]
struct Model {
    parameters: Parameters,
    /// ED and EP; what may be overdrawn is in the ED's.
    balances: [u32; 2],
    overdraft_limit: u32,
    account: Account,
    /// The EP's last transaction, if it is a purchase that can be undone.
    last: Option<Undoable>,
    pin_verified: bool,
}

/// Day and spent, and the day that was left (3.6.4).
#[derive(Clone, Default, Debug)]
struct Account {
    day: Day,
    spent: u32,
    left: Option<(Day, u32)>,
    /// How often the day has changed: an undo gives nothing back of a purchase counted before.
    changes: u32,
}

#[derive(Clone, Copy, Debug)]
struct Undoable {
    amount: u32,
    terminal: [u8; 6],
    changes: u32,
}

/// The rule by which the card refuses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Refusal {
    KeyNeedsPin,
    Status,
    BalanceMax,
    PurchaseMax,
    DayTotalByItself,
    PinThreshold,
    NotTheLastPurchase,
    TooLittle,
    LimitInUse,
    NotValid,
    BalanceExpired,
    DayTotal,
}

impl Refusal {
    const ALL: [Self; 12] = [
        Self::KeyNeedsPin,
        Self::Status,
        Self::BalanceMax,
        Self::PurchaseMax,
        Self::DayTotalByItself,
        Self::PinThreshold,
        Self::NotTheLastPurchase,
        Self::TooLittle,
        Self::LimitInUse,
        Self::NotValid,
        Self::BalanceExpired,
        Self::DayTotal,
    ];

    fn end(self) -> End {
        match self {
            Self::KeyNeedsPin => End::NotBegun(0x6982),
            Self::NotTheLastPurchase => End::NotBegun(0x9406),
            Self::TooLittle => End::NotBegun(0x9401),
            Self::LimitInUse | Self::NotValid | Self::BalanceExpired | Self::DayTotal => End::NotCompleted(0x6985),
            _ => End::NotBegun(0x6985),
        }
    }
}

const TYPES: [u8; 10] = [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x09, 0x0A, 0x0B];

fn is_load(deal: &Deal) -> bool {
    matches!(deal.transaction_type, 0x01 | 0x02)
}

fn is_unload(deal: &Deal) -> bool {
    matches!(deal.transaction_type, 0x03 | 0x0B)
}

/// A purchase in the sense of 3.6.2.
fn spends(deal: &Deal) -> bool {
    matches!(deal.transaction_type, 0x04 | 0x05 | 0x06 | 0x09)
}

fn within(amount: u32, limit: u32) -> bool {
    limit == 0 || amount <= limit
}

fn allow(allowed: bool, otherwise: Refusal) -> Result<(), Refusal> {
    if allowed { Ok(()) } else { Err(otherwise) }
}

impl Model {
    fn balance(&self, deal: &Deal) -> u32 {
        self.balances[usize::from(deal.purse() == EP)]
    }

    /// The first rule that `deal` breaks.
    fn judge(&self, deal: &Deal) -> Result<(), Refusal> {
        let needs_pin = deal.purse() == ED;
        allow(self.pin_verified || !needs_pin, Refusal::KeyNeedsPin)?;
        allow(self.parameters.status == 0 || is_unload(deal), Refusal::Status)?;
        if is_load(deal) {
            let sum = self.balance(deal).checked_add(deal.amount);
            let fits = sum.is_some_and(|sum| within(sum, self.parameters.balance_max));
            allow(fits, Refusal::BalanceMax)?;
        }
        if spends(deal) {
            self.judge_by_amount(deal)?;
        }
        self.judge_by_balance(deal)?;
        if spends(deal) { self.judge_by_date(deal) } else { Ok(()) }
    }

    fn judge_by_amount(&self, deal: &Deal) -> Result<(), Refusal> {
        let Parameters { purchase_max, day_total_max, pin_threshold, .. } = self.parameters;
        allow(within(deal.amount, purchase_max), Refusal::PurchaseMax)?;
        allow(within(deal.amount, day_total_max), Refusal::DayTotalByItself)?;
        allow(self.pin_verified || within(deal.amount, pin_threshold), Refusal::PinThreshold)
    }

    fn judge_by_balance(&self, deal: &Deal) -> Result<(), Refusal> {
        let (balance, amount) = (self.balance(deal), deal.amount);
        match deal.transaction_type {
            0x0A => {
                let same = |last: Undoable| (last.amount, last.terminal) == (amount, deal.terminal);
                allow(self.last.is_some_and(same), Refusal::NotTheLastPurchase)
            }
            // What is lent is not paid out.
            0x03 => allow(balance.saturating_sub(self.overdraft_limit) >= amount, Refusal::TooLittle),
            0x07 => allow(self.with_limit(amount).is_some(), Refusal::LimitInUse),
            _ if is_load(deal) => Ok(()),
            _ => allow(balance >= amount, Refusal::TooLittle),
        }
    }

    fn judge_by_date(&self, deal: &Deal) -> Result<(), Refusal> {
        let valid = (hex!("20260101")..=hex!("20281231")).contains(&deal.date);
        allow(valid, Refusal::NotValid)?;
        let expiry = self.parameters.expiry;
        let expired = expiry != [0; 4] && (expiry < deal.date || expiry < self.account.day);
        allow(!expired, Refusal::BalanceExpired)?;
        let mut account = self.account.clone();
        account.spend(deal);
        allow(within(account.spent, self.parameters.day_total_max), Refusal::DayTotal)
    }

    /// The ED's balance with a new limit: the holder's own money stays what it is.
    fn with_limit(&self, limit: u32) -> Option<u32> {
        let [balance, old, new] = [self.balances[0], self.overdraft_limit, limit].map(i64::from);
        u32::try_from(balance - old + new).ok()
    }

    /// `deal` was done.
    fn apply(&mut self, deal: &Deal) {
        let (balance, amount) = (self.balance(deal), deal.amount);
        let new_balance = match deal.transaction_type {
            0x07 => self.with_limit(amount).unwrap(),
            0x0A => balance + amount,
            _ if is_load(deal) => balance + amount,
            _ => balance - amount,
        };
        self.balances[usize::from(deal.purse() == EP)] = new_balance;
        match deal.transaction_type {
            0x07 => self.overdraft_limit = amount,
            0x0A => self.give_back(deal),
            _ if is_load(deal) && deal.date != self.account.day => self.account.change_to(deal.date),
            _ if spends(deal) => self.account.spend(deal),
            _ => {}
        }
        if deal.purse() == EP {
            let undoable = Undoable { amount, terminal: deal.terminal, changes: self.account.changes };
            self.last = (deal.transaction_type == 0x06).then_some(undoable);
        }
    }

    fn give_back(&mut self, deal: &Deal) {
        let counted = self.last.is_some_and(|last| last.changes == self.account.changes);
        if counted && deal.date == self.account.day {
            self.account.spent = self.account.spent.saturating_sub(deal.amount);
        }
    }
}

impl Account {
    fn spend(&mut self, deal: &Deal) {
        if deal.date > self.day {
            self.change_to(deal.date);
        }
        self.spent = self.spent.saturating_add(deal.amount);
    }

    fn change_to(&mut self, day: Day) {
        let begins_with = self.left.filter(|(left, _)| *left == day).map_or(0, |(_, sum)| sum);
        if self.spent != 0 {
            self.left = Some((self.day, self.spent));
        }
        (self.day, self.spent) = (day, begins_with);
        self.changes += 1;
    }

    /// A write that touches it.
    fn clear(&mut self) {
        *self = Self { changes: self.changes + 1, ..Self::default() };
    }
}

/// How often what happened.
#[derive(Default, Debug)]
struct Counts {
    done: BTreeMap<u8, u64>,
    refused: BTreeMap<Refusal, u64>,
    /// Loads and purchases that brought the day back that was left.
    days_that_came_again: u64,
    cleared: u64,
}

/// A card and its model.
struct Bench {
    desk: Desk,
    model: Model,
    random: ChaCha8Rng,
}

const STEPS: usize = 120;
const DATES: [Day; 7] = [
    hex!("20260720"),
    hex!("20260721"),
    hex!("20260722"),
    hex!("20260723"),
    hex!("20260801"),
    hex!("20251231"),
    hex!("20290101"),
];

impl Bench {
    fn new(seed: u64) -> Self {
        let model = Model { pin_verified: true, ..Model::default() };
        Self { desk: Desk::new(), model, random: ChaCha8Rng::seed_from_u64(seed) }
    }

    fn step(self, counts: &mut Counts, place: &str) -> Self {
        let Self { mut desk, mut model, mut random } = self;
        match random.random_range(0..60) {
            0..3 => {
                model.parameters = parameters(&mut random);
                desk.set(&model.parameters);
            }
            3..6 => {
                desk = desk.power_cycled();
                model.pin_verified = true;
            }
            6..9 => {
                desk.select();
                model.pin_verified = false;
            }
            9..12 => {
                desk.select_with_pin();
                model.pin_verified = true;
            }
            12 => {
                done(&protected(&mut desk.reader, 0x00, hex!("04D69723"), &[0x11]));
                model.account.clear();
                counts.cleared += 1;
            }
            _ => {
                let deal = deal(&mut random, &model);
                transact(&mut desk, &mut model, &deal, counts, place);
            }
        }
        Self { desk, model, random }
    }
}

fn transact(desk: &mut Desk, model: &mut Model, deal: &Deal, counts: &mut Counts, place: &str) {
    let Deal { transaction_type, amount, date, .. } = *deal;
    let place = format!("{place}: {amount} by type {transaction_type:02X} on {date:02X?}; before {model:?}");
    let judged = model.judge(deal);
    let expected = judged.map_or_else(Refusal::end, |()| End::Done);
    assert_eq!(desk.run(deal), expected, "{place}, {judged:?}");
    match judged {
        Ok(()) => {
            let (left, changes) = (model.account.left, model.account.changes);
            model.apply(deal);
            let came_again = left.is_some_and(|(left, _)| left == date) && model.account.changes > changes;
            counts.days_that_came_again += u64::from(came_again);
            *counts.done.entry(transaction_type).or_default() += 1;
        }
        Err(refusal) => *counts.refused.entry(refusal).or_default() += 1,
    }
    assert_eq!(desk.account(), (model.account.day, model.account.spent), "{place}");
    assert_eq!(desk.balance(EP), model.balances[1], "{place}");
    if model.pin_verified {
        assert_eq!(desk.balance(ED), model.balances[0], "{place}");
    }
}

fn parameters(random: &mut impl Rng) -> Parameters {
    let mut one_of = |of: &[u32]| *of.choose(random).unwrap();
    Parameters {
        status: one_of(&[0, 0, 0, 0, 1, 3]) as u8,
        balance_max: one_of(&[0, 0, 5_000, u32::MAX]),
        purchase_max: one_of(&[0, 0, 300, u32::MAX]),
        day_total_max: one_of(&[0, 500, 1_000, u32::MAX]),
        pin_threshold: one_of(&[0, 0, 100, u32::MAX]),
        expiry: *[[0; 4], [0; 4], hex!("20260722"), hex!("20260801")].choose(random).unwrap(),
    }
}

fn deal(random: &mut impl Rng, model: &Model) -> Deal {
    // Purchases and undos of the EP more often than the rest.
    let transaction_type = *[&TYPES[..], &[0x02, 0x05, 0x06, 0x06, 0x0A, 0x0A]].concat().choose(random).unwrap();
    let any = match random.random_range(0..8) {
        0 => 0,
        1 => *[1, 100, 101, 300, 301, 500, 501, 1_000].choose(random).unwrap(),
        // An overdraft limit has three bytes.
        2 if transaction_type != 0x07 => *[u32::MAX, u32::MAX - 1, 0x8000_0000].choose(random).unwrap(),
        _ => random.random_range(0..400),
    };
    let amount = match (transaction_type, model.last) {
        (0x01 | 0x02, _) if random.random_bool(0.5) => random.random_range(0..4_000),
        (0x0A, Some(last)) if random.random_bool(0.8) => last.amount,
        _ => any,
    };
    let date = if random.random_bool(0.7) { DATES[2] } else { *DATES.choose(random).unwrap() };
    let terminal = if random.random_bool(0.9) { TERMINAL } else { hex!("000000000009") };
    Deal::new(transaction_type, amount).on(date).at(terminal)
}

fn compare(seeds: Range<u64>) {
    let (mut counts, cards) = (Counts::default(), seeds.end - seeds.start);
    for seed in seeds {
        let mut bench = Bench::new(seed);
        for step in 0..STEPS {
            bench = bench.step(&mut counts, &format!("seed {seed} step {step}"));
        }
    }
    let (done, refused): (u64, u64) = (counts.done.values().sum(), counts.refused.values().sum());
    println!("{cards} cards: {done} transactions done, {refused} refused; {counts:?}");
    for transaction_type in TYPES {
        assert!(counts.done.contains_key(&transaction_type), "type {transaction_type:02X} was never done");
    }
    for refusal in Refusal::ALL {
        assert!(counts.refused.contains_key(&refusal), "{refusal:?} never refused");
    }
    assert!(counts.days_that_came_again > 0 && counts.cleared > 0, "{counts:?}");
}

#[test]
fn limits_and_account_are_those_of_a_simpler_model() {
    compare(0..400);
}

/// As many as `ONECARD_SEEDS` says, 6,000 if it says nothing.
#[test]
#[ignore = "as long as ONECARD_SEEDS says: docs/figures.md"]
fn limits_and_account_of_many_more_cards() {
    let seeds = env::var("ONECARD_SEEDS").map_or(6_000, |seeds| seeds.parse().unwrap());
    compare(0..seeds);
}
