//! Proactive commands in bytes (TS 102 223 clause 6.6).

use heapless::Vec;
use onecard_wire::{
    status::StatusWord,
    toolkit::{
        HELP_AVAILABLE, INPUT_HIDDEN, TEXT_HIGH_PRIORITY, TEXT_UNTIL_USER,
        code::{CommandType, Device, Event, LocalInformation, RefreshMode, TimerAction},
        tag,
    },
};

use super::alphabet::{alpha_identifier, text_string};

/// Longest command: what one FETCH carries.
pub(super) const COMMAND_MAX: usize = 256;
/// Longest body: `D0 81 length` goes before it.
const BODY_MAX: usize = COMMAND_MAX - 3;
/// Longest coded text.
const TEXT_MAX: usize = 241;

/// A command as it is fetched, with what the answer to it must repeat.
#[derive(Clone)]
pub(super) struct ProactiveCommand {
    pub(super) bytes: Vec<u8, COMMAND_MAX>,
    pub(super) details: Details,
}

/// Command details (clause 8.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Details {
    pub(super) number: u8,
    pub(super) command: CommandType,
    pub(super) qualifier: u8,
}

/// An item of a menu: its identifier and its text.
pub(super) type Item<'a> = (u8, &'a str);

/// DISPLAY TEXT, which stays until the user acts (clause 6.6.1).
pub(super) fn display_text(number: u8, text: &str) -> Result<ProactiveCommand, StatusWord> {
    let qualifier = TEXT_HIGH_PRIORITY | TEXT_UNTIL_USER;
    let text = text_string::<TEXT_MAX>(text)?;
    Builder::new(number, CommandType::DISPLAY_TEXT, qualifier, Device::DISPLAY)
        .required(tag::TEXT_STRING, &[&text])
        .finish()
}

/// GET INPUT of digits that are not shown (clause 6.6.3).
pub(super) fn hidden_digits(number: u8, text: &str, min: u8, max: u8) -> Result<ProactiveCommand, StatusWord> {
    let text = text_string::<TEXT_MAX>(text)?;
    Builder::new(number, CommandType::GET_INPUT, INPUT_HIDDEN | HELP_AVAILABLE, Device::TERMINAL)
        .required(tag::TEXT_STRING, &[&text])
        .required(tag::RESPONSE_LENGTH, &[&[min, max]])
        .finish()
}

/// SET UP MENU (clause 6.6.7).
pub(super) fn set_up_menu<'a>(
    number: u8,
    title: &str,
    items: impl IntoIterator<Item = Item<'a>>,
) -> Result<ProactiveCommand, StatusWord> {
    let menu = Builder::new(number, CommandType::SET_UP_MENU, HELP_AVAILABLE, Device::TERMINAL);
    menu.menu(title, items)?.finish()
}

/// SELECT ITEM (clause 6.6.8); `preset` is the item shown as chosen.
pub(super) fn select_item<'a>(
    number: u8,
    title: &str,
    items: impl IntoIterator<Item = Item<'a>>,
    preset: Option<u8>,
) -> Result<ProactiveCommand, StatusWord> {
    let menu = Builder::new(number, CommandType::SELECT_ITEM, HELP_AVAILABLE, Device::TERMINAL).menu(title, items)?;
    match preset {
        Some(identifier) => menu.optional(tag::ITEM_IDENTIFIER, &[&[identifier]]).finish(),
        None => menu.finish(),
    }
}

/// SEND SHORT MESSAGE (clause 6.6.9) of 8-bit data; without a service centre the phone takes its own.
pub(super) fn send_short_message(
    number: u8,
    shown: &str,
    service_centre: Option<&[u8]>,
    tpdu: &[u8],
) -> Result<ProactiveCommand, StatusWord> {
    let shown = alpha_identifier::<TEXT_MAX>(shown)?;
    let message = Builder::new(number, CommandType::SEND_SHORT_MESSAGE, 0x00, Device::NETWORK)
        .required(tag::ALPHA_IDENTIFIER, &[&shown]);
    let message = match service_centre {
        Some(address) => message.required(tag::ADDRESS, &[address]),
        None => message,
    };
    message.required(tag::SMS_TPDU, &[tpdu]).finish()
}

/// PROVIDE LOCAL INFORMATION (clause 6.6.15).
pub(super) fn provide_local_information(number: u8, asked: LocalInformation) -> Result<ProactiveCommand, StatusWord> {
    Builder::new(number, CommandType::PROVIDE_LOCAL_INFORMATION, asked.0, Device::TERMINAL).finish()
}

/// SET UP EVENT LIST (clause 6.6.16).
pub(super) fn set_up_event_list(number: u8, events: &[Event]) -> Result<ProactiveCommand, StatusWord> {
    let codes: Vec<u8, 8> = events.iter().map(|event| event.0).collect();
    Builder::new(number, CommandType::SET_UP_EVENT_LIST, 0x00, Device::TERMINAL)
        .required(tag::EVENT_LIST, &[&codes])
        .finish()
}

/// REFRESH of one file that has changed (clause 6.6.13); `path` begins at the MF.
pub(super) fn refresh(number: u8, path: &[u8]) -> Result<ProactiveCommand, StatusWord> {
    Builder::new(number, CommandType::REFRESH, RefreshMode::FILES.0, Device::TERMINAL)
        .required(tag::FILE_LIST, &[&[1], path])
        .finish()
}

/// TIMER MANAGEMENT, start (clause 6.6.21); seconds under a minute.
pub(super) fn start_timer(number: u8, timer: u8, seconds: u8) -> Result<ProactiveCommand, StatusWord> {
    Builder::new(number, CommandType::TIMER_MANAGEMENT, TimerAction::START.0, Device::TERMINAL)
        .required(tag::TIMER_IDENTIFIER, &[&[timer]])
        .required(tag::TIMER_VALUE, &[&[0x00, 0x00, ((seconds % 10) << 4) | (seconds / 10)]])
        .finish()
}

/// The body so far. What does not fit is remembered, and there is no command.
struct Builder {
    body: Vec<u8, BODY_MAX>,
    details: Details,
    fits: bool,
}

impl Builder {
    fn new(number: u8, command: CommandType, qualifier: u8, to: Device) -> Self {
        let details = Details { number, command, qualifier };
        Self { body: Vec::new(), details, fits: true }
            .required(tag::COMMAND_DETAILS, &[&[number, command.0, qualifier]])
            .required(tag::DEVICE_IDENTITIES, &[&[Device::UICC.0, to.0]])
    }

    fn required(self, tag: u8, parts: &[&[u8]]) -> Self {
        self.optional(tag | tag::COMPREHENSION_REQUIRED, parts)
    }

    fn optional(mut self, tag: u8, parts: &[&[u8]]) -> Self {
        let length = parts.iter().map(|part| part.len()).sum::<usize>();
        self.put(&[tag]);
        self.put(length_field(length).as_slice());
        parts.iter().for_each(|part| self.put(part));
        self
    }

    fn menu<'a>(mut self, title: &str, items: impl IntoIterator<Item = Item<'a>>) -> Result<Self, StatusWord> {
        self = self.required(tag::ALPHA_IDENTIFIER, &[&alpha_identifier::<TEXT_MAX>(title)?]);
        for (identifier, text) in items {
            self = self.required(tag::ITEM, &[&[identifier], &alpha_identifier::<TEXT_MAX>(text)?]);
        }
        Ok(self)
    }

    fn put(&mut self, bytes: &[u8]) {
        self.fits &= self.body.extend_from_slice(bytes).is_ok();
    }

    fn finish(self) -> Result<ProactiveCommand, StatusWord> {
        let mut bytes = Vec::new();
        let length = length_field(self.body.len());
        let whole = bytes
            .push(tag::PROACTIVE_COMMAND)
            .is_ok()
            .then_some(())
            .and_then(|()| bytes.extend_from_slice(&length).ok())
            .and_then(|()| bytes.extend_from_slice(&self.body).ok());
        match whole.filter(|()| self.fits) {
            Some(()) => Ok(ProactiveCommand { bytes, details: self.details }),
            None => Err(StatusWord::INTERNAL_ERROR),
        }
    }
}

/// One byte up to 7F, else 81 and one byte.
fn length_field(length: usize) -> Vec<u8, 2> {
    let last = [length as u8];
    let long: &[u8] = if length < 0x80 { &[] } else { &[0x81] };
    long.iter().chain(&last).copied().collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    extern crate std;

    use onecard_vectors::{Vectors, toolkit::ToolkitCommand};
    use std::{collections::BTreeMap, println, string::String};

    use super::*;

    /// A published command made again of what it says; `None` if it has objects that this card's commands never have.
    fn made(vector: &ToolkitCommand) -> Option<ProactiveCommand> {
        let details = (vector.number, CommandType(vector.command), vector.qualifier, Device(vector.destination));
        let begun = Builder::new(details.0, details.1, details.2, details.3);
        let text = |text: &Option<String>| text_string::<TEXT_MAX>(text.as_deref()?).ok();
        let body = match details.1 {
            CommandType::DISPLAY_TEXT => begun.required(tag::TEXT_STRING, &[&text(&vector.text)?]),
            CommandType::GET_INPUT => begun
                .required(tag::TEXT_STRING, &[&text(&vector.text)?])
                .required(tag::RESPONSE_LENGTH, &[&vector.length?]),
            CommandType::SET_UP_MENU | CommandType::SELECT_ITEM if !vector.items.is_empty() => {
                let items = vector.items.iter().map(|(identifier, text)| (*identifier, text.as_str()));
                begun.menu(vector.title.as_deref()?, items).ok()?
            }
            CommandType::TIMER_MANAGEMENT if vector.qualifier == TimerAction::START.0 => {
                let seconds = vector.time.as_deref()?.strip_prefix("00:00:")?.parse().ok()?;
                return start_timer(vector.number, vector.timer?, seconds).ok();
            }
            CommandType::PROVIDE_LOCAL_INFORMATION => begun,
            _ => return None,
        };
        body.finish().ok()
    }

    #[test]
    fn published_commands_are_made_byte_for_byte() {
        let mut same: BTreeMap<CommandType, usize> = BTreeMap::new();
        let mut others = 0;
        for vector in Vectors::embedded().unwrap().toolkit_command {
            match made(&vector.body).filter(|command| command.bytes == *vector.body.bytes) {
                Some(_) => *same.entry(CommandType(vector.body.command)).or_default() += 1,
                // Packed texts, icons, tones, attributes: not of this card.
                None => others += 1,
            }
        }
        println!("{same:?}; with objects that this card does not send: {others}");
        for (command, least) in [
            (CommandType::DISPLAY_TEXT, 3),
            (CommandType::GET_INPUT, 3),
            (CommandType::SELECT_ITEM, 3),
            (CommandType::SET_UP_MENU, 1),
            (CommandType::PROVIDE_LOCAL_INFORMATION, 1),
        ] {
            assert!(same.get(&command).is_some_and(|count| *count >= least), "{command}: {same:?}");
        }
    }

    #[test]
    fn a_command_longer_than_one_fetch_is_none() {
        let long = |length| {
            let text = [b'a'; 300];
            display_text(1, core::str::from_utf8(text.get(..length).unwrap()).unwrap()).map(|made| made.bytes.len())
        };
        assert_eq!(long(240), Ok(3 + 5 + 4 + 3 + 241));
        assert_eq!(long(241), Err(StatusWord::INTERNAL_ERROR));
        let items: std::vec::Vec<Item<'_>> = (1..20).map(|identifier| (identifier, "0000 0000 0000 0000")).collect();
        assert!(select_item(1, "title", items, None).is_err());
    }
}
