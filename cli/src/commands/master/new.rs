//! `onecard master new`.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use clap::Args;
use onecard_host::key_master::{
    KeyMasterOrder, LastTry, LoadAllowance, Personalised, TransportKeys, personalise_key_master, personalise_mother,
};
use onecard_simulator::chip::Kind;
use onecard_wire::{key::KeyVersion, number::KeyMasterNumber};
use serde::Serialize;

use super::facts::MasterFacts;
use crate::{
    consent::Consent,
    development_keys::DevelopmentKeys,
    key_master_card::{Opening, chosen_pin},
    output::{Exit, Output},
    passphrase::PassphraseSource,
    reader::{Inserted, Place, ReaderName},
};

/// Options of `master new`.
#[derive(Args, Debug)]
pub(crate) struct NewMaster {
    /// Reader of the blank key master card (空白密钥母卡): pcsc:NAME or sim:FILE.
    #[arg(long, value_name = "READER")]
    reader: ReaderName,
    /// Reader of the blank mother authentication card (空白母卡认证卡): pcsc:NAME or sim:FILE.
    #[arg(long, value_name = "READER")]
    mother: ReaderName,
    /// The ceremony's key file, with the transport keys (运输密钥).
    #[arg(long, value_name = "FILE", required_unless_present = "token")]
    keys: Option<PathBuf>,
    /// Refused in words.
    #[arg(long, value_name = "LABEL", hide = true, conflicts_with = "keys")]
    token: Option<String>,
    #[command(flatten)]
    passphrase: PassphraseSource,
    /// The key master card's number (编号), 16 digits: an enterprise gives none twice.
    #[arg(long, value_name = "NUMBER", value_parser = number)]
    number: KeyMasterNumber,
    /// How many bodies it may export for cards and SIMs; a card takes about twenty.
    #[arg(long, value_name = "N", default_value_t = 0)]
    card_exports: u32,
    /// How many bodies it may export for SAMs.
    #[arg(long, value_name = "N", default_value_t = 0)]
    sam_exports: u32,
    /// File with its PIN (密码), 6 to 8 digits, mode 0600; without it the PIN is asked for, twice.
    #[arg(long, value_name = "FILE")]
    pin_file: Option<PathBuf>,
    /// Version of the transport keys.
    #[arg(long, value_name = "N", default_value_t = 1)]
    transport_version: u8,
    #[command(flatten)]
    consent: Consent,
}

pub(super) fn run(new: &NewMaster) -> anyhow::Result<Output> {
    let (master, mother) = (new.reader.place()?, new.mother.place()?);
    ensure!(master != mother, "{master}: the two cards are in a reader each");
    let file = new.key_file()?;
    let keys = DevelopmentKeys::read(file, &new.passphrase)?;
    let transport = TransportKeys::of(&keys.of_enterprise(), KeyVersion(new.transport_version))
        .with_context(|| format!("key file {}", file.display()))?;
    let pin = chosen_pin(new.pin_file.as_deref(), "--pin-file")?;
    let allowance = LoadAllowance { card_exports: new.card_exports, sam_exports: new.sam_exports };
    let order = KeyMasterOrder { number: new.number, enterprise: keys.enterprise, allowance, pin };
    new.agreed(&master, &mother, &keys)?;

    let key_master_card = at(&master, Kind::KeyMaster, |card| personalise_key_master(card, &order, &transport))?;
    let mother_card = at(&mother, Kind::MotherAuthentication, |card| {
        personalise_mother(card, order.number, order.enterprise, &transport)
    })?;
    let opening = Opening {
        master: &new.reader,
        mother: &new.mother,
        pin_file: new.pin_file.as_deref(),
        pin_option: "--pin-file",
        last: LastTry::Keep,
    };
    let card = opening.with_open_by(&order.pin, |open| Ok(MasterFacts::new(&open.status()?, &open.stored_keys()?)))?;
    let before = [key_master_card, mother_card].map(|personalised| personalised == Personalised::Before);
    let made = Made { card, key_master_card_was_there: before[0], mother_card_was_there: before[1] };
    Output::new("onecard.master-new/1", Exit::Done, &made)
}

impl NewMaster {
    fn key_file(&self) -> anyhow::Result<&Path> {
        if let Some(label) = &self.token {
            bail!(
                "token {label}: a personalisation wraps three keys as one, which no token puts together: name the ceremony's key \
                 file by --keys, and load the master keys from the token 个人化须用密钥文件"
            );
        }
        self.keys.as_deref().context("name the ceremony's key file by --keys")
    }

    fn agreed(&self, master: &Place, mother: &Place, keys: &DevelopmentKeys) -> anyhow::Result<()> {
        let enterprise = keys.enterprise;
        let plan = [format!(
            "number 编号 {}, enterprise 单位 {enterprise}: its PIN and transport keys, for good",
            self.number
        )];
        self.consent.ask(master, "a key master card 密钥母卡", &plan)?;
        let plan = [format!("it opens key master card {} 与密钥母卡相配, for good", self.number)];
        self.consent.ask(mother, "a mother card 母卡认证卡", &plan)
    }
}

/// Personalises the card of that kind.
fn at<E: Into<anyhow::Error>>(
    place: &Place,
    kind: Kind,
    personalise: impl FnOnce(&mut Inserted) -> Result<Personalised, E>,
) -> anyhow::Result<Personalised> {
    let mut card = place.inserted(Some(kind))?;
    let personalised = personalise(&mut card).map_err(Into::into).with_context(|| place.to_string());
    card.taken_out_of(place)?;
    personalised
}

fn number(text: &str) -> Result<KeyMasterNumber, String> {
    let number = text.parse().ok().filter(|number| *number != KeyMasterNumber::default());
    number.ok_or_else(|| "expected 16 decimal digits, not all zeros".to_owned())
}

#[derive(Serialize)]
struct Made {
    #[serde(flatten)]
    card: MasterFacts,
    key_master_card_was_there: bool,
    mother_card_was_there: bool,
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (was_there, name) in [
            (self.key_master_card_was_there, "key master card 密钥母卡"),
            (self.mother_card_was_there, "mother card 母卡认证卡"),
        ] {
            let made =
                if was_there { "was personalised before 早已个人化" } else { "is personalised 已个人化" };
            writeln!(f, "The {name} {made}.")?;
        }
        self.card.fmt(f)
    }
}
