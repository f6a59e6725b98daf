//! Who makes the bodies and MACs of applications that are issued.

use core::fmt;

use onecard_host::{
    crypto::MAC_LEN,
    key_master::OpenKeyMaster,
    key_store::{KeyStore, SoftwareStore, StoreError, StoredKey, WriteKeyBody, WriteKeyOrder},
    keys::{EnterpriseKeys, Purpose},
    over_the_air::{KeyInHand, PacketCounter, PlacedMac},
    sam::{CardFactors, Sam, SamError},
    transport::Transport,
};
use onecard_wire::{
    key::KeyVersion,
    number::{ApplicationSerial, EnterpriseId},
};

/// An enterprise's key store, and whoever makes the MACs of contents beside it.
pub trait Issuer: KeyStore {
    /// The MAC of `message`, unpadded, by the maintenance key of an application, for a command's number in the packet of a counter.
    ///
    /// # Errors
    /// [`StoreError`].
    fn placed_mac(
        &mut self,
        serial: ApplicationSerial,
        version: KeyVersion,
        place: (PacketCounter, u8),
        message: &[u8],
    ) -> Result<[u8; MAC_LEN], StoreError>;

    /// How many bodies it may still give away; `None`: as many as one likes.
    ///
    /// # Errors
    /// [`StoreError`].
    fn exports_left(&mut self) -> Result<Option<u32>, StoreError> {
        Ok(None)
    }
}

/// An enterprise's keys in memory: for development.
#[derive(Debug)]
pub struct KeysAtHand {
    keys: EnterpriseKeys,
    store: SoftwareStore,
}

/// A key master card that is open, and the enterprise's issuing SAM, which makes the MACs of contents by the maintenance key of the
/// version that is asked for.
pub struct KeyMasterAndSam<'c, T> {
    card: &'c mut OpenKeyMaster<T>,
    sam: Box<dyn Sam + 'c>,
}

impl KeysAtHand {
    /// Of one enterprise.
    #[must_use]
    pub fn new(keys: EnterpriseKeys) -> Self {
        Self { store: SoftwareStore::new(keys.clone()), keys }
    }
}

impl<'c, T> KeyMasterAndSam<'c, T> {
    /// Both, of one enterprise.
    #[must_use]
    pub const fn new(card: &'c mut OpenKeyMaster<T>, sam: Box<dyn Sam + 'c>) -> Self {
        Self { card, sam }
    }
}

impl<T> KeyMasterAndSam<'_, T> {
    /// Which SAM it is, and what it lacks.
    fn makes_none(&mut self, version: KeyVersion, error: SamError) -> StoreError {
        let sam = self.sam.terminal().map_or_else(|_| "the SAM".to_owned(), |terminal| format!("SAM {terminal}"));
        let why = match error {
            SamError::NoSuchKey | SamError::NotSupported => "it has no such key".to_owned(),
            other => other.to_string(),
        };
        StoreError::Failed(format!(
            "{sam} makes no MAC of contents by the maintenance key (usage 05) of version {}: {why}; name the issuing SAM that \
             has that key 该SAM无此版本的维护密钥，请改用发卡SAM",
            version.0
        ))
    }
}

impl Issuer for KeysAtHand {
    fn placed_mac(
        &mut self,
        serial: ApplicationSerial,
        version: KeyVersion,
        place: (PacketCounter, u8),
        message: &[u8],
    ) -> Result<[u8; MAC_LEN], StoreError> {
        let key = self.keys.card_key(serial, Purpose::Maintenance, version)?;
        KeyInHand(key).placed_mac(place, message).map_err(|never| match never {})
    }
}

impl<T: Transport> Issuer for KeyMasterAndSam<'_, T> {
    fn placed_mac(
        &mut self,
        serial: ApplicationSerial,
        version: KeyVersion,
        (counter, number): (PacketCounter, u8),
        message: &[u8],
    ) -> Result<[u8; MAC_LEN], StoreError> {
        let card = CardFactors { enterprise: self.card.of_enterprise(), serial };
        let [a, b, c, d, e] = counter.to_bytes();
        let made = self.sam.placed_mac(card, version, [a, b, c, d, e, number, 0, 0], message);
        made.map_err(|error| self.makes_none(version, error))
    }

    fn exports_left(&mut self) -> Result<Option<u32>, StoreError> {
        Ok(Some(self.card.status()?.allowance.card_exports))
    }
}

/// Both are key stores by the one they have.
macro_rules! by_its_store {
    ($name:ty, $field:ident $(, $bound:tt)*) => {
        impl$(<$bound: Transport>)* KeyStore for $name {
            fn enterprise(&self) -> EnterpriseId {
                self.$field.enterprise()
            }

            fn keys(&mut self) -> Result<Vec<StoredKey>, StoreError> {
                self.$field.keys()
            }

            fn write_key(&mut self, order: &WriteKeyOrder<'_>) -> Result<WriteKeyBody, StoreError> {
                self.$field.write_key(order)
            }
        }
    };
}
by_its_store!(KeysAtHand, store);
by_its_store!(KeyMasterAndSam<'_, T>, card, T);

impl<T> fmt::Debug for KeyMasterAndSam<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyMasterAndSam").finish_non_exhaustive()
    }
}
