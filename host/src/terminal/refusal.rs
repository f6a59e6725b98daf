//! Which rule a card meant by 6985: it says so in EF 0017.

use onecard_wire::status::StatusWord;

use super::{Cause, Kind, Rule, rule::Asked};
use crate::{
    card::{Selected, balance, parameters},
    transport::Transport,
};

/// `cause` itself, or the rule behind it where the card is of this profile and lets itself be asked. INITIALIZE was
/// refused, so the card has time.
pub(super) fn explain<C: Transport + ?Sized>(
    card: &mut C,
    application: &Selected,
    asked: &Asked,
    cause: Cause,
) -> Cause {
    let refused = matches!(cause, Cause::Refused { status: StatusWord::CONDITIONS_NOT_SATISFIED, .. });
    if !refused || !application.has_own_parts() {
        return cause;
    }
    let Ok(parameters) = parameters(card, application) else { return cause };
    let purse = asked.kind.purse();
    let old_balance = if Kind::is_load(asked.kind) { balance(card, application, purse).ok() } else { None };
    Rule::broken(&parameters, asked, old_balance).map_or(cause, Cause::Rule)
}
