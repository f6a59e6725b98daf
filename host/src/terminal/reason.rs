//! Why nothing was moved, and what the cashier does next.

use core::fmt;

use onecard_wire::{amount::Amount, date::Date, number::ApplicationSerial, status::StatusWord};

use super::{Kind, Language, MarkError, OrderNumber, Rule, chinese, listed::blacklisted};
use crate::{
    apdu::{CommandName, ExchangeError, meaning},
    blacklist::ListVersion,
    card::{PinError, SelectError},
    sam::SamError,
};

/// Nothing was moved: why, and on which card. `Display` is English.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reason {
    /// The card, once it has told its serial.
    pub card: Option<ApplicationSerial>,
    /// What happened.
    pub cause: Cause,
}

/// What kept a transaction from happening.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cause {
    /// The SAM or server refused, or is out of reach.
    Keeper(SamError),
    /// There is no application to work with.
    Select(SelectError),
    /// EF 0015 names another enterprise than the one whose application was selected.
    OtherEnterprise,
    /// The card is on the terminal's blacklist.
    Listed {
        /// Which list.
        version: ListVersion,
        /// Why the card could not be marked, if it could not.
        unmarked: Option<MarkError>,
    },
    /// The card is not on the list of this subsidy.
    NoSubsidy,
    /// Before the first day of validity.
    NotYetValid {
        /// First day.
        from: Date,
    },
    /// After the last day of validity.
    Expired {
        /// Last day.
        on: Date,
    },
    /// The PIN was not verified.
    Pin(PinError),
    /// An earlier transaction of this card is still in doubt, and nothing new is begun before it is decided.
    EarlierInDoubt,
    /// An earlier order of the same kind with this card has just been found done: this one may be the same, begun once more
    /// under another number, so nothing new was begun.
    EarlierJustDone {
        /// The earlier order.
        order: OrderNumber,
        /// Its amount.
        amount: Amount,
    },
    /// The order's number already stands for another order: of another kind, purse, amount or enterprise.
    OrderNumberTaken {
        /// The number.
        order: OrderNumber,
        /// The other order's amount.
        amount: Amount,
        /// The other order's card.
        serial: ApplicationSerial,
    },
    /// The store knows no such purchase of the EP at this terminal as the last with its card.
    NothingToUndo {
        /// The order that was to be undone.
        purchase: OrderNumber,
    },
    /// The purchase that was to be undone is another card's.
    AnotherCards {
        /// The purchase.
        purchase: OrderNumber,
        /// Its card.
        serial: ApplicationSerial,
    },
    /// The card's last transaction is not the purchase that was to be undone (9406 to INITIALIZE FOR UNDO).
    NotLastOnCard,
    /// INITIALIZE tells a sequence that the card has used already, as this store knows: a recording of an earlier tap, a copy of
    /// the card, or a card put back to an earlier state.
    Recorded {
        /// The sequence.
        sequence: u16,
    },
    /// More of the old overdraft limit is used than the new one allows.
    LimitInUse {
        /// What the holder has overdrawn.
        used: Amount,
    },
    /// Not enough money on the card to pay with.
    BalanceTooLow {
        /// What there is.
        balance: Amount,
    },
    /// Not enough money on the card to take off it and pay out.
    PayoutTooHigh {
        /// What there is; what may be overdrawn is counted in.
        balance: Amount,
    },
    /// The sum does not fit a purse.
    BalanceTooHigh {
        /// What there is.
        balance: Amount,
    },
    /// 6985: a rule of EF 0017 forbids it.
    Rule(Rule),
    /// The card refused a command, and by the word it answered nothing was changed.
    Refused {
        /// The command.
        command: CommandName,
        /// The word.
        status: StatusWord,
    },
    /// No whole answer to a command that changes nothing.
    NoAnswer {
        /// The command.
        command: CommandName,
        /// What came instead.
        error: ExchangeError,
    },
    /// An answer of another shape than the command's, to a command that changes nothing.
    Malformed {
        /// The command.
        command: CommandName,
        /// How many bytes it has.
        length: usize,
    },
    /// Found out later: the card still stands before the transaction.
    NeverCompleted,
    /// The service desk decided that it did not happen.
    DecidedByDesk {
        /// Why, in the desk's own words.
        why: String,
    },
    /// Found out later: the card gave the transaction's number to another one.
    NumberUsedByAnother,
}

impl Reason {
    /// What happened, to which card, and what to do next.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        let (card, cause) = (card_text(self.card, language), self.cause.text(language));
        language.of(|| format!("Not done. {card}: {cause}."), || format!("未成交。{card}：{cause}。"))
    }
}

impl Cause {
    /// There is too little on the card for a transaction of `kind`.
    pub(super) const fn too_little(kind: Kind, balance: Amount) -> Self {
        match kind {
            Kind::UnloadEd | Kind::UnloadEp | Kind::CashWithdraw => Self::PayoutTooHigh { balance },
            _ => Self::BalanceTooLow { balance },
        }
    }

    /// What happened and what to do next, without the last full stop.
    pub(super) fn text(&self, language: Language) -> String {
        language.of(|| english(self), || chinese::cause(self))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Language::English))
    }
}

/// The card, as a sentence begins with it.
pub(super) fn card_text(card: Option<ApplicationSerial>, language: Language) -> String {
    match card {
        Some(serial) => language.of(|| format!("Card {serial}"), || format!("卡{serial}")),
        None => language.of(|| "This card".to_owned(), || "该卡".to_owned()),
    }
}

fn english(cause: &Cause) -> String {
    match cause {
        Cause::Keeper(error) => error.to_string(),
        Cause::Select(error) => error.to_string(),
        Cause::OtherEnterprise => {
            "the card's public data name another enterprise than its application. Send it to the service desk"
                .to_owned()
        }
        Cause::Listed { version, unmarked } => blacklisted(*version, unmarked.as_ref(), Language::English),
        Cause::NoSubsidy => "it is not on the list of this subsidy. Nothing is to be loaded".to_owned(),
        Cause::NotYetValid { from } => format!("valid from {from} only. Use another card"),
        Cause::Expired { on } => format!("expired after {on}. Send the holder to the service desk"),
        Cause::Pin(error) => error.to_string(),
        Cause::EarlierInDoubt => {
            "an earlier transaction of this card is not decided yet, so nothing new was begun. Present the card again; \
             if that does not help, send the holder to the service desk"
                .to_owned()
        }
        Cause::EarlierJustDone { order, amount } => format!(
            "earlier order {order} ({amount} yuan) has just been found done, so nothing new was begun. Present the card \
             again only if this is another one"
        ),
        Cause::OrderNumberTaken { order, amount, serial } => format!(
            "order number {order} already stands for another order ({amount} yuan, card {serial}), so nothing was begun. \
             Give this order a number of its own"
        ),
        Cause::NothingToUndo { purchase } => format!(
            "order {purchase} is not this terminal's last purchase with its card, so it cannot be undone. Refund it at the \
             service desk"
        ),
        Cause::AnotherCards { purchase, serial } => {
            format!("order {purchase} was paid by card {serial}. Present that card")
        }
        Cause::NotLastOnCard => {
            "this card's last transaction is not that purchase, so it cannot be undone. Refund it at the service desk"
                .to_owned()
        }
        Cause::Recorded { sequence } => format!(
            "the card tells sequence {sequence}, which it has used already: a recording of an earlier tap, or a copied card. Keep \
             it for the service desk"
        ),
        Cause::LimitInUse { used } => {
            format!("{used} yuan are overdrawn, more than the new limit. Recharge first, or set a higher limit")
        }
        Cause::BalanceTooLow { balance } => {
            format!("the balance of {balance} yuan is too low. Recharge, or pay another way")
        }
        Cause::PayoutTooHigh { balance } => {
            format!("the balance of {balance} yuan is too low to pay that out. Pay out less, or all there is")
        }
        Cause::BalanceTooHigh { balance } => format!("with {balance} yuan on it the sum does not fit. Load less"),
        Cause::Rule(rule) => rule.text(Language::English),
        Cause::Refused { command, status } => refused_in_english(*command, *status),
        Cause::NoAnswer { error, .. } => error.to_string(),
        Cause::Malformed { length, .. } => {
            format!(
                "its answer of {length} bytes is not what the command returns. Present it again, or use another card"
            )
        }
        Cause::NeverCompleted => {
            "it has not executed the transaction and can no longer do so. Begin again if it is still wanted".to_owned()
        }
        Cause::DecidedByDesk { why } => {
            format!("the service desk decided that it did not happen ({why}). Begin again if it is still wanted")
        }
        Cause::NumberUsedByAnother => {
            "it made another transaction instead of this one. Begin again if it is still wanted".to_owned()
        }
    }
}

fn refused_in_english(command: CommandName, status: StatusWord) -> String {
    let said = match meaning(command, status) {
        Some(meaning) => format!("{} ({:04X})", meaning.english, status.0),
        None => format!("it answered {status}"),
    };
    let next = match status {
        StatusWord::SECURITY_NOT_SATISFIED => "Have the holder enter the PIN",
        _ => "Present it again; if it refuses again, use another card and tell the service desk",
    };
    format!("{said}. {next}")
}
