//! Keys of the issuer domain's key sets: triple DES of two or three keys, AES of 128, 192 or 256 bits (GlobalPlatform Card
//! Specification 2.3 clause B.1, B.2).

use aes::{Aes128, Aes128Enc, Aes192, Aes192Enc, Aes256, Aes256Enc};
use cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use cmac::{Cmac, Mac};
use des::{TdesEde2, TdesEde3};
use zeroize::ZeroizeOnDrop;

use super::{
    key::BLOCK_LEN_MAX,
    mac::{InitialBlock, cbc_mac, cbc_mac_with_zeros},
};
use crate::rfid_sim::KeySetCipher;

/// Longest key in bytes.
pub(crate) const DOMAIN_KEY_LEN_MAX: usize = 32;
/// Length of a key check value in bytes.
pub(crate) const CHECK_VALUE_LEN: usize = 3;

/// A secret key, erased when dropped.
#[derive(Clone, ZeroizeOnDrop)]
pub(crate) enum DomainKey {
    TripleDes2([u8; 16]),
    TripleDes3([u8; 24]),
    Aes128([u8; 16]),
    Aes192([u8; 24]),
    Aes256([u8; 32]),
}

impl DomainKey {
    /// `None` for a length that no key of `cipher` has.
    pub(crate) fn from_value(cipher: KeySetCipher, value: &[u8]) -> Option<Self> {
        let key = match cipher {
            KeySetCipher::Des => {
                value.try_into().map(Self::TripleDes2).or_else(|_| value.try_into().map(Self::TripleDes3))
            }
            KeySetCipher::Aes => value
                .try_into()
                .map(Self::Aes128)
                .or_else(|_| value.try_into().map(Self::Aes192))
                .or_else(|_| value.try_into().map(Self::Aes256)),
        };
        key.ok()
    }

    /// Its cipher.
    pub(crate) const fn cipher(&self) -> KeySetCipher {
        match self {
            Self::TripleDes2(_) | Self::TripleDes3(_) => KeySetCipher::Des,
            Self::Aes128(_) | Self::Aes192(_) | Self::Aes256(_) => KeySetCipher::Aes,
        }
    }

    /// Its value.
    pub(crate) const fn value(&self) -> &[u8] {
        match self {
            Self::TripleDes2(key) | Self::Aes128(key) => key,
            Self::TripleDes3(key) | Self::Aes192(key) => key,
            Self::Aes256(key) => key,
        }
    }

    /// Block length in bytes.
    pub(crate) const fn block_len(&self) -> usize {
        match self.cipher() {
            KeySetCipher::Des => 8,
            KeySetCipher::Aes => BLOCK_LEN_MAX,
        }
    }

    /// Enciphers every whole block by itself (ECB).
    pub(crate) fn encipher(&self, text: &mut [u8]) {
        self.encipher_blocks(None, text);
    }

    /// Deciphers every whole block by itself (ECB).
    pub(crate) fn decipher(&self, text: &mut [u8]) {
        self.decipher_blocks(None, text);
    }

    /// Enciphers whole blocks in CBC; DES takes the first 8 bytes of `initial`.
    pub(crate) fn encipher_cbc(&self, initial: InitialBlock, text: &mut [u8]) {
        self.encipher_blocks(Some(initial), text);
    }

    /// Deciphers whole blocks in CBC.
    pub(crate) fn decipher_cbc(&self, initial: InitialBlock, text: &mut [u8]) {
        self.decipher_blocks(Some(initial), text);
    }

    /// AES: CMAC. Triple DES: CBC-MAC with the whole cipher on each block, IV 0, padded by 80 00…, in the first 8 bytes.
    pub(crate) fn mac<'p>(&self, parts: impl IntoIterator<Item = &'p [u8]>) -> InitialBlock {
        match self {
            Self::TripleDes2(key) => long(cbc_mac(&TdesEde2::new(key.into()), [0; 8], parts)),
            Self::TripleDes3(key) => long(cbc_mac(&TdesEde3::new(key.into()), [0; 8], parts)),
            Self::Aes128(key) => finish(Cmac::<Aes128Enc>::new(key.into()), parts),
            Self::Aes192(key) => finish(Cmac::<Aes192Enc>::new(key.into()), parts),
            Self::Aes256(key) => finish(Cmac::<Aes256Enc>::new(key.into()), parts),
        }
    }

    /// Checksum of a packet over the air: AES the first half of a CMAC; triple DES the last block of a CBC over the message
    /// filled up with zeros (ETSI TS 102 225 clause 5.1.3.1).
    pub(crate) fn packet_checksum(&self, parts: &[&[u8]]) -> [u8; 8] {
        match self {
            Self::TripleDes2(key) => cbc_mac_with_zeros(&TdesEde2::new(key.into()), parts),
            Self::TripleDes3(key) => cbc_mac_with_zeros(&TdesEde3::new(key.into()), parts),
            Self::Aes128(_) | Self::Aes192(_) | Self::Aes256(_) => short(self.mac(parts.iter().copied())),
        }
    }

    /// Key check value: of triple DES a block of zeros, of AES one of 01, enciphered, the first 3 bytes (clause B.5, B.6).
    pub(crate) fn check_value(&self) -> [u8; CHECK_VALUE_LEN] {
        let filling = match self.cipher() {
            KeySetCipher::Des => 0x00,
            KeySetCipher::Aes => 0x01,
        };
        let mut block = [filling; BLOCK_LEN_MAX];
        self.encipher(block.get_mut(..self.block_len()).unwrap_or_default());
        let [a, b, c, ..] = block;
        [a, b, c]
    }

    fn encipher_blocks(&self, initial: Option<InitialBlock>, text: &mut [u8]) {
        match self {
            Self::TripleDes2(key) => encipher_each(&TdesEde2::new(key.into()), initial.map(short), text),
            Self::TripleDes3(key) => encipher_each(&TdesEde3::new(key.into()), initial.map(short), text),
            Self::Aes128(key) => encipher_each(&Aes128::new(key.into()), initial, text),
            Self::Aes192(key) => encipher_each(&Aes192::new(key.into()), initial, text),
            Self::Aes256(key) => encipher_each(&Aes256::new(key.into()), initial, text),
        }
    }

    fn decipher_blocks(&self, initial: Option<InitialBlock>, text: &mut [u8]) {
        match self {
            Self::TripleDes2(key) => decipher_each(&TdesEde2::new(key.into()), initial.map(short), text),
            Self::TripleDes3(key) => decipher_each(&TdesEde3::new(key.into()), initial.map(short), text),
            Self::Aes128(key) => decipher_each(&Aes128::new(key.into()), initial, text),
            Self::Aes192(key) => decipher_each(&Aes192::new(key.into()), initial, text),
            Self::Aes256(key) => decipher_each(&Aes256::new(key.into()), initial, text),
        }
    }
}

/// With a chaining value CBC, without one ECB.
fn encipher_each<C: BlockCipherEncrypt, const N: usize>(cipher: &C, mut chained: Option<[u8; N]>, text: &mut [u8])
where
    for<'a> &'a mut [u8; N]: Into<&'a mut cipher::Block<C>>,
{
    for block in text.as_chunks_mut::<N>().0 {
        if let Some(previous) = &chained {
            block.iter_mut().zip(previous).for_each(|(cell, byte)| *cell ^= byte);
        }
        cipher.encrypt_block((&mut *block).into());
        if let Some(previous) = &mut chained {
            *previous = *block;
        }
    }
}

fn decipher_each<C: BlockCipherDecrypt, const N: usize>(cipher: &C, mut chained: Option<[u8; N]>, text: &mut [u8])
where
    for<'a> &'a mut [u8; N]: Into<&'a mut cipher::Block<C>>,
{
    for block in text.as_chunks_mut::<N>().0 {
        let enciphered = *block;
        cipher.decrypt_block((&mut *block).into());
        if let Some(previous) = &mut chained {
            block.iter_mut().zip(&*previous).for_each(|(cell, byte)| *cell ^= byte);
            *previous = enciphered;
        }
    }
}

fn finish<'p, M: Mac>(mut mac: M, parts: impl IntoIterator<Item = &'p [u8]>) -> InitialBlock {
    parts.into_iter().for_each(|part| mac.update(part));
    let mut block = [0; BLOCK_LEN_MAX];
    block.iter_mut().zip(mac.finalize().into_bytes()).for_each(|(to, from)| *to = from);
    block
}

fn long(block: [u8; 8]) -> InitialBlock {
    let mut long = [0; BLOCK_LEN_MAX];
    long.iter_mut().zip(block).for_each(|(to, from)| *to = from);
    long
}

fn short(block: InitialBlock) -> [u8; 8] {
    super::key::first_half(block)
}
