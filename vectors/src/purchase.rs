//! INITIALIZE and DEBIT FOR PURCHASE (FMCOS 2.0 user manual p. 94-98).

use serde::Deserialize;

use crate::{
    construction::Construction,
    hex_field,
    vector::{Body, agrees, is_command},
};

/// A purchase.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purchase {
    /// The card's purchase key.
    #[serde(deserialize_with = "hex_field::field")]
    pub purchase_key: Vec<u8>,
    /// The card's TAC key, where there is a TAC.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub tac_key: Option<Vec<u8>>,
    /// P2: 01 ED, 02 EP.
    #[serde(deserialize_with = "hex_field::field")]
    pub purse: u8,
    /// Key index.
    #[serde(deserialize_with = "hex_field::field")]
    pub key_id: u8,
    /// Fen.
    #[serde(deserialize_with = "hex_field::field")]
    pub amount: [u8; 4],
    /// 05 ED, 06 EP.
    #[serde(deserialize_with = "hex_field::field")]
    pub transaction_type: u8,
    /// Terminal number.
    #[serde(deserialize_with = "hex_field::field")]
    pub terminal: [u8; 6],
    /// Balance before.
    #[serde(deserialize_with = "hex_field::field")]
    pub old_balance: [u8; 4],
    /// Offline sequence before the increment.
    #[serde(deserialize_with = "hex_field::field")]
    pub offline_sequence: [u8; 2],
    /// Overdraft limit, fen.
    #[serde(deserialize_with = "hex_field::field")]
    pub overdraft_limit: [u8; 3],
    /// Version of the purchase key.
    #[serde(deserialize_with = "hex_field::field")]
    pub key_version: u8,
    /// Algorithm of the purchase key.
    #[serde(deserialize_with = "hex_field::field")]
    pub algorithm: u8,
    /// The card's random.
    #[serde(deserialize_with = "hex_field::field")]
    pub random: [u8; 4],
    /// The command INITIALIZE FOR PURCHASE; some sources leave out Le.
    #[serde(deserialize_with = "hex_field::field")]
    pub initialize: Vec<u8>,
    /// Its answer.
    #[serde(deserialize_with = "hex_field::field")]
    pub initialize_answer: [u8; 15],
    /// The SAM's, before the increment.
    #[serde(deserialize_with = "hex_field::field")]
    pub terminal_sequence: [u8; 4],
    /// The terminal's date (4) and time (3).
    #[serde(deserialize_with = "hex_field::field")]
    pub moment: [u8; 7],
    /// SESPK.
    #[serde(deserialize_with = "hex_field::field")]
    pub session_key: [u8; 8],
    /// By the SAM.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac1: [u8; 4],
    /// The command DEBIT FOR PURCHASE; some sources leave out Le.
    #[serde(deserialize_with = "hex_field::field")]
    pub debit: Vec<u8>,
    /// First half of the answer to DEBIT.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub tac: Option<[u8; 4]>,
    /// Second half of the answer to DEBIT.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac2: [u8; 4],
}

impl Body for Purchase {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        let tac_key = self.tac_key.iter().map(|key| ("tac_key", key.as_slice()));
        core::iter::once(("purchase_key", self.purchase_key.as_slice())).chain(tac_key).collect()
    }

    fn constructions(&self) -> Vec<Construction> {
        let always = [Construction::PurchaseSessionKey, Construction::PurchaseMac1, Construction::PurchaseMac2];
        always.into_iter().chain(self.tac.map(|_| Construction::PurchaseTac)).collect()
    }

    fn check(&self) -> Result<(), &'static str> {
        let order: [&[u8]; 3] = [&[self.key_id], &self.amount, &self.terminal];
        agrees("initialize", is_command(&self.initialize, &[0x80, 0x50, 0x01, self.purse], &order))?;
        let keys = [self.key_version, self.algorithm];
        let answer: [&[u8]; 5] =
            [&self.old_balance, &self.offline_sequence, &self.overdraft_limit, &keys, &self.random];
        agrees("initialize_answer", self.initialize_answer.as_slice() == answer.concat())?;
        agrees("tac", self.tac_key.is_some() == self.tac.is_some())?;
        let debit: [&[u8]; 3] = [&self.terminal_sequence, &self.moment, &self.mac1];
        agrees("debit", is_command(&self.debit, &[0x80, 0x54, 0x01, 0x00], &debit))
    }
}
