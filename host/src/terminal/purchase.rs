//! A purchase: SELECT, INITIALIZE FOR PURCHASE, DEBIT FOR PURCHASE (JR/T 0025.2; profile §5).

use onecard_wire::{
    amount::Amount,
    date::Moment,
    ins,
    number::EnterpriseId,
    status::StatusWord,
    wallet::{DebitForPurchase, Debited, Initialize, PurchaseInitialized, Purse},
};

use super::{
    Cause, Doubt, Evidence, InDoubt, Kind, OrderNumber, Outcome, StoreError, Tap, Token, TokenStore, Transaction,
    completing::{Completion, complete},
    in_doubt::{Verdict, after_refusal, conclude},
    initialize::initialize_purchase,
    refusal::explain,
    rule::Asked,
    tap::{Opening, Ready, Request, open},
};
use crate::{
    apdu::{Command, CommandName},
    card::Pin,
    sam::{Sam, SamError},
    transport::Transport,
};

/// What is sold.
#[derive(Clone, Debug)]
pub struct PurchaseOrder {
    /// The till's number of this sale: present the same number again after anything but [`Outcome::NotCommitted`].
    pub number: OrderNumber,
    /// Whose application pays.
    pub enterprise: EnterpriseId,
    /// Which purse pays.
    pub purse: Purse,
    /// Index of the purchase key, 01 by the profile.
    pub key_id: u8,
    /// The price.
    pub amount: Amount,
    /// Now, by the till's clock.
    pub moment: Moment,
    /// The PIN, where the purse or a limit asks for it.
    pub pin: Option<Pin>,
}

/// Charges the card on the reader for `order`.
///
/// The card is held for three commands; one more where the FCI lacks EF 0015, with a PIN, and for each question that an
/// earlier tap left open. The token is in the store before DEBIT leaves. Whatever the card answers, the SAM's word on its
/// MAC2 decides.
///
/// # Errors
/// [`StoreError`] says whether anything was sent.
pub fn purchase<C, K, S>(card: &mut C, sam: &mut K, store: &mut S, order: &PurchaseOrder) -> Result<Tap, StoreError>
where
    C: Transport + ?Sized,
    K: Sam + ?Sized,
    S: TokenStore + ?Sized,
{
    let request = Request {
        number: order.number,
        enterprise: order.enterprise,
        kind: Kind::purchase(order.purse),
        amount: order.amount,
        moment: order.moment,
        pin: order.pin.as_ref(),
    };
    let terminal = sam.terminal();
    let ready = match open(card, sam, store, terminal, &request)? {
        Opening::Ready(ready) => ready,
        Opening::Ended(tap) => return Ok(tap),
    };
    let field = Initialize { key_id: order.key_id, amount: order.amount, terminal: ready.terminal };
    let initialized = match initialize_purchase(card, order.purse, &field) {
        Ok(initialized) => initialized,
        Err(cause) => {
            let kind = Kind::purchase(order.purse);
            let pin_verified = order.pin.is_some();
            let asked = Asked { kind, amount: order.amount, date: order.moment.date, pin_verified };
            let cause = explain(card, &ready.application, &asked, cause);
            return ready.refuse(store, cause);
        }
    };
    if let Some(in_doubt) = ready.contradiction(initialized.offline_sequence) {
        return Ok(ready.end(Outcome::Unknown(in_doubt)));
    }
    let (token, mac1) = match prepare(sam, &ready, order, &initialized) {
        Ok(prepared) => prepared,
        Err(cause) => return ready.refuse(store, cause),
    };
    store.begin(&token).map_err(StoreError::before_sending)?;
    let outcome = debit(card, sam, store, &ready, &token, mac1)?;
    Ok(ready.end(outcome))
}

/// The SAM's part before DEBIT: no card time, nothing spent.
fn prepare<K: Sam + ?Sized>(
    sam: &mut K,
    ready: &Ready,
    order: &PurchaseOrder,
    initialized: &PurchaseInitialized,
) -> Result<(Token, [u8; 4]), Cause> {
    let kind = Kind::purchase(order.purse);
    let old_balance = initialized.old_balance;
    let new_balance =
        kind.balance_after(old_balance, order.amount).ok_or(Cause::BalanceTooLow { balance: old_balance })?;
    if initialized.offline_sequence == u16::MAX {
        let command = CommandName::InitializeForPurchase;
        return Err(Cause::Refused { command, status: StatusWord::COUNTER_AT_MAXIMUM });
    }
    let mut transaction = Transaction {
        order: order.number,
        enterprise: order.enterprise,
        serial: ready.application.serial(),
        kind,
        amount: order.amount,
        old_balance,
        new_balance,
        card_sequence: initialized.offline_sequence,
        terminal: ready.terminal,
        terminal_sequence: None,
        moment: order.moment,
        key_version: initialized.key_version.0,
        algorithm: initialized.algorithm.0,
    };
    let random = initialized.random;
    let answer = sam.initialize_purchase(&transaction.sam_order(random)).map_err(Cause::Keeper)?;
    transaction.terminal_sequence = Some(answer.terminal_sequence);
    Ok((Token { transaction, key_id: order.key_id, random }, answer.mac1))
}

fn debit<C, K, S>(
    card: &mut C,
    sam: &mut K,
    store: &mut S,
    ready: &Ready,
    token: &Token,
    mac1: [u8; 4],
) -> Result<Outcome, StoreError>
where
    C: Transport + ?Sized,
    K: Sam + ?Sized,
    S: TokenStore + ?Sized,
{
    let Moment { date, time } = token.transaction.moment;
    let terminal_sequence = token.transaction.terminal_sequence.unwrap_or_default();
    let field = DebitForPurchase { terminal_sequence, date, time, mac1 };
    let command =
        Command::new(ins::CLA_PBOC, ins::DEBIT, ins::DEBIT_PURCHASE, 0).with_data(&field.emit()).expecting(DEBITED_LEN);
    let judged = match complete(card, &command, ready.application.has_own_parts()) {
        Completion::Done(data) => judge(sam, &data),
        Completion::SaysNothingDone(status) => {
            let (application, refusal) = (&ready.application, (CommandName::DebitForPurchase, status));
            after_refusal(card, application, sam, token, ready.pin_verified, refusal)
        }
        Completion::InDoubt(doubt) => Err(doubt),
    };
    match judged {
        Ok(verdict) => conclude(store, token, verdict),
        Err(doubt) => Ok(Outcome::Unknown(InDoubt { token: *token, doubt })),
    }
}

const DEBITED_LEN: u8 = Debited::LEN as u8;

/// 9000 alone proves nothing: only the MAC2 that the SAM accepts does.
fn judge<K: Sam + ?Sized>(sam: &mut K, data: &[u8]) -> Result<Verdict, Doubt> {
    let Debited { tac, mac2 } = Debited::parse(data).ok_or(Doubt::Malformed(data.len()))?;
    match sam.credit_purchase(mac2) {
        Ok(()) => Ok(Verdict::Executed { tac: Some(tac), evidence: Evidence::Answer }),
        Err(SamError::WrongMac) => Err(Doubt::WrongMac),
        Err(error) => Err(Doubt::Keeper(error)),
    }
}
