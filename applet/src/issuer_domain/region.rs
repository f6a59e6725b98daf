//! Who owns which address of the domain's memory.

use super::key_sets::{COUNTER_LEN, KEY_SETS_MAX, PLACE_LEN, PROTOCOLS};
use crate::nvm::map::{ISSUER_DOMAIN, ISSUER_DOMAIN_LEN};

/// Life cycle of the card (table 11-6).
pub(super) const CARD_STATE: usize = ISSUER_DOMAIN;
/// 1 while keys that were deleted or replaced may still stand in the journal.
pub(super) const FORGETTING: usize = CARD_STATE + 1;
/// The card's number, EF_ICCID: 10 bytes.
pub(super) const CARD_NUMBER: usize = FORGETTING + 1;
/// Data objects that STORE DATA writes, each behind its length.
pub(super) const ISSUER_NUMBER: usize = ISSUER_DOMAIN + 64;
pub(super) const CARD_IMAGE_NUMBER: usize = ISSUER_NUMBER + 64;
/// Longest value of such an object.
pub(super) const OBJECT_LEN_MAX: usize = 32;
/// For each protocol the highest counter of keys that are gone, as wide as a set's counter.
pub(super) const PAST_COUNTERS: usize = CARD_IMAGE_NUMBER + 64;
/// Key sets.
pub(super) const KEY_SETS: usize = ISSUER_DOMAIN + 512;

const _: () = assert!(PAST_COUNTERS + PROTOCOLS * COUNTER_LEN <= KEY_SETS);
const _: () = assert!(KEY_SETS + KEY_SETS_MAX * PLACE_LEN <= ISSUER_DOMAIN + ISSUER_DOMAIN_LEN);
