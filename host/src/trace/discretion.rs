//! What of an exchange is secret or personal, as far as the exchanges before it tell.

use core::ops::RangeInclusive;

use onecard_wire::{fid::Fid, globalplatform, ins, status::StatusWord, uicc};

use super::exchange::{Answer, Exchange, Sent};
use crate::transport::TransportError;

/// Leaves out PINs, passwords, keys and the holder's data (EF 0016), by whatever way they are read: by SFI, as the current file,
/// in pieces or records, by GET RESPONSE, on any logical channel. One for each peer, from its power-up on; where it cannot know, it hides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Discretion {
    channels: [Channel; CHANNELS],
}

/// Where a logical channel is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Channel {
    place: Place,
    /// What the current file has that is hidden.
    current: Option<Secret>,
    /// What GET RESPONSE would bring.
    answer_hidden: bool,
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
    /// A SIM's directory of key files: GSM-ACCESS, 5GS.
    OfKeys,
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
    pub const NEW: Self = Self { channels: [Channel::NEW; CHANNELS] };

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
        let secret = header.is_some_and(|[_, ins, ..]| HIDDEN.contains(&ins) || ODD.contains(&ins));
        secret || self.names_hidden(header, length <= TERMINAL_LEN + MAC_LEN)
    }

    /// Whether the answer's data are the holder's, or keys.
    pub(super) fn hides_answer(&self, header: Option<[u8; 4]>, length: usize) -> bool {
        let is_rest = matches!(header, Some([_, ins::GET_RESPONSE, ..])) && self.at(header).answer_hidden;
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
            1..=KEYS_SFI_MAX if self.at(Some(header)).place == Place::OfKeys => Some(Secret::SimKeys),
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
        let done = answer.and_then(|answer| answer.status).is_some_and(is_done);
        let Some(header @ [cla, ins, p1, p2]) = sent.header else { return };
        let short = sent.le.is_some_and(|le| le != 0 && le <= SHOWN_LE);
        let hidden = self.names_hidden(sent.header, short) || brings_keys(sent.header);
        if (ins, p1) == (ins::MANAGE_CHANNEL, OPEN) {
            let number = answer.and_then(|answer| answer.data.bytes().first().copied());
            self.opened(channel(cla), if p2 == 0 { number } else { Some(p2) }, done, answer.is_some());
        }
        let secret = self.names_secret(Some(header));
        let by_sfi = matches!(named_sfi(header), Some(Some(_)));
        let Some(here) = self.channels.get_mut(channel(cla)) else { return };
        if ins != ins::GET_RESPONSE {
            here.answer_hidden = hidden;
        }
        if ins == ins::SELECT {
            here.select(p1, sent.data.bytes(), done);
        } else if ODD.contains(&ins) {
            // Which file it is they say in their data.
            here.current = Some(Secret::SimKeys);
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
    const NEW: Self = Self { place: Place::Mf, current: None, answer_hidden: false };

    /// One that is not known to have been done leaves it where it was, or not.
    fn select(&mut self, p1: u8, name: &[u8], done: bool) {
        let there = self.after_select(p1, name);
        if done { *self = there } else { self.may_be_as(there) }
    }

    fn after_select(self, p1: u8, name: &[u8]) -> Self {
        const BY_FID: u8 = 0x00;
        const EF_BY_FID: u8 = 0x02;
        let fid = name.try_into().ok().map(|fid| Fid(u16::from_be_bytes(fid)));
        let secret = |fid: Fid| SECRETS.iter().find_map(|(at, secret)| (*at == fid).then_some(*secret));
        let at = |place| Self { place, current: None, ..self };
        match (p1, fid) {
            (BY_FID, None) if !name.is_empty() => at(Place::Unknown),
            (BY_FID, None | Some(Fid::MF)) => at(Place::Mf),
            (BY_FID | EF_BY_FID, Some(fid)) if secret(fid).is_some() => Self { current: secret(fid), ..self },
            (EF_BY_FID, Some(_)) => Self { current: None, ..self },
            (BY_FID, Some(fid)) if FILES_OF_CARDS.contains(&fid.0) => Self { current: None, ..self },
            (BY_FID, Some(fid)) if APPLICATIONS.contains(&fid.0) => at(Place::NoSim),
            (BY_NAME, _) if is_no_sims(name) => at(Place::NoSim),
            _ => {
                // A path may end at a secret, or in a directory of them.
                let last = name.last_chunk().map(|last| Fid(u16::from_be_bytes(*last)));
                let of_keys = last.is_some_and(|last| DIRECTORIES_OF_KEYS.contains(&last));
                let place = if of_keys { Place::OfKeys } else { Place::Unknown };
                Self { place, current: last.and_then(secret), ..self }
            }
        }
    }

    /// It is as it was, or like `other`.
    fn may_be_as(&mut self, other: Self) {
        self.place = match (self.place, other.place) {
            (Place::OfKeys, _) | (_, Place::OfKeys) => Place::OfKeys,
            (here, there) if here == there => here,
            _ => Place::Unknown,
        };
        self.current = self.current.or(other.current);
        self.answer_hidden |= other.answer_hidden;
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

/// Whether a command was done: 9000; 61xx and 9Fxx, and its answer waits; 91xx, and a proactive command waits.
fn is_done(word: StatusWord) -> bool {
    word.is_ok() || matches!(word.0 >> 8, 0x61 | 0x91 | 0x9F)
}

/// Logical channels that a class can name (ISO/IEC 7816-4 clause 5.4.1).
const CHANNELS: usize = 20;

/// The channel in a class; the 2G class has none.
fn channel(cla: u8) -> usize {
    match cla {
        CLA_2G => 0,
        0x40..=0x7F | 0xC0..=0xFF => 4 + usize::from(cla & 0x0F),
        _ => usize::from(cla & 0x03),
    }
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

/// Files that CPU cards and SAMs of this profile have in a directory.
const FILES_OF_CARDS: RangeInclusive<u16> = 0x0015..=0x001F;
/// DF.5GS and DF.GSM-ACCESS (TS 31.102 clauses 4.4.11, 4.4.3); the short identifiers of their files are 01 to 05, and others.
const DIRECTORIES_OF_KEYS: [Fid; 2] = [Fid(0x5FC0), Fid(0x5F3B)];
const KEYS_SFI_MAX: u8 = 5;

/// The holder's data; a SIM's keys: Keys, KeysPS, Kc, KcGPRS, EPSNSC (TS 31.102 clause 4.2, TS 51.011 clause 10.3); of GSM-ACCESS Kc,
/// KcGPRS; of 5GS the security contexts and 5GAUTHKEYS.
const SECRETS: [(Fid, Secret); 11] = [
    (Fid(0x4F20), Secret::SimKeys),
    (Fid(0x4F52), Secret::SimKeys),
    (Fid(0x4F03), Secret::SimKeys),
    (Fid(0x4F04), Secret::SimKeys),
    (Fid(0x4F05), Secret::SimKeys),
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
/// exports is a key, enciphered. Odd instructions read any file.
const fn brings_keys(header: Option<[u8; 4]>) -> bool {
    matches!(
        header,
        Some(
            [CLA_2G, ins::INTERNAL_AUTHENTICATE, ..]
                | [_, ins::INTERNAL_AUTHENTICATE, _, 0x80..=0xFF]
                | [_, ins::EXPORT_KEY | ins::EXPORT_COPY, ..]
                | [_, READ_BINARY_ODD | READ_RECORD_ODD, ..]
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

/// READ BINARY, READ RECORD, UPDATE BINARY and UPDATE RECORD whose data name the file (ISO/IEC 7816-4 clauses 7.2.3 to 7.3.5).
const READ_BINARY_ODD: u8 = 0xB1;
const READ_RECORD_ODD: u8 = 0xB3;
const ODD: [u8; 4] = [READ_BINARY_ODD, READ_RECORD_ODD, 0xD7, 0xDD];

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
mod tests;
