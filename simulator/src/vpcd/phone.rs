//! A RFID-SIM between two virtual readers: one is the phone, with the SIM's contacts, the other a terminal's field.

use onecard_host::{
    trace::What,
    transport::{Transport, TransportError},
};

use super::{
    Presented,
    atr::{Protocol, atr},
    presented::Listener,
};
use crate::{
    chip::Kind,
    phone_slot::{Contacts, Field, PhoneSlot},
    t0::T0,
};

/// One side of a SIM in a phone, as a reader sees it.
#[derive(Debug)]
pub struct SimSide<S> {
    atr: Vec<u8>,
    side: S,
    powered: bool,
    /// What T=0 keeps between two commands; `None` in T=1.
    t0: Option<T0>,
    failure: Option<String>,
    listener: Listener,
}

impl SimSide<Contacts> {
    /// The contacts: power and reset are the phone's.
    #[must_use]
    pub fn contacts(slot: &PhoneSlot, protocol: Protocol) -> Self {
        let t0 = (protocol == Protocol::T0).then(T0::default);
        Self::new(atr(Kind::RfidSim, protocol), slot.contacts(), t0)
    }
}

impl SimSide<Field> {
    /// The field: power on is coming into it, power off leaving it. What a reader answers for a contactless card is that of a
    /// card of the profile, and `FF CA 00 00 00` brings the identifier (PC/SC part 3 clause 3.2.2.1.3).
    #[must_use]
    pub fn field(slot: &PhoneSlot) -> Self {
        Self::new(atr(Kind::CpuCard, Protocol::T1), slot.field(), None)
    }
}

impl<S> SimSide<S> {
    fn new(atr: Vec<u8>, side: S, t0: Option<T0>) -> Self {
        Self { atr, side, powered: false, t0, failure: None, listener: Listener::nobody() }
    }

    /// Tells `listener` what happens on this side, without secrets; in whole APDUs, in T=0 too.
    #[must_use]
    pub fn heard_by(mut self, listener: impl FnMut(What) + Send + 'static) -> Self {
        self.listener.listen(listener);
        self
    }
}

impl<S: Side> SimSide<S> {
    fn begin(&mut self, what: fn(Vec<u8>) -> What) {
        self.side.begin();
        self.powered = true;
        self.t0 = self.t0.take().map(|_| T0::default());
        self.listener.begin(what(self.atr.clone()));
    }
}

impl<S: Side> Presented for SimSide<S> {
    fn atr(&self) -> &[u8] {
        &self.atr
    }

    fn power_on(&mut self) {
        self.begin(What::PowerUp);
    }

    fn power_off(&mut self) {
        if std::mem::take(&mut self.powered) {
            self.side.end();
            self.listener.end();
        }
    }

    fn reset(&mut self) {
        self.begin(What::Reset);
    }

    fn transmit(&mut self, command: &[u8]) -> Option<Vec<u8>> {
        if !self.powered {
            return None;
        }
        if let Some(answer) = self.side.reader_answers(command) {
            return Some(answer);
        }
        let (side, failure, listener) = (&mut self.side, &mut self.failure, &mut self.listener);
        let mut card = |command: &[u8]| {
            let answer = side.transmit(command);
            listener.exchange(command, answer.as_deref());
            if let Err(TransportError::Reader(why)) = &answer {
                *failure = Some(why.clone());
            }
            answer.ok()
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

/// What feeds a SIM.
pub trait Side: Transport {
    /// It does, from now on, and the session of this side begins anew.
    fn begin(&mut self);
    /// It does no more.
    fn end(&mut self);
    /// What the reader answers in the card's place.
    fn reader_answers(&self, command: &[u8]) -> Option<Vec<u8>>;
}

impl Side for Contacts {
    fn begin(&mut self) {
        self.reset();
    }

    fn end(&mut self) {
        self.power_off();
    }

    fn reader_answers(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

impl Side for Field {
    fn begin(&mut self) {
        self.enter();
    }

    fn end(&mut self) {
        self.leave();
    }

    fn reader_answers(&self, command: &[u8]) -> Option<Vec<u8>> {
        const GET_IDENTIFIER: [u8; 5] = [0xFF, 0xCA, 0x00, 0x00, 0x00];
        (command == GET_IDENTIFIER).then(|| [&self.identifier()[..], &[0x90, 0x00]].concat())
    }
}
