//! What AIDs and states are called.

use onecard_host::globalplatform::{
    Aid, Named,
    management::{Kind, RegistryEntry},
};
use onecard_wire::globalplatform::{
    KeyKind,
    life_cycle::{ApplicationState, CardState},
};

/// What an AID names, in both languages; empty for strangers.
pub(super) fn name(aid: &Aid) -> String {
    match aid.named() {
        Some(Named::IssuerDomain) => "issuer domain 主安全域".to_owned(),
        Some(Named::EnterpriseLoadFile) => "enterprise load file 单位应用程序包".to_owned(),
        Some(Named::EnterpriseModule) => "enterprise module 单位应用模块".to_owned(),
        Some(Named::Toolkit) => "toolkit menu 卡应用菜单".to_owned(),
        Some(Named::Enterprise(id)) => format!("enterprise 单位 {id}"),
        None => String::new(),
    }
}

/// A life cycle state, in both languages.
pub(super) fn state(entry: &RegistryEntry) -> String {
    match entry.kind {
        Kind::IssuerDomain => card_state(entry.life_cycle),
        Kind::Application => application_state(ApplicationState(entry.life_cycle)),
        Kind::LoadFile | Kind::LoadFileWithModules => "loaded 已装载".to_owned(),
    }
}

/// The state in one word, for machines.
pub(super) fn state_word(entry: &RegistryEntry) -> String {
    let state = ApplicationState(entry.life_cycle);
    match entry.kind {
        Kind::IssuerDomain => CardState(entry.life_cycle).name().unwrap_or("OTHER").to_owned(),
        Kind::Application if state.is_locked() => "LOCKED".to_owned(),
        Kind::Application => match state {
            ApplicationState::INSTALLED => "INSTALLED".to_owned(),
            ApplicationState::PERSONALIZED => "PERSONALIZED".to_owned(),
            _ => "SELECTABLE".to_owned(),
        },
        Kind::LoadFile | Kind::LoadFileWithModules => "LOADED".to_owned(),
    }
}

fn card_state(byte: u8) -> String {
    match CardState(byte) {
        CardState::OP_READY => "OP_READY 可操作".to_owned(),
        CardState::INITIALIZED => "INITIALIZED 已初始化".to_owned(),
        CardState::SECURED => "SECURED 已安全".to_owned(),
        CardState::CARD_LOCKED => "CARD_LOCKED 已锁卡".to_owned(),
        CardState::TERMINATED => "TERMINATED 已终止".to_owned(),
        CardState(other) => format!("{other:02X}"),
    }
}

fn application_state(state: ApplicationState) -> String {
    match state {
        locked if locked.is_locked() => "locked 已锁定".to_owned(),
        ApplicationState::INSTALLED => "installed 已安装".to_owned(),
        ApplicationState::PERSONALIZED => "personalized 已个人化".to_owned(),
        ApplicationState::SELECTABLE => "selectable 可选择".to_owned(),
        // The bits between are the application's own.
        ApplicationState(other) => format!("selectable 可选择 {other:02X}"),
    }
}

/// What an entry is, in both languages.
pub(super) const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::IssuerDomain => "card 卡",
        Kind::Application => "application 应用",
        Kind::LoadFile | Kind::LoadFileWithModules => "load file 程序包",
    }
}

/// The same for machines.
pub(super) const fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::IssuerDomain => "issuer-domain",
        Kind::Application => "application",
        Kind::LoadFile | Kind::LoadFileWithModules => "load-file",
    }
}

/// A key's cipher and length.
pub(super) fn key(kind: KeyKind, length: u16) -> String {
    match kind {
        KeyKind::DES if length == 16 => "3DES".to_owned(),
        KeyKind::DES => format!("3DES {}", length * 8),
        KeyKind::AES => format!("AES-{}", length * 8),
        KeyKind(other) => format!("{other:02X} {}", length * 8),
    }
}

/// What a key set of this version is for (profile §6).
pub(super) fn purpose(version: u8) -> &'static str {
    match version {
        0x01..=0x0F => "over the air 空中",
        0x20..=0x2F => "SCP02",
        0x30..=0x3F => "SCP03",
        _ => "",
    }
}
