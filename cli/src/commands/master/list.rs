//! `onecard master list`.

use std::fmt;

use anyhow::Context;
use clap::Args;
use onecard_host::key_master::{ClosedKeyMaster, LifeCycle, MotherStatus, Status, key_master_status, mother_status};
use onecard_simulator::chip::Kind;
use serde::Serialize;

use super::facts::MasterFacts;
use crate::{
    output::{Exit, Output},
    reader::ReaderName,
};

/// Options of `master list`.
#[derive(Args, Debug)]
pub(crate) struct ListMaster {
    /// Reader of the key master card (密钥母卡): pcsc:NAME or sim:FILE.
    #[arg(long, value_name = "READER")]
    reader: ReaderName,
    /// Reader of a mother authentication card (母卡认证卡), to see what it opens.
    #[arg(long, value_name = "READER")]
    mother: Option<ReaderName>,
}

pub(super) fn run(options: &ListMaster) -> anyhow::Result<Output> {
    let place = options.reader.place()?;
    let mut card = place.inserted(Some(Kind::KeyMaster))?;
    let status = key_master_status(&mut card).with_context(|| place.to_string())?;
    let keys = match status.life_cycle {
        LifeCycle::Blank => Vec::new(),
        _ => ClosedKeyMaster::select_locked(&mut card, status.enterprise)
            .and_then(|mut closed| closed.keys())
            .with_context(|| place.to_string())?,
    };
    card.taken_out_of(&place)?;
    let mother = options.mother.as_ref().map(|reader| MotherFacts::read(reader, &status)).transpose()?;
    let exit = if mother.as_ref().is_some_and(|mother| !mother.fits) { Exit::Found } else { Exit::Done };
    Output::report("onecard.master-list/1", exit, &Listed { card: MasterFacts::new(&status, &keys), mother })
}

#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    card: MasterFacts,
    #[serde(skip_serializing_if = "Option::is_none")]
    mother: Option<MotherFacts>,
}

#[derive(Serialize)]
struct MotherFacts {
    /// The key master card that it opens; `None` of a blank one.
    opens: Option<String>,
    fits: bool,
}

impl MotherFacts {
    fn read(reader: &ReaderName, master: &Status) -> anyhow::Result<Self> {
        let place = reader.place()?;
        let mut card = place.inserted(Some(Kind::MotherAuthentication))?;
        let MotherStatus { number, enterprise, life_cycle } =
            mother_status(&mut card).with_context(|| place.to_string())?;
        card.taken_out_of(&place)?;
        let is_blank = life_cycle == LifeCycle::Blank;
        let fits = !is_blank && (number, enterprise) == (master.number, master.enterprise);
        Ok(Self { opens: (!is_blank).then(|| number.to_string()), fits })
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.card.fmt(f)?;
        match &self.mother {
            None => Ok(()),
            Some(MotherFacts { opens: None, .. }) => writeln!(f, "The mother card is blank 认证卡空白."),
            Some(MotherFacts { fits: true, .. }) => writeln!(f, "The mother card opens it 认证卡相配."),
            Some(MotherFacts { opens: Some(number), .. }) => {
                writeln!(f, "The mother card opens {number}, and not this card 认证卡不相配.")
            }
        }
    }
}
