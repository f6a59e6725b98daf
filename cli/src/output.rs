//! The one place that prints: text for people, versioned JSON for machines.

use std::{
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
};

use anyhow::Context;
use onecard_host::terminal::{Stage, StoreError};
use serde::Serialize;

/// How the process ends; `onecard --help` lists the codes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exit {
    /// 0.
    Done,
    /// 1: it could not be done, and no money moved.
    Error,
    /// 3: the card may have done it.
    Unknown,
    /// 4: refused; no money moved.
    NotCommitted,
    /// 5: a settlement file holds records that are not proven.
    Unproven,
}

impl Exit {
    /// The code of an error: a store that failed after the card was asked leaves the outcome unknown.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        match error.downcast_ref::<StoreError>() {
            Some(StoreError { stage: Stage::Concluding, .. }) => Self::Unknown,
            _ => Self::Error,
        }
    }

    const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Error => 1,
            Self::Unknown => 3,
            Self::NotCommitted => 4,
            Self::Unproven => 5,
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
}

impl Output {
    /// `data` as text by its `Display`, and as JSON with `schema` (`onecard.<command>/<version>`) in front.
    pub(crate) fn new<T: Display + Serialize>(schema: &'static str, exit: Exit, data: &T) -> anyhow::Result<Self> {
        let json = versioned(schema, data).context("the result cannot be written as JSON")?;
        Ok(Self { text: data.to_string(), json, exit })
    }

    /// Prints one of the two forms.
    pub(crate) fn print(&self, json: bool, to: &mut impl Write) -> io::Result<()> {
        if json { writeln!(to, "{:#}", self.json) } else { writeln!(to, "{}", self.text.trim_end()) }
    }

    /// How the process ends.
    pub(crate) const fn exit(&self) -> Exit {
        self.exit
    }
}

/// `data` with its schema, as a file or standard output holds it.
pub(crate) fn versioned<T: Serialize>(schema: &'static str, data: &T) -> serde_json::Result<serde_json::Value> {
    serde_json::to_value(Versioned { schema, data })
}

/// Prints what went wrong, with its causes, and no backtrace.
pub(crate) fn print_error(error: &anyhow::Error, json: bool, to: &mut impl Write) -> io::Result<()> {
    let exit_code = Exit::of(error).code();
    let text = message(error);
    if json {
        let json = serde_json::json!({ "schema": "onecard.error/1", "error": text, "exit_code": exit_code });
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
