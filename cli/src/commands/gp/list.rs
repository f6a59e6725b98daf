//! `onecard gp list`.

use std::fmt;

use clap::Args;
use onecard_host::globalplatform::management::{RegistryEntry, whole_registry};
use serde::Serialize;

use super::{access::Access, names};
use crate::{
    output::Output,
    table::{Column, table},
};

/// Options of `gp list`.
#[derive(Args, Debug)]
pub(crate) struct List {
    #[command(flatten)]
    access: Access,
}

#[derive(Serialize)]
struct Listed {
    protocol: String,
    level: String,
    key_version: String,
    entries: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    kind: &'static str,
    aid: String,
    #[serde(skip)]
    row: [String; 4],
    state: String,
    life_cycle: String,
    privileges: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    load_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    modules: Vec<String>,
}

pub(super) fn run(options: &List) -> anyhow::Result<Output> {
    let listed = options.access.in_session(|session| {
        let entries = whole_registry(session)?;
        let peer = session.peer();
        Ok(Listed {
            protocol: format!("SCP{:02X}", peer.protocol.0),
            level: session.level().to_string(),
            key_version: format!("{:02X}", peer.key_version),
            entries: entries.iter().map(Entry::new).collect(),
        })
    })?;
    Output::view("onecard.gp-list/1", &listed)
}

impl Entry {
    fn new(entry: &RegistryEntry) -> Self {
        let aid = entry.aid.to_string();
        Self {
            kind: names::kind_word(entry.kind),
            row: [names::kind(entry.kind).to_owned(), aid.clone(), names::state(entry), names::name(&entry.aid)],
            aid,
            state: names::state_word(entry),
            life_cycle: format!("{:02X}", entry.life_cycle),
            privileges: entry.privileges.map(|it| it.names().collect()).unwrap_or_default(),
            load_file: entry.load_file.as_ref().map(ToString::to_string),
            domain: entry.domain.as_ref().map(ToString::to_string),
            modules: entry.modules.iter().map(ToString::to_string).collect(),
        }
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { protocol, level, key_version, entries } = self;
        writeln!(f, "{} entries, by {protocol} level {level}, key version {key_version}.", entries.len())?;
        let columns =
            [Column::Text("kind 类型"), Column::Text("AID"), Column::Text("state 状态"), Column::Text("name 名称")];
        f.write_str(&table(&columns, entries.iter().map(|entry| entry.row.clone())))
    }
}
