//! `onecard card attend`.

use std::fmt;

use clap::{Args, ValueEnum};
use onecard_host::{
    attendance::{self, Attendance, AttendanceEvent, AttendanceTerminal},
    presence::Event,
    terminal::{Language, WithBlacklist},
};
use serde::Serialize;

use super::terminal::PresenceTerminal;
use crate::{
    ending::Bilingual,
    output::{Exit, Output},
    reader::{Faults, tap},
    trace::TraceLine,
};

/// Options of `card attend`.
#[derive(Args, Debug)]
pub(crate) struct Attend {
    #[command(flatten)]
    terminal: PresenceTerminal,
    /// What is clocked.
    #[arg(value_enum, value_name = "EVENT")]
    event: Clocked,
    /// For how many seconds a second tap for the same thing is the same event.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    same_within: u64,
    /// Tear the card out at the N-th programming operation of its memory, counted from 0; some bytes of it have landed.
    #[arg(long, value_name = "N", help_heading = "Try it (故障演练)")]
    tear: Option<u64>,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Clocked {
    /// Work begins 上班
    In,
    /// Work ends 下班
    Out,
    /// A break begins 休息开始
    BreakBegins,
    /// A break ends 休息结束
    BreakEnds,
}

/// What a tap brought.
#[derive(Serialize)]
struct Ended {
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial: Option<String>,
    message: Bilingual,
    /// As the journal has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Event>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    trace: Vec<TraceLine>,
}

pub(super) fn run(options: &Attend) -> anyhow::Result<Output> {
    let trace = options.terminal.new_trace()?;
    let presented = options.terminal.tap()?;
    let mut sam = options.terminal.open_sam(&trace)?;
    let list = options.terminal.list.read(sam.enterprise)?;
    let site = options.terminal.site(sam.enterprise)?;
    let clock = AttendanceTerminal { site, same_event_seconds: options.same_within };
    let mut journal = options.terminal.open_journal()?;
    let faults = Faults { tear: options.tear, lose_answer: false };
    let event = options.event.event();
    let mut events = WithBlacklist { store: &mut journal, blacklist: list.as_ref() };
    let ended = tap(&options.terminal.card, &faults, &trace, |card| {
        attendance::attend(card, sam.sam(), &clock, &mut events, event, &presented)
    })??;
    let (exit, mut ended) = ending(ended);
    ended.trace = trace.take();
    Output::new("onecard.card-attend/1", exit, &ended)
}

fn ending(ended: Attendance) -> (Exit, Ended) {
    match ended {
        Attendance::Recorded(event) => (Exit::Done, Ended::of_event("recorded", event, ("Recorded", "", "已记录", ""))),
        Attendance::AlreadyRecorded(event) => {
            let words = ("Recorded already", " Nothing was written again.", "此前已记录", "未重复写入。");
            (Exit::Done, Ended::of_event("already_recorded", event, words))
        }
        Attendance::NotRecorded(absence) => {
            let message =
                Bilingual { english: absence.text(Language::English), chinese: absence.text(Language::Chinese) };
            let serial = absence.card.map(|card| card.to_string());
            (Exit::NotCommitted, Ended { outcome: "not_recorded", serial, message, event: None, trace: Vec::new() })
        }
        Attendance::Unknown { event, .. } => {
            let words = (
                "Unknown whether the card has recorded",
                " Present the same card again: it is one event.",
                "卡内是否已记录未知",
                "请重新刷同一张卡，只算一次。",
            );
            (Exit::Unknown, Ended::of_event("unknown", event, words))
        }
    }
}

impl Ended {
    /// The words before and behind what the event was, in both languages.
    fn of_event(
        outcome: &'static str,
        event: Event,
        (english, next, chinese, next_chinese): (&str, &str, &str, &str),
    ) -> Self {
        let serial = event.what.card.map(|card| card.0.to_string());
        let card = serial.as_deref().unwrap_or("-");
        let (number, at) = (event.number, event.what.moment);
        let name = |language| Clocked::name(&event, language);
        let message = Bilingual {
            english: format!("{english}: {}, card {card}, {at}, event {number}.{next}", name(Language::English)),
            chinese: format!("{chinese}：{}，卡{card}，{at}，序号{number}。{next_chinese}", name(Language::Chinese)),
        };
        Self { outcome, serial, message, event: Some(event), trace: Vec::new() }
    }
}

impl Clocked {
    const fn event(self) -> AttendanceEvent {
        match self {
            Self::In => AttendanceEvent::In,
            Self::Out => AttendanceEvent::Out,
            Self::BreakBegins => AttendanceEvent::BreakBegins,
            Self::BreakEnds => AttendanceEvent::BreakEnds,
        }
    }

    /// What an event of the journal is called.
    fn name(event: &Event, language: Language) -> &'static str {
        let all = Self::value_variants().iter().map(|clocked| clocked.event());
        let found = all.into_iter().find(|known| known.code() == event.what.code);
        found.map_or("-", |known| known.text(language))
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.trace.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        self.message.fmt(f)
    }
}
