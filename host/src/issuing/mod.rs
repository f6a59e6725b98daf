//! Issuing: from a blank card to an enterprise application or a SAM (profile §3 and §4; FMCOS 2.0 special manual).
//!
//! | function | from | to |
//! |---|---|---|
//! | [`examine`] | any card | what a station may do with it; nothing is written |
//! | [`examine_unnumbered`] | any card | the same by the keys of several numbers, one after the other |
//! | [`prepare_mf`] | a card as sold, transport key | an empty MF under the operator's keys |
//! | [`issue_card`] | the operator's MF | one enterprise application, written and read back |
//! | [`issue_installed`] | an application of a RFID-SIM, as INSTALL leaves it | the same, written and read back |
//! | [`issue_sam`] | the operator's MF | the enterprise's SAM |
//! | [`check_sam_contents`] | a SAM | whether its files read as they were ordered; nothing is written |
//! | [`wash_card_to_operator`], [`wash_sam_to_operator`] | the operator's MF | the application with one key, the operator's (一次洗卡) |
//! | [`wash_card_to_enterprise`], [`wash_sam_to_enterprise`] | that, or what INSTALL left | the enterprise's, by a key store (二次洗卡) |
//! | [`roll_key`] | an issued application | the same with one key added or replaced |
//! | [`wipe`] | a card whose control key is known | a card as sold |
//!
//! No key of this profile crosses in clear: the first control key of a directory, which FMCOS takes in clear alone, is a
//! random value, replaced at once by the real one, enciphered under itself (washing, 洗卡).

mod card;
mod condition;
mod mf;
mod public_data;
pub(crate) mod records;
mod roll;
mod sam;
mod sam_contents;
mod script;
mod sim;
mod washing;

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
    key_store::{KeyTarget, StoreError},
    keys::{MissingKey, Purpose},
    sam::SamError,
};

pub(crate) use card::other_keys;
pub use card::{CardOrder, KeyBeside, issue_card};
pub use condition::{Closed, Condition, Examined, NotOurs, Opener, examine, examine_sam, examine_unnumbered};
pub use mf::{MfKeys, prepare_mf, prepare_mf_resumable, wipe};
pub use public_data::issued_public_data;
pub(crate) use public_data::public_data;
pub use roll::{KeyRoll, roll_key};
pub use sam::{SamCardOrder, SamRole, SamSerial, SamSerialError, issue_sam, purpose_of};
pub use sam_contents::check_sam_contents;
pub use sim::issue_installed;
pub use washing::{
    CardWash, GUESSES_MAX, Known, ListedOwner, NotWritten, Note, Reached, SamWash, WashingJournal, listed_owner,
    wash_card_to_enterprise, wash_card_to_operator, wash_sam_to_enterprise, wash_sam_to_operator, washed_keys,
};

/// Issuing stopped. Once something was created the card is unfinished and no terminal accepts it: bring it back to the
/// operator's MF by [`prepare_mf`] under the operator's control key, and issue it again.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "{target}: issuing stopped at \"{step}\": {cause}; {}",
    .cause.what_next(*.step).unwrap_or_else(|| .step.what_next(.target))
)]
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
    /// An application that is washed.
    Washed(KeyTarget),
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
    /// Finding out by the key list, or by INTERNAL AUTHENTICATE, which keys are there.
    FindOut,
    /// Comparing a load's MAC1, or the answer to INTERNAL AUTHENTICATE, with what an issuing SAM makes.
    Compare(Purpose),
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
    /// The card was pulled between its key file and the first key in it, and lists no keys: nobody's key opens the directory.
    #[error("the directory has a key file and no key, and this card takes the first key at once or never (4.5.3)")]
    Stuck,
    /// The control key is another than was thought, and another try might be the last.
    #[error("which control key the card has is not known, and too few tries of it are left to find out")]
    LastTry,
    /// The holder's PIN, which an earlier attempt wrote, was verified wrongly until one try was left.
    #[error("one try is left of the PIN that an earlier attempt wrote, and it is kept")]
    LastPinTry,
    /// A first wash, of an application whose second wash was begun.
    #[error("the application's control key is the enterprise's already")]
    EnterprisesAlready,
    /// Both control keys were refused.
    #[error("the card's control key is neither the operator's nor the enterprise's of these versions")]
    NeitherKey,
    /// The operator's key is there, and a card of this number may be whole: it is not this one.
    #[error("this number went to another card, which may be whole, and this one has the operator's key")]
    AnotherCard,
    /// The card's MAC or cryptogram is not the one that its keys make.
    #[error("the card's answer is not what the enterprise's key makes of it")]
    NotAgreed,
    /// The key store made no command.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The issuing SAM made no MAC or cryptogram.
    #[error("issuing SAM: {0}")]
    Keeper(#[from] SamError),
    /// The station's journal took no note.
    #[error(transparent)]
    NotWritten(#[from] NotWritten),
    /// No answer.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
}

impl Cause {
    /// What the station does about it, where the cause says more than the step.
    const fn what_next(&self, step: Step) -> Option<&'static str> {
        match self {
            Self::Store(_) if matches!(step, Step::RollKey(_)) => Some("nothing was written"),
            Self::Stuck => Some("erase the card under its MF's control key and begin with the first wash"),
            Self::LastTry => {
                Some("find the journal of the station that washed it; without it the card is left as it is")
            }
            Self::EnterprisesAlready => Some("its first wash is over and no try was spent: go on with the second wash"),
            Self::LastPinTry => Some("unblock the PIN at the service desk, then present the card again with that PIN"),
            Self::AnotherCard => {
                Some("go on with the other card, or wash this one under a number that was never given")
            }
            Self::NeitherKey => Some("name the versions it was washed in, or use another card"),
            _ => None,
        }
    }
}

impl Step {
    /// What the station does after a failure here.
    const fn what_next(self, target: &Target) -> &'static str {
        match (self, target) {
            (Self::SelectMf, _) => "nothing changed: present the card again",
            (Self::Authenticate, Target::Washed(_)) => {
                "nothing changed: use the control key this card has, each failure spends one of its tries"
            }
            (_, Target::Washed(_)) => "nothing is lost: present the card again, and it goes on where it stopped",
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
            Self::Check(_) | Self::FindOut => CommandName::Read,
            Self::Compare(Purpose::Load) => CommandName::InitializeForLoad,
            Self::Compare(_) => CommandName::InternalAuthenticate,
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
            Self::Washed(target) => write!(f, "{target}"),
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
            Self::FindOut => f.write_str("find out which keys are there"),
            Self::Compare(Purpose::Load) => f.write_str("compare a load's MAC1"),
            Self::Compare(purpose) => write!(f, "compare the answer of the {purpose:?} key"),
        }
    }
}
