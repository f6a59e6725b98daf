//! Line protection (线路保护): commands with a MAC, or enciphered with a MAC (FMCOS 2.0 user manual p. 135 to 139).

use core::convert::Infallible;

use onecard_wire::ins::{self, CLA_SM_BIT};
use zeroize::Zeroizing;

use crate::{
    apdu::{Command, DataTooLong, ExchangeError, exchange},
    crypto::{LineKey, MAC_LEN, macs_equal, padding},
    sam::{CardFactors, Sam, SamError},
    transport::Transport,
};

/// The block a line-protection MAC starts from: the card's random. SM4 and AES (own) take zeros behind it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Challenge(pub padding::Block);

impl Challenge {
    /// From the 4 random bytes of GET CHALLENGE, zeros behind them.
    #[must_use]
    pub const fn from_random([a, b, c, d]: [u8; 4]) -> Self {
        Self([a, b, c, d, 0, 0, 0, 0])
    }
}

/// GET CHALLENGE, 4 bytes: good for the next command alone.
///
/// # Errors
/// [`ChallengeError`].
pub fn challenge<T: Transport + ?Sized>(transport: &mut T) -> Result<Challenge, ChallengeError> {
    let response = exchange(transport, &Command::new(ins::CLA_ISO, ins::GET_CHALLENGE, 0, 0).expecting(4))?;
    let data = response.done().map_err(ChallengeError::Refused)?;
    let length = data.len();
    data.try_into().map(Challenge::from_random).map_err(|_| ChallengeError::Exchange(ExchangeError::Malformed(length)))
}

/// Why there is no challenge.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ChallengeError {
    /// The card is blocked, most likely.
    #[error("the card gives no challenge, it answered {0}: if it is blocked, send it to the service desk")]
    Refused(onecard_wire::status::StatusWord),
    /// No answer.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
}

/// Whoever makes a line-protection MAC: a key in hand, or a SAM that shows none.
pub trait LineMac {
    /// Why no MAC was made.
    type Error;

    /// The MAC of `message`, unpadded, from `initial`.
    ///
    /// # Errors
    /// The keeper's own; a key in hand has none.
    fn line_mac(&mut self, initial: padding::Block, message: &[u8]) -> Result<[u8; MAC_LEN], Self::Error>;
}

impl LineMac for LineKey {
    type Error = Infallible;

    fn line_mac(&mut self, initial: padding::Block, message: &[u8]) -> Result<[u8; MAC_LEN], Infallible> {
        Ok(self.mac(initial, message))
    }
}

/// A SAM that keeps the maintenance key of one card.
pub struct MaintenanceSam<'s, S: Sam + ?Sized> {
    /// The keeper.
    pub sam: &'s mut S,
    /// Whose key.
    pub card: CardFactors,
}

impl<S: Sam + ?Sized> LineMac for MaintenanceSam<'_, S> {
    type Error = SamError;

    fn line_mac(&mut self, initial: padding::Block, message: &[u8]) -> Result<[u8; MAC_LEN], SamError> {
        self.sam.maintenance_mac(self.card, initial, message)
    }
}

/// `command` with a MAC behind its data: CLA gains 04, Lc counts the MAC.
///
/// # Errors
/// [`ProtectError::Keeper`] if no MAC was made, [`ProtectError::TooLong`] if there is no room for it.
pub fn with_mac<M: LineMac + ?Sized>(
    command: &Command,
    challenge: Challenge,
    keeper: &mut M,
) -> Result<Command, ProtectError<M::Error>> {
    let [cla, ins, p1, p2] = command.header();
    let data = command.data();
    let lc = u8::try_from(data.len() + MAC_LEN).map_err(|_| DataTooLong(data.len() + MAC_LEN))?;
    let mut message = Zeroizing::new(vec![cla | CLA_SM_BIT, ins, p1, p2, lc]);
    message.extend_from_slice(data);
    let mac = keeper.line_mac(challenge.0, &message).map_err(ProtectError::Keeper)?;
    let protected = Zeroizing::new([data, &mac].concat());
    let sent = Command::new(cla | CLA_SM_BIT, ins, p1, p2).with_bytes(&protected)?;
    Ok(match command.expected() {
        Some(le) => sent.expecting(le),
        None => sent,
    })
}

/// `command` with its data enciphered, then a MAC over the cipher: length ‖ data, padded only if not whole blocks of the
/// key's cipher, in ECB.
///
/// # Errors
/// [`ProtectError::TooLong`].
pub fn enciphered(command: &Command, challenge: Challenge, key: &LineKey) -> Result<Command, ProtectError<Infallible>> {
    enciphered_by(command, challenge, key, &mut key.clone())
}

/// The same with a MAC by `keeper`, which may start from another block than the challenge.
pub(crate) fn enciphered_by<M: LineMac + ?Sized>(
    command: &Command,
    challenge: Challenge,
    key: &LineKey,
    keeper: &mut M,
) -> Result<Command, ProtectError<M::Error>> {
    let data = command.data();
    let length = u8::try_from(data.len()).map_err(|_| DataTooLong(data.len()))?;
    let plain = Zeroizing::new([&[length], data].concat());
    let cipher = key.encipher(&plain);
    let [cla, ins, p1, p2] = command.header();
    with_mac(&Command::new(cla, ins, p1, p2).with_bytes(&cipher)?, challenge, keeper)
}

/// Takes the MAC off the answer to a read with MAC; it starts from the same challenge as the command's.
///
/// # Errors
/// [`AnswerError`].
pub fn verified_answer<M: LineMac + ?Sized>(
    mut answer: Vec<u8>,
    challenge: Challenge,
    keeper: &mut M,
) -> Result<Vec<u8>, AnswerError<M::Error>> {
    let mac = *answer.last_chunk::<MAC_LEN>().ok_or(AnswerError::TooShort(answer.len()))?;
    answer.truncate(answer.len() - MAC_LEN);
    let expected = keeper.line_mac(challenge.0, &answer).map_err(AnswerError::Keeper)?;
    if macs_equal(mac, expected) { Ok(answer) } else { Err(AnswerError::WrongMac) }
}

/// What an enciphered answer says: length ‖ data, padded only if not whole blocks. Its MAC is taken off before.
///
/// # Errors
/// [`WrongPadding`].
pub fn deciphered_answer(cipher: &[u8], key: &LineKey) -> Result<Zeroizing<Vec<u8>>, WrongPadding> {
    let plain = key.decipher(cipher).ok_or(WrongPadding)?;
    let (length, padded) = plain.split_first().ok_or(WrongPadding)?;
    let (data, padding) = padded.split_at_checked(usize::from(*length)).ok_or(WrongPadding)?;
    let right = match padding {
        [] => true,
        [0x80, zeros @ ..] => padding.len() < key.block_len() && zeros.iter().all(|byte| *byte == 0),
        _ => false,
    };
    if !right {
        return Err(WrongPadding);
    }
    Ok(Zeroizing::new(data.to_vec()))
}

/// Why a command was not protected. Nothing was sent.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProtectError<E> {
    /// Too many data.
    #[error(transparent)]
    TooLong(#[from] DataTooLong),
    /// No MAC.
    #[error("no MAC was made")]
    Keeper(#[source] E),
}

/// Why an answer is not believed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AnswerError<E> {
    /// Shorter than a MAC.
    #[error("the answer has {0} bytes, too few for a MAC")]
    TooShort(usize),
    /// The MAC is not the card's.
    #[error("the answer's MAC is wrong: not a genuine card of this enterprise, or its answer was changed")]
    WrongMac,
    /// No MAC to compare with.
    #[error("no MAC was made to compare with")]
    Keeper(#[source] E),
}

/// The length or the padding under the cipher is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the enciphered answer does not decipher: wrong key, or it was not enciphered")]
pub struct WrongPadding;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::crypto::{DesKey, Key};
    use hex_literal::hex;

    #[test]
    fn update_binary_that_a_card_accepted() {
        // ISSUE: FM1208, key 36 = 36 × 16, challenge A3BBCFC8, answered 9000.
        let mut key = LineKey::from(Key::from_bytes([0x36; 16]));
        let content = hex!("000122000001FFFF01010000220000000000000620160101205012310000");
        let command = Command::new(0x00, 0xD6, 0x95, 0x00).with_data(&content);
        let sent = with_mac(&command, Challenge::from_random(hex!("A3BBCFC8")), &mut key).unwrap();
        assert_eq!(
            sent.to_bytes()[..],
            hex!("04D6950022 000122000001FFFF01010000220000000000000620160101205012310000 96E32EF1")
        );
    }

    #[test]
    fn sam_key_load_with_unequal_halves() {
        // Published PSAM key load.
        let key = LineKey::from(Key::from_bytes(hex!("00112233445566778899AABBCCDDEEFF")));
        let body = hex!("22000000112233445566778899AABBCCDDEEFF");
        let command = Command::new(0x84, 0xD4, 0, 0).with_data(&body);
        let sent = enciphered(&command, Challenge::from_random(hex!("5D72B3FD")), &key).unwrap();
        assert_eq!(sent.to_bytes()[..], hex!("84D400001C DCC0BB5793ABFCA2CA8C1624822F6E01A86A0B5CBED191DD 8A9D4ADB"));
    }

    #[test]
    fn key_write_under_a_single_des_key() {
        // "robur": FM1208, protecting key FF × 8.
        let key = LineKey::from(DesKey::TRANSPORT);
        let command = Command::new(0x80, 0xD4, 0x01, 0x02).with_data(&hex!("F9F0F0AAFF1122334455667788"));
        let sent = enciphered(&command, Challenge::from_random(hex!("4C45BAB9")), &key).unwrap();
        assert_eq!(sent.to_bytes()[..], hex!("84D4010214 7C87BC23140021B3AFEA67E6359DDCFE D7C943F6"));
    }

    #[test]
    fn an_enciphered_answer_says_how_long_it_is() {
        // The record of the manual's UPDATE RECORD example (user manual p. 66), whose key was found to be 44 × 8.
        let key = LineKey::from(DesKey::from_bytes([0x44; 8]));
        let cipher = hex!("A5DFE4940B63DC35471ED8A8CD098843");
        assert_eq!(deciphered_answer(&cipher, &key).unwrap()[..], hex!("0102030405060708090A0B0C"));
        // Exactly whole blocks carry no padding (p. 64).
        let cipher = hex!("19479307DF791D7F");
        assert_eq!(deciphered_answer(&cipher, &key).unwrap()[..], hex!("01020304050607"));
        for wrong in [&cipher[..7], &[], &[0x55; 8], &[0; 16]] {
            assert_eq!(deciphered_answer(wrong, &key), Err(WrongPadding));
        }
    }

    #[test]
    fn read_with_mac_both_ways() {
        // FM1208-09, captured values: command and answer under one challenge.
        let mut key = LineKey::from(Key::from_bytes([0xFF; 16]));
        let challenge = Challenge::from_random(hex!("D0FE4FB9"));
        let command = Command::new(0x00, 0xB0, 0, 0).expecting(16);
        let sent = with_mac(&command, challenge, &mut key).unwrap();
        assert_eq!(sent.to_bytes()[..], hex!("04B0000004 F09C8A19 10"));
        let answer = hex!("11223344556677889900AABBCCDDEEFF 8D318577").to_vec();
        assert_eq!(verified_answer(answer.clone(), challenge, &mut key).unwrap(), answer[..16]);
        let mut changed = answer;
        changed[3] ^= 1;
        assert_eq!(verified_answer(changed, challenge, &mut key), Err(AnswerError::WrongMac));
        assert_eq!(verified_answer(vec![1, 2, 3], challenge, &mut key), Err(AnswerError::TooShort(3)));
    }
}
