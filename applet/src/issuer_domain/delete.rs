//! DELETE (GlobalPlatform Card Specification 2.3 clause 11.2): an enterprise's application wholly, or keys.

use onecard_wire::{
    globalplatform::{DELETE_OBJECT, DELETE_WITH_RELATED, tag},
    record::{CardStatus, PublicData},
    status::StatusWord,
};

use super::{
    IssuerDomain, commit_and_forget,
    key_sets::{self, Protocol},
    tlv,
};
use crate::{
    apdu::{Command, Response, put},
    failure::{Failure, refuse},
    fs::{self, Directory, FileIndex},
    nvm::Transaction,
    platform::Platform,
};

/// What a DELETE names.
enum Named<'a> {
    Object(&'a [u8]),
    Keys { version: u8, id: Option<u8> },
}

impl<P: Platform> IssuerDomain<'_, P> {
    /// DELETE; answers 00: there is no receipt.
    pub(super) fn delete(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        if command.p1 != 0x00 || !matches!(command.p2, DELETE_OBJECT | DELETE_WITH_RELATED) {
            return refuse(StatusWord::WRONG_P1P2);
        }
        match Named::parse(command.data)? {
            Named::Object(name) => self.delete_application(name)?,
            Named::Keys { version, id } => self.delete_keys(version, id)?,
        }
        Ok(put(answer, &[0x00])?)
    }

    /// # Errors
    /// 6A88 if it is not there; 6985 if it is part of the card, or selected on another channel or by radio; in a packet, if its holder
    /// has it in use.
    fn delete_application(&mut self, name: &[u8]) -> Result<(), Failure> {
        let found = fs::applications(self.nvm).find(|(_, file)| file.name() == name);
        let (index, _) = found.ok_or_else(|| self.why_not(name))?;
        let may_pay = self.session.channel.is_in_packet() && self.may_pay(index);
        if may_pay || self.in_use.contains(&index) {
            return refuse(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        fs::remove(self.nvm, index)
    }

    /// Whether the application is issued, and not suspended: what is in it can still be spent. A packet may come late, when somebody
    /// has issued what it was to clear away.
    fn may_pay(&self, index: FileIndex) -> bool {
        let Some(Directory { public_data: Some(public_data), parameters: Some(parameters), .. }) =
            Directory::read(self.nvm, index)
        else {
            return false;
        };
        let is_issued = self.nvm.array(public_data.body()) != [0; PublicData::LEN];
        is_issued && self.nvm.array(parameters.body()) == [CardStatus::NORMAL.0]
    }

    /// # Errors
    /// 6A88 if one is not there; 6985 if nothing would open a channel any more.
    fn delete_keys(&mut self, version: u8, id: Option<u8>) -> Result<(), Failure> {
        let (place, mut set) = key_sets::find(self.nvm, version).ok_or(StatusWord::KEY_NOT_FOUND)?;
        if let Some(id) = id {
            set.key(id).ok_or(StatusWord::KEY_NOT_FOUND)?;
            set.set_key(id, None)?;
        }
        let left = Some(&set).filter(|set| id.is_some() && set.keys().next().is_some());
        // A set that opens channels opens none without each of its keys.
        self.require_channel_without(place, false)?;
        let protocol = Protocol::of_version(version).ok_or(StatusWord::INTERNAL_ERROR)?;
        let mut transaction = Transaction::new();
        place.stage_past(self.nvm, protocol, &mut transaction)?;
        match left {
            Some(set) => place.stage(set, &mut transaction)?,
            None => place.stage_removal(&mut transaction)?,
        }
        commit_and_forget(self.nvm, transaction)?;
        self.session.changed_keys = true;
        Ok(())
    }
}

impl<'a> Named<'a> {
    /// `4F AID`, or `[D0 id] D2 version` in either order.
    ///
    /// # Errors
    /// 6A80, for a token too: none is asked for here.
    fn parse(data: &'a [u8]) -> Result<Self, StatusWord> {
        let (mut name, mut id, mut version) = (None, None, None);
        let mut objects = tlv::Objects::new(data);
        while let Some((tag, value)) = objects.next()? {
            match (tag, value) {
                (tag::AID, value) if name.is_none() => name = Some(value),
                (tag::KEY_ID, [value]) if id.is_none() => id = Some(*value),
                (tag::KEY_VERSION, [value]) if version.is_none() => version = Some(*value),
                _ => return Err(StatusWord::WRONG_DATA),
            }
        }
        match (name, id, version) {
            (Some(name), None, None) => Ok(Self::Object(name)),
            (None, id, Some(version)) => Ok(Self::Keys { version, id }),
            _ => Err(StatusWord::WRONG_DATA),
        }
    }
}
