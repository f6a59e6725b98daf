//! The MAC that marks a listed card (own, profile §4): all a till can do with the maintenance key.

use onecard_wire::{
    sam::{Mark, UsageKind, mark_command},
    status::StatusWord,
};

use crate::{
    apdu::{Command, Response, put},
    cos::{Challenge, Cos},
    crypto::line_mac,
    failure::{Failure, refuse},
    keys::sam_versions,
    platform::Platform,
};

/// P2: the marking key of the highest version.
const NEWEST: u8 = 0x00;

impl<P: Platform> Cos<'_, P> {
    /// `80 74 00 version`: the line-protection MAC of `04 D6 97 00 0C 03 ‖ list version` and of nothing else.
    pub(crate) fn mark(&self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        if command.p1 != 0 {
            return refuse(StatusWord::WRONG_P1P2);
        }
        let mark = Mark::parse(command.data).ok_or(StatusWord::WRONG_LENGTH)?;
        command.require_answer_len(4)?;
        let version = match command.p2 {
            NEWEST => self.newest_marking_version().ok_or(StatusWord::NO_SUCH_KEY)?,
            version => version,
        };
        let record = self.working_key(UsageKind::MARKING, version)?;
        let key = self.diversified(&record, &[mark.serial])?;
        let challenge = Challenge::new(&mark.challenge);
        Ok(put(answer, &line_mac(&key, challenge.initial_block(&key), &[&mark_command(mark.list_version)]))?)
    }

    fn newest_marking_version(&self) -> Option<u8> {
        sam_versions(self.nvm, self.session.directory.keys.as_ref()?, UsageKind::MARKING).max()
    }
}
