//! BER-TLV as GlobalPlatform writes it: tags of one or two bytes, lengths to 255.

use onecard_wire::{layout::Reader, status::StatusWord};

/// Bits of a tag's first byte that say: another follows.
const LONG_TAG: u8 = 0x1F;
/// The length follows in one byte.
const LONG_LENGTH: u8 = 0x81;
/// Longest length in one byte.
const SHORT_LENGTH_MAX: u8 = 0x7F;

/// Takes objects off the front of a byte string.
pub(super) struct Objects<'a>(Reader<'a>);

impl<'a> Objects<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(Reader::new(bytes))
    }

    /// The next tag and value.
    ///
    /// # Errors
    /// 6A80 if what is left is no object.
    pub(super) fn next(&mut self) -> Result<Option<(u16, &'a [u8])>, StatusWord> {
        if self.0.rest().is_empty() {
            return Ok(None);
        }
        let object = tag(&mut self.0).and_then(|tag| Some((tag, value(&mut self.0)?)));
        object.map(Some).ok_or(StatusWord::WRONG_DATA)
    }
}

/// A tag.
pub(super) fn tag(reader: &mut Reader<'_>) -> Option<u16> {
    let first = reader.u8()?;
    if first & LONG_TAG == LONG_TAG { Some(u16::from_be_bytes([first, reader.u8()?])) } else { Some(u16::from(first)) }
}

/// A length, then as many bytes. 128 may stand in one byte, as old hosts write it (clause 11.1.5).
pub(super) fn value<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let length = match reader.u8()? {
        LONG_LENGTH => reader.u8()?,
        short @ ..=0x80 => short,
        _ => return None,
    };
    reader.slice(usize::from(length))
}

/// Appends tag and length.
///
/// # Errors
/// 6F00 if there is no room, or a length of more than 255: a fault of this program.
pub(super) fn put_header<const N: usize>(
    into: &mut heapless::Vec<u8, N>,
    tag: u16,
    length: usize,
) -> Result<(), StatusWord> {
    let length = u8::try_from(length).map_err(|_| StatusWord::INTERNAL_ERROR)?;
    let tag = tag.to_be_bytes();
    let tag = if let [0, short] = &tag { core::slice::from_ref(short) } else { &tag };
    let long: &[u8] = &[LONG_LENGTH, length];
    let length: &[u8] = if length > SHORT_LENGTH_MAX { long } else { &[length] };
    let appended = into.extend_from_slice(tag).and_then(|()| into.extend_from_slice(length));
    appended.map_err(|_| StatusWord::INTERNAL_ERROR)
}

/// Appends an object.
///
/// # Errors
/// As [`put_header`].
pub(super) fn put_object<const N: usize>(
    into: &mut heapless::Vec<u8, N>,
    tag: u16,
    value: &[u8],
) -> Result<(), StatusWord> {
    put_header(into, tag, value.len())?;
    into.extend_from_slice(value).map_err(|_| StatusWord::INTERNAL_ERROR)
}
