//! What happens in a batch, as it happens: for people a table of the readers above a bar, for programs an event a line.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal, Write},
    sync::{Mutex, PoisonError},
};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use onecard_station::batch::Event;

use super::{batch::Language, inputs::Read};
use crate::output::Output;

/// Who is told.
pub(super) struct Screen<'s> {
    json: bool,
    language: Language,
    read: &'s Read,
    /// Whether somebody puts the cards in, who is asked by a bell.
    by_hand: bool,
    /// Whether several readers ask for blank cards: which of them gets the next row shows when a card comes.
    several: bool,
    shown: Mutex<Shown>,
}

/// What is on the screen.
struct Shown {
    bar: ProgressBar,
    /// What each reader does, by its number.
    readers: BTreeMap<(usize, String), String>,
    /// The row whose card is still in the reader, where somebody takes it out.
    to_remove: BTreeMap<String, u64>,
}

impl<'s> Screen<'s> {
    /// Of a batch with so many rows, in so many readers, whose cards somebody puts in or not.
    pub(super) fn new(
        json: bool,
        language: Language,
        read: &'s Read,
        rows: u64,
        (readers, by_hand): (usize, bool),
    ) -> anyhow::Result<Self> {
        let target = if json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let style = ProgressStyle::with_template("{msg}\n  {bar:40} {pos}/{len}").context("the bar's form")?;
        let bar = ProgressBar::with_draw_target(Some(rows), target).with_style(style);
        let shown = Mutex::new(Shown { bar, readers: BTreeMap::new(), to_remove: BTreeMap::new() });
        Ok(Self { json, language, read, by_hand, several: readers > 1, shown })
    }

    /// Shows `event`.
    pub(super) fn tell(&self, event: Event) {
        if self.json {
            // Whoever closed the pipe wants no more.
            let _ = Output::line("onecard.issue-event/1", &Told(&event))
                .and_then(|line| line.print(true, &mut io::stdout().lock()).context("standard output"));
            return;
        }
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let text = self.text(&event);
        match &event {
            Event::Begins { good, .. } => shown.bar.set_position(*good),
            Event::Wants { reader, .. } if self.by_hand => {
                let remove = shown.to_remove.remove(reader).map(|row| self.remove(row)).unwrap_or_default();
                shown.ask(reader, format!("{remove}{text}"));
            }
            Event::Wants { reader, .. } | Event::Writes { reader, .. } => shown.line(reader, text),
            Event::Good { reader, row, .. } => {
                shown.to_remove.insert(reader.clone(), *row);
                if self.by_hand {
                    shown.ask(reader, text)
                } else {
                    shown.line(reader, text)
                }
                shown.bar.inc(1);
            }
            Event::Ends { .. } => {}
            Event::GoodAlready { .. }
            | Event::Failed { .. }
            | Event::Gone { .. }
            | Event::Bad { .. }
            | Event::NotOurs { .. } => {
                shown.say(&format!("\u{7}{text}"));
            }
            Event::NotNeeded { .. } | Event::GivenUp { .. } | Event::Stops { .. } => shown.say(&text),
        }
    }

    /// Lines in front of everything, unless programs read.
    pub(super) fn say(&self, lines: &str) {
        if !self.json {
            let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
            lines.lines().for_each(|line| shown.say(line));
        }
    }

    /// In front of what is wanted next.
    fn remove(&self, row: u64) -> String {
        match self.language {
            Language::En => format!("remove the card of row {row}; "),
            Language::Zh => format!("请取出第{row}行的卡；"),
        }
    }

    /// Nothing more comes.
    pub(super) fn end(&self) {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.bar.finish_and_clear();
    }

    fn text(&self, event: &Event) -> String {
        match self.language {
            Language::En => self.english(event),
            Language::Zh => self.chinese(event),
        }
    }

    fn english(&self, event: &Event) -> String {
        let name = |row: &u64| self.name(*row);
        match event {
            Event::Begins { rows, good, begun } => format!("{rows} rows, {good} good, {begun} begun"),
            Event::Wants { reader, rows, begun: true, serials } => {
                format!("reader {reader}: put the card of row {} back in{}", list(rows), told(", number ", serials))
            }
            Event::Wants { reader, .. } if self.several => format!("reader {reader}: next card"),
            Event::Wants { reader, rows, serials, .. } => {
                format!("reader {reader}: next card, row {}{}", list(rows), told(", number ", serials))
            }
            Event::Writes { reader, row, serial, again } => {
                let doing = if *again { "mending" } else { "writing" };
                format!("reader {reader}: {doing} {serial}, row {row} {}", name(row))
            }
            Event::Good { reader, row, serial, .. } => {
                format!("reader {reader}: {serial} is good, row {row} {}; remove it", name(row))
            }
            Event::GoodAlready { reader, row, serial } => {
                format!("reader {reader}: {serial} was good before, row {row}; remove it")
            }
            Event::Failed { reader, why } => format!("reader {reader}: {why}; once more"),
            Event::Gone { reader } => format!("reader {reader}: the card was taken out too early"),
            Event::Bad { reader, why, .. } => format!("reader {reader}: spoilt, put it aside: {why}"),
            Event::NotOurs { reader, why } => format!("reader {reader}: not written: {why}"),
            Event::NotNeeded { reader } => format!("reader {reader}: this card is not needed; remove it"),
            Event::GivenUp { row, serial } => format!("row {row}: {serial} is given up, its card did not come back"),
            Event::Stops { why } => format!("stopped: {why}"),
            Event::Ends { missing_rows, .. } => format!("{missing_rows} rows are left"),
        }
    }

    fn chinese(&self, event: &Event) -> String {
        let name = |row: &u64| self.name(*row);
        match event {
            Event::Begins { rows, good, begun } => format!("名单{rows}行，合格{good}，未完成{begun}"),
            Event::Wants { reader, rows, begun: true, serials } => {
                format!("读卡器{reader}：请放回第{}行的卡{}", list(rows), told("，卡号", serials))
            }
            Event::Wants { reader, .. } if self.several => format!("读卡器{reader}：请放下一张"),
            Event::Wants { reader, rows, serials, .. } => {
                format!("读卡器{reader}：请放下一张，第{}行{}", list(rows), told("，卡号", serials))
            }
            Event::Writes { reader, row, serial, again } => {
                let doing = if *again { "修复" } else { "写卡" };
                format!("读卡器{reader}：{doing} {serial}，第{row}行 {}", name(row))
            }
            Event::Good { reader, row, serial, .. } => {
                format!("读卡器{reader}：{serial} 合格，第{row}行 {}，请取卡", name(row))
            }
            Event::GoodAlready { reader, row, serial } => format!("读卡器{reader}：{serial} 已发，第{row}行，请取卡"),
            Event::Failed { reader, why } => format!("读卡器{reader}：失败，重试：{why}"),
            Event::Gone { reader } => format!("读卡器{reader}：卡片取出过早"),
            Event::Bad { reader, why, .. } => format!("读卡器{reader}：废卡，请另放：{why}"),
            Event::NotOurs { reader, why } => format!("读卡器{reader}：未写入：{why}"),
            Event::NotNeeded { reader } => format!("读卡器{reader}：不需要此卡，请取出"),
            Event::GivenUp { row, serial } => format!("第{row}行：{serial} 作废，原卡未归还"),
            Event::Stops { why } => format!("已停止：{why}"),
            Event::Ends { missing_rows, .. } => format!("剩余{missing_rows}行"),
        }
    }

    fn name(&self, row: u64) -> String {
        self.read.named(row).name
    }
}

impl Shown {
    /// The reader's line of the table.
    fn line(&mut self, reader: &str, text: String) {
        // Reader 10 stands behind reader 9.
        self.readers.insert((reader.len(), reader.to_owned()), text);
        let lines: Vec<String> = self.readers.values().map(|line| format!("  {line}")).collect();
        self.bar.set_message(lines.join("\n"));
    }

    /// The same with a bell, for whoever is to do something; where there is no table, a line.
    fn ask(&mut self, reader: &str, text: String) {
        if io::stderr().is_terminal() {
            let _ = write!(io::stderr(), "\u{7}");
            self.line(reader, text);
        } else {
            self.say(&text);
        }
    }

    /// A line that stays above the table.
    fn say(&self, text: &str) {
        if io::stderr().is_terminal() {
            self.bar.println(text);
        } else {
            let _ = writeln!(io::stderr(), "{}", text.trim_start_matches('\u{7}'));
        }
    }
}

/// Numbers of cards behind `front`, if there are any.
fn told(front: &str, serials: &[String]) -> String {
    if serials.is_empty() { String::new() } else { format!("{front}{}", list(serials)) }
}

/// A few of many.
fn list<N: ToString>(rows: &[N]) -> String {
    const SHOWN: usize = 4;
    let told: Vec<String> = rows.iter().take(SHOWN).map(N::to_string).collect();
    let more = if rows.len() > SHOWN { ", …" } else { "" };
    format!("{}{more}", told.join(", "))
}

/// An event as JSON; people never see it so.
#[derive(serde::Serialize)]
#[serde(transparent)]
struct Told<'e>(&'e Event);

impl std::fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
