//! The key master card and its mother authentication card (own; chapter 16): numbers and layouts.

mod key_code;
mod order;
mod report;

pub use key_code::{EnterpriseKey, KeyCode, OperatorKey};
pub use order::{
    CopyAllowance, CopyKey, ExportKey, Exported, Freshness, LoadAllowance, LoadKey, Manner, PersonaliseKeyMaster,
    PersonaliseMother, TargetKind,
};
pub use report::{KeyEntry, LifeCycle, LogEntry, LogEvent, MotherStatus, Status};

/// Length of the MAC that closes PERSONALISE, LOAD MASTER KEY and LOAD ALLOWANCE: the left bytes of a CMAC.
pub const MAC_LEN: usize = 8;
/// Length of a challenge.
pub const CHALLENGE_LEN: usize = 8;
/// Length of the cryptogram that opens the card: `AES(K_A, challenge 8 ‖ number of the key master card 8)`.
pub const CRYPTOGRAM_LEN: usize = 16;
/// Length of a key: two-key triple DES, SM4, AES-128.
pub const KEY_LEN: usize = 16;
/// What RFC 3394 adds to what it wraps.
pub const WRAP_OVERHEAD: usize = 8;
/// Length of one key or PIN in its wrapping.
pub const WRAPPED_KEY_LEN: usize = KEY_LEN + WRAP_OVERHEAD;
/// Length of `K_A ‖ K_W ‖ K_M` in their wrapping.
pub const WRAPPED_TRANSPORT_KEYS_LEN: usize = 3 * KEY_LEN + WRAP_OVERHEAD;

/// The maker's key of a blank card that wraps what it is personalised with, AES-128. Everybody knows it.
pub const MAKER_WRAP_KEY: [u8; KEY_LEN] = *b"ONECARD-KW-BLANK";
/// The maker's key of a blank card that makes the MAC of its personalisation, AES-128. Everybody knows it.
pub const MAKER_MAC_KEY: [u8; KEY_LEN] = *b"ONECARD-MAC-BLNK";

/// Tries of the PIN and of the mother card before the card locks.
pub const TRIES_MAX: u8 = 3;
/// Length of a PIN on the wire: 6 to 8 ASCII digits, padded by FF.
pub const PIN_LEN: usize = 8;
/// Fewest digits of a PIN.
pub const PIN_DIGITS_MIN: usize = 6;

/// The PIN of 6 to 8 ASCII digits as VERIFY sends it, padded by FF; `None` for anything else.
#[must_use]
pub fn padded_pin(digits: &[u8]) -> Option<[u8; PIN_LEN]> {
    let mut padded = [0xFF; PIN_LEN];
    padded.get_mut(..digits.len())?.copy_from_slice(digits);
    is_pin(&padded).then_some(padded)
}

/// Whether the bytes are 6 to 8 ASCII digits, padded by FF.
#[must_use]
pub fn is_pin(padded: &[u8; PIN_LEN]) -> bool {
    let digits = padded.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits >= PIN_DIGITS_MIN && padded.iter().skip(digits).all(|byte| *byte == 0xFF)
}

/// Keys that a key master card has room for.
pub const KEYS_MAX: usize = 96;
/// Entries of its log; the oldest is dropped.
pub const LOG_ENTRIES: u32 = 1024;

/// P2 of GET DATA: [`Status`] or [`MotherStatus`]; P1 is 00.
pub const STATUS: u8 = 0xC0;
/// P2 of GET DATA: the list of keys, [`KeyEntry`] after [`KeyEntry`]; P1 is the page, from 00.
pub const KEY_LIST: u8 = crate::ins::KEY_LIST;
/// P2 of GET DATA: the log, [`LogEntry`] after [`LogEntry`], the newest first; P1 is the page, from 00.
pub const LOG: u8 = 0xE1;

/// P1 of EXPORT COPY: a key.
pub const COPY_KEY: u8 = 0x01;
/// P1 of EXPORT COPY: a part of the allowance.
pub const COPY_ALLOWANCE: u8 = 0x02;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_has_six_to_eight_digits() {
        assert_eq!(padded_pin(b"123456"), Some(*b"123456\xFF\xFF"));
        assert_eq!(padded_pin(b"12345678"), Some(*b"12345678"));
        for wrong in [&b"12345"[..], b"123456789", b"12345a", b"", b"12345\xFF7"] {
            assert_eq!(padded_pin(wrong), None, "{wrong:?}");
        }
        assert!(!is_pin(b"123456\xFF7") && !is_pin(&[0xFF; 8]));
    }
}
