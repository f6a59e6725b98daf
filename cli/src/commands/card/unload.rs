//! `onecard card unload`.

use anyhow::Context;
use clap::Args;
use onecard_host::{
    card::{balance, select},
    terminal::{UnloadOrder, unload},
};
use onecard_wire::{aid, amount::Amount, number::EnterpriseId, wallet::Purse};

use super::till::{self, Till, TillEnding};
use crate::{
    args,
    ending::TapEnding,
    output::Output,
    pin::PinSource,
    reader::{Faults, tap},
    trace::Trace,
};

/// Options of `card unload`.
#[derive(Args, Debug)]
pub(crate) struct Unload {
    #[command(flatten)]
    till: Till,
    /// What is taken off the card and paid out, yuan.
    #[arg(value_name = "YUAN", value_parser = args::positive_amount, required_unless_present = "all")]
    amount: Option<Amount>,
    /// The whole balance.
    #[arg(long, conflicts_with = "amount")]
    all: bool,
    /// Off the deposit (电子存折), which needs the PIN, instead of the purse.
    #[arg(long)]
    deposit: bool,
    /// The desk's number of this unload; the same number again is the same, done once [default: the next].
    #[arg(long, value_name = "N", value_parser = args::order)]
    order: Option<u64>,
    #[command(flatten)]
    pin: PinSource,
    #[command(flatten)]
    faults: Faults,
}

pub(super) fn run(options: &Unload) -> anyhow::Result<Output> {
    let till = &options.till;
    let trace = till.new_trace()?;
    let moment = till.at.moment()?;
    let mut desk = till.open_desk()?;
    let purse = if options.deposit { Purse::Ed } else { Purse::Ep };
    let pin = if options.deposit { Some(options.pin.required()?) } else { options.pin.offered()? };
    let mut journal = till.open_journal()?;
    // An order that is presented again takes off what it was to take off: the balance may be another by now.
    let known = || Till::known(options.order, &journal);
    let amount = match options.amount {
        Some(amount) => amount,
        None => match known()? {
            Some(before) => before.amount,
            None => options.whole_balance(desk.enterprise, purse)?,
        },
    };
    let number = till.order_number(options.order, &journal)?;
    let key_id = unload_key(purse);
    let order = UnloadOrder { number, enterprise: desk.enterprise, purse, key_id, amount, moment, pin };
    let ended =
        tap(&till.card, &options.faults, &trace, |card| unload(card, &mut desk.approver(), &mut journal, &order));
    let ended = till::of_order(number, ended)?;
    TillEnding::output("onecard.card-unload/1", number, TapEnding::of(&ended), &trace)
}

impl Unload {
    fn whole_balance(&self, enterprise: EnterpriseId, purse: Purse) -> anyhow::Result<Amount> {
        anyhow::ensure!(purse == Purse::Ep, "how much is on the deposit is told with the PIN alone: name the amount");
        let name = aid::enterprise_application(enterprise);
        let read = tap(&self.till.card, &Faults::default(), &Trace::new(false), |card| {
            let application = select(card, &name)?;
            anyhow::Ok(balance(card, &application, purse)?)
        })?;
        let amount = read.with_context(|| self.till.card.to_string())?;
        anyhow::ensure!(amount > Amount::ZERO, "the balance is 0.00 yuan: there is nothing to take off");
        Ok(amount)
    }
}

/// Index of the unload key.
const fn unload_key(purse: Purse) -> u8 {
    match purse {
        Purse::Ed => 0x01,
        Purse::Ep => 0x02,
    }
}
