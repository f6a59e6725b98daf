//! What each row of the list becomes on a card: profile and row together, seen to be right before a card is touched.

use onecard_host::{
    access::{RightTerms, Slot},
    card::{Pin, PinTextError},
    issuing::CardOrder,
};

use crate::{
    people::{Document, List, ListError, Person, Problem, holder},
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
        let orders = Self { profile, terms, list, common_pin };
        let problems: Vec<Problem> = list.rows.iter().flat_map(|(row, person)| orders.problems(*row, person)).collect();
        if problems.is_empty() { Ok(orders) } else { Err(ListError { file: file.to_owned(), problems }.into()) }
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

    /// What the card of a row gets.
    pub(super) fn order(&self, row: u64) -> Option<CardOrder> {
        let person = self.person(row)?;
        let terms = self.terms;
        let staff = person.staff.unwrap_or(terms.staff);
        Some(CardOrder {
            enterprise: self.profile.enterprise,
            directory: self.profile.directory,
            valid_from: person.valid_from.unwrap_or(self.profile.valid_from),
            valid_to: person.valid_to.unwrap_or(self.profile.valid_to),
            holder: holder(terms.card_type, staff, &person.name, person.document.as_ref()),
            parameters: terms.parameters,
            pin: self.pin(person)?,
            key_version: self.profile.key_version,
            beside: terms.beside.clone(),
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
        if self.pin(person).is_none() {
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
