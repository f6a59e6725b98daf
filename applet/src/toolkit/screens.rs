//! Screens as proactive commands.

use core::fmt::{self, Write};

use heapless::{String, Vec};
use onecard_wire::{
    amount::Amount,
    date::Date,
    record::{CardStatus, LogRecord},
    status::StatusWord,
    toolkit::facility::Facility,
    wallet::TransactionType,
};

use super::{
    applications::{Application, applications},
    menu::{APPLICATIONS_A_PAGE, Dialogue, PASSWORD_LEN_MIN, Screen},
    menu_tree::{MORE_ITEM, View, confirm_item, language_item, offered},
    phone::Phone,
    proactive::{Item, ProactiveCommand, display_text, hidden_digits, select_item},
    reply::Digits,
    settings::{LanguageChoice, language_choice},
    texts::{Label, Language},
};
use crate::{
    fs::{File, Lock},
    issuer_domain::{CardState, card_state},
    nvm::{Journal, Memory},
    wallet::{Shown, log_record, shown},
};

/// Transactions on one page.
pub(super) const TRANSACTIONS_A_PAGE: usize = 3;

/// Room for a text as it is put together, in UTF-8.
type Text = String<480>;
/// Grouped digits.
type Grouped = String<20>;

/// What a screen is made from.
pub(super) struct Surroundings<'a, M> {
    pub(super) nvm: &'a Journal<M>,
    pub(super) phone: &'a Phone,
    pub(super) language: Language,
    /// The phone's date, BCD, if it told one.
    pub(super) today: Option<[u8; 4]>,
}

/// The command that shows it.
///
/// # Errors
/// 6F00 if a text does not fit: a fault of this program.
pub(super) fn command<M: Memory>(
    dialogue: &Dialogue,
    number: u8,
    around: &Surroundings<'_, M>,
) -> Result<ProactiveCommand, StatusWord> {
    let say = |label: Label| label.text(around.language);
    if let Some(help) = dialogue.screen.help().filter(|_| dialogue.help) {
        return display_text(number, say(help));
    }
    match &dialogue.screen {
        Screen::Menu => {
            let items = offered(around.phone).map(|entry| (entry.identifier, say(entry.label)));
            select_item(number, say(Label::Title), items, None)
        }
        Screen::Choice { page, .. } => choice(number, *page, around),
        Screen::Application { view, application, page } => match application.entry(around.nvm) {
            Some(entry) => display_text(number, &text_of(*view, application, &entry, *page, around)?),
            None => display_text(number, say(Label::ApplicationGone)),
        },
        Screen::Password(_) => {
            hidden_digits(number, say(Label::EnterPassword), PASSWORD_LEN_MIN as u8, Digits::LEN_MAX as u8)
        }
        Screen::Confirm(application, _) => {
            let mut title = Text::new();
            fit(write!(title, "{} {}?", say(Label::Delete), grouped(application.enterprise.to_bytes())))?;
            let items = [(confirm_item::DELETE, say(Label::ConfirmDelete)), (confirm_item::CANCEL, say(Label::Cancel))];
            select_item(number, &title, items, None)
        }
        Screen::LanguageChoice => languages(number, around),
        Screen::Notice(label, _) => display_text(number, say(*label)),
        Screen::EachBalance { number: place } => match applications(around.nvm).nth(*place) {
            Some(application) => match application.entry(around.nvm) {
                Some(entry) => display_text(number, &text_of(View::Balance, &application, &entry, 0, around)?),
                None => display_text(number, say(Label::ApplicationGone)),
            },
            None => display_text(number, say(Label::NoApplication)),
        },
    }
}

/// Whether an application's log has such a page.
pub(super) fn has_transactions<M: Memory>(nvm: &Journal<M>, application: &Application, page: usize) -> bool {
    log_record(nvm, application.index, page * TRANSACTIONS_A_PAGE).is_some()
}

fn choice<M: Memory>(number: u8, page: usize, around: &Surroundings<'_, M>) -> Result<ProactiveCommand, StatusWord> {
    let first = page * APPLICATIONS_A_PAGE;
    let listed: Vec<Grouped, APPLICATIONS_A_PAGE> = applications(around.nvm)
        .skip(first)
        .take(APPLICATIONS_A_PAGE)
        .map(|application| grouped(application.enterprise.to_bytes()))
        .collect();
    let more = applications(around.nvm).nth(first + APPLICATIONS_A_PAGE).map(|_| Label::More.text(around.language));
    let items = (1..).zip(listed.iter().map(String::as_str)).chain(more.map(|more| (MORE_ITEM, more)));
    select_item(number, Label::ChooseEnterprise.text(around.language), items, None)
}

fn languages<M: Memory>(number: u8, around: &Surroundings<'_, M>) -> Result<ProactiveCommand, StatusWord> {
    let say = |label: Label| label.text(around.language);
    let chinese = around.phone.can(Facility::UCS2_DISPLAY);
    let items: [Option<Item<'_>>; 3] = [
        Some((language_item::FOLLOW_PHONE, say(Label::FollowPhone))),
        // In its own language: whoever looks for it may read no other.
        Some((language_item::CHINESE, Label::Chinese.text(Language::Chinese))).filter(|_| chinese),
        Some((language_item::ENGLISH, say(Label::English))),
    ];
    let preset = match language_choice(around.nvm) {
        LanguageChoice::FollowPhone => language_item::FOLLOW_PHONE,
        LanguageChoice::Chinese if chinese => language_item::CHINESE,
        LanguageChoice::Chinese | LanguageChoice::English => language_item::ENGLISH,
    };
    select_item(number, say(Label::LanguageChoice), items.into_iter().flatten(), Some(preset))
}

fn text_of<M: Memory>(
    view: View,
    application: &Application,
    entry: &File,
    page: usize,
    around: &Surroundings<'_, M>,
) -> Result<Text, StatusWord> {
    let mut text = Text::new();
    let shown = shown(around.nvm, application.index).ok_or(StatusWord::INTERNAL_ERROR)?;
    let written = match view {
        View::Balance => balance(&mut text, application, entry, &shown, around),
        View::CardInformation | View::Delete => information(&mut text, application, entry, &shown, around),
        View::Transactions => transactions(&mut text, application, page, around),
    };
    fit(written)?;
    Ok(text)
}

fn balance<M: Memory>(
    text: &mut Text,
    application: &Application,
    entry: &File,
    shown: &Shown,
    around: &Surroundings<'_, M>,
) -> fmt::Result {
    let say = |label: Label| label.text(around.language);
    write!(text, "{}", grouped(application.enterprise.to_bytes()))?;
    if let Some(balance) = shown.purse {
        write!(text, "\n{} {balance} {}", say(Label::Purse), say(Label::Yuan))?;
    }
    if let Some(balance) = shown.deposit {
        write!(text, "\n{} {balance} {}", say(Label::Deposit), say(Label::Yuan))?;
        if shown.overdraft != Amount::ZERO {
            write!(text, "\n({} {})", say(Label::OverdraftIncluded), shown.overdraft)?;
        }
    }
    match Date::from_bytes(shown.parameters.balance_expiry) {
        None => write!(text, "\n{}", say(Label::BalanceNeverExpires))?,
        Some(expiry) if latest_day(shown, around).is_some_and(|day| day > expiry.to_bytes()) => {
            write!(text, "\n{} {expiry}", say(Label::BalanceExpired))?;
        }
        Some(expiry) => write!(text, "\n{} {expiry}", say(Label::BalanceUntil))?,
    }
    match state(entry, shown, around) {
        Label::Normal => Ok(()),
        other => write!(text, "\n{}", say(other)),
    }
}

fn information<M: Memory>(
    text: &mut Text,
    application: &Application,
    entry: &File,
    shown: &Shown,
    around: &Surroundings<'_, M>,
) -> fmt::Result {
    let say = |label: Label| label.text(around.language);
    write!(text, "{}", grouped(application.enterprise.to_bytes()))?;
    if let Some(serial) = shown.serial {
        write!(text, "\n{} {}", say(Label::Serial), grouped(serial))?;
    }
    if let [Some(from), Some(to)] = shown.valid.map(Date::from_bytes) {
        write!(text, "\n{} {from} {} {to}", say(Label::Validity), say(Label::To))?;
    }
    write!(text, "\n{} {}", say(Label::State), say(state(entry, shown, around)))
}

fn transactions<M: Memory>(
    text: &mut Text,
    application: &Application,
    page: usize,
    around: &Surroundings<'_, M>,
) -> fmt::Result {
    let records = |from: usize| (from..).map_while(|number| log_record(around.nvm, application.index, number));
    let count = records(0).count();
    if count == 0 {
        return text.write_str(Label::NoTransactions.text(around.language));
    }
    write!(text, "{}/{}", page + 1, count.div_ceil(TRANSACTIONS_A_PAGE))?;
    for record in records(page * TRANSACTIONS_A_PAGE).take(TRANSACTIONS_A_PAGE) {
        let LogRecord { date, time, amount, .. } = record;
        let [hour, minute, _] = time.to_bytes();
        let kind = kind_of(record.transaction_type).text(around.language);
        write!(text, "\n{date} {hour:02X}:{minute:02X} {kind} {amount}")?;
    }
    Ok(())
}

const fn kind_of(transaction_type: TransactionType) -> Label {
    match transaction_type {
        TransactionType::LOAD_ED | TransactionType::LOAD_EP => Label::Load,
        TransactionType::UNLOAD_ED | TransactionType::UNLOAD_EP => Label::Unload,
        TransactionType::CASH_WITHDRAW => Label::CashWithdraw,
        TransactionType::PURCHASE_ED | TransactionType::PURCHASE_EP => Label::Purchase,
        TransactionType::OVERDRAFT => Label::Overdraft,
        TransactionType::CAPP => Label::CompoundPurchase,
        TransactionType::UNDO => Label::Undo,
        _ => Label::OtherTransaction,
    }
}

/// The worst that can be said of an application; of the card first.
fn state<M: Memory>(entry: &File, shown: &Shown, around: &Surroundings<'_, M>) -> Label {
    if card_state(around.nvm) == CardState::Locked {
        return Label::CardLocked;
    }
    if shown.serial.is_none() {
        return Label::NotIssued;
    }
    let [valid_from, valid_to] = shown.valid;
    let day = latest_day(shown, around);
    match (entry.lock, shown.parameters.status) {
        (Lock::Permanent, _) => Label::BlockedForGood,
        (Lock::Temporary, _) => Label::Blocked,
        (Lock::Open, _) if entry.life_cycle.is_locked() => Label::LockedByOperator,
        (Lock::Open, CardStatus::LOST) => Label::Lost,
        (Lock::Open, CardStatus::NORMAL) => match day {
            Some(day) if day > valid_to => Label::Expired,
            Some(day) if day < valid_from => Label::NotYetValid,
            _ => Label::Normal,
        },
        (Lock::Open, _) => Label::Suspended,
    }
}

/// The phone's date, unless the card has seen a later one.
fn latest_day<M: Memory>(shown: &Shown, around: &Surroundings<'_, M>) -> Option<[u8; 4]> {
    around.today.into_iter().chain([shown.day]).max().filter(|day| *day != [0; 4])
}

/// Sixteen digits in groups of four.
fn grouped(number: [u8; 8]) -> Grouped {
    let mut text = Grouped::new();
    for (at, [high, low]) in number.as_chunks::<2>().0.iter().enumerate() {
        // There is room for four groups and the spaces between them.
        let _ = write!(text, "{}{high:02X}{low:02X}", if at == 0 { "" } else { " " });
    }
    text
}

fn fit(written: fmt::Result) -> Result<(), StatusWord> {
    written.map_err(|fmt::Error| StatusWord::INTERNAL_ERROR)
}
