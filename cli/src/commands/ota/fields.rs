//! Fields of a packet, in both languages.

use std::fmt;

use onecard_host::{
    apdu::{Command, Response},
    over_the_air::{
        CounterMode, Integrity, PacketTerms, ProofOfReceipt, ProofWay, ProofWhen, RedundancyCheck, Script, Spi, Tar,
        message::UserData,
    },
    trace::{Exchange, Field},
    transport::TransportError,
};
use serde::Serialize;

use crate::{table, trace::by_name};

/// One field.
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
pub(super) struct Row {
    /// By its name in the standard.
    pub(super) field: &'static str,
    /// In Chinese.
    #[serde(skip)]
    chinese: &'static str,
    /// Its bytes in hexadecimal digits.
    pub(super) bytes: String,
    /// What it says.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) meaning: String,
}

/// One command of a script, and its answer if there is one.
#[derive(Serialize, Debug)]
pub(super) struct ToldCommand {
    /// From 1.
    number: usize,
    name: String,
    #[serde(serialize_with = "by_name")]
    fields: Vec<Field>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
}

impl Row {
    pub(super) fn new(field: &'static str, chinese: &'static str, bytes: &[u8], meaning: impl Into<String>) -> Self {
        Self { field, chinese, bytes: hex::encode_upper(bytes), meaning: meaning.into() }
    }
}

/// A table of rows.
pub(super) fn text_of(rows: &[Row]) -> String {
    let columns = ["field 字段", "bytes 数据", "meaning 含义"].map(table::Column::Text);
    let cells = |row: &Row| [format!("{} {}", row.field, row.chinese), shortened(&row.bytes), row.meaning.clone()];
    table::table(&columns, rows.iter().map(cells))
}

/// Long bytes: begin and length; JSON has them whole.
fn shortened(digits: &str) -> String {
    match digits.split_at_checked(40) {
        Some((begin, rest)) if !rest.is_empty() => format!("{begin}… ({} bytes)", digits.len() / 2),
        _ => digits.to_owned(),
    }
}

pub(super) fn spi_row(spi: Spi) -> [Row; 2] {
    let [first, second] = spi.to_bytes();
    let command = [integrity(spi.integrity), ciphered(spi.ciphered), counter(spi.counter)].join("; ");
    [
        Row::new("SPI 1", "命令安全参数", &[first], command),
        Row::new("SPI 2", "响应安全参数", &[second], proof(spi.proof)),
    ]
}

fn proof(proof: ProofOfReceipt) -> String {
    let when = match proof.when {
        ProofWhen::Never => return "no proof of receipt 无需响应".to_owned(),
        ProofWhen::Always => "proof of receipt always 总是响应",
        ProofWhen::OfErrors => "proof of receipt of errors 出错时响应",
    };
    let way = match proof.way {
        ProofWay::Report => "in the delivery report 状态报告",
        ProofWay::Submit => "by SMS-SUBMIT 短信",
    };
    [when, integrity(proof.integrity), ciphered(proof.ciphered), way].join("; ")
}

const fn integrity(integrity: Integrity) -> &'static str {
    match integrity {
        Integrity::None => "no check 无校验",
        Integrity::RedundancyCheck => "redundancy check 冗余校验",
        Integrity::Checksum => "cryptographic checksum 密码校验",
    }
}

const fn ciphered(ciphered: bool) -> &'static str {
    if ciphered { "enciphered 加密" } else { "in clear 明文" }
}

const fn counter(counter: CounterMode) -> &'static str {
    match counter {
        CounterMode::Absent => "no counter 无计数器",
        CounterMode::Unchecked => "counter not checked 计数器不检查",
        CounterMode::Higher => "counter higher 计数器须更大",
        CounterMode::Next => "counter higher by one 计数器须大一",
    }
}

/// KIc, or a KID that names a checksum.
pub(super) fn key_meaning(value: u8) -> String {
    let algorithm = match value & 0x0F {
        0x02 => "AES",
        0x05 => "triple DES, two keys",
        0x09 => "triple DES, three keys",
        0x01 | 0x0D => "single DES, refused 拒绝",
        0x00 => "an implicit algorithm, refused 拒绝",
        _ => "an unknown algorithm",
    };
    format!("key set {:02X} 密钥集, {algorithm}", value >> 4)
}

/// KID of a packet with that integrity.
pub(super) fn kid_meaning(value: u8, integrity: Integrity) -> String {
    match (integrity, RedundancyCheck::from_code(value & 0x0F)) {
        (Integrity::RedundancyCheck, Some(RedundancyCheck::Crc16)) => {
            format!("key set {:02X} 密钥集, CRC-16", value >> 4)
        }
        (Integrity::RedundancyCheck, Some(RedundancyCheck::Crc32)) => {
            format!("key set {:02X} 密钥集, CRC-32", value >> 4)
        }
        _ => key_meaning(value),
    }
}

pub(super) fn tar_meaning(tar: Tar) -> &'static str {
    match tar {
        Tar::ISSUER_DOMAIN => "issuer domain 主安全域",
        Tar::FILES | Tar([0xB0, 0x00, 0x01]) => "UICC files UICC文件",
        Tar::FILES_2G => "UICC files, class A0 too UICC文件(2G)",
        Tar::FILES_USIM => "UICC files from the USIM UICC文件(USIM)",
        Tar::ENTERPRISE => "enterprise applications 单位应用",
        _ => "",
    }
}

pub(super) fn counter_row(terms: &PacketTerms) -> Row {
    Row::new("CNTR", "计数器", &terms.counter.to_bytes(), terms.counter.number().to_string())
}

pub(super) fn user_data_row(user_data: &UserData) -> Row {
    let meaning = match user_data.concatenation {
        None => "whole 完整".to_owned(),
        Some(of) => format!("part {} of {} 分段, reference {:04X}", of.part, of.parts, of.reference),
    };
    let bytes = user_data.to_bytes();
    let header = bytes.len() - user_data.body.len();
    Row::new("UDH", "用户数据头", bytes.get(..header).unwrap_or_default(), meaning)
}

/// The script's commands by name, with what they answered.
pub(super) fn told(script: &Script, answers: impl Fn(usize) -> Option<Response>) -> Vec<ToldCommand> {
    script.commands().iter().zip(1..).map(|(command, number)| told_one(command, number, answers(number))).collect()
}

fn told_one(command: &Command, number: usize, answer: Option<Response>) -> ToldCommand {
    let nothing = TransportError::NoAnswer;
    let bytes = answer.as_ref().map(|answer| [&answer.data[..], &answer.status.to_bytes()].concat());
    let exchange = Exchange::record(&command.to_bytes(), bytes.as_deref().ok_or(&nothing));
    let decoded = exchange.decode();
    let [cla, ins, p1, p2] = command.header();
    let name = format!("{} · {cla:02X} {ins:02X} {p1:02X} {p2:02X}", decoded.name);
    let fields = decoded.command.into_iter().chain(decoded.answer).collect();
    ToldCommand { number, name, fields, status: answer.map(|_| decoded.status) }
}

impl fmt::Display for ToldCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}. {}", self.number, self.name)?;
        self.fields.iter().try_for_each(|Field { name, value }| writeln!(f, "     {name:<18} {value}"))?;
        match &self.status {
            Some(status) => writeln!(f, "     = {status}"),
            None => Ok(()),
        }
    }
}
