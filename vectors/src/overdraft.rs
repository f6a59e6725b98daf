//! INITIALIZE FOR UPDATE and UPDATE OVERDRAW LIMIT (FMCOS 2.0 user manual p. 117-119).

use serde::Deserialize;

use crate::{
    block_cipher::BlockCipher,
    construction::Construction,
    hex_field,
    vector::{Body, agrees, is_command},
};

/// A new overdraft limit for the ED.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overdraft {
    /// The card's overdraft key.
    #[serde(deserialize_with = "hex_field::field")]
    pub overdraft_key: Vec<u8>,
    /// The card's TAC key.
    #[serde(deserialize_with = "hex_field::field")]
    pub tac_key: Vec<u8>,
    /// Algorithm of the TAC key.
    #[serde(deserialize_with = "hex_field::field")]
    pub tac_algorithm: u8,
    /// Key index.
    #[serde(deserialize_with = "hex_field::field")]
    pub key_id: u8,
    /// Terminal number.
    #[serde(deserialize_with = "hex_field::field")]
    pub terminal: [u8; 6],
    /// Balance before, the old limit in it.
    #[serde(deserialize_with = "hex_field::field")]
    pub old_balance: [u8; 4],
    /// Online sequence before the increment.
    #[serde(deserialize_with = "hex_field::field")]
    pub online_sequence: [u8; 2],
    /// Limit before, fen.
    #[serde(deserialize_with = "hex_field::field")]
    pub old_limit: [u8; 3],
    /// Version of the overdraft key.
    #[serde(deserialize_with = "hex_field::field")]
    pub key_version: u8,
    /// Algorithm of the overdraft key.
    #[serde(deserialize_with = "hex_field::field")]
    pub algorithm: u8,
    /// The card's random.
    #[serde(deserialize_with = "hex_field::field")]
    pub random: [u8; 4],
    /// Limit afterwards, fen.
    #[serde(deserialize_with = "hex_field::field")]
    pub new_limit: [u8; 3],
    /// The host's date (4) and time (3).
    #[serde(deserialize_with = "hex_field::field")]
    pub moment: [u8; 7],
    /// The command INITIALIZE FOR UPDATE.
    #[serde(deserialize_with = "hex_field::field")]
    pub initialize: Vec<u8>,
    /// Its answer.
    #[serde(deserialize_with = "hex_field::field")]
    pub initialize_answer: [u8; 19],
    /// SESUK.
    #[serde(deserialize_with = "hex_field::field")]
    pub session_key: Vec<u8>,
    /// By the card.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac1: [u8; 4],
    /// By the host.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac2: [u8; 4],
    /// The command UPDATE OVERDRAW LIMIT.
    #[serde(deserialize_with = "hex_field::field")]
    pub update: Vec<u8>,
    /// Old balance less the old limit and with the new one.
    #[serde(deserialize_with = "hex_field::field")]
    pub new_balance: [u8; 4],
    /// The answer.
    #[serde(deserialize_with = "hex_field::field")]
    pub tac: [u8; 4],
    /// The record of EF 0018 afterwards: the new limit as limit and as amount.
    #[serde(deserialize_with = "hex_field::field")]
    pub log_record: [u8; 23],
}

impl Overdraft {
    /// The overdraft key's.
    #[must_use]
    pub const fn block_cipher(&self) -> BlockCipher {
        BlockCipher::of_byte(self.algorithm)
    }
}

impl Body for Overdraft {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        vec![("overdraft_key", &self.overdraft_key), ("tac_key", &self.tac_key)]
    }

    fn constructions(&self) -> Vec<Construction> {
        let [des, sm4, aes] = [Construction::Overdraft, Construction::OverdraftSm4, Construction::OverdraftAes];
        vec![self.block_cipher().pick(des, sm4, aes)]
    }

    fn check(&self) -> Result<(), &'static str> {
        let order: [&[u8]; 2] = [&[self.key_id], &self.terminal];
        agrees("initialize", is_command(&self.initialize, &[0x80, 0x50, 0x04, 0x01], &order))?;
        let keys = [self.key_version, self.algorithm];
        let answer: [&[u8]; 6] =
            [&self.old_balance, &self.online_sequence, &self.old_limit, &keys, &self.random, &self.mac1];
        agrees("initialize_answer", self.initialize_answer.as_slice() == answer.concat())?;
        agrees("session_key", self.session_key.len() == self.block_cipher().block_len())?;
        let update: [&[u8]; 3] = [&self.new_limit, &self.moment, &self.mac2];
        agrees("update", is_command(&self.update, &[0x80, 0x58, 0x00, 0x00], &update))
    }
}
