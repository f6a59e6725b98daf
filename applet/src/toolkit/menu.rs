//! The One Card menu as a state machine (profile §7): screens, and where each answer of the phone leads.

use onecard_wire::toolkit::{code::GeneralResult, facility::Facility};

use super::{
    applications::{Application, applications},
    menu_tree::{ENTRIES, MORE_ITEM, Target, View, confirm_item, language_item},
    phone::Phone,
    reply::{Digits, TerminalResponse},
    screens,
    settings::{self, LanguageChoice},
    texts::Label,
};
use crate::{
    issuer_domain::{CardState, card_state},
    nvm::{Journal, Memory},
    wallet::shown,
};

/// Applications on one page of a list.
pub(super) const APPLICATIONS_A_PAGE: usize = 6;
/// Shortest service password.
pub(super) const PASSWORD_LEN_MIN: usize = 4;

/// What the user sees.
#[derive(Clone)]
pub(super) enum Screen {
    Menu,
    /// Which enterprise's application.
    Choice {
        view: View,
        page: usize,
    },
    /// An application; transactions have pages.
    Application {
        view: View,
        application: Application,
        page: usize,
    },
    Password(Application),
    Confirm(Application, Digits),
    LanguageChoice,
    /// A text, then the menu, or the end.
    Notice(Label, After),
    /// The balance of each application in turn, for a phone that can offer no choice.
    EachBalance {
        number: usize,
    },
}

/// What comes after a notice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum After {
    Menu,
    End,
}

/// The screen that is shown, and the help shown over it.
#[derive(Clone)]
pub(super) struct Dialogue {
    pub(super) screen: Screen,
    pub(super) help: bool,
}

/// What an answer leads to.
pub(super) enum Step {
    Show(Screen),
    End,
    ChooseLanguage(LanguageChoice),
    /// The request to delete an application.
    RequestDelete(Application, Digits),
}

impl Dialogue {
    pub(super) const fn new(screen: Screen) -> Self {
        Self { screen, help: false }
    }

    /// What the user sees first.
    pub(super) fn first(phone: &Phone) -> Self {
        Self::new(if phone.can(Facility::SELECT_ITEM) { Screen::Menu } else { Screen::EachBalance { number: 0 } })
    }

    /// The help of the SET UP MENU entry.
    pub(super) const fn help_of_title() -> Self {
        Self::new(Screen::Notice(Label::HelpTitle, After::End))
    }

    /// What the phone's answer leads to: every general result has its meaning (TS 102 223 clause 6.11).
    pub(super) fn answer<M: Memory>(&self, nvm: &Journal<M>, phone: &Phone, answer: &TerminalResponse<'_>) -> Step {
        match answer.result {
            GeneralResult::BACKWARD if self.help => Step::Show(self.screen.clone()),
            GeneralResult::BACKWARD => self.screen.back(nvm),
            result if result.is_done() && self.help => Step::Show(self.screen.clone()),
            result if result.is_done() => self.screen.forward(nvm, phone, answer),
            // Ended, no answer, or busy: the user begins anew from the phone's menu.
            GeneralResult::SESSION_ENDED | GeneralResult::NO_RESPONSE | GeneralResult::TRANSACTION_ENDED => Step::End,
            result if result.is_temporary() => Step::End,
            // The phone cannot do what its profile promised. A text it can perhaps still show.
            _ if self.help || self.screen.is_text() => Step::End,
            _ => Step::Show(Screen::Notice(Label::NotOnThisPhone, After::End)),
        }
    }
}

impl Screen {
    /// Whether it is shown by DISPLAY TEXT, which asks nothing.
    pub(super) const fn is_text(&self) -> bool {
        matches!(self, Self::Application { .. } | Self::Notice(..) | Self::EachBalance { .. })
    }

    /// Help over it; a text has none.
    pub(super) const fn help(&self) -> Option<Label> {
        match self {
            Self::Menu => Some(Label::HelpMenu),
            Self::Choice { .. } => Some(Label::HelpChoose),
            Self::Password(_) => Some(Label::HelpPassword),
            Self::Confirm(..) => Some(Label::HelpConfirm),
            Self::LanguageChoice => Some(Label::HelpLanguage),
            Self::Application { .. } | Self::Notice(..) | Self::EachBalance { .. } => None,
        }
    }

    /// One screen back.
    fn back<M: Memory>(&self, nvm: &Journal<M>) -> Step {
        match self {
            Self::Menu | Self::Notice(_, After::End) | Self::EachBalance { number: 0 } => Step::End,
            Self::EachBalance { number } => Step::Show(Self::EachBalance { number: number - 1 }),
            Self::Choice { page: 0, .. } | Self::LanguageChoice | Self::Notice(_, After::Menu) => {
                Step::Show(Self::Menu)
            }
            Self::Choice { view, page } => Step::Show(Self::Choice { view: *view, page: page - 1 }),
            Self::Application { view, application, page: 0 } => Step::Show(above(nvm, *view, application)),
            Self::Application { view, application, page } => {
                Step::Show(Self::Application { view: *view, application: *application, page: page - 1 })
            }
            Self::Password(application) => Step::Show(above(nvm, View::Delete, application)),
            Self::Confirm(application, _) => Step::Show(Self::Password(*application)),
        }
    }

    /// What the user chose, typed, or has read.
    fn forward<M: Memory>(&self, nvm: &Journal<M>, phone: &Phone, answer: &TerminalResponse<'_>) -> Step {
        match self {
            Self::Menu => match ENTRIES.iter().find(|entry| answer.item() == Some(entry.identifier)) {
                Some(entry) if entry.is_offered(phone) => match entry.target {
                    Target::Application(view) => Step::Show(below(nvm, view)),
                    Target::LanguageChoice => Step::Show(Self::LanguageChoice),
                },
                _ => Step::End,
            },
            Self::Choice { view, page } => chosen(nvm, *view, *page, answer.item()),
            Self::Application { view: View::Transactions, application, page }
                if screens::has_transactions(nvm, application, page + 1) =>
            {
                Step::Show(Self::Application { view: View::Transactions, application: *application, page: page + 1 })
            }
            Self::Application { view, application, .. } => Step::Show(above(nvm, *view, application)),
            Self::Password(application) => match answer.digits().filter(|digits| digits.len() >= PASSWORD_LEN_MIN) {
                Some(password) => Step::Show(Self::Confirm(*application, password)),
                None => Step::Show(Self::Notice(Label::WrongInput, After::Menu)),
            },
            Self::Confirm(application, password) => match answer.item() {
                // Locked since the password was asked for.
                Some(confirm_item::DELETE) if card_state(nvm) == CardState::Locked => {
                    Step::Show(Self::Notice(Label::CardLockedNoDelete, After::Menu))
                }
                Some(confirm_item::DELETE) => Step::RequestDelete(*application, password.clone()),
                Some(confirm_item::CANCEL) => Step::Show(Self::Menu),
                _ => Step::End,
            },
            Self::LanguageChoice => match answer.item() {
                Some(language_item::FOLLOW_PHONE) => Step::ChooseLanguage(LanguageChoice::FollowPhone),
                Some(language_item::CHINESE) if phone.can(Facility::UCS2_DISPLAY) => {
                    Step::ChooseLanguage(LanguageChoice::Chinese)
                }
                Some(language_item::ENGLISH) => Step::ChooseLanguage(LanguageChoice::English),
                _ => Step::End,
            },
            Self::Notice(_, After::Menu) => Step::Show(Self::Menu),
            Self::Notice(_, After::End) => Step::End,
            Self::EachBalance { number } if applications(nvm).nth(number + 1).is_some() => {
                Step::Show(Self::EachBalance { number: number + 1 })
            }
            Self::EachBalance { .. } => Step::End,
        }
    }
}

/// What a view begins with: of several applications one is chosen first.
fn below<M: Memory>(nvm: &Journal<M>, view: View) -> Screen {
    let mut all = applications(nvm);
    match (all.next(), all.next()) {
        (None, _) => Screen::Notice(Label::NoApplication, After::Menu),
        (Some(only), None) => of_application(nvm, view, only),
        _ => Screen::Choice { view, page: 0 },
    }
}

/// What an application was chosen from.
fn above<M: Memory>(nvm: &Journal<M>, view: View, application: &Application) -> Screen {
    let at = applications(nvm).position(|other| other == *application).unwrap_or_default();
    match applications(nvm).nth(1) {
        Some(_) => Screen::Choice { view, page: at / APPLICATIONS_A_PAGE },
        None => Screen::Menu,
    }
}

fn chosen<M: Memory>(nvm: &Journal<M>, view: View, page: usize, item: Option<u8>) -> Step {
    let first = page * APPLICATIONS_A_PAGE;
    let application = match item {
        Some(MORE_ITEM) if applications(nvm).nth(first + APPLICATIONS_A_PAGE).is_some() => {
            return Step::Show(Screen::Choice { view, page: page + 1 });
        }
        Some(item @ 1..) if usize::from(item) <= APPLICATIONS_A_PAGE => {
            applications(nvm).nth(first + usize::from(item) - 1)
        }
        _ => return Step::End,
    };
    // Listed a moment ago, and deleted over another channel since.
    let gone = || Screen::Notice(Label::ApplicationGone, After::Menu);
    Step::Show(application.map_or_else(gone, |application| of_application(nvm, view, application)))
}

fn of_application<M: Memory>(nvm: &Journal<M>, view: View, application: Application) -> Screen {
    if view != View::Delete {
        return Screen::Application { view, application, page: 0 };
    }
    if card_state(nvm) == CardState::Locked {
        return Screen::Notice(Label::CardLockedNoDelete, After::Menu);
    }
    let issued = shown(nvm, application.index).is_some_and(|shown| shown.serial.is_some());
    match (settings::platform(nvm), issued) {
        (None, _) => Screen::Notice(Label::DeleteNotSetUp, After::Menu),
        (Some(_), false) => Screen::Notice(Label::CannotDelete, After::Menu),
        (Some(_), true) => Screen::Password(application),
    }
}
