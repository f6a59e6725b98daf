//! Which master key goes where: the key records of 4.2.3 and the usages of 7.3.1. Nothing of a record is given from
//! outside but the holder's PIN.

use onecard_wire::{
    file::AccessRight,
    key::{AlgorithmId, CONTROL_KEY_ID, KeyType, KeyVersion},
    key_master::{EnterpriseKey, Manner},
    sam::{Usage, UsageKind},
};

/// Error counter FF.
const COUNTER_FULL: u8 = 0xFF;
/// Of a key without a follow-up state.
const NO_STATE: u8 = 0xFF;
/// 22: the PIN alone.
const PIN_VERIFIED: AccessRight = AccessRight(0x22);
/// P1 of WRITE KEY: a new key.
const ADD: u8 = 0x01;

/// What a WRITE KEY says beside the key: P1, P2, and what stands in front of the value.
#[derive(Clone, Copy)]
pub(super) struct Record {
    pub(super) p1: u8,
    pub(super) p2: u8,
    head: [u8; 5],
    head_len: usize,
    /// How the value is had from the master key.
    pub(super) level: Level,
    /// Whether the key has the cipher of its key file, which is that of the control key.
    pub(super) follows_key_file: bool,
}

/// How a value is had from its master key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// The master key itself.
    Enterprise,
    /// Diversified by the target's factor.
    Target,
}

impl Record {
    pub(super) fn head(&self) -> &[u8] {
        self.head.get(..self.head_len).unwrap_or_default()
    }

    /// On a card or SIM; `None` for a key that no card has, an id that means another key, and a control key that is added:
    /// the control key that wraps it is there.
    pub(super) fn on_card(
        key: EnterpriseKey,
        version: KeyVersion,
        algorithm: AlgorithmId,
        place: u8,
        manner: Manner,
    ) -> Option<Self> {
        let (key_type, own_id, use_right, state) = card_place(key)?;
        let id = if place == 0x00 { own_id } else { place };
        let stands = match key {
            EnterpriseKey::Purchase => matches!(id, 0x01..=0xFE),
            EnterpriseKey::Load => matches!(id, 0x01..=0x0F),
            EnterpriseKey::LoadForAir => matches!(id, 0x11..=0xFE),
            _ => id == own_id,
        };
        if !stands || (key == EnterpriseKey::Control && manner == Manner::Add) {
            return None;
        }
        let follows_key_file = key_type.counts_errors();
        let [b4, b5] = if follows_key_file { [state, COUNTER_FULL] } else { [version.0, algorithm.0] };
        Some(Self {
            p1: if manner == Manner::Add { ADD } else { key_type.0 },
            p2: id,
            head: [key_type.0 | KeyType::PROTECTED, use_right.0, AccessRight::FREE.0, b4, b5],
            head_len: 5,
            level: Level::Target,
            follows_key_file,
        })
    }

    /// The holder's PIN; `None` if it is to replace one: that only PIN commands do (5.17.1).
    pub(super) fn of_pin(manner: Manner) -> Option<Self> {
        /// Verified, the card is in state 2; three tries.
        const ATTRIBUTES: [u8; 2] = [0x02, 0x33];
        let [b4, b5] = ATTRIBUTES;
        (manner == Manner::Add).then_some(Self {
            p1: ADD,
            p2: 0x00,
            head: [KeyType::PIN.0, AccessRight::FREE.0, AccessRight::NEVER.0, b4, b5],
            head_len: 5,
            level: Level::Target,
            follows_key_file: false,
        })
    }

    /// On a SAM; `None` for a key that no SAM has and for a kind that means another key.
    pub(super) fn on_sam(
        key: EnterpriseKey,
        version: KeyVersion,
        algorithm: AlgorithmId,
        place: u8,
        manner: Manner,
    ) -> Option<Self> {
        let own = sam_kind(key)?;
        let is_marking = key == EnterpriseKey::Maintenance && place == UsageKind::MARKING.0;
        let kind = match place {
            0x00 => own,
            _ if is_marking => UsageKind::MARKING,
            _ => Some(own).filter(|own| own.0 == place)?,
        };
        let (levels, level) = match kind {
            UsageKind::MASTER | UsageKind::MAINTENANCE => (0, Level::Target),
            _ => (1, Level::Enterprise),
        };
        (manner == Manner::Add).then_some(Self {
            p1: 0x00,
            p2: 0x00,
            head: [Usage::new(levels, kind).0, version.0, algorithm.0, 0x00, 0x00],
            head_len: 3,
            level,
            follows_key_file: level == Level::Target,
        })
    }
}

/// Type, id, use right, and follow-up state of a key that has one.
const fn card_place(key: EnterpriseKey) -> Option<(KeyType, u8, AccessRight, u8)> {
    let free = AccessRight::FREE;
    Some(match key {
        EnterpriseKey::Control => (KeyType::EXTERNAL, CONTROL_KEY_ID, free, 0x0F),
        EnterpriseKey::Reading => (KeyType::EXTERNAL, 0x01, free, 0x01),
        EnterpriseKey::Maintenance => (KeyType::MAINTENANCE, 0x00, free, NO_STATE),
        EnterpriseKey::AttendanceAppend => (KeyType::MAINTENANCE, 0x02, free, NO_STATE),
        EnterpriseKey::AccessAppend => (KeyType::MAINTENANCE, 0x03, free, NO_STATE),
        EnterpriseKey::PinUnblock => (KeyType::PIN_UNBLOCK, 0x00, free, NO_STATE),
        EnterpriseKey::PinReload => (KeyType::PIN_RELOAD, 0x00, free, NO_STATE),
        EnterpriseKey::Tac => (KeyType::TAC, 0x00, free, NO_STATE),
        EnterpriseKey::Purchase => (KeyType::PURCHASE, 0x01, free, NO_STATE),
        EnterpriseKey::Load => (KeyType::LOAD, 0x01, PIN_VERIFIED, NO_STATE),
        EnterpriseKey::LoadForAir => (KeyType::LOAD, 0x11, free, NO_STATE),
        EnterpriseKey::UnloadEd => (KeyType::UNLOAD, 0x01, PIN_VERIFIED, NO_STATE),
        EnterpriseKey::UnloadEp => (KeyType::UNLOAD, 0x02, free, NO_STATE),
        EnterpriseKey::Overdraft => (KeyType::OVERDRAFT, 0x01, PIN_VERIFIED, NO_STATE),
        EnterpriseKey::Cancel => (KeyType::CANCEL, 0x01, free, NO_STATE),
        EnterpriseKey::AccessAuthentication => (KeyType::INTERNAL_ENCIPHER, 0x01, free, NO_STATE),
        EnterpriseKey::AttendanceAuthentication => (KeyType::INTERNAL_ENCIPHER, 0x02, free, NO_STATE),
        EnterpriseKey::Rights | EnterpriseKey::SamMaster | EnterpriseKey::SamMaintenance => return None,
    })
}

/// What a SAM holds the key as. Never the control or TAC key, nor another that no terminal of this profile needs.
const fn sam_kind(key: EnterpriseKey) -> Option<UsageKind> {
    Some(match key {
        EnterpriseKey::SamMaster => UsageKind::MASTER,
        EnterpriseKey::SamMaintenance => UsageKind::MAINTENANCE,
        EnterpriseKey::Purchase => UsageKind::PURCHASE,
        EnterpriseKey::PinUnblock => UsageKind::PIN_UNBLOCK,
        EnterpriseKey::PinReload => UsageKind::PIN_RELOAD,
        EnterpriseKey::Maintenance => UsageKind::CARD_MAINTENANCE,
        EnterpriseKey::Load => UsageKind::LOAD,
        EnterpriseKey::Cancel => UsageKind::CANCEL,
        EnterpriseKey::AccessAuthentication => UsageKind::ACCESS_AUTHENTICATION,
        EnterpriseKey::AccessAppend => UsageKind::ACCESS_APPEND,
        EnterpriseKey::Rights => UsageKind::RIGHTS,
        EnterpriseKey::AttendanceAuthentication => UsageKind::ATTENDANCE_AUTHENTICATION,
        EnterpriseKey::AttendanceAppend => UsageKind::ATTENDANCE_APPEND,
        EnterpriseKey::Reading => UsageKind::READING,
        EnterpriseKey::Control
        | EnterpriseKey::Tac
        | EnterpriseKey::LoadForAir
        | EnterpriseKey::UnloadEd
        | EnterpriseKey::UnloadEp
        | EnterpriseKey::Overdraft => return None,
    })
}
