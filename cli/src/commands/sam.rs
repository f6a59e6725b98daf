//! `onecard sam`: a terminal's SAM.

use std::{fmt, path::PathBuf};

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand, ValueEnum};
use onecard_host::{
    apdu::{Command, exchange},
    crypto::DesKey,
    issuing::{MfKeys, SamCardOrder, SamRole, SamSerial, issue_sam, prepare_mf},
    transport::Transport,
};
use onecard_simulator::{
    chip::{Blank, Chip},
    reader::Reader,
};
use onecard_wire::{
    aid,
    amount::Amount,
    date::Date,
    fid::Fid,
    ins,
    number::{EnterpriseId, TerminalNumber},
    sam::{CARD_INFO_LEN, LoadLimit, PUBLIC_INFO_LEN, SequenceRecord},
    status::StatusWord,
};
use rand::{CryptoRng, Rng, RngExt};
use serde::Serialize;

use crate::{
    args::{self, Enterprise},
    development_keys::{DevelopmentKeys, KEY_VERSION},
    output::{Exit, Output},
    passphrase::PassphraseSource,
    reader::{CardReader, Faults, store_chip},
    table::pairs,
    trace::{Peer, Trace},
};

/// What can be done with a SAM.
#[derive(Subcommand, Debug)]
pub(crate) enum SamCommand {
    /// Issue a SAM to a new chip 发行SAM卡
    #[command(after_help = "\
Examples:
  onecard sam new --reader sim:till.sam --keys dev.keys --role till
  onecard sam new --reader sim:station.sam --keys dev.keys --role recharge --terminal 000000000002
  onecard sam new --reader sim:door.sam --keys dev.keys --role door --terminal 000000000004")]
    New(NewSam),
    /// Show what a SAM tells without a key 查看SAM卡
    #[command(after_help = "Example:\n  onecard sam show --reader sim:till.sam")]
    Show(ShowSam),
}

/// Options of `sam new`.
#[derive(Args, Debug)]
pub(crate) struct NewSam {
    #[command(flatten)]
    sam: CardReader,
    /// The development key file.
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseSource,
    /// What the terminal does.
    #[arg(long, value_enum)]
    role: Role,
    /// Terminal number (终端机编号), 12 digits.
    #[arg(long, value_name = "NUMBER", default_value = "000000000001", value_parser = args::terminal_number)]
    terminal: TerminalNumber,
    /// What it may load until the station raises the limit, yuan.
    #[arg(long, value_name = "YUAN", default_value = "10000", value_parser = args::amount)]
    load_limit: Amount,
    #[command(flatten)]
    validity: Validity,
}

/// Its dates.
#[derive(Args, Debug)]
pub(crate) struct Validity {
    /// First day of validity.
    #[arg(long, value_name = "YYYY-MM-DD", default_value = "2026-01-01", value_parser = args::date)]
    pub(crate) valid_from: Date,
    /// Last day of validity.
    #[arg(long, value_name = "YYYY-MM-DD", default_value = "2030-12-31", value_parser = args::date)]
    pub(crate) valid_to: Date,
}

/// Options of `sam show`.
#[derive(Args, Debug)]
pub(crate) struct ShowSam {
    #[command(flatten)]
    sam: CardReader,
    #[command(flatten)]
    enterprise: Enterprise,
}

/// What the terminal does, and so which keys its SAM gets.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub(crate) enum Role {
    /// Purchases 消费
    Till,
    /// Recharges 充值
    Recharge,
    /// Lets in 门禁
    Door,
    /// Clocks in and out 考勤
    Attendance,
    /// Reads logs, unblocks PINs 服务台
    ServiceDesk,
    /// Makes a station's MACs while it washes cards 发卡
    Issuing,
}

/// Runs one of them.
pub(crate) fn run(command: &SamCommand) -> anyhow::Result<Output> {
    match command {
        SamCommand::New(new) => {
            let file = new.sam.new_file()?;
            let keys = DevelopmentKeys::read(&new.keys, &new.passphrase)?;
            let random = &mut rand::rng();
            let order = order(new, random)?;
            let mut chip = issue(&keys, &order, random)?;
            store_chip(&mut chip, file)?;
            let facts = read(&mut Reader::insert(chip), keys.enterprise)?;
            Output::new("onecard.sam-new/1", Exit::Done, &facts)
        }
        SamCommand::Show(ShowSam { sam, enterprise }) => {
            let place = sam.place()?;
            let (faults, trace) = (Faults::default(), Trace::new(false));
            let facts = place.tap(Peer::Sam, &faults, &trace, |mut card| read(&mut card, enterprise.enterprise))?;
            let facts = facts.with_context(|| place.to_string())?;
            Output::view("onecard.sam-show/1", &facts)
        }
    }
}

/// A new chip issued as `order` says, in RAM.
pub(crate) fn issue<R: CryptoRng>(
    keys: &DevelopmentKeys,
    order: &SamCardOrder,
    random: &mut R,
) -> anyhow::Result<Chip> {
    let chip = Chip::blank(Blank::Sam, random.random())?;
    let mf = MfKeys::of_sam(&keys.roots.chip(order.serial.factor()), KEY_VERSION)?;
    let mut reader = Reader::insert(chip);
    prepare_mf(&mut reader, &DesKey::TRANSPORT.into(), &mf, random)?;
    issue_sam(&mut reader, &mf, &keys.of_enterprise(), order)?;
    Ok(reader.remove())
}

/// A number of its own for a new SAM: 20 digits.
pub(crate) fn new_serial(random: &mut impl Rng) -> anyhow::Result<SamSerial> {
    Ok(format!("{:020}", random.next_u64()).parse()?)
}

impl Role {
    /// The host's word for it.
    pub(crate) const fn sam_role(self) -> SamRole {
        match self {
            Self::Till => SamRole::Till,
            Self::Recharge => SamRole::Recharge,
            Self::Door => SamRole::Door,
            Self::Attendance => SamRole::Attendance,
            Self::ServiceDesk => SamRole::ServiceDesk,
            Self::Issuing => SamRole::Issuing,
        }
    }
}

fn order(new: &NewSam, random: &mut impl Rng) -> anyhow::Result<SamCardOrder> {
    Ok(SamCardOrder {
        serial: new_serial(random)?,
        directory: DIRECTORY,
        terminal: new.terminal,
        valid_from: new.validity.valid_from,
        valid_to: new.validity.valid_to,
        load_limit: new.load_limit,
        own_key_version: KEY_VERSION,
        keys: new.role.sam_role().keys(KEY_VERSION),
    })
}

/// The directory of the SAM's application.
pub(crate) const DIRECTORY: Fid = Fid(0xDF01);

/// What a SAM tells without a key.
#[derive(Serialize, Debug)]
pub(crate) struct SamFacts {
    pub(crate) enterprise: String,
    pub(crate) terminal: String,
    pub(crate) valid_from: String,
    pub(crate) valid_to: String,
    pub(crate) next_terminal_sequence: u32,
    pub(crate) load_limit_fen: u32,
}

/// Reads a SAM's files.
pub(crate) fn read<T: Transport>(card: &mut T, enterprise: EnterpriseId) -> anyhow::Result<SamFacts> {
    let mf = Command::new(ins::CLA_ISO, ins::SELECT, 0x00, 0x00).with_data(&Fid::MF.0.to_be_bytes());
    answer(card, &mf.expecting(0))?;
    let terminal: [u8; 6] = binary(card, Fid::SAM_TERMINAL)?;
    select_application(card, enterprise)?;
    let info: [u8; PUBLIC_INFO_LEN] = binary(card, Fid::SAM_PUBLIC_INFO)?;
    let limit: [u8; LoadLimit::LEN] = binary(card, Fid::SAM_LOAD_LIMIT)?;
    let limit = LoadLimit::parse(&limit).ok_or_else(|| anyhow!("the load limit does not parse"))?;
    let [.., a, b, c, d, e, f, g, h] = info;
    let date = |bytes| Date::from_bytes(bytes).map_or_else(|| "-".to_owned(), |date| date.to_string());
    Ok(SamFacts {
        enterprise: enterprise.to_string(),
        terminal: TerminalNumber(terminal).to_string(),
        valid_from: date([a, b, c, d]),
        valid_to: date([e, f, g, h]),
        next_terminal_sequence: next_sequence(card)?,
        load_limit_fen: limit.spendable.fen(),
    })
}

/// The SAM's own number and its terminal's, in the files of its MF; `None` if they are not there, or empty.
pub(crate) fn numbers<T: Transport>(card: &mut T) -> anyhow::Result<Option<(SamSerial, TerminalNumber)>> {
    let mf = Command::new(ins::CLA_ISO, ins::SELECT, 0x00, 0x00).with_data(&Fid::MF.0.to_be_bytes());
    answer(card, &mf.expecting(0))?;
    const LEN: u8 = CARD_INFO_LEN as u8;
    let sfi = 0x80 | Fid::SAM_CARD_INFO.sfi().unwrap_or_default();
    let Ok(info) = exchange(card, &Command::new(ins::CLA_ISO, ins::READ_BINARY, sfi, 0x00).expecting(LEN))?.done()
    else {
        return Ok(None);
    };
    let digits = info.get(..10).map(hex::encode).unwrap_or_default();
    let serial: Option<SamSerial> = digits.parse().ok().filter(|serial: &SamSerial| serial.factor() != [0; 8]);
    serial.map(|serial| Ok((serial, TerminalNumber(binary(card, Fid::SAM_TERMINAL)?)))).transpose()
}

/// Whether the application's public information was written.
pub(crate) fn has_contents<T: Transport>(card: &mut T, enterprise: EnterpriseId) -> anyhow::Result<bool> {
    select_application(card, enterprise)?;
    let info: [u8; PUBLIC_INFO_LEN] = binary(card, Fid::SAM_PUBLIC_INFO)?;
    Ok(info != [0; PUBLIC_INFO_LEN])
}

fn select_application<T: Transport>(card: &mut T, enterprise: EnterpriseId) -> anyhow::Result<()> {
    let name = aid::sam_application(enterprise);
    let application = Command::new(ins::CLA_ISO, ins::SELECT, 0x04, 0x00).with_data(&name).expecting(0);
    let selected = answer(card, &application);
    selected.map(drop).with_context(|| format!("no SAM application of enterprise {enterprise}"))
}

/// The newest record; before the first purchase there is none.
fn next_sequence<T: Transport>(card: &mut T) -> anyhow::Result<u32> {
    const NEWEST: u8 = 0x01;
    const LEN: u8 = SequenceRecord::LEN as u8;
    let sfi = Fid::SAM_SEQUENCE.sfi().unwrap_or_default();
    let read = Command::new(ins::CLA_ISO, ins::READ_RECORD, NEWEST, sfi << 3 | 0x04).expecting(LEN);
    match exchange(card, &read)?.done() {
        Ok(record) => {
            let record = SequenceRecord::parse(&record).ok_or_else(|| anyhow!("the sequence record does not parse"))?;
            Ok(record.next_sequence)
        }
        Err(StatusWord::RECORD_NOT_FOUND) => Ok(0),
        Err(status) => Err(anyhow!("the SAM answered {status}")),
    }
}

fn binary<T: Transport, const N: usize>(card: &mut T, file: Fid) -> anyhow::Result<[u8; N]> {
    let sfi = file.sfi().unwrap_or_default();
    let length = u8::try_from(N).unwrap_or_default();
    let content = answer(card, &Command::new(ins::CLA_ISO, ins::READ_BINARY, 0x80 | sfi, 0x00).expecting(length))?;
    let found = content.len();
    content.try_into().map_err(|_| anyhow!("file {:04X} has {found} bytes, {N} were expected", file.0))
}

fn answer<T: Transport>(card: &mut T, command: &Command) -> anyhow::Result<Vec<u8>> {
    exchange(card, command)?.done().map_err(|status| anyhow!("the SAM answered {status}"))
}

impl fmt::Display for SamFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&pairs([
            ("SAM of terminal 终端机编号", self.terminal.clone()),
            ("enterprise 单位", self.enterprise.clone()),
            ("valid 有效期", format!("{} to {}", self.valid_from, self.valid_to)),
            ("next terminal sequence 终端交易序号", self.next_terminal_sequence.to_string()),
            ("may still load 充值额度", format!("{} yuan", Amount::from_fen(self.load_limit_fen))),
        ]))
    }
}
