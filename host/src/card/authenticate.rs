//! EXTERNAL and INTERNAL AUTHENTICATE (FMCOS 2.0 user manual p. 51 to 55).

use onecard_wire::{ins, number::ApplicationSerial, status::StatusWord};

use super::Selected;
use crate::{
    apdu::{Command, CommandName, ExchangeError, Refusal, exchange},
    crypto::{Cryptogram, LineKey, padding::Block},
    line_protection::{Challenge, ChallengeError, challenge},
    transport::Transport,
};

/// EXTERNAL AUTHENTICATE by key 39 `key_id`: the challenge enciphered, 8 bytes, of SM4 and AES (own) 16. The card then is in
/// the key's follow-up state.
#[must_use]
pub fn external_authentication(key_id: u8, challenge: Challenge, key: &LineKey) -> Command {
    let command = Command::new(ins::CLA_ISO, ins::EXTERNAL_AUTHENTICATE, 0x00, key_id);
    match key.external_cryptogram(challenge.0) {
        Cryptogram::Eight(block) => command.with_data(&block),
        Cryptogram::Sixteen(block) => command.with_data(&block),
    }
}

/// Shows `card` that the terminal holds key 39 `key_id` (the reading key is 01).
///
/// # Errors
/// [`AuthenticateError`]; a wrong key counts as one of its tries.
pub fn external_authenticate<T: Transport + ?Sized>(
    transport: &mut T,
    card: &Selected,
    key_id: u8,
    key: &LineKey,
) -> Result<(), AuthenticateError> {
    let serial = card.serial();
    let command = CommandName::ExternalAuthenticate;
    let challenge = challenge(transport).map_err(|error| match error {
        ChallengeError::Refused(status) => {
            let refusal = Refusal { command: CommandName::GetChallenge, status };
            AuthenticateError::Refused { serial, refusal }
        }
        ChallengeError::Exchange(source) => AuthenticateError::Exchange { serial, source },
    })?;
    send(transport, serial, command, &external_authentication(key_id, challenge, key)).map(drop)
}

/// Has `card` encipher 8 fresh random bytes by key 30 `key_id` (of SM4 and AES padded to 16, own): a genuine card of this
/// enterprise can, an emulator that answers 9000 to everything cannot.
///
/// # Errors
/// [`AuthenticateError::NotGenuine`] if the answer is not the key's.
pub fn internal_authenticate<T: Transport + ?Sized>(
    transport: &mut T,
    card: &Selected,
    key_id: u8,
    key: &LineKey,
    random: Block,
) -> Result<(), AuthenticateError> {
    const ENCIPHER: u8 = 0x00;
    let serial = card.serial();
    let expected = key.internal_cryptogram(random);
    let command = Command::new(ins::CLA_ISO, ins::INTERNAL_AUTHENTICATE, ENCIPHER, key_id).with_data(&random);
    let answer = send(transport, serial, CommandName::InternalAuthenticate, &command.expecting(expected.le()))?;
    if expected.is(&answer) { Ok(()) } else { Err(AuthenticateError::NotGenuine { serial }) }
}

/// Why nobody was authenticated.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AuthenticateError {
    /// The cryptogram is wrong.
    #[error("card {serial} did not authenticate itself: not a genuine card of this enterprise")]
    NotGenuine {
        /// The card it says it is.
        serial: ApplicationSerial,
    },
    /// The card refused.
    #[error(
        "card {serial}: no authentication, the card answered {refusal}: check the key, or send it to the service desk"
    )]
    Refused {
        /// The card.
        serial: ApplicationSerial,
        /// Its answer.
        refusal: Refusal,
    },
    /// No answer.
    #[error("card {serial}: no answer to the authentication")]
    Exchange {
        /// The card.
        serial: ApplicationSerial,
        /// What happened.
        source: ExchangeError,
    },
}

fn send<T: Transport + ?Sized>(
    transport: &mut T,
    serial: ApplicationSerial,
    name: CommandName,
    command: &Command,
) -> Result<Vec<u8>, AuthenticateError> {
    let response = exchange(transport, command).map_err(|source| AuthenticateError::Exchange { serial, source })?;
    let refused =
        |status: StatusWord| AuthenticateError::Refused { serial, refusal: Refusal { command: name, status } };
    response.done().map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{card::select::sample, crypto::DesKey, transport::Scripted};
    use hex_literal::hex;

    #[test]
    fn external_authentication_of_a_real_card() {
        // Published exchange with a card as sold: AFE9CD6F answered by 6233F9C8BFBEB899.
        let mut card = Scripted::new(&[
            (&hex!("0084000004"), &hex!("AFE9CD6F 9000")),
            (&hex!("0082000008 6233F9C8BFBEB899"), &hex!("9000")),
        ]);
        assert_eq!(external_authenticate(&mut card, &sample(), 0, &DesKey::TRANSPORT.into()), Ok(()));
        card.finish();
    }

    #[test]
    fn only_the_keys_own_cryptogram_is_genuine() {
        // FMCOS 2.0 user manual p. 55, example 1.
        let key = LineKey::from(DesKey::from_bytes(hex!("1122334455667788")));
        let ask = hex!("0088000108 0102030405060708 08");
        let authenticate = |answer: &[u8]| {
            let mut card = Scripted::new(&[(&ask, answer)]);
            internal_authenticate(&mut card, &sample(), 1, &key, hex!("0102030405060708"))
        };
        let not_genuine = Err(AuthenticateError::NotGenuine { serial: sample().serial() });
        assert_eq!(authenticate(&hex!("178F59F8578E0D3F 9000")), Ok(()));
        assert_eq!(authenticate(&hex!("178F59F8578E0D3E 9000")), not_genuine);
        assert_eq!(authenticate(&hex!("9000")), not_genuine);
    }
}
