//! What of an exchange is secret or personal, as far as the exchanges before it tell.

use onecard_wire::{fid::Fid, ins};

use super::exchange::{Answer, Exchange, Sent};
use crate::transport::TransportError;

/// Leaves out PINs, keys and the holder's data (EF 0016), by whatever way they are read: by SFI, as the current file, in
/// pieces, by GET RESPONSE. One for each peer, from its power-up on; where it cannot know, it hides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Discretion {
    /// The MF is current: its EF 0016 is a SAM's terminal number.
    in_mf: bool,
    /// EF 0016 is current.
    at_holder: bool,
    /// What GET RESPONSE would bring.
    answer_hidden: bool,
}

impl Discretion {
    /// After a power-up.
    pub const NEW: Self = Self { in_mf: true, at_holder: false, answer_hidden: false };

    /// Keeps of the next exchange what may be kept.
    pub fn record(&mut self, command: &[u8], answer: Result<&[u8], &TransportError>) -> Exchange {
        let sent = Sent::record(command, self);
        let received = answer.map(|bytes| Answer::record(sent.header, bytes, self)).map_err(Clone::clone);
        let exchange = Exchange { sent, received };
        self.follow(&exchange);
        exchange
    }

    /// Whether a command's data are a PIN, a key (enciphered too: a blank card's transport key is known to all) or the
    /// holder's. CLA does not matter: a malformed command has a PIN in it all the same.
    pub(super) fn hides_command(&self, header: Option<[u8; 4]>, length: usize) -> bool {
        let secret = matches!(
            header,
            Some([_, ins::VERIFY | ins::CHANGE_OR_RELOAD_PIN | ins::PIN_UNBLOCK | ins::WRITE_KEY | UNBLOCK, _, _])
        );
        secret || (self.names_holder(header) && !(self.in_mf && length <= TERMINAL_LEN + MAC_LEN))
    }

    /// Whether the answer's data are the holder's.
    pub(super) fn hides_answer(&self, header: Option<[u8; 4]>, length: usize) -> bool {
        let is_rest = matches!(header, Some([_, ins::GET_RESPONSE, ..])) && self.answer_hidden;
        is_rest || (self.names_holder(header) && !(self.in_mf && length <= TERMINAL_LEN))
    }

    /// READ, UPDATE or WRITE BINARY of SFI 16, or of the current file if it is that one.
    fn names_holder(&self, header: Option<[u8; 4]>) -> bool {
        match header {
            Some([_, ins::READ_BINARY | ins::UPDATE_BINARY | ins::WRITE_BINARY, p1, _]) => match sfi(p1) {
                Some(sfi) => Fid::HOLDER.sfi() == Some(sfi),
                None => self.at_holder,
            },
            _ => false,
        }
    }

    /// Steps past an exchange. What makes it hide more counts whatever the answer was, what makes it hide less if it was a
    /// success.
    pub(super) fn follow(&mut self, Exchange { sent, received }: &Exchange) {
        let answer = received.as_ref().ok();
        let done = answer.and_then(|answer| answer.status).is_some_and(|word| word.is_ok() || word.0 >> 8 == 0x61);
        let Some(header @ [_, ins, p1, p2]) = sent.header else { return };
        self.answer_hidden = match ins {
            ins::GET_RESPONSE => self.answer_hidden,
            _ => self.names_holder(sent.header) && !(self.in_mf && sent.le.is_some_and(|le| le != 0 && le <= SHOWN_LE)),
        };
        match ins {
            ins::SELECT => self.select(p1, sent.data.bytes(), done),
            ins::READ_BINARY | ins::UPDATE_BINARY | ins::WRITE_BINARY if sfi(p1).is_some() => {
                let holder = self.names_holder(Some(header));
                self.at_holder = holder || (self.at_holder && !done);
            }
            ins::READ_RECORD | ins::UPDATE_RECORD if p2 >> 3 != 0 && done => self.at_holder = false,
            _ => {}
        }
    }

    fn select(&mut self, p1: u8, name: &[u8], done: bool) {
        const BY_FID: u8 = 0x00;
        const EF_BY_FID: u8 = 0x02;
        let fid = name.try_into().ok().map(|fid| Fid(u16::from_be_bytes(fid)));
        match (p1, fid) {
            (BY_FID, None) if !name.is_empty() => self.leave_mf(),
            (BY_FID, None | Some(Fid::MF)) => {
                self.in_mf |= done;
                self.at_holder &= !done;
            }
            (BY_FID | EF_BY_FID, Some(Fid::HOLDER)) => self.at_holder = true,
            (BY_FID | EF_BY_FID, Some(Fid(0..=0x001F))) => self.at_holder &= !done,
            // A path may end at the holder.
            _ if name.ends_with(&Fid::HOLDER.0.to_be_bytes()) => {
                self.leave_mf();
                self.at_holder = true;
            }
            _ => self.leave_mf(),
        }
    }

    fn leave_mf(&mut self) {
        self.in_mf = false;
        self.at_holder = false;
    }
}

impl Default for Discretion {
    fn default() -> Self {
        Self::NEW
    }
}

/// A SAM's MF has 6 bytes of terminal number where a card has its holder.
const TERMINAL_LEN: usize = 6;
const SHOWN_LE: u8 = TERMINAL_LEN as u8;
const MAC_LEN: usize = 4;
/// UNBLOCK (80 2C) stands in FMCOS's list of commands, with a PIN for all that is known.
const UNBLOCK: u8 = 0x2C;

/// The short file identifier in P1 of a BINARY command.
const fn sfi(p1: u8) -> Option<u8> {
    match p1 {
        0x80..=0x9F => Some(p1 & 0x1F),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use hex_literal::hex;

    const NAME: [u8; 8] = hex!("CDF5D0A1C3F70000");
    const APPLICATION: [u8; 20] = hex!("00A404000EF04F4E454301100000000000000100");

    fn session(exchanges: &[(&[u8], &[u8])]) -> Vec<Exchange> {
        let mut discretion = Discretion::NEW;
        exchanges.iter().map(|(command, answer)| discretion.record(command, Ok(answer))).collect()
    }

    fn holder_shows(exchanges: &[(&[u8], &[u8])]) -> bool {
        let told = session(exchanges);
        let text: String = told.iter().map(|exchange| format!("{exchange}{exchange:?}")).collect();
        text.contains(&hex::encode_upper(&NAME[..4])) || text.contains("205, 245")
    }

    #[test]
    fn the_holder_is_hidden_whichever_way_it_is_read() {
        let (whole, piece) = ([&NAME[..], &hex!("9000")].concat(), hex!("CDF5D0A1 9000"));
        let ok = hex!("9000");
        let select: (&[u8], &[u8]) = (&APPLICATION, &ok);
        for way in [
            &[(&hex!("00B0960008")[..], &whole[..])][..],
            &[select, (&hex!("00B0960204"), &piece)],
            &[select, (&hex!("00A40000020016"), &ok), (&hex!("00B0000204"), &piece)],
            &[select, (&hex!("00A40200020016"), &ok), (&hex!("00B0000204"), &piece)],
            &[(&hex!("00A4080004DF010016"), &ok), (&hex!("00B0000204"), &piece)],
            // The SFI makes the file current.
            &[select, (&hex!("00B0960001"), &hex!("00 9000")), (&hex!("00B0000204"), &piece)],
            &[select, (&hex!("00B0960008"), &hex!("6108")), (&hex!("00C0000008"), &whole)],
            &[
                select,
                (&hex!("00B0960008"), &hex!("6104")),
                (&hex!("00C0000004"), &piece),
                (&hex!("00C0000004"), &piece),
            ],
            &[select, (&hex!("04D6960208CDF5D0A1 01020304"), &ok)],
            // A directory by its FID, and one whose SELECT was answered by anything.
            &[(&hex!("00A4000002DF01"), &ok), (&hex!("00B0960204"), &piece)],
            &[(&APPLICATION, &hex!("6A81")), (&hex!("00B0960204"), &piece)],
        ] {
            assert!(!holder_shows(way), "{way:02X?}");
        }
    }

    #[test]
    fn what_is_not_the_holders_is_shown() {
        let (ok, piece) = (hex!("9000"), hex!("CDF5D0A1 9000"));
        let select: (&[u8], &[u8]) = (&APPLICATION, &ok);
        for way in [
            // A SAM's terminal number, before and after its application.
            &[(&hex!("00B0960006")[..], &hex!("CDF5D0A11234 9000")[..])][..],
            &[select, (&hex!("00A40000023F0000"), &ok), (&hex!("00B0960006"), &hex!("CDF5D0A11234 9000"))],
            &[(&hex!("00A40000020016"), &ok), (&hex!("00B0000006"), &hex!("CDF5D0A11234 9000"))],
            &[select, (&hex!("00A40000020016"), &ok), (&hex!("00A40000020015"), &ok), (&hex!("00B0000204"), &piece)],
            &[select, (&hex!("00A40000020016"), &ok), (&hex!("00B0950004"), &piece), (&hex!("00B0000204"), &piece)],
            &[select, (&hex!("00B0960001"), &hex!("00 9000")), (&hex!("00B2010C04"), &piece)],
            &[
                select,
                (&hex!("00B0960008"), &hex!("6108")),
                (&hex!("00B0950004"), &hex!("6104")),
                (&hex!("00C0000004"), &piece),
            ],
        ] {
            assert!(holder_shows(way), "{way:02X?}");
        }
    }
}
