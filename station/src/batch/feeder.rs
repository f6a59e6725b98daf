//! A reader, and whoever puts cards into it: an operator, a card feeder, a folder of simulated cards.

use onecard_host::transport::Transport;

/// A reader and its supply of cards.
pub trait Feeder: Send {
    /// Its name, for people.
    fn name(&self) -> &str;

    /// Puts the next card in, or waits until somebody has, or until it is no longer `wanted`: then there is none.
    ///
    /// # Errors
    /// The reader itself failed, in words for people.
    fn feed(&mut self, call: &Call, wanted: &dyn Fn() -> bool) -> Result<Fed, String>;

    /// Presents the card that is in the reader, from power-up to power-off; after a failure the same card once more.
    ///
    /// # Errors
    /// [`NoTap`].
    fn tap(&mut self, work: &mut dyn FnMut(&mut dyn Transport)) -> Result<(), NoTap>;

    /// Takes the card out and puts it where it belongs.
    ///
    /// # Errors
    /// It could not, in words for people.
    fn put_away(&mut self, tray: Tray) -> Result<(), String>;
}

/// Why a card was not presented; in words for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NoTap {
    /// The reader failed.
    Reader(String),
    /// What is in the reader is of another kind.
    OtherKind(String),
    /// The card was taken out: it is asked for again.
    Gone,
}

impl<F: Feeder + ?Sized> Feeder for &mut F {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn feed(&mut self, call: &Call, wanted: &dyn Fn() -> bool) -> Result<Fed, String> {
        (**self).feed(call, wanted)
    }

    fn tap(&mut self, work: &mut dyn FnMut(&mut dyn Transport)) -> Result<(), NoTap> {
        (**self).tap(work)
    }

    fn put_away(&mut self, tray: Tray) -> Result<(), String> {
        (**self).put_away(tray)
    }
}

/// Which card is wanted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Call {
    /// A station that goes on after a crash looks at the card that is in the reader; nobody is asked for one.
    LookOnly,
    /// A blank card, for this row at the next.
    Blank {
        /// The row.
        row: u64,
    },
    /// A card that was begun, of one of these rows; a blank one takes its place, and the number is given up.
    Begun {
        /// The rows.
        rows: Vec<u64>,
    },
}

/// What [`Feeder::feed`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fed {
    /// A card is in the reader.
    Card,
    /// There is none left.
    Empty,
}

/// Where a card goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Tray {
    /// It is good, or was already.
    Good {
        /// Its serial.
        serial: String,
    },
    /// It is spoilt.
    Bad,
    /// It is not this batch's.
    NotOurs,
    /// It is not needed any more: back to the stock.
    Stock,
}
