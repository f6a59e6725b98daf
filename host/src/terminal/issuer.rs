//! The issuer's check of a TAC: over settlement records, and over proofs no SAM can judge.

use std::collections::{BTreeMap, BTreeSet};

use onecard_wire::{
    number::{EnterpriseId, TerminalNumber},
    wallet::OverdraftLimit,
};
use subtle::ConstantTimeEq;

use super::{Kind, SettlementRecord, Transaction};
use crate::{
    crypto::{Key, TransactionTerms, load_tac, purchase_tac, update_tac},
    keys::diversify,
    sam::SamError,
};

/// Whoever holds the TAC keys: this library's [`IssuerKeys`], or a connection to the issuer.
pub trait IssuerCheck {
    /// Whether `tac` is the one the card made for `transaction` (JR/T 0025.2; FMCOS 2.0 user manual p. 91, 96).
    ///
    /// # Errors
    /// [`SamError::WrongMac`]: another transaction's, or a false card's. [`SamError::NoSuchKey`]: not an enterprise of this
    /// issuer. Others: it could not be asked.
    fn check_tac(&mut self, transaction: &Transaction, tac: [u8; 4]) -> Result<(), SamError>;
}

/// TAC master keys by enterprise: each key is the root diversified by enterprise id, not yet by card (profile §4).
///
/// A TAC does not tell its key's version, so all versions of an enterprise are tried.
///
/// An unload has no TAC, and its MAC3 is made with a key and a random that no settlement record tells. The desk has checked
/// it, so the issuer takes unloads from the [desks](Self::with_desk) it trusts, and from no other terminal.
#[derive(Clone, Debug, Default)]
pub struct IssuerKeys {
    tac_keys: BTreeMap<EnterpriseId, Vec<Key>>,
    desks: BTreeSet<TerminalNumber>,
}

impl IssuerKeys {
    /// No key yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more TAC key of `enterprise`.
    #[must_use]
    pub fn with(mut self, enterprise: EnterpriseId, tac_key: Key) -> Self {
        self.tac_keys.entry(enterprise).or_default().push(tac_key);
        self
    }

    /// The same trusting the unloads of one more service desk.
    #[must_use]
    pub fn with_desk(mut self, terminal: TerminalNumber) -> Self {
        self.desks.insert(terminal);
        self
    }

    /// Checks the TAC of a record handed in for settlement.
    ///
    /// # Errors
    /// [`Unproven`].
    pub fn check(&self, record: &SettlementRecord) -> Result<(), Unproven> {
        let Transaction { kind, terminal, .. } = record.transaction;
        if kind.is_unload() {
            return if self.desks.contains(&terminal) { Ok(()) } else { Err(Unproven::NoDesk(terminal)) };
        }
        let tac = record.tac.ok_or(Unproven::NoTac)?;
        self.verify(&record.transaction, tac)
    }

    fn verify(&self, transaction: &Transaction, tac: [u8; 4]) -> Result<(), Unproven> {
        let Transaction { enterprise, serial, .. } = *transaction;
        let keys = self.tac_keys.get(&enterprise).ok_or(Unproven::NoKey(enterprise))?;
        let mut genuine = false;
        for key in keys {
            let card_key = diversify(key, serial.to_bytes());
            genuine |= bool::from(tac_of(transaction, &card_key).ct_eq(&tac));
        }
        if genuine { Ok(()) } else { Err(Unproven::Wrong) }
    }
}

impl IssuerCheck for IssuerKeys {
    fn check_tac(&mut self, transaction: &Transaction, tac: [u8; 4]) -> Result<(), SamError> {
        if transaction.kind.is_unload() {
            return Err(SamError::NotSupported);
        }
        self.verify(transaction, tac).map_err(|unproven| match unproven {
            Unproven::NoKey(_) => SamError::NoSuchKey,
            Unproven::Wrong | Unproven::NoTac | Unproven::NoDesk(_) => SamError::WrongMac,
        })
    }
}

/// Why a settlement record is not proven by its TAC.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unproven {
    /// The terminal knew the transaction from the card's log.
    #[error("the record has no TAC: settle it by the card's log, which the terminal read")]
    NoTac,
    /// An enterprise of another issuer.
    #[error("there is no TAC key of enterprise {0}: the record belongs to another issuer")]
    NoKey(EnterpriseId),
    /// An unload of a terminal that is not known as a desk.
    #[error("terminal {0} is no service desk the issuer trusts with unloads: do not pay, ask the terminal's operator")]
    NoDesk(TerminalNumber),
    /// The card did not make this TAC for this transaction.
    #[error(
        "the TAC is wrong: the record was changed, or the card is not genuine; do not pay, ask the terminal's operator"
    )]
    Wrong,
}

/// A load's TAC is over the balance after it, as an overdraft update's; a purchase's over no balance at all. An unload has
/// none: its card answers zero.
fn tac_of(transaction: &Transaction, card_key: &Key) -> [u8; 4] {
    let Transaction { kind, amount, new_balance, card_sequence, terminal, moment, .. } = *transaction;
    let terms = TransactionTerms { amount, transaction_type: kind.transaction_type(), terminal, moment };
    match transaction.terminal_sequence {
        Some(sequence) => purchase_tac(card_key, sequence, &terms),
        None if kind == Kind::Overdraft => {
            let limit = OverdraftLimit::from_amount(amount).unwrap_or_default();
            update_tac(card_key, new_balance, card_sequence, limit, (terminal, moment))
        }
        None => load_tac(card_key, new_balance, card_sequence, &terms),
    }
}
