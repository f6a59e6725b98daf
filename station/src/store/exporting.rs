//! A key store that counts what it gives away.

use onecard_host::{
    key_master::OpenKeyMaster,
    key_store::{KeyStore, StoreError},
    transport::Transport,
};

/// A [`KeyStore`] that gives away bodies of WRITE KEY alone, counts them, and has an allowance (导出额度): a key master card.
pub trait ExportingStore: KeyStore + Send {
    /// How many bodies for cards and SIMs it may still give away.
    ///
    /// # Errors
    /// [`StoreError`].
    fn card_exports_left(&mut self) -> Result<u32, StoreError>;
}

impl<T: Transport + Send> ExportingStore for OpenKeyMaster<T> {
    fn card_exports_left(&mut self) -> Result<u32, StoreError> {
        Ok(self.status()?.allowance.card_exports)
    }
}
