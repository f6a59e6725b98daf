//! WRITE KEY of a SAM: `84 D4 00 00`, body usage ‖ version ‖ algorithm ‖ key, enciphered and MACed by the application's
//! master key (PBOC PSAM). Master and maintenance keys are the directory's control key (39 00) and line key (36 00).

use onecard_wire::{
    file::AccessRight,
    key::{CONTROL_KEY_ID, KeyType},
    layout::Reader,
    sam::{KEY_BODY_LEN, LEVELS_MAX, Usage, UsageKind},
    status::StatusWord,
};

use crate::{
    apdu::Command,
    cos::{Challenge, Cos},
    failure::{Failure, refuse},
    keys::{Family, NewKey, find, find_sam, stage_new, stage_replacement},
    nvm::Transaction,
    platform::Platform,
};

/// Security state that a control key leads to.
const CONTROL_STATE: u8 = 0x0F;
/// Error counter of master and maintenance keys (own: 65,535 tries).
const COUNTER: u8 = 0xFF;

impl<P: Platform> Cos<'_, P> {
    /// Adds a key, or replaces the one of the same usage and version.
    pub(crate) fn write_sam_key(&mut self, command: &Command<'_>, challenge: Option<Challenge>) -> Result<(), Failure> {
        command.require_no_answer()?;
        command.require_p1p2(0x00, 0x00)?;
        let keys = self.session.directory.keys.ok_or(StatusWord::FILE_NOT_FOUND)?;
        let body = self.unwrap_key_body(command, challenge, &keys)?;
        if body.len() != KEY_BODY_LEN {
            return refuse(StatusWord::WRONG_LENGTH);
        }
        let new = parse(&body).ok_or(StatusWord::WRONG_DATA)?;
        let control = find(self.nvm, &keys, KeyType::EXTERNAL, CONTROL_KEY_ID);
        let is_control = new.family == Family::Card && KeyType::split(new.type_byte).0 == KeyType::EXTERNAL;
        if control.is_none() && !is_control {
            return refuse(StatusWord::SECURITY_NOT_SATISFIED);
        }
        let old = match new.family {
            Family::Card => find(self.nvm, &keys, KeyType::split(new.type_byte).0, new.id),
            Family::Sam => {
                let kind = Usage(new.type_byte).kind();
                find_sam(self.nvm, &keys, |usage, version| Usage(usage).kind() == kind && version == new.id)
            }
        };
        let mut transaction = Transaction::new();
        match old {
            Some(old) if old.value_len() != new.value.len() => return refuse(StatusWord::WRONG_LENGTH),
            Some(old) => stage_replacement(self.nvm, &old, &new, &mut transaction)?,
            None => stage_new(self.nvm, &keys, &new, &mut transaction)?,
        }
        Ok(self.nvm.commit(transaction)?)
    }
}

fn parse(body: &[u8]) -> Option<NewKey<'_>> {
    let mut reader = Reader::new(body);
    let (usage, version, algorithm) = (Usage(reader.u8()?), reader.u8()?, reader.u8()?);
    if !usage.kind().is_known() || usize::from(usage.levels()) > LEVELS_MAX {
        return None;
    }
    let value = reader.rest();
    let free = AccessRight::FREE;
    let card_key = |key_type: KeyType, b4| NewKey {
        family: Family::Card,
        type_byte: key_type.0 | KeyType::PROTECTED,
        id: 0x00,
        use_right: free,
        change_right: free,
        b4,
        b5: COUNTER,
        value,
    };
    Some(match usage.kind() {
        UsageKind::MASTER => card_key(KeyType::EXTERNAL, CONTROL_STATE),
        UsageKind::MAINTENANCE => card_key(KeyType::MAINTENANCE, 0xFF),
        _ => NewKey {
            family: Family::Sam,
            type_byte: usage.0,
            id: version,
            use_right: free,
            change_right: free,
            b4: version,
            b5: algorithm,
            value,
        },
    })
}
