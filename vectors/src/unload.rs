//! INITIALIZE and DEBIT FOR UNLOAD (FMCOS 2.0 user manual p. 111-116; of the EP: own, profile §3.3).

use serde::Deserialize;

use crate::{
    block_cipher::BlockCipher,
    construction::Construction,
    hex_field,
    vector::{Body, agrees, is_command},
};

/// An unload.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unload {
    /// The card's unload key.
    #[serde(deserialize_with = "hex_field::field")]
    pub unload_key: Vec<u8>,
    /// P2: 01 ED, 02 EP.
    #[serde(deserialize_with = "hex_field::field")]
    pub purse: u8,
    /// Key index.
    #[serde(deserialize_with = "hex_field::field")]
    pub key_id: u8,
    /// Fen.
    #[serde(deserialize_with = "hex_field::field")]
    pub amount: [u8; 4],
    /// 03 ED, 0B EP.
    #[serde(deserialize_with = "hex_field::field")]
    pub transaction_type: u8,
    /// Terminal number.
    #[serde(deserialize_with = "hex_field::field")]
    pub terminal: [u8; 6],
    /// Balance before.
    #[serde(deserialize_with = "hex_field::field")]
    pub old_balance: [u8; 4],
    /// Online sequence before the increment.
    #[serde(deserialize_with = "hex_field::field")]
    pub online_sequence: [u8; 2],
    /// Version of the unload key.
    #[serde(deserialize_with = "hex_field::field")]
    pub key_version: u8,
    /// Algorithm of the unload key.
    #[serde(deserialize_with = "hex_field::field")]
    pub algorithm: u8,
    /// The card's random.
    #[serde(deserialize_with = "hex_field::field")]
    pub random: [u8; 4],
    /// The host's date (4) and time (3).
    #[serde(deserialize_with = "hex_field::field")]
    pub moment: [u8; 7],
    /// The command INITIALIZE FOR UNLOAD.
    #[serde(deserialize_with = "hex_field::field")]
    pub initialize: Vec<u8>,
    /// Its answer.
    #[serde(deserialize_with = "hex_field::field")]
    pub initialize_answer: [u8; 16],
    /// SESULK.
    #[serde(deserialize_with = "hex_field::field")]
    pub session_key: Vec<u8>,
    /// By the card.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac1: [u8; 4],
    /// By the host.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac2: [u8; 4],
    /// The command DEBIT FOR UNLOAD.
    #[serde(deserialize_with = "hex_field::field")]
    pub debit: Vec<u8>,
    /// Its answer, by the card: shows that the money left it.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac3: [u8; 4],
    /// The record of EF 0018 afterwards.
    #[serde(deserialize_with = "hex_field::field")]
    pub log_record: [u8; 23],
}

impl Unload {
    /// The unload key's.
    #[must_use]
    pub const fn block_cipher(&self) -> BlockCipher {
        BlockCipher::of_byte(self.algorithm)
    }
}

impl Body for Unload {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        vec![("unload_key", &self.unload_key)]
    }

    fn constructions(&self) -> Vec<Construction> {
        let [des, sm4, aes] = match self.purse {
            0x01 => [Construction::UnloadEd, Construction::UnloadEdSm4, Construction::UnloadEdAes],
            _ => [Construction::UnloadEp, Construction::UnloadEpSm4, Construction::UnloadEpAes],
        };
        vec![self.block_cipher().pick(des, sm4, aes)]
    }

    fn check(&self) -> Result<(), &'static str> {
        agrees("transaction_type", matches!((self.purse, self.transaction_type), (0x01, 0x03) | (0x02, 0x0B)))?;
        let order: [&[u8]; 3] = [&[self.key_id], &self.amount, &self.terminal];
        agrees("initialize", is_command(&self.initialize, &[0x80, 0x50, 0x05, self.purse], &order))?;
        let keys = [self.key_version, self.algorithm];
        let answer: [&[u8]; 5] = [&self.old_balance, &self.online_sequence, &keys, &self.random, &self.mac1];
        agrees("initialize_answer", self.initialize_answer.as_slice() == answer.concat())?;
        agrees("session_key", self.session_key.len() == self.block_cipher().block_len())?;
        agrees("debit", is_command(&self.debit, &[0x80, 0x54, 0x03, 0x00], &[&self.moment, &self.mac2]))
    }
}
