//! File control parameters (TS 102 221 clause 11.1.1.3), as far as a phone looks at them.

use super::error::Defect;

/// What a phone takes from the answer to SELECT.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Fcp {
    /// Size of a transparent EF in bytes.
    pub(super) size: Option<usize>,
    /// Length of a record, and how many there are.
    pub(super) records: Option<(u8, u8)>,
    /// Whether the card wants TERMINAL CAPABILITY (tag 87 in A5).
    pub(super) wants_terminal_capability: bool,
    /// Whether PIN 01 is enabled; `None` if it is not told.
    pub(super) pin_enabled: Option<bool>,
}

impl Fcp {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Defect> {
        let defect = || Defect::new("file control parameters, 62 with its length", bytes);
        let (0x62, inside, []) = object(bytes).ok_or_else(defect)? else {
            return Err(defect());
        };
        let mut fcp = Self::default();
        let mut rest = inside;
        while !rest.is_empty() {
            let (tag, value, behind) = object(rest).ok_or_else(defect)?;
            match (tag, value) {
                (0x80, size) => fcp.size = Some(size.iter().fold(0, |size, byte| size << 8 | usize::from(*byte))),
                (0x82, [_, _, _, length, count]) => fcp.records = Some((*length, *count)),
                (0xA5, proprietary) => fcp.wants_terminal_capability = wants_terminal_capability(proprietary),
                (0xC6, status) => fcp.pin_enabled = pin_enabled(status),
                _ => {}
            }
            rest = behind;
        }
        Ok(fcp)
    }
}

fn wants_terminal_capability(proprietary: &[u8]) -> bool {
    let mut rest = proprietary;
    while let Some((tag, value, behind)) = object(rest) {
        if let (0x87, [bits, ..]) = (tag, value) {
            return bits & 0x01 != 0;
        }
        rest = behind;
    }
    false
}

/// The PIN status template: which of the references that follow are enabled, the first by the first bit.
fn pin_enabled(template: &[u8]) -> Option<bool> {
    const GLOBAL_PIN: u8 = 0x01;
    let (0x90, enabled, mut rest) = object(template)? else { return None };
    let mut number = 0;
    while let Some((tag, value, behind)) = object(rest) {
        if tag == 0x83 {
            if value == [GLOBAL_PIN] {
                return enabled.get(number / 8).map(|byte| byte & (0x80 >> (number % 8)) != 0);
            }
            number += 1;
        }
        rest = behind;
    }
    None
}

/// Tag of one byte, value, and what stands behind.
fn object(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [tag, rest @ ..] = bytes else { return None };
    let (length, rest) = match rest {
        [short @ 0..=0x7F, rest @ ..] => (usize::from(*short), rest),
        [0x81, long, rest @ ..] => (usize::from(*long), rest),
        _ => return None,
    };
    let (value, behind) = rest.split_at_checked(length)?;
    Some((*tag, value, behind))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use hex_literal::hex;

    #[test]
    fn a_master_file_tells_of_its_pin() {
        let mf = hex!("622D8202782183023F00A509800171830400018B908A01058C04261A0000C60F90017083010183018183010A83010B");
        let fcp = Fcp::parse(&mf).unwrap();
        assert_eq!((fcp.pin_enabled, fcp.wants_terminal_capability), (Some(false), false));
        let fcp = Fcp::parse(&hex!("6212 A503870101 C609 90018083010183 0181 8000")).unwrap();
        assert_eq!((fcp.pin_enabled, fcp.wants_terminal_capability), (Some(true), true));
    }

    #[test]
    fn a_record_file_tells_length_and_count() {
        let fcp = Fcp::parse(&hex!("620B 82054221002602 8002004C")).unwrap();
        assert_eq!((fcp.records, fcp.size), (Some((0x26, 2)), Some(0x4C)));
        assert!(Fcp::parse(&hex!("6F00")).is_err() && Fcp::parse(&hex!("620380")).is_err());
    }
}
