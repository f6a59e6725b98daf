//! A PC/SC reader that an operator puts cards into and takes them out of.

use std::time::Duration;

use onecard_host::transport::{
    Transport, TransportError,
    pcsc::{Connection, Service, Sharing, Waited, Watch},
};
use onecard_station::batch::{Call, Fed, Feeder, NoTap, Tray};

/// How long it may take until somebody who stopped the batch is heard.
const SLICE: Duration = Duration::from_millis(300);
/// After a command without an answer: so long a service may take to see that the card is gone.
const SEEN_GONE_WITHIN: Duration = Duration::from_millis(1_200);

/// One reader, by its whole name.
#[derive(Debug)]
pub(super) struct PcscFeeder {
    number: String,
    reader: String,
    /// The card in it is done with, and to be taken out.
    done: bool,
    /// The last tap had a command without an answer.
    silent: bool,
}

impl PcscFeeder {
    pub(super) const fn new(number: String, reader: String) -> Self {
        Self { number, reader, done: false, silent: false }
    }

    /// Its whole name.
    pub(super) fn reader(&self) -> &str {
        &self.reader
    }

    /// Whether the card comes, or goes, before it is no longer wanted.
    fn waited(
        &self,
        wanted: &dyn Fn() -> bool,
        wait: impl Fn(&Watch, Duration) -> Result<Waited, TransportError>,
    ) -> Result<bool, String> {
        let watch = Watch::begin().map_err(|error| self.failed(&error))?;
        while wanted() {
            match wait(&watch, SLICE).map_err(|error| self.failed(&error))? {
                Waited::Happened(_) => return Ok(true),
                Waited::TimedOut => {}
                Waited::Cancelled => return Ok(false),
            }
        }
        Ok(false)
    }

    fn is_gone_within(&self, limit: Duration) -> Result<bool, TransportError> {
        Ok(matches!(Watch::begin()?.wait_for_removal(&self.reader, limit)?, Waited::Happened(_)))
    }

    fn failed(&self, error: &TransportError) -> String {
        format!("{}: {error}", self.reader)
    }
}

impl Feeder for PcscFeeder {
    fn name(&self) -> &str {
        &self.number
    }

    fn feed(&mut self, call: &Call, wanted: &dyn Fn() -> bool) -> Result<Fed, String> {
        self.silent = false;
        if *call == Call::LookOnly {
            let is_empty = self.is_gone_within(Duration::ZERO).map_err(|error| self.failed(&error))?;
            return Ok(if is_empty { Fed::Empty } else { Fed::Card });
        }
        if self.done && !self.waited(wanted, |watch, limit| watch.wait_for_removal(&self.reader, limit))? {
            return Ok(Fed::Empty);
        }
        self.done = false;
        let came = self.waited(wanted, |watch, limit| watch.wait_for_card(Some(&self.reader), limit))?;
        Ok(if came { Fed::Card } else { Fed::Empty })
    }

    fn tap(&mut self, work: &mut dyn FnMut(&mut dyn Transport)) -> Result<(), NoTap> {
        if self.silent {
            let gone = self.is_gone_within(SEEN_GONE_WITHIN);
            if gone.map_err(|error| NoTap::Reader(self.failed(&error)))? {
                return Err(NoTap::Gone);
            }
        }
        let mut silent = false;
        let tapped = Service::connect()
            .and_then(|service| Connection::open(&service, &self.reader, Sharing::Exclusive))
            .and_then(|mut connection| connection.tap(|card| work(&mut Noticing { card, silent: &mut silent })));
        self.silent |= silent || tapped.is_err();
        match tapped {
            Ok(()) => Ok(()),
            Err(TransportError::CardRemoved) => Err(NoTap::Gone),
            // A card that does not even come up is one that does not answer.
            Err(error @ (TransportError::NoAnswer | TransportError::CardReset)) => {
                work(&mut Mute(error));
                Ok(())
            }
            Err(error) => Err(NoTap::Reader(self.failed(&error))),
        }
    }

    fn put_away(&mut self, _: Tray) -> Result<(), String> {
        self.done = true;
        Ok(())
    }
}

/// A card, and whether a command of it stayed without an answer.
struct Noticing<'n> {
    card: &'n mut dyn Transport,
    silent: &'n mut bool,
}

impl Transport for Noticing<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let answer = self.card.transmit(command);
        *self.silent |= answer.is_err();
        answer
    }
}

/// A card that says nothing.
struct Mute(TransportError);

impl Transport for Mute {
    fn transmit(&mut self, _: &[u8]) -> Result<Vec<u8>, TransportError> {
        Err(self.0.clone())
    }
}
