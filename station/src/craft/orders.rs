//! What each row of the list becomes on a card: profile and row together, seen to be right before a card is touched.

use onecard_host::{
    access::{RightTerms, Slot},
    card::{Pin, PinTextError},
    issuing::CardOrder,
};
use onecard_wire::{date::Date, record::Holder};

use crate::{
    list::{List, ListError, Problem},
    people::{Document, Person, holder},
    profile::{CardTerms, PinRule, Profile},
};

/// The orders of a batch of member's cards.
#[derive(Debug)]
pub struct Orders<'o> {
    profile: &'o Profile,
    terms: &'o CardTerms,
    list: &'o List<Person>,
    common_pin: Option<Pin>,
}

/// Why profile and list make no batch.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// A row lacks what the profile needs.
    #[error(transparent)]
    List(#[from] ListError),
    /// The profile issues no member's cards.
    #[error("the profile issues SAMs: its list has terminals, not people")]
    NoCards,
    /// The profile's PIN is in a file that was not named.
    #[error("the profile says pin = \"file\": name the file by --pin-file")]
    NoPinFile,
    /// The PIN in the file.
    #[error(transparent)]
    Pin(#[from] PinTextError),
    /// The body of a longer one is written by no key store (specification 16.6.8).
    #[error(
        "everybody's first PIN has more than 6 digits, and a key store writes 4 to 6: put a shorter one into the file of --pin-file"
    )]
    PinTooLong,
}

impl<'o> Orders<'o> {
    /// Sees that every row of `list`, the file `file`, has what the profile needs. `common_pin` is the PIN of [`PinRule::File`].
    ///
    /// # Errors
    /// [`OrderError`]: all rows that lack something.
    pub fn new(
        profile: &'o Profile,
        file: &str,
        list: &'o List<Person>,
        common_pin: Option<Pin>,
    ) -> Result<Self, OrderError> {
        let terms = profile.card_terms().ok_or(OrderError::NoCards)?;
        if terms.pin == PinRule::File && common_pin.is_none() {
            return Err(OrderError::NoPinFile);
        }
        if common_pin.as_ref().is_some_and(|pin| !pin.fits_key_store()) {
            return Err(OrderError::PinTooLong);
        }
        Self { profile, terms, list, common_pin }.checked(file)
    }

    /// The same where whoever issues has the PINs: a PIN of [`PinRule::File`] is not asked for.
    ///
    /// # Errors
    /// [`OrderError`]: all rows that lack something.
    pub fn without_pins(profile: &'o Profile, file: &str, list: &'o List<Person>) -> Result<Self, OrderError> {
        let terms = profile.card_terms().ok_or(OrderError::NoCards)?;
        Self { profile, terms, list, common_pin: None }.checked(file)
    }

    fn checked(self, file: &str) -> Result<Self, OrderError> {
        let problems: Vec<Problem> =
            self.list.rows.iter().flat_map(|(row, person)| self.problems(*row, person)).collect();
        if problems.is_empty() { Ok(self) } else { Err(ListError { file: file.to_owned(), problems }.into()) }
    }

    /// The person of a row.
    #[must_use]
    pub fn person(&self, row: u64) -> Option<&Person> {
        let at = self.list.rows.binary_search_by_key(&row, |(row, _)| *row).ok()?;
        self.list.rows.get(at).map(|(_, person)| person)
    }

    /// What the first row's card gets. Every card gets keys of the same names.
    #[must_use]
    pub fn any(&self) -> Option<CardOrder> {
        self.list.rows.first().and_then(|(row, _)| self.order(*row))
    }

    /// Who holds the card of a row, and from which day to which it is valid.
    #[must_use]
    pub fn holder(&self, row: u64) -> Option<(Holder, [Date; 2])> {
        let (person, terms) = (self.person(row)?, self.terms);
        let staff = person.staff.unwrap_or(terms.staff);
        let holder = holder(terms.card_type, staff, &person.name, person.document.as_ref());
        let valid =
            [person.valid_from.unwrap_or(self.profile.valid_from), person.valid_to.unwrap_or(self.profile.valid_to)];
        Some((holder, valid))
    }

    /// What the card of a row gets.
    pub(super) fn order(&self, row: u64) -> Option<CardOrder> {
        let (holder, [valid_from, valid_to]) = self.holder(row)?;
        Some(CardOrder {
            enterprise: self.profile.enterprise,
            directory: self.profile.directory,
            valid_from,
            valid_to,
            holder,
            parameters: self.terms.parameters,
            pin: self.pin(self.person(row)?)?,
            key_version: self.profile.key_version,
            beside: self.terms.beside.clone(),
        })
    }

    /// Its access rights.
    pub(super) fn rights(&self, order: &CardOrder) -> Vec<(Slot, RightTerms)> {
        let dated = |terms: RightTerms, as_card: bool| match as_card {
            true => RightTerms { valid_from: order.valid_from, valid_to: order.valid_to, ..terms },
            false => terms,
        };
        self.terms.rights.iter().map(|(slot, rule)| (*slot, dated(rule.terms, rule.as_card))).collect()
    }

    fn pin(&self, person: &Person) -> Option<Pin> {
        match (self.terms.pin, &person.document) {
            (PinRule::File, _) => self.common_pin.clone(),
            (PinRule::IdNumber, Some(Document::ResidentId(number))) => Pin::from_digits(&number.last_six()).ok(),
            (PinRule::IdNumber, _) => None,
        }
    }

    fn problems(&self, row: u64, person: &Person) -> Vec<Problem> {
        let problem = |column: &str, text: String| Problem { row: Some(row), column: Some(column.to_owned()), text };
        let mut problems = Vec::new();
        if self.terms.pin == PinRule::IdNumber && self.pin(person).is_none() {
            let text = "expected a resident's id number: the profile makes the first PIN of it (pin = \"id-number\")";
            problems.push(problem("id_number", text.to_owned()));
        }
        let from = person.valid_from.unwrap_or(self.profile.valid_from);
        let to = person.valid_to.unwrap_or(self.profile.valid_to);
        if from > to {
            problems.push(problem("valid_to", format!("expected a day not before {from}, the first, found {to}")));
        }
        problems
    }
}
