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
    Sm4Encipher "sm4-encipher" "SM4, one way.",
    Sm4Decipher "sm4-decipher" "SM4, the other way.",
    AesEncipher "aes-encipher" "AES-128, one way.",
    AesDecipher "aes-decipher" "AES-128, the other way.",
    CbcMac "cbc-mac" "ISO/IEC 9797-1 algorithm 1, padding method 2.",
    RetailMac "retail-mac" "ISO/IEC 9797-1 algorithm 3, padding method 2.",
    Sm4CbcMac "sm4-cbc-mac" "CBC-MAC of SM4, padding method 2.",
    AesCmac "aes-cmac" "CMAC of AES-128.",
    DiversifyOneLevel "diversify-one-level" "Diversification by one factor.",
    DiversifyTwoLevels "diversify-two-levels" "Diversification by two factors.",
    DiversifyThreeLevels "diversify-three-levels" "Diversification by three factors.",
    DiversifySm4 "diversify-sm4" "Diversification with SM4.",
    DiversifyAes "diversify-aes" "Diversification with AES.",
    KeyCheckValue "key-check-value" "Key check value.",
    KeyCheckValueSm4 "key-check-value-sm4" "Key check value of an SM4 key.",
    KeyCheckValueAes "key-check-value-aes" "Key check value of an AES key.",
    ExternalAuthenticateDes "external-authenticate-des" "EXTERNAL AUTHENTICATE with an 8-byte key.",
    ExternalAuthenticateTripleDes "external-authenticate-triple-des" "EXTERNAL AUTHENTICATE with a 16-byte key.",
    ExternalAuthenticateSm4 "external-authenticate-sm4" "EXTERNAL AUTHENTICATE with SM4.",
    ExternalAuthenticateAes "external-authenticate-aes" "EXTERNAL AUTHENTICATE with AES.",
    InternalEncipherDes "internal-encipher-des" "INTERNAL AUTHENTICATE, P1 00, with an 8-byte key.",
    InternalEncipherTripleDes "internal-encipher-triple-des" "INTERNAL AUTHENTICATE, P1 00, with a 16-byte key.",
    InternalEncipherSm4 "internal-encipher-sm4" "INTERNAL AUTHENTICATE, P1 00, with SM4.",
    InternalEncipherAes "internal-encipher-aes" "INTERNAL AUTHENTICATE, P1 00, with AES.",
    InternalDecipherDes "internal-decipher-des" "INTERNAL AUTHENTICATE, P1 01, with an 8-byte key.",
    InternalDecipherTripleDes "internal-decipher-triple-des" "INTERNAL AUTHENTICATE, P1 01, with a 16-byte key.",
    InternalDecipherSm4 "internal-decipher-sm4" "INTERNAL AUTHENTICATE, P1 01, with SM4.",
    InternalDecipherAes "internal-decipher-aes" "INTERNAL AUTHENTICATE, P1 01, with AES.",
    InternalMac "internal-mac" "INTERNAL AUTHENTICATE, P1 02.",
    InternalMacTripleDes "internal-mac-triple-des" "INTERNAL AUTHENTICATE, P1 02, with a 16-byte key.",
    InternalMacSm4 "internal-mac-sm4" "INTERNAL AUTHENTICATE, P1 02, with SM4.",
    InternalMacAes "internal-mac-aes" "INTERNAL AUTHENTICATE, P1 02, with AES.",
    LineMac "line-mac" "Line-protection MAC of a file command, 16-byte key.",
    LineMacDes "line-mac-des" "Line-protection MAC of a file command, 8-byte key.",
    LineMacSm4 "line-mac-sm4" "Line-protection MAC of a file command with SM4.",
    LineMacAes "line-mac-aes" "Line-protection MAC of a file command with AES.",
    LineMacLongChallenge "line-mac-long-challenge" "Line-protection MAC with an 8-byte challenge.",
    LineMacLongChallengeSm4 "line-mac-long-challenge-sm4" "The same with SM4.",
    LineMacLongChallengeAes "line-mac-long-challenge-aes" "The same with AES.",
    LineEncipherment "line-encipherment" "Length byte, data, padding if needed, enciphered.",
    LineEnciphermentSm4 "line-encipherment-sm4" "The same with SM4.",
    LineEnciphermentAes "line-encipherment-aes" "The same with AES.",
    AnswerMac "answer-mac" "Line-protection MAC of an answer.",
    AnswerMacSm4 "answer-mac-sm4" "The same with SM4.",
    AnswerMacAes "answer-mac-aes" "The same with AES.",
    AnswerEncipherment "answer-encipherment" "An enciphered answer.",
    AnswerEnciphermentSm4 "answer-encipherment-sm4" "The same with SM4.",
    AnswerEnciphermentAes "answer-encipherment-aes" "The same with AES.",
    ApplicationBlock "application-block" "MAC of APPLICATION BLOCK.",
    ApplicationUnblock "application-unblock" "MAC of APPLICATION UNBLOCK.",
    CardBlock "card-block" "MAC of CARD BLOCK.",
    WriteKeyDes "write-key-des" "WRITE KEY to a card under an 8-byte control key.",
    WriteKeyTripleDes "write-key-triple-des" "WRITE KEY to a card under a 16-byte control key.",
    WriteKeySm4 "write-key-sm4" "WRITE KEY to a card under a control key with SM4.",
    WriteKeyAes "write-key-aes" "WRITE KEY to a card under a control key with AES.",
    SamWriteKey "sam-write-key" "WRITE KEY to a SAM.",
    SamWriteKeySm4 "sam-write-key-sm4" "WRITE KEY to a SAM with SM4.",
    SamWriteKeyAes "sam-write-key-aes" "WRITE KEY to a SAM with AES.",
    ReloadPin "reload-pin" "MAC of RELOAD PIN by the folded key.",
    ReloadPinSm4 "reload-pin-sm4" "MAC of RELOAD PIN by the whole key, with SM4.",
    ReloadPinAes "reload-pin-aes" "MAC of RELOAD PIN by the whole key, with AES.",
    PinUnblock "pin-unblock" "PIN UNBLOCK, enciphered and MACed.",
    PinUnblockSm4 "pin-unblock-sm4" "PIN UNBLOCK with SM4.",
    PinUnblockAes "pin-unblock-aes" "PIN UNBLOCK with AES.",
    LoadSessionKey "load-session-key" "SESLK.",
    LoadMac1 "load-mac1" "MAC1 of a load, by the card.",
    LoadMac2 "load-mac2" "MAC2 of a load, by the host.",
    LoadTac "load-tac" "TAC of a load.",
    LoadSm4 "load-sm4" "Session key, MAC1, MAC2 and TAC of a load with SM4.",
    LoadAes "load-aes" "Session key, MAC1, MAC2 and TAC of a load with AES.",
    PurchaseSessionKey "purchase-session-key" "SESPK.",
    PurchaseMac1 "purchase-mac1" "MAC1 of a purchase, by the SAM.",
    PurchaseMac2 "purchase-mac2" "MAC2 of a purchase, by the card.",
    PurchaseTac "purchase-tac" "TAC of a purchase.",
    PurchaseSm4 "purchase-sm4" "Session key, MAC1, MAC2 and TAC of a purchase with SM4.",
    PurchaseAes "purchase-aes" "Session key, MAC1, MAC2 and TAC of a purchase with AES.",
    TacOfAnotherCipher "tac-of-another-cipher" "TAC by a key of another cipher than the transaction's key.",
    Undo "undo" "An undo (own, 80 50 06): session key, MAC1, MAC2, TAC.",
    UndoSm4 "undo-sm4" "The same with SM4.",
    UndoAes "undo-aes" "The same with AES.",
    Capp "capp" "A compound purchase: session key, MAC1, MAC2, TAC.",
    CappSm4 "capp-sm4" "The same with SM4.",
    CappAes "capp-aes" "The same with AES.",
    CashWithdrawal "cash-withdrawal" "A cash withdrawal: session key, MAC1, MAC2, TAC.",
    CashWithdrawalSm4 "cash-withdrawal-sm4" "The same with SM4.",
    CashWithdrawalAes "cash-withdrawal-aes" "The same with AES.",
    UnloadEd "unload-ed" "An unload of the ED: session key, MAC1, MAC2, MAC3.",
    UnloadEdSm4 "unload-ed-sm4" "The same with SM4.",
    UnloadEdAes "unload-ed-aes" "The same with AES.",
    UnloadEp "unload-ep" "An unload of the EP (own, type 0B).",
    UnloadEpSm4 "unload-ep-sm4" "The same with SM4.",
    UnloadEpAes "unload-ep-aes" "The same with AES.",
    Overdraft "overdraft" "An overdraft update: session key, MAC1, MAC2, TAC.",
    OverdraftSm4 "overdraft-sm4" "The same with SM4.",
    OverdraftAes "overdraft-aes" "The same with AES.",
    AccessRight "access-right" "Static MAC of an entry of the access rights (own).",
    AccessRightSm4 "access-right-sm4" "The same with SM4.",
    AccessRightAes "access-right-aes" "The same with AES.",
    SamPurchaseOneLevel "sam-purchase-one-level" "INIT_SAM_FOR_PURCHASE and CREDIT_SAM_FOR_PURCHASE, one factor.",
    SamPurchaseTwoLevels "sam-purchase-two-levels" "The same with two factors.",
    SamPurchaseThreeLevels "sam-purchase-three-levels" "The same with three factors.",
    SamPurchaseSm4 "sam-purchase-sm4" "The same with SM4.",
    SamPurchaseAes "sam-purchase-aes" "The same with AES.",
    SamPastPurchase "sam-past-purchase" "Check of a past MAC2 (own, 80 72 03).",
    SamUndo "sam-undo" "An undo by the SAM (own, 80 70 01).",
    SamUndoSm4 "sam-undo-sm4" "The same with SM4.",
    SamUndoAes "sam-undo-aes" "The same with AES.",
    SamLoad "sam-load" "A load by the SAM (own, 80 70 02).",
    SamLoadSm4 "sam-load-sm4" "The same with SM4.",
    SamLoadAes "sam-load-aes" "The same with AES.",
    DesCryptEncipher "des-crypt-encipher" "DES CRYPT, P1 00.",
    DesCryptEncipherSm4 "des-crypt-encipher-sm4" "The same with SM4.",
    DesCryptEncipherAes "des-crypt-encipher-aes" "The same with AES.",
    DesCryptDecipher "des-crypt-decipher" "DES CRYPT, P1 80.",
    DesCryptDecipherSm4 "des-crypt-decipher-sm4" "The same with SM4.",
    DesCryptDecipherAes "des-crypt-decipher-aes" "The same with AES.",
    DesCryptMac "des-crypt-mac" "DES CRYPT, P1 01.",
    DesCryptMacSm4 "des-crypt-mac-sm4" "The same with SM4.",
    DesCryptMacAes "des-crypt-mac-aes" "The same with AES.",
    DesCryptMacWithIv "des-crypt-mac-with-iv" "DES CRYPT, P1 05.",
    DesCryptMacWithIvSm4 "des-crypt-mac-with-iv-sm4" "The same, a block of 16 bytes in front, with SM4.",
    DesCryptMacWithIvAes "des-crypt-mac-with-iv-aes" "The same, a block of 16 bytes in front, with AES.",
    DesCryptFolded "des-crypt-folded" "DES CRYPT with a key of kind 04, which is folded.",
    DesCryptKind04Sm4 "des-crypt-kind-04-sm4" "DES CRYPT with a key of kind 04, whole, with SM4.",
    DesCryptKind04Aes "des-crypt-kind-04-aes" "DES CRYPT with a key of kind 04, whole, with AES.",
    SamMark "sam-mark" "MAC that marks a listed card (own, 80 74).",
    SamMarkSm4 "sam-mark-sm4" "The same with SM4.",
    SamMarkAes "sam-mark-aes" "The same with AES.",
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
