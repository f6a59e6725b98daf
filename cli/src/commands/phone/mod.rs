//! `onecard phone`: a phone with the card in it, as a screen in the terminal or played by a script.

mod screen;
mod script;
mod slot;
mod till;

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use onecard_simulator::handset::{
    Handset, Pin, Settings,
    profile::{Lack, Profile},
};
use serde::Serialize;

use self::{slot::Slot, till::Till};
use crate::{
    args::{At, ChipFile, Enterprise, SamSource},
    output::Output,
    passphrase::PassphraseSource,
    private_file,
    reader::{CardReader, Place},
};

/// Examples of the help.
pub(crate) const EXAMPLES: &str = "\
Examples:
  onecard phone --sim sim:wang.sim             # its screen; what the keys do is told at its foot
  onecard phone --sim sim:wang.sim --language en
  onecard phone --reader pcsc:ACR38            # a real card at a reader's contacts 真卡
  # a terminal to tap beside it: balance, and sales by a till's SAM 旁边的终端
  onecard phone --sim sim:wang.sim --sam sim:till.sam
  # a lesser phone, and what it cannot offer 功能较少的手机
  onecard phone --sim sim:wang.sim --profile no-ucs2,no-sms
  # without a screen: what is shown, step by step; exit code 6 if it is not as written 脚本
  onecard phone --sim sim:wang.sim --script balance.phone

A script, one step a line 脚本示例:
  boot
  menu
  choose 一卡通
  expect-items 余额 | 卡片信息 | 交易记录 | 注销应用 | 语言
  choose 余额
  expect \"余额\"
  ok

Steps 步骤:
  profile LACKS   language zh   date YYYYMMDD   pin 1234   boot   off   menu
  choose TEXT|#N   type TEXT
  ok   back   cancel   help [N]   timeout   wait 30s   busy   free   network off|on
  sms-error HEX|none   answer RESULT [INFO]   next COMMAND RESULT [INFO]   receive SC TPDU
  tap balance   tap pay 5.00   expect TEXT   expect-not TEXT   expect-title TEXT
  expect-items A | B   expect-input hidden|shown digits|text MIN-MAX   expect-key KIND
  expect-idle   expect-menu   expect-no-menu   expect-sms [TAR=HEX] [TO=NUMBER] [PARTS=N]
  expect-no-sms   expect-report ack|error   expect-tap TEXT   expect-complaint TEXT";

/// Options of `phone`.
#[derive(Args, Debug)]
pub(crate) struct Phone {
    /// The SIM in the phone, sim:FILE; its radio side is there too, for the terminal beside.
    #[arg(long, value_name = "CHIP", conflicts_with = "named")]
    sim: Option<ChipFile>,
    #[command(flatten)]
    reader: CardReader,
    /// What the phone can do: full, or what it lacks, with commas: no-ucs2, no-menu, no-select, no-text, no-input,
    /// no-inkey, no-sms, no-timers, no-language, no-date, no-refresh, no-download.
    #[arg(long, value_name = "LACKS", default_value = "full")]
    profile: Profile,
    /// The user's language, two letters: zh or en.
    #[arg(long, value_name = "LANGUAGE", default_value = "zh", value_parser = language)]
    language: String,
    /// File with PIN1 of the SIM (SIM卡密码): its digits and nothing else, mode 0600.
    #[arg(long, value_name = "FILE")]
    sim_pin_file: Option<PathBuf>,
    /// Play this script instead of showing a screen.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// SAM of the terminal beside the phone: sim:FILE, pcsc:NAME or keys:FILE; without it the terminal tells balances.
    #[arg(long, value_name = "SAM")]
    sam: Option<SamSource>,
    #[command(flatten)]
    passphrase: PassphraseSource,
    #[command(flatten)]
    enterprise: Enterprise,
    #[command(flatten)]
    at: At,
}

/// Plays a script, or shows the phone until its user has had enough.
pub(crate) fn run(phone: &Phone) -> anyhow::Result<Output> {
    let settings = Settings {
        profile: phone.profile.clone(),
        language: phone.language.clone(),
        start: Some(phone.at.moment()?),
        pin: phone.pin()?,
        ..Settings::default()
    };
    let place = match &phone.sim {
        Some(file) => Place::Sim(file.clone()),
        None => phone.reader.place()?.clone(),
    };
    let script = phone.script.as_deref().map(script::read).transpose()?;
    let slot = Slot::open(&place)?;
    let mut till = Till::new(slot.field(), phone, &place)?;
    let mut handset = Handset::new(slot.contacts(), settings);
    let ended = match &script {
        Some(script) => script::run(script, &mut handset, &mut till),
        None => screen::run(&mut handset, &mut till),
    };
    handset.power_off();
    slot.close()?;
    ended
}

impl Phone {
    fn pin(&self) -> anyhow::Result<Option<Pin>> {
        let Some(path) = &self.sim_pin_file else {
            return Ok(None);
        };
        let (_, digits) = private_file::read(path, "PIN file")?;
        let pin = Pin::parse(digits.trim_end());
        pin.map(Some).with_context(|| format!("PIN file {}: PIN1 has four to eight digits", path.display()))
    }
}

fn language(text: &str) -> Result<String, String> {
    let fits = text.len() == 2 && text.bytes().all(|letter| letter.is_ascii_lowercase());
    if fits { Ok(text.to_owned()) } else { Err("expected two letters, such as zh or en".to_owned()) }
}

/// Something that the phone cannot do.
#[derive(Serialize, Debug)]
struct Lacking {
    name: &'static str,
    meaning: &'static str,
}

impl Lacking {
    fn of(profile: &Profile) -> Vec<Self> {
        let lacking = |lack: &Lack| Self { name: lack.word(), meaning: lack.meaning() };
        profile.lacks().iter().map(lacking).collect()
    }
}
