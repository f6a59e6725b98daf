//! What a terminal sees by radio: enterprise applications, by their whole names.

use onecard_wire::status::StatusWord;

use super::{RfidSim, contact::serves_enterprises, enterprise::ends_what_others_began};
use crate::{
    apdu::{Command, Response},
    failure::{Failure, refuse},
    platform::Platform,
};

impl<P: Platform> RfidSim<P> {
    pub(super) fn by_radio(&mut self, command: &[u8], answer: &mut Response) -> Result<StatusWord, Failure> {
        let command = Command::parse_short(command);
        if !serves_enterprises(&self.nvm) {
            self.radio.leave(&self.nvm);
            return refuse(StatusWord::FILE_NOT_FOUND);
        }
        self.radio.process(&mut self.nvm, command, answer)?;
        if command.is_ok_and(|command| ends_what_others_began(&command)) {
            self.end_transactions_of_others(None);
        }
        Ok(StatusWord::OK)
    }
}
