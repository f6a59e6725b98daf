//! `onecard card capp`.

use std::str::FromStr;

use clap::Args;
use onecard_host::terminal::{CappOrder, CappUpdate, WithBlacklist, capp_purchase};
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

/// Options of `card capp`.
#[derive(Args, Debug)]
pub(crate) struct Capp {
    #[command(flatten)]
    till: Till,
    /// The price, yuan; 0 is legal, say at an entry gate.
    #[arg(value_name = "YUAN", value_parser = args::amount)]
    amount: Amount,
    /// A record of file 001C that is replaced with the debit: its type and its data, both hexadecimal; may be given several
    /// times.
    #[arg(long, value_name = "TYPE=DATA")]
    record: Vec<Record>,
    /// The till's number of this sale; the same number again is the same sale, charged once [default: the next].
    #[arg(long, value_name = "N", value_parser = args::order)]
    order: Option<u64>,
    #[command(flatten)]
    list: ListSource,
    #[command(flatten)]
    pin: PinSource,
    #[command(flatten)]
    faults: Faults,
}

/// `TYPE=DATA`.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Record(CappUpdate);

pub(super) fn run(options: &Capp) -> anyhow::Result<Output> {
    let till = &options.till;
    let trace = till.new_trace()?;
    let order_moment = till.at.moment()?;
    let pin = options.pin.offered()?;
    let mut sam = till.open_sam(&trace)?;
    let list = options.list.read(sam.enterprise)?;
    let mut journal = till.open_journal()?;
    let number = till.order_number(options.order, &journal)?;
    let order = CappOrder {
        number,
        enterprise: sam.enterprise,
        key_id: PURCHASE_KEY,
        amount: options.amount,
        moment: order_moment,
        pin,
        updates: options.record.iter().map(|Record(update)| update.clone()).collect(),
    };
    let mut store = WithBlacklist { store: &mut journal, blacklist: list.as_ref() };
    let ended = tap(&till.card, &options.faults, &trace, |card| capp_purchase(card, sam.sam(), &mut store, &order));
    let ended = till::of_order(number, ended)?;
    TillEnding::output("onecard.card-capp/1", number, TapEnding::of(&ended), &trace)
}

impl FromStr for Record {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "expected TYPE=DATA in hexadecimal digits, such as 27=0A0B0C".to_owned();
        let (type_id, data) = text.split_once('=').ok_or_else(expected)?;
        let type_id = u8::from_str_radix(type_id, 16).map_err(|_| expected())?;
        let data = hex::decode(data).map_err(|_| expected())?;
        CappUpdate::new(type_id, &data).map(Self).map_err(|error| error.to_string())
    }
}
