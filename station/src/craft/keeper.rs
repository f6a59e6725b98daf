//! The issuing SAM (发卡SAM) that a station's key store stands in for: MACs of contents, and what a card's answers are compared
//! with, each by one key of one card.

use onecard_host::{
    blacklist::ListVersion,
    key_store::{NamedKey, StoreError},
    keys::{CardKeys, KeySet, Purpose},
    sam::{
        AuthenticationUse, CardFactors, Cryptogram, LineKeyUse, Sam, SamError, SamOrder, SoftwareSam, SoftwareSamState,
    },
};
use onecard_wire::{amount::Amount, key::KeyVersion, number::TerminalNumber, sam::InitSamAnswer};
use rand::RngExt;

use super::IssuingKeys;
use crate::batch::Setback;

/// The station's own terminal number: no settlement record ever has it.
const STATION: TerminalNumber = TerminalNumber([0; 6]);

/// A station's issuing SAM. It does what issuing needs, and no transaction.
#[derive(Debug)]
pub(crate) struct Keeper<'k> {
    keys: &'k IssuingKeys,
    /// What the store said last when it failed: a SAM's errors have no words for it.
    trouble: Option<StoreError>,
}

impl<'k> Keeper<'k> {
    pub(super) const fn new(keys: &'k IssuingKeys) -> Self {
        Self { keys, trouble: None }
    }

    /// The store's own words, if it was the store that failed.
    pub(super) fn explain(&mut self, setback: Setback) -> Setback {
        self.trouble.take().map_or(setback, |trouble| Setback::Station(trouble.to_string()))
    }

    /// A SAM that has one key of one card, for one answer.
    fn of(&mut self, card: CardFactors, purpose: Purpose, version: KeyVersion) -> Result<SoftwareSam, SamError> {
        if card.enterprise != self.keys.enterprise_id() {
            return Err(SamError::NoSuchKey);
        }
        let name = NamedKey { purpose, version };
        let key = self.keys.card_key(name, card.serial.to_bytes()).map_err(|error| match error {
            StoreError::MissingKey(_) => SamError::NoSuchKey,
            error => {
                self.trouble = Some(error);
                SamError::NotSupported
            }
        })?;
        let keys = CardKeys::new(card.serial, KeySet::default().with(purpose, version, key));
        let state = SoftwareSamState {
            terminal: STATION,
            next_sequence: 0,
            load_limit_fen: 0,
            last_load: None,
            last_purchase: None,
            randoms_made: 0,
        };
        Ok(SoftwareSam::for_one_card(keys, version, state))
    }
}

impl Sam for Keeper<'_> {
    fn terminal(&mut self) -> Result<TerminalNumber, SamError> {
        Ok(STATION)
    }

    fn initialize_purchase(&mut self, _: &SamOrder) -> Result<InitSamAnswer, SamError> {
        Err(SamError::NotSupported)
    }

    fn credit_purchase(&mut self, _: [u8; 4]) -> Result<(), SamError> {
        Err(SamError::NotSupported)
    }

    fn initialize_undo(&mut self, _: &SamOrder) -> Result<InitSamAnswer, SamError> {
        Err(SamError::NotSupported)
    }

    fn credit_undo(&mut self, _: [u8; 4]) -> Result<(), SamError> {
        Err(SamError::NotSupported)
    }

    fn check_past_purchase(&mut self, _: &SamOrder, _: u32, _: [u8; 4]) -> Result<(), SamError> {
        Err(SamError::NotSupported)
    }

    fn load(&mut self, _: &SamOrder, _: Amount, _: [u8; 4]) -> Result<[u8; 4], SamError> {
        Err(SamError::NotSupported)
    }

    fn check_load(
        &mut self,
        order: &SamOrder,
        terminal: TerminalNumber,
        old_balance: Amount,
        mac1: [u8; 4],
    ) -> Result<(), SamError> {
        let mut sam = self.of(order.card, Purpose::Load, order.init.key_version)?;
        sam.check_load(order, terminal, old_balance, mac1)
    }

    fn random(&mut self) -> Result<[u8; 4], SamError> {
        Ok(rand::rng().random())
    }

    fn maintenance_mac(&mut self, card: CardFactors, initial: [u8; 8], message: &[u8]) -> Result<[u8; 4], SamError> {
        let mut sam = self.of(card, Purpose::Maintenance, self.keys.version())?;
        sam.maintenance_mac(card, initial, message)
    }

    fn authentication(
        &mut self,
        card: CardFactors,
        usage: AuthenticationUse,
        version: KeyVersion,
        challenge: [u8; 8],
    ) -> Result<Cryptogram, SamError> {
        self.of(card, usage.purpose(), version)?.authentication(card, usage, version, challenge)
    }

    fn line_mac(
        &mut self,
        card: CardFactors,
        usage: LineKeyUse,
        version: KeyVersion,
        initial: [u8; 8],
        message: &[u8],
    ) -> Result<[u8; 4], SamError> {
        self.of(card, usage.purpose(), version)?.line_mac(card, usage, version, initial, message)
    }

    fn marking_versions(&mut self) -> Result<Vec<KeyVersion>, SamError> {
        Err(SamError::NotSupported)
    }

    fn mark(&mut self, _: CardFactors, _: KeyVersion, _: [u8; 4], _: ListVersion) -> Result<[u8; 4], SamError> {
        Err(SamError::NotSupported)
    }
}
