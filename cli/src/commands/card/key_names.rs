//! Keys in words: what the key with this type and id does (profile §3.2).

use onecard_host::keys::Purpose;
use onecard_wire::key::{KeyListEntry, KeyType};

/// Ids from here on are for the air (profile §3.2).
const FOR_AIR: u8 = 0x11;

/// What the key is for; several purchase and load keys may stand side by side. `None` for the PIN and strangers.
pub(super) fn purpose(key: &KeyListEntry) -> Option<Purpose> {
    match (key.key_type, key.id) {
        (KeyType::PURCHASE, _) => Some(Purpose::Purchase),
        (KeyType::LOAD, FOR_AIR..) => Some(Purpose::LoadForAir),
        (KeyType::LOAD, _) => Some(Purpose::Load),
        (key_type, id) => Purpose::ALL
            .into_iter()
            .find(|purpose| purpose.place().is_some_and(|place| place.key_type == key_type && place.id == id)),
    }
}

/// Whether its record holds a version; 36 to 3A show how often they were replaced instead.
pub(super) const fn has_version(key_type: KeyType) -> bool {
    !key_type.counts_errors()
}

/// In English.
pub(super) const fn english(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Control => "control",
        Purpose::Reading => "reading",
        Purpose::Maintenance => "maintenance",
        Purpose::AttendanceAppend => "attendance log",
        Purpose::AccessAppend => "access log",
        Purpose::PinUnblock => "PIN unblock",
        Purpose::PinReload => "PIN reload",
        Purpose::Tac => "TAC",
        Purpose::Purchase => "purchase",
        Purpose::Load => "load",
        Purpose::LoadForAir => "load over the air",
        Purpose::UnloadEd => "unload of the deposit",
        Purpose::UnloadEp => "unload of the purse",
        Purpose::Overdraft => "overdraft",
        Purpose::Cancel => "undo",
        Purpose::AccessAuthentication => "access",
        Purpose::AttendanceAuthentication => "attendance",
        Purpose::Rights => "access rights",
        Purpose::SamMaster => "SAM control",
        Purpose::SamMaintenance => "SAM maintenance",
        Purpose::CardControl => "card control",
        Purpose::CardMaintenance => "card maintenance",
        Purpose::SamCardControl => "SAM card control",
        Purpose::SamCardMaintenance => "SAM card maintenance",
        Purpose::Management => "management",
        Purpose::Scp03Enc => "SCP03 ENC",
        Purpose::Scp03Mac => "SCP03 MAC",
        Purpose::Scp03Dek => "SCP03 DEK",
        Purpose::Scp02Enc => "SCP02 ENC",
        Purpose::Scp02Mac => "SCP02 MAC",
        Purpose::Scp02Dek => "SCP02 DEK",
        Purpose::OtaKic => "OTA KIc",
        Purpose::OtaKid => "OTA KID",
        Purpose::OtaKik => "OTA KIK",
        Purpose::SamManagement => "SAM management",
        Purpose::MasterCardWrap => "key master card wrapping",
        Purpose::MasterCardMac => "key master card MAC",
        Purpose::MotherAuthentication => "mother card authentication",
    }
}

/// In Chinese.
pub(super) const fn chinese(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Control => "主控",
        Purpose::Reading => "读取",
        Purpose::Maintenance => "维护",
        Purpose::AttendanceAppend => "考勤记录",
        Purpose::AccessAppend => "门禁记录",
        Purpose::PinUnblock => "密码解锁",
        Purpose::PinReload => "密码重装",
        Purpose::Tac => "TAC",
        Purpose::Purchase => "消费",
        Purpose::Load => "圈存",
        Purpose::LoadForAir => "空中圈存",
        Purpose::UnloadEd => "存折圈提",
        Purpose::UnloadEp => "钱包圈提",
        Purpose::Overdraft => "透支",
        Purpose::Cancel => "消费撤销",
        Purpose::AccessAuthentication => "门禁认证",
        Purpose::AttendanceAuthentication => "考勤认证",
        Purpose::Rights => "门禁权限",
        Purpose::SamMaster => "SAM主控",
        Purpose::SamMaintenance => "SAM维护",
        Purpose::CardControl => "卡主控",
        Purpose::CardMaintenance => "卡维护",
        Purpose::SamCardControl => "SAM卡主控",
        Purpose::SamCardMaintenance => "SAM卡维护",
        Purpose::Management => "管理",
        Purpose::Scp03Enc => "SCP03加密",
        Purpose::Scp03Mac => "SCP03校验",
        Purpose::Scp03Dek => "SCP03密钥加密",
        Purpose::Scp02Enc => "SCP02加密",
        Purpose::Scp02Mac => "SCP02校验",
        Purpose::Scp02Dek => "SCP02密钥加密",
        Purpose::OtaKic => "空中KIc",
        Purpose::OtaKid => "空中KID",
        Purpose::OtaKik => "空中KIK",
        Purpose::SamManagement => "SAM管理",
        Purpose::MasterCardWrap => "母卡运输加密",
        Purpose::MasterCardMac => "母卡运输校验",
        Purpose::MotherAuthentication => "母卡认证",
    }
}
