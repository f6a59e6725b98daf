//! Security levels (10.6, table 10-1).

use core::{fmt, str::FromStr};

use onecard_wire::globalplatform::secure_channel::{ProtocolId, level, scp03_option};

/// What a session protects. There is none without a MAC of each command.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Level {
    /// 01: each command has a MAC.
    Mac,
    /// 03: and its data are enciphered.
    MacEnciphered,
    /// 11: commands and answers have a MAC.
    MacBothWays,
    /// 13: and the commands' data are enciphered.
    MacBothWaysEnciphered,
    /// 33: and the answers' data, too.
    Full,
}

impl Level {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Mac, Self::MacEnciphered, Self::MacBothWays, Self::MacBothWaysEnciphered, Self::Full];

    /// P1 of EXTERNAL AUTHENTICATE.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Mac => level::C_MAC,
            Self::MacEnciphered => level::C_MAC | level::C_DECRYPTION,
            Self::MacBothWays => level::C_MAC | level::R_MAC,
            Self::MacBothWaysEnciphered => level::C_MAC | level::C_DECRYPTION | level::R_MAC,
            Self::Full => level::C_MAC | level::C_DECRYPTION | level::R_MAC | level::R_ENCRYPTION,
        }
    }

    /// From P1 of EXTERNAL AUTHENTICATE.
    #[must_use]
    pub fn of_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.byte() == byte)
    }

    /// Whether a card of `protocol` whose parameter is `option` has it (annex E.1.1; amendment D, 5.1).
    #[must_use]
    pub const fn is_offered(self, protocol: ProtocolId, option: u8) -> bool {
        let byte = self.byte();
        match protocol {
            ProtocolId::SCP02 => byte & (level::R_MAC | level::R_ENCRYPTION) == 0,
            _ => {
                let both = scp03_option::R_MAC_AND_R_ENCRYPTION;
                (byte & level::R_MAC == 0 || option & scp03_option::R_MAC != 0)
                    && (byte & level::R_ENCRYPTION == 0 || option & both == both)
            }
        }
    }

    /// Whether the data of commands are enciphered.
    #[must_use]
    pub const fn enciphers_commands(self) -> bool {
        self.byte() & level::C_DECRYPTION != 0
    }

    /// Whether answers have a MAC.
    #[must_use]
    pub const fn protects_answers(self) -> bool {
        self.byte() & level::R_MAC != 0
    }

    /// Whether the data of answers are enciphered.
    #[must_use]
    pub const fn enciphers_answers(self) -> bool {
        self.byte() & level::R_ENCRYPTION != 0
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X}", self.byte())
    }
}

impl FromStr for Level {
    type Err = LevelTextError;

    fn from_str(text: &str) -> Result<Self, LevelTextError> {
        let byte = (text.len() == 2).then(|| u8::from_str_radix(text, 16).ok()).flatten();
        byte.and_then(Self::of_byte).ok_or(LevelTextError)
    }
}

/// Not a security level.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a security level is 01, 03, 11, 13 or 33")]
pub struct LevelTextError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_as_written() {
        for level in Level::ALL {
            assert_eq!(level.to_string().parse(), Ok(level));
            assert_eq!(Level::of_byte(level.byte()), Some(level));
        }
        for text in ["00", "02", "10", "31", "3", "033", "zz"] {
            assert_eq!(text.parse::<Level>(), Err(LevelTextError), "{text}");
        }
    }

    #[test]
    fn what_a_card_offers_depends_on_its_parameter() {
        let offered =
            |protocol, option| Level::ALL.into_iter().filter(move |it| it.is_offered(protocol, option)).count();
        assert_eq!(offered(ProtocolId::SCP02, 0x55), 2);
        assert_eq!(offered(ProtocolId::SCP03, 0x10), 2);
        assert_eq!(offered(ProtocolId::SCP03, 0x20), 4);
        assert_eq!(offered(ProtocolId::SCP03, 0x70), 5);
        assert!(!Level::Full.is_offered(ProtocolId::SCP03, 0x20));
    }
}
