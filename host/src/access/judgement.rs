//! Which of a card's rights opens a door now, if any.

use onecard_wire::{
    date::Moment,
    number::ApplicationSerial,
    record::{AccessRight, Zone},
};

use super::{Denied, Direction, Door, PassbackLedger};
use crate::{
    crypto::macs_equal,
    sam::{CardFactors, LineKeyUse, Sam, SamError},
};

/// The first right that opens the door, or why none does: the reason of the right that came nearest to it.
///
/// The SAM is asked for the MACs of rights that would open it first, so that a card is seldom held for more than one.
pub(super) fn judge<K: Sam + ?Sized>(
    door: &Door,
    sam: &mut K,
    ledger: &PassbackLedger,
    card: CardFactors,
    at: Moment,
    rights: &[AccessRight],
) -> Result<AccessRight, Denied> {
    let of_this_zone = rights.iter().filter(|right| right.zone == door.zone || right.zone == Zone::ALL);
    let mut candidates: Vec<(&AccessRight, Option<Denied>)> =
        of_this_zone.map(|right| (right, door.objection(ledger, card.serial, at, right))).collect();
    candidates.sort_by_key(|(_, objection)| objection.is_some());
    let mut nearest = Denied::NoRight;
    for (right, objection) in candidates {
        let reason = match (is_the_issuers(door, sam, card, right), objection) {
            (Ok(true), None) => return Ok(*right),
            (Ok(true), Some(objection)) => objection,
            (Ok(false), _) => Denied::Forged,
            (Err(error), _) => return Err(Denied::Keeper(error)),
        };
        if nearness(&reason) > nearness(&nearest) {
            nearest = reason;
        }
    }
    Err(nearest)
}

impl Door {
    /// What speaks against a right whose MAC is the issuer's. Whoever is inside is let out at any hour, and whatever the
    /// ledger says.
    fn objection(
        &self,
        ledger: &PassbackLedger,
        card: ApplicationSerial,
        at: Moment,
        right: &AccessRight,
    ) -> Option<Denied> {
        if self.site.deny_list.has_right(card, right) {
            return Some(Denied::Withdrawn);
        }
        if at.date < right.valid_from {
            return Some(Denied::RightNotYetValid { from: right.valid_from });
        }
        if at.date > right.valid_to {
            return Some(Denied::RightExpired { on: right.valid_to });
        }
        if self.direction == Direction::Out {
            return None;
        }
        match self.schedules.is_open(right.schedule, at) {
            Some(true) => {}
            Some(false) => return Some(Denied::OutsideSchedule { row: right.schedule }),
            None => return Some(Denied::UnknownSchedule { row: right.schedule }),
        }
        if right.flags & AccessRight::ANTI_PASSBACK == 0 {
            return None;
        }
        ledger.inside_since(self.zone, card).map(|since| Denied::Inside { since })
    }
}

/// Whether the static MAC is the rights key's, in any version the SAM has.
fn is_the_issuers<K: Sam + ?Sized>(
    door: &Door,
    sam: &mut K,
    card: CardFactors,
    right: &AccessRight,
) -> Result<bool, SamError> {
    let mut missing = Err(SamError::NoSuchKey);
    for version in &door.site.key_versions {
        match sam.line_mac(card, LineKeyUse::Rights, *version, [0; 8], &right.mac_input(card.serial)) {
            Ok(mac) if macs_equal(mac, right.mac) => return Ok(true),
            Ok(_) => missing = Ok(false),
            Err(SamError::NoSuchKey) => {}
            Err(error) => return Err(error),
        }
    }
    missing
}

/// How near a right came to opening the door.
const fn nearness(reason: &Denied) -> u8 {
    match reason {
        Denied::Inside { .. } => 6,
        Denied::OutsideSchedule { .. } => 5,
        Denied::UnknownSchedule { .. } => 4,
        Denied::RightExpired { .. } | Denied::RightNotYetValid { .. } => 3,
        Denied::Withdrawn => 2,
        Denied::Forged => 1,
        _ => 0,
    }
}
