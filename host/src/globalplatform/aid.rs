//! Application identifiers of any kind.

use core::{fmt, str::FromStr};

use onecard_wire::{
    aid,
    globalplatform::aid::{
        ENTERPRISE_LOAD_FILE, ENTERPRISE_MODULE, ISSUER_DOMAIN, ISSUER_DOMAIN_ALIAS, MAX_LEN, MIN_LEN, TOOLKIT,
    },
    number::EnterpriseId,
};

/// An application identifier: 5 to 16 bytes (ISO/IEC 7816-4 clause 12.2.3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Aid {
    bytes: [u8; MAX_LEN],
    len: usize,
}

/// What an AID names, of those that a one-card has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Named {
    /// The issuer domain, by either of its names.
    IssuerDomain,
    /// The load file of the enterprise application.
    EnterpriseLoadFile,
    /// Its module.
    EnterpriseModule,
    /// The toolkit applet.
    Toolkit,
    /// An enterprise's application.
    Enterprise(EnterpriseId),
}

/// Not an AID.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("an AID is 5 to 16 bytes, two hexadecimal digits each")]
pub struct AidError;

impl Aid {
    /// The issuer domain's.
    pub const ISSUER_DOMAIN: Self = Self::of(&ISSUER_DOMAIN);
    /// The load file's of the enterprise application.
    pub const ENTERPRISE_LOAD_FILE: Self = Self::of(&ENTERPRISE_LOAD_FILE);
    /// The module's of the enterprise application.
    pub const ENTERPRISE_MODULE: Self = Self::of(&ENTERPRISE_MODULE);
    /// The toolkit applet's.
    pub const TOOLKIT: Self = Self::of(&TOOLKIT);

    /// From its bytes.
    ///
    /// # Errors
    /// [`AidError`].
    pub fn new(bytes: &[u8]) -> Result<Self, AidError> {
        if !(MIN_LEN..=MAX_LEN).contains(&bytes.len()) {
            return Err(AidError);
        }
        let mut aid = Self { bytes: [0; MAX_LEN], len: bytes.len() };
        for (to, from) in aid.bytes.iter_mut().zip(bytes) {
            *to = *from;
        }
        Ok(aid)
    }

    /// That of an enterprise's application.
    #[must_use]
    pub fn enterprise(id: EnterpriseId) -> Self {
        Self::of(&aid::enterprise_application(id))
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.split_at_checked(self.len).map_or(&[], |(aid, _)| aid)
    }

    /// What it names, if that is known.
    #[must_use]
    pub fn named(&self) -> Option<Named> {
        let bytes = self.as_bytes();
        Some(match bytes {
            _ if bytes == ISSUER_DOMAIN || bytes == ISSUER_DOMAIN_ALIAS => Named::IssuerDomain,
            _ if bytes == ENTERPRISE_LOAD_FILE => Named::EnterpriseLoadFile,
            _ if bytes == ENTERPRISE_MODULE => Named::EnterpriseModule,
            _ if bytes == TOOLKIT => Named::Toolkit,
            _ if aid::is_enterprise_application(bytes) => {
                Named::Enterprise(EnterpriseId::from_bytes(*bytes.last_chunk()?)?)
            }
            _ => return None,
        })
    }

    const fn of<const N: usize>(bytes: &[u8; N]) -> Self {
        const { assert!(N >= MIN_LEN && N <= MAX_LEN) };
        let mut aid = Self { bytes: [0; MAX_LEN], len: N };
        let (name, _) = aid.bytes.split_at_mut(N);
        name.copy_from_slice(bytes);
        aid
    }
}

impl fmt::Display for Aid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for Aid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Aid({self})")
    }
}

impl FromStr for Aid {
    type Err = AidError;

    fn from_str(text: &str) -> Result<Self, AidError> {
        hex::decode(text).map_err(|_| AidError).and_then(|bytes| Self::new(&bytes))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_of_this_profile() {
        let named = |text: &str| text.parse::<Aid>().unwrap().named();
        assert_eq!(named("A000000151000000"), Some(Named::IssuerDomain));
        assert_eq!(named("a000000003000000"), Some(Named::IssuerDomain));
        assert_eq!(named("F04F4E454300"), Some(Named::EnterpriseLoadFile));
        assert_eq!(named("F04F4E454301"), Some(Named::EnterpriseModule));
        assert_eq!(named("F04F4E454311"), Some(Named::Toolkit));
        let enterprise: EnterpriseId = "1000000000000001".parse().unwrap();
        let application = Aid::enterprise(enterprise);
        assert_eq!(application.to_string(), "F04F4E4543011000000000000001");
        assert_eq!(application.named(), Some(Named::Enterprise(enterprise)));
        assert_eq!(named("F04F4E45430110000000000001"), None);
        for wrong in ["", "F04F4E45", "F04F4E45430", "xx", &"00".repeat(17)] {
            assert_eq!(wrong.parse::<Aid>(), Err(AidError), "{wrong}");
        }
    }
}
