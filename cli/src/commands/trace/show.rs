//! `onecard trace show`.

use std::{fmt, path::PathBuf};

use clap::Args;
use onecard_host::trace::{Contradiction, Entry, Field, Follower, Peer, What};
use serde::Serialize;

use super::read;
use crate::{
    ending::Bilingual,
    output::Output,
    trace::{TraceLine, by_name},
};

/// Options of `trace show`.
#[derive(Args, Debug)]
pub(crate) struct Show {
    /// The trace file.
    file: PathBuf,
}

/// A whole trace, told.
#[derive(Serialize)]
struct Told {
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    began: Option<String>,
    entries: Vec<ToldEntry>,
}

#[derive(Serialize)]
struct ToldEntry {
    /// From 1.
    number: usize,
    ms: u64,
    with: Peer,
    #[serde(skip_serializing_if = "Option::is_none")]
    exchange: Option<TraceLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    /// What is known from here on of whoever answered.
    #[serde(serialize_with = "by_name")]
    state: Vec<Field>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contradictions: Vec<Impossible>,
    #[serde(skip)]
    changed: Vec<Field>,
    #[serde(skip)]
    gone: Vec<&'static str>,
    #[serde(skip)]
    text: String,
}

/// An answer that cannot be.
#[derive(Serialize)]
pub(super) struct Impossible {
    clause: &'static str,
    #[serde(flatten)]
    text: Bilingual,
}

/// Tells it.
pub(super) fn run(show: &Show) -> anyhow::Result<Output> {
    let file = read(&show.file)?;
    let mut follower = Follower::default();
    let mut before: [Vec<Field>; 2] = Default::default();
    let entries = file.entries.iter().zip(1..).map(|(entry, number)| {
        let contradictions = follower.follow(entry).iter().map(Impossible::of).collect();
        let state = follower.fields(entry.with);
        let [card, sam] = &mut before;
        let before = if entry.with == Peer::Card { card } else { sam };
        let told = ToldEntry::of(number, entry, contradictions, (before, &state));
        before.clone_from(&state);
        told
    });
    let entries = entries.collect();
    Output::view("onecard.trace-show/1", &Told { about: file.about.about, began: file.about.began, entries })
}

impl ToldEntry {
    fn of(number: usize, entry: &Entry, contradictions: Vec<Impossible>, (before, now): (&[Field], &[Field])) -> Self {
        let Entry { ms, with, what } = entry;
        let text = what.to_string();
        let (exchange, event) = match what {
            What::Exchange(exchange) => (Some(TraceLine::of(*with, exchange)), None),
            _ => (None, Some(text.trim_end().to_owned())),
        };
        let changed = now.iter().filter(|field| !before.contains(field)).cloned().collect();
        let has = |name| now.iter().any(|field| field.name == name);
        let gone = before.iter().map(|field| field.name).filter(|name| !has(*name)).collect();
        let (ms, with, state) = (*ms, *with, now.to_vec());
        Self { number, ms, with, exchange, event, state, contradictions, changed, gone, text }
    }
}

impl Impossible {
    pub(super) fn of(contradiction: &Contradiction) -> Self {
        let (english, chinese) = (contradiction.to_string(), contradiction.chinese());
        Self { clause: contradiction.clause(), text: Bilingual { english, chinese } }
    }
}

impl fmt::Display for Impossible {
    /// One line for each language, not ended.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { clause, text: Bilingual { english, chinese } } = self;
        write!(f, "  ! {english} (clause {clause})\n    {chinese}")
    }
}

impl fmt::Display for ToldEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, ms, with, text, changed, gone, contradictions, .. } = self;
        write!(f, "{number}. {:>4}.{:03} s  {with}: {text}", ms / 1_000, ms % 1_000)?;
        contradictions.iter().try_for_each(|told| writeln!(f, "{told}"))?;
        changed.iter().try_for_each(|Field { name, value }| writeln!(f, "    = {name:<20} {value}"))?;
        gone.iter().try_for_each(|name| writeln!(f, "    = {name:<20} -"))
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let about = self.about.iter().chain(&self.began).map(String::as_str).collect::<Vec<_>>().join(", ");
        if !about.is_empty() {
            writeln!(f, "{about}\n")?;
        }
        self.entries.iter().try_for_each(|entry| writeln!(f, "{entry}"))
    }
}
