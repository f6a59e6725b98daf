//! `onecard`: the main job in one command, and each of its steps.
#![forbid(unsafe_code)]

mod args;
mod centre_link;
mod clock;
mod commands;
mod consent;
mod development_keys;
mod ending;
mod event_names;
mod journal;
mod key_master_card;
mod list_source;
mod master_keys;
mod output;
mod passphrase;
mod people;
mod pin;
mod private_file;
mod reader;
mod shared_ledger;
mod signing_key;
mod table;
mod terminal_sam;
mod token;
mod trace;
mod trace_keys;
mod unseen_memory;
mod washing_journal;

use std::{
    env,
    io::{self, ErrorKind, Write as _},
    process::ExitCode,
};

use clap::Parser;

use crate::{
    args::Cli,
    output::{Exit, Output},
};

fn main() -> ExitCode {
    if let Err(error) = unseen_memory::keep() {
        let _ = writeln!(io::stderr(), "warning: this system may write core files of this program: {error}");
    }
    let exit = match Cli::try_parse() {
        Ok(cli) => run(&cli),
        Err(error) => misused(&error),
    };
    exit.into()
}

fn run(cli: &Cli) -> Exit {
    let output = match commands::run(&cli.command, cli.json) {
        Ok(output) => output,
        Err(error) => {
            // The code tells it too, if standard error is closed.
            let _ = output::print_error(&error, cli.json, &mut io::stderr().lock());
            return Exit::of(&error);
        }
    };
    match output.print(cli.json, &mut io::stdout().lock()) {
        Ok(()) => output.exit(),
        Err(error) => unprinted(&output, &error, cli.json),
    }
}

/// What was done is done, whoever reads it.
fn unprinted(output: &Output, error: &io::Error, json: bool) -> Exit {
    let exit = output.unprinted();
    // A reader that has closed the pipe (`| head`) wants no more.
    if error.kind() != ErrorKind::BrokenPipe {
        let text = format!("the result could not be printed: {error}");
        let _ = output::print_message(&text, exit, json, &mut io::stderr().lock());
    }
    exit
}

/// Help that was asked for, or a command line that does not fit.
fn misused(error: &clap::Error) -> Exit {
    let json = env::args_os().take_while(|word| word != "--").any(|word| word == "--json");
    if error.use_stderr() && json {
        let text = error.to_string();
        let text = text.trim_start_matches("error: ").trim_end();
        let _ = output::print_message(text, Exit::Usage, json, &mut io::stderr().lock());
    } else {
        let _ = error.print();
    }
    if error.use_stderr() { Exit::Usage } else { Exit::Done }
}
