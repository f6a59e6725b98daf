//! What the phone can do, by its terminal profile (TS 102 223 clause 5.2): what it cannot is never sent to it.

use heapless::Vec;
use onecard_wire::toolkit::facility::Facility;

/// Bytes of the profile that are kept; the rest is about nothing this card uses.
const PROFILE_MAX: usize = 20;

/// A phone.
pub(super) struct Phone {
    profile: Vec<u8, PROFILE_MAX>,
}

impl Phone {
    pub(super) fn new(profile: &[u8]) -> Self {
        Self { profile: profile.iter().take(PROFILE_MAX).copied().collect() }
    }

    pub(super) fn can(&self, facility: Facility) -> bool {
        facility.is_in(&self.profile)
    }

    /// The menu's entry, and at least one way to show what it leads to.
    pub(super) fn can_have_menu(&self) -> bool {
        [Facility::SET_UP_MENU, Facility::MENU_SELECTION, Facility::DISPLAY_TEXT].iter().all(|one| self.can(*one))
    }

    pub(super) fn can_wait(&self) -> bool {
        self.can(Facility::TIMER_START_STOP) && self.can(Facility::TIMER_EXPIRATION)
    }
}
