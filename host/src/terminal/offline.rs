//! SELECT, INITIALIZE, DEBIT with a SAM: the one course of purchase, compound purchase, cash withdrawal and undo.

use onecard_wire::{
    status::StatusWord,
    wallet::{Debited, Initialize, PurchaseInitialized},
};

use super::{
    CappUpdate, Cause, Doubt, Evidence, InDoubt, Kind, Outcome, StoreError, Tap, Token, TokenStore, Transaction,
    capp::update_cache,
    completing::{Completion, complete, completing_command},
    in_doubt::{Verdict, after_refusal, conclude},
    initialize::initialize_offline,
    refusal::explain,
    rule::{Asked, When},
    tap::{Opening, Ready, Request, open},
};
use crate::{
    sam::{Sam, SamError},
    transport::Transport,
};

/// What the kinds differ in.
pub(super) struct Offline<'o> {
    pub(super) request: Request<'o>,
    pub(super) key_id: u8,
    /// Of a compound purchase: what DEBIT is to write into EF 001C.
    pub(super) updates: &'o [CappUpdate],
}

/// Carries `order` out. The token is in the store before DEBIT leaves. Whatever the card answers, the SAM's word on its MAC2
/// decides.
pub(super) fn carry_out<C, K, S>(
    card: &mut C,
    sam: &mut K,
    store: &mut S,
    order: &Offline<'_>,
) -> Result<Tap, StoreError>
where
    C: Transport + ?Sized,
    K: Sam + ?Sized,
    S: TokenStore + ?Sized,
{
    let terminal = sam.terminal();
    let ready = match open(card, sam, store, terminal, &order.request)? {
        Opening::Ready(ready) => ready,
        Opening::Ended(tap) => return Ok(tap),
    };
    let initialized = match initialize(card, &ready, order) {
        Ok(initialized) => initialized,
        Err(cause) => {
            let cause = explain(card, &ready.application, &order.asked(When::Initialize), cause);
            return ready.refuse(store, cause);
        }
    };
    if let Some(in_doubt) = ready.contradiction(initialized.offline_sequence) {
        return Ok(ready.end(Outcome::Unknown(in_doubt)));
    }
    if ready.is_recorded(store, order.request.kind, initialized.offline_sequence)? {
        return ready.refuse(store, Cause::Recorded { sequence: initialized.offline_sequence });
    }
    let transaction = match transaction(&ready, order, &initialized) {
        Ok(transaction) => transaction,
        Err(cause) => return ready.refuse(store, cause),
    };
    if let Some(in_doubt) = ready.departure(&transaction) {
        return Ok(ready.end(Outcome::Unknown(in_doubt)));
    }
    let (token, mac1) = match prepare(sam, order, transaction, initialized.random) {
        Ok((token, mac1)) => (ready.remembering(token), mac1),
        Err(cause) => return ready.refuse(store, cause),
    };
    store.begin(&token).map_err(StoreError::before_sending)?;
    let outcome = match debit(card, sam, &ready, order, &token, mac1) {
        Ok(verdict) => conclude(store, &token, verdict)?,
        Err(doubt) => Outcome::Unknown(InDoubt { token, doubt }),
    };
    Ok(ready.end_with(store, outcome))
}

impl Offline<'_> {
    fn asked(&self, when: When) -> Asked {
        let Request { kind, amount, moment, pin, .. } = &self.request;
        Asked { kind: *kind, amount: *amount, date: moment.date, pin_verified: pin.is_some(), when }
    }
}

/// INITIALIZE, and UPDATE CAPP DATA CACHE for each record.
fn initialize<C: Transport + ?Sized>(
    card: &mut C,
    ready: &Ready,
    order: &Offline<'_>,
) -> Result<PurchaseInitialized, Cause> {
    let Request { kind, amount, .. } = order.request;
    let field = Initialize { key_id: order.key_id, amount, terminal: ready.terminal };
    let initialized = initialize_offline(card, kind, &field)?;
    order.updates.iter().try_for_each(|update| update_cache(card, update))?;
    Ok(initialized)
}

/// What is to happen to the card that `initialized`; the SAM will number it.
fn transaction(ready: &Ready, order: &Offline<'_>, initialized: &PurchaseInitialized) -> Result<Transaction, Cause> {
    let Request { kind, amount, undone, .. } = order.request;
    let PurchaseInitialized { old_balance, offline_sequence, .. } = *initialized;
    let out_of_range = match kind {
        Kind::Undo => Cause::BalanceTooHigh { balance: old_balance },
        _ => Cause::too_little(kind, old_balance),
    };
    let new_balance = kind.balance_after(old_balance, amount).ok_or(out_of_range)?;
    if offline_sequence == u16::MAX {
        return Err(Cause::Refused { command: kind.initialize_name(), status: StatusWord::COUNTER_AT_MAXIMUM });
    }
    let transaction = Transaction {
        order: order.request.number,
        enterprise: order.request.enterprise,
        serial: ready.application.serial(),
        kind,
        amount,
        old_balance,
        new_balance,
        card_sequence: offline_sequence,
        terminal: ready.terminal,
        terminal_sequence: None,
        moment: order.request.moment,
        key_version: initialized.key_version.0,
        algorithm: initialized.algorithm.0,
    };
    if undone.is_some_and(|purchase| !transaction.undoes(&purchase)) {
        return Err(Cause::NotLastOnCard);
    }
    Ok(transaction)
}

/// The SAM's part before DEBIT: no card time, and nothing spent but an undo's number.
fn prepare<K: Sam + ?Sized>(
    sam: &mut K,
    order: &Offline<'_>,
    mut transaction: Transaction,
    random: [u8; 4],
) -> Result<(Token, [u8; 4]), Cause> {
    let sam_order = transaction.sam_order(random);
    let answer = match transaction.kind {
        Kind::Undo => sam.initialize_undo(&sam_order),
        _ => sam.initialize_purchase(&sam_order),
    };
    let answer = answer.map_err(Cause::Keeper)?;
    transaction.terminal_sequence = Some(answer.terminal_sequence);
    Ok((Token::new(transaction, order.key_id, random), answer.mac1))
}

fn debit<C, K>(
    card: &mut C,
    sam: &mut K,
    ready: &Ready,
    order: &Offline<'_>,
    token: &Token,
    mac1: [u8; 4],
) -> Result<Verdict, Doubt>
where
    C: Transport + ?Sized,
    K: Sam + ?Sized,
{
    let command = completing_command(&token.transaction, mac1);
    match complete(card, &command, ready.application.has_own_parts()) {
        Completion::Done(data) => judge(sam, token, &data),
        Completion::SaysNothingDone(status) => {
            let asked = order.asked(When::Complete);
            let refusal = (token.transaction.kind.completing_name(), status);
            let verdict = after_refusal(card, &ready.application, sam, token, ready.pin_verified, refusal)?;
            Ok(verdict.explained(|cause| explain(card, &ready.application, &asked, cause)))
        }
        Completion::NotSent(error) => ready.unsent(token.transaction.kind, error),
        Completion::InDoubt(doubt) => Err(doubt),
    }
}

/// 9000 alone proves nothing: only the MAC2 that the SAM accepts does.
fn judge<K: Sam + ?Sized>(sam: &mut K, token: &Token, data: &[u8]) -> Result<Verdict, Doubt> {
    let Debited { tac, mac2 } = Debited::parse(data).ok_or(Doubt::Malformed(data.len()))?;
    let judged = match token.transaction.kind {
        Kind::Undo => sam.credit_undo(mac2),
        _ => sam.credit_purchase(mac2),
    };
    match judged {
        Ok(()) => Ok(Verdict::Executed { transaction: token.transaction, tac: Some(tac), evidence: Evidence::Answer }),
        Err(SamError::WrongMac) => Err(Doubt::WrongMac),
        Err(error) => Err(Doubt::Keeper(error)),
    }
}
