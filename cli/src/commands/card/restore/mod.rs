//! `onecard card restore`: a new card with what an old one held, from `card inspect --json`.
//!
//! The new card has a number of its own: a number is never used twice, and the sequences of the old one's transactions are
//! in the issuer's books. What an archive cannot prove is not restored: money comes by an unload of the old card and a load of
//! the new one; logs and sequences stay in the archive.

mod archive;
mod text;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::Args;
use onecard_host::{
    apdu::{Command, exchange},
    card::{Selected, key_list, select, update_binary},
    crypto::{Key, LineKey},
    issuing::{CardOrder, KeyBeside, issue_card},
    keys::Purpose,
    line_protection::{challenge, with_mac},
    presence::DenyList,
    transport::Transport,
};
use onecard_wire::{
    aid,
    amount::Amount,
    fid::Fid,
    ins,
    key::{KeyListEntry, KeyVersion},
    number::ApplicationSerial,
    record::{AccessRight, CardStatus, Parameters},
};

use self::{
    archive::{Archive, same_key},
    text::Restored,
};
use super::{
    DIRECTORY,
    key_names::{self, purpose},
    new::plan,
    station::Station,
    terminal::read_deny_list,
};
use crate::{
    consent::Consent,
    development_keys::DevelopmentKeys,
    output::{Exit, Output},
    passphrase::PassphraseSource,
    people,
    pin::PinSource,
    reader::CardReader,
};

/// Options of `card restore`.
#[derive(Args, Debug)]
pub(crate) struct Restore {
    #[command(flatten)]
    card: CardReader,
    /// What `onecard --json card inspect OLD --sam SAM` wrote of the old card.
    archive: PathBuf,
    /// The development key file.
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseSource,
    /// The new card's number, 1 to 10 digits, that no card had before.
    #[arg(long, value_name = "NUMBER", value_parser = serial)]
    number: ApplicationSerial,
    /// The doors' deny list: access rights on it are left out [default: none].
    #[arg(long, value_name = "FILE")]
    deny_list: Option<PathBuf>,
    #[command(flatten)]
    pin: PinSource,
    #[command(flatten)]
    consent: Consent,
}

pub(super) fn run(options: &Restore) -> anyhow::Result<Output> {
    let place = options.card.place()?;
    let archive = Archive::read(&options.archive)?;
    let keys = DevelopmentKeys::read(&options.keys, &options.passphrase)?;
    let old = archive.public_data;
    ensure!(
        old.enterprise == keys.enterprise,
        "the archive is of a card of enterprise {}, the keys are {}'s: name that enterprise's keys",
        old.enterprise,
        keys.enterprise
    );
    ensure!(
        old.serial != options.number,
        "{} is the old card's number, whose sequences are in the books: give the new card another by --number",
        old.serial
    );
    let (rights, withdrawn) = options.rights(&archive, &keys)?;
    let order = order(&archive, &keys, options.pin.chosen()?)?;
    let (card_keys, version) = (keys.of_enterprise().card(options.number), order.key_version);
    let maintenance = keys.of_enterprise().card_key(options.number, Purpose::Maintenance, version)?;
    let station = Station { place, consent: &options.consent, keys: &keys, serial: options.number };
    station.make(&plan(options.number, &order), |mut card, mf| {
        issue_card(&mut card, mf, &card_keys, &order, &mut rand::rng())?;
        let selected = select(&mut card, &aid::enterprise_application(keys.enterprise))?;
        fill(card, &selected, &archive, &rights, &maintenance)?;
        compare_keys(&key_list(&mut card, &selected)?.unwrap_or_default(), &archive.keys)
    })?;
    let restored = Restored::of(options.number, &archive, &rights, withdrawn);
    Output::new("onecard.card-restore/1", Exit::Done, &restored)
}

impl Restore {
    /// The old card's rights sealed for the new one, slot by slot, and how many the deny list takes out. Each must be the
    /// issuer's: who can change an archive must not give himself doors.
    fn rights(&self, archive: &Archive, keys: &DevelopmentKeys) -> anyhow::Result<(Vec<Option<AccessRight>>, usize)> {
        let list = self.deny_list.as_deref().map(existing_deny_list).transpose()?.unwrap_or_default();
        let old = archive.public_data.serial;
        let enterprise = keys.of_enterprise();
        let versions: Vec<KeyVersion> =
            enterprise.keys().names().filter(|(of, _)| *of == Purpose::Rights).map(|(_, version)| version).collect();
        let mac = |serial, version, right: &AccessRight| -> anyhow::Result<[u8; 4]> {
            let key = enterprise.card_key(serial, Purpose::Rights, version)?;
            Ok(key.line_mac([0; 8], &right.mac_input(serial)))
        };
        let mut withdrawn = 0;
        let mut sealed = Vec::with_capacity(archive.rights.len());
        for (slot, right) in archive.rights.iter().enumerate() {
            let Some(right) = right else {
                sealed.push(None);
                continue;
            };
            let mut made_by = None;
            for version in &versions {
                if mac(old, *version, right)? == right.mac {
                    made_by = Some(*version);
                }
            }
            let Some(version) = made_by else {
                bail!(
                    "the access right in slot {slot} of the archive is not the issuer's: take it out, or inspect again"
                );
            };
            if list.has_right(old, right) {
                withdrawn += 1;
                sealed.push(None);
                continue;
            }
            sealed.push(Some(AccessRight { mac: mac(self.number, version, right)?, ..*right }));
        }
        Ok((sealed, withdrawn))
    }
}

fn existing_deny_list(path: &Path) -> anyhow::Result<DenyList> {
    read_deny_list(path)?.with_context(|| format!("there is no deny list {}: fetch it", path.display()))
}

/// The order the old card was issued by, as far as its files and key list tell.
fn order(archive: &Archive, keys: &DevelopmentKeys, pin: onecard_host::card::Pin) -> anyhow::Result<CardOrder> {
    let version_of = |wanted: Purpose| {
        let place = wanted.place();
        let at_place =
            |key: &&KeyListEntry| place.is_some_and(|place| (place.key_type, place.id) == (key.key_type, key.id));
        archive.keys.iter().find(at_place).map(|key| KeyVersion(key.version))
    };
    let key_version =
        version_of(Purpose::Tac).context("the archive's key list has no TAC key: inspect the old card again")?;
    let beside = archive.keys.iter().filter_map(|key| {
        let purpose = purpose(key)?;
        let several = matches!(purpose, Purpose::Purchase | Purpose::Load | Purpose::LoadForAir);
        let own = purpose.place().is_some_and(|place| place.id == key.id);
        (several && !own).then_some(KeyBeside { purpose, id: key.id, version: KeyVersion(key.version) })
    });
    Ok(CardOrder {
        enterprise: keys.enterprise,
        directory: DIRECTORY,
        valid_from: archive.public_data.valid_from,
        valid_to: archive.public_data.valid_to,
        holder: archive.holder,
        parameters: parameters(&archive.parameters),
        pin,
        key_version,
        beside: beside.collect(),
    })
}

/// The limits and a suspension are the member's; that a card was lost, and what it spent, are the old card's.
fn parameters(old: &Parameters) -> Parameters {
    let status = if old.status == CardStatus::LOST { CardStatus::NORMAL } else { old.status };
    Parameters { status, blacklist_version: [0; 7], day: [0; 4], spent: Amount::ZERO, ..*old }
}

/// EF 0019 and EF 001C.
fn fill(
    card: &mut dyn Transport,
    selected: &Selected,
    archive: &Archive,
    rights: &[Option<AccessRight>],
    maintenance: &Key,
) -> anyhow::Result<()> {
    const CAPP_SFI: u8 = (Fid::CAPP.0 & 0x1F) as u8;
    let key = &mut LineKey::from(maintenance.clone());
    let entries = rights.iter().map(|right| right.as_ref().map_or([0; AccessRight::LEN], AccessRight::emit));
    let content: Vec<u8> = entries.flatten().collect();
    update_binary(card, selected, Fid::ACCESS_RIGHTS, 0, &content, key)?;
    for record in &archive.capp_records {
        let append = Command::new(ins::CLA_ISO, ins::APPEND_RECORD, 0x00, CAPP_SFI << 3).with_bytes(record)?;
        let sent = with_mac(&append, challenge(card)?, key)?;
        let written = exchange(card, &sent)?.done();
        written.map_err(|status| anyhow::anyhow!("the card took no compound-purchase record: it answered {status}"))?;
    }
    Ok(())
}

/// The key file must have what the old card had, or terminals that served the old card refuse the new one.
fn compare_keys(new: &[KeyListEntry], archived: &[KeyListEntry]) -> anyhow::Result<()> {
    let missing = archived.iter().find(|old| !new.iter().any(|new| same_key(old, new)));
    let Some(key) = missing else { return Ok(()) };
    let name = purpose(key).map_or("unknown", key_names::english);
    bail!(
        "the old card's {name} key ({:02X} id {:02X}) is of another version or cipher than the key file makes: name the key file \
         it was issued by",
        key.key_type.0,
        key.id
    )
}

fn serial(number: &str) -> Result<ApplicationSerial, String> {
    people::serial(number).ok_or_else(|| "expected 1 to 10 digits".to_owned())
}
