//! How a recharge over the air ends.

use onecard_wire::amount::Amount;

use super::{Obstacle, Recharge};

/// How a recharge ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// The card has the money, once.
    Credited {
        /// The card's TAC for the issuer, if it is known.
        tac: Option<[u8; 4]>,
        /// Balance behind it, which the TAC is over if nothing was paid in between; if it is known.
        balance: Option<Amount>,
    },
    /// The card has not got it and never will: the money may be given back.
    NotCredited(Obstacle),
    /// Not known yet, and nothing may be given back: sending the token's script goes on where it stopped.
    Unknown {
        /// To be kept.
        token: Recharge,
        /// What stood in the way.
        obstacle: Obstacle,
    },
}
