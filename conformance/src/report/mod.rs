//! What a run found, and how it is told.

mod card_lines;
mod document;
mod junit;
mod page;
mod rule_list;
mod text;

use std::collections::BTreeMap;

use onecard_vectors::conformance::{Difference, Rule, Untried};

use crate::{guard::Mode, survey::Facts};

use rule_list::is_own;

pub use document::{Chapter, Document, Line, ToldExchange, ToldRule, ToldSetting, UntriedClause};
pub use rule_list::{ListedRule, RuleList};

/// What a run found.
#[derive(Clone, Debug)]
pub struct Report {
    /// What the card is.
    pub facts: Facts,
    /// How far the run went.
    pub mode: Mode,
    /// One for each rule and each setting it was tried in, in the order they were tried.
    pub results: Vec<RuleResult>,
    /// Clauses that no run tries.
    pub untried: Vec<Untried>,
}

/// What became of one rule.
#[derive(Clone, Debug)]
pub struct RuleResult {
    /// The rule.
    pub rule: Rule,
    /// The setting, such as a cipher; empty where there is one alone.
    pub setting: String,
    /// Whether it is kept.
    pub verdict: Verdict,
    /// What was sent and answered.
    pub exchanges: Vec<ExchangeRecord>,
}

/// Whether a rule is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is.
    Passed,
    /// It is not: why, beyond what the last exchange shows.
    Failed(String),
    /// It is not, as is known of such cards.
    Known(Difference),
    /// It could not be tried: a step in front of it failed, and a rule about that clause says so.
    Unready {
        /// The clause that was not kept.
        clause: String,
        /// How.
        why: String,
    },
    /// It was not tried.
    Skipped(Skipped),
}

/// Why a rule was not tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Skipped {
    /// It writes, and the card was only read.
    OnlyRead,
    /// It is about something this card is not or has not.
    NotThere,
    /// The application's status (EF 0017) is not normal.
    Suspended,
    /// The transport, T=0, does not carry an Le behind a data field.
    NoLe,
    /// The keys were not given.
    NoKeys,
    /// The PIN was not given, or fewer than two tries of it are known to be left.
    NoPin,
    /// A command was withheld: it could have cost a last try, after failures in other rules.
    Withheld,
    /// A step before it in the making of the test application failed.
    NotMade,
}

/// One command and its answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExchangeRecord {
    /// The command in hexadecimal; a holder's secret is not shown.
    pub sent: String,
    /// What was expected, as far as it could be computed; several alternatives are separated by ` or `.
    pub expected: String,
    /// The answer in hexadecimal.
    pub answered: String,
    /// Whether it fits.
    pub fits: bool,
    /// What a reader should know.
    pub note: Option<String>,
}

/// How many rules of each.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    /// Rules kept wherever they were tried.
    pub passed: usize,
    /// Rules not kept.
    pub failed: usize,
    /// Rules not kept, as is known of such cards.
    pub known: usize,
    /// Rules not tried.
    pub skipped: usize,
}

impl Report {
    /// How many rules of each: a rule counts once, as it fared worst.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.by_rule().iter().fold(Counts::default(), |mut counts, results| {
            match worst(results) {
                Some(Verdict::Passed) => counts.passed += 1,
                Some(Verdict::Failed(_)) => counts.failed += 1,
                Some(Verdict::Known(_)) => counts.known += 1,
                Some(Verdict::Unready { .. } | Verdict::Skipped(_)) | None => counts.skipped += 1,
            }
            counts
        })
    }

    /// The results that are failures.
    pub fn failures(&self) -> impl Iterator<Item = &RuleResult> {
        self.results.iter().filter(|result| matches!(result.verdict, Verdict::Failed(_)))
    }

    /// The results of each rule in all its settings, in the order the rules were first tried.
    pub(crate) fn by_rule(&self) -> Vec<Vec<&RuleResult>> {
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        let mut rules: Vec<Vec<&RuleResult>> = Vec::new();
        for result in &self.results {
            let place = *places.entry(&result.rule.id).or_insert(rules.len());
            match rules.get_mut(place) {
                Some(results) => results.push(result),
                None => rules.push(vec![result]),
            }
        }
        rules
    }
}

/// The verdict that says most against the card.
pub(crate) fn worst<'r>(results: &[&'r RuleResult]) -> Option<&'r Verdict> {
    let weight = |verdict: &&Verdict| match verdict {
        Verdict::Failed(_) => 4,
        Verdict::Known(_) => 3,
        Verdict::Unready { .. } => 2,
        Verdict::Passed => 1,
        Verdict::Skipped(_) => 0,
    };
    results.iter().map(|result| &result.verdict).max_by_key(weight)
}

impl Skipped {
    /// In English.
    #[must_use]
    pub const fn english(self) -> &'static str {
        match self {
            Self::OnlyRead => "it writes, and the card was only read",
            Self::NotThere => "this card has not what it is about",
            Self::Suspended => "the application is suspended or reported lost",
            Self::NoLe => "the transport, T=0, does not carry an Le behind a data field",
            Self::NoKeys => "the application's keys were not given",
            Self::NoPin => "the PIN was not given, or fewer than two tries of it are known to be left",
            Self::Withheld => "a command was withheld that could have cost a last try, after failures in other rules",
            Self::NotMade => "the test application could not be made",
        }
    }

    /// In Chinese.
    #[must_use]
    pub const fn chinese(self) -> &'static str {
        match self {
            Self::OnlyRead => "需要写卡，本次只读",
            Self::NotThere => "本卡无此项",
            Self::Suspended => "应用已挂失或暂停",
            Self::NoLe => "T=0协议不传送带数据命令的Le",
            Self::NoKeys => "未提供应用密钥",
            Self::NoPin => "未提供密码，或密码剩余次数不足两次或未知",
            Self::Withheld => "其他规则失败后剩余次数不足，命令未发送",
            Self::NotMade => "测试应用未能建立",
        }
    }
}
