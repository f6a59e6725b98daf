//! Why it is not known whether a transaction happened, and who decides.

use core::fmt;

use onecard_wire::{number::ApplicationSerial, status::StatusWord, wallet::Proof};

use super::{Cause, Kind, Language, Reason, Token, chinese, reason::card_text};
use crate::{
    apdu::ExchangeError,
    card::{PinError, ReadError, SelectError},
    sam::SamError,
};

/// A transaction that may or may not have happened. Its token is in the store; the next tap of the same card, or the
/// issuer, decides. `Display` is English.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InDoubt {
    /// What must be remembered.
    pub token: Token,
    /// Why it is in doubt.
    pub doubt: Doubt,
}

/// What keeps a transaction in doubt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Doubt {
    /// DEBIT or CREDIT left and no whole answer came.
    NoAnswer(ExchangeError),
    /// DEBIT or CREDIT was answered by a word that does not say that nothing happened (6901 comes also when a reader sends an
    /// executed DEBIT twice), or says so and the card, asked at once, did not prove it.
    Status(StatusWord),
    /// DEBIT or CREDIT was answered 9000 with so many bytes, which is not its answer.
    Malformed(usize),
    /// DEBIT was answered 9000 with a MAC2 that is wrong: the answer was changed, or the card is not genuine.
    WrongMac,
    /// The card has answered, and the SAM or server that must judge the answer is out of reach.
    Keeper(SamError),
    /// The card was not reached, or did not let itself be asked.
    NotReached(Box<Reason>),
    /// The card on the reader is not the one the transaction was with.
    OtherCard {
        /// The transaction's card.
        expected: ApplicationSerial,
        /// The card on the reader.
        found: ApplicationSerial,
    },
    /// The PIN is needed to ask the card.
    PinNeeded,
    /// The card's sequence is lower than it was, or contradicts its proof: not a genuine card, or another transaction ran.
    Contradiction {
        /// The sequence it had before the transaction.
        expected: u16,
        /// The sequence it shows now.
        found: u16,
    },
    /// Of an undo: the card has no proof of it and shows the sequence it had before, which no MAC covers. The same order goes on
    /// at that number, of which a card executes one transaction; or another one's MAC2 at that number shows that it did not happen.
    SequenceUnproven,
    /// The card repeats an earlier random: a recording, not a genuine card.
    Replayed,
    /// The card has a proof that nobody here can check: the issuer can.
    ProofUnchecked(Proof),
    /// The card was used elsewhere since, and its log could not be read with MAC.
    LogNotRead(ReadError),
    /// The card was used elsewhere since, and its log no longer tells.
    LogSilent,
}

/// Who ends a doubt.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Decider {
    /// The same card, at its next tap.
    SameCard,
    /// The issuer, by the TAC.
    Issuer,
    /// The service desk, by [`conclude_by_desk`](super::conclude_by_desk): the card cannot be trusted, or is blocked.
    ServiceDesk,
}

impl Doubt {
    /// Who decides.
    #[must_use]
    pub fn decider(&self) -> Decider {
        match self {
            Self::NoAnswer(_)
            | Self::Status(_)
            | Self::Malformed(_)
            | Self::WrongMac
            | Self::Keeper(_)
            | Self::OtherCard { .. }
            | Self::SequenceUnproven
            | Self::PinNeeded => Decider::SameCard,
            Self::NotReached(reason) if is_blocked(&reason.cause) => Decider::ServiceDesk,
            Self::NotReached(_) => Decider::SameCard,
            Self::ProofUnchecked(_) | Self::LogNotRead(_) | Self::LogSilent => Decider::Issuer,
            Self::Contradiction { .. } | Self::Replayed => Decider::ServiceDesk,
        }
    }
}

/// A blocked application or card does not answer again, however often it is presented.
fn is_blocked(cause: &Cause) -> bool {
    match cause {
        Cause::Select(SelectError::Blocked | SelectError::PermanentlyBlocked) => true,
        Cause::Refused { status, .. } | Cause::Pin(PinError::Refused { status, .. }) => {
            matches!(*status, StatusWord::FUNCTION_NOT_SUPPORTED | StatusWord::PERMANENTLY_BLOCKED)
        }
        _ => false,
    }
}

impl InDoubt {
    /// What is in doubt, with which card, and who decides.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        let transaction = &self.token.transaction;
        let card = card_text(Some(transaction.serial), language);
        let (order, amount, kind) = (transaction.order, transaction.amount, transaction.kind);
        let decider = self.doubt.decider();
        language.of(
            || {
                let (what, next) = (english(&self.doubt), next_in_english(decider, kind));
                format!("Unknown whether order {order} ({amount} yuan) was done. {card}: {what}. {next}.")
            },
            || {
                let (what, next) = (chinese::doubt(&self.doubt), chinese::next(decider, kind));
                format!("订单{order}（{amount}元）是否成交未知。{card}：{what}。{next}。")
            },
        )
    }
}

impl fmt::Display for InDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Language::English))
    }
}

fn english(doubt: &Doubt) -> String {
    match doubt {
        Doubt::NoAnswer(_) => "its answer was lost".to_owned(),
        Doubt::Status(status) => format!("it answered {status}"),
        Doubt::Malformed(length) => format!("its answer has {length} bytes, which is not one"),
        Doubt::WrongMac => "the MAC in its answer is wrong".to_owned(),
        Doubt::Keeper(error) => format!("its answer could not be checked ({error})"),
        Doubt::NotReached(reason) => format!("it could not be asked: {}", reason.cause.text(Language::English)),
        Doubt::OtherCard { expected, found } => format!("the card on the reader is {found}, not {expected}"),
        Doubt::PinNeeded => "it answers only after the holder has entered the PIN".to_owned(),
        Doubt::Contradiction { expected, found } => {
            format!("its transaction number is {found}, which does not fit {expected} before")
        }
        Doubt::SequenceUnproven => {
            "it says that it did not do it, which it cannot prove: the same undo once more decides, or a sale to it"
                .to_owned()
        }
        Doubt::Replayed => "it repeats an earlier answer and is not genuine".to_owned(),
        Doubt::ProofUnchecked(_) => "it shows a proof that only the issuer can check".to_owned(),
        Doubt::LogNotRead(error) => format!("it was used elsewhere since, and its log was not read ({error})"),
        Doubt::LogSilent => "it was used elsewhere since, and its log no longer tells".to_owned(),
    }
}

fn next_in_english(decider: Decider, kind: Kind) -> String {
    let until = match kind {
        Kind::LoadEd | Kind::LoadEp => "Take no more money and give none back",
        Kind::PurchaseEd | Kind::PurchaseEp | Kind::Capp => "Hand out nothing and charge nothing",
        Kind::Undo => "Refund nothing in another way",
        Kind::UnloadEd | Kind::UnloadEp | Kind::CashWithdraw => "Pay nothing out",
        Kind::Overdraft => "Rely on neither limit",
    };
    let decision = match decider {
        Decider::SameCard => "present the same card again",
        Decider::Issuer => "the issuer decides by the TAC, through the service desk",
        Decider::ServiceDesk => "the service desk decides",
    };
    format!("{until}; {decision}")
}
