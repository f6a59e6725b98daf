//! Whose keys make what a campaign issues: a key file, a PKCS#11 token, or a key master card with an issuing SAM.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use onecard_gateway::campaign::{Issuer, IssuingOffice, KeyMasterAndSam};
use onecard_host::{
    crypto::MAC_LEN,
    key_store::{KeyStore, NamedKey, StoreError, StoredKey, WriteKeyBody, WriteKeyOrder},
    keys::Purpose,
    over_the_air::{KeyInHand, PacketCounter, PlacedMac},
};
use onecard_station::store::{IssuingStore, RootStore};
use onecard_wire::{
    key::KeyVersion,
    number::{ApplicationSerial, EnterpriseId},
};

use crate::{
    args::SamSource,
    development_keys::DevelopmentKeys,
    key_master_card::{LastTryOption, Opening},
    master_keys,
    passphrase::PassphraseSource,
    pin,
    reader::ReaderName,
    terminal_sam,
    token::TokenAccess,
};

/// Whose keys make what is issued: those of --keys, unless something else is named.
#[derive(Args, Debug)]
#[command(next_help_heading = "Issues 发卡")]
pub(super) struct IssuingFrom {
    /// The label of a PKCS#11 token (加密机) whose keys make what is issued. Needs a program built with --features hsm.
    #[arg(long, value_name = "LABEL")]
    token: Option<String>,
    #[command(flatten)]
    access: TokenAccess,
    /// Reader of the enterprise's key master card (密钥母卡), which makes what is issued: pcsc:NAME or sim:FILE.
    #[arg(long, value_name = "READER", requires_all = ["mother", "sam"], conflicts_with = "token")]
    master: Option<ReaderName>,
    /// Reader of its mother authentication card (母卡认证卡): pcsc:NAME or sim:FILE.
    #[arg(long, value_name = "READER", requires = "master")]
    mother: Option<ReaderName>,
    /// File with the key master card's PIN, mode 0600; without it the PIN is asked for.
    #[arg(long, value_name = "FILE", requires = "master")]
    master_pin_file: Option<PathBuf>,
    #[command(flatten)]
    last_try: LastTryOption,
    /// The issuing SAM (发卡SAM), which makes the MACs of contents: pcsc:NAME, sim:FILE, or keys:FILE.
    #[arg(long, value_name = "SAM", requires = "master")]
    sam: Option<SamSource>,
    /// File with everybody's first PIN, where the profile said pin = "file": 4 to 6 digits, mode 0600.
    #[arg(long, value_name = "FILE")]
    pin_file: Option<PathBuf>,
}

/// Sets of bodies that a key master card makes in a turn: seconds.
const SETS_OF_A_CARD: usize = 2;
/// The same of a token.
const SETS_OF_A_TOKEN: usize = 8;

impl IssuingFrom {
    /// Opens it, and lends it to `work` with its name; `keys` are those of the file `key_file`.
    pub(super) fn with<R>(
        &self,
        (keys, key_file): (&DevelopmentKeys, &Path),
        passphrase: &PassphraseSource,
        work: impl FnOnce(IssuingOffice<'_>, String) -> anyhow::Result<R>,
    ) -> anyhow::Result<R> {
        let pin = self.pin_file.as_deref().map(pin::from_file).transpose()?;
        ensure!(
            pin.as_ref().is_none_or(onecard_host::card::Pin::fits_key_store),
            "everybody's first PIN has more than 6 digits, and a key store writes 4 to 6: put a shorter one into the file of --pin-file"
        );
        let enterprise = keys.enterprise;
        match (&self.token, &self.master) {
            (Some(label), _) => {
                let store = master_keys::token(label, &self.access, enterprise)?;
                let office = IssuingOffice::open(Box::new(Stored(store))).with_context(|| format!("token {label}"))?;
                work(office.with_pin(pin).with_sets_a_turn(SETS_OF_A_TOKEN), format!("token {label}"))
            }
            (None, Some(master)) => {
                let (mother, sam) =
                    self.mother.as_ref().zip(self.sam.as_ref()).context("--master needs --mother and --sam")?;
                let (pin_file, last) = (self.master_pin_file.as_deref(), self.last_try.of_host());
                let opening = Opening { master, mother, pin_file, pin_option: "--master-pin-file", last };
                opening.with_open(|card| {
                    let place = format!("key master card {}", card.number());
                    let sam = terminal_sam::untraced(sam, passphrase, enterprise)?;
                    let office = IssuingOffice::open(Box::new(KeyMasterAndSam::new(card, sam)))
                        .with_context(|| place.clone())?;
                    work(office.with_pin(pin).with_sets_a_turn(SETS_OF_A_CARD), place)
                })
            }
            (None, None) => {
                let store = RootStore::new(keys.roots.clone(), enterprise);
                let office = IssuingOffice::open(Box::new(Stored(Box::new(store))))?;
                work(office.with_pin(pin), format!("key file {}", key_file.display()))
            }
        }
    }
}

/// A store that has one card's own key for the moment it is used in.
struct Stored(Box<dyn IssuingStore>);

impl KeyStore for Stored {
    fn enterprise(&self) -> EnterpriseId {
        self.0.enterprise()
    }

    fn keys(&mut self) -> Result<Vec<StoredKey>, StoreError> {
        self.0.keys()
    }

    fn write_key(&mut self, order: &WriteKeyOrder<'_>) -> Result<WriteKeyBody, StoreError> {
        self.0.write_key(order)
    }
}

impl Issuer for Stored {
    fn placed_mac(
        &mut self,
        serial: ApplicationSerial,
        version: KeyVersion,
        place: (PacketCounter, u8),
        message: &[u8],
    ) -> Result<[u8; MAC_LEN], StoreError> {
        let key = self.0.card_key(NamedKey { purpose: Purpose::Maintenance, version }, serial.to_bytes())?;
        KeyInHand(key).placed_mac(place, message).map_err(|never| match never {})
    }
}
