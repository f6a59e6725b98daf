//! `onecard card undo`.

use anyhow::Context;
use clap::Args;
use onecard_host::terminal::{JournalFile, Kind, OrderNumber, TokenStore, UndoOrder, WithBlacklist, undo};

use super::till::{self, Till, TillEnding};
use crate::{
    ending::TapEnding,
    list_source::ListSource,
    output::Output,
    reader::{Faults, tap},
};

/// Options of `card undo`.
#[derive(Args, Debug)]
pub(crate) struct Undo {
    #[command(flatten)]
    till: Till,
    /// The order number of the purchase that is taken back [default: this terminal's last purchase].
    #[arg(long, value_name = "N")]
    purchase: Option<u64>,
    /// The till's number of this undo, its own; the same number again is the same, done once [default: the next].
    #[arg(long, value_name = "N")]
    order: Option<u64>,
    #[command(flatten)]
    list: ListSource,
    #[command(flatten)]
    faults: Faults,
}

/// Index of the cancel key.
const CANCEL_KEY: u8 = 0x01;

pub(super) fn run(options: &Undo) -> anyhow::Result<Output> {
    let till = &options.till;
    let trace = till.new_trace()?;
    let moment = till.at.moment()?;
    let mut sam = till.open_sam(&trace)?;
    let list = options.list.read(sam.enterprise)?;
    let mut journal = till.open_journal()?;
    let purchase = match options.purchase {
        Some(number) => OrderNumber(number),
        None => {
            last_purchase(&journal)?.context("this terminal's journal holds no purchase: name one by --purchase")?
        }
    };
    let number = till.order_number(options.order, &journal)?;
    let order = UndoOrder { number, enterprise: sam.enterprise, purchase, key_id: CANCEL_KEY, moment };
    let mut store = WithBlacklist { store: &mut journal, blacklist: list.as_ref() };
    let ended = tap(&till.card, &options.faults, &trace, |card| undo(card, sam.sam(), &mut store, &order));
    let ended = till::of_order(number, ended)?;
    TillEnding::output("onecard.card-undo/1", number, TapEnding::of(&ended), &trace)
}

/// The purchase with the SAM's latest sequence, committed or in doubt.
fn last_purchase(journal: &JournalFile) -> anyhow::Result<Option<OrderNumber>> {
    let pending = journal.pending()?.into_iter().map(|token| token.transaction);
    let known = journal.settlement().map(|record| record.transaction).chain(pending);
    let purchases = known.filter(|transaction| transaction.kind == Kind::PurchaseEp);
    Ok(purchases.max_by_key(|purchase| purchase.terminal_sequence).map(|purchase| purchase.order))
}
