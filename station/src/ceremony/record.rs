//! What has happened in a ceremony: who, when, which check values, and nothing secret.

use onecard_host::keys::{CheckValue, Cipher, Purpose, RootKeys};
use onecard_wire::{
    date::Moment,
    key::{Algorithm, KeyVersion},
};
use rand_core::CryptoRng;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{BaseValue, CombineError, Component, Plan, PlanError, combination::deal, component::parse_check_value};

/// A ceremony's record, kept in a file and changed after each step: what is missing in it is still to be done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    format: String,
    software: String,
    plan: Plan,
    begun: String,
    components: Vec<MadeComponent>,
    combined: Option<Combined>,
}

/// A component that has been made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MadeComponent {
    number: u8,
    holder: String,
    #[serde(with = "check_value_text")]
    check_value: CheckValue,
    made: String,
    kept: HowKept,
}

/// Where its holder keeps it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HowKept {
    /// In a file sealed by the holder's passphrase.
    SealedFile,
    /// On the holder's paper.
    Paper,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Combined {
    #[serde(with = "check_value_text")]
    base_value: CheckValue,
    roots: Vec<RootCheck>,
    stored: Vec<Stored>,
}

/// A root by its check value.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootCheck {
    /// What it is for.
    pub purpose: Purpose,
    /// Its version.
    pub version: u8,
    /// Its cipher.
    pub cipher: Cipher,
    /// Its check value.
    #[serde(with = "check_value_text")]
    pub check_value: CheckValue,
}

/// Where the roots went, when, and who entered components for it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stored {
    /// The store, in words.
    pub store: String,
    /// When.
    pub moment: String,
    /// Who entered a component.
    pub present: Vec<String>,
}

/// A component that is not to be made now.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NewComponentError {
    /// Not in the plan.
    #[error("{holder} holds no component in this ceremony; its holders are {holders}")]
    NoHolder {
        /// Who was named.
        holder: String,
        /// Who there are.
        holders: String,
    },
    /// There is one.
    #[error("{holder} has made a component already, on {made}: a lost one needs a new ceremony")]
    Made {
        /// Whose.
        holder: String,
        /// When.
        made: String,
    },
    /// Shares are dealt, all at once.
    #[error(
        "{need} of {holders} holders are enough in this ceremony: its shares are dealt at once, by `onecard ceremony deal`"
    )]
    Dealt {
        /// How many are enough.
        need: u8,
        /// Of how many.
        holders: usize,
    },
    /// Components are made one by one.
    #[error("every holder is needed in this ceremony: each makes a component alone, by `onecard ceremony component`")]
    NotDealt,
    /// The generator gave what no generator gives.
    #[error(
        "the random generator of this machine gave {holder} one byte repeated, or another holder's component: do not use it"
    )]
    Generator {
        /// Whose.
        holder: String,
    },
    /// The shares could not be made.
    #[error(transparent)]
    Deal(#[from] CombineError),
}

/// The roots are not those that the ceremony gave before.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "the {purpose} root has check value {found}, and this ceremony gave {} before: its record was changed",
    recorded.map_or_else(|| "none".to_owned(), |value| value.to_string())
)]
pub struct OtherRoots {
    /// The first that differs.
    pub purpose: Purpose,
    /// Of what was combined now.
    pub found: CheckValue,
    /// Of what was combined before, in the same version and cipher.
    pub recorded: Option<CheckValue>,
}

/// A file that is no ceremony's record.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It does not parse.
    #[error("line {line} is not as `onecard ceremony new` writes it")]
    Line {
        /// Where.
        line: usize,
    },
    /// Of another format.
    #[error("the format is not {expected:?}: it was written by another edition", expected = Record::FORMAT)]
    Format,
    /// Its plan cannot be.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// It contradicts itself.
    #[error("it names component {number}, which is not in its plan, or names it twice")]
    Component {
        /// Which.
        number: u8,
    },
    /// It cannot be written.
    #[error("the record cannot be written as JSON")]
    Unwritable,
}

impl Record {
    const FORMAT: &str = "onecard-ceremony;2";

    /// A ceremony of `plan`, begun at `moment`.
    #[must_use]
    pub fn new(plan: Plan, moment: Moment) -> Self {
        Self {
            format: Self::FORMAT.to_owned(),
            software: format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")),
            plan,
            begun: moment.to_string(),
            components: Vec::new(),
            combined: None,
        }
    }

    /// From its file.
    ///
    /// # Errors
    /// [`RecordError`] with the line.
    pub fn from_text(text: &str) -> Result<Self, RecordError> {
        let record: Self = serde_json::from_str(text).map_err(|error| RecordError::Line { line: error.line() })?;
        if record.format != Self::FORMAT {
            return Err(RecordError::Format);
        }
        record.plan.check()?;
        for (made, at) in record.components.iter().zip(0..) {
            let before = record.components.iter().take(at);
            let twice = before.into_iter().any(|other| other.number == made.number);
            if twice || record.plan.holder(made.number) != Some(made.holder.as_str()) {
                return Err(RecordError::Component { number: made.number });
            }
        }
        Ok(record)
    }

    /// For its file.
    ///
    /// # Errors
    /// [`RecordError::Unwritable`], which cannot be.
    pub fn to_text(&self) -> Result<String, RecordError> {
        let text = serde_json::to_string_pretty(self).map_err(|_| RecordError::Unwritable)?;
        Ok(text + "\n")
    }

    /// A new component for a holder who has none. It is not in the record until [`Self::note`] says that it is kept.
    ///
    /// # Errors
    /// [`NewComponentError`].
    pub fn draw(&self, holder: &str, random: &mut impl CryptoRng) -> Result<Component, NewComponentError> {
        if !self.plan.needs_everyone() {
            return Err(NewComponentError::Dealt { need: self.plan.need(), holders: self.plan.holders().len() });
        }
        let number = self.plan.number_of(holder).ok_or_else(|| NewComponentError::NoHolder {
            holder: holder.to_owned(),
            holders: self.plan.holders().join(", "),
        })?;
        if let Some(made) = self.made(number) {
            return Err(NewComponentError::Made { holder: holder.to_owned(), made: made.made.clone() });
        }
        let component = Component::draw(number, random);
        if component.is_weak() {
            return Err(NewComponentError::Generator { holder: holder.to_owned() });
        }
        Ok(component)
    }

    /// A share for every holder, of a new base value that is forgotten at once. None is in the record until [`Self::note`].
    ///
    /// # Errors
    /// [`NewComponentError`].
    pub fn deal(&self, random: &mut impl CryptoRng) -> Result<Vec<Component>, NewComponentError> {
        if self.plan.needs_everyone() {
            return Err(NewComponentError::NotDealt);
        }
        if let Some(made) = self.components.first() {
            return Err(NewComponentError::Made { holder: made.holder.clone(), made: made.made.clone() });
        }
        let shares = deal(&BaseValue::draw(random), self.plan.need(), self.plan.holders().len(), random)?;
        for (share, at) in shares.iter().zip(0..) {
            if share.is_weak() || shares.iter().take(at).any(|other| other == share) {
                let holder = self.plan.holder(share.number()).unwrap_or_default().to_owned();
                return Err(NewComponentError::Generator { holder });
            }
        }
        Ok(shares)
    }

    /// A component is kept.
    pub fn note(&mut self, component: &Component, kept: HowKept, moment: Moment) {
        let number = component.number();
        let holder = self.plan.holder(number).unwrap_or_default().to_owned();
        self.components.retain(|made| made.number != number);
        let (check_value, made) = (component.check_value(&self.plan), moment.to_string());
        self.components.push(MadeComponent { number, holder, check_value, made, kept });
        self.components.sort_by_key(|made| made.number);
    }

    /// Whether `roots` may be stored: they are what this ceremony gave before, if it gave any.
    ///
    /// # Errors
    /// [`OtherRoots`].
    pub fn agrees_with(&self, roots: &RootKeys) -> Result<(), OtherRoots> {
        let Some(combined) = &self.combined else { return Ok(()) };
        for root in root_checks(roots) {
            let is_same = |other: &&RootCheck| {
                (other.purpose, other.version, other.cipher) == (root.purpose, root.version, root.cipher)
            };
            let recorded = combined.roots.iter().find(is_same).map(|other| other.check_value);
            if recorded != Some(root.check_value) {
                return Err(OtherRoots { purpose: root.purpose, found: root.check_value, recorded });
            }
        }
        Ok(())
    }

    /// The roots of `base` are in `store`, where `present` entered components.
    ///
    /// # Errors
    /// [`OtherRoots`]: nothing is noted. [`Self::agrees_with`] tells it before they are stored.
    pub fn note_stored(
        &mut self,
        base: &BaseValue,
        roots: &RootKeys,
        (store, present): (String, Vec<String>),
        moment: Moment,
    ) -> Result<(), OtherRoots> {
        self.agrees_with(roots)?;
        let stored = Stored { store, moment: moment.to_string(), present };
        let combined = self.combined.get_or_insert_with(|| Combined {
            base_value: base.check_value(),
            roots: root_checks(roots),
            stored: Vec::new(),
        });
        combined.stored.push(stored);
        Ok(())
    }

    /// The plan.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The software that the ceremony was begun with.
    #[must_use]
    pub fn software(&self) -> &str {
        &self.software
    }

    /// When it was begun.
    #[must_use]
    pub fn begun(&self) -> &str {
        &self.begun
    }

    /// The components made so far, by number.
    #[must_use]
    pub fn components(&self) -> &[MadeComponent] {
        &self.components
    }

    /// Who has not made one yet.
    pub fn still_to_make(&self) -> impl Iterator<Item = &str> {
        let holders = self.plan.holders().iter().zip(1..);
        holders.filter(|(_, number)| self.made(*number).is_none()).map(|(holder, _)| holder.as_str())
    }

    /// The component of a number.
    #[must_use]
    pub fn made(&self, number: u8) -> Option<&MadeComponent> {
        self.components.iter().find(|made| made.number == number)
    }

    /// The base value's check value, once it has been combined.
    #[must_use]
    pub fn base_check_value(&self) -> Option<CheckValue> {
        self.combined.as_ref().map(|combined| combined.base_value)
    }

    /// The roots by check value, once they have been made.
    #[must_use]
    pub fn roots(&self) -> &[RootCheck] {
        self.combined.as_ref().map_or(&[], |combined| &combined.roots)
    }

    /// Where the roots are.
    #[must_use]
    pub fn stored(&self) -> &[Stored] {
        self.combined.as_ref().map_or(&[], |combined| &combined.stored)
    }
}

impl MadeComponent {
    /// Its number, from 1.
    #[must_use]
    pub const fn number(&self) -> u8 {
        self.number
    }

    /// Whose it is.
    #[must_use]
    pub fn holder(&self) -> &str {
        &self.holder
    }

    /// Its check value.
    #[must_use]
    pub const fn check_value(&self) -> CheckValue {
        self.check_value
    }

    /// When it was made.
    #[must_use]
    pub fn made(&self) -> &str {
        &self.made
    }

    /// Where it is kept.
    #[must_use]
    pub const fn kept(&self) -> HowKept {
        self.kept
    }
}

/// Roots by check value.
fn root_checks(roots: &RootKeys) -> Vec<RootCheck> {
    let check = |(purpose, version): (Purpose, KeyVersion)| {
        let key = roots.keys().key(purpose, version).ok()?;
        let (algorithm, check_value): (Algorithm, _) = (key.algorithm(), CheckValue::of(key));
        Some(RootCheck { purpose, version: version.0, cipher: algorithm.into(), check_value })
    };
    roots.keys().names().filter_map(check).collect()
}

mod check_value_text {
    use super::{CheckValue, Deserialize, Deserializer, Serializer, parse_check_value};

    pub(super) fn serialize<S: Serializer>(value: &CheckValue, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CheckValue, D::Error> {
        parse_check_value(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
