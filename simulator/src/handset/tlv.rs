//! COMPREHENSION-TLVs (TS 101 220 clause 7.1.1) as the phone reads and writes them.

use onecard_wire::toolkit::tag::{COMPREHENSION_REQUIRED, PROACTIVE_COMMAND, plain};

use super::error::Defect;

/// One data object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Object<'b> {
    /// Without its first bit.
    pub(super) tag: u8,
    /// Whether who does not know it must not go on.
    pub(super) required: bool,
    pub(super) value: &'b [u8],
}

/// The data objects inside a proactive command.
pub(super) fn inside_proactive_command(bytes: &[u8]) -> Result<Vec<Object<'_>>, Defect> {
    let expected = "a proactive command, D0 with its length and nothing behind it";
    let defect = || Defect::new(expected, bytes);
    let [PROACTIVE_COMMAND, rest @ ..] = bytes else {
        return Err(defect());
    };
    let (length, rest) = length(rest).ok_or_else(defect)?;
    if rest.len() != length {
        return Err(defect());
    }
    objects(rest)
}

/// Data objects one after another.
pub(super) fn objects(bytes: &[u8]) -> Result<Vec<Object<'_>>, Defect> {
    let mut found = Vec::new();
    let mut rest = bytes;
    while let [tag, behind @ ..] = rest {
        let read = length(behind).and_then(|(length, behind)| behind.split_at_checked(length));
        let Some((value, behind)) = read.filter(|_| !matches!(tag, 0x00 | 0x7F | 0x80 | 0xFF)) else {
            return Err(Defect::new("COMPREHENSION-TLVs, tag, length and value", bytes));
        };
        found.push(Object { tag: plain(*tag), required: tag & COMPREHENSION_REQUIRED != 0, value });
        rest = behind;
    }
    Ok(found)
}

/// Writes a data object. `value` is at most 65,535 bytes, as in any APDU.
pub(super) fn push(into: &mut Vec<u8>, tag: u8, value: &[u8]) {
    into.push(tag);
    push_length(into, value.len());
    into.extend_from_slice(value);
}

fn push_length(into: &mut Vec<u8>, length: usize) {
    match u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes() {
        [0, short @ 0..=0x7F] => into.push(short),
        [0, long] => into.extend([0x81, long]),
        [high, low] => into.extend([0x82, high, low]),
    }
}

/// Length, and what stands behind it.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match bytes {
        [short @ 0..=0x7F, rest @ ..] => Some((usize::from(*short), rest)),
        [0x81, long @ 0x80..=0xFF, rest @ ..] => Some((usize::from(*long), rest)),
        [0x82, high, low, rest @ ..] => Some((usize::from(u16::from_be_bytes([*high, *low])), rest)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_length_has_one_or_two_bytes() {
        for length in [0, 0x7F, 0x80, 0xFF] {
            let value = vec![0x41; length];
            let mut bytes = Vec::new();
            push(&mut bytes, 0x8D, &value);
            let read = objects(&bytes).unwrap();
            assert_eq!(read, [Object { tag: 0x0D, required: true, value: &value }]);
        }
    }

    #[test]
    fn what_is_cut_or_too_long_is_refused() {
        for wrong in [&[0x81][..], &[0x81, 0x02, 0x01], &[0x81, 0x81, 0x01, 0x00], &[0xFF, 0x00], &[0x81, 0x80]] {
            assert!(objects(wrong).is_err(), "{wrong:02X?}");
        }
        for wrong in [&[0xD0, 0x00, 0x00][..], &[0xD0, 0x01], &[0xD1, 0x00], &[]] {
            assert!(inside_proactive_command(wrong).is_err(), "{wrong:02X?}");
        }
    }
}
