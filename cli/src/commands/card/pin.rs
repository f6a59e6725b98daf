//! `onecard card pin`: the holder's PIN.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use onecard_host::{
    apdu::{CommandName, Refusal},
    card::{PinError, PinReplacementError, Selected, change_pin, reload_pin, select, unblock_pin, verify_pin},
    keys::Purpose,
    transport::Transport,
};
use onecard_wire::{
    aid,
    number::{ApplicationSerial, EnterpriseId},
    status::StatusWord,
};

use super::service::{self, Done, Failure};
use crate::{
    args::Enterprise,
    development_keys::{DevelopmentKeys, KEY_VERSION},
    ending::Bilingual,
    output::Output,
    passphrase::PassphraseSource,
    pin::{NewPinSource, PinSource},
    reader::{CardReader, Faults, tap},
    trace::TraceOption,
};

/// What can be done with a card's PIN.
#[derive(Subcommand, Debug)]
pub(crate) enum PinCommand {
    /// Try the PIN: a wrong one costs one of its three tries 校验密码
    #[command(after_help = "\
Examples:
  onecard card pin verify --reader sim:wang.card --pin-file wang.pin
  onecard card pin verify --reader sim:wang.card --ask-pin")]
    Verify(Verify),
    /// Change the PIN, by its holder, who knows the old one 修改密码
    #[command(after_help = "\
Examples:
  onecard card pin change --reader sim:wang.card --pin-file wang.pin --new-pin-file new.pin
  # both are asked for
  onecard card pin change --reader sim:wang.card")]
    Change(Change),
    /// Open a blocked PIN by a new one, at the service desk 解锁密码
    #[command(after_help = "\
Examples:
  echo 246802 > new.pin; chmod 600 new.pin
  onecard card pin unblock --reader sim:wang.card --keys dev.keys --new-pin-file new.pin")]
    Unblock(ByIssuer),
    /// Replace a forgotten PIN by a new one, at the service desk 重置密码
    #[command(after_help = "\
Examples:
  echo 246802 > new.pin; chmod 600 new.pin
  onecard card pin reload --reader sim:wang.card --keys dev.keys --new-pin-file new.pin

The command carries no challenge, so whoever hears it can send it again: nowhere but at the desk's own reader.")]
    Reload(ByIssuer),
}

/// Options of `card pin verify`.
#[derive(Args, Debug)]
pub(crate) struct Verify {
    #[command(flatten)]
    member: Member,
    #[command(flatten)]
    pin: PinSource,
}

/// Options of `card pin change`.
#[derive(Args, Debug)]
pub(crate) struct Change {
    #[command(flatten)]
    member: Member,
    #[command(flatten)]
    pin: PinSource,
    #[command(flatten)]
    new: NewPinSource,
}

/// Options of `card pin unblock` and `card pin reload`.
#[derive(Args, Debug)]
pub(crate) struct ByIssuer {
    #[command(flatten)]
    card: CardReader,
    /// The development key file.
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseSource,
    #[command(flatten)]
    new: NewPinSource,
    #[command(flatten)]
    trace: TraceOption,
}

/// A member's card, without any key.
#[derive(Args, Debug)]
struct Member {
    #[command(flatten)]
    card: CardReader,
    #[command(flatten)]
    enterprise: Enterprise,
    #[command(flatten)]
    trace: TraceOption,
}

/// Runs one of them.
pub(super) fn run(command: &PinCommand) -> anyhow::Result<Output> {
    match command {
        PinCommand::Verify(Verify { member, pin }) => {
            let pin = pin.required()?;
            member.run("onecard.card-pin-verify/1", |card, application| {
                verify_pin(card, application, &pin).map_err(Failure::of_pin)?;
                Ok(right(application.serial()))
            })
        }
        PinCommand::Change(Change { member, pin, new }) => {
            let (old, new) = (pin.required()?, new.chosen()?);
            member.run("onecard.card-pin-change/1", |card, application| {
                change_pin(card, application, &old, &new).map_err(not_replaced)?;
                Ok(replaced(application.serial()))
            })
        }
        PinCommand::Unblock(options) => options.run("onecard.card-pin-unblock/1", Purpose::PinUnblock),
        PinCommand::Reload(options) => options.run("onecard.card-pin-reload/1", Purpose::PinReload),
    }
}

impl Member {
    fn run(
        &self,
        schema: &'static str,
        work: impl FnOnce(&mut dyn Transport, &Selected) -> Result<Done, Failure>,
    ) -> anyhow::Result<Output> {
        present(schema, &self.card, self.enterprise.enterprise, &self.trace, work)
    }
}

impl ByIssuer {
    fn run(&self, schema: &'static str, purpose: Purpose) -> anyhow::Result<Output> {
        let keys = DevelopmentKeys::read(&self.keys, &self.passphrase)?;
        let of_enterprise = keys.of_enterprise();
        // A key file that lacks the key is told before the card is asked for anything.
        of_enterprise.keys().key(purpose, KEY_VERSION)?;
        let new = self.new.chosen()?;
        present(schema, &self.card, keys.enterprise, &self.trace, |card, application| {
            let serial = application.serial();
            let key = of_enterprise.card_key(serial, purpose, KEY_VERSION).map_err(|missing| Failure::Refused {
                serial: Some(serial),
                text: Bilingual {
                    english: missing.to_string(), chinese: "密钥文件中没有所需密钥。".to_owned()
                },
            })?;
            let done = match purpose {
                Purpose::PinReload => reload_pin(card, application, &new, &key),
                _ => unblock_pin(card, application, &new, &key.into()),
            };
            done.map_err(not_replaced)?;
            Ok(replaced(serial))
        })
    }
}

fn present(
    schema: &'static str,
    card: &CardReader,
    enterprise: EnterpriseId,
    traced: &TraceOption,
    work: impl FnOnce(&mut dyn Transport, &Selected) -> Result<Done, Failure>,
) -> anyhow::Result<Output> {
    let trace = traced.begin()?;
    let ended = tap(card, &Faults::default(), &trace, |card| {
        let application = select(card, &aid::enterprise_application(enterprise)).map_err(Failure::of_select)?;
        work(card, &application)
    })?;
    service::output(schema, ended, &trace)
}

fn right(serial: ApplicationSerial) -> Done {
    let text = Bilingual {
        english: format!("The PIN of card {serial} is right, and all its tries are there again."),
        chinese: format!("卡{serial}密码正确，剩余次数已恢复。"),
    };
    Done { serial, text }
}

fn replaced(serial: ApplicationSerial) -> Done {
    let text = Bilingual {
        english: format!("Card {serial} has its new PIN, with all tries."),
        chinese: format!("卡{serial}新密码已生效，剩余次数已恢复。"),
    };
    Done { serial, text }
}

fn not_replaced(error: PinReplacementError) -> Failure {
    match error {
        PinReplacementError::Exchange { serial, .. } => Failure::NoAnswer { serial: Some(serial) },
        PinReplacementError::TooLong { serial, .. } => {
            Failure::of_status(Some(serial), CommandName::ReplacePin, StatusWord::WRONG_LENGTH)
        }
        // CHANGE PIN compares the old PIN as VERIFY does.
        PinReplacementError::Refused { serial, refusal: Refusal { command: CommandName::Verify, status } } => {
            match (status, status.tries()) {
                (_, Some(0)) | (StatusWord::AUTHENTICATION_BLOCKED, _) => Failure::of_pin(PinError::Blocked { serial }),
                (_, Some(tries_left)) => Failure::of_pin(PinError::Wrong { serial, tries_left }),
                _ => Failure::of_status(Some(serial), CommandName::Verify, status),
            }
        }
        PinReplacementError::Refused { serial, refusal } => {
            Failure::of_status(Some(serial), refusal.command, refusal.status)
        }
    }
}
