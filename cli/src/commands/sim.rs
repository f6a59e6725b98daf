//! `onecard sim`: a SIM as its maker delivers it.

use std::{fmt, path::PathBuf};

use anyhow::bail;
use clap::{Args, Subcommand};
use onecard_simulator::{
    chip::{Blank, Chip},
    sample::SIM,
};
use onecard_wire::uicc;
use rand::RngExt;
use serde::Serialize;

use crate::{
    args::ChipFile,
    output::{Exit, Output},
    reader::store_chip,
    table::pairs,
};

/// What can be done with a SIM.
#[derive(Subcommand, Debug)]
pub(crate) enum SimCommand {
    /// Make a SIM with published test keys, for tests alone 制作测试SIM卡
    ///
    /// Its subscription has K and OPc of 3GPP TS 35.208 test set 1, its issuer domain the published test keys of GlobalPlatform
    /// cards (SCP03 version 30, SCP02 version 20), its PINs are printed. **Everybody has these keys**: such a SIM must never
    /// stand for a person's.
    #[command(after_help = "\
Examples:
  onecard sim new wang.sim
  onecard sim new wang.sim --iccid 8986002612345678900 --imsi 460001234567890
  onecard sim new wang.sim --ask-pin1             a phone asks for PIN1 when it is switched on
  onecard phone --sim sim:wang.sim                the phone it is in
  onecard simulate --sim sim:wang.sim             at its contacts, for every PC/SC program")]
    New(NewSim),
}

/// Options of `sim new`.
#[derive(Args, Debug)]
pub(crate) struct NewSim {
    /// The new file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// ICCID (卡号), 19 or 20 digits.
    #[arg(long, value_name = "DIGITS", default_value = "8986002612345678900")]
    iccid: String,
    /// IMSI (国际移动用户识别码), 6 to 15 digits.
    #[arg(long, value_name = "DIGITS", default_value = "460001234567890")]
    imsi: String,
    /// PIN1 is enabled.
    #[arg(long)]
    ask_pin1: bool,
}

/// Runs it.
pub(crate) fn run(SimCommand::New(new): &SimCommand) -> anyhow::Result<Output> {
    let file = new.file.display();
    if new.file.exists() {
        bail!("{file} exists already: only a new chip is written, name another file");
    }
    let mut data = SIM;
    let Some(iccid) = uicc::iccid(&new.iccid) else { bail!("--iccid {}: an ICCID has 19 or 20 digits", new.iccid) };
    let Some(imsi) = uicc::imsi(&new.imsi) else { bail!("--imsi {}: an IMSI has 6 to 15 digits", new.imsi) };
    (data.iccid, data.imsi, data.codes.pin1_enabled) = (iccid, imsi, new.ask_pin1);
    let mut chip = Chip::blank(Blank::RfidSim(&data), rand::rng().random())?;
    store_chip(&mut chip, &ChipFile(new.file.clone()))?;
    let code = |code: [u8; 8]| code.iter().take_while(|digit| digit.is_ascii_digit()).map(|d| char::from(*d)).collect();
    let facts = SimFacts {
        file: file.to_string(),
        iccid: new.iccid.clone(),
        imsi: new.imsi.clone(),
        test_keys: true,
        pin1: code(data.codes.pin1),
        pin1_enabled: new.ask_pin1,
        puk1: code(data.codes.puk1),
        pin2: code(data.codes.pin2),
        puk2: code(data.codes.puk2),
        adm1: code(data.codes.adm1),
    };
    Output::new("onecard.sim-new/1", Exit::Done, &facts)
}

/// What was made. Its codes are no secrets: they are the same on every such SIM.
#[derive(Serialize, Debug)]
struct SimFacts {
    file: String,
    iccid: String,
    imsi: String,
    test_keys: bool,
    pin1: String,
    pin1_enabled: bool,
    puk1: String,
    pin2: String,
    puk2: String,
    adm1: String,
}

impl fmt::Display for SimFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = if self.pin1_enabled { "asked for" } else { "not asked for" };
        f.write_str(&pairs([
            ("SIM SIM卡", self.file.clone()),
            ("ICCID 卡号", self.iccid.clone()),
            ("IMSI", self.imsi.clone()),
            ("PIN1, PUK1", format!("{} ({asked}), {}", self.pin1, self.puk1)),
            ("PIN2, PUK2", format!("{}, {}", self.pin2, self.puk2)),
            ("ADM1", self.adm1.clone()),
        ]))?;
        f.write_str("\nTEST KEYS 测试密钥: everybody has this SIM's keys and codes. It is good for tests alone.\n")
    }
}
