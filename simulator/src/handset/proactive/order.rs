//! From data objects to what the card wants.

use std::time::Duration;

use onecard_wire::toolkit::{
    HELP_AVAILABLE, INKEY_YES_NO, INPUT_ALPHABET, INPUT_HIDDEN, INPUT_PACKED, INPUT_UCS2, MESSAGE_PACKED_BY_TERMINAL,
    TEXT_HIGH_PRIORITY, TEXT_UNTIL_USER, TIMERS,
    code::{CommandType, Event, LocalInformation, RefreshMode, TimerAction},
    tag,
};

use super::{
    Details, Input, Item, KeyInput, KeyKind, Menu, Order, OutgoingMessage, Text, TimerOrder,
    fields::{Fields, Refusal},
};
use crate::handset::{
    error::Defect,
    text::{Coding, alpha_identifier, text_string},
    timer,
};

pub(super) fn read(details: Details, fields: &Fields<'_>) -> Result<Order, Refusal> {
    let Details { kind, qualifier, .. } = details;
    if !is_known(kind) {
        return Ok(Order::Unknown);
    }
    fields.check(kind)?;
    Ok(match kind {
        CommandType::REFRESH => Order::Refresh(RefreshMode(qualifier)),
        CommandType::MORE_TIME => Order::MoreTime,
        CommandType::POLL_INTERVAL => {
            fields.required(tag::DURATION, "a duration")?;
            Order::PollInterval(fields.duration()?.unwrap_or_default())
        }
        CommandType::POLLING_OFF => Order::PollingOff,
        CommandType::SET_UP_EVENT_LIST => {
            let events = fields.required(tag::EVENT_LIST, "an event list")?;
            Order::SetUpEventList(events.iter().map(|event| Event(*event)).collect())
        }
        CommandType::SEND_SHORT_MESSAGE => Order::SendShortMessage(message(qualifier, fields)?),
        CommandType::PLAY_TONE => Order::PlayTone(fields.alpha()?),
        CommandType::DISPLAY_TEXT => Order::DisplayText(text(qualifier, fields)?),
        CommandType::GET_INKEY => Order::Key(key(qualifier, fields)?),
        CommandType::GET_INPUT => Order::Input(input(qualifier, fields)?),
        CommandType::SELECT_ITEM => Order::SelectItem(items(qualifier, fields)?),
        CommandType::SET_UP_MENU => Order::SetUpMenu(menu(qualifier, fields)?),
        CommandType::PROVIDE_LOCAL_INFORMATION => Order::ProvideLocalInformation(LocalInformation(qualifier)),
        CommandType::TIMER_MANAGEMENT => Order::Timer(timer(qualifier, fields)?),
        CommandType::SET_UP_IDLE_MODE_TEXT => Order::IdleText(fields.text()?),
        CommandType::LANGUAGE_NOTIFICATION => Order::LanguageNotification(language(qualifier, fields)?),
        _ => Order::Unknown,
    })
}

const fn is_known(kind: CommandType) -> bool {
    super::destination(kind).is_some()
}

fn text(qualifier: u8, fields: &Fields<'_>) -> Result<Text, Refusal> {
    Ok(Text {
        text: fields.text()?,
        high_priority: qualifier & TEXT_HIGH_PRIORITY != 0,
        until_user: qualifier & TEXT_UNTIL_USER != 0,
        immediate: fields.value(tag::IMMEDIATE_RESPONSE).is_some(),
        time_out: fields.duration()?,
    })
}

fn key(qualifier: u8, fields: &Fields<'_>) -> Result<KeyInput, Refusal> {
    let accepts = if qualifier & INKEY_YES_NO != 0 {
        KeyKind::YesNo
    } else if qualifier & INPUT_ALPHABET == 0 {
        KeyKind::Digit
    } else if qualifier & INPUT_UCS2 != 0 {
        KeyKind::Ucs2Character
    } else {
        KeyKind::Character
    };
    Ok(KeyInput { prompt: fields.text()?, accepts, help: has_help(qualifier) })
}

fn input(qualifier: u8, fields: &Fields<'_>) -> Result<Input, Refusal> {
    let length = fields.required(tag::RESPONSE_LENGTH, "a response length")?;
    let (min, max) = match *length {
        [min, max] if min <= max => (usize::from(min), usize::from(max)),
        _ => return Err(Refusal::not_understood(Defect::new("a response length, least and most", length))),
    };
    let default = fields.value(tag::DEFAULT_TEXT).map(text_string).transpose().map_err(Refusal::not_understood)?;
    let coding = match (qualifier & INPUT_UCS2 != 0, qualifier & INPUT_PACKED != 0) {
        (true, _) => Coding::Ucs2,
        (false, true) => Coding::Packed,
        (false, false) => Coding::EightBit,
    };
    Ok(Input {
        prompt: fields.text()?,
        min,
        max,
        digits_only: qualifier & INPUT_ALPHABET == 0,
        coding,
        hidden: qualifier & INPUT_HIDDEN != 0,
        default,
        help: has_help(qualifier),
    })
}

fn items(qualifier: u8, fields: &Fields<'_>) -> Result<Menu, Refusal> {
    let items = fields.values(tag::ITEM).map(item).collect::<Result<Vec<_>, _>>()?;
    if items.is_empty() {
        return Err(Refusal::missing(Defect::new("at least one item", &[])));
    }
    let default = fields.value(tag::ITEM_IDENTIFIER).and_then(|id| id.first().copied());
    Ok(Menu { title: fields.alpha()?, items, default, help: has_help(qualifier) })
}

fn menu(qualifier: u8, fields: &Fields<'_>) -> Result<Menu, Refusal> {
    fields.required(tag::ALPHA_IDENTIFIER, "an alpha identifier")?;
    fields.required(tag::ITEM, "an item")?;
    let removal = fields.values(tag::ITEM).all(<[u8]>::is_empty);
    let items = if removal { Vec::new() } else { fields.values(tag::ITEM).map(item).collect::<Result<_, _>>()? };
    Ok(Menu { title: fields.alpha()?, items, default: None, help: has_help(qualifier) })
}

fn item(value: &[u8]) -> Result<Item, Refusal> {
    match value {
        [id @ 1..=0xFF, text @ ..] => {
            Ok(Item { id: *id, text: alpha_identifier(text).map_err(Refusal::not_understood)? })
        }
        _ => Err(Refusal::not_understood(Defect::new("an item, identifier from 01 and text", value))),
    }
}

fn message(qualifier: u8, fields: &Fields<'_>) -> Result<OutgoingMessage, Refusal> {
    Ok(OutgoingMessage {
        alpha: fields.alpha()?,
        service_centre: fields.value(tag::ADDRESS).map(<[u8]>::to_vec),
        tpdu: fields.required(tag::SMS_TPDU, "an SMS TPDU")?.to_vec(),
        pack: qualifier & MESSAGE_PACKED_BY_TERMINAL != 0,
    })
}

fn timer(qualifier: u8, fields: &Fields<'_>) -> Result<TimerOrder, Refusal> {
    let id = match *fields.required(tag::TIMER_IDENTIFIER, "a timer identifier")? {
        [id @ 1..=TIMERS] => id,
        ref other => return Err(Refusal::not_understood(Defect::new("a timer identifier, 1 to 8", other))),
    };
    let action = TimerAction(qualifier & 0x03);
    let value = match (action, fields.value(tag::TIMER_VALUE)) {
        (TimerAction::START, None) => {
            return Err(Refusal::missing(Defect::new("a timer value", &[])));
        }
        (TimerAction::START, Some(value)) => match timer::read_value(value).filter(|value| *value > Duration::ZERO) {
            Some(value) => Some(value),
            None => return Err(Refusal::not_understood(Defect::new("a timer value, hh mm ss", value))),
        },
        _ => None,
    };
    Ok(TimerOrder { id, action, value })
}

fn language(qualifier: u8, fields: &Fields<'_>) -> Result<Option<String>, Refusal> {
    /// Bit of the qualifier: this language alone, and not the phone's own.
    const SPECIFIC: u8 = 0x01;
    if qualifier & SPECIFIC == 0 {
        return Ok(None);
    }
    let value = fields.required(tag::LANGUAGE, "a language")?;
    match String::from_utf8(value.to_vec()) {
        Ok(letters) if letters.len() == 2 => Ok(Some(letters)),
        _ => Err(Refusal::not_understood(Defect::new("two letters", value))),
    }
}

const fn has_help(qualifier: u8) -> bool {
    qualifier & HELP_AVAILABLE != 0
}
