//! SELECT and GET DATA of a key master card: what it says of itself (16.2, 16.7).

use onecard_wire::{
    aid,
    key_master::{KEY_LIST, KeyEntry, LOG, LifeCycle, LogEntry, STATUS, Status},
    layout::Writer,
    number::{EnterpriseId, KeyMasterNumber},
    status::StatusWord,
};

use super::{
    log,
    master_keys::master_keys,
    open::{Opening, Secret},
    region::{Books, Identity, life_cycle},
    session::KeyMasterCard,
};
use crate::{
    apdu::{Command, Response, put},
    failure::{Failure, refuse},
    platform::Platform,
};

impl<P: Platform> KeyMasterCard<P> {
    /// SELECT by name. Whatever comes of it, the card is open no more.
    pub(super) fn select(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        self.opening = Opening::default();
        let identity = Identity::read(&self.nvm);
        let own = identity.map(|identity| aid::key_master_card(identity.enterprise));
        let name = own.as_ref().map_or(&aid::BLANK_KEY_MASTER_CARD[..], |name| name);
        answer_select(command, name, life_cycle(&self.nvm), identity, answer)
    }

    /// `80 CA P1 P2`: status, keys, log.
    pub(super) fn report(&self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        command.require_data_len(0)?;
        match (command.p1, command.p2) {
            (0x00, STATUS) => put(answer, &self.status().emit())?,
            (page, KEY_LIST) => self.put_keys(page, answer)?,
            (page, LOG) => {
                self.require_open()?;
                for entry in log::entries(&self.nvm).skip(usize::from(page) * LogEntry::PAGE).take(LogEntry::PAGE) {
                    put(answer, &entry)?;
                }
            }
            _ => return refuse(StatusWord::WRONG_P1P2),
        }
        Ok(command.require_answer_len(answer.len())?)
    }

    fn status(&self) -> Status {
        let identity = Identity::read(&self.nvm);
        Status {
            number: identity.map_or(KeyMasterNumber::default(), |identity| identity.number),
            enterprise: identity.map_or(EnterpriseId::default(), |identity| identity.enterprise),
            life_cycle: life_cycle(&self.nvm),
            pin_tries: Secret::Pin.tries(&self.nvm),
            authentication_tries: Secret::MotherCard.tries(&self.nvm),
            allowance: Books::read(&self.nvm).allowance,
        }
    }

    fn put_keys(&self, page: u8, answer: &mut Response) -> Result<(), StatusWord> {
        for key in master_keys(&self.nvm).skip(usize::from(page) * KeyEntry::PAGE).take(KeyEntry::PAGE) {
            let (code, version) = (key.name.code, key.name.version);
            let check_value = key.key()?.check_value();
            put(answer, &KeyEntry { code, version, algorithm: key.algorithm, check_value }.to_bytes())?;
        }
        Ok(())
    }
}

/// SELECT of a card whose only name is `name`.
///
/// # Errors
/// 6A86, 6700, 6A82, 6Cxx.
pub(super) fn answer_select(
    command: &Command<'_>,
    name: &[u8],
    life_cycle: LifeCycle,
    identity: Option<Identity>,
    answer: &mut Response,
) -> Result<(), Failure> {
    match (command.p1, command.p2) {
        (0x04, 0x00) if (5..=16).contains(&command.data.len()) => {}
        (0x04, 0x00) => return refuse(StatusWord::WRONG_LENGTH),
        // There are no files.
        (0x00, 0x00) => return refuse(StatusWord::FILE_NOT_FOUND),
        _ => return refuse(StatusWord::WRONG_P1P2),
    }
    if command.data != name {
        return refuse(StatusWord::FILE_NOT_FOUND);
    }
    let number = identity.map_or(KeyMasterNumber::default(), |identity| identity.number).to_bytes();
    let data: [u8; 9] = Writer::new().u8(life_cycle as u8).put(&number).finish();
    let length = name.len() as u8;
    put(answer, &[0x6F, 2 + length + 14, 0x84, length])?;
    put(answer, name)?;
    put(answer, &[0xA5, 0x0C, 0x9F, 0x0C, 0x09])?;
    put(answer, &data)?;
    Ok(command.require_answer_len(answer.len())?)
}
