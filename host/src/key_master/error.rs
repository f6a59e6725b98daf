//! What goes wrong with a key master card, and what to do.

use core::fmt;

use onecard_wire::{
    key_master::LifeCycle,
    number::{EnterpriseId, KeyMasterNumber},
    status::StatusWord,
};

use crate::{
    apdu::{DataTooLong, ExchangeError},
    key_store::{NamedKey, StoreError},
    keys::CheckValue,
    transport::TransportError,
};

/// A command of the key master card or its mother card (specification 16.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum KeyMasterCommand {
    /// SELECT.
    Select,
    /// GET CHALLENGE.
    GetChallenge,
    /// GET DATA.
    GetData,
    /// PERSONALISE.
    Personalise,
    /// VERIFY.
    Verify,
    /// EXTERNAL AUTHENTICATE.
    ExternalAuthenticate,
    /// INTERNAL AUTHENTICATE, of the mother card.
    InternalAuthenticate,
    /// LOAD MASTER KEY.
    LoadMasterKey,
    /// LOAD ALLOWANCE.
    LoadAllowance,
    /// EXPORT KEY.
    ExportKey,
    /// EXPORT COPY.
    ExportCopy,
}

/// Why a key master card did not do what it was asked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyMasterError {
    /// Another card is in the reader.
    #[error("the card in the reader is no {0}: put that in")]
    OtherCard(Wanted),
    /// It was personalised before.
    #[error("the card is not blank, it has the number {0}: use a blank one")]
    NotBlank(KeyMasterNumber),
    /// It was not.
    #[error("the card is blank: personalise it first")]
    Blank,
    /// The mother card is another one's. No try was spent.
    #[error("the mother card opens key master card {opens}, and this is {number}: put in the mother card of this one")]
    OtherMother {
        /// What it opens.
        opens: KeyMasterNumber,
        /// What is to be opened.
        number: KeyMasterNumber,
    },
    /// The next failure would lock the card for good. No try was spent.
    #[error(
        "only one try of the {0} is left, and a failure locks the card for good: make sure of it, then say that the last try may \
         be spent"
    )]
    LastTry(Proof),
    /// The PIN is wrong.
    #[error("the PIN is wrong, {0} more failures lock the card for good")]
    WrongPin(u8),
    /// The mother card's cryptogram is wrong.
    #[error("the mother card's key is not this card's, {0} more failures lock the card for good")]
    WrongMother(u8),
    /// It is locked for good.
    #[error("the card is locked for good: use a copy of it")]
    Locked,
    /// It lost power or was refused before: open it again.
    #[error("the card is closed: open it again with its mother card and its PIN")]
    Closed,
    /// A master key of this name is there, and it is another one.
    #[error(
        "the card holds another {name}, with the check value {there} and not {wanted}: a key is never replaced, give it another version"
    )]
    OtherKey {
        /// Its name.
        name: NamedKey,
        /// Check value of the one that is there.
        there: CheckValue,
        /// Check value of the one that was to be loaded.
        wanted: CheckValue,
    },
    /// A master key is of a purpose that no key master card holds.
    #[error("a key master card holds no {0}: leave it out")]
    NotHeld(NamedKey),
    /// The other key master card is another enterprise's.
    #[error("one card is of enterprise {0}, the other of {1}: copies are made within an enterprise")]
    OtherEnterprise(EnterpriseId, EnterpriseId),
    /// The allowance has not as much.
    #[error("the card may export {cards} bodies for cards and {sams} for SAMs, which is less: name less")]
    TooLittle {
        /// What is there for cards and SIMs.
        cards: u32,
        /// What is there for SAMs.
        sams: u32,
    },
    /// The allowance has no room for as much.
    #[error(
        "the card may export {cards} bodies for cards and {sams} for SAMs already, and counts no more than {max} of a kind: add less",
        max = u32::MAX
    )]
    TooMuch {
        /// What is there for cards and SIMs.
        cards: u32,
        /// What is there for SAMs.
        sams: u32,
    },
    /// A refusal.
    #[error("the card answered {status} to {command}{}", hint(*command, *status))]
    Refused {
        /// What was asked.
        command: KeyMasterCommand,
        /// What was answered.
        status: StatusWord,
    },
    /// An answer of the wrong shape.
    #[error("the card's answer to {0} is not what the command returns: is it a key master card of this profile?")]
    Malformed(KeyMasterCommand),
    /// What no command can carry.
    #[error(transparent)]
    TooLong(#[from] DataTooLong),
    /// No answer.
    #[error("key master card: {0}")]
    Transport(#[from] TransportError),
    /// The source of the keys.
    #[error(transparent)]
    Source(#[from] StoreError),
}

/// A card that was expected.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Wanted {
    /// A blank key master card.
    BlankKeyMaster,
    /// A blank mother authentication card.
    BlankMother,
    /// Any key master card.
    AnyKeyMaster,
    /// Any mother authentication card.
    AnyMother,
    /// The enterprise's key master card.
    KeyMaster(EnterpriseId),
    /// The enterprise's mother authentication card.
    Mother(EnterpriseId),
}

/// What opens a key master card.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Proof {
    /// Its PIN.
    Pin,
    /// Its mother authentication card.
    Mother,
}

impl KeyMasterError {
    /// Whether the card may still be open after it: its verdict on one order changes nothing.
    pub(super) const fn leaves_open(&self) -> bool {
        match self {
            Self::Refused { status, .. } => status.0 != StatusWord::SECURITY_NOT_SATISFIED.0,
            Self::OtherKey { .. }
            | Self::NotHeld(_)
            | Self::OtherEnterprise(..)
            | Self::TooLittle { .. }
            | Self::TooMuch { .. }
            | Self::TooLong(_)
            | Self::Source(_) => true,
            _ => false,
        }
    }

    pub(super) fn of_life_cycle(life_cycle: LifeCycle) -> Result<(), Self> {
        match life_cycle {
            LifeCycle::Blank => Err(Self::Blank),
            LifeCycle::InUse => Ok(()),
            LifeCycle::Locked => Err(Self::Locked),
        }
    }
}

impl From<ExchangeError> for KeyMasterError {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::Transport(source) => Self::Transport(source),
            ExchangeError::Malformed(_) => Self::Malformed(KeyMasterCommand::GetData),
        }
    }
}

impl From<KeyMasterError> for StoreError {
    fn from(error: KeyMasterError) -> Self {
        match error {
            KeyMasterError::Closed => Self::Closed,
            KeyMasterError::Transport(source) => Self::Transport(source),
            KeyMasterError::TooLong(too_long) => Self::TooLong(too_long),
            KeyMasterError::Source(source) => source,
            KeyMasterError::Refused { command: KeyMasterCommand::ExportKey, status: StatusWord::BALANCE_TOO_LOW } => {
                Self::NoExportsLeft
            }
            KeyMasterError::Refused { status: StatusWord::SECURITY_NOT_SATISFIED, .. } => Self::Closed,
            other => Self::Failed(other.to_string()),
        }
    }
}

/// What the words mean to these commands (specification 16.3 to 16.6).
fn hint(command: KeyMasterCommand, status: StatusWord) -> &'static str {
    use KeyMasterCommand as C;
    match (command, status) {
        (C::LoadMasterKey | C::LoadAllowance | C::Personalise, StatusWord::MAC_WRONG) => {
            ": the transport keys are another enterprise's, or another ceremony's"
        }
        (C::LoadMasterKey, StatusWord::ALREADY_THERE) => {
            ": it holds another key of this name, and none is ever replaced"
        }
        (C::LoadMasterKey, StatusWord::NOT_ENOUGH_SPACE) => ": it holds as many keys as it has room for",
        (C::ExportKey, StatusWord::BALANCE_TOO_LOW) => ": its allowance is used up, load a new one",
        (C::ExportKey | C::ExportCopy, StatusWord::KEY_NOT_FOUND) => ": it does not hold the key, or the control key's",
        (C::ExportKey, StatusWord::WRONG_DATA) => ": such a key does not go there, or not under that control key",
        (C::ExportKey, StatusWord::WRONG_FILE_KIND) => ": the key and the control key are of different ciphers",
        (C::ExportCopy, StatusWord::NOT_ENOUGH_SPACE) => {
            ": half its log tells of copies of keys, and no more may: copy onto others from another key master card"
        }
        (C::ExportCopy, StatusWord::BALANCE_TOO_LOW) => ": its allowance has not as much",
        (_, StatusWord::SECURITY_NOT_SATISFIED) => ": it is closed, open it again",
        _ => "",
    }
}

impl fmt::Display for KeyMasterCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Select => "SELECT",
            Self::GetChallenge => "GET CHALLENGE",
            Self::GetData => "GET DATA",
            Self::Personalise => "PERSONALISE",
            Self::Verify => "VERIFY",
            Self::ExternalAuthenticate => "EXTERNAL AUTHENTICATE",
            Self::InternalAuthenticate => "INTERNAL AUTHENTICATE",
            Self::LoadMasterKey => "LOAD MASTER KEY",
            Self::LoadAllowance => "LOAD ALLOWANCE",
            Self::ExportKey => "EXPORT KEY",
            Self::ExportCopy => "EXPORT COPY",
        })
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BlankKeyMaster => f.write_str("blank key master card"),
            Self::BlankMother => f.write_str("blank mother authentication card"),
            Self::AnyKeyMaster => f.write_str("key master card"),
            Self::AnyMother => f.write_str("mother authentication card"),
            Self::KeyMaster(enterprise) => write!(f, "key master card of enterprise {enterprise}"),
            Self::Mother(enterprise) => write!(f, "mother authentication card of enterprise {enterprise}"),
        }
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pin => "PIN",
            Self::Mother => "mother card",
        })
    }
}
