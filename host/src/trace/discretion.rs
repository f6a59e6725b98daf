//! What of an exchange is secret or personal, as far as the exchanges before it tell.

use onecard_wire::{fid::Fid, globalplatform, ins};

use super::exchange::{Answer, Exchange, Sent};
use crate::transport::TransportError;

/// Leaves out PINs, passwords, keys and the holder's data (EF 0016), by whatever way they are read: by SFI, as the current file,
/// in pieces, by GET RESPONSE, on any logical channel. One for each peer, from its power-up on; where it cannot know, it hides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Discretion {
    channels: [Channel; CHANNELS],
    /// What GET RESPONSE would bring.
    answer_hidden: bool,
}

/// Where a logical channel is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Channel {
    /// The MF is current: its EF 0016 is a SAM's terminal number.
    in_mf: bool,
    /// EF 0016 is current, or a SIM's file of keys.
    at_secret: bool,
}

impl Discretion {
    /// After a power-up.
    pub const NEW: Self =
        Self { channels: [Channel { in_mf: true, at_secret: false }; CHANNELS], answer_hidden: false };

    /// Keeps of the next exchange what may be kept.
    pub fn record(&mut self, command: &[u8], answer: Result<&[u8], &TransportError>) -> Exchange {
        let sent = Sent::record(command, self);
        let received = answer.map(|bytes| Answer::record(sent.header, bytes, self)).map_err(Clone::clone);
        let exchange = Exchange { sent, received };
        self.follow(&exchange);
        exchange
    }

    /// Whether a command's data are a PIN, a password, a key (enciphered too: a blank card's transport key is known to all) or
    /// the holder's. CLA does not matter: a malformed command has a PIN in it all the same.
    pub(super) fn hides_command(&self, header: Option<[u8; 4]>, length: usize) -> bool {
        let secret = header.is_some_and(|[_, ins, ..]| HIDDEN.contains(&ins));
        secret || (self.names_secret(header) && !(self.at(header).in_mf && length <= TERMINAL_LEN + MAC_LEN))
    }

    /// Whether the answer's data are the holder's, or keys.
    pub(super) fn hides_answer(&self, header: Option<[u8; 4]>, length: usize) -> bool {
        let is_rest = matches!(header, Some([_, ins::GET_RESPONSE, ..])) && self.answer_hidden;
        let reads = self.names_secret(header) && !(self.at(header).in_mf && length <= TERMINAL_LEN);
        is_rest || reads || brings_keys(header)
    }

    /// READ, UPDATE or WRITE BINARY of a file that is hidden, by its SFI or as the current one.
    fn names_secret(&self, header: Option<[u8; 4]>) -> bool {
        match header {
            Some([_, ins::READ_BINARY | ins::UPDATE_BINARY | ins::WRITE_BINARY, p1, _]) => match sfi(p1) {
                Some(sfi) => SECRET_SFIS.contains(&sfi),
                None => self.at(header).at_secret,
            },
            _ => false,
        }
    }

    fn at(&self, header: Option<[u8; 4]>) -> Channel {
        let [first, ..] = self.channels;
        header.and_then(|[cla, ..]| self.channels.get(channel(cla)).copied()).unwrap_or(first)
    }

    /// Steps past an exchange. What makes it hide more counts whatever the answer was, what makes it hide less if it was a
    /// success.
    pub(super) fn follow(&mut self, Exchange { sent, received }: &Exchange) {
        let answer = received.as_ref().ok();
        let done = answer.and_then(|answer| answer.status).is_some_and(|word| word.is_ok() || word.0 >> 8 == 0x61);
        let Some(header @ [cla, ins, p1, p2]) = sent.header else { return };
        let here = self.at(Some(header));
        self.answer_hidden = match ins {
            ins::GET_RESPONSE => self.answer_hidden,
            _ => {
                let shown = here.in_mf && sent.le.is_some_and(|le| le != 0 && le <= SHOWN_LE);
                (self.names_secret(sent.header) && !shown) || brings_keys(sent.header)
            }
        };
        let secret = self.names_secret(Some(header));
        let Some(here) = self.channels.get_mut(channel(cla)) else { return };
        match ins {
            ins::SELECT => here.select(p1, sent.data.bytes(), done),
            ins::READ_BINARY | ins::UPDATE_BINARY | ins::WRITE_BINARY if sfi(p1).is_some() => {
                here.at_secret = secret || (here.at_secret && !done);
            }
            ins::READ_RECORD | ins::UPDATE_RECORD if p2 >> 3 != 0 && done => here.at_secret = false,
            _ => {}
        }
    }
}

impl Channel {
    fn select(&mut self, p1: u8, name: &[u8], done: bool) {
        const BY_FID: u8 = 0x00;
        const EF_BY_FID: u8 = 0x02;
        let fid = name.try_into().ok().map(|fid| Fid(u16::from_be_bytes(fid)));
        match (p1, fid) {
            (BY_FID, None) if !name.is_empty() => self.leave_mf(),
            (BY_FID, None | Some(Fid::MF)) => {
                self.in_mf |= done;
                self.at_secret &= !done;
            }
            (BY_FID | EF_BY_FID, Some(fid)) if SECRETS.contains(&fid) => self.at_secret = true,
            (BY_FID | EF_BY_FID, Some(Fid(0..=0x001F))) => self.at_secret &= !done,
            // A path may end at a secret.
            _ if SECRETS.iter().any(|secret| name.ends_with(&secret.0.to_be_bytes())) => {
                self.leave_mf();
                self.at_secret = true;
            }
            _ => self.leave_mf(),
        }
    }

    fn leave_mf(&mut self) {
        self.in_mf = false;
        self.at_secret = false;
    }
}

impl Default for Discretion {
    fn default() -> Self {
        Self::NEW
    }
}

/// Logical channels that the class names (ISO/IEC 7816-4 clause 5.4.1).
const CHANNELS: usize = 4;

/// The channel in a class; the 2G class has none.
fn channel(cla: u8) -> usize {
    if cla == CLA_2G { 0 } else { usize::from(cla & 0x03) }
}

/// TS 51.011.
const CLA_2G: u8 = 0xA0;

/// Commands whose data are left out: PINs and codes; keys, enciphered too; what a phone's user has typed.
const HIDDEN: [u8; 14] = [
    ins::VERIFY,
    ins::CHANGE_OR_RELOAD_PIN,
    ins::PIN_UNBLOCK,
    UNBLOCK,
    DISABLE_PIN,
    ENABLE_PIN,
    ins::WRITE_KEY,
    ins::PERSONALISE,
    ins::LOAD_MASTER_KEY,
    ins::EXPORT_KEY,
    globalplatform::PUT_KEY,
    globalplatform::INSTALL,
    ins::TERMINAL_RESPONSE,
    ins::ENVELOPE,
];
/// DISABLE and ENABLE PIN (00; TS 102 221 clause 11.1.11 and 11.1.12).
const DISABLE_PIN: u8 = 0x26;
const ENABLE_PIN: u8 = 0x28;

/// The holder's data; a SIM's keys: Keys, KeysPS, Kc, KcGPRS, EPSNSC (TS 31.102 clause 4.2, TS 51.011 clause 10.3).
const SECRETS: [Fid; 6] = [Fid::HOLDER, Fid(0x6F08), Fid(0x6F09), Fid(0x6F20), Fid(0x6F52), Fid(0x6FE4)];

/// The short identifiers of those that have one: the holder's, Keys, KeysPS.
const SECRET_SFIS: [u8; 3] = [0x16, 0x08, 0x09];

/// AUTHENTICATE of a SIM brings CK, IK and Kc. INTERNAL AUTHENTICATE of a card has key ids below 80. What a key master card
/// exports is a key, enciphered.
const fn brings_keys(header: Option<[u8; 4]>) -> bool {
    matches!(
        header,
        Some(
            [CLA_2G, ins::INTERNAL_AUTHENTICATE, ..]
                | [_, ins::INTERNAL_AUTHENTICATE, _, 0x80..=0xFF]
                | [_, ins::EXPORT_KEY | ins::EXPORT_COPY, ..]
        )
    )
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
    fn no_secret_of_a_sim_or_key_master_card_is_kept() {
        const SECRET: [u8; 8] = hex!("5EC7E7A1B2C3D4E5");
        let with = |command: &[u8]| [command, &SECRET].concat();
        let brought = [&SECRET[..], &hex!("9000")].concat();
        let ok = hex!("9000");
        let commands = [
            with(&hex!("0026000108")),
            with(&hex!("0028000108")),
            with(&hex!("A026000108")),
            with(&hex!("002C000110 3132333435363738")),
            with(&hex!("8014000010 8103012304 8202")),
            with(&hex!("84D8308108")),
            with(&hex!("84E60C0008")),
            // A blank key master card's wrap key is known to all; a holder's PIN goes in clear.
            with(&hex!("8430000008")),
            with(&hex!("8432000008")),
            with(&hex!("8036010008")),
        ];
        for command in &commands {
            let told = format!("{:?}", session(&[(command, &ok)]));
            assert!(!told.contains("94, 199") && !told.contains("5EC7"), "{command:02X?}: {told}");
        }
        for way in [
            &[(&hex!("008800810000")[..], &brought[..])][..],
            &[(&hex!("A0880000100000"), &brought)],
            &[(&hex!("0088008100"), &hex!("6108")), (&hex!("00C0000008"), &brought)],
            &[(&hex!("00A40004026F08"), &ok), (&hex!("00B0000008"), &brought)],
            &[(&hex!("00A40804047FFF6F09"), &ok), (&hex!("00B0000008"), &brought)],
            &[(&hex!("00B0880008"), &brought)],
            &[(&hex!("803601001A3A00000001010000"), &brought)],
            &[(&hex!("8038010000"), &hex!("6108")), (&hex!("00C0000008"), &brought)],
            // Another channel's SELECT changes nothing here.
            &[(&hex!("01A40004026F20"), &ok), (&hex!("00A40004022FE2"), &ok), (&hex!("01B0000008"), &brought)],
        ] {
            let told = format!("{:?}", session(way));
            assert!(!told.contains("94, 199"), "{way:02X?}: {told}");
        }
        // A card's own cryptogram stays: traces are checked by it.
        assert!(format!("{:?}", session(&[(&hex!("008800010800"), &brought)])).contains("94, 199"));
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
