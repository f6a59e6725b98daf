//! CBC-MACs of ISO/IEC 9797-1 with padding method 2, cut to their left 4 bytes.

use cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use des::Des;
use onecard_wire::status::StatusWord;
use zeroize::Zeroize;

use super::{BLOCK_LEN, Block, Key};

/// Single-DES CBC over a message that comes in parts.
pub(crate) struct CbcMac {
    cipher: Des,
    chain: Block,
    filled: usize,
}

impl CbcMac {
    /// Starts with `initial` as chaining value.
    pub(crate) fn new(key: &[u8; 8], initial: Block) -> Self {
        Self { cipher: Des::new(key.into()), chain: initial, filled: 0 }
    }

    /// Adds a part of the message.
    pub(crate) fn update(&mut self, part: &[u8]) {
        let to_fill = (BLOCK_LEN - self.filled) % BLOCK_LEN;
        let (head, rest) = part.split_at(to_fill.min(part.len()));
        self.add_within_block(head);
        let (blocks, tail) = rest.as_chunks::<BLOCK_LEN>();
        for block in blocks {
            self.chain = (u64::from_ne_bytes(self.chain) ^ u64::from_ne_bytes(*block)).to_ne_bytes();
            self.cipher.encrypt_block((&mut self.chain).into());
        }
        self.add_within_block(tail);
    }

    /// Adds no more than the block has room for.
    fn add_within_block(&mut self, part: &[u8]) {
        for (cell, byte) in self.chain.iter_mut().skip(self.filled).zip(part) {
            *cell ^= byte;
        }
        self.filled += part.len();
        if self.filled == BLOCK_LEN {
            self.cipher.encrypt_block((&mut self.chain).into());
            self.filled = 0;
        }
    }

    /// The chaining value after the whole blocks so far.
    pub(crate) const fn chain(&self) -> Block {
        self.chain
    }

    /// Pads by 80 00… (always) and returns the last block.
    pub(crate) fn finish(mut self) -> Block {
        self.update(&[0x80]);
        if self.filled != 0 {
            self.cipher.encrypt_block((&mut self.chain).into());
        }
        self.chain
    }
}

/// MAC1, MAC2, MAC3 and TAC: algorithm 1 with single DES, IV 0 (JR/T 0025.2).
pub(crate) fn transaction_mac(key: &[u8; 8], message: &[u8]) -> [u8; 4] {
    let mut mac = CbcMac::new(key, [0; BLOCK_LEN]);
    mac.update(message);
    left(&mac.finish())
}

/// Line-protection MAC: algorithm 3 with a 16-byte key, algorithm 1 with an 8-byte one (FMCOS 2.0 user manual p. 136).
pub(crate) fn line_mac(key: &Key, initial: Block, parts: &[&[u8]]) -> [u8; 4] {
    let (first, _) = key.halves();
    let mut mac = CbcMac::new(first, initial);
    parts.iter().for_each(|part| mac.update(part));
    close_line_mac(key, mac.finish())
}

/// The last step of a line-protection MAC: algorithm 3 deciphers by the right half and enciphers by the left again.
pub(crate) fn close_line_mac(key: &Key, mut last: Block) -> [u8; 4] {
    let (first, second) = key.halves();
    if let Some(second) = second {
        Des::new(second.into()).decrypt_block((&mut last).into());
        Des::new(first.into()).encrypt_block((&mut last).into());
    }
    left(&last)
}

/// The left half XOR the right half of a 16-byte key, as TAC and PIN reload use it; an 8-byte key as it is.
pub(crate) fn fold(key: &Key) -> FoldedKey {
    let (first, second) = key.halves();
    let mut folded = *first;
    for (to, from) in folded.iter_mut().zip(second.into_iter().flatten()) {
        *to ^= from;
    }
    FoldedKey(folded)
}

/// A single-DES key made on the spot, erased when dropped.
pub(crate) struct FoldedKey(pub(crate) [u8; 8]);

impl Drop for FoldedKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Pads by 80 00… up to whole blocks (always, as MACs want it).
///
/// # Errors
/// 6700 if there is no room.
pub(crate) fn pad<const N: usize>(text: &mut heapless::Vec<u8, N>) -> Result<(), StatusWord> {
    text.push(0x80).map_err(|_| StatusWord::WRONG_LENGTH)?;
    let padded = text.len().next_multiple_of(BLOCK_LEN);
    text.resize(padded, 0).map_err(|_| StatusWord::WRONG_LENGTH)
}

fn left(block: &Block) -> [u8; 4] {
    let [a, b, c, d, ..] = *block;
    [a, b, c, d]
}
