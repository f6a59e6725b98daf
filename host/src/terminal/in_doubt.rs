//! Finding out, at the next tap, whether a transaction in doubt happened.
//!
//! The order of questions: GET TRANSACTION PROVE first, since it changes nothing and answers on a suspended card too; then
//! INITIALIZE, which changes nothing either and tells the sequence; then the log, read with MAC.
//!
//! What each answer is worth:
//! - A proof counts when its MAC2 is accepted by a SAM, its MAC3 by the desk, or its TAC by the issuer: nobody else can have made it. A proof
//!   with a wrong MAC is another transaction's or a false card's, and a load's has no MAC at all (zero).
//! - An unchanged sequence means that the card has not executed the transaction; the INITIALIZE that brought it ended the
//!   old one, so it never will.
//!   - For a **load** this is proven: INITIALIZE is sent with a terminal number that the SAM drew at random, so that the right
//!     MAC1 is an answer to this very question, of the genuine card, now; no recording has it (32 random bits, a new question
//!     at each tap). MAC1 covers the balance too. Where the SAM cannot ask so, or the card refuses such an amount (a limit in EF
//!     0017), the doubt stays, and the same order presented again is bound to the same sequence, balance and moment
//!     ([`super::recharge()`]): a card takes one CREDIT of a sequence, and whichever it was, its proof is this order's.
//!   - For an **unload** or overdraft update it is proven in the same way, by INITIALIZE with a random terminal number, which
//!     MAC1 covers too: only whoever keeps the key can tell, so elsewhere than at the desk the doubt stays.
//!   - For an **undo** nothing authenticates the sequence, and who has it found not done is refunded in another way as well. So
//!     the doubt stays. The same order presented again is bound to the same card sequence, and its token remembers every
//!     try: a card executes one transaction of a sequence, and whichever try it was, its MAC2 is this order's. Another
//!     order's MAC2 at that sequence shows that it did not happen (`number_used_by_another`).
//!   - For a **purchase** (and withdrawal) nothing authenticates sequence and balance either. Whoever stands between card and till can have an
//!     executed purchase found not done: the till has handed out nothing, but the holder has paid, and pays again if he
//!     goes on. The issuer sees it by the card's log and sequence; a till cannot.
//! - A higher sequence without a proof that counts: the log decides, and only by what stays true (`log_evidence`).

use onecard_wire::{
    aid,
    amount::Amount,
    ins,
    number::TerminalNumber,
    status::StatusWord,
    wallet::{Initialize, Proof},
};

use super::{
    Cause, Conclusion, DeskClaim, Doubt, Evidence, InDoubt, IssuerCheck, Kind, Outcome, Reason, Receipt,
    SettlementRecord, StorageError, StoreError, Token, TokenStore, Transaction, Witness,
    initialize::{OnlineInitialized, initialize_offline, initialize_online},
    log_evidence::{LogEvidence, log_evidence},
};
use crate::{
    apdu::{Command, CommandName, exchange},
    card::{Pin, ReadError, Selected, select, verify_pin},
    sam::{CardFactors, SamError},
    transport::Transport,
};

/// Asks the card on the reader what became of `token`, and stores the answer. A load needs the PIN where INITIALIZE does.
///
/// A token that is committed already is answered from the store, without asking the card.
///
/// # Errors
/// [`StoreError`]; with [`StorageError::NotPending`] if this store has no such token pending, because it was found not to
/// have happened, or because it is another terminal's.
pub fn resolve<C, W, S>(
    card: &mut C,
    witness: &mut W,
    store: &mut S,
    token: &Token,
    pin: Option<&Pin>,
) -> Result<Outcome, StoreError>
where
    C: Transport + ?Sized,
    W: Witness + ?Sized,
    S: TokenStore + ?Sized,
{
    if let Some(receipt) = standing_in(store, token)? {
        return Ok(Outcome::Committed(receipt));
    }
    if number_used_by_another(store, token).map_err(|source| StoreError::concluding(token, source))? {
        return conclude(store, token, Verdict::NotExecuted(Cause::NumberUsedByAnother));
    }
    match ask(card, witness, token, pin) {
        Ok(verdict) => conclude(store, token, verdict),
        Err(doubt) => Ok(Outcome::Unknown(InDoubt { token: *token, doubt })),
    }
}

/// Lets the issuer decide by a proof the terminal could not check ([`Doubt::ProofUnchecked`]): without the card. Any other
/// doubt is returned as it is.
///
/// # Errors
/// [`StoreError`], as [`resolve`].
pub fn resolve_by_issuer<I, S>(issuer: &mut I, store: &mut S, in_doubt: &InDoubt) -> Result<Outcome, StoreError>
where
    I: IssuerCheck + ?Sized,
    S: TokenStore + ?Sized,
{
    let InDoubt { token, doubt } = in_doubt;
    if let Some(receipt) = standing_in(store, token)? {
        return Ok(Outcome::Committed(receipt));
    }
    let still = |doubt| Ok(Outcome::Unknown(InDoubt { token: *token, doubt }));
    let Doubt::ProofUnchecked(proof) = doubt else { return still(doubt.clone()) };
    for Token { transaction, .. } in token.tries() {
        match issuer.check_tac(&transaction, proof.tac) {
            Ok(()) => {
                let executed = Verdict::Executed { transaction, tac: Some(proof.tac), evidence: Evidence::Tac };
                return conclude(store, token, executed);
            }
            Err(SamError::WrongMac) => {}
            Err(error) => return still(Doubt::Keeper(error)),
        }
    }
    still(Doubt::LogSilent)
}

/// What a card's answers prove.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// It happened, as this transaction: an undo begun again may have happened at any of its tries.
    Executed { transaction: Transaction, tac: Option<[u8; 4]>, evidence: Evidence },
    /// It did not and will not.
    NotExecuted(Cause),
}

impl Verdict {
    /// The same, with the cause put in better words.
    pub(super) fn explained(self, explain: impl FnOnce(Cause) -> Cause) -> Self {
        match self {
            Self::NotExecuted(cause) => Self::NotExecuted(explain(cause)),
            executed @ Self::Executed { .. } => executed,
        }
    }
}

/// What became of a transaction whose DEBIT or CREDIT was answered by `status`, a word that says it was refused. The answer
/// has no MAC and may have been changed on the way, so the card is asked at once; if it does not tell, the word is all there
/// is and the doubt stays.
pub(super) fn after_refusal<C, W>(
    card: &mut C,
    application: &Selected,
    witness: &mut W,
    token: &Token,
    pin_verified: bool,
    (command, status): (CommandName, StatusWord),
) -> Result<Verdict, Doubt>
where
    C: Transport + ?Sized,
    W: Witness + ?Sized,
{
    match investigate(card, application, witness, token, pin_verified) {
        Ok(Verdict::NotExecuted(_)) => Ok(Verdict::NotExecuted(Cause::Refused { command, status })),
        Ok(executed) => Ok(executed),
        Err(_) => Err(Doubt::Status(status)),
    }
}

/// What the selected `application` proves of `token`.
pub(super) fn investigate<C, W>(
    card: &mut C,
    application: &Selected,
    witness: &mut W,
    token: &Token,
    pin_verified: bool,
) -> Result<Verdict, Doubt>
where
    C: Transport + ?Sized,
    W: Witness + ?Sized,
{
    let (before, reason) = (token.transaction.card_sequence, |cause| not_reached(token, cause));
    let judged = match transaction_proof(card, token).map_err(reason)? {
        Some(proof) => judge(witness, token, proof)?,
        None => Judged::NoProof,
    };
    let (tac, silent) = match judged {
        Judged::Genuine(verdict) => return Ok(verdict),
        Judged::Unjudged(proof) => (Some(proof.tac), Doubt::ProofUnchecked(proof)),
        Judged::Wrong => (None, Doubt::LogSilent),
        Judged::NoProof => match sequence_now(card, witness, token, pin_verified)? {
            Sequence::Is(now) if now == before => return unchanged(token),
            Sequence::Is(now) if now < before => return Err(Doubt::Contradiction { expected: before, found: now }),
            Sequence::Is(_) => (None, Doubt::LogSilent),
            Sequence::Refused(doubt) => (None, doubt),
        },
    };
    match log_evidence(card, application, witness, token) {
        Ok(LogEvidence::Logged(transaction)) => Ok(Verdict::Executed { transaction, tac, evidence: Evidence::Log }),
        Ok(LogEvidence::NumberUsedByAnother) => Ok(Verdict::NotExecuted(Cause::NumberUsedByAnother)),
        Ok(LogEvidence::Silent) => Err(silent),
        Err(error) => Err(if silent == Doubt::LogSilent { log_not_read(token, error) } else { silent }),
    }
}

/// What an unchanged sequence shows.
fn unchanged(token: &Token) -> Result<Verdict, Doubt> {
    match token.transaction.kind {
        Kind::Undo => Err(Doubt::SequenceUnproven),
        _ => Ok(Verdict::NotExecuted(Cause::NeverCompleted)),
    }
}

/// Whether this store has another order of the card committed at `token`'s number: a card uses each number once.
pub(super) fn number_used_by_another<S: TokenStore + ?Sized>(store: &S, token: &Token) -> Result<bool, StorageError> {
    let Transaction { order, kind, card_sequence, .. } = token.transaction;
    let last = last_proven(store, token.transaction.card(), kind)?;
    Ok(last.is_some_and(|last| last.card_sequence == card_sequence && last.order != order))
}

/// Whether `sequence`, INITIALIZE's for a transaction of `kind`, is one that the card has used by what this store knows: then
/// the answer is a recording, and what follows it may be one too. No MAC covers the sequence, or an old one does.
pub(super) fn is_recorded<S: TokenStore + ?Sized>(
    store: &S,
    card: CardFactors,
    kind: Kind,
    sequence: u16,
) -> Result<bool, StorageError> {
    Ok(last_proven(store, card, kind)?.is_some_and(|last| last.card_sequence >= sequence))
}

/// The last transaction with a number of the card's that `kind` counts in. A person's decision proves no number.
fn last_proven<S: TokenStore + ?Sized>(
    store: &S,
    card: CardFactors,
    kind: Kind,
) -> Result<Option<Transaction>, StorageError> {
    let last = store.last_of_counter(card, kind.counter())?.filter(|last| last.evidence != Evidence::Desk);
    Ok(last.map(|last| last.transaction))
}

/// Stores what was found.
pub(super) fn conclude<S: TokenStore + ?Sized>(
    store: &mut S,
    token: &Token,
    verdict: Verdict,
) -> Result<Outcome, StoreError> {
    let (outcome, conclusion) = match verdict {
        Verdict::Executed { transaction, tac, evidence } => {
            let settlement = SettlementRecord { transaction, tac, evidence };
            (Outcome::Committed(Receipt { settlement }), Conclusion::Committed(settlement))
        }
        Verdict::NotExecuted(cause) => {
            let reason = Reason { card: Some(token.transaction.serial), cause };
            let text = reason.to_string();
            (Outcome::NotCommitted(reason), Conclusion::NotCommitted(text))
        }
    };
    store.conclude(token, &conclusion).map_err(|source| StoreError::concluding(token, source))?;
    Ok(outcome)
}

/// The receipt if `token` is committed; an error unless it is pending.
pub(super) fn standing_in<S: TokenStore + ?Sized>(store: &S, token: &Token) -> Result<Option<Receipt>, StoreError> {
    let order = token.transaction.order;
    let failed = |source| StoreError::concluding(token, source);
    if let Some(settlement) = store.committed(order).map_err(failed)?
        && token.is_of_order(&settlement.transaction)
    {
        return Ok(Some(Receipt { settlement }));
    }
    if store.pending().map_err(failed)?.contains(token) {
        return Ok(None);
    }
    Err(failed(StorageError::NotPending(order)))
}

fn ask<C, W>(card: &mut C, witness: &mut W, token: &Token, pin: Option<&Pin>) -> Result<Verdict, Doubt>
where
    C: Transport + ?Sized,
    W: Witness + ?Sized,
{
    let name = aid::enterprise_application(token.transaction.enterprise);
    let application = select(card, &name)
        .map_err(|error| Doubt::NotReached(Box::new(Reason { card: None, cause: Cause::Select(error) })))?;
    let (expected, found) = (token.transaction.serial, application.serial());
    if found != expected {
        return Err(Doubt::OtherCard { expected, found });
    }
    if let Some(pin) = pin {
        verify_pin(card, &application, pin).map_err(|error| not_reached(token, Cause::Pin(error)))?;
    }
    investigate(card, &application, witness, token, pin.is_some())
}

/// GET TRANSACTION PROVE; `None` if the card has no such proof. It is asked for by the number **after** the transaction.
fn transaction_proof<C: Transport + ?Sized>(card: &mut C, token: &Token) -> Result<Option<Proof>, Cause> {
    let command = CommandName::GetTransactionProve;
    let transaction_type = token.transaction.kind.transaction_type().0;
    let Some(sequence) = token.transaction.sequence_after() else { return Ok(None) };
    let prove = Command::new(ins::CLA_PBOC, ins::GET_TRANSACTION_PROVE, 0, transaction_type)
        .with_data(&sequence.to_be_bytes())
        .expecting(8);
    let response = exchange(card, &prove).map_err(|error| Cause::NoAnswer { command, error })?;
    // 9406, and what a card says that is suspended or does not know the command: the next questions decide.
    let Ok(data) = response.done() else { return Ok(None) };
    Proof::parse(&data).map(Some).ok_or(Cause::Malformed { command, length: data.len() })
}

/// What a proof is worth.
enum Judged {
    Genuine(Verdict),
    Wrong,
    Unjudged(Proof),
    NoProof,
}

/// Each try has a MAC2 and a TAC of its own.
fn judge<W: Witness + ?Sized>(witness: &mut W, token: &Token, proof: Proof) -> Result<Judged, Doubt> {
    let mut judged = Judged::Wrong;
    for tried in token.tries() {
        match judge_try(witness, &tried, proof)? {
            genuine @ Judged::Genuine(_) => return Ok(genuine),
            unjudged @ Judged::Unjudged(_) => judged = unjudged,
            Judged::Wrong | Judged::NoProof => {}
        }
    }
    Ok(judged)
}

fn judge_try<W: Witness + ?Sized>(witness: &mut W, token: &Token, proof: Proof) -> Result<Judged, Doubt> {
    let executed =
        |tac, evidence| Judged::Genuine(Verdict::Executed { transaction: token.transaction, tac: Some(tac), evidence });
    let genuine = |evidence| executed(proof.tac, evidence);
    if let Some(terminal_sequence) = token.transaction.terminal_sequence {
        match witness.check_mac2(&token.sam_order(), terminal_sequence, proof.mac) {
            Ok(()) => return Ok(genuine(Evidence::Mac2)),
            Err(SamError::WrongMac) => return Ok(Judged::Wrong),
            Err(SamError::NotSupported | SamError::NoSuchKey) => {}
            Err(error) => return Err(Doubt::Keeper(error)),
        }
    }
    if token.transaction.kind.is_unload() {
        return match witness.check_mac3(&token.sam_order(), token.transaction.new_balance, proof.mac) {
            Ok(()) => Ok(executed(proof.mac, Evidence::Mac3)),
            Err(SamError::WrongMac) => Ok(Judged::Wrong),
            Err(error) => Err(Doubt::Keeper(error)),
        };
    }
    match witness.check_tac(&token.transaction, proof.tac) {
        Ok(()) => Ok(genuine(Evidence::Tac)),
        Err(SamError::WrongMac) => Ok(Judged::Wrong),
        Err(SamError::NotSupported | SamError::NoSuchKey) => Ok(Judged::Unjudged(proof)),
        Err(error) => Err(Doubt::Keeper(error)),
    }
}

/// The sequence the card shows now.
enum Sequence {
    Is(u16),
    Refused(Doubt),
}

/// INITIALIZE: for an offline kind with amount 0 (of an undo: the purchase's, or the card refuses), for an online one with a
/// question no recording answers.
fn sequence_now<C, W>(card: &mut C, witness: &mut W, token: &Token, pin_verified: bool) -> Result<Sequence, Doubt>
where
    C: Transport + ?Sized,
    W: Witness + ?Sized,
{
    let transaction = &token.transaction;
    let (kind, key_id) = (transaction.kind, token.key_id);
    let asked = if kind.is_online() {
        // Amount 0, since a limit of the card's refuses others: the terminal number is the question, and MAC1 covers it.
        let nonce = witness.nonce().map(terminal_of);
        let terminal = *nonce.as_ref().unwrap_or(&transaction.terminal);
        initialize_online(card, kind, &Initialize { key_id, amount: Amount::ZERO, terminal })
            .map(|now| (now.online_sequence, checked_by_mac1(witness, token, nonce, &now)))
    } else {
        let ask = |card: &mut C, kind, amount| {
            let field = Initialize { key_id, amount, terminal: transaction.terminal };
            initialize_offline(card, kind, &field).map(|now| (now.offline_sequence, Ok(())))
        };
        match kind {
            // A purchase tells the same sequence, also once another transaction keeps the undo from being begun.
            Kind::Undo => match ask(card, Kind::PurchaseEp, Amount::ZERO) {
                Err(Cause::Refused { .. }) => ask(card, kind, transaction.amount),
                asked => asked,
            },
            kind => ask(card, kind, Amount::ZERO),
        }
    };
    match asked {
        // An unchanged sequence must come from the genuine card, now. A changed one is only the reason to read the log, which
        // is authenticated itself.
        Ok((now, checked)) if now == transaction.card_sequence => checked.map(|()| Sequence::Is(now)),
        Ok((now, _)) => Ok(Sequence::Is(now)),
        Err(Cause::Refused { status, .. }) if !pin_verified && asks_for_pin(kind, status) => Err(Doubt::PinNeeded),
        Err(cause) => refused(token, cause),
    }
}

/// 32 bits of a terminal number.
fn terminal_of([a, b, c, d]: [u8; 4]) -> TerminalNumber {
    TerminalNumber([a, b, c, d, 0, 0])
}

/// The MAC1 of the INITIALIZE that `now` answers. Who lies about a load's sequence wants his money back; a relay that lies
/// about an unload's has the holder unload twice.
fn checked_by_mac1<W: Witness + ?Sized>(
    witness: &mut W,
    token: &Token,
    nonce: Result<TerminalNumber, SamError>,
    now: &OnlineInitialized,
) -> Result<(), Doubt> {
    if now.random == token.random {
        return Err(Doubt::Replayed);
    }
    let terminal = nonce.map_err(Doubt::Keeper)?;
    let mut order = token.transaction.sam_order(now.random);
    order.init.amount = Amount::ZERO;
    (order.init.key_version, order.init.algorithm) = (now.key_version, now.algorithm);
    let checked = match token.transaction.kind.is_load() {
        true => witness.check_mac1(&order, terminal, now.old_balance, now.mac1),
        false => witness.check_claim(&order, &DeskClaim::of(terminal, now)),
    };
    checked.map_err(wrong_or_keeper)
}

fn wrong_or_keeper(error: SamError) -> Doubt {
    match error {
        SamError::WrongMac => Doubt::WrongMac,
        error => Doubt::Keeper(error),
    }
}

/// A card that refuses INITIALIZE may still show its log; one that is silent is asked again at the next tap.
fn refused(token: &Token, cause: Cause) -> Result<Sequence, Doubt> {
    let asks_log = matches!(cause, Cause::Refused { .. });
    let doubt = not_reached(token, cause);
    if asks_log { Ok(Sequence::Refused(doubt)) } else { Err(doubt) }
}

/// 6985 too, of a load: FMCOS cards differ in the word for a key that wants the PIN.
fn asks_for_pin(kind: Kind, status: StatusWord) -> bool {
    status == StatusWord::SECURITY_NOT_SATISFIED || kind.is_load() && status == StatusWord::CONDITIONS_NOT_SATISFIED
}

fn not_reached(token: &Token, cause: Cause) -> Doubt {
    Doubt::NotReached(Box::new(Reason { card: Some(token.transaction.serial), cause }))
}

/// A card that left in the middle of the log is asked again; one whose log nobody here can read is the issuer's.
fn log_not_read(token: &Token, error: ReadError) -> Doubt {
    match error {
        ReadError::Exchange { source, .. } => {
            not_reached(token, Cause::NoAnswer { command: CommandName::Read, error: source })
        }
        error => Doubt::LogNotRead(error),
    }
}
