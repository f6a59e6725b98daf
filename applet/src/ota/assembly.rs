//! The parts of one message, until it is whole (3GPP TS 23.040 clause 9.2.3.24.1).

use onecard_wire::ota::{PARTS_MAX, USER_DATA_MAX};
use zeroize::Zeroize;

use super::deliver::{Concatenation, Deliver, Originator};

/// Most bytes of a part: the shortest header is the concatenation's own.
const PART_MAX: usize = USER_DATA_MAX - 6;
/// Longest packet in parts; the first part's header has element 70 in it.
pub(crate) const PARTS_LEN_MAX: usize = PARTS_MAX * PART_MAX;

/// What the contacts' session gathers: one message at a time.
pub(crate) struct Assembly {
    of: Option<Of>,
    /// A place for each part.
    places: [[u8; PART_MAX]; PARTS_MAX],
    /// Its length; `None` while it is missing.
    lengths: [Option<u8>; PARTS_MAX],
}

/// What its parts have in common.
#[derive(PartialEq, Eq)]
struct Of {
    originator: Originator,
    concatenation: Concatenation,
}

impl Assembly {
    pub(crate) const NEW: Self = Self { of: None, places: [[0; PART_MAX]; PARTS_MAX], lengths: [None; PARTS_MAX] };

    /// Takes a part; the whole packet, once there is no more to come. A part that is no packet's, or of too many, changes nothing.
    pub(crate) fn take(&mut self, message: &Deliver<'_>) -> Option<&mut [u8]> {
        let part = message.part?;
        let is_first = part.number == 1;
        let fits = usize::from(part.whole.parts) <= PARTS_MAX && message.text.len() <= PART_MAX;
        if is_first != message.begins_packet || !fits {
            return None;
        }
        let of = Of { originator: message.originator.clone(), concatenation: part.whole };
        if self.of.as_ref() != Some(&of) {
            self.drop_all();
            self.of = Some(of);
        }
        let index = usize::from(part.number - 1);
        let (place, length) = (self.places.get_mut(index)?, self.lengths.get_mut(index)?);
        if length.is_none() {
            place.get_mut(..message.text.len())?.copy_from_slice(message.text);
            *length = Some(message.text.len() as u8);
        }
        self.whole(usize::from(part.whole.parts))
    }

    /// The parts one behind the other, and no message any more.
    fn whole(&mut self, parts: usize) -> Option<&mut [u8]> {
        let lengths = self.lengths;
        let lengths = lengths.get(..parts).filter(|lengths| lengths.iter().all(Option::is_some))?;
        let all = self.places.as_flattened_mut();
        let mut used = 0;
        for (index, length) in lengths.iter().flatten().enumerate() {
            let (from, length) = (index * PART_MAX, usize::from(*length));
            all.copy_within(from..from + length, used);
            used += length;
        }
        (self.of, self.lengths) = (None, [None; PARTS_MAX]);
        all.get_mut(..used)
    }

    fn drop_all(&mut self) {
        (self.of, self.lengths) = (None, [None; PARTS_MAX]);
    }

    /// Erases what was put together: a packet is deciphered where it lies.
    pub(crate) fn erase(&mut self) {
        self.places.as_flattened_mut().zeroize();
    }
}
