//! What a card meant by refusing INITIALIZE: 6985 is one of the rules in EF 0017, 9401 a balance to be told.

use onecard_wire::status::StatusWord;

use super::{Cause, Rule, rule::Asked};
use crate::{
    card::{Selected, balance, parameters},
    transport::Transport,
};

/// `cause` itself, or what is behind it where the card lets itself be asked. INITIALIZE was refused, so there is time.
pub(super) fn explain<C: Transport + ?Sized>(
    card: &mut C,
    application: &Selected,
    asked: &Asked,
    cause: Cause,
) -> Cause {
    let Cause::Refused { status, .. } = cause else { return cause };
    let mut old_balance = || balance(card, application, asked.kind.purse()).ok();
    let explained = match status {
        StatusWord::BALANCE_TOO_LOW | StatusWord::AMOUNT_NOT_AVAILABLE => {
            old_balance().map(|balance| Cause::BalanceTooLow { balance })
        }
        StatusWord::CONDITIONS_NOT_SATISFIED if application.has_own_parts() => {
            let old_balance = if asked.kind.is_load() { old_balance() } else { None };
            let parameters = parameters(card, application).ok();
            parameters.and_then(|parameters| Rule::broken(&parameters, asked, old_balance)).map(Cause::Rule)
        }
        _ => None,
    };
    explained.unwrap_or(cause)
}
