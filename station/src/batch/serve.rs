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
    BatchError, Call, Craft, Desk, Event, Fate, Fed, Feeder, Found, Job, NoTap, Numbered, Setback, Stock, Surroundings,
    Tray,
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
    Failed { why: String },
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
        let mut held = None;
        let served = self.one_card_holding(feeder, &mut held);
        // The card has left, or is about to.
        held.iter().for_each(|job| self.at_desk(|desk| desk.let_go(job)));
        served
    }

    /// `held` is the job whose number may be on the card in the reader: meanwhile no other reader gives it up.
    fn one_card_holding<F: Feeder>(&self, feeder: &mut F, held: &mut Option<Job>) -> Result<(), BatchError> {
        let (reader, came) = (feeder.name().to_owned(), Instant::now());
        let mut commands = 0;
        for tap in 1..=TAPS {
            let mut tapped = Ok(Tapped::NotOurs(String::new()));
            let powered = feeder.tap(&mut |card| {
                let mut counted = Counted { card, commands: &mut commands };
                tapped = self.tap(&reader, &mut counted, held, came);
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
                Tapped::Failed { why } if tap < TAPS => {
                    (self.around.tell)(Event::Failed { reader: reader.clone(), why });
                    if self.around.stop.load(Ordering::Relaxed) {
                        return Ok(());
                    }
                    continue;
                }
                Tapped::Failed { why } => {
                    let job = held.take();
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
    fn tap(
        &self,
        reader: &str,
        card: &mut Counted<'_>,
        held: &mut Option<Job>,
        came: Instant,
    ) -> Result<Tapped, BatchError> {
        let unfinished = self.at_desk(|desk| desk.unfinished(held.as_ref()));
        let found = match self.craft.look(card, &unfinished) {
            Ok(found) => found,
            Err(setback) => return Ok(Tapped::of(held.is_some(), setback)),
        };
        // What the card has is another number, or none: the one that was held is on no card in this reader.
        if let Some(job) = held.take_if(|job| found.number() != Some(job.number)) {
            self.at_desk(|desk| desk.let_go(&job));
        }
        let (job, opening, again) = match self.what_to_make(reader, card, held, found, came)? {
            Next::Make { job, opening, again } => (job, opening, again),
            Next::Over(tapped) => return Ok(tapped),
        };
        *held = Some(job);
        let (row, serial) = (job.row, job.serial.to_string());
        (self.around.tell)(Event::Writes { reader: reader.to_owned(), row, serial, again });
        let made = self.craft.make(card, &job, opening).and_then(|()| self.craft.check(card, &job));
        match made {
            Ok(()) => self.good(reader, card, held, &job, came),
            Err(Setback::OtherNumber(why)) => Ok(self.other_number(held, why)),
            Err(setback) => Ok(Tapped::of(true, setback)),
        }
    }

    /// The number stays begun, and waits for its card.
    fn other_number(&self, held: &mut Option<Job>, why: String) -> Tapped {
        held.take().iter().for_each(|job| self.at_desk(|desk| desk.let_go(job)));
        Tapped::NotOurs(why)
    }

    /// Which number goes on with the card, or why none does.
    fn what_to_make(
        &self,
        reader: &str,
        card: &mut Counted<'_>,
        held: &mut Option<Job>,
        found: Found<C::Opening>,
        came: Instant,
    ) -> Result<Next<C::Opening>, BatchError> {
        let (number, opening, is_whole) = match found {
            Found::Blank(opening) => {
                return Ok(match self.at_desk(Desk::assign)? {
                    Some(job) => Next::Make { job, opening, again: false },
                    None => Next::Over(self.not_needed(reader)),
                });
            }
            Found::Begun(number, opening) => (number, Some(opening), false),
            Found::Whole(number, opening) => (number, opening, true),
        };
        let Some(Numbered { row, fate }) = self.at_desk(|desk| desk.books().number(number)) else {
            let why = format!("a card with number {} is issued already, and not by this batch", number.0);
            return Ok(Next::Over(Tapped::NotOurs(why)));
        };
        let job = match fate {
            Fate::Good => return Ok(Next::Over(self.good_already(reader, row, number))),
            // Called spoilt before, by a run that did not come to put it away.
            Fate::Bad => return Ok(Next::Over(Tapped::Done(Tray::Bad))),
            // It only says that it has that number, which everybody can.
            Fate::GivenUp if opening.is_none() => {
                let why =
                    format!("it says that it has number {}, which was given up, and its keys are others", number.0);
                return Ok(Next::Over(Tapped::NotOurs(why)));
            }
            Fate::GivenUp if self.craft.comes_numbered() => return self.void(reader, number).map(Next::Over),
            Fate::GivenUp => match self.at_desk(Desk::assign)? {
                Some(job) => {
                    // As good as a blank one.
                    *held = Some(job);
                    return Ok(Next::of(job, opening, false));
                }
                None => return self.void(reader, number).map(Next::Over),
            },
            Fate::Begun => self.at_desk(|desk| desk.take_begun(number, held.as_ref())),
        };
        let Some(job) = job else {
            let why = format!("number {} is on a card in another reader, too", number.0);
            return Ok(Next::Over(Tapped::NotOurs(why)));
        };
        *held = Some(job);
        if !is_whole {
            return Ok(Next::of(job, opening, true));
        }
        match self.craft.check(card, &job) {
            Ok(()) => self.good(reader, card, held, &job, came).map(Next::Over),
            // It is not good, and made again.
            Err(Setback::Failed(_)) => Ok(Next::of(job, opening, true)),
            // Whatever else it is, the card may be whole.
            Err(setback) => Ok(Next::Over(Tapped::of(true, setback))),
        }
    }

    fn good_already(&self, reader: &str, row: u64, number: Number) -> Tapped {
        let serial = self.at_desk(|desk| desk.serial(number)).unwrap_or_default();
        (self.around.tell)(Event::GoodAlready { reader: reader.to_owned(), row, serial: serial.clone() });
        Tapped::Done(Tray::Good { serial })
    }

    /// The card of a number that was given up came back, and no row needs it. It is no blank one: it has working keys, and may be
    /// whole.
    fn void(&self, reader: &str, number: Number) -> Result<Tapped, BatchError> {
        let why = format!("its number, {}, was given up, and no row needs a card: it is not blank", number.0);
        let row = self.at_desk(|desk| desk.void(number, &why))?;
        (self.around.tell)(Event::Bad { reader: reader.to_owned(), row, why });
        Ok(Tapped::Done(Tray::Bad))
    }

    fn good(
        &self,
        reader: &str,
        card: &Counted<'_>,
        held: &mut Option<Job>,
        job: &Job,
        came: Instant,
    ) -> Result<Tapped, BatchError> {
        self.at_desk(|desk| desk.good(job))?;
        *held = None;
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
        let serials =
            if self.craft.comes_numbered() { self.at_desk(|desk| desk.serials_wanted(&rows)) } else { Vec::new() };
        (self.around.tell)(Event::Wants { reader: reader.to_owned(), rows, begun, serials });
    }

    /// One visit: nobody else is at the desk meanwhile.
    fn at_desk<R>(&self, visit: impl FnOnce(&mut Desk<'d, D>) -> R) -> R {
        // What a thread that died left is what the journal says.
        visit(&mut self.desk.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What follows from looking at a card.
enum Next<O> {
    /// It is made; `again` with the number it has.
    Make { job: Job, opening: O, again: bool },
    /// Nothing is written.
    Over(Tapped),
}

impl<O> Next<O> {
    fn of(job: Job, opening: Option<O>, again: bool) -> Self {
        match opening {
            Some(opening) => Self::Make { job, opening, again },
            None => Self::Over(Tapped::Failed { why: "nothing opens it any more".to_owned() }),
        }
    }
}

impl Tapped {
    /// `has_number`: whether a number of this batch may be on the card.
    fn of(has_number: bool, setback: Setback) -> Self {
        match setback {
            Setback::Silent(error) => Self::Failed { why: error.to_string() },
            Setback::Failed(why) => Self::Failed { why },
            Setback::NotOurs(why) if has_number => Self::Failed { why },
            Setback::NotOurs(why) | Setback::OtherNumber(why) => Self::NotOurs(why),
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
