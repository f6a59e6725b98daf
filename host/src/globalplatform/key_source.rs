//! Who knows a card's keys.

use core::fmt;

use onecard_wire::{globalplatform::secure_channel::ProtocolId, key::KeyVersion};

use super::{
    keys::{AesKey, ChannelKeys, KeyTriple},
    secure_channel::{OpenError, Peer},
};
use crate::keys::{MissingKey, Purpose, RootKeys};

/// Who knows a card's keys. The protocols that are allowed are those it has keys of: a card that answers with another is
/// refused, so nobody can talk a host down.
pub trait KeySource: fmt::Debug {
    /// The key set that is asked for; 00 leaves it to the card.
    fn version(&self) -> u8;

    /// The keys of the card that has answered.
    ///
    /// # Errors
    /// [`OpenError::ProtocolNotAllowed`], [`OpenError::VersionNotAllowed`], [`OpenError::MissingKey`].
    fn keys_for(&self, peer: &Peer) -> Result<ChannelKeys, OpenError>;
}

/// Known key sets: one, or one of each protocol that will do. If their versions differ, the card chooses among its own.
impl KeySource for Vec<ChannelKeys> {
    fn version(&self) -> u8 {
        let mut versions = self.iter().map(|keys| keys.version);
        let first = versions.next().unwrap_or_default();
        if versions.all(|version| version == first) { first } else { 0x00 }
    }

    fn keys_for(&self, peer: &Peer) -> Result<ChannelKeys, OpenError> {
        let fitting: Vec<&ChannelKeys> = self.iter().filter(|keys| keys.protocol() == peer.protocol).collect();
        match fitting.as_slice() {
            [] => Err(OpenError::ProtocolNotAllowed(peer.protocol)),
            // A lone set is meant, whatever the card calls it: some name another version than they were asked for.
            [alone] => Ok((*alone).clone()),
            several => {
                let of_version = several.iter().find(|keys| keys.version == peer.key_version);
                of_version.map(|keys| (*keys).clone()).ok_or(OpenError::VersionNotAllowed(peer.key_version))
            }
        }
    }
}

/// An operator's keys, of which each chip has its own: roots diversified by the last 8 bytes of the key diversification
/// data that the chip answers to INITIALIZE UPDATE.
#[derive(Clone, Copy, Debug)]
pub struct OperatorsKeys<'r> {
    /// The roots.
    pub roots: &'r RootKeys,
    /// Version of the roots.
    pub root_version: KeyVersion,
    /// The one protocol that is allowed: [`ProtocolId::SCP02`] or [`ProtocolId::SCP03`].
    pub protocol: ProtocolId,
    /// Version of the key set on the card.
    pub version: u8,
}

impl KeySource for OperatorsKeys<'_> {
    fn version(&self) -> u8 {
        self.version
    }

    fn keys_for(&self, peer: &Peer) -> Result<ChannelKeys, OpenError> {
        if peer.protocol != self.protocol {
            return Err(OpenError::ProtocolNotAllowed(peer.protocol));
        }
        Ok(self.of_chip(peer.chip_number())?)
    }
}

impl OperatorsKeys<'_> {
    /// The keys of one chip, by its number.
    ///
    /// # Errors
    /// [`MissingKey`].
    pub fn of_chip(&self, number: [u8; 8]) -> Result<ChannelKeys, MissingKey> {
        let chip = self.roots.chip(number);
        let key = |purpose| chip.keys().key(purpose, self.root_version);
        let purposes = match self.protocol {
            ProtocolId::SCP02 => [Purpose::Scp02Enc, Purpose::Scp02Mac, Purpose::Scp02Dek],
            _ => [Purpose::Scp03Enc, Purpose::Scp03Mac, Purpose::Scp03Dek],
        };
        let [enc, mac, dek] = [key(purposes[0])?, key(purposes[1])?, key(purposes[2])?];
        let missing = |_| MissingKey { purpose: purposes[0], version: self.root_version };
        match self.protocol {
            ProtocolId::SCP02 => {
                let triple = KeyTriple { enc: enc.clone(), mac: mac.clone(), dek: dek.clone() };
                ChannelKeys::scp02(self.version, triple).map_err(missing)
            }
            _ => {
                let aes = |key: &crate::crypto::Key| AesKey::new(key.expose()).map_err(missing);
                let triple = KeyTriple { enc: aes(enc)?, mac: aes(mac)?, dek: aes(dek)? };
                ChannelKeys::scp03(self.version, triple).map_err(missing)
            }
        }
    }
}
