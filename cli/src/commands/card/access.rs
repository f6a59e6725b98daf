//! `onecard card access`.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::{Args, ValueEnum};
use onecard_host::{
    access::{self, CardLog, Denial, Direction, Door, Grant, GrantLog, Records, ScheduleTable},
    presence::{Event, OnCard, Site, Standing},
    terminal::{Language, WithBlacklist},
};
use onecard_wire::record::Zone;
use serde::Serialize;

use super::terminal::PresenceTerminal;
use crate::{
    args,
    ending::Bilingual,
    output::{Exit, Output},
    reader::{Faults, tap},
    shared_ledger::SharedLedger,
    trace::{Trace, TraceLine},
};

/// Options of `card access`.
#[derive(Args, Debug)]
pub(crate) struct Access {
    #[command(flatten)]
    terminal: PresenceTerminal,
    /// The zone behind the door, 1 to 65534.
    #[arg(long, value_name = "ZONE", value_parser = args::zone)]
    zone: Zone,
    /// Which way the door leads.
    #[arg(long, value_enum, default_value_t = Way::In)]
    direction: Way,
    /// The door's schedule table, TOML: what rows of rights mean here [default: no rows].
    #[arg(long, value_name = "FILE")]
    schedules: Option<PathBuf>,
    /// Who is inside, shared by the zone's doors; begun if missing [default: nobody is remembered].
    #[arg(long, value_name = "FILE")]
    passback: Option<PathBuf>,
    /// What the card writes into its access log when it is let through.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = LogGrants::IfPossible)]
    card_log: LogGrants,
    /// A genuine card that is denied writes that into its log too.
    #[arg(long)]
    log_denials: bool,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    /// Into the zone 进
    In,
    /// Out of it, at any hour 出
    Out,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum LogGrants {
    /// Nothing 不写
    Off,
    /// The tap; the door opens without it too 尽量写
    IfPossible,
    /// The tap; the door stays shut without it 必须写
    Required,
}

/// What a tap at a door brought.
#[derive(Serialize)]
struct DoorEnding {
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

pub(super) fn run(options: &Access) -> anyhow::Result<Output> {
    let trace = options.terminal.new_trace()?;
    let presented = options.terminal.tap()?;
    let mut sam = options.terminal.open_sam(&trace)?;
    let list = options.terminal.list.read(sam.enterprise)?;
    let door = options.door(options.terminal.site(sam.enterprise)?)?;
    let mut inside = SharedLedger::open(options.passback.as_deref())?;
    let mut journal = options.terminal.open_journal()?;
    let mut events = WithBlacklist { store: &mut journal, blacklist: list.as_ref() };
    let ended = tap(&options.terminal.card, &Faults::default(), &trace, |card| {
        let records = &mut Records { events: &mut events, passback: &mut inside.ledger };
        access::access(card, sam.sam(), &door, records, &presented)
    })??;
    // Who is let in is inside first, or he could be let in twice.
    inside.keep()?;
    match ended {
        access::Access::Granted(grant) => granted(options, grant, &trace),
        access::Access::Denied(denial) => denied(denial, &trace),
    }
}

fn granted(options: &Access, grant: Grant, trace: &Trace) -> anyhow::Result<Output> {
    let (card, Zone(zone)) = (grant.card, options.zone);
    let (english, chinese) = match options.direction {
        Way::In => (format!("Come in. Card {card} may enter zone {zone}"), format!("请进。卡{card}可进入区域{zone}")),
        Way::Out => (format!("Go out. Card {card} may leave zone {zone}"), format!("请出。卡{card}可离开区域{zone}")),
    };
    let until = grant.right.valid_to;
    let (logged, logged_chinese) = on_card(&grant.event.standing);
    let ending = DoorEnding {
        outcome: "granted",
        serial: Some(card.to_string()),
        message: Bilingual {
            english: format!("{english}, until {until}. {logged}"),
            chinese: format!("{chinese}，有效期至{until}。{logged_chinese}"),
        },
        event: Some(grant.event),
        trace: trace.take(),
    };
    Output::new("onecard.card-access/1", Exit::Done, &ending)
}

fn denied(denial: Denial, trace: &Trace) -> anyhow::Result<Output> {
    let ending = DoorEnding {
        outcome: "denied",
        serial: denial.card.map(|card| card.to_string()),
        message: Bilingual { english: denial.text(Language::English), chinese: denial.text(Language::Chinese) },
        event: denial.event,
        trace: trace.take(),
    };
    Output::new("onecard.card-access/1", Exit::NotCommitted, &ending)
}

/// What a granted card's own log has of it.
const fn on_card(standing: &Standing) -> (&'static str, &'static str) {
    match standing {
        Standing::Counts(OnCard::Written) => ("The card's log has it.", "卡内已有记录。"),
        Standing::Counts(OnCard::NotAsked) => ("It is in the journal alone.", "仅终端有记录。"),
        Standing::Counts(OnCard::NotWritten) => ("The card did not write its log.", "卡内未写入记录。"),
        Standing::Counts(OnCard::Unknown) | Standing::Begun | Standing::Void(_) => {
            ("Whether the card's log has it is unknown.", "卡内是否已有记录未知。")
        }
    }
}

impl Access {
    fn door(&self, site: Site) -> anyhow::Result<Door> {
        let schedules = self.schedules.as_deref().map_or_else(|| Ok(ScheduleTable::default()), read_schedules)?;
        let direction = match self.direction {
            Way::In => Direction::In,
            Way::Out => Direction::Out,
        };
        let grants = match self.card_log {
            LogGrants::Off => GrantLog::Off,
            LogGrants::IfPossible => GrantLog::IfPossible,
            LogGrants::Required => GrantLog::Required,
        };
        let card_log = CardLog { grants, denials: self.log_denials };
        Ok(Door { site, zone: self.zone, direction, schedules, card_log })
    }
}

fn read_schedules(path: &Path) -> anyhow::Result<ScheduleTable> {
    let text = fs::read_to_string(path).with_context(|| format!("schedules {} cannot be read", path.display()))?;
    toml::from_str(&text).with_context(|| path.display().to_string())
}

impl fmt::Display for DoorEnding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.trace.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        self.message.fmt(f)
    }
}
