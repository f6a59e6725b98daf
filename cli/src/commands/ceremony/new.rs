//! `onecard ceremony new`.

use std::{fmt, path::PathBuf};

use clap::{Args, ValueEnum};
use onecard_host::keys::Cipher;
use onecard_station::ceremony::{Plan, Record};
use onecard_wire::{key::KeyVersion, number::EnterpriseId};
use serde::Serialize;

use super::record_file::RecordFile;
use crate::{
    args::{At, ENTERPRISE},
    output::{Exit, Output},
    table::pairs,
};

/// Options of `ceremony new`.
#[derive(Args, Debug)]
pub(crate) struct NewCeremony {
    /// The ceremony's file, to be made: it never holds a secret.
    file: PathBuf,
    /// Who holds a component (持有人); once for each, two at least.
    #[arg(long = "holder", value_name = "NAME", required = true)]
    holders: Vec<String>,
    /// How many of the holders are enough; without it all are needed.
    #[arg(long, value_name = "N")]
    need: Option<u8>,
    /// Enterprise id (单位代码), 16 digits.
    #[arg(long, value_name = "ID", default_value = ENTERPRISE)]
    enterprise: EnterpriseId,
    /// Version of every key.
    #[arg(long, value_name = "N", default_value_t = 1)]
    key_version: u8,
    /// The cipher of every key that is not of a protocol's.
    #[arg(long, value_enum, default_value_t = CipherName::TripleDes)]
    cipher: CipherName,
    #[command(flatten)]
    at: At,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum CipherName {
    /// Triple DES, as cards on the market have it 三重DES
    #[value(name = "3des")]
    TripleDes,
    /// SM4, this profile's own 国密SM4
    Sm4,
    /// AES-128, this profile's own AES-128
    Aes,
}

/// Begins a ceremony.
pub(super) fn run(new: &NewCeremony) -> anyhow::Result<Output> {
    let (version, cipher) = (KeyVersion(new.key_version), Cipher::from(new.cipher));
    let holders = new.holders.clone();
    let plan = Plan::new(new.enterprise, version, cipher, holders, new.need, &mut rand::rng())?;
    let record = Record::new(plan, new.at.moment()?);
    RecordFile::create(&new.file, &record)?;
    let plan = record.plan();
    let begun = Begun {
        ceremony: plan.id().to_owned(),
        enterprise: new.enterprise.to_string(),
        key_version: version.0,
        cipher,
        holders: plan.holders().to_vec(),
        need: plan.need(),
        file: new.file.display().to_string(),
    };
    Output::new("onecard.ceremony-new/1", Exit::Done, &begun)
}

#[derive(Serialize)]
struct Begun {
    ceremony: String,
    enterprise: String,
    key_version: u8,
    cipher: Cipher,
    holders: Vec<String>,
    need: u8,
    #[serde(skip)]
    file: String,
}

impl From<CipherName> for Cipher {
    fn from(name: CipherName) -> Self {
        match name {
            CipherName::TripleDes => Self::TripleDes,
            CipherName::Sm4 => Self::Sm4,
            CipherName::Aes => Self::Aes,
        }
    }
}

impl fmt::Display for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&pairs([
            ("ceremony 仪式", self.ceremony.clone()),
            ("enterprise 单位", self.enterprise.clone()),
            ("keys 密钥", format!("version {:02X}, {}", self.key_version, self.cipher)),
            ("holders 持有人", self.holders.join(", ")),
            ("needed 所需人数", format!("{} of {}", self.need, self.holders.len())),
        ]))?;
        let file = &self.file;
        if usize::from(self.need) == self.holders.len() {
            writeln!(f, "Next, each holder alone: onecard ceremony component {file} --holder NAME --out NAME.component")
        } else {
            writeln!(
                f,
                "Next, all holders: onecard ceremony deal {file} --out FILE, once for each holder in this order"
            )
        }
    }
}
