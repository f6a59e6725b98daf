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

use super::{SettlementKey, SettlementRecord};
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

/// Why a record is not paid. An earlier record is named by its index, counted from 0.
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

/// Judges `records`, of one file or several. A record that is not paid keeps no later one from being paid, and fills no gap.
#[must_use]
pub fn audit(records: &[SettlementRecord], issuer: &IssuerKeys) -> Audit {
    let mut paid = Paid::default();
    let mut verdicts: Vec<_> =
        records.iter().enumerate().map(|(index, record)| paid.judge(index, record, issuer)).collect();
    paid.set_against_each_other(records, &mut verdicts);
    let genuine = |verdict: &Result<(), Objection>| matches!(verdict, Ok(()) | Err(Objection::SequenceConflict { .. }));
    let accepted = records.iter().zip(&verdicts).filter(|(_, verdict)| genuine(verdict)).map(|(record, _)| record);
    // An undo that waits for its purchase, or a sale for the card's log, is genuine all the same, and its sequences are used.
    let gaps = gaps(accepted);
    let mut totals = Totals::default();
    for (record, verdict) in records.iter().zip(&mut verdicts).filter(|(_, verdict)| verdict.is_ok()) {
        if record.transaction.kind == Kind::Undo && !paid.has_purchase_of(record, records) {
            *verdict = Err(Objection::UndoWithoutPurchase);
        } else {
            totals.add(&record.transaction);
        }
    }
    Audit { verdicts, gaps, totals }
}

/// The records that are paid, by what no two of them share.
#[derive(Default)]
struct Paid {
    by_sequence: HashMap<SettlementKey, usize>,
    by_tac: HashMap<TacInputs, usize>,
}

/// What a purchase's TAC is made of: the card's key, and the terms.
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

impl Paid {
    fn judge(&mut self, index: usize, record: &SettlementRecord, issuer: &IssuerKeys) -> Result<(), Objection> {
        if !record.transaction.is_consistent() {
            return Err(Objection::Contradictory);
        }
        issuer.check(record).map_err(Objection::Unproven)?;
        let inputs = TacInputs::of(&record.transaction);
        let same_tac = inputs.as_ref().and_then(|inputs| self.by_tac.get(inputs).copied());
        match (self.by_sequence.get(&record.key()).copied(), same_tac) {
            (Some(first), Some(same)) if first != same => return Err(Objection::SameTac { first: same }),
            (Some(first), None) if inputs.is_some() => return Err(Objection::SequenceConflict { other: first }),
            (Some(first), _) => return Err(Objection::SameTransaction { first }),
            (None, Some(first)) => return Err(Objection::SameTac { first }),
            (None, None) => {}
        }
        self.by_tac.extend(inputs.map(|inputs| (inputs, index)));
        self.by_sequence.insert(record.key(), index);
        Ok(())
    }

    /// Once every record is judged: a conflicting one whose sale was paid under another sequence after all is a changed copy
    /// of that; else the one it conflicts with is not paid either.
    fn set_against_each_other(&mut self, records: &[SettlementRecord], verdicts: &mut [Result<(), Objection>]) {
        for (index, record) in records.iter().enumerate() {
            let Some(Err(Objection::SequenceConflict { other })) = verdicts.get(index).copied() else { continue };
            let Some(inputs) = TacInputs::of(&record.transaction) else { continue };
            let copy_of = self.by_tac.get(&inputs).copied();
            let (found, verdict) = match copy_of {
                Some(first) => (index, Objection::SameTac { first }),
                None => (other, Objection::SequenceConflict { other: index }),
            };
            if copy_of.is_none() {
                self.by_tac.insert(inputs, index);
                self.by_sequence.remove(&record.key());
            }
            if let Some(changed) = verdicts.get_mut(found)
                && (found == index || changed.is_ok())
            {
                *changed = Err(verdict);
            }
        }
    }
}

impl Paid {
    fn has_purchase_of(&self, undo: &SettlementRecord, records: &[SettlementRecord]) -> bool {
        let before = undo.transaction.card_sequence.checked_sub(1);
        let purchase = before.and_then(|card_sequence| {
            let key = SettlementKey { card_sequence, ..undo.key() };
            records.get(*self.by_sequence.get(&key)?)
        });
        purchase.is_some_and(|purchase| undo.transaction.undoes(&purchase.transaction))
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
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use crate::{
        crypto::{Key, TransactionTerms, load_tac, purchase_tac},
        keys::diversify,
        terminal::{Evidence, OrderNumber},
    };
    use onecard_wire::date::{Date, Time};

    fn enterprise() -> EnterpriseId {
        "1000000000000001".parse().unwrap()
    }

    fn tac_key() -> Key {
        Key::from_bytes(core::array::from_fn(|at| (at as u8).wrapping_mul(37) ^ 0x5A))
    }

    fn issuer() -> IssuerKeys {
        IssuerKeys::new().with(enterprise(), tac_key())
    }

    /// The `sequence`-th purchase of 1 yuan (or load) of a card with a genuine TAC; the terminal counts from 100.
    fn record(kind: Kind, sequence: u16) -> SettlementRecord {
        let serial = ApplicationSerial::from_parts(31, 1, 7).unwrap();
        let (amount, old_balance) = (Amount::from_fen(100), Amount::from_fen(10_000));
        let transaction = Transaction {
            order: OrderNumber(u64::from(sequence) + 1),
            enterprise: enterprise(),
            serial,
            kind,
            amount,
            old_balance,
            new_balance: kind.balance_after(old_balance, amount).unwrap(),
            card_sequence: sequence,
            terminal: "000000000001".parse().unwrap(),
            terminal_sequence: (!kind.is_online()).then_some(u32::from(sequence) + 100),
            moment: Moment { date: Date::parse("20261122").unwrap(), time: Time::parse("123001").unwrap() },
            key_version: 1,
            algorithm: 0,
        };
        let Transaction { terminal, moment, .. } = transaction;
        let terms = TransactionTerms { amount, transaction_type: kind.transaction_type(), terminal, moment };
        let key = diversify(&tac_key(), serial.to_bytes());
        let tac = match transaction.terminal_sequence {
            Some(number) => purchase_tac(&key, number, &terms),
            None => load_tac(&key, transaction.new_balance, sequence, &terms),
        };
        SettlementRecord { transaction, tac: Some(tac), evidence: Evidence::Answer }
    }

    #[test]
    fn a_copy_with_another_card_sequence_and_other_balances_is_not_paid() {
        let genuine = record(Kind::PurchaseEp, 3);
        let mut copy = genuine;
        copy.transaction.card_sequence = 9;
        copy.transaction.order = OrderNumber(77);
        copy.transaction.old_balance = Amount::from_fen(5_000);
        copy.transaction.new_balance = Amount::from_fen(4_900);
        assert_eq!(issuer().check(&copy), Ok(()), "the TAC covers none of it");
        let found = audit(&[genuine, copy], &issuer());
        assert_eq!(found.verdicts, [Ok(()), Err(Objection::SameTac { first: 0 })]);
        // What is not paid fills no gap and makes none.
        assert_eq!(found.gaps, []);
        assert_eq!(audit(&[genuine, genuine], &issuer()).verdicts[1], Err(Objection::SameTransaction { first: 0 }));
    }

    /// Two tills sold to the card; the second's record says the first's sequence.
    #[test]
    fn two_genuine_sales_with_one_sequence_are_set_against_each_other() {
        let (first, mut second) = (record(Kind::PurchaseEp, 3), record(Kind::PurchaseEp, 4));
        second.transaction.card_sequence = 3;
        assert_eq!(issuer().check(&second), Ok(()));
        let undo = record(Kind::Undo, 4);
        let against = |other| Err(Objection::SequenceConflict { other });
        for records in [[first, second, undo], [second, first, undo]] {
            let found = audit(&records, &issuer());
            // The purchase that the undo takes back is not paid, so the undo waits with it.
            assert_eq!(found.verdicts, [against(1), against(0), Err(Objection::UndoWithoutPurchase)]);
            assert_eq!((found.totals, found.gaps), (Totals::default(), vec![]));
        }
        // A third, and one of them once more.
        let mut third = record(Kind::PurchaseEp, 5);
        third.transaction.card_sequence = 3;
        let verdicts = audit(&[first, second, third, second, first], &issuer()).verdicts;
        assert_eq!(verdicts[..3], [against(1), against(0), against(0)]);
        assert_eq!(verdicts[3..], [Err(Objection::SameTac { first: 1 }), Err(Objection::SameTransaction { first: 0 })]);
        // A copy of a sale that is handed in rightly too keeps nobody's from being paid.
        let rightly = record(Kind::PurchaseEp, 4);
        let verdicts = audit(&[first, second, rightly], &issuer()).verdicts;
        assert_eq!(verdicts, [Ok(()), Err(Objection::SameTac { first: 2 }), Ok(())]);
    }

    #[test]
    fn a_record_that_is_not_paid_keeps_no_genuine_one_from_being_paid() {
        let genuine = record(Kind::PurchaseEp, 3);
        let mut changed = genuine;
        changed.transaction.amount = Amount::from_fen(200);
        changed.transaction.new_balance = Amount::from_fen(9_800);
        let mut contradictory = genuine;
        contradictory.transaction.new_balance = Amount::from_fen(9_901);
        let found = audit(&[changed, contradictory, genuine], &issuer());
        let expected = [Err(Objection::Unproven(Unproven::Wrong)), Err(Objection::Contradictory), Ok(())];
        assert_eq!(found.verdicts, expected);
    }

    #[test]
    fn a_loads_tac_covers_sequence_and_balance() {
        let genuine = record(Kind::LoadEp, 3);
        let mut copy = genuine;
        copy.transaction.card_sequence = 4;
        let found = audit(&[genuine, record(Kind::LoadEp, 4), copy], &issuer());
        assert_eq!(found.verdicts, [Ok(()), Ok(()), Err(Objection::Unproven(Unproven::Wrong))]);
    }

    #[test]
    fn gaps_are_told_by_card_purse_and_terminal() {
        let purchases = [0, 1, 4, 5, 7].map(|sequence| record(Kind::PurchaseEp, sequence));
        let loads = [2, 4].map(|sequence| record(Kind::LoadEp, sequence));
        let records: Vec<_> = loads.iter().chain(purchases.iter().rev()).copied().collect();
        let Transaction { enterprise, serial, terminal, .. } = records[0].transaction;
        let of_card = |online, from, to| Gap::Card { enterprise, serial, ed: false, online, from, to };
        let of_terminal = |from, to| Gap::Terminal { terminal, from, to };
        assert_eq!(
            audit(&records, &issuer()).gaps,
            [
                of_card(false, 2, 3),
                of_card(false, 6, 6),
                of_card(true, 3, 3),
                of_terminal(102, 103),
                of_terminal(106, 106)
            ]
        );
    }

    /// A purchase, its undo, and the next purchase of another card at the same terminal.
    fn undone() -> [SettlementRecord; 3] {
        let (mut bought, mut undo) = (record(Kind::PurchaseEp, 3), record(Kind::Undo, 4));
        undo.transaction.old_balance = bought.transaction.new_balance;
        undo.transaction.new_balance = bought.transaction.old_balance;
        let next = record(Kind::PurchaseEp, 5);
        bought.evidence = Evidence::Mac2;
        [bought, undo, next]
    }

    #[test]
    fn an_undo_is_taken_off_and_counts_beside_its_purchase_alone() {
        let [bought, undo, next] = undone();
        for records in [[bought, undo, next], [undo, next, bought]] {
            let found = audit(&records, &issuer());
            assert_eq!(found.verdicts, [Ok(()); 3]);
            assert_eq!((found.totals.spent, found.totals.undone, found.totals.net_spent()), (200, 100, 100));
        }
        let found = audit(&[undo, next], &issuer());
        assert_eq!(found.verdicts, [Err(Objection::UndoWithoutPurchase), Ok(())]);
        assert_eq!((found.totals.net_spent(), found.gaps.len()), (100, 0));
        // Another amount's, or a compound purchase's, is not its purchase.
        let mut dearer = bought;
        dearer.transaction.amount = Amount::from_fen(101);
        for other in [dearer, record(Kind::Capp, 3)] {
            assert_eq!(audit(&[other, undo], &issuer()).verdicts[1], Err(Objection::UndoWithoutPurchase));
        }
        // Handed in twice it is taken off once.
        let again = audit(&[bought, undo, undo], &issuer());
        assert_eq!((again.verdicts[2], again.totals.undone), (Err(Objection::SameTransaction { first: 1 }), 100));
    }

    /// Attack 13: the merchant keeps the undo back and wants to be paid.
    #[test]
    fn a_hidden_undo_leaves_a_gap_in_both_sequences() {
        let [bought, undo, next] = undone();
        let Transaction { enterprise, serial, terminal, .. } = bought.transaction;
        let hidden = audit(&[bought, next], &issuer()).gaps;
        let of_card = Gap::Card { enterprise, serial, ed: false, online: false, from: 4, to: 4 };
        assert_eq!(hidden, [of_card, Gap::Terminal { terminal, from: 104, to: 104 }]);
        // The undo cannot be passed off as a purchase either: its type is in its TAC.
        let mut relabelled = undo;
        relabelled.transaction.kind = Kind::PurchaseEp;
        relabelled.transaction.new_balance = Amount::from_fen(9_800);
        let found = audit(&[bought, relabelled, next], &issuer());
        assert_eq!(found.verdicts[1], Err(Objection::Unproven(Unproven::Wrong)));
        assert_eq!(found.gaps, hidden);
    }

    #[test]
    fn an_unload_is_paid_to_a_desk_alone() {
        let unload = record(Kind::UnloadEp, 2);
        let terminal = unload.transaction.terminal;
        let refused = audit(&[unload], &issuer()).verdicts;
        assert_eq!(refused, [Err(Objection::Unproven(Unproven::NoDesk(terminal)))]);
        let found = audit(&[unload, record(Kind::LoadEp, 3)], &issuer().with_desk(terminal));
        assert_eq!((found.verdicts, found.gaps), (vec![Ok(()); 2], vec![]));
        assert_eq!((found.totals.unloaded, found.totals.loaded), (100, 100));
    }
}
