//! `onecard wash roll`.

use std::fmt;

use anyhow::{Context, anyhow, bail, ensure};
use clap::{Args, ValueEnum};
use onecard_host::{
    card::{Selected, key_list, select},
    issuing::{KeyRoll, roll_key},
    key_store::KeyStore,
    keys::{CardPlace, Purpose},
};
use onecard_simulator::chip::Kind;
use onecard_wire::{
    aid,
    key::{CONTROL_KEY_ID, KeyListEntry, KeyType, KeyVersion},
};
use serde::Serialize;

use super::{LeftAlone, store::StoreSource};
use crate::{
    consent::Consent,
    output::{Exit, Output},
    reader::{CardReader, Inserted},
};

/// Options of `wash roll`.
#[derive(Args, Debug)]
pub(crate) struct Roll {
    #[command(flatten)]
    card: CardReader,
    #[command(flatten)]
    store: StoreSource,
    /// Which key (密钥用途), by the name that `onecard keys show` has for it: purchase, load, tac, control.
    #[arg(long, value_name = "NAME", value_parser = purpose)]
    purpose: Purpose,
    /// Version of the key that the card gets.
    #[arg(long, value_name = "N")]
    key_version: u8,
    /// Its id on the card (密钥索引), two hexadecimal digits [default: the purpose's first]: a purchase or load key of another id
    /// stands beside the one in use.
    #[arg(long, value_name = "HEX", value_parser = id)]
    id: Option<u8>,
    /// Version of the enterprise's control key that the card has now.
    #[arg(long, value_name = "N", default_value_t = 1)]
    control_version: u8,
    /// Of a card that lists no keys, whether one stands there.
    #[arg(long, value_enum)]
    manner: Option<Stands>,
    #[command(flatten)]
    consent: Consent,
}

/// Whether a key stands there.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Stands {
    /// None: it is added.
    Add,
    /// One, which is replaced.
    Replace,
}

fn purpose(text: &str) -> Result<Purpose, String> {
    let named = Purpose::ALL.into_iter().find(|purpose| purpose.to_string() == text);
    named.filter(|purpose| purpose.place().is_some()).ok_or_else(|| format!("no key of a card is named {text:?}"))
}

fn id(text: &str) -> Result<u8, String> {
    u8::from_str_radix(text, 16).map_err(|_| "it has two hexadecimal digits".to_owned())
}

pub(super) fn run(options: &Roll) -> anyhow::Result<Output> {
    let place = options.card.place()?;
    let rolled = options.store.with(|store| {
        let mut card = place.inserted(Some(Kind::CpuCard))?;
        let rolled = options.roll(store, &mut card);
        card.taken_out_of(place)?;
        rolled.with_context(|| place.to_string())
    })?;
    Output::new("onecard.wash-roll/1", Exit::Done, &rolled)
}

impl Roll {
    fn roll(&self, store: &mut dyn KeyStore, card: &mut Inserted) -> anyhow::Result<Rolled> {
        let &Self { purpose, key_version, .. } = self;
        let CardPlace { key_type, id } = purpose.place().context("no card has such a key")?;
        let id = self.id.unwrap_or(id);
        let application = select(card, &aid::enterprise_application(store.enterprise()))?;
        let facts = |outcome| Rolled {
            serial: application.serial().to_string(),
            purpose: purpose.to_string(),
            id: format!("{id:02X}"),
            version: key_version,
            outcome,
        };
        let list = key_list(card, &application)?;
        let there = list.as_ref().map(|keys| stands(keys, key_type, id));
        // Types 36 to 39 list no version: they are written again, which changes nothing.
        if !key_type.counts_errors() && there.flatten().is_some_and(|key| key.version == key_version) {
            return Ok(facts(Outcome::There));
        }
        let replaces = match (there, self.manner) {
            (Some(there), _) => there.is_some(),
            (None, Some(manner)) => manner == Stands::Replace,
            (None, None) => bail!("the card lists no keys: say by --manner whether one stands there 该卡不列密钥"),
        };
        if list.as_deref().is_some_and(has_one_try_left) {
            return Err(
                LeftAlone("one try is left of the control key, and it is kept 主控密钥仅剩一次".to_owned()).into()
            );
        }
        self.consent.ask(self.card.place()?, "an issued card 已发卡", &[self.plan(&application, id, replaces)])?;
        let roll = KeyRoll { purpose, id, version: KeyVersion(key_version), replaces };
        roll_key(card, &application, store, KeyVersion(self.control_version), &roll)?;
        self.is_listed(card, &application, (key_type, id))?;
        Ok(facts(if replaces { Outcome::Replaced } else { Outcome::Added }))
    }

    fn is_listed(
        &self,
        card: &mut Inserted,
        application: &Selected,
        (key_type, id): (KeyType, u8),
    ) -> anyhow::Result<()> {
        let Some(list) = key_list(card, application)? else { return Ok(()) };
        let key = stands(&list, key_type, id)
            .ok_or_else(|| anyhow!("the card said that it took the key, and does not list it"))?;
        ensure!(
            key_type.counts_errors() || key.version == self.key_version,
            "the card said that it took the key, and lists version {} 版本不符",
            key.version
        );
        Ok(())
    }

    fn plan(&self, application: &Selected, id: u8, replaces: bool) -> String {
        let &Self { purpose, key_version, .. } = self;
        let manner = if replaces { "in the place of the one that is there 替换" } else { "beside the others 新增" };
        format!("card {}: {purpose} key, version {key_version}, id {id:02X}, {manner}", application.serial())
    }
}

fn stands(keys: &[KeyListEntry], key_type: KeyType, id: u8) -> Option<KeyListEntry> {
    keys.iter().find(|key| key.key_type == key_type && key.id == id).copied()
}

/// Whether a wrong control key would end the application (specification 11.4.7).
fn has_one_try_left(keys: &[KeyListEntry]) -> bool {
    stands(keys, KeyType::EXTERNAL, CONTROL_KEY_ID).is_some_and(|key| key.tries < 2)
}

#[derive(Serialize)]
struct Rolled {
    serial: String,
    purpose: String,
    id: String,
    version: u8,
    outcome: Outcome,
}

#[derive(Serialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    Added,
    Replaced,
    /// Nothing was written or exported.
    There,
}

impl fmt::Display for Rolled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { serial, purpose, id, version, outcome } = self;
        let done = match outcome {
            Outcome::Added => "was added 已新增",
            Outcome::Replaced => "has taken the old one's place 已替换",
            Outcome::There => "was there, and nothing was written 已有，未写入",
        };
        writeln!(f, "Card {serial}: {purpose} key of version {version} at id {id} {done}.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_try_of_the_control_key_and_of_no_other_is_kept() {
        let key = |key_type, id, tries| KeyListEntry { key_type, id, version: 1, algorithm: 0, tries };
        for (tries, kept) in [(0, true), (1, true), (2, false), (0xFF, false)] {
            let keys = [
                key(KeyType::PURCHASE, 0x01, 0xFF),
                key(KeyType::EXTERNAL, 0x01, 1),
                key(KeyType::EXTERNAL, CONTROL_KEY_ID, tries),
            ];
            assert_eq!(has_one_try_left(&keys), kept, "{tries}");
        }
        assert!(!has_one_try_left(&[]));
    }

    #[test]
    fn a_key_is_named_as_key_files_name_it() {
        assert_eq!(purpose("load-for-air"), Ok(Purpose::LoadForAir));
        // No card has these.
        for other in ["rights", "management", "sam-master", "Purchase", ""] {
            assert!(purpose(other).is_err(), "{other}");
        }
        assert_eq!((id("0A"), id("x1").is_err(), id("100").is_err()), (Ok(0x0A), true, true));
    }
}
