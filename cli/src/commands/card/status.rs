//! `onecard card status`.

use clap::{Args, ValueEnum};
use onecard_host::{
    card::{ReadError, Selected, WriteError, parameters, select, update_binary},
    line_protection::MaintenanceSam,
    sam::CardFactors,
    transport::Transport,
};
use onecard_wire::{aid, fid::Fid, record::CardStatus};

use super::service::{Done, Failure, Service};
use crate::{ending::Bilingual, output::Output, terminal_sam::TerminalSam};

/// Options of `card status`.
#[derive(Args, Debug)]
pub(crate) struct SetStatus {
    #[command(flatten)]
    service: Service,
    /// What the card is from now on.
    #[arg(value_enum, value_name = "STATUS")]
    status: Status,
}

/// Byte 1 of EF 0017.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Status {
    /// In use 正常
    Normal,
    /// Not to be used until the desk says so 暂停
    Suspended,
    /// Reported lost: no purchase, no recharge, no door 挂失
    Lost,
}

pub(super) fn run(options: &SetStatus) -> anyhow::Result<Output> {
    options.service.run("onecard.card-status/1", |card, sam| set(card, sam, options.status))
}

fn set(card: &mut dyn Transport, sam: &mut TerminalSam, status: Status) -> Result<Done, Failure> {
    let application = select(card, &aid::enterprise_application(sam.enterprise)).map_err(Failure::of_select)?;
    let serial = application.serial();
    let before = parameters(card, &application).map_err(|error| unread(&application, &error))?.status;
    let factors = CardFactors { enterprise: application.public_data.enterprise, serial };
    let mut keeper = MaintenanceSam { sam: sam.sam(), card: factors };
    let written = update_binary(card, &application, Fid::PARAMETERS, 0, &[status.byte().0], &mut keeper);
    written.map_err(|error| match error {
        WriteError::Refused { refusal, .. } => Failure::of_status(Some(serial), refusal.command, refusal.status),
        WriteError::NoMac { source, .. } => Failure::of_keeper(serial, source),
        WriteError::Exchange { .. } => Failure::NoAnswer { serial: Some(serial) },
    })?;
    let text = Bilingual {
        english: format!("Card {serial} is {} now; it was {}.{}", status.english(), english_of(before), status.next()),
        chinese: format!("卡{serial}现为{}，原为{}。{}", status.chinese(), chinese_of(before), status.next_chinese()),
    };
    Ok(Done { serial, text })
}

impl Status {
    const fn byte(self) -> CardStatus {
        match self {
            Self::Normal => CardStatus::NORMAL,
            Self::Suspended => CardStatus::SUSPENDED,
            Self::Lost => CardStatus::LOST,
        }
    }

    const fn english(self) -> &'static str {
        english_of(self.byte())
    }

    const fn chinese(self) -> &'static str {
        chinese_of(self.byte())
    }

    /// What the card alone cannot do.
    const fn next(self) -> &'static str {
        match self {
            Self::Normal => " Take it off the blacklist too, or the next terminal marks it again.",
            Self::Suspended => "",
            Self::Lost => " Put it on the blacklist too.",
        }
    }

    const fn next_chinese(self) -> &'static str {
        match self {
            Self::Normal => "请同时从黑名单中删除，否则终端会再次标记。",
            Self::Suspended => "",
            Self::Lost => "请同时列入黑名单。",
        }
    }
}

/// A status in a word.
pub(super) const fn english_of(status: CardStatus) -> &'static str {
    match status {
        CardStatus::NORMAL => "normal",
        CardStatus::SUSPENDED => "suspended",
        CardStatus::LOST => "lost",
        _ => "in a status that this release does not know",
    }
}

/// The same in Chinese.
pub(super) const fn chinese_of(status: CardStatus) -> &'static str {
    match status {
        CardStatus::NORMAL => "正常",
        CardStatus::SUSPENDED => "暂停",
        CardStatus::LOST => "挂失",
        _ => "未知状态",
    }
}

fn unread(application: &Selected, error: &ReadError) -> Failure {
    let serial = Some(application.serial());
    match error {
        ReadError::Exchange { .. } => Failure::NoAnswer { serial },
        error => Failure::Refused {
            serial,
            text: Bilingual {
                english: format!(
                    "Not done. {error}. A plain FMCOS wallet has no status: put it on the blacklist, or block it by \
                     `onecard card block`."
                ),
                chinese:
                    "未办理。未读到卡状态文件：普通FMCOS钱包没有状态，请列入黑名单，或用`onecard card block`锁定。"
                        .to_owned(),
            },
        },
    }
}
