//! What a card meant by refusing INITIALIZE, DEBIT or CREDIT: 6985 is one of the rules in EF 0017 or a date of EF 0015, 9401 a
//! balance to be told, 9406 to an undo that something came after the purchase.

use onecard_wire::status::StatusWord;

use super::{
    Cause, Direction, Kind, Rule,
    rule::{Asked, When},
};
use crate::{
    card::{Selected, balance, parameters},
    transport::Transport,
};

/// `cause` itself, or what is behind it where the card lets itself be asked. Nothing was done, so there is time.
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
            old_balance().map(|balance| Cause::too_little(asked.kind, balance))
        }
        StatusWord::CONDITIONS_NOT_SATISFIED if application.has_own_parts() => {
            if let Some(cause) = outside_validity(application, asked) {
                return cause;
            }
            let old_balance = if asked.kind.is_load() { old_balance() } else { None };
            parameters(card, application).ok().and_then(|parameters| {
                let broken = Rule::broken(&parameters, asked, old_balance);
                broken.or_else(|| Rule::remembered(&parameters, asked)).map(Cause::Rule)
            })
        }
        StatusWord::NO_MAC_AVAILABLE if asked.kind == Kind::Undo => Some(Cause::NotLastOnCard),
        _ => None,
    };
    explained.unwrap_or(cause)
}

/// DEBIT refuses a date outside EF 0015's two.
fn outside_validity(application: &Selected, asked: &Asked) -> Option<Cause> {
    let (from, on) = (application.public_data.valid_from, application.public_data.valid_to);
    let is_debit = asked.when == When::Complete && asked.kind.direction() == Direction::Off && !asked.kind.is_unload();
    match asked.date {
        date if is_debit && date < from => Some(Cause::NotYetValid { from }),
        date if is_debit && date > on => Some(Cause::Expired { on }),
        _ => None,
    }
}
