//! A station that issues from a token: roots and enterprise keys stay in it.

use onecard_host::{
    crypto::Key,
    key_store::{NamedKey, StoreError},
    keys::{EnterpriseKeys, MissingKey},
};
use zeroize::Zeroizing;

use super::{Token, TokenError, objects};
use crate::store::IssuingStore;

impl IssuingStore for Token {
    fn chip_key(&mut self, name: NamedKey, chip: [u8; 8]) -> Result<Key, StoreError> {
        if !name.purpose.is_operators() {
            return Err(MissingKey::from(name).into());
        }
        let root = self.root(name)?;
        let bytes = Zeroizing::new(self.enciphered(root, objects::factor_block(chip))?);
        Ok(Key::new(root.algorithm, *bytes))
    }

    fn card_key(&mut self, name: NamedKey, factor: [u8; 8]) -> Result<Key, StoreError> {
        Ok(Self::card_key(self, name, factor)?)
    }

    fn working_keys(&mut self) -> Result<EnterpriseKeys, StoreError> {
        Err(TokenError::WorkingKey { place: self.place.clone() }.into())
    }
}
