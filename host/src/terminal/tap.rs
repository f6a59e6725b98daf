//! The first half of every purchase and recharge: which card is this, and has it something to say of earlier taps?

use onecard_wire::{
    aid,
    date::Moment,
    number::{ApplicationSerial, EnterpriseId, TerminalNumber},
};

use super::{
    Cause, Doubt, Earlier, InDoubt, OrderNumber, Outcome, Reason, Receipt, StoreError, Tap, Token, TokenStore, Witness,
    in_doubt::{Verdict, conclude, investigate},
};
use crate::{
    card::{Pin, Selected, select, verify_pin},
    sam::SamError,
    transport::Transport,
};

/// What both orders say.
pub(super) struct Request<'o> {
    pub(super) number: OrderNumber,
    pub(super) enterprise: EnterpriseId,
    pub(super) moment: Moment,
    pub(super) pin: Option<&'o Pin>,
}

/// Either the order may begin, or it has ended.
pub(super) enum Opening {
    Ready(Ready),
    Ended(Tap),
}

/// A selected, valid card without any transaction in doubt but, perhaps, this very order's, found not to have happened.
pub(super) struct Ready {
    pub(super) application: Selected,
    pub(super) terminal: TerminalNumber,
    /// This order's own token from an earlier tap. It stays in the store until the new one takes its place.
    standing: Option<(Token, Cause)>,
    earlier: Vec<Earlier>,
}

/// Selects the card, verifies the PIN, resolves what is in doubt and checks validity.
///
/// An order that is committed already ends as that; nothing is charged twice for one order number. Before its own token is
/// resolved an order cannot end as not committed, whatever goes wrong.
pub(super) fn open<C, W, S>(
    card: &mut C,
    witness: &mut W,
    store: &mut S,
    terminal: Result<TerminalNumber, SamError>,
    request: &Request<'_>,
) -> Result<Opening, StoreError>
where
    C: Transport + ?Sized,
    W: Witness + ?Sized,
    S: TokenStore + ?Sized,
{
    if let Some(settlement) = store.committed(request.number).map_err(StoreError::before_sending)? {
        return Ok(Opening::Ended(Outcome::Committed(Receipt { settlement }).into()));
    }
    let pending = store.pending().map_err(StoreError::before_sending)?;
    let standing = pending.iter().find(|token| token.transaction.order == request.number).copied();
    let (application, terminal) = match reach(card, terminal, request) {
        Ok(reached) => reached,
        Err(reason) => return Ok(Opening::Ended(unreached(standing, reason).into())),
    };
    let serial = application.serial();
    if let Some(token) = standing.filter(|token| token.transaction.serial != serial) {
        let doubt = Doubt::OtherCard { expected: token.transaction.serial, found: serial };
        return Ok(Opening::Ended(Outcome::Unknown(InDoubt { token, doubt }).into()));
    }
    let mut ready = Ready { application, terminal, standing: None, earlier: Vec::new() };
    let (pin_verified, this_card) = (request.pin.is_some(), ready.card());
    for token in pending.into_iter().filter(|token| token.transaction.card() == this_card) {
        let found = investigate(card, &ready.application, witness, &token, pin_verified);
        let is_standing = token.transaction.order == request.number;
        let outcome = match found {
            Ok(Verdict::NotExecuted(cause)) if is_standing => {
                ready.standing = Some((token, cause));
                continue;
            }
            Ok(verdict) => conclude(store, &token, verdict)?,
            Err(doubt) => Outcome::Unknown(InDoubt { token, doubt }),
        };
        if is_standing {
            return Ok(Opening::Ended(Tap { outcome, earlier: ready.earlier }));
        }
        ready.earlier.push(Earlier { token, outcome });
    }
    match ready.objection(request) {
        Some(cause) => ready.refuse(store, cause).map(Opening::Ended),
        None => Ok(Opening::Ready(ready)),
    }
}

impl Ready {
    /// Ends the order without a transaction.
    pub(super) fn refuse<S: TokenStore + ?Sized>(self, store: &mut S, cause: Cause) -> Result<Tap, StoreError> {
        let outcome = match self.standing {
            Some((token, _)) => conclude(store, &token, Verdict::NotExecuted(cause))?,
            None => Outcome::NotCommitted(Reason { card: Some(self.application.serial()), cause }),
        };
        Ok(Tap { outcome, earlier: self.earlier })
    }

    /// What contradicts `sequence`, INITIALIZE's: a card said a moment ago not to have executed this order's earlier token
    /// must still stand where it stood, or the order would be done a second time.
    pub(super) fn contradiction(&self, sequence: u16) -> Option<InDoubt> {
        let (token, cause) = self.standing.as_ref()?;
        let expected = token.transaction.card_sequence;
        let bound = *cause == Cause::NeverCompleted;
        (bound && sequence != expected)
            .then_some(InDoubt { token: *token, doubt: Doubt::Contradiction { expected, found: sequence } })
    }

    /// Ends the order with its outcome.
    pub(super) fn end(self, outcome: Outcome) -> Tap {
        Tap { outcome, earlier: self.earlier }
    }

    fn card(&self) -> crate::sam::CardFactors {
        let public_data = &self.application.public_data;
        crate::sam::CardFactors { enterprise: public_data.enterprise, serial: public_data.serial }
    }

    fn objection(&self, request: &Request<'_>) -> Option<Cause> {
        let public_data = &self.application.public_data;
        let date = request.moment.date;
        if self.earlier.iter().any(|earlier| matches!(earlier.outcome, Outcome::Unknown(_))) {
            Some(Cause::EarlierInDoubt)
        } else if public_data.enterprise != request.enterprise {
            Some(Cause::OtherEnterprise)
        } else if date < public_data.valid_from {
            Some(Cause::NotYetValid { from: public_data.valid_from })
        } else if date > public_data.valid_to {
            Some(Cause::Expired { on: public_data.valid_to })
        } else {
            None
        }
    }
}

fn reach<C: Transport + ?Sized>(
    card: &mut C,
    terminal: Result<TerminalNumber, SamError>,
    request: &Request<'_>,
) -> Result<(Selected, TerminalNumber), Reason> {
    let reason = |serial: Option<ApplicationSerial>, cause| Reason { card: serial, cause };
    let terminal = terminal.map_err(|error| reason(None, Cause::Keeper(error)))?;
    let application = select(card, &aid::enterprise_application(request.enterprise))
        .map_err(|error| reason(None, Cause::Select(error)))?;
    if let Some(pin) = request.pin {
        verify_pin(card, &application, pin).map_err(|error| reason(Some(application.serial()), Cause::Pin(error)))?;
    }
    Ok((application, terminal))
}

fn unreached(standing: Option<Token>, reason: Reason) -> Outcome {
    match standing {
        Some(token) => Outcome::Unknown(InDoubt { token, doubt: Doubt::NotReached(Box::new(reason)) }),
        None => Outcome::NotCommitted(reason),
    }
}
