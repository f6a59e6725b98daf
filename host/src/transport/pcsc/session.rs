//! A card from one reset to the next: once it did not answer, nothing more is sent to it.

use zeroize::Zeroizing;

use super::{
    error::transport_error,
    feature::SHORT_COMMAND_MAX,
    line::{Line, LineProtocol},
};
use crate::transport::TransportError;

/// What sends commands: a PC/SC handle, or a test's.
pub(super) trait Handle {
    /// Sends `command` and writes the answer into `answer`; returns its length.
    fn send(&self, command: &[u8], answer: &mut [u8]) -> Result<usize, pcsc::Error>;
}

impl Handle for pcsc::Card {
    fn send(&self, command: &[u8], answer: &mut [u8]) -> Result<usize, pcsc::Error> {
        self.transmit(command, answer).map(<[u8]>::len)
    }
}

/// What is to be known of a card between two resets.
pub(super) struct Session {
    longest_command: usize,
    byte_by_byte: bool,
    /// Why there was no answer. The card's state is lost by it: a command sent after it would meet another card, or the same
    /// one in the middle of something else.
    ended: Option<TransportError>,
    answer: Zeroizing<Vec<u8>>,
}

impl Session {
    /// A card that has just been reset.
    pub(super) fn new(line: &Line) -> Self {
        let byte_by_byte = line.protocol == Some(LineProtocol::T0);
        let longest = line.longest_command.unwrap_or(pcsc::MAX_BUFFER_SIZE_EXTENDED);
        // T=0 knows no extended lengths; its Le is left out below.
        let longest_command = if byte_by_byte { longest.min(SHORT_COMMAND_MAX - 1) } else { longest };
        let answer = Zeroizing::new(vec![0; pcsc::MAX_BUFFER_SIZE_EXTENDED]);
        Self { longest_command, byte_by_byte, ended: None, answer }
    }

    /// Whether only a reconnection helps.
    pub(super) const fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// Sends one command, unless the session has ended.
    pub(super) fn transmit(&mut self, handle: &dyn Handle, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        if let Some(ended) = &self.ended {
            return Err(ended.clone());
        }
        let sent = if self.byte_by_byte { without_le(command) } else { command };
        if sent.len() > self.longest_command {
            return Err(TransportError::CommandTooLong { length: sent.len(), longest: self.longest_command });
        }
        match handle.send(sent, &mut self.answer) {
            // A driver whose card goes away on the way may report success and nothing.
            Ok(length) if length < STATUS_LEN => Err(self.ended.insert(TransportError::NoAnswer).clone()),
            Ok(length) => Ok(self.answer.get(..length).unwrap_or_default().to_vec()),
            Err(code) => Err(self.ended.insert(transport_error(code)).clone()),
        }
    }
}

/// Every answer ends with a status word.
const STATUS_LEN: usize = 2;

/// A command of T=0: with a data field there is no Le (ISO/IEC 7816-3 clause 12.2.1).
fn without_le(command: &[u8]) -> &[u8] {
    match command {
        [_, _, _, _, lc, body @ ..] if *lc > 0 && body.len() == usize::from(*lc) + 1 => {
            command.split_last().map_or(command, |(_le, rest)| rest)
        }
        whole => whole,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::{super::line::BitRate, *};
    use hex_literal::hex;
    use std::cell::RefCell;

    /// Answers what it is told to, and keeps what it got.
    #[derive(Default)]
    struct Fake {
        answers: RefCell<Vec<Result<Vec<u8>, pcsc::Error>>>,
        sent: RefCell<Vec<Vec<u8>>>,
    }

    impl Fake {
        fn answering(answers: impl IntoIterator<Item = Result<Vec<u8>, pcsc::Error>>) -> Self {
            let mut answers: Vec<_> = answers.into_iter().collect();
            answers.reverse();
            Self { answers: RefCell::new(answers), sent: RefCell::default() }
        }
    }

    impl Handle for Fake {
        fn send(&self, command: &[u8], answer: &mut [u8]) -> Result<usize, pcsc::Error> {
            self.sent.borrow_mut().push(command.to_vec());
            let bytes = self.answers.borrow_mut().pop().unwrap()?;
            answer[..bytes.len()].copy_from_slice(&bytes);
            Ok(bytes.len())
        }
    }

    fn session(protocol: LineProtocol, longest_command: Option<usize>) -> Session {
        Session::new(&Line { atr: Vec::new(), protocol: Some(protocol), bit_rate: BitRate::Unknown, longest_command })
    }

    #[test]
    fn a_session_that_ended_stays_ended() {
        let codes = [
            pcsc::Error::ResetCard,
            pcsc::Error::RemovedCard,
            pcsc::Error::NotTransacted,
            pcsc::Error::ReaderUnavailable,
            pcsc::Error::ServiceStopped,
        ];
        for code in codes {
            let mut session = session(LineProtocol::T1, None);
            let handle = Fake::answering([Ok(vec![0x90, 0x00]), Err(code), Ok(vec![0x90, 0x00])]);
            assert_eq!(session.transmit(&handle, &hex!("00840000 04")).unwrap(), [0x90, 0x00]);
            let error = session.transmit(&handle, &hex!("805C000204")).unwrap_err();
            assert!(session.has_ended() && !error.is_unsent());
            // What would meet the card in another state is not sent.
            assert_eq!(session.transmit(&handle, &hex!("805400000F")), Err(error));
            assert_eq!(handle.sent.borrow().len(), 2, "{code:?}");
        }
    }

    #[test]
    fn success_without_a_status_word_is_no_answer() {
        for answer in [vec![], vec![0x90]] {
            let mut session = session(LineProtocol::T1, None);
            let handle = Fake::answering([Ok(answer)]);
            assert_eq!(session.transmit(&handle, &hex!("805400000F")), Err(TransportError::NoAnswer));
            assert!(session.has_ended());
        }
    }

    #[test]
    fn a_command_too_long_is_not_sent_and_ends_nothing() {
        let handle = Fake::answering([Ok(vec![0x90, 0x00]), Ok(vec![0x90, 0x00])]);
        let mut session = session(LineProtocol::T1, Some(261));
        let long = [0x5A; 262];
        let error = session.transmit(&handle, &long).unwrap_err();
        assert_eq!(error, TransportError::CommandTooLong { length: 262, longest: 261 });
        assert!(error.is_unsent() && !session.has_ended() && handle.sent.borrow().is_empty());
        session.transmit(&handle, &long[..261]).unwrap();
        assert_eq!(handle.sent.borrow().len(), 1);
    }

    #[test]
    fn an_answer_may_be_of_extended_length() {
        let answer = vec![0x42; 65_538];
        let handle = Fake::answering([Ok(answer.clone())]);
        let sent = session(LineProtocol::T1, Some(65_544)).transmit(&handle, &hex!("00B0000000 0000"));
        assert!(sent.unwrap() == answer);
    }

    #[test]
    fn t0_has_no_le_behind_data() {
        let cases = [
            (&hex!("00A40000023F0000")[..], &hex!("00A40000023F00")[..]),
            (&hex!("00A40000023F00"), &hex!("00A40000023F00")),
            (&hex!("805C000204"), &hex!("805C000204")),
            (&hex!("800E000000"), &hex!("800E000000")),
            (&hex!("00840000"), &hex!("00840000")),
        ];
        for (command, expected) in cases {
            for (protocol, expected) in [(LineProtocol::T0, expected), (LineProtocol::T1, command)] {
                let handle = Fake::answering([Ok(vec![0x90, 0x00])]);
                session(protocol, None).transmit(&handle, command).unwrap();
                assert_eq!(handle.sent.borrow()[0], expected, "{protocol:?}");
            }
        }
        let handle = Fake::default();
        let error = session(LineProtocol::T0, Some(65_544)).transmit(&handle, &[0x5A; 261]).unwrap_err();
        assert_eq!(error, TransportError::CommandTooLong { length: 261, longest: 260 });
    }
}
