//! VERIFY, CHANGE PIN, RELOAD PIN, PIN UNBLOCK (FMCOS 2.0 user manual p. 70, 83-88).

use onecard_wire::{
    key::{KeyType, PIN_LEN_MAX},
    status::StatusWord,
};
use zeroize::Zeroizing;

use crate::{
    apdu::Command,
    cos::{Challenge, Cos},
    crypto::{TransactionKey, same},
    failure::{Failure, refuse},
    keys::{KeyRecord, Verdict},
    line_protection::Text,
    nvm::Transaction,
    platform::Platform,
};

/// A PIN on the wire: 2 to 6 bytes of BCD, F-padded.
const PIN_LEN: core::ops::RangeInclusive<usize> = 2..=6;
/// Between old and new PIN in CHANGE PIN.
const SEPARATOR: u8 = 0xFF;
const MAC_LEN: usize = 4;

impl<P: Platform> Cos<'_, P> {
    /// VERIFY. Trailing FF of the stored PIN may be left out.
    pub(crate) fn verify_pin(&mut self, command: &Command<'_>) -> Result<(), Failure> {
        command.require_no_answer()?;
        if command.p1 != 0 {
            return refuse(StatusWord::WRONG_P1P2);
        }
        if !PIN_LEN.contains(&command.data.len()) {
            return refuse(StatusWord::WRONG_LENGTH);
        }
        let record = self.pin_record(command.p2)?;
        self.session.require(record.use_right)?;
        self.compare_pin(&record, command.data)?;
        self.session.authenticated(record.b4);
        Ok(())
    }

    /// CHANGE PIN (80 5E 01): old ‖ FF ‖ new.
    pub(crate) fn change_pin(&mut self, command: &Command<'_>) -> Result<(), Failure> {
        command.require_no_answer()?;
        let split = |at: &usize| command.data.get(*at) == Some(&SEPARATOR);
        let at = PIN_LEN.into_iter().find(split).ok_or(StatusWord::WRONG_LENGTH)?;
        let (old, rest) = command.data.split_at_checked(at).ok_or(StatusWord::WRONG_LENGTH)?;
        let new = rest.get(1..).filter(|new| PIN_LEN.contains(&new.len())).ok_or(StatusWord::WRONG_LENGTH)?;
        let record = self.pin_record(command.p2)?;
        self.compare_pin(&record, old)?;
        self.set_pin(&record, new)
    }

    /// RELOAD PIN (80 5E 00): new PIN ‖ MAC by the reload key, a triple DES key folded, IV 0.
    pub(crate) fn reload_pin(&mut self, command: &Command<'_>) -> Result<(), Failure> {
        command.require_no_answer()?;
        let (new, mac) = command.data.split_last_chunk::<MAC_LEN>().ok_or(StatusWord::WRONG_LENGTH)?;
        if !PIN_LEN.contains(&new.len()) {
            return refuse(StatusWord::WRONG_LENGTH);
        }
        let record = self.pin_record(command.p2)?;
        let reload = self.find_key(KeyType::PIN_RELOAD, 0x00)?.ok_or(StatusWord::NO_SUCH_KEY)?;
        self.session.require(reload.use_right)?;
        let verdict = self.compare(&reload, |nvm| Ok(same(&TransactionKey::fold(&reload.key(nvm)?).mac(new), mac)))?;
        if verdict != Verdict::Right {
            return refuse(StatusWord::MAC_WRONG);
        }
        self.set_pin(&record, new)
    }

    /// PIN UNBLOCK (84 24): the enciphered PIN and a MAC, both by the unblock key. Also sets a new PIN.
    pub(crate) fn unblock_pin(&mut self, command: &Command<'_>, challenge: Option<Challenge>) -> Result<(), Failure> {
        command.require_no_answer()?;
        if command.p1 != 0 || command.p2 > 1 {
            return refuse(StatusWord::WRONG_P1P2);
        }
        let record = self.pin_record(0x00)?;
        let unblock = self.find_key(KeyType::PIN_UNBLOCK, 0x00)?.ok_or(StatusWord::NO_SUCH_KEY)?;
        self.session.require(unblock.use_right)?;
        let new = self.unwrap(command, challenge, &unblock, Text::Enciphered, StatusWord::SM_DATA_WRONG)?;
        if !PIN_LEN.contains(&new.len()) {
            return refuse(StatusWord::WRONG_LENGTH);
        }
        self.set_pin(&record, &new)
    }

    fn pin_record(&self, id: u8) -> Result<KeyRecord, StatusWord> {
        self.find_key(KeyType::PIN, id)?.ok_or(StatusWord::NO_SUCH_KEY)
    }

    fn compare_pin(&mut self, record: &KeyRecord, pin: &[u8]) -> Result<(), Failure> {
        let mut padded = Zeroizing::new([0xFF; PIN_LEN_MAX]);
        padded.iter_mut().zip(pin).for_each(|(to, from)| *to = *from);
        match self.compare(record, |nvm| Ok(same(&*record.pin(nvm), &*padded)))? {
            Verdict::Right => Ok(()),
            Verdict::Wrong { tries_left } => refuse(StatusWord::tries_left(tries_left)),
        }
    }

    fn set_pin(&mut self, record: &KeyRecord, new: &[u8]) -> Result<(), Failure> {
        let mut transaction = Transaction::new();
        record.stage_pin(self.nvm, new, &mut transaction)?;
        Ok(self.nvm.commit(transaction)?)
    }
}
