//! `onecard card resolve --decide`: the service desk ends a doubt that neither card nor issuer ends.

use std::fmt;

use anyhow::Context;
use clap::{Args, ValueEnum, builder::NonEmptyStringValueParser};
use onecard_host::terminal::{DeskDecision, Doubt, InDoubt, Outcome, Token, TokenStore, conclude_by_desk};
use serde::Serialize;

use super::resolve::Asked;
use crate::{
    ending::{Bilingual, Ending},
    journal,
    output::{Exit, Output},
    trace::TraceLine,
};

/// What the service desk says.
#[derive(Args, Debug)]
#[command(next_help_heading = "Service desk (服务台)")]
pub(super) struct Desk {
    /// End a doubt by decision: the card is asked first, and what it proves counts instead. Final.
    #[arg(long, value_enum, requires_all = ["why", "order"])]
    decide: Option<Verdict>,
    /// The order that is decided.
    #[arg(long, value_name = "N", requires = "decide")]
    order: Option<u64>,
    /// Why, and who answers for it: kept beside the journal, in its name with .decisions.
    #[arg(long, value_name = "TEXT", requires = "decide", value_parser = NonEmptyStringValueParser::new())]
    why: Option<String>,
}

/// What is decided.
#[derive(ValueEnum, Serialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
enum Verdict {
    /// The money has moved: it is handed in for settlement as `desk` 视为成交
    Happened,
    /// It has not: nothing is handed in 视为未成交
    DidNotHappen,
}

/// A complete decision.
pub(super) struct Decision<'o> {
    verdict: Verdict,
    order: u64,
    why: &'o str,
}

/// What is kept of a decision, a line of JSON each.
#[derive(Serialize)]
struct Kept<'o> {
    moment: String,
    order: u64,
    serial: String,
    amount_fen: u32,
    decided: Verdict,
    why: &'o str,
}

/// How it ended.
#[derive(Serialize)]
struct Decided {
    order: u64,
    /// What the card said that proves nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<Ending>,
    /// Why it could not be presented.
    #[serde(skip_serializing_if = "Option::is_none")]
    unasked: Option<String>,
    /// Whether the decision counted: it does not where the card or the issuer proved something.
    decided: bool,
    #[serde(flatten)]
    ending: Ending,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<Bilingual>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    trace: Vec<TraceLine>,
}

impl Desk {
    /// If one was made.
    pub(super) fn decision(&self) -> Option<Decision<'_>> {
        let (verdict, order, why) = (self.decide?, self.order?, self.why.as_deref()?);
        Some(Decision { verdict, order, why })
    }
}

impl Decision<'_> {
    /// Asks the card if it is there, then decides what is still in doubt.
    pub(super) fn run(&self, asked: &mut Asked<'_>) -> anyhow::Result<Output> {
        let order = self.order;
        let mut journal = asked.till.open_existing_journal()?;
        let token = journal.pending()?.into_iter().find(|token| token.transaction.order.0 == order);
        let token = token.with_context(|| format!("order {order} is not in doubt at this terminal"))?;
        let (said, unasked) = match asked.resolve(&mut journal, &token) {
            Ok(said) => (Some(said?), None),
            // A card that is lost or broken says nothing.
            Err(error) => (None, Some(format!("{error:#}"))),
        };
        let load = token.transaction.kind.is_load();
        let decided = if let Some(proven @ (Outcome::Committed(_) | Outcome::NotCommitted(_))) = &said {
            let ending = Ending::of(proven);
            Decided { order, asked: None, unasked, decided: false, ending, warning: None, trace: asked.trace.take() }
        } else {
            let kept = serde_json::to_string(&self.kept(&token, asked)?)?;
            journal::keep_decision(&asked.till.journal_file()?, &kept)?;
            let outcome = conclude_by_desk(&mut journal, &token, self.of_desk(said.as_ref()))?;
            let (asked_first, ending) = (said.as_ref().map(Ending::of), Ending::of(&outcome));
            let (warning, trace) = (Some(self.verdict.warning(load)), asked.trace.take());
            Decided { order, asked: asked_first, unasked, decided: true, ending, warning, trace }
        };
        Output::new("onecard.card-decide/1", Exit::Done, &decided)
    }

    fn kept(&self, token: &Token, asked: &Asked<'_>) -> anyhow::Result<Kept<'_>> {
        let transaction = &token.transaction;
        Ok(Kept {
            moment: asked.till.at.moment()?.to_string(),
            order: self.order,
            serial: transaction.serial.to_string(),
            amount_fen: transaction.amount.fen(),
            decided: self.verdict,
            why: self.why,
        })
    }

    fn of_desk(&self, said: Option<&Outcome>) -> DeskDecision {
        match (self.verdict, said) {
            (Verdict::DidNotHappen, _) => DeskDecision::DidNotHappen { why: self.why.to_owned() },
            // The issuer may accept the TAC later.
            (Verdict::Happened, Some(Outcome::Unknown(InDoubt { doubt: Doubt::ProofUnchecked(proof), .. }))) => {
                DeskDecision::Happened { tac: Some(proof.tac) }
            }
            (Verdict::Happened, _) => DeskDecision::Happened { tac: None },
        }
    }
}

impl Verdict {
    fn warning(self, load: bool) -> Bilingual {
        let (english, chinese) = match (self, load) {
            (Self::Happened, false) => (
                "If the card has not paid after all, the goods are given away. Without a TAC the issuer does not pay the \
                 record by itself",
                "若该卡实际未扣款，则货款落空；无TAC的记录发卡方不会自动结算",
            ),
            (Self::Happened, true) => (
                "If the card was not loaded after all, its holder has paid for nothing",
                "若该卡实际未充值，则持卡人所付款项落空",
            ),
            (Self::DidNotHappen, false) => (
                "If the card has paid after all, its holder loses that, and nothing is handed in for settlement",
                "若该卡实际已扣款，则持卡人受损，且该笔不会提交结算",
            ),
            (Self::DidNotHappen, true) => (
                "If the card was loaded after all, its holder has the money twice once it is given back",
                "若该卡实际已充值，退款后持卡人将重复得款",
            ),
        };
        Bilingual {
            english: format!("Warning: nothing proves this decision, and it is final. {english}."),
            chinese: format!("注意：此裁定无凭证且不可撤销。{chinese}。"),
        }
    }
}

impl fmt::Display for Decided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.trace.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        let order = self.order;
        match (&self.asked, self.decided) {
            (_, false) => writeln!(f, "Order {order} was proven, so the decision is not needed 已有凭证，无需裁定:")?,
            (Some(asked), true) => writeln!(f, "The card was asked 询问卡片:\n{asked}\nThen decided 裁定:")?,
            (None, true) => {
                let why = self.unasked.as_deref().unwrap_or_default();
                writeln!(f, "The card could not be asked 卡片无法询问 ({why}).\nDecided 裁定:")?;
            }
        }
        self.ending.fmt(f)?;
        self.warning.as_ref().map_or(Ok(()), |warning| write!(f, "\n{warning}"))
    }
}
