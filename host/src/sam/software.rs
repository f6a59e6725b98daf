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
    keys::{CardKeys, EnterpriseKeys, Purpose},
    line_protection::Challenge,
};

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
        if !macs_equal(mac1, session.load_mac1(old_balance, &self.terms(order))) {
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
        self.begin(order)
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
        if self.state.next_sequence == terminal_sequence {
            self.completed(order)?;
        }
        Ok(())
    }

    fn load(&mut self, order: &SamOrder, old_balance: Amount, mac1: [u8; 4]) -> Result<[u8; 4], SamError> {
        let session = self.session_of_load(order, old_balance, mac1)?;
        self.charge(order)?;
        Ok(session.load_mac2(&self.terms(order)))
    }

    fn check_load(&mut self, order: &SamOrder, old_balance: Amount, mac1: [u8; 4]) -> Result<(), SamError> {
        self.session_of_load(order, old_balance, mac1).map(drop)
    }

    /// A MAC over terminal and counter by one of its keys, which no outsider can make.
    fn random(&mut self) -> Result<[u8; 4], SamError> {
        self.purchase = None;
        let key = self.keys.any().ok_or(SamError::NotSupported)?;
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

    fn mark(&mut self, card: CardFactors, challenge: [u8; 4], version: ListVersion) -> Result<[u8; 4], SamError> {
        let Challenge(initial) = Challenge::from_random(challenge);
        self.maintenance_mac(card, initial, &mark_command(version.0))
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
    fn any(&self) -> Option<&Key> {
        match self {
            Self::Enterprise(keys) => keys.keys().first(),
            Self::Card(keys) => keys.keys().first(),
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::keys::KeySet;
    use hex_literal::hex;
    use onecard_wire::{
        date::Moment,
        key::{Algorithm, AlgorithmId},
        number::EnterpriseId,
        sam::InitSam,
    };

    const VERSION: KeyVersion = KeyVersion(0);

    fn enterprise() -> EnterpriseId {
        "1000000000000001".parse().unwrap()
    }

    fn serial() -> ApplicationSerial {
        ApplicationSerial::from_bytes(hex!("3100100000000423")).unwrap()
    }

    fn state(terminal: [u8; 6]) -> SoftwareSamState {
        SoftwareSamState {
            terminal: TerminalNumber(terminal),
            next_sequence: 0,
            load_limit_fen: 100,
            last_load: None,
            last_purchase: None,
            randoms_made: 0,
        }
    }

    fn order(transaction_type: TransactionType, random: [u8; 4], amount_fen: u32, moment: [u8; 7]) -> SamOrder {
        SamOrder {
            card: CardFactors { enterprise: enterprise(), serial: serial() },
            init: InitSam {
                random,
                card_sequence: 0,
                amount: Amount::from_fen(amount_fen),
                transaction_type,
                moment: Moment::from_bytes(moment).unwrap(),
                key_version: VERSION,
                algorithm: AlgorithmId::TRIPLE_DES,
            },
        }
    }

    /// Keys and numbers of the published purchase by "deng214".
    fn purchase_of_a_trace() -> (SoftwareSam, SamOrder) {
        let key = Key::from_bytes(hex!("00112233445566778899AABBCCDDEEFF"));
        let keys = CardKeys::new(serial(), KeySet::default().with(Purpose::Purchase, VERSION, key));
        let sam = SoftwareSam::for_one_card(keys, VERSION, state(hex!("001122334455")));
        (sam, order(TransactionType::PURCHASE_EP, hex!("584633C9"), 1, hex!("20161216134600")))
    }

    /// Keys and numbers of the published load by "robur".
    fn load_of_a_trace() -> (SoftwareSam, SamOrder) {
        let key = Key::from_bytes(hex!("3F3F3F3F3F3F3F3F1122334455667788"));
        let keys = CardKeys::new(serial(), KeySet::default().with(Purpose::Load, VERSION, key));
        let sam = SoftwareSam::for_one_card(keys, VERSION, state([0x66; 6]));
        (sam, order(TransactionType::LOAD_EP, hex!("4E066548"), 0x10, hex!("20240411212121")))
    }

    #[test]
    fn the_sequence_is_spent_by_a_right_mac2_alone() {
        let (mut sam, order) = purchase_of_a_trace();
        for wrong in [hex!("66B54A6C"), [0; 4]] {
            assert_eq!(sam.initialize_purchase(&order).unwrap().mac1, hex!("D45737C5"));
            assert_eq!(sam.credit_purchase(wrong), Err(SamError::WrongMac));
            let closed = SamError::Unexpected(StatusWord::NO_TRANSACTION);
            assert_eq!(sam.credit_purchase(hex!("66B54A6B")), Err(closed));
            assert_eq!(sam.state().next_sequence, 0);
        }
        sam.initialize_purchase(&order).unwrap();
        assert_eq!(sam.credit_purchase(hex!("66B54A6B")), Ok(()));
        assert_eq!(sam.state().next_sequence, 1);
    }

    #[test]
    fn a_past_purchase_moves_the_sequence_if_it_still_stands_there() {
        let (mut sam, order) = purchase_of_a_trace();
        assert_eq!(sam.check_past_purchase(&order, 0, hex!("66B54A6C")), Err(SamError::WrongMac));
        assert_eq!(sam.state().next_sequence, 0);
        for _ in 0..2 {
            assert_eq!(sam.check_past_purchase(&order, 0, hex!("66B54A6B")), Ok(()));
            assert_eq!(sam.state().next_sequence, 1);
        }
        assert_eq!(sam.check_past_purchase(&order, 1, hex!("66B54A6B")), Err(SamError::WrongMac));
    }

    #[test]
    fn a_load_is_charged_once_and_up_to_the_limit() {
        let (mut sam, mut order) = load_of_a_trace();
        let mac1 = hex!("0D39ADBB");
        assert_eq!(sam.load(&order, Amount::from_fen(1), mac1), Err(SamError::WrongMac));
        assert_eq!(sam.state(), &state([0x66; 6]));
        for _ in 0..3 {
            assert_eq!(sam.load(&order, Amount::ZERO, mac1), Ok(hex!("097E98FE")));
            assert_eq!(sam.state().load_limit_fen, 100 - 0x10);
        }
        order.init.amount = Amount::from_fen(85);
        let key = Key::from_bytes(hex!("3F3F3F3F3F3F3F3F1122334455667788"));
        let terms = sam.terms(&order);
        let mac1 = SessionKey::of_load(&key, order.init.random, 0).load_mac1(Amount::ZERO, &terms);
        assert_eq!(sam.load(&order, Amount::ZERO, mac1), Err(SamError::LimitReached));
        assert_eq!(sam.state().load_limit_fen, 100 - 0x10);
    }

    #[test]
    fn a_load_is_checked_without_charging_it() {
        let (mut sam, order) = load_of_a_trace();
        let mac1 = hex!("0D39ADBB");
        assert_eq!(sam.check_load(&order, Amount::ZERO, mac1), Ok(()));
        assert_eq!(sam.check_load(&order, Amount::from_fen(1), mac1), Err(SamError::WrongMac));
        assert_eq!(sam.check_load(&order, Amount::ZERO, [0; 4]), Err(SamError::WrongMac));
        assert_eq!(sam.state(), &state([0x66; 6]));
    }

    #[test]
    fn no_random_comes_twice_while_the_state_is_kept() {
        let (mut sam, _) = load_of_a_trace();
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..100 {
            seen.insert(sam.random().unwrap());
            let (restarted, _) = load_of_a_trace();
            sam = SoftwareSam { state: sam.state, ..restarted };
        }
        assert_eq!(seen.len(), 100);
        // Nor are those of another terminal with the same keys.
        let (mut other, _) = load_of_a_trace();
        other.state.terminal = TerminalNumber([0x67; 6]);
        assert!(!seen.contains(&other.random().unwrap()));
    }

    #[test]
    fn keys_are_for_their_purpose_and_enterprise() {
        let key = Key::from_bytes(hex!("00112233445566778899AABBCCDDEEFF"));
        let keys = EnterpriseKeys::new(enterprise(), KeySet::default().with(Purpose::Purchase, VERSION, key));
        let mut sam = SoftwareSam::new(keys, VERSION, state([1; 6]));
        let purchase = order(TransactionType::PURCHASE_EP, [1; 4], 1, hex!("20161216134600"));
        assert!(sam.initialize_purchase(&purchase).is_ok());
        let mut of_another = purchase;
        of_another.card.enterprise = "2000000000000002".parse().unwrap();
        assert_eq!(sam.initialize_purchase(&of_another), Err(SamError::NoSuchKey));
        let load = order(TransactionType::LOAD_EP, [1; 4], 1, hex!("20161216134600"));
        assert_eq!(sam.load(&load, Amount::ZERO, [0; 4]), Err(SamError::NoSuchKey));
        assert_eq!(sam.maintenance_mac(load.card, [0; 8], &[1]), Err(SamError::NoSuchKey));
    }

    #[test]
    fn a_key_serves_its_version_and_cipher_alone() {
        let key = |algorithm| Key::new(algorithm, hex!("00112233445566778899AABBCCDDEEFF"));
        let keys = KeySet::default()
            .with(Purpose::Purchase, KeyVersion(1), key(Algorithm::Des))
            .with(Purpose::Purchase, KeyVersion(2), key(Algorithm::Aes))
            .with(Purpose::Purchase, KeyVersion(3), key(Algorithm::Sm4));
        let mut sam = SoftwareSam::new(EnterpriseKeys::new(enterprise(), keys), VERSION, state([1; 6]));
        let mut order = order(TransactionType::PURCHASE_EP, [1; 4], 1, hex!("20161216134600"));
        let mut mac1s = std::collections::BTreeSet::new();
        for version in 1..=3 {
            for id in [0x00, 0x01, 0x04, 0x06] {
                order.init.key_version = KeyVersion(version);
                order.init.algorithm = AlgorithmId(id);
                let serves = matches!((version, id), (1, 0x00 | 0x01) | (2, 0x06) | (3, 0x04));
                match sam.initialize_purchase(&order) {
                    Ok(answer) => assert!(serves && mac1s.insert(answer.mac1) != (id == 0x01), "{version} {id}"),
                    error => assert!(!serves && error == Err(SamError::NoSuchKey), "{version} {id}"),
                }
            }
        }
    }

    #[test]
    fn state_survives_as_text() {
        let (mut sam, order) = load_of_a_trace();
        sam.load(&order, Amount::ZERO, hex!("0D39ADBB")).unwrap();
        let text = serde_json::to_string(sam.state()).unwrap();
        assert_eq!(&serde_json::from_str::<SoftwareSamState>(&text).unwrap(), sam.state());
    }
}
