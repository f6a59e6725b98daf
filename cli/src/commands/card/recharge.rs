//! `onecard card recharge`.

use clap::Args;
use onecard_host::terminal::{RechargeOrder, WithBlacklist, WithIssuer, recharge};
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

/// Options of `card recharge`.
#[derive(Args, Debug)]
pub(crate) struct Recharge {
    #[command(flatten)]
    till: Till,
    /// What is loaded, yuan; the money has been taken already.
    #[arg(value_name = "YUAN", value_parser = args::positive_amount)]
    amount: Amount,
    /// The terminal's number of this recharge; the same number again is the same, loaded once [default: the next].
    #[arg(long, value_name = "N", value_parser = args::order)]
    order: Option<u64>,
    /// Load the deposit (电子存折) instead of the purse.
    #[arg(long)]
    deposit: bool,
    #[command(flatten)]
    list: ListSource,
    #[command(flatten)]
    pin: PinSource,
    #[command(flatten)]
    faults: Faults,
}

/// Index of the load key that needs the PIN.
pub(crate) const LOAD_KEY: u8 = 0x01;

/// Index of the load key for the air, which needs none.
pub(super) const LOAD_FOR_AIR_KEY: u8 = 0x11;

pub(super) fn run(options: &Recharge) -> anyhow::Result<Output> {
    let till = &options.till;
    let trace = till.new_trace()?;
    let moment = till.at.moment()?;
    let pin = Some(options.pin.required()?);
    let mut sam = till.open_sam(&trace)?;
    let list = options.list.read(sam.enterprise)?;
    let mut journal = till.open_journal()?;
    let number = till.order_number(options.order, &journal)?;
    let order = RechargeOrder {
        number,
        enterprise: sam.enterprise,
        purse: if options.deposit { Purse::Ed } else { Purse::Ep },
        key_id: LOAD_KEY,
        amount: options.amount,
        moment,
        pin,
    };
    let mut store = WithBlacklist { store: &mut journal, blacklist: list.as_ref() };
    let ended = match sam.issuer.clone() {
        Some(mut issuer) => {
            let mut approver = WithIssuer { witness: sam.sam(), issuer: &mut issuer };
            tap(&till.card, &options.faults, &trace, |card| recharge(card, &mut approver, &mut store, &order))
        }
        None => tap(&till.card, &options.faults, &trace, |card| recharge(card, sam.sam(), &mut store, &order)),
    };
    let ended = till::of_order(number, ended)?;
    TillEnding::output("onecard.card-recharge/1", number, TapEnding::of(&ended), &trace)
}
