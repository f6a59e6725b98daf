//! `onecard wash second card`.

use std::fmt;

use anyhow::Context;
use clap::Args;
use onecard_host::{
    card::{SelectError, select},
    issuing::{CardOrder, CardWash, wash_card_to_enterprise},
    key_store::{KeyStore, KeyTarget},
};
use onecard_simulator::chip::Kind;
use onecard_station::washing::{Notes, OrderHash};
use onecard_wire::{aid, key::KeyVersion};
use serde::Serialize;

use super::{
    LeftAlone,
    book::{BookOptions, Next},
    store::StoreSource,
};
use crate::{
    args::SamSource,
    commands::card::{CardFacts, Limits, Member, read_facts},
    consent::Consent,
    output::{Exit, Output},
    reader::{CardReader, Inserted},
    washing_journal::WashingJournalFile,
};

/// Options of `wash second card`.
#[derive(Args, Debug)]
pub(crate) struct SecondCard {
    #[command(flatten)]
    card: CardReader,
    #[command(flatten)]
    store: StoreSource,
    /// The issuing SAM (发卡SAM), which makes the MACs of contents and checks the card: pcsc:NAME, sim:FILE, or keys:FILE.
    #[arg(long, value_name = "SAM")]
    sam: SamSource,
    #[command(flatten)]
    member: Member,
    /// Version of the enterprise's keys.
    #[arg(long, value_name = "N", default_value_t = 1)]
    key_version: u8,
    /// Version of the operator's management key that the card has now.
    #[arg(long, value_name = "N", default_value_t = 1)]
    management_version: u8,
    #[command(flatten)]
    book: BookOptions,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    limits: Limits,
}

pub(super) fn run(options: &SecondCard) -> anyhow::Result<Output> {
    let place = options.card.place()?;
    let mut book = options.book.open()?;
    let washed = options.store.with(|store| {
        let order =
            options.member.order(store.enterprise(), KeyVersion(options.key_version), options.limits.parameters())?;
        let mut card = place.inserted(Some(Kind::CpuCard))?;
        let washed = options.wash(store, &order, &mut card, &mut book);
        // A chip whose file failed explains whatever else went wrong.
        card.taken_out_of(place)?;
        washed.with_context(|| place.to_string())
    })?;
    Output::new("onecard.wash-second-card/1", Exit::Done, &washed)
}

impl SecondCard {
    fn wash(
        &self,
        store: &mut dyn KeyStore,
        order: &CardOrder,
        card: &mut Inserted,
        book: &mut WashingJournalFile,
    ) -> anyhow::Result<Washed> {
        let target = KeyTarget::Application(self.member.number);
        if self.book.next(book, target, self.has_contents(card, order)?)? == Next::Nothing {
            // Its holder may have another PIN by now, and each wrong one costs a try.
            return Ok(Washed { was_good: true, card: read_facts(card, order.enterprise, None)? });
        }
        let management = KeyVersion(self.management_version);
        let wash = CardWash { serial: self.member.number, order, management };
        let places = format!("key {:02X}, management {:02X}", order.key_version.0, management.0);
        let hash = OrderHash::of(&store.keys()?, &places);
        let mut sam = self.store.issuing_sam(&self.sam, order.enterprise)?;
        self.consent.ask(self.card.place()?, "a card with the operator's key 一次洗卡后的卡", &self.plan(order))?;
        let known = book.replayed().known(target, &hash);
        let mut notes = Notes::begin(book, target, hash, self.book.now()?)?;
        wash_card_to_enterprise(card, store, sam.sam(), &wash, known, &mut notes)?;
        Ok(Washed { was_good: false, card: read_facts(card, order.enterprise, Some(&order.pin))? })
    }

    /// Whether the card says who it is, and then that it is the one.
    fn has_contents(&self, card: &mut Inserted, order: &CardOrder) -> anyhow::Result<bool> {
        match select(card, &aid::enterprise_application(order.enterprise)) {
            Ok(application) if application.serial() == self.member.number => Ok(true),
            Ok(application) => {
                let (told, named) = (application.serial(), self.member.number);
                Err(LeftAlone(format!(
                    "nothing was written: it says that it is card {told}, and --number names {named}"
                ))
                .into())
            }
            Err(SelectError::NotIssued) => Ok(false),
            Err(missing @ SelectError::NoApplication) => {
                Err(missing).context("it was not washed yet: `onecard wash first card`, of a SIM `onecard gp install`")
            }
            Err(error) => Err(error.into()),
        }
    }

    fn plan(&self, order: &CardOrder) -> Vec<String> {
        vec![
            format!("the application of enterprise {}: its keys, files and PIN 写入单位应用", order.enterprise),
            format!("card number 卡号 {}, valid 有效期 {} to {}", self.member.number, order.valid_from, order.valid_to),
        ]
    }
}

#[derive(Serialize)]
struct Washed {
    /// Nothing was written: it was good before.
    was_good: bool,
    #[serde(flatten)]
    card: CardFacts,
}

impl fmt::Display for Washed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.was_good {
            "The card was washed before, and nothing was written. 该卡已完成二次洗卡，未写入。\n"
        } else {
            "The card has the enterprise's keys, and agrees with them. 二次洗卡完成，核对无误。\n"
        })?;
        self.card.fmt(f)
    }
}
