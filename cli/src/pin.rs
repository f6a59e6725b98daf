//! The holder's PIN: from a file, or typed without being shown; never an argument.

use std::{
    io::{self, IsTerminal},
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use clap::Args;
use onecard_host::card::Pin;
use zeroize::Zeroizing;

use crate::private_file;

/// Where the PIN comes from.
#[derive(Args, Debug)]
pub(crate) struct PinSource {
    /// File with the holder's PIN (密码): its digits and nothing else, mode 0600.
    #[arg(long, value_name = "FILE")]
    pin_file: Option<PathBuf>,
    /// Ask for the PIN on the terminal; it is not shown.
    #[arg(long, conflicts_with = "pin_file")]
    ask_pin: bool,
}

/// Where a PIN that is to replace another comes from.
#[derive(Args, Debug)]
pub(crate) struct NewPinSource {
    /// File with the new PIN (新密码): its digits and nothing else, mode 0600; without it the PIN is asked for, twice.
    #[arg(long, value_name = "FILE")]
    new_pin_file: Option<PathBuf>,
}

impl NewPinSource {
    /// The new PIN; on the terminal it is asked for twice.
    pub(crate) fn chosen(&self) -> anyhow::Result<Pin> {
        chosen(self.new_pin_file.as_deref(), "--new-pin-file")
    }
}

impl PinSource {
    /// The PIN, if one was offered.
    pub(crate) fn offered(&self) -> anyhow::Result<Option<Pin>> {
        if self.ask_pin || self.pin_file.is_some() { self.required().map(Some) } else { Ok(None) }
    }

    /// The PIN, asked for on the terminal if there is no file.
    pub(crate) fn required(&self) -> anyhow::Result<Pin> {
        match &self.pin_file {
            Some(path) => from_file(path),
            None => ask("PIN 密码: ", "--pin-file"),
        }
    }

    /// A new card's PIN; on the terminal it is asked for twice.
    pub(crate) fn chosen(&self) -> anyhow::Result<Pin> {
        chosen(self.pin_file.as_deref(), "--pin-file")
    }
}

fn chosen(file: Option<&Path>, option: &str) -> anyhow::Result<Pin> {
    let Some(path) = file else {
        let pin = ask("New PIN 新密码: ", option)?;
        ensure!(pin == ask("Again 再输一次: ", option)?, "two different PINs were typed: try again");
        return Ok(pin);
    };
    from_file(path)
}

/// The PIN in the file at `path`.
pub(crate) fn from_file(path: &Path) -> anyhow::Result<Pin> {
    let (_, digits) = private_file::read(path, "PIN file")?;
    Pin::from_digits(digits.trim_end()).with_context(|| format!("PIN file {}", path.display()))
}

/// Asks on the terminal; `option` is what to give where there is none.
fn ask(prompt: &str, option: &str) -> anyhow::Result<Pin> {
    ensure!(io::stdin().is_terminal(), "the holder's PIN is needed: give {option} FILE, or run this on a terminal");
    let digits = Zeroizing::new(rpassword::prompt_password(prompt).context("no PIN was typed")?);
    Ok(Pin::from_digits(&digits)?)
}
