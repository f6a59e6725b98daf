//! Response APDUs.

use core::fmt;

use onecard_wire::status::StatusWord;

/// A card's answer: data and status word.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// What precedes the status word.
    pub data: Vec<u8>,
    /// The last two bytes.
    pub status: StatusWord,
}

impl Response {
    /// From the bytes a [`Transport`](crate::transport::Transport) returns; `None` if they hold no status word.
    #[must_use]
    pub fn parse(mut bytes: Vec<u8>) -> Option<Self> {
        let status = StatusWord(u16::from_be_bytes(*bytes.last_chunk()?));
        bytes.truncate(bytes.len() - 2);
        Some(Self { data: bytes, status })
    }

    /// The data if the command was done.
    ///
    /// # Errors
    /// The status word if it is not 9000.
    pub fn done(self) -> Result<Vec<u8>, StatusWord> {
        if self.status.is_ok() { Ok(self.data) } else { Err(self.status) }
    }
}

impl fmt::Debug for Response {
    /// Personal data stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({} data bytes, {:04X})", self.data.len(), self.status.0)
    }
}
