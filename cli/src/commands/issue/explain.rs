//! `onecard issue check`, and the rehearsal in front of every batch: the first card on a chip in memory.

use std::fmt;

use anyhow::{Context, bail, ensure};
use onecard_host::trace::Exchange;
use onecard_simulator::reader::Reader;
use onecard_station::{
    batch::{Books, Craft, Found, Job, Unfinished},
    craft::{AnyCraft, IssuingKeys},
    numbers::{LedgerState, Number, Serial},
    washing::Washings,
};
use serde::Serialize;

use super::{CheckBatch, folder::interface_of, inputs::Read, keys::Keys, washing};
use crate::{output::Output, table::pairs};

/// Sees whether everything fits.
pub(super) fn run(options: &CheckBatch) -> anyhow::Result<Output> {
    let inputs = &options.inputs;
    ensure!(
        !(options.explain && inputs.keys.are_in_master_card()),
        "--explain makes a card, and a key master card counts what it gives for it: name the keys by --keys or --token to see the commands"
    );
    let read = inputs.read()?;
    let orders = read.orders(inputs)?;
    let rows = read.lines();
    inputs.keys.with(&read.profile, |keys| match (keys, &orders) {
        (Keys::Issuing(keys), orders) => {
            let steps = rehearse(&read, keys, &read.craft(keys, orders.as_ref())?, &rows)?;
            checked(options, &read, &rows, Some(steps), None)
        }
        (Keys::Washing(keys), Some(orders)) => {
            let a_card = washing::ready(keys, orders, &read)?;
            washing::allowance_covers(keys, orders, &read, &Books::default(), &Washings::default())?;
            let (wanted, left) = (u64::from(a_card) * rows.len() as u64, keys.card_exports_left()?);
            checked(options, &read, &rows, None, Some(Allowance { a_card, wanted, left }))
        }
        (Keys::Washing(_), None) => bail!("a key master card washes cards of people, not SAMs"),
    })
}

fn checked(
    options: &CheckBatch,
    read: &Read,
    rows: &[u64],
    steps: Option<Vec<Step>>,
    exports: Option<Allowance>,
) -> anyhow::Result<Output> {
    let inputs = &options.inputs;
    let ledger = inputs.ledger(&read.profile);
    let series = &read.profile.series;
    let next = next_number(&ledger, series.first)?;
    let left = (series.last + 1).saturating_sub(next);
    let serial = |number| series.serial(Number(number)).map(|serial| told(&serial)).unwrap_or_default();
    let facts = CheckFacts {
        kind: read.profile.kind_name(),
        enterprise: read.profile.enterprise.to_string(),
        list: read.list_told(),
        rows: rows.len() as u64,
        numbers_left: left,
        first: serial(next),
        last: serial(next + rows.len() as u64 - 1),
        commands: steps.as_ref().map(Vec::len),
        steps: steps.filter(|_| options.explain),
        exports,
    };
    ensure!(
        left >= facts.rows,
        "{} numbers are needed and {left} are left up to {}: widen the profile's range",
        facts.rows,
        series.last
    );
    Output::view("onecard.issue-check/1", &facts)
}

/// Issues the first row's card on a chip in memory, and checks it; returns what was said to it.
pub(super) fn rehearse(
    read: &Read,
    keys: &IssuingKeys,
    craft: &AnyCraft<'_, '_>,
    rows: &[u64],
) -> anyhow::Result<Vec<Step>> {
    let row = *rows.first().context("the list is empty")?;
    let series = &read.profile.series;
    let number = Number(series.last);
    let serial = series.serial(number).context("the profile's numbers make no serial")?;
    let mut steps = Vec::new();
    let chip = Reader::insert_at(read.blank(keys)?, interface_of(read.chip()));
    let mut card = onecard_host::trace::Traced::new(chip, |exchange: &Exchange| steps.push(Step::of(exchange)));
    let job = Job { row, number, serial };
    let made = craft.look(&mut card, &Unfinished::default()).and_then(|found| match found {
        Found::Blank(opening) | Found::Begun(_, opening) | Found::Whole(_, Some(opening)) => {
            craft.make(&mut card, &job, opening).and_then(|()| craft.check(&mut card, &job))
        }
        Found::Whole(_, None) => Ok(()),
    });
    made.context("profile and keys make no good card on a simulated chip; no card was touched")?;
    drop(card);
    Ok(steps)
}

/// The first number that no batch has.
fn next_number(ledger: &std::path::Path, first: u64) -> anyhow::Result<u64> {
    let content = match std::fs::read(ledger) {
        Ok(content) => content,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(first),
        Err(error) => return Err(error).with_context(|| format!("ledger {} cannot be read", ledger.display())),
    };
    let state: LedgerState = onecard_station::journal::replayed(&ledger.display().to_string(), &content)?;
    Ok(state.next(first))
}

fn told(serial: &Serial) -> String {
    match serial {
        Serial::Application { serial, printed } => format!("{serial}, printed 卡面 {printed}"),
        Serial::Sam(serial) => serial.to_string(),
    }
}

/// A command to the first card.
#[derive(Serialize, Clone)]
pub(super) struct Step {
    command: String,
    told: String,
}

impl Step {
    fn of(exchange: &Exchange) -> Self {
        let decoded = exchange.decode();
        Self { command: decoded.name, told: exchange.to_string() }
    }
}

/// What a batch would be.
#[derive(Serialize)]
struct CheckFacts {
    kind: &'static str,
    enterprise: String,
    list: String,
    rows: u64,
    numbers_left: u64,
    first: String,
    last: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    commands: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<Vec<Step>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exports: Option<Allowance>,
}

/// What the batch asks of a key master card.
#[derive(Serialize)]
struct Allowance {
    a_card: u32,
    wanted: u64,
    left: u32,
}

impl fmt::Display for CheckFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut facts = vec![
            ("kind 种类", self.kind.to_owned()),
            ("enterprise 单位", self.enterprise.clone()),
            ("list 名单", self.list.clone()),
            ("first number 首号", self.first.clone()),
            ("last number 末号", self.last.clone()),
            ("numbers left 可用号数", self.numbers_left.to_string()),
        ];
        facts.extend(self.commands.map(|commands| ("commands a card 每卡指令数", commands.to_string())));
        if let Some(Allowance { a_card, wanted, left }) = self.exports {
            facts.push(("exports a card 每卡导出", a_card.to_string()));
            facts.push(("exports in all 共需导出", wanted.to_string()));
            facts.push(("exports left 剩余额度", left.to_string()));
        }
        f.write_str(&pairs(facts))?;
        if let Some(steps) = &self.steps {
            for (step, number) in steps.iter().zip(1..) {
                write!(f, "{number:>4} {}", step.told)?;
            }
        }
        writeln!(f, "Profile, list and keys make a batch; no card was touched. 检查通过，未写卡。")
    }
}
