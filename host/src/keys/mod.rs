//! Keys off the card (profile §4): root key → enterprise key → card key, one root for each purpose and version.

mod check_value;
mod cipher;
mod diversify;
mod entry;
mod key_set;
mod purpose;

pub use check_value::{CheckValue, NotACheckValue};
pub use cipher::Cipher;
pub use diversify::{diversify, diversify_levels};
pub use key_set::{CardKeys, DuplicateKey, EnterpriseKeys, KeySet, MissingKey, OperatorKeys, RootKeys, SamKeys};
pub use purpose::{CardPlace, Purpose};
