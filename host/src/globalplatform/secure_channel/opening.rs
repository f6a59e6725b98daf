//! INITIALIZE UPDATE and EXTERNAL AUTHENTICATE (10.2, 10.4): card and host show each other that they have the same keys.

use core::fmt;

use onecard_wire::{
    globalplatform::{
        CLA, EXTERNAL_AUTHENTICATE, INITIALIZE_UPDATE,
        secure_channel::{ProtocolId, length, scp03_constant, scp03_option},
    },
    layout::Reader,
    status::StatusWord,
};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{
    super::{key_source::KeySource, keys::Suite},
    SecureChannel,
    channel::Protocol,
    level::Level,
    scp02::Scp02,
    scp03::{Scp03, card_challenge},
};
use crate::{
    apdu::{Command, ExchangeError, Response},
    keys::MissingKey,
};

/// The host's random number. Its length is the mode's: 8 bytes, of SCP03 in S16 mode 16.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HostChallenge {
    /// SCP02, and SCP03 in S8 mode.
    Eight([u8; length::S8]),
    /// SCP03 in S16 mode.
    Sixteen([u8; length::S16]),
}

/// What a session is to be like.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Who knows the card's keys.
    pub keys: &'a dyn KeySource,
    /// What the session protects.
    pub level: Level,
    /// Fresh and unpredictable.
    pub challenge: HostChallenge,
    /// AID of the selected domain as its FCI names it: with it a pseudo-random card challenge is checked, wherever the
    /// answer has its counter.
    pub domain: Option<&'a [u8]>,
    /// Whether the card says of its SCP02 that the challenge is pseudo-random (i 55); the answer does not tell.
    pub scp02_pseudo_random: bool,
}

/// Who answered INITIALIZE UPDATE.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Peer {
    /// Key diversification data.
    pub diversification: [u8; length::DIVERSIFICATION],
    /// Version of its key set.
    pub key_version: u8,
    /// Its protocol.
    pub protocol: ProtocolId,
    /// Its parameter i; the answer of SCP02 has none.
    pub option: Option<u8>,
    /// Its sequence counter, if the answer has one.
    pub sequence: Option<u32>,
}

impl Peer {
    /// The last 8 bytes of the key diversification data: what an operator's keys are diversified by.
    #[must_use]
    pub fn chip_number(&self) -> [u8; 8] {
        self.diversification.last_chunk().copied().unwrap_or_default()
    }
}

/// INITIALIZE UPDATE is to be sent.
#[derive(Debug)]
pub struct Opening<'a> {
    request: &'a Request<'a>,
}

/// The card has shown that it has the keys; EXTERNAL AUTHENTICATE is to be sent.
pub struct Authenticating {
    command: Zeroizing<Vec<u8>>,
    channel: SecureChannel,
}

/// Why there is no session. Nothing changed on the card but its sequence counter.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OpenError {
    /// No answer.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// INITIALIZE UPDATE was refused.
    #[error("the card answered {status} to INITIALIZE UPDATE for key version {version:02X}: {}", initialize_step(*.status))]
    InitializeRefused {
        /// Its answer.
        status: StatusWord,
        /// What was asked for; 00 is the card's own choice.
        version: u8,
    },
    /// The answer to INITIALIZE UPDATE is of no protocol, or not of the mode asked for.
    #[error("the card's answer to INITIALIZE UPDATE is of no protocol known here: try the other mode, or another card")]
    UnknownAnswer,
    /// No keys for this protocol were given.
    #[error(
        "the card answers with SCP{:02X}, of which no keys are allowed here: allow it, or name another key version", .0.0
    )]
    ProtocolNotAllowed(ProtocolId),
    /// The card's keys cannot be derived.
    #[error(transparent)]
    MissingKey(#[from] MissingKey),
    /// Several sets of the protocol were given, none of the version the card answers with.
    #[error("the card answers with key version {0:02X}, of which no keys are here: add them, or name another version")]
    VersionNotAllowed(u8),
    /// The card does not protect as much.
    #[error("the card does not offer security level {level} (SCP{:02X}{}): ask for a lower one", .protocol.0, parameter(*.option))]
    LevelNotOffered {
        /// What was asked for.
        level: Level,
        /// The card's protocol.
        protocol: ProtocolId,
        /// Its parameter i, where its answer has it: that of SCP02 has not.
        option: Option<u8>,
    },
    /// The card does not have these keys.
    #[error(
        "the card's cryptogram is wrong: these are not its keys, or it is another card; some cards count attempts, so find the right keys first"
    )]
    CardCryptogram,
    /// The challenge is not the one its counter gives.
    #[error(
        "the card's challenge is not the one of its sequence counter: somebody stands between, or it is another domain"
    )]
    CardChallenge,
    /// EXTERNAL AUTHENTICATE was refused.
    #[error("the card answered {} to EXTERNAL AUTHENTICATE: {}", .0, authenticate_step(*.0))]
    AuthenticationRefused(StatusWord),
}

impl HostChallenge {
    /// 8 bytes from `random`.
    #[must_use]
    pub fn draw(random: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; length::S8];
        random.fill_bytes(&mut bytes);
        Self::Eight(bytes)
    }

    /// 16 bytes from `random`, for S16 mode.
    #[must_use]
    pub fn draw_s16(random: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; length::S16];
        random.fill_bytes(&mut bytes);
        Self::Sixteen(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Eight(bytes) => bytes,
            Self::Sixteen(bytes) => bytes,
        }
    }
}

impl<'a> Opening<'a> {
    /// Begins.
    #[must_use]
    pub const fn new(request: &'a Request<'a>) -> Self {
        Self { request }
    }

    /// INITIALIZE UPDATE.
    #[must_use]
    pub fn command(&self) -> Command {
        let command = Command::new(CLA, INITIALIZE_UPDATE, self.request.keys.version(), 0x00);
        let command = match &self.request.challenge {
            HostChallenge::Eight(bytes) => command.with_data(bytes),
            HostChallenge::Sixteen(bytes) => command.with_data(bytes),
        };
        command.expecting(0)
    }

    /// What its answer comes to.
    ///
    /// # Errors
    /// [`OpenError`]: the card is not one that has the keys, or not one that was allowed.
    pub fn answered(self, answer: Response) -> Result<Authenticating, OpenError> {
        let version = self.request.keys.version();
        let data = answer.done().map_err(|status| OpenError::InitializeRefused { status, version })?;
        let host = self.request.challenge.as_bytes();
        let answer = Answer::parse(&data, host.len()).ok_or(OpenError::UnknownAnswer)?;
        let keys = self.request.keys.keys_for(&answer.peer)?;
        let level = self.request.level;
        let option = answer.peer.option;
        if !level.is_offered(answer.peer.protocol, option.unwrap_or_default()) {
            return Err(OpenError::LevelNotOffered { level, protocol: answer.peer.protocol, option });
        }
        let (protocol, cryptogram) = match &keys.suite {
            Suite::Scp02(triple) => {
                let sequence = answer.scp02_sequence();
                let session = Scp02::new(triple, sequence);
                same(&session.card_cryptogram(host, sequence, answer.challenge), answer.cryptogram)?;
                if let Some(domain) = self.request.domain.filter(|_| self.request.scp02_pseudo_random) {
                    genuine(&session.card_challenge(domain), answer.challenge)?;
                }
                let cryptogram = session.host_cryptogram(host, sequence, answer.challenge).to_vec();
                (Protocol::Scp02(session), Zeroizing::new(cryptogram))
            }
            Suite::Scp03(triple) => {
                let session = Scp03::new(triple, host, answer.challenge);
                let card = session.cryptogram(scp03_constant::CARD_CRYPTOGRAM, host, answer.challenge);
                same(&card, answer.cryptogram)?;
                if let (Some(domain), Some(sequence)) = (self.request.domain, answer.scp03_sequence()) {
                    genuine(&card_challenge(triple, host.len(), sequence, domain), answer.challenge)?;
                }
                let cryptogram = session.cryptogram(scp03_constant::HOST_CRYPTOGRAM, host, answer.challenge);
                (Protocol::Scp03(Box::new(session)), cryptogram)
            }
        };
        let mut channel = SecureChannel::new(protocol, level, answer.peer);
        let command = Command::new(CLA, EXTERNAL_AUTHENTICATE, level.byte(), 0x00).with_bytes(&cryptogram);
        let command =
            command.ok().and_then(|command| channel.authenticate(&command)).ok_or(OpenError::UnknownAnswer)?;
        Ok(Authenticating { command, channel })
    }
}

impl Authenticating {
    /// EXTERNAL AUTHENTICATE, as it is sent.
    #[must_use]
    pub fn command(&self) -> &[u8] {
        &self.command
    }

    /// Who answered.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        self.channel.peer()
    }

    /// The channel, if the card's answer is 9000.
    ///
    /// # Errors
    /// [`OpenError::AuthenticationRefused`].
    pub fn answered(self, status: StatusWord) -> Result<SecureChannel, OpenError> {
        if status.is_ok() { Ok(self.channel) } else { Err(OpenError::AuthenticationRefused(status)) }
    }
}

impl fmt::Debug for Authenticating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticating").field("channel", &self.channel).finish_non_exhaustive()
    }
}

/// INITIALIZE UPDATE's answer.
struct Answer<'d> {
    peer: Peer,
    challenge: &'d [u8],
    cryptogram: &'d [u8],
}

impl<'d> Answer<'d> {
    /// Of SCP02 (E.5.1.3) or SCP03 (amendment D, 7.1.1.3) with fields of `width` bytes.
    fn parse(data: &'d [u8], width: usize) -> Option<Self> {
        let mut reader = Reader::new(data);
        let diversification = reader.array()?;
        let key_version = reader.u8()?;
        let protocol = ProtocolId(reader.u8()?);
        let (option, sequence, challenge, cryptogram) = match protocol {
            ProtocolId::SCP02 if width == length::S8 => {
                let sequence = reader.u16().map(u32::from);
                (None, sequence, reader.slice(length::SCP02_CHALLENGE)?, reader.slice(width)?)
            }
            ProtocolId::SCP03 => {
                let option = reader.u8()?;
                let fields = (reader.slice(width)?, reader.slice(width)?);
                let pseudo_random = option & scp03_option::PSEUDO_RANDOM != 0;
                let counter = reader.array::<{ length::SCP03_SEQUENCE }>();
                // Some cards of a pseudo-random challenge leave their counter out of the answer.
                let sequence = counter.filter(|_| pseudo_random).map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]));
                (Some(option), sequence, fields.0, fields.1)
            }
            _ => return None,
        };
        let peer = Peer { diversification, key_version, protocol, option, sequence };
        reader.end(Self { peer, challenge, cryptogram })
    }

    fn scp02_sequence(&self) -> [u8; length::SCP02_SEQUENCE] {
        let [_, _, high, low] = self.peer.sequence.unwrap_or_default().to_be_bytes();
        [high, low]
    }

    fn scp03_sequence(&self) -> Option<[u8; length::SCP03_SEQUENCE]> {
        let [_, a, b, c] = self.peer.sequence?.to_be_bytes();
        Some([a, b, c])
    }
}

fn same(expected: &[u8], answered: &[u8]) -> Result<(), OpenError> {
    if expected.ct_eq(answered).into() { Ok(()) } else { Err(OpenError::CardCryptogram) }
}

fn genuine(expected: &[u8], answered: &[u8]) -> Result<(), OpenError> {
    if expected.ct_eq(answered).into() { Ok(()) } else { Err(OpenError::CardChallenge) }
}

fn parameter(option: Option<u8>) -> String {
    option.map(|option| format!(", i {option:02X}")).unwrap_or_default()
}

/// What to do about it.
const fn initialize_step(status: StatusWord) -> &'static str {
    match status {
        StatusWord::KEY_NOT_FOUND => "it has no such key set; `onecard gp info` shows those it has",
        StatusWord::CONDITIONS_NOT_SATISFIED => {
            "the key set's sequence counter is used up, or the domain is not in use"
        }
        StatusWord::FILE_NOT_FOUND | StatusWord::INS_NOT_SUPPORTED | StatusWord::CLA_NOT_SUPPORTED => {
            "it has no issuer domain on this interface; an RFID-SIM has it at its contacts only"
        }
        StatusWord::WRONG_LENGTH => "it does not take a challenge of this length; try the other mode",
        _ => "select the domain again, or use another card",
    }
}

/// What to do about it.
const fn authenticate_step(status: StatusWord) -> &'static str {
    match status {
        StatusWord::CRYPTOGRAM_WRONG => "it does not accept the host's cryptogram, look for a wrong Key-ENC or Key-MAC",
        StatusWord::SECURITY_NOT_SATISFIED => "it does not accept the MAC, look for a wrong Key-MAC",
        _ => "begin again, or ask for another security level",
    }
}
