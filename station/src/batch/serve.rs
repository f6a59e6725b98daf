//! One reader's work.

use std::{
    sync::{Mutex, PoisonError, atomic::Ordering},
    time::Instant,
};

use onecard_host::{
    disk::{Disk, DiskFile},
    transport::{Transport, TransportError},
};

use super::{
    BatchError, Call, Craft, Desk, Event, Fate, Fed, Feeder, Found, Job, NoTap, Setback, Stock, Surroundings, Tray,
};
use crate::numbers::{Number, Serial};

/// Everything a reader's thread needs.
pub(super) struct Station<'s, 'd, C, D: Disk> {
    pub(super) craft: &'s C,
    pub(super) desk: &'s Mutex<Desk<'d, D>>,
    pub(super) around: &'s Surroundings<'s, D>,
    pub(super) failures_max: u32,
}

/// How one tap of a card ended.
enum Tapped {
    /// It goes there.
    Done(Tray),
    /// It failed, and the same card may do better.
    Failed { job: Option<Job>, why: String },
    /// It is not this batch's.
    NotOurs(String),
    /// No card will help.
    Stop(String),
}

/// Taps that a card gets before it is called spoilt.
const TAPS: u32 = 3;

impl<'d, C, D> Station<'_, 'd, C, D>
where
    C: Craft,
    D: Disk,
    D::File: DiskFile,
{
    /// Serves one reader until nothing is wanted, or no card is left.
    pub(super) fn serve<F: Feeder>(&self, feeder: &mut F) -> Result<(), BatchError> {
        let resumes = self.at_desk(|desk| {
            let Stock { good, begun, bad, .. } = desk.books().stock();
            good + begun + bad > 0
        });
        if resumes {
            if self.fed(feeder, &Call::LookOnly)? {
                self.one_card(feeder)?;
            }
            // Whatever was in this reader when the station died has been seen now.
            self.at_desk(|desk| desk.put_aside(feeder.name()))?;
        }
        loop {
            if self.around.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            let Some(call) = self.at_desk(Desk::call) else { return Ok(()) };
            self.tell_wanted(feeder.name(), &call);
            if !self.fed(feeder, &call)? {
                return Ok(());
            }
            self.one_card(feeder)?;
        }
    }

    fn fed<F: Feeder>(&self, feeder: &mut F, call: &Call) -> Result<bool, BatchError> {
        let wanted = || !self.around.stop.load(Ordering::Relaxed) && self.at_desk(|desk| desk.call().is_some());
        let fed = feeder.feed(call, &wanted);
        fed.map(|fed| fed == Fed::Card).map_err(|why| BatchError::Reader { reader: feeder.name().to_owned(), why })
    }

    /// From the card's coming to its leaving.
    fn one_card<F: Feeder>(&self, feeder: &mut F) -> Result<(), BatchError> {
        let (reader, came) = (feeder.name().to_owned(), Instant::now());
        let mut commands = 0;
        for tap in 1..=TAPS {
            let mut tapped = Ok(Tapped::NotOurs(String::new()));
            let powered = feeder.tap(&mut |card| {
                let mut counted = Counted { card, commands: &mut commands };
                tapped = self.tap(&reader, &mut counted, came);
            });
            let tapped = match powered {
                Ok(()) => tapped?,
                Err(NoTap::OtherKind(why)) => Tapped::NotOurs(why),
                Err(NoTap::Gone) => {
                    (self.around.tell)(Event::Gone { reader });
                    return Ok(());
                }
                Err(NoTap::Reader(why)) => return Err(BatchError::Reader { reader, why }),
            };
            let tray = match tapped {
                Tapped::Done(tray) => tray,
                Tapped::NotOurs(why) => {
                    (self.around.tell)(Event::NotOurs { reader: reader.clone(), why });
                    self.count_failure();
                    Tray::NotOurs
                }
                Tapped::Failed { job, why } if tap < TAPS => {
                    job.iter().for_each(|job| self.at_desk(|desk| desk.let_go(job)));
                    (self.around.tell)(Event::Failed { reader: reader.clone(), why });
                    if self.around.stop.load(Ordering::Relaxed) {
                        return Ok(());
                    }
                    continue;
                }
                Tapped::Failed { job, why } => {
                    // Without a number it may be the one that was counted before the station died.
                    self.at_desk(|desk| match job {
                        None if desk.books().has_nameless(&reader) => Ok(()),
                        _ => desk.bad(&reader, job.as_ref(), &why),
                    })?;
                    (self.around.tell)(Event::Bad { reader: reader.clone(), row: job.map(|job| job.row), why });
                    self.count_failure();
                    Tray::Bad
                }
                Tapped::Stop(why) => {
                    self.at_desk(Desk::stop);
                    (self.around.tell)(Event::Stops { why });
                    return Ok(());
                }
            };
            feeder.put_away(tray).map_err(|why| BatchError::Reader { reader: reader.clone(), why })?;
            return self.at_desk(|desk| desk.put_aside(&reader));
        }
        Ok(())
    }

    /// One tap: look, make, check.
    fn tap(&self, reader: &str, card: &mut Counted<'_>, came: Instant) -> Result<Tapped, BatchError> {
        let unfinished = self.at_desk(|desk| desk.unfinished());
        let found = match self.craft.look(card, &unfinished) {
            Ok(found) => found,
            Err(setback) => return Ok(Tapped::of(None, setback)),
        };
        let (job, opening, again) = match found {
            Found::Whole(number, opening) => match self.whole(reader, card, number, came)? {
                Whole::Over(tapped) => return Ok(tapped),
                Whole::Again(job) => match opening {
                    Some(opening) => (job, opening, true),
                    None => return Ok(Tapped::Failed { job: Some(job), why: "nothing opens it any more".to_owned() }),
                },
                Whole::Spare => match (opening, self.at_desk(Desk::assign)?) {
                    (Some(opening), Some(job)) => (job, opening, false),
                    (_, None) => return Ok(self.not_needed(reader)),
                    (None, Some(job)) => {
                        return Ok(Tapped::Failed { job: Some(job), why: "nothing opens it any more".to_owned() });
                    }
                },
            },
            Found::Begun(number, _) if self.is_spoilt(number) => return Ok(Tapped::Done(Tray::Bad)),
            Found::Begun(number, opening) => match self.at_desk(|desk| desk.take_begun(number)) {
                Some(job) => (job, opening, true),
                // Its number was given up: it is as good as a blank one.
                None => match self.at_desk(Desk::assign)? {
                    Some(job) => (job, opening, false),
                    None => return Ok(self.not_needed(reader)),
                },
            },
            Found::Blank(opening) => match self.at_desk(Desk::assign)? {
                Some(job) => (job, opening, false),
                None => return Ok(self.not_needed(reader)),
            },
        };
        let (row, serial) = (job.row, job.serial.to_string());
        (self.around.tell)(Event::Writes { reader: reader.to_owned(), row, serial, again });
        let made = self.craft.make(card, &job, opening).and_then(|()| self.craft.check(card, &job));
        match made {
            Ok(()) => self.good(reader, card, &job, came),
            Err(setback) => Ok(Tapped::of(Some(job), setback)),
        }
    }

    /// A card that says it is whole: good already, good but for the journal, to be made again, or nobody's of this batch.
    fn whole(&self, reader: &str, card: &mut Counted<'_>, number: Number, came: Instant) -> Result<Whole, BatchError> {
        let numbered = self.at_desk(|desk| desk.books().number(number));
        match numbered.map(|numbered| (numbered.row, numbered.fate)) {
            Some((row, Fate::Good)) => {
                let serial = self.at_desk(|desk| desk.serial(number)).unwrap_or_default();
                let (reader, told) = (reader.to_owned(), serial.clone());
                (self.around.tell)(Event::GoodAlready { reader, row, serial: told });
                Ok(Whole::Over(Tapped::Done(Tray::Good { serial })))
            }
            Some((_, Fate::Begun)) => {
                let Some(job) = self.at_desk(|desk| desk.take_begun(number)) else {
                    let why = format!("number {} is on a card in another reader, too", number.0);
                    return Ok(Whole::Over(Tapped::NotOurs(why)));
                };
                match self.craft.check(card, &job) {
                    Ok(()) => self.good(reader, card, &job, came).map(Whole::Over),
                    Err(Setback::Silent(error)) => {
                        Ok(Whole::Over(Tapped::Failed { job: Some(job), why: error.to_string() }))
                    }
                    Err(_) => Ok(Whole::Again(job)),
                }
            }
            Some((_, Fate::Bad)) => Ok(Whole::Over(Tapped::Done(Tray::Bad))),
            Some((_, Fate::GivenUp)) => Ok(Whole::Spare),
            None => {
                let why = format!("a card with number {} is issued already, and not by this batch", number.0);
                Ok(Whole::Over(Tapped::NotOurs(why)))
            }
        }
    }

    /// Called spoilt before, by a run that did not come to put it away.
    fn is_spoilt(&self, number: Number) -> bool {
        let numbered = self.at_desk(|desk| desk.books().number(number));
        numbered.is_some_and(|numbered| numbered.fate == Fate::Bad)
    }

    fn good(&self, reader: &str, card: &Counted<'_>, job: &Job, came: Instant) -> Result<Tapped, BatchError> {
        self.at_desk(|desk| desk.good(job))?;
        let printed = match job.serial {
            Serial::Application { printed, .. } => Some(printed.to_string()),
            Serial::Sam(_) => None,
        };
        let serial = job.serial.to_string();
        (self.around.tell)(Event::Good {
            reader: reader.to_owned(),
            row: job.row,
            serial: serial.clone(),
            printed,
            commands: *card.commands,
            milliseconds: u64::try_from(came.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
        Ok(Tapped::Done(Tray::Good { serial }))
    }

    fn not_needed(&self, reader: &str) -> Tapped {
        (self.around.tell)(Event::NotNeeded { reader: reader.to_owned() });
        Tapped::Done(Tray::Stock)
    }

    fn count_failure(&self) {
        let stops = self.at_desk(|desk| desk.failed(self.failures_max));
        if stops {
            let why = format!("{} failures in a row: look at reader and cards, then go on", self.failures_max);
            (self.around.tell)(Event::Stops { why });
        }
    }

    fn tell_wanted(&self, reader: &str, call: &Call) {
        let (rows, begun) = match call {
            Call::LookOnly => return,
            Call::Blank { row } => (vec![*row], false),
            Call::Begun { rows } => (rows.clone(), true),
        };
        (self.around.tell)(Event::Wants { reader: reader.to_owned(), rows, begun });
    }

    /// One visit: nobody else is at the desk meanwhile.
    fn at_desk<R>(&self, visit: impl FnOnce(&mut Desk<'d, D>) -> R) -> R {
        // What a thread that died left is what the journal says.
        visit(&mut self.desk.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a card that says it is whole is to the batch.
enum Whole {
    Over(Tapped),
    /// It is not good, and made again.
    Again(Job),
    /// Its number was given up while it was away: it is as good as a blank one.
    Spare,
}

impl Tapped {
    fn of(job: Option<Job>, setback: Setback) -> Self {
        match setback {
            Setback::Silent(error) => Self::Failed { job, why: error.to_string() },
            Setback::Failed(why) => Self::Failed { job, why },
            Setback::NotOurs(why) => match job {
                Some(_) => Self::Failed { job, why },
                None => Self::NotOurs(why),
            },
            Setback::Station(why) => Self::Stop(why),
        }
    }
}

/// A card whose commands are counted.
struct Counted<'c> {
    card: &'c mut dyn Transport,
    commands: &'c mut u64,
}

impl Transport for Counted<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        *self.commands += 1;
        self.card.transmit(command)
    }
}
