//! The rules themselves, without a card.

use core::fmt;

use onecard_vectors::conformance::{Conformance, Rule, Scope};
use serde::Serialize;

/// Every rule, and what no run tries.
#[derive(Clone, Serialize, Debug)]
pub struct RuleList {
    /// In the order they are tried.
    pub rules: Vec<ListedRule>,
    /// Clauses that no run tries.
    pub untried: Vec<super::UntriedClause>,
}

/// One rule.
#[derive(Clone, Serialize, Debug)]
pub struct ListedRule {
    /// Its name.
    pub id: String,
    /// Clause of the specification.
    pub clause: String,
    /// Page of the FMCOS 2.0 manuals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manual: Option<String>,
    /// Whether it writes to the card.
    pub writes: bool,
    /// Whether it is the project's own.
    pub own: bool,
    /// What a sound card does.
    pub title: String,
    /// The same in Chinese.
    pub chinese: String,
}

impl RuleList {
    /// Of all rules there are.
    #[must_use]
    pub fn of(rules: &Conformance) -> Self {
        let untried = rules.untried.iter().map(super::UntriedClause::of);
        Self { rules: rules.rules.iter().map(ListedRule::of).collect(), untried: untried.collect() }
    }
}

impl ListedRule {
    fn of(rule: &Rule) -> Self {
        Self {
            id: rule.id.clone(),
            clause: rule.clause.clone(),
            manual: rule.manual.clone(),
            writes: rule.writes(),
            own: super::is_own(rule),
            title: rule.title.clone(),
            chinese: rule.chinese.clone(),
        }
    }
}

/// Whether a rule is the project's own.
pub(super) fn is_own(rule: &Rule) -> bool {
    rule.own || matches!(rule.on, Scope::CardOwn | Scope::ApplicationOwn | Scope::TestOwn | Scope::MakeOwn)
}

impl fmt::Display for RuleList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for rule in &self.rules {
            let writes = if rule.writes { " writes 写卡" } else { "" };
            let own = if rule.own { " own 自有" } else { "" };
            let manual = rule.manual.as_ref().map(|page| format!(" ({page})")).unwrap_or_default();
            writeln!(f, "{:<8} {}{manual}{writes}{own}", rule.clause, rule.id)?;
            writeln!(f, "         {}", rule.title)?;
            writeln!(f, "         {}", rule.chinese)?;
        }
        if !self.untried.is_empty() {
            writeln!(f, "\nNot tried on any card 任何卡均不测:")?;
        }
        for untried in &self.untried {
            writeln!(f, "{:<8} {} {}", untried.clause, untried.title, untried.chinese)?;
            writeln!(f, "         {}", untried.reason)?;
        }
        writeln!(f, "\n{} rules 规则, of which {} write 其中写卡", self.rules.len(), self.writing())
    }
}

impl RuleList {
    fn writing(&self) -> usize {
        self.rules.iter().filter(|rule| rule.writes).count()
    }
}
