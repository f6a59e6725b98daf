//! How an issue over the air ends.

use super::Issue;
use crate::over_the_air::Obstacle;

/// How an issue ended. `sets` counts the sets of bodies that were made: a key master card has given as many exports of each key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// The application is on the card with everything in it.
    Issued {
        /// Sets of bodies made.
        sets: u8,
    },
    /// The card is as it was before.
    NotIssued {
        /// What stood in the way.
        obstacle: Obstacle,
        /// Sets of bodies made.
        sets: u8,
        /// The serial is on the card, or may have been until somebody deleted it: it is not to be given to anybody else.
        serial_spent: bool,
    },
    /// Not known yet: sending the token's script goes on by asking. The serial is not to be given to anybody else.
    Unknown {
        /// To be kept.
        token: Box<Issue>,
        /// What stood in the way.
        obstacle: Obstacle,
    },
}
