//! What a phone sends: TERMINAL RESPONSEs and ENVELOPEs (TS 102 223 clauses 6.8, 7), read without trust.

use onecard_wire::toolkit::{
    DCS_8_BIT, DCS_UCS2,
    code::{BusyCause, CommandType, GeneralResult},
    tag,
};
use zeroize::ZeroizeOnDrop;

use super::proactive::Details;

/// A tag and its value.
type Object<'a> = (u8, &'a [u8]);

/// COMPREHENSION-TLVs one after the other.
#[derive(Clone, Copy)]
pub(super) struct Objects<'a>(&'a [u8]);

impl<'a> Objects<'a> {
    /// `None` unless it is whole objects from end to end.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes;
        while !rest.is_empty() {
            (_, rest) = take(rest)?;
        }
        Some(Self(bytes))
    }

    /// The value of the first object with that tag, its first bit aside.
    pub(super) fn value(&self, tag: u8) -> Option<&'a [u8]> {
        self.iter().find(|(found, _)| tag::plain(*found) == tag).map(|(_, value)| value)
    }

    fn iter(&self) -> impl Iterator<Item = Object<'a>> + use<'a> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let (object, behind) = take(rest)?;
            rest = behind;
            Some(object)
        })
    }
}

/// A TERMINAL RESPONSE.
#[derive(Clone, Copy)]
pub(super) struct TerminalResponse<'a> {
    pub(super) details: Details,
    pub(super) result: GeneralResult,
    pub(super) objects: Objects<'a>,
}

impl<'a> TerminalResponse<'a> {
    /// `None` if it is none, or lacks one of the objects each has.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let objects = Objects::parse(bytes)?;
        let [number, command, qualifier] = *objects.value(tag::COMMAND_DETAILS)? else { return None };
        let (result, _) = objects.value(tag::RESULT)?.split_first()?;
        let details = Details { number, command: CommandType(command), qualifier };
        Some(Self { details, result: GeneralResult(*result), objects })
    }

    /// The item that was chosen.
    pub(super) fn item(&self) -> Option<u8> {
        identifier(&self.objects, tag::ITEM_IDENTIFIER)
    }

    /// Digits that were typed; `None` if anything else was, or more than there is room for.
    pub(super) fn digits(&self) -> Option<Digits> {
        let (coding, text) = self.objects.value(tag::TEXT_STRING)?.split_first()?;
        let mut digits = Digits { digits: [FILL; Digits::LEN_MAX], used: 0 };
        match *coding {
            DCS_8_BIT => text.iter().try_for_each(|byte| digits.push(*byte))?,
            DCS_UCS2 => {
                let (units, rest) = text.as_chunks::<2>();
                rest.is_empty().then_some(())?;
                units.iter().try_for_each(|[high, low]| digits.push(*low).filter(|()| *high == 0))?;
            }
            _ => return None,
        }
        Some(digits)
    }

    /// Language, two letters (clause 8.45).
    pub(super) fn language(&self) -> Option<[u8; 2]> {
        self.objects.value(tag::LANGUAGE)?.try_into().ok()
    }

    /// The phone's date as `YYYYMMDD` in BCD, of the swapped digits of clause 8.39.
    pub(super) fn date(&self) -> Option<[u8; 4]> {
        let [year, month, day, ..] = *self.objects.value(tag::DATE_TIME)? else { return None };
        let date = [0x20, year.rotate_left(4), month.rotate_left(4), day.rotate_left(4)];
        onecard_wire::date::Date::from_bytes(date).map(onecard_wire::date::Date::to_bytes)
    }

    /// Whether the radio or the screen is in use, so that the same command may do later.
    pub(super) fn is_busy(&self) -> bool {
        let cause = || self.objects.value(tag::RESULT).and_then(|result| result.get(1).copied());
        match self.result {
            // Without a subscription it will not be better soon.
            GeneralResult::TERMINAL_BUSY => cause() != Some(BusyCause::ACCESS_BARRED.0),
            result => result == GeneralResult::NETWORK_BUSY,
        }
    }
}

/// Digits a person typed, in ASCII, filled up by FF: a password, erased when dropped.
#[derive(Clone, ZeroizeOnDrop)]
pub(super) struct Digits {
    digits: [u8; Self::LEN_MAX],
    used: usize,
}

/// Fills a password up.
const FILL: u8 = 0xFF;

impl Digits {
    pub(super) const LEN_MAX: usize = 8;

    pub(super) const fn len(&self) -> usize {
        self.used
    }

    /// Filled up by FF.
    pub(super) const fn padded(&self) -> &[u8; Self::LEN_MAX] {
        &self.digits
    }

    fn push(&mut self, digit: u8) -> Option<()> {
        *self.digits.get_mut(self.used).filter(|_| digit.is_ascii_digit())? = digit;
        self.used += 1;
        Some(())
    }
}

/// An ENVELOPE: its tag and what is in it. `None` unless it is one BER-TLV of whole objects.
pub(super) fn parse_envelope(bytes: &[u8]) -> Option<(u8, Objects<'_>)> {
    let ((tag, value), rest) = take(bytes)?;
    rest.is_empty().then_some(())?;
    Some((tag, Objects::parse(value)?))
}

/// The value of an object of one byte.
pub(super) fn identifier(objects: &Objects<'_>, tag: u8) -> Option<u8> {
    match objects.value(tag)? {
        [identifier] => Some(*identifier),
        _ => None,
    }
}

/// The first object, and what is behind it.
fn take(bytes: &[u8]) -> Option<(Object<'_>, &[u8])> {
    let (length, value) = match bytes {
        [_, 0x81, length, rest @ ..] => (*length, rest),
        [_, length, rest @ ..] if *length < 0x80 => (*length, rest),
        _ => return None,
    };
    let (value, rest) = value.split_at_checked(usize::from(length))?;
    Some(((*bytes.first()?, value), rest))
}
