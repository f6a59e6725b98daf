//! `onecard passback`: who is inside a zone, as its doors remember it.

use std::{fmt, path::PathBuf};

use clap::{Args, Subcommand};
use onecard_wire::{number::ApplicationSerial, record::Zone};
use serde::Serialize;

use crate::{
    args,
    ending::Bilingual,
    output::{Exit, Output},
    shared_ledger::SharedLedger,
    table::{Column, table},
};

/// What can be done with a passback ledger.
#[derive(Subcommand, Debug)]
pub(crate) enum PassbackCommand {
    /// Show who is inside a zone, a roll call 点名
    #[command(after_help = "Example:\n  onecard passback show zone7.inside --zone 7")]
    Show(OfZone),
    /// One card is outside: it left by a window, or turned round in the door 放行一张卡
    #[command(after_help = "Example:\n  onecard passback forgive zone7.inside 3100100000000076 --zone 7")]
    Forgive(Forgive),
    /// Everybody is outside: after an evacuation, or each night 清空区域
    #[command(after_help = "Example:\n  onecard passback reset zone7.inside --zone 7")]
    Reset(OfZone),
}

/// Which zone.
#[derive(Args, Debug)]
pub(crate) struct OfZone {
    /// The ledger that the zone's doors share: their --passback.
    ledger: PathBuf,
    /// The zone, 1 to 65534.
    #[arg(long, value_name = "ZONE", value_parser = args::zone)]
    zone: Zone,
}

/// Options of `passback forgive`.
#[derive(Args, Debug)]
pub(crate) struct Forgive {
    /// The ledger that the zone's doors share: their --passback.
    ledger: PathBuf,
    /// The card's number.
    #[arg(value_name = "NUMBER", value_parser = args::card_number)]
    card: ApplicationSerial,
    /// The zone, 1 to 65534.
    #[arg(long, value_name = "ZONE", value_parser = args::zone)]
    zone: Zone,
}

/// Runs one of them.
pub(crate) fn run(command: &PassbackCommand) -> anyhow::Result<Output> {
    match command {
        PassbackCommand::Show(OfZone { ledger, zone }) => {
            Output::view("onecard.passback-show/1", &Inside::read(&SharedLedger::open_existing(ledger)?, *zone))
        }
        PassbackCommand::Forgive(options) => forgive(options),
        PassbackCommand::Reset(options) => reset(options),
    }
}

fn forgive(Forgive { ledger, card, zone: at @ Zone(zone) }: &Forgive) -> anyhow::Result<Output> {
    let mut shared = SharedLedger::open_existing(ledger)?;
    let since = shared.ledger.inside_since(*at, *card);
    shared.ledger.left(*at, *card);
    shared.keep()?;
    let message = match since {
        Some(since) => Bilingual {
            english: format!("Card {card} was inside zone {zone} since {since}. It may enter again."),
            chinese: format!("卡{card}自{since}起在区域{zone}内，现可再次进入。"),
        },
        None => Bilingual {
            english: format!("Card {card} was not inside zone {zone}. Nothing was changed."),
            chinese: format!("卡{card}不在区域{zone}内，未作改动。"),
        },
    };
    let changed = Changed { zone: *zone, forgiven: since.iter().map(|_| card.to_string()).collect(), message };
    Output::new("onecard.passback-forgive/1", Exit::Done, &changed)
}

fn reset(OfZone { ledger, zone: at @ Zone(zone) }: &OfZone) -> anyhow::Result<Output> {
    let mut shared = SharedLedger::open_existing(ledger)?;
    let forgiven: Vec<String> = shared.ledger.inside(*at).map(|(card, _)| card.to_string()).collect();
    shared.ledger.reset(*at);
    shared.keep()?;
    let count = forgiven.len();
    let message = Bilingual {
        english: format!("Zone {zone} is empty; cards that were inside: {count}. Each may enter again."),
        chinese: format!("区域{zone}已清空，原有{count}张卡在内，均可再次进入。"),
    };
    Output::new("onecard.passback-reset/1", Exit::Done, &Changed { zone: *zone, forgiven, message })
}

/// Who is inside.
#[derive(Serialize)]
struct Inside {
    zone: u16,
    cards: Vec<Card>,
}

#[derive(Serialize)]
struct Card {
    card: String,
    since: String,
}

/// What was changed.
#[derive(Serialize)]
struct Changed {
    zone: u16,
    forgiven: Vec<String>,
    message: Bilingual,
}

impl Inside {
    fn read(shared: &SharedLedger<'_>, zone: Zone) -> Self {
        let inside = shared.ledger.inside(zone);
        let cards = inside.map(|(card, since)| Card { card: card.to_string(), since: since.to_string() });
        Self { zone: zone.0, cards: cards.collect() }
    }
}

impl fmt::Display for Inside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zone = self.zone;
        if self.cards.is_empty() {
            return writeln!(f, "Nobody is inside zone {zone}. 区域{zone}内无人。");
        }
        writeln!(f, "Inside zone 区域 {zone}: {}", self.cards.len())?;
        let rows = self.cards.iter().map(|card| [card.card.clone(), card.since.clone()]);
        f.write_str(&table(&[Column::Text("card 卡号"), Column::Text("since 自")], rows))
    }
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message.fmt(f)
    }
}
