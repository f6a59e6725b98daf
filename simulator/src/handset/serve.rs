//! 91xx, FETCH, TERMINAL RESPONSE, and what the phone tells of its own accord.

use onecard_host::apdu::Command;
use onecard_wire::{
    status::StatusWord,
    toolkit::{self, ENVELOPE, FETCH, TERMINAL_RESPONSE, code::Event},
};

use super::{
    Complaint, Handset, HandsetError, Session,
    boot::with_bytes,
    proactive::{Details, Fetched, Order},
    response::{Answer, Envelope},
    short_message::{Report, deliver_coding},
    socket::{Discretion, Socket},
};

/// More proactive commands than this without the user having done anything are a loop.
const COMMANDS_MAX: usize = 500;

impl<S: Socket> Handset<S> {
    /// Does what the card asks for, and tells it what waits, until the user is needed or nothing is left.
    pub(super) fn serve(&mut self) -> Result<(), HandsetError> {
        for _ in 0..COMMANDS_MAX {
            let Some(session) = &mut self.session else {
                return Ok(());
            };
            if session.pending.is_some() {
                return self.complain_of_second();
            }
            if let Some(length) = self.line.waiting.take() {
                let fetched = self.fetch(length)?;
                self.perform(fetched)?;
                continue;
            }
            let Some(envelope) = session.next_envelope(self.line.now) else {
                return Ok(());
            };
            if !self.tell(envelope)? {
                return Ok(());
            }
        }
        Err(HandsetError::Endless(COMMANDS_MAX))
    }

    /// While a command waits for its response there cannot be another.
    fn complain_of_second(&mut self) -> Result<(), HandsetError> {
        if self.line.waiting.take().is_some() {
            let name = self.line.log.last().map(|crossing| crossing.name.clone()).unwrap_or_default();
            self.line.complaints.push(Complaint::TwoAtOnce(name));
        }
        Ok(())
    }

    fn fetch(&mut self, told: usize) -> Result<Fetched, HandsetError> {
        let [.., length] = told.to_be_bytes();
        let command = Command::new(toolkit::CLA, FETCH, 0, 0).expecting(length);
        let response = self.line.send("FETCH", &command, Discretion::Open)?;
        if !response.status.is_ok() {
            return Err(HandsetError::Refused {
                command: "FETCH".to_owned(),
                status: response.status,
                expected: "the card has told that a proactive command waits",
            });
        }
        let given = response.data.len();
        if given != told {
            self.line.complaints.push(Complaint::FetchLength { told, given });
        }
        let fetched = Fetched::parse(&response.data)
            .map_err(|defect| HandsetError::Unreadable { command: "FETCH".to_owned(), defect })?;
        self.line.rename_last(format!("FETCH {}", fetched.details().kind));
        Ok(fetched)
    }

    /// Answers the command with these details.
    pub(super) fn respond(
        &mut self,
        details: Details,
        answer: &Answer,
        discretion: Discretion,
    ) -> Result<(), HandsetError> {
        let name = format!("TERMINAL RESPONSE {:02X} {}", answer.result().0, answer.result());
        let command = with_bytes(Command::new(toolkit::CLA, TERMINAL_RESPONSE, 0, 0), &answer.to_bytes(details))?;
        let response = self.line.send(&name, &command, discretion)?;
        if !response.status.is_ok() {
            self.line.complaints.push(Complaint::Refused { command: name, status: response.status });
        }
        Ok(())
    }

    /// Answers the command that waits for the user, and goes on; false if none waits.
    pub(super) fn conclude(&mut self, answer: &Answer) -> Result<bool, HandsetError> {
        let pending = self.session.as_mut().and_then(|session| session.pending.take());
        let Some(pending) = pending else {
            return Ok(false);
        };
        let hidden = matches!(&pending.order, Order::Input(input) if input.hidden);
        let discretion = if hidden { Discretion::Secret } else { Discretion::Open };
        self.respond(pending.details, answer, discretion)?;
        self.serve()?;
        Ok(true)
    }

    /// Sends an ENVELOPE; false if the card is busy, and is to be told again later.
    pub(super) fn tell(&mut self, envelope: Envelope) -> Result<bool, HandsetError> {
        let name = format!("ENVELOPE {}", envelope.name());
        let command = with_bytes(Command::new(toolkit::CLA, ENVELOPE, 0, 0), &envelope.to_bytes())?;
        // Data come back for a short message alone.
        let command = if matches!(envelope, Envelope::ShortMessage { .. }) { command.expecting(0) } else { command };
        let response = self.line.send(&name, &command, Discretion::Open)?;
        match (&envelope, response.status) {
            (Envelope::ShortMessage { tpdu, .. }, status) => {
                let (protocol, coding) =
                    deliver_coding(tpdu).map_err(|defect| HandsetError::Unreadable { command: name, defect })?;
                self.reports.push(Report::of(protocol, coding, &response.data, status));
                Ok(true)
            }
            (_, StatusWord::TOOLKIT_BUSY) => {
                if let Some(session) = &mut self.session {
                    session.queue.push_front(envelope);
                }
                Ok(false)
            }
            (_, status) => {
                if !status.is_ok() {
                    self.line.complaints.push(Complaint::Refused { command: name, status });
                }
                Ok(true)
            }
        }
    }
}

impl Session {
    fn next_envelope(&mut self, now: std::time::Duration) -> Option<Envelope> {
        if let Some(envelope) = self.queue.pop_front() {
            return Some(envelope);
        }
        if let Some(expired) = self.expired.pop_front() {
            let elapsed = now.saturating_sub(expired.since);
            return Some(Envelope::TimerExpiration { id: expired.id, elapsed });
        }
        // Reported once (TS 102 223 clause 7.5.7): the card asks again if it wants it again.
        let idle = !self.in_menu && self.sustained.is_none();
        (idle && self.takes_event(Event::IDLE_SCREEN)).then_some(Envelope::Event(Event::IDLE_SCREEN))
    }

    /// Whether the card wants this event; an event that is reported once is struck off.
    pub(super) fn takes_event(&mut self, event: Event) -> bool {
        let wanted = self.events.contains(&event);
        if matches!(event, Event::IDLE_SCREEN | Event::USER_ACTIVITY) {
            self.events.retain(|other| *other != event);
        }
        wanted
    }
}
