//! MACs, cut to their left 4 bytes: DES and SM4 by the CBC-MACs of ISO/IEC 9797-1 with padding method 2, AES by CMAC
//! (NIST SP 800-38B). SM4 and AES are this profile's own.

use aes::Aes128Enc;
use cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use cmac::{Cmac, Mac};
use des::{Des, TdesEde2, TdesEde3};
use onecard_wire::{layout::Writer, status::StatusWord};
use sm4::Sm4;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::key::{BLOCK_LEN_MAX, Key, first_half, halves};

/// The block in front of a message: a challenge and zeros, or zeros alone. DES takes its first 8 bytes.
pub(crate) type InitialBlock = [u8; BLOCK_LEN_MAX];

/// An IV of 0.
pub(crate) const ZERO_BLOCK: InitialBlock = [0; BLOCK_LEN_MAX];

/// A key as transaction MACs take it, erased when dropped.
#[derive(ZeroizeOnDrop)]
pub(crate) enum TransactionKey {
    Des([u8; 8]),
    Sm4([u8; 16]),
    Aes([u8; 16]),
}

impl TransactionKey {
    /// A session key: `input` enciphered, behind it 80 00… for SM4 and AES, whose blocks are longer.
    pub(crate) fn derive(key: &Key, input: [u8; 8]) -> Self {
        let mut block: Zeroizing<InitialBlock> = Zeroizing::new(Writer::new().put(&input).u8(0x80).finish());
        key.cipher().encipher_all(block.get_mut(..key.block_len()).unwrap_or_default());
        match key {
            Key::Des(_) | Key::TripleDes(_) => Self::Des(first_half(*block)),
            Key::Sm4(_) => Self::Sm4(*block),
            Key::Aes(_) => Self::Aes(*block),
        }
    }

    /// The left half XOR the right half of a triple DES key, as TAC and PIN reload use it; any other key whole.
    pub(crate) fn fold(key: &Key) -> Self {
        match key {
            Key::Des(key) => Self::Des(*key),
            Key::TripleDes(key) => {
                let (left, right) = halves(*key);
                Self::Des((u64::from_ne_bytes(left) ^ u64::from_ne_bytes(right)).to_ne_bytes())
            }
            Key::Sm4(key) => Self::Sm4(*key),
            Key::Aes(key) => Self::Aes(*key),
        }
    }

    /// MAC1, MAC2, MAC3, TAC, PIN reload: algorithm 1 with IV 0 for DES (JR/T 0025.2) and SM4, CMAC for AES.
    pub(crate) fn mac(&self, message: &[u8]) -> [u8; 4] {
        match self {
            Self::Des(key) => left(cbc_mac(&Des::new(key.into()), [0; 8], [message])),
            Self::Sm4(key) => left(cbc_mac(&Sm4::new(key.into()), ZERO_BLOCK, [message])),
            Self::Aes(key) => cmac(key, [message]),
        }
    }

    /// As a key of the same cipher.
    pub(crate) const fn to_key(&self) -> Key {
        match self {
            Self::Des(key) => Key::Des(*key),
            Self::Sm4(key) => Key::Sm4(*key),
            Self::Aes(key) => Key::Aes(*key),
        }
    }
}

/// Line-protection MAC with `initial` as IV: algorithm 3 with a triple DES key, algorithm 1 with a DES key (FMCOS 2.0 user
/// manual p. 136) and with SM4. AES has no IV: CMAC of `initial` and the message behind it.
pub(crate) fn line_mac(key: &Key, initial: InitialBlock, parts: &[&[u8]]) -> [u8; 4] {
    match key {
        Key::Des(key) => left(cbc_mac(&Des::new(key.into()), first_half(initial), parts.iter().copied())),
        Key::TripleDes(key) => left(retail_mac(*key, first_half(initial), parts)),
        Key::Sm4(key) => left(cbc_mac(&Sm4::new(key.into()), initial, parts.iter().copied())),
        Key::Aes(key) => cmac(key, core::iter::once(&initial[..]).chain(parts.iter().copied())),
    }
}

/// CMAC of a message in parts, its left 4 bytes.
pub(crate) fn cmac<'p>(key: &[u8; 16], parts: impl IntoIterator<Item = &'p [u8]>) -> [u8; 4] {
    left(whole_cmac(key, parts))
}

/// CMAC of a message in parts.
pub(crate) fn whole_cmac<'p>(key: &[u8; 16], parts: impl IntoIterator<Item = &'p [u8]>) -> InitialBlock {
    let mut mac = Cmac::<Aes128Enc>::new(key.into());
    parts.into_iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().0
}

/// The chaining value behind whole blocks, for a line-protection MAC whose message is padded already and comes in parts;
/// `None` for AES, whose CMAC pads by itself.
pub(crate) fn chain(key: &Key, initial: InitialBlock, blocks: &[u8]) -> Option<InitialBlock> {
    let des_chain = |cipher: Des| {
        let mut chain = Chain::new(&cipher, first_half(initial));
        chain.update(blocks);
        Writer::new().put(&chain.value).finish()
    };
    Some(match key {
        Key::Des(key) => des_chain(Des::new(key.into())),
        Key::TripleDes(key) => des_chain(Des::new(&halves(*key).0.into())),
        Key::Sm4(key) => {
            let cipher = Sm4::new(key.into());
            let mut chain = Chain::new(&cipher, initial);
            chain.update(blocks);
            chain.value
        }
        Key::Aes(_) => return None,
    })
}

/// The last step of a line-protection MAC whose blocks are chained.
pub(crate) fn close_line_mac(key: &Key, last: InitialBlock) -> [u8; 4] {
    match key {
        Key::TripleDes(key) => {
            let (first, second) = halves(*key);
            left(close_algorithm_3(&Des::new(&first.into()), second, first_half(last)))
        }
        Key::Des(_) | Key::Sm4(_) | Key::Aes(_) => left(last),
    }
}

/// Algorithm 3 whole, as SCP02 has it (GlobalPlatform Card Specification 2.3 clause B.1.2.2): `initial` as IV, padded by 80 00….
pub(crate) fn retail_mac(key: [u8; 16], initial: [u8; 8], parts: &[&[u8]]) -> [u8; 8] {
    let (first, second) = halves(key);
    let cipher = Des::new(&first.into());
    let last = cbc_mac(&cipher, initial, parts.iter().copied());
    close_algorithm_3(&cipher, second, last)
}

/// Algorithm 3 deciphers the last block by the right half and enciphers it by the left again.
fn close_algorithm_3(first: &Des, second: [u8; 8], mut last: [u8; 8]) -> [u8; 8] {
    Des::new(&second.into()).decrypt_block((&mut last).into());
    first.encipher(&mut last);
    last
}

/// Algorithm 1 before it is cut, the message padded by 80 00… (always).
pub(super) fn cbc_mac<'p, C: BlockCipher<N>, const N: usize>(
    cipher: &C,
    initial: [u8; N],
    parts: impl IntoIterator<Item = &'p [u8]>,
) -> [u8; N] {
    let mut chain = Chain::new(cipher, initial);
    parts.into_iter().for_each(|part| chain.update(part));
    chain.finish()
}

/// The last block of a CBC from zeros, the message filled up with zeros where it does not fill whole blocks (ETSI TS 102 225
/// clause 5.1.3.1).
pub(super) fn cbc_mac_with_zeros<C: BlockCipher<N>, const N: usize>(cipher: &C, parts: &[&[u8]]) -> [u8; N] {
    let mut chain = Chain::new(cipher, [0; N]);
    parts.iter().for_each(|part| chain.update(part));
    chain.finish_with_zeros()
}

/// CBC over a message that comes in parts.
struct Chain<'c, C, const N: usize> {
    cipher: &'c C,
    value: [u8; N],
    filled: usize,
}

impl<'c, C: BlockCipher<N>, const N: usize> Chain<'c, C, N> {
    const fn new(cipher: &'c C, initial: [u8; N]) -> Self {
        Self { cipher, value: initial, filled: 0 }
    }

    /// Adds a part of the message.
    fn update(&mut self, part: &[u8]) {
        let to_fill = (N - self.filled) % N;
        let (head, rest) = part.split_at(to_fill.min(part.len()));
        self.add_within_block(head);
        let (blocks, tail) = rest.as_chunks::<N>();
        for block in blocks {
            self.value.iter_mut().zip(block).for_each(|(cell, byte)| *cell ^= byte);
            self.cipher.encipher(&mut self.value);
        }
        self.add_within_block(tail);
    }

    /// Adds no more than the block has room for.
    fn add_within_block(&mut self, part: &[u8]) {
        for (cell, byte) in self.value.iter_mut().skip(self.filled).zip(part) {
            *cell ^= byte;
        }
        self.filled += part.len();
        if self.filled == N {
            self.cipher.encipher(&mut self.value);
            self.filled = 0;
        }
    }

    /// Fills the last block up with zeros, if it is not full, and returns it.
    fn finish_with_zeros(mut self) -> [u8; N] {
        if self.filled != 0 {
            self.cipher.encipher(&mut self.value);
        }
        self.value
    }

    /// Pads by 80 00… (always) and returns the last block.
    fn finish(mut self) -> [u8; N] {
        self.update(&[0x80]);
        self.finish_with_zeros()
    }
}

/// A cipher that a CBC-MAC chains.
pub(super) trait BlockCipher<const N: usize> {
    fn encipher(&self, block: &mut [u8; N]);
}

impl BlockCipher<8> for Des {
    fn encipher(&self, block: &mut [u8; 8]) {
        self.encrypt_block(block.into());
    }
}

impl BlockCipher<8> for TdesEde2 {
    fn encipher(&self, block: &mut [u8; 8]) {
        self.encrypt_block(block.into());
    }
}

impl BlockCipher<8> for TdesEde3 {
    fn encipher(&self, block: &mut [u8; 8]) {
        self.encrypt_block(block.into());
    }
}

impl BlockCipher<16> for Sm4 {
    fn encipher(&self, block: &mut [u8; 16]) {
        self.encrypt_block(block.into());
    }
}

/// Pads by 80 00… up to whole blocks (always, as MACs want it).
///
/// # Errors
/// 6700 if there is no room.
pub(crate) fn pad<const N: usize>(text: &mut heapless::Vec<u8, N>, block_len: usize) -> Result<(), StatusWord> {
    text.push(0x80).map_err(|_| StatusWord::WRONG_LENGTH)?;
    let padded = text.len().next_multiple_of(block_len);
    text.resize(padded, 0).map_err(|_| StatusWord::WRONG_LENGTH)
}

fn left<const N: usize>(block: [u8; N]) -> [u8; 4] {
    block.first_chunk().copied().unwrap_or_default()
}
