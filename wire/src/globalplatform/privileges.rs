//! Privileges of applications and domains (6.6.1, tables 11-7 to 11-9): three bytes, of which older cards show one.

/// A set of privileges, byte 1 in front.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct Privileges(pub [u8; 3]);

macro_rules! privileges {
    ($($name:ident = $bits:literal, $text:literal;)*) => {
        impl Privileges {
            $(#[doc = concat!("The privilege `", $text, "`.")]
            pub const $name: Self = Self::of($bits);)*

            /// The names of those in the set, in the order of their bits.
            pub fn names(self) -> impl Iterator<Item = &'static str> {
                [$((Self::$name, $text)),*]
                    .into_iter()
                    .filter(move |(one, _)| self.has(*one))
                    .map(|(_, text)| text)
            }
        }
    };
}

privileges! {
    SECURITY_DOMAIN = 0x80_00_00, "security-domain";
    DAP_VERIFICATION = 0xC0_00_00, "dap-verification";
    DELEGATED_MANAGEMENT = 0xA0_00_00, "delegated-management";
    CARD_LOCK = 0x10_00_00, "card-lock";
    CARD_TERMINATE = 0x08_00_00, "card-terminate";
    CARD_RESET = 0x04_00_00, "card-reset";
    CVM_MANAGEMENT = 0x02_00_00, "cvm-management";
    MANDATED_DAP_VERIFICATION = 0xC1_00_00, "mandated-dap-verification";
    TRUSTED_PATH = 0x00_80_00, "trusted-path";
    AUTHORIZED_MANAGEMENT = 0x00_40_00, "authorized-management";
    TOKEN_VERIFICATION = 0x00_20_00, "token-verification";
    GLOBAL_DELETE = 0x00_10_00, "global-delete";
    GLOBAL_LOCK = 0x00_08_00, "global-lock";
    GLOBAL_REGISTRY = 0x00_04_00, "global-registry";
    FINAL_APPLICATION = 0x00_02_00, "final-application";
    GLOBAL_SERVICE = 0x00_01_00, "global-service";
    RECEIPT_GENERATION = 0x00_00_80, "receipt-generation";
    CIPHERED_LOAD_FILE_DATA_BLOCK = 0x00_00_40, "ciphered-load-file-data-block";
    CONTACTLESS_ACTIVATION = 0x00_00_20, "contactless-activation";
    CONTACTLESS_SELF_ACTIVATION = 0x00_00_10, "contactless-self-activation";
}

impl Privileges {
    /// None: what an enterprise application has.
    pub const NONE: Self = Self([0; 3]);
    /// Those of an issuer domain.
    pub const ISSUER_DOMAIN: Self = Self([0x9E, 0xFE, 0x80]);

    /// From one byte or three, as registries and INSTALL have them; `None` at another length.
    #[must_use]
    pub const fn parse(bytes: &[u8]) -> Option<Self> {
        match *bytes {
            [one] => Some(Self([one, 0, 0])),
            [one, two, three] => Some(Self([one, two, three])),
            _ => None,
        }
    }

    /// Whether every bit of `others` is in it. Verification of DAPs is a bit of its own only while no bit says that it is
    /// mandated.
    #[must_use]
    pub const fn has(self, others: Self) -> bool {
        let mandated = Self::MANDATED_DAP_VERIFICATION.bits();
        let (bits, wanted) = (self.bits(), others.bits());
        let is_mandated = bits & mandated == mandated;
        bits & wanted == wanted && !(is_mandated && wanted == Self::DAP_VERIFICATION.bits())
    }

    const fn of(bits: u32) -> Self {
        let [_, one, two, three] = bits.to_be_bytes();
        Self([one, two, three])
    }

    const fn bits(self) -> u32 {
        let [one, two, three] = self.0;
        u32::from_be_bytes([0, one, two, three])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn are(bytes: &[u8], names: &[&str]) {
        let same = Privileges::parse(bytes).map(|privileges| privileges.names().eq(names.iter().copied()));
        assert_eq!(same, Some(true), "{bytes:02X?}");
    }

    /// Tests of GlobalPlatformPro, skythen/gobalplatform and pySim.
    #[test]
    fn sets_that_others_name() {
        are(&[0x80, 0xC0, 0x00], &["security-domain", "trusted-path", "authorized-management"]);
        are(&[0x80], &["security-domain"]);
        are(&[0x00], &[]);
        are(&[0x00, 0x00, 0x20], &["contactless-activation"]);
        are(
            &[0x1C, 0x03, 0x20],
            &[
                "card-lock",
                "card-terminate",
                "card-reset",
                "final-application",
                "global-service",
                "contactless-activation",
            ],
        );
        let all = Privileges([0xFF, 0xFF, 0xF0]);
        assert_eq!(all.names().count(), 19);
        assert!(all.has(Privileges::MANDATED_DAP_VERIFICATION) && !all.has(Privileges::DAP_VERIFICATION));
        assert!(Privileges([0xC0, 0, 0]).has(Privileges::DAP_VERIFICATION));
    }

    #[test]
    fn neither_two_bytes_nor_four() {
        assert_eq!(Privileges::parse(&[]), None);
        assert_eq!(Privileges::parse(&[0x80, 0]), None);
        assert_eq!(Privileges::parse(&[0x80, 0, 0, 0]), None);
    }
}
