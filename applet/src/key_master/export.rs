//! EXPORT KEY: the ready body of one WRITE KEY, for one target and once. It is counted and logged before it leaves (16.6).

use onecard_wire::{
    key_master::{
        EnterpriseKey, ExportKey, Exported, Freshness, KeyCode, LoadAllowance, LogEvent, OperatorKey, TargetKind,
    },
    layout::{Reader, Writer},
    number::ApplicationSerial,
    status::StatusWord,
};

use super::{
    body::{Body, seal},
    log,
    master_keys::{MasterKey, Name},
    record::{Level, Record},
    region::Books,
    session::KeyMasterCard,
};
use crate::{
    apdu::{Command, Response, put},
    failure::Failure,
    nvm::Transaction,
    platform::Platform,
};

impl<P: Platform> KeyMasterCard<P> {
    /// `80 36 P1 P2`.
    pub(super) fn export_key(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        let target = target_of(command)?;
        self.require_open()?;
        let mut reader = Reader::new(command.data);
        let pin_len = command.data.len().checked_sub(ExportKey::LEN).ok_or(StatusWord::WRONG_LENGTH)?;
        let order = ExportKey::read(command.p2, &mut reader).ok_or(StatusWord::WRONG_DATA)?;
        let is_pin = order.what == Exported::HolderPin;
        let fits = if is_pin { ExportKey::PIN_LEN.contains(&pin_len) } else { pin_len == 0 };
        if !fits {
            return Err(StatusWord::WRONG_LENGTH.into());
        }
        if is_pin && !is_decimal(reader.rest()) {
            return Err(StatusWord::WRONG_DATA.into());
        }
        let body = self.body(target, &order, reader.rest())?;
        let books = Books::read(&self.nvm);
        let allowance = spent(books.allowance, target).ok_or(StatusWord::BALANCE_TOO_LOW)?;
        command.require_answer_len(body.len())?;
        let mut transaction = Transaction::new();
        log::stage(&self.nvm, &logged(target, &order), Books { allowance, ..books }, &mut transaction)?;
        self.nvm.commit(transaction)?;
        Ok(put(answer, &body)?)
    }

    /// # Errors
    /// 6A80 for what must not go there, 6A88 for a key that is not here, 6981 for a cipher that the target's key file has
    /// not.
    fn body(&self, target: TargetKind, order: &ExportKey, pin: &[u8]) -> Result<Body, StatusWord> {
        if !is_target(target, order.factor) || !may_wrap(target, order) {
            return Err(StatusWord::WRONG_DATA);
        }
        let wrapping = Name { code: order.wrapping, version: order.wrapping_version };
        let (code, version, place) = match order.what {
            Exported::Key { code, version, place } => (code, version, place),
            Exported::HolderPin => {
                let record = Record::of_pin(order.manner).filter(|_| target == TargetKind::Card);
                let record = record.ok_or(StatusWord::WRONG_DATA)?;
                let control = MasterKey::find(&self.nvm, wrapping)?.key()?.diversified(&order.factor);
                return seal(&record, pin, &control, order.freshness);
            }
        };
        // The operator's keys are never sent.
        let KeyCode::Enterprise(key) = code else { return Err(StatusWord::WRONG_DATA) };
        let master = MasterKey::find(&self.nvm, Name { code, version })?;
        let record = match target {
            TargetKind::Card => Record::on_card(key, version, master.algorithm, place, order.manner),
            TargetKind::Sam => Record::on_sam(key, version, master.algorithm, place, order.manner),
        };
        let record = record.ok_or(StatusWord::WRONG_DATA)?;
        let wrapping = MasterKey::find(&self.nvm, wrapping)?;
        if record.follows_key_file && wrapping.algorithm != master.algorithm {
            return Err(StatusWord::WRONG_FILE_KIND);
        }
        let value = match record.level {
            Level::Enterprise => master.key()?,
            Level::Target => master.key()?.diversified(&order.factor),
        };
        seal(&record, value.value(), &wrapping.key()?.diversified(&order.factor), order.freshness)
    }
}

/// # Errors
/// 6A86. A SAM is not reached over the air.
fn target_of(command: &Command<'_>) -> Result<TargetKind, StatusWord> {
    match (TargetKind::from_byte(command.p1), command.p2) {
        (Some(target), Freshness::AT_STATION) => Ok(target),
        (Some(TargetKind::Card), Freshness::FOR_AIR) => Ok(TargetKind::Card),
        _ => Err(StatusWord::WRONG_P1P2),
    }
}

/// Whether the factor is one: of a card its serial, check digit and all.
fn is_target(target: TargetKind, factor: [u8; 8]) -> bool {
    target == TargetKind::Sam || ApplicationSerial::from_bytes(factor).is_some()
}

/// Two digits a byte, an odd last one followed by F.
fn is_decimal(pin: &[u8]) -> bool {
    let is_digits = |byte: &u8| byte >> 4 < 10 && byte & 0x0F < 10;
    pin.split_last().is_some_and(|(last, first)| {
        first.iter().all(is_digits) && (is_digits(last) || (last >> 4 < 10 && last & 0x0F == 0x0F))
    })
}

/// Whether that key may wrap that. The operator's key, which the operator knows, replaces the target's control key and does
/// nothing else: all other keys travel under the enterprise's own.
fn may_wrap(target: TargetKind, order: &ExportKey) -> bool {
    let carries =
        |only: EnterpriseKey| matches!(order.what, Exported::Key { code: KeyCode::Enterprise(key), .. } if key == only);
    match (target, order.wrapping) {
        (TargetKind::Card, KeyCode::Enterprise(EnterpriseKey::Control))
        | (TargetKind::Sam, KeyCode::Enterprise(EnterpriseKey::SamMaster)) => true,
        (TargetKind::Card, KeyCode::Operator(OperatorKey::Management)) => carries(EnterpriseKey::Control),
        (TargetKind::Sam, KeyCode::Operator(OperatorKey::SamManagement)) => carries(EnterpriseKey::SamMaster),
        _ => false,
    }
}

/// What is left after one export.
fn spent(allowance: LoadAllowance, target: TargetKind) -> Option<LoadAllowance> {
    let LoadAllowance { card_exports, sam_exports } = allowance;
    Some(match target {
        TargetKind::Card => LoadAllowance { card_exports: card_exports.checked_sub(1)?, sam_exports },
        TargetKind::Sam => LoadAllowance { card_exports, sam_exports: sam_exports.checked_sub(1)? },
    })
}

fn logged(target: TargetKind, order: &ExportKey) -> log::Record {
    let event = match (target, order.freshness) {
        (TargetKind::Sam, _) => LogEvent::ExportToSam,
        (TargetKind::Card, Freshness::Challenge(_)) => LogEvent::ExportToCard,
        (TargetKind::Card, Freshness::OverTheAir { .. }) => LogEvent::ExportForAir,
    };
    let under = [order.manner as u8, order.wrapping.to_byte(), order.wrapping_version.0];
    let detail = Writer::new().put(&order.what.to_bytes()).put(&under).finish();
    log::Record { event, target: order.factor, detail }
}
