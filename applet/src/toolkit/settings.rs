//! What the applet keeps: the language chosen, where requests go, their counter.

use heapless::Vec;
use onecard_wire::{layout::Writer, status::StatusWord};

use super::texts::{Label, Language};
use crate::{
    failure::{Failure, refuse},
    nvm::{
        Journal, Memory, PAGE_SIZE, Transaction,
        map::{TOOLKIT, TOOLKIT_LEN},
        ring::{GENERATION_LEN, Ring},
    },
    ota::is_security,
    uicc,
};

/// Longest address: TON and NPI, then 20 digits (3GPP TS 24.011 clause 8.2.5.2).
pub(super) const ADDRESS_MAX: usize = 11;
const ADDRESS_LEN: usize = 1 + ADDRESS_MAX;
const LANGUAGE: usize = TOOLKIT;
const PLATFORM: usize = LANGUAGE + 1;
const SERVICE_CENTRE: usize = PLATFORM + ADDRESS_LEN;
const KEY_SET: usize = SERVICE_CENTRE + ADDRESS_LEN;
const SECURITY: usize = KEY_SET + 1;
const FILES_MINIMUM: usize = SECURITY + 2;
/// Tells a minimum of 00 from none that is set.
const IS_SET: u8 = 0x80;
const _: () = assert!(FILES_MINIMUM < TOOLKIT + PAGE_SIZE);
/// A cell is its generation, which is the counter; each on a page of its own.
const COUNTER: Ring = Ring { address: TOOLKIT + PAGE_SIZE, cell_len: PAGE_SIZE, cells: 8 };
const _: () = assert!(COUNTER.address + COUNTER.cells * COUNTER.cell_len <= TOOLKIT + TOOLKIT_LEN);

/// Data groups of STORE DATA (own, 15.6.5).
mod group {
    pub(super) const PLATFORM: u16 = 0x5001;
    pub(super) const SERVICE_CENTRE: u16 = 0x5002;
    pub(super) const KEY_SET: u16 = 0x5003;
    pub(super) const SECURITY: u16 = 0x5004;
    pub(super) const FILES_MINIMUM: u16 = 0x5005;
    pub(super) const OUTCOME: u16 = 0x5006;
}

/// What became of a request (own, 15.6.7): to be shown to the holder, once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Outcome(pub(super) Label);

impl Outcome {
    const fn of(code: u8) -> Option<Self> {
        use onecard_wire::ota::outcome;
        Some(Self(match code {
            outcome::DELETED => Label::Deleted,
            outcome::WRONG_PASSWORD => Label::WrongPassword,
            outcome::PASSWORD_LOCKED => Label::PasswordLocked,
            outcome::NOT_DELETED => Label::NotDeleted,
            _ => return None,
        }))
    }
}

/// TON and NPI, then swapped digits.
pub(super) type Address = Vec<u8, ADDRESS_MAX>;

/// Which language the menu has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum LanguageChoice {
    FollowPhone = 0,
    Chinese = 1,
    English = 2,
}

impl LanguageChoice {
    /// The language it fixes.
    pub(super) const fn fixed(self) -> Option<Language> {
        match self {
            Self::FollowPhone => None,
            Self::Chinese => Some(Language::Chinese),
            Self::English => Some(Language::English),
        }
    }
}

/// Where requests go and how they are secured.
pub(super) struct Platform {
    pub(super) address: Address,
    /// `None`: the phone's own.
    pub(super) service_centre: Option<Address>,
    /// Version of the key set, 01 to 0F.
    pub(super) key_set: u8,
    pub(super) security: [u8; 2],
}

pub(super) fn language_choice<M: Memory>(nvm: &Journal<M>) -> LanguageChoice {
    match nvm.array(LANGUAGE) {
        [1] => LanguageChoice::Chinese,
        [2] => LanguageChoice::English,
        _ => LanguageChoice::FollowPhone,
    }
}

/// Keeps a choice; one that is kept already is not written again. A language is the first of EF_LI from then on: true if that
/// has changed.
pub(super) fn choose_language<M: Memory>(nvm: &mut Journal<M>, choice: LanguageChoice) -> Result<bool, Failure> {
    if language_choice(nvm) == choice {
        return Ok(false);
    }
    let mut transaction = Transaction::new();
    transaction.write(LANGUAGE, &[choice as u8])?;
    let before = uicc::first_language(nvm);
    if let Some(language) = choice.fixed() {
        uicc::stage_first_language(nvm, *language.letters(), &mut transaction)?;
    }
    nvm.commit(transaction)?;
    Ok(uicc::first_language(nvm) != before)
}

/// `None` until the operator has set an address and a key set.
pub(super) fn platform<M: Memory>(nvm: &Journal<M>) -> Option<Platform> {
    let [key_set] = nvm.array(KEY_SET);
    let address = address(nvm, PLATFORM).filter(|_| key_set != 0)?;
    let stored = nvm.array(SECURITY);
    let security = if stored == [0; 2] { onecard_wire::ota::SPI_OF_REQUESTS } else { stored };
    Some(Platform { address, service_centre: self::address(nvm, SERVICE_CENTRE), key_set, security })
}

/// The least first byte of SPI of packets for the UICC's files, if the operator has set one.
pub(super) fn files_minimum<M: Memory>(nvm: &Journal<M>) -> Option<u8> {
    let [stored] = nvm.array(FILES_MINIMUM);
    (stored & IS_SET != 0).then_some(stored & !IS_SET)
}

/// The next number of a request, kept before it is given away, so that no number is given twice.
///
/// # Errors
/// 6985 once there are no more.
pub(super) fn next_counter<M: Memory>(nvm: &mut Journal<M>) -> Result<u32, Failure> {
    let newest = COUNTER.newest(nvm);
    let cell = COUNTER.next(newest);
    if newest.is_some_and(|newest| newest.generation == cell.generation) {
        return refuse(StatusWord::CONDITIONS_NOT_SATISFIED);
    }
    let mut transaction = Transaction::new();
    transaction.write(COUNTER.address(cell), &Writer::<GENERATION_LEN>::new().u32(cell.generation).finish())?;
    nvm.commit(transaction)?;
    Ok(cell.generation)
}

/// STORE DATA to the applet: data groups `identifier 2 ‖ length 1 ‖ value`, all of them or none. An outcome is not stored: it is
/// handed back, the last one if there are several.
///
/// # Errors
/// 6A80 for anything else, an unknown group, or a value no group has.
pub(super) fn store<M: Memory>(nvm: &mut Journal<M>, mut data: &[u8]) -> Result<Option<Outcome>, Failure> {
    let mut transaction = Transaction::new();
    let mut told = None;
    while let Some(([high, low, length], rest)) = data.split_first_chunk() {
        let (value, rest) = rest.split_at_checked(usize::from(*length)).ok_or(StatusWord::WRONG_DATA)?;
        data = rest;
        match (u16::from_be_bytes([*high, *low]), value) {
            (group::PLATFORM, address) => transaction.write(PLATFORM, &stored_address(address)?)?,
            (group::SERVICE_CENTRE, address) => transaction.write(SERVICE_CENTRE, &stored_address(address)?)?,
            (group::KEY_SET, [version @ 0x01..=0x0F]) => transaction.write(KEY_SET, &[*version])?,
            (group::SECURITY, [first @ (0x16 | 0x1E), second]) if second & 0xC0 == 0 => {
                transaction.write(SECURITY, &[*first, *second])?;
            }
            (group::FILES_MINIMUM, [minimum]) if is_security(*minimum) => {
                transaction.write(FILES_MINIMUM, &[*minimum | IS_SET])?;
            }
            (group::OUTCOME, [code]) => told = Some(Outcome::of(*code).ok_or(StatusWord::WRONG_DATA)?),
            _ => return refuse(StatusWord::WRONG_DATA),
        }
    }
    if !data.is_empty() {
        return refuse(StatusWord::WRONG_DATA);
    }
    nvm.commit(transaction)?;
    Ok(told)
}

/// Length, then the address; an empty one takes it away.
fn stored_address(address: &[u8]) -> Result<[u8; ADDRESS_LEN], StatusWord> {
    match address {
        [] => Ok([0; ADDRESS_LEN]),
        [kind, digits @ ..] if kind & 0x80 != 0 && address.len() <= ADDRESS_MAX && are_digits(digits) => {
            Ok(Writer::new().u8(address.len() as u8).put(address).finish())
        }
        _ => Err(StatusWord::WRONG_DATA),
    }
}

/// Swapped decimal digits; an odd number ends with F.
fn are_digits(swapped: &[u8]) -> bool {
    let Some((last, before)) = swapped.split_last() else { return false };
    let decimal = |nibble: u8| nibble <= 9;
    before.iter().all(|byte| decimal(byte >> 4) && decimal(byte & 0x0F))
        && decimal(last & 0x0F)
        && (decimal(last >> 4) || last >> 4 == 0x0F)
}

fn address<M: Memory>(nvm: &Journal<M>, at: usize) -> Option<Address> {
    let [length, bytes @ ..] = nvm.array::<ADDRESS_LEN>(at);
    let used = bytes.get(..usize::from(length)).filter(|used| !used.is_empty())?;
    Some(used.iter().copied().collect())
}
