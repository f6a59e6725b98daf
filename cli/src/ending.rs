//! How a tap ended, for people in both languages and for machines.

use std::fmt;

use onecard_host::terminal::{Decider, Earlier, Language, Outcome, SettlementRecord, Tap, Token};
use serde::Serialize;

use crate::{output::Exit, table::indented};

/// What a tap brought.
#[derive(Clone, Serialize, Debug)]
pub(crate) struct TapEnding {
    /// How the order ended.
    #[serde(flatten)]
    pub(crate) ending: Ending,
    /// What became of earlier transactions of the card that were in doubt.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) earlier: Vec<EarlierEnding>,
}

/// How one transaction ended.
#[derive(Clone, Serialize, Debug)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub(crate) enum Ending {
    /// The money has moved.
    Committed {
        /// As it is handed in for settlement; amounts in fen.
        record: SettlementRecord,
        /// The receipt.
        receipt: Bilingual,
    },
    /// Nothing was moved.
    NotCommitted {
        /// Why, and what to do next.
        reason: Bilingual,
    },
    /// The card may have done it.
    Unknown {
        /// What is remembered.
        token: Box<Token>,
        /// Who decides: `same_card`, `issuer`, `service_desk`.
        decider: &'static str,
        /// Why, and what to do next.
        reason: Bilingual,
    },
}

/// An earlier transaction, decided on the way.
#[derive(Clone, Serialize, Debug)]
pub(crate) struct EarlierEnding {
    /// Its order number.
    pub(crate) order: u64,
    /// How it ended.
    #[serde(flatten)]
    pub(crate) ending: Ending,
}

/// One text in both languages.
#[derive(Clone, Serialize, Debug)]
pub(crate) struct Bilingual {
    pub(crate) english: String,
    pub(crate) chinese: String,
}

impl Ending {
    /// From the host's outcome.
    pub(crate) fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Committed(receipt) => Self::Committed {
                record: receipt.settlement,
                receipt: Bilingual::of(|language| receipt.text(language)),
            },
            Outcome::NotCommitted(reason) => {
                Self::NotCommitted { reason: Bilingual::of(|language| reason.text(language)) }
            }
            Outcome::Unknown(in_doubt) => Self::Unknown {
                token: Box::new(in_doubt.token),
                decider: match in_doubt.doubt.decider() {
                    Decider::SameCard => "same_card",
                    Decider::Issuer => "issuer",
                    Decider::ServiceDesk => "service_desk",
                },
                reason: Bilingual::of(|language| in_doubt.text(language)),
            },
        }
    }

    /// How the process ends.
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::Committed { .. } => Exit::Done,
            Self::NotCommitted { .. } => Exit::NotCommitted,
            Self::Unknown { .. } => Exit::Unknown,
        }
    }

    /// The settlement record, if it is committed.
    pub(crate) const fn record(&self) -> Option<&SettlementRecord> {
        match self {
            Self::Committed { record, .. } => Some(record),
            _ => None,
        }
    }
}

impl TapEnding {
    /// From the host's tap.
    pub(crate) fn of(tap: &Tap) -> Self {
        let earlier = tap.earlier.iter().map(|Earlier { token, outcome }| EarlierEnding {
            order: token.transaction.order.0,
            ending: Ending::of(outcome),
        });
        Self { ending: Ending::of(&tap.outcome), earlier: earlier.collect() }
    }
}

impl Bilingual {
    fn of(text: impl Fn(Language) -> String) -> Self {
        Self { english: text(Language::English), chinese: text(Language::Chinese) }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Committed { receipt: text, .. }
        | Self::NotCommitted { reason: text }
        | Self::Unknown { reason: text, .. }) = self;
        text.fmt(f)
    }
}

impl fmt::Display for TapEnding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for EarlierEnding { order, ending } in &self.earlier {
            writeln!(f, "Earlier order {order} of this card 该卡前一笔订单{order}:")?;
            f.write_str(&indented(&ending.to_string()))?;
        }
        self.ending.fmt(f)
    }
}

impl fmt::Display for Bilingual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A sentence a line: most lines then fit a narrow screen.
        writeln!(f, "{}", self.english.replace(". ", ".\n"))?;
        writeln!(f, "{}", self.chinese.replace('。', "。\n").trim_end())
    }
}
