//! One command, one whole answer.

use onecard_wire::{ins, status::StatusWord};

use super::{Command, Response};
use crate::transport::{Transport, TransportError};

/// Sends `command` and returns the whole answer (ISO/IEC 7816-3 clause 12.2).
///
/// 61xx is followed by GET RESPONSE in the interindustry class and the command's logical channel, as FMCOS writes it
/// (`00 C0`), until all data are here. 6Cxx is followed, once, by the same command with the right Le: the card says by it
/// that it has not executed the command, so this is safe for a debit too. Every other word is the caller's to judge.
///
/// # Errors
/// [`ExchangeError`]: the card may or may not have executed the command.
pub fn exchange<T: Transport + ?Sized>(transport: &mut T, command: &Command) -> Result<Response, ExchangeError> {
    let mut response = transmit(transport, &command.to_bytes())?;
    if let Some(length) = second_byte(response.status, 0x6C) {
        response = transmit(transport, &command.clone().expecting(length).to_bytes())?;
    }
    let [cla, ..] = command.header();
    whole(transport, cla, response)
}

/// The same for a command that is protected as a whole and goes out as it is, once.
///
/// # Errors
/// [`ExchangeError`].
pub(crate) fn exchange_bytes<T: Transport + ?Sized>(
    transport: &mut T,
    command: &[u8],
) -> Result<Response, ExchangeError> {
    let response = transmit(transport, command)?;
    whole(transport, command.first().copied().unwrap_or_default(), response)
}

/// Why there is no answer to judge.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ExchangeError {
    /// No answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Not an answer: no status word, or 61xx without end.
    #[error("what came back ({0} bytes) is not a card's answer: present the same card again, or check the reader")]
    Malformed(usize),
}

/// Bits of CLA that name the logical channel, 0 to 3.
const LOGICAL_CHANNEL: u8 = 0x03;
/// A file of 64 KiB would come in 256 answers; no answer of a one-card is longer than two.
const CHAINED_ANSWERS_MAX: usize = 16;

/// Fetches what `response` announces.
fn whole<T: Transport + ?Sized>(transport: &mut T, cla: u8, mut response: Response) -> Result<Response, ExchangeError> {
    let mut data = core::mem::take(&mut response.data);
    for _ in 0..CHAINED_ANSWERS_MAX {
        let Some(length) = second_byte(response.status, 0x61) else {
            return Ok(Response { data, status: response.status });
        };
        let more = Command::new(cla & LOGICAL_CHANNEL, ins::GET_RESPONSE, 0, 0).expecting(length);
        response = transmit(transport, &more.to_bytes())?;
        data.append(&mut response.data);
    }
    Err(ExchangeError::Malformed(data.len()))
}

fn transmit<T: Transport + ?Sized>(transport: &mut T, command: &[u8]) -> Result<Response, ExchangeError> {
    let bytes = transport.transmit(command)?;
    let length = bytes.len();
    Response::parse(bytes).ok_or(ExchangeError::Malformed(length))
}

fn second_byte(status: StatusWord, first: u8) -> Option<u8> {
    let [high, low] = status.to_bytes();
    (high == first).then_some(low)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::transport::Scripted;
    use hex_literal::hex;

    /// Answers everything with the same bytes.
    struct Always(&'static [u8]);

    impl Transport for Always {
        fn transmit(&mut self, _command: &[u8]) -> Result<Vec<u8>, TransportError> {
            Ok(self.0.to_vec())
        }
    }

    #[test]
    fn sixty_one_fetches_the_rest() {
        let mut card = Scripted::new(&[
            (&hex!("805C000204"), &hex!("6102")),
            (&hex!("00C0000002"), &hex!("0000 6102")),
            (&hex!("00C0000002"), &hex!("0102 9000")),
        ]);
        let response = exchange(&mut card, &Command::new(0x80, 0x5C, 0, 2).expecting(4)).unwrap();
        assert_eq!((response.data, response.status), (vec![0, 0, 1, 2], StatusWord::OK));
        card.finish();
    }

    #[test]
    fn six_c_repeats_once_with_the_right_length() {
        let mut card = Scripted::new(&[(&hex!("00B201C400"), &hex!("6C17")), (&hex!("00B201C417"), &hex!("6C17"))]);
        let response = exchange(&mut card, &Command::new(0, 0xB2, 1, 0xC4).expecting(0)).unwrap();
        assert_eq!(response.status, StatusWord(0x6C17));
        card.finish();
    }

    #[test]
    fn an_endless_or_empty_answer_is_malformed() {
        let command = Command::new(0, 0x84, 0, 0).expecting(4);
        let endless = exchange(&mut Always(&[1, 0x61, 1]), &command);
        assert_eq!(endless, Err(ExchangeError::Malformed(CHAINED_ANSWERS_MAX + 1)));
        assert_eq!(exchange(&mut Always(&[0x90]), &command), Err(ExchangeError::Malformed(1)));
    }
}
