//! GET STATUS: the registry (GlobalPlatform Card Specification 2.3 clause 11.4).

use onecard_wire::{
    aid::{ISSUER_DOMAIN, TOOLKIT_APPLET},
    globalplatform::{
        aid::{ENTERPRISE_LOAD_FILE, ENTERPRISE_MODULE},
        life_cycle::{ApplicationState, LOADED},
        privileges::Privileges,
        scope, status_form, tag,
    },
    status::StatusWord,
};

use super::{IssuerDomain, card_state, secure_channel::ANSWER_DATA_MAX, tlv};
use crate::{
    apdu::{Command, Response, put},
    failure::{Failure, refuse},
    fs,
    nvm::{Journal, Memory},
    platform::Platform,
};

/// Version of the load file.
const LOAD_FILE_VERSION: [u8; 2] = [0x01, 0x00];
/// Longest entry in either form.
type Shown = heapless::Vec<u8, 96>;
type Name = heapless::Vec<u8, { onecard_wire::globalplatform::aid::MAX_LEN }>;

/// Where GET STATUS goes on, and what was asked for.
pub(super) struct Listing {
    asked: Asked,
    next: u16,
}

/// What GET STATUS asks for; the next command must ask for the same.
#[derive(PartialEq, Eq)]
struct Asked {
    scope: u8,
    tagged: bool,
    /// The first bytes of names, or all of one.
    name: Name,
    /// Which of [`FIELDS`] are wanted.
    wanted: [bool; FIELDS.len()],
}

/// What a tagged entry may have.
const FIELDS: [u16; 7] =
    [tag::AID, tag::LIFE_CYCLE, tag::PRIVILEGES, tag::LOAD_FILE, tag::LOAD_FILE_VERSION, tag::DF_NAME, tag::DOMAIN];

/// An entry of the registry, and its place in the order of the list.
struct Entry {
    place: u16,
    name: Name,
    life_cycle: u8,
    privileges: Privileges,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    IssuerDomain,
    /// Part of the card, made of no load file that can be named.
    Toolkit,
    Enterprise,
    LoadFile,
}

impl<P: Platform> IssuerDomain<'_, P> {
    /// GET STATUS. P2 says first or next, and whether entries come with tags. 6310 while there are more.
    pub(super) fn list(
        &mut self,
        command: &Command<'_>,
        listing: Option<Listing>,
        answer: &mut Response,
    ) -> Result<StatusWord, Failure> {
        let asked = Asked::parse(command)?;
        let next = match command.p2 {
            status_form::FIRST | status_form::FIRST_PLAIN => 0,
            _ => listing.filter(|listing| listing.asked == asked).ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?.next,
        };
        for entry in entries(self.nvm, asked.scope).filter(|entry| entry.place >= next && asked.finds(entry)) {
            let shown = if asked.tagged { entry.tagged(&asked)? } else { entry.plain(asked.scope)? };
            if answer.len() + shown.len() > ANSWER_DATA_MAX {
                self.session.listing = Some(Listing { asked, next: entry.place });
                return Ok(StatusWord::MORE_DATA);
            }
            put(answer, &shown)?;
        }
        if answer.is_empty() { refuse(StatusWord::DATA_NOT_FOUND) } else { Ok(StatusWord::OK) }
    }
}

impl Asked {
    /// P1, P2 and `4F n … [5C n …]`.
    ///
    /// # Errors
    /// 6A86, 6A80.
    fn parse(command: &Command<'_>) -> Result<Self, StatusWord> {
        let scope = command.p1;
        let known = [scope::ISSUER_DOMAIN, scope::APPLICATIONS, scope::LOAD_FILES, scope::LOAD_FILES_AND_MODULES];
        let tagged = match command.p2 {
            status_form::FIRST | status_form::NEXT => true,
            status_form::FIRST_PLAIN | status_form::NEXT_PLAIN => false,
            _ => return Err(StatusWord::WRONG_P1P2),
        };
        if !known.contains(&scope) {
            return Err(StatusWord::WRONG_P1P2);
        }
        let mut objects = tlv::Objects::new(command.data);
        let Some((tag::AID, name)) = objects.next()? else { return Err(StatusWord::WRONG_DATA) };
        let wanted = match objects.next()? {
            None => [true; FIELDS.len()],
            Some((tag::TAG_LIST, tags)) => FIELDS.map(|field| {
                let mut reader = onecard_wire::layout::Reader::new(tags);
                core::iter::from_fn(|| tlv::tag(&mut reader)).any(|listed| listed == field)
            }),
            Some(_) => return Err(StatusWord::WRONG_DATA),
        };
        if objects.next()?.is_some() {
            return Err(StatusWord::WRONG_DATA);
        }
        let name = Name::from_slice(name).map_err(|_| StatusWord::WRONG_DATA)?;
        Ok(Self { scope, tagged, name, wanted })
    }

    fn finds(&self, entry: &Entry) -> bool {
        entry.name.starts_with(&self.name)
    }
}

impl Entry {
    /// `E3{4F, 9F70, C5, C4, CC}`; of a load file `E3{4F, 9F70, CE, 84, CC}`.
    fn tagged(&self, asked: &Asked) -> Result<Shown, StatusWord> {
        let of_load_file = self.kind == Kind::LoadFile;
        // In the order of FIELDS.
        let values: [(&[u8], bool); FIELDS.len()] = [
            (&self.name, true),
            (&[self.life_cycle], true),
            (&self.privileges.0, !of_load_file),
            (&ENTERPRISE_LOAD_FILE, self.kind == Kind::Enterprise),
            (&LOAD_FILE_VERSION, of_load_file),
            (&ENTERPRISE_MODULE, asked.scope == scope::LOAD_FILES_AND_MODULES),
            (&ISSUER_DOMAIN, self.kind != Kind::IssuerDomain),
        ];
        let mut content = Shown::new();
        for ((tag, wanted), (value, there)) in FIELDS.into_iter().zip(asked.wanted).zip(values) {
            if there && wanted {
                tlv::put_object(&mut content, tag, value)?;
            }
        }
        let mut shown = Shown::new();
        tlv::put_object(&mut shown, tag::REGISTRY_ENTRY, &content)?;
        Ok(shown)
    }

    /// The old form: length ‖ AID ‖ life cycle ‖ first privilege byte; with modules their number and each behind its length.
    fn plain(&self, scope: u8) -> Result<Shown, StatusWord> {
        let [privileges, ..] = self.privileges.0;
        let mut shown = Shown::new();
        let modules: &[u8] = &ENTERPRISE_MODULE;
        let with_modules = [1, modules.len() as u8];
        let with_modules: [&[u8]; 2] =
            if scope == scope::LOAD_FILES_AND_MODULES { [&with_modules, modules] } else { [&[]; 2] };
        let [counted, module] = with_modules;
        for part in [&[self.name.len() as u8][..], &self.name, &[self.life_cycle, privileges], counted, module] {
            shown.extend_from_slice(part).map_err(|_| StatusWord::INTERNAL_ERROR)?;
        }
        Ok(shown)
    }
}

/// The entries of a kind, in their order: the toolkit applet, then enterprise applications as they lie in the file table.
fn entries<M: Memory>(nvm: &Journal<M>, scope: u8) -> impl Iterator<Item = Entry> {
    let one = |kind, name: &[u8], life_cycle, privileges| Entry {
        place: 0,
        name: Name::from_slice(name).unwrap_or_default(),
        life_cycle,
        privileges,
        kind,
    };
    let domain = || one(Kind::IssuerDomain, &ISSUER_DOMAIN, card_state(nvm).coded().0, Privileges::ISSUER_DOMAIN);
    let toolkit = || one(Kind::Toolkit, &TOOLKIT_APPLET, ApplicationState::SELECTABLE.0, Privileges::NONE);
    let load_file = || one(Kind::LoadFile, &ENTERPRISE_LOAD_FILE, LOADED, Privileges::NONE);
    let first = match scope {
        scope::ISSUER_DOMAIN => domain(),
        scope::APPLICATIONS => toolkit(),
        _ => load_file(),
    };
    let applications = fs::applications(nvm).filter(move |_| scope == scope::APPLICATIONS);
    let applications = applications.map(move |(index, file)| {
        let entry = one(Kind::Enterprise, file.name(), file.life_cycle.0, Privileges::NONE);
        Entry { place: u16::from(index.0), ..entry }
    });
    core::iter::once(first).chain(applications)
}
