//! What the phone does with a proactive command (TS 102 223 clause 6.4).

use std::time::Duration;

use onecard_wire::toolkit::{
    code::{BusyCause, GeneralResult, LocalInformation, RefreshMode, TimeUnit},
    facility::Facility,
    tag,
};

use super::{
    Complaint, Handset, HandsetError, Pending, clock,
    proactive::{Details, Fetched, Menu, Order, OutgoingMessage, Text},
    response::Answer,
    short_message::Sent,
    socket::{Discretion, Socket},
    text::Coding,
    timer::{self, TimerAnswer},
};

/// What is done with a command.
enum Next {
    /// It is answered now.
    Answer(Answer),
    /// The user has to do something.
    AskUser,
    /// Nothing is answered: the card was reset.
    CardReset,
}

impl<S: Socket> Handset<S> {
    pub(super) fn perform(&mut self, fetched: Fetched) -> Result<(), HandsetError> {
        let details = fetched.details();
        let (order, ucs2) = match fetched {
            Fetched::Command { order, ucs2, .. } => (order, ucs2),
            Fetched::Refused { result, defect, .. } => {
                let complaint = Complaint::Command { command: details.kind.to_string(), defect };
                self.line.complaints.push(complaint);
                return self.respond(details, &Answer::new(result), Discretion::Open);
            }
        };
        if let Some(at) = self.forced.iter().position(|(kind, _)| *kind == details.kind) {
            let (_, answer) = self.forced.remove(at);
            return self.respond(details, &answer, Discretion::Open);
        }
        if let Some(answer) = self.beyond(details, &order, ucs2) {
            return self.respond(details, &answer, Discretion::Open);
        }
        match self.carry_out(&order)? {
            Next::Answer(answer) => self.respond(details, &answer, Discretion::Open),
            Next::AskUser => {
                let since = self.line.now;
                if let Some(session) = &mut self.session {
                    session.sustained = None;
                    session.pending = Some(Pending { details, order, since });
                }
                Ok(())
            }
            Next::CardReset => Ok(()),
        }
    }

    /// What a phone without that facility answers; it complains too, since the card was told.
    fn beyond(&mut self, details: Details, order: &Order, ucs2: bool) -> Option<Answer> {
        let profile = &self.settings.profile;
        let entry = matches!(order, Order::Input(input) if input.coding == Coding::Ucs2);
        let missing = profile
            .missing_for(details, order)
            .or_else(|| (ucs2 && !profile.has(Facility::UCS2_DISPLAY)).then_some(Facility::UCS2_DISPLAY))
            .or_else(|| (entry && !profile.has(Facility::UCS2_ENTRY)).then_some(Facility::UCS2_ENTRY));
        let (result, what) = match (order, missing) {
            (Order::Unknown, _) => (GeneralResult::TYPE_NOT_UNDERSTOOD, details.kind.to_string()),
            (_, Some(facility)) => {
                let kind = details.kind.to_string();
                let name = facility.name().unwrap_or("what it needs");
                let what = if kind == name { kind } else { format!("{kind} needs {name}") };
                (GeneralResult::BEYOND_CAPABILITIES, what)
            }
            (_, None) => return None,
        };
        self.line.complaints.push(Complaint::NotInProfile(what));
        Some(Answer::new(result))
    }

    fn carry_out(&mut self, order: &Order) -> Result<Next, HandsetError> {
        let done = || Next::Answer(Answer::new(GeneralResult::DONE));
        Ok(match order {
            Order::Refresh(mode) => return self.refresh(*mode),
            Order::SendShortMessage(message) => Next::Answer(self.send_message(message)),
            Order::DisplayText(text) => self.display(text),
            Order::Key(_) | Order::Input(_) | Order::SelectItem(_) if self.settings.busy => screen_busy(),
            Order::Key(_) | Order::Input(_) | Order::SelectItem(_) => Next::AskUser,
            Order::ProvideLocalInformation(what) => Next::Answer(self.local_information(*what)),
            Order::SetUpMenu(menu) => {
                self.set_up_menu(menu);
                done()
            }
            Order::Unknown => Next::Answer(Answer::new(GeneralResult::TYPE_NOT_UNDERSTOOD)),
            Order::MoreTime
            | Order::PollInterval(_)
            | Order::PollingOff
            | Order::SetUpEventList(_)
            | Order::PlayTone(_)
            | Order::Timer(_)
            | Order::IdleText(_)
            | Order::LanguageNotification(_) => Next::Answer(self.note(order)),
        })
    }

    /// What is only remembered.
    fn note(&mut self, order: &Order) -> Answer {
        let now = self.line.now;
        let answer = Answer::new(GeneralResult::DONE);
        let Some(session) = &mut self.session else {
            return answer;
        };
        match order {
            Order::PollInterval(interval) => {
                session.poll_interval = Some(*interval);
                session.next_poll = now + *interval;
                return answer.with(tag::DURATION, &duration(*interval));
            }
            Order::PollingOff => session.poll_interval = None,
            Order::SetUpEventList(events) => session.events.clone_from(events),
            Order::PlayTone(alpha) => {
                session.notices.push(alpha.clone().unwrap_or_else(|| "♪".to_owned()));
            }
            Order::IdleText(text) => session.idle_text = Some(text.clone()).filter(|text| !text.is_empty()),
            Order::Timer(order) => {
                let id = [order.id];
                return match session.timers.manage(*order, now) {
                    TimerAnswer::Started => answer.with(tag::TIMER_IDENTIFIER, &id),
                    TimerAnswer::Value(left) => {
                        answer.with(tag::TIMER_IDENTIFIER, &id).with(tag::TIMER_VALUE, &timer::value(left))
                    }
                    TimerAnswer::Contradiction => {
                        Answer::new(GeneralResult::TIMER_CONTRADICTION).with(tag::TIMER_IDENTIFIER, &id)
                    }
                };
            }
            _ => {}
        }
        answer
    }

    fn refresh(&mut self, mode: RefreshMode) -> Result<Next, HandsetError> {
        if self.settings.busy {
            return Ok(Next::Answer(Answer::busy(BusyCause::IN_CALL)));
        }
        if mode == RefreshMode::RESET {
            self.power_up_card()?;
            return Ok(Next::CardReset);
        }
        self.initialize_again()?;
        Ok(Next::Answer(Answer::new(GeneralResult::DONE)))
    }

    fn set_up_menu(&mut self, menu: &Menu) {
        if let Some(session) = &mut self.session {
            session.menu = menu.clone();
            session.in_menu &= !menu.items.is_empty();
        }
    }

    fn display(&mut self, text: &Text) -> Next {
        if self.settings.busy && !text.high_priority {
            return screen_busy();
        }
        if !text.immediate {
            return Next::AskUser;
        }
        if let Some(session) = &mut self.session {
            session.sustained = Some(text.text.clone());
        }
        Next::Answer(Answer::new(GeneralResult::DONE))
    }

    fn send_message(&mut self, message: &OutgoingMessage) -> Answer {
        if let Some(session) = &mut self.session {
            let notice = message.alpha.clone().unwrap_or_else(|| "Sending… 正在发送".to_owned());
            session.notices.push(notice);
        }
        if !self.settings.network {
            return Answer::busy(BusyCause::NO_SERVICE);
        }
        if let Some(cause) = self.settings.message_error {
            return Answer::new(GeneralResult::SMS_ERROR).because(&[cause]);
        }
        match Sent::of(message) {
            Ok(sent) => {
                self.sent.push(sent);
                Answer::new(GeneralResult::DONE)
            }
            Err(defect) => {
                let command = "SEND SHORT MESSAGE".to_owned();
                self.line.complaints.push(Complaint::Command { command, defect });
                Answer::new(GeneralResult::DATA_NOT_UNDERSTOOD)
            }
        }
    }

    fn local_information(&self, what: LocalInformation) -> Answer {
        /// Country 460, network 00, and a cell.
        const LOCATION: [u8; 7] = [0x64, 0xF0, 0x00, 0x00, 0x01, 0x00, 0x01];
        /// 490154203237518, the example of 3GPP TS 23.003, as an identity of TS 24.008.
        const IMEI: [u8; 8] = [0x4A, 0x09, 0x51, 0x24, 0x30, 0x32, 0x57, 0x81];
        let done = Answer::new(GeneralResult::DONE);
        match what {
            LocalInformation::LOCATION if !self.settings.network => Answer::busy(BusyCause::NO_SERVICE),
            LocalInformation::LOCATION => done.with(tag::LOCATION_INFORMATION, &LOCATION),
            LocalInformation::IMEI => done.with(tag::IMEI, &IMEI),
            LocalInformation::DATE_TIME => match self.date_time() {
                Some(date_time) => done.with(tag::DATE_TIME, &date_time),
                None => Answer::busy(BusyCause::NONE),
            },
            LocalInformation::LANGUAGE => done.with(tag::LANGUAGE, self.settings.language.as_bytes()),
            _ => Answer::new(GeneralResult::BEYOND_CAPABILITIES),
        }
    }

    /// Year to second, digits swapped, and the time zone of China, 32 quarters of an hour (TS 102 223 clause 8.39).
    fn date_time(&self) -> Option<[u8; 7]> {
        let now = clock::moment_after(self.settings.start?, self.line.now)?;
        let [_century, date_and_time @ ..] = now.to_bytes().map(|byte| byte.rotate_left(4));
        let [year, month, day, hour, minute, second] = date_and_time;
        Some([year, month, day, hour, minute, second, timer::swapped(32)])
    }
}

fn screen_busy() -> Next {
    Next::Answer(Answer::busy(BusyCause::SCREEN_BUSY))
}

/// In seconds, or in minutes if they are too many.
fn duration(time: Duration) -> [u8; 2] {
    match u8::try_from(time.as_secs()) {
        Ok(seconds) => [TimeUnit::SECONDS.0, seconds.max(1)],
        Err(_) => [TimeUnit::MINUTES.0, u8::try_from(time.as_secs() / 60).unwrap_or(u8::MAX)],
    }
}
