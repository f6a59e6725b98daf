//! `onecard gp info`.

use std::fmt;

use anyhow::Context;
use clap::Args;
use onecard_host::{
    globalplatform::{
        Aid, InClear, KeyInformation, SelectedDomain,
        management::{
            ManagementError, card_image_number, card_recognition, issuer_number, key_information, production_data,
            sequence_counter,
        },
        select_domain,
    },
    transport::Transport,
};
use serde::Serialize;

use super::names;
use crate::{
    output::Output,
    reader::{CardReader, Faults},
    table::{Column, pairs, table},
    trace::Trace,
};

/// Options of `gp info`.
#[derive(Args, Debug)]
pub(crate) struct Info {
    #[command(flatten)]
    card: CardReader,
}

#[derive(Serialize)]
struct Known {
    domain: String,
    locked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_max: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recognition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    production: Option<Production>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    card_image_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence_counter: Option<u32>,
    keys: Vec<KnownKey>,
}

#[derive(Serialize)]
struct Production {
    chip_maker: String,
    chip_type: String,
    chip_made: String,
    chip_serial: String,
    chip_batch: String,
}

#[derive(Serialize)]
pub(super) struct KnownKey {
    version: String,
    id: String,
    kind: String,
    #[serde(skip)]
    purpose: &'static str,
}

pub(super) fn run(options: &Info) -> anyhow::Result<Output> {
    let place = options.card.place()?;
    let known = place.tap_contacts(&Faults::default(), &Trace::new(false), look)?;
    Output::view("onecard.gp-info/1", &known.with_context(|| place.to_string())?)
}

fn look(card: &mut dyn Transport) -> anyhow::Result<Known> {
    let SelectedDomain { aid, is_locked, data_max, recognition } = select_domain(card, &Aid::ISSUER_DOMAIN)?;
    let mut domain = InClear(card);
    let recognition = match recognition {
        Some(recognition) => Some(recognition),
        None => card_recognition(&mut domain)?,
    };
    let production = told(production_data(&mut domain))?.map(|data| Production {
        chip_maker: format!("{:04X}", data.chip_maker),
        chip_type: format!("{:04X}", data.chip_type),
        chip_made: format!("{:04X}", data.chip_made),
        chip_serial: format!("{:08X}", data.chip_serial),
        chip_batch: format!("{:04X}", data.chip_batch),
    });
    Ok(Known {
        domain: aid.to_string(),
        locked: is_locked,
        data_max,
        recognition: recognition.map(|it| it.to_string()),
        production,
        issuer_number: told(issuer_number(&mut domain))?.map(hex::encode_upper),
        card_image_number: told(card_image_number(&mut domain))?.map(hex::encode_upper),
        sequence_counter: told(sequence_counter(&mut domain))?,
        keys: known_keys(&told(key_information(&mut domain))?.unwrap_or_default()),
    })
}

/// What a card will not tell in clear is not there for whoever has no session.
fn told<R>(answer: Result<Option<R>, ManagementError>) -> Result<Option<R>, ManagementError> {
    match answer {
        Err(ManagementError::Refused(_)) => Ok(None),
        told => told,
    }
}

/// Keys for a table.
pub(super) fn known_keys(keys: &[KeyInformation]) -> Vec<KnownKey> {
    let rows = keys.iter().map(|key| KnownKey {
        version: format!("{:02X}", key.version),
        id: format!("{:02X}", key.id),
        kind: key.components.iter().map(|(kind, length)| names::key(*kind, *length)).collect::<Vec<_>>().join(", "),
        purpose: names::purpose(key.version),
    });
    rows.collect()
}

/// The table.
pub(super) fn key_table(keys: &[KnownKey]) -> String {
    let columns = [
        Column::Text("key version 版本"),
        Column::Text("id 标识"),
        Column::Text("cipher 算法"),
        Column::Text("for 用途"),
    ];
    let row = |key: &KnownKey| [key.version.clone(), key.id.clone(), key.kind.clone(), key.purpose.to_owned()];
    table(&columns, keys.iter().map(row))
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let locked = if self.locked { ", the card is locked 已锁卡" } else { "" };
        let mut facts = vec![("issuer domain 主安全域", format!("{}{locked}", self.domain))];
        facts.extend(self.recognition.clone().map(|it| ("GlobalPlatform", it)));
        if let Some(it) = &self.production {
            facts.push(("chip maker, type 芯片厂商、型号", format!("{} {}", it.chip_maker, it.chip_type)));
            facts.push(("chip made, batch 生产日期、批次", format!("{} {}", it.chip_made, it.chip_batch)));
            facts.push(("chip serial 芯片序列号", it.chip_serial.clone()));
        }
        facts.extend(self.issuer_number.clone().map(|it| ("issuer number 发卡方编号", it)));
        facts.extend(self.card_image_number.clone().map(|it| ("card image number 卡片映像编号", it)));
        facts.extend(self.sequence_counter.map(|it| ("sequence counter 会话计数", it.to_string())));
        facts.extend(self.data_max.map(|it| ("longest data field 最长数据", it.to_string())));
        f.write_str(&pairs(facts))?;
        if self.keys.is_empty() { Ok(()) } else { f.write_str(&key_table(&self.keys)) }
    }
}
