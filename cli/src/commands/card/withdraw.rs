//! `onecard card withdraw`.

use clap::Args;
use onecard_host::terminal::{CashOrder, WithBlacklist, cash_withdraw};
use onecard_wire::amount::Amount;

use super::{
    PURCHASE_KEY,
    till::{self, Till, TillEnding},
};
use crate::{
    args,
    ending::TapEnding,
    list_source::ListSource,
    output::Output,
    pin::PinSource,
    reader::{Faults, tap},
};

/// Options of `card withdraw`.
#[derive(Args, Debug)]
pub(crate) struct Withdraw {
    #[command(flatten)]
    till: Till,
    /// What is paid out in cash from the deposit, yuan.
    #[arg(value_name = "YUAN", value_parser = args::positive_amount)]
    amount: Amount,
    /// The terminal's number of this withdrawal; the same number again is the same, done once [default: the next].
    #[arg(long, value_name = "N", value_parser = args::order)]
    order: Option<u64>,
    #[command(flatten)]
    list: ListSource,
    #[command(flatten)]
    pin: PinSource,
    #[command(flatten)]
    faults: Faults,
}

pub(super) fn run(options: &Withdraw) -> anyhow::Result<Output> {
    let till = &options.till;
    let trace = till.new_trace()?;
    let moment = till.at.moment()?;
    let pin = options.pin.required()?;
    let mut sam = till.open_sam(&trace)?;
    let list = options.list.read(sam.enterprise)?;
    let mut journal = till.open_journal()?;
    let number = till.order_number(options.order, &journal)?;
    let (enterprise, key_id, amount) = (sam.enterprise, PURCHASE_KEY, options.amount);
    let order = CashOrder { number, enterprise, key_id, amount, moment, pin };
    let mut store = WithBlacklist { store: &mut journal, blacklist: list.as_ref() };
    let ended = tap(&till.card, &options.faults, &trace, |card| cash_withdraw(card, sam.sam(), &mut store, &order));
    let ended = till::of_order(number, ended)?;
    TillEnding::output("onecard.card-withdraw/1", number, TapEnding::of(&ended), &trace)
}
