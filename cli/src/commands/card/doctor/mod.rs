//! `onecard card doctor`: what is wrong with a card, and what the service desk does.

mod application;
mod finding;
mod in_doubt;
mod rules;
mod secrets;

use std::{fmt, path::PathBuf};

use anyhow::Context;
use clap::Args;
use onecard_host::{
    blacklist::Blacklist,
    card::{
        Pin, PinError, ReadError, Selected, balance, key_list, load_counter, parameters, purchase_counter, select,
        verify_pin,
    },
    keys::Purpose,
    sam::{CardFactors, Sam, SamError, SamOrder},
    terminal::TokenStore,
    transport::Transport,
};
use onecard_wire::{
    aid,
    amount::Amount,
    date::Moment,
    key::{AlgorithmId, KeyListEntry, KeyVersion},
    number::{ApplicationSerial, EnterpriseId, TerminalNumber},
    sam::InitSam,
    status::StatusWord,
    wallet::{Purse, TransactionType},
};
use serde::Serialize;

use self::finding::{Finding, Severity};
use super::{LOAD_FOR_AIR_KEY, PURCHASE_KEY};
use crate::{
    args::{At, Enterprise, SamSource},
    development_keys::DevelopmentKeys,
    ending::Bilingual,
    journal,
    list_source::ListSource,
    output::{Exit, Output},
    passphrase::PassphraseSource,
    pin::PinSource,
    reader::{CardReader, Faults, tap},
    table::wrapped,
    terminal_sam::TerminalSam,
    trace::Trace,
};

/// Options of `card doctor`.
#[derive(Args, Debug)]
pub(crate) struct Doctor {
    #[command(flatten)]
    card: CardReader,
    /// The SAM that should serve the card, sim:FILE or pcsc:NAME, or the keys that are in use, keys:FILE.
    #[arg(long, value_name = "SAM")]
    sam: Option<SamSource>,
    #[command(flatten)]
    passphrase: PassphraseSource,
    #[command(flatten)]
    enterprise: Enterprise,
    /// Another enterprise whose card this may be; may be given several times.
    #[arg(long, value_name = "ID")]
    other: Vec<EnterpriseId>,
    /// A terminal's journal, in which a transaction may wait [default: name of the card's file, or of
    /// the reader in this folder, with .journal].
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    #[command(flatten)]
    list: ListSource,
    #[command(flatten)]
    at: At,
    #[command(flatten)]
    pin: PinSource,
}

/// What was found.
#[derive(Serialize)]
struct Report {
    enterprise: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial: Option<String>,
    date: String,
    healthy: bool,
    findings: Vec<Finding>,
    /// What was not looked at, and how it would be.
    not_checked: Vec<Bilingual>,
}

/// An examination on the way.
struct Examination {
    enterprise: EnterpriseId,
    moment: Moment,
    serial: Option<ApplicationSerial>,
    findings: Vec<Finding>,
    not_checked: Vec<Bilingual>,
}

/// What the card should be served by.
enum InUse {
    Nothing,
    File(Vec<(Purpose, KeyVersion)>),
    Sam(Box<TerminalSam>),
}

pub(super) fn run(options: &Doctor) -> anyhow::Result<Output> {
    let moment = options.at.moment()?;
    let pin = options.pin.offered()?;
    let (enterprise, mut in_use) = options.in_use()?;
    let mut examination =
        Examination { enterprise, moment, serial: None, findings: Vec::new(), not_checked: Vec::new() };
    let examined = tap(&options.card, &Faults::default(), &Trace::new(false), |card| {
        examination.examine(card, &options.other, pin.as_ref(), &mut in_use)
    })?;
    examined.with_context(|| options.card.to_string())?;
    examination.look_into_journal(options)?;
    examination.look_into_list(options.list.read(enterprise)?.as_ref());
    let report = examination.report();
    let exit = if report.healthy { Exit::Done } else { Exit::Found };
    Output::new("onecard.card-doctor/1", exit, &report)
}

impl Doctor {
    fn in_use(&self) -> anyhow::Result<(EnterpriseId, InUse)> {
        Ok(match &self.sam {
            None => (self.enterprise.enterprise, InUse::Nothing),
            Some(SamSource::Keys(path)) => {
                let keys = DevelopmentKeys::read(path, &self.passphrase)?;
                (keys.enterprise, InUse::File(keys.of_enterprise().keys().names().collect()))
            }
            Some(source) => {
                let sam = TerminalSam::open(source, &self.passphrase, self.enterprise.enterprise, &Trace::new(false))?;
                (sam.enterprise, InUse::Sam(Box::new(sam)))
            }
        })
    }

    fn journal_file(&self) -> anyhow::Result<PathBuf> {
        self.journal.clone().map_or_else(|| self.card.file_with(".journal"), Ok)
    }
}

impl Examination {
    fn examine(
        &mut self,
        card: &mut dyn Transport,
        others: &[EnterpriseId],
        pin: Option<&Pin>,
        in_use: &mut InUse,
    ) -> Result<(), ReadError> {
        let application = match select(card, &aid::enterprise_application(self.enterprise)) {
            Ok(application) => application,
            Err(error) => {
                self.findings.push(application::finding(card, &error, self.enterprise, others));
                return Ok(());
            }
        };
        self.serial = Some(application.serial());
        let today = self.moment.date;
        self.findings.extend(rules::of_public_data(&application, self.enterprise, today));
        let balance = balance(card, &application, Purse::Ep)?;
        // Terminals enforce those of a plain wallet, which may lack the file.
        match parameters(card, &application) {
            Ok(parameters) => self.findings.extend(rules::of_parameters(&parameters, balance, today)),
            Err(ReadError::Refused { status: StatusWord::FILE_NOT_FOUND, .. }) => {}
            Err(error) => return Err(error),
        }
        let version = self.ask_counters(card, &application);
        let refused = pin.and_then(|pin| verify_pin(card, &application, pin).err());
        let keys = key_list(card, &application)?;
        self.look_at_secrets(pin.is_some(), refused.as_ref(), keys.as_deref());
        self.compare_keys(&application, keys.as_deref(), version, in_use);
        Ok(())
    }

    /// The counters, as far as the card tells them; and the version of its purchase key.
    fn ask_counters(&mut self, card: &mut dyn Transport, application: &Selected) -> Option<(KeyVersion, AlgorithmId)> {
        let offline = purchase_counter(card, application, Purse::Ep, PURCHASE_KEY).ok();
        let online = load_counter(card, application, Purse::Ep, LOAD_FOR_AIR_KEY).ok();
        let offline_finding = offline.and_then(|told| in_doubt::counter(told.offline_sequence, ("purchases", "消费")));
        let online_finding = online.and_then(|told| in_doubt::counter(told.online_sequence, ("recharges", "充值")));
        self.findings.extend(offline_finding.into_iter().chain(online_finding));
        offline.map(|told| (told.key_version, told.algorithm))
    }

    /// `refused` is the card's answer to a PIN that was offered.
    fn look_at_secrets(&mut self, offered: bool, refused: Option<&PinError>, keys: Option<&[KeyListEntry]>) {
        let of_pin = refused.and_then(secrets::of_pin).or_else(|| keys.and_then(secrets::of_pin_in_list));
        self.findings.extend(of_pin);
        match keys {
            Some(keys) => self.findings.extend(secrets::of_list(keys)),
            None if offered => {}
            None => self.not_checked.push(Bilingual {
                english: "the PIN: this card does not list its keys, so give --pin-file or --ask-pin".to_owned(),
                chinese: "密码：该卡不列出密钥，请加--pin-file或--ask-pin".to_owned(),
            }),
        }
    }

    fn compare_keys(
        &mut self,
        application: &Selected,
        keys: Option<&[KeyListEntry]>,
        purchase: Option<(KeyVersion, AlgorithmId)>,
        in_use: &mut InUse,
    ) {
        let versions = |purpose| match (keys, purpose, purchase) {
            (Some(keys), purpose, _) => secrets::versions(keys, purpose),
            (None, Purpose::Purchase, Some((version, _))) => vec![version],
            (None, ..) => Vec::new(),
        };
        match (in_use, purchase) {
            (InUse::File(names), _) => {
                let on_card = Purpose::ALL.into_iter().map(|purpose| (purpose, versions(purpose)));
                self.findings.extend(secrets::of_versions(on_card, names));
            }
            (InUse::Sam(sam), Some((version, algorithm))) => {
                if !serves(sam.sam(), application, version, algorithm, self.moment) {
                    self.findings.push(secrets::sam_without_keys(version));
                }
            }
            (InUse::Sam(_), None) => self.not_checked.push(Bilingual {
                english: "whether the SAM has the card's keys: the card now refuses what would tell".to_owned(),
                chinese: "SAM是否有该卡密钥：卡当前拒绝相应命令".to_owned(),
            }),
            (InUse::Nothing, _) => self.not_checked.push(Bilingual {
                english: "whether terminals have the card's keys: give --sam".to_owned(),
                chinese: "终端是否有该卡密钥：请加--sam".to_owned(),
            }),
        }
    }

    fn look_into_journal(&mut self, options: &Doctor) -> anyhow::Result<()> {
        let path = options.journal_file()?;
        let Some(serial) = self.serial else {
            self.not_checked.push(Bilingual {
                english: "whether a transaction was interrupted: a journal knows the card by its number".to_owned(),
                chinese: "是否有交易中断：终端日志按卡号记录".to_owned(),
            });
            return Ok(());
        };
        if !path.exists() {
            anyhow::ensure!(options.journal.is_none(), "there is no journal {}", path.display());
            self.not_checked.push(Bilingual {
                english: "whether a transaction was interrupted: name the terminal's journal by --journal".to_owned(),
                chinese: "是否有交易中断：请用--journal指明终端日志".to_owned(),
            });
            return Ok(());
        }
        let pending = journal::open(&path)?.pending()?;
        let of_card = pending.iter().filter(|token| token.transaction.serial == serial);
        self.findings.extend(of_card.map(in_doubt::interrupted));
        Ok(())
    }

    fn look_into_list(&mut self, list: Option<&Blacklist>) {
        match (list, self.serial) {
            (Some(list), Some(serial)) if list.lists(serial) => self.findings.push(rules::listed(list.version())),
            (Some(_), Some(_)) => {}
            (Some(_), None) => self.not_checked.push(Bilingual {
                english: "whether it is on the blacklist, which knows the card by its number".to_owned(),
                chinese: "是否在黑名单中：黑名单按卡号记录".to_owned(),
            }),
            (None, _) => self.not_checked.push(Bilingual {
                english: "whether it is on the blacklist: give --blacklist and --list-key".to_owned(),
                chinese: "是否在黑名单中：请加--blacklist和--list-key".to_owned(),
            }),
        }
    }

    fn report(mut self) -> Report {
        self.findings.sort_by_key(|finding| finding.severity);
        Report {
            enterprise: self.enterprise.to_string(),
            serial: self.serial.map(|serial| serial.to_string()),
            date: self.moment.date.to_string(),
            healthy: self.findings.iter().all(|finding| finding.severity == Severity::Note),
            findings: self.findings,
            not_checked: self.not_checked,
        }
    }
}

/// Whether `sam` has a key for purchases, for recharges or for the desk that is this card's. What is begun for that is
/// never ended, and so spends nothing.
fn serves(
    sam: &mut dyn Sam,
    application: &Selected,
    key_version: KeyVersion,
    algorithm: AlgorithmId,
    moment: Moment,
) -> bool {
    let card = CardFactors { enterprise: application.public_data.enterprise, serial: application.serial() };
    let order = |transaction_type| SamOrder {
        card,
        init: InitSam {
            random: [0; 4],
            card_sequence: 0,
            amount: Amount::ZERO,
            transaction_type,
            moment,
            key_version,
            algorithm,
        },
    };
    let lacks = |error: &SamError| matches!(error, SamError::NoSuchKey | SamError::NotSupported);
    let as_till = !sam.initialize_purchase(&order(TransactionType::PURCHASE_EP)).is_err_and(|error| lacks(&error));
    as_till || {
        let no_mac = sam.check_load(&order(TransactionType::LOAD_EP), TerminalNumber([0; 6]), Amount::ZERO, [0; 4]);
        !no_mac.is_err_and(|error| lacks(&error)) || sam.maintenance_mac(card, [0; 8], &[]).is_ok()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let serial = self.serial.as_deref().unwrap_or("(does not tell its number 不显示卡号)");
        writeln!(f, "Card 卡 {serial}, enterprise 单位 {}, on 日期 {}:", self.enterprise, self.date)?;
        if self.healthy {
            writeln!(f, "\nHEALTHY 正常: nothing is wrong with it. 未发现问题。")?;
        }
        self.findings.iter().try_for_each(|finding| write!(f, "\n{finding}"))?;
        if !self.not_checked.is_empty() {
            writeln!(f, "\nNot checked 未检查:")?;
        }
        self.not_checked
            .iter()
            .try_for_each(|what| write!(f, "{}{}", wrapped(&what.english, 4), wrapped(&what.chinese, 4)))
    }
}
