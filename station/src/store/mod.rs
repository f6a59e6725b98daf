//! Where keys are kept (spec 17.3, 17.4): a file sealed by a passphrase; with feature `hsm` a PKCS#11 token. Stations issue
//! from either by [`IssuingStore`], and from a key master card by [`ExportingStore`].

mod exporting;
mod issuing;
mod passphrase;
mod sealed_file;
#[cfg(feature = "hsm")]
mod token;

pub use exporting::ExportingStore;
pub use issuing::{IssuingStore, RootStore};
pub use passphrase::{Passphrase, PassphraseError};
pub use sealed_file::{Cost, SealedError, SealedFile};
#[cfg(feature = "hsm")]
pub use token::{Imported, Token, TokenError, TokenSource};
