//! Profile, list and keys, read and seen to fit before a card is touched.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use onecard_host::card::Pin;
use onecard_simulator::{
    chip::{Blank, Chip, Kind as ChipKind},
    sample::{SIM, sim_of},
};
use onecard_station::{
    craft::{AnyCraft, CpuCardCraft, IssuingKeys, Orders, SamCraft, SimCraft, domain_keys},
    list::List,
    people::{Person, Terminal, people, terminals},
    profile::{Kind, Profile},
};
use rand::RngExt;
use sha2::{Digest, Sha256};

use super::Inputs;
use crate::pin;

/// All of it.
pub(super) struct Read {
    pub(super) profile: Profile,
    pub(super) profile_hash: String,
    pub(super) rows: Rows,
    pub(super) list_hash: String,
    pin: Option<Pin>,
}

/// Whom cards go to.
pub(super) enum Rows {
    People(List<Person>),
    Terminals(List<Terminal>),
}

/// Whose card a row is, for people.
#[derive(Default)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) staff_number: String,
    pub(super) department: String,
}

impl Inputs {
    /// Reads all of it.
    ///
    /// # Errors
    /// Everything that is wrong with the first file that is wrong.
    pub(super) fn read(&self) -> anyhow::Result<Read> {
        let (profile_name, list_name) = (self.profile_name(), self.list_name());
        let text = fs::read(&self.profile).with_context(|| format!("profile {profile_name} cannot be read"))?;
        let profile_hash = hash(&text);
        let text = String::from_utf8(text).with_context(|| format!("profile {profile_name}: expected UTF-8"))?;
        let profile = Profile::parse(&profile_name, &text)?;
        let content = fs::read(&self.list).with_context(|| format!("list {list_name} cannot be read"))?;
        let rows = match profile.kind {
            Kind::CpuCard(_) | Kind::RfidSim(_) => Rows::People(people(&list_name, &content)?),
            Kind::Sam(_) => Rows::Terminals(terminals(&list_name, &content)?),
        };
        let pin = self.pin_file.as_deref().map(pin::from_file).transpose()?;
        Ok(Read { profile, profile_hash, rows, list_hash: hash(&content), pin })
    }

    /// The ledger, named from where the profile is.
    pub(super) fn ledger(&self, profile: &Profile) -> PathBuf {
        self.profile.parent().unwrap_or(Path::new("")).join(&profile.ledger)
    }

    pub(super) fn profile_name(&self) -> String {
        self.profile.display().to_string()
    }

    pub(super) fn list_name(&self) -> String {
        self.list.display().to_string()
    }

    pub(super) fn list_path(&self) -> &Path {
        &self.list
    }
}

impl Read {
    /// What each row of people becomes, once everything needed is there; `None` for SAMs, whose rows say all of it.
    pub(super) fn orders(&self, inputs: &Inputs) -> anyhow::Result<Option<Orders<'_>>> {
        Ok(match &self.rows {
            Rows::People(list) => Some(Orders::new(&self.profile, &inputs.list_name(), list, self.pin.clone())?),
            Rows::Terminals(_) => None,
        })
    }

    /// How cards of this batch are made from `keys`.
    pub(super) fn craft<'c>(
        &'c self,
        keys: &'c IssuingKeys,
        orders: Option<&'c Orders<'c>>,
    ) -> anyhow::Result<AnyCraft<'c, 'c>> {
        let profile = &self.profile;
        let series = &profile.series;
        match (&self.rows, orders, &profile.kind) {
            (Rows::People(_), Some(orders), Kind::CpuCard(_)) => {
                Ok(AnyCraft::CpuCard(CpuCardCraft { keys, orders, series }))
            }
            (Rows::People(_), Some(orders), Kind::RfidSim(terms)) => {
                Ok(AnyCraft::RfidSim(SimCraft { keys, orders, terms, series }))
            }
            (Rows::Terminals(list), _, Kind::Sam(terms)) => Ok(AnyCraft::Sam(SamCraft { keys, profile, terms, list })),
            _ => bail!("profile and list are of different kinds"),
        }
    }

    /// The chips that blank cards of this batch are.
    pub(super) const fn chip(&self) -> ChipKind {
        match self.profile.kind {
            Kind::CpuCard(_) => ChipKind::CpuCard,
            Kind::RfidSim(_) => ChipKind::RfidSim,
            Kind::Sam(_) => ChipKind::Sam,
        }
    }

    /// Such a chip in memory; a SIM has its issuer domain's keys.
    pub(super) fn blank(&self, keys: &IssuingKeys) -> anyhow::Result<Chip> {
        let seed = rand::rng().random();
        Ok(match &self.profile.kind {
            Kind::CpuCard(_) => Chip::blank(Blank::CpuCard, seed)?,
            Kind::Sam(_) => Chip::blank(Blank::Sam, seed)?,
            Kind::RfidSim(terms) => {
                let [_, _, chip @ ..] = SIM.iccid;
                let keys = domain_keys(keys, terms, chip).context("the keys of the SIMs' issuer domains")?;
                sim_of(SIM.iccid, &keys, seed)?
            }
        })
    }

    /// The rows, by their lines.
    pub(super) fn lines(&self) -> Vec<u64> {
        match &self.rows {
            Rows::People(list) => list.rows.iter().map(|(row, _)| *row).collect(),
            Rows::Terminals(list) => list.rows.iter().map(|(row, _)| *row).collect(),
        }
    }

    /// Whose card a row is.
    pub(super) fn named(&self, row: u64) -> Named {
        match &self.rows {
            Rows::People(list) => find(list, row).map(|person| Named {
                name: person.name.to_string(),
                staff_number: person.staff_number.clone(),
                department: person.department.clone(),
            }),
            Rows::Terminals(list) => find(list, row).map(|terminal| Named {
                name: terminal.number.to_string(),
                staff_number: String::new(),
                department: terminal.place.clone(),
            }),
        }
        .unwrap_or_default()
    }

    /// How the list was read, for people.
    pub(super) fn list_told(&self) -> String {
        let (rows, encoding, separator) = match &self.rows {
            Rows::People(list) => (list.rows.len(), list.encoding, list.separator),
            Rows::Terminals(list) => (list.rows.len(), list.encoding, list.separator),
        };
        let separator = if separator == '\t' { "tabs".to_owned() } else { format!("{separator:?}") };
        format!("{rows} rows, {encoding}, separated by {separator}")
    }
}

fn find<T>(list: &List<T>, row: u64) -> Option<&T> {
    let at = list.rows.binary_search_by_key(&row, |(line, _)| *line).ok()?;
    list.rows.get(at).map(|(_, found)| found)
}

fn hash(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}
