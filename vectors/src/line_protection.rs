//! Line protection of files, blocking and unblocking (FMCOS 2.0 user manual p. 135-139).

use serde::Deserialize;

use crate::{
    block_cipher::BlockCipher,
    construction::Construction,
    hex_field,
    vector::{Body, agrees, is_command},
};

/// A command under MAC, and its answer where that is protected too.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineProtection {
    /// The key's.
    #[serde(default)]
    pub block_cipher: BlockCipher,
    /// The maintenance key, 8 or 16 bytes.
    #[serde(deserialize_with = "hex_field::field")]
    pub key: Vec<u8>,
    /// As GET CHALLENGE gave it, 4 or 8 bytes; zero-padded to a block it is the IV, or with AES the message's first block.
    #[serde(deserialize_with = "hex_field::field")]
    pub challenge: Vec<u8>,
    /// CLA INS P1 P2.
    #[serde(deserialize_with = "hex_field::field")]
    pub header: [u8; 4],
    /// Whether the data is enciphered.
    pub enciphered: bool,
    /// The data in clear.
    #[serde(deserialize_with = "hex_field::field")]
    pub plain: Vec<u8>,
    /// The data enciphered, as sent.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub cipher: Option<Vec<u8>>,
    /// MAC over header, Lc and the data as sent; Lc counts the MAC.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac: [u8; 4],
    /// The command, without Le.
    #[serde(deserialize_with = "hex_field::field")]
    pub apdu: Vec<u8>,
    /// A protected answer.
    pub answer: Option<Answer>,
}

/// An answer under MAC, by the same key and challenge.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Whether it is enciphered.
    pub enciphered: bool,
    /// The data in clear.
    #[serde(deserialize_with = "hex_field::field")]
    pub plain: Vec<u8>,
    /// The data enciphered, as answered.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub cipher: Option<Vec<u8>>,
    /// MAC over the data as answered; follows it.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac: [u8; 4],
}

impl Body for LineProtection {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        vec![("key", &self.key)]
    }

    fn constructions(&self) -> Vec<Construction> {
        let command = match (self.header[1], self.block_cipher) {
            (0x16, BlockCipher::Des) => Construction::CardBlock,
            (0x18, BlockCipher::Des) => Construction::ApplicationUnblock,
            (0x1E, BlockCipher::Des) => Construction::ApplicationBlock,
            _ if self.key.len() == 8 => Construction::LineMacDes,
            _ if self.challenge.len() == 8 => self.block_cipher.pick(
                Construction::LineMacLongChallenge,
                Construction::LineMacLongChallengeSm4,
                Construction::LineMacLongChallengeAes,
            ),
            _ => self.block_cipher.pick(Construction::LineMac, Construction::LineMacSm4, Construction::LineMacAes),
        };
        let enciphered = self.enciphered.then(|| encipherment(self.block_cipher));
        let answer = self.answer.as_ref().map(|_| {
            self.block_cipher.pick(Construction::AnswerMac, Construction::AnswerMacSm4, Construction::AnswerMacAes)
        });
        let answer_enciphered = self.answer.as_ref().is_some_and(|answer| answer.enciphered).then(|| {
            self.block_cipher.pick(
                Construction::AnswerEncipherment,
                Construction::AnswerEnciphermentSm4,
                Construction::AnswerEnciphermentAes,
            )
        });
        [Some(command), enciphered, answer, answer_enciphered].into_iter().flatten().collect()
    }

    fn check(&self) -> Result<(), &'static str> {
        agrees("key", self.block_cipher.takes(&self.key))?;
        agrees("challenge", matches!(self.challenge.len(), 4 | 8))?;
        agrees("cipher", self.enciphered == self.cipher.is_some())?;
        let data = self.cipher.as_ref().unwrap_or(&self.plain);
        agrees("apdu", is_command(&self.apdu, &self.header, &[data, &self.mac]))?;
        agrees("answer", self.answer.as_ref().is_none_or(|answer| answer.enciphered == answer.cipher.is_some()))
    }
}

/// Length byte and data, padded only if needed, enciphered block by block. For sources that print no MAC.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Encipherment {
    /// The key's.
    #[serde(default)]
    pub block_cipher: BlockCipher,
    /// 8 or 16 bytes.
    #[serde(deserialize_with = "hex_field::field")]
    pub key: Vec<u8>,
    /// The data in clear, without length byte and padding.
    #[serde(deserialize_with = "hex_field::field")]
    pub plain: Vec<u8>,
    /// As sent.
    #[serde(deserialize_with = "hex_field::field")]
    pub cipher: Vec<u8>,
}

impl Body for Encipherment {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        vec![("key", &self.key)]
    }

    fn constructions(&self) -> Vec<Construction> {
        vec![encipherment(self.block_cipher)]
    }

    fn check(&self) -> Result<(), &'static str> {
        agrees("key", self.block_cipher.takes(&self.key))
    }
}

fn encipherment(block_cipher: BlockCipher) -> Construction {
    let [des, sm4, aes] =
        [Construction::LineEncipherment, Construction::LineEnciphermentSm4, Construction::LineEnciphermentAes];
    block_cipher.pick(des, sm4, aes)
}
