//! The constructions that authenticate or move money, and how well each is covered.

use crate::{
    loader::Vectors,
    vector::{Origin, Verdict},
};

macro_rules! constructions {
    ($($variant:ident $name:literal $what:literal,)*) => {
        /// Something computed that card and terminal must agree on.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Construction {
            $(#[doc = $what] $variant,)*
        }

        impl Construction {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Short name, as `SOURCES.md` lists it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

constructions! {
    DesEncipher "des-encipher" "DES, one way.",
    DesDecipher "des-decipher" "DES, the other way.",
    TripleDesEncipher "triple-des-encipher" "Two-key triple DES, one way.",
    TripleDesDecipher "triple-des-decipher" "Two-key triple DES, the other way.",
    CbcMac "cbc-mac" "ISO/IEC 9797-1 algorithm 1, padding method 2.",
    RetailMac "retail-mac" "ISO/IEC 9797-1 algorithm 3, padding method 2.",
    DiversifyOneLevel "diversify-one-level" "Diversification by one factor.",
    DiversifyTwoLevels "diversify-two-levels" "Diversification by two factors.",
    DiversifyThreeLevels "diversify-three-levels" "Diversification by three factors.",
    KeyCheckValue "key-check-value" "Key check value.",
    ExternalAuthenticateDes "external-authenticate-des" "EXTERNAL AUTHENTICATE with an 8-byte key.",
    ExternalAuthenticateTripleDes "external-authenticate-triple-des" "EXTERNAL AUTHENTICATE with a 16-byte key.",
    InternalEncipherDes "internal-encipher-des" "INTERNAL AUTHENTICATE, P1 00, with an 8-byte key.",
    InternalEncipherTripleDes "internal-encipher-triple-des" "INTERNAL AUTHENTICATE, P1 00, with a 16-byte key.",
    InternalDecipherDes "internal-decipher-des" "INTERNAL AUTHENTICATE, P1 01, with an 8-byte key.",
    InternalDecipherTripleDes "internal-decipher-triple-des" "INTERNAL AUTHENTICATE, P1 01, with a 16-byte key.",
    InternalMac "internal-mac" "INTERNAL AUTHENTICATE, P1 02.",
    LineMac "line-mac" "Line-protection MAC of a file command, 16-byte key.",
    LineMacDes "line-mac-des" "Line-protection MAC of a file command, 8-byte key.",
    LineMacLongChallenge "line-mac-long-challenge" "Line-protection MAC with an 8-byte challenge.",
    LineEncipherment "line-encipherment" "Length byte, data, padding if needed, enciphered.",
    AnswerMac "answer-mac" "Line-protection MAC of an answer.",
    AnswerEncipherment "answer-encipherment" "An enciphered answer.",
    ApplicationBlock "application-block" "MAC of APPLICATION BLOCK.",
    ApplicationUnblock "application-unblock" "MAC of APPLICATION UNBLOCK.",
    CardBlock "card-block" "MAC of CARD BLOCK.",
    WriteKeyDes "write-key-des" "WRITE KEY to a card under an 8-byte control key.",
    WriteKeyTripleDes "write-key-triple-des" "WRITE KEY to a card under a 16-byte control key.",
    SamWriteKey "sam-write-key" "WRITE KEY to a SAM.",
    ReloadPin "reload-pin" "MAC of RELOAD PIN by the folded key.",
    PinUnblock "pin-unblock" "PIN UNBLOCK, enciphered and MACed.",
    LoadSessionKey "load-session-key" "SESLK.",
    LoadMac1 "load-mac1" "MAC1 of a load, by the card.",
    LoadMac2 "load-mac2" "MAC2 of a load, by the host.",
    LoadTac "load-tac" "TAC of a load.",
    PurchaseSessionKey "purchase-session-key" "SESPK.",
    PurchaseMac1 "purchase-mac1" "MAC1 of a purchase, by the SAM.",
    PurchaseMac2 "purchase-mac2" "MAC2 of a purchase, by the card.",
    PurchaseTac "purchase-tac" "TAC of a purchase.",
    SamPurchaseOneLevel "sam-purchase-one-level" "INIT_SAM_FOR_PURCHASE and CREDIT_SAM_FOR_PURCHASE, one factor.",
    SamPurchaseTwoLevels "sam-purchase-two-levels" "The same with two factors.",
    SamPurchaseThreeLevels "sam-purchase-three-levels" "The same with three factors.",
    SamPastPurchase "sam-past-purchase" "Check of a past MAC2 (own, 80 72 03).",
    SamLoad "sam-load" "A load by the SAM (own, 80 70 02).",
    DesCryptEncipher "des-crypt-encipher" "DES CRYPT, P1 00.",
    DesCryptMac "des-crypt-mac" "DES CRYPT, P1 01.",
    DesCryptMacWithIv "des-crypt-mac-with-iv" "DES CRYPT, P1 05.",
    DesCryptFolded "des-crypt-folded" "DES CRYPT with a key of kind 04, which is folded.",
}

/// How many valid vectors a construction has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Coverage {
    /// Of which.
    pub construction: Construction,
    /// Published, with a good key.
    pub published: usize,
    /// Published, with a degenerate key.
    pub published_degenerate: usize,
    /// By the second implementation.
    pub second_implementation: usize,
    /// By the code under test: worth nothing here.
    pub own: usize,
}

/// Coverage of every construction, in the order of [`Construction::ALL`].
#[must_use]
pub fn constructions(vectors: &Vectors) -> Vec<Coverage> {
    let entries = vectors.entries();
    let covering = |construction| {
        let valid = entries.iter().filter(|entry| entry.verdict == Verdict::Valid);
        let these: Vec<_> = valid.filter(|entry| entry.constructions.contains(&construction)).collect();
        let count = |origin: fn(Origin) -> bool, degenerate| {
            these.iter().filter(|entry| origin(entry.origin) && entry.degenerate == degenerate).count()
        };
        Coverage {
            construction,
            published: count(Origin::is_published, false),
            published_degenerate: count(Origin::is_published, true),
            second_implementation: count(|origin| origin == Origin::SecondImplementation, false),
            own: count(|origin| origin == Origin::Own, false),
        }
    };
    Construction::ALL.iter().copied().map(covering).collect()
}

/// Those that no published vector with a good key covers.
pub fn without_published(coverage: &[Coverage]) -> impl Iterator<Item = &Coverage> {
    coverage.iter().filter(|coverage| coverage.published == 0)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed load is the failed test")]
mod tests {
    use super::*;

    /// What nobody published, as `SOURCES.md` tells readers. A new published vector shortens the list there too.
    #[test]
    fn sources_lists_what_is_unpublished() {
        let coverage = constructions(&Vectors::embedded().unwrap());
        let missing: Vec<_> = without_published(&coverage).map(|coverage| coverage.construction.name()).collect();
        println!("without a published vector with a good key: {}", missing.join(", "));

        let (_, section) = include_str!("../SOURCES.md").split_once("## Nothing published").unwrap();
        let listed: Vec<_> = section.lines().filter_map(|line| line.strip_prefix("* `")?.split('`').next()).collect();
        assert_eq!(missing, listed);
    }

    #[test]
    fn every_construction_is_vouched_for_by_somebody_else() {
        for coverage in constructions(&Vectors::embedded().unwrap()) {
            assert!(coverage.published + coverage.second_implementation > 0, "{coverage:?}");
        }
    }
}
