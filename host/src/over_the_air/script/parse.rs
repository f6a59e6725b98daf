//! Secured data read as a script, to be explained.

use onecard_wire::{layout::Reader, ota::script};

use super::{Chaining, Form, Script, ScriptError, TemplateLength, ber, case::carries_data};
use crate::{apdu::Command, over_the_air::Tar};

/// Why secured data are no script. Bytes are counted from 0, commands from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ScriptParseError {
    /// A command that is not whole.
    #[error("command {command} is not whole: it needs more bytes than there are")]
    Cut {
        /// Which.
        command: usize,
    },
    /// More data than a command of this library carries.
    #[error("command {command} has {length} data bytes, more than a card of this profile takes")]
    TooLong {
        /// Which.
        command: usize,
        /// Its Lc.
        length: usize,
    },
    /// A template whose length is not that of what is in it.
    #[error("the template's length is wrong, or two bytes 00 do not end it")]
    Template,
    /// A tag that is not served.
    #[error(
        "tag {tag:02X} before command {command} is none that is served: 22 is a command, 83 in front of all chains scripts"
    )]
    Tag {
        /// The tag.
        tag: u8,
        /// Which command would be next.
        command: usize,
    },
    /// They are commands, and no script.
    #[error(transparent)]
    Script(#[from] ScriptError),
}

impl Script {
    /// Reads secured data for `tar`. In the compact format, a command to a receiver that is not of 19.4 is taken as one that carries
    /// data if as many are there.
    ///
    /// # Errors
    /// [`ScriptParseError`].
    pub fn parse(tar: Tar, data: &[u8]) -> Result<Self, ScriptParseError> {
        let (form, commands) = match data.first() {
            Some(&(script::COMMANDS | script::COMMANDS_INDEFINITE)) => expanded(data)?,
            _ => (Form::Compact, compact(tar, data)?),
        };
        Ok(Self::new(tar, form, commands)?)
    }
}

fn compact(tar: Tar, data: &[u8]) -> Result<Vec<Command>, ScriptParseError> {
    let mut reader = Reader::new(data);
    let mut commands = Vec::new();
    while !reader.rest().is_empty() {
        let number = commands.len() + 1;
        let cut = ScriptParseError::Cut { command: number };
        let [cla, ins, p1, p2, p3] = reader.array().ok_or(cut)?;
        let command = Command::new(cla, ins, p1, p2);
        let length = usize::from(p3);
        let carries = carries_data(tar, [cla, ins, p1, p2]);
        let body = if carries == Some(false) { None } else { reader.slice(length) };
        commands.push(match (carries, body) {
            (Some(true), None) => return Err(cut),
            (Some(true), Some([])) => command,
            (_, Some(body)) if !body.is_empty() => with_data(command, number, body)?,
            _ => command.expecting(p3),
        });
    }
    Ok(commands)
}

fn expanded(data: &[u8]) -> Result<(Form, Vec<Command>), ScriptParseError> {
    let tags = [script::COMMANDS, script::COMMANDS_INDEFINITE];
    let (indefinite, inside) = ber::template(data, tags).ok_or(ScriptParseError::Template)?;
    let length = if indefinite { TemplateLength::Indefinite } else { TemplateLength::Definite };
    let mut reader = Reader::new(inside);
    let (mut chaining, mut commands) = (None, Vec::new());
    while let Some(tag) = reader.u8() {
        let command = commands.len() + 1;
        let value = ber::value(&mut reader).ok_or(ScriptParseError::Cut { command })?;
        match (tag, value) {
            (script::CHAINING, &[code]) if commands.is_empty() && chaining.is_none() => {
                chaining = Some(Chaining::from_code(code).ok_or(ScriptParseError::Tag { tag, command })?);
            }
            (script::C_APDU, bytes) => commands.push(c_apdu(bytes, command)?),
            _ => return Err(ScriptParseError::Tag { tag, command }),
        }
    }
    Ok((Form::Expanded { length, chaining }, commands))
}

/// A short command of ISO/IEC 7816-4, of any case.
fn c_apdu(bytes: &[u8], number: usize) -> Result<Command, ScriptParseError> {
    let cut = ScriptParseError::Cut { command: number };
    let ([cla, ins, p1, p2], body) = bytes.split_first_chunk::<4>().ok_or(cut)?;
    let command = Command::new(*cla, *ins, *p1, *p2);
    match body {
        [] => Ok(command),
        [le] => Ok(command.expecting(*le)),
        [lc, rest @ ..] => {
            let (data, le) = rest.split_at_checked(usize::from(*lc)).ok_or(cut)?;
            let command = with_data(command, number, data)?;
            match le {
                [] => Ok(command),
                [le] => Ok(command.expecting(*le)),
                _ => Err(cut),
            }
        }
    }
}

fn with_data(command: Command, number: usize, data: &[u8]) -> Result<Command, ScriptParseError> {
    let too_long = ScriptParseError::TooLong { command: number, length: data.len() };
    command.with_bytes(data).map_err(|_| too_long)
}
