//! The data objects of one proactive command, looked up by tag.

use std::time::Duration;

use onecard_wire::toolkit::{
    ALPHA_UCS2, ALPHA_UCS2_BASE, ALPHA_UCS2_PAGE,
    code::{CommandType, Device, GeneralResult, TimeUnit},
    tag,
};

use super::{Details, destination};
use crate::handset::{
    error::Defect,
    text::{Coding, alpha_identifier, text_string},
    tlv::Object,
};

/// Why a command is not carried out.
pub(super) struct Refusal {
    pub(super) result: GeneralResult,
    pub(super) defect: Defect,
}

impl Refusal {
    pub(super) const fn not_understood(defect: Defect) -> Self {
        Self { result: GeneralResult::DATA_NOT_UNDERSTOOD, defect }
    }

    pub(super) const fn missing(defect: Defect) -> Self {
        Self { result: GeneralResult::VALUES_MISSING, defect }
    }
}

/// The data objects of one proactive command.
pub(super) struct Fields<'b> {
    objects: &'b [Object<'b>],
    whole: &'b [u8],
}

impl<'b> Fields<'b> {
    pub(super) const fn new(objects: &'b [Object<'b>], whole: &'b [u8]) -> Self {
        Self { objects, whole }
    }

    /// Command details, which stand first.
    pub(super) fn details(&self) -> Result<Details, Defect> {
        match self.objects {
            [Object { tag: tag::COMMAND_DETAILS, value: [number @ 0x01..=0xFE, kind, qualifier], .. }, ..] => {
                Ok(Details { number: *number, kind: CommandType(*kind), qualifier: *qualifier })
            }
            _ => Err(Defect::new("command details first, with a number from 01 to FE", self.whole)),
        }
    }

    /// That the device identities stand second and say "from the card" and, for a type that has one receiver, to whom; and
    /// that nothing is there which the phone must know and does not.
    pub(super) fn check(&self, kind: CommandType) -> Result<(), Refusal> {
        match self.objects {
            [_, Object { tag: tag::DEVICE_IDENTITIES, value: [from, to], .. }, ..] => {
                let right = Device(*from) == Device::UICC && destination(kind).is_none_or(|device| device.0 == *to);
                if !right {
                    let defect = Defect::new("device identities from the card to the right device", &[*from, *to]);
                    return Err(Refusal::not_understood(defect));
                }
            }
            _ => return Err(Refusal::missing(Defect::new("device identities second", self.whole))),
        }
        let unknown = self.objects.iter().find(|object| object.required && tag::name(object.tag).is_none());
        match unknown {
            Some(object) => {
                let bytes = [&[object.tag | tag::COMPREHENSION_REQUIRED], object.value].concat();
                let defect = Defect::new("data objects that a phone knows, or that it may pass over", &bytes);
                Err(Refusal::not_understood(defect))
            }
            None => Ok(()),
        }
    }

    /// Whether one of the texts is written in UCS2.
    pub(super) fn have_ucs2(&self) -> bool {
        let coded = |text: &[u8]| matches!(text, [scheme, _, ..] if Coding::of(*scheme) == Some(Coding::Ucs2));
        let form = |text: &[u8]| matches!(text, [ALPHA_UCS2 | ALPHA_UCS2_PAGE | ALPHA_UCS2_BASE, ..]);
        self.objects.iter().any(|object| match (object.tag, object.value) {
            (tag::TEXT_STRING | tag::DEFAULT_TEXT, text) => coded(text),
            (tag::ALPHA_IDENTIFIER, text) => form(text),
            (tag::ITEM, [_, text @ ..]) => form(text),
            _ => false,
        })
    }

    /// The value of the first object with that tag.
    pub(super) fn value(&self, tag: u8) -> Option<&'b [u8]> {
        self.values(tag).next()
    }

    /// The values of all of them.
    pub(super) fn values(&self, tag: u8) -> impl Iterator<Item = &'b [u8]> {
        self.objects.iter().filter(move |object| object.tag == tag).map(|object| object.value)
    }

    /// The value that must be there.
    pub(super) fn required(&self, tag: u8, expected: &'static str) -> Result<&'b [u8], Refusal> {
        self.value(tag).ok_or_else(|| Refusal::missing(Defect::new(expected, self.whole)))
    }

    /// The text that must be there.
    pub(super) fn text(&self) -> Result<String, Refusal> {
        text_string(self.required(tag::TEXT_STRING, "a text string")?).map_err(Refusal::not_understood)
    }

    /// The alpha identifier, if there is one.
    pub(super) fn alpha(&self) -> Result<Option<String>, Refusal> {
        let alpha = self.value(tag::ALPHA_IDENTIFIER).map(alpha_identifier);
        alpha.transpose().map_err(Refusal::not_understood)
    }

    /// The duration, if there is one.
    pub(super) fn duration(&self) -> Result<Option<Duration>, Refusal> {
        let Some(value) = self.value(tag::DURATION) else {
            return Ok(None);
        };
        let tenths = match *value {
            [unit, count @ 1..=0xFF] => match TimeUnit(unit) {
                TimeUnit::MINUTES => Some(u64::from(count) * 600),
                TimeUnit::SECONDS => Some(u64::from(count) * 10),
                TimeUnit::TENTHS => Some(u64::from(count)),
                _ => None,
            },
            _ => None,
        };
        match tenths {
            Some(tenths) => Ok(Some(Duration::from_millis(tenths * 100))),
            None => Err(Refusal::not_understood(Defect::new("a duration, unit and value from 01", value))),
        }
    }
}
