//! What a turn does, in one transaction.

use onecard_host::over_the_air::{
    Answer, CommandPacket, Hint, PacketCounter, PacketKeys, PacketTerms, ProofWay, Proven, RedundancyCheck, Tar,
    message::{Address, PacketKind, Reference, divide},
};
use onecard_wire::{date::Moment, number::ApplicationSerial};

use super::{
    desk::{Desk, NotSaid, PacketKeyStore, Place},
    engine::{EngineError, Flight, Memory, Turn},
    flow::{Came, Flow, Step, spi},
    settings::Settings,
    store::{Card, Due, DueFor, Out, PacketOut, StoreError, TaskId, Writing},
    time::UnixMillis,
};
use crate::carrier::{Delivery, Event, ShortMessage};

/// How long to wait for whoever is not there, in milliseconds.
const UNAVAILABLE_MILLIS: i64 = 30_000;

/// Until when a task waits, and for what, unless that is only for the next turn.
#[derive(Debug)]
struct PutOff {
    until: UnixMillis,
    why: Option<String>,
}

/// A turn under way.
pub(super) struct Turning<'t, K, D> {
    pub(super) writing: Writing<'t>,
    pub(super) keys: &'t mut K,
    pub(super) desk: &'t mut D,
    memory: &'t mut Memory,
    pub(super) now: UnixMillis,
    outbox: Vec<Flight>,
    turn: Turn,
}

impl<'t, K: PacketKeyStore, D: Desk> Turning<'t, K, D> {
    pub(super) fn begin(
        writing: Writing<'t>,
        keys: &'t mut K,
        desk: &'t mut D,
        memory: &'t mut Memory,
        now: UnixMillis,
    ) -> Self {
        desk.turn_begins();
        Self { writing, keys, desk, memory, now, outbox: Vec::new(), turn: Turn::default() }
    }

    /// Everything counts from here on; what may leave now.
    pub(super) fn commit(self) -> Result<(Vec<Flight>, Turn), EngineError> {
        self.writing.commit()?;
        Ok((self.outbox, self.turn))
    }

    /// What the carrier told; a delivery that is kept by the commit.
    pub(super) fn event(&mut self, event: Event) -> Result<Option<Delivery>, EngineError> {
        let flight = self.memory.landed(&event);
        match (event, flight) {
            (Event::Accepted { .. }, _) => self.memory.throttle.accepted(),
            (Event::Throttled { .. }, Some(flight)) => {
                self.turn.turned_away += 1;
                self.memory.throttle.throttled(flight, self.now);
            }
            (Event::Refused { status, .. }, Some(flight)) => {
                self.turn.turned_away += 1;
                let hint = format!("the message centre refused the message: command_status {status:08X} 短信中心拒绝");
                self.writing.keep_hint(flight.task, &hint)?;
            }
            // Taken or not: without a proof the deadline comes.
            (Event::Unanswered { .. } | Event::Throttled { .. } | Event::Refused { .. }, _) => {}
            (Event::Receipt { delivery, .. }, _) => return Ok(Some(delivery)),
            (Event::Received { message, delivery }, _) => {
                self.received(&message)?;
                return Ok(Some(delivery));
            }
        }
        Ok(None)
    }

    fn received(&mut self, message: &ShortMessage) -> Result<(), EngineError> {
        let proof = match self.memory.arrivals.packet(message) {
            Some((PacketKind::Response, proof)) => proof,
            Some((PacketKind::Command, packet)) if self.request(&message.phone, &packet)? => {
                self.turn.requests += 1;
                return Ok(());
            }
            _ => {
                self.turn.strays += 1;
                return Ok(());
            }
        };
        let Some(out) = self.writing.out_to(&message.phone.to_string())? else {
            self.turn.strays += 1;
            return Ok(());
        };
        let keys = match self.keys.packet_keys(&out.card) {
            Ok(keys) => keys,
            Err(unavailable) => return self.keep(out.task, &proof, &self.later(unavailable)),
        };
        match read(out.task, &keys, &out.flow, &out.packet, &proof)? {
            Ok(proven) => {
                self.turn.proofs += 1;
                self.judge(out, &keys, &proven, &proof)
            }
            Err(hint) => {
                self.turn.strays += 1;
                match hint {
                    Some(hint) => Ok(self.writing.keep_hint(out.task, &format!("{}", hint.status))?),
                    None => Ok(()),
                }
            }
        }
    }

    fn judge(&mut self, out: Out, keys: &PacketKeys, proven: &Proven, proof: &[u8]) -> Result<(), EngineError> {
        let Out { task, settings, card, flow, .. } = out;
        match self.goes_on(flow, (&card, keys), &settings, Came::Proof(proven))? {
            Ok(step) => self.stepped(task, step, 0, self.now),
            Err(put_off) => self.keep(task, proof, &put_off),
        }
    }

    /// What the flow does next, or until when it is put off: whoever has to say is not there.
    fn goes_on(
        &mut self,
        flow: Flow,
        (card, keys): (&Card, &PacketKeys),
        settings: &Settings,
        came: Came<'_>,
    ) -> Result<Result<Step, PutOff>, EngineError> {
        let moment = self.moment(settings)?;
        let writing = &self.writing;
        let mut reserve = || writing.reserve(card);
        let terms = PacketTerms {
            spi: spi(ProofWay::Submit),
            redundancy_check: RedundancyCheck::Crc32,
            tar: Tar::ENTERPRISE,
            counter: PacketCounter::from_bytes([0; 5]),
        };
        match flow.goes_on(came, self.desk, &mut Place { terms, keys, reserve: &mut reserve }, moment) {
            Ok(step) => Ok(Ok(step)),
            Err(NotSaid::Unavailable(unavailable)) => Ok(Err(self.later(unavailable))),
            // Behind this turn, and as soon as may be.
            Err(NotSaid::NextTurn) => Ok(Err(PutOff { until: self.now.plus(1), why: None })),
            // A counter at its end stops this card alone.
            Err(NotSaid::Store(error @ StoreError::CounterAtEnd { .. })) => Ok(Err(self.later(error))),
            Err(NotSaid::Store(error)) => Err(error.into()),
        }
    }

    /// Put off for as long as whoever is not there is waited for.
    fn later(&self, why: impl ToString) -> PutOff {
        PutOff { until: self.now.plus(UNAVAILABLE_MILLIS), why: Some(why.to_string()) }
    }

    fn keep(&mut self, task: TaskId, proof: &[u8], put_off: &PutOff) -> Result<(), EngineError> {
        self.writing.keep_proof(task, proof)?;
        self.wait(task, put_off)
    }

    fn wait(&mut self, task: TaskId, PutOff { until, why }: &PutOff) -> Result<(), EngineError> {
        if let Some(why) = why {
            self.turn.unavailable += 1;
            self.memory.waits_for = Some(why.clone());
        }
        Ok(self.writing.wait_until(task, *until, why.as_deref())?)
    }

    fn stepped(&mut self, task: TaskId, step: Step, misses: u32, due_at: UnixMillis) -> Result<(), EngineError> {
        match step {
            Step::Packet(flow) => self.writing.make_ready(task, &flow, misses, due_at)?,
            Step::End(outcome) => {
                self.turn.ended += 1;
                self.writing.end(task, &outcome)?;
                if let Some(tell) = outcome.tell {
                    self.writing.tell(task, tell, self.now)?;
                }
            }
        }
        Ok(())
    }

    /// Does what is due, as far as there is room for its messages.
    pub(super) fn due(&mut self, room: usize) -> Result<(), EngineError> {
        if self.memory.throttle.is_closed(self.now) {
            return Ok(());
        }
        while self.outbox.len() < room
            && let Some(flight) = self.memory.throttle.next()
        {
            // Its time is over, or an answer came after all; what does not leave now waits for its time (20.3.7).
            let out = self.writing.out_and_sending(flight.task)?;
            if out.is_some_and(|out| out.packet.counter == flight.counter && out.settings.is_open(self.now)) {
                self.outbox.push(flight);
            }
        }
        for running in self.writing.running()? {
            if !running.settings.is_open(self.now) {
                continue;
            }
            loop {
                let left = room.saturating_sub(self.outbox.len());
                let due = if left == 0 { Vec::new() } else { self.writing.due(running.id, self.now, left)? };
                if due.is_empty() {
                    break;
                }
                for due in due {
                    if self.outbox.len() < room {
                        let task = due.task;
                        self.one_due(due, &running.settings).or_else(|error| self.put_off(task, error))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// What is wrong with one task alone stops no other: it is told, and tried again later.
    fn put_off(&mut self, task: TaskId, error: EngineError) -> Result<(), EngineError> {
        if !error.is_of_one_task() {
            return Err(error);
        }
        self.wait(task, &self.later(error))
    }

    fn one_due(&mut self, due: Due, settings: &Settings) -> Result<(), EngineError> {
        let Due { task, card, flow, misses, what } = due;
        match what {
            DueFor::Packet => self.packet(task, &card, &flow, settings, misses),
            DueFor::Proof { packet, sends } => {
                if flow.changes_value() || sends >= settings.sends {
                    return self.missed(task, (&card, flow), settings, misses);
                }
                self.turn.repeats += 1;
                let until = self.now.plus(settings.patience(misses.saturating_add(sends)));
                self.writing.sent_again(task, until)?;
                self.post(task, &card.phone, &packet, until)
            }
            DueFor::Judgement { packet, proof } => {
                let keys = match self.keys.packet_keys(&card) {
                    Ok(keys) => keys,
                    Err(unavailable) => return self.keep(task, &proof, &self.later(unavailable)),
                };
                match read(task, &keys, &flow, &packet, &proof)? {
                    Ok(proven) => {
                        let out = Out { task, settings: *settings, card, flow, packet };
                        self.judge(out, &keys, &proven, &proof)
                    }
                    // It was none of this card's.
                    Err(_) => self.missed(task, (&card, flow), settings, misses),
                }
            }
        }
    }

    fn packet(
        &mut self,
        task: TaskId,
        card: &Card,
        flow: &Flow,
        settings: &Settings,
        misses: u32,
    ) -> Result<(), EngineError> {
        let keys = match self.keys.packet_keys(card) {
            Ok(keys) => keys,
            Err(unavailable) => return self.wait(task, &self.later(unavailable)),
        };
        // Nothing is installed that nobody could fill.
        if let Some((enterprise, content)) = flow.issue_to_begin()
            && let Err(unavailable) = self.desk.issues(enterprise, content)
        {
            return self.wait(task, &self.later(unavailable));
        }
        let script = flow.script().map_err(|source| EngineError::Script { task: task.0, source })?;
        let counter = flow.counter().map_or_else(|| self.writing.reserve(card), Ok)?;
        let terms = terms(flow, script.tar(), counter);
        let packet = CommandPacket::build(&keys, terms, &script.to_bytes());
        let bytes = packet.map_err(|source| EngineError::Packet { task: task.0, source })?.bytes;
        let packet = PacketOut { counter: terms.counter, bytes };
        let until = self.now.plus(settings.patience(misses));
        self.writing.put_out(task, flow, &packet, until)?;
        self.turn.packets += 1;
        if let Some(serial) = flow.lost() {
            self.overtake(task, serial)?;
        }
        self.post(task, &card.phone, &packet, until)
    }

    /// A loss goes before what was ordered before it, and what would undo it ends: that the application was found, that it is issued,
    /// that it is loaded.
    fn overtake(&mut self, loss: TaskId, lost: ApplicationSerial) -> Result<(), EngineError> {
        for before in self.writing.before(loss)? {
            if let Some(outcome) = before.flow.overtaken_by_loss_of(lost, before.is_untouched) {
                self.writing.end(before.task, &outcome)?;
                self.turn.ended += 1;
            }
        }
        Ok(())
    }

    /// The time for a proof is over.
    fn missed(
        &mut self,
        task: TaskId,
        (card, flow): (&Card, Flow),
        settings: &Settings,
        misses: u32,
    ) -> Result<(), EngineError> {
        let step = match self.keys.packet_keys(card) {
            Ok(keys) => self.goes_on(flow, (card, &keys), settings, Came::Nothing)?,
            Err(unavailable) => Err(self.later(unavailable)),
        };
        match step {
            // The waiting has been done already.
            Ok(step) => self.stepped(task, step, misses.saturating_add(1), self.now),
            Err(put_off) => self.wait(task, &put_off),
        }
    }

    fn post(
        &mut self,
        task: TaskId,
        phone: &Address,
        packet: &PacketOut,
        until: UnixMillis,
    ) -> Result<(), EngineError> {
        let reference = Reference::Wide(packet.counter.number() as u16);
        let parts = divide(PacketKind::Command, &packet.bytes, reference);
        let parts = parts.map_err(|source| EngineError::Parts { task: task.0, source })?;
        self.outbox.extend(parts.into_iter().map(|part| Flight {
            task,
            counter: packet.counter,
            message: ShortMessage { phone: phone.clone(), user_data: part.to_bytes() },
            until,
        }));
        Ok(())
    }

    fn moment(&self, settings: &Settings) -> Result<Moment, EngineError> {
        self.now.moment(settings.zone).ok_or(EngineError::Clock)
    }
}

fn terms(flow: &Flow, tar: Tar, counter: PacketCounter) -> PacketTerms {
    PacketTerms { spi: flow.spi(), redundancy_check: RedundancyCheck::Crc32, tar, counter }
}

/// The answer to a packet, if it is proven; else what it hints at, if it is an answer to it at all.
fn read(
    task: TaskId,
    keys: &PacketKeys,
    flow: &Flow,
    packet: &PacketOut,
    proof: &[u8],
) -> Result<Result<Proven, Option<Hint>>, EngineError> {
    let tar = flow.script().map_err(|source| EngineError::Script { task: task.0, source })?.tar();
    Ok(match Answer::read(keys, &terms(flow, tar, packet.counter), proof) {
        Ok(Answer::Proven(proven)) => Ok(proven),
        Ok(Answer::Hint(hint)) => Err(Some(hint)),
        Err(_) => Err(None),
    })
}
