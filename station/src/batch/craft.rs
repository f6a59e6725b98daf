//! One kind of card: how it is recognised, made and checked. A batch knows no more of it.

use onecard_host::{
    issuing::{IssuingError, NotOurs},
    transport::{Transport, TransportError},
};

use crate::numbers::{Number, Serial};

/// What a batch asks of a kind of card.
pub trait Craft: Sync {
    /// What opens a card that may be written.
    type Opening: Send;

    /// Whether a card has its number before it comes, and nothing on it tells the number: cards come to one reader, in the order
    /// of their numbers, and no card takes another number.
    fn comes_numbered(&self) -> bool {
        false
    }

    /// What the card in the reader is, found out without writing to it. `unfinished` are the numbers whose keys may be on a card
    /// that was begun.
    ///
    /// # Errors
    /// [`Setback`]: it is left alone.
    fn look(&self, card: &mut dyn Transport, unfinished: &Unfinished) -> Result<Found<Self::Opening>, Setback>;

    /// Writes the whole card, whatever is on it.
    ///
    /// # Errors
    /// [`Setback`]: the same again may help.
    fn make(&self, card: &mut dyn Transport, job: &Job, opening: Self::Opening) -> Result<(), Setback>;

    /// Reads the whole card, and asks it for proofs of its keys.
    ///
    /// # Errors
    /// [`Setback`]: it is not good.
    fn check(&self, card: &mut dyn Transport, job: &Job) -> Result<(), Setback>;
}

/// Numbers that can be on a card that is no good card.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Unfinished {
    numbers: Vec<Number>,
    begun: usize,
}

impl Unfinished {
    /// Those that were begun and have not come to an end, the last first, and those that were given up or whose card is spoilt.
    #[must_use]
    pub fn new(mut begun: Vec<Number>, void: Vec<Number>) -> Self {
        let count = begun.len();
        begun.extend(void);
        Self { numbers: begun, begun: count }
    }

    /// All of them, the last begun first.
    #[must_use]
    pub fn all(&self) -> &[Number] {
        &self.numbers
    }

    /// Those that were begun and have not come to an end, the last first.
    #[must_use]
    pub fn begun(&self) -> &[Number] {
        self.numbers.get(..self.begun).unwrap_or_default()
    }
}

/// One card to make.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Job {
    /// The row of the list, by its line.
    pub row: u64,
    /// The number it gets.
    pub number: Number,
    /// What the number becomes.
    pub serial: Serial,
}

/// What a card is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Found<O> {
    /// Nobody's.
    Blank(O),
    /// The keys of that number open it, and it is not whole.
    Begun(Number, O),
    /// An application with that number is whole, or looks so. With it what opens the card, if the number is unfinished.
    Whole(Number, Option<O>),
}

impl<O> Found<O> {
    /// The number that is on it.
    pub(super) const fn number(&self) -> Option<Number> {
        match self {
            Self::Blank(_) => None,
            Self::Begun(number, _) | Self::Whole(number, _) => Some(*number),
        }
    }

    /// The same with another form of what opens it.
    pub(crate) fn map<P>(self, form: impl FnOnce(O) -> P) -> Found<P> {
        match self {
            Self::Blank(opening) => Found::Blank(form(opening)),
            Self::Begun(number, opening) => Found::Begun(number, form(opening)),
            Self::Whole(number, opening) => Found::Whole(number, opening.map(form)),
        }
    }
}

/// Why a card is not good.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Setback {
    /// No answer: the same card again may help.
    #[error("{0}")]
    Silent(TransportError),
    /// The card is not this batch's, and was left alone.
    #[error("{0}")]
    NotOurs(String),
    /// The card is not the one that has this number, and was left as it is.
    #[error("{0}")]
    OtherNumber(String),
    /// Something went wrong while it was written or checked.
    #[error("{0}")]
    Failed(String),
    /// The station itself lacks something: no card will help.
    #[error("{0}")]
    Station(String),
}

impl From<IssuingError> for Setback {
    fn from(error: IssuingError) -> Self {
        use onecard_host::{apdu::ExchangeError, issuing::Cause};
        match error.cause {
            Cause::Exchange(ExchangeError::Transport(source)) => Self::Silent(source),
            Cause::MissingKey(_)
            | Cause::MixedAlgorithms(..)
            | Cause::NoSuchPlace(..)
            | Cause::NoSuchKind
            | Cause::Store(_)
            | Cause::NotWritten(_)
            | Cause::Keeper(_) => Self::Station(error.to_string()),
            cause => Self::Failed(format!("{}: {cause}", error.step)),
        }
    }
}

impl From<NotOurs> for Setback {
    fn from(error: NotOurs) -> Self {
        use onecard_host::apdu::ExchangeError;
        match error {
            NotOurs::Exchange(ExchangeError::Transport(source)) => Self::Silent(source),
            other => Self::NotOurs(other.to_string()),
        }
    }
}
