//! What a key is for.

use core::fmt;

use onecard_wire::key::{Algorithm, KeyType};
use serde::{Deserialize, Serialize};

/// What a key is for: one root for each and for each version (profile §3.2, §4).
///
/// There is no purpose for marking listed cards: a SAM's marking key is the maintenance key under a usage that makes one
/// MAC and nothing else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Control key of the application, 39 id 00.
    Control,
    /// Reading, 39 id 01.
    Reading,
    /// Maintenance, 36 id 00.
    Maintenance,
    /// Attendance append, 36 id 02.
    AttendanceAppend,
    /// Access append, 36 id 03.
    AccessAppend,
    /// PIN unblock, 37 id 00.
    PinUnblock,
    /// PIN reload, 38 id 00.
    PinReload,
    /// TAC, 34 id 00.
    Tac,
    /// Purchase, 3E id 01.
    Purchase,
    /// Load with PIN, 3F id 01.
    Load,
    /// Load over the air, without PIN, 3F id 11.
    LoadForAir,
    /// Unload of the ED, 3D id 01.
    UnloadEd,
    /// Unload of the EP, 3D id 02 (own).
    UnloadEp,
    /// Overdraft update, 3C id 01.
    Overdraft,
    /// Purchase cancel, 33 id 01 (own).
    Cancel,
    /// Internal authentication at doors, 30 id 01.
    AccessAuthentication,
    /// Internal authentication at attendance terminals, 30 id 02.
    AttendanceAuthentication,
    /// Static MAC of access rights; on no card.
    Rights,
    /// A SAM application's control key (usage 00).
    SamMaster,
    /// A SAM application's maintenance key (usage 01).
    SamMaintenance,
    /// Operator: control key of a member card's MF.
    CardControl,
    /// Operator: maintenance key of a member card's MF, which alone can CARD BLOCK.
    CardMaintenance,
    /// Operator: control key of a SAM's MF (CCK).
    SamCardControl,
    /// Operator: maintenance key of a SAM's MF (CMK).
    SamCardMaintenance,
    /// Operator: control key of an enterprise application on a RFID-SIM until it is washed (profile §6).
    Management,
    /// Operator: Key-ENC of a SIM's issuer domain, SCP03.
    Scp03Enc,
    /// Operator: Key-MAC of a SIM's issuer domain, SCP03.
    Scp03Mac,
    /// Operator: Key-DEK of a SIM's issuer domain, SCP03.
    Scp03Dek,
    /// Operator: S-ENC of a SIM's issuer domain, SCP02.
    Scp02Enc,
    /// Operator: S-MAC of a SIM's issuer domain, SCP02.
    Scp02Mac,
    /// Operator: DEK of a SIM's issuer domain, SCP02.
    Scp02Dek,
    /// Operator: KIc of a SIM's first key set over the air.
    OtaKic,
    /// Operator: KID of a SIM's first key set over the air.
    OtaKid,
    /// Operator: KIK of a SIM's first key set over the air.
    OtaKik,
    /// Operator: control key of an enterprise's application on a SAM until it is washed (own): what [`Self::Management`] is
    /// on a card.
    SamManagement,
    /// Transport key of an enterprise's key master cards that wraps keys (K_W, 运输密钥; own).
    MasterCardWrap,
    /// Transport key of an enterprise's key master cards that makes MACs (K_M, 运输密钥; own).
    MasterCardMac,
    /// Key of a key master card's mother authentication card (K_A; own); diversified by the key master card's number.
    MotherAuthentication,
}

/// By its name in a key file.
impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// Where a key stands in an enterprise application.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CardPlace {
    /// Type of its record.
    pub key_type: KeyType,
    /// Its id: the key index of INITIALIZE.
    pub id: u8,
}

impl Purpose {
    /// Every purpose, in the order of a key file.
    pub const ALL: [Self; 38] = [
        Self::Control,
        Self::Reading,
        Self::Maintenance,
        Self::AttendanceAppend,
        Self::AccessAppend,
        Self::PinUnblock,
        Self::PinReload,
        Self::Tac,
        Self::Purchase,
        Self::Load,
        Self::LoadForAir,
        Self::UnloadEd,
        Self::UnloadEp,
        Self::Overdraft,
        Self::Cancel,
        Self::AccessAuthentication,
        Self::AttendanceAuthentication,
        Self::Rights,
        Self::SamMaster,
        Self::SamMaintenance,
        Self::CardControl,
        Self::CardMaintenance,
        Self::SamCardControl,
        Self::SamCardMaintenance,
        Self::Management,
        Self::Scp03Enc,
        Self::Scp03Mac,
        Self::Scp03Dek,
        Self::Scp02Enc,
        Self::Scp02Mac,
        Self::Scp02Dek,
        Self::OtaKic,
        Self::OtaKid,
        Self::OtaKik,
        Self::SamManagement,
        Self::MasterCardWrap,
        Self::MasterCardMac,
        Self::MotherAuthentication,
    ];

    /// Whether the key is one of the types 36 to 39, which have no algorithm byte of their own: the key file's last byte
    /// names one cipher for all of them (profile §3.2).
    #[must_use]
    pub const fn follows_key_file(self) -> bool {
        matches!(self.place(), Some(CardPlace { key_type, .. }) if key_type.counts_errors())
    }

    /// Whether the key is the operator's own, by the chip's number: no enterprise's key comes from its root.
    #[must_use]
    pub const fn is_operators(self) -> bool {
        matches!(
            self,
            Self::CardControl
                | Self::CardMaintenance
                | Self::SamCardControl
                | Self::SamCardMaintenance
                | Self::Scp03Enc
                | Self::Scp03Mac
                | Self::Scp03Dek
                | Self::Scp02Enc
                | Self::Scp02Mac
                | Self::Scp02Dek
                | Self::OtaKic
                | Self::OtaKid
                | Self::OtaKik
        )
    }

    /// The cipher of a key that is of one alone: a protocol's, or that of the key it stands in for.
    #[must_use]
    pub(crate) fn algorithm(self, chosen: impl Fn(Self) -> Algorithm) -> Algorithm {
        match self {
            Self::Management => chosen(Self::Control),
            Self::SamManagement => chosen(Self::SamMaster),
            Self::Scp02Enc | Self::Scp02Mac | Self::Scp02Dek => Algorithm::Des,
            Self::Scp03Enc
            | Self::Scp03Mac
            | Self::Scp03Dek
            | Self::OtaKic
            | Self::OtaKid
            | Self::OtaKik
            | Self::MasterCardWrap
            | Self::MasterCardMac
            | Self::MotherAuthentication => Algorithm::Aes,
            other => chosen(other),
        }
    }

    /// The first place of the key in an enterprise application (profile §3.2); `None` for a key that is on no such
    /// application.
    #[must_use]
    pub const fn place(self) -> Option<CardPlace> {
        let (key_type, id) = match self {
            Self::Control => (KeyType::EXTERNAL, 0x00),
            Self::Reading => (KeyType::EXTERNAL, 0x01),
            Self::Maintenance => (KeyType::MAINTENANCE, 0x00),
            Self::AttendanceAppend => (KeyType::MAINTENANCE, 0x02),
            Self::AccessAppend => (KeyType::MAINTENANCE, 0x03),
            Self::PinUnblock => (KeyType::PIN_UNBLOCK, 0x00),
            Self::PinReload => (KeyType::PIN_RELOAD, 0x00),
            Self::Tac => (KeyType::TAC, 0x00),
            Self::Purchase => (KeyType::PURCHASE, 0x01),
            Self::Load => (KeyType::LOAD, 0x01),
            Self::LoadForAir => (KeyType::LOAD, 0x11),
            Self::UnloadEd => (KeyType::UNLOAD, 0x01),
            Self::UnloadEp => (KeyType::UNLOAD, 0x02),
            Self::Overdraft => (KeyType::OVERDRAFT, 0x01),
            Self::Cancel => (KeyType::CANCEL, 0x01),
            Self::AccessAuthentication => (KeyType::INTERNAL_ENCIPHER, 0x01),
            Self::AttendanceAuthentication => (KeyType::INTERNAL_ENCIPHER, 0x02),
            Self::Rights
            | Self::SamMaster
            | Self::SamMaintenance
            | Self::CardControl
            | Self::CardMaintenance
            | Self::SamCardControl
            | Self::SamCardMaintenance
            | Self::Management
            | Self::Scp03Enc
            | Self::Scp03Mac
            | Self::Scp03Dek
            | Self::Scp02Enc
            | Self::Scp02Mac
            | Self::Scp02Dek
            | Self::OtaKic
            | Self::OtaKid
            | Self::OtaKik
            | Self::SamManagement
            | Self::MasterCardWrap
            | Self::MasterCardMac
            | Self::MotherAuthentication => return None,
        };
        Some(CardPlace { key_type, id })
    }
}
