//! `onecard card wipe`.

use std::{fmt, path::PathBuf};

use anyhow::{Context, bail, ensure};
use clap::Args;
use onecard_host::{
    card::{Pin, ReadError, SelectError, Selected, balance, select, verify_pin},
    crypto::{DesKey, LineKey},
    issuing::{Condition, NotOurs, Opener, examine, wipe},
    transport::Transport,
};
use onecard_wire::{aid, amount::Amount, number::ApplicationSerial, status::StatusWord, wallet::Purse};
use serde::Serialize;

use super::{
    member::serial,
    station::{mf_keys, refused},
};
use crate::{
    consent::Consent,
    development_keys::DevelopmentKeys,
    output::{Exit, Output},
    passphrase::PassphraseSource,
    pin::PinSource,
    reader::{CardReader, Faults},
    trace::{Peer, Trace},
};

/// Options of `card wipe`.
#[derive(Args, Debug)]
pub(crate) struct WipeCard {
    #[command(flatten)]
    card: CardReader,
    /// The development key file that the card was issued by.
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseSource,
    /// The number it was issued by, 1 to 10 digits, if it does not tell: of a card not finished, or blocked.
    #[arg(long, value_name = "NUMBER", value_parser = serial)]
    number: Option<ApplicationSerial>,
    /// Wipe it although there is money on it, or it does not tell whether there is: that is lost.
    #[arg(long)]
    lose_balance: bool,
    /// Without it the card does not tell what is on its deposit (电子存折).
    #[command(flatten)]
    pin: PinSource,
    #[command(flatten)]
    consent: Consent,
}

/// What a card tells before it is wiped.
#[derive(PartialEq, Eq)]
struct Told {
    serial: Option<ApplicationSerial>,
    /// On both purses together; `None` if it does not tell.
    money: Option<Amount>,
    /// What opens it; nothing does a blank card, which stays as it is.
    key: Option<LineKey>,
}

/// How it ended.
#[derive(Serialize)]
struct Wiped {
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial: Option<String>,
    /// `None` if the card did not tell.
    lost_fen: Option<u32>,
}

pub(super) fn run(options: &WipeCard) -> anyhow::Result<Output> {
    let place = options.card.place()?;
    let keys = DevelopmentKeys::read(&options.keys, &options.passphrase)?;
    let (faults, trace) = (Faults::default(), Trace::new(false));
    let pin = options.pin.offered()?;
    let told = place.tap(Peer::Card, &faults, &trace, |card| options.look(card, &keys, pin.as_ref()))?;
    let told = told.with_context(|| refused(place))?;
    let Some(key) = &told.key else { return output("blank_already", &Told { serial: None, ..told }) };
    match told.money {
        _ if options.lose_balance => {}
        Some(Amount::ZERO) => {}
        Some(money) => {
            bail!("{}: {money} yuan are on it: unload them first, or give --lose-balance 余额未退", refused(place))
        }
        None => bail!(
            "{}: it does not tell what money is on it: give the holder's PIN by --pin-file or --ask-pin, unblock a blocked \
             card, or give --lose-balance 余额不明",
            refused(place)
        ),
    }
    options.consent.ask(place, &told.name(), &told.plan())?;
    place.tap(Peer::Card, &faults, &trace, |card| {
        ensure!(
            options.look(card, &keys, pin.as_ref())? == told,
            "{place}: nothing was written: another card than the one you were asked about 已换卡，未写入"
        );
        wipe(card, key)
            .context("the card is not wiped yet: the same command with --number goes on 可加--number重复本命令")
    })??;
    output("wiped", &told)
}

fn output(outcome: &'static str, told: &Told) -> anyhow::Result<Output> {
    let serial = told.serial.map(|serial| serial.to_string());
    Output::new("onecard.card-wipe/1", Exit::Done, &Wiped { outcome, serial, lost_fen: told.money.map(Amount::fen) })
}

impl WipeCard {
    fn look(&self, card: &mut dyn Transport, keys: &DevelopmentKeys, pin: Option<&Pin>) -> anyhow::Result<Told> {
        let (told, money) = match select(card, &aid::enterprise_application(keys.enterprise)) {
            Ok(application) => (Some(application.serial()), money_on(card, &application, pin)?),
            Err(SelectError::Exchange(error)) => return Err(error.into()),
            Err(SelectError::NoApplication | SelectError::NotIssued) => (None, Some(Amount::ZERO)),
            Err(_) => (None, None),
        };
        if let (Some(told), Some(named)) = (told, self.number) {
            ensure!(told == named, "it says that it is card {told}, and --number names {named}");
        }
        let serial = told.or(self.number);
        let mf = serial.map(|serial| mf_keys(keys, serial)).transpose()?;
        let needs_number = "a card that does not tell its number needs --number 请加--number";
        let examined = match examine(card, keys.enterprise, mf.as_ref()) {
            Err(error @ (NotOurs::OtherKey(_) | NotOurs::OtherKeys)) if serial.is_none() => {
                return Err(error).context(needs_number);
            }
            examined => examined?,
        };
        let key = match (examined, mf) {
            (Condition::Blank, _) => None,
            (Condition::Unfinished(Opener::NoKey), None) => Some(DesKey::TRANSPORT.into()),
            (Condition::Unfinished(opener) | Condition::Issued { opener, .. }, Some(mf)) => Some(opener.key(&mf)),
            (Condition::Unfinished(_) | Condition::Issued { .. }, None) => bail!(needs_number),
        };
        Ok(Told { serial, money, key })
    }
}

/// What is on both purses, as far as the card tells it.
fn money_on(card: &mut dyn Transport, application: &Selected, pin: Option<&Pin>) -> anyhow::Result<Option<Amount>> {
    if let Some(pin) = pin {
        verify_pin(card, application, pin)?;
    }
    let mut money = Some(Amount::ZERO);
    for purse in [Purse::Ep, Purse::Ed] {
        let there = match balance(card, application, purse) {
            Ok(balance) => Some(balance),
            // A plain wallet may have one purse alone.
            Err(ReadError::Refused { status: StatusWord::FILE_NOT_FOUND, .. }) => Some(Amount::ZERO),
            Err(ReadError::Refused { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        money = money.zip(there).and_then(|(money, there)| money.plus(there));
    }
    Ok(money)
}

impl Told {
    fn name(&self) -> String {
        match self.serial {
            Some(serial) => format!("card {serial}"),
            None => "a card without any key, erased and left so 已擦除的卡".to_owned(),
        }
    }

    fn plan(&self) -> Vec<String> {
        let mut plan = vec!["everything on it is erased: files, keys, purses, logs 擦除全部内容".to_owned()];
        match self.money {
            Some(Amount::ZERO) => {}
            Some(money) => plan.push(format!("with it {money} yuan, which are lost 余额作废")),
            None => plan.push("with it what money it has and does not tell, which is lost 余额不明，作废".to_owned()),
        }
        plan.push("the master file of a card as sold, and the transport key, eight FF 恢复运输密钥".to_owned());
        plan
    }
}

impl fmt::Display for Wiped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.outcome, &self.serial) {
            ("blank_already", _) => {
                writeln!(f, "The card is blank already: nothing was written.\n该卡已是空白卡，未写入。")
            }
            (_, Some(serial)) => writeln!(
                f,
                "Card {serial} is blank again. Its number is not to be used for another card.\n\
                 卡{serial}已恢复为空白卡，该卡号不可再用于其他卡。"
            ),
            (_, None) => writeln!(f, "The card is blank again.\n该卡已恢复为空白卡。"),
        }
    }
}
