//! Issuing: from a blank card to an enterprise application or a SAM (profile §3 and §4; FMCOS 2.0 special manual).
//!
//! | function | from | to |
//! |---|---|---|
//! | [`examine`] | any card | what a station may do with it; nothing is written |
//! | [`prepare_mf`] | a card as sold, transport key | an empty MF under the operator's keys |
//! | [`issue_card`] | the operator's MF | one enterprise application, written and read back |
//! | [`issue_installed`] | an application of a RFID-SIM, as INSTALL leaves it | the same, written and read back |
//! | [`issue_sam`] | the operator's MF | the enterprise's SAM |
//! | [`roll_key`] | an issued application | the same with one key added or replaced |
//! | [`wipe`] | a card whose control key is known | a card as sold |
//!
//! No key of this profile crosses in clear: the first control key of a directory, which FMCOS takes in clear alone, is a
//! random value, replaced at once by the real one, enciphered under itself (washing, 洗卡).

mod card;
mod condition;
mod mf;
pub(crate) mod records;
mod roll;
mod sam;
mod script;
mod sim;

use core::fmt;

use onecard_wire::{
    fid::Fid,
    key::Algorithm,
    number::{ApplicationSerial, TerminalNumber},
    sam::UsageKind,
};

use crate::{
    apdu::{CommandName, DataTooLong, ExchangeError, Refusal},
    card::{PinError, ReadError, SelectError},
    keys::{MissingKey, Purpose},
};

pub use card::{CardOrder, KeyBeside, issue_card};
pub use condition::{Condition, NotOurs, Opener, examine};
pub use mf::{MfKeys, prepare_mf, prepare_mf_resumable, wipe};
pub use roll::{KeyRoll, roll_key};
pub use sam::{SamCardOrder, SamRole, SamSerial, SamSerialError, issue_sam, purpose_of};
pub use sim::issue_installed;

/// Issuing stopped. Once something was created the card is unfinished and no terminal accepts it: bring it back to the
/// operator's MF by [`prepare_mf`] under the operator's control key, and issue it again.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{target}: issuing stopped at \"{step}\": {cause}; {}", .step.what_next(.target))]
pub struct IssuingError {
    /// What was being issued.
    pub target: Target,
    /// What was to be done.
    pub step: Step,
    /// Why it was not.
    #[source]
    pub cause: Cause,
}

/// What is being issued.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// The operator's MF, before the card is anybody's.
    Mf,
    /// A member's card.
    Card(ApplicationSerial),
    /// An application that INSTALL put on a RFID-SIM.
    Installed(ApplicationSerial),
    /// A terminal's SAM.
    Sam(TerminalNumber),
}

/// One step of issuing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// SELECT of the MF.
    SelectMf,
    /// EXTERNAL AUTHENTICATE in the MF.
    Authenticate,
    /// ERASE DF.
    Erase,
    /// CREATE FILE.
    Create(Fid),
    /// SELECT of the new directory.
    SelectDirectory,
    /// WRITE KEY of a random first control key, in clear.
    FirstControlKey,
    /// WRITE KEY of the MF's control key.
    WriteMfControlKey,
    /// WRITE KEY of the MF's maintenance key.
    WriteMfMaintenanceKey,
    /// WRITE KEY of the transport key, in clear.
    WriteTransportKey,
    /// WRITE KEY of a key.
    WriteKey(Purpose),
    /// WRITE KEY of one key of an issued application.
    RollKey(Purpose),
    /// WRITE KEY of a SAM's working key that no purpose stands for.
    WriteSamKey(UsageKind),
    /// WRITE KEY of the PIN.
    WritePin,
    /// UPDATE BINARY.
    Write(Fid),
    /// Reading back.
    Check(Fid),
}

impl From<Refusal> for Cause {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Why a step was not done.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Cause {
    /// The card refused.
    #[error("the card answered {0}")]
    Refused(Refusal),
    /// The key file lacks a key.
    #[error(transparent)]
    MissingKey(#[from] MissingKey),
    /// The order names a kind of SAM key that this profile gives no enterprise key.
    #[error("no enterprise key is for that: take it out of the order")]
    NoSuchKind,
    /// Keys 36 to 39 of one directory are of several ciphers.
    #[error("the keys {0:?} and {1:?} are of different ciphers, and a key file has one for its keys 36 to 39")]
    MixedAlgorithms(Purpose, Purpose),
    /// INSTALL made a key file of another cipher for the keys 36 to 39.
    #[error("the application was installed for {installed:?} keys and these are {wanted:?}: install it for {wanted:?}")]
    OtherAlgorithm {
        /// What it was installed for.
        installed: Algorithm,
        /// What its keys are.
        wanted: Algorithm,
    },
    /// The order puts a key beside another where only one can stand, or in the other's own place.
    #[error("the {0:?} key cannot stand at id {1:02X}: keys of that purpose have other ids")]
    NoSuchPlace(Purpose, u8),
    /// What was read back is not what was written.
    #[error("the file does not read as it was written")]
    Different,
    /// The new application cannot be selected.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// The new application cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The new PIN does not verify.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// An order that no command can carry.
    #[error(transparent)]
    TooLong(#[from] DataTooLong),
    /// No answer.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
}

impl Step {
    /// What the station does after a failure here.
    const fn what_next(self, target: &Target) -> &'static str {
        match (self, target) {
            (Self::SelectMf, _) => "nothing changed: present the card again",
            (Self::RollKey(_), _) => {
                "the card has the old key or the new one: read its key list before it is written again"
            }
            (Self::Authenticate, _) => "nothing changed: use the control key this card has, the wrong one may lock it",
            (_, Target::Installed(_)) => "delete the application and install it again",
            _ => "erase the card under the operator's control key and issue it again",
        }
    }

    /// Which command does the step.
    const fn command(self) -> CommandName {
        match self {
            Self::SelectMf | Self::SelectDirectory => CommandName::Select,
            Self::Authenticate => CommandName::ExternalAuthenticate,
            Self::Erase => CommandName::EraseDf,
            Self::Create(_) => CommandName::CreateFile,
            Self::Write(_) => CommandName::Write,
            Self::Check(_) => CommandName::Read,
            Self::FirstControlKey
            | Self::WriteMfControlKey
            | Self::WriteMfMaintenanceKey
            | Self::WriteTransportKey
            | Self::WriteKey(_)
            | Self::RollKey(_)
            | Self::WriteSamKey(_)
            | Self::WritePin => CommandName::WriteKey,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mf => f.write_str("master file"),
            Self::Card(serial) => write!(f, "card {serial}"),
            Self::Installed(serial) => write!(f, "application {serial} on a SIM"),
            Self::Sam(terminal) => write!(f, "SAM of terminal {terminal}"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SelectMf => f.write_str("select the master file"),
            Self::Authenticate => f.write_str("authenticate by the master file's control key"),
            Self::Erase => f.write_str("erase"),
            Self::Create(file) => write!(f, "create file {:04X}", file.0),
            Self::SelectDirectory => f.write_str("select the new directory"),
            Self::FirstControlKey => f.write_str("write a random first control key"),
            Self::WriteMfControlKey => f.write_str("write the master file's control key"),
            Self::WriteMfMaintenanceKey => f.write_str("write the master file's maintenance key"),
            Self::WriteTransportKey => f.write_str("write the transport key"),
            Self::WriteKey(purpose) => write!(f, "write the {purpose:?} key"),
            Self::RollKey(purpose) => write!(f, "roll the {purpose:?} key"),
            Self::WriteSamKey(kind) => write!(f, "write the SAM key of kind {:02X}", kind.0),
            Self::WritePin => f.write_str("write the PIN"),
            Self::Write(file) => write!(f, "write file {:04X}", file.0),
            Self::Check(file) => write!(f, "read back file {:04X}", file.0),
        }
    }
}
