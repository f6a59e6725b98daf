//! `onecard card undo`.

use anyhow::Context;
use clap::Args;
use onecard_host::terminal::{JournalFile, Kind, OrderNumber, TokenStore, Transaction, UndoOrder, WithBlacklist, undo};
use onecard_wire::number::EnterpriseId;

use super::till::{self, Till, TillEnding};
use crate::{
    args,
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
    /// The order number of the purchase that is taken back [default: this terminal's last
    /// with this card].
    #[arg(long, value_name = "N")]
    purchase: Option<u64>,
    /// The till's number of this undo, its own; the same number again is the same, done once [default: the next].
    #[arg(long, value_name = "N", value_parser = args::order)]
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
        None => options.default_purchase(&journal, sam.enterprise)?,
    };
    let number = till.order_number(options.order, &journal)?;
    let order = UndoOrder { number, enterprise: sam.enterprise, purchase, key_id: CANCEL_KEY, moment };
    let mut store = WithBlacklist { store: &mut journal, blacklist: list.as_ref() };
    let ended = tap(&till.card, &options.faults, &trace, |card| undo(card, sam.sam(), &mut store, &order));
    let ended = till::of_order(number, ended)?;
    TillEnding::output("onecard.card-undo/1", number, TapEnding::of(&ended), &trace)
}

impl Undo {
    /// What an undo that is presented again took back, else the last purchase with the card that is on the reader.
    fn default_purchase(&self, journal: &JournalFile, enterprise: EnterpriseId) -> anyhow::Result<OrderNumber> {
        let purchases = purchases(journal)?;
        let again = Till::known(self.order, journal)?;
        let undone = again.and_then(|again| purchases.iter().find(|purchase| again.undoes(purchase)));
        if let Some(purchase) = undone {
            return Ok(purchase.order);
        }
        let card = self.till.select(enterprise)?.with_context(|| self.till.card.to_string())?.public_data;
        let of_card = purchases.iter().filter(|purchase| purchase.serial == card.serial);
        let last = of_card.max_by_key(|purchase| purchase.card_sequence).with_context(|| {
            format!("this terminal's journal holds no purchase of card {}: name one by --purchase", card.serial)
        })?;
        Ok(last.order)
    }
}

/// The journal's purchases with purses: first those in doubt, so that of two with one number of the card the last is the one
/// it has made.
fn purchases(journal: &JournalFile) -> anyhow::Result<Vec<Transaction>> {
    let pending = journal.pending()?.into_iter().map(|token| token.transaction);
    let committed = journal.settlement().map(|record| record.transaction);
    Ok(pending.chain(committed).filter(|transaction| transaction.kind == Kind::PurchaseEp).collect())
}
