//! The report as data: what machines read, and what the page is made from.

use std::collections::BTreeMap;

use onecard_vectors::conformance::Untried;
use serde::Serialize;

use super::{ExchangeRecord, Report, RuleResult, Verdict, is_own, worst};
use crate::guard::Mode;

/// A report, ready to be told.
#[derive(Clone, Serialize, Debug)]
pub struct Document {
    /// What the card is, by name in both languages.
    pub card: Vec<Line>,
    /// The settings that rules were tried in, such as ciphers; none where the card was only read.
    pub settings: Vec<String>,
    /// Whether the card was only read.
    pub only_read: bool,
    /// Rules kept.
    pub passed: usize,
    /// Rules not kept.
    pub failed: usize,
    /// Rules not kept, as is known of such cards.
    pub known: usize,
    /// Rules not tried.
    pub skipped: usize,
    /// One sentence.
    pub conclusion: &'static str,
    /// By chapter of the specification.
    pub chapters: Vec<Chapter>,
    /// Clauses that no run tries.
    pub untried: Vec<UntriedClause>,
}

/// A name and a value.
#[derive(Clone, Serialize, Debug)]
pub struct Line {
    /// In both languages.
    pub name: &'static str,
    /// What it is.
    pub value: String,
}

/// A chapter and what became of its rules.
#[derive(Clone, Serialize, Debug)]
pub struct Chapter {
    /// Its number.
    pub number: u32,
    /// Its title in both languages.
    pub title: &'static str,
    /// In the order of their clauses.
    pub rules: Vec<ToldRule>,
}

/// What became of one rule.
#[derive(Clone, Serialize, Debug)]
pub struct ToldRule {
    /// Its name.
    pub id: String,
    /// Clause of the specification.
    pub clause: String,
    /// Page of the FMCOS 2.0 manuals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manual: Option<String>,
    /// Whether it is the project's own.
    pub own: bool,
    /// What a sound card does.
    pub title: String,
    /// The same in Chinese.
    pub chinese: String,
    /// As it fared worst: `passed`, `failed`, `known` or `skipped`.
    pub verdict: &'static str,
    /// The verdict in both languages.
    #[serde(skip)]
    pub verdict_told: &'static str,
    /// In each setting it was tried in; in one alone where it was tried in none.
    pub settings: Vec<ToldSetting>,
}

/// What became of one rule in one setting.
#[derive(Clone, Serialize, Debug)]
pub struct ToldSetting {
    /// The setting, such as a cipher.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub setting: String,
    /// `passed`, `failed`, `known` or `skipped`.
    pub verdict: &'static str,
    /// Why it was not kept or not tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Where a known difference is known from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What was sent and answered.
    pub exchanges: Vec<ToldExchange>,
}

/// One command and its answer, in hexadecimal.
#[derive(Clone, Serialize, Debug)]
pub struct ToldExchange {
    /// The command.
    pub sent: String,
    /// What was expected.
    pub expected: String,
    /// The answer.
    pub answered: String,
    /// Whether it fits.
    pub fits: bool,
    /// What a reader should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A clause that no run tries.
#[derive(Clone, Serialize, Debug)]
pub struct UntriedClause {
    /// The clause.
    pub clause: String,
    /// What is not tried.
    pub title: String,
    /// The same in Chinese.
    pub chinese: String,
    /// Why not.
    pub reason: String,
}

impl Report {
    /// As data.
    #[must_use]
    pub fn document(&self) -> Document {
        let counts = self.counts();
        let card = self.card_lines().into_iter().map(|(name, value)| Line { name, value });
        Document {
            card: card.collect(),
            settings: self.settings().into_iter().map(str::to_owned).collect(),
            only_read: self.mode == Mode::Read,
            passed: counts.passed,
            failed: counts.failed,
            known: counts.known,
            skipped: counts.skipped,
            conclusion: self.conclusion(),
            chapters: chapters(self),
            untried: self.untried.iter().map(UntriedClause::of).collect(),
        }
    }
}

fn chapters(report: &Report) -> Vec<Chapter> {
    let mut by_chapter: BTreeMap<u32, Vec<(Vec<u32>, ToldRule)>> = BTreeMap::new();
    for results in report.by_rule() {
        let Some(rule) = ToldRule::of(&results) else { continue };
        let clause: Vec<u32> = rule.clause.split('.').map(|part| part.parse().unwrap_or_default()).collect();
        let chapter = clause.first().copied().unwrap_or_default();
        by_chapter.entry(chapter).or_default().push((clause, rule));
    }
    let in_order = |(number, mut rules): (u32, Vec<(Vec<u32>, ToldRule)>)| {
        // Stable: rules of one clause stay in the order they were tried.
        rules.sort_by(|one, other| one.0.cmp(&other.0));
        Chapter { number, title: title(number), rules: rules.into_iter().map(|(_, rule)| rule).collect() }
    };
    by_chapter.into_iter().map(in_order).collect()
}

const fn title(chapter: u32) -> &'static str {
    match chapter {
        2 => "Numbers, names and data elements 数据元",
        3 => "Files 文件",
        4 => "Security 安全",
        5 => "Commands of the card operating system 基本命令",
        6 => "Wallet 钱包",
        7 => "SAM (SAM卡)",
        10 => "Loss of power 掉电",
        11 => "Personalisation 个人化",
        13 => "Chosen readings 条款解释",
        _ => "Other clauses 其他条款",
    }
}

impl ToldRule {
    fn of(results: &[&RuleResult]) -> Option<Self> {
        let rule = &results.first()?.rule;
        let (verdict, verdict_told) = told(worst(results)?);
        let tried = results.iter().filter(|result| !matches!(result.verdict, Verdict::Skipped(_)));
        let mut settings: Vec<ToldSetting> = tried.map(|result| ToldSetting::of(result)).collect();
        if settings.is_empty() {
            settings.extend(results.first().map(|result| ToldSetting::of(result)));
        }
        Some(Self {
            id: rule.id.clone(),
            clause: rule.clause.clone(),
            manual: rule.manual.clone(),
            own: is_own(rule),
            title: rule.title.clone(),
            chinese: rule.chinese.clone(),
            verdict,
            verdict_told,
            settings,
        })
    }
}

const fn told(verdict: &Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Passed => ("passed", "符合 kept"),
        Verdict::Failed(_) => ("failed", "不符合 NOT KEPT"),
        Verdict::Known(_) => ("known", "已知差异 known difference"),
        Verdict::Unready { .. } | Verdict::Skipped(_) => ("skipped", "未测 not tried"),
    }
}

impl ToldSetting {
    fn of(result: &RuleResult) -> Self {
        let (why, source) = match &result.verdict {
            Verdict::Passed => (None, None),
            Verdict::Failed(why) => (Some(why.clone()), None),
            Verdict::Known(known) => {
                let why = format!("{}: {} {}", known.cards, known.says, known.chinese);
                (Some(why), Some(known.source.clone()))
            }
            Verdict::Unready { clause, why } => {
                (Some(format!("前置步骤失败 a step in front of it failed: clause {clause}: {why}")), None)
            }
            Verdict::Skipped(skipped) => (Some(format!("{} {}", skipped.chinese(), skipped.english())), None),
        };
        Self {
            setting: result.setting.clone(),
            verdict: told(&result.verdict).0,
            why,
            source,
            exchanges: result.exchanges.iter().map(ToldExchange::of).collect(),
        }
    }
}

impl ToldExchange {
    fn of(exchange: &ExchangeRecord) -> Self {
        Self {
            sent: exchange.sent.clone(),
            expected: exchange.expected.clone(),
            answered: exchange.answered.clone(),
            fits: exchange.fits,
            note: exchange.note.clone(),
        }
    }
}

impl UntriedClause {
    pub(super) fn of(untried: &Untried) -> Self {
        Self {
            clause: untried.clause.clone(),
            title: untried.title.clone(),
            chinese: untried.chinese.clone(),
            reason: untried.reason.clone(),
        }
    }
}
