//! `onecard card overdraft`.

use clap::Args;
use onecard_host::terminal::{OverdraftOrder, WithBlacklist, update_overdraft};
use onecard_wire::{amount::Amount, wallet::OverdraftLimit};

use super::till::{self, Till, TillEnding};
use crate::{
    args,
    ending::TapEnding,
    list_source::ListSource,
    output::Output,
    pin::PinSource,
    reader::{Faults, tap},
};

/// Options of `card overdraft`.
#[derive(Args, Debug)]
pub(crate) struct Overdraft {
    #[command(flatten)]
    till: Till,
    /// How much the deposit may be overdrawn from now on, yuan; 0 for not at all.
    #[arg(value_name = "YUAN", value_parser = limit)]
    limit: OverdraftLimit,
    /// The desk's number of this update; the same number again is the same, done once [default: the next].
    #[arg(long, value_name = "N", value_parser = args::order)]
    order: Option<u64>,
    #[command(flatten)]
    list: ListSource,
    #[command(flatten)]
    pin: PinSource,
    #[command(flatten)]
    faults: Faults,
}

/// Index of the overdraft key.
const OVERDRAFT_KEY: u8 = 0x01;

pub(super) fn run(options: &Overdraft) -> anyhow::Result<Output> {
    let till = &options.till;
    let trace = till.new_trace()?;
    let moment = till.at.moment()?;
    let pin = options.pin.required()?;
    let mut desk = till.open_desk()?;
    let list = options.list.read(desk.enterprise)?;
    let mut journal = till.open_journal()?;
    let number = till.order_number(options.order, &journal)?;
    let (enterprise, key_id, limit) = (desk.enterprise, OVERDRAFT_KEY, options.limit);
    let order = OverdraftOrder { number, enterprise, key_id, limit, moment, pin };
    let mut store = WithBlacklist { store: &mut journal, blacklist: list.as_ref() };
    let ended = tap(&till.card, &options.faults, &trace, |card| {
        update_overdraft(card, &mut desk.approver(), &mut store, &order)
    });
    let ended = till::of_order(number, ended)?;
    TillEnding::output("onecard.card-overdraft/1", number, TapEnding::of(&ended), &trace)
}

fn limit(text: &str) -> Result<OverdraftLimit, String> {
    let limit: Amount = args::amount(text)?;
    OverdraftLimit::from_amount(limit).ok_or_else(|| "expected at most 167772.15".to_owned())
}
