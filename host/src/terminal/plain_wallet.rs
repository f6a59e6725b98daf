//! A plain FMCOS wallet does not enforce its EF 0017: the terminal does (profile §1 and §3.1).
//!
//! The file is read before INITIALIZE, since a command between INITIALIZE and what completes it ends the transaction. It is
//! read in clear: a till's SAM makes no MAC for a read, so whoever relays the card can show other parameters, or none. What
//! such a card counts a day stands still; of the day's limit there remains that one purchase is not above it.

use onecard_wire::{amount::Amount, record::Parameters, status::StatusWord};

use super::{
    Cause, Kind, Rule,
    rule::{Asked, When},
    tap::Request,
};
use crate::{
    apdu::CommandName,
    card::{ReadError, Selected, parameters},
    transport::Transport,
};

/// EF 0017 of a card whose chip does not enforce it.
pub(super) struct Unenforced(Parameters);

/// What the terminal has to enforce; `None` if the card does so itself, has no such file, or is asked what EF 0017 does not
/// forbid.
pub(super) fn unenforced<C: Transport + ?Sized>(
    card: &mut C,
    application: &Selected,
    kind: Kind,
) -> Result<Option<Unenforced>, Cause> {
    if application.has_own_parts() || kind.is_unload() {
        return Ok(None);
    }
    match parameters(card, application) {
        Ok(parameters) => Ok(Some(Unenforced(parameters))),
        Err(ReadError::Refused { status: StatusWord::FILE_NOT_FOUND, .. }) => Ok(None),
        Err(error) => Err(unread(error)),
    }
}

impl Unenforced {
    /// The rule that `request` breaks; a load's is known once the card has told its `old_balance`.
    pub(super) fn broken(&self, request: &Request<'_>, old_balance: Option<Amount>) -> Option<Cause> {
        let Request { kind, amount, moment, pin, .. } = request;
        let asked = Asked {
            kind: *kind,
            amount: *amount,
            date: moment.date,
            pin_verified: pin.is_some(),
            when: When::Complete,
        };
        Rule::broken(&self.0, &asked, old_balance).map(Cause::Rule)
    }
}

fn unread(error: ReadError) -> Cause {
    let command = CommandName::Read;
    match error {
        ReadError::Refused { status, .. } => Cause::Refused { command, status },
        ReadError::Malformed { length, .. } => Cause::Malformed { command, length },
        ReadError::Exchange { source, .. } => Cause::NoAnswer { command, error: source },
        // A read in clear has no MAC to be wrong or missing.
        ReadError::WrongMac { .. } | ReadError::NoMac { .. } => Cause::Malformed { command, length: 0 },
    }
}
