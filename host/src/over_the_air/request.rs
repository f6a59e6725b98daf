//! What a card asks the platform for by a short message of its own (specification 15.6.6).

use core::fmt;

use onecard_wire::{
    layout::Reader,
    number::{ApplicationSerial, EnterpriseId},
    ota::{
        outcome,
        request::{DELETE, MARK},
    },
};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{
    CounterMode, Form, Integrity, OpenedCommand, PacketCounter, PacketKeys, ReadError, Script, ScriptError, Tar,
    commands,
};
use crate::globalplatform::{Aid, Named};

/// A request to delete an application, which the holder made at the phone's menu.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeleteRequest {
    /// The card's own number of the request: only a higher one than before is taken (the caller keeps the last).
    pub number: PacketCounter,
    /// Whose application.
    pub enterprise: EnterpriseId,
    /// Its serial.
    pub serial: ApplicationSerial,
    /// What the holder typed, to be compared with what is kept, and counted.
    pub password: ServicePassword,
    /// Language of the menu, by its two letters of ISO 639-1.
    pub language: [u8; 2],
}

/// A service password (服务密码): 4 to 8 digits. Erased on drop, never printed, compared in constant time.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct ServicePassword([u8; 8]);

/// What is kept of a card's requests: their numbers go upward, whatever application they are for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestsTaken {
    highest: Option<PacketCounter>,
}

/// What is kept of the tries of one application's service password.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordTries {
    limit: u8,
    left: u8,
}

/// What came of a service password.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PasswordVerdict {
    /// It is right, and all tries are there again.
    Right,
    /// It is wrong.
    Wrong {
        /// Tries left.
        tries_left: u8,
    },
    /// No try was left: it was not compared. The service desk sets a new password.
    Locked,
}

/// What became of a request, as the holder is shown it (15.6.7).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[repr(u8)]
pub enum RequestOutcome {
    /// The application is deleted.
    Deleted = outcome::DELETED,
    /// The service password was wrong.
    WrongPassword = outcome::WRONG_PASSWORD,
    /// The service password has no tries left.
    PasswordLocked = outcome::PASSWORD_LOCKED,
    /// Not deleted for another reason: the service desk knows.
    NotDeleted = outcome::NOT_DELETED,
}

/// A packet of a card that is no request, or cannot be believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RequestError {
    /// The packet is not right.
    #[error(transparent)]
    Packet(#[from] ReadError),
    /// Less security than requests have.
    #[error("the packet has no checksum, is not enciphered, or its counter does not count: it is no request of a card")]
    Unsecured,
    /// For somebody else.
    #[error("the packet is for TAR {0}, and requests are for 4F4E45")]
    OtherTar(Tar),
    /// A command script, or a request that is not known.
    #[error("the packet's data are no request that is known")]
    Unknown,
    /// A field that cannot be.
    #[error("{0} of the delete request is not as the card writes it")]
    Field(&'static str),
}

impl DeleteRequest {
    /// Reads a command packet that came from a card.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn read(keys: &PacketKeys, packet: &[u8]) -> Result<Self, RequestError> {
        let opened = OpenedCommand::read(keys, packet)?;
        let spi = opened.terms.spi;
        let counts = matches!(spi.counter, CounterMode::Higher | CounterMode::Next);
        if spi.integrity != Integrity::Checksum || !spi.ciphered || !counts {
            return Err(RequestError::Unsecured);
        }
        if opened.terms.tar != Tar::ENTERPRISE {
            return Err(RequestError::OtherTar(opened.terms.tar));
        }
        let mut reader = Reader::new(&opened.data);
        if reader.array() != Some([MARK, DELETE]) {
            return Err(RequestError::Unknown);
        }
        let aid: [u8; 14] = reader.array().ok_or(RequestError::Field("the AID"))?;
        let Ok(Some(Named::Enterprise(enterprise))) = Aid::new(&aid).map(|aid| aid.named()) else {
            return Err(RequestError::Field("the AID"));
        };
        let serial = reader.array().and_then(ApplicationSerial::from_bytes).ok_or(RequestError::Field("the serial"))?;
        let password = reader.array().and_then(ServicePassword::from_padded);
        let password = password.ok_or(RequestError::Field("the service password"))?;
        let language = reader.array().filter(|letters: &[u8; 2]| letters.iter().all(u8::is_ascii_lowercase));
        let language = language.and_then(|language| reader.end(language)).ok_or(RequestError::Field("the language"))?;
        Ok(Self { number: opened.terms.counter, enterprise, serial, password, language })
    }
}

impl RequestOutcome {
    /// The commands that have the card show it, once, in the menu's language: whether the phone did nobody is told.
    ///
    /// # Errors
    /// [`ScriptError`]: never.
    pub fn script(self) -> Result<Script, ScriptError> {
        let commands = vec![commands::personalise_toolkit(), commands::store_outcome(self as u8)];
        Script::new(Tar::ISSUER_DOMAIN, Form::EXPANDED, commands)
    }
}

impl RequestsTaken {
    /// Whether the request is new: its number is higher than any before. It is kept then, before anything else is done for the
    /// request; one that comes again, or is kept back and sent later, deletes nothing.
    #[must_use]
    pub fn take(&mut self, number: PacketCounter) -> bool {
        let is_new = self.highest.is_none_or(|highest| number > highest);
        if is_new {
            self.highest = Some(number);
        }
        is_new
    }
}

impl PasswordTries {
    /// With all of `limit` left, 1 or more.
    #[must_use]
    pub const fn new(limit: u8) -> Self {
        Self { limit, left: limit }
    }

    /// Compares a password by `is_right`, if a try is left. What these tries are behind it is kept before the verdict is acted upon or
    /// told to anybody: a guess that a loss of power takes from the count has said nothing, and its number is taken.
    pub fn check(&mut self, is_right: impl FnOnce() -> bool) -> PasswordVerdict {
        let Some(left) = self.left.checked_sub(1) else { return PasswordVerdict::Locked };
        self.left = left;
        if !is_right() {
            return PasswordVerdict::Wrong { tries_left: left };
        }
        self.left = self.limit;
        PasswordVerdict::Right
    }
}

impl ServicePassword {
    /// From its digits; `None` if they are not 4 to 8.
    #[must_use]
    pub fn new(digits: &str) -> Option<Self> {
        let mut padded = Self([0xFF; 8]);
        let place = padded.0.get_mut(..digits.len())?;
        place.copy_from_slice(digits.as_bytes());
        padded.is_password().then_some(padded)
    }

    /// Its digits, for a password hash.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        let length = self.0.iter().take_while(|digit| **digit != 0xFF).count();
        self.0.get(..length).unwrap_or_default()
    }

    fn from_padded(padded: [u8; 8]) -> Option<Self> {
        let password = Self(padded);
        password.is_password().then_some(password)
    }

    fn is_password(&self) -> bool {
        let digits = self.0.iter().take_while(|digit| digit.is_ascii_digit()).count();
        digits >= 4 && self.0.iter().skip(digits).all(|fill| *fill == 0xFF)
    }
}

impl PartialEq for ServicePassword {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for ServicePassword {}

impl fmt::Debug for ServicePassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServicePassword(..)")
    }
}
