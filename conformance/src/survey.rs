//! What the card is, found by reading alone.

use onecard_wire::{aid, number::EnterpriseId, status::StatusWord};

use crate::{
    attempt::{Attempt, Stop, status},
    language::value::Names,
};

/// What the card is.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Facts {
    /// Its answer to reset, if the reader tells it.
    pub answer_to_reset: Option<Vec<u8>>,
    /// The FCI of the MF.
    pub mf: Vec<u8>,
    /// The MF's keys, if the card lists them; cards of other makers do not.
    pub mf_keys: Option<Vec<ListedKey>>,
    /// Whether the MF has no key file, or an empty one, as far as the card tells: it was erased and left so.
    pub erased: bool,
    /// The application that was looked for, if it is there.
    pub application: Option<ApplicationFacts>,
    /// Whether it is a SAM of the enterprise.
    pub sam: bool,
}

/// What an enterprise application says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApplicationFacts {
    /// Its name.
    pub name: Vec<u8>,
    /// Its FCI; empty if it is blocked.
    pub fci: Vec<u8>,
    /// EF 0015 from the FCI, if there is one of 30 bytes.
    pub public_data: Option<[u8; 30]>,
    /// Status of EF 0017, if it has the own parts and the file is there.
    pub status: Option<u8>,
    /// Whether SELECT answered that it is blocked.
    pub blocked: bool,
    /// Its keys, if the card lists them.
    pub keys: Option<Vec<ListedKey>>,
}

/// One entry of a key list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ListedKey {
    /// Type of key.
    pub key_type: u8,
    /// Its id.
    pub id: u8,
    /// Its version, or how often it was replaced.
    pub version: u8,
    /// Its algorithm.
    pub algorithm: u8,
    /// Tries left, FF for 255 and more.
    pub tries: u8,
}

impl Facts {
    /// Whether the card has this project's own parts.
    #[must_use]
    pub const fn has_own_parts(&self) -> bool {
        self.mf_keys.is_some()
    }
}

impl ApplicationFacts {
    /// Application version: 02 with the own parts.
    #[must_use]
    pub fn version(&self) -> Option<u8> {
        self.public_data.and_then(|data| data.get(9).copied())
    }

    /// Whether it is somebody's: an erased one, or one not yet written, has no issuer.
    #[must_use]
    pub fn is_issued(&self) -> bool {
        !self.blocked && self.public_data.is_some_and(|data| data.iter().take(8).any(|byte| *byte != 0))
    }

    /// Whether it has the own parts.
    #[must_use]
    pub fn has_own_parts(&self) -> bool {
        self.version() == Some(VERSION_OWN)
    }

    /// Application serial, 8 bytes.
    #[must_use]
    pub fn serial(&self) -> Option<[u8; 8]> {
        self.public_data.and_then(|data| data.get(12..20)?.try_into().ok())
    }

    /// Gives names to what it says, for rules to use.
    pub(crate) fn name(&self, names: &mut Names) {
        names.set_bytes("aid", &self.name);
        names.set_bytes("fci", &self.fci);
        let Some(data) = self.public_data else { return };
        names.set_bytes("public_data", &data);
        for (name, range) in [("issuer", 0..8), ("version", 9..10), ("serial", 12..20)] {
            names.set_bytes(name, data.get(range).unwrap_or_default());
        }
    }
}

/// Looks at the card and at the application of `name` on it.
pub(crate) fn survey(attempt: &mut Attempt<'_, '_>, name: &[u8]) -> Result<Facts, Stop> {
    attempt.bench.card.power_cycle()?;
    let answer = attempt.exchange(&SELECT_MF, &[])?;
    if status(&answer) == StatusWord::FUNCTION_NOT_SUPPORTED {
        return Err(Stop::NotKept(BLOCKED_CARD.to_owned()));
    }
    let mf = answer.get(..answer.len().saturating_sub(2)).unwrap_or_default().to_vec();
    let answer_to_reset = attempt.bench.card.answer_to_reset();
    let mut facts = Facts { answer_to_reset, mf, mf_keys: key_list(attempt)?, ..Facts::default() };
    let last = attempt.exchange(&KEY_LIST, &[])?;
    let without_file = facts.mf_keys.is_none() && status(&last) == StatusWord::FILE_NOT_FOUND;
    facts.erased = without_file || facts.mf_keys.as_ref().is_some_and(Vec::is_empty);
    facts.application = application(attempt, name)?;
    if let Some(sam) = sam_of(name) {
        facts.sam = status(&select(attempt, &sam)?).is_ok();
    }
    if let Some(tries) = facts.tries_of(0x39, facts.mf_keys.as_deref()) {
        attempt.bench.guard.set_tries("transport", tries, tries);
    }
    let keys = facts.application.as_ref().and_then(|application| application.keys.as_deref());
    if let Some(tries) = facts.tries_of(0x3A, keys) {
        attempt.bench.guard.set_tries("pin", tries, tries);
    }
    Ok(facts)
}

/// What the application of `name` says of itself; `None` if it is not there, or none is looked for.
fn application(attempt: &mut Attempt<'_, '_>, name: &[u8]) -> Result<Option<ApplicationFacts>, Stop> {
    if name.is_empty() {
        return Ok(None);
    }
    let answer = select(attempt, name)?;
    let found = status(&answer);
    let blocked = BLOCKED.contains(&found.0);
    if !found.is_ok() && !blocked {
        return Ok(None);
    }
    let fci = answer.get(..answer.len().saturating_sub(2)).unwrap_or_default().to_vec();
    let keys = if blocked { None } else { key_list(attempt)? };
    let parameters = attempt.exchange(&READ_STATUS, &[])?;
    let status = parameters.first().copied().filter(|_| parameters.len() == 3);
    Ok(Some(ApplicationFacts { name: name.to_vec(), public_data: public_data(&fci), fci, status, blocked, keys }))
}

impl Facts {
    fn tries_of(&self, key_type: u8, keys: Option<&[ListedKey]>) -> Option<u16> {
        keys?.iter().find(|key| key.key_type == key_type && key.id == 0x00).map(|key| u16::from(key.tries))
    }
}

/// SELECT by name.
pub(crate) fn select(attempt: &mut Attempt<'_, '_>, name: &[u8]) -> Result<Vec<u8>, Stop> {
    let length = u8::try_from(name.len()).unwrap_or_default();
    let command = [&[0x00, 0xA4, 0x04, 0x00, length], name, &[0x00]].concat();
    attempt.exchange(&command, &[])
}

/// All pages; `None` if the card lists no keys.
fn key_list(attempt: &mut Attempt<'_, '_>) -> Result<Option<Vec<ListedKey>>, Stop> {
    let mut keys = Vec::new();
    for page in 0..PAGES_MAX {
        let answer = attempt.exchange(&[0x80, 0xCA, page, 0xE0, 0x00], &[])?;
        let Some((data, [0x90, 0x00])) = answer.split_last_chunk::<2>() else { return Ok(None) };
        let entries = match data {
            [0xE0, 0x81, _, entries @ ..] | [0xE0, _, entries @ ..] => entries,
            _ => return Ok(None),
        };
        let (entries, _) = entries.as_chunks::<7>();
        for [tag, _, key_type, id, version, algorithm, tries] in entries {
            if *tag == KEY_OF_A_CARD {
                let [key_type, id, version, algorithm, tries] = [*key_type, *id, *version, *algorithm, *tries];
                keys.push(ListedKey { key_type, id, version, algorithm, tries });
            }
        }
        if entries.len() < PAGE_ENTRIES {
            break;
        }
    }
    Ok(Some(keys))
}

/// What stands behind 9F0C.
fn public_data(fci: &[u8]) -> Option<[u8; 30]> {
    let at = fci.windows(3).position(|window| window == [0x9F, 0x0C, 30])?;
    fci.get(at + 3..at + 33)?.try_into().ok()
}

/// The SAM of the enterprise whose application has this name.
pub(crate) fn sam_of(name: &[u8]) -> Option<[u8; 14]> {
    let [.., a, b, c, d, e, f, g, h] = name else { return None };
    let enterprise = EnterpriseId::from_bytes([*a, *b, *c, *d, *e, *f, *g, *h])?;
    Some(aid::sam_application(enterprise))
}

/// EF 0015: with the own parts.
const VERSION_OWN: u8 = 0x02;
pub(crate) const SELECT_MF: [u8; 8] = [0x00, 0xA4, 0x00, 0x00, 0x02, 0x3F, 0x00, 0x00];
const BLOCKED_CARD: &str = "it is blocked for good (6A81 to SELECT of the MF), and nothing can be tried on it";
/// The first byte of EF 0017.
const READ_STATUS: [u8; 5] = [0x00, 0xB0, 0x97, 0x00, 0x01];
const KEY_LIST: [u8; 5] = [0x80, 0xCA, 0x00, 0xE0, 0x00];
const PAGES_MAX: u8 = 4;
const PAGE_ENTRIES: usize = 36;
const KEY_OF_A_CARD: u8 = 0xC0;
/// A blocked application, as FMCOS and as JR/T says it; blocked for good.
const BLOCKED: [u16; 3] = [0x6A81, 0x6283, 0x9303];
