//! What the user does, and time that passes.

use std::time::Duration;

use onecard_wire::toolkit::{
    code::{Event, GeneralResult},
    tag,
};

use super::{
    Handset, HandsetError, Pending, Session,
    proactive::{Input, KeyInput, KeyKind, Menu, Order},
    response::{Answer, Envelope},
    screen::Screen,
    socket::Socket,
    text::{Coding, encode},
};

/// How long a user is waited for, unless the card says so.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a text stays that goes by itself.
const TEXT_STAYS: Duration = Duration::from_secs(5);

impl<S: Socket> Handset<S> {
    /// Opens the card's menu from the idle screen.
    ///
    /// # Errors
    /// [`HandsetError::NotOffered`] if the card has set up none, or something else is on the screen.
    pub fn open_menu(&mut self) -> Result<(), HandsetError> {
        let screen = self.act()?;
        match (&mut self.session, screen) {
            (Some(session), Screen::Idle(_) | Screen::Menu(_)) if !session.menu.items.is_empty() => {
                session.in_menu = true;
                Ok(())
            }
            (_, screen) => Err(not_offered("menu", &screen)),
        }
    }

    /// Chooses the item with that text, or else the only one that contains it.
    ///
    /// # Errors
    /// [`HandsetError`].
    pub fn choose(&mut self, text: &str) -> Result<(), HandsetError> {
        let screen = self.act()?;
        let menu = screen.list().ok_or_else(|| not_offered("choose", &screen))?;
        let exact = menu.items.iter().find(|item| item.text == text);
        let mut containing = menu.items.iter().filter(|item| item.text.contains(text));
        let item = exact.or_else(|| containing.next().filter(|_| containing.next().is_none()));
        let id = item.map(|item| item.id).ok_or_else(|| no_such_item(text, &screen))?;
        self.choose_item(&screen, id)
    }

    /// Chooses the item in that place, from 1.
    ///
    /// # Errors
    /// [`HandsetError`].
    pub fn choose_number(&mut self, number: usize) -> Result<(), HandsetError> {
        let screen = self.act()?;
        let menu = screen.list().ok_or_else(|| not_offered("choose", &screen))?;
        let item = number.checked_sub(1).and_then(|index| menu.items.get(index));
        let id = item.map(|item| item.id).ok_or_else(|| no_such_item(&format!("#{number}"), &screen))?;
        self.choose_item(&screen, id)
    }

    /// Asks for help: on the item in that place, from 1, or on what is on the screen.
    ///
    /// # Errors
    /// [`HandsetError::NotOffered`] if the card offers none.
    pub fn help(&mut self, number: usize) -> Result<(), HandsetError> {
        let screen = self.act()?;
        let id = |menu: &Menu| number.checked_sub(1).and_then(|index| menu.items.get(index)).map(|item| item.id);
        let answer = Answer::new(GeneralResult::HELP);
        let offered = match &screen {
            Screen::Menu(menu) if menu.help => {
                let item = id(menu).ok_or_else(|| no_such_item(&format!("#{number}"), &screen))?;
                self.queue(Envelope::MenuSelection { item, help: true });
                return self.serve();
            }
            Screen::Items(menu) if menu.help => {
                let item = id(menu).ok_or_else(|| no_such_item(&format!("#{number}"), &screen))?;
                self.conclude(&answer.with(tag::ITEM_IDENTIFIER, &[item]))?
            }
            Screen::Input(Input { help: true, .. }) | Screen::Key(KeyInput { help: true, .. }) => {
                self.conclude(&answer)?
            }
            _ => false,
        };
        if offered { Ok(()) } else { Err(not_offered("help", &screen)) }
    }

    /// Types a text and confirms it, or presses a key.
    ///
    /// # Errors
    /// [`HandsetError::NotTyped`] if the phone does not take it; the input stays.
    pub fn type_text(&mut self, text: &str) -> Result<(), HandsetError> {
        let screen = self.act()?;
        let typed = match &screen {
            Screen::Input(input) => input.answer(text)?,
            Screen::Key(key) => key.answer(text)?,
            _ => return Err(not_offered("type", &screen)),
        };
        self.conclude(&typed).map(drop)
    }

    /// Confirms what is on the screen: a text that was read, or an input left as it is.
    ///
    /// # Errors
    /// [`HandsetError::NotOffered`] on other screens.
    pub fn ok(&mut self) -> Result<(), HandsetError> {
        let screen = self.act()?;
        match &screen {
            Screen::Text(_) => self.leave_text(&Answer::new(GeneralResult::DONE)),
            Screen::Input(input) => {
                let typed = input.answer(input.default.as_deref().unwrap_or_default())?;
                self.conclude(&typed).map(drop)
            }
            _ => Err(not_offered("ok", &screen)),
        }
    }

    /// Goes back.
    ///
    /// # Errors
    /// [`HandsetError::NotOffered`] on the idle screen.
    pub fn back(&mut self) -> Result<(), HandsetError> {
        self.leave("back", &Answer::new(GeneralResult::BACKWARD))
    }

    /// Ends the session: the key that leads to the idle screen.
    ///
    /// # Errors
    /// [`HandsetError::NotOffered`] on the idle screen.
    pub fn cancel(&mut self) -> Result<(), HandsetError> {
        if let Some(session) = &mut self.session {
            // The card may have more to say; what it shows then is not the menu.
            let had_menu = std::mem::take(&mut session.in_menu);
            if had_menu && session.pending.is_none() && session.sustained.is_none() {
                session.notices.clear();
                return Ok(());
            }
        }
        self.leave("cancel", &Answer::new(GeneralResult::SESSION_ENDED))
    }

    /// The user does nothing for as long as the phone waits.
    ///
    /// # Errors
    /// [`HandsetError::NotOffered`] if nothing waits for the user.
    pub fn time_out(&mut self) -> Result<(), HandsetError> {
        let screen = self.act()?;
        let Some(pending) = self.session.as_ref().and_then(|session| session.pending.as_ref()) else {
            return Err(not_offered("timeout", &screen));
        };
        let result = pending.result_of_silence();
        self.conclude(&Answer::new(result)).map(drop)
    }

    /// Answers what waits for the user by any result.
    ///
    /// # Errors
    /// [`HandsetError::NotOffered`] if nothing waits for the user.
    pub fn answer(&mut self, answer: &Answer) -> Result<(), HandsetError> {
        let screen = self.act()?;
        if self.conclude(answer)? { Ok(()) } else { Err(not_offered("answer", &screen)) }
    }

    /// The user chooses another language: two letters of ISO 639-1.
    ///
    /// # Errors
    /// [`HandsetError`] of telling the card, if it wants to be told.
    pub fn set_language(&mut self, language: &str) -> Result<(), HandsetError> {
        language.clone_into(&mut self.settings.language);
        if let Some(session) = &mut self.session
            && session.takes_event(Event::LANGUAGE_SELECTION)
        {
            session.queue.push_back(Envelope::Language(language.to_owned()));
        }
        self.serve()
    }

    /// A short message for the card comes in: type of number and digits of the service centre, and the SMS-DELIVER.
    ///
    /// # Errors
    /// [`HandsetError`].
    pub fn receive(&mut self, service_centre: &[u8], tpdu: &[u8]) -> Result<(), HandsetError> {
        if self.session.is_none() {
            return Err(HandsetError::Off);
        }
        let (service_centre, tpdu) = (service_centre.to_vec(), tpdu.to_vec());
        // At once, though something may wait for the user: the network does not wait.
        self.tell(Envelope::ShortMessage { service_centre, tpdu })?;
        self.serve()
    }

    /// Lets time pass: timers run out, the card is polled, who does not act in time has not acted.
    ///
    /// # Errors
    /// [`HandsetError`] of what happens meanwhile.
    pub fn wait(&mut self, time: Duration) -> Result<(), HandsetError> {
        let end = self.line.now + time;
        loop {
            let due = self.session.as_ref().and_then(Session::next_due).filter(|due| *due <= end);
            self.line.now = due.unwrap_or(end).max(self.line.now);
            let Some(session) = self.session.as_mut().filter(|_| due.is_some()) else {
                return Ok(());
            };
            let now = self.line.now;
            session.expired.extend(session.timers.expire(now));
            let out_of_patience = session.pending.as_ref().filter(|pending| pending.until() <= now);
            let silence = out_of_patience.map(|pending| Answer::new(pending.result_of_silence()));
            if let (Some(interval), true) = (session.poll_interval, session.next_poll <= now) {
                session.next_poll = now + interval.max(Duration::from_secs(1));
                self.poll()?;
            }
            match silence {
                Some(answer) => self.conclude(&answer).map(drop)?,
                None => self.serve()?,
            }
        }
    }

    /// The user does something: what was shown in passing is gone.
    fn act(&mut self) -> Result<Screen, HandsetError> {
        let screen = self.screen();
        let session = self.session.as_mut().ok_or(HandsetError::Off)?;
        session.notices.clear();
        if session.takes_event(Event::USER_ACTIVITY) {
            session.queue.push_back(Envelope::Event(Event::USER_ACTIVITY));
        }
        Ok(screen)
    }

    fn choose_item(&mut self, screen: &Screen, item: u8) -> Result<(), HandsetError> {
        if let Screen::Items(_) = screen {
            let answer = Answer::new(GeneralResult::DONE).with(tag::ITEM_IDENTIFIER, &[item]);
            return self.conclude(&answer).map(drop);
        }
        self.queue(Envelope::MenuSelection { item, help: false });
        self.serve()
    }

    fn leave(&mut self, action: &'static str, answer: &Answer) -> Result<(), HandsetError> {
        let screen = self.act()?;
        match (&screen, &mut self.session) {
            (Screen::Menu(_), Some(session)) => {
                session.in_menu = false;
                self.serve()
            }
            (Screen::Idle(_) | Screen::Off, _) => Err(not_offered(action, &screen)),
            _ => self.leave_text(answer),
        }
    }

    /// Answers what waits; a text that was answered before only goes.
    fn leave_text(&mut self, answer: &Answer) -> Result<(), HandsetError> {
        if self.conclude(answer)? {
            return Ok(());
        }
        if let Some(session) = &mut self.session {
            session.sustained = None;
        }
        self.serve()
    }

    fn queue(&mut self, envelope: Envelope) {
        if let Some(session) = &mut self.session {
            session.queue.push_back(envelope);
        }
    }
}

impl Session {
    /// When something happens next by itself.
    fn next_due(&self) -> Option<Duration> {
        let poll = self.poll_interval.map(|_| self.next_poll);
        let patience = self.pending.as_ref().map(Pending::until);
        [self.timers.next(), poll, patience].into_iter().flatten().min()
    }
}

impl Pending {
    fn until(&self) -> Duration {
        let limit = match &self.order {
            Order::DisplayText(text) => text.time_out.unwrap_or(if text.until_user { PATIENCE } else { TEXT_STAYS }),
            _ => PATIENCE,
        };
        self.since + limit
    }

    /// What it means that the user does nothing: of a text that goes by itself, that it was shown.
    fn result_of_silence(&self) -> GeneralResult {
        match &self.order {
            Order::DisplayText(text) if !text.until_user => GeneralResult::DONE,
            _ => GeneralResult::NO_RESPONSE,
        }
    }
}

impl Input {
    fn answer(&self, text: &str) -> Result<Answer, HandsetError> {
        if self.digits_only && !text.chars().all(is_digit) {
            return Err(HandsetError::NotTyped("digits, *, # and + alone are taken here"));
        }
        let length = text.chars().count();
        if length < self.min {
            return Err(HandsetError::NotTyped("it is too short"));
        }
        if length > self.max {
            return Err(HandsetError::NotTyped("it is too long"));
        }
        written(text, self.coding)
    }
}

impl KeyInput {
    fn answer(&self, text: &str) -> Result<Answer, HandsetError> {
        let mut characters = text.chars();
        match (self.accepts, characters.next(), characters.next()) {
            (KeyKind::YesNo, _, _) => match text {
                "yes" | "y" | "是" => written_byte(0x01),
                "no" | "n" | "否" => written_byte(0x00),
                _ => Err(HandsetError::NotTyped("yes or no (是, 否) is taken here")),
            },
            (KeyKind::Digit, Some(digit), None) if is_digit(digit) => written(text, Coding::EightBit),
            (KeyKind::Character, Some(_), None) => written(text, Coding::EightBit),
            (KeyKind::Ucs2Character, Some(_), None) => written(text, Coding::Ucs2),
            _ => Err(HandsetError::NotTyped("one key is taken here")),
        }
    }
}

fn written(text: &str, coding: Coding) -> Result<Answer, HandsetError> {
    let string = zeroize::Zeroizing::new(
        encode(text, coding).map_err(|_| HandsetError::NotTyped("a character is not in the alphabet wanted here"))?,
    );
    Ok(Answer::new(GeneralResult::DONE).with(tag::TEXT_STRING, &string))
}

/// Yes or no (TS 102 223 clause 6.8.5).
fn written_byte(byte: u8) -> Result<Answer, HandsetError> {
    Ok(Answer::new(GeneralResult::DONE).with(tag::TEXT_STRING, &[Coding::EightBit.scheme(), byte]))
}

const fn is_digit(character: char) -> bool {
    matches!(character, '0'..='9' | '*' | '#' | '+')
}

fn not_offered(action: &'static str, screen: &Screen) -> HandsetError {
    HandsetError::NotOffered { action, screen: described(screen) }
}

fn no_such_item(wanted: &str, screen: &Screen) -> HandsetError {
    HandsetError::NoSuchItem { wanted: wanted.to_owned(), screen: described(screen) }
}

fn described(screen: &Screen) -> String {
    format!("{}: {:?}", screen.name(), screen.to_string())
}
