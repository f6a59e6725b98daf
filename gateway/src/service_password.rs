//! Service passwords (服务密码) as password hashes: Argon2id, as a PHC string.
//!
//! A password has 4 to 8 digits, so that whoever has the hash finds it in the end, whatever a guess costs: the hashes are kept as
//! secrets are. What stops guesses at the phone is the [limit](onecard_host::over_the_air::PasswordTries).

use std::fmt;

use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};
use onecard_host::over_the_air::ServicePassword;

/// Length of a salt in bytes.
pub const SALT_LEN: usize = 16;

/// A password hash, as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct ServicePasswordHash(String);

/// A text that is no hash of a service password.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("it is no Argon2id hash as a PHC string, $argon2id$v=19$m=…,t=…,p=…$salt$hash: set the service password anew")]
pub struct NoHash;

impl ServicePasswordHash {
    /// Of a password, with a random salt.
    ///
    /// # Errors
    /// [`NoHash`]: never, with a salt of this length.
    pub fn of(password: &ServicePassword, salt: &[u8; SALT_LEN]) -> Result<Self, NoHash> {
        let hash = Argon2::default().hash_password_with_salt(password.expose(), salt).map_err(|_| NoHash)?;
        Ok(Self(hash.to_string()))
    }

    /// One that was kept.
    ///
    /// # Errors
    /// [`NoHash`].
    pub fn parse(text: &str) -> Result<Self, NoHash> {
        let hash = PasswordHash::new(text).map_err(|_| NoHash)?;
        let whole = hash.algorithm.as_str() == "argon2id" && hash.salt.is_some() && hash.hash.is_some();
        if whole { Ok(Self(text.to_owned())) } else { Err(NoHash) }
    }

    /// As it is kept.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is of that password.
    #[must_use]
    pub fn is_of(&self, password: &ServicePassword) -> bool {
        let hash = PasswordHash::new(&self.0);
        hash.is_ok_and(|hash| Argon2::default().verify_password(password.expose(), &hash).is_ok())
    }
}

/// It says nothing: a password of so few digits is found from its hash.
impl fmt::Debug for ServicePasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServicePasswordHash(..)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn password(digits: &str) -> ServicePassword {
        ServicePassword::new(digits).unwrap()
    }

    #[test]
    fn the_same_password_and_no_other() {
        let hash = ServicePasswordHash::of(&password("123456"), &[7; SALT_LEN]).unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$"), "{}", hash.as_str());
        let kept = ServicePasswordHash::parse(hash.as_str()).unwrap();
        assert!(kept.is_of(&password("123456")));
        for other in ["123457", "1234567", "12345", "0123456"] {
            assert!(!kept.is_of(&password(other)), "{other}");
        }
        assert_ne!(ServicePasswordHash::of(&password("123456"), &[8; SALT_LEN]).unwrap(), hash);
        assert_eq!(format!("{hash:?}"), "ServicePasswordHash(..)");
    }

    #[test]
    fn what_is_no_hash() {
        for text in ["", "123456", "$argon2id$v=19$m=19456,t=2,p=1", "$2b$12$abcdefghijklmnopqrstuv"] {
            assert_eq!(ServicePasswordHash::parse(text), Err(NoHash), "{text}");
        }
    }
}
