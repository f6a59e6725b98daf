//! EXPORT COPY: a key or a part of the allowance for another key master card of the enterprise, as that one's LOAD MASTER
//! KEY or LOAD ALLOWANCE takes it. Both have the same transport keys from the ceremony, and both are open (16.6.6).

use onecard_wire::{
    ins::{CLA_PBOC_SM, LOAD_ALLOWANCE, LOAD_MASTER_KEY},
    key_master::{
        COPY_ALLOWANCE, COPY_KEY, CopyAllowance, CopyKey, LOG_ENTRIES, LoadAllowance, LoadKey, LogEvent, MAC_LEN,
        WRAP_OVERHEAD, WRAPPED_KEY_LEN,
    },
    layout::Writer,
    status::StatusWord,
};
use zeroize::Zeroizing;

use super::{
    log::{self, Record},
    master_keys::{MasterKey, Name},
    open::Open,
    proof::mac_for,
    region::Books,
    session::KeyMasterCard,
};
use crate::{
    apdu::{Command, Response, put},
    crypto::wrap,
    failure::{Failure, refuse},
    nvm::Transaction,
    platform::Platform,
};

/// Copies of keys cost nothing: they get half the log, and leave the other half to what the allowance pays for.
const COPIES_LOGGED_MAX: usize = LOG_ENTRIES as usize / 2;

impl<P: Platform> KeyMasterCard<P> {
    /// `80 38 P1 00`.
    pub(super) fn export_copy(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        match (command.p1, command.p2) {
            (COPY_KEY, 0x00) => self.copy_key(command, answer),
            (COPY_ALLOWANCE, 0x00) => self.copy_allowance(command, answer),
            _ => refuse(StatusWord::WRONG_P1P2),
        }
    }

    fn copy_key(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        let open = self.require_open()?;
        command.require_data_len(CopyKey::LEN)?;
        let order = CopyKey::parse(command.data).filter(|order| order.target != open.identity.number);
        let CopyKey { code, version, target, challenge } = order.ok_or(StatusWord::WRONG_DATA)?;
        let key = MasterKey::find(&self.nvm, Name { code, version })?;
        if log::copies_of_keys(&self.nvm) >= COPIES_LOGGED_MAX {
            return refuse(StatusWord::NOT_ENOUGH_SPACE);
        }
        command.require_answer_len(LoadKey::LEN + MAC_LEN)?;
        let load = LoadKey { code, version, algorithm: key.algorithm, wrapped_key: wrapped(&key, &open) };
        let header = header(LOAD_MASTER_KEY, LoadKey::LEN);
        let mac = mac_for(target, &challenge, header, &load.emit(), &open.secrets.mac);
        let head = [code.to_byte(), version.0, key.algorithm.0];
        let detail = Writer::new().put(&head).finish();
        self.commit_copy(&Record { event: LogEvent::KeyCopied, target: target.to_bytes(), detail }, None)?;
        put(answer, &load.emit())?;
        Ok(put(answer, &mac)?)
    }

    fn copy_allowance(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        let open = self.require_open()?;
        command.require_data_len(CopyAllowance::LEN)?;
        let order = CopyAllowance::parse(command.data)
            .filter(|order| order.target != open.identity.number && order.allowance != LoadAllowance::default());
        let CopyAllowance { allowance, target, challenge } = order.ok_or(StatusWord::WRONG_DATA)?;
        let left = difference(Books::read(&self.nvm).allowance, allowance).ok_or(StatusWord::BALANCE_TOO_LOW)?;
        command.require_answer_len(LoadAllowance::LEN + MAC_LEN)?;
        let header = header(LOAD_ALLOWANCE, LoadAllowance::LEN);
        let mac = mac_for(target, &challenge, header, &allowance.emit(), &open.secrets.mac);
        let record = Record { event: LogEvent::AllowanceCopied, target: target.to_bytes(), detail: allowance.emit() };
        self.commit_copy(&record, Some(left))?;
        put(answer, &allowance.emit())?;
        Ok(put(answer, &mac)?)
    }

    /// The log entry and what is left of the allowance, in one commit, before anything leaves.
    fn commit_copy(&mut self, record: &Record, left: Option<LoadAllowance>) -> Result<(), Failure> {
        let books = Books::read(&self.nvm);
        let allowance = left.unwrap_or(books.allowance);
        let mut transaction = Transaction::new();
        log::stage(&self.nvm, record, Books { allowance, ..books }, &mut transaction)?;
        Ok(self.nvm.commit(transaction)?)
    }
}

fn wrapped(key: &MasterKey, open: &Open) -> [u8; WRAPPED_KEY_LEN] {
    let room = [0; WRAP_OVERHEAD];
    let mut buffer = Zeroizing::new(Writer::new().put(&room).put(&*key.value).finish());
    wrap(&open.secrets.wrap, &mut *buffer);
    *buffer
}

/// Of the command that the other card gets; Lc counts the MAC.
const fn header(ins: u8, data_len: usize) -> [u8; 5] {
    [CLA_PBOC_SM, ins, 0x00, 0x00, (data_len + MAC_LEN) as u8]
}

fn difference(there: LoadAllowance, moved: LoadAllowance) -> Option<LoadAllowance> {
    Some(LoadAllowance {
        card_exports: there.card_exports.checked_sub(moved.card_exports)?,
        sam_exports: there.sam_exports.checked_sub(moved.sam_exports)?,
    })
}
