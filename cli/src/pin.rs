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

impl PinSource {
    /// The PIN, if one was offered.
    pub(crate) fn offered(&self) -> anyhow::Result<Option<Pin>> {
        if self.ask_pin || self.pin_file.is_some() { self.required().map(Some) } else { Ok(None) }
    }

    /// The PIN, asked for on the terminal if there is no file.
    pub(crate) fn required(&self) -> anyhow::Result<Pin> {
        match &self.pin_file {
            Some(path) => from_file(path),
            None => ask("PIN 密码: "),
        }
    }

    /// A new card's PIN; on the terminal it is asked for twice.
    pub(crate) fn chosen(&self) -> anyhow::Result<Pin> {
        let Some(path) = &self.pin_file else {
            let pin = ask("New PIN 新密码: ")?;
            ensure!(pin == ask("Again 再输一次: ")?, "two different PINs were typed: try again");
            return Ok(pin);
        };
        from_file(path)
    }
}

fn from_file(path: &Path) -> anyhow::Result<Pin> {
    let (_, digits) = private_file::read(path, "PIN file")?;
    Pin::from_digits(digits.trim_end()).with_context(|| format!("PIN file {}", path.display()))
}

fn ask(prompt: &str) -> anyhow::Result<Pin> {
    ensure!(io::stdin().is_terminal(), "the holder's PIN is needed: give --pin-file FILE, or run this on a terminal");
    let digits = Zeroizing::new(rpassword::prompt_password(prompt).context("no PIN was typed")?);
    Ok(Pin::from_digits(&digits)?)
}
