//! Saying what will be written to a card, and asking whether it may be.

use std::io::{self, IsTerminal, Write};

use anyhow::{Context, bail};
use clap::Args;

use crate::reader::Place;

/// Whether to ask before a real card is written.
#[derive(Args, Debug)]
pub(crate) struct Consent {
    /// Write to the card in a reader without asking; a simulated card is not asked for.
    #[arg(long)]
    yes: bool,
}

impl Consent {
    /// Says on standard error what is there and what will become of it, and asks if it is a real card.
    ///
    /// # Errors
    /// If it may not be written, or there is nobody to ask.
    pub(crate) fn ask(&self, place: &Place, there: &str, plan: &[String]) -> anyhow::Result<()> {
        let mut to = io::stderr().lock();
        writeln!(to, "{place}: {there}. Will be written 将写入:")?;
        plan.iter().try_for_each(|line| writeln!(to, "  {line}"))?;
        if self.yes || matches!(place, Place::Sim(_)) {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            bail!("nothing was written: there is nobody to ask; give --yes if it may be 未写入，请加--yes确认");
        }
        write!(to, "Write it? 是否写入？ [yes/no] ")?;
        to.flush()?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).context("nothing was typed")?;
        match answer.trim() {
            "yes" | "是" => Ok(()),
            _ => bail!("nothing was written, as you said 未写入"),
        }
    }
}
