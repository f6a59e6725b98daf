//! The SAM (PBOC PSAM; profile §4): INIT_SAM_FOR_PURCHASE and what follows it, its undo and load.
//!
//! Factors stand here in the order they are applied, enterprise first and serial last; commands carry them the other
//! way round, serial first.

use serde::Deserialize;

use crate::{
    block_cipher::BlockCipher,
    construction::Construction,
    hex_field,
    vector::{Body, agrees, is_command},
};

/// A purchase, or by its type an undo (own, `80 70 01`), as the SAM sees it.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamPurchase {
    /// The SAM's own purchase key, above the factors; of an undo its cancel key.
    #[serde(deserialize_with = "hex_field::field")]
    pub key: Vec<u8>,
    /// As many as the key's usage has levels.
    #[serde(deserialize_with = "hex_field::factors")]
    pub factors: Vec<[u8; 8]>,
    /// Fen.
    #[serde(deserialize_with = "hex_field::field")]
    pub amount: [u8; 4],
    /// 06 for the EP; 0A for an undo.
    #[serde(deserialize_with = "hex_field::field")]
    pub transaction_type: u8,
    /// EF 0016 of the SAM.
    #[serde(deserialize_with = "hex_field::field")]
    pub terminal: [u8; 6],
    /// Version of the card's key.
    #[serde(deserialize_with = "hex_field::field")]
    pub key_version: u8,
    /// Algorithm of the card's key.
    #[serde(deserialize_with = "hex_field::field")]
    pub algorithm: u8,
    /// The card's random.
    #[serde(deserialize_with = "hex_field::field")]
    pub random: [u8; 4],
    /// The card's, before the increment.
    #[serde(deserialize_with = "hex_field::field")]
    pub offline_sequence: [u8; 2],
    /// The SAM's, before the increment.
    #[serde(deserialize_with = "hex_field::field")]
    pub terminal_sequence: [u8; 4],
    /// The terminal's date (4) and time (3).
    #[serde(deserialize_with = "hex_field::field")]
    pub moment: [u8; 7],
    /// SESPK.
    #[serde(deserialize_with = "hex_field::field")]
    pub session_key: Vec<u8>,
    /// The answer to `initialize` is terminal sequence ‖ MAC1.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac1: [u8; 4],
    /// By the card.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac2: [u8; 4],
    /// The command INIT_SAM.
    #[serde(deserialize_with = "hex_field::field")]
    pub initialize: Vec<u8>,
    /// The command CREDIT_SAM.
    #[serde(deserialize_with = "hex_field::field")]
    pub credit: Vec<u8>,
    /// The command that checks the same MAC2 later (own, `80 72 03`; the profile fixes it for one level).
    #[serde(deserialize_with = "hex_field::field")]
    pub past: Vec<u8>,
}

impl SamPurchase {
    /// The key's.
    #[must_use]
    pub const fn block_cipher(&self) -> BlockCipher {
        BlockCipher::of_byte(self.algorithm)
    }
}

impl Body for SamPurchase {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        vec![("key", &self.key)]
    }

    fn constructions(&self) -> Vec<Construction> {
        match (self.transaction_type, self.block_cipher(), self.factors.len()) {
            (0x0A, cipher, _) => {
                vec![cipher.pick(Construction::SamUndo, Construction::SamUndoSm4, Construction::SamUndoAes)]
            }
            (_, BlockCipher::Sm4, _) => vec![Construction::SamPurchaseSm4],
            (_, BlockCipher::Aes, _) => vec![Construction::SamPurchaseAes],
            (_, BlockCipher::Des, 1) => vec![Construction::SamPurchaseOneLevel, Construction::SamPastPurchase],
            (_, BlockCipher::Des, 2) => vec![Construction::SamPurchaseTwoLevels],
            (_, BlockCipher::Des, _) => vec![Construction::SamPurchaseThreeLevels],
        }
    }

    fn check(&self) -> Result<(), &'static str> {
        agrees("session_key", self.session_key.len() == self.block_cipher().block_len())?;
        let factors: Vec<u8> = self.factors.iter().rev().flatten().copied().collect();
        let keys = [self.key_version, self.algorithm];
        let kind = [self.transaction_type];
        let p1 = u8::from(self.transaction_type == 0x0A);
        let data: [&[u8]; 7] =
            [&self.random, &self.offline_sequence, &self.amount, &kind, &self.moment, &keys, &factors];
        agrees("initialize", is_command(&self.initialize, &[0x80, 0x70, p1, 0x00], &data))?;
        agrees("credit", is_command(&self.credit, &[0x80, 0x72, p1, 0x00], &[&self.mac2]))?;
        let past: [&[u8]; 3] = [&self.terminal_sequence, &data.concat(), &self.mac2];
        agrees("past", is_command(&self.past, &[0x80, 0x72, 0x03, 0x00], &past))
    }
}

/// A load as the SAM sees it (own, `80 70 02`).
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamLoad {
    /// The SAM's own load key, above the factors.
    #[serde(deserialize_with = "hex_field::field")]
    pub key: Vec<u8>,
    /// One: the card's serial.
    #[serde(deserialize_with = "hex_field::factors")]
    pub factors: Vec<[u8; 8]>,
    /// Fen.
    #[serde(deserialize_with = "hex_field::field")]
    pub amount: [u8; 4],
    /// 02 for the EP.
    #[serde(deserialize_with = "hex_field::field")]
    pub transaction_type: u8,
    /// EF 0016 of the SAM.
    #[serde(deserialize_with = "hex_field::field")]
    pub terminal: [u8; 6],
    /// The card's balance before.
    #[serde(deserialize_with = "hex_field::field")]
    pub old_balance: [u8; 4],
    /// Version of the card's key.
    #[serde(deserialize_with = "hex_field::field")]
    pub key_version: u8,
    /// Algorithm of the card's key.
    #[serde(deserialize_with = "hex_field::field")]
    pub algorithm: u8,
    /// The card's random.
    #[serde(deserialize_with = "hex_field::field")]
    pub random: [u8; 4],
    /// The card's, before the increment.
    #[serde(deserialize_with = "hex_field::field")]
    pub online_sequence: [u8; 2],
    /// The terminal's date (4) and time (3).
    #[serde(deserialize_with = "hex_field::field")]
    pub moment: [u8; 7],
    /// SESLK.
    #[serde(deserialize_with = "hex_field::field")]
    pub session_key: Vec<u8>,
    /// By the card.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac1: [u8; 4],
    /// The answer.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac2: [u8; 4],
    /// The command.
    #[serde(deserialize_with = "hex_field::field")]
    pub initialize: Vec<u8>,
}

impl SamLoad {
    /// The key's.
    #[must_use]
    pub const fn block_cipher(&self) -> BlockCipher {
        BlockCipher::of_byte(self.algorithm)
    }
}

impl Body for SamLoad {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        vec![("key", &self.key)]
    }

    fn constructions(&self) -> Vec<Construction> {
        let [des, sm4, aes] = [Construction::SamLoad, Construction::SamLoadSm4, Construction::SamLoadAes];
        vec![self.block_cipher().pick(des, sm4, aes)]
    }

    fn check(&self) -> Result<(), &'static str> {
        let factors: Vec<u8> = self.factors.iter().rev().flatten().copied().collect();
        let keys = [self.key_version, self.algorithm];
        let kind = [self.transaction_type];
        let data: [&[u8]; 9] = [
            &self.random,
            &self.online_sequence,
            &self.amount,
            &kind,
            &self.moment,
            &keys,
            &factors,
            &self.old_balance,
            &self.mac1,
        ];
        agrees("initialize", is_command(&self.initialize, &[0x80, 0x70, 0x02, 0x00], &data))
    }
}
