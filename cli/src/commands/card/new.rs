//! `onecard card new`.

use std::path::PathBuf;

use clap::Args;
use onecard_host::{
    issuing::{CardOrder, issue_card, issue_installed},
    keys::Purpose,
};
use onecard_simulator::chip::Chip;
use onecard_wire::number::ApplicationSerial;
use rand::CryptoRng;

use super::{
    CardFacts,
    member::{Limits, Member},
    show,
    station::{Station, mf_keys, prepared},
};
use crate::{
    consent::Consent,
    development_keys::{DevelopmentKeys, KEY_VERSION},
    output::{Exit, Output},
    passphrase::PassphraseSource,
    reader::{CardReader, Faults},
    trace::{Peer, Trace},
};

/// Options of `card new`.
#[derive(Args, Debug)]
pub(crate) struct NewCard {
    #[command(flatten)]
    card: CardReader,
    /// A SIM: the application that `onecard gp install` has put on it, under the same number, is filled 写入SIM卡上已安装的应用.
    #[arg(long)]
    on_sim: bool,
    /// The development key file.
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseSource,
    #[command(flatten)]
    member: Member,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    limits: Limits,
}

pub(super) fn run(new: &NewCard) -> anyhow::Result<Output> {
    let place = new.card.place()?;
    let keys = DevelopmentKeys::read(&new.keys, &new.passphrase)?;
    let order = new.member.order(keys.enterprise, KEY_VERSION, new.limits.parameters())?;
    if new.on_sim {
        return fill(new, &keys, &order);
    }
    let station = Station { place, consent: &new.consent, keys: &keys, serial: new.member.number };
    let card_keys = keys.of_enterprise().card(new.member.number);
    let facts: CardFacts = station.make(&plan(new.member.number, &order), |mut card, mf| {
        issue_card(&mut card, mf, &card_keys, &order, &mut rand::rng())?;
        show::read(&mut card, keys.enterprise, Some(&order.pin))
    })?;
    Output::new("onecard.card-new/1", Exit::Done, &facts)
}

/// Fills an application that INSTALL has made.
fn fill(new: &NewCard, keys: &DevelopmentKeys, order: &CardOrder) -> anyhow::Result<Output> {
    let of_enterprise = keys.of_enterprise();
    let management = of_enterprise.card_key(new.member.number, Purpose::Management, KEY_VERSION)?;
    let plan = [
        format!("the application of enterprise {}: its keys, files and PIN 写入单位应用", order.enterprise),
        format!("card number 卡号 {}, valid 有效期 {} to {}", new.member.number, order.valid_from, order.valid_to),
    ];
    let place = new.card.place()?;
    new.consent.ask(place, "a SIM 手机卡", &plan)?;
    let facts =
        place.tap(Peer::Card, &Faults::default(), &Trace::new(false), |mut card| -> anyhow::Result<CardFacts> {
            issue_installed(&mut card, &management, &of_enterprise.card(new.member.number), order)?;
            show::read(&mut card, keys.enterprise, Some(&order.pin))
        })??;
    Output::new("onecard.card-new/1", Exit::Done, &facts)
}

/// What is written to a card in a reader, for its owner to agree to.
pub(super) fn plan(serial: ApplicationSerial, order: &CardOrder) -> Vec<String> {
    let CardOrder { enterprise, directory, valid_from, valid_to, .. } = order;
    vec![
        "everything on it is erased 擦除全部内容".to_owned(),
        "the master file's keys become the operator's, of this key file and number 主文件换运营方密钥".to_owned(),
        format!(
            "directory {:04X}: the application of enterprise {enterprise}, with its keys, files and PIN 写入单位应用",
            directory.0
        ),
        format!("card number 卡号 {serial}, valid 有效期 {valid_from} to {valid_to}"),
    ]
}

/// A new chip issued as `order` says, in RAM.
pub(crate) fn issue<R: CryptoRng>(
    keys: &DevelopmentKeys,
    serial: ApplicationSerial,
    order: &CardOrder,
    random: &mut R,
) -> anyhow::Result<Chip> {
    let mf = mf_keys(keys, serial)?;
    let mut reader = prepared(&mf, random)?;
    issue_card(&mut reader, &mf, &keys.of_enterprise().card(serial), order, random)?;
    Ok(reader.remove())
}
