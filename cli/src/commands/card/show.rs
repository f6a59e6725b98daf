//! `onecard card show`.

use std::fmt;

use anyhow::Context;
use clap::Args;
use onecard_host::{
    card::{Access, Pin, Selected, balance, holder, select, verify_pin},
    transport::Transport,
};
use onecard_wire::{aid, amount::Amount, number::EnterpriseId, wallet::Purse};
use serde::Serialize;

use crate::{
    args::Enterprise,
    output::Output,
    people::holder_text,
    pin::PinSource,
    reader::{CardReader, Faults, tap},
    table::pairs,
    trace::Trace,
};

/// Options of `card show`.
#[derive(Args, Debug)]
pub(crate) struct ShowCard {
    #[command(flatten)]
    card: CardReader,
    #[command(flatten)]
    enterprise: Enterprise,
    #[command(flatten)]
    pin: PinSource,
}

/// What a card tells; the holder's part with the PIN alone.
#[derive(Serialize, Debug)]
pub(crate) struct CardFacts {
    enterprise: String,
    serial: String,
    valid_from: String,
    valid_to: String,
    balance_fen: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<HolderFacts>,
}

#[derive(Serialize, Debug)]
struct HolderFacts {
    name: String,
    id_number: String,
    deposit_fen: u32,
}

pub(super) fn run(show: &ShowCard) -> anyhow::Result<Output> {
    let pin = show.pin.offered()?;
    let enterprise = show.enterprise.enterprise;
    let facts =
        tap(&show.card, &Faults::default(), &Trace::new(false), |mut card| read(&mut card, enterprise, pin.as_ref()))?;
    let facts = facts.with_context(|| show.card.to_string())?;
    Output::view("onecard.card-show/1", &facts)
}

/// Reads a card.
pub(crate) fn read<T: Transport>(
    card: &mut T,
    enterprise: EnterpriseId,
    pin: Option<&Pin>,
) -> anyhow::Result<CardFacts> {
    let application = select(card, &aid::enterprise_application(enterprise))?;
    let balance = balance(card, &application, Purse::Ep)?;
    let holder = pin.map(|pin| holder_facts(card, &application, pin)).transpose()?;
    let public_data = &application.public_data;
    Ok(CardFacts {
        enterprise: public_data.enterprise.to_string(),
        serial: public_data.serial.to_string(),
        valid_from: public_data.valid_from.to_string(),
        valid_to: public_data.valid_to.to_string(),
        balance_fen: balance.fen(),
        holder,
    })
}

fn holder_facts<T: Transport>(card: &mut T, application: &Selected, pin: &Pin) -> anyhow::Result<HolderFacts> {
    verify_pin(card, application, pin)?;
    let holder = holder(card, application, Access::Plain)?;
    let deposit = balance(card, application, Purse::Ed)?;
    let (name, id_number) = (holder_text(&holder.name), holder_text(&holder.id_number));
    Ok(HolderFacts { name, id_number, deposit_fen: deposit.fen() })
}

impl fmt::Display for CardFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let yuan = |fen| format!("{} yuan", Amount::from_fen(fen));
        let mut facts = vec![
            ("card 卡号", self.serial.clone()),
            ("enterprise 单位", self.enterprise.clone()),
            ("valid 有效期", format!("{} to {}", self.valid_from, self.valid_to)),
            ("balance 余额", yuan(self.balance_fen)),
        ];
        if let Some(holder) = &self.holder {
            let id_number = if holder.id_number.is_empty() { "-" } else { &holder.id_number };
            facts.extend([
                ("deposit 电子存折", yuan(holder.deposit_fen)),
                ("holder 持卡人", holder.name.clone()),
                ("id number 身份证号", id_number.to_owned()),
            ]);
        }
        f.write_str(&pairs(facts))
    }
}
