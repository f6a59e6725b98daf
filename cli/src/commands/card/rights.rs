//! `onecard card rights`: where a card opens doors (EF 0019).

use std::{fmt, path::PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use onecard_host::{
    access::{RightError, RightTerms, Slot, access_rights, clear_access_right, sealed_right, write_access_right},
    card::{ReadError, select},
    line_protection::ProtectError,
    sam::CardFactors,
    transport::Transport,
};
use onecard_wire::{
    aid,
    date::Date,
    number::ApplicationSerial,
    record::{AccessRight, Zone},
};
use serde::Serialize;

use super::{
    service::{Done, Failure, Service},
    terminal::change_deny_list,
};
use crate::{
    args::{self, Enterprise},
    development_keys::KEY_VERSION,
    ending::Bilingual,
    output::Output,
    reader::{CardReader, Faults, tap},
    table::pairs,
    terminal_sam::TerminalSam,
    trace::Trace,
};

/// What can be done with a card's rights.
#[derive(Subcommand, Debug)]
pub(crate) enum RightsCommand {
    /// Write a right into a slot 授权
    ///
    /// The right is sealed for this card by the rights key, and written by the maintenance key: a development key file has
    /// both, no single SAM of `sam new` does.
    #[command(after_help = "\
Examples:
  onecard card rights set --reader sim:wang.card --slot 0 --zone 7 --until 2026-12-31 --sam keys:dev.keys
  onecard card rights set --reader sim:wang.card --slot 1 --zone all --schedule 1 --anti-passback \\
      --from 2026-12-01 --until 2027-11-30 --sam keys:dev.keys")]
    Set(SetRight),
    /// Empty a slot 收回授权
    ///
    /// Whoever kept a copy of the right can have it written back: with --deny-list no door opens to it until its last day.
    #[command(after_help = "\
Example:
  onecard card rights clear --reader sim:wang.card --slot 0 --sam sim:desk.sam --deny-list doors.deny")]
    Clear(ClearRight),
    /// Show every slot that is not empty 查看授权
    ///
    /// The card tells them to everybody; whether the issuer made them, doors check.
    #[command(after_help = "Example:\n  onecard card rights list --reader sim:wang.card")]
    List(ListRights),
}

/// Options of `card rights set`.
#[derive(Args, Debug)]
pub(crate) struct SetRight {
    #[command(flatten)]
    service: Service,
    /// Where it is written. What stands there is overwritten; clear it first to have it on the deny list.
    #[arg(long, value_name = "0-13", value_parser = slot)]
    slot: Slot,
    /// The zone, 1 to 65534, or all.
    #[arg(long, value_name = "ZONE", value_parser = args::zone_or_all)]
    zone: Zone,
    /// The row of the doors' schedule tables; 0 is always.
    #[arg(long, value_name = "ROW", default_value_t = 0)]
    schedule: u8,
    /// Out is needed before the next in.
    #[arg(long)]
    anti_passback: bool,
    /// First day.
    #[arg(long, value_name = "YYYY-MM-DD", default_value = "2026-01-01", value_parser = args::date)]
    from: Date,
    /// Last day.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = args::date)]
    until: Date,
    /// The doors' deny list, off which the right is taken if it is on it.
    #[arg(long, value_name = "FILE")]
    deny_list: Option<PathBuf>,
}

/// Options of `card rights clear`.
#[derive(Args, Debug)]
pub(crate) struct ClearRight {
    #[command(flatten)]
    service: Service,
    /// Which.
    #[arg(long, value_name = "0-13", value_parser = slot)]
    slot: Slot,
    /// The doors' deny list, on which the right is put; begun if missing.
    #[arg(long, value_name = "FILE")]
    deny_list: Option<PathBuf>,
}

/// Options of `card rights list`.
#[derive(Args, Debug)]
pub(crate) struct ListRights {
    #[command(flatten)]
    card: CardReader,
    #[command(flatten)]
    enterprise: Enterprise,
}

pub(super) fn run(command: &RightsCommand) -> anyhow::Result<Output> {
    match command {
        RightsCommand::Set(options) => set(options),
        RightsCommand::Clear(options) => clear(options),
        RightsCommand::List(options) => list(options),
    }
}

fn set(options: &SetRight) -> anyhow::Result<Output> {
    anyhow::ensure!(options.from <= options.until, "--from {} is after --until {}", options.from, options.until);
    let mut given = None;
    let output = options.service.run("onecard.card-rights-set/1", |card, sam| {
        let (done, right) = options.write(card, sam)?;
        given = Some((done.serial, right));
        Ok(done)
    })?;
    if let (Some(path), Some((serial, right))) = (&options.deny_list, given) {
        change_deny_list(path, |list| list.give_back(serial, &right))?;
    }
    Ok(output)
}

impl SetRight {
    fn write(&self, card: &mut dyn Transport, sam: &mut TerminalSam) -> Result<(Done, AccessRight), Failure> {
        let application = select(card, &aid::enterprise_application(sam.enterprise)).map_err(Failure::of_select)?;
        let serial = application.serial();
        let factors = CardFactors { enterprise: application.public_data.enterprise, serial };
        let terms = RightTerms {
            zone: self.zone,
            schedule: self.schedule,
            anti_passback: self.anti_passback,
            valid_from: self.from,
            valid_to: self.until,
        };
        let right = sealed_right(sam.sam(), factors, KEY_VERSION, &terms)
            .map_err(|error| Failure::of_keeper(serial, ProtectError::Keeper(error)))?;
        let written = write_access_right(card, &application, sam.sam(), self.slot, &right);
        written.map_err(|error| failure(serial, &error))?;
        let (slot, until) = (self.slot.number(), self.until);
        let (zone, zone_chinese) = zone_names(self.zone);
        let text = Bilingual {
            english: format!("Slot {slot} of card {serial} opens {zone} from {} to {until}.", self.from),
            chinese: format!("卡{serial}第{slot}项可通行{zone_chinese}，自{}至{until}。", self.from),
        };
        Ok((Done { serial, text }, right))
    }
}

fn clear(options: &ClearRight) -> anyhow::Result<Output> {
    let mut listed = Ok(());
    let output = options.service.run("onecard.card-rights-clear/1", |card, sam| {
        let application = select(card, &aid::enterprise_application(sam.enterprise)).map_err(Failure::of_select)?;
        let serial = application.serial();
        let number = options.slot.number();
        let before = access_rights(card, &application).map_err(|error| unread(serial, &error))?;
        let right = before.get(usize::from(number)).copied().flatten();
        // On the list first: a card that is gone before its slot is empty opens nothing either.
        if let (Some(path), Some(right)) = (&options.deny_list, right) {
            listed = change_deny_list(path, |list| list.withdraw(serial, &right));
        }
        if listed.is_err() {
            return Err(Failure::NoAnswer { serial: Some(serial) });
        }
        let cleared = clear_access_right(card, &application, sam.sam(), options.slot);
        let on_list = right.is_some() && options.deny_list.is_some();
        cleared.map_err(|error| still_listed(failure(serial, &error), on_list))?;
        let (next, next_chinese) = match (right, &options.deny_list) {
            (Some(right), None) => (
                format!(
                    " A copy of it can be written back until {}: put it on the doors' deny list too.",
                    right.valid_to
                ),
                format!("在{}之前，其副本可能被写回：请同时列入门禁的拒绝名单。", right.valid_to),
            ),
            (Some(_), Some(_)) => (" It is on the deny list.".to_owned(), "已列入拒绝名单。".to_owned()),
            (None, _) => (" It was empty.".to_owned(), "原本为空。".to_owned()),
        };
        let text = Bilingual {
            english: format!("Slot {number} of card {serial} is empty.{next}"),
            chinese: format!("卡{serial}第{number}项已清空。{next_chinese}"),
        };
        Ok(Done { serial, text })
    })?;
    listed?;
    Ok(output)
}

/// A slot that was not emptied, of a right that no door opens to from now on.
fn still_listed(failure: Failure, on_list: bool) -> Failure {
    match failure {
        Failure::Refused { serial, text: Bilingual { english, chinese } } if on_list => {
            let english = format!("{english} The right is on the deny list all the same.");
            Failure::Refused {
                serial,
                text: Bilingual { english, chinese: format!("{chinese}该权限已列入拒绝名单。") },
            }
        }
        failure => failure,
    }
}

fn failure(serial: ApplicationSerial, error: &RightError) -> Failure {
    match error {
        RightError::NoMac { source, .. } => Failure::of_keeper(serial, ProtectError::Keeper(source.clone())),
        RightError::Refused { command, status, .. } => Failure::of_status(Some(serial), *command, *status),
        RightError::Exchange { .. } | RightError::NotReadBack(_) | RightError::Different { .. } => {
            Failure::NoAnswer { serial: Some(serial) }
        }
    }
}

/// What stands in the slots is not known, so nothing was written.
fn unread(serial: ApplicationSerial, error: &ReadError) -> Failure {
    match error {
        ReadError::Exchange { .. } => Failure::NoAnswer { serial: Some(serial) },
        error => Failure::Refused {
            serial: Some(serial),
            text: Bilingual {
                english: format!("Not done. {error}."),
                chinese: format!("未办理。未读到卡{serial}的通行权限文件。"),
            },
        },
    }
}

/// A card's rights, as it tells them.
#[derive(Serialize)]
struct Rights {
    serial: String,
    rights: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    slot: u8,
    /// 65535: all.
    zone: u16,
    /// 0: always.
    schedule: u8,
    anti_passback: bool,
    valid_from: String,
    valid_to: String,
}

fn list(options: &ListRights) -> anyhow::Result<Output> {
    let name = aid::enterprise_application(options.enterprise.enterprise);
    let read = tap(&options.card, &Faults::default(), &Trace::new(false), |card| {
        let application = select(card, &name)?;
        anyhow::Ok((application.serial(), access_rights(card, &application)?))
    })?;
    let (serial, rights) = read.with_context(|| options.card.to_string())?;
    let rights = Slot::all().zip(rights).filter_map(|(slot, right)| right.map(|right| Listed::of(slot, &right)));
    Output::view("onecard.card-rights-list/1", &Rights { serial: serial.to_string(), rights: rights.collect() })
}

impl Listed {
    fn of(slot: Slot, right: &AccessRight) -> Self {
        Self {
            slot: slot.number(),
            zone: right.zone.0,
            schedule: right.schedule,
            anti_passback: right.flags & AccessRight::ANTI_PASSBACK != 0,
            valid_from: right.valid_from.to_string(),
            valid_to: right.valid_to.to_string(),
        }
    }

    fn text(&self) -> String {
        let (zone, zone_chinese) = zone_names(Zone(self.zone));
        let (when, when_chinese) = match self.schedule {
            0 => ("always".to_owned(), "全天".to_owned()),
            row => (format!("schedule {row}"), format!("时段{row}")),
        };
        let (passback, passback_chinese) =
            if self.anti_passback { (", out before the next in", "，反潜回") } else { ("", "") };
        format!(
            "{zone}, {when}{passback}, {} to {} {zone_chinese}，{when_chinese}{passback_chinese}",
            self.valid_from, self.valid_to
        )
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&pairs([("card 卡号", self.serial.clone())]))?;
        if self.rights.is_empty() {
            return f.write_str("It has no access right 没有通行权限");
        }
        self.rights.iter().try_for_each(|right| writeln!(f, "  slot 第{}项: {}", right.slot, right.text()))
    }
}

fn zone_names(zone: Zone) -> (String, String) {
    match zone {
        Zone::ALL => ("every zone".to_owned(), "所有区域".to_owned()),
        Zone(number) => (format!("zone {number}"), format!("区域{number}")),
    }
}

fn slot(text: &str) -> Result<Slot, String> {
    text.parse().ok().and_then(Slot::new).ok_or_else(|| "expected 0 to 13".to_owned())
}
