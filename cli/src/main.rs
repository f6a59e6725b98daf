//! `onecard`: the main job in one command, and each of its steps.
#![forbid(unsafe_code)]

mod args;
mod clock;
mod commands;
mod development_keys;
mod ending;
mod output;
mod people;
mod pin;
mod private_file;
mod reader;
mod table;
mod terminal_sam;
mod trace;

use std::{io, process::ExitCode};

use clap::Parser;

use crate::{args::Cli, output::Exit};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let printed = match commands::run(&cli.command) {
        Ok(output) => output.print(cli.json, &mut io::stdout().lock()).map(|()| output.exit()),
        Err(error) => output::print_error(&error, cli.json, &mut io::stderr().lock()).map(|()| Exit::of(&error)),
    };
    match printed {
        Ok(exit) => exit.into(),
        // Whoever reads the output has closed it (`| head`): what was done is done.
        Err(_) => Exit::Error.into(),
    }
}
