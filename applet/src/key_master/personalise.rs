//! PERSONALISE: a blank card gets its identity and secrets in one commit, at the ceremony. What everybody knows wraps them:
//! whoever hears this command has them (16.3.1).

use onecard_wire::{
    key_master::{LoadAllowance, MAC_LEN, MAKER_MAC_KEY, MAKER_WRAP_KEY, PersonaliseKeyMaster, TRIES_MAX, is_pin},
    layout::Reader,
    number::KeyMasterNumber,
    status::StatusWord,
};
use zeroize::Zeroizing;

use super::{
    open::Secret,
    proof::{Challenge, proved},
    region::{Books, Identity, Secrets},
    session::KeyMasterCard,
};
use crate::{
    apdu::Command,
    crypto::unwrap,
    failure::Failure,
    nvm::{Journal, Transaction},
    platform::Platform,
};

impl<P: Platform> KeyMasterCard<P> {
    /// `84 30 00 00`, of a blank card alone.
    pub(super) fn personalise(&mut self, command: &Command<'_>, challenge: Option<Challenge>) -> Result<(), Failure> {
        command.require_no_answer()?;
        command.require_p1p2(0x00, 0x00)?;
        command.require_data_len(PersonaliseKeyMaster::LEN + MAC_LEN)?;
        let data = proved_by_maker(command, challenge, Identity::read(&self.nvm))?;
        let order = PersonaliseKeyMaster::parse(data).ok_or(StatusWord::WRONG_DATA)?;
        let secrets = secrets_of(&order).ok_or(StatusWord::WRONG_DATA)?;
        let identity = Identity { number: order.number, enterprise: order.enterprise };
        let mut transaction = Transaction::new();
        identity.stage(&secrets, &mut transaction)?;
        stage_new(&self.nvm, order.allowance, &mut transaction)?;
        Ok(self.nvm.commit(transaction)?)
    }
}

/// The data field of a blank card's PERSONALISE, by the maker's key.
///
/// # Errors
/// 6985 if the card is blank no more or without a challenge, 9302 for a wrong MAC.
pub(super) fn proved_by_maker<'c>(
    command: &Command<'c>,
    challenge: Option<Challenge>,
    identity: Option<Identity>,
) -> Result<&'c [u8], StatusWord> {
    if identity.is_some() {
        return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
    }
    proved(command, challenge, KeyMasterNumber::default(), &MAKER_MAC_KEY)
}

fn secrets_of(order: &PersonaliseKeyMaster) -> Option<Secrets> {
    let mut wrapped_keys = Zeroizing::new(order.wrapped_keys);
    let mut wrapped_pin = Zeroizing::new(order.wrapped_pin);
    let mut keys = Reader::new(unwrap(&MAKER_WRAP_KEY, &mut *wrapped_keys)?);
    let mut pin = Reader::new(unwrap(&MAKER_WRAP_KEY, &mut *wrapped_pin)?);
    let secrets = Secrets { authentication: keys.array()?, wrap: keys.array()?, mac: keys.array()?, pin: pin.array()? };
    // A PIN is wrapped as a key is, and filled up by FF.
    let filled = pin.rest().iter().all(|byte| *byte == 0xFF);
    (filled && is_pin(&secrets.pin)).then_some(secrets)
}

fn stage_new<P: Platform>(
    nvm: &Journal<P>,
    allowance: LoadAllowance,
    transaction: &mut Transaction,
) -> Result<(), StatusWord> {
    Secret::Pin.stage_tries(nvm, TRIES_MAX, transaction)?;
    Secret::MotherCard.stage_tries(nvm, TRIES_MAX, transaction)?;
    Books { allowance, logged: 0 }.stage(nvm, transaction)
}
