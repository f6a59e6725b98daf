//! LOAD MASTER KEY and LOAD ALLOWANCE: from the ceremony, or from another key master card (16.5).

use onecard_wire::{
    key_master::{LoadAllowance, LoadKey, LogEvent, MAC_LEN},
    layout::Writer,
    status::StatusWord,
};
use zeroize::Zeroizing;

use super::{
    log::{self, Record},
    master_keys::{MasterKey, Name},
    open::Open,
    proof::{Challenge, proved},
    region::Books,
    session::KeyMasterCard,
};
use crate::{
    apdu::Command,
    crypto::{same, unwrap},
    failure::{Failure, refuse},
    nvm::Transaction,
    platform::Platform,
};

impl<P: Platform> KeyMasterCard<P> {
    /// `84 32 00 00`: puts a master key in. The same key again changes nothing; another one of that name is refused.
    pub(super) fn load_master_key(
        &mut self,
        command: &Command<'_>,
        challenge: Option<Challenge>,
    ) -> Result<(), Failure> {
        let open = self.require_open_for(command)?;
        command.require_data_len(LoadKey::LEN + MAC_LEN)?;
        let data = proved(command, challenge, open.identity.number, &open.secrets.mac)?;
        let order = LoadKey::parse(data).ok_or(StatusWord::WRONG_DATA)?;
        let key = unwrapped(&order, &open).ok_or(StatusWord::WRONG_DATA)?;
        if let Ok(there) = MasterKey::find(&self.nvm, key.name) {
            let is_same = there.algorithm == key.algorithm && same(&*there.value, &*key.value);
            return if is_same { Ok(()) } else { refuse(StatusWord::ALREADY_THERE) };
        }
        let mut transaction = Transaction::new();
        key.stage(&self.nvm, &mut transaction)?;
        let head = [order.code.to_byte(), order.version.0, order.algorithm.0];
        let record = Record {
            event: LogEvent::KeyLoaded,
            target: open.identity.number.to_bytes(),
            detail: Writer::new().put(&head).finish(),
        };
        log::stage(&self.nvm, &record, Books::read(&self.nvm), &mut transaction)?;
        Ok(self.nvm.commit(transaction)?)
    }

    /// `84 34 00 00`: adds to what may be exported.
    pub(super) fn load_allowance(
        &mut self,
        command: &Command<'_>,
        challenge: Option<Challenge>,
    ) -> Result<(), Failure> {
        let open = self.require_open_for(command)?;
        command.require_data_len(LoadAllowance::LEN + MAC_LEN)?;
        let data = proved(command, challenge, open.identity.number, &open.secrets.mac)?;
        let more = LoadAllowance::parse(data).ok_or(StatusWord::WRONG_DATA)?;
        let books = Books::read(&self.nvm);
        let allowance = sum(books.allowance, more).ok_or(StatusWord::COUNTER_AT_MAXIMUM)?;
        let record =
            Record { event: LogEvent::AllowanceLoaded, target: open.identity.number.to_bytes(), detail: more.emit() };
        let mut transaction = Transaction::new();
        log::stage(&self.nvm, &record, Books { allowance, ..books }, &mut transaction)?;
        Ok(self.nvm.commit(transaction)?)
    }

    fn require_open_for(&self, command: &Command<'_>) -> Result<Open, StatusWord> {
        command.require_no_answer()?;
        command.require_p1p2(0x00, 0x00)?;
        self.require_open()
    }
}

fn unwrapped(order: &LoadKey, open: &Open) -> Option<MasterKey> {
    let mut buffer = Zeroizing::new(order.wrapped_key);
    let value = unwrap(&open.secrets.wrap, &mut *buffer)?;
    Some(MasterKey {
        name: Name { code: order.code, version: order.version },
        algorithm: order.algorithm,
        value: Zeroizing::new(value.try_into().ok()?),
    })
}

fn sum(there: LoadAllowance, more: LoadAllowance) -> Option<LoadAllowance> {
    Some(LoadAllowance {
        card_exports: there.card_exports.checked_add(more.card_exports)?,
        sam_exports: there.sam_exports.checked_add(more.sam_exports)?,
    })
}
