//! What is in a packet (ETSI TS 102 226): commands in one of two formats, and how they are answered.

mod answer;
mod ber;
mod case;
mod parse;
mod stored;
#[cfg(test)]
mod tests;

use onecard_wire::ota::script::{self, chaining};
use zeroize::Zeroizing;

pub use answer::{AnswerError, BadFormat, ChainingError, Ending, ScriptAnswer};
pub use parse::ScriptParseError;

use super::security::Tar;
use crate::apdu::Command;

/// Commands to one TAR that is in a packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Script {
    tar: Tar,
    form: Form,
    commands: Vec<Command>,
}

/// How the commands stand in the packet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Form {
    /// One behind the other; the last one's answer comes back (clause 5.1).
    Compact,
    /// Each in a TLV; each one's answer comes back (clause 5.2).
    Expanded {
        /// Of the template.
        length: TemplateLength,
        /// Whether further packets go on from where this one ends.
        chaining: Option<Chaining>,
    },
}

/// How the template's length is said.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub enum TemplateLength {
    /// AA, with a length.
    #[default]
    Definite,
    /// AE, ended by two bytes 00.
    Indefinite,
}

/// A script's place in a chain.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Chaining {
    /// The first; a reset of the contacts ends the chain.
    First,
    /// The first; the chain is to outlive a reset (the card of this project takes none).
    FirstKept,
    /// A further one, not the last.
    Further,
    /// The last.
    Last,
}

/// A script that cannot be. Commands are counted from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ScriptError {
    /// Nothing would be executed, and a card could not say that it was.
    #[error("a script has at least one command")]
    Empty,
    /// The answer counts in one byte.
    #[error("{0} commands are more than an answer counts: at most 255; divide the script")]
    TooMany(usize),
    /// Compact, P3 is Lc alone.
    #[error(
        "command {command} has data and Le: in the compact format GET RESPONSE is the next command, or take the expanded one"
    )]
    DataAndLe {
        /// Which.
        command: usize,
    },
    /// Compact, the receiver knows by the command's header whether P3 is Lc or Le.
    #[error("command {command}, {ins:02X}, {wrong}: the receiver would read P3 otherwise; take the expanded format")]
    OtherCase {
        /// Which.
        command: usize,
        /// Its INS.
        ins: u8,
        /// What is wrong.
        wrong: &'static str,
    },
    /// Its first byte would make it a script in the expanded format.
    #[error("the class {0:02X} of the first command is a tag of the expanded format: take that format")]
    LooksExpanded(u8),
}

impl Form {
    /// Expanded, by itself.
    pub const EXPANDED: Self = Self::Expanded { length: TemplateLength::Definite, chaining: None };
}

impl Chaining {
    const fn code(self) -> u8 {
        match self {
            Self::First => chaining::FIRST,
            Self::FirstKept => chaining::FIRST_KEPT,
            Self::Further => chaining::FURTHER,
            Self::Last => chaining::LAST,
        }
    }

    const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            chaining::FIRST => Self::First,
            chaining::FIRST_KEPT => Self::FirstKept,
            chaining::FURTHER => Self::Further,
            chaining::LAST => Self::Last,
            _ => return None,
        })
    }
}

impl Script {
    /// Of `commands`, in their order.
    ///
    /// # Errors
    /// [`ScriptError`], which names the command.
    pub fn new(tar: Tar, form: Form, commands: Vec<Command>) -> Result<Self, ScriptError> {
        if commands.is_empty() {
            return Err(ScriptError::Empty);
        }
        if commands.len() > usize::from(u8::MAX) {
            return Err(ScriptError::TooMany(commands.len()));
        }
        if form == Form::Compact {
            check_compact(tar, &commands)?;
        }
        Ok(Self { tar, form, commands })
    }

    /// Who it is for.
    #[must_use]
    pub const fn tar(&self) -> Tar {
        self.tar
    }

    /// Its format.
    #[must_use]
    pub const fn form(&self) -> Form {
        self.form
    }

    /// Its commands.
    #[must_use]
    pub fn commands(&self) -> &[Command] {
        &self.commands
    }

    /// As secured data. They may hold keys: erased on drop.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        match self.form {
            Form::Compact => {
                let length = self.commands.iter().map(|command| 5 + command.data().len()).sum();
                let mut bytes = Zeroizing::new(Vec::with_capacity(length));
                // Without data P3 is Le, or 00: as a command goes out.
                self.commands.iter().for_each(|command| bytes.extend_from_slice(&command.to_bytes()));
                bytes
            }
            Form::Expanded { length, chaining } => self.expanded(length, chaining),
        }
    }

    fn expanded(&self, length: TemplateLength, chaining: Option<Chaining>) -> Zeroizing<Vec<u8>> {
        let mut inside = Zeroizing::new(Vec::with_capacity(self.commands.iter().map(c_apdu_len).sum::<usize>() + 3));
        if let Some(chaining) = chaining {
            inside.extend_from_slice(&[script::CHAINING, 1, chaining.code()]);
        }
        for command in &self.commands {
            let value_len = c_apdu_len(command) - 1 - ber::length_len(command_len(command));
            inside.push(script::C_APDU);
            ber::put_length(&mut inside, value_len);
            inside.extend_from_slice(&command.header());
            if let Some(lc) = u8::try_from(command.data().len()).ok().filter(|lc| *lc != 0) {
                inside.push(lc);
                inside.extend_from_slice(command.data());
            }
            inside.extend(command.expected());
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(inside.len() + 6));
        match length {
            TemplateLength::Definite => {
                bytes.push(script::COMMANDS);
                ber::put_length(&mut bytes, inside.len());
                bytes.extend_from_slice(&inside);
            }
            TemplateLength::Indefinite => {
                bytes.extend_from_slice(&[script::COMMANDS_INDEFINITE, script::INDEFINITE]);
                bytes.extend_from_slice(&inside);
                bytes.extend_from_slice(&[0x00, 0x00]);
            }
        }
        bytes
    }
}

/// A command with Lc and Le as ISO/IEC 7816-4 has them: of case 1 four bytes.
fn command_len(command: &Command) -> usize {
    let data = command.data().len();
    4 + if data == 0 { 0 } else { 1 + data } + usize::from(command.expected().is_some())
}

fn c_apdu_len(command: &Command) -> usize {
    let length = command_len(command);
    1 + ber::length_len(length) + length
}

fn check_compact(tar: Tar, commands: &[Command]) -> Result<(), ScriptError> {
    for (command, number) in commands.iter().zip(1..) {
        let header @ [cla, ins, ..] = command.header();
        if number == 1 && matches!(cla, script::COMMANDS | script::COMMANDS_INDEFINITE) {
            return Err(ScriptError::LooksExpanded(cla));
        }
        let has_data = !command.data().is_empty();
        if has_data && command.expected().is_some() {
            return Err(ScriptError::DataAndLe { command: number });
        }
        let expects = command.expected().is_some();
        let wrong = match case::carries_data(tar, header) {
            Some(true) if expects => "carries data, and there is Le alone",
            Some(false) if has_data => "carries no data, and there are some",
            _ => continue,
        };
        return Err(ScriptError::OtherCase { command: number, ins, wrong });
    }
    Ok(())
}
