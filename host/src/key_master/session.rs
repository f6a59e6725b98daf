//! A key master card in a reader: closed, and open.

use core::fmt;

use onecard_wire::{
    aid, ins,
    key::Algorithm,
    key_master::{
        self, CHALLENGE_LEN, CRYPTOGRAM_LEN, KeyEntry, LogEntry, MotherStatus, Status, TRIES_MAX, padded_pin,
    },
    number::{EnterpriseId, KeyMasterNumber},
    status::StatusWord,
};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{
    bodies::{LoadBody, Recipient},
    error::{KeyMasterCommand, KeyMasterError, Proof, Wanted},
    names::purpose_of,
};
use crate::{
    apdu::{Command, exchange},
    key_store::{NamedKey, StoredKey},
    keys::CheckValue,
    transport::Transport,
};

/// A key master card in use that gives away nothing but what everybody may know.
#[derive(Debug)]
pub struct ClosedKeyMaster<T> {
    transport: T,
    enterprise: EnterpriseId,
    number: KeyMasterNumber,
}

/// One that its mother card and its PIN have opened. The first silence, or a refusal that says that it is closed, closes it for
/// good here: select it again.
#[derive(Debug)]
pub struct OpenKeyMaster<T> {
    state: State<T>,
    enterprise: EnterpriseId,
    number: KeyMasterNumber,
}

#[derive(Debug)]
enum State<T> {
    Open(T),
    Closed,
}

/// Whether the last try before a card locks may be spent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LastTry {
    /// No: [`KeyMasterError::LastTry`].
    Keep,
    /// Yes: a failure locks the card for good.
    Spend,
}

/// A key master card's PIN: 6 to 8 digits.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct MasterPin([u8; key_master::PIN_LEN]);

/// Not a PIN. The text is not repeated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the PIN of a key master card has 6 to 8 digits")]
pub struct MasterPinError;

impl<T: Transport> ClosedKeyMaster<T> {
    /// Selects the key master card of `enterprise`; whatever was open there is closed.
    ///
    /// # Errors
    /// [`KeyMasterError`]; of a locked card too, which still tells what it is: see [`Self::select_locked`].
    pub fn select(transport: T, enterprise: EnterpriseId) -> Result<Self, KeyMasterError> {
        let mut card = Self::select_locked(transport, enterprise)?;
        KeyMasterError::of_life_cycle(card.status()?.life_cycle)?;
        Ok(card)
    }

    /// The same of a card that may be locked, to look at it.
    ///
    /// # Errors
    /// [`KeyMasterError`].
    pub fn select_locked(mut transport: T, enterprise: EnterpriseId) -> Result<Self, KeyMasterError> {
        select(&mut transport, &aid::key_master_card(enterprise), Wanted::KeyMaster(enterprise))?;
        let status = status_of(&mut transport)?;
        if status.enterprise != enterprise {
            return Err(KeyMasterError::OtherCard(Wanted::KeyMaster(enterprise)));
        }
        Ok(Self { transport, enterprise, number: status.number })
    }

    /// Its number.
    #[must_use]
    pub const fn number(&self) -> KeyMasterNumber {
        self.number
    }

    /// What it is and may still do.
    ///
    /// # Errors
    /// [`KeyMasterError`].
    pub fn status(&mut self) -> Result<Status, KeyMasterError> {
        status_of(&mut self.transport)
    }

    /// Its master keys without their values.
    ///
    /// # Errors
    /// [`KeyMasterError`].
    pub fn keys(&mut self) -> Result<Vec<StoredKey>, KeyMasterError> {
        keys_of(&mut self.transport)
    }

    /// Opens it by the mother card in another reader and the PIN. A mother card of another key master card costs no try.
    ///
    /// # Errors
    /// [`KeyMasterError`]; the card is closed.
    pub fn open<M: Transport + ?Sized>(
        mut self,
        mother: &mut M,
        pin: &MasterPin,
        last: LastTry,
    ) -> Result<OpenKeyMaster<T>, KeyMasterError> {
        let status = self.status()?;
        KeyMasterError::of_life_cycle(status.life_cycle)?;
        if last == LastTry::Keep {
            for (left, proof) in [(status.authentication_tries, Proof::Mother), (status.pin_tries, Proof::Pin)] {
                if left < TRIES_KEPT {
                    return Err(KeyMasterError::LastTry(proof));
                }
            }
        }
        self.show_mother(mother)?;
        self.show_pin(pin)?;
        Ok(OpenKeyMaster { state: State::Open(self.transport), enterprise: self.enterprise, number: self.number })
    }

    fn show_mother<M: Transport + ?Sized>(&mut self, mother: &mut M) -> Result<(), KeyMasterError> {
        let wanted = Wanted::Mother(self.enterprise);
        select(mother, &aid::mother_authentication_card(self.enterprise), wanted)?;
        let opens = mother_status(mother)?;
        if opens.enterprise != self.enterprise {
            return Err(KeyMasterError::OtherCard(wanted));
        }
        if opens.number != self.number {
            return Err(KeyMasterError::OtherMother { opens: opens.number, number: self.number });
        }
        let challenge = challenge(&mut self.transport)?;
        const LE: u8 = CRYPTOGRAM_LEN as u8;
        let ask = Command::new(ins::CLA_ISO, ins::INTERNAL_AUTHENTICATE, 0x00, 0x00).with_data(&challenge);
        let name = KeyMasterCommand::InternalAuthenticate;
        let cryptogram: [u8; CRYPTOGRAM_LEN] =
            send(mother, name, &ask.expecting(LE))?.try_into().map_err(|_| KeyMasterError::Malformed(name))?;
        let show = Command::new(ins::CLA_ISO, ins::EXTERNAL_AUTHENTICATE, 0x00, 0x00).with_data(&cryptogram);
        proved(send(&mut self.transport, KeyMasterCommand::ExternalAuthenticate, &show), KeyMasterError::WrongMother)
    }

    fn show_pin(&mut self, pin: &MasterPin) -> Result<(), KeyMasterError> {
        let verify = Command::new(ins::CLA_ISO, ins::VERIFY, 0x00, 0x00).with_data(pin.expose());
        proved(send(&mut self.transport, KeyMasterCommand::Verify, &verify), KeyMasterError::WrongPin)
    }
}

/// No proof is tried with fewer tries left.
const TRIES_KEPT: u8 = 2;
const _: () = assert!(TRIES_KEPT < TRIES_MAX);

impl<T: Transport> OpenKeyMaster<T> {
    /// Whose keys it holds.
    #[must_use]
    pub const fn of_enterprise(&self) -> EnterpriseId {
        self.enterprise
    }

    /// Its number.
    #[must_use]
    pub const fn number(&self) -> KeyMasterNumber {
        self.number
    }

    /// What it is and may still do.
    ///
    /// # Errors
    /// [`KeyMasterError`].
    pub fn status(&mut self) -> Result<Status, KeyMasterError> {
        self.with(|transport| status_of(transport))
    }

    /// Its master keys without their values.
    ///
    /// # Errors
    /// [`KeyMasterError`].
    pub fn stored_keys(&mut self) -> Result<Vec<StoredKey>, KeyMasterError> {
        self.with(|transport| keys_of(transport))
    }

    /// What it has done, the newest first: the last 1,024 entries.
    ///
    /// # Errors
    /// [`KeyMasterError`].
    pub fn log(&mut self) -> Result<Vec<LogEntry>, KeyMasterError> {
        let malformed = KeyMasterError::Malformed(KeyMasterCommand::GetData);
        self.with(|transport| {
            let entries = pages(transport, key_master::LOG, LogEntry::LEN, LogEntry::PAGE)?;
            entries.iter().map(|entry| LogEntry::parse(entry).ok_or(malformed.clone())).collect()
        })
    }

    /// A challenge for one LOAD.
    pub(super) fn recipient(&mut self) -> Result<Recipient, KeyMasterError> {
        let number = self.number;
        Ok(Recipient { number, challenge: self.with(|transport| challenge(transport))? })
    }

    /// LOAD MASTER KEY or LOAD ALLOWANCE of a body made for the last [`Self::recipient`].
    pub(super) fn load(&mut self, name: KeyMasterCommand, ins: u8, body: &LoadBody) -> Result<(), KeyMasterError> {
        let command = body.command(ins)?;
        self.with(|transport| send(transport, name, &command).map(drop))
    }

    /// One command whose answer is wanted.
    pub(super) fn ask(&mut self, name: KeyMasterCommand, command: &Command) -> Result<Vec<u8>, KeyMasterError> {
        self.with(|transport| send(transport, name, command))
    }

    /// Does something with the open card; what says that it is no longer open closes it.
    fn with<R>(&mut self, act: impl FnOnce(&mut T) -> Result<R, KeyMasterError>) -> Result<R, KeyMasterError> {
        let State::Open(transport) = &mut self.state else { return Err(KeyMasterError::Closed) };
        let done = act(transport);
        if done.as_ref().is_err_and(|error| !error.leaves_open()) {
            self.state = State::Closed;
        }
        done
    }
}

impl MasterPin {
    /// From its digits.
    ///
    /// # Errors
    /// [`MasterPinError`].
    pub fn from_digits(digits: &str) -> Result<Self, MasterPinError> {
        padded_pin(digits.as_bytes()).map(Self).ok_or(MasterPinError)
    }

    pub(super) const fn expose(&self) -> &[u8; key_master::PIN_LEN] {
        &self.0
    }
}

impl fmt::Debug for MasterPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterPin(..)")
    }
}

/// What a mother authentication card opens.
///
/// # Errors
/// [`KeyMasterError`]; of another card [`KeyMasterError::OtherCard`].
pub fn mother_status<T: Transport + ?Sized>(transport: &mut T) -> Result<MotherStatus, KeyMasterError> {
    const LE: u8 = MotherStatus::LEN as u8;
    let other = KeyMasterError::OtherCard(Wanted::AnyMother);
    match data_object(transport, 0x00, key_master::STATUS, LE) {
        Ok(answer) => MotherStatus::parse(&answer).ok_or(other),
        Err(KeyMasterError::Refused { .. }) => Err(other),
        Err(error) => Err(error),
    }
}

/// What the key master card in `transport` is and may still do, whosever it is, blank and locked ones too.
///
/// # Errors
/// [`KeyMasterError`]; of another card [`KeyMasterError::OtherCard`].
pub fn key_master_status<T: Transport + ?Sized>(transport: &mut T) -> Result<Status, KeyMasterError> {
    match status_of(transport) {
        Err(KeyMasterError::Refused { .. } | KeyMasterError::Malformed(_)) => {
            Err(KeyMasterError::OtherCard(Wanted::AnyKeyMaster))
        }
        told => told,
    }
}

pub(super) fn status_of<T: Transport + ?Sized>(transport: &mut T) -> Result<Status, KeyMasterError> {
    const LE: u8 = Status::LEN as u8;
    let answer = data_object(transport, 0x00, key_master::STATUS, LE)?;
    Status::parse(&answer).ok_or(KeyMasterError::Malformed(KeyMasterCommand::GetData))
}

pub(super) fn challenge<T: Transport + ?Sized>(transport: &mut T) -> Result<[u8; CHALLENGE_LEN], KeyMasterError> {
    const LE: u8 = CHALLENGE_LEN as u8;
    let name = KeyMasterCommand::GetChallenge;
    let ask = Command::new(ins::CLA_ISO, ins::GET_CHALLENGE, 0x00, 0x00).expecting(LE);
    send(transport, name, &ask)?.try_into().map_err(|_| KeyMasterError::Malformed(name))
}

/// Sends a command that must be done.
pub(super) fn send<T: Transport + ?Sized>(
    transport: &mut T,
    name: KeyMasterCommand,
    command: &Command,
) -> Result<Vec<u8>, KeyMasterError> {
    let answer = exchange(transport, command)?;
    answer.done().map_err(|status| KeyMasterError::Refused { command: name, status })
}

fn select<T: Transport + ?Sized>(transport: &mut T, name: &[u8; 14], wanted: Wanted) -> Result<(), KeyMasterError> {
    let select = Command::new(ins::CLA_ISO, ins::SELECT, 0x04, 0x00).with_data(name).expecting(0);
    match send(transport, KeyMasterCommand::Select, &select) {
        Err(KeyMasterError::Refused { .. }) => Err(KeyMasterError::OtherCard(wanted)),
        selected => selected.map(drop),
    }
}

fn keys_of<T: Transport + ?Sized>(transport: &mut T) -> Result<Vec<StoredKey>, KeyMasterError> {
    let malformed = KeyMasterError::Malformed(KeyMasterCommand::GetData);
    let entries = pages(transport, key_master::KEY_LIST, KeyEntry::LEN, KeyEntry::PAGE)?;
    let stored = |entry: &Vec<u8>| {
        let entry = KeyEntry::from_bytes(entry.as_slice().try_into().ok()?)?;
        let name = NamedKey { purpose: purpose_of(entry.code)?, version: entry.version };
        let algorithm: Algorithm = entry.algorithm.algorithm();
        Some(StoredKey { name, algorithm, check_value: CheckValue(entry.check_value) })
    };
    entries.iter().map(|entry| stored(entry).ok_or(malformed.clone())).collect()
}

/// The entries of all pages.
fn pages<T: Transport + ?Sized>(
    transport: &mut T,
    object: u8,
    entry_len: usize,
    page_len: usize,
) -> Result<Vec<Vec<u8>>, KeyMasterError> {
    let mut entries = Vec::new();
    for page in 0..=u8::MAX {
        let answer = data_object(transport, page, object, 0x00)?;
        if answer.len() % entry_len != 0 {
            return Err(KeyMasterError::Malformed(KeyMasterCommand::GetData));
        }
        entries.extend(answer.chunks_exact(entry_len).map(<[u8]>::to_vec));
        if answer.len() < entry_len * page_len {
            break;
        }
    }
    Ok(entries)
}

fn data_object<T: Transport + ?Sized>(
    transport: &mut T,
    p1: u8,
    object: u8,
    le: u8,
) -> Result<Vec<u8>, KeyMasterError> {
    let ask = Command::new(ins::CLA_PBOC, ins::GET_DATA, p1, object).expecting(le);
    send(transport, KeyMasterCommand::GetData, &ask)
}

/// A proof that was shown: a failure says how many tries are left.
fn proved(shown: Result<Vec<u8>, KeyMasterError>, wrong: impl Fn(u8) -> KeyMasterError) -> Result<(), KeyMasterError> {
    match shown {
        Ok(_) => Ok(()),
        Err(KeyMasterError::Refused { status: StatusWord::AUTHENTICATION_BLOCKED, .. }) => Err(KeyMasterError::Locked),
        Err(KeyMasterError::Refused { status, command }) => Err(match status.tries() {
            Some(0) => KeyMasterError::Locked,
            Some(left) => wrong(left),
            None => KeyMasterError::Refused { command, status },
        }),
        Err(error) => Err(error),
    }
}
