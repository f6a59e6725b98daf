//! Key records of an enterprise application (profile §3.2).

use onecard_wire::{
    file::AccessRight,
    key::{AlgorithmId, KeyType, KeyVersion},
};

use super::script::{COUNTER_FULL, KeyRecord, protected};
use crate::{
    crypto::Key,
    keys::{CardPlace, Purpose},
};

/// 22: the PIN alone.
pub(super) const PIN_VERIFIED: AccessRight = AccessRight(0x22);

/// Where a key of `purpose` stands under `id`: at its own place, or, for purchase and load, beside it. `None` for an id that
/// means another purpose.
pub(super) const fn place_of(purpose: Purpose, id: u8) -> Option<CardPlace> {
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
pub(super) fn record_of(purpose: Purpose, key_type: KeyType, version: KeyVersion, value: &Key) -> KeyRecord<'_> {
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
