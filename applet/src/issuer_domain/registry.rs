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

/// Where GET STATUS goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Listing {
    scope: u8,
    next: u16,
}

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

/// What is asked for.
struct Search<'a> {
    /// The first bytes of names, or all of one.
    name: &'a [u8],
    /// Tags to answer; `None` for all there are.
    tags: Option<&'a [u8]>,
}

impl<P: Platform> IssuerDomain<'_, P> {
    /// GET STATUS. P2 says first or next, and whether entries come with tags. 6310 while there are more.
    pub(super) fn list(
        &mut self,
        command: &Command<'_>,
        listing: Option<Listing>,
        answer: &mut Response,
    ) -> Result<StatusWord, Failure> {
        let scope = command.p1;
        let known = [scope::ISSUER_DOMAIN, scope::APPLICATIONS, scope::LOAD_FILES, scope::LOAD_FILES_AND_MODULES];
        if !known.contains(&scope) {
            return refuse(StatusWord::WRONG_P1P2);
        }
        let next = match command.p2 {
            status_form::FIRST | status_form::FIRST_PLAIN => 0,
            status_form::NEXT | status_form::NEXT_PLAIN => {
                listing.filter(|listing| listing.scope == scope).ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?.next
            }
            _ => return refuse(StatusWord::WRONG_P1P2),
        };
        let search = Search::parse(command.data)?;
        let tagged = matches!(command.p2, status_form::FIRST | status_form::NEXT);
        for entry in entries(self.nvm, scope).filter(|entry| entry.place >= next && search.finds(entry)) {
            let shown = if tagged { entry.tagged(scope, &search)? } else { entry.plain(scope)? };
            if answer.len() + shown.len() > ANSWER_DATA_MAX {
                self.session.listing = Some(Listing { scope, next: entry.place });
                return Ok(StatusWord::MORE_DATA);
            }
            put(answer, &shown)?;
        }
        if answer.is_empty() { refuse(StatusWord::KEY_NOT_FOUND) } else { Ok(StatusWord::OK) }
    }
}

impl<'a> Search<'a> {
    /// `4F n … [5C n …]`.
    fn parse(data: &'a [u8]) -> Result<Self, StatusWord> {
        let mut objects = tlv::Objects::new(data);
        let Some((tag::AID, name)) = objects.next()? else { return Err(StatusWord::WRONG_DATA) };
        let tags = match objects.next()? {
            None => None,
            Some((tag::TAG_LIST, tags)) => Some(tags),
            Some(_) => return Err(StatusWord::WRONG_DATA),
        };
        if objects.next()?.is_some() || name.len() > onecard_wire::globalplatform::aid::MAX_LEN {
            return Err(StatusWord::WRONG_DATA);
        }
        Ok(Self { name, tags })
    }

    fn finds(&self, entry: &Entry) -> bool {
        entry.name.starts_with(self.name)
    }

    fn wants(&self, tag: u16) -> bool {
        self.tags.is_none_or(|tags| {
            let mut reader = onecard_wire::layout::Reader::new(tags);
            core::iter::from_fn(|| tlv::tag(&mut reader)).any(|listed| listed == tag)
        })
    }
}

impl Entry {
    /// `E3{4F, 9F70, C5, C4, CC}`; of a load file `E3{4F, 9F70, CE, 84, CC}`.
    fn tagged(&self, scope: u8, search: &Search<'_>) -> Result<Shown, StatusWord> {
        let mut content = Shown::new();
        let of_load_file = self.kind == Kind::LoadFile;
        let fields: [(u16, &[u8], bool); 7] = [
            (tag::AID, &self.name, true),
            (tag::LIFE_CYCLE, &[self.life_cycle], true),
            (tag::PRIVILEGES, &self.privileges.0, !of_load_file),
            (tag::LOAD_FILE, &ENTERPRISE_LOAD_FILE, self.kind == Kind::Enterprise),
            (tag::LOAD_FILE_VERSION, &LOAD_FILE_VERSION, of_load_file),
            (tag::DF_NAME, &ENTERPRISE_MODULE, scope == scope::LOAD_FILES_AND_MODULES),
            (tag::DOMAIN, &ISSUER_DOMAIN, self.kind != Kind::IssuerDomain),
        ];
        for (tag, value, _) in fields.into_iter().filter(|(tag, _, there)| *there && search.wants(*tag)) {
            tlv::put_object(&mut content, tag, value)?;
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
        let entry = one(Kind::Enterprise, file.name(), file.life_cycle, Privileges::NONE);
        Entry { place: u16::from(index.0), ..entry }
    });
    core::iter::once(first).chain(applications)
}
