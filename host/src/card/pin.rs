//! VERIFY PIN (FMCOS 2.0 user manual p. 70).

use core::fmt;

use onecard_wire::{ins, key_master::ExportKey, number::ApplicationSerial, status::StatusWord};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::Selected;
use crate::{
    apdu::{Command, CommandName, ExchangeError, Refusal, exchange},
    transport::Transport,
};

/// A PIN of 4 to 12 decimal digits, two a byte, an odd last one followed by F.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Pin(Zeroizing<Vec<u8>>);

impl Pin {
    /// From its digits.
    ///
    /// # Errors
    /// [`PinTextError`].
    pub fn from_digits(digits: &str) -> Result<Self, PinTextError> {
        if !(4..=12).contains(&digits.len()) || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(PinTextError);
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(digits.len().div_ceil(2)));
        bytes.extend(digits.as_bytes().chunks(2).map(|pair| match pair {
            [high, low] => (high - b'0') << 4 | (low - b'0'),
            [high, ..] => (high - b'0') << 4 | 0x0F,
            [] => 0xFF,
        }));
        Ok(Self(bytes))
    }

    /// Whether a key store makes a body of it: no more than 6 digits (specification 16.6.8).
    #[must_use]
    pub fn fits_key_store(&self) -> bool {
        ExportKey::PIN_LEN.contains(&self.expose().len())
    }

    /// 2 to 6 bytes, as VERIFY and WRITE KEY carry them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for Pin {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Pin {}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(..)")
    }
}

/// Not a PIN. The text is not repeated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a PIN has 4 to 12 decimal digits")]
pub struct PinTextError;

/// Verifies the holder's PIN: opens the load with PIN, the ED and the files that ask for it.
///
/// # Errors
/// [`PinError`].
pub fn verify_pin<T: Transport + ?Sized>(transport: &mut T, card: &Selected, pin: &Pin) -> Result<(), PinError> {
    let serial = card.serial();
    let exchange_failed = |source| PinError::Exchange { serial, source };
    let command = Command::new(ins::CLA_ISO, ins::VERIFY, 0, 0)
        .with_bytes(pin.expose())
        .map_err(|_| PinError::Refused { serial, status: StatusWord::WRONG_LENGTH })?;
    let status = exchange(transport, &command).map_err(exchange_failed)?.status;
    match (status, status.tries()) {
        (StatusWord::OK, _) => Ok(()),
        (_, Some(0)) | (StatusWord::AUTHENTICATION_BLOCKED, _) => Err(PinError::Blocked { serial }),
        (_, Some(tries_left)) => Err(PinError::Wrong { serial, tries_left }),
        _ => Err(PinError::Refused { serial, status }),
    }
}

/// Why the PIN is not verified.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PinError {
    /// 63Cx.
    #[error("card {serial}: the PIN is wrong, {tries_left} tries are left: have the holder enter it again")]
    Wrong {
        /// The card.
        serial: ApplicationSerial,
        /// How often it may still be tried.
        tries_left: u8,
    },
    /// 63C0 or 6983.
    #[error("card {serial}: the PIN is blocked: send the holder to the service desk")]
    Blocked {
        /// The card.
        serial: ApplicationSerial,
    },
    /// Another word.
    #[error("card {serial}: the card answered {} to the PIN: send the holder to the service desk",
        Refusal { command: CommandName::Verify, status: *.status })]
    Refused {
        /// The card.
        serial: ApplicationSerial,
        /// Its answer.
        status: StatusWord,
    },
    /// No answer: the try may have been counted.
    #[error("card {serial}: no answer to the PIN, which may count as a try")]
    Exchange {
        /// The card.
        serial: ApplicationSerial,
        /// What happened.
        source: ExchangeError,
    },
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::transport::Scripted;
    use hex_literal::hex;

    #[test]
    fn digits_are_packed_and_not_printed() {
        assert_eq!(Pin::from_digits("123456").unwrap().expose(), hex!("123456"));
        assert_eq!(Pin::from_digits("12345").unwrap().expose(), hex!("12345F"));
        for wrong in ["123", "1234567890123", "12a4", "１２３４"] {
            assert_eq!(Pin::from_digits(wrong), Err(PinTextError), "{wrong}");
        }
        assert_eq!(format!("{:?}", Pin::from_digits("123456").unwrap()), "Pin(..)");
    }

    #[test]
    fn wrong_and_blocked_are_told_apart() {
        let card = super::super::select::sample();
        let serial = card.serial();
        let verify = |answer: [u8; 2]| {
            let mut transport = Scripted::new(&[(&hex!("0020000003123456"), &answer)]);
            verify_pin(&mut transport, &card, &Pin::from_digits("123456").unwrap())
        };
        assert_eq!(verify(hex!("9000")), Ok(()));
        assert_eq!(verify(hex!("63C2")), Err(PinError::Wrong { serial, tries_left: 2 }));
        assert_eq!(verify(hex!("63C0")), Err(PinError::Blocked { serial }));
        assert_eq!(verify(hex!("6983")), Err(PinError::Blocked { serial }));
    }
}
