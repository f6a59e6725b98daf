//! What people type to open a sealed file.

use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A passphrase (口令): erased on drop, never printed.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

/// A passphrase that is not taken. It is not repeated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PassphraseError {
    /// Too short.
    #[error("a passphrase has at least {min} characters: several words are easier than signs", min = Passphrase::CHARACTERS_MIN)]
    Short,
    /// Too few different characters.
    #[error("a passphrase has at least {min} different characters", min = Passphrase::DIFFERENT_MIN)]
    Repetitive,
    /// With control characters.
    #[error("a passphrase is one line of text")]
    Control,
}

impl Passphrase {
    /// Fewest characters.
    pub const CHARACTERS_MIN: usize = 12;
    /// Fewest different characters.
    pub const DIFFERENT_MIN: usize = 5;

    /// To open a file with: whatever was typed.
    #[must_use]
    pub const fn typed(text: Zeroizing<String>) -> Self {
        Self(text)
    }

    /// To seal a file with.
    ///
    /// # Errors
    /// [`PassphraseError`].
    pub fn chosen(text: Zeroizing<String>) -> Result<Self, PassphraseError> {
        if text.chars().any(char::is_control) {
            return Err(PassphraseError::Control);
        }
        if text.chars().count() < Self::CHARACTERS_MIN {
            return Err(PassphraseError::Short);
        }
        let first_seen = |(at, c): &(usize, char)| text.find(*c) == Some(*at);
        if text.char_indices().filter(first_seen).count() < Self::DIFFERENT_MIN {
            return Err(PassphraseError::Repetitive);
        }
        Ok(Self(text))
    }

    pub(super) fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl PartialEq for Passphrase {
    fn eq(&self, other: &Self) -> bool {
        self.expose().ct_eq(other.expose()).into()
    }
}

impl Eq for Passphrase {}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guessable_one_is_refused() {
        let chosen = |text: &str| Passphrase::chosen(Zeroizing::new(text.to_owned()));
        assert!(chosen("three words and 一卡通").is_ok() && chosen("密钥仪式的口令要长一些才行").is_ok());
        assert_eq!(chosen("short words"), Err(PassphraseError::Short));
        assert_eq!(chosen("ababababcdcdcdcd"), Err(PassphraseError::Repetitive));
        assert_eq!(chosen("two lines\nof words"), Err(PassphraseError::Control));
        assert_eq!(format!("{:?}", Passphrase::typed(Zeroizing::new("secret".to_owned()))), "Passphrase(..)");
    }
}
