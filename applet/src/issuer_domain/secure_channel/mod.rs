//! Secure channels: the card's side of SCP02 and SCP03 (GlobalPlatform Card Specification 2.3 clause 10, annex E, amendment D).
//!
//! One channel is open in a session at most. A wrong cryptogram, a wrong MAC or a command that is less protected than agreed
//! aborts it: its keys are gone, and until the next INITIALIZE UPDATE or SELECT every command is refused. Guessing is slow by
//! that alone (there is no error counter, anybody could use it up): each guess at a cryptogram of 8 bytes takes an INITIALIZE
//! UPDATE of its own, which in SCP03 uses up a number of the sequence counter.

mod scp02;
mod scp03;
#[cfg(test)]
mod tests;

use onecard_wire::{
    aid::ISSUER_DOMAIN,
    globalplatform::{
        CLA_SECURE, key_id,
        secure_channel::{ProtocolId, length, level, scp03_option},
    },
    status::StatusWord,
};
use zeroize::Zeroize;

use super::{
    IssuerDomain, card_number,
    key_sets::{self, Place, Protocol, Set},
};
use crate::{
    apdu::{Command, Response, put},
    crypto::{DomainKey, ZERO_BLOCK},
    failure::{Failure, refuse},
    nvm::Transaction,
    platform::Platform,
    rfid_sim::KeySetCipher,
};

/// Most data bytes an answer has, so that ciphertext and MAC still fit behind each other, in S16 mode too.
pub(super) const ANSWER_DATA_MAX: usize = 239;
/// SCP02 levels of i = 55.
const LEVELS_SCP02: [u8; 2] = [level::C_MAC, level::C_MAC | level::C_DECRYPTION];
const LEVELS_SCP03: [u8; 5] = [
    level::C_MAC,
    level::C_MAC | level::C_DECRYPTION,
    level::C_MAC | level::R_MAC,
    level::C_MAC | level::C_DECRYPTION | level::R_MAC,
    level::C_MAC | level::C_DECRYPTION | level::R_MAC | level::R_ENCRYPTION,
];

/// The secure channel of a session.
#[derive(Default)]
pub(super) struct SecureChannel(State);

#[derive(Default)]
enum State {
    #[default]
    Closed,
    /// INITIALIZE UPDATE was answered; only EXTERNAL AUTHENTICATE may follow.
    Challenged(Challenged),
    Open(Session),
    /// None: what comes here was in a packet whose key set has that KIK.
    InPacket(Option<Dek>),
    /// Something was wrong.
    Aborted,
}

enum Challenged {
    Scp02(scp02::Challenged, Place),
    Scp03(scp03::Challenged),
}

enum Session {
    Scp02(scp02::Session),
    Scp03(scp03::Session),
}

/// How sensitive data in commands are enciphered.
#[derive(Clone)]
pub(super) enum Dek {
    /// SCP02: the session's, in blocks by themselves; a KIK of triple DES.
    Session(DomainKey),
    /// SCP03: the static one, chained from zeros; a KIK of AES.
    Static(DomainKey),
}

/// Keys of a set that opens channels.
pub(super) struct StaticKeys {
    pub(super) enc: DomainKey,
    pub(super) mac: DomainKey,
    pub(super) dek: DomainKey,
}

/// CLA INS P1 P2 of a command as MACs cover them: no channel's number in CLA.
#[derive(Clone, Copy)]
struct Header {
    cla: u8,
    ins: u8,
    p1: u8,
    p2: u8,
}

/// Longest data field.
const DATA_LEN_MAX: usize = 255;

/// A data field behind its protection, erased when dropped.
#[derive(Default)]
pub(super) struct PlainData(heapless::Vec<u8, DATA_LEN_MAX>);

impl SecureChannel {
    /// For commands of a packet, which has its own protection.
    pub(super) fn in_packet(kik: Option<DomainKey>) -> Self {
        Self(State::InPacket(kik.map(|key| match key.cipher() {
            KeySetCipher::Des => Dek::Session(key),
            KeySetCipher::Aes => Dek::Static(key),
        })))
    }

    /// Whether it is of a packet.
    pub(super) const fn is_in_packet(&self) -> bool {
        matches!(self.0, State::InPacket(_))
    }

    /// The plain data of a command, and whether it came by the open channel. Without one, only commands in clear are taken.
    ///
    /// # Errors
    /// 6982; a channel that was open is aborted.
    pub(super) fn receive(&mut self, command: &Command<'_>) -> Result<PlainData, StatusWord> {
        let secure = command.cla == CLA_SECURE;
        let received = match &mut self.0 {
            State::Open(session) if secure => session.unwrap(Header::of(command), command.data),
            State::InPacket(_) if secure => return Err(StatusWord::CLA_NOT_SUPPORTED),
            State::InPacket(_) => return PlainData::from_slice(command.data),
            State::Open(_) | State::Aborted => Err(StatusWord::SECURITY_NOT_SATISFIED),
            State::Challenged(_) | State::Closed => {
                self.0 = State::Closed;
                let plain =
                    if secure { Err(StatusWord::SECURITY_NOT_SATISFIED) } else { PlainData::from_slice(command.data) };
                return plain;
            }
        };
        if received.is_err() {
            self.0 = State::Aborted;
        }
        received
    }

    /// What has come cannot be protected as agreed: an open channel is aborted, a challenge is gone.
    pub(super) fn abort(&mut self) {
        self.0 = match self.0 {
            State::Open(_) | State::InPacket(_) | State::Aborted => State::Aborted,
            State::Challenged(_) | State::Closed => State::Closed,
        };
    }

    /// A command came that is neither protected nor EXTERNAL AUTHENTICATE.
    pub(super) fn drop_challenge(&mut self) {
        if matches!(self.0, State::Challenged(_)) {
            self.0 = State::Closed;
        }
    }

    /// Protects an answer as agreed.
    pub(super) fn send(&self, answer: &mut Response, status: StatusWord) -> Result<(), StatusWord> {
        match &self.0 {
            State::Open(Session::Scp03(session)) => session.wrap(answer, status),
            _ => Ok(()),
        }
    }

    /// # Errors
    /// 6982 if none is open, and the command did not come in a packet.
    pub(super) fn require_open(&self) -> Result<(), StatusWord> {
        match &self.0 {
            State::Open(_) | State::InPacket(_) => Ok(()),
            State::Closed | State::Challenged(_) | State::Aborted => Err(StatusWord::SECURITY_NOT_SATISFIED),
        }
    }

    /// The DEK of the open channel.
    ///
    /// # Errors
    /// 6982 if none is open; 6A88 if the key set of a packet has no KIK.
    pub(super) fn dek(&self) -> Result<Dek, StatusWord> {
        match &self.0 {
            State::Open(Session::Scp02(session)) => Ok(Dek::Session(session.dek.clone())),
            State::Open(Session::Scp03(session)) => Ok(Dek::Static(session.dek.clone())),
            State::InPacket(dek) => dek.clone().ok_or(StatusWord::KEY_NOT_FOUND),
            _ => Err(StatusWord::SECURITY_NOT_SATISFIED),
        }
    }

    /// The level of the open channel; of a packet what it has at least (19.2.6).
    pub(super) const fn level(&self) -> Option<u8> {
        match &self.0 {
            State::InPacket(_) => Some(level::C_MAC | level::C_DECRYPTION),
            State::Open(Session::Scp02(session)) => Some(session.level),
            State::Open(Session::Scp03(session)) => Some(session.level),
            _ => None,
        }
    }
}

impl Session {
    fn unwrap(&mut self, header: Header, data: &[u8]) -> Result<PlainData, StatusWord> {
        match self {
            Self::Scp02(session) => session.unwrap(header, data),
            Self::Scp03(session) => session.unwrap(header, data),
        }
    }
}

impl Dek {
    /// Deciphers whole blocks.
    pub(super) fn decipher(&self, text: &mut [u8]) {
        match self {
            Self::Session(key) => key.decipher(text),
            Self::Static(key) => key.decipher_cbc(ZERO_BLOCK, text),
        }
    }

    /// Block length in bytes.
    pub(super) const fn block_len(&self) -> usize {
        match self {
            Self::Session(key) | Self::Static(key) => key.block_len(),
        }
    }
}

impl<P: Platform> IssuerDomain<'_, P> {
    /// INITIALIZE UPDATE (annex E.5.1; amendment D 7.1.1). Whatever was open is closed.
    pub(super) fn initialize_update(
        &mut self,
        command: &Command<'_>,
        answer: &mut Response,
    ) -> Result<StatusWord, Failure> {
        self.session.channel.0 = State::Closed;
        if command.p2 != 0x00 {
            return refuse(StatusWord::WRONG_P1P2);
        }
        let found = match command.p1 {
            0x00 => key_sets::opening(self.nvm).next(),
            version => key_sets::find(self.nvm, version),
        };
        let (place, set) = found.ok_or(StatusWord::KEY_NOT_FOUND)?;
        let keys = StaticKeys::of(&set).ok_or(StatusWord::KEY_NOT_FOUND)?;
        let challenged = match (Protocol::of_version(set.version), command.data.len()) {
            (Some(Protocol::Scp02), length::S8) => self.challenge_scp02(command, &keys, &set, place, answer)?,
            (Some(Protocol::Scp03), length::S8 | length::S16) => {
                self.challenge_scp03(command, &keys, &set, place, answer)?
            }
            (Some(Protocol::OverTheAir) | None, _) => return refuse(StatusWord::KEY_NOT_FOUND),
            _ => return refuse(StatusWord::WRONG_LENGTH),
        };
        self.session.channel.0 = State::Challenged(challenged);
        Ok(StatusWord::OK)
    }

    fn challenge_scp02(
        &mut self,
        command: &Command<'_>,
        keys: &StaticKeys,
        set: &Set,
        place: Place,
        answer: &mut Response,
    ) -> Result<Challenged, Failure> {
        const ANSWER_LEN: usize =
            length::DIVERSIFICATION + 2 + length::SCP02_SEQUENCE + length::SCP02_CHALLENGE + length::S8;
        command.require_answer_len(ANSWER_LEN)?;
        let sequence = self.require_not_worn(set, place)?;
        let sequence = (sequence as u16).to_be_bytes();
        let challenged = scp02::Challenged::new(keys, command.data, sequence, &ISSUER_DOMAIN);
        let challenged = challenged.ok_or(StatusWord::INTERNAL_ERROR)?;
        put(answer, &card_number(self.nvm))?;
        put(answer, &[set.version, ProtocolId::SCP02.0])?;
        put(answer, &challenged.sequence)?;
        put(answer, &challenged.card_challenge)?;
        put(answer, &challenged.card_cryptogram)?;
        Ok(Challenged::Scp02(challenged, place))
    }

    /// The set's counter.
    ///
    /// # Errors
    /// 6985 at its end.
    fn require_not_worn(&self, set: &Set, place: Place) -> Result<u64, StatusWord> {
        let counter = place.counter(self.nvm);
        if set.opens_channels(counter) { Ok(counter) } else { Err(StatusWord::CONDITIONS_NOT_SATISFIED) }
    }

    /// The sequence counter moves on before the challenge made of it is given out.
    fn challenge_scp03(
        &mut self,
        command: &Command<'_>,
        keys: &StaticKeys,
        set: &Set,
        place: Place,
        answer: &mut Response,
    ) -> Result<Challenged, Failure> {
        let mode_len = command.data.len();
        let mode = if mode_len == length::S16 { scp03_option::S16 } else { 0x00 };
        command.require_answer_len(length::DIVERSIFICATION + 3 + 2 * mode_len + length::SCP03_SEQUENCE)?;
        let sequence = self.require_not_worn(set, place)? + 1;
        let mut transaction = Transaction::new();
        place.stage_counter(self.nvm, sequence, &mut transaction)?;
        self.nvm.commit(transaction)?;
        let [.., a, b, c] = sequence.to_be_bytes();
        let sequence = [a, b, c];
        let card_challenge = scp03::card_challenge(&keys.enc, sequence, &ISSUER_DOMAIN, mode_len);
        let challenged = scp03::Challenged::new(keys, command.data, &card_challenge);
        let challenged = challenged.ok_or(StatusWord::INTERNAL_ERROR)?;
        put(answer, &card_number(self.nvm))?;
        put(answer, &[set.version, ProtocolId::SCP03.0, scp03_option::OF_RFID_SIM | mode])?;
        put(answer, &card_challenge)?;
        put(answer, &challenged.card_cryptogram)?;
        put(answer, &sequence)?;
        Ok(Challenged::Scp03(challenged))
    }

    /// EXTERNAL AUTHENTICATE (annex E.5.2; amendment D 7.1.2). Whatever is wrong aborts.
    pub(super) fn external_authenticate(&mut self, command: &Command<'_>) -> Result<StatusWord, Failure> {
        let challenged = match core::mem::replace(&mut self.session.channel.0, State::Aborted) {
            State::Challenged(challenged) => challenged,
            State::Aborted => return refuse(StatusWord::SECURITY_NOT_SATISFIED),
            State::Closed | State::Open(_) | State::InPacket(_) => {
                self.session.channel.0 = State::Closed;
                return refuse(StatusWord::CONDITIONS_NOT_SATISFIED);
            }
        };
        let levels: &[u8] = match &challenged {
            Challenged::Scp02(..) => &LEVELS_SCP02,
            Challenged::Scp03(_) => &LEVELS_SCP03,
        };
        if command.p2 != 0x00 || !levels.contains(&command.p1) {
            return refuse(StatusWord::WRONG_P1P2);
        }
        let header = Header::of(command);
        let session = match challenged {
            Challenged::Scp02(challenged, place) => {
                let sequence = challenged.sequence;
                let session = challenged.authenticate(header, command.data)?;
                self.use_up(place, sequence)?;
                Session::Scp02(session)
            }
            Challenged::Scp03(challenged) => Session::Scp03(challenged.authenticate(header, command.data)?),
        };
        self.session.channel.0 = State::Open(session);
        Ok(StatusWord::OK)
    }

    /// SCP02 makes its session keys of the sequence alone: of several channels that were challenged with the same, one may
    /// open, or what was heard on it could be said again on another.
    fn use_up(&mut self, place: Place, sequence: [u8; 2]) -> Result<(), Failure> {
        let sequence = u64::from(u16::from_be_bytes(sequence));
        if place.counter(self.nvm) != sequence {
            return refuse(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        let mut transaction = Transaction::new();
        place.stage_counter(self.nvm, sequence + 1, &mut transaction)?;
        Ok(self.nvm.commit(transaction)?)
    }
}

impl StaticKeys {
    fn of(set: &Set) -> Option<Self> {
        let key = |id| set.key(id).cloned();
        Some(Self { enc: key(key_id::ENC)?, mac: key(key_id::MAC)?, dek: key(key_id::DEK)? })
    }
}

impl Header {
    const fn of(command: &Command<'_>) -> Self {
        Self { cla: command.cla, ins: command.ins, p1: command.p1, p2: command.p2 }
    }

    /// With the length of the data field that a MAC covers, its own included.
    const fn with_length(self, length: u8) -> [u8; 5] {
        [self.cla, self.ins, self.p1, self.p2, length]
    }
}

impl PlainData {
    pub(super) fn from_slice(data: &[u8]) -> Result<Self, StatusWord> {
        heapless::Vec::from_slice(data).map(Self).map_err(|_| StatusWord::WRONG_LENGTH)
    }
}

impl core::ops::Deref for PlainData {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl core::ops::DerefMut for PlainData {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Drop for PlainData {
    fn drop(&mut self) {
        self.0.as_mut_slice().zeroize();
    }
}

/// Takes the padding 80 00… off; `None` if there is none.
fn unpad(data: &mut PlainData) -> Option<()> {
    let end = data.iter().rposition(|byte| *byte != 0)?;
    if data.get(end) != Some(&0x80) {
        return None;
    }
    data.get_mut(end..)?.zeroize();
    data.0.truncate(end);
    Some(())
}
