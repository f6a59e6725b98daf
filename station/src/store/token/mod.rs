//! A PKCS#11 token (加密机、密码令牌): roots go in at the ceremony, and no root or enterprise key comes out (spec 17.4).
//!
//! An AES root derives its enterprise's key inside the token, by CKM_AES_CBC_ENCRYPT_DATA of one block with IV 0, which is the
//! diversification of 4.1.10. For triple DES that would be CKM_DES3_ECB_ENCRYPT_DATA, which `cryptoki` 0.12 does not know; so
//! the enterprise's own key goes in, and its root does not. What is one card's comes by C_Encrypt and is in the host's memory
//! only while a body of WRITE KEY is sealed.

mod error;
mod found;
mod issuing;
mod objects;
mod source;

use std::{collections::BTreeMap, path::Path};

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    mechanism::{Mechanism, ekdf::AesCbcDeriveParams},
    object::{Attribute, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    types::AuthPin,
};
use onecard_host::{
    crypto::Key,
    key_store::{KeyStore, NamedKey, StoreError, StoredKey, WriteKeyBody, WriteKeyOrder},
    keys::{CheckValue, MissingKey, Purpose, RootKeys},
};
use onecard_wire::{
    key::{Algorithm, KeyVersion},
    number::EnterpriseId,
};
use zeroize::Zeroizing;

use error::Place;
pub use error::TokenError;
use objects::{Kept, Name};
pub use source::TokenSource;

/// An open token, for one enterprise's keys.
#[derive(Debug)]
pub struct Token {
    session: Session,
    place: Place,
    enterprise: EnterpriseId,
    /// Enterprise keys by name, as long as the session lasts.
    known: BTreeMap<(Purpose, u8), Known>,
    // Behind the session, which needs it to the last.
    _library: Pkcs11,
}

/// A key object.
#[derive(Clone, Copy, Debug)]
struct Known {
    handle: ObjectHandle,
    algorithm: Algorithm,
}

/// What an import did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Imported {
    /// Keys that were put in.
    pub new: usize,
    /// Keys that were there already, by check value.
    pub there: usize,
}

impl Token {
    /// Opens the token with `label` through a PKCS#11 `library`, by its user's PIN.
    ///
    /// # Errors
    /// [`TokenError`] with slot and label, and what to do.
    pub fn open(
        library: &Path,
        label: &str,
        pin: Zeroizing<String>,
        enterprise: EnterpriseId,
    ) -> Result<Self, TokenError> {
        let failed = |error| TokenError::Library { path: library.to_path_buf(), error };
        let context = Pkcs11::new(library).map_err(failed)?;
        context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).map_err(failed)?;
        let mut found = Vec::new();
        for slot in context.get_slots_with_initialized_token().map_err(failed)? {
            let info = context.get_token_info(slot).map_err(failed)?;
            if info.label() != label {
                found.push(info.label().to_owned());
                continue;
            }
            let place = Place { slot: slot.id(), label: label.to_owned() };
            let session = context.open_rw_session(slot).map_err(|error| place.failed("opened", error))?;
            let pin = AuthPin::from(pin.as_str());
            session.login(UserType::User, Some(&pin)).map_err(|error| place.refused_pin(error))?;
            return Ok(Self { session, place, enterprise, known: BTreeMap::new(), _library: context });
        }
        let found = if found.is_empty() { "none".to_owned() } else { found.join(", ") };
        Err(TokenError::NoToken { label: label.to_owned(), found })
    }

    /// Which token it is, in words.
    #[must_use]
    pub fn place(&self) -> String {
        self.place.to_string()
    }

    /// Puts in every root, sensitive and not extractable; of a triple DES root that an enterprise's key comes from, that key.
    /// What is there already stays, so that an import that broke off is done again.
    ///
    /// # Errors
    /// [`TokenError::Sm4`] before anything is put in; [`TokenError::OtherKey`].
    pub fn import(&mut self, roots: &RootKeys) -> Result<Imported, TokenError> {
        let names: Vec<_> = roots.keys().names().collect();
        let enterprise = roots.enterprise(self.enterprise);
        for (purpose, version) in &names {
            if roots.keys().key(*purpose, *version)?.algorithm() == Algorithm::Sm4 {
                return Err(TokenError::Sm4 { place: self.place.clone(), purpose: *purpose });
            }
        }
        let mut imported = Imported { new: 0, there: 0 };
        for (purpose, version) in names {
            let root = roots.keys().key(purpose, version)?;
            let (kept, key) = match enterprise.keys().key(purpose, version) {
                Ok(derived) if root.algorithm() == Algorithm::Des => (Kept::Enterprise(self.enterprise), derived),
                _ => (Kept::Root, root),
            };
            if self.put(&Name { kept, purpose, version }, key)? {
                imported.new += 1;
            } else {
                imported.there += 1;
            }
        }
        self.known.clear();
        Ok(imported)
    }

    /// An enterprise key wrapped by the transport key K_W of the same enterprise, in version `transport`: what LOAD MASTER KEY
    /// takes (16.5.1). Neither key is in the host's memory.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn wrapped(&mut self, name: NamedKey, transport: KeyVersion) -> Result<[u8; 24], TokenError> {
        let wrapping = self.transport(Purpose::MasterCardWrap, transport)?;
        let key = self.enterprise_key(name)?;
        let wrapped = self.session.wrap_key(&Mechanism::AesKeyWrap, wrapping.handle, key.handle);
        let wrapped = wrapped.map_err(|error| self.place.failed("asked to wrap a key (C_WrapKey)", error))?;
        wrapped.try_into().map_err(|_| TokenError::Length { place: self.place.clone() })
    }

    /// The MAC of a load onto a key master card by the transport key K_M (16.3.3): the left 8 bytes of CMAC.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn transport_mac(&mut self, message: &[u8], transport: KeyVersion) -> Result<[u8; 8], TokenError> {
        let key = self.transport(Purpose::MasterCardMac, transport)?;
        let mac = self.session.sign(&Mechanism::AesCMac, key.handle, message);
        let mac = mac.map_err(|error| self.place.failed("asked for a MAC (C_Sign)", error))?;
        mac.first_chunk().copied().ok_or_else(|| TokenError::Length { place: self.place.clone() })
    }

    /// The cipher of an enterprise key.
    fn algorithm(&mut self, name: NamedKey) -> Result<Algorithm, TokenError> {
        Ok(self.enterprise_key(name)?.algorithm)
    }

    fn transport(&mut self, purpose: Purpose, version: KeyVersion) -> Result<Known, TokenError> {
        self.enterprise_key(NamedKey { purpose, version })
    }

    /// Whether it was put in; false if it was there.
    fn put(&self, name: &Name, key: &Key) -> Result<bool, TokenError> {
        if let Some(there) = self.find(name)? {
            if there.algorithm == key.algorithm() && self.check_value(there)? == CheckValue::of(key) {
                return Ok(false);
            }
            return Err(TokenError::OtherKey { place: self.place.clone(), object: name.to_string() });
        }
        let mut template = objects::template(name, key);
        let made = self.session.create_object(&template);
        objects::erase(&mut template);
        let handle = made.map_err(|error| self.place.failed("given a key (C_CreateObject)", error))?;
        let known = Known { handle, algorithm: key.algorithm() };
        // A token that changes what it is given would make cards that nobody opens.
        if self.check_value(known)? == CheckValue::of(key) {
            return Ok(true);
        }
        self.session.destroy_object(handle).map_err(|error| self.place.failed("told to forget a key", error))?;
        Err(TokenError::Changed { place: self.place.clone(), object: name.to_string() })
    }

    /// The enterprise's own key: an object, or derived in the token from its root for this session.
    fn enterprise_key(&mut self, NamedKey { purpose, version }: NamedKey) -> Result<Known, TokenError> {
        if let Some(known) = self.known.get(&(purpose, version.0)) {
            return Ok(*known);
        }
        let own = Name { kept: Kept::Enterprise(self.enterprise), purpose, version };
        let known = match self.find(&own)? {
            Some(known) => known,
            None => self.derived(purpose, version)?,
        };
        self.known.insert((purpose, version.0), known);
        Ok(known)
    }

    fn derived(&self, purpose: Purpose, version: KeyVersion) -> Result<Known, TokenError> {
        let root = self.root(NamedKey { purpose, version })?;
        if root.algorithm != Algorithm::Aes {
            // A triple DES root of the operator's own, which no enterprise key comes from.
            return Err(MissingKey { purpose, version }.into());
        }
        let block = objects::factor_block(self.enterprise.to_bytes());
        let mechanism = Mechanism::AesCbcEncryptData(AesCbcDeriveParams::new([0; 16], &block));
        let handle = self.session.derive_key(&mechanism, root.handle, &objects::derived_template());
        let handle = handle.map_err(|error| self.place.failed("asked to derive a key (C_DeriveKey)", error))?;
        Ok(Known { handle, algorithm: Algorithm::Aes })
    }

    fn root(&self, NamedKey { purpose, version }: NamedKey) -> Result<Known, TokenError> {
        let root = self.find(&Name { kept: Kept::Root, purpose, version })?;
        Ok(root.ok_or(MissingKey { purpose, version })?)
    }

    /// `key` diversified by `factor`: one card's, which leaves the token.
    fn card_key(&mut self, name: NamedKey, factor: [u8; 8]) -> Result<Key, TokenError> {
        let known = self.enterprise_key(name)?;
        let bytes = Zeroizing::new(self.enciphered(known, objects::factor_block(factor))?);
        Ok(Key::new(known.algorithm, *bytes))
    }

    fn check_value(&self, known: Known) -> Result<CheckValue, TokenError> {
        let block = if known.algorithm == Algorithm::Aes { [0x01; 16] } else { [0x00; 16] };
        let [a, b, c, ..] = self.enciphered(known, block)?;
        Ok(CheckValue([a, b, c]))
    }

    /// Two blocks of triple DES, one of AES.
    fn enciphered(&self, known: Known, bytes: [u8; 16]) -> Result<[u8; 16], TokenError> {
        let mechanism = if known.algorithm == Algorithm::Aes { Mechanism::AesEcb } else { Mechanism::Des3Ecb };
        let enciphered = self.session.encrypt(&mechanism, known.handle, &bytes);
        let enciphered = enciphered.map_err(|error| self.place.failed("asked to encipher (C_Encrypt)", error))?;
        let enciphered = Zeroizing::new(enciphered);
        enciphered.as_slice().try_into().map_err(|_| TokenError::Length { place: self.place.clone() })
    }

    /// The names of this enterprise's keys.
    fn names(&self) -> Result<Vec<NamedKey>, TokenError> {
        let failed = |error| self.place.failed("asked for its keys", error);
        let keys = self.session.find_objects(&[Attribute::Class(ObjectClass::SECRET_KEY)]).map_err(failed)?;
        let mut names = Vec::new();
        for handle in keys {
            let label =
                self.session.get_attributes(handle, &[cryptoki::object::AttributeType::Label]).map_err(failed)?;
            let Some(Attribute::Label(label)) = label.first() else { continue };
            let Some(Name { kept, purpose, version }) = Name::parse(label) else { continue };
            let root_of_enterprise = kept == Kept::Root && !purpose.is_operators();
            if root_of_enterprise || kept == Kept::Enterprise(self.enterprise) {
                names.push(NamedKey { purpose, version });
            }
        }
        Ok(names)
    }
}

impl KeyStore for Token {
    fn enterprise(&self) -> EnterpriseId {
        self.enterprise
    }

    fn keys(&mut self) -> Result<Vec<StoredKey>, StoreError> {
        let names = self.names()?;
        let stored = names.into_iter().map(|name| {
            let known = self.enterprise_key(name)?;
            Ok(StoredKey { name, algorithm: known.algorithm, check_value: self.check_value(known)? })
        });
        stored.collect()
    }

    fn write_key(&mut self, order: &WriteKeyOrder<'_>) -> Result<WriteKeyBody, StoreError> {
        order.check()?;
        if !order.payload_is_diversified() {
            return Err(TokenError::WorkingKey { place: self.place.clone() }.into());
        }
        let control = self.card_key(order.wrapper_key(), order.factor())?;
        let value = order.payload_key().map(|name| self.card_key(name, order.factor())).transpose()?;
        order.seal(&control, value.as_ref())
    }
}
