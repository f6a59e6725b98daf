//! APPEND RECORD to the access or attendance log (profile §3.1): two commands.

use onecard_wire::{fid::Fid, ins, key::KeyVersion, record::EventRecord, status::StatusWord};

use super::Genuine;
use crate::{
    apdu::{Command, CommandName, ExchangeError, Refusal, exchange, meaning},
    line_protection::{ChallengeError, LineMac, ProtectError, challenge, with_mac},
    sam::{CardFactors, LineKeyUse, Sam, SamError},
    terminal::chinese,
    transport::Transport,
};

/// Which of a card's two logs of events.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum EventLog {
    /// EF 001B.
    Access,
    /// EF 001A.
    Attendance,
}

impl EventLog {
    /// The file.
    #[must_use]
    pub const fn file(self) -> Fid {
        match self {
            Self::Access => Fid::ACCESS_LOG,
            Self::Attendance => Fid::ATTENDANCE_LOG,
        }
    }

    const fn usage(self) -> LineKeyUse {
        match self {
            Self::Access => LineKeyUse::AccessAppend,
            Self::Attendance => LineKeyUse::AttendanceAppend,
        }
    }
}

/// APPEND RECORD as it goes out, its MAC made: nothing was sent but GET CHALLENGE.
pub(crate) struct Prepared(Command);

/// GET CHALLENGE, and the MAC of what will be appended.
pub(crate) fn prepare<C, K>(
    card: &mut C,
    sam: &mut K,
    genuine: &Genuine,
    log: EventLog,
    record: &EventRecord,
) -> Result<Prepared, AppendError>
where
    C: Transport + ?Sized,
    K: Sam + ?Sized,
{
    const BY_NUMBER: u8 = 0x04;
    let p2 = ((log.file().0 & 0x1F) as u8) << 3 | BY_NUMBER;
    let append = Command::new(ins::CLA_ISO, ins::APPEND_RECORD, 0x00, p2).with_data(&record.emit());
    let challenge = challenge(card).map_err(|error| match error {
        ChallengeError::Refused(status) => AppendError::Refused { command: CommandName::GetChallenge, status },
        ChallengeError::Exchange(error) => AppendError::NotSent(error),
    })?;
    let mut keeper = LineKeySam { sam, card: genuine.factors(), usage: log.usage(), version: genuine.version };
    let protected = with_mac(&append, challenge, &mut keeper).map_err(|error| match error {
        ProtectError::Keeper(error) => AppendError::Keeper(error),
        ProtectError::TooLong(too_long) => AppendError::Keeper(SamError::MessageTooLong(too_long.0)),
    })?;
    Ok(Prepared(protected))
}

impl Prepared {
    /// APPEND RECORD.
    pub(crate) fn send<C: Transport + ?Sized>(self, card: &mut C) -> Result<(), AppendError> {
        let answer = exchange(card, &self.0).map_err(AppendError::Unknown)?;
        answer.done().map(drop).map_err(|status| match status {
            StatusWord::MEMORY_FAILURE => AppendError::Open(status),
            _ if meaning(CommandName::Write, status).is_none() => AppendError::Open(status),
            _ => AppendError::Refused { command: CommandName::Write, status },
        })
    }
}

/// Appends `record` to a genuine card's log. The 9000 that ends it is in no MAC: it is believed of a card that has just
/// shown itself genuine, and of no other.
///
/// # Errors
/// [`AppendError`].
pub fn append<C, K>(
    card: &mut C,
    sam: &mut K,
    genuine: &Genuine,
    log: EventLog,
    record: &EventRecord,
) -> Result<(), AppendError>
where
    C: Transport + ?Sized,
    K: Sam + ?Sized,
{
    prepare(card, sam, genuine, log, record)?.send(card)
}

/// Why a card's log may lack a record.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AppendError {
    /// The SAM made no MAC; nothing was written.
    #[error("the record's MAC was not made: {0}")]
    Keeper(#[source] SamError),
    /// No challenge; nothing was written.
    #[error("nothing was written: {0}")]
    NotSent(#[source] ExchangeError),
    /// By this word nothing was written.
    #[error("nothing was written, the card answered {}", Refusal { command: *.command, status: *.status })]
    Refused {
        /// The command.
        command: CommandName,
        /// The word.
        status: StatusWord,
    },
    /// By this word it may have been written.
    #[error("the record may have been written, the card answered {0}")]
    Open(StatusWord),
    /// No answer: it may have been written.
    #[error("the record may have been written: {0}")]
    Unknown(#[source] ExchangeError),
}

impl AppendError {
    /// Whether the record may be on the card.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Open(_) | Self::Unknown(_))
    }

    pub(crate) fn chinese(&self) -> String {
        match self {
            Self::Keeper(error) => chinese::keeper(error),
            Self::NotSent(error) | Self::Unknown(error) => chinese::exchange(error),
            Self::Refused { command, status } => {
                let said = meaning(*command, *status).map_or("含义不明", |meaning| meaning.chinese);
                format!("{said}（{:04X}）", status.0)
            }
            Self::Open(status) => format!("卡应答{:04X}，可能已写入", status.0),
        }
    }
}

/// A SAM that keeps one key of one card.
struct LineKeySam<'s, K: ?Sized> {
    sam: &'s mut K,
    card: CardFactors,
    usage: LineKeyUse,
    version: KeyVersion,
}

impl<K: Sam + ?Sized> LineMac for LineKeySam<'_, K> {
    type Error = SamError;

    fn line_mac(&mut self, initial: [u8; 8], message: &[u8]) -> Result<[u8; 4], SamError> {
        self.sam.line_mac(self.card, self.usage, self.version, initial, message)
    }
}
