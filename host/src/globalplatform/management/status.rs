//! SET STATUS (11.10): life cycles and locks.

use onecard_wire::globalplatform::{
    SET_STATUS,
    life_cycle::{ApplicationState, CardState},
    scope,
};

use super::{ManagementCommand, ManagementError, command, done};
use crate::globalplatform::{aid::Aid, domain::Link};

/// Whether something is locked or unlocked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lock {
    /// Lock it.
    Locked,
    /// Unlock it.
    Unlocked,
}

/// Sets a state: P1 is one of [`scope`], the AID is empty for the card.
///
/// # Errors
/// [`ManagementError`].
pub fn set_status(link: &mut (impl Link + ?Sized), p1: u8, state: u8, aid: &[u8]) -> Result<(), ManagementError> {
    done(link, ManagementCommand::SetStatus, &command(SET_STATUS, p1, state, aid)?).map(drop)
}

/// Locks an application: it cannot be selected until it is unlocked. Its data stay.
///
/// # Errors
/// [`ManagementError`].
pub fn lock_application(link: &mut (impl Link + ?Sized), aid: &Aid, lock: Lock) -> Result<(), ManagementError> {
    let state = match lock {
        Lock::Locked => ApplicationState::LOCKED,
        Lock::Unlocked => 0x00,
    };
    set_status(link, scope::APPLICATIONS, state, aid.as_bytes())
}

/// Locks the card, or makes it SECURED again: locked, it serves its issuer domain alone.
///
/// # Errors
/// [`ManagementError`].
pub fn lock_card(link: &mut (impl Link + ?Sized), lock: Lock) -> Result<(), ManagementError> {
    let state = match lock {
        Lock::Locked => CardState::CARD_LOCKED,
        Lock::Unlocked => CardState::SECURED,
    };
    set_card_state(link, state)
}

/// Moves the card's life cycle. **TERMINATED is for good**: the card is then of no use to anybody.
///
/// # Errors
/// [`ManagementError`].
pub fn set_card_state(link: &mut (impl Link + ?Sized), state: CardState) -> Result<(), ManagementError> {
    set_status(link, scope::ISSUER_DOMAIN, state.0, Aid::ISSUER_DOMAIN.as_bytes())
}
