//! The key objects in a token: names and attributes.

use core::fmt;

use cryptoki::object::{Attribute, KeyType, ObjectClass};
use onecard_host::{crypto::Key, keys::Purpose};
use onecard_wire::{
    key::{Algorithm, KeyVersion},
    number::EnterpriseId,
};
use zeroize::Zeroize;

/// A key object's label: `onecard root purchase 01`, `onecard 1000000000000001 purchase 01`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Name {
    pub(super) kept: Kept,
    pub(super) purpose: Purpose,
    pub(super) version: KeyVersion,
}

/// At which stage of diversification.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kept {
    /// A root.
    Root,
    /// One enterprise's.
    Enterprise(EnterpriseId),
}

impl Name {
    pub(super) fn parse(label: &[u8]) -> Option<Self> {
        let mut words = str::from_utf8(label).ok()?.split(' ');
        let ("onecard", kept, purpose, version, None) =
            (words.next()?, words.next()?, words.next()?, words.next()?, words.next())
        else {
            return None;
        };
        let kept = if kept == "root" { Kept::Root } else { Kept::Enterprise(kept.parse().ok()?) };
        let purpose = *Purpose::ALL.iter().find(|one| one.to_string() == purpose)?;
        Some(Self { kept, purpose, version: KeyVersion(u8::from_str_radix(version, 16).ok()?) })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kept, purpose, version } = self;
        match kept {
            Kept::Root => write!(f, "onecard root {purpose} {:02X}", version.0),
            Kept::Enterprise(enterprise) => write!(f, "onecard {enterprise} {purpose} {:02X}", version.0),
        }
    }
}

/// Of a key that stays: sensitive. A root is never extractable. A triple DES enterprise key is, since a key master card is to get it by
/// C_WrapKey: whoever has the PIN wraps it under any key (17.4.4). CKA_WRAP_WITH_TRUSTED would want a transport key that the token's
/// security officer trusts one by one, and the transport keys are derived for a session.
pub(super) fn template(name: &Name, key: &Key) -> Vec<Attribute> {
    let key_type = if key.algorithm() == Algorithm::Aes { KeyType::AES } else { KeyType::DES2 };
    let is_root = name.kept == Kept::Root;
    vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(key_type),
        Attribute::Label(name.to_string().into_bytes()),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(!is_root),
        Attribute::Modifiable(false),
        Attribute::Derive(is_root && key.algorithm() == Algorithm::Aes),
        // Check values; of a triple DES key, one card's.
        Attribute::Encrypt(true),
        Attribute::Decrypt(false),
        Attribute::Sign(false),
        Attribute::Verify(false),
        Attribute::Wrap(false),
        Attribute::Unwrap(false),
        Attribute::Value(key.expose().to_vec()),
    ]
}

/// Of an enterprise key derived for this session: it wraps and MACs loads of key master cards if it is a transport key, and is
/// wrapped by one otherwise.
pub(super) fn derived_template() -> Vec<Attribute> {
    vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::ValueLen(16.into()),
        Attribute::Token(false),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(true),
        Attribute::Encrypt(true),
        Attribute::Decrypt(false),
        Attribute::Sign(true),
        Attribute::Verify(false),
        Attribute::Wrap(true),
        Attribute::Unwrap(false),
    ]
}

/// The value in a template is gone.
pub(super) fn erase(template: &mut [Attribute]) {
    for attribute in template {
        if let Attribute::Value(value) = attribute {
            value.zeroize();
        }
    }
}

/// F ‖ ¬F.
pub(super) fn factor_block(factor: [u8; 8]) -> [u8; 16] {
    let [a, b, c, d, e, f, g, h] = factor;
    [a, b, c, d, e, f, g, h, !a, !b, !c, !d, !e, !f, !g, !h]
}
