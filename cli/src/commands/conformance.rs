//! `onecard conformance`: a card held to the specification, clause by clause.

use std::{
    fmt,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, ensure};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use onecard_conformance::{
    Mode, Order, Report, RunError, named_keys,
    report::{Document, RuleList},
    rules,
};
use onecard_host::apdu::{Command, exchange};
use onecard_wire::{
    aid, ins,
    number::{ApplicationSerial, EnterpriseId},
};
use serde::Serialize;
use tempfile::NamedTempFile;

use crate::{
    args::ENTERPRISE,
    clock,
    consent::Consent,
    development_keys::{DevelopmentKeys, KEY_VERSION},
    output::{Exit, Output},
    passphrase::PassphraseSource,
    pin::PinSource,
    reader::{CardReader, Inserted, Place},
};

/// Options of `conformance`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  onecard conformance --reader sim:wang.card
  onecard conformance --reader sim:wang.card --keys dev.keys --pin-file wang.pin
  onecard conformance --reader sim:blank.card --write          # 空白卡：建立测试应用、交易、擦除
  onecard conformance --reader sim:wang.card --format html --out wang.html
  onecard conformance --reader sim:wang.card --format junit --out conformance.xml
  onecard conformance --reader pcsc:ACR122 --write --as-sold   # 刚买的FM1208; it asks first
  onecard conformance --list

What is done to the card 对卡的影响:
  Without --write it is only read 只读: nothing is written, no PIN or key is tried, no
  transaction is completed. A PIN that is given is tried if two tries of it are known to be left.
  With --write a blank card gets a test application, which is used and taken off again; a card
  that is not blank is refused. That is found by reading, and last by one authentication with
  the transport key: a card of another key loses one try by it, each time 非传输密钥的卡每次损失
  一次认证机会. A try known to be the last is not spent, nor anything blocked for good.

Exit codes: 0 kept 符合, 6 a rule is not kept 不符合, 4 refused to write 拒绝写卡, 1 an error.")]
pub(crate) struct ConformanceRun {
    #[command(flatten)]
    reader: CardReader,
    /// Print the rules and their clauses, without a card 列出规则.
    #[arg(long, conflicts_with_all = ["named", "write", "keys", "out"])]
    list: bool,
    /// Write to a card that is blank, and make it blank again 写空白卡.
    #[arg(long, conflicts_with_all = ["keys", "pin_file", "ask_pin"])]
    write: bool,
    /// With --write, a card that lists no keys is as its maker sold it: its transport key, eight bytes FF, has all its
    /// tries; or a run was cut off on it 出厂状态.
    #[arg(long, requires = "write")]
    as_sold: bool,
    /// Development key file: cryptograms and MACs of this card are checked too 开发密钥.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseSource,
    #[command(flatten)]
    pin: PinSource,
    /// Enterprise id (单位代码), 16 digits, whose application is looked for; with --keys the file tells it.
    #[arg(long, value_name = "ID", default_value = ENTERPRISE, conflicts_with = "keys")]
    enterprise: EnterpriseId,
    /// How the report is told; --json is the same as json.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write the report to this new file instead; a summary is printed.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    consent: Consent,
}

/// How a report is told.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    /// For people 文本.
    Text,
    /// For machines.
    Json,
    /// JUnit XML, for build servers.
    Junit,
    /// One self-contained page, for customers 网页.
    Html,
}

const SCHEMA: &str = "onecard.conformance/1";

/// Tries the rules.
pub(super) fn run(order: &ConformanceRun) -> anyhow::Result<Output> {
    if order.list {
        return Output::view("onecard.conformance-rules/1", &RuleList::of(&rules()?));
    }
    let place = order.reader.place()?;
    let mut card = place.inserted(None)?;
    let asked = order.order(&mut card)?;
    // Before the rules are tried: a report that cannot be kept is not worth a write.
    let out = order.out.as_deref().map(beside).transpose()?;
    if order.write && matches!(place, Place::Pcsc(_)) {
        order.consent.ask(place, TO_BE_BLANK, &PLAN.map(str::to_owned))?;
    }
    let bar = progress_bar()?;
    let mut progress = |done: usize, total: usize| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    };
    let ran = asked.run(&mut card, &mut rand::rng(), &mut progress);
    bar.finish_and_clear();
    if let Some(failure) = card.remove() {
        return Err(anyhow!("the chip of {} failed: {failure}", order.reader));
    }
    match ran {
        Ok(report) => order.told(&report, out),
        Err(error) => order.refused(error),
    }
}

/// The report's place until it is whole: in the same folder, so that it only has to be renamed.
fn beside(path: &Path) -> anyhow::Result<NamedTempFile> {
    let cannot = || format!("the report {} cannot be made", path.display());
    // Looked at once more, by the file system, when it gets its name.
    ensure!(path.symlink_metadata().is_err(), "{}: there is such a file already 文件已存在", cannot());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut made = tempfile::Builder::new();
    // It is to be passed on: open as files of this user are.
    #[cfg(unix)]
    made.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    made.tempfile_in(folder).with_context(cannot)
}

const TO_BE_BLANK: &str = "a card that should be blank, and is left alone if it is not 应为空白卡";
const PLAN: [&str; 3] = [
    "one authentication by the transport key, eight FF; a card of another key loses a try by it 以传输密钥认证一次",
    "then a test application, made, used and erased again, once for each cipher 建立测试应用，测试后擦除",
    "the master file made anew; its erase right stays free MF重建，擦除权限保持开放",
];

impl ConformanceRun {
    fn order(&self, card: &mut Inserted) -> anyhow::Result<Order> {
        let mut enterprise = self.enterprise;
        let mut keys = None;
        if let Some(path) = &self.keys {
            let file = DevelopmentKeys::read(path, &self.passphrase)?;
            enterprise = file.enterprise;
            let name = aid::enterprise_application(enterprise);
            let serial = serial_of(card, &name).with_context(|| {
                format!("the card has no application of enterprise {enterprise} that --keys could be for")
            })?;
            keys = Some(named_keys(&file.of_enterprise().card(serial), KEY_VERSION));
        }
        let pin = self.pin.offered()?.map(|pin| pin.expose().to_vec());
        let mode = if self.write { Mode::Write } else { Mode::Read };
        let application = aid::enterprise_application(enterprise).to_vec();
        Ok(Order { mode, application, keys, pin, as_sold: self.as_sold })
    }

    fn refused(&self, error: RunError) -> anyhow::Result<Output> {
        let chinese = match &error {
            RunError::NotBlank(_) => "拒绝写卡：该卡不是空白卡，卡内数据未改动。请换空白卡，或去掉--write。",
            RunError::UnknownTries => {
                "拒绝写卡：该卡不提供密钥列表，传输密钥剩余次数未知。确为出厂状态或本测试中断时请加--as-sold。"
            }
            RunError::OtherKey(_) => {
                "拒绝写卡：该卡密钥不是传输密钥，卡内数据未改动，但认证失败已消耗一次。请勿重复：每次消耗一次，次数用尽将永久锁卡。"
            }
            RunError::Transport(_) if self.write => {
                return Err(error).context(
                    "the run was cut off, and the test application may still be on the card: the same command takes it off, \
                     with --as-sold if the card lists no keys 中断：再次执行同一命令（必要时加--as-sold）即可清除测试应用",
                );
            }
            _ => return Err(error.into()),
        };
        Output::new(SCHEMA, Exit::NotCommitted, &Refused { refused: error.to_string(), chinese })
    }

    fn told(&self, report: &Report, out: Option<NamedTempFile>) -> anyhow::Result<Output> {
        let document = report.document();
        let exit = if document.failed == 0 { Exit::Done } else { Exit::Found };
        let text = match self.format {
            Format::Text => report.text(),
            Format::Json => format!("{:#}\n", crate::output::versioned(SCHEMA, &document)?),
            Format::Junit => document.junit()?,
            Format::Html => document.page(&clock::now()?.to_string())?,
        };
        let (Some(mut file), Some(path)) = (out, &self.out) else {
            return Output::report(SCHEMA, exit, &Told { text, document });
        };
        let written = file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all());
        written.with_context(|| format!("the report {} cannot be written", path.display()))?;
        let named = file.persist_noclobber(path);
        named.map_err(|error| error.error).with_context(|| format!("the report {} cannot be made", path.display()))?;
        let text = format!("{}\nreport 报告: {}", summary(&document), path.display());
        Output::report(SCHEMA, exit, &Told { text, document })
    }
}

/// A report as it is printed, and as JSON.
#[derive(Serialize)]
struct Told {
    #[serde(skip)]
    text: String,
    #[serde(flatten)]
    document: Document,
}

/// A run that did not begin.
#[derive(Serialize)]
struct Refused {
    refused: String,
    #[serde(skip)]
    chinese: &'static str,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Refused: {}.", self.refused)?;
        writeln!(f, "{}", self.chinese)
    }
}

fn summary(document: &Document) -> String {
    let Document { passed, failed, known, skipped, conclusion, .. } = document;
    format!(
        "Rules 规则: {passed} kept 符合, {failed} not kept 不符合, {known} known differences 已知差异, {skipped} not tried \
         未测\n{conclusion}"
    )
}

/// The serial in the FCI of the application, if it is there and open.
fn serial_of(card: &mut Inserted, name: &[u8; 14]) -> Option<ApplicationSerial> {
    let select = Command::new(ins::CLA_ISO, ins::SELECT, 0x04, 0x00).with_data(name).expecting(0);
    let answer = exchange(card, &select).ok()?.data;
    let at = answer.windows(3).position(|window| window == [0x9F, 0x0C, 30])?;
    ApplicationSerial::from_bytes(answer.get(at + 15..at + 23)?.try_into().ok()?)
}

fn progress_bar() -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("rules 规则 {bar:40} {pos}/{len}").context("the progress bar")?;
    Ok(ProgressBar::new(0).with_style(style))
}
