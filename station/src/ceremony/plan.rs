//! Who makes which keys, agreed before anybody makes anything.

use onecard_host::keys::Cipher;
use onecard_wire::{key::KeyVersion, number::EnterpriseId};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What a ceremony is to make, and by whom (spec 17.1.1).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    id: String,
    enterprise: String,
    version: u8,
    cipher: Cipher,
    holders: Vec<String>,
    need: u8,
}

/// A plan that cannot be carried out.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PlanError {
    /// Two at least.
    #[error("a ceremony needs 2 to {max} holders, and {found} are named: nobody may know a key alone", max = Plan::HOLDERS_MAX)]
    Holders {
        /// How many are named.
        found: usize,
    },
    /// Some, not more than there are.
    #[error("2 to {holders} of {holders} holders can be asked for, not {need}")]
    Need {
        /// How many are asked for.
        need: u8,
        /// How many there are.
        holders: usize,
    },
    /// A name is empty, too long or of control characters.
    #[error("holder {number} has no name of 1 to {max} characters", max = Plan::NAME_CHARACTERS_MAX)]
    Name {
        /// Which, from 1.
        number: usize,
    },
    /// One person would hold two components.
    #[error("{name} is named twice: every component needs a holder of its own")]
    Twice {
        /// Who.
        name: String,
    },
    /// A file of a ceremony says something that is no plan.
    #[error("the enterprise id or the ceremony's number is damaged")]
    Damaged,
}

impl Plan {
    /// Most holders.
    pub const HOLDERS_MAX: usize = 20;
    /// Longest name in characters.
    pub const NAME_CHARACTERS_MAX: usize = 40;

    /// All of `holders`, or any `need` of them, make every root in version `version`, triple DES or of another `cipher`. The
    /// ceremony's number comes from `random`, so that components of two ceremonies are never mixed.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn new(
        enterprise: EnterpriseId,
        version: KeyVersion,
        cipher: Cipher,
        holders: Vec<String>,
        need: Option<u8>,
        random: &mut impl CryptoRng,
    ) -> Result<Self, PlanError> {
        let all = u8::try_from(holders.len()).map_err(|_| PlanError::Holders { found: holders.len() })?;
        let mut id = [0; 8];
        random.fill_bytes(&mut id);
        let need = need.unwrap_or(all);
        let (id, enterprise, version) = (hex::encode_upper(id), enterprise.to_string(), version.0);
        let plan = Self { id, enterprise, version, cipher, holders, need };
        plan.check()?;
        Ok(plan)
    }

    /// Whether it can be carried out: of a plan from a file too.
    ///
    /// # Errors
    /// [`PlanError`].
    pub(super) fn check(&self) -> Result<(), PlanError> {
        let holders = self.holders.len();
        if !(2..=Self::HOLDERS_MAX).contains(&holders) {
            return Err(PlanError::Holders { found: holders });
        }
        if !(2..=holders).contains(&usize::from(self.need)) {
            return Err(PlanError::Need { need: self.need, holders });
        }
        for (name, number) in self.holders.iter().zip(1..) {
            let length = name.chars().count();
            let printable = name.trim() == name && !name.chars().any(char::is_control);
            if !(1..=Self::NAME_CHARACTERS_MAX).contains(&length) || !printable {
                return Err(PlanError::Name { number });
            }
            if self.holders.iter().filter(|other| *other == name).count() > 1 {
                return Err(PlanError::Twice { name: name.clone() });
            }
        }
        let sound = self.enterprise.parse::<EnterpriseId>().is_ok() && self.id.len() == 16;
        if sound { Ok(()) } else { Err(PlanError::Damaged) }
    }

    /// The ceremony's number, 16 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whose applications are issued under the keys.
    ///
    /// # Errors
    /// [`PlanError::Damaged`], which a checked plan is not.
    pub fn enterprise(&self) -> Result<EnterpriseId, PlanError> {
        self.enterprise.parse().map_err(|_| PlanError::Damaged)
    }

    /// The version of every root.
    #[must_use]
    pub const fn version(&self) -> KeyVersion {
        KeyVersion(self.version)
    }

    /// The cipher of every root that is not of a protocol's.
    #[must_use]
    pub const fn cipher(&self) -> Cipher {
        self.cipher
    }

    /// Who holds a component, in the order of their numbers.
    #[must_use]
    pub fn holders(&self) -> &[String] {
        &self.holders
    }

    /// How many of them are needed.
    #[must_use]
    pub const fn need(&self) -> u8 {
        self.need
    }

    /// SHA-256 of what was agreed (spec 17.1.1): a component belongs to this plan and to no other.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let Self { id, enterprise, version, cipher, holders, need } = self;
        let mut digest = Sha256::new();
        for line in [id, enterprise, &format!("{version:02X}"), &cipher.to_string(), &need.to_string()] {
            digest.update(format!("{line}\n"));
        }
        holders.iter().for_each(|holder| digest.update(format!("{holder}\n")));
        digest.finalize().into()
    }

    /// Whether all are needed: then each makes a component alone. Otherwise shares are dealt.
    #[must_use]
    pub fn needs_everyone(&self) -> bool {
        usize::from(self.need) == self.holders.len()
    }

    /// The number of a holder, from 1.
    #[must_use]
    pub fn number_of(&self, holder: &str) -> Option<u8> {
        self.holders.iter().zip(1..).find(|(name, _)| *name == holder).map(|(_, number)| number)
    }

    /// The holder of a number.
    #[must_use]
    pub fn holder(&self, number: u8) -> Option<&str> {
        usize::from(number).checked_sub(1).and_then(|at| self.holders.get(at)).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rand::{SeedableRng, rngs::ChaCha20Rng};

    fn plan(names: &[&str], need: Option<u8>) -> Result<Plan, PlanError> {
        let holders = names.iter().map(|name| (*name).to_owned()).collect();
        let random = &mut ChaCha20Rng::seed_from_u64(1);
        Plan::new("1000000000000001".parse().unwrap(), KeyVersion(1), Cipher::TripleDes, holders, need, random)
    }

    #[test]
    fn nobody_knows_a_key_alone() {
        let all = plan(&["张三", "李四"], None).unwrap();
        assert!(all.needs_everyone() && all.need() == 2);
        assert_eq!(
            (all.number_of("李四"), all.holder(2), all.holder(0), all.holder(3)),
            (Some(2), Some("李四"), None, None)
        );
        assert!(!plan(&["a", "b", "c"], Some(2)).unwrap().needs_everyone());
        assert_eq!(plan(&["a"], None), Err(PlanError::Holders { found: 1 }));
        assert_eq!(plan(&["a", "b", "c"], Some(1)), Err(PlanError::Need { need: 1, holders: 3 }));
        assert_eq!(plan(&["a", "b"], Some(3)), Err(PlanError::Need { need: 3, holders: 2 }));
        assert_eq!(plan(&["a", "b", "a"], None), Err(PlanError::Twice { name: "a".to_owned() }));
        for name in ["", " b", "b\n", &"b".repeat(41)] {
            assert_eq!(plan(&["a", name], None), Err(PlanError::Name { number: 2 }), "{name:?}");
        }
    }
}
