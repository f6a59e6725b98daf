//! What both protocols do to a command's frame.

use zeroize::Zeroizing;

use crate::apdu::Command;

/// Most data bytes of a short command (ISO/IEC 7816-3 clause 12.1).
const DATA_MAX: usize = 255;
/// The bit of CLA that says secure messaging; the command's channel is in the two bits below it.
const SECURE: u8 = 0x04;
const CHANNEL: u8 = 0x03;

/// Protected, the command is longer than a command can be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0} bytes under protection do not fit a command, which carries at most {DATA_MAX}: send it in smaller parts")]
pub struct TooLong(pub usize);

/// A command that gets a MAC behind its data.
pub(super) struct Framed {
    header: [u8; 4],
    lc: u8,
    le: Option<u8>,
}

impl Framed {
    /// For `data` bytes and a MAC of `mac`.
    pub(super) fn new(command: &Command, data: usize, mac: usize) -> Result<Self, TooLong> {
        let [cla, ins, p1, p2] = command.header();
        let lc = u8::try_from(data + mac).map_err(|_| TooLong(data + mac))?;
        Ok(Self { header: [cla | SECURE, ins, p1, p2], lc, le: command.expected() })
    }

    /// What the MAC begins with: the header without its channel, and Lc with the MAC counted.
    pub(super) fn authenticated(&self) -> [u8; 5] {
        let [cla, ins, p1, p2] = self.header;
        [cla & !CHANNEL, ins, p1, p2, self.lc]
    }

    /// A buffer that begins with what the MAC begins with, and has room for all that is sent: a growing one would leave copies
    /// of a secret behind.
    pub(super) fn begin(&self) -> Zeroizing<Vec<u8>> {
        let authenticated = self.authenticated();
        let mut bytes = Zeroizing::new(Vec::with_capacity(authenticated.len() + usize::from(self.lc) + 1));
        bytes.extend_from_slice(&authenticated);
        bytes
    }

    /// As it is sent: MAC and Le behind the data, and the channel in the header.
    pub(super) fn end(&self, mut bytes: Zeroizing<Vec<u8>>, mac: &[u8]) -> Zeroizing<Vec<u8>> {
        bytes.extend_from_slice(mac);
        bytes.extend(self.le);
        let [cla, ..] = self.header;
        if let Some(first) = bytes.first_mut() {
            *first = cla;
        }
        bytes
    }
}

/// Length of what stands in front of padding method 2; `None` if there is none.
pub(super) fn unpadded_len(padded: &[u8]) -> Option<usize> {
    let last = padded.iter().rposition(|byte| *byte != 0)?;
    (padded.get(last) == Some(&0x80)).then_some(last)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_channel_is_sent_and_not_authenticated() {
        let framed = Framed::new(&Command::new(0x81, 0xF2, 0x40, 0x02).expecting(0), 2, 8).unwrap();
        assert_eq!(framed.authenticated(), [0x84, 0xF2, 0x40, 0x02, 10]);
        let mut sent = framed.begin();
        sent.extend_from_slice(&[0x4F, 0x00]);
        let sent = framed.end(sent, &[7; 8]);
        assert_eq!(sent[..], [0x85, 0xF2, 0x40, 0x02, 10, 0x4F, 0x00, 7, 7, 7, 7, 7, 7, 7, 7, 0]);
        assert_eq!(Framed::new(&Command::new(0x80, 0xE2, 0, 0), 240, 16).err(), Some(TooLong(256)));
    }

    #[test]
    fn padding_is_taken_off_once() {
        assert_eq!(unpadded_len(&[1, 2, 0x80, 0, 0]), Some(2));
        assert_eq!(unpadded_len(&[1, 0x80, 0x80]), Some(2));
        assert_eq!(unpadded_len(&[0x80]), Some(0));
        for wrong in [&[][..], &[0, 0], &[1, 2], &[0x80, 1, 0]] {
            assert_eq!(unpadded_len(wrong), None);
        }
    }
}
