//! An attendance terminal (考勤, profile §3.1, §5): a genuine card clocks in or out, begins or ends a break.
//!
//! SELECT, INTERNAL AUTHENTICATE, GET CHALLENGE and APPEND RECORD to EF 001A: at most four commands. The terminal's journal
//! counts, the card's log is evidence. A second tap for the same thing within a set time is the same event, and takes two
//! commands.

use core::fmt;

use onecard_wire::{
    number::{ApplicationSerial, TerminalNumber},
    record::EventCode,
};

use crate::{
    calendar,
    presence::{
        AppendError, Event, EventLog, EventStore, Genuine, NewEvent, OnCard, Prepared, Serial, Site, Standing, Tap,
        Unfit, genuine, prepare,
    },
    sam::{AuthenticationUse, Sam},
    terminal::{Language, StorageError},
    transport::Transport,
};

/// What is clocked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum AttendanceEvent {
    /// Work begins (上班).
    In,
    /// Work ends (下班).
    Out,
    /// A break begins.
    BreakBegins,
    /// A break ends.
    BreakEnds,
}

impl AttendanceEvent {
    /// Every event.
    pub const ALL: [Self; 4] = [Self::In, Self::Out, Self::BreakBegins, Self::BreakEnds];

    /// As the record has it.
    #[must_use]
    pub const fn code(self) -> EventCode {
        match self {
            Self::In => EventCode::IN,
            Self::Out => EventCode::OUT,
            Self::BreakBegins => EventCode::BREAK_BEGINS,
            Self::BreakEnds => EventCode::BREAK_ENDS,
        }
    }

    /// What it is called.
    #[must_use]
    pub fn text(self, language: Language) -> &'static str {
        let (english, chinese) = match self {
            Self::In => ("in", "上班"),
            Self::Out => ("out", "下班"),
            Self::BreakBegins => ("break begins", "休息开始"),
            Self::BreakEnds => ("break ends", "休息结束"),
        };
        language.of(|| english, || chinese)
    }
}

/// An attendance terminal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AttendanceTerminal {
    /// Enterprise, keys, deny list.
    pub site: Site,
    /// For how many seconds a second tap of the same card for the same thing is the same event.
    pub same_event_seconds: u64,
}

/// How a tap ends.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub enum Attendance {
    /// It counts: it is in the journal, and the card has written it.
    Recorded(Event),
    /// It was recorded a moment ago; nothing was written.
    AlreadyRecorded(Event),
    /// Nothing was recorded.
    NotRecorded(Absence),
    /// The card may have written its record, and nobody is clocked in: present the same card again, which ends as one event.
    Unknown {
        /// The event, which the journal keeps as begun.
        event: Event,
        /// What came instead of the card's answer.
        error: AppendError,
    },
}

/// Why nothing was recorded. `Display` is English.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Absence {
    /// The card, once it has told its serial.
    pub card: Option<ApplicationSerial>,
    /// Why.
    pub reason: NotRecorded,
}

/// Why nothing was recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NotRecorded {
    /// The card is served nowhere.
    Card(Unfit),
    /// The card did not write its log.
    Log(AppendError),
}

/// Clocks `event` for the card on the reader: four commands at most, two if it is clocked already.
///
/// The event is in the journal as begun before APPEND leaves, and counts when the card, which has just shown itself
/// genuine, says that it has written. A tap that finds its own event begun has the card write the same record, with the
/// same counter, once more: the card's log may then hold it twice, and it is one event all the same.
///
/// # Errors
/// [`StorageError`]: the journal failed, so nobody is clocked in.
pub fn attend<C, K, S>(
    card: &mut C,
    sam: &mut K,
    terminal: &AttendanceTerminal,
    events: &mut S,
    event: AttendanceEvent,
    tap: &Tap,
) -> Result<Attendance, StorageError>
where
    C: Transport + ?Sized,
    K: Sam + ?Sized,
    S: EventStore + ?Sized,
{
    let genuine = match genuine(card, sam, &terminal.site, events.blacklist(), AuthenticationUse::Attendance, tap) {
        Ok(genuine) => genuine,
        Err((serial, unfit)) => return Ok(not_recorded(serial, NotRecorded::Card(unfit))),
    };
    let serial = genuine.application.serial();
    let earlier = events.latest(serial, event.code())?;
    let earlier = earlier.filter(|earlier| terminal.is_the_same(earlier, &genuine, tap));
    let earlier = if is_overtaken(events, serial, earlier.as_ref())? { None } else { earlier };
    let begun = match earlier {
        Some(earlier) if matches!(earlier.standing, Standing::Counts(_)) => {
            return Ok(Attendance::AlreadyRecorded(earlier));
        }
        Some(earlier) if earlier.standing == Standing::Begun => Some(earlier),
        _ => None,
    };
    let what = terminal.event(genuine.terminal, serial, event, tap);
    let next = match &begun {
        Some(begun) => begun.clone(),
        None => Event { number: events.next_number()?, what: what.clone(), standing: Standing::Begun },
    };
    // Everything that can fail before the card is asked to write fails before the journal has an event.
    let append = match prepare(card, sam, &genuine, EventLog::Attendance, &next.record()) {
        Ok(append) => append,
        Err(error) => return Ok(not_recorded(Some(serial), NotRecorded::Log(error))),
    };
    let begun = match begun {
        Some(begun) => begun,
        None => events.record(what, Standing::Begun)?,
    };
    write(card, events, serial, begun, append)
}

/// APPEND RECORD, and what the journal makes of its answer.
fn write<C, S>(
    card: &mut C,
    events: &mut S,
    serial: ApplicationSerial,
    begun: Event,
    append: Prepared,
) -> Result<Attendance, StorageError>
where
    C: Transport + ?Sized,
    S: EventStore + ?Sized,
{
    match append.send(card) {
        Ok(()) => events.conclude(begun.number, Standing::Counts(OnCard::Written)).map(Attendance::Recorded),
        Err(error) if error.is_open() => Ok(Attendance::Unknown { event: begun, error }),
        Err(error) => {
            events.conclude(begun.number, Standing::Void(error.to_string()))?;
            Ok(not_recorded(Some(serial), NotRecorded::Log(error)))
        }
    }
}

/// Whether another event of the card's counts since `earlier`: then the same code once more is another event (in by the wrong
/// button, out, in again).
fn is_overtaken<S: EventStore + ?Sized>(
    events: &S,
    serial: ApplicationSerial,
    earlier: Option<&Event>,
) -> Result<bool, StorageError> {
    let Some(earlier) = earlier else { return Ok(false) };
    for code in AttendanceEvent::ALL.map(AttendanceEvent::code) {
        let other = events.latest(serial, code)?;
        if other.is_some_and(|other| other.number > earlier.number && matches!(other.standing, Standing::Counts(_))) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn not_recorded(card: Option<ApplicationSerial>, reason: NotRecorded) -> Attendance {
    Attendance::NotRecorded(Absence { card, reason })
}

impl AttendanceTerminal {
    /// Whether the tap is for `earlier`, of the same card and code.
    fn is_the_same(&self, earlier: &Event, genuine: &Genuine, tap: &Tap) -> bool {
        earlier.what.terminal == genuine.terminal
            && calendar::seconds_between(earlier.what.moment, tap.at) <= self.same_event_seconds
    }

    fn event(
        &self,
        terminal: TerminalNumber,
        serial: ApplicationSerial,
        event: AttendanceEvent,
        tap: &Tap,
    ) -> NewEvent {
        NewEvent {
            enterprise: self.site.enterprise,
            terminal,
            moment: tap.at,
            code: event.code(),
            card: Some(Serial(serial)),
            note: None,
        }
    }
}

impl Absence {
    /// What happened, to which card, and what to do next.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        let (english, chinese) = match self.card {
            Some(serial) => (format!("Card {serial}"), format!("卡{serial}")),
            None => ("This card".to_owned(), "该卡".to_owned()),
        };
        let reason = match &self.reason {
            NotRecorded::Card(unfit) => unfit.text(language),
            NotRecorded::Log(error) => {
                language.of(|| format!("{error}. Present it again"), || format!("{}。请重新刷卡", error.chinese()))
            }
        };
        language.of(|| format!("Not recorded. {english}: {reason}."), || format!("未记录。{chinese}：{reason}。"))
    }
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Language::English))
    }
}

#[cfg(test)]
mod tests;
