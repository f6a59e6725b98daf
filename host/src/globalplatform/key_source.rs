//! Who knows a card's keys.

use core::fmt;

use super::{
    keys::ChannelKeys,
    secure_channel::{OpenError, Peer},
};

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
