//! T=0 as a card speaks it (ISO/IEC 7816-3 clause 10.3 and 12.2): data go one way only in each command.
//!
//! ```text
//! terminal                         card
//! 80 50 01 02 0B … (data)  ──►     61 0F           executed; 15 bytes wait
//! 00 C0 00 00 0F           ──►     … 90 00
//! 80 5C 00 02 00           ──►     6C 04           the right length
//! 80 5C 00 02 04           ──►     … 90 00
//! ```

use onecard_wire::{ins, status::StatusWord, uicc::CLA_2G};

/// SW1 that says how much waits for GET RESPONSE.
const MORE: u8 = 0x61;
/// The same to a command of class A0 (TS 51.011 clause 9.4.1).
const MORE_2G: u8 = 0x9F;

/// What a card in T=0 keeps between two commands.
#[derive(Default, Debug)]
pub struct T0 {
    waiting: Waiting,
}

#[derive(Default, Debug)]
enum Waiting {
    #[default]
    Nothing,
    /// An answer for GET RESPONSE on the logical channel of the command.
    Fetch(u8, Answer),
    /// The answer of a command of that header whose length was wrong: it comes when the length is right.
    SameAgain([u8; 4], Answer),
}

#[derive(Clone, Debug)]
struct Answer {
    data: Vec<u8>,
    status: [u8; 2],
}

impl T0 {
    /// Sends a command to `card`, which answers whole APDUs, and returns what goes over the contacts; `None` if it is silent.
    ///
    /// GET RESPONSE is this layer's own in any class of the command's logical channel and never reaches the card, whose state it
    /// must not touch. A command with
    /// data may have an Le behind them, as programs send it that know no T=0; the card judges it.
    pub fn exchange(&mut self, command: &[u8], card: impl FnOnce(&[u8]) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
        let waiting = std::mem::take(&mut self.waiting);
        match (command, waiting) {
            ([class, ins::GET_RESPONSE, 0, 0, length], Waiting::Fetch(from, answer)) if channel(*class) == from => {
                Some(self.fetch(from, answer, *length))
            }
            ([_, ins::GET_RESPONSE, ..], _) => Some(status(StatusWord::CONDITIONS_NOT_SATISFIED)),
            ([a, b, c, d, length], Waiting::SameAgain(header, answer))
                if header == [*a, *b, *c, *d] && usize::from(*length) == answer.data.len() =>
            {
                Some(answer.whole())
            }
            ([a, b, c, d], _) => Some(self.outgoing([*a, *b, *c, *d], 0, Answer::parse(card(command)?)?)),
            ([a, b, c, d, length], _) => Some(self.outgoing([*a, *b, *c, *d], *length, Answer::parse(card(command)?)?)),
            _ => {
                let class = command.first().copied().unwrap_or_default();
                Some(self.incoming(class, Answer::parse(card(command)?)?))
            }
        }
    }

    /// The answer to a command without data, which brings exactly as many bytes as it was asked for.
    fn outgoing(&mut self, header: [u8; 4], length: u8, answer: Answer) -> Vec<u8> {
        let wanted = if length == 0 { 256 } else { usize::from(length) };
        if answer.data.is_empty() || answer.data.len() == wanted {
            return answer.whole();
        }
        let right = [0x6C, answer.length()];
        self.waiting = Waiting::SameAgain(header, answer);
        right.to_vec()
    }

    /// The answer to a command with data, whose own data wait.
    fn incoming(&mut self, class: u8, answer: Answer) -> Vec<u8> {
        if answer.data.is_empty() {
            return answer.whole();
        }
        let more = [if class == CLA_2G { MORE_2G } else { MORE }, answer.length()];
        self.waiting = Waiting::Fetch(channel(class), answer);
        more.to_vec()
    }

    fn fetch(&mut self, channel: u8, answer: Answer, length: u8) -> Vec<u8> {
        let wanted = if length == 0 { answer.data.len() } else { usize::from(length) };
        if wanted > answer.data.len() {
            let right = [0x6C, answer.length()];
            self.waiting = Waiting::Fetch(channel, answer);
            return right.to_vec();
        }
        let Answer { mut data, status } = answer;
        let rest = data.split_off(wanted);
        if rest.is_empty() {
            return Answer { data, status }.whole();
        }
        let rest = Answer { data: rest, status };
        data.extend([MORE, rest.length()]);
        self.waiting = Waiting::Fetch(channel, rest);
        data
    }
}

impl Answer {
    /// `None` for what is no answer.
    fn parse(mut bytes: Vec<u8>) -> Option<Self> {
        let status = *bytes.last_chunk()?;
        bytes.truncate(bytes.len() - 2);
        Some(Self { data: bytes, status })
    }

    fn whole(self) -> Vec<u8> {
        [self.data, self.status.to_vec()].concat()
    }

    /// The length as SW2 has it: 256 is 00.
    fn length(&self) -> u8 {
        self.data.len() as u8
    }
}

/// The logical channel in a class (ISO/IEC 7816-4 clause 5.4.1); the 2G class is on the basic one.
const fn channel(class: u8) -> u8 {
    if class == CLA_2G { 0 } else { class & 0x03 }
}

fn status(word: StatusWord) -> Vec<u8> {
    word.to_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const INITIALIZE: [u8; 7] = [0x80, 0x50, 0x01, 0x02, 0x02, 1, 2];

    fn answers(answer: &[u8]) -> impl FnOnce(&[u8]) -> Option<Vec<u8>> + use<> {
        let answer = answer.to_vec();
        move |_| Some(answer)
    }

    fn not_asked(command: &[u8]) -> Option<Vec<u8>> {
        assert_eq!(command, [0_u8; 0], "this must not reach the card");
        None
    }

    fn exchange(t0: &mut T0, command: &[u8], card: impl FnOnce(&[u8]) -> Option<Vec<u8>>) -> Vec<u8> {
        t0.exchange(command, card).unwrap()
    }

    #[test]
    fn what_waits_on_one_logical_channel_is_not_fetched_on_another() {
        let on_channel_1 = [0x01, 0xA4, 0, 4, 2, 0x6F, 0x07];
        for class in [0x00, 0x02, 0xA0] {
            let mut t0 = T0::default();
            assert_eq!(exchange(&mut t0, &on_channel_1, answers(&[7, 8, 9, 0x90, 0x00])), [0x61, 3]);
            assert_eq!(exchange(&mut t0, &[class, 0xC0, 0, 0, 3], not_asked), [0x69, 0x85]);
        }
        let mut t0 = T0::default();
        exchange(&mut t0, &on_channel_1, answers(&[7, 8, 9, 0x90, 0x00]));
        assert_eq!(exchange(&mut t0, &[0x01, 0xC0, 0, 0, 1], not_asked), [7, 0x61, 2]);
        assert_eq!(exchange(&mut t0, &[0x81, 0xC0, 0, 0, 2], not_asked), [8, 9, 0x90, 0x00]);
    }

    #[test]
    fn data_to_a_command_with_data_are_fetched_in_any_class() {
        for class in [0x00, 0x80, 0x84, 0xA0] {
            let mut t0 = T0::default();
            assert_eq!(exchange(&mut t0, &INITIALIZE, answers(&[7, 8, 9, 0x90, 0x00])), [0x61, 3]);
            assert_eq!(exchange(&mut t0, &[class, 0xC0, 0, 0, 3], not_asked), [7, 8, 9, 0x90, 0x00]);
            assert_eq!(exchange(&mut t0, &[class, 0xC0, 0, 0, 3], not_asked), [0x69, 0x85]);
        }
    }

    #[test]
    fn to_the_2g_class_they_are_announced_by_9f() {
        let mut t0 = T0::default();
        let select = [0xA0, 0xA4, 0, 0, 2, 0x3F, 0x00];
        assert_eq!(exchange(&mut t0, &select, answers(&[7, 8, 9, 0x90, 0x00])), [0x9F, 3]);
        assert_eq!(exchange(&mut t0, &[0xA0, 0xC0, 0, 0, 3], not_asked), [7, 8, 9, 0x90, 0x00]);
        assert_eq!(exchange(&mut t0, &select, answers(&[0x94, 0x04])), [0x94, 0x04]);
    }

    #[test]
    fn they_are_fetched_whole_in_parts_or_not_at_all() {
        let mut t0 = T0::default();
        exchange(&mut t0, &INITIALIZE, answers(&[7, 8, 9, 0x62, 0x83]));
        assert_eq!(exchange(&mut t0, &[0, 0xC0, 0, 0, 4], not_asked), [0x6C, 3]);
        assert_eq!(exchange(&mut t0, &[0, 0xC0, 0, 0, 1], not_asked), [7, 0x61, 2]);
        assert_eq!(exchange(&mut t0, &[0, 0xC0, 0, 0, 0], not_asked), [8, 9, 0x62, 0x83]);
        exchange(&mut t0, &INITIALIZE, answers(&[7, 0x90, 0x00]));
        exchange(&mut t0, &[0, 0x20, 0, 0, 1, 1], answers(&[0x90, 0x00]));
        assert_eq!(exchange(&mut t0, &[0, 0xC0, 0, 0, 0], not_asked), [0x69, 0x85]);
    }

    #[test]
    fn a_full_answer_is_announced_as_00() {
        let mut t0 = T0::default();
        let full = [vec![5; 256], vec![0x90, 0x00]].concat();
        assert_eq!(exchange(&mut t0, &INITIALIZE, answers(&full)), [0x61, 0x00]);
        assert_eq!(exchange(&mut t0, &[0, 0xC0, 0, 0, 0], not_asked), full);
        assert_eq!(exchange(&mut t0, &[0, 0xB0, 0x95, 0, 0], answers(&full)), full);
    }

    #[test]
    fn a_wrong_length_costs_no_second_execution() {
        for first in [&[0x00, 0x84, 0, 0][..], &[0x00, 0x84, 0, 0, 0], &[0x00, 0x84, 0, 0, 4]] {
            let mut t0 = T0::default();
            assert_eq!(exchange(&mut t0, first, answers(&[1, 2, 0x90, 0x00])), [0x6C, 2]);
            assert_eq!(exchange(&mut t0, &[0x00, 0x84, 0, 0, 2], not_asked), [1, 2, 0x90, 0x00]);
            assert_eq!(exchange(&mut t0, &[0x00, 0x84, 0, 0, 2], answers(&[3, 4, 0x90, 0x00])), [3, 4, 0x90, 0x00]);
        }
    }

    #[test]
    fn another_command_forgets_what_waited() {
        let mut t0 = T0::default();
        exchange(&mut t0, &[0x00, 0x84, 0, 0, 0], answers(&[1, 2, 0x90, 0x00]));
        assert_eq!(exchange(&mut t0, &[0x80, 0x5C, 0, 2, 2], answers(&[9, 9, 0x90, 0x00])), [9, 9, 0x90, 0x00]);
        assert_eq!(exchange(&mut t0, &[0x00, 0x84, 0, 0, 2], answers(&[3, 4, 0x90, 0x00])), [3, 4, 0x90, 0x00]);
    }

    #[test]
    fn status_words_pass_and_silence_stays_silence() {
        let mut t0 = T0::default();
        assert_eq!(exchange(&mut t0, &INITIALIZE, answers(&[0x94, 0x01])), [0x94, 0x01]);
        assert_eq!(exchange(&mut t0, &[0, 0xB0, 0x95, 0, 0], answers(&[0x6A, 0x82])), [0x6A, 0x82]);
        assert_eq!(t0.exchange(&INITIALIZE, |_| None), None);
        assert_eq!(t0.exchange(&INITIALIZE, |_| Some(vec![0x90])), None);
    }
}
