//! What PERSONALISE, LOAD MASTER KEY and LOAD ALLOWANCE carry: data, and a MAC that binds them to one card and its challenge
//! (specification 16.3.3).

use onecard_wire::{
    ins,
    key_master::{CHALLENGE_LEN, MAC_LEN},
    number::KeyMasterNumber,
};

use super::error::KeyMasterError;
use crate::{
    apdu::{Command, DataTooLong},
    crypto::{Key, cmac_left},
};

/// Whom a body is for: one card, and one challenge of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recipient {
    /// The card's number; a blank one's is zeros.
    pub number: KeyMasterNumber,
    /// Its challenge, which the very next command uses up.
    pub challenge: [u8; CHALLENGE_LEN],
}

/// The whole data field of LOAD MASTER KEY or LOAD ALLOWANCE, good for one [`Recipient`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoadBody(Vec<u8>);

impl LoadBody {
    /// From a source that made it.
    #[must_use]
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// `data` of the command `84 ins 00 00`, and its MAC by an AES key.
    ///
    /// # Errors
    /// [`DataTooLong`].
    pub fn with_mac(mac: &Key, to: Recipient, ins: u8, data: &[u8]) -> Result<Self, DataTooLong> {
        let made: [u8; MAC_LEN] = cmac_left(mac, &[&Self::message(to, ins, data)?]);
        Ok(Self([data, &made].concat()))
    }

    /// What the MAC of `data` of the command `84 ins 00 00` is made of (16.3.3), where another has the key.
    ///
    /// # Errors
    /// [`DataTooLong`].
    pub fn message(to: Recipient, ins: u8, data: &[u8]) -> Result<Vec<u8>, DataTooLong> {
        let length = data.len() + MAC_LEN;
        let lc = u8::try_from(length).map_err(|_| DataTooLong(length))?;
        let header = [CLA_MACED, ins, 0x00, 0x00, lc];
        Ok([&to.number.to_bytes()[..], &to.challenge, &header, data].concat())
    }

    /// As the command carries it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn command(&self, ins: u8) -> Result<Command, KeyMasterError> {
        Ok(Command::new(CLA_MACED, ins, 0x00, 0x00).with_bytes(&self.0)?)
    }
}

const CLA_MACED: u8 = ins::CLA_PBOC | ins::CLA_SM_BIT;
