//! The phone as a screen in the terminal.

mod desk;
mod draw;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    io::{self, IsTerminal},
};

use anyhow::{Context, ensure};
use onecard_simulator::handset::{Handset, script::Counter, socket::Socket};
use ratatui::{
    DefaultTerminal,
    crossterm::event::{self, Event, KeyEventKind},
};
use serde::Serialize;

use self::desk::{Desk, Flow};
use super::Lacking;
use crate::output::Output;

/// What is printed when the phone is put away.
#[derive(Serialize, Debug)]
struct Ended {
    lacking: Vec<Lacking>,
    /// Short messages that left the phone.
    sent: usize,
    /// What the card did that it must not do.
    complaints: Vec<String>,
}

/// Shows the phone until its user has had enough.
pub(super) fn run<S: Socket>(handset: &mut Handset<S>, till: &mut dyn Counter) -> anyhow::Result<Output> {
    let there = io::stdout().is_terminal() && io::stdin().is_terminal();
    ensure!(there, "a phone's screen needs a terminal: run it on one, or play a script by --script FILE");
    let mut terminal = ratatui::try_init().context("the terminal cannot show a phone")?;
    let shown = show(&mut terminal, &mut Desk::new(handset, till));
    ratatui::try_restore().context("the terminal could not be put back: type reset")?;
    shown?;
    Output::view("onecard.phone/1", &Ended::of(handset))
}

fn show<S: Socket>(terminal: &mut DefaultTerminal, desk: &mut Desk<'_, S>) -> anyhow::Result<()> {
    desk.switch_on();
    loop {
        terminal.draw(|frame| draw::draw(frame, desk)).context("the screen cannot be drawn")?;
        if let Event::Key(key) = event::read().context("no key can be read")?
            && key.kind != KeyEventKind::Release
            && desk.press(key) == Flow::Quit
        {
            return Ok(());
        }
    }
}

impl Ended {
    fn of<S: Socket>(handset: &Handset<S>) -> Self {
        Self {
            lacking: Lacking::of(&handset.settings().profile),
            sent: handset.sent().len(),
            complaints: handset.complaints().iter().map(ToString::to_string).collect(),
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Short messages sent 已发短信: {}", self.sent)?;
        for complaint in &self.complaints {
            writeln!(f, "The card must not 卡不应: {complaint}")?;
        }
        Ok(())
    }
}
