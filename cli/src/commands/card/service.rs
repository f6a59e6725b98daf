//! What the service desk's commands share: the card, who keeps its keys, and how it ended.

use std::fmt;

use clap::Args;
use onecard_host::{
    apdu::{CommandName, meaning},
    card::{PinError, SelectError},
    line_protection::ProtectError,
    sam::SamError,
    terminal::{Cause, Language, Reason},
    transport::Transport,
};
use onecard_wire::{number::ApplicationSerial, status::StatusWord};
use serde::Serialize;

use crate::{
    args::{Enterprise, SamSource},
    ending::Bilingual,
    output::{Exit, Output},
    passphrase::PassphraseSource,
    reader::{CardReader, Faults, tap},
    terminal_sam::TerminalSam,
    trace::{Trace, TraceLine, TraceOption},
};

/// A card on the service desk's reader, and the SAM that makes its maintenance MACs.
#[derive(Args, Debug)]
pub(super) struct Service {
    #[command(flatten)]
    card: CardReader,
    /// The service desk's SAM: sim:FILE, pcsc:NAME, or keys:FILE for a development key file.
    #[arg(long, value_name = "SAM")]
    sam: SamSource,
    #[command(flatten)]
    passphrase: PassphraseSource,
    #[command(flatten)]
    enterprise: Enterprise,
    #[command(flatten)]
    trace: TraceOption,
}

/// What was done to which card.
pub(super) struct Done {
    pub(super) serial: ApplicationSerial,
    pub(super) text: Bilingual,
}

/// What was not done, or perhaps.
pub(super) enum Failure {
    /// Nothing changed.
    Refused { serial: Option<ApplicationSerial>, text: Bilingual },
    /// The card may have done it; none of these commands does harm a second time.
    NoAnswer { serial: Option<ApplicationSerial> },
}

/// What is printed.
#[derive(Serialize)]
struct Served {
    #[serde(skip_serializing_if = "Option::is_none")]
    serial: Option<String>,
    outcome: &'static str,
    message: Bilingual,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    trace: Vec<TraceLine>,
}

impl Service {
    /// Presents the card, with the SAM at hand, and prints what `work` made of it.
    pub(super) fn run(
        &self,
        schema: &'static str,
        work: impl FnOnce(&mut dyn Transport, &mut TerminalSam) -> Result<Done, Failure>,
    ) -> anyhow::Result<Output> {
        let trace = self.trace.begin()?;
        let mut sam = TerminalSam::open(&self.sam, &self.passphrase, self.enterprise.enterprise, &trace)?;
        let ended = tap(&self.card, &Faults::default(), &trace, |card| work(card, &mut sam))?;
        output(schema, ended, &trace)
    }
}

/// How `ended` is printed.
pub(super) fn output(schema: &'static str, ended: Result<Done, Failure>, trace: &Trace) -> anyhow::Result<Output> {
    let (outcome, exit, serial, message) = match ended {
        Ok(Done { serial, text }) => ("done", Exit::Done, Some(serial), text),
        Err(Failure::Refused { serial, text }) => ("refused", Exit::NotCommitted, serial, text),
        Err(Failure::NoAnswer { serial }) => ("unknown", Exit::Unknown, serial, no_answer()),
    };
    let serial = serial.map(|serial| serial.to_string());
    Output::new(schema, exit, &Served { serial, outcome, message, trace: trace.take() })
}

impl Failure {
    /// There is no application to work with.
    pub(super) fn of_select(error: SelectError) -> Self {
        match error {
            SelectError::Exchange(_) => Self::NoAnswer { serial: None },
            error => Self::because(None, Cause::Select(error)),
        }
    }

    /// The PIN was not verified.
    pub(super) fn of_pin(error: PinError) -> Self {
        let (PinError::Wrong { serial, .. }
        | PinError::Blocked { serial }
        | PinError::Refused { serial, .. }
        | PinError::Exchange { serial, .. }) = error;
        match error {
            PinError::Exchange { .. } => Self::NoAnswer { serial: Some(serial) },
            error => Self::because(Some(serial), Cause::Pin(error)),
        }
    }

    /// Nobody made a MAC.
    pub(super) fn of_keeper(serial: ApplicationSerial, error: ProtectError<SamError>) -> Self {
        let error = match error {
            ProtectError::Keeper(error) => error,
            ProtectError::TooLong(too_long) => SamError::MessageTooLong(too_long.0),
        };
        Self::because(Some(serial), Cause::Keeper(error))
    }

    /// The card refused a MACed command.
    pub(super) fn of_status(serial: Option<ApplicationSerial>, command: CommandName, status: StatusWord) -> Self {
        let (english, chinese) = match meaning(command, status) {
            Some(meaning) => (meaning.english, meaning.chinese),
            None => (status.meaning(), "含义不明"),
        };
        let (card, of_card) = match serial {
            Some(serial) => (format!("Card {serial}"), format!("卡{serial}")),
            None => ("This card".to_owned(), "该卡".to_owned()),
        };
        let text = Bilingual {
            english: format!(
                "Not done. {card}: {english} ({:04X}). Check that keys or SAM are of this card's enterprise and version; \
                 `onecard card doctor` tells what is wrong with a card.",
                status.0
            ),
            chinese: format!(
                "未办理。{of_card}：{chinese}（{:04X}）。请核对密钥或SAM是否属于该卡单位和版本；可用`onecard card doctor`诊断该卡。",
                status.0
            ),
        };
        Self::Refused { serial, text }
    }

    fn because(card: Option<ApplicationSerial>, cause: Cause) -> Self {
        let reason = Reason { card, cause };
        let text = Bilingual { english: reason.text(Language::English), chinese: reason.text(Language::Chinese) };
        Self::Refused { serial: card, text }
    }
}

fn no_answer() -> Bilingual {
    Bilingual {
        english:
            "Unknown. The card did not answer, it may have done it or not. Present the same card and give the same \
                  command again: a second time is harmless."
                .to_owned(),
        chinese: "结果未知。卡无应答，可能已执行。请重新放同一张卡并重复本命令，重复执行无害。".to_owned(),
    }
}

impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.trace.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        self.message.fmt(f)
    }
}
