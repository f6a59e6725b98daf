//! The keys of the issuer domains (ISD) of a batch's SIMs.

use core::cell::RefCell;

use onecard_host::{
    crypto::Key,
    globalplatform::{
        AesKey, ChannelKeys, KeyError, KeySource, KeyTriple,
        secure_channel::{OpenError, Peer},
    },
    key_store::{NamedKey, StoreError},
    keys::Purpose,
};
use onecard_wire::globalplatform::secure_channel::ProtocolId;

use super::IssuingKeys;
use crate::profile::{DomainKeys, SimTerms};

/// Whoever opens them, by SCP03.
#[derive(Debug)]
pub(super) struct DomainOfSims<'d> {
    keys: &'d IssuingKeys,
    terms: &'d SimTerms,
    /// What the store said when it failed: a session's errors have no words for it.
    trouble: RefCell<Option<StoreError>>,
}

impl<'d> DomainOfSims<'d> {
    pub(super) const fn new(keys: &'d IssuingKeys, terms: &'d SimTerms) -> Self {
        Self { keys, terms, trouble: RefCell::new(None) }
    }

    /// The store's own words, if it was the store that failed.
    pub(super) fn trouble(&self) -> Option<StoreError> {
        self.trouble.take()
    }
}

impl KeySource for DomainOfSims<'_> {
    fn version(&self) -> u8 {
        self.terms.domain_key_version
    }

    fn keys_for(&self, peer: &Peer) -> Result<ChannelKeys, OpenError> {
        if peer.protocol != ProtocolId::SCP03 {
            return Err(OpenError::ProtocolNotAllowed(peer.protocol));
        }
        domain_keys(self.keys, self.terms, peer.chip_number()).map_err(|error| {
            *self.trouble.borrow_mut() = Some(error);
            OpenError::ProtocolNotAllowed(peer.protocol)
        })
    }
}

/// The keys of one SIM's issuer domain, by the chip's 8-byte number.
///
/// # Errors
/// [`StoreError`].
pub fn domain_keys(keys: &IssuingKeys, terms: &SimTerms, chip: [u8; 8]) -> Result<ChannelKeys, StoreError> {
    let key = |purpose| -> Result<AesKey, StoreError> {
        let key = match terms.domain_keys {
            DomainKeys::Operator => keys.chip_key(NamedKey { purpose, version: keys.operator_version() }, chip)?,
            DomainKeys::Test => Key::from_bytes(TEST_KEY),
        };
        AesKey::new(key.expose()).map_err(no_set)
    };
    let triple = KeyTriple { enc: key(Purpose::Scp03Enc)?, mac: key(Purpose::Scp03Mac)?, dek: key(Purpose::Scp03Dek)? };
    ChannelKeys::scp03(terms.domain_key_version, triple).map_err(no_set)
}

fn no_set(error: KeyError) -> StoreError {
    StoreError::Failed(error.to_string())
}

/// 40 41 … 4F, as test SIMs are delivered.
const TEST_KEY: [u8; Key::LEN] =
    [0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F];
