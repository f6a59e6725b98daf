//! SMS-DELIVER (3GPP TS 23.040 clause 9.2.2.1) as an ENVELOPE brings it, read without trust.

use heapless::Vec;
use onecard_wire::{
    layout::Reader,
    ota::{DCS_DATA_CLASS_2, DCS_DATA_CLASS_2_GENERAL, PID_DOWNLOAD, USER_DATA_MAX, element},
};

/// Longest originator: number of digits, TON and NPI, 20 digits.
pub(crate) const ORIGINATOR_MAX: usize = 12;
/// Most digits of an address.
const DIGITS_MAX: u8 = 20;
/// First byte: the message type, DELIVER.
const MESSAGE_TYPE: u8 = 0x03;
/// First byte: the user data begin with a header.
const HAS_HEADER: u8 = 0x40;
const TIME_STAMP_LEN: usize = 7;

/// Number of digits, TON and NPI, swapped digits: as it stands in a message.
pub(crate) type Originator = Vec<u8, ORIGINATOR_MAX>;

/// A message, or a part of one.
#[derive(Clone)]
pub(crate) struct Deliver<'a> {
    pub(crate) originator: Originator,
    pub(crate) pid: u8,
    pub(crate) dcs: u8,
    pub(crate) part: Option<Part>,
    /// Whether a command packet begins here.
    pub(crate) begins_packet: bool,
    /// What is behind the header.
    pub(crate) text: &'a [u8],
}

/// Which part of a concatenated message (clauses 9.2.3.24.1, 9.2.3.24.8).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Part {
    pub(crate) whole: Concatenation,
    /// From 1.
    pub(crate) number: u8,
}

/// What the parts of one message have in common.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Concatenation {
    wide: bool,
    reference: u16,
    pub(crate) parts: u8,
}

impl<'a> Deliver<'a> {
    /// `None` for a message that is not for the card: no header, or another PID or DCS; or one that is not whole.
    pub(crate) fn parse(tpdu: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(tpdu);
        let first = reader.u8()?;
        (first & MESSAGE_TYPE == 0 && first & HAS_HEADER != 0).then_some(())?;
        let digits = *reader.rest().first().filter(|digits| **digits <= DIGITS_MAX)?;
        let originator = Vec::from_slice(reader.slice(2 + usize::from(digits).div_ceil(2))?).ok()?;
        let (pid, dcs) = (reader.u8()?, reader.u8()?);
        let for_card = pid == PID_DOWNLOAD && matches!(dcs, DCS_DATA_CLASS_2 | DCS_DATA_CLASS_2_GENERAL);
        for_card.then_some(())?;
        reader.slice(TIME_STAMP_LEN)?;
        let length = usize::from(reader.u8()?);
        let user_data = Some(reader.rest()).filter(|data| data.len() == length && length <= USER_DATA_MAX)?;
        let (header_len, rest) = user_data.split_first()?;
        let (header, text) = rest.split_at_checked(usize::from(*header_len))?;
        let (part, begins_packet) = elements(header)?;
        Some(Self { originator, pid, dcs, part, begins_packet, text })
    }
}

/// Concatenation, and whether there is element 70. `None` unless the header is whole elements; others are passed over.
fn elements(header: &[u8]) -> Option<(Option<Part>, bool)> {
    let mut reader = Reader::new(header);
    let (mut part, mut begins_packet) = (None, false);
    while !reader.rest().is_empty() {
        let (identifier, length) = (reader.u8()?, reader.u8()?);
        match (identifier, reader.slice(usize::from(length))?) {
            (element::CONCATENATED, [reference, parts, number]) => {
                part = Some(Part::new(false, u16::from(*reference), *parts, *number)?);
            }
            (element::CONCATENATED_WIDE, [high, low, parts, number]) => {
                part = Some(Part::new(true, u16::from_be_bytes([*high, *low]), *parts, *number)?);
            }
            (element::CONCATENATED | element::CONCATENATED_WIDE, _) => return None,
            (element::COMMAND_PACKET, []) => begins_packet = true,
            _ => {}
        }
    }
    Some((part, begins_packet))
}

impl Part {
    fn new(wide: bool, reference: u16, parts: u8, number: u8) -> Option<Self> {
        (1..=parts).contains(&number).then_some(Self { whole: Concatenation { wide, reference, parts }, number })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    extern crate std;

    use hex_literal::hex;
    use std::vec::Vec;

    use super::*;

    const HEAD: [u8; 14] = hex!("44 04 91 2143 7F F6 62112917304523");

    fn message(user_data: &[u8]) -> Vec<u8> {
        [&HEAD[..], &[user_data.len() as u8], user_data].concat()
    }

    #[test]
    fn a_packet_and_its_parts() {
        let whole = message(&hex!("027000 0102"));
        let parsed = Deliver::parse(&whole).unwrap();
        assert_eq!((&parsed.originator[..], parsed.part, parsed.begins_packet), (&hex!("04912143")[..], None, true));
        assert_eq!(parsed.text, hex!("0102"));
        let first = message(&hex!("0700032A02017000 0102"));
        let part = Deliver::parse(&first).unwrap().part.unwrap();
        assert_eq!((part.number, part.whole.parts, part.whole.wide), (1, 2, false));
        let wide = message(&hex!("060804002A0202 03"));
        let other = Deliver::parse(&wide).unwrap();
        assert!(!other.begins_packet && other.part.unwrap().whole != part.whole);
    }

    #[test]
    fn whatever_is_not_whole_or_not_for_the_card_is_none() {
        let whole = message(&hex!("027000 0102"));
        (0..whole.len()).for_each(|length| assert!(Deliver::parse(&whole[..length]).is_none(), "{length}"));
        assert!(Deliver::parse(&[&whole[..], &[0]].concat()).is_none(), "longer than it says");
        for (at, byte) in [(0, 0x04), (0, 0x41), (1, 0x15), (5, 0x00), (6, 0x00), (6, 0xF5), (15, 0x05), (17, 0x01)] {
            let mut other = whole.clone();
            other[at] = byte;
            assert!(Deliver::parse(&other).is_none_or(|parsed| at == 17 && !parsed.begins_packet), "{at}");
        }
        for wrong in [&hex!("0500032A0203")[..], &hex!("0500032A0200"), &hex!("0400022A02"), &hex!("0500032A0001")] {
            assert!(Deliver::parse(&message(wrong)).is_none(), "{wrong:02X?}");
        }
    }
}
