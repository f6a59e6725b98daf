//! APPLICATION BLOCK and UNBLOCK, CARD BLOCK (FMCOS 2.0 user manual p. 79-82).

use onecard_wire::status::StatusWord;

use crate::{
    apdu::Command,
    cos::{Challenge, Cos},
    failure::{Failure, refuse},
    fs::{File, FileIndex, Lock, UNBLOCK_TRIES},
    line_protection::Text,
    platform::Platform,
};

impl<P: Platform> Cos<'_, P> {
    /// APPLICATION BLOCK, P2 00 until unblocked, 01 for good. Not of the MF: that is CARD BLOCK.
    pub(crate) fn application_block(
        &mut self,
        command: &Command<'_>,
        challenge: Option<Challenge>,
    ) -> Result<(), Failure> {
        let lock = match (command.p1, command.p2) {
            (0x00, 0x00) => Lock::Temporary,
            (0x00, 0x01) => Lock::Permanent,
            _ => return refuse(StatusWord::WRONG_P1P2),
        };
        if self.session.directory.index == FileIndex::MF {
            return refuse(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        self.check_maintenance_mac(command, challenge)?;
        self.set_lock(File { lock, unblock_tries: UNBLOCK_TRIES, ..self.session.directory.file })
    }

    /// APPLICATION UNBLOCK. While blocked, failures count, before the MAC is compared; the third blocks for good.
    pub(crate) fn application_unblock(
        &mut self,
        command: &Command<'_>,
        challenge: Option<Challenge>,
    ) -> Result<(), Failure> {
        command.require_p1p2(0x00, 0x00)?;
        let directory = self.session.directory.file;
        match directory.lock {
            Lock::Open => return self.check_maintenance_mac(command, challenge),
            Lock::Permanent => return refuse(StatusWord::PERMANENTLY_BLOCKED),
            Lock::Temporary => {}
        }
        require_mac_alone(command)?;
        if challenge.is_none() {
            return refuse(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        let unblock_tries = directory.unblock_tries.saturating_sub(1);
        let lock = if unblock_tries == 0 { Lock::Permanent } else { Lock::Temporary };
        self.set_lock(File { unblock_tries, lock, ..directory })?;
        match self.check_maintenance_mac(command, challenge) {
            Ok(()) => self.set_lock(File { lock: Lock::Open, unblock_tries: UNBLOCK_TRIES, ..directory }),
            Err(Failure::Refused(_)) if lock == Lock::Permanent => refuse(StatusWord::PERMANENTLY_BLOCKED),
            Err(failure) => Err(failure),
        }
    }

    /// CARD BLOCK: in the MF alone, by the operator's key. Every later command gets 6A81.
    pub(crate) fn card_block(&mut self, command: &Command<'_>, challenge: Option<Challenge>) -> Result<(), Failure> {
        command.require_p1p2(0x00, 0x00)?;
        if self.session.directory.index != FileIndex::MF {
            return refuse(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        self.check_maintenance_mac(command, challenge)?;
        self.set_lock(File { lock: Lock::Permanent, ..self.session.directory.file })?;
        self.session.card_blocked = true;
        Ok(())
    }

    fn check_maintenance_mac(&mut self, command: &Command<'_>, challenge: Option<Challenge>) -> Result<(), Failure> {
        require_mac_alone(command)?;
        let key = self.line_key(0x00)?;
        self.unwrap(command, challenge, &key, Text::Clear, StatusWord::SM_DATA_WRONG).map(drop)
    }

    fn set_lock(&mut self, entry: File) -> Result<(), Failure> {
        self.write_entry(self.session.directory.index, &entry)
    }
}

/// The data field is a MAC and nothing else.
fn require_mac_alone(command: &Command<'_>) -> Result<(), StatusWord> {
    command.require_no_answer()?;
    command.require_data_len(4)
}
