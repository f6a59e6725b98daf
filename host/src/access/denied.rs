//! Why a door stays shut.

use core::fmt;

use onecard_wire::{
    date::{Date, Moment},
    number::ApplicationSerial,
};

use crate::{
    presence::{AppendError, Event, Unfit},
    sam::SamError,
    terminal::{Language, chinese},
};

/// A denied tap. `Display` is English.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Denial {
    /// The card, once it has told its serial.
    pub card: Option<ApplicationSerial>,
    /// Why.
    pub reason: Denied,
    /// The journal's event; `None` if not even the terminal's number is known.
    pub event: Option<Event>,
}

/// Why a door stays shut.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Denied {
    /// The card is served nowhere.
    Card(Unfit),
    /// The card has no right for this zone.
    NoRight,
    /// It has one, whose MAC is not the issuer's: written by somebody else, or copied from another card.
    Forged,
    /// It has one, which the issuer has taken back.
    Withdrawn,
    /// Before the right's first day.
    RightNotYetValid {
        /// First day.
        from: Date,
    },
    /// After the right's last day.
    RightExpired {
        /// Last day.
        on: Date,
    },
    /// The right's schedule row is not in this terminal's table.
    UnknownSchedule {
        /// The row.
        row: u8,
    },
    /// Outside the hours of the right's schedule row.
    OutsideSchedule {
        /// The row.
        row: u8,
    },
    /// The card is inside already: it, or another with its number, must go out first.
    Inside {
        /// Since when.
        since: Moment,
    },
    /// The SAM could not check the card's rights.
    Keeper(SamError),
    /// The card did not write its log, where this door must have it.
    NotLogged(AppendError),
}

impl Denial {
    /// What happened, to which card, and what to do next.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        let (english, chinese) = match self.card {
            Some(serial) => (format!("Card {serial}"), format!("卡{serial}")),
            None => ("This card".to_owned(), "该卡".to_owned()),
        };
        let reason = self.reason.text(language);
        language.of(|| format!("No entry. {english}: {reason}."), || format!("禁止通行。{chinese}：{reason}。"))
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Language::English))
    }
}

impl Denied {
    /// Why, and what to do next.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        language.of(|| self.english(), || self.chinese())
    }

    fn english(&self) -> String {
        match self {
            Self::Card(unfit) => unfit.text(Language::English),
            Self::NoRight => "it has no right for this zone. Ask the service desk for one".to_owned(),
            Self::Forged => {
                "its right for this zone was not given by the issuer, or to another card. Keep it and call the service desk"
                    .to_owned()
            }
            Self::Withdrawn => "its right for this zone was taken back. Send the holder to the service desk".to_owned(),
            Self::RightNotYetValid { from } => format!("its right for this zone begins on {from}. Come back then"),
            Self::RightExpired { on } => {
                format!("its right for this zone ended on {on}. Send the holder to the service desk")
            }
            Self::UnknownSchedule { row } => {
                format!("its right follows schedule {row}, which this door lacks. Have the door's schedule table updated")
            }
            Self::OutsideSchedule { row } => format!("schedule {row} does not let in now. Come back in its hours"),
            Self::Inside { since } => {
                format!("it went in at {since} and not out. Go out first; if that is wrong, call the guard")
            }
            Self::Keeper(error) => error.to_string(),
            Self::NotLogged(error) => format!("its log was not written ({error}). Present it again"),
        }
    }

    fn chinese(&self) -> String {
        match self {
            Self::Card(unfit) => unfit.text(Language::Chinese),
            Self::NoRight => "没有本区域的通行权限。请到服务台申请".to_owned(),
            Self::Forged => "本区域权限不是发卡方写给该卡的。请留下卡片并联系服务台".to_owned(),
            Self::Withdrawn => "本区域权限已被收回。请持卡人到服务台办理".to_owned(),
            Self::RightNotYetValid { from } => format!("本区域权限自{from}起有效。请届时再来"),
            Self::RightExpired { on } => format!("本区域权限已于{on}到期。请持卡人到服务台办理"),
            Self::UnknownSchedule { row } => format!("权限所用时段表第{row}行本终端没有。请更新终端的时段表"),
            Self::OutsideSchedule { row } => format!("不在时段表第{row}行的通行时间内。请在规定时间通行"),
            Self::Inside { since } => format!("该卡{since}已进入且未离开。请先离开；如有误请联系门卫"),
            Self::Keeper(error) => chinese::keeper(error),
            Self::NotLogged(error) => format!("卡内通行记录未写入（{}）。请重新刷卡", error.chinese()),
        }
    }
}
