//! `onecard wash roll`.

use std::fmt;

use anyhow::{Context, anyhow, ensure};
use clap::Args;
use onecard_host::{
    card::{Selected, key_list, select},
    issuing::{Cause, IssuingError, KeyRoll, roll_key},
    key_store::KeyStore,
    keys::{CardPlace, Purpose},
    transport::Transport,
};
use onecard_simulator::chip::Kind;
use onecard_wire::{
    aid,
    key::{CONTROL_KEY_ID, KeyListEntry, KeyType, KeyVersion},
    status::StatusWord,
};
use serde::Serialize;

use super::{LeftAlone, store::StoreSource};
use crate::{
    consent::Consent,
    output::{Exit, Output},
    reader::CardReader,
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
    /// Version of the enterprise's control key that the card has now; after a control key roll whose answer was lost it may be the new
    /// one.
    #[arg(long, value_name = "N", default_value_t = 1)]
    control_version: u8,
    #[command(flatten)]
    consent: Consent,
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
    fn roll(&self, store: &mut dyn KeyStore, card: &mut impl Transport) -> anyhow::Result<Rolled> {
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
        let list = key_list(card, &application)?.ok_or_else(|| {
            LeftAlone(
                "the card lists no keys, so its tries cannot be read, and one more might be the last: nothing was tried; issue the \
                 holder a card that lists them 该卡不列密钥，剩余次数无法读取，未写入"
                    .to_owned(),
            )
        })?;
        let there = stands(&list, key_type, id);
        // Types 36 to 39 list no version: they are written again, under the control key that the card has by then.
        if !key_type.counts_errors() && there.is_some_and(|key| key.version == key_version) {
            return Ok(facts(Outcome::There));
        }
        let replaces = there.is_some();
        if has_one_try_left(&list) {
            return Err(
                LeftAlone("one try is left of the control key, and it is kept 主控密钥仅剩一次".to_owned()).into()
            );
        }
        self.consent.ask(self.card.place()?, "an issued card 已发卡", &[self.plan(&application, id, replaces)])?;
        let roll = KeyRoll { purpose, id, version: KeyVersion(key_version), replaces };
        let rolled = roll_key(card, &application, store, KeyVersion(self.control_version), &roll);
        rolled.map_err(|error| self.with_what_helps(error))?;
        self.is_listed(card, &application, (key_type, id))?;
        Ok(facts(if replaces { Outcome::Replaced } else { Outcome::Added }))
    }

    /// A MAC that is wrong is by another control key than the card has: after a lost answer perhaps the new one.
    fn with_what_helps(&self, error: IssuingError) -> anyhow::Error {
        if !matches!(&error.cause, Cause::Refused(refusal) if refusal.status == StatusWord::MAC_WRONG) {
            return error.into();
        }
        let &Self { purpose, key_version, control_version, .. } = self;
        if purpose == Purpose::Control && key_version != control_version {
            return anyhow!(
                "{error}; each time this costs a try and an export. If an earlier answer was lost, the card may have control key version \
                 {key_version} already: the same command with --control-version {key_version} finds out 若上次应答丢失，改用新版本"
            );
        }
        anyhow!(
            "{error}; each time this costs a try and an export. The card's control key is not version {control_version}: name its version \
             by --control-version 请用--control-version指明主控密钥版本"
        )
    }

    fn is_listed(
        &self,
        card: &mut impl Transport,
        application: &Selected,
        (key_type, id): (KeyType, u8),
    ) -> anyhow::Result<()> {
        let list = key_list(card, application)?;
        let key = list
            .and_then(|list| stands(&list, key_type, id))
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
    #![allow(clippy::unwrap_used, clippy::panic)]

    use clap::Parser;
    use onecard_host::{key_store::SoftwareStore, transport::TransportError};
    use onecard_simulator::{reader::Reader, sample::Sample};
    use onecard_wire::ins;

    use super::*;

    /// A card as others sell them: it lists no keys. What was asked of it.
    struct WithoutList(Reader, Vec<u8>);

    impl Transport for WithoutList {
        fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
            let ins = command.get(1).copied().unwrap_or_default();
            self.1.push(ins);
            if ins == ins::GET_DATA { Ok(vec![0x6D, 0x00]) } else { self.0.transmit(command) }
        }
    }

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        roll: Roll,
    }

    #[test]
    fn a_card_whose_tries_cannot_be_read_is_left_alone() {
        let mut sample = Sample::new("no list").unwrap();
        let chip = sample.card("3100100000000076".parse().unwrap()).unwrap();
        let mut card = WithoutList(Reader::insert(chip), Vec::new());
        let line = ["roll", "--reader", "sim:wang.card", "--purpose", "tac", "--key-version", "1"];
        let Line { roll } = Line::try_parse_from(line).unwrap();
        let Err(refused) = roll.roll(&mut SoftwareStore::new(sample.keys().clone()), &mut card) else {
            panic!("a try that may be the last");
        };
        assert!(refused.downcast_ref::<LeftAlone>().is_some(), "{refused}");
        assert!(refused.to_string().contains("its tries cannot be read"), "{refused}");
        let asked = |ins| card.1.contains(&ins);
        assert!(asked(ins::GET_DATA) && !asked(ins::GET_CHALLENGE) && !asked(ins::WRITE_KEY), "{:02X?}", card.1);
    }

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
