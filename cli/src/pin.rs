//! The holder's PIN: from a file, or typed without being shown; never an argument.

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
};

use anyhow::{Context, bail};
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
        let (digits, place) = match &self.pin_file {
            Some(path) => (private_file::read(path, "PIN file")?.1, format!("PIN file {}", path.display())),
            None if io::stdin().is_terminal() => {
                let typed = rpassword::prompt_password("PIN 密码: ").context("no PIN was typed")?;
                (Zeroizing::new(typed), "the PIN typed".to_owned())
            }
            None => bail!("the holder's PIN is needed: give --pin-file FILE, or run this on a terminal"),
        };
        Pin::from_digits(digits.trim_end()).context(place)
    }
}
