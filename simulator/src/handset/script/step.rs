//! From words to steps.

use std::time::Duration;

use onecard_wire::{
    date::{Date, Moment, Time},
    toolkit::code::{CommandType, GeneralResult},
};

use crate::handset::{boot::Pin, proactive::KeyKind, profile::Profile, response::Answer};

/// One step; the module above says how each is written.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Profile(Profile),
    Language(String),
    Date(Moment),
    Pin(Pin),
    Boot,
    Off,
    Menu,
    Choose(Choice),
    Type(String),
    Ok,
    Back,
    Cancel,
    Help(usize),
    TimeOut,
    Wait(Duration),
    Busy(bool),
    Network(bool),
    MessageError(Option<u8>),
    Answer(Answer),
    Next(CommandType, Answer),
    Receive { service_centre: Vec<u8>, tpdu: Vec<u8> },
    Tap(String),
    Expect(Expectation),
}

/// An item of a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Choice {
    /// By its text.
    Text(String),
    /// By its place, from 1.
    Number(usize),
}

/// What has to be so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Expectation {
    Shown(String),
    NotShown(String),
    Title(String),
    Items(Vec<String>),
    Input { hidden: bool, digits: bool, min: usize, max: usize },
    Key(KeyKind),
    Idle,
    Menu,
    NoMenu,
    Message { tar: Option<[u8; 3]>, to: Option<String>, parts: Option<usize> },
    NoMessage,
    Acknowledged,
    NotAcknowledged(Option<Vec<u8>>),
    Tap(String),
    Complaint(String),
}

impl Step {
    /// From the words of a line, of which there is one.
    ///
    /// # Errors
    /// How the step is written.
    pub(super) fn parse(words: &[String]) -> Result<Self, String> {
        let (verb, rest) = words.split_first().ok_or("an empty line is no step")?;
        let text = || rest.join(" ");
        let some_text = |what: &str| if rest.is_empty() { Err(format!("{verb} {what}")) } else { Ok(text()) };
        Ok(match verb.as_str() {
            "boot" => Self::Boot,
            "off" => Self::Off,
            "menu" => Self::Menu,
            "ok" => Self::Ok,
            "back" => Self::Back,
            "cancel" => Self::Cancel,
            "timeout" => Self::TimeOut,
            "busy" => Self::Busy(true),
            "free" => Self::Busy(false),
            "profile" => Self::Profile(some_text("full, or what is lacking")?.parse().map_err(to_text)?),
            "language" => Self::Language(language(&text())?),
            "date" => Self::Date(noon(&text()).ok_or("date and a day, such as 20261129")?),
            "pin" => Self::Pin(Pin::parse(&text()).ok_or("pin and four to eight digits")?),
            "choose" => Self::Choose(choice(&some_text("and an item's text, or #2")?)),
            "type" => Self::Type(text()),
            "help" => Self::Help(if rest.is_empty() { 1 } else { number(&text())? }),
            "wait" => Self::Wait(duration(&text())?),
            "network" => Self::Network(on_or_off(&text())?),
            "sms-error" => Self::MessageError(if text() == "none" { None } else { Some(byte(&text())?) }),
            "answer" => Self::Answer(answer(rest)?),
            "next" => next(rest)?,
            "receive" => receive(rest)?,
            "tap" => Self::Tap(some_text("and what the terminal does, such as pay 5.00")?),
            _ => Self::Expect(Expectation::parse(verb, rest)?),
        })
    }
}

/// A line that is no step, as it may be told: a slip may stand before a PIN, with or without a space between.
pub(super) fn told(words: &[String]) -> String {
    match words {
        [verb] if !has_digits(verb) => verb.clone(),
        _ => dots(&words.join(" ")),
    }
}

/// Its first word up to a digit, and nothing of the others.
pub(super) fn dots(text: &str) -> String {
    format!("{} ••••", letters(text.split_whitespace().next().unwrap_or_default()))
}

fn has_digits(word: &str) -> bool {
    word.contains(|character: char| character.is_ascii_digit())
}

fn letters(word: &str) -> &str {
    word.split(|character: char| character.is_ascii_digit()).next().unwrap_or_default()
}

impl Expectation {
    fn parse(verb: &str, rest: &[String]) -> Result<Self, String> {
        let text = rest.join(" ");
        Ok(match verb {
            "expect" => Self::Shown(text),
            "expect-not" => Self::NotShown(text),
            "expect-title" => Self::Title(text),
            "expect-items" => Self::Items(text.split('|').map(|item| item.trim().to_owned()).collect()),
            "expect-input" => input(rest)?,
            "expect-key" => Self::Key(key(&text)?),
            "expect-idle" => Self::Idle,
            "expect-menu" => Self::Menu,
            "expect-no-menu" => Self::NoMenu,
            "expect-sms" => message(rest)?,
            "expect-no-sms" => Self::NoMessage,
            "expect-report" if text == "ack" => Self::Acknowledged,
            "expect-report" if text == "error" => Self::NotAcknowledged(None),
            "expect-report" => Self::NotAcknowledged(Some(bytes(text.trim_start_matches("error "))?)),
            "expect-tap" => Self::Tap(text),
            "expect-complaint" => Self::Complaint(text),
            _ => return Err(format!("no step is called {:?}", letters(verb))),
        })
    }
}

/// The words of a line; double quotes hold spaces, and `#` begins a comment unless a digit follows.
pub(super) fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        let numbered = characters.peek().is_some_and(char::is_ascii_digit);
        match character {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            '#' if !quoted && word.is_none() && !numbered => break,
            other if other.is_whitespace() && !quoted => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    words
}

fn choice(text: &str) -> Choice {
    match text.strip_prefix('#').map(str::parse) {
        Some(Ok(number)) => Choice::Number(number),
        _ => Choice::Text(text.to_owned()),
    }
}

fn language(text: &str) -> Result<String, String> {
    let fits = text.len() == 2 && text.bytes().all(|letter| letter.is_ascii_lowercase());
    if fits { Ok(text.to_owned()) } else { Err("language and two letters, such as zh".to_owned()) }
}

fn noon(text: &str) -> Option<Moment> {
    Some(Moment { date: Date::parse(text)?, time: Time::from_bytes([0x12, 0x00, 0x00])? })
}

fn number(text: &str) -> Result<usize, String> {
    text.trim_start_matches('#').parse().map_err(|_| format!("{text:?} is no number"))
}

fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|character: char| character.is_alphabetic());
    let milliseconds = match text.strip_prefix(digits) {
        Some("ms") => 1,
        Some("s") => 1000,
        Some("m") => 60_000,
        Some("h") => 3_600_000,
        _ => return Err("wait and a time, such as 30s, 5m".to_owned()),
    };
    let count: u64 = digits.parse().map_err(|_| "wait and a time, such as 30s, 5m".to_owned())?;
    count.checked_mul(milliseconds).map(Duration::from_millis).ok_or_else(|| "that is too long".to_owned())
}

fn on_or_off(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("network on, or network off".to_owned()),
    }
}

/// Result and additional information, hexadecimal.
fn answer(words: &[String]) -> Result<Answer, String> {
    let bytes = words.iter().map(|word| byte(word)).collect::<Result<Vec<_>, _>>()?;
    let (result, additional) = bytes.split_first().ok_or("a result, such as 20 01")?;
    Ok(Answer::new(GeneralResult(*result)).because(additional))
}

/// A command's name, then its answer.
fn next(words: &[String]) -> Result<Step, String> {
    let named = (0..=u8::MAX).map(CommandType).filter_map(|kind| Some((kind, kind.name()?)));
    let line = words.join(" ");
    let found = named.filter_map(|(kind, name)| Some((kind, line.strip_prefix(name)?.trim())));
    let (kind, rest) = found.max_by_key(|(_, rest)| std::cmp::Reverse(rest.len())).ok_or_else(|| {
        "next, a proactive command in capitals, and its result, such as next SEND SHORT MESSAGE 35 29".to_owned()
    })?;
    let words: Vec<String> = rest.split_whitespace().map(str::to_owned).collect();
    Ok(Step::Next(kind, answer(&words)?))
}

fn receive(words: &[String]) -> Result<Step, String> {
    match words {
        [service_centre, tpdu] => Ok(Step::Receive { service_centre: bytes(service_centre)?, tpdu: bytes(tpdu)? }),
        _ => Err("receive, the service centre and an SMS-DELIVER, both hexadecimal".to_owned()),
    }
}

fn input(words: &[String]) -> Result<Expectation, String> {
    let [hidden, kind, length] = words else {
        return Err("expect-input hidden|shown digits|text LEAST-MOST".to_owned());
    };
    let (min, max) = length.split_once('-').ok_or("fewest and most characters, such as 6-6")?;
    Ok(Expectation::Input {
        hidden: one_of(hidden, "shown", "hidden")?,
        digits: one_of(kind, "text", "digits")?,
        min: number(min)?,
        max: number(max)?,
    })
}

fn one_of(word: &str, no: &str, yes: &str) -> Result<bool, String> {
    if word == yes {
        Ok(true)
    } else if word == no {
        Ok(false)
    } else {
        Err(format!("{yes} or {no} and not {word:?}"))
    }
}

fn key(text: &str) -> Result<KeyKind, String> {
    match text {
        "digit" => Ok(KeyKind::Digit),
        "text" => Ok(KeyKind::Character),
        "ucs2" => Ok(KeyKind::Ucs2Character),
        "yes-no" => Ok(KeyKind::YesNo),
        _ => Err("expect-key digit, text, ucs2 or yes-no".to_owned()),
    }
}

fn message(words: &[String]) -> Result<Expectation, String> {
    let (mut tar, mut to, mut parts) = (None, None, None);
    for word in words {
        match word.split_once('=') {
            Some(("TAR", value)) => tar = Some(bytes(value)?.try_into().map_err(|_| "a TAR has three bytes")?),
            Some(("TO", value)) => to = Some(value.to_owned()),
            Some(("PARTS", value)) => parts = Some(number(value)?),
            _ => return Err("expect-sms, with TAR=4F4E45, TO=10086, PARTS=1 or none of them".to_owned()),
        }
    }
    Ok(Expectation::Message { tar, to, parts })
}

fn byte(text: &str) -> Result<u8, String> {
    u8::from_str_radix(text, 16).map_err(|_| format!("{text:?} is no byte in hexadecimal"))
}

fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let whole = text.is_ascii() && text.len().is_multiple_of(2);
    let pairs = text.as_bytes().chunks(2).map(|pair| byte(&String::from_utf8_lossy(pair)));
    let bytes = pairs.collect::<Result<Vec<_>, _>>();
    bytes.ok().filter(|_| whole).ok_or_else(|| format!("{text:?} is not hexadecimal"))
}

fn to_text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_slip_does_not_tell_what_was_to_be_typed() {
        for line in ["tpye 13579", "type13579", "PIN 1234", "wait 13579"] {
            let words = words(line);
            let told = format!("{} {:?}", told(&words), Step::parse(&words));
            assert!(!told.contains("135") && !told.contains("123"), "{told}");
        }
        assert_eq!(told(&words("munu")), "munu");
    }

    fn parsed(line: &str) -> Result<Step, String> {
        Step::parse(&words(line))
    }

    #[test]
    fn quotes_hold_spaces_and_numbers_are_no_comments() {
        assert_eq!(words(r#"expect "One  Card"  # what is it"#), ["expect", "One  Card"]);
        assert_eq!(words("choose #2 # the second"), ["choose", "#2"]);
        assert_eq!(words("  # nothing"), Vec::<String>::new());
        assert_eq!(words(r#"type "" "#), ["type", ""]);
    }

    #[test]
    fn steps_are_read() {
        assert!(matches!(parsed("choose #2"), Ok(Step::Choose(Choice::Number(2)))));
        assert!(matches!(parsed("wait 5m"), Ok(Step::Wait(time)) if time == Duration::from_secs(300)));
        let Step::Next(kind, answer) = parsed("next SEND SHORT MESSAGE 35 29").unwrap() else { panic!() };
        assert_eq!(
            (kind, answer.result(), answer.additional()),
            (CommandType::SEND_SHORT_MESSAGE, GeneralResult::SMS_ERROR, &[0x29][..])
        );
    }

    #[test]
    fn what_is_no_step_says_how_it_is_written() {
        for wrong in ["dance", "wait 5", "choose", "pin 12", "next TEA 20", "answer", "profile no-coffee", "receive 91"]
        {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }
}
