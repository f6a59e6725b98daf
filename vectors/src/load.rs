//! INITIALIZE and CREDIT FOR LOAD (FMCOS 2.0 user manual p. 89-92).

use serde::Deserialize;

use crate::{
    block_cipher::BlockCipher,
    construction::Construction,
    hex_field,
    vector::{Body, agrees, is_command},
};

/// A load, complete if [`Load::credit`] is there.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// The card's load key.
    #[serde(deserialize_with = "hex_field::field")]
    pub load_key: Vec<u8>,
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
    /// 01 ED, 02 EP.
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
    /// Version of the load key.
    #[serde(deserialize_with = "hex_field::field")]
    pub key_version: u8,
    /// Algorithm of the load key.
    #[serde(deserialize_with = "hex_field::field")]
    pub algorithm: u8,
    /// The card's random.
    #[serde(deserialize_with = "hex_field::field")]
    pub random: [u8; 4],
    /// The command INITIALIZE FOR LOAD; some sources leave out Le.
    #[serde(deserialize_with = "hex_field::field")]
    pub initialize: Vec<u8>,
    /// Its answer.
    #[serde(deserialize_with = "hex_field::field")]
    pub initialize_answer: [u8; 16],
    /// SESLK.
    #[serde(deserialize_with = "hex_field::field")]
    pub session_key: Vec<u8>,
    /// By the card.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac1: [u8; 4],
    /// The second half.
    pub credit: Option<Credit>,
}

/// CREDIT FOR LOAD.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credit {
    /// The host's date (4) and time (3).
    #[serde(deserialize_with = "hex_field::field")]
    pub moment: [u8; 7],
    /// By the host.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac2: [u8; 4],
    /// The command; some sources leave out Le.
    #[serde(deserialize_with = "hex_field::field")]
    pub apdu: Vec<u8>,
    /// The answer.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub tac: Option<[u8; 4]>,
    /// The record of EF 0018 afterwards.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub log_record: Option<[u8; 23]>,
}

impl Load {
    /// The load key's.
    #[must_use]
    pub const fn block_cipher(&self) -> BlockCipher {
        BlockCipher::of_byte(self.algorithm)
    }
}

impl Body for Load {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        let tac_key = self.tac_key.iter().map(|key| ("tac_key", key.as_slice()));
        core::iter::once(("load_key", self.load_key.as_slice())).chain(tac_key).collect()
    }

    fn constructions(&self) -> Vec<Construction> {
        let credit = self.credit.as_ref();
        let mac2 = credit.map(|_| Construction::LoadMac2);
        let tac = credit.and_then(|credit| credit.tac).map(|_| Construction::LoadTac);
        let all = [Some(Construction::LoadSessionKey), Some(Construction::LoadMac1), mac2, tac];
        let own = |whole| tac.map(|_| whole).into_iter().collect();
        let mut constructions: Vec<_> = self.block_cipher().pick(
            all.into_iter().flatten().collect(),
            own(Construction::LoadSm4),
            own(Construction::LoadAes),
        );
        constructions.extend(tac.and(of_another_cipher(self.algorithm, self.tac_algorithm)));
        constructions
    }

    fn check(&self) -> Result<(), &'static str> {
        let order: [&[u8]; 3] = [&[self.key_id], &self.amount, &self.terminal];
        agrees("initialize", is_command(&self.initialize, &[0x80, 0x50, 0x00, self.purse], &order))?;
        let keys = [self.key_version, self.algorithm];
        let answer: [&[u8]; 5] = [&self.old_balance, &self.online_sequence, &keys, &self.random, &self.mac1];
        agrees("initialize_answer", self.initialize_answer.as_slice() == answer.concat())?;
        agrees("session_key", self.session_key.len() == self.block_cipher().block_len())?;
        let Some(credit) = &self.credit else {
            return Ok(());
        };
        agrees("tac", self.tac_key.is_some() == credit.tac.is_some())?;
        agrees("credit.apdu", is_command(&credit.apdu, &[0x80, 0x52, 0x00, 0x00], &[&credit.moment, &credit.mac2]))
    }
}

/// A TAC by a key whose cipher is not that of the transaction's key.
pub(crate) fn of_another_cipher(algorithm: u8, tac_algorithm: Option<u8>) -> Option<Construction> {
    let tac_cipher = BlockCipher::of_byte(tac_algorithm.unwrap_or_default());
    (tac_cipher != BlockCipher::of_byte(algorithm)).then_some(Construction::TacOfAnotherCipher)
}
