//! The issuing profile (发卡参数): what every card of a batch gets, in a TOML file (specification 18.1).
//!
//! A wrong field is refused with its line and what was expected; all of them at once.

mod fields;
mod section;

use core::fmt;
use std::path::PathBuf;

use onecard_host::{
    access::{RightTerms, Slot},
    issuing::{KeyBeside, SamRole},
    keys::{CheckValue, Purpose},
};
use onecard_wire::{
    amount::Amount, date::Date, fid::Fid, key::KeyVersion, number::EnterpriseId, record::Parameters, sam::UsageKind,
};

use crate::numbers::Series;

/// The `format` of a profile.
pub const FORMAT: &str = "onecard-issuing-profile;1";

/// What every card of a batch gets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Profile {
    /// Whose cards they are.
    pub enterprise: EnterpriseId,
    /// What is issued.
    pub kind: Kind,
    /// First day of validity.
    pub valid_from: Date,
    /// Last day of validity.
    pub valid_to: Date,
    /// Version of the operator's keys in the MF.
    pub operator_key_version: KeyVersion,
    /// Version of the enterprise's keys.
    pub key_version: KeyVersion,
    /// Check values that keys of the enterprise must have, before one is used.
    pub check_values: Vec<(Purpose, CheckValue)>,
    /// FID of the application's directory.
    pub directory: Fid,
    /// The numbers that are handed out.
    pub series: Series,
    /// The ledger of the numbers handed out, as the profile names it.
    pub ledger: PathBuf,
}

/// What is issued, and what that kind alone has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kind {
    /// CPU cards from blank.
    CpuCard(CardTerms),
    /// Applications on RFID-SIMs.
    RfidSim(SimTerms),
    /// SAMs from blank.
    Sam(SamTerms),
}

/// What a member's application gets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CardTerms {
    /// Card type of EF 0016.
    pub card_type: u8,
    /// Staff of EF 0016, where the list does not say it.
    pub staff: bool,
    /// Where each holder's first PIN comes from.
    pub pin: PinRule,
    /// EF 0017.
    pub parameters: Parameters,
    /// Purchase and load keys of another version beside those in use.
    pub beside: Vec<KeyBeside>,
    /// EF 0019; dates that the profile does not give are the card's.
    pub rights: Vec<(Slot, RightRule)>,
}

/// What a SIM gets, and how its issuer domain is opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SimTerms {
    /// The member's application.
    pub card: CardTerms,
    /// Version of the SCP03 key set of the SIMs' issuer domains.
    pub domain_key_version: u8,
    /// Whose its keys are.
    pub domain_keys: DomainKeys,
}

/// The keys of the issuer domains of SIMs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DomainKeys {
    /// The operator's: each SIM's own, from the operator's roots by the SIM's number.
    Operator,
    /// 40 41 … 4F, which everybody has.
    Test,
}

/// An access right of every card.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RightRule {
    /// Its terms; the dates are those of the profile's validity unless it gives others.
    pub terms: RightTerms,
    /// Whether its dates follow each card's own.
    pub as_card: bool,
}

/// Where a holder's first PIN comes from (初始密码).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PinRule {
    /// The last six digits of the resident's id number, X as 0: each row must have one.
    IdNumber,
    /// One for all, from a file that the operator names.
    File,
}

/// What a SAM gets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SamTerms {
    /// What the terminal does.
    pub role: SamRole,
    /// Its working keys, each in every version the profile names.
    pub keys: Vec<(UsageKind, KeyVersion)>,
    /// What it may load until the station raises the limit, where the list does not say it.
    pub load_limit: Amount,
}

/// Something wrong with a profile.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProfileProblem {
    /// The line, from 1.
    pub line: usize,
    /// Which field, what was expected, what was found.
    pub text: String,
}

/// What is wrong with a profile, all of it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub struct ProfileError {
    /// The file.
    pub file: String,
    /// At least one, in the order of the lines.
    pub problems: Vec<ProfileProblem>,
}

impl Profile {
    /// Reads a profile; `file` names it in messages.
    ///
    /// # Errors
    /// [`ProfileError`].
    pub fn parse(file: &str, text: &str) -> Result<Self, ProfileError> {
        fields::read(text).map_err(|problems| ProfileError { file: file.to_owned(), problems })
    }

    /// The kind, as a profile writes it.
    #[must_use]
    pub const fn kind_name(&self) -> &'static str {
        match self.kind {
            Kind::CpuCard(_) => "cpu-card",
            Kind::RfidSim(_) => "rfid-sim",
            Kind::Sam(_) => "sam",
        }
    }

    /// The member's application, unless SAMs are issued.
    #[must_use]
    pub const fn card_terms(&self) -> Option<&CardTerms> {
        match &self.kind {
            Kind::CpuCard(terms) | Kind::RfidSim(SimTerms { card: terms, .. }) => Some(terms),
            Kind::Sam(_) => None,
        }
    }
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "profile {}:", self.file)?;
        match self.problems.as_slice() {
            [ProfileProblem { line, text }] => write!(f, " line {line}: {text}"),
            problems => {
                problems.iter().try_for_each(|ProfileProblem { line, text }| write!(f, "\n  line {line}: {text}"))
            }
        }
    }
}

#[cfg(test)]
mod tests;
