//! What the issuer asks of records together: is each proven, is one sale handed in twice, and which are missing?
//!
//! A purchase's TAC covers amount, transaction type, terminal number, terminal sequence, date and time, under a key of the
//! card (JR/T 0025.2, FMCOS 2.0 user manual p. 96). It covers **neither the card's sequence nor a balance** (nor order number,
//! key version, algorithm and evidence): whoever copies a record and changes just those has a second record with a
//! genuine TAC. So a purchase is paid once for one set of what its TAC covers, besides once for one sequence of the card.
//! A load's TAC covers the card's sequence and the balance after it.
//!
//! An undo's is a purchase's TAC with its own type. It takes the next number of SAM and card, so that one that is kept back
//! leaves a gap in both; and it is counted only beside its purchase.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use onecard_wire::{
    amount::Amount,
    date::Moment,
    number::{ApplicationSerial, EnterpriseId, TerminalNumber},
    wallet::Purse,
};
use serde::Serialize;

use super::{SettlementKey, SettlementRecord, sales::assigned};
use crate::terminal::{IssuerKeys, Kind, Transaction, Unproven};

/// What the issuer finds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Audit {
    /// One for each record, in their order: `Err` is not paid.
    pub verdicts: Vec<Result<(), Objection>>,
    /// Sequences that are missing between the records that are paid.
    pub gaps: Vec<Gap>,
    /// What the records that are paid move.
    pub totals: Totals,
}

/// Sums in fen.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
pub struct Totals {
    /// Loaded onto cards.
    pub loaded: u64,
    /// Paid by purchases and compound purchases.
    pub spent: u64,
    /// Given back by undos.
    pub undone: u64,
    /// Paid out by cash withdrawals.
    pub withdrawn: u64,
    /// Paid out by unloads.
    pub unloaded: u64,
}

impl Totals {
    /// What the merchants sold: purchases without those that were undone. No record is counted without its purchase, so it is
    /// never less than nothing.
    #[must_use]
    pub const fn net_spent(&self) -> u64 {
        self.spent.saturating_sub(self.undone)
    }

    fn add(&mut self, transaction: &Transaction) {
        let sum = match transaction.kind {
            Kind::LoadEd | Kind::LoadEp => &mut self.loaded,
            Kind::PurchaseEd | Kind::PurchaseEp | Kind::Capp => &mut self.spent,
            Kind::Undo => &mut self.undone,
            Kind::CashWithdraw => &mut self.withdrawn,
            Kind::UnloadEd | Kind::UnloadEp => &mut self.unloaded,
            Kind::Overdraft => return,
        };
        *sum += u64::from(transaction.amount.fen());
    }
}

/// Why a record is not paid. Another record is named by its index, counted from 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Objection {
    /// Old balance, new balance and amount contradict each other; a file with such a record does not parse.
    Contradictory,
    /// Its TAC does not prove it.
    Unproven(Unproven),
    /// The same sequence of the same card is paid already.
    SameTransaction {
        /// The record that is paid.
        first: usize,
    },
    /// Another sale, as genuine by its TAC, is handed in with the same sequence of the same card. The card's sequence is in
    /// neither TAC, so one of the two was changed; its log tells which, and until then neither is paid.
    SequenceConflict {
        /// The other one.
        other: usize,
    },
    /// An undo whose purchase is not among the records that are paid: it counts when the purchase is handed in too.
    UndoWithoutPurchase,
    /// Everything a purchase's TAC covers is as in a record that is paid already.
    SameTac {
        /// The record that is paid.
        first: usize,
    },
}

/// Sequences of which there is no record, though there are an earlier and a later one. What is missing before the first
/// and after the last record cannot be told. A gap is no fault by itself: the card was used at a terminal whose records are
/// not among these, or a terminal has not handed in a transaction, perhaps since it is in doubt.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum Gap {
    /// A card's online (loads, unloads) or offline (purchases, undos) sequence of a purse.
    Card {
        /// The enterprise.
        #[serde(with = "crate::as_text")]
        enterprise: EnterpriseId,
        /// The card.
        #[serde(with = "crate::as_text")]
        serial: ApplicationSerial,
        /// Whether it is the ED's sequence; else the EP's.
        ed: bool,
        /// Whether it is the online sequence.
        online: bool,
        /// The first that is missing, before the transaction.
        from: u16,
        /// The last that is missing.
        to: u16,
    },
    /// A terminal's sequence of purchases and undos: an undo that is kept back leaves one.
    Terminal {
        /// The terminal.
        #[serde(with = "crate::as_text")]
        terminal: TerminalNumber,
        /// The first that is missing.
        from: u32,
        /// The last that is missing.
        to: u32,
    },
}

/// Judges `records`, of one file or several, in whatever order. A record that is not paid keeps no other from being paid, and
/// fills no gap.
#[must_use]
pub fn audit(records: &[SettlementRecord], issuer: &IssuerKeys) -> Audit {
    let mut verdicts: Vec<_> = records.iter().map(|record| proven(record, issuer)).collect();
    let handed_in = HandedIn::of(records, &verdicts);
    for (index, verdict) in verdicts.iter_mut().enumerate().filter(|(_, verdict)| verdict.is_ok()) {
        *verdict = handed_in.judge(index);
    }
    let genuine = |verdict: &Result<(), Objection>| matches!(verdict, Ok(()) | Err(Objection::SequenceConflict { .. }));
    let accepted = records.iter().zip(&verdicts).filter(|(_, verdict)| genuine(verdict)).map(|(record, _)| record);
    // An undo that waits for its purchase, or a sale for the card's log, is genuine all the same, and its sequences are used.
    let gaps = gaps(accepted);
    let paid = records.iter().zip(&verdicts).filter(|(_, verdict)| verdict.is_ok());
    let by_sequence: HashMap<_, _> = paid.map(|(record, _)| (record.key(), *record)).collect();
    let mut totals = Totals::default();
    for (record, verdict) in records.iter().zip(&mut verdicts).filter(|(_, verdict)| verdict.is_ok()) {
        if record.transaction.kind == Kind::Undo && !has_purchase(record, &by_sequence) {
            *verdict = Err(Objection::UndoWithoutPurchase);
        } else {
            totals.add(&record.transaction);
        }
    }
    Audit { verdicts, gaps, totals }
}

fn proven(record: &SettlementRecord, issuer: &IssuerKeys) -> Result<(), Objection> {
    if record.transaction.is_consistent() {
        issuer.check(record).map_err(Objection::Unproven)
    } else {
        Err(Objection::Contradictory)
    }
}

fn has_purchase(undo: &SettlementRecord, paid: &HashMap<SettlementKey, SettlementRecord>) -> bool {
    let before = undo.transaction.card_sequence.checked_sub(1);
    let purchase = before.and_then(|card_sequence| paid.get(&SettlementKey { card_sequence, ..undo.key() }));
    purchase.is_some_and(|purchase| undo.transaction.undoes(&purchase.transaction))
}

/// The proven records, by what no two that are paid share.
#[derive(Default)]
struct HandedIn {
    /// Of each record: its sale, if it is one, and its sequence.
    of_record: HashMap<usize, (Option<usize>, usize)>,
    /// The first record of each sale with each sequence.
    first: HashMap<(Option<usize>, usize), usize>,
    /// The sales that name each sequence.
    sales_at: HashMap<usize, BTreeSet<usize>>,
    /// The sequence that each sale has.
    assigned: Vec<Option<usize>>,
}

/// What a purchase's TAC is made of, the card's key and the terms: a sale.
#[derive(PartialEq, Eq, Hash)]
struct TacInputs {
    enterprise: EnterpriseId,
    serial: ApplicationSerial,
    kind: Kind,
    amount: Amount,
    terminal: TerminalNumber,
    terminal_sequence: u32,
    moment: Moment,
}

impl HandedIn {
    fn of(records: &[SettlementRecord], verdicts: &[Result<(), Objection>]) -> Self {
        let mut found = Self::default();
        let (mut sales, mut sequences, mut named) = (HashMap::new(), HashMap::new(), Vec::<BTreeSet<usize>>::new());
        for (index, (record, _)) in records.iter().zip(verdicts).enumerate().filter(|(_, (_, verdict))| verdict.is_ok())
        {
            let next = sequences.len();
            let sequence = *sequences.entry(record.key()).or_insert(next);
            let next = sales.len();
            let sale = TacInputs::of(&record.transaction).map(|inputs| *sales.entry(inputs).or_insert(next));
            if let Some(sale) = sale {
                named.resize_with(sales.len(), BTreeSet::new);
                named.get_mut(sale).map(|named| named.insert(sequence));
                found.sales_at.entry(sequence).or_default().insert(sale);
            }
            found.of_record.insert(index, (sale, sequence));
            found.first.entry((sale, sequence)).or_insert(index);
        }
        found.assigned = assigned(&named);
        found
    }

    /// Whether the proven record `index` is paid.
    fn judge(&self, index: usize) -> Result<(), Objection> {
        let Some((sale, sequence)) = self.of_record.get(&index).copied() else { return Ok(()) };
        let first = |sale, sequence| self.first.get(&(sale, sequence)).copied().unwrap_or(index);
        let has = match sale {
            None => Some(sequence),
            Some(number) => self.assigned.get(number).copied().flatten(),
        };
        match has {
            Some(has) if has != sequence => Err(Objection::SameTac { first: first(sale, has) }),
            Some(_) if first(sale, sequence) != index => {
                Err(Objection::SameTransaction { first: first(sale, sequence) })
            }
            Some(_) => Ok(()),
            None => {
                let sales = self.sales_at.get(&sequence).into_iter().flatten();
                let other = sales.copied().find(|other| Some(*other) != sale);
                Err(Objection::SequenceConflict { other: first(other, sequence) })
            }
        }
    }
}

impl TacInputs {
    /// `None` for an online transaction, whose TAC covers the card's sequence.
    fn of(transaction: &Transaction) -> Option<Self> {
        let Transaction { enterprise, serial, kind, amount, terminal, moment, .. } = *transaction;
        let terminal_sequence = transaction.terminal_sequence?;
        Some(Self { enterprise, serial, kind, amount, terminal, terminal_sequence, moment })
    }
}

fn gaps<'r>(records: impl Iterator<Item = &'r SettlementRecord>) -> Vec<Gap> {
    let mut cards: BTreeMap<_, BTreeSet<u32>> = BTreeMap::new();
    let mut terminals: BTreeMap<_, BTreeSet<u32>> = BTreeMap::new();
    for SettlementRecord { transaction: t, .. } in records {
        let sequence_of = (t.enterprise, t.serial, t.kind.purse() == Purse::Ed, t.kind.is_online());
        cards.entry(sequence_of).or_default().insert(t.card_sequence.into());
        if let Some(sequence) = t.terminal_sequence {
            terminals.entry(t.terminal).or_default().insert(sequence);
        }
    }
    let of_cards = cards.iter().flat_map(|((enterprise, serial, ed, online), present)| {
        missing(present).filter_map(|(from, to)| {
            let (from, to) = (from.try_into().ok()?, to.try_into().ok()?);
            Some(Gap::Card { enterprise: *enterprise, serial: *serial, ed: *ed, online: *online, from, to })
        })
    });
    let of_terminals = terminals.iter().flat_map(|(terminal, present)| {
        missing(present).map(|(from, to)| Gap::Terminal { terminal: *terminal, from, to })
    });
    of_cards.chain(of_terminals).collect()
}

/// The ranges, first and last, that are missing between the least and the greatest of `present`.
fn missing(present: &BTreeSet<u32>) -> impl Iterator<Item = (u32, u32)> {
    present.iter().zip(present.iter().skip(1)).filter_map(|(before, after)| {
        let (from, to) = (before.checked_add(1)?, after.checked_sub(1)?);
        (from <= to).then_some((from, to))
    })
}

#[cfg(test)]
mod tests;
