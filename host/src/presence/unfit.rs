//! Why a card is served at no door and no attendance terminal.

use onecard_wire::{date::Date, record::CardStatus, status::StatusWord};

use crate::{
    apdu::{CommandName, ExchangeError, meaning},
    blacklist::ListVersion,
    card::{ReadError, SelectError},
    sam::SamError,
    terminal::{Language, MarkError, blacklisted, chinese},
};

/// What is wrong with a card, or with the terminal that should judge it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unfit {
    /// The SAM refused, or is out of reach.
    Keeper(SamError),
    /// There is no application to work with.
    Select(SelectError),
    /// It did not answer the challenge as the card of its serial would.
    NotGenuine,
    /// EF 0017: suspended or reported lost.
    Status(CardStatus),
    /// EF 0015 names another enterprise than the one whose application was selected.
    OtherEnterprise,
    /// Before the card's first day.
    NotYetValid {
        /// First day.
        from: Date,
    },
    /// After the card's last day.
    Expired {
        /// Last day.
        on: Date,
    },
    /// The card stands on the deny list.
    Listed,
    /// The card stands on the blacklist.
    Blacklisted {
        /// Which list.
        version: ListVersion,
        /// Why the card could not be marked, if it could not.
        unmarked: Option<MarkError>,
    },
    /// A file was not read.
    Read(ReadError),
    /// The card refused a command.
    Refused {
        /// The command.
        command: CommandName,
        /// The word.
        status: StatusWord,
    },
    /// No whole answer.
    NoAnswer {
        /// The command.
        command: CommandName,
        /// What came instead.
        error: ExchangeError,
    },
}

impl Unfit {
    /// What is wrong, and what to do next.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        language.of(|| self.english(), || self.chinese())
    }

    fn english(&self) -> String {
        match self {
            Self::Keeper(error) => error.to_string(),
            Self::Select(error) => error.to_string(),
            Self::NotGenuine => {
                "it did not show itself genuine: a copy, an emulator, or a key this terminal lacks. Keep \
                                 it back and call the service desk"
                    .to_owned()
            }
            Self::Status(CardStatus::LOST) => "it is reported lost. Keep it and call the service desk".to_owned(),
            Self::Status(_) => "it is suspended. Send the holder to the service desk".to_owned(),
            Self::OtherEnterprise => {
                "its public data name another enterprise than its application. Send it to the service desk".to_owned()
            }
            Self::NotYetValid { from } => format!("valid from {from} only. Use another card"),
            Self::Expired { on } => format!("expired after {on}. Send the holder to the service desk"),
            Self::Listed => "it stands on the deny list. Keep it and call the service desk".to_owned(),
            Self::Blacklisted { version, unmarked } => blacklisted(*version, unmarked.as_ref(), Language::English),
            Self::Read(error) => error.to_string(),
            Self::Refused { command, status } => {
                let said = match meaning(*command, *status) {
                    Some(meaning) => format!("{} ({:04X})", meaning.english, status.0),
                    None => format!("it answered {status}"),
                };
                format!("{said}. Present it again; if it refuses again, send the holder to the service desk")
            }
            Self::NoAnswer { error, .. } => error.to_string(),
        }
    }

    fn chinese(&self) -> String {
        match self {
            Self::Keeper(error) => chinese::keeper(error),
            Self::Select(error) => chinese::select(error),
            Self::NotGenuine => "未能证明是真卡：复制卡、模拟卡，或本终端无其密钥。请留下卡片并联系服务台".to_owned(),
            Self::Status(CardStatus::LOST) => "该卡已挂失。请留下卡片并联系服务台".to_owned(),
            Self::Status(_) => "该卡已暂停使用。请持卡人到服务台办理".to_owned(),
            Self::OtherEnterprise => "卡内公共信息与所选应用不是同一单位。请送服务台处理".to_owned(),
            Self::NotYetValid { from } => format!("{from}起才有效。请换卡"),
            Self::Expired { on } => format!("有效期至{on}，已过期。请持卡人到服务台办理"),
            Self::Listed => "该卡在禁用名单中。请留下卡片并联系服务台".to_owned(),
            Self::Blacklisted { version, unmarked } => blacklisted(*version, unmarked.as_ref(), Language::Chinese),
            Self::Read(error) => read(error),
            Self::Refused { command, status } => {
                let said = match meaning(*command, *status) {
                    Some(meaning) => format!("{}（{:04X}）", meaning.chinese, status.0),
                    None => format!("卡应答{:04X}", status.0),
                };
                format!("{said}。请重新刷卡，仍被拒绝请到服务台办理")
            }
            Self::NoAnswer { error, .. } => chinese::exchange(error),
        }
    }
}

/// The Chinese of a file that was not read.
fn read(error: &ReadError) -> String {
    match error {
        ReadError::Refused { file, status, .. } => {
            let said = meaning(CommandName::Read, *status).map_or("含义不明", |meaning| meaning.chinese);
            format!("未读出文件{:04X}：{said}（{:04X}）。请到服务台办理", file.0, status.0)
        }
        ReadError::Malformed { file, length, .. } => {
            format!("文件{:04X}读出{length}字节，格式不符。请重新刷卡", file.0)
        }
        ReadError::WrongMac { file, .. } => format!("文件{:04X}的MAC错误：不是真卡，或应答被改动", file.0),
        ReadError::NoMac { file, source, .. } => format!("读文件{:04X}所需的MAC：{}", file.0, chinese::keeper(source)),
        ReadError::Exchange { source, .. } => chinese::exchange(source),
    }
}
