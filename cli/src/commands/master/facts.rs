//! What a key master card tells of itself, for people and for machines.

use std::fmt;

use onecard_host::{
    key_master::{LifeCycle, LoadAllowance, Status, code_of},
    key_store::StoredKey,
    keys::Cipher,
};
use serde::Serialize;

use crate::table::{Column, pairs, table};

/// A card and its keys, without values.
#[derive(Serialize)]
pub(super) struct MasterFacts {
    number: String,
    enterprise: String,
    state: &'static str,
    pin_tries: u8,
    mother_tries: u8,
    card_exports: u32,
    sam_exports: u32,
    keys: Vec<KeyFacts>,
}

#[derive(Serialize)]
struct KeyFacts {
    purpose: String,
    code: String,
    version: u8,
    cipher: Cipher,
    check_value: String,
}

impl MasterFacts {
    pub(super) fn new(status: &Status, keys: &[StoredKey]) -> Self {
        let LoadAllowance { card_exports, sam_exports } = status.allowance;
        Self {
            number: status.number.to_string(),
            enterprise: status.enterprise.to_string(),
            state: state(status.life_cycle).0,
            pin_tries: status.pin_tries,
            mother_tries: status.authentication_tries,
            card_exports,
            sam_exports,
            keys: keys.iter().map(KeyFacts::new).collect(),
        }
    }

    fn is_blank(&self) -> bool {
        self.state == state(LifeCycle::Blank).0
    }
}

impl KeyFacts {
    fn new(key: &StoredKey) -> Self {
        let code = code_of(key.name.purpose).map(|code| format!("{:02X}", code.to_byte()));
        Self {
            purpose: key.name.purpose.to_string(),
            code: code.unwrap_or_default(),
            version: key.name.version.0,
            cipher: key.algorithm.into(),
            check_value: key.check_value.to_string(),
        }
    }
}

/// For machines, and for people.
const fn state(life_cycle: LifeCycle) -> (&'static str, &'static str) {
    match life_cycle {
        LifeCycle::Blank => ("blank", "blank 空白"),
        LifeCycle::InUse => ("in-use", "in use 使用"),
        LifeCycle::Locked => ("locked", "locked for good 锁死"),
    }
}

impl fmt::Display for MasterFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let states = [LifeCycle::Blank, LifeCycle::InUse, LifeCycle::Locked].map(state);
        let told = states.iter().find(|(name, _)| *name == self.state).map_or(self.state, |(_, told)| told);
        if self.is_blank() {
            return f.write_str(&pairs([("key master card 密钥母卡", told.to_owned())]));
        }
        f.write_str(&pairs([
            ("key master card 密钥母卡", self.number.clone()),
            ("enterprise 单位", self.enterprise.clone()),
            ("state 状态", told.to_owned()),
            ("tries left 剩余次数", format!("PIN {}, mother card 认证卡 {}", self.pin_tries, self.mother_tries)),
            ("exports left 剩余额度", format!("cards 卡 {}, SAMs {}", self.card_exports, self.sam_exports)),
        ]))?;
        if self.keys.is_empty() {
            return writeln!(f, "No master key is in it yet: onecard master load 尚无主密钥");
        }
        let columns = [
            Column::Text("master key 主密钥"),
            Column::Text("code"),
            Column::Number("version 版本"),
            Column::Text("cipher 算法"),
            Column::Text("check value 校验值"),
        ];
        let row = |key: &KeyFacts| {
            let KeyFacts { purpose, code, version, cipher, check_value } = key;
            [purpose.clone(), code.clone(), version.to_string(), cipher.to_string(), check_value.clone()]
        };
        f.write_str(&table(&columns, self.keys.iter().map(row)))
    }
}
