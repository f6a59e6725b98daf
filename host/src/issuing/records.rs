//! Key records of WRITE KEY, and those of an enterprise application (profile §3.2).

use onecard_wire::{
    file::AccessRight,
    key::{AlgorithmId, KeyType, KeyVersion},
};

use zeroize::Zeroizing;

use crate::{
    card::Pin,
    crypto::Key,
    keys::{CardPlace, Purpose},
};

/// A key record of WRITE KEY: `type ‖ use right ‖ change right ‖ b4 ‖ b5 ‖ value`. `b4 ‖ b5` are version ‖ algorithm, or
/// follow-up state ‖ error counter.
pub(crate) struct KeyRecord<'k> {
    pub(crate) type_byte: u8,
    pub(crate) use_right: AccessRight,
    pub(crate) change_right: AccessRight,
    pub(crate) attributes: [u8; 2],
    pub(crate) value: &'k [u8],
}

impl KeyRecord<'_> {
    /// A control key that leaves state F, 65,535 tries.
    pub(crate) fn control(type_byte: u8, key: &Key) -> KeyRecord<'_> {
        KeyRecord {
            type_byte,
            use_right: AccessRight::FREE,
            change_right: AccessRight::FREE,
            attributes: [STATE_CONTROL, COUNTER_FULL],
            value: key.expose(),
        }
    }

    /// A maintenance key, 65,535 tries.
    pub(crate) fn maintenance(key: &Key) -> KeyRecord<'_> {
        KeyRecord {
            type_byte: KeyType::MAINTENANCE.0 | KeyType::PROTECTED,
            use_right: AccessRight::FREE,
            change_right: AccessRight::FREE,
            attributes: [0xFF, COUNTER_FULL],
            value: key.expose(),
        }
    }

    pub(crate) fn emit(&self) -> Zeroizing<Vec<u8>> {
        let [b4, b5] = self.attributes;
        Zeroizing::new([&[self.type_byte, self.use_right.0, self.change_right.0, b4, b5], self.value].concat())
    }
}

/// State that the control key leaves.
const STATE_CONTROL: u8 = 0x0F;
/// Error counter of types 36 to 39 (profile §3.2).
pub(crate) const COUNTER_FULL: u8 = 0xFF;
/// P1 of WRITE KEY: add.
pub(crate) const ADD: u8 = 0x01;
/// Every key of this profile that is protected: type | C0.
pub(crate) const fn protected(key_type: KeyType) -> u8 {
    key_type.0 | KeyType::PROTECTED
}

/// 22: the PIN alone.
pub(super) const PIN_VERIFIED: AccessRight = AccessRight(0x22);

/// Where a key of `purpose` stands under `id`: at its own place, or, for purchase and load, beside it. `None` for an id that
/// means another purpose.
pub(crate) const fn place_of(purpose: Purpose, id: u8) -> Option<CardPlace> {
    let Some(CardPlace { key_type, id: own }) = purpose.place() else { return None };
    let stands = match purpose {
        Purpose::Purchase => id >= 0x01,
        Purpose::Load => matches!(id, 0x01..=0x0F),
        Purpose::LoadForAir => id >= 0x11,
        _ => id == own,
    };
    if stands { Some(CardPlace { key_type, id }) } else { None }
}

/// The protected record of any key but the PIN.
pub(crate) fn record_of(purpose: Purpose, key_type: KeyType, version: KeyVersion, value: &Key) -> KeyRecord<'_> {
    if let Purpose::Control = purpose {
        return KeyRecord::control(protected(key_type), value);
    }
    KeyRecord {
        type_byte: protected(key_type),
        use_right: use_right(purpose),
        change_right: AccessRight::FREE,
        attributes: attributes(key_type, version, value),
        value: value.expose(),
    }
}

/// The holder's PIN. It is replaced by commands of its own and so not protected; it travels enciphered all the same.
pub(crate) fn pin_record(pin: &Pin) -> KeyRecord<'_> {
    KeyRecord {
        type_byte: KeyType::PIN.0,
        use_right: AccessRight::FREE,
        change_right: AccessRight::NEVER,
        attributes: [STATE_PIN, THREE_TRIES],
        value: pin.expose(),
    }
}

/// State the PIN leaves.
const STATE_PIN: u8 = 0x02;
/// Three tries, three left.
const THREE_TRIES: u8 = 0x33;
/// State the reading key leaves.
const STATE_READING: u8 = 0x01;

const fn use_right(purpose: Purpose) -> AccessRight {
    match purpose {
        Purpose::Load | Purpose::UnloadEd | Purpose::Overdraft => PIN_VERIFIED,
        _ => AccessRight::FREE,
    }
}

/// Version ‖ algorithm, or follow-up state ‖ error counter.
const fn attributes(key_type: KeyType, version: KeyVersion, value: &Key) -> [u8; 2] {
    match key_type {
        // The control key is a record of its own: this is the reading key.
        KeyType::EXTERNAL => [STATE_READING, COUNTER_FULL],
        other if other.counts_errors() => [0xFF, COUNTER_FULL],
        _ => [version.0, AlgorithmId::of(value.algorithm()).0],
    }
}
