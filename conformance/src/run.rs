//! A run: every rule that the card and the order allow, one after another.

use std::collections::BTreeSet;

use onecard_host::transport::TransportError;
use onecard_vectors::conformance::{Conformance, ConformanceDefect, Need, Rule, Scope};
use onecard_wire::status::StatusWord;
use rand_core::CryptoRng;

use crate::{
    attempt::{Attempt, Bench, Stop, status},
    card::TestedCard,
    guard::{Guard, Mode},
    known::known_difference,
    language::value::Names,
    report::{ExchangeRecord, Report, RuleResult, Skipped, Verdict},
    survey::{Facts, sam_of, select, survey},
    write::write,
};

/// What is to be tried.
#[derive(Clone, Default, Debug)]
pub struct Order {
    /// How far it may go.
    pub mode: Mode,
    /// Name (AID) of the application that is looked for, when the card is only read.
    pub application: Vec<u8>,
    /// Its keys by the names that rules use, if they are known.
    pub keys: Option<Names>,
    /// The holder's PIN, 2 to 6 bytes, if it is known. It is tried only if more than one try is known to be left.
    pub pin: Option<Vec<u8>>,
    /// The caller vouches that the card is as its maker sold it, its transport key with all its tries, or that a run was cut
    /// off on it: needed to write to a card that lists no keys.
    pub as_sold: bool,
}

/// Why there is no report. The card is as it was, unless it says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The rules do not load.
    #[error(transparent)]
    Rules(#[from] ConformanceDefect),
    /// The card does not answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The card is not blank.
    #[error("only a blank card is written to, and this one is not: {0}; take another, or run without writing")]
    NotBlank(String),
    /// The card lists no keys, so nobody knows how many tries its transport key has left.
    #[error(
        "this card does not list its keys, so nobody knows how many tries its transport key has left: if it is as its \
         maker sold it, or a run like this was cut off on it, say so"
    )]
    UnknownTries,
    /// The card has another key than the transport key: the right cryptogram was answered so, and has cost it a try.
    #[error(
        "its key is not the transport key, eight bytes FF: to the right cryptogram it answered {status}{left}. Do not run \
         this again: each attempt costs a try, and the last locks the card for good",
        status = .0,
        left = tries_left(*.0)
    )]
    OtherKey(StatusWord),
    /// The look at the card in front of all rules failed.
    #[error("the card cannot be looked at: {0}")]
    Survey(String),
}

fn tries_left(status: StatusWord) -> String {
    match status.tries() {
        Some(0) => ", it is locked".to_owned(),
        Some(1) => ", 1 try is left, the last".to_owned(),
        Some(tries) => format!(", {tries} tries are left"),
        None => String::new(),
    }
}

/// What a caller hears while it runs: rules tried, and rules there are.
pub type Progress<'p> = &'p mut dyn FnMut(usize, usize);

impl Order {
    /// Tries every rule that the order and the card allow.
    ///
    /// # Errors
    /// [`RunError`]. A rule that is not kept is no error: it is in the report.
    pub fn run(
        &self,
        card: &mut dyn TestedCard,
        random: &mut dyn CryptoRng,
        progress: Progress<'_>,
    ) -> Result<Report, RunError> {
        self.run_rules(&Conformance::embedded()?, card, random, progress)
    }

    /// The same with rules of the caller's.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_rules(
        &self,
        rules: &Conformance,
        card: &mut dyn TestedCard,
        random: &mut dyn CryptoRng,
        progress: Progress<'_>,
    ) -> Result<Report, RunError> {
        // The survey only reads, whatever comes after it.
        let bench = Bench { card, random, guard: Guard::new(Mode::Read), procedures: &rules.procedures };
        let mut run = Run {
            rules,
            bench,
            facts: Facts::default(),
            results: Vec::new(),
            progress,
            done: 0,
            total: 0,
            writes: self.mode == Mode::Write,
        };
        let mut attempt = Attempt::new(&mut run.bench, Names::default());
        run.facts = survey(&mut attempt, &self.application).map_err(survey_failed)?;
        match self.mode {
            Mode::Read => run.read(self)?,
            Mode::Write => write(&mut run, self)?,
        }
        blame_what_nothing_explains(&mut run.results);
        Ok(Report { facts: run.facts, mode: self.mode, results: run.results, untried: rules.untried.clone() })
    }
}

pub(crate) fn survey_failed(stop: Stop) -> RunError {
    match stop {
        Stop::Transport(error) => RunError::Transport(error),
        other => RunError::Survey(other.to_string()),
    }
}

/// A step in front of a rule that does not keep another clause is that clause's failure. If no rule about it failed, the rule
/// that met it is the witness.
fn blame_what_nothing_explains(results: &mut [RuleResult]) {
    let failed = |result: &&RuleResult| matches!(result.verdict, Verdict::Failed(_) | Verdict::Known(_));
    let explained: BTreeSet<String> = results.iter().filter(failed).map(|result| result.rule.clause.clone()).collect();
    for result in results {
        if let Verdict::Unready { clause, why } = &result.verdict
            && !explained.contains(clause)
        {
            result.verdict = Verdict::Failed(format!("clause {clause}: {why}"));
        }
    }
}

/// A run on its way.
pub(crate) struct Run<'r, 'b> {
    pub(crate) rules: &'r Conformance,
    pub(crate) bench: Bench<'b>,
    pub(crate) facts: Facts,
    pub(crate) results: Vec<RuleResult>,
    progress: Progress<'r>,
    done: usize,
    pub(crate) total: usize,
    /// Whether the order is to write, once the card is known to be blank.
    writes: bool,
}

/// What the rules of one part of a run share.
#[derive(Clone, Default, Debug)]
pub(crate) struct Setting {
    /// What it is called in the report.
    pub(crate) label: String,
    /// What rules know.
    pub(crate) names: Names,
    pub(crate) has_keys: bool,
    pub(crate) has_pin: bool,
    /// Whether the application's status is normal.
    pub(crate) normal: bool,
    /// Whether the application has the own parts; `None` if there is none to be selected.
    pub(crate) own: Option<bool>,
}

impl Run<'_, '_> {
    fn read(&mut self, order: &Order) -> Result<(), RunError> {
        let mut setting = Setting { names: order.keys.clone().unwrap_or_default(), ..Setting::default() };
        setting.names.set_bytes("aid", &order.application);
        if let Some(sam) = sam_of(&order.application).filter(|_| self.facts.sam) {
            setting.names.set_bytes("aid", &sam);
        }
        if let Some(application) = self.facts.application.as_ref().filter(|application| application.is_issued()) {
            application.name(&mut setting.names);
            setting.own = Some(application.has_own_parts());
            setting.normal = !application.has_own_parts() || application.status.is_none_or(|status| status == 0x00);
        }
        setting.has_keys = order.keys.is_some();
        if let Some(pin) = &order.pin {
            setting.names.set_bytes("pin", pin);
            setting.has_pin = self.bench.guard.may_try("pin");
        }
        self.total = self.rules.rules.len();
        for rule in &self.rules.rules {
            self.try_rule(rule, &mut setting.clone())?;
        }
        Ok(())
    }

    /// Tries one rule in `setting`, if it holds there, and keeps the result. What the steps named is then in the setting.
    pub(crate) fn try_rule(&mut self, rule: &Rule, setting: &mut Setting) -> Result<bool, RunError> {
        self.done += 1;
        (self.progress)(self.done, self.total.max(self.done));
        if let Some(why) = self.skipped(rule, setting) {
            self.keep(rule, setting, Verdict::Skipped(why), Vec::new());
            return Ok(false);
        }
        let mut attempt = Attempt::new(&mut self.bench, setting.names.clone());
        let ended = attempt.enter(rule.on).and_then(|()| attempt.steps(&rule.steps));
        let (names, exchanges) = (core::mem::take(&mut attempt.names), core::mem::take(&mut attempt.exchanges));
        if ended.is_err() {
            attempt.names = names.clone();
            // It may fail as the rule did.
            let _ = attempt.steps(&rule.restore);
        }
        let verdict = match ended {
            Ok(()) => Verdict::Passed,
            Err(Stop::Transport(error)) => {
                // A card that fell silent may come up again; one that does not ends the run.
                self.bench.card.power_cycle()?;
                Verdict::Failed(error.to_string())
            }
            // The counters have come down by what failed before: that is no fault of this rule's.
            Err(Stop::Withheld(_)) => Verdict::Skipped(Skipped::Withheld),
            Err(Stop::Unready { clause, why }) if clause != rule.clause => Verdict::Unready { clause, why },
            Err(stop) => {
                let known = known_difference(rule, &self.rules.differences, &self.facts, &exchanges, self.bench.random);
                known.map_or_else(|| Verdict::Failed(stop.to_string()), Verdict::Known)
            }
        };
        let passed = matches!(verdict, Verdict::Passed | Verdict::Known(_));
        setting.names = names;
        self.keep(rule, setting, verdict, exchanges);
        Ok(passed)
    }

    /// Surveys the card again, after it was made blank.
    pub(crate) fn look_again(&mut self) -> Result<(), RunError> {
        let guard = self.bench.guard.clone();
        self.facts = survey(&mut Attempt::new(&mut self.bench, Names::default()), &[]).map_err(survey_failed)?;
        self.bench.guard = guard;
        Ok(())
    }

    /// Whether SELECT finds an application of this name, blocked or not.
    pub(crate) fn is_there(&mut self, name: &[u8]) -> Result<bool, RunError> {
        self.bench.card.power_cycle()?;
        let mut attempt = Attempt::new(&mut self.bench, Names::default());
        let answer = select(&mut attempt, name).map_err(survey_failed)?;
        Ok(status(&answer) != StatusWord::FILE_NOT_FOUND)
    }

    fn keep(&mut self, rule: &Rule, setting: &Setting, verdict: Verdict, exchanges: Vec<ExchangeRecord>) {
        self.results.push(RuleResult { rule: rule.clone(), setting: setting.label.clone(), verdict, exchanges });
    }

    fn skipped(&self, rule: &Rule, setting: &Setting) -> Option<Skipped> {
        let own_missing = rule.own && !self.facts.has_own_parts();
        let there = match rule.on {
            Scope::Card => true,
            Scope::BlankCheck if self.writes => true,
            Scope::CardOwn => self.facts.has_own_parts(),
            Scope::Sam => self.facts.sam,
            Scope::Application => setting.own.is_some(),
            Scope::ApplicationOwn => setting.own == Some(true),
            Scope::ApplicationPlain => setting.own == Some(false),
            _ if self.bench.guard.mode() == Mode::Read => return Some(Skipped::OnlyRead),
            Scope::TestOwn => setting.own == Some(true),
            Scope::TestPlain => setting.own == Some(false),
            _ => true,
        };
        if !there || own_missing {
            return Some(Skipped::NotThere);
        }
        if rule.needs.contains(&Need::Normal) && !setting.normal {
            return Some(Skipped::Suspended);
        }
        if rule.needs.contains(&Need::Le) && !self.bench.card.carries_le() {
            return Some(Skipped::NoLe);
        }
        if rule.needs.contains(&Need::Keys) && !setting.has_keys {
            return Some(Skipped::NoKeys);
        }
        (rule.needs.contains(&Need::Pin) && !setting.has_pin).then_some(Skipped::NoPin)
    }
}

impl Attempt<'_, '_> {
    /// Power-up, and the selection that a scope says.
    fn enter(&mut self, scope: Scope) -> Result<(), Stop> {
        self.bench.card.power_cycle()?;
        let selected = matches!(
            scope,
            Scope::Application
                | Scope::Sam
                | Scope::ApplicationOwn
                | Scope::ApplicationPlain
                | Scope::Test
                | Scope::TestOwn
                | Scope::TestPlain
        );
        if !selected {
            return Ok(());
        }
        let name = self.names.bytes("aid").unwrap_or_default().to_vec();
        let answer = select(self, &name)?;
        if status(&answer).is_ok() {
            Ok(())
        } else {
            Err(Stop::NotKept(format!("the application cannot be selected: {}", hex::encode_upper(answer))))
        }
    }
}
