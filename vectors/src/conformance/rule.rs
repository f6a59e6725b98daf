//! One rule, and steps that several share.

use serde::Deserialize;

use super::step::Step;

/// What a card is held to.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name in reports; unique.
    pub id: String,
    /// What a sound card does.
    pub title: String,
    /// The same in Chinese.
    pub chinese: String,
    /// Clause of the specification, such as 5.2.2.
    pub clause: String,
    /// Page of the FMCOS 2.0 manuals, such as "UM 56", where known.
    pub manual: Option<String>,
    /// This project's own rule, which a card of another maker does not know.
    #[serde(default)]
    pub own: bool,
    /// Where it holds.
    pub on: Scope,
    /// What must be known to try it.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// What is done, in order, after power-up and the selection that the scope says.
    pub steps: Vec<Step>,
    /// What is done when they fail, so that the rules after it find things as they were; whether it goes well is not asked.
    #[serde(default)]
    pub restore: Vec<Step>,
}

impl Rule {
    /// Whether it writes to the card.
    #[must_use]
    pub const fn writes(&self) -> bool {
        let card = matches!(self.on, Scope::Card | Scope::CardOwn | Scope::Sam | Scope::BlankCheck);
        let application = matches!(self.on, Scope::Application | Scope::ApplicationOwn | Scope::ApplicationPlain);
        !card && !application
    }
}

/// Where a rule holds, and what is selected in front of its first step.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Every card; nothing is selected.
    Card,
    /// A card or SAM that has the project's own parts; nothing is selected.
    CardOwn,
    /// An enterprise application of any version, selected.
    Application,
    /// One with the own parts, selected.
    ApplicationOwn,
    /// A plain FMCOS wallet, selected.
    ApplicationPlain,
    /// A SAM's application, selected.
    Sam,
    /// What must hold before anything is written: a card that is not blank is refused. Nothing is selected.
    BlankCheck,
    /// A blank card, before anything is made on it; nothing is selected.
    Blank,
    /// The making of the test application, in the order of the rules. What it names, later rules know.
    Make,
    /// The same, with the own parts.
    MakeOwn,
    /// The same, as a plain wallet.
    MakePlain,
    /// Making the card blank again, whatever was before.
    Wipe,
    /// The same with a card that was left erased, before anything else.
    Rebuild,
    /// The test application, selected: the rule writes.
    Test,
    /// The test application with the own parts, selected: the rule writes.
    TestOwn,
    /// The test application as a plain wallet, selected: the rule writes.
    TestPlain,
}

/// What must be known to try a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// The application's keys.
    Keys,
    /// An application whose status (EF 0017) is normal: one that is suspended or lost refuses it.
    Normal,
    /// A transport that passes a command on whole, with Le behind its data: T=0 does not.
    Le,
    /// The holder's PIN, and that more than one try of it is left.
    Pin,
}

/// Steps with a name: a rule does them by `do`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Procedure {
    /// What `do` says.
    pub name: String,
    /// The clause that is not kept if its steps fail: a rule about another clause could then not be tried.
    pub clause: Option<String>,
    /// What is done.
    pub steps: Vec<Step>,
}
