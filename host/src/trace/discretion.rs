//! What of an exchange is secret or personal, as far as the exchanges before it tell.

use core::ops::RangeInclusive;

use onecard_wire::{fid::Fid, globalplatform, ins, uicc};

use super::exchange::{Answer, Exchange, Sent};
use crate::transport::TransportError;

/// Leaves out PINs, passwords, keys and the holder's data (EF 0016), by whatever way they are read: by SFI, as the current file,
/// in pieces or records, by GET RESPONSE, on any logical channel. One for each peer, from its power-up on; where it cannot know, it hides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Discretion {
    channels: [Channel; CHANNELS],
    /// What GET RESPONSE would bring.
    answer_hidden: bool,
}

/// Where a logical channel is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Channel {
    place: Place,
    /// What the current file has that is hidden.
    current: Option<Secret>,
}

/// As far as SELECT has shown it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// The MF: its EF 0016 is a SAM's terminal number.
    Mf,
    /// An application that is no SIM's: its EF 0018 is a log.
    NoSim,
    /// Perhaps a SIM's application.
    Unknown,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Secret {
    /// EF 0016.
    Holder,
    /// A SIM's file of keys.
    SimKeys,
}

impl Discretion {
    /// After a power-up.
    pub const NEW: Self = Self { channels: [Channel::NEW; CHANNELS], answer_hidden: false };

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
        secret || self.names_hidden(header, length <= TERMINAL_LEN + MAC_LEN)
    }

    /// Whether the answer's data are the holder's, or keys.
    pub(super) fn hides_answer(&self, header: Option<[u8; 4]>, length: usize) -> bool {
        let is_rest = matches!(header, Some([_, ins::GET_RESPONSE, ..])) && self.answer_hidden;
        is_rest || self.names_hidden(header, length <= TERMINAL_LEN) || brings_keys(header)
    }

    /// Whether a command names a secret; a terminal number, which is `short`, is none.
    fn names_hidden(&self, header: Option<[u8; 4]>, short: bool) -> bool {
        self.names_secret(header)
            .is_some_and(|secret| !(short && secret == Secret::Holder && self.at(header).place == Place::Mf))
    }

    /// What is hidden of the file that a command for bytes or records works on, by its SFI or as the current one.
    fn names_secret(&self, header: Option<[u8; 4]>) -> Option<Secret> {
        let header = header?;
        let Some(sfi) = named_sfi(header)? else { return self.at(Some(header)).current };
        let [_, ins, ..] = header;
        match sfi {
            EPSNSC_SFI if !BINARY.contains(&ins) => {
                (self.at(Some(header)).place == Place::Unknown).then_some(Secret::SimKeys)
            }
            sfi => SECRET_SFIS.iter().find_map(|(secret_sfi, secret)| (*secret_sfi == sfi).then_some(*secret)),
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
        self.answer_hidden = match ins {
            ins::GET_RESPONSE => self.answer_hidden,
            _ => {
                let short = sent.le.is_some_and(|le| le != 0 && le <= SHOWN_LE);
                self.names_hidden(sent.header, short) || brings_keys(sent.header)
            }
        };
        if (ins, p1) == (ins::MANAGE_CHANNEL, OPEN) {
            let number = answer.and_then(|answer| answer.data.bytes().first().copied());
            self.opened(channel(cla), if p2 == 0 { number } else { Some(p2) }, done, answer.is_some());
        }
        let secret = self.names_secret(Some(header));
        let by_sfi = matches!(named_sfi(header), Some(Some(_)));
        let Some(here) = self.channels.get_mut(channel(cla)) else { return };
        if ins == ins::SELECT {
            here.select(p1, sent.data.bytes(), done);
        } else if by_sfi && (secret.is_some() || done) {
            here.current = secret;
        }
    }

    /// A logical channel is where the one is that opened it, unless that is the basic one (TS 102 221 clause 8.7). Where the
    /// exchange does not tell which it is, or whether it was opened, any may be.
    fn opened(&mut self, by: usize, number: Option<u8>, done: bool, answered: bool) {
        let opener = self.channels.get(by).copied().filter(|_| by != 0).unwrap_or(Channel::NEW);
        let one = number.filter(|_| done).and_then(|number| self.channels.get_mut(usize::from(number)));
        match one {
            Some(one) => *one = opener,
            None if done || !answered => self.channels.iter_mut().skip(1).for_each(|one| one.may_be_as(opener)),
            None => {}
        }
    }
}

impl Channel {
    /// As a power-up leaves it, and as the basic channel opens another.
    const NEW: Self = Self { place: Place::Mf, current: None };

    fn select(&mut self, p1: u8, name: &[u8], done: bool) {
        const BY_FID: u8 = 0x00;
        const EF_BY_FID: u8 = 0x02;
        let fid = name.try_into().ok().map(|fid| Fid(u16::from_be_bytes(fid)));
        let secret = |fid: Fid| SECRETS.iter().find_map(|(at, secret)| (*at == fid).then_some(*secret));
        match (p1, fid) {
            (BY_FID, None) if !name.is_empty() => self.go(Place::Unknown),
            (BY_FID, None | Some(Fid::MF)) if done => self.go(Place::Mf),
            (BY_FID, None | Some(Fid::MF)) => {}
            (BY_FID | EF_BY_FID, Some(fid)) if secret(fid).is_some() => self.current = secret(fid),
            (BY_FID | EF_BY_FID, Some(Fid(0..=0x001F))) if done => self.current = None,
            (BY_FID | EF_BY_FID, Some(Fid(0..=0x001F))) => {}
            (BY_FID, Some(fid)) if done && APPLICATIONS.contains(&fid.0) => self.go(Place::NoSim),
            (BY_NAME, _) if done && is_no_sims(name) => self.go(Place::NoSim),
            _ => {
                self.go(Place::Unknown);
                // A path may end at a secret.
                self.current = name.last_chunk().and_then(|last| secret(Fid(u16::from_be_bytes(*last))));
            }
        }
    }

    const fn go(&mut self, place: Place) {
        *self = Self { place, current: None };
    }

    /// It is as it was, or like `other`.
    fn may_be_as(&mut self, other: Self) {
        let place = if self.place == other.place { self.place } else { Place::Unknown };
        *self = Self { place, current: self.current.or(other.current) };
    }
}

/// Whether a name can be of no application of a SIM: it has a RID, which is not that of 3GPP.
fn is_no_sims(name: &[u8]) -> bool {
    name.first_chunk().is_some_and(|rid: &[u8; 5]| *rid != RID_3GPP)
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

/// P1 of MANAGE CHANNEL that opens one.
const OPEN: u8 = 0x00;
/// P1 of SELECT.
const BY_NAME: u8 = 0x04;
/// Directories of enterprise applications; a SIM has none of these.
const APPLICATIONS: RangeInclusive<u16> = 0xDF01..=0xDFFE;

/// The holder's data; a SIM's keys: Keys, KeysPS, Kc, KcGPRS, EPSNSC (TS 31.102 clause 4.2, TS 51.011 clause 10.3).
const SECRETS: [(Fid, Secret); 6] = [
    (Fid::HOLDER, Secret::Holder),
    (Fid(0x6F08), Secret::SimKeys),
    (Fid(0x6F09), Secret::SimKeys),
    (Fid(0x6F20), Secret::SimKeys),
    (Fid(0x6F52), Secret::SimKeys),
    (Fid(0x6FE4), Secret::SimKeys),
];

/// The short identifiers of those that have one, but for EPSNSC's: the holder's, Keys, KeysPS.
const SECRET_SFIS: [(u8, Secret); 3] = [(0x16, Secret::Holder), (0x08, Secret::SimKeys), (0x09, Secret::SimKeys)];
/// Of EPSNSC, which has records and is in a SIM's application; elsewhere, of a log.
const EPSNSC_SFI: u8 = 0x18;
/// Of the applications of SIMs (ETSI TS 101 220 annex L).
const RID_3GPP: [u8; 5] = [0xA0, 0x00, 0x00, 0x00, 0x87];

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

/// Commands for bytes and for records.
const BINARY: [u8; 3] = [ins::READ_BINARY, ins::UPDATE_BINARY, ins::WRITE_BINARY];
const RECORD: [u8; 4] = [ins::READ_RECORD, ins::UPDATE_RECORD, ins::APPEND_RECORD, uicc::SEARCH_RECORD];

/// The short file identifier in a command for bytes (in P1) or records (in P2): `Some(None)` if it is about the current file,
/// `None` if it is another command.
fn named_sfi([_, ins, p1, p2]: [u8; 4]) -> Option<Option<u8>> {
    if BINARY.contains(&ins) {
        Some((0x80..=0x9F).contains(&p1).then_some(p1 & 0x1F))
    } else {
        RECORD.contains(&ins).then_some(Some(p2 >> 3).filter(|sfi| *sfi != 0))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use hex_literal::hex;

    const NAME: [u8; 8] = hex!("CDF5D0A1C3F70000");
    const USIM: [u8; 12] = hex!("00A4040407A0000000871002");
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
        let piece = [&SECRET[..6], &hex!("9000")].concat();
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
            // EPSNSC has records.
            &[(&hex!("00A40004026FE4"), &ok), (&hex!("00B2010408"), &brought)],
            &[(&hex!("00A40804047FFF6FE4"), &ok), (&hex!("00B2010408"), &brought)],
            &[(&hex!("00A40004026FE4"), &ok), (&hex!("00B2010406"), &piece)],
            &[(&USIM, &ok), (&hex!("00B201C408"), &brought)],
            &[(&hex!("00A40004027FFF"), &ok), (&hex!("00B201C408"), &brought)],
            // Perhaps the USIM's: a name without the whole RID, and an answer that never came through.
            &[(&hex!("00A4040003A00000"), &ok), (&hex!("00B201C408"), &brought)],
            &[(&APPLICATION, &hex!("6A82")), (&hex!("00B201C408"), &brought)],
            &[(&USIM, &ok), (&hex!("00B201C408"), &hex!("6108")), (&hex!("00C0000008"), &brought)],
            &[(&USIM, &ok), (&hex!("00B201C401"), &hex!("00 9000")), (&hex!("00B2010408"), &brought)],
            &[(&USIM, &ok), (&with(&hex!("00DC01C408")), &ok)],
            &[(&hex!("00A40004026FE4"), &ok), (&with(&hex!("00DC010408")), &ok)],
            &[(&hex!("00A40004026FE4"), &ok), (&with(&hex!("00A2010408")), &hex!("01 9000"))],
            &[(&APPLICATION, &ok), (&hex!("00A40804047FFF6F07"), &ok), (&hex!("00B201C408"), &brought)],
            // A logical channel is where the one is that opened it.
            &[(&hex!("01A40004026F08"), &ok), (&hex!("0170000001"), &hex!("02 9000")), (&hex!("02B0000008"), &brought)],
            &[(&hex!("01A40004026F08"), &ok), (&hex!("01700002"), &ok), (&hex!("02B0000008"), &brought)],
            &[(&hex!("01A40004026F08"), &ok), (&hex!("0170000000"), &hex!("6101")), (&hex!("02B0000008"), &brought)],
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
            // A log has the short identifier of EPSNSC.
            &[select, (&hex!("00B201C404"), &piece)],
            &[(&hex!("00A4000002DF01"), &ok), (&hex!("00B201C404"), &piece)],
            &[(&hex!("00A4040007A0000003330101"), &ok), (&hex!("00B201C404"), &piece)],
            &[(&hex!("00B201C404"), &piece)],
            // A channel that the basic one opens begins in the MF.
            &[
                (&hex!("01A40004026F08"), &ok),
                (&hex!("0170800000"), &ok),
                (&hex!("0070000001"), &hex!("01 9000")),
                (&hex!("01B0000004"), &piece),
            ],
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
