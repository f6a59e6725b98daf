//! The issuer's check of a TAC: over settlement records, and over proofs no SAM can judge.

use std::collections::BTreeMap;

use onecard_wire::number::EnterpriseId;
use subtle::ConstantTimeEq;

use super::{SettlementRecord, Transaction};
use crate::{
    crypto::{Key, TransactionTerms, load_tac, purchase_tac},
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
#[derive(Clone, Debug, Default)]
pub struct IssuerKeys(BTreeMap<EnterpriseId, Vec<Key>>);

impl IssuerKeys {
    /// No key yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more TAC key of `enterprise`.
    #[must_use]
    pub fn with(mut self, enterprise: EnterpriseId, tac_key: Key) -> Self {
        self.0.entry(enterprise).or_default().push(tac_key);
        self
    }

    /// Checks the TAC of a record handed in for settlement.
    ///
    /// # Errors
    /// [`Unproven`].
    pub fn check(&self, record: &SettlementRecord) -> Result<(), Unproven> {
        let tac = record.tac.ok_or(Unproven::NoTac)?;
        self.verify(&record.transaction, tac)
    }

    fn verify(&self, transaction: &Transaction, tac: [u8; 4]) -> Result<(), Unproven> {
        let Transaction { enterprise, serial, .. } = *transaction;
        let keys = self.0.get(&enterprise).ok_or(Unproven::NoKey(enterprise))?;
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
        self.verify(transaction, tac).map_err(|unproven| match unproven {
            Unproven::NoKey(_) => SamError::NoSuchKey,
            Unproven::Wrong | Unproven::NoTac => SamError::WrongMac,
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
    /// The card did not make this TAC for this transaction.
    #[error(
        "the TAC is wrong: the record was changed, or the card is not genuine; do not pay, ask the terminal's operator"
    )]
    Wrong,
}

/// A load's TAC is over the balance after it, a purchase's over no balance at all.
fn tac_of(transaction: &Transaction, card_key: &Key) -> [u8; 4] {
    let Transaction { kind, amount, terminal, moment, .. } = *transaction;
    let terms = TransactionTerms { amount, transaction_type: kind.transaction_type(), terminal, moment };
    match transaction.terminal_sequence {
        Some(sequence) => purchase_tac(card_key, sequence, &terms),
        None => load_tac(card_key, transaction.new_balance, transaction.card_sequence, &terms),
    }
}
