//! An object by its label, taken only if it is the one, and kept as a ceremony keeps it: whoever has the PIN gives labels (spec 17.4.1).

use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use onecard_wire::key::Algorithm;

use super::{
    Known, Token, TokenError,
    objects::{Kept, Name},
};

impl Token {
    /// The one object of that name; `None` if there is none.
    pub(super) fn find(&self, name: &Name) -> Result<Option<Known>, TokenError> {
        let template = [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Label(name.to_string().into_bytes())];
        let found = self.session.find_objects(&template);
        let found = found.map_err(|error| self.place.failed("searched for a key", error))?;
        let handle = match found.as_slice() {
            [] => return Ok(None),
            [handle] => *handle,
            several => {
                let (place, object) = (self.place.clone(), name.to_string());
                return Err(TokenError::Several { place, object, count: several.len() });
            }
        };
        Ok(Some(Known { handle, algorithm: self.kept_as_needed(name, handle)? }))
    }

    /// Its cipher.
    fn kept_as_needed(&self, name: &Name, handle: ObjectHandle) -> Result<Algorithm, TokenError> {
        let without = |needed| TokenError::Without { place: self.place.clone(), object: name.to_string(), needed };
        let found = self.attributes(handle, &RELIED_ON)?;
        let is_root = name.kept == Kept::Root;
        let algorithm = if is_root && found.contains(&Attribute::KeyType(KeyType::AES)) {
            Algorithm::Aes
        } else if found.contains(&Attribute::KeyType(KeyType::DES2)) {
            Algorithm::Des
        } else {
            return Err(without(if is_root { "CKA_KEY_TYPE CKK_AES or CKK_DES2" } else { "CKA_KEY_TYPE CKK_DES2" }));
        };
        // CKK_DES2 has one length, and no attribute of it.
        if algorithm == Algorithm::Aes
            && !self.attributes(handle, &[AttributeType::ValueLen])?.contains(&Attribute::ValueLen(16.into()))
        {
            return Err(without("CKA_VALUE_LEN 16"));
        }
        let needed = [
            (Attribute::Token(true), "CKA_TOKEN true"),
            (Attribute::Private(true), "CKA_PRIVATE true"),
            (Attribute::Sensitive(true), "CKA_SENSITIVE true"),
        ];
        // An enterprise's key of triple DES goes wrapped into key master cards.
        let of_roots = is_root.then_some((Attribute::Extractable(false), "CKA_EXTRACTABLE false"));
        match needed.into_iter().chain(of_roots).find(|(attribute, _)| !found.contains(attribute)) {
            Some((_, needed)) => Err(without(needed)),
            None => Ok(algorithm),
        }
    }

    fn attributes(&self, handle: ObjectHandle, types: &[AttributeType]) -> Result<Vec<Attribute>, TokenError> {
        let attributes = self.session.get_attributes(handle, types);
        attributes.map_err(|error| self.place.failed("asked for a key's attributes", error))
    }
}

const RELIED_ON: [AttributeType; 5] = [
    AttributeType::KeyType,
    AttributeType::Token,
    AttributeType::Private,
    AttributeType::Sensitive,
    AttributeType::Extractable,
];
