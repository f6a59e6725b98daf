//! `onecard ota explain`.

use std::fmt;

use anyhow::ensure;
use clap::Args;
use onecard_host::over_the_air::{
    CommandHeader, DeleteRequest, Form, OpenedCommand, PacketKeys, Script, Tar, message::PacketKind,
};
use onecard_wire::ota::request::MARK;
use serde::Serialize;

use super::{
    fields::{Row, ToldCommand, counter_row, key_meaning, kid_meaning, spi_row, tar_meaning, text_of, told},
    keys::KeyOptions,
    message::{Received, hexadecimal},
};
use crate::output::Output;

/// Options of `ota explain`.
#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// The packet, user data or TPDU in hexadecimal digits; every part of a message in parts.
    #[arg(value_name = "HEX", required = true, value_parser = hexadecimal)]
    messages: Vec<Bytes>,
    #[command(flatten)]
    keys: KeyOptions,
}

/// One argument's bytes: clap would take a bare vector for several arguments.
type Bytes = std::vec::Vec<u8>;

#[derive(Serialize)]
struct Explained {
    fields: Vec<Row>,
    /// Whether the checksum or redundancy check was made anew and is right.
    checked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format>,
    commands: Vec<ToldCommand>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remark: Option<String>,
}

/// Explains it.
pub(super) fn run(options: &Explain) -> anyhow::Result<Output> {
    let keys = options.keys.read()?;
    let received = Received::of(&options.messages)?;
    ensure!(
        received.kind != Some(PacketKind::Response),
        "it is a response packet: `onecard ota decode` tells it, with the command it answers 这是响应报文"
    );
    let header = CommandHeader::parse(&received.packet)?;
    let mut fields = received.carriage;
    fields.extend(clear_fields(&header, &received.packet));
    let explained = match keys {
        Some(keys) => opened(&keys, &received.packet, fields)?,
        None => Explained {
            fields,
            checked: false,
            format: None,
            commands: Vec::new(),
            remark: Some("Without keys no more is told. 未提供密钥，其余不可见。".to_owned()),
        },
    };
    Output::view("onecard.ota-explain/1", &explained)
}

fn clear_fields(header: &CommandHeader, packet: &[u8]) -> Vec<Row> {
    let CommandHeader { header_length, spi, kic, kid, tar } = *header;
    let [spi_1, spi_2] = spi_row(spi);
    vec![
        Row::new("CPL", "报文长度", packet.get(..2).unwrap_or_default(), (packet.len() - 2).to_string()),
        Row::new("CHL", "报文头长度", &[header_length], header_length.to_string()),
        spi_1,
        spi_2,
        Row::new("KIc", "加密密钥标识", &[kic], key_meaning(kic)),
        Row::new("KID", "校验密钥标识", &[kid], kid_meaning(kid, spi.integrity)),
        Row::new("TAR", "应用标识", &tar.0, tar_meaning(tar)),
    ]
}

fn opened(keys: &PacketKeys, packet: &[u8], mut fields: Vec<Row>) -> anyhow::Result<Explained> {
    let opened = OpenedCommand::read(keys, packet)?;
    fields.push(counter_row(&opened.terms));
    fields.push(Row::new("PCNTR", "填充长度", &[opened.padding], opened.padding.to_string()));
    let checked = !opened.check.is_empty();
    if checked {
        fields.push(Row::new("RC/CC", "校验", &opened.check, "right 正确"));
    }
    let tar = opened.terms.tar;
    let length = opened.data.len();
    if tar == Tar::ENTERPRISE && opened.data.first() == Some(&MARK) {
        let request = DeleteRequest::read(keys, packet)?;
        let remark = format!(
            "A card's request {} to delete the application of enterprise {}, card {}; the service password is not shown. \
             卡片请求注销应用。",
            request.number.number(),
            request.enterprise,
            request.serial
        );
        return Ok(Explained { fields, checked, format: None, commands: Vec::new(), remark: Some(remark) });
    }
    let script = Script::parse(tar, &opened.data);
    let (format, commands, remark) = match &script {
        Ok(script) => (Some(Format::of(script)), told(script, |_| None), None),
        Err(error) => (None, Vec::new(), Some(format!("{length} bytes of secured data are no script: {error}"))),
    };
    Ok(Explained { fields, checked, format, commands, remark })
}

/// A script's format; data have its English name.
#[derive(Serialize, Clone, Copy, Debug)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    Compact,
    Expanded,
}

impl Format {
    pub(super) const fn of(script: &Script) -> Self {
        match script.form() {
            Form::Compact => Self::Compact,
            Form::Expanded { .. } => Self::Expanded,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Compact => "compact 紧凑格式",
            Self::Expanded => "expanded 扩展格式",
        })
    }
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", text_of(&self.fields))?;
        if let Some(format) = self.format {
            writeln!(f, "{} commands, {format}:", self.commands.len())?;
        }
        self.commands.iter().try_for_each(|command| write!(f, "{command}"))?;
        self.remark.iter().try_for_each(|remark| writeln!(f, "{remark}"))
    }
}
