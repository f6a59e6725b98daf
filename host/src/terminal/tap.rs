//! The first half of every operation: which card is this, and has it something to say of earlier taps?

use onecard_wire::{
    aid,
    amount::Amount,
    date::Moment,
    number::{ApplicationSerial, EnterpriseId, TerminalNumber},
};

use super::{
    Cause, Doubt, Earlier, InDoubt, Kind, OrderNumber, Outcome, Reason, Receipt, StoreError, Tap, Token, TokenStore,
    Transaction, Witness,
    in_doubt::{Verdict, conclude, investigate, is_recorded, number_used_by_another},
    listed::listed,
    plain_wallet::{Unenforced, unenforced},
};
use crate::{
    apdu::{CommandName, ExchangeError},
    card::{Pin, Selected, select, verify_pin},
    sam::{CardFactors, SamError},
    transport::{Transport, TransportError},
};

/// What every order says.
pub(super) struct Request<'o> {
    pub(super) number: OrderNumber,
    pub(super) enterprise: EnterpriseId,
    pub(super) kind: Kind,
    pub(super) amount: Amount,
    pub(super) moment: Moment,
    pub(super) pin: Option<&'o Pin>,
    /// Of an undo: the purchase, as the store knows it.
    pub(super) undone: Option<Transaction>,
}

/// Either the order may begin, or it has ended.
pub(super) enum Opening {
    Ready(Ready),
    Ended(Tap),
}

/// A selected, valid card without any transaction in doubt but, perhaps, this very order's.
pub(super) struct Ready {
    pub(super) application: Selected,
    pub(super) terminal: TerminalNumber,
    pub(super) pin_verified: bool,
    /// This order's own token from an earlier tap. It stays in the store until the new one takes its place.
    standing: Option<(Token, Standing)>,
    earlier: Vec<Earlier>,
    /// Of a card that leaves its rules to the terminal.
    unenforced: Option<Unenforced>,
}

/// What became of this order at an earlier tap.
enum Standing {
    /// It did not happen.
    NotExecuted(Cause),
    /// Of a load or undo: nobody can show whether it happened, so it may go on at the same sequence of the card and no other.
    Bound(Doubt),
}

/// Selects the card, verifies the PIN, resolves what is in doubt and checks validity.
///
/// An order that is committed already ends as that; nothing is charged twice for one order number, and a number that stands
/// for another order is refused before anything is sent. Before its own token is resolved an order cannot end as not
/// committed, whatever goes wrong.
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
    let (pending, standing) = match known(store, request)? {
        Known::Open { pending, standing } => (pending, standing),
        Known::Ended(outcome) => return Ok(Opening::Ended(outcome.into())),
    };
    if let Some(cause) = request.undone.and_then(|purchase| wrong_terminal(&terminal, &purchase)) {
        return Ok(Opening::Ended(unreached(standing, Reason { card: None, cause }).into()));
    }
    let (application, terminal) = match reach(card, terminal, request) {
        Ok(reached) => reached,
        Err(reason) => return Ok(Opening::Ended(unreached(standing, reason).into())),
    };
    let serial = application.serial();
    if let Some(token) = standing.filter(|token| token.transaction.serial != serial) {
        let doubt = Doubt::OtherCard { expected: token.transaction.serial, found: serial };
        return Ok(Opening::Ended(Outcome::Unknown(InDoubt { token, doubt }).into()));
    }
    // The FCI has no MAC. An application that names another enterprise is not asked what became of this one's order.
    if application.public_data.enterprise != request.enterprise {
        let reason = Reason { card: Some(serial), cause: Cause::OtherEnterprise };
        return Ok(Opening::Ended(unreached(standing, reason).into()));
    }
    let pin_verified = request.pin.is_some();
    let mut ready =
        Ready { application, terminal, pin_verified, standing: None, earlier: Vec::new(), unenforced: None };
    if let Some(outcome) = ready.look_back(card, witness, store, request, pending)? {
        return Ok(Opening::Ended(ready.end(outcome)));
    }
    // In front of every other objection: whatever else is wrong with a lost card, it is marked.
    if !request.kind.is_unload()
        && let Some(cause) = listed(card, witness, store, &ready.application)
    {
        return ready.refuse(store, cause).map(Opening::Ended);
    }
    let objection = match ready.objection(request) {
        None => not_last(store, request)?,
        objection => objection,
    };
    match objection.or_else(|| ready.look_for_rules(card, request).err()) {
        Some(cause) => ready.refuse(store, cause).map(Opening::Ended),
        None => Ok(Opening::Ready(ready)),
    }
}

/// What the store says before any card is asked.
enum Known {
    Open { pending: Vec<Token>, standing: Option<Token> },
    Ended(Outcome),
}

fn known<S: TokenStore + ?Sized>(store: &S, request: &Request<'_>) -> Result<Known, StoreError> {
    if let Some(settlement) = store.committed(request.number).map_err(StoreError::before_sending)? {
        return Ok(Known::Ended(match request.number_taken(&settlement.transaction) {
            Some(reason) => Outcome::NotCommitted(reason),
            None => Outcome::Committed(Receipt { settlement }),
        }));
    }
    let mut pending = store.pending().map_err(StoreError::before_sending)?;
    // A sale found done in this tap shows what an undo at its number cannot.
    pending.sort_by_key(|token| token.transaction.kind == Kind::Undo);
    let standing = pending.iter().find(|token| token.transaction.order == request.number).copied();
    Ok(match standing.and_then(|token| request.number_taken(&token.transaction)) {
        Some(reason) => Known::Ended(Outcome::NotCommitted(reason)),
        None => Known::Open { pending, standing },
    })
}

impl Ready {
    /// Finds out what became of this card's `pending` transactions: of other orders into `earlier`, of this one into `standing`,
    /// or how it has ended.
    fn look_back<C, W, S>(
        &mut self,
        card: &mut C,
        witness: &mut W,
        store: &mut S,
        request: &Request<'_>,
        pending: Vec<Token>,
    ) -> Result<Option<Outcome>, StoreError>
    where
        C: Transport + ?Sized,
        W: Witness + ?Sized,
        S: TokenStore + ?Sized,
    {
        let mut ended = None;
        let this_card = self.card();
        for token in pending.into_iter().filter(|token| token.transaction.card() == this_card) {
            let found = match is_used_by_another(store, &token)? {
                true => Ok(NUMBER_USED),
                false => investigate(card, &self.application, witness, &token, self.pin_verified),
            };
            let is_standing = token.transaction.order == request.number;
            let outcome = match found {
                Ok(Verdict::NotExecuted(cause)) if is_standing => {
                    self.standing = Some((token, Standing::NotExecuted(cause)));
                    continue;
                }
                Err(doubt) if is_standing && may_go_on_bound(&token, &doubt) => {
                    self.standing = Some((token, Standing::Bound(doubt)));
                    continue;
                }
                Ok(verdict) => conclude(store, &token, verdict)?,
                Err(doubt) => Outcome::Unknown(InDoubt { token, doubt }),
            };
            match is_standing {
                true => ended = Some(outcome),
                false => self.earlier.push(Earlier { token, outcome }),
            }
        }
        self.end_by_number(store)?;
        match ended {
            Some(Outcome::Unknown(InDoubt { token, .. })) if is_used_by_another(store, &token)? => {
                conclude(store, &token, NUMBER_USED).map(Some)
            }
            ended => Ok(ended),
        }
    }

    /// Ends what is in doubt at a number that another order is known by now to have used.
    fn end_by_number<S: TokenStore + ?Sized>(&mut self, store: &mut S) -> Result<(), StoreError> {
        for earlier in self.earlier.iter_mut().filter(|earlier| matches!(earlier.outcome, Outcome::Unknown(_))) {
            if is_used_by_another(store, &earlier.token)? {
                earlier.outcome = conclude(store, &earlier.token, NUMBER_USED)?;
            }
        }
        if let Some((token, standing @ Standing::Bound(_))) = &mut self.standing
            && is_used_by_another(store, token)?
        {
            *standing = Standing::NotExecuted(Cause::NumberUsedByAnother);
        }
        Ok(())
    }

    /// Ends the order without a transaction.
    pub(super) fn refuse<S: TokenStore + ?Sized>(self, store: &mut S, cause: Cause) -> Result<Tap, StoreError> {
        let outcome = match self.standing {
            Some((token, Standing::NotExecuted(_))) => conclude(store, &token, Verdict::NotExecuted(cause))?,
            Some((token, Standing::Bound(doubt))) => Outcome::Unknown(InDoubt { token, doubt }),
            None => Outcome::NotCommitted(Reason { card: Some(self.application.serial()), cause }),
        };
        Ok(Tap { outcome, earlier: self.earlier })
    }

    /// The rule that a load to `old_balance` breaks and the card does not enforce.
    pub(super) fn broken_rule(&self, request: &Request<'_>, old_balance: Amount) -> Option<Cause> {
        self.unenforced.as_ref()?.broken(request, Some(old_balance))
    }

    /// What contradicts `sequence`, INITIALIZE's: a card said a moment ago not to have executed this order's earlier token
    /// must still stand where it stood, or the order would be done a second time.
    pub(super) fn contradiction(&self, sequence: u16) -> Option<InDoubt> {
        let (token, standing) = self.standing.as_ref()?;
        let expected = token.transaction.card_sequence;
        let at_that_sequence = match standing {
            Standing::NotExecuted(cause) => *cause == Cause::NeverCompleted,
            Standing::Bound(_) => true,
        };
        (at_that_sequence && sequence != expected)
            .then_some(InDoubt { token: *token, doubt: Doubt::Contradiction { expected, found: sequence } })
    }

    /// Whether `sequence`, INITIALIZE's, is one that the card has used already.
    pub(super) fn is_recorded<S: TokenStore + ?Sized>(
        &self,
        store: &S,
        kind: Kind,
        sequence: u16,
    ) -> Result<bool, StoreError> {
        is_recorded(store, self.card(), kind, sequence).map_err(StoreError::before_sending)
    }

    /// What a completing command that was not sent says: nothing was done by it. What an earlier try of this order did stays
    /// in doubt.
    pub(super) fn unsent(&self, kind: Kind, error: TransportError) -> Result<Verdict, Doubt> {
        let error = ExchangeError::Transport(error);
        match &self.standing {
            Some((_, Standing::Bound(_))) => Err(Doubt::NoAnswer(error)),
            _ => Ok(Verdict::NotExecuted(Cause::NoAnswer { command: kind.completing_name(), error })),
        }
    }

    /// The moment of the transaction this order is bound to, if it is.
    pub(super) fn bound_moment(&self) -> Option<Moment> {
        match &self.standing {
            Some((token, Standing::Bound(_))) => Some(token.transaction.moment),
            _ => None,
        }
    }

    /// The doubt that stays if `transaction` is not in all the one this order is bound to: an earlier CREDIT or DEBIT that did
    /// happen would no longer be known by its proof. Number and moment of an undo are each try's own, which its token
    /// remembers.
    pub(super) fn departure(&self, transaction: &Transaction) -> Option<InDoubt> {
        let Some((token, Standing::Bound(doubt))) = &self.standing else { return None };
        let Transaction { kind, terminal_sequence, moment, .. } = token.transaction;
        let is_the_same = match kind {
            Kind::Undo => {
                token.has_room() && Transaction { terminal_sequence, moment, ..*transaction } == token.transaction
            }
            _ => *transaction == token.transaction,
        };
        (!is_the_same).then(|| InDoubt { token: *token, doubt: doubt.clone() })
    }

    /// `token`, with the tries before it that may have happened.
    pub(super) fn remembering(&self, token: Token) -> Token {
        match &self.standing {
            Some((last, Standing::Bound(_))) => token.after(last),
            _ => token,
        }
    }

    /// Ends an offline order with its outcome, and with it what was in doubt at the number it has used.
    pub(super) fn end_with<S: TokenStore + ?Sized>(mut self, store: &mut S, outcome: Outcome) -> Tap {
        // A store that fails here hides not what became of the order; the next tap finds this out again.
        let _ = self.end_by_number(store);
        self.end(outcome)
    }

    /// Ends the order with its outcome.
    pub(super) fn end(self, outcome: Outcome) -> Tap {
        Tap { outcome, earlier: self.earlier }
    }

    fn card(&self) -> CardFactors {
        let public_data = &self.application.public_data;
        CardFactors { enterprise: public_data.enterprise, serial: public_data.serial }
    }

    /// A card that leaves its rules to the terminal tells them here; the first that `request` breaks is the error.
    fn look_for_rules<C: Transport + ?Sized>(&mut self, card: &mut C, request: &Request<'_>) -> Result<(), Cause> {
        self.unenforced = unenforced(card, &self.application, request.kind)?;
        self.unenforced.as_ref().and_then(|rules| rules.broken(request, None)).map_or(Ok(()), Err)
    }

    fn objection(&self, request: &Request<'_>) -> Option<Cause> {
        let public_data = &self.application.public_data;
        let date = request.moment.date;
        // What an undo or unload gives back is the holder's, on whatever day.
        let asks_validity = request.kind != Kind::Undo && !request.kind.is_unload();
        if self.earlier.iter().any(|earlier| earlier.keeps_from(request)) {
            Some(Cause::EarlierInDoubt)
        } else if let Some(just_done) = self.earlier.iter().find_map(|earlier| earlier.just_done(request.kind)) {
            Some(just_done)
        } else if let Some(undone) = request.undone.filter(|purchase| purchase.serial != public_data.serial) {
            Some(Cause::AnotherCards { purchase: undone.order, serial: undone.serial })
        } else if asks_validity && date < public_data.valid_from {
            Some(Cause::NotYetValid { from: public_data.valid_from })
        } else if asks_validity && date > public_data.valid_to {
            Some(Cause::Expired { on: public_data.valid_to })
        } else {
            None
        }
    }
}

impl Request<'_> {
    /// Why `stored`, of the same order number, is not this order.
    fn number_taken(&self, stored: &Transaction) -> Option<Reason> {
        let Transaction { order, enterprise, kind, amount, serial, .. } = *stored;
        let same = (enterprise, kind, amount) == (self.enterprise, self.kind, self.amount)
            && self.undone.is_none_or(|purchase| stored.undoes(&purchase));
        (!same).then_some(Reason { card: None, cause: Cause::OrderNumberTaken { order, amount, serial } })
    }
}

impl Earlier {
    /// Whether it must be decided before `request` begins. A transaction of the same counter goes on: its MAC2 decides an undo
    /// that no card can show not to have happened.
    fn keeps_from(&self, request: &Request<'_>) -> bool {
        let Outcome::Unknown(InDoubt { token, doubt }) = &self.outcome else { return false };
        let shares_counter = !request.kind.is_online() && request.kind.purse() == token.transaction.kind.purse();
        !(shares_counter && *doubt == Doubt::SequenceUnproven)
    }

    /// An earlier sale just found paid may be this very one, rung up once more: nobody must pay for it again unasked.
    fn just_done(&self, kind: Kind) -> Option<Cause> {
        let Outcome::Committed(Receipt { settlement }) = &self.outcome else { return None };
        let Transaction { order, amount, .. } = settlement.transaction;
        (settlement.transaction.kind == kind).then_some(Cause::EarlierJustDone { order, amount })
    }
}

/// The card gave its number to another order.
const NUMBER_USED: Verdict = Verdict::NotExecuted(Cause::NumberUsedByAnother);

fn is_used_by_another<S: TokenStore + ?Sized>(store: &S, token: &Token) -> Result<bool, StoreError> {
    number_used_by_another(store, token).map_err(StoreError::before_sending)
}

/// Whether an order whose fate nobody could show may go on at the same sequence: an undo, whose sequence no MAC covers; a load
/// if the witness cannot ask for a fresh MAC1, or the card refuses to be asked.
fn may_go_on_bound(token: &Token, doubt: &Doubt) -> bool {
    if *doubt == Doubt::SequenceUnproven {
        return true;
    }
    let cannot_be_shown = match doubt {
        Doubt::Keeper(SamError::NotSupported | SamError::NoSuchKey) => true,
        Doubt::NotReached(reason) => {
            matches!(reason.cause, Cause::Refused { command: CommandName::InitializeForLoad, .. })
        }
        _ => false,
    };
    token.transaction.kind.is_load() && cannot_be_shown
}

/// An undo needs the SAM that saw the purchase.
fn wrong_terminal(terminal: &Result<TerminalNumber, SamError>, purchase: &Transaction) -> Option<Cause> {
    let other = terminal.as_ref().is_ok_and(|terminal| *terminal != purchase.terminal);
    other.then_some(Cause::NothingToUndo { purchase: purchase.order })
}

/// Why the store does not let `request` undo its purchase: it is not committed, or not the last with its card.
fn not_last<S: TokenStore + ?Sized>(store: &S, request: &Request<'_>) -> Result<Option<Cause>, StoreError> {
    let Some(purchase) = request.undone else { return Ok(None) };
    let last = store.last_of_counter(purchase.card(), purchase.kind.counter()).map_err(StoreError::before_sending)?;
    let is_last = last.is_some_and(|last| last.transaction == purchase);
    Ok((!is_last).then_some(Cause::NothingToUndo { purchase: purchase.order }))
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
