//! Command APDUs of the four short cases, and answers (ISO/IEC 7816-3 clause 12; FMCOS 2.0 user manual p. 49).

use onecard_wire::{ins::DATA_MAX, status::StatusWord};

/// Longest answer: data, a response MAC, the status word.
pub const RESPONSE_LEN_MAX: usize = 258;

/// An answer: data, then the status word.
pub type Response = heapless::Vec<u8, RESPONSE_LEN_MAX>;

/// A command whose lengths agree.
#[derive(Clone, Copy)]
pub(crate) struct Command<'a> {
    pub(crate) cla: u8,
    pub(crate) ins: u8,
    pub(crate) p1: u8,
    pub(crate) p2: u8,
    pub(crate) data: &'a [u8],
    /// Le as sent; 00 asks for everything there is.
    pub(crate) le: Option<u8>,
}

impl<'a> Command<'a> {
    /// # Errors
    /// 6700 if the lengths do not agree or the data field is longer than FMCOS takes.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, StatusWord> {
        Self::parse_short(bytes)?.of_fmcos()
    }

    /// # Errors
    /// 6700 if the data field is longer than FMCOS takes.
    pub(crate) fn of_fmcos(self) -> Result<Self, StatusWord> {
        if self.data.len() > DATA_MAX { Err(StatusWord::WRONG_LENGTH) } else { Ok(self) }
    }

    /// Any short APDU.
    ///
    /// # Errors
    /// 6700 if the lengths do not agree.
    pub(crate) fn parse_short(bytes: &'a [u8]) -> Result<Self, StatusWord> {
        let ([cla, ins, p1, p2], body) = bytes.split_first_chunk().ok_or(StatusWord::WRONG_LENGTH)?;
        let (data, le): (&[u8], _) = match body {
            [] => (&[], None),
            [le] => (&[], Some(*le)),
            [lc, rest @ ..] => {
                let (data, tail) = rest.split_at_checked(usize::from(*lc)).ok_or(StatusWord::WRONG_LENGTH)?;
                match tail {
                    [] if *lc != 0 => (data, None),
                    [le] if *lc != 0 => (data, Some(*le)),
                    _ => return Err(StatusWord::WRONG_LENGTH),
                }
            }
        };
        Ok(Self { cla: *cla, ins: *ins, p1: *p1, p2: *p2, data, le })
    }

    /// # Errors
    /// 6700 unless the data field is that long.
    pub(crate) fn require_data_len(&self, length: usize) -> Result<(), StatusWord> {
        if self.data.len() == length { Ok(()) } else { Err(StatusWord::WRONG_LENGTH) }
    }

    /// # Errors
    /// 6A86 unless P1 and P2 are these.
    pub(crate) fn require_p1p2(&self, p1: u8, p2: u8) -> Result<(), StatusWord> {
        if (self.p1, self.p2) == (p1, p2) { Ok(()) } else { Err(StatusWord::WRONG_P1P2) }
    }

    /// Asked before anything is done: an answer of `length` bytes must be what Le wants.
    ///
    /// # Errors
    /// 6Cxx with the right length.
    pub(crate) fn require_answer_len(&self, length: usize) -> Result<(), StatusWord> {
        match self.le {
            None | Some(0) => Ok(()),
            Some(le) if usize::from(le) == length => Ok(()),
            Some(_) => Err(StatusWord::right_length(length as u8)),
        }
    }

    /// A command without answer data has no Le, but for the 00 that ends one without data.
    ///
    /// # Errors
    /// 6700.
    pub(crate) fn require_no_answer(&self) -> Result<(), StatusWord> {
        match self.le {
            None => Ok(()),
            Some(0) if self.data.is_empty() => Ok(()),
            Some(_) => Err(StatusWord::WRONG_LENGTH),
        }
    }

    /// The header as a MAC covers it: `CLA INS P1 P2 Lc`.
    pub(crate) fn header(&self) -> [u8; 5] {
        [self.cla, self.ins, self.p1, self.p2, self.data.len() as u8]
    }
}

/// Appends answer data.
///
/// # Errors
/// 6F00 if it does not fit: a fault of this program.
pub(crate) fn put(answer: &mut Response, data: &[u8]) -> Result<(), StatusWord> {
    answer.extend_from_slice(data).map_err(|_| StatusWord::INTERNAL_ERROR)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_four_cases() {
        let parse = |bytes| Command::parse(bytes).map(|command| (command.data, command.le));
        assert_eq!(parse(&[0, 0xA4, 0, 0]), Ok((&[][..], None)));
        assert_eq!(parse(&[0, 0x84, 0, 0, 8]), Ok((&[][..], Some(8))));
        assert_eq!(parse(&[0, 0xA4, 0, 0, 2, 0x3F, 0]), Ok((&[0x3F, 0][..], None)));
        assert_eq!(parse(&[0, 0xA4, 0, 0, 2, 0x3F, 0, 0]), Ok((&[0x3F, 0][..], Some(0))));
        let wrong: [&[u8]; 5] =
            [&[], &[0, 0xA4, 0], &[0, 0xA4, 0, 0, 2, 0x3F], &[0, 0, 0, 0, 0, 1], &[0, 0, 0, 0, 1, 1, 1, 1]];
        for bytes in wrong {
            assert_eq!(parse(bytes), Err(StatusWord::WRONG_LENGTH), "{bytes:?}");
        }
        let (mut too_long, mut longest) = ([0xFF; 245], [0xFF; 245]);
        (too_long[4], longest[4]) = (240, 239);
        assert_eq!(parse(&too_long), Err(StatusWord::WRONG_LENGTH));
        assert_eq!(parse(&longest).unwrap().0.len(), 239);
    }
}
