//! A phone with a card in it: what a handset does with a UICC and its toolkit (ETSI TS 102 221, 102 223, 3GPP TS 31.111).
//!
//! ```text
//! user ──menu, choose, type_text, ok, back…──► Handset ──APDUs──► Socket: Transport
//!          ◄── screen, notices, sent ──           │
//!                                    91xx: FETCH, do it or ask the user, TERMINAL RESPONSE
//! ```
//!
//! The phone is strict: whatever a card does that the standards forbid is kept as a [`Complaint`], and the phone goes on as
//! real ones do. Its clock stands still until [`Handset::wait`] moves it. It reads and writes texts, commands and answers by
//! code of its own.
//!
//! | module | what |
//! |---|---|
//! | [`proactive`], [`text`] | proactive commands and their texts, as a phone reads them |
//! | [`response`] | TERMINAL RESPONSE and ENVELOPE |
//! | [`screen`], [`profile`] | what is shown; what the phone can do |
//! | [`socket`] | where the card sits, and the log of what crossed the contacts |
//! | [`played_card`] | a card that says what it is given, for tests of phones |
//! | [`script`] | the phone played from a text |
//! | [`short_message`] | what the card sends, and what the network is told of what it got |

mod alphabet;
mod boot;
pub(crate) mod clock;
mod error;
mod fcp;
mod perform;
pub mod played_card;
pub mod proactive;
pub mod profile;
pub mod response;
pub mod screen;
pub mod script;
mod serve;
pub mod short_message;
pub mod socket;
#[cfg(test)]
mod tests;
pub mod text;
mod timer;
mod tlv;
mod user;

use std::{collections::VecDeque, time::Duration};

use onecard_wire::{
    date::Moment,
    toolkit::code::{CommandType, Event},
};

pub use self::{
    boot::{Identity, Pin},
    error::{Complaint, Defect, HandsetError},
};
use self::{
    proactive::{Details, Menu, Order},
    profile::Profile,
    response::{Answer, Envelope},
    screen::Screen,
    short_message::{Report, Sent},
    socket::{Crossing, Line, Socket},
    timer::{Expired, Timers},
};

/// A phone.
#[derive(Debug)]
pub struct Handset<S> {
    line: Line<S>,
    settings: Settings,
    /// `None`: off.
    session: Option<Session>,
    sent: Vec<Sent>,
    reports: Vec<Report>,
    /// Answers that wait for a command of their type.
    forced: Vec<(CommandType, Answer)>,
}

/// What a phone is like before it is switched on, and may become while it is on.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What it can do; told at power-up.
    pub profile: Profile,
    /// The user's language, two letters of ISO 639-1.
    pub language: String,
    /// What its clock shows when it is first switched on; `None`: it is not set.
    pub start: Option<Moment>,
    /// PIN1, if the user knows it.
    pub pin: Option<Pin>,
    /// Something else has the screen: a call.
    pub busy: bool,
    /// There is a network.
    pub network: bool,
    /// What the network answers to a short message: an RP cause (3GPP TS 24.011 clause 8.2.5.4) instead of taking it.
    pub message_error: Option<u8>,
}

/// From power-up to power-off.
#[derive(Debug)]
struct Session {
    identity: Identity,
    menu: Menu,
    in_menu: bool,
    pending: Option<Pending>,
    /// A text that stays though the card was answered at once.
    sustained: Option<String>,
    idle_text: Option<String>,
    notices: Vec<String>,
    timers: Timers,
    expired: VecDeque<Expired>,
    events: Vec<Event>,
    queue: VecDeque<Envelope>,
    /// Between two STATUS commands; `None`: the card has switched them off.
    poll_interval: Option<Duration>,
    next_poll: Duration,
}

/// A proactive command that waits for the user.
#[derive(Debug)]
struct Pending {
    details: Details,
    order: Order,
    since: Duration,
}

impl<S: Socket> Handset<S> {
    /// A phone with a card in its socket, switched off.
    pub fn new(socket: S, settings: Settings) -> Self {
        Self {
            line: Line::new(socket),
            settings,
            session: None,
            sent: Vec::new(),
            reports: Vec::new(),
            forced: Vec::new(),
        }
    }

    /// Switches the phone off; the card has no power then.
    pub fn power_off(&mut self) {
        self.session = None;
        self.line.power_off();
    }

    /// Takes the card's socket out of the phone, which is off then.
    pub fn into_socket(mut self) -> S {
        self.power_off();
        self.line.into_socket()
    }

    /// What is on the screen.
    #[must_use]
    pub fn screen(&self) -> Screen {
        let Some(session) = &self.session else {
            return Screen::Off;
        };
        match session.pending.as_ref().map(|pending| &pending.order) {
            Some(Order::DisplayText(text)) => Screen::Text(text.text.clone()),
            Some(Order::SelectItem(menu)) => Screen::Items(menu.clone()),
            Some(Order::Input(input)) => Screen::Input(input.clone()),
            Some(Order::Key(key)) => Screen::Key(key.clone()),
            _ => match &session.sustained {
                Some(text) => Screen::Text(text.clone()),
                None if session.in_menu => Screen::Menu(session.menu.clone()),
                None => Screen::Idle(session.idle_text.clone()),
            },
        }
    }

    /// What was shown in passing since the user last did something: "sending", tones.
    #[must_use]
    pub fn notices(&self) -> &[String] {
        self.session.as_ref().map_or(&[], |session| &session.notices)
    }

    /// The menu that the card has set up; without items if there is none.
    #[must_use]
    pub fn menu_set_up(&self) -> Menu {
        self.session.as_ref().map(|session| session.menu.clone()).unwrap_or_default()
    }

    /// What was read of the card at power-up; `None` if the phone is off.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        self.session.as_ref().map(|session| &session.identity)
    }

    /// Short messages that the card has sent, from the first.
    #[must_use]
    pub fn sent(&self) -> &[Sent] {
        &self.sent
    }

    /// What the network was told of each short message for the card.
    #[must_use]
    pub fn reports(&self) -> &[Report] {
        &self.reports
    }

    /// What crossed the contacts, from the first power-up.
    #[must_use]
    pub fn log(&self) -> &[Crossing] {
        &self.line.log
    }

    /// What the card did that it must not do.
    #[must_use]
    pub fn complaints(&self) -> &[Complaint] {
        &self.line.complaints
    }

    /// Timers that run: identifier, and what is left.
    #[must_use]
    pub fn timers(&self) -> Vec<(u8, Duration)> {
        self.session.as_ref().map(|session| session.timers.running(self.line.now).collect()).unwrap_or_default()
    }

    /// Since the phone was first switched on.
    #[must_use]
    pub const fn now(&self) -> Duration {
        self.line.now
    }

    /// What the phone is like.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Changes it; a profile is told at the next power-up, a language by [`Handset::set_language`].
    pub const fn settings_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }

    /// Lets the next proactive command of that type be answered by `answer`, whatever it wants.
    pub fn answer_next(&mut self, kind: CommandType, answer: Answer) {
        self.forced.push((kind, answer));
    }
}

impl Default for Settings {
    /// A full phone in Chinese, with a network.
    fn default() -> Self {
        Self {
            profile: Profile::full(),
            language: "zh".to_owned(),
            start: None,
            pin: None,
            busy: false,
            network: true,
            message_error: None,
        }
    }
}

impl Session {
    fn new(identity: Identity, now: Duration) -> Self {
        Self {
            identity,
            menu: Menu::default(),
            in_menu: false,
            pending: None,
            sustained: None,
            idle_text: None,
            notices: Vec::new(),
            timers: Timers::default(),
            expired: VecDeque::new(),
            events: Vec::new(),
            queue: VecDeque::new(),
            poll_interval: Some(POLL_INTERVAL),
            next_poll: now + POLL_INTERVAL,
        }
    }
}

/// Between two STATUS commands, unless the card asks for another time (TS 102 221 clause 14.5.2).
const POLL_INTERVAL: Duration = Duration::from_secs(30);
