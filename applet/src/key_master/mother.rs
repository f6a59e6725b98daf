//! The mother authentication card: whoever has it and the PIN opens one key master card.

use onecard_wire::{
    aid,
    ins::*,
    key_master::{
        CHALLENGE_LEN, CRYPTOGRAM_LEN, LifeCycle, MAC_LEN, MAKER_WRAP_KEY, MotherStatus, PersonaliseMother, STATUS,
    },
    number::{EnterpriseId, KeyMasterNumber},
    status::StatusWord,
};
use zeroize::Zeroizing;

use super::{
    open::cryptogram,
    personalise::proved_by_maker,
    proof::Challenge,
    region::{Identity, Secrets},
    report::answer_select,
    session::require_class,
};
use crate::{
    apdu::{Command, Response, put},
    card::{Cause, Dead, end, recover},
    crypto::unwrap,
    failure::{Failure, refuse},
    manufacture::Kind,
    nvm::{Journal, PowerLost, Transaction},
    platform::Platform,
};

/// A mother authentication card under power. What it remembers is in `P`; everything else here is gone at power-off.
pub struct MotherAuthenticationCard<P> {
    nvm: Journal<P>,
    /// For the next command alone.
    challenge: Option<Challenge>,
    /// False once programming was cut short.
    powered: bool,
}

impl<P: Platform> MotherAuthenticationCard<P> {
    /// Power-up: finishes what the last power-off cut short.
    ///
    /// # Errors
    /// [`Dead`].
    pub fn power_up(platform: P) -> Result<Self, Dead<P>> {
        let (nvm, kind) = recover(platform)?;
        if kind != Kind::MotherAuthentication {
            return Err(Dead { platform: nvm.into_memory(), cause: Cause::NotManufactured });
        }
        Ok(Self { nvm, challenge: None, powered: true })
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

    fn execute(&mut self, command: Result<Command<'_>, StatusWord>, answer: &mut Response) -> Result<(), Failure> {
        let challenge = self.challenge.take();
        let command = &command?;
        require_class(command)?;
        match (command.cla, command.ins) {
            (CLA_ISO, SELECT) => self.select(command, answer),
            (CLA_ISO, GET_CHALLENGE) => {
                let challenge = Challenge::draw(&mut self.nvm, command)?;
                put(answer, challenge.bytes())?;
                self.challenge = Some(challenge);
                Ok(())
            }
            (CLA_ISO, INTERNAL_AUTHENTICATE) => self.authenticate(command, answer),
            (CLA_PBOC, GET_DATA) => self.report(command, answer),
            (CLA_PBOC_SM, PERSONALISE) => self.personalise(command, challenge),
            (_, SELECT | GET_CHALLENGE | INTERNAL_AUTHENTICATE | GET_DATA | PERSONALISE) => {
                refuse(StatusWord::CLA_NOT_SUPPORTED)
            }
            _ => refuse(StatusWord::INS_NOT_SUPPORTED),
        }
    }

    /// INTERNAL AUTHENTICATE: `00 88 00 00 08 challenge` of its key master card. Its own number goes in, not a given one.
    fn authenticate(&self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        command.require_p1p2(0x00, 0x00)?;
        command.require_data_len(CHALLENGE_LEN)?;
        let challenge = command.data.try_into().map_err(|_| StatusWord::WRONG_LENGTH)?;
        let identity = Identity::read(&self.nvm).ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
        command.require_answer_len(CRYPTOGRAM_LEN)?;
        Ok(put(answer, &cryptogram(&Secrets::read(&self.nvm).authentication, challenge, &identity))?)
    }

    /// `84 30 00 00`, of a blank card alone.
    fn personalise(&mut self, command: &Command<'_>, challenge: Option<Challenge>) -> Result<(), Failure> {
        command.require_no_answer()?;
        command.require_p1p2(0x00, 0x00)?;
        command.require_data_len(PersonaliseMother::LEN + MAC_LEN)?;
        let data = proved_by_maker(command, challenge, Identity::read(&self.nvm))?;
        let order = PersonaliseMother::parse(data).ok_or(StatusWord::WRONG_DATA)?;
        let mut wrapped = Zeroizing::new(order.wrapped_key);
        let key = unwrap(&MAKER_WRAP_KEY, &mut *wrapped).ok_or(StatusWord::WRONG_DATA)?;
        let authentication = key.try_into().map_err(|_| StatusWord::WRONG_DATA)?;
        let secrets = Secrets { authentication, ..Secrets::default() };
        let mut transaction = Transaction::new();
        Identity { number: order.number, enterprise: order.enterprise }.stage(&secrets, &mut transaction)?;
        Ok(self.nvm.commit(transaction)?)
    }

    fn select(&self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        let identity = Identity::read(&self.nvm);
        let own = identity.map(|identity| aid::mother_authentication_card(identity.enterprise));
        let name = own.as_ref().map_or(&aid::BLANK_MOTHER_AUTHENTICATION_CARD[..], |name| name);
        answer_select(command, name, self.life_cycle(), identity, answer)
    }

    /// `80 CA 00 C0`.
    fn report(&self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        command.require_p1p2(0x00, STATUS)?;
        command.require_data_len(0)?;
        command.require_answer_len(MotherStatus::LEN)?;
        let identity = Identity::read(&self.nvm);
        let status = MotherStatus {
            number: identity.map_or(KeyMasterNumber::default(), |identity| identity.number),
            enterprise: identity.map_or(EnterpriseId::default(), |identity| identity.enterprise),
            life_cycle: self.life_cycle(),
        };
        Ok(put(answer, &status.emit())?)
    }

    fn life_cycle(&self) -> LifeCycle {
        if Identity::read(&self.nvm).is_some() { LifeCycle::InUse } else { LifeCycle::Blank }
    }
}
