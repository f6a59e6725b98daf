//! The language of the rule files: templates of commands, patterns of answers, and the expressions in both.
//!
//! ```text
//! template    (HEX | {expression} | [ template ])*            [ ] is a data field: Lc stands in front of it
//! pattern     (HEX with X | name:length | {expression} | ..)* status
//! expression  sum+                                            joined, one behind the other
//! sum         factor ((+ | -) factor)*                        big-endian, as long as the left one
//! factor      HEX | name | name(expression, …)
//! ```
//!
//! Hexadecimal digits are capital, names are small letters. [`evaluate`] lists the functions.

pub(crate) mod evaluate;
pub(crate) mod expression;
pub(crate) mod pattern;
pub(crate) mod template;
mod tokens;
pub(crate) mod value;

/// What a rule file says wrongly: a defect of the rules, not of a card.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum LanguageError {
    /// Not a template, pattern or expression.
    #[error("{0:?} cannot be read: {1}")]
    Syntax(String, &'static str),
    /// A name that has no value.
    #[error("{0} has no value")]
    Unknown(String),
    /// A key where bytes belong, or the other way round.
    #[error("{0} is not what belongs there: {1}")]
    Kind(String, &'static str),
    /// A computation that its values do not allow.
    #[error("{0}: {1}")]
    Value(String, &'static str),
}
