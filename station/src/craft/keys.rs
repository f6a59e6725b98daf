//! The keys a station issues with: the seam behind which they are.

use onecard_host::{
    issuing::{MfKeys, SamSerial},
    keys::{CardKeys, CheckValue, EnterpriseKeys, MissingKey, Purpose, RootKeys},
    sam::{SoftwareSam, SoftwareSamState},
};
use onecard_wire::{
    key::KeyVersion,
    number::{ApplicationSerial, EnterpriseId, TerminalNumber},
};

use crate::profile::Profile;

/// Development keys: roots in memory, and one enterprise's keys made of them.
#[derive(Debug)]
pub struct IssuingKeys {
    roots: RootKeys,
    enterprise: EnterpriseKeys,
    operator_version: KeyVersion,
    version: KeyVersion,
}

/// These are not the keys that the profile means.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OtherKeys {
    /// One is not there.
    #[error(transparent)]
    Missing(#[from] MissingKey),
    /// One is another.
    #[error(
        "the {purpose:?} key has the check value {found}, and the profile expects {expected}: take the other key file, or mend the \
         profile"
    )]
    CheckValue {
        /// Which.
        purpose: Purpose,
        /// What it is.
        found: CheckValue,
        /// What the profile says.
        expected: CheckValue,
    },
}

impl IssuingKeys {
    /// Those that `profile` names, of `roots`.
    ///
    /// # Errors
    /// [`OtherKeys`]: a key is missing, or is not the one that the profile means. None was used.
    pub fn new(roots: RootKeys, profile: &Profile) -> Result<Self, OtherKeys> {
        let enterprise = roots.enterprise(profile.enterprise);
        let (operator_version, version) = (profile.operator_key_version, profile.key_version);
        for (purpose, expected) in &profile.check_values {
            let found = CheckValue::of(enterprise.keys().key(*purpose, version)?);
            if found != *expected {
                return Err(OtherKeys::CheckValue { purpose: *purpose, found, expected: *expected });
            }
        }
        Ok(Self { roots, enterprise, operator_version, version })
    }

    pub(crate) fn enterprise_id(&self) -> EnterpriseId {
        self.enterprise.enterprise()
    }

    pub(crate) const fn version(&self) -> KeyVersion {
        self.version
    }

    /// The operator's keys of the card whose application has this serial: a blank card tells no number of its own.
    pub(crate) fn mf(&self, serial: ApplicationSerial) -> Result<MfKeys, MissingKey> {
        MfKeys::of_card(&self.roots.chip(serial.to_bytes()), self.operator_version)
    }

    pub(crate) fn mf_of_sam(&self, serial: SamSerial) -> Result<MfKeys, MissingKey> {
        MfKeys::of_sam(&self.roots.chip(serial.factor()), self.operator_version)
    }

    pub(crate) fn card(&self, serial: ApplicationSerial) -> CardKeys {
        self.enterprise.card(serial)
    }

    pub(crate) const fn enterprise(&self) -> &EnterpriseKeys {
        &self.enterprise
    }

    /// Who makes and checks MACs for the station as the enterprise's SAMs do.
    pub(crate) fn witness(&self, terminal: TerminalNumber) -> SoftwareSam {
        let state = SoftwareSamState {
            terminal,
            next_sequence: 0,
            load_limit_fen: u32::MAX,
            last_load: None,
            last_purchase: None,
            randoms_made: 0,
        };
        SoftwareSam::new(self.enterprise.clone(), self.version, state)
    }
}
