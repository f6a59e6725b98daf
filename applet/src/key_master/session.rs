//! A key master card under power: one command after the other.

use onecard_wire::{ins::*, status::StatusWord};

use super::{open::Opening, proof::Challenge};
use crate::{
    apdu::{Command, Response, put},
    card::{Cause, Dead, end, recover},
    failure::{Failure, refuse},
    manufacture::Kind,
    nvm::{Journal, PowerLost},
    platform::Platform,
};

/// A key master card under power. What it remembers is in `P`; everything else here is gone at power-off.
pub struct KeyMasterCard<P> {
    pub(super) nvm: Journal<P>,
    /// For the next command alone.
    challenge: Option<Challenge>,
    /// What of PIN and mother card has been shown since power-up or SELECT.
    pub(super) opening: Opening,
    /// False once programming was cut short.
    powered: bool,
}

impl<P: Platform> KeyMasterCard<P> {
    /// Power-up: finishes what the last power-off cut short. The card is not open.
    ///
    /// # Errors
    /// [`Dead`].
    pub fn power_up(platform: P) -> Result<Self, Dead<P>> {
        let (nvm, kind) = recover(platform)?;
        if kind != Kind::KeyMaster {
            return Err(Dead { platform: nvm.into_memory(), cause: Cause::NotManufactured });
        }
        Ok(Self { nvm, challenge: None, opening: Opening::default(), powered: true })
    }

    /// Executes one command APDU; `answer` becomes data and status word.
    ///
    /// # Errors
    /// [`PowerLost`]: no answer, now or to any later command; power the chip down and up.
    pub fn process(&mut self, command: &[u8], answer: &mut Response) -> Result<(), PowerLost> {
        answer.clear();
        if !self.powered {
            return Err(PowerLost);
        }
        let executed = self.execute(Command::parse(command), answer).map(|()| StatusWord::OK);
        let ended = end(executed, answer);
        self.powered = ended.is_ok();
        ended
    }

    /// Power-off.
    #[must_use]
    pub fn power_down(self) -> P {
        self.nvm.into_memory()
    }

    /// The challenge belongs to this command or to none, however it ends.
    fn execute(&mut self, command: Result<Command<'_>, StatusWord>, answer: &mut Response) -> Result<(), Failure> {
        let challenge = self.challenge.take();
        let command = &command?;
        require_class(command)?;
        match (command.cla, command.ins) {
            (CLA_ISO, SELECT) => self.select(command, answer),
            (CLA_ISO, GET_CHALLENGE) => self.give_challenge(command, answer),
            (CLA_ISO, VERIFY) => self.verify_pin(command),
            (CLA_ISO, EXTERNAL_AUTHENTICATE) => self.authenticate_mother(command, challenge),
            (CLA_PBOC, GET_DATA) => self.report(command, answer),
            (CLA_PBOC, EXPORT_KEY) => self.export_key(command, answer),
            (CLA_PBOC, EXPORT_COPY) => self.export_copy(command, answer),
            (CLA_PBOC_SM, PERSONALISE) => self.personalise(command, challenge),
            (CLA_PBOC_SM, LOAD_MASTER_KEY) => self.load_master_key(command, challenge),
            (CLA_PBOC_SM, LOAD_ALLOWANCE) => self.load_allowance(command, challenge),
            (_, SELECT | GET_CHALLENGE | VERIFY | EXTERNAL_AUTHENTICATE | GET_DATA | EXPORT_KEY | EXPORT_COPY)
            | (_, PERSONALISE | LOAD_MASTER_KEY | LOAD_ALLOWANCE) => refuse(StatusWord::CLA_NOT_SUPPORTED),
            _ => refuse(StatusWord::INS_NOT_SUPPORTED),
        }
    }

    fn give_challenge(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        let challenge = Challenge::draw(&mut self.nvm, command)?;
        put(answer, challenge.bytes())?;
        self.challenge = Some(challenge);
        Ok(())
    }
}

/// # Errors
/// 6E00 for a class that no command here has (5.1.2).
pub(super) fn require_class(command: &Command<'_>) -> Result<(), StatusWord> {
    match command.cla {
        CLA_ISO | CLA_ISO_SM | CLA_PBOC | CLA_PBOC_SM => Ok(()),
        _ => Err(StatusWord::CLA_NOT_SUPPORTED),
    }
}
