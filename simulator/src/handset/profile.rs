//! What a phone can do: its terminal profile.

use std::{fmt, str::FromStr};

use onecard_wire::toolkit::{
    code::{CommandType, LocalInformation},
    facility::Facility,
};

use super::proactive::{Details, KeyKind, Order};

/// A phone's terminal profile (TS 102 223 clause 5.2): what it tells the card and keeps to itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Profile {
    bytes: [u8; Self::BYTES],
    lacks: Vec<Lack>,
}

impl Profile {
    /// Bytes of TERMINAL PROFILE.
    pub const BYTES: usize = 20;

    /// A phone that does everything this one knows.
    #[must_use]
    pub fn full() -> Self {
        let mut bytes = [0; Self::BYTES];
        for facility in FULL {
            facility.set_in(&mut bytes);
        }
        Self { bytes, lacks: Vec::new() }
    }

    /// The same phone without something.
    #[must_use]
    pub fn without(mut self, lack: Lack) -> Self {
        for facility in lack.facilities() {
            facility.clear_in(&mut self.bytes);
        }
        if !self.lacks.contains(&lack) {
            self.lacks.push(lack);
        }
        self
    }

    /// What a full phone has and this one has not.
    #[must_use]
    pub fn lacks(&self) -> &[Lack] {
        &self.lacks
    }

    /// The data field of TERMINAL PROFILE.
    #[must_use]
    pub const fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether the phone has this.
    #[must_use]
    pub fn has(&self, facility: Facility) -> bool {
        facility.is_in(&self.bytes)
    }

    /// What of the profile `order` needs and the phone has not.
    pub(super) fn missing_for(&self, details: Details, order: &Order) -> Option<Facility> {
        let own = match details.kind {
            CommandType::REFRESH => Some(Facility::REFRESH),
            CommandType::MORE_TIME => Some(Facility::MORE_TIME),
            CommandType::POLL_INTERVAL => Some(Facility::POLL_INTERVAL),
            CommandType::POLLING_OFF => Some(Facility::POLLING_OFF),
            CommandType::SET_UP_EVENT_LIST => Some(Facility::SET_UP_EVENT_LIST),
            CommandType::SEND_SHORT_MESSAGE => Some(Facility::SEND_SHORT_MESSAGE),
            CommandType::PLAY_TONE => Some(Facility::PLAY_TONE),
            CommandType::DISPLAY_TEXT => Some(Facility::DISPLAY_TEXT),
            CommandType::GET_INKEY => Some(Facility::GET_INKEY),
            CommandType::GET_INPUT => Some(Facility::GET_INPUT),
            CommandType::SELECT_ITEM => Some(Facility::SELECT_ITEM),
            CommandType::SET_UP_MENU => Some(Facility::SET_UP_MENU),
            CommandType::TIMER_MANAGEMENT => Some(Facility::TIMER_START_STOP),
            CommandType::SET_UP_IDLE_MODE_TEXT => Some(Facility::SET_UP_IDLE_MODE_TEXT),
            CommandType::LANGUAGE_NOTIFICATION => Some(Facility::LANGUAGE_NOTIFICATION),
            _ => None,
        };
        let finer = match order {
            Order::ProvideLocalInformation(LocalInformation::LOCATION | LocalInformation::IMEI) => {
                Some(Facility::LOCATION_AND_IMEI)
            }
            Order::ProvideLocalInformation(LocalInformation::DATE_TIME) => Some(Facility::DATE_TIME),
            Order::ProvideLocalInformation(LocalInformation::LANGUAGE) => Some(Facility::LANGUAGE),
            Order::DisplayText(text) if text.immediate => Some(Facility::SUSTAINED_TEXT),
            Order::DisplayText(text) if text.time_out.is_some() => Some(Facility::TEXT_TIME_OUT),
            Order::Key(key) if key.accepts == KeyKind::YesNo => Some(Facility::INKEY_YES_NO),
            _ => None,
        };
        own.into_iter().chain(finer).find(|facility| !self.has(*facility))
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self::full()
    }
}

/// `full`, or names of what is missing: `no-ucs2,no-timers`.
impl FromStr for Profile {
    type Err = UnknownLack;

    fn from_str(text: &str) -> Result<Self, UnknownLack> {
        text.split([',', ' ']).filter(|word| !word.is_empty() && *word != "full").try_fold(
            Self::full(),
            |profile, word| {
                let lack = Lack::ALL.into_iter().find(|lack| lack.word() == word);
                lack.map(|lack| profile.without(lack)).ok_or_else(|| UnknownLack { word: word.to_owned() })
            },
        )
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.lacks.is_empty() {
            return f.write_str("full");
        }
        let words: Vec<_> = self.lacks.iter().map(|lack| lack.word()).collect();
        f.write_str(&words.join(","))
    }
}

/// No lack is called so.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a phone is full or lacks something: {word:?} is none of {}", words())]
pub struct UnknownLack {
    word: String,
}

fn words() -> String {
    Lack::ALL.map(Lack::word).join(", ")
}

/// Something that a lesser phone cannot do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Lack {
    /// Chinese on the screen or keypad.
    Ucs2,
    /// SET UP MENU: no way into the card's menu.
    Menu,
    /// SELECT ITEM.
    SelectItem,
    /// DISPLAY TEXT.
    DisplayText,
    /// GET INPUT.
    Input,
    /// GET INKEY.
    Inkey,
    /// SEND SHORT MESSAGE.
    ShortMessage,
    /// Timers.
    Timers,
    /// PROVIDE LOCAL INFORMATION of the language.
    Language,
    /// PROVIDE LOCAL INFORMATION of date and time.
    DateTime,
    /// REFRESH.
    Refresh,
    /// Short messages for the card.
    Download,
}

impl Lack {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Ucs2,
        Self::Menu,
        Self::SelectItem,
        Self::DisplayText,
        Self::Input,
        Self::Inkey,
        Self::ShortMessage,
        Self::Timers,
        Self::Language,
        Self::DateTime,
        Self::Refresh,
        Self::Download,
    ];

    /// As scripts and command lines write it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ucs2 => "no-ucs2",
            Self::Menu => "no-menu",
            Self::SelectItem => "no-select",
            Self::DisplayText => "no-text",
            Self::Input => "no-input",
            Self::Inkey => "no-inkey",
            Self::ShortMessage => "no-sms",
            Self::Timers => "no-timers",
            Self::Language => "no-language",
            Self::DateTime => "no-date",
            Self::Refresh => "no-refresh",
            Self::Download => "no-download",
        }
    }

    /// For people.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Ucs2 => "Chinese characters 汉字显示与输入",
            Self::Menu => "the card's menu 卡菜单",
            Self::SelectItem => "lists to choose from 列表选择",
            Self::DisplayText => "texts on the screen 文本显示",
            Self::Input => "typed input 文本输入",
            Self::Inkey => "single keys 单键输入",
            Self::ShortMessage => "short messages from the card 卡发短信",
            Self::Timers => "timers 定时器",
            Self::Language => "telling its language 语言查询",
            Self::DateTime => "telling date and time 日期时间查询",
            Self::Refresh => "reading changed files again 文件刷新",
            Self::Download => "short messages to the card 短信下载到卡",
        }
    }

    const fn facilities(self) -> &'static [Facility] {
        match self {
            Self::Ucs2 => &[Facility::UCS2_ENTRY, Facility::UCS2_DISPLAY],
            Self::Menu => &[Facility::SET_UP_MENU, Facility::MENU_SELECTION],
            Self::SelectItem => &[Facility::SELECT_ITEM],
            Self::DisplayText => &[Facility::DISPLAY_TEXT, Facility::SUSTAINED_TEXT, Facility::TEXT_TIME_OUT],
            Self::Input => &[Facility::GET_INPUT],
            Self::Inkey => &[Facility::GET_INKEY, Facility::INKEY_YES_NO],
            Self::ShortMessage => &[Facility::SEND_SHORT_MESSAGE],
            Self::Timers => &[Facility::TIMER_START_STOP, Facility::TIMER_VALUE, Facility::TIMER_EXPIRATION],
            Self::Language => &[Facility::LANGUAGE, Facility::EVENT_LANGUAGE_SELECTION],
            Self::DateTime => &[Facility::DATE_TIME],
            Self::Refresh => &[Facility::REFRESH],
            Self::Download => &[Facility::SMS_PP_DOWNLOAD, Facility::SMS_PP_ERROR_DATA],
        }
    }
}

const FULL: [Facility; 33] = [
    Facility::PROFILE_DOWNLOAD,
    Facility::SMS_PP_DOWNLOAD,
    Facility::MENU_SELECTION,
    Facility::SMS_PP_ERROR_DATA,
    Facility::TIMER_EXPIRATION,
    Facility::COMMAND_RESULT,
    Facility::UCS2_ENTRY,
    Facility::UCS2_DISPLAY,
    Facility::DISPLAY_TEXT,
    Facility::GET_INKEY,
    Facility::GET_INPUT,
    Facility::MORE_TIME,
    Facility::PLAY_TONE,
    Facility::POLL_INTERVAL,
    Facility::POLLING_OFF,
    Facility::REFRESH,
    Facility::SELECT_ITEM,
    Facility::SEND_SHORT_MESSAGE,
    Facility::SET_UP_MENU,
    Facility::LOCATION_AND_IMEI,
    Facility::SET_UP_EVENT_LIST,
    Facility::EVENT_USER_ACTIVITY,
    Facility::EVENT_IDLE_SCREEN,
    Facility::EVENT_LANGUAGE_SELECTION,
    Facility::TIMER_START_STOP,
    Facility::TIMER_VALUE,
    Facility::DATE_TIME,
    Facility::INKEY_YES_NO,
    Facility::SET_UP_IDLE_MODE_TEXT,
    Facility::SUSTAINED_TEXT,
    Facility::LANGUAGE,
    Facility::LANGUAGE_NOTIFICATION,
    Facility::TEXT_TIME_OUT,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lesser_phone_is_written_by_what_it_lacks() {
        let profile: Profile = "no-ucs2, no-sms".parse().unwrap_or_default();
        assert_eq!(
            (profile.lacks(), profile.to_string()),
            (&[Lack::Ucs2, Lack::ShortMessage][..], "no-ucs2,no-sms".into())
        );
        assert!(!profile.has(Facility::UCS2_DISPLAY) && profile.has(Facility::DISPLAY_TEXT));
        assert_eq!("full".parse(), Ok(Profile::full()));
        assert!("no-coffee".parse::<Profile>().is_err());
    }

    #[test]
    fn every_lack_takes_something_away() {
        for lack in Lack::ALL {
            assert_ne!(Profile::full().without(lack).bytes(), Profile::full().bytes(), "{}", lack.word());
        }
    }
}
