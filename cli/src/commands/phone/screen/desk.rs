//! The phone, a terminal beside it, and the keys that work both.

use std::time::Duration;

use onecard_simulator::handset::{Handset, HandsetError, screen::Screen, script::Counter, socket::Socket};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use zeroize::Zeroizing;

/// Whether it goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flow {
    GoOn,
    Quit,
}

/// What is on the desk.
pub(super) struct Desk<'d, S> {
    pub(super) handset: &'d mut Handset<S>,
    till: &'d mut dyn Counter,
    /// Place of the marked item, from 0.
    pub(super) marked: usize,
    /// What is being typed into the phone.
    pub(super) typed: Zeroizing<String>,
    /// What is being typed into the terminal: an amount.
    pub(super) amount: Option<String>,
    /// What the terminal shows.
    pub(super) told: String,
    /// Why the last key did nothing.
    pub(super) problem: Option<String>,
    /// Crossings that the log is scrolled back by.
    pub(super) log_back: usize,
    before: Screen,
}

/// How far F8 moves the phone's clock.
const WAIT: Duration = Duration::from_secs(30);
/// Crossings that a page of the log is.
const LOG_PAGE: usize = 5;

impl<'d, S: Socket> Desk<'d, S> {
    pub(super) fn new(handset: &'d mut Handset<S>, till: &'d mut dyn Counter) -> Self {
        Self {
            handset,
            till,
            marked: 0,
            typed: Zeroizing::default(),
            amount: None,
            told: String::new(),
            problem: None,
            log_back: 0,
            before: Screen::Off,
        }
    }

    pub(super) fn switch_on(&mut self) {
        let booted = self.handset.boot();
        self.after(booted);
    }

    pub(super) fn press(&mut self, key: KeyEvent) -> Flow {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        if control && matches!(key.code, KeyCode::Char('c' | 'q')) {
            return Flow::Quit;
        }
        self.problem = None;
        if self.amount.is_some() {
            self.press_till(key.code);
            return Flow::GoOn;
        }
        match key.code {
            KeyCode::PageUp => self.log_back = (self.log_back + LOG_PAGE).min(self.handset.log().len()),
            KeyCode::PageDown => self.log_back = self.log_back.saturating_sub(LOG_PAGE),
            KeyCode::F(9) => self.tap("balance"),
            KeyCode::F(10) => self.amount = Some(String::new()),
            code => {
                let done = self.press_phone(code);
                self.after(done);
            }
        }
        Flow::GoOn
    }

    fn press_phone(&mut self, code: KeyCode) -> Result<(), HandsetError> {
        let settings = self.handset.settings();
        let (busy, network) = (settings.busy, settings.network);
        let other = if settings.language == "zh" { "en" } else { "zh" };
        match code {
            KeyCode::F(1) => self.handset.help(self.marked + 1),
            KeyCode::F(2) => self.switch(),
            KeyCode::F(3) => self.handset.cancel(),
            KeyCode::F(4) => self.handset.time_out(),
            KeyCode::F(5) => {
                self.handset.settings_mut().busy = !busy;
                Ok(())
            }
            KeyCode::F(6) => {
                self.handset.settings_mut().network = !network;
                Ok(())
            }
            KeyCode::F(7) => self.handset.set_language(other),
            KeyCode::F(8) => self.handset.wait(WAIT),
            KeyCode::Esc => self.handset.back(),
            KeyCode::Enter => self.confirm(),
            KeyCode::Up => self.mark(|marked, _| marked.saturating_sub(1)),
            KeyCode::Down => self.mark(|marked, count| (marked + 1).min(count.saturating_sub(1))),
            KeyCode::Backspace => {
                self.typed.pop();
                Ok(())
            }
            KeyCode::Char(character) => self.press_character(character),
            _ => Ok(()),
        }
    }

    /// Off and on again.
    fn switch(&mut self) -> Result<(), HandsetError> {
        if self.handset.screen() == Screen::Off {
            return self.handset.boot();
        }
        self.handset.power_off();
        Ok(())
    }

    fn confirm(&mut self) -> Result<(), HandsetError> {
        match self.handset.screen() {
            Screen::Off => self.handset.boot(),
            Screen::Idle(_) => self.handset.open_menu(),
            Screen::Menu(_) | Screen::Items(_) => self.handset.choose_number(self.marked + 1),
            Screen::Text(_) => self.handset.ok(),
            Screen::Input(_) | Screen::Key(_) => self.handset.type_text(&self.typed.clone()),
        }
    }

    /// A digit chooses from a list; a question for one key takes it at once.
    fn press_character(&mut self, character: char) -> Result<(), HandsetError> {
        match self.handset.screen() {
            Screen::Menu(_) | Screen::Items(_) => match character.to_digit(10) {
                Some(digit @ 1..) => self.handset.choose_number(digit as usize),
                _ => Ok(()),
            },
            Screen::Key(_) => self.handset.type_text(character.encode_utf8(&mut [0; 4])),
            Screen::Input(input) => {
                if self.typed.chars().count() < input.max {
                    self.typed.push(character);
                }
                Ok(())
            }
            Screen::Off | Screen::Idle(_) | Screen::Text(_) => Ok(()),
        }
    }

    fn mark(&mut self, to: impl Fn(usize, usize) -> usize) -> Result<(), HandsetError> {
        if let Some(menu) = self.handset.screen().list() {
            self.marked = to(self.marked, menu.items.len());
        }
        Ok(())
    }

    /// Another screen begins with nothing typed, and the item that the card marks.
    fn after(&mut self, done: Result<(), HandsetError>) {
        self.problem = done.err().map(|error| error.to_string());
        let screen = self.handset.screen();
        if screen != self.before {
            let menu = screen.list();
            let default = menu.and_then(|menu| menu.items.iter().position(|item| Some(item.id) == menu.default));
            self.marked = default.unwrap_or_default();
            self.typed = match &screen {
                Screen::Input(input) => input.default.clone().unwrap_or_default().into(),
                _ => Zeroizing::default(),
            };
            self.before = screen;
        }
        self.log_back = 0;
    }

    fn press_till(&mut self, code: KeyCode) {
        let Some(amount) = &mut self.amount else { return };
        match code {
            KeyCode::Char(digit @ ('0'..='9' | '.')) => amount.push(digit),
            KeyCode::Backspace => drop(amount.pop()),
            KeyCode::Enter => {
                let order = format!("pay {amount}");
                self.amount = None;
                self.tap(&order);
            }
            KeyCode::Esc => self.amount = None,
            _ => {}
        }
    }

    fn tap(&mut self, order: &str) {
        self.told = self.till.tap(order).unwrap_or_else(|problem| problem);
    }
}
