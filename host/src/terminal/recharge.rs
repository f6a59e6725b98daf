//! A recharge: SELECT, VERIFY PIN, INITIALIZE FOR LOAD, CREDIT FOR LOAD (JR/T 0025.2; profile §5).

use onecard_wire::{
    amount::Amount,
    date::Moment,
    ins,
    number::EnterpriseId,
    status::StatusWord,
    wallet::{CreditForLoad, Initialize, LoadInitialized, Purse},
};

use super::{
    Cause, Doubt, Evidence, InDoubt, Kind, LoadApprover, OrderNumber, Outcome, StoreError, Tap, Token, TokenStore,
    Transaction,
    completing::{Completion, complete},
    in_doubt::{Verdict, after_refusal, conclude},
    initialize::initialize_load,
    refusal::explain,
    rule::Asked,
    tap::{Opening, Ready, Request, open},
};
use crate::{
    apdu::{Command, CommandName},
    card::Pin,
    sam::SamError,
    transport::Transport,
};

/// What is loaded. The money has been taken already.
#[derive(Clone, Debug)]
pub struct RechargeOrder {
    /// The terminal's number of this recharge: present the same number again after anything but [`Outcome::NotCommitted`].
    pub number: OrderNumber,
    /// Whose application is loaded.
    pub enterprise: EnterpriseId,
    /// Which purse is loaded.
    pub purse: Purse,
    /// Index of the load key, 01 by the profile.
    pub key_id: u8,
    /// What is loaded.
    pub amount: Amount,
    /// Now, by the terminal's or server's clock.
    pub moment: Moment,
    /// The PIN: the card asks for it before a load with key 01.
    pub pin: Option<Pin>,
}

/// Loads the card on the reader for `order`.
///
/// The approver, a load SAM or a server, checks the card's MAC1 and makes MAC2. The token is in the store before CREDIT
/// leaves. The same order presented again begins anew only if the genuine card has just shown that it did not execute the
/// earlier CREDIT; where that cannot be shown it is bound to the same online sequence, of which a card takes one CREDIT
/// only. Either way it is loaded once, however often it is tried.
///
/// # Errors
/// [`StoreError`] says whether anything was sent.
pub fn recharge<C, A, S>(
    card: &mut C,
    approver: &mut A,
    store: &mut S,
    order: &RechargeOrder,
) -> Result<Tap, StoreError>
where
    C: Transport + ?Sized,
    A: LoadApprover + ?Sized,
    S: TokenStore + ?Sized,
{
    let request = Request {
        number: order.number,
        enterprise: order.enterprise,
        kind: Kind::load(order.purse),
        amount: order.amount,
        moment: order.moment,
        pin: order.pin.as_ref(),
    };
    let terminal = approver.terminal_number();
    let ready = match open(card, approver, store, terminal, &request)? {
        Opening::Ready(ready) => ready,
        Opening::Ended(tap) => return Ok(tap),
    };
    let field = Initialize { key_id: order.key_id, amount: order.amount, terminal: ready.terminal };
    let initialized = match initialize_load(card, order.purse, &field) {
        Ok(initialized) => initialized,
        Err(cause) => {
            let kind = Kind::load(order.purse);
            let pin_verified = order.pin.is_some();
            let asked = Asked { kind, amount: order.amount, date: order.moment.date, pin_verified };
            let cause = explain(card, &ready.application, &asked, cause);
            return ready.refuse(store, cause);
        }
    };
    if let Some(in_doubt) = ready.contradiction(initialized.online_sequence) {
        return Ok(ready.end(Outcome::Unknown(in_doubt)));
    }
    let transaction = match transaction(&ready, order, &initialized) {
        Ok(transaction) => transaction,
        Err(cause) => return ready.refuse(store, cause),
    };
    if let Some(in_doubt) = ready.departure(&transaction) {
        return Ok(ready.end(Outcome::Unknown(in_doubt)));
    }
    let LoadInitialized { old_balance, random, mac1, .. } = initialized;
    let mac2 = match approver.approve(&transaction.sam_order(random), old_balance, mac1) {
        Ok(mac2) => mac2,
        Err(error) => return ready.refuse(store, Cause::Keeper(error)),
    };
    let token = Token { transaction, key_id: order.key_id, random };
    store.begin(&token).map_err(StoreError::before_sending)?;
    let outcome = credit(card, approver, store, &ready, &token, mac2)?;
    Ok(ready.end(outcome))
}

/// What is to happen to the card that `initialized`.
fn transaction(ready: &Ready, order: &RechargeOrder, initialized: &LoadInitialized) -> Result<Transaction, Cause> {
    let kind = Kind::load(order.purse);
    let old_balance = initialized.old_balance;
    let new_balance =
        kind.balance_after(old_balance, order.amount).ok_or(Cause::BalanceTooHigh { balance: old_balance })?;
    if initialized.online_sequence == u16::MAX {
        let command = CommandName::InitializeForLoad;
        return Err(Cause::Refused { command, status: StatusWord::COUNTER_AT_MAXIMUM });
    }
    Ok(Transaction {
        order: order.number,
        enterprise: order.enterprise,
        serial: ready.application.serial(),
        kind,
        amount: order.amount,
        old_balance,
        new_balance,
        card_sequence: initialized.online_sequence,
        terminal: ready.terminal,
        terminal_sequence: None,
        moment: ready.bound_moment().unwrap_or(order.moment),
        key_version: initialized.key_version.0,
        algorithm: initialized.algorithm.0,
    })
}

fn credit<C, A, S>(
    card: &mut C,
    approver: &mut A,
    store: &mut S,
    ready: &Ready,
    token: &Token,
    mac2: [u8; 4],
) -> Result<Outcome, StoreError>
where
    C: Transport + ?Sized,
    A: LoadApprover + ?Sized,
    S: TokenStore + ?Sized,
{
    let Moment { date, time } = token.transaction.moment;
    let field = CreditForLoad { date, time, mac2 };
    let command = Command::new(ins::CLA_PBOC, ins::CREDIT_FOR_LOAD, 0, 0).with_data(&field.emit()).expecting(TAC_LEN);
    let judged = match complete(card, &command, ready.application.has_own_parts()) {
        Completion::Done(data) => judge(approver, token, &data),
        Completion::SaysNothingDone(status) => {
            let (application, refusal) = (&ready.application, (CommandName::CreditForLoad, status));
            after_refusal(card, application, approver, token, ready.pin_verified, refusal)
        }
        Completion::InDoubt(doubt) => Err(doubt),
    };
    match judged {
        Ok(verdict) => conclude(store, token, verdict),
        Err(doubt) => Ok(Outcome::Unknown(InDoubt { token: *token, doubt })),
    }
}

const TAC_LEN: u8 = 4;

/// Whoever answers 9000 without having loaded cheats himself, so an answer whose TAC nobody here can check is believed; the
/// issuer checks it at settlement.
fn judge<A: LoadApprover + ?Sized>(approver: &mut A, token: &Token, data: &[u8]) -> Result<Verdict, Doubt> {
    let tac = data.try_into().map_err(|_| Doubt::Malformed(data.len()))?;
    match approver.check_tac(&token.transaction, tac) {
        Err(SamError::WrongMac) => Err(Doubt::WrongMac),
        _ => Ok(Verdict::Executed { tac: Some(tac), evidence: Evidence::Answer }),
    }
}
