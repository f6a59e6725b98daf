//! `onecard card pay`.

use clap::Args;
use onecard_host::terminal::{PurchaseOrder, WithBlacklist, purchase};
use onecard_wire::{amount::Amount, wallet::Purse};

use super::till::{self, Till, TillEnding};
use crate::{
    args,
    ending::TapEnding,
    list_source::ListSource,
    output::Output,
    pin::PinSource,
    reader::{Faults, tap},
};

/// Options of `card pay`.
#[derive(Args, Debug)]
pub(crate) struct Pay {
    #[command(flatten)]
    till: Till,
    /// The price, yuan.
    #[arg(value_name = "YUAN", value_parser = args::positive_amount)]
    amount: Amount,
    /// The till's number of this sale; the same number again is the same sale, charged once [default: the next].
    #[arg(long, value_name = "N", value_parser = args::order)]
    order: Option<u64>,
    /// Pay from the deposit (电子存折) instead of the purse; it needs the PIN.
    #[arg(long)]
    deposit: bool,
    #[command(flatten)]
    list: ListSource,
    #[command(flatten)]
    pin: PinSource,
    #[command(flatten)]
    faults: Faults,
}

/// Index of the purchase key.
pub(crate) const PURCHASE_KEY: u8 = 0x01;

pub(super) fn run(pay: &Pay) -> anyhow::Result<Output> {
    let trace = pay.till.new_trace()?;
    let moment = pay.till.at.moment()?;
    let pin = pay.pin.offered()?;
    let mut sam = pay.till.open_sam(&trace)?;
    let list = pay.list.read(sam.enterprise)?;
    let mut journal = pay.till.open_journal()?;
    let number = pay.till.order_number(pay.order, &journal)?;
    let order = PurchaseOrder {
        number,
        enterprise: sam.enterprise,
        purse: if pay.deposit { Purse::Ed } else { Purse::Ep },
        key_id: PURCHASE_KEY,
        amount: pay.amount,
        moment,
        pin,
    };
    let mut store = WithBlacklist { store: &mut journal, blacklist: list.as_ref() };
    let ended = tap(&pay.till.card, &pay.faults, &trace, |card| purchase(card, sam.sam(), &mut store, &order));
    let ended = till::of_order(number, ended)?;
    TillEnding::output("onecard.card-pay/1", number, TapEnding::of(&ended), &trace)
}
