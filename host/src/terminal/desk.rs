//! The service desk's decision: the end of every doubt that neither the card nor the issuer ends.

use super::{
    Cause, Evidence, Outcome, StoreError, Token, TokenStore,
    in_doubt::{Verdict, conclude, standing_in},
};

/// What the service desk decided of a transaction in doubt, by the card's log, the issuer's books or goodwill.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DeskDecision {
    /// The money has moved; it is settled as [`Evidence::Desk`].
    Happened {
        /// The TAC, where one was found.
        tac: Option<[u8; 4]>,
    },
    /// It has not, or counts as not moved.
    DidNotHappen {
        /// Why, for the records.
        why: String,
    },
}

/// Ends any doubt of `token` by the desk's `decision`, without the card. A person answers for it: nothing here checks it.
///
/// A token that is committed already stays that, whatever was decided.
///
/// # Errors
/// [`StoreError`], as [`resolve`](super::resolve()).
pub fn conclude_by_desk<S>(store: &mut S, token: &Token, decision: DeskDecision) -> Result<Outcome, StoreError>
where
    S: TokenStore + ?Sized,
{
    if let Some(receipt) = standing_in(store, token)? {
        return Ok(Outcome::Committed(receipt));
    }
    let verdict = match decision {
        DeskDecision::Happened { tac } => {
            Verdict::Executed { transaction: token.transaction, tac, evidence: Evidence::Desk }
        }
        DeskDecision::DidNotHappen { why } => Verdict::NotExecuted(Cause::DecidedByDesk { why }),
    };
    conclude(store, token, verdict)
}
