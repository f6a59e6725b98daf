//! What is known of cards beforehand: where those of another maker differ, and what no run tries.

use serde::Deserialize;

/// Where cards of another maker are known to answer otherwise.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// The rule they do not keep.
    pub rule: String,
    /// Which cards.
    pub cards: String,
    /// What they answer where the rule expects another thing: patterns, of which one must fit.
    pub answers: Vec<String>,
    /// What they do.
    pub says: String,
    /// The same in Chinese.
    pub chinese: String,
    /// Where that is known from.
    pub source: String,
}

/// A clause that no run tries, because trying it would harm the card.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Untried {
    /// The clause.
    pub clause: String,
    /// What is not tried.
    pub title: String,
    /// The same in Chinese.
    pub chinese: String,
    /// Why not.
    pub reason: String,
}
