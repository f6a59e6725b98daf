//! INITIALIZE and DEBIT FOR PURCHASE, and what goes the same way: cash withdrawal, compound (CAPP) purchase (FMCOS 2.0 user
//! manual p. 94-110) and undo (own, profile §3.3).

use serde::Deserialize;

use crate::{
    block_cipher::BlockCipher,
    construction::Construction,
    hex_field,
    load::of_another_cipher,
    vector::{Body, agrees, is_command},
};

/// A purchase; by its type a cash withdrawal, a compound purchase or an undo.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purchase {
    /// The card's purchase key; the cancel key of an undo.
    #[serde(deserialize_with = "hex_field::field")]
    pub purchase_key: Vec<u8>,
    /// The card's TAC key, where there is a TAC.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub tac_key: Option<Vec<u8>>,
    /// Algorithm of the TAC key; triple DES where a source says nothing.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub tac_algorithm: Option<u8>,
    /// P2: 01 ED, 02 EP.
    #[serde(deserialize_with = "hex_field::field")]
    pub purse: u8,
    /// Key index.
    #[serde(deserialize_with = "hex_field::field")]
    pub key_id: u8,
    /// Fen.
    #[serde(deserialize_with = "hex_field::field")]
    pub amount: [u8; 4],
    /// 05 ED, 06 EP; 04 cash withdrawal, 09 compound purchase, 0A undo.
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
    /// The command INITIALIZE; some sources leave out Le.
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
    pub session_key: Vec<u8>,
    /// By the SAM.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac1: [u8; 4],
    /// The command DEBIT; some sources leave out Le.
    #[serde(deserialize_with = "hex_field::field")]
    pub debit: Vec<u8>,
    /// First half of the answer to DEBIT.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub tac: Option<[u8; 4]>,
    /// Second half of the answer to DEBIT.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac2: [u8; 4],
    /// The record of EF 0018 afterwards.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub log_record: Option<[u8; 23]>,
    /// What a compound purchase writes between the two.
    pub cache: Option<Cache>,
}

/// UPDATE CAPP DATA CACHE.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    /// The new record of EF 001C: type id ‖ length ‖ lock ‖ data.
    #[serde(deserialize_with = "hex_field::field")]
    pub record: Vec<u8>,
    /// The command, which names the record by its type id.
    #[serde(deserialize_with = "hex_field::field")]
    pub update: Vec<u8>,
}

impl Purchase {
    /// The purchase key's.
    #[must_use]
    pub const fn block_cipher(&self) -> BlockCipher {
        BlockCipher::of_byte(self.algorithm)
    }

    /// P1 of INITIALIZE and of DEBIT.
    const fn p1(&self) -> Option<(u8, u8)> {
        match self.transaction_type {
            0x05 | 0x06 => Some((0x01, 0x01)),
            0x04 => Some((0x02, 0x01)),
            0x09 => Some((0x03, 0x01)),
            0x0A => Some((0x06, 0x06)),
            _ => None,
        }
    }
}

impl Body for Purchase {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        let tac_key = self.tac_key.iter().map(|key| ("tac_key", key.as_slice()));
        core::iter::once(("purchase_key", self.purchase_key.as_slice())).chain(tac_key).collect()
    }

    fn constructions(&self) -> Vec<Construction> {
        let always = [Construction::PurchaseSessionKey, Construction::PurchaseMac1, Construction::PurchaseMac2];
        let [des, sm4, aes] = match self.transaction_type {
            0x04 => [Construction::CashWithdrawal, Construction::CashWithdrawalSm4, Construction::CashWithdrawalAes],
            0x09 => [Construction::Capp, Construction::CappSm4, Construction::CappAes],
            0x0A => [Construction::Undo, Construction::UndoSm4, Construction::UndoAes],
            _ if self.block_cipher() == BlockCipher::Des => {
                return always.into_iter().chain(self.tac.map(|_| Construction::PurchaseTac)).collect();
            }
            _ => [Construction::PurchaseTac, Construction::PurchaseSm4, Construction::PurchaseAes],
        };
        // All of it counts as one: not without its TAC.
        let whole = self.tac.map(|_| self.block_cipher().pick(des, sm4, aes));
        let other = self.tac.and(of_another_cipher(self.algorithm, self.tac_algorithm));
        whole.into_iter().chain(other).collect()
    }

    fn check(&self) -> Result<(), &'static str> {
        let (initialize, debit_p1) = self.p1().ok_or("transaction_type")?;
        let order: [&[u8]; 3] = [&[self.key_id], &self.amount, &self.terminal];
        agrees("initialize", is_command(&self.initialize, &[0x80, 0x50, initialize, self.purse], &order))?;
        let keys = [self.key_version, self.algorithm];
        let answer: [&[u8]; 5] =
            [&self.old_balance, &self.offline_sequence, &self.overdraft_limit, &keys, &self.random];
        agrees("initialize_answer", self.initialize_answer.as_slice() == answer.concat())?;
        agrees("session_key", self.session_key.len() == self.block_cipher().block_len())?;
        agrees("tac", self.tac_key.is_some() == self.tac.is_some())?;
        let debit: [&[u8]; 3] = [&self.terminal_sequence, &self.moment, &self.mac1];
        agrees("debit", is_command(&self.debit, &[0x80, 0x54, debit_p1, 0x00], &debit))?;
        agrees("cache", self.cache.is_some() == (self.transaction_type == 0x09))?;
        self.cache.as_ref().map_or(Ok(()), |cache| {
            let [type_id, ..] = cache.record[..] else { return Err("cache.record") };
            agrees("cache.update", is_command(&cache.update, &[0x80, 0xDC, type_id, 0xE0], &[&cache.record]))
        })
    }
}
