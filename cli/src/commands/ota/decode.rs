//! `onecard ota decode`.

use std::fmt;

use anyhow::{Context, ensure};
use clap::Args;
use onecard_host::over_the_air::{Answer, Ending, OpenedCommand, PacketStatus, Script, message::PacketKind};
use serde::Serialize;

use super::{
    explain::Format,
    fields::{Row, ToldCommand, text_of, told},
    keys::KeyOptions,
    message::{Received, hexadecimal},
};
use crate::output::{Exit, Output};

/// Options of `ota decode`.
#[derive(Args, Debug)]
pub(crate) struct Decode {
    /// The response: a packet from RPL on, what the delivery report carries (02 71 00 and the packet), user data or an SMS-SUBMIT;
    /// every part of a message in parts.
    #[arg(value_name = "HEX", required = true, value_parser = hexadecimal)]
    messages: Vec<Bytes>,
    /// The command packet that it answers, in the same forms; once for each part.
    #[arg(long, value_name = "HEX", required = true, value_parser = hexadecimal)]
    command: Vec<Bytes>,
    #[command(flatten)]
    keys: KeyOptions,
}

/// As in `explain`.
type Bytes = std::vec::Vec<u8>;

/// What an answer tells.
#[derive(Serialize)]
pub(super) struct Decoded {
    /// Whether the checksum is right: else anybody may have made it.
    pub(super) proven: bool,
    status: u8,
    fields: Vec<Row>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format>,
    #[serde(skip_serializing_if = "Option::is_none")]
    executed: Option<usize>,
    commands: Vec<ToldCommand>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remark: Option<String>,
}

/// Decodes it.
pub(super) fn run(options: &Decode) -> anyhow::Result<Output> {
    let keys = options.keys.required()?;
    let command = Received::of(&options.command).context("the command")?;
    let opened = OpenedCommand::read(&keys, &command.packet).context("the command")?;
    let received = Received::of(&options.messages).context("the response")?;
    ensure!(
        received.kind != Some(PacketKind::Command),
        "the response is a command packet: `onecard ota explain` tells it"
    );
    let answer = Answer::read(&keys, &opened.terms, &received.packet)?;
    let script = Script::parse(opened.terms.tar, &opened.data).context("the command")?;
    let decoded = Decoded::of(&script, &answer, received.carriage);
    let exit = if decoded.proven { Exit::Done } else { Exit::Found };
    Output::report("onecard.ota-decode/1", exit, &decoded)
}

impl Decoded {
    pub(super) fn of(script: &Script, answer: &Answer, mut fields: Vec<Row>) -> Self {
        let proven = matches!(answer, Answer::Proven(_));
        if let Answer::Hint(hint) = answer {
            fields.push(Row::new("TAR", "应用标识", &hint.tar.0, ""));
            fields.push(Row::new("CNTR", "计数器", &hint.counter.to_bytes(), hint.counter.number().to_string()));
        }
        let PacketStatus(status) = answer.status();
        let meaning = answer.status().meaning().map(|(english, chinese)| format!("{english} {chinese}"));
        fields.push(Row::new("status", "响应状态", &[status], meaning.unwrap_or_default()));
        if !answer.data().is_empty() {
            fields.push(Row::new("data", "响应数据", answer.data(), ""));
        }
        let told_nothing =
            Self { proven, status, fields, format: None, executed: None, commands: Vec::new(), remark: None };
        if answer.status() != PacketStatus::OK || answer.data().is_empty() {
            return told_nothing;
        }
        match script.read_answer(answer.data()) {
            Ok(read) => Self {
                format: Some(Format::of(script)),
                executed: Some(read.executed),
                commands: told(script, |number| read.to_command(number).cloned()),
                remark: Some(ending(read.ending, script.commands().len())),
                ..told_nothing
            },
            Err(error) => Self { remark: Some(error.to_string()), ..told_nothing },
        }
    }
}

fn ending(ending: Ending, commands: usize) -> String {
    match ending {
        Ending::Complete => "Complete 全部执行。".to_owned(),
        Ending::Stopped { command, status } => {
            let status = status.map_or_else(|| "nothing".to_owned(), |status| format!("{:04X}", status.0));
            format!("Stopped behind command {command} of {commands}, which answered {status} 执行中止。")
        }
        Ending::BadFormat(reason) => format!("The script is not of the format: {reason:?} 格式错误。"),
        Ending::Unchained(reason) => format!("The script goes on from no other: {reason:?} 脚本未衔接。"),
    }
}

impl fmt::Display for Decoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let worth = if self.proven {
            "Proven: the card made this for this packet. 已验证。"
        } else {
            "A hint and nothing more: without a checksum anybody may have made it. 仅供参考，未经验证。"
        };
        writeln!(f, "{worth}\n{}", text_of(&self.fields))?;
        if let (Some(format), Some(executed)) = (self.format, self.executed) {
            writeln!(f, "{executed} of {} commands executed, {format}:", self.commands.len())?;
        }
        self.commands.iter().try_for_each(|command| write!(f, "{command}"))?;
        self.remark.iter().try_for_each(|remark| writeln!(f, "{remark}"))
    }
}
