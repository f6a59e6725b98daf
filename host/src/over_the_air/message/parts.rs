//! A packet in one message or several, and back (specification 19.1.3, 19.7.2).

use onecard_wire::ota::{PARTS_MAX, REPORT_MAX, RESPONSE_HEADER, USER_DATA_MAX};

use super::user_data::{Concatenation, PacketKind, UserData};
use crate::over_the_air::{Answer, CommandPacket, PacketKeys, PacketTerms, ProofWay};

/// Reference of a message in parts: another for each that may be under way to the same phone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reference {
    /// Of a byte.
    Short(u8),
    /// Of two bytes; each part carries one byte less.
    Wide(u16),
}

/// A packet that fits no message of so few parts as a card gathers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a packet of {0} bytes needs more than {PARTS_MAX} parts, and a card gathers no more: divide the script")]
pub struct TooManyParts(pub usize);

/// A part of another message, or one that there cannot be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("it is a part of another message")]
pub struct ForeignPart;

/// A message in parts that is being put together; one for each originator and reference.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assembly {
    of: Concatenation,
    parts: Vec<Option<UserData>>,
}

/// Length of the header's bytes in a part: its own length, concatenation, the packet's element in the first.
const fn header_len(reference: Reference, part: usize) -> usize {
    let concatenation = match reference {
        Reference::Short(_) => 5,
        Reference::Wide(_) => 6,
    };
    1 + concatenation + if part == 1 { 2 } else { 0 }
}

/// Bytes of a packet that a message of `parts` parts carries.
fn room(reference: Reference, parts: usize) -> usize {
    if parts == 1 {
        return USER_DATA_MAX - 3;
    }
    (1..=parts).map(|part| USER_DATA_MAX - header_len(reference, part)).sum()
}

/// Most secured data in bytes that a message of `parts` parts carries under these terms.
#[must_use]
pub fn data_max(keys: &PacketKeys, terms: &PacketTerms, reference: Reference, parts: usize) -> usize {
    CommandPacket::data_max(keys, terms, room(reference, parts))
}

/// Most data in bytes that the answer to a packet under these terms carries: in one delivery report, or in as many messages as a
/// card sends (specification 19.1.4, 19.5.5).
#[must_use]
pub fn answer_data_max(keys: &PacketKeys, terms: &PacketTerms) -> usize {
    let room = match terms.spi.proof.way {
        ProofWay::Report => REPORT_MAX - RESPONSE_HEADER.len(),
        ProofWay::Submit => room(Reference::Short(0), PARTS_MAX),
    };
    Answer::data_max(keys, terms, room)
}

/// The user data of the messages that carry `packet`: one if it fits, else as few parts as there can be.
///
/// # Errors
/// [`TooManyParts`].
pub fn divide(kind: PacketKind, packet: &[u8], reference: Reference) -> Result<Vec<UserData>, TooManyParts> {
    let parts = (1..=PARTS_MAX).find(|parts| packet.len() <= room(reference, *parts));
    let parts = parts.ok_or(TooManyParts(packet.len()))?;
    if parts == 1 {
        return Ok(vec![UserData { concatenation: None, packet: Some(kind), body: packet.to_vec() }]);
    }
    let (wide, number) = match reference {
        Reference::Short(number) => (false, u16::from(number)),
        Reference::Wide(number) => (true, number),
    };
    let mut rest = packet;
    let messages = (1..=parts).map(|part| {
        let (body, behind) = rest.split_at(rest.len().min(USER_DATA_MAX - header_len(reference, part)));
        rest = behind;
        let concatenation = Concatenation { wide, reference: number, parts: parts as u8, part: part as u8 };
        let packet = (part == 1).then_some(kind);
        UserData { concatenation: Some(concatenation), packet, body: body.to_vec() }
    });
    Ok(messages.collect())
}

impl Assembly {
    /// Begins with the part that came first, whichever it is; a message that is whole needs none and is `None`.
    #[must_use]
    pub fn begin(part: UserData) -> Option<Self> {
        let of = part.concatenation?;
        let mut assembly = Self { of, parts: vec![None; usize::from(of.parts)] };
        assembly.put(of, part);
        Some(assembly)
    }

    /// Adds a part; one that is there already replaces nothing.
    ///
    /// # Errors
    /// [`ForeignPart`].
    pub fn add(&mut self, part: UserData) -> Result<(), ForeignPart> {
        let of = part.concatenation.ok_or(ForeignPart)?;
        let same = Concatenation { part: self.of.part, ..of } == self.of;
        if !same {
            return Err(ForeignPart);
        }
        self.put(of, part);
        Ok(())
    }

    /// Whether there is no other part in its place.
    #[must_use]
    pub fn goes_with(&self, part: &UserData) -> bool {
        let at = part.concatenation.and_then(|of| usize::from(of.part).checked_sub(1));
        let there = at.and_then(|at| self.parts.get(at)).and_then(Option::as_ref);
        there.is_none_or(|there| there == part)
    }

    /// The packet, if every part is there and the first says which it is.
    #[must_use]
    pub fn packet(&self) -> Option<(PacketKind, Vec<u8>)> {
        let parts: Vec<&UserData> = self.parts.iter().flatten().collect();
        let kind = parts.first()?.packet?;
        let whole = parts.len() == self.parts.len();
        whole.then(|| (kind, parts.iter().flat_map(|part| part.body.iter().copied()).collect()))
    }

    fn put(&mut self, of: Concatenation, part: UserData) {
        if let Some(place) = usize::from(of.part).checked_sub(1).and_then(|at| self.parts.get_mut(at)) {
            place.get_or_insert(part);
        }
    }
}
