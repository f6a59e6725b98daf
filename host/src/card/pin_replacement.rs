//! CHANGE PIN, RELOAD PIN and PIN UNBLOCK (FMCOS 2.0 user manual p. 83 to 88).

use onecard_wire::{ins, number::ApplicationSerial, status::StatusWord};
use zeroize::Zeroizing;

use super::{Pin, Selected};
use crate::{
    apdu::{Command, CommandName, DataTooLong, ExchangeError, Refusal, exchange},
    crypto::{Key, LineKey},
    line_protection::{Challenge, ChallengeError, ProtectError, challenge, enciphered},
    transport::Transport,
};

/// CHANGE PIN, by the holder: `80 5E 01 00`, old ‖ FF ‖ new. A wrong old PIN counts as a try.
///
/// # Errors
/// [`PinReplacementError`].
pub fn change_pin<T: Transport + ?Sized>(
    transport: &mut T,
    card: &Selected,
    old: &Pin,
    new: &Pin,
) -> Result<(), PinReplacementError> {
    const CHANGE: u8 = 0x01;
    let serial = card.serial();
    let data = Zeroizing::new([old.expose(), &[0xFF], new.expose()].concat());
    let command = Command::new(ins::CLA_PBOC, ins::CHANGE_OR_RELOAD_PIN, CHANGE, 0x00).with_bytes(&data);
    let command = command.map_err(|source| PinReplacementError::TooLong { serial, source })?;
    send(transport, serial, CommandName::Verify, &command)
}

/// RELOAD PIN, by the issuer: [`reload_command`]. There is no challenge in it: whoever hears it can send it again later, so
/// it belongs to a station alone.
///
/// # Errors
/// [`PinReplacementError`].
pub fn reload_pin<T: Transport + ?Sized>(
    transport: &mut T,
    card: &Selected,
    new: &Pin,
    reload_key: &Key,
) -> Result<(), PinReplacementError> {
    let serial = card.serial();
    let command = reload_command(new, reload_key);
    let command = command.map_err(|source| PinReplacementError::TooLong { serial, source })?;
    send(transport, serial, CommandName::ReplacePin, &command)
}

/// PIN UNBLOCK, by the issuer: [`unblock_command`].
///
/// # Errors
/// [`PinReplacementError`].
pub fn unblock_pin<T: Transport + ?Sized>(
    transport: &mut T,
    card: &Selected,
    new: &Pin,
    unblock_key: &LineKey,
) -> Result<(), PinReplacementError> {
    let serial = card.serial();
    let challenge = challenge(transport).map_err(|error| match error {
        ChallengeError::Refused(status) => PinReplacementError::refused(serial, CommandName::GetChallenge, status),
        ChallengeError::Exchange(source) => PinReplacementError::Exchange { serial, source },
    })?;
    let command = unblock_command(new, challenge, unblock_key);
    let command = command.map_err(|source| PinReplacementError::TooLong { serial, source })?;
    send(transport, serial, CommandName::ReplacePin, &command)
}

/// `80 5E 00 00`, the PIN and its MAC by the key of type 38, over the PIN alone and with IV 0: single DES under the folded
/// key, SM4 and AES (own) under the whole.
///
/// # Errors
/// [`DataTooLong`] for no PIN that [`Pin`] makes.
pub fn reload_command(new: &Pin, reload_key: &Key) -> Result<Command, DataTooLong> {
    const RELOAD: u8 = 0x00;
    let mac = reload_key.folded_mac(new.expose());
    let data = Zeroizing::new([new.expose(), &mac].concat());
    Command::new(ins::CLA_PBOC, ins::CHANGE_OR_RELOAD_PIN, RELOAD, 0x00).with_bytes(&data)
}

/// `84 24 00 00`, the PIN enciphered and MACed by the key of type 37.
///
/// # Errors
/// [`DataTooLong`] for no PIN that [`Pin`] makes.
pub fn unblock_command(new: &Pin, challenge: Challenge, unblock_key: &LineKey) -> Result<Command, DataTooLong> {
    let command = Command::new(ins::CLA_PBOC_SM, ins::PIN_UNBLOCK, 0x00, 0x00).with_bytes(new.expose())?;
    enciphered(&command, challenge, unblock_key).map_err(|error| match error {
        ProtectError::TooLong(too_long) => too_long,
    })
}

/// Why the PIN is still the old one.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PinReplacementError {
    /// The card refused.
    #[error("card {serial}: the PIN is not replaced, the card answered {refusal}")]
    Refused {
        /// The card.
        serial: ApplicationSerial,
        /// Its answer.
        refusal: Refusal,
    },
    /// No command carries it.
    #[error("card {serial}: the PIN is not replaced")]
    TooLong {
        /// The card.
        serial: ApplicationSerial,
        /// How long it is.
        source: DataTooLong,
    },
    /// No answer: either PIN may be the card's now.
    #[error("card {serial}: no answer, the PIN may be the old or the new one: verify the new one first")]
    Exchange {
        /// The card.
        serial: ApplicationSerial,
        /// What happened.
        source: ExchangeError,
    },
}

impl PinReplacementError {
    fn refused(serial: ApplicationSerial, command: CommandName, status: StatusWord) -> Self {
        Self::Refused { serial, refusal: Refusal { command, status } }
    }
}

fn send<T: Transport + ?Sized>(
    transport: &mut T,
    serial: ApplicationSerial,
    name: CommandName,
    command: &Command,
) -> Result<(), PinReplacementError> {
    let response = exchange(transport, command).map_err(|source| PinReplacementError::Exchange { serial, source })?;
    let refused = |status| PinReplacementError::refused(serial, name, status);
    response.done().map(drop).map_err(refused)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{card::select::sample, crypto::DesKey, transport::Scripted};
    use hex_literal::hex;

    #[test]
    fn change_puts_ff_between_the_pins() {
        let (old, new) = (Pin::from_digits("123456").unwrap(), Pin::from_digits("4321").unwrap());
        let mut card = Scripted::new(&[(&hex!("805E010006 123456FF4321"), &hex!("63C1"))]);
        let refused = PinReplacementError::refused(sample().serial(), CommandName::Verify, StatusWord(0x63C1));
        assert_eq!(change_pin(&mut card, &sample(), &old, &new), Err(refused));
    }

    #[test]
    fn unblock_enciphers_as_the_manual_prints() {
        // FMCOS 2.0 user manual p. 83: PIN 44332211, whose key was found to be 44 × 8. Its MAC cannot be checked: the
        // challenge is not printed.
        let key = LineKey::from(DesKey::from_bytes([0x44; 8]));
        let command = unblock_command(&Pin::from_digits("44332211").unwrap(), Challenge([0; 8]), &key).unwrap();
        assert_eq!(command.header(), hex!("84240000"));
        assert_eq!(command.data().first_chunk(), Some(&hex!("F397B1FD0CD1747A")));
        assert_eq!(command.data().len(), 12);
    }
}
