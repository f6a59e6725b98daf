//! The toolkit (TS 102 223): proactive commands, and the One Card menu (profile §7).
//!
//! | module | what |
//! |---|---|
//! | `session` | the one outstanding command, what is to be said next, what is tried again |
//! | `phone` | what the phone can do |
//! | `proactive`, `reply`, `alphabet` | commands in bytes, answers, texts |
//! | `menu_tree`, `menu`, `screens`, `texts` | the menu as data, as a state machine, as commands, in two languages |
//! | `download` | a short message for the card, and the proof of receipt that goes back |
//! | `request` | the request to delete an application |
//! | `applications` | the enterprise applications it is about |
//! | `settings` | what is kept: language, the platform's address, the counter of requests |

mod alphabet;
mod applications;
mod download;
mod menu;
mod menu_tree;
mod phone;
mod proactive;
mod reply;
mod request;
mod screens;
mod session;
mod settings;
mod texts;

use onecard_wire::{
    ins,
    status::StatusWord,
    toolkit::{
        code::{Event, GeneralResult, LocalInformation},
        facility::Facility,
        tag,
    },
};

use crate::{
    apdu::{Command, Response, put},
    failure::{Failure, refuse},
    nvm::{Journal, Memory},
    ota::SentProof,
    platform::Platform,
    uicc,
};
pub(crate) use download::Download;
use menu::{After, Dialogue, Screen, Step};
use menu_tree::MENU_ITEM;
use phone::Phone;
use proactive::{provide_local_information, refresh, set_up_event_list, set_up_menu, start_timer};
use reply::{Objects, TerminalResponse, identifier, parse_envelope};
use screens::Surroundings;
pub(crate) use session::ToolkitSession;
use session::{Outstanding, PAUSE_SECONDS, Purpose, TIMER, Wishes};
pub(crate) use settings::Outcome;
use texts::{Label, Language};

/// EF_LI in the current application, from the MF.
const EF_LI: [u8; 6] = [0x3F, 0x00, 0x7F, 0xFF, 0x6F, 0x05];

/// The toolkit in the session of the contacts.
pub(crate) struct Toolkit<'a, P> {
    pub(crate) nvm: &'a mut Journal<P>,
    pub(crate) session: &'a mut ToolkitSession,
}

impl<P: Platform> Toolkit<'_, P> {
    /// TERMINAL PROFILE, FETCH, TERMINAL RESPONSE, ENVELOPE.
    pub(crate) fn process(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<StatusWord, Failure> {
        command.require_p1p2(0x00, 0x00)?;
        match command.ins {
            ins::TERMINAL_PROFILE => self.terminal_profile(command)?,
            ins::FETCH => self.fetch(command, answer)?,
            ins::TERMINAL_RESPONSE => self.terminal_response(command)?,
            ins::ENVELOPE => self.envelope(command)?,
            _ => return refuse(StatusWord::INS_NOT_SUPPORTED),
        }
        Ok(StatusWord::OK)
    }

    /// TERMINAL PROFILE (TS 102 221 clause 11.2.1): the session begins, or begins anew.
    fn terminal_profile(&mut self, command: &Command<'_>) -> Result<(), Failure> {
        if command.data.is_empty() {
            return refuse(StatusWord::WRONG_LENGTH);
        }
        let phone = Phone::new(command.data);
        let outcome = self.session.outcome.take();
        *self.session = ToolkitSession::NEW;
        self.session.outcome = outcome;
        self.session.wishes = Wishes {
            language: phone.can(Facility::LANGUAGE) && phone.can_have_menu(),
            menu_entry: phone.can_have_menu(),
            events: phone.can(Facility::SET_UP_EVENT_LIST)
                && phone.can(Facility::EVENT_LANGUAGE_SELECTION)
                && phone.can_have_menu(),
            ..Wishes::default()
        };
        self.session.phone = Some(phone);
        self.go_on()
    }

    /// FETCH (TS 102 221 clause 11.2.3): the same bytes until they are answered.
    fn fetch(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        command.require_data_len(0)?;
        let outstanding = self.session.outstanding.as_mut().ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
        let bytes = &outstanding.command.bytes;
        command.require_answer_len(bytes.len())?;
        put(answer, bytes)?;
        outstanding.fetched = true;
        Ok(())
    }

    /// TERMINAL RESPONSE (TS 102 221 clause 11.2.4). One that does not belong to the outstanding command ends the dialogue.
    fn terminal_response(&mut self, command: &Command<'_>) -> Result<(), Failure> {
        let outstanding = self.session.outstanding.take_if(|waiting| waiting.fetched);
        let outstanding = outstanding.ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
        let parsed = TerminalResponse::parse(command.data);
        let Some(response) = parsed.filter(|response| response.details == outstanding.command.details) else {
            self.session.dialogue = None;
            if outstanding.purpose == Purpose::Timer {
                self.session.wait_without_timer();
            }
            self.go_on()?;
            return refuse(StatusWord::WRONG_DATA);
        };
        self.understand(outstanding, &response)?;
        self.go_on()
    }

    /// ENVELOPE (TS 102 221 clause 11.2.2).
    fn envelope(&mut self, command: &Command<'_>) -> Result<(), Failure> {
        if self.session.phone.is_none() {
            return refuse(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        let (kind, objects) = parse_envelope(command.data).ok_or(StatusWord::WRONG_DATA)?;
        if self.session.outstanding.is_some() {
            return refuse(StatusWord::TOOLKIT_BUSY);
        }
        match kind {
            tag::MENU_SELECTION => self.menu_selection(&objects)?,
            tag::TIMER_EXPIRATION => {
                if identifier(&objects, tag::TIMER_IDENTIFIER).ok_or(StatusWord::WRONG_DATA)? == TIMER {
                    self.session.wake();
                }
            }
            tag::EVENT_DOWNLOAD => self.event(&objects)?,
            _ => return refuse(StatusWord::WRONG_DATA),
        }
        self.go_on()
    }

    /// Sends a proof of receipt.
    pub(crate) fn send_proof(&mut self, proof: SentProof) -> Result<(), Failure> {
        self.session.proof = Some(proof);
        self.go_on()
    }

    /// Shows an outcome that came, as soon as the phone has nothing else to answer and the user is in no dialogue.
    pub(crate) fn show_outcome(&mut self) -> Result<(), Failure> {
        if self.session.outcome.is_some() { self.go_on() } else { Ok(()) }
    }

    fn menu_selection(&mut self, objects: &Objects<'_>) -> Result<(), Failure> {
        let phone = self.session.phone.as_ref().ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
        if identifier(objects, tag::ITEM_IDENTIFIER) != Some(MENU_ITEM) || !phone.can_have_menu() {
            return refuse(StatusWord::WRONG_DATA);
        }
        if objects.value(tag::HELP_REQUEST).is_some() {
            self.session.dialogue = Some(Dialogue::help_of_title());
        } else {
            self.session.dialogue = Some(Dialogue::first(phone));
            self.session.wishes.today = phone.can(Facility::DATE_TIME);
        }
        Ok(())
    }

    /// An event. Those that were not asked for change nothing.
    fn event(&mut self, objects: &Objects<'_>) -> Result<(), Failure> {
        let event = identifier(objects, tag::EVENT_LIST).ok_or(StatusWord::WRONG_DATA)?;
        if let (Event::LANGUAGE_SELECTION, Some(letters)) = (Event(event), objects.value(tag::LANGUAGE)) {
            let before = self.language();
            self.session.phone_language = Some(language_of(letters));
            self.session.wishes.menu_entry |= self.language() != before;
        }
        Ok(())
    }

    /// What an answer means for what the command was for.
    fn understand(&mut self, outstanding: Outstanding, response: &TerminalResponse<'_>) -> Result<(), Failure> {
        let busy = response.is_busy();
        match outstanding.purpose {
            Purpose::Language if response.result.is_done() => {
                self.session.phone_language = response.language().map(|letters| language_of(&letters));
            }
            Purpose::Today => self.session.today = response.date().filter(|_| response.result.is_done()),
            Purpose::MenuEntry if busy => {
                self.session.pause(outstanding);
            }
            Purpose::Timer if !response.result.is_done() => self.session.wait_without_timer(),
            Purpose::Language
            | Purpose::Refresh
            | Purpose::Events
            | Purpose::MenuEntry
            | Purpose::Timer
            | Purpose::Proof => {}
            Purpose::Dialogue => self.converse(response)?,
            Purpose::Request => self.sent(outstanding, response),
        }
        Ok(())
    }

    /// An answer of the user.
    fn converse(&mut self, response: &TerminalResponse<'_>) -> Result<(), Failure> {
        let (Some(mut dialogue), Some(phone)) = (self.session.dialogue.take(), &self.session.phone) else {
            return Ok(());
        };
        if response.result == GeneralResult::HELP && !dialogue.help && dialogue.screen.help().is_some() {
            dialogue.help = true;
            self.session.dialogue = Some(dialogue);
            return Ok(());
        }
        let screen = match dialogue.answer(self.nvm, phone, response) {
            Step::Show(screen) => screen,
            Step::End => return Ok(()),
            Step::ChooseLanguage(choice) => {
                let can_refresh = phone.can(Facility::REFRESH);
                self.session.wishes.refresh = settings::choose_language(self.nvm, choice)? && can_refresh;
                self.session.wishes.menu_entry = true;
                Screen::Notice(Label::LanguageChanged, After::Menu)
            }
            // The platform takes no number below one it has taken (15.6.6).
            Step::RequestDelete(..) if self.session.waits(Purpose::Request) => {
                Screen::Notice(Label::EarlierFirst, After::Menu)
            }
            Step::RequestDelete(application, password) => {
                match request::delete(self.nvm, &application, &password, self.language()) {
                    Ok(message) => {
                        self.session.message = Some(message);
                        return Ok(());
                    }
                    Err(Failure::Refused(_)) => Screen::Notice(Label::NotSent, After::Menu),
                    Err(lost) => return Err(lost),
                }
            }
        };
        self.session.dialogue = Some(Dialogue::new(screen));
        Ok(())
    }

    /// What became of a request.
    fn sent(&mut self, outstanding: Outstanding, response: &TerminalResponse<'_>) {
        let notice = match response.result {
            result if result.is_done() => Label::Sent,
            GeneralResult::SESSION_ENDED => return,
            _ if response.is_busy() && self.session.pause(outstanding) => Label::WillTryAgain,
            _ => Label::NotSent,
        };
        self.session.dialogue = Some(Dialogue::new(Screen::Notice(notice, After::End)));
    }

    /// With nothing outstanding, the next thing to say, if there is any.
    fn go_on(&mut self) -> Result<(), Failure> {
        if self.session.outstanding.is_some() {
            return Ok(());
        }
        self.session.begin_to_show_outcome();
        let language = self.language();
        let number = self.session.next_number();
        let session = &mut *self.session;
        let (command, purpose) = if let Some(part) = session.next_of_proof(number) {
            (part, Purpose::Proof)
        } else if core::mem::take(&mut session.wishes.language) {
            (provide_local_information(number, LocalInformation::LANGUAGE), Purpose::Language)
        } else if core::mem::take(&mut session.wishes.refresh) {
            (refresh(number, &EF_LI), Purpose::Refresh)
        } else if core::mem::take(&mut session.wishes.menu_entry) {
            let title = Label::Title.text(language);
            (set_up_menu(number, title, [(MENU_ITEM, title)]), Purpose::MenuEntry)
        } else if core::mem::take(&mut session.wishes.events) {
            (set_up_event_list(number, &[Event::LANGUAGE_SELECTION]), Purpose::Events)
        } else if core::mem::take(&mut session.wishes.timer) {
            (start_timer(number, TIMER, PAUSE_SECONDS), Purpose::Timer)
        } else if core::mem::take(&mut session.wishes.today) {
            (provide_local_information(number, LocalInformation::DATE_TIME), Purpose::Today)
        } else if let Some(message) = session.message.take() {
            (request::command(self.nvm, number, &message, language), Purpose::Request)
        } else if let (Some(dialogue), Some(phone)) = (&session.dialogue, &session.phone) {
            let around = Surroundings { nvm: &*self.nvm, phone, language, today: session.today };
            (screens::command(dialogue, number, &around), Purpose::Dialogue)
        } else {
            session.resume();
            return Ok(());
        };
        match command {
            Ok(command) => self.session.send(command, purpose),
            Err(fault) => {
                self.session.dialogue = None;
                return refuse(fault);
            }
        }
        Ok(())
    }

    /// The menu's language: the one chosen, else the phone's, else the card's own; English on a phone that cannot show
    /// Chinese.
    fn language(&self) -> Language {
        let shows_chinese = self.session.phone.as_ref().is_some_and(|phone| phone.can(Facility::UCS2_DISPLAY));
        let chosen = settings::language_choice(self.nvm).fixed();
        let of_card = || language_of(&uicc::first_language(self.nvm));
        match chosen.or(self.session.phone_language).unwrap_or_else(of_card) {
            Language::Chinese if shows_chinese => Language::Chinese,
            _ => Language::English,
        }
    }
}

/// Chinese for `zh`, English for any other language (ISO 639-1, in the default alphabet: that is ASCII).
fn language_of(letters: &[u8]) -> Language {
    if letters.eq_ignore_ascii_case(b"zh") { Language::Chinese } else { Language::English }
}

/// The least first byte of SPI of packets for the UICC's files, if the operator has set one.
pub(crate) fn files_minimum<M: Memory>(nvm: &Journal<M>) -> Option<u8> {
    settings::files_minimum(nvm)
}

/// STORE DATA of the issuer domain, a block of it, after INSTALL [for personalization] of the applet; an outcome that is to be shown.
///
/// # Errors
/// 6A80: it is not whole data groups that the applet knows.
pub(crate) fn store_data<P: Platform>(nvm: &mut Journal<P>, block: &[u8]) -> Result<Option<Outcome>, Failure> {
    settings::store(nvm, block)
}
