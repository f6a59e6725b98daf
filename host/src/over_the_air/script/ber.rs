//! Lengths of BER (ISO/IEC 8825-1), definite, up to two bytes behind the first.

use onecard_wire::layout::Reader;

pub(super) const fn length_len(length: usize) -> usize {
    match length {
        0..=0x7F => 1,
        0x80..=0xFF => 2,
        _ => 3,
    }
}

pub(super) fn put_length(bytes: &mut Vec<u8>, length: usize) {
    match length {
        0..=0x7F => bytes.push(length as u8),
        0x80..=0xFF => bytes.extend_from_slice(&[0x81, length as u8]),
        _ => bytes.extend_from_slice(&[0x82, (length >> 8) as u8, length as u8]),
    }
}

/// `None` for a form of no definite length, and if bytes are missing.
pub(super) fn length(reader: &mut Reader<'_>) -> Option<usize> {
    match reader.u8()? {
        short @ 0..=0x7F => Some(usize::from(short)),
        0x81 => reader.u8().map(usize::from),
        0x82 => reader.u16().map(usize::from),
        _ => None,
    }
}

/// The value of the TLV whose tag was taken.
pub(super) fn value<'b>(reader: &mut Reader<'b>) -> Option<&'b [u8]> {
    let length = length(reader)?;
    reader.slice(length)
}

/// What is in a template: `definite` has a length, `indefinite` is ended by two bytes 00; nothing is behind either.
pub(super) fn template(bytes: &[u8], [definite, indefinite]: [u8; 2]) -> Option<(bool, &[u8])> {
    let mut reader = Reader::new(bytes);
    let tag = reader.u8()?;
    if tag == definite {
        let inside = value(&mut reader)?;
        return reader.end((false, inside));
    }
    let (&[end, ended], inside) = reader.rest().split_first_chunk::<1>().and_then(|(length, rest)| {
        let (inside, end) = rest.split_last_chunk::<2>()?;
        (*length == [0x80]).then_some((end, inside))
    })?;
    (tag == indefinite && end == 0 && ended == 0).then_some((true, inside))
}
