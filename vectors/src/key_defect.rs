//! Keys that hide bugs: with them a wrong construction gives the right result.

/// Why a key proves little.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyDefect {
    /// Neither a DES key nor a two-key triple DES key, or not a key of AES.
    #[error("is of another length than its cipher's keys")]
    Length,
    /// One byte over and over.
    #[error("repeats one byte")]
    RepeatedByte,
    /// Triple DES with it is single DES, and folding it gives zero.
    #[error("has two equal halves")]
    EqualHalves,
    /// A weak or semi-weak key of DES.
    #[error("has a weak DES key in it")]
    Weak,
}

/// The first defect of `key`, if any. Parity bits count for nothing, as in DES itself.
#[must_use]
pub fn defect(key: &[u8]) -> Option<KeyDefect> {
    let effective: Vec<u8> = key.iter().map(|byte| byte & 0xFE).collect();
    let (halves, []) = effective.as_chunks::<8>() else {
        return Some(KeyDefect::Length);
    };
    match halves {
        [] | [_, _, _, ..] => Some(KeyDefect::Length),
        _ if effective.iter().all(|byte| Some(byte) == effective.first()) => Some(KeyDefect::RepeatedByte),
        [left, right] if left == right => Some(KeyDefect::EqualHalves),
        halves if halves.iter().any(|half| WEAK.contains(half)) => Some(KeyDefect::Weak),
        _ => None,
    }
}

/// The first defect of an AES key of 16, 24 or 32 bytes, if any.
#[must_use]
pub fn defect_of_aes(key: &[u8]) -> Option<KeyDefect> {
    match key {
        _ if !matches!(key.len(), 16 | 24 | 32) => Some(KeyDefect::Length),
        [first, rest @ ..] if rest.iter().all(|byte| byte == first) => Some(KeyDefect::RepeatedByte),
        _ => None,
    }
}

/// The 4 weak and 12 semi-weak keys (NIST SP 800-67 §3.4.2), parity bits cleared.
const WEAK: [[u8; 8]; 16] = [
    [0x00; 8],
    [0xFE; 8],
    [0x1E, 0x1E, 0x1E, 0x1E, 0x0E, 0x0E, 0x0E, 0x0E],
    [0xE0, 0xE0, 0xE0, 0xE0, 0xF0, 0xF0, 0xF0, 0xF0],
    [0x00, 0x1E, 0x00, 0x1E, 0x00, 0x0E, 0x00, 0x0E],
    [0x1E, 0x00, 0x1E, 0x00, 0x0E, 0x00, 0x0E, 0x00],
    [0x00, 0xE0, 0x00, 0xE0, 0x00, 0xF0, 0x00, 0xF0],
    [0xE0, 0x00, 0xE0, 0x00, 0xF0, 0x00, 0xF0, 0x00],
    [0x00, 0xFE, 0x00, 0xFE, 0x00, 0xFE, 0x00, 0xFE],
    [0xFE, 0x00, 0xFE, 0x00, 0xFE, 0x00, 0xFE, 0x00],
    [0x1E, 0xE0, 0x1E, 0xE0, 0x0E, 0xF0, 0x0E, 0xF0],
    [0xE0, 0x1E, 0xE0, 0x1E, 0xF0, 0x0E, 0xF0, 0x0E],
    [0x1E, 0xFE, 0x1E, 0xFE, 0x0E, 0xFE, 0x0E, 0xFE],
    [0xFE, 0x1E, 0xFE, 0x1E, 0xFE, 0x0E, 0xFE, 0x0E],
    [0xE0, 0xFE, 0xE0, 0xFE, 0xF0, 0xFE, 0xF0, 0xFE],
    [0xFE, 0xE0, 0xFE, 0xE0, 0xFE, 0xF0, 0xFE, 0xF0],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_key_has_none() {
        assert_eq!(defect(&[0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF]), None);
        let mut key = [0x3F; 16];
        key[8..].copy_from_slice(&[0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88]);
        assert_eq!(defect(&key), None);
    }

    #[test]
    fn lengths() {
        for len in [0, 7, 9, 24] {
            assert_eq!(defect(&vec![0x5A; len]), Some(KeyDefect::Length), "{len}");
        }
    }

    #[test]
    fn parity_does_not_make_halves_differ() {
        let half = [0x10, 0x32, 0x54, 0x76, 0x98, 0xBA, 0xDC, 0xFE];
        let other = half.map(|byte| byte | 1);
        assert_eq!(defect(&[half, other].concat()), Some(KeyDefect::EqualHalves));
    }

    #[test]
    fn keys_of_aes() {
        for len in [16, 24, 32] {
            assert_eq!(defect_of_aes(&(0..len).collect::<Vec<u8>>()), None, "{len}");
            let len = usize::from(len);
            assert_eq!(defect_of_aes(&vec![0x44; len]), Some(KeyDefect::RepeatedByte), "{len}");
        }
        assert_eq!(defect_of_aes(&[1, 2, 3, 4, 5, 6, 7, 8]), Some(KeyDefect::Length));
    }

    #[test]
    fn repeated_and_weak() {
        assert_eq!(defect(&[0x44; 8]), Some(KeyDefect::RepeatedByte));
        assert_eq!(defect(&[0xFF; 16]), Some(KeyDefect::RepeatedByte));
        let semi_weak = [0x01, 0xFE, 0x01, 0xFE, 0x01, 0xFE, 0x01, 0xFE];
        assert_eq!(defect(&semi_weak), Some(KeyDefect::Weak));
        let good = [0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF];
        assert_eq!(defect(&[good, semi_weak].concat()), Some(KeyDefect::Weak));
    }
}
