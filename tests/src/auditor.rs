//! What must be true of a card and its terminals from the replies alone.
//!
//! The auditor never looks into a card, a SAM or a disk. It keeps, for each card, every state the card can be in after what
//! was heard: a transaction whose end is unknown doubles them, whatever is heard later strikes some out. When none is left,
//! something was told that cannot be true: money was lost, made, or moved twice.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use onecard_host::terminal::{Direction, IssuerKeys, Kind, OrderNumber, SettlementKey, SettlementRecord};
use onecard_wire::{
    amount::Amount,
    number::{ApplicationSerial, TerminalNumber},
    wallet::Purse,
};

use crate::terminal::{Ending, Order, OrderKind, Recalled, Report};

/// Judges everything that is heard of a set of cards, all of them empty at first, and used by audited terminals only.
#[derive(Debug)]
pub struct Auditor {
    issuer: IssuerKeys,
    cards: BTreeMap<ApplicationSerial, Card>,
    open: BTreeMap<OrderNumber, Open>,
    ended: BTreeSet<OrderNumber>,
    settled: HashSet<SettlementKey>,
    /// Taps for an undo at each terminal: each may spend a number of its SAM, done or not.
    undo_taps: BTreeMap<TerminalNumber, usize>,
    tally: Tally,
}

/// How often what happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Endings as committed, at once or later.
    pub committed: u64,
    /// Endings as not committed, at once or later.
    pub not_committed: u64,
    /// Orders that were unknown for a time.
    pub unknown: u64,
    /// Unknown orders found out to be committed.
    pub resolved_committed: u64,
    /// Unknown orders found out not to be.
    pub resolved_not_committed: u64,
    /// Committed transactions of each kind, in the order of [`Kind::ALL`].
    pub of_kind: [u64; Kind::ALL.len()],
}

/// Something that cannot be true.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("card {card}: {what}")]
pub struct Violation {
    /// Which card.
    pub card: ApplicationSerial,
    /// What was told.
    pub what: String,
}

/// What is known of one card.
#[derive(Clone, Debug)]
struct Card {
    /// Every state that fits what was heard. One only, unless orders are open.
    possible: Vec<State>,
    records: Vec<SettlementRecord>,
}

/// A state a card can be in.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct State {
    ep: PurseState,
    ed: PurseState,
    /// The EP's last transaction, if it was a purchase: that one can be undone.
    undoable: Option<OrderNumber>,
    /// Open orders that are executed in this state, each with balance and sequence before.
    executed: BTreeMap<OrderNumber, (u32, u16)>,
}

/// A purse of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct PurseState {
    balance: u32,
    offline_sequence: u16,
    online_sequence: u16,
    overdraft: u32,
}

/// An order whose end is not known.
#[derive(Clone, Debug)]
struct Open {
    card: ApplicationSerial,
    order: Order,
    /// Transactions the card had surely completed by then.
    completed_before: u32,
    /// The EP's offline sequence by then, at most.
    offline_before: u16,
}

impl Auditor {
    /// Nobody yet. TACs are checked with `issuer`'s keys.
    #[must_use]
    pub fn new(issuer: IssuerKeys) -> Self {
        Self {
            issuer,
            cards: BTreeMap::new(),
            open: BTreeMap::new(),
            ended: BTreeSet::new(),
            settled: HashSet::new(),
            undo_taps: BTreeMap::new(),
            tally: Tally::default(),
        }
    }

    /// `terminal` has run `order` with the card on its reader, and told this.
    ///
    /// # Errors
    /// [`Violation`].
    pub fn heard(
        &mut self,
        terminal: TerminalNumber,
        card: ApplicationSerial,
        order: &Order,
        report: &Report,
    ) -> Result<(), Violation> {
        self.count_undo_tap(terminal, order);
        if self.ended.contains(&order.number) {
            return self.heard_again(card, order, report);
        }
        for (number, ending) in &report.earlier {
            let Some(open) = self.open.get(number).filter(|open| open.card == card).cloned() else {
                return violation(card, format!("order {number} was settled again, or with another card's"));
            };
            self.ending(card, &open.order, ending, false)?;
        }
        let bound_to = self.open.get(&order.number).map_or(card, |open| open.card);
        if bound_to != card {
            return match report.ending {
                Ending::Unknown => Ok(()),
                _ => violation(card, format!("order {} was decided by this card, not by {bound_to}", order.number)),
            };
        }
        self.ending(card, order, &report.ending, true)
    }

    /// `terminal` was killed while it ran `order`; afterwards its disk says this of the order.
    ///
    /// # Errors
    /// [`Violation`].
    pub fn killed(
        &mut self,
        terminal: TerminalNumber,
        card: ApplicationSerial,
        order: &Order,
        recalled: Recalled,
    ) -> Result<(), Violation> {
        self.count_undo_tap(terminal, order);
        if self.ended.contains(&order.number) || self.open.get(&order.number).is_some_and(|open| open.card != card) {
            return Ok(());
        }
        let ending = recalled.into();
        self.ending(card, order, &ending, true)
    }

    /// After a terminal was killed, its disk says this of an order that was open: it may have been settled on the way to
    /// another one.
    ///
    /// # Errors
    /// [`Violation`].
    pub fn recalled(&mut self, number: OrderNumber, recalled: Recalled) -> Result<(), Violation> {
        let Some(open) = self.open.get(&number).cloned() else { return Ok(()) };
        let ending = recalled.into();
        self.ending(open.card, &open.order, &ending, false)
    }

    /// The card showed this balance.
    ///
    /// # Errors
    /// [`Violation`].
    pub fn balance(&mut self, card: ApplicationSerial, purse: Purse, balance: Amount) -> Result<(), Violation> {
        let fits = |state: &mut State| state.purse(purse).balance == balance.fen();
        self.strike_out(card, fits, || format!("a balance of {balance} in {purse:?} cannot be"))
    }

    /// Orders that nobody has decided yet.
    pub fn open_orders(&self) -> impl Iterator<Item = OrderNumber> {
        self.open.keys().copied()
    }

    /// Whether this order is open although its card can tell what became of it: fewer than `within` transactions can have
    /// followed. A card tells that an undo did not happen only once something else has its number.
    #[must_use]
    pub fn is_open_needlessly(&self, number: OrderNumber, within: u32) -> bool {
        let Some(open) = self.open.get(&number) else { return false };
        let Some(card) = self.cards.get(&open.card) else { return false };
        let number_is_free =
            |state: &State| !state.executed.contains_key(&number) && state.ep.offline_sequence <= open.offline_before;
        let is_undo = matches!(open.order.kind, OrderKind::Undo { .. });
        let cannot_tell = is_undo && card.possible.iter().any(number_is_free);
        !cannot_tell && card.completed_max().saturating_sub(open.completed_before) < within
    }

    /// How often what happened.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// At the end: loaded + undone = balance + spent + unloaded + withdrawn, by the settlement records; no number of a card is missing among them; no
    /// number of a terminal up to its last is. Cards with an order still open are passed over, and returned.
    ///
    /// # Errors
    /// [`Violation`].
    pub fn close(&self) -> Result<Vec<ApplicationSerial>, Violation> {
        let undecided: BTreeSet<_> = self.open.values().map(|open| open.card).collect();
        for (serial, card) in self.cards.iter().filter(|(serial, _)| !undecided.contains(serial)) {
            let [state] = card.possible.as_slice() else {
                return violation(*serial, format!("{} states fit what was heard", card.possible.len()));
            };
            card.conserves_money(state).or_else(|what| violation(*serial, what))?;
            card.has_every_record(state).or_else(|what| violation(*serial, what))?;
        }
        if undecided.is_empty() {
            self.terminals_have_no_gaps()?;
        }
        Ok(undecided.into_iter().collect())
    }

    /// A SAM moves on with a purchase completed and with an undo begun, so every number up to the last occurs, but for those of
    /// undos that came to nothing.
    fn terminals_have_no_gaps(&self) -> Result<(), Violation> {
        let mut numbers: BTreeMap<TerminalNumber, (ApplicationSerial, BTreeSet<u32>)> = BTreeMap::new();
        for record in self.cards.values().flat_map(|card| &card.records) {
            if let Some(number) = record.transaction.terminal_sequence {
                let entry = numbers.entry(record.transaction.terminal);
                entry.or_insert((record.transaction.serial, BTreeSet::new())).1.insert(number);
            }
        }
        for (terminal, (card, numbers)) in numbers {
            let up_to_last = numbers.last().map_or(0, |last| *last as usize + 1);
            if up_to_last - numbers.len() > self.undos_that_came_to_nothing(terminal) {
                return violation(card, format!("terminal {terminal} has a gap in its sequence"));
            }
        }
        Ok(())
    }

    /// At most so many: the number of one that is committed is among the records.
    fn undos_that_came_to_nothing(&self, terminal: TerminalNumber) -> usize {
        let records = self.cards.values().flat_map(|card| &card.records).map(|record| record.transaction);
        let committed = records.filter(|done| done.kind == Kind::Undo && done.terminal == terminal).count();
        self.undo_taps.get(&terminal).copied().unwrap_or_default().saturating_sub(committed)
    }

    fn count_undo_tap(&mut self, terminal: TerminalNumber, order: &Order) {
        if matches!(order.kind, OrderKind::Undo { .. }) {
            *self.undo_taps.entry(terminal).or_default() += 1;
        }
    }

    /// An order that has ended as committed stays so, whatever card is on the reader.
    fn heard_again(&mut self, card: ApplicationSerial, order: &Order, report: &Report) -> Result<(), Violation> {
        match report.ending {
            Ending::Committed(record) if self.settled.contains(&record.key()) => Ok(()),
            _ => violation(card, format!("order {} has ended and ends again as {:?}", order.number, report.ending)),
        }
    }

    /// `may_execute` says that the card was on the reader for this very order.
    fn ending(
        &mut self,
        card: ApplicationSerial,
        order: &Order,
        ending: &Ending,
        may_execute: bool,
    ) -> Result<(), Violation> {
        let number = order.number;
        match ending {
            Ending::Committed(record) => {
                self.check_record(card, order, record)?;
                let told = (record.transaction.old_balance.fen(), record.transaction.card_sequence);
                if may_execute {
                    self.branch(card, order);
                }
                let fits = |state: &mut State| state.executed.remove(&number) == Some(told);
                self.strike_out(card, fits, || format!("order {number} cannot have been executed as {record:?} says"))?;
                self.decided(number, true);
                self.card(card).records.push(*record);
                let counts = self.tally.of_kind.iter_mut().zip(Kind::ALL);
                counts.filter(|(_, kind)| *kind == record.transaction.kind).for_each(|(count, _)| *count += 1);
            }
            Ending::NotCommitted => {
                let fits = |state: &mut State| !state.executed.contains_key(&number);
                self.strike_out(card, fits, || format!("order {number} has been executed, and was said not to be"))?;
                self.decided(number, false);
            }
            Ending::Unknown => {
                if may_execute {
                    self.branch(card, order);
                }
                if !self.open.contains_key(&number) {
                    let known = self.card(card);
                    let completed_before = known.completed_min();
                    // The branch above has executed it in some of these.
                    let not_executed = known.possible.iter().filter(|state| !state.executed.contains_key(&number));
                    let offline_before = not_executed.map(|state| state.ep.offline_sequence).max().unwrap_or_default();
                    self.open.insert(number, Open { card, order: order.clone(), completed_before, offline_before });
                    self.tally.unknown += 1;
                }
            }
        }
        Ok(())
    }

    fn check_record(
        &mut self,
        card: ApplicationSerial,
        order: &Order,
        record: &SettlementRecord,
    ) -> Result<(), Violation> {
        let transaction = &record.transaction;
        let facts = (transaction.order, transaction.serial, transaction.amount, transaction.kind);
        if facts != (order.number, card, order.amount, order.kind.settled_as()) || !transaction.is_consistent() {
            return violation(card, format!("{record:?} is not the receipt of {order:?}"));
        }
        if record.tac.is_some() && self.issuer.check(record).is_err() {
            return violation(card, format!("the TAC of {record:?} is wrong"));
        }
        if !self.settled.insert(record.key()) {
            return violation(card, format!("{:?} is settled twice", record.key()));
        }
        Ok(())
    }

    /// Adds to each state where `order` is not executed the one where it now is.
    fn branch(&mut self, card: ApplicationSerial, order: &Order) {
        let card = self.card(card);
        let executed: Vec<State> = card.possible.iter().filter_map(|state| state.after(order)).collect();
        for state in executed {
            if !card.possible.contains(&state) {
                card.possible.push(state);
            }
        }
    }

    fn strike_out(
        &mut self,
        serial: ApplicationSerial,
        fits: impl FnMut(&mut State) -> bool,
        what: impl FnOnce() -> String,
    ) -> Result<(), Violation> {
        let card = self.card(serial);
        let before = card.possible.clone();
        card.possible.retain_mut(fits);
        if card.possible.is_empty() {
            return violation(serial, format!("{}; possible were {before:?}", what()));
        }
        // Two states may differ in an order alone that has just been decided.
        let mut distinct: Vec<State> = Vec::with_capacity(card.possible.len());
        for state in card.possible.drain(..) {
            if !distinct.contains(&state) {
                distinct.push(state);
            }
        }
        card.possible = distinct;
        Ok(())
    }

    fn decided(&mut self, number: OrderNumber, committed: bool) {
        let was_open = self.open.remove(&number).is_some();
        if committed {
            self.ended.insert(number);
            self.tally.committed += 1;
            self.tally.resolved_committed += u64::from(was_open);
        } else {
            self.tally.not_committed += 1;
            self.tally.resolved_not_committed += u64::from(was_open);
        }
    }

    fn card(&mut self, serial: ApplicationSerial) -> &mut Card {
        self.cards.entry(serial).or_insert_with(|| Card { possible: vec![State::default()], records: Vec::new() })
    }
}

impl Card {
    fn completed_min(&self) -> u32 {
        self.possible.iter().map(State::completed).min().unwrap_or_default()
    }

    fn completed_max(&self) -> u32 {
        self.possible.iter().map(State::completed).max().unwrap_or_default()
    }
}

impl Card {
    /// loaded + undone = balance + spent + unloaded + withdrawn; the balance without what the bank lends.
    fn conserves_money(&self, state: &State) -> Result<(), String> {
        let sum = |kinds: &[Kind]| -> i64 {
            let records = self.records.iter().filter(|record| kinds.contains(&record.transaction.kind));
            records.map(|record| i64::from(record.transaction.amount.fen())).sum()
        };
        let (loaded, undone) = (sum(&[Kind::LoadEp, Kind::LoadEd]), sum(&[Kind::Undo]));
        let spent = sum(&[Kind::PurchaseEp, Kind::PurchaseEd, Kind::Capp]);
        let (unloaded, withdrawn) = (sum(&[Kind::UnloadEp, Kind::UnloadEd]), sum(&[Kind::CashWithdraw]));
        let balance = i64::from(state.ep.balance) + i64::from(state.ed.balance) - i64::from(state.ed.overdraft);
        if loaded + undone == balance + spent + unloaded + withdrawn {
            return Ok(());
        }
        Err(format!(
            "loaded {loaded}, undone {undone}; balance {balance}, spent {spent}, unloaded {unloaded}, withdrawn {withdrawn}"
        ))
    }

    /// Each number of each sequence is settled.
    fn has_every_record(&self, state: &State) -> Result<(), String> {
        for purse in [Purse::Ep, Purse::Ed] {
            let PurseState { online_sequence, offline_sequence, .. } = *state.purse(purse);
            for (online, end) in [(true, online_sequence), (false, offline_sequence)] {
                let of_sequence = |kind: Kind| kind.purse() == purse && kind.is_online() == online;
                let records = self.records.iter().filter(|record| of_sequence(record.transaction.kind));
                let numbers: BTreeSet<u16> = records.map(|record| record.transaction.card_sequence).collect();
                if !numbers.into_iter().eq(0..end) {
                    return Err(format!("a settlement record of {purse:?} below {end} is missing"));
                }
            }
        }
        Ok(())
    }
}

impl State {
    fn purse(&self, purse: Purse) -> &PurseState {
        match purse {
            Purse::Ep => &self.ep,
            Purse::Ed => &self.ed,
        }
    }

    fn completed(&self) -> u32 {
        let purses = [self.ep, self.ed];
        purses.iter().map(|purse| u32::from(purse.offline_sequence) + u32::from(purse.online_sequence)).sum()
    }

    /// With `order` executed now; `None` if it cannot be, or has been.
    fn after(&self, order: &Order) -> Option<Self> {
        if self.executed.contains_key(&order.number) {
            return None;
        }
        let (mut state, kind) = (self.clone(), order.kind.settled_as());
        if let OrderKind::Undo { purchase } = order.kind
            && self.undoable != Some(purchase)
        {
            return None;
        }
        let purse = match kind.purse() {
            Purse::Ep => &mut state.ep,
            Purse::Ed => &mut state.ed,
        };
        let (before, amount) = (purse.balance, order.amount.fen());
        // What is paid out is the holder's own money, not the limit.
        if kind == Kind::UnloadEd && amount > before.saturating_sub(purse.overdraft) {
            return None;
        }
        match kind.direction() {
            Direction::Onto => purse.balance = before.checked_add(amount)?,
            Direction::Off => purse.balance = before.checked_sub(amount)?,
            Direction::WithLimit => {
                let balance = i64::from(before) - i64::from(purse.overdraft) + i64::from(amount);
                (purse.balance, purse.overdraft) = (u32::try_from(balance).ok()?, amount);
            }
        }
        let sequence = if kind.is_online() { &mut purse.online_sequence } else { &mut purse.offline_sequence };
        let at = *sequence;
        *sequence = at.checked_add(1)?;
        if kind.purse() == Purse::Ep {
            state.undoable = (kind == Kind::PurchaseEp).then_some(order.number);
        }
        state.executed.insert(order.number, (before, at));
        Some(state)
    }
}

fn violation<T>(card: ApplicationSerial, what: String) -> Result<T, Violation> {
    Err(Violation { card, what })
}
