//! GET STATUS (11.4).

use iso7816_tlv::ber::Tlv;
use onecard_wire::{
    globalplatform::{GET_STATUS, privileges::Privileges, scope, status_form, tag},
    status::StatusWord,
};

use super::{ManagementCommand, ManagementError, answered, command};
use crate::globalplatform::{
    aid::Aid,
    domain::Link,
    template::{child_value, children, is, objects, value},
};

/// What of the registry is asked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// The issuer domain; its life cycle is the card's.
    IssuerDomain,
    /// Applications and other domains.
    Application,
    /// Load files, without their modules.
    LoadFile,
    /// Load files with their modules.
    LoadFileWithModules,
}

/// An entry of the registry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegistryEntry {
    /// What it was listed among.
    pub kind: Kind,
    /// Its name.
    pub aid: Aid,
    /// Its life cycle state: the card's, an application's or a load file's.
    pub life_cycle: u8,
    /// Its privileges; load files have none.
    pub privileges: Option<Privileges>,
    /// What an application was made of.
    pub load_file: Option<Aid>,
    /// The domain it belongs to.
    pub domain: Option<Aid>,
    /// Version of a load file.
    pub version: Option<Vec<u8>>,
    /// Modules of a load file.
    pub modules: Vec<Aid>,
}

impl Kind {
    /// P1 of GET STATUS.
    #[must_use]
    pub const fn scope(self) -> u8 {
        match self {
            Self::IssuerDomain => scope::ISSUER_DOMAIN,
            Self::Application => scope::APPLICATIONS,
            Self::LoadFile => scope::LOAD_FILES,
            Self::LoadFileWithModules => scope::LOAD_FILES_AND_MODULES,
        }
    }
}

/// What the card has of one kind, in as many commands as it takes. Nothing of the kind is an empty list.
///
/// # Errors
/// [`ManagementError`].
pub fn registry(link: &mut (impl Link + ?Sized), kind: Kind) -> Result<Vec<RegistryEntry>, ManagementError> {
    let unreadable = ManagementError::Unreadable(ManagementCommand::GetStatus);
    let good = [StatusWord::OK, StatusWord::MORE_DATA, StatusWord::DATA_NOT_FOUND];
    let mut entries = Vec::new();
    let mut form = status_form::FIRST;
    for _ in 0..ANSWERS_MAX {
        let command = command(GET_STATUS, kind.scope(), form, &ANY_AID)?;
        let answer = answered(link, ManagementCommand::GetStatus, &command, &good)?;
        for object in objects(&answer.data).ok_or_else(|| unreadable.clone())? {
            entries.push(RegistryEntry::read(kind, &object).ok_or_else(|| unreadable.clone())?);
        }
        if answer.status != StatusWord::MORE_DATA {
            return Ok(entries);
        }
        form = status_form::NEXT;
    }
    Err(unreadable)
}

/// Everything: the issuer domain, applications, load files with their modules; without them where a card cannot list those.
///
/// # Errors
/// [`ManagementError`].
pub fn whole_registry(link: &mut (impl Link + ?Sized)) -> Result<Vec<RegistryEntry>, ManagementError> {
    let mut entries = registry(link, Kind::IssuerDomain)?;
    entries.extend(registry(link, Kind::Application)?);
    entries.extend(match registry(link, Kind::LoadFileWithModules) {
        Err(ManagementError::Refused(_)) => registry(link, Kind::LoadFile)?,
        listed => listed?,
    });
    Ok(entries)
}

impl RegistryEntry {
    /// `E3{4F, 9F70, C5, C4, CC, CE, 84*}`; what is not known here is left out.
    fn read(kind: Kind, object: &Tlv) -> Option<Self> {
        if !is(object, tag::REGISTRY_ENTRY) {
            return None;
        }
        let aid = |tag| child_value(object, tag).map(Aid::new).transpose().ok();
        let modules = children(object).iter().filter(|child| is(child, tag::DF_NAME)).filter_map(value).map(Aid::new);
        Some(Self {
            kind,
            aid: aid(tag::AID)??,
            life_cycle: *child_value(object, tag::LIFE_CYCLE)?.first()?,
            privileges: child_value(object, tag::PRIVILEGES).and_then(Privileges::parse),
            load_file: aid(tag::LOAD_FILE)?,
            domain: aid(tag::DOMAIN)?,
            version: child_value(object, tag::LOAD_FILE_VERSION).map(<[u8]>::to_vec),
            modules: modules.collect::<Result<_, _>>().ok()?,
        })
    }
}

/// `4F 00`: whatever its name.
const ANY_AID: [u8; 2] = [tag::AID as u8, 0x00];
/// No card has so many applications.
const ANSWERS_MAX: usize = 64;
