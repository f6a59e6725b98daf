//! A SAM in memory, for servers and tests: the rules of a SAM in a slot, without its shell.

use onecard_wire::{
    amount::Amount,
    key::KeyVersion,
    number::{ApplicationSerial, TerminalNumber},
    sam::{InitSamAnswer, mark_command},
    status::StatusWord,
    wallet::TransactionType,
};
use serde::{Deserialize, Serialize};

use super::{AuthenticationUse, CardFactors, Cryptogram, LineKeyUse, Sam, SamError, SamOrder};
use crate::{
    blacklist::ListVersion,
    crypto::{Key, SessionKey, TransactionTerms, macs_equal},
    keys::{CardKeys, EnterpriseKeys, KeySet, Purpose, diversify},
    line_protection::Challenge,
};

#[cfg(test)]
mod tests;

/// A SAM whose keys and state are in memory.
///
/// Its [state](Self::state) outlives it only if the caller stores it: after [`Sam::load`] **before** the MAC2 is used, or
/// the limit is worth nothing.
#[derive(Debug)]
pub struct SoftwareSam {
    keys: Keys,
    maintenance_version: KeyVersion,
    state: SoftwareSamState,
    purchase: Option<OpenPurchase>,
}

/// What a SAM keeps through power-off.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoftwareSamState {
    /// The terminal it belongs to.
    #[serde(with = "crate::as_text")]
    pub terminal: TerminalNumber,
    /// Terminal transaction sequence the next purchase gets.
    pub next_sequence: u32,
    /// What it may still load, fen.
    pub load_limit_fen: u32,
    /// The last load it made a MAC2 for.
    pub last_load: Option<LastLoad>,
    /// The last purchase it saw completed, or the undo of it: what it may undo.
    #[serde(default)]
    pub last_purchase: Option<LastPurchase>,
    /// How many random numbers it has made: the next is another one, if the state was stored.
    #[serde(default)]
    pub randoms_made: u64,
}

/// A load that was charged against the limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastLoad {
    #[serde(with = "crate::as_text")]
    serial: ApplicationSerial,
    online_sequence: u16,
    transaction_type: u8,
    amount_fen: u32,
}

/// A purchase or undo whose MAC2 was right.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastPurchase {
    #[serde(with = "crate::as_text")]
    serial: ApplicationSerial,
    offline_sequence: u16,
    transaction_type: u8,
    amount_fen: u32,
}

impl LastPurchase {
    fn of(order: &SamOrder) -> Self {
        Self {
            serial: order.card.serial,
            offline_sequence: order.init.card_sequence,
            transaction_type: order.init.transaction_type.0,
            amount_fen: order.init.amount.fen(),
        }
    }

    /// Whether `order` undoes it.
    fn is_undone_by(&self, order: &SamOrder) -> bool {
        let offline_sequence = self.offline_sequence.checked_add(1);
        self.transaction_type == TransactionType::PURCHASE_EP.0
            && (self.serial, self.amount_fen) == (order.card.serial, order.init.amount.fen())
            && offline_sequence == Some(order.init.card_sequence)
    }
}

impl SoftwareSam {
    /// A SAM with enterprise-level keys, as every terminal's. `maintenance_version` names the key for
    /// [`Sam::maintenance_mac`].
    #[must_use]
    pub fn new(keys: EnterpriseKeys, maintenance_version: KeyVersion, state: SoftwareSamState) -> Self {
        Self { keys: Keys::Enterprise(keys), maintenance_version, state, purchase: None }
    }

    /// A SAM that knows one card's own keys and no other card: for the replay of a trace.
    #[must_use]
    pub fn for_one_card(keys: CardKeys, maintenance_version: KeyVersion, state: SoftwareSamState) -> Self {
        Self { keys: Keys::Card(keys), maintenance_version, state, purchase: None }
    }

    /// What the caller stores.
    #[must_use]
    pub fn state(&self) -> &SoftwareSamState {
        &self.state
    }

    fn session_of_purchase(&self, order: &SamOrder, terminal_sequence: u32) -> Result<SessionKey, SamError> {
        let init = &order.init;
        let purpose = purpose_of(init.transaction_type).ok_or(SamError::Unexpected(StatusWord::WRONG_DATA))?;
        let key = self.keys.transaction_key(order, purpose)?;
        Ok(SessionKey::of_purchase(&key, init.random, init.card_sequence, terminal_sequence))
    }

    /// The session of a load whose MAC1 is right.
    fn session_of_load(
        &mut self,
        order: &SamOrder,
        terms: &TransactionTerms,
        old_balance: Amount,
        mac1: [u8; 4],
    ) -> Result<SessionKey, SamError> {
        self.purchase = None;
        let init = &order.init;
        if !matches!(init.transaction_type, TransactionType::LOAD_ED | TransactionType::LOAD_EP) {
            return Err(SamError::Unexpected(StatusWord::WRONG_DATA));
        }
        let key = self.keys.transaction_key(order, Purpose::Load)?;
        let session = SessionKey::of_load(&key, init.random, init.card_sequence);
        if !macs_equal(mac1, session.load_mac1(old_balance, terms)) {
            return Err(SamError::WrongMac);
        }
        Ok(session)
    }

    fn begin(&mut self, order: &SamOrder) -> Result<InitSamAnswer, SamError> {
        let terminal_sequence = self.state.next_sequence;
        if terminal_sequence == u32::MAX {
            return Err(SamError::Exhausted);
        }
        let session = self.session_of_purchase(order, terminal_sequence)?;
        let mac1 = session.purchase_mac1(&self.terms(order));
        self.purchase = Some(OpenPurchase { session, order: *order });
        Ok(InitSamAnswer { terminal_sequence, mac1 })
    }

    /// CREDIT of the open purchase, or of the open undo if `undo`.
    fn complete(&mut self, undo: bool, mac2: [u8; 4]) -> Result<(), SamError> {
        let open = self.purchase.take().filter(|open| open.is_undo() == undo);
        let OpenPurchase { session, order } = open.ok_or(SamError::Unexpected(StatusWord::NO_TRANSACTION))?;
        if !macs_equal(mac2, session.purchase_mac2(order.init.amount)) {
            return Err(SamError::WrongMac);
        }
        if undo {
            self.state.last_purchase = Some(LastPurchase::of(&order));
            return Ok(());
        }
        self.completed(&order)
    }

    /// Moves the sequence on and remembers `order` as the last.
    fn completed(&mut self, order: &SamOrder) -> Result<(), SamError> {
        self.state.next_sequence = self.state.next_sequence.checked_add(1).ok_or(SamError::Exhausted)?;
        self.state.last_purchase = Some(LastPurchase::of(order));
        Ok(())
    }

    fn terms(&self, order: &SamOrder) -> TransactionTerms {
        TransactionTerms {
            amount: order.init.amount,
            transaction_type: order.init.transaction_type,
            terminal: self.state.terminal,
            moment: order.init.moment,
        }
    }

    fn charge(&mut self, order: &SamOrder) -> Result<(), SamError> {
        let load = LastLoad {
            serial: order.card.serial,
            online_sequence: order.init.card_sequence,
            transaction_type: order.init.transaction_type.0,
            amount_fen: order.init.amount.fen(),
        };
        // A card takes one CREDIT for each online sequence: the same load asked again can be credited once all the same.
        if self.state.last_load != Some(load) {
            let left = self.state.load_limit_fen.checked_sub(load.amount_fen).ok_or(SamError::LimitReached)?;
            self.state.load_limit_fen = left;
            self.state.last_load = Some(load);
        }
        Ok(())
    }
}

impl Sam for SoftwareSam {
    fn terminal(&mut self) -> Result<TerminalNumber, SamError> {
        Ok(self.state.terminal)
    }

    fn initialize_purchase(&mut self, order: &SamOrder) -> Result<InitSamAnswer, SamError> {
        self.purchase = None;
        if order.init.transaction_type == TransactionType::UNDO {
            return Err(SamError::Unexpected(StatusWord::WRONG_DATA));
        }
        self.begin(order)
    }

    fn credit_purchase(&mut self, mac2: [u8; 4]) -> Result<(), SamError> {
        self.complete(false, mac2)
    }

    fn initialize_undo(&mut self, order: &SamOrder) -> Result<InitSamAnswer, SamError> {
        self.purchase = None;
        if order.init.transaction_type != TransactionType::UNDO {
            return Err(SamError::Unexpected(StatusWord::WRONG_DATA));
        }
        if !self.state.last_purchase.is_some_and(|last| last.is_undone_by(order)) {
            return Err(SamError::NotLastPurchase);
        }
        let answer = self.begin(order)?;
        // Spent before MAC1 leaves: an undo whose MAC2 is kept from the SAM leaves a gap.
        self.state.next_sequence = self.state.next_sequence.saturating_add(1);
        Ok(answer)
    }

    fn credit_undo(&mut self, mac2: [u8; 4]) -> Result<(), SamError> {
        self.complete(true, mac2)
    }

    fn check_past_purchase(&mut self, order: &SamOrder, terminal_sequence: u32, mac2: [u8; 4]) -> Result<(), SamError> {
        self.purchase = None;
        let session = self.session_of_purchase(order, terminal_sequence)?;
        if !macs_equal(mac2, session.purchase_mac2(order.init.amount)) {
            return Err(SamError::WrongMac);
        }
        if order.init.transaction_type == TransactionType::UNDO {
            if self.state.last_purchase.is_some_and(|last| last.is_undone_by(order)) {
                // Its number was spent when it began.
                self.state.next_sequence = self.state.next_sequence.max(terminal_sequence.saturating_add(1));
                self.state.last_purchase = Some(LastPurchase::of(order));
            }
        } else if self.state.next_sequence == terminal_sequence {
            self.completed(order)?;
        }
        Ok(())
    }

    fn load(&mut self, order: &SamOrder, old_balance: Amount, mac1: [u8; 4]) -> Result<[u8; 4], SamError> {
        let terms = self.terms(order);
        let session = self.session_of_load(order, &terms, old_balance, mac1)?;
        self.charge(order)?;
        Ok(session.load_mac2(&terms))
    }

    fn check_load(
        &mut self,
        order: &SamOrder,
        terminal: TerminalNumber,
        old_balance: Amount,
        mac1: [u8; 4],
    ) -> Result<(), SamError> {
        let terms = TransactionTerms { terminal, ..self.terms(order) };
        self.session_of_load(order, &terms, old_balance, mac1).map(drop)
    }

    /// A MAC over terminal and counter by one of its keys, which no outsider can make.
    fn random(&mut self) -> Result<[u8; 4], SamError> {
        self.purchase = None;
        let key = self.keys.set().first().ok_or(SamError::NotSupported)?;
        let made = self.state.randoms_made.checked_add(1).ok_or(SamError::Exhausted)?;
        let message = [b"random of a SAM ".as_slice(), &self.state.terminal.0, &made.to_be_bytes()].concat();
        let random = key.line_mac([0; 8], &message);
        self.state.randoms_made = made;
        Ok(random)
    }

    fn maintenance_mac(&mut self, card: CardFactors, initial: [u8; 8], message: &[u8]) -> Result<[u8; 4], SamError> {
        self.purchase = None;
        let key = self.keys.card_key(card, Purpose::Maintenance, self.maintenance_version)?;
        Ok(key.line_mac(initial, message))
    }

    fn placed_mac(
        &mut self,
        card: CardFactors,
        version: KeyVersion,
        place: [u8; 8],
        message: &[u8],
    ) -> Result<[u8; 4], SamError> {
        self.purchase = None;
        let key = self.keys.card_key(card, Purpose::Maintenance, version)?;
        Ok(key.line_mac_over_the_air(place, message))
    }

    fn sam_maintenance_mac(
        &mut self,
        factor: [u8; 8],
        version: KeyVersion,
        initial: [u8; 8],
        message: &[u8],
    ) -> Result<[u8; 4], SamError> {
        self.purchase = None;
        let Keys::Enterprise(keys) = &self.keys else { return Err(SamError::NoSuchKey) };
        let master = keys.keys().key(Purpose::SamMaintenance, version).map_err(|_| SamError::NoSuchKey)?;
        Ok(diversify(master, factor).line_mac(initial, message))
    }

    fn authentication(
        &mut self,
        card: CardFactors,
        usage: AuthenticationUse,
        version: KeyVersion,
        challenge: [u8; 8],
    ) -> Result<Cryptogram, SamError> {
        self.purchase = None;
        let key = self.keys.card_key(card, usage.purpose(), version)?;
        Ok(key.internal_cryptogram(challenge))
    }

    fn line_mac(
        &mut self,
        card: CardFactors,
        usage: LineKeyUse,
        version: KeyVersion,
        initial: [u8; 8],
        message: &[u8],
    ) -> Result<[u8; 4], SamError> {
        self.purchase = None;
        let key = self.keys.card_key(card, usage.purpose(), version)?;
        Ok(key.line_mac(initial, message))
    }

    fn marking_versions(&mut self) -> Result<Vec<KeyVersion>, SamError> {
        Ok(self.keys.set().versions(Purpose::Maintenance))
    }

    fn mark(
        &mut self,
        card: CardFactors,
        key: KeyVersion,
        challenge: [u8; 4],
        list: ListVersion,
    ) -> Result<[u8; 4], SamError> {
        self.purchase = None;
        let Challenge(initial) = Challenge::from_random(challenge);
        let key = self.keys.card_key(card, Purpose::Maintenance, key)?;
        Ok(key.line_mac(initial, &mark_command(list.0)))
    }
}

/// Between INIT and CREDIT of a purchase or undo; either way it is over after CREDIT.
#[derive(Debug)]
struct OpenPurchase {
    session: SessionKey,
    order: SamOrder,
}

impl OpenPurchase {
    fn is_undo(&self) -> bool {
        self.order.init.transaction_type == TransactionType::UNDO
    }
}

#[derive(Debug)]
enum Keys {
    Enterprise(EnterpriseKeys),
    Card(CardKeys),
}

impl Keys {
    fn set(&self) -> &KeySet {
        match self {
            Self::Enterprise(keys) => keys.keys(),
            Self::Card(keys) => keys.keys(),
        }
    }

    /// The key the card says it used: this version, and this cipher.
    fn transaction_key(&self, order: &SamOrder, purpose: Purpose) -> Result<Key, SamError> {
        let key = self.card_key(order.card, purpose, order.init.key_version)?;
        if key.algorithm() == order.init.algorithm.algorithm() { Ok(key) } else { Err(SamError::NoSuchKey) }
    }

    fn card_key(&self, card: CardFactors, purpose: Purpose, version: KeyVersion) -> Result<Key, SamError> {
        let key = match self {
            Self::Enterprise(keys) if keys.enterprise() == card.enterprise => {
                keys.card_key(card.serial, purpose, version).ok()
            }
            Self::Card(keys) if keys.serial() == card.serial => keys.keys().key(purpose, version).ok().cloned(),
            Self::Enterprise(_) | Self::Card(_) => None,
        };
        key.ok_or(SamError::NoSuchKey)
    }
}

/// Whose key an offline transaction takes; `None` for a type that is none.
const fn purpose_of(transaction_type: TransactionType) -> Option<Purpose> {
    match transaction_type {
        TransactionType::CASH_WITHDRAW
        | TransactionType::PURCHASE_ED
        | TransactionType::PURCHASE_EP
        | TransactionType::CAPP => Some(Purpose::Purchase),
        TransactionType::UNDO => Some(Purpose::Cancel),
        _ => None,
    }
}
