//! The SAM (PBOC PSAM; profile §4): INIT_SAM_FOR_PURCHASE and what follows it, its load, DES CRYPT.
//!
//! Factors stand here in the order they are applied, enterprise first and serial last; commands carry them the other
//! way round, serial first.

use serde::Deserialize;

use crate::{
    construction::Construction,
    hex_field,
    vector::{Body, agrees, is_command},
};

/// A purchase as the SAM sees it.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamPurchase {
    /// The SAM's own purchase key, above the factors.
    #[serde(deserialize_with = "hex_field::field")]
    pub key: Vec<u8>,
    /// As many as the key's usage has levels.
    #[serde(deserialize_with = "hex_field::factors")]
    pub factors: Vec<[u8; 8]>,
    /// Fen.
    #[serde(deserialize_with = "hex_field::field")]
    pub amount: [u8; 4],
    /// 06 for the EP.
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
    pub session_key: [u8; 8],
    /// The answer to `initialize` is terminal sequence ‖ MAC1.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac1: [u8; 4],
    /// By the card.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac2: [u8; 4],
    /// The command INIT_SAM_FOR_PURCHASE.
    #[serde(deserialize_with = "hex_field::field")]
    pub initialize: Vec<u8>,
    /// The command CREDIT_SAM_FOR_PURCHASE.
    #[serde(deserialize_with = "hex_field::field")]
    pub credit: Vec<u8>,
    /// The command that checks the same MAC2 later (own, `80 72 03`; the profile fixes it for one level).
    #[serde(deserialize_with = "hex_field::field")]
    pub past: Vec<u8>,
}

impl Body for SamPurchase {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        vec![("key", &self.key)]
    }

    fn constructions(&self) -> Vec<Construction> {
        match self.factors.len() {
            1 => vec![Construction::SamPurchaseOneLevel, Construction::SamPastPurchase],
            2 => vec![Construction::SamPurchaseTwoLevels],
            _ => vec![Construction::SamPurchaseThreeLevels],
        }
    }

    fn check(&self) -> Result<(), &'static str> {
        let factors: Vec<u8> = self.factors.iter().rev().flatten().copied().collect();
        let keys = [self.key_version, self.algorithm];
        let kind = [self.transaction_type];
        let data: [&[u8]; 7] =
            [&self.random, &self.offline_sequence, &self.amount, &kind, &self.moment, &keys, &factors];
        agrees("initialize", is_command(&self.initialize, &[0x80, 0x70, 0x00, 0x00], &data))?;
        agrees("credit", is_command(&self.credit, &[0x80, 0x72, 0x00, 0x00], &[&self.mac2]))?;
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
    pub session_key: [u8; 8],
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

impl Body for SamLoad {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        vec![("key", &self.key)]
    }

    fn constructions(&self) -> Vec<Construction> {
        vec![Construction::SamLoad]
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

/// INIT_FOR_DESCRYPT and one DES CRYPT.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DesCrypt {
    /// The SAM's own key, above the factors.
    #[serde(deserialize_with = "hex_field::field")]
    pub key: Vec<u8>,
    /// Level and kind; kind 04 folds the key on use.
    #[serde(deserialize_with = "hex_field::field")]
    pub usage: u8,
    /// P2 of INIT_FOR_DESCRYPT.
    #[serde(deserialize_with = "hex_field::field")]
    pub key_version: u8,
    /// As many as the usage has levels.
    #[serde(deserialize_with = "hex_field::factors")]
    pub factors: Vec<[u8; 8]>,
    /// P1 of DES CRYPT: 00 encipher, 01 MAC, 05 MAC with the IV in front of the data.
    #[serde(deserialize_with = "hex_field::field")]
    pub p1: u8,
    /// Data of DES CRYPT, padded by the terminal.
    #[serde(deserialize_with = "hex_field::field")]
    pub data: Vec<u8>,
    /// The command INIT_FOR_DESCRYPT.
    #[serde(deserialize_with = "hex_field::field")]
    pub initialize: Vec<u8>,
    /// The command DES CRYPT, without Le.
    #[serde(deserialize_with = "hex_field::field")]
    pub crypt: Vec<u8>,
    /// Its answer: as long as the data, or a MAC of 4 bytes.
    #[serde(deserialize_with = "hex_field::field")]
    pub answer: Vec<u8>,
}

impl Body for DesCrypt {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        vec![("key", &self.key)]
    }

    fn constructions(&self) -> Vec<Construction> {
        vec![match (self.usage & 0x1F, self.p1) {
            (0x04, _) => Construction::DesCryptFolded,
            (_, 0x00) => Construction::DesCryptEncipher,
            (_, 0x01) => Construction::DesCryptMac,
            _ => Construction::DesCryptMacWithIv,
        }]
    }

    fn check(&self) -> Result<(), &'static str> {
        agrees("factors", usize::from(self.usage >> 5) == self.factors.len())?;
        agrees("p1", matches!(self.p1, 0x00 | 0x01 | 0x05))?;
        let factors: Vec<u8> = self.factors.iter().rev().flatten().copied().collect();
        let initialize = [0x80, 0x1A, self.usage, self.key_version];
        agrees("initialize", is_command(&self.initialize, &initialize, &[&factors]))?;
        agrees("crypt", is_command(&self.crypt, &[0x80, 0xFA, self.p1, 0x00], &[&self.data]))
    }
}
