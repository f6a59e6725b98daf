//! The keys that a trace is checked by.

use onecard_wire::{
    key::{KeyType, KeyVersion},
    number::{ApplicationSerial, EnterpriseId},
    sam::UsageKind,
};

use crate::{
    crypto::{Key, LineKey},
    issuing::purpose_of,
    keys::{EnterpriseKeys, Purpose, diversify, diversify_levels},
};

/// Keys of enterprises, from which every card's come, and keys of single cards and SAMs.
#[derive(Clone, Default, Debug)]
pub struct TraceKeys {
    enterprises: Vec<EnterpriseKeys>,
    of_cards: Vec<GivenKey>,
    of_sams: Vec<(UsageKind, Key)>,
}

/// A key as it stands in a card.
#[derive(Clone, Debug)]
pub struct GivenKey {
    /// Its type.
    pub key_type: KeyType,
    /// Its id.
    pub id: u8,
    /// Its value; of 8 bytes, DES.
    pub key: LineKey,
}

impl TraceKeys {
    /// None yet: nothing can be checked.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With the keys of an enterprise: which card it is, the answer to SELECT says.
    #[must_use]
    pub fn with_enterprise(mut self, keys: EnterpriseKeys) -> Self {
        self.enterprises.push(keys);
        self
    }

    /// With a key of the card in the trace, whatever its serial.
    #[must_use]
    pub fn with_card_key(mut self, key: GivenKey) -> Self {
        self.of_cards.push(key);
        self
    }

    /// With a key of the SAM in the trace, before it is diversified.
    #[must_use]
    pub fn with_sam_key(mut self, kind: UsageKind, key: Key) -> Self {
        self.of_sams.push((kind, key));
        self
    }

    /// What a card's key of this type and id may be, the likeliest first.
    pub(super) fn of_card(
        &self,
        card: Option<(EnterpriseId, ApplicationSerial)>,
        key_type: KeyType,
        id: u8,
        version: Option<KeyVersion>,
    ) -> Vec<LineKey> {
        let given = self.of_cards.iter().filter(|key| key.key_type == key_type && key.id == id);
        let given = given.map(|key| key.key.clone());
        let Some((enterprise, serial)) = card else { return given.collect() };
        let is_at =
            |purpose: Purpose| purpose.place().is_some_and(|place| place.key_type == key_type && place.id == id);
        // Transaction keys of one type stand at several ids while they roll (clause 4.2.4).
        let fits = |purpose: Purpose| {
            let rolls = !key_type.counts_errors() && purpose.place().is_some_and(|place| place.key_type == key_type);
            is_at(purpose) || rolls
        };
        let mut keys: Vec<(Purpose, LineKey)> = Vec::new();
        for enterprise in self.enterprises.iter().filter(|keys| keys.enterprise() == enterprise) {
            let names = enterprise.keys().names();
            let names = names.filter(|(purpose, of)| fits(*purpose) && version.is_none_or(|version| version == *of));
            keys.extend(names.filter_map(|(purpose, version)| {
                let key = enterprise.card_key(serial, purpose, version).ok()?;
                Some((purpose, LineKey::from(key)))
            }));
        }
        keys.sort_by_key(|(purpose, _)| !is_at(*purpose));
        given.chain(keys.into_iter().map(|(_, key)| key)).collect()
    }

    /// What a SAM's key of this kind and version may be for a card of these factors, card serial first.
    pub(super) fn of_sam(&self, kind: UsageKind, version: Option<KeyVersion>, factors: &[[u8; 8]]) -> Vec<Key> {
        let given = self.of_sams.iter().filter(|(of, _)| *of == kind).map(|(_, key)| {
            let serial_last: Vec<[u8; 8]> = factors.iter().rev().copied().collect();
            diversify_levels(key, &serial_last)
        });
        let Some(serial) = factors.first() else { return given.collect() };
        let purpose = purpose_of(kind);
        let of_enterprises = self.enterprises.iter().flat_map(|enterprise| {
            let keys = enterprise.keys();
            let names =
                keys.names().filter(|(of, at)| Some(*of) == purpose && version.is_none_or(|version| version == *at));
            names.filter_map(|(of, at)| keys.key(of, at).ok())
        });
        given.chain(of_enterprises.map(|key| diversify(key, *serial))).collect()
    }
}
