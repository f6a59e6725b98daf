//! How a deletion over the air ends.

use onecard_wire::amount::Amount;

use super::Deletion;
use crate::over_the_air::Obstacle;

/// How a deletion ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// The application is gone.
    Deleted {
        /// What was refunded.
        refund: Amount,
    },
    /// The application is there, and nothing was refunded.
    NotDeleted {
        /// What stood in the way.
        obstacle: Obstacle,
        /// Its status is not 00 any more: nothing can be paid until somebody writes it back.
        suspended: bool,
    },
    /// Not known yet: sending the token's script goes on by asking. What [`Deletion::refund`] says is refunded, once.
    Unknown {
        /// To be kept.
        token: Box<Deletion>,
        /// What stood in the way.
        obstacle: Obstacle,
    },
}
