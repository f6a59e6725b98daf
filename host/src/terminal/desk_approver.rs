//! Who approves what no SAM has a key for: unload and overdraft update, at the service desk or its server.

use onecard_wire::{
    amount::Amount,
    key::KeyVersion,
    number::TerminalNumber,
    sam::mark_command,
    status::StatusWord,
    wallet::{OverdraftLimit, TransactionType},
};
use rand_core::CryptoRng;

use super::{Transaction, Witness, initialize::OnlineInitialized};
use crate::{
    blacklist::ListVersion,
    crypto::{SessionKey, TransactionTerms, macs_equal},
    keys::{EnterpriseKeys, Purpose},
    sam::{CardFactors, SamError, SamOrder},
};

/// What a card answered to INITIALIZE FOR UNLOAD or FOR UPDATE, and which terminal asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeskClaim {
    /// The terminal number in INITIALIZE.
    pub terminal: TerminalNumber,
    /// Balance before.
    pub old_balance: Amount,
    /// Overdraft limit before; zero for an unload, whose answer does not tell it.
    pub old_limit: OverdraftLimit,
    /// Shows that the card holds the key.
    pub mac1: [u8; 4],
}

impl DeskClaim {
    pub(super) fn of(terminal: TerminalNumber, initialized: &OnlineInitialized) -> Self {
        let OnlineInitialized { old_balance, old_limit, mac1, .. } = *initialized;
        Self { terminal, old_balance, old_limit, mac1 }
    }
}

/// Approves unloads and overdraft updates: [`DeskKeys`], or a connection to whoever has such keys. The amount of an
/// overdraft update's order is the new limit.
pub trait DeskApprover: Witness {
    /// Checks the card's MAC1 and makes the MAC2 for DEBIT FOR UNLOAD or UPDATE OVERDRAW LIMIT.
    ///
    /// # Errors
    /// [`SamError::WrongMac`]: not a card of this enterprise.
    fn approve_at_desk(&mut self, order: &SamOrder, claim: &DeskClaim) -> Result<[u8; 4], SamError>;
}

/// A desk that holds the enterprise's unload and overdraft keys.
#[derive(Debug)]
pub struct DeskKeys<R> {
    keys: EnterpriseKeys,
    maintenance_version: KeyVersion,
    terminal: TerminalNumber,
    random: R,
}

impl<R: CryptoRng> DeskKeys<R> {
    /// A desk of number `terminal`. `maintenance_version` names the key the log is read with, where `keys` has one.
    #[must_use]
    pub fn new(keys: EnterpriseKeys, maintenance_version: KeyVersion, terminal: TerminalNumber, random: R) -> Self {
        Self { keys, maintenance_version, terminal, random }
    }

    fn session(&self, order: &SamOrder) -> Result<SessionKey, SamError> {
        let init = &order.init;
        let (purpose, of_kind): (_, fn(&_, _, _) -> _) = match init.transaction_type {
            TransactionType::UNLOAD_ED => (Purpose::UnloadEd, SessionKey::of_unload),
            TransactionType::UNLOAD_EP => (Purpose::UnloadEp, SessionKey::of_unload),
            TransactionType::OVERDRAFT => (Purpose::Overdraft, SessionKey::of_update),
            _ => return Err(SamError::Unexpected(StatusWord::WRONG_DATA)),
        };
        let key = self.card_key(order.card, purpose, init.key_version)?;
        if key.algorithm() != init.algorithm.algorithm() {
            return Err(SamError::NoSuchKey);
        }
        Ok(of_kind(&key, init.random, init.card_sequence))
    }

    fn card_key(
        &self,
        card: CardFactors,
        purpose: Purpose,
        version: KeyVersion,
    ) -> Result<crate::crypto::Key, SamError> {
        if card.enterprise != self.keys.enterprise() {
            return Err(SamError::NoSuchKey);
        }
        self.keys.card_key(card.serial, purpose, version).map_err(|_| SamError::NoSuchKey)
    }

    fn checked_session(&self, order: &SamOrder, claim: &DeskClaim) -> Result<SessionKey, SamError> {
        let session = self.session(order)?;
        let mac1 = match order.init.transaction_type {
            TransactionType::OVERDRAFT => session.update_mac1(claim.old_balance, claim.old_limit, claim.terminal),
            _ => session.load_mac1(claim.old_balance, &terms(order, claim.terminal)),
        };
        if macs_equal(mac1, claim.mac1) { Ok(session) } else { Err(SamError::WrongMac) }
    }
}

impl<R: CryptoRng> Witness for DeskKeys<R> {
    fn terminal_number(&mut self) -> Result<TerminalNumber, SamError> {
        Ok(self.terminal)
    }

    fn nonce(&mut self) -> Result<[u8; 4], SamError> {
        let mut nonce = [0; 4];
        self.random.fill_bytes(&mut nonce);
        Ok(nonce)
    }

    fn check_mac1(&mut self, _: &SamOrder, _: TerminalNumber, _: Amount, _: [u8; 4]) -> Result<(), SamError> {
        Err(SamError::NotSupported)
    }

    fn check_claim(&mut self, order: &SamOrder, claim: &DeskClaim) -> Result<(), SamError> {
        self.checked_session(order, claim).map(drop)
    }

    fn check_mac3(&mut self, order: &SamOrder, new_balance: Amount, mac3: [u8; 4]) -> Result<(), SamError> {
        let terms = terms(order, self.terminal);
        let expected = self.session(order)?.unload_mac3(new_balance, order.init.card_sequence, &terms);
        if macs_equal(expected, mac3) { Ok(()) } else { Err(SamError::WrongMac) }
    }

    fn check_mac2(&mut self, _: &SamOrder, _: u32, _: [u8; 4]) -> Result<(), SamError> {
        Err(SamError::NotSupported)
    }

    fn check_tac(&mut self, _: &Transaction, _: [u8; 4]) -> Result<(), SamError> {
        Err(SamError::NotSupported)
    }

    fn log_mac(&mut self, card: CardFactors, initial: [u8; 8], message: &[u8]) -> Result<[u8; 4], SamError> {
        let key = self.card_key(card, Purpose::Maintenance, self.maintenance_version)?;
        Ok(key.line_mac(initial, message))
    }

    fn marking_keys(&mut self) -> Result<Vec<KeyVersion>, SamError> {
        Ok(self.keys.keys().versions(Purpose::Maintenance))
    }

    fn mark_mac(
        &mut self,
        card: CardFactors,
        key: KeyVersion,
        [a, b, c, d]: [u8; 4],
        list: ListVersion,
    ) -> Result<[u8; 4], SamError> {
        let key = self.card_key(card, Purpose::Maintenance, key)?;
        Ok(key.line_mac([a, b, c, d, 0, 0, 0, 0], &mark_command(list.0)))
    }
}

impl<R: CryptoRng> DeskApprover for DeskKeys<R> {
    fn approve_at_desk(&mut self, order: &SamOrder, claim: &DeskClaim) -> Result<[u8; 4], SamError> {
        let session = self.checked_session(order, claim)?;
        Ok(match order.init.transaction_type {
            TransactionType::OVERDRAFT => {
                let limit = OverdraftLimit::from_amount(order.init.amount);
                let limit = limit.ok_or(SamError::Unexpected(StatusWord::WRONG_DATA))?;
                session.update_mac2(limit, self.terminal, order.init.moment)
            }
            _ => session.load_mac2(&terms(order, self.terminal)),
        })
    }
}

fn terms(order: &SamOrder, terminal: TerminalNumber) -> TransactionTerms {
    let init = &order.init;
    TransactionTerms { amount: init.amount, transaction_type: init.transaction_type, terminal, moment: init.moment }
}
