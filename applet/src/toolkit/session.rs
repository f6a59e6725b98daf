//! What the toolkit remembers until the phone resets the card: one proactive command at a time (TS 102 223 clause 6.3), what
//! is to be said next, and what waits to be tried again.

use heapless::{Deque, Vec};
use onecard_wire::{
    status::StatusWord,
    toolkit::{SW1_PROACTIVE, facility::Facility},
};

use super::{
    menu::{After, Dialogue, Screen},
    phone::Phone,
    proactive::ProactiveCommand,
    settings::Outcome,
    texts::Language,
};
use crate::ota::{SUBMIT_MAX, SentProof};

/// Commands that wait to be tried again.
const PAUSED_MAX: usize = 2;
/// How often a command that found the phone busy is tried in all.
pub(super) const ATTEMPTS: u8 = 3;
/// Seconds until it is tried again, if the phone has timers.
pub(super) const PAUSE_SECONDS: u8 = 30;
/// Commands of the UICC until it is tried again, if it has none: STATUS is one every half minute (TS 102 221 clause 14.5).
const PAUSE_COMMANDS: u8 = 8;
/// The timer of this applet.
pub(super) const TIMER: u8 = 1;

/// The toolkit's session.
pub(crate) struct ToolkitSession {
    /// `None` before TERMINAL PROFILE.
    pub(super) phone: Option<Phone>,
    /// Number of the last command.
    number: u8,
    pub(super) outstanding: Option<Outstanding>,
    pub(super) wishes: Wishes,
    pub(super) dialogue: Option<Dialogue>,
    /// A request that has not been sent yet.
    pub(super) message: Option<Vec<u8, SUBMIT_MAX>>,
    /// What became of a request, not shown yet.
    pub(super) outcome: Option<Outcome>,
    /// A proof of receipt that is not sent whole yet.
    pub(super) proof: Option<SentProof>,
    paused: Deque<Outstanding, PAUSED_MAX>,
    pause: Pause,
    /// The phone's language, if it told one.
    pub(super) phone_language: Option<Language>,
    /// The phone's date, BCD, if it told one when the menu was opened.
    pub(super) today: Option<[u8; 4]>,
}

/// A command that the phone has been told of and has not answered.
#[derive(Clone)]
pub(super) struct Outstanding {
    pub(super) command: ProactiveCommand,
    pub(super) purpose: Purpose,
    /// It may be fetched again: the answer to FETCH may have been lost.
    pub(super) fetched: bool,
    pub(super) attempts_left: u8,
}

/// What a command is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// The phone's language.
    Language,
    /// To have the phone read a file again.
    Refresh,
    /// The entry in the phone's menu.
    MenuEntry,
    /// To be told when the language changes.
    Events,
    /// Waking up.
    Timer,
    /// The phone's date, before the menu opens.
    Today,
    Dialogue,
    /// A request to the platform.
    Request,
    /// A proof of receipt, or a part of one: sent once, whatever becomes of it.
    Proof,
}

/// What is to be sent, each once, when there is nothing outstanding.
#[derive(Clone, Copy, Default)]
pub(super) struct Wishes {
    pub(super) language: bool,
    pub(super) refresh: bool,
    pub(super) menu_entry: bool,
    pub(super) events: bool,
    pub(super) timer: bool,
    pub(super) today: bool,
}

/// Until when paused commands wait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pause {
    /// They do not: the next moment with nothing else to say is theirs.
    Over,
    Timer,
    Commands(u8),
}

impl ToolkitSession {
    /// Before TERMINAL PROFILE.
    pub(crate) const NEW: Self = Self {
        phone: None,
        number: 0,
        outstanding: None,
        wishes: Wishes {
            language: false,
            refresh: false,
            menu_entry: false,
            events: false,
            timer: false,
            today: false,
        },
        dialogue: None,
        message: None,
        outcome: None,
        proof: None,
        paused: Deque::new(),
        pause: Pause::Over,
        phone_language: None,
        today: None,
    };

    /// Whether the phone has a command to answer.
    pub(crate) const fn is_busy(&self) -> bool {
        self.outstanding.is_some()
    }

    /// Whether a short message can be sent.
    pub(crate) fn can_send(&self) -> bool {
        self.phone.as_ref().is_some_and(|phone| phone.can(Facility::SEND_SHORT_MESSAGE))
    }

    /// An outcome is to be shown, in place of one that was not.
    pub(crate) const fn tell(&mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
    }

    /// With no dialogue the outcome is one; a phone that shows no texts is not told.
    pub(super) fn begin_to_show_outcome(&mut self) {
        let Some(phone) = self.phone.as_ref().filter(|_| self.dialogue.is_none()) else { return };
        let shows = phone.can(Facility::DISPLAY_TEXT);
        if let Some(Outcome(label)) = self.outcome.take().filter(|_| shows) {
            self.dialogue = Some(Dialogue::new(Screen::Notice(label, After::End)));
        }
    }

    /// The status word that ends a command of the UICC: 91xx in the place of 9000 while a proactive command waits to be
    /// fetched.
    pub(crate) fn announce(&mut self, status: StatusWord) -> StatusWord {
        if let Pause::Commands(left) = &mut self.pause {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.wake();
                self.resume();
            }
        }
        match &self.outstanding {
            Some(waiting) if !waiting.fetched && status == StatusWord::OK => {
                // 256 is written as 00.
                let [_, length] = (waiting.command.bytes.len() as u16).to_be_bytes();
                StatusWord(u16::from_be_bytes([SW1_PROACTIVE, length]))
            }
            _ => status,
        }
    }

    /// The next command's number, 01 to FE.
    pub(super) fn next_number(&mut self) -> u8 {
        self.number = if self.number >= 0xFE { 1 } else { self.number + 1 };
        self.number
    }

    pub(super) fn send(&mut self, command: ProactiveCommand, purpose: Purpose) {
        self.outstanding = Some(Outstanding { command, purpose, fetched: false, attempts_left: ATTEMPTS });
    }

    /// Keeps a command that found the phone busy, to be sent once more with the same bytes. False if it has been tried
    /// often enough.
    pub(super) fn pause(&mut self, mut command: Outstanding) -> bool {
        command.attempts_left = command.attempts_left.saturating_sub(1);
        command.fetched = false;
        if command.attempts_left == 0 || self.paused.push_back(command).is_err() {
            return false;
        }
        if self.pause == Pause::Over {
            let has_timer = self.phone.as_ref().is_some_and(Phone::can_wait);
            self.wishes.timer = has_timer;
            self.pause = if has_timer { Pause::Timer } else { Pause::Commands(PAUSE_COMMANDS) };
        }
        true
    }

    /// Drops a request that has not been said to the phone.
    pub(crate) fn forget_request(&mut self) {
        self.message = None;
        for _ in 0..self.paused.len() {
            if let Some(paused) = self.paused.pop_front()
                && paused.purpose != Purpose::Request
            {
                // It was there a moment ago, so there is room.
                let _ = self.paused.push_back(paused);
            }
        }
    }

    /// Whether a command for that is to be tried again.
    pub(super) fn waits(&self, purpose: Purpose) -> bool {
        self.paused.iter().any(|paused| paused.purpose == purpose)
    }

    /// The timer could not be started.
    pub(super) fn wait_without_timer(&mut self) {
        if self.pause == Pause::Timer {
            self.pause = Pause::Commands(PAUSE_COMMANDS);
        }
    }

    /// The pause is over.
    pub(super) fn wake(&mut self) {
        self.pause = Pause::Over;
    }

    /// Sends the first paused command, if it is time and nothing else is outstanding.
    pub(super) fn resume(&mut self) {
        if self.pause == Pause::Over && self.outstanding.is_none() {
            self.outstanding = self.paused.pop_front();
        }
    }
}
