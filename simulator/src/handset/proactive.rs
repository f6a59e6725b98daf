//! Proactive commands as the phone reads them (TS 102 223 clauses 6.4 and 6.6, 3GPP TS 31.111).

mod fields;
mod order;

use std::time::Duration;

use onecard_wire::toolkit::code::{
    CommandType, Device, Event, GeneralResult, LocalInformation, RefreshMode, TimerAction,
};

use self::fields::Fields;
use super::{error::Defect, text::Coding, tlv};

/// Command details (TS 102 223 clause 8.6): what a TERMINAL RESPONSE repeats.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Details {
    /// Command number, 01 to FE.
    pub number: u8,
    /// Command type.
    pub kind: CommandType,
    /// Command qualifier.
    pub qualifier: u8,
}

/// What FETCH gave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fetched {
    /// A command that can be read.
    Command {
        /// Its details.
        details: Details,
        /// What it wants.
        order: Order,
        /// Whether a phone needs UCS2 for its texts.
        ucs2: bool,
    },
    /// A command whose details can be read and the rest cannot.
    Refused {
        /// Its details.
        details: Details,
        /// What the card is told.
        result: GeneralResult,
        /// What is wrong.
        defect: Defect,
    },
}

impl Fetched {
    /// Reads what FETCH gave.
    ///
    /// # Errors
    /// [`Defect`] if not even the command details can be read, so that no TERMINAL RESPONSE is possible.
    pub fn parse(bytes: &[u8]) -> Result<Self, Defect> {
        let objects = tlv::inside_proactive_command(bytes)?;
        let fields = Fields::new(&objects, bytes);
        let details = fields.details()?;
        Ok(match order::read(details, &fields) {
            Ok(order) => Self::Command { details, order, ucs2: fields.have_ucs2() },
            Err(fields::Refusal { result, defect }) => Self::Refused { details, result, defect },
        })
    }

    /// Its details.
    #[must_use]
    pub const fn details(&self) -> Details {
        match self {
            Self::Command { details, .. } | Self::Refused { details, .. } => *details,
        }
    }
}

/// What the card wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Order {
    /// REFRESH.
    Refresh(RefreshMode),
    /// MORE TIME.
    MoreTime,
    /// POLL INTERVAL.
    PollInterval(Duration),
    /// POLLING OFF.
    PollingOff,
    /// SET UP EVENT LIST; empty: report none.
    SetUpEventList(Vec<Event>),
    /// SEND SHORT MESSAGE.
    SendShortMessage(OutgoingMessage),
    /// PLAY TONE.
    PlayTone(Option<String>),
    /// DISPLAY TEXT.
    DisplayText(Text),
    /// GET INKEY.
    Key(KeyInput),
    /// GET INPUT.
    Input(Input),
    /// SELECT ITEM.
    SelectItem(Menu),
    /// SET UP MENU; without items: take the menu away.
    SetUpMenu(Menu),
    /// PROVIDE LOCAL INFORMATION.
    ProvideLocalInformation(LocalInformation),
    /// TIMER MANAGEMENT.
    Timer(TimerOrder),
    /// SET UP IDLE MODE TEXT; empty: take it away.
    IdleText(String),
    /// LANGUAGE NOTIFICATION: two letters, or none for the phone's own.
    LanguageNotification(Option<String>),
    /// A type this phone does not know.
    Unknown,
}

/// A text to show.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Text {
    /// The text.
    pub text: String,
    /// It comes before what the screen shows.
    pub high_priority: bool,
    /// It stays until the user acts; otherwise it goes after a while.
    pub until_user: bool,
    /// The card does not wait for the user.
    pub immediate: bool,
    /// How long the user has, if the card says so.
    pub time_out: Option<Duration>,
}

/// A list to choose from.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Menu {
    /// What stands above.
    pub title: Option<String>,
    /// In the card's order.
    pub items: Vec<Item>,
    /// Identifier of the item that is marked first.
    pub default: Option<u8>,
    /// Help can be asked for.
    pub help: bool,
}

/// One of a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item {
    /// 01 to FF.
    pub id: u8,
    /// What is shown.
    pub text: String,
}

/// A text to be typed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Input {
    /// What is asked.
    pub prompt: String,
    /// Fewest characters.
    pub min: usize,
    /// Most characters; 255 means no limit.
    pub max: usize,
    /// Digits, `*`, `#` and `+` alone.
    pub digits_only: bool,
    /// How the answer is written.
    pub coding: Coding,
    /// What is typed is not shown.
    pub hidden: bool,
    /// What stands there at first.
    pub default: Option<String>,
    /// Help can be asked for.
    pub help: bool,
}

/// One key to be pressed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyInput {
    /// What is asked.
    pub prompt: String,
    /// What may be pressed.
    pub accepts: KeyKind,
    /// Help can be asked for.
    pub help: bool,
}

/// What GET INKEY takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyKind {
    /// A digit, `*`, `#` or `+`.
    Digit,
    /// A character of the default alphabet.
    Character,
    /// Any character.
    Ucs2Character,
    /// Yes or no.
    YesNo,
}

/// A short message to send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutgoingMessage {
    /// What the user is shown; empty: nothing.
    pub alpha: Option<String>,
    /// Type of number and digits of the service centre; `None`: the phone's own.
    pub service_centre: Option<Vec<u8>>,
    /// SMS-SUBMIT (3GPP TS 23.040).
    pub tpdu: Vec<u8>,
    /// The phone is to pack the text.
    pub pack: bool,
}

/// TIMER MANAGEMENT.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimerOrder {
    /// 1 to 8.
    pub id: u8,
    /// What to do with it.
    pub action: TimerAction,
    /// How long, for a start.
    pub value: Option<Duration>,
}

/// Whom a command is for, by its type (TS 102 223 clause 6.6): what the device identities must say.
const fn destination(kind: CommandType) -> Option<Device> {
    match kind {
        CommandType::DISPLAY_TEXT => Some(Device::DISPLAY),
        CommandType::PLAY_TONE => Some(Device::EARPIECE),
        CommandType::SEND_SHORT_MESSAGE => Some(Device::NETWORK),
        CommandType::REFRESH
        | CommandType::MORE_TIME
        | CommandType::POLL_INTERVAL
        | CommandType::POLLING_OFF
        | CommandType::SET_UP_EVENT_LIST
        | CommandType::GET_INKEY
        | CommandType::GET_INPUT
        | CommandType::SELECT_ITEM
        | CommandType::SET_UP_MENU
        | CommandType::PROVIDE_LOCAL_INFORMATION
        | CommandType::TIMER_MANAGEMENT
        | CommandType::SET_UP_IDLE_MODE_TEXT
        | CommandType::LANGUAGE_NOTIFICATION => Some(Device::TERMINAL),
        _ => None,
    }
}
