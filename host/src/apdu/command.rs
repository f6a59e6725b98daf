//! Command APDUs.

use core::fmt;

use onecard_wire::ins::DATA_MAX;
use zeroize::Zeroizing;

/// A command APDU of cases 1 to 4 with short lengths, at most 239 data bytes (FMCOS 2.0 user manual p. 49).
///
/// Its data may be a PIN or a key: it is erased on drop, and `Debug` shows the header and the length alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    cla: u8,
    ins: u8,
    p1: u8,
    p2: u8,
    data: Zeroizing<Vec<u8>>,
    le: Option<u8>,
}

impl Command {
    /// A command without data that expects none back (case 1).
    #[must_use]
    pub fn new(cla: u8, ins: u8, p1: u8, p2: u8) -> Self {
        Self { cla, ins, p1, p2, data: Zeroizing::default(), le: None }
    }

    /// The same command with a data field whose length the compiler checks.
    #[must_use]
    pub fn with_data<const N: usize>(mut self, data: &[u8; N]) -> Self {
        const { assert!(N <= DATA_MAX) };
        self.data = Zeroizing::new(data.to_vec());
        self
    }

    /// The same command with a data field.
    ///
    /// # Errors
    /// [`DataTooLong`] beyond 239 bytes.
    pub fn with_bytes(mut self, data: &[u8]) -> Result<Self, DataTooLong> {
        if data.len() > DATA_MAX {
            return Err(DataTooLong(data.len()));
        }
        self.data = Zeroizing::new(data.to_vec());
        Ok(self)
    }

    /// The same command expecting `le` bytes; 0 takes all there are.
    #[must_use]
    pub fn expecting(mut self, le: u8) -> Self {
        self.le = Some(le);
        self
    }

    /// The same command with these bits of CLA set.
    #[must_use]
    pub fn with_class_bits(mut self, bits: u8) -> Self {
        self.cla |= bits;
        self
    }

    /// CLA, INS, P1, P2.
    #[must_use]
    pub fn header(&self) -> [u8; 4] {
        [self.cla, self.ins, self.p1, self.p2]
    }

    /// The data field, empty in cases 1 and 2.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Le, 0 for all there are; `None` in cases 1 and 3.
    #[must_use]
    pub fn expected(&self) -> Option<u8> {
        self.le
    }

    /// As on the wire. Case 1 goes out with a trailing 00, as FMCOS writes it (user manual p. 49): T=0 needs that byte
    /// and the other protocols read it as Le.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // Reserved at once: a growing buffer would leave copies of a secret behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(4 + 1 + self.data.len() + 1));
        bytes.extend_from_slice(&self.header());
        match (u8::try_from(self.data.len()), self.le) {
            (Ok(0) | Err(_), le) => bytes.push(le.unwrap_or_default()),
            (Ok(lc), le) => {
                bytes.push(lc);
                bytes.extend_from_slice(&self.data);
                bytes.extend(le);
            }
        }
        bytes
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [cla, ins, p1, p2] = self.header();
        write!(f, "Command({cla:02X} {ins:02X} {p1:02X} {p2:02X}, {} data bytes)", self.data.len())
    }
}

/// More data than a command carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0} data bytes do not fit a command, which carries at most {DATA_MAX}")]
pub struct DataTooLong(pub usize);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use hex_literal::hex;

    #[test]
    fn the_four_cases() {
        let header = Command::new(0x80, 0x0E, 0x01, 0x02);
        assert_eq!(header.to_bytes()[..], hex!("800E010200"));
        assert_eq!(header.clone().expecting(4).to_bytes()[..], hex!("800E010204"));
        assert_eq!(header.clone().with_data(&[7, 8]).to_bytes()[..], hex!("800E0102020708"));
        assert_eq!(header.with_data(&[7, 8]).expecting(0).to_bytes()[..], hex!("800E010202070800"));
    }

    #[test]
    fn an_independent_parser_agrees() {
        for length in [1, 2, 16, 238, 239] {
            let data: Vec<u8> = (0..length).collect();
            let command = Command::new(0x80, 0xD4, 3, 4).with_bytes(&data).unwrap().expecting(9);
            let bytes = command.to_bytes();
            let theirs = iso7816::command::CommandView::try_from(&bytes[..]).unwrap();
            assert_eq!((theirs.p1, theirs.p2, theirs.data(), theirs.expected()), (3, 4, &data[..], 9));
        }
        assert_eq!(Command::new(0, 0, 0, 0).with_bytes(&[0; 240]), Err(DataTooLong(240)));
    }

    #[test]
    fn a_secret_is_not_printed() {
        let command = Command::new(0x00, 0x20, 0, 0).with_data(&[0x12, 0x34, 0x56]);
        assert_eq!(format!("{command:?}"), "Command(00 20 00 00, 3 data bytes)");
    }
}
