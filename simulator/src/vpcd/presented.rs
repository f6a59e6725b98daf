//! Cards as a reader's contacts see them.

use std::{fmt, mem};

use onecard_applet::Kind;
use onecard_host::{
    trace::{Discretion, What},
    transport::{Transport, TransportError},
};

use super::atr::{Protocol, atr};
use crate::{chip::Chip, reader::Reader, t0::T0};

/// What a virtual reader holds.
pub trait Presented {
    /// The answer to reset, whether it has power or not.
    fn atr(&self) -> &[u8];
    /// Power on, or off and on again.
    fn power_on(&mut self);
    /// Power off.
    fn power_off(&mut self);
    /// The reset contact.
    fn reset(&mut self);
    /// The answer to a command; `None` if it is silent, as a card without power is.
    fn transmit(&mut self, command: &[u8]) -> Option<Vec<u8>>;
    /// Why it is silent for good.
    fn failure(&self) -> Option<String> {
        None
    }
}

/// A chip of this simulator.
///
/// Files, keys and counters stay; selection, security state and transaction end whenever the power or the reset contact moves.
#[derive(Debug)]
pub struct SimulatedCard {
    atr: Vec<u8>,
    power: Power,
    /// What T=0 keeps between two commands; `None` in T=1.
    t0: Option<T0>,
    failure: Option<String>,
    listener: Listener,
}

/// Whoever wants to hear what happens to a card.
pub(super) struct Listener {
    told: Option<Box<dyn FnMut(What) + Send>>,
    discretion: Discretion,
}

#[derive(Debug)]
enum Power {
    Off(Box<Chip>),
    On(Box<Reader>),
}

impl SimulatedCard {
    /// A chip without power.
    #[must_use]
    pub fn new(chip: Chip, protocol: Protocol) -> Self {
        let t0 = match protocol {
            Protocol::T0 => Some(T0::default()),
            Protocol::T1 => None,
        };
        let atr = atr(chip.kind(), protocol);
        Self { atr, power: Power::Off(chip.into()), t0, failure: None, listener: Listener::nobody() }
    }

    /// Tells `listener` what happens to the card, without secrets; in whole APDUs, in T=0 too.
    #[must_use]
    pub fn heard_by(mut self, listener: impl FnMut(What) + Send + 'static) -> Self {
        self.listener.listen(listener);
        self
    }

    /// The chip without power.
    #[must_use]
    pub fn into_chip(mut self) -> Chip {
        self.take_chip()
    }

    /// The chip with power, for orders: a cut, random numbers; `None` without power.
    pub fn running(&mut self) -> Option<&mut Reader> {
        match &mut self.power {
            Power::On(reader) => Some(reader),
            Power::Off(_) => None,
        }
    }

    fn begin(&mut self, what: fn(Vec<u8>) -> What) {
        self.power = Power::On(Reader::insert(self.take_chip()).into());
        self.listener.begin(what(self.atr.clone()));
    }

    fn take_chip(&mut self) -> Chip {
        self.t0 = self.t0.take().map(|_| T0::default());
        match mem::replace(&mut self.power, Power::Off(Chip::none().into())) {
            Power::Off(chip) => *chip,
            Power::On(reader) => reader.remove(),
        }
    }
}

impl Presented for SimulatedCard {
    fn atr(&self) -> &[u8] {
        &self.atr
    }

    fn power_on(&mut self) {
        self.begin(What::PowerUp);
    }

    fn power_off(&mut self) {
        if let Power::On(_) = self.power {
            self.listener.end();
        }
        self.power = Power::Off(self.take_chip().into());
    }

    fn reset(&mut self) {
        self.begin(What::Reset);
    }

    fn transmit(&mut self, command: &[u8]) -> Option<Vec<u8>> {
        let Power::On(reader) = &mut self.power else { return None };
        let (failure, listener) = (&mut self.failure, &mut self.listener);
        let mut card = |command: &[u8]| {
            let answer = reader.transmit(command);
            listener.exchange(command, answer.as_deref());
            match answer {
                Ok(answer) => Some(answer),
                Err(TransportError::Reader(why)) => {
                    *failure = Some(why);
                    None
                }
                // The rest is of real readers; a simulated one knows removal and silence.
                Err(_) => None,
            }
        };
        match &mut self.t0 {
            Some(t0) => t0.exchange(command, card),
            None => card(command),
        }
    }

    fn failure(&self) -> Option<String> {
        self.failure.clone()
    }
}

impl Listener {
    pub(super) fn nobody() -> Self {
        Self { told: None, discretion: Discretion::NEW }
    }

    pub(super) fn listen(&mut self, listener: impl FnMut(What) + Send + 'static) {
        self.told = Some(Box::new(listener));
    }

    /// Power up, or a reset.
    pub(super) fn begin(&mut self, what: What) {
        self.hear(|discretion| {
            *discretion = Discretion::NEW;
            what
        });
    }

    pub(super) fn exchange(&mut self, command: &[u8], answer: Result<&[u8], &TransportError>) {
        self.hear(|discretion| What::Exchange(discretion.record(command, answer)));
    }

    /// Power off.
    pub(super) fn end(&mut self) {
        self.hear(|_| What::PowerOff);
    }

    fn hear(&mut self, what: impl FnOnce(&mut Discretion) -> What) {
        if let Some(told) = &mut self.told {
            told(what(&mut self.discretion));
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.told.is_some() { "Listener(..)" } else { "Listener(nobody)" })
    }
}

/// No card at all, which answers every command with the same: what a reader costs is measured with it.
#[derive(Debug)]
pub struct Echo {
    atr: Vec<u8>,
    answer: Vec<u8>,
}

impl Echo {
    /// Answers everything with `length` zeros and 9000.
    #[must_use]
    pub fn answering(length: usize) -> Self {
        let answer = [vec![0; length], vec![0x90, 0x00]].concat();
        Self { atr: atr(Kind::CpuCard, Protocol::T1), answer }
    }
}

impl Presented for Echo {
    fn atr(&self) -> &[u8] {
        &self.atr
    }

    fn power_on(&mut self) {}

    fn power_off(&mut self) {}

    fn reset(&mut self) {}

    fn transmit(&mut self, _: &[u8]) -> Option<Vec<u8>> {
        Some(self.answer.clone())
    }
}
