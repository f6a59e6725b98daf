//! `onecard events`: the journal of a door or an attendance terminal.

use std::{fmt, path::PathBuf};

use anyhow::ensure;
use clap::Args;
use onecard_host::presence::{Event, EventFile, OnCard, Standing};
use onecard_wire::{date::Date, number::ApplicationSerial};
use serde::Serialize;

use crate::{
    args,
    event_names::of_event,
    output::Output,
    table::{Column, table, wrapped},
};

/// Options of `events`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  onecard events door.events
  onecard events clock.events --card 3100100000000076 --from 2026-11-01 --until 2026-11-30
  onecard --json events door.events > november.json")]
pub(crate) struct ShowEvents {
    /// The terminal's journal: --journal of `card access` and `card attend`.
    journal: PathBuf,
    /// Of this card alone.
    #[arg(long, value_name = "NUMBER", value_parser = args::card_number)]
    card: Option<ApplicationSerial>,
    /// From this day on.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = args::date)]
    from: Option<Date>,
    /// Up to this day.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = args::date)]
    until: Option<Date>,
}

/// The journal, oldest first.
#[derive(Serialize)]
struct Journal {
    events: Vec<EventFacts>,
}

#[derive(Serialize)]
struct EventFacts {
    number: u64,
    moment: String,
    event: &'static str,
    #[serde(skip)]
    chinese: &'static str,
    code: u8,
    card: Option<String>,
    terminal: String,
    enterprise: String,
    /// `null` while the card has been asked and has not answered.
    counts: Option<bool>,
    on_card: OnCard,
    /// Why somebody was denied, or why it does not count.
    note: Option<String>,
}

/// Lists the events that were asked for.
pub(crate) fn run(options: &ShowEvents) -> anyhow::Result<Output> {
    let path = &options.journal;
    ensure!(path.exists(), "there is no journal {}: name the terminal's --journal", path.display());
    let file = EventFile::open(path)?;
    let events = file.events().filter(|event| options.asks_for(event)).map(EventFacts::of).collect();
    Output::view("onecard.events/1", &Journal { events })
}

impl ShowEvents {
    fn asks_for(&self, event: &Event) -> bool {
        let what = &event.what;
        self.card.is_none_or(|card| what.card.is_some_and(|found| found.0 == card))
            && self.from.is_none_or(|from| what.moment.date >= from)
            && self.until.is_none_or(|until| what.moment.date <= until)
    }
}

impl EventFacts {
    fn of(event: &Event) -> Self {
        let what = &event.what;
        let (name, chinese) = of_event(what.code);
        let (counts, on_card, void) = match &event.standing {
            Standing::Begun => (None, OnCard::Unknown, None),
            Standing::Counts(on_card) => (Some(true), *on_card, None),
            Standing::Void(why) => (Some(false), OnCard::NotWritten, Some(why.clone())),
        };
        Self {
            number: event.number,
            moment: what.moment.to_string(),
            event: name,
            chinese,
            code: what.code.0,
            card: what.card.map(|card| card.0.to_string()),
            terminal: what.terminal.to_string(),
            enterprise: what.enterprise.to_string(),
            counts,
            on_card,
            note: void.or_else(|| what.note.clone()),
        }
    }

    fn row(&self) -> [String; 5] {
        let on_card = match self.on_card {
            OnCard::Written => "yes 有",
            OnCard::NotAsked | OnCard::NotWritten => "no 无",
            OnCard::Unknown => "? 未知",
        };
        let card = self.card.clone().unwrap_or_else(|| "-".to_owned());
        let event = format!("{} {}", self.event, self.chinese);
        [self.number.to_string(), self.moment.clone(), event, card, on_card.to_owned()]
    }

    /// What stands below it: why somebody was denied, and whether it does not count.
    fn remark(&self) -> Option<String> {
        let note = self.note.as_deref().unwrap_or_default();
        match self.counts {
            Some(true) => self.note.clone(),
            Some(false) => Some(format!("does not count 不计入: {note}")),
            None => Some("begun, the card has not answered: present it again 未完成，请重新刷卡".to_owned()),
        }
    }
}

impl fmt::Display for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.events.first() else { return writeln!(f, "No such event. 无符合条件的流水。") };
        writeln!(f, "Terminal 终端 {}, enterprise 单位 {}, oldest first:", first.terminal, first.enterprise)?;
        let columns = [
            Column::Number("no."),
            Column::Text("moment 时间"),
            Column::Text("event 事件"),
            Column::Text("card 卡号"),
            Column::Text("log 卡内"),
        ];
        let text = table(&columns, self.events.iter().map(EventFacts::row));
        let mut lines = text.lines();
        lines.next().map_or(Ok(()), |header| writeln!(f, "{header}"))?;
        for (line, event) in lines.zip(&self.events) {
            writeln!(f, "{line}")?;
            event.remark().map_or(Ok(()), |remark| write!(f, "{}", wrapped(&remark, 7)))?;
        }
        Ok(())
    }
}
