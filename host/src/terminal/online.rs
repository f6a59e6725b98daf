//! SELECT, INITIALIZE, CREDIT (DEBIT, UPDATE) with an approver: the one course of recharge, unload and overdraft update.

use onecard_wire::{
    amount::Amount,
    status::StatusWord,
    wallet::{Initialize, OverdraftLimit, Proof},
};

use super::{
    Cause, Doubt, Evidence, InDoubt, Kind, Outcome, StoreError, Tap, Token, TokenStore, Transaction, Witness,
    completing::{Completion, complete, completing_command},
    in_doubt::{Verdict, after_refusal, conclude},
    initialize::{OnlineInitialized, initialize_online},
    refusal::explain,
    rule::{Asked, When},
    tap::{Opening, Ready, Request, open},
};
use crate::{
    sam::{SamError, SamOrder},
    transport::Transport,
};

/// What the kinds differ in.
pub(super) struct Online<'o> {
    pub(super) request: Request<'o>,
    pub(super) key_id: u8,
}

/// Carries `order` out: `approve` checks the card's MAC1 and makes MAC2. The token is in the store before MAC2 leaves.
pub(super) fn carry_out<C, A, S>(
    card: &mut C,
    approver: &mut A,
    store: &mut S,
    order: &Online<'_>,
    approve: impl FnOnce(&mut A, &SamOrder, &OnlineInitialized) -> Result<[u8; 4], SamError>,
) -> Result<Tap, StoreError>
where
    C: Transport + ?Sized,
    A: Witness + ?Sized,
    S: TokenStore + ?Sized,
{
    let terminal = approver.terminal_number();
    let ready = match open(card, approver, store, terminal, &order.request)? {
        Opening::Ready(ready) => ready,
        Opening::Ended(tap) => return Ok(tap),
    };
    let Request { kind, amount, .. } = order.request;
    let field = Initialize { key_id: order.key_id, amount, terminal: ready.terminal };
    let initialized = match initialize_online(card, kind, &field) {
        Ok(initialized) => initialized,
        Err(cause) => {
            let cause = explain(card, &ready.application, &order.asked(When::Initialize), cause);
            return ready.refuse(store, cause);
        }
    };
    if let Some(in_doubt) = ready.contradiction(initialized.online_sequence) {
        return Ok(ready.end(Outcome::Unknown(in_doubt)));
    }
    if ready.is_recorded(store, kind, initialized.online_sequence)? {
        return ready.refuse(store, Cause::Recorded { sequence: initialized.online_sequence });
    }
    if let Some(cause) = ready.broken_rule(&order.request, initialized.old_balance) {
        return ready.refuse(store, cause);
    }
    let transaction = match transaction(&ready, order, &initialized) {
        Ok(transaction) => transaction,
        Err(cause) => return ready.refuse(store, cause),
    };
    if let Some(in_doubt) = ready.departure(&transaction) {
        return Ok(ready.end(Outcome::Unknown(in_doubt)));
    }
    let random = initialized.random;
    let mac2 = match approve(approver, &transaction.sam_order(random), &initialized) {
        Ok(mac2) => mac2,
        Err(error) => return ready.refuse(store, Cause::Keeper(error)),
    };
    let token = Token::new(transaction, order.key_id, random);
    store.begin(&token).map_err(StoreError::before_sending)?;
    let outcome = match finish(card, approver, &ready, order, &token, mac2) {
        Ok(verdict) => conclude(store, &token, verdict)?,
        Err(doubt) => Outcome::Unknown(InDoubt { token, doubt }),
    };
    Ok(ready.end(outcome))
}

impl Online<'_> {
    fn asked(&self, when: When) -> Asked {
        let Request { kind, amount, moment, pin, .. } = &self.request;
        Asked { kind: *kind, amount: *amount, date: moment.date, pin_verified: pin.is_some(), when }
    }
}

/// What is to happen to the card that `initialized`.
fn transaction(ready: &Ready, order: &Online<'_>, initialized: &OnlineInitialized) -> Result<Transaction, Cause> {
    let Request { kind, amount, .. } = order.request;
    let OnlineInitialized { old_balance, online_sequence, old_limit, .. } = *initialized;
    let new_balance = match kind {
        Kind::Overdraft => with_limit(old_balance, old_limit, amount)?,
        _ => kind.balance_after(old_balance, amount).ok_or(if kind.is_load() {
            Cause::BalanceTooHigh { balance: old_balance }
        } else {
            Cause::too_little(kind, old_balance)
        })?,
    };
    if online_sequence == u16::MAX {
        return Err(Cause::Refused { command: kind.initialize_name(), status: StatusWord::COUNTER_AT_MAXIMUM });
    }
    Ok(Transaction {
        order: order.request.number,
        enterprise: order.request.enterprise,
        serial: ready.application.serial(),
        kind,
        amount,
        old_balance,
        new_balance,
        card_sequence: online_sequence,
        terminal: ready.terminal,
        terminal_sequence: None,
        moment: ready.bound_moment().unwrap_or(order.request.moment),
        key_version: initialized.key_version.0,
        algorithm: initialized.algorithm.0,
    })
}

/// New balance = old balance − old limit + new limit: the holder's own money stays what it is.
fn with_limit(old: Amount, old_limit: OverdraftLimit, new_limit: Amount) -> Result<Amount, Cause> {
    let (owed, own) = (old_limit.amount().minus(old), old.minus(old_limit.amount()));
    match (own, owed) {
        (Some(own), _) => own.plus(new_limit).ok_or(Cause::BalanceTooHigh { balance: old }),
        (None, owed) => {
            let used = owed.unwrap_or_default();
            new_limit.minus(used).ok_or(Cause::LimitInUse { used })
        }
    }
}

fn finish<C, A>(
    card: &mut C,
    approver: &mut A,
    ready: &Ready,
    order: &Online<'_>,
    token: &Token,
    mac2: [u8; 4],
) -> Result<Verdict, Doubt>
where
    C: Transport + ?Sized,
    A: Witness + ?Sized,
{
    let command = completing_command(&token.transaction, mac2);
    match complete(card, &command, ready.application.has_own_parts()) {
        Completion::Done(data) => judge(approver, token, &data),
        Completion::SaysNothingDone(status) => {
            let asked = order.asked(When::Complete);
            let refusal = (token.transaction.kind.completing_name(), status);
            let verdict = after_refusal(card, &ready.application, approver, token, ready.pin_verified, refusal)?;
            Ok(verdict.explained(|cause| explain(card, &ready.application, &asked, cause)))
        }
        Completion::NotSent(error) => ready.unsent(token.transaction.kind, error),
        Completion::InDoubt(doubt) => Err(doubt),
    }
}

/// What a 9000 is worth.
///
/// Whoever answers 9000 without having **loaded** cheats himself, so an answer whose TAC nobody here can check is believed;
/// the issuer checks it at settlement. An **unload** is paid out, so its MAC3 must be right. A card that keeps a higher
/// **overdraft limit** than it says cheats the issuer, so its TAC must be right.
fn judge<A: Witness + ?Sized>(approver: &mut A, token: &Token, data: &[u8]) -> Result<Verdict, Doubt> {
    let transaction = &token.transaction;
    let mac: [u8; 4] = data.try_into().map_err(|_| Doubt::Malformed(data.len()))?;
    let executed = Verdict::Executed { transaction: *transaction, tac: Some(mac), evidence: Evidence::Answer };
    let checked = if transaction.kind.is_unload() {
        approver.check_mac3(&token.sam_order(), transaction.new_balance, mac)
    } else {
        approver.check_tac(transaction, mac)
    };
    match checked {
        Ok(()) => Ok(executed),
        Err(SamError::WrongMac) => Err(Doubt::WrongMac),
        Err(_) if transaction.kind.is_load() => Ok(executed),
        Err(SamError::NotSupported | SamError::NoSuchKey) if transaction.kind == Kind::Overdraft => {
            Err(Doubt::ProofUnchecked(Proof { mac: [0; 4], tac: mac }))
        }
        Err(error) => Err(Doubt::Keeper(error)),
    }
}
