//! A door, and one tap at it: SELECT, INTERNAL AUTHENTICATE, READ BINARY 0019, and where the card logs GET CHALLENGE and
//! APPEND RECORD (profile §5).

use onecard_wire::{
    number::{ApplicationSerial, TerminalNumber},
    record::{AccessRight, EventCode, Zone},
};

use super::{Denial, Denied, PassbackLedger, ScheduleTable, access_rights, judgement::judge};
use crate::{
    presence::{
        AppendError, Event, EventLog, EventStore, Genuine, NewEvent, OnCard, Serial, Site, Standing, Tap, Unfit,
        append, genuine,
    },
    sam::{AuthenticationUse, Sam},
    terminal::StorageError,
    transport::Transport,
};

/// One door in one direction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Door {
    /// Enterprise, keys, deny list.
    pub site: Site,
    /// The zone behind it.
    pub zone: Zone,
    /// Which way it leads.
    pub direction: Direction,
    /// What rows of schedules mean here.
    pub schedules: ScheduleTable,
    /// What is logged on the card.
    pub card_log: CardLog,
}

/// Which way a door leads.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Direction {
    /// Into the zone.
    In,
    /// Out of it: at any hour, and never against anti-passback.
    Out,
}

/// What a door has the card write into its access log. The terminal's journal has every event all the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CardLog {
    /// Of granted taps.
    pub grants: GrantLog,
    /// Whether a genuine card that is denied writes that too.
    pub denials: bool,
}

/// Whether the door opens to a card that does not write its log.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum GrantLog {
    /// Cards are not asked to write.
    Off,
    /// It opens all the same, and the journal says that the card did not write: for doors that must not keep people out.
    IfPossible,
    /// It stays shut: for doors whose cards are read as evidence.
    Required,
}

/// What a door keeps.
pub struct Records<'r, S: EventStore + ?Sized> {
    /// Its journal.
    pub events: &'r mut S,
    /// Who is inside, shared with the zone's other doors.
    pub passback: &'r mut PassbackLedger,
}

/// How a tap ends.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub enum Access {
    /// Open the door.
    Granted(Grant),
    /// Leave it shut.
    Denied(Denial),
}

/// A granted tap.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    /// The card.
    pub card: ApplicationSerial,
    /// The right that opened the door.
    pub right: AccessRight,
    /// The journal's event, which says whether the card wrote its log.
    pub event: Event,
}

/// Judges the card on the reader: three commands, five where it logs.
///
/// Nobody is let in before the journal has the event, and the zone's ledger learns of grants alone.
///
/// # Errors
/// [`StorageError`]: the journal failed, so the door stays shut.
pub fn access<C, K, S>(
    card: &mut C,
    sam: &mut K,
    door: &Door,
    records: &mut Records<'_, S>,
    tap: &Tap,
) -> Result<Access, StorageError>
where
    C: Transport + ?Sized,
    K: Sam + ?Sized,
    S: EventStore + ?Sized,
{
    let genuine = match genuine(card, sam, &door.site, records.events.blacklist(), AuthenticationUse::Access, tap) {
        Ok(genuine) => genuine,
        Err((serial, unfit)) => {
            let terminal = sam.terminal().ok();
            let reason = Denied::Card(unfit);
            let event = terminal.map(|terminal| door.event(terminal, tap, serial, Some(&reason)));
            let event = event.map(|event| records.events.record(event, Standing::Counts(OnCard::NotAsked)));
            return Ok(Access::Denied(Denial { card: serial, reason, event: event.transpose()? }));
        }
    };
    let judged = match access_rights(card, &genuine.application) {
        Ok(rights) => {
            let rights: Vec<AccessRight> = rights.into_iter().flatten().collect();
            judge(door, sam, records.passback, genuine.factors(), tap.at, &rights)
        }
        Err(error) => Err(Denied::Card(Unfit::Read(error))),
    };
    match judged {
        Ok(right) => grant(card, sam, door, records, tap, &genuine, right),
        Err(reason) => deny(card, sam, door, records, tap, &genuine, reason),
    }
}

/// The card writes its log, the journal follows, then the ledger.
fn grant<C, K, S>(
    card: &mut C,
    sam: &mut K,
    door: &Door,
    records: &mut Records<'_, S>,
    tap: &Tap,
    genuine: &Genuine,
    right: AccessRight,
) -> Result<Access, StorageError>
where
    C: Transport + ?Sized,
    K: Sam + ?Sized,
    S: EventStore + ?Sized,
{
    let serial = genuine.application.serial();
    let what = door.event(genuine.terminal, tap, Some(serial), None);
    let event = if door.card_log.grants == GrantLog::Off {
        records.events.record(what, Standing::Counts(OnCard::NotAsked))?
    } else {
        let (event, written) = log_on_card(card, sam, records, genuine, what)?;
        match written {
            Err(error) if door.card_log.grants == GrantLog::Required => {
                let reason = Denied::NotLogged(error);
                let void = Standing::Void(reason.text(crate::terminal::Language::English));
                let event = Some(records.events.conclude(event.number, void)?);
                return Ok(Access::Denied(Denial { card: Some(serial), reason, event }));
            }
            written => records.events.conclude(event.number, Standing::Counts(on_card(&written)))?,
        }
    };
    match door.direction {
        Direction::In => records.passback.entered(door.zone, serial, tap.at),
        Direction::Out => records.passback.left(door.zone, serial),
    }
    Ok(Access::Granted(Grant { card: serial, right, event }))
}

fn deny<C, K, S>(
    card: &mut C,
    sam: &mut K,
    door: &Door,
    records: &mut Records<'_, S>,
    tap: &Tap,
    genuine: &Genuine,
    reason: Denied,
) -> Result<Access, StorageError>
where
    C: Transport + ?Sized,
    K: Sam + ?Sized,
    S: EventStore + ?Sized,
{
    let serial = genuine.application.serial();
    let what = door.event(genuine.terminal, tap, Some(serial), Some(&reason));
    let event = if door.card_log.denials {
        let (event, written) = log_on_card(card, sam, records, genuine, what)?;
        records.events.conclude(event.number, Standing::Counts(on_card(&written)))?
    } else {
        records.events.record(what, Standing::Counts(OnCard::NotAsked))?
    };
    Ok(Access::Denied(Denial { card: Some(serial), reason, event: Some(event) }))
}

/// Has the card write the event under the number the journal gives it.
fn log_on_card<C, K, S>(
    card: &mut C,
    sam: &mut K,
    records: &mut Records<'_, S>,
    genuine: &Genuine,
    what: NewEvent,
) -> Result<(Event, Result<(), AppendError>), StorageError>
where
    C: Transport + ?Sized,
    K: Sam + ?Sized,
    S: EventStore + ?Sized,
{
    let event = records.events.record(what, Standing::Begun)?;
    let written = append(card, sam, genuine, EventLog::Access, &event.record());
    Ok((event, written))
}

const fn on_card(written: &Result<(), AppendError>) -> OnCard {
    match written {
        Ok(()) => OnCard::Written,
        Err(error) if error.is_open() => OnCard::Unknown,
        Err(_) => OnCard::NotWritten,
    }
}

impl Door {
    fn event(
        &self,
        terminal: TerminalNumber,
        tap: &Tap,
        serial: Option<ApplicationSerial>,
        denied: Option<&Denied>,
    ) -> NewEvent {
        let code = match (denied, self.direction) {
            (Some(_), _) => EventCode::ACCESS_DENIED,
            (None, Direction::In) => EventCode::ACCESS_IN,
            (None, Direction::Out) => EventCode::ACCESS_OUT,
        };
        NewEvent {
            enterprise: self.site.enterprise,
            terminal,
            moment: tap.at,
            code,
            card: serial.map(Serial),
            note: denied.map(|denied| denied.text(crate::terminal::Language::English)),
        }
    }
}
