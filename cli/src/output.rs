//! The one place that prints: text for people, versioned JSON for machines.

use std::{
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
};

use anyhow::Context;
use onecard_host::terminal::{Stage, StoreError};
use serde::Serialize;

use crate::{
    commands::{gp, master, wash},
    key_master_card,
    reader::ChipFailed,
};

/// How the process ends; `onecard --help` lists the codes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exit {
    /// 0.
    Done,
    /// 1: it could not be done, and no money moved.
    Error,
    /// 2: the command line does not fit.
    Usage,
    /// 3: the card may have done it.
    Unknown,
    /// 4: refused; no money moved.
    NotCommitted,
    /// 5: a settlement file holds records that are not proven.
    Unproven,
    /// 6: something is wrong with the card or trace that was examined.
    Found,
}

impl Exit {
    /// The code of an error: a store or chip that failed after the card was asked leaves the outcome unknown.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        let store = error.downcast_ref::<StoreError>().is_some_and(|error| error.stage == Stage::Concluding);
        let chip = error.downcast_ref::<ChipFailed>().is_some_and(|error| error.told_to_move);
        let doubted = error.downcast_ref::<master::InDoubt>().is_some();
        let refused =
            || gp::exit_of(error).or_else(|| key_master_card::exit_of(error)).or_else(|| wash::exit_of(error));
        if store || chip || doubted { Self::Unknown } else { refused().unwrap_or(Self::Error) }
    }

    const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Error => 1,
            Self::Usage => 2,
            Self::Unknown => 3,
            Self::NotCommitted => 4,
            Self::Unproven => 5,
            Self::Found => 6,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// What a command did or found, ready to be printed.
pub(crate) struct Output {
    text: String,
    json: serde_json::Value,
    exit: Exit,
    unprinted: Exit,
    /// JSON on one line.
    one_line: bool,
}

impl Output {
    /// What was found, and nothing was done: whoever does not get to read it has nothing. Otherwise as [`Output::new`].
    pub(crate) fn view<T: Display + Serialize>(schema: &'static str, data: &T) -> anyhow::Result<Self> {
        Self::report(schema, Exit::Done, data)
    }

    /// What was found, and what it means for whoever asked; otherwise as [`Output::view`].
    pub(crate) fn report<T: Display + Serialize>(schema: &'static str, exit: Exit, data: &T) -> anyhow::Result<Self> {
        Ok(Self { unprinted: Exit::Error, ..Self::new(schema, exit, data)? })
    }

    /// `data` as text by its `Display`, and as JSON with `schema` (`onecard.<command>/<version>`) in front.
    pub(crate) fn new<T: Display + Serialize>(schema: &'static str, exit: Exit, data: &T) -> anyhow::Result<Self> {
        let json = versioned(schema, data).context("the result cannot be written as JSON")?;
        Ok(Self { text: data.to_string(), json, exit, unprinted: exit, one_line: false })
    }

    /// One of several lines of a command that prints as it goes.
    pub(crate) fn line<T: Display + Serialize>(schema: &'static str, data: &T) -> anyhow::Result<Self> {
        Ok(Self { one_line: true, ..Self::view(schema, data)? })
    }

    /// Prints one of the two forms.
    pub(crate) fn print(&self, json: bool, to: &mut impl Write) -> io::Result<()> {
        match (json, self.one_line) {
            (true, true) => writeln!(to, "{}", self.json),
            (true, false) => writeln!(to, "{:#}", self.json),
            (false, _) => writeln!(to, "{}", self.text.trim_end()),
        }?;
        to.flush()
    }

    /// How the process ends.
    pub(crate) const fn exit(&self) -> Exit {
        self.exit
    }

    /// How it ends if it could not be printed: money that has moved has moved.
    pub(crate) const fn unprinted(&self) -> Exit {
        self.unprinted
    }
}

/// `data` with its schema, as a file or standard output holds it.
pub(crate) fn versioned<T: Serialize>(schema: &'static str, data: &T) -> serde_json::Result<serde_json::Value> {
    serde_json::to_value(Versioned { schema, data })
}

/// Prints what went wrong, with its causes, and no backtrace.
pub(crate) fn print_error(error: &anyhow::Error, json: bool, to: &mut impl Write) -> io::Result<()> {
    print_message(&message(error), Exit::of(error), json, to)
}

/// Prints what went wrong and that the process ends by `exit`.
pub(crate) fn print_message(text: &str, exit: Exit, json: bool, to: &mut impl Write) -> io::Result<()> {
    if json {
        let json = serde_json::json!({ "schema": "onecard.error/1", "error": text, "exit_code": exit.code() });
        writeln!(to, "{json:#}")
    } else {
        writeln!(to, "error: {text}")
    }
}

/// The error and its causes; a cause that its error already tells is not told twice.
fn message(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |text, cause| match text.as_str() {
        "" => cause,
        told if told.contains(&cause) => text,
        _ => format!("{text}: {cause}"),
    })
}

#[derive(Serialize)]
struct Versioned<'d, T> {
    schema: &'static str,
    #[serde(flatten)]
    data: &'d T,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let error = anyhow::anyhow!("no such file").context("opening a: no such file").context("the till");
        assert_eq!(message(&error), "the till: opening a: no such file");
    }
}
