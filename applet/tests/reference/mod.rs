//! Session keys and MACs made from the bare block ciphers, as a terminal makes them: written from the specification's
//! chapter 4 and judged by the published vectors of `ciphers.rs`.

use aes::Aes128;
use cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use des::{Des, TdesEde2};
use sm4::Sm4;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Algorithm {
    TripleDes,
    Sm4,
    Aes,
}

pub const ALGORITHMS: [Algorithm; 3] = [Algorithm::TripleDes, Algorithm::Sm4, Algorithm::Aes];

/// A key of 16 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    pub algorithm: Algorithm,
    pub value: [u8; 16],
}

impl Algorithm {
    /// In a key record.
    pub fn id(self) -> u8 {
        match self {
            Self::TripleDes => 0x00,
            Self::Sm4 => 0x04,
            Self::Aes => 0x06,
        }
    }

    /// At the end of CREATE FILE of a key file.
    pub fn file_byte(self) -> u8 {
        if self == Self::TripleDes { 0xFF } else { self.id() }
    }

    pub fn key(self, value: [u8; 16]) -> Key {
        Key { algorithm: self, value }
    }

    pub fn block_len(self) -> usize {
        if self == Self::TripleDes { 8 } else { 16 }
    }

    /// MAC1, MAC2, MAC3, TAC: the key is that of a session, or a folded one.
    pub fn transaction_mac(self, key: &[u8], message: &[u8]) -> Vec<u8> {
        let mut mac = match self {
            Self::TripleDes => cbc(8, |block| des(key, block), vec![0; 8], &padded(message, 8)),
            Self::Sm4 => cbc(16, |block| sm4(key, block), vec![0; 16], &padded(message, 16)),
            Self::Aes => cmac(key, message),
        };
        mac.truncate(4);
        mac
    }
}

impl Key {
    /// ECB of whole blocks.
    pub fn encipher(&self, text: &[u8]) -> Vec<u8> {
        text.chunks(self.algorithm.block_len()).flat_map(|block| self.block(block)).collect()
    }

    /// The inverse.
    pub fn decipher(&self, text: &[u8]) -> Vec<u8> {
        text.chunks(self.algorithm.block_len()).flat_map(|block| self.block_back(block)).collect()
    }

    /// `LD ‖ data`, padded only if needed, ECB.
    pub fn encipher_body(&self, data: &[u8]) -> Vec<u8> {
        let mut text = [&[data.len() as u8], data].concat();
        if !text.len().is_multiple_of(self.algorithm.block_len()) {
            text = padded(&text, self.algorithm.block_len());
        }
        self.encipher(&text)
    }

    pub fn diversified(&self, factor: &[u8; 8]) -> Self {
        let inverse: Vec<u8> = factor.iter().map(|byte| !byte).collect();
        self.algorithm.key(self.encipher(&[&factor[..], &inverse].concat()).try_into().unwrap())
    }

    /// `random ‖ sequence ‖ tail`, 8 bytes.
    pub fn session(&self, input: &[u8]) -> Vec<u8> {
        assert_eq!(input.len(), 8);
        match self.algorithm {
            Algorithm::TripleDes => self.encipher(input),
            _ => self.encipher(&padded(input, 16)),
        }
    }

    pub fn tac(&self, message: &[u8]) -> Vec<u8> {
        let folded = self.value[..8].iter().zip(&self.value[8..]).map(|(left, right)| left ^ right).collect();
        let key = if self.algorithm == Algorithm::TripleDes { folded } else { self.value.to_vec() };
        self.algorithm.transaction_mac(&key, message)
    }

    pub fn line_mac(&self, challenge: &[u8], message: &[u8]) -> Vec<u8> {
        let mut initial = challenge.to_vec();
        initial.resize(self.algorithm.block_len(), 0);
        let (left, right) = self.value.split_at(8);
        let mut mac = match self.algorithm {
            Algorithm::TripleDes => {
                let last = cbc(8, |block| des(left, block), initial, &padded(message, 8));
                let mut last: [u8; 8] = last.try_into().unwrap();
                Des::new_from_slice(right).unwrap().decrypt_block((&mut last).into());
                des(left, &last)
            }
            Algorithm::Sm4 => cbc(16, |block| sm4(&self.value, block), initial, &padded(message, 16)),
            Algorithm::Aes => cmac(&self.value, &[&initial, message].concat()),
        };
        mac.truncate(4);
        mac
    }

    /// A protected command: `header` is `CLA INS P1 P2`, `body` the data as it travels.
    pub fn protect(&self, challenge: &[u8], header: &[u8], body: &[u8]) -> Vec<u8> {
        let message = [header, &[body.len() as u8 + 4], body].concat();
        let mac = self.line_mac(challenge, &message);
        [message, mac].concat()
    }

    fn block(&self, block: &[u8]) -> Vec<u8> {
        match self.algorithm {
            Algorithm::TripleDes => {
                let mut block: [u8; 8] = block.try_into().unwrap();
                TdesEde2::new(&self.value.into()).encrypt_block((&mut block).into());
                block.to_vec()
            }
            Algorithm::Sm4 => sm4(&self.value, block),
            Algorithm::Aes => aes(&self.value, block),
        }
    }
}

impl Key {
    fn block_back(&self, block: &[u8]) -> Vec<u8> {
        let mut whole = block.to_vec();
        match self.algorithm {
            Algorithm::TripleDes => {
                let block: &mut [u8; 8] = whole.as_mut_slice().try_into().unwrap();
                TdesEde2::new(&self.value.into()).decrypt_block(block.into());
            }
            Algorithm::Sm4 => {
                let block: &mut [u8; 16] = whole.as_mut_slice().try_into().unwrap();
                Sm4::new(&self.value.into()).decrypt_block(block.into());
            }
            Algorithm::Aes => {
                let block: &mut [u8; 16] = whole.as_mut_slice().try_into().unwrap();
                Aes128::new(&self.value.into()).decrypt_block(block.into());
            }
        }
        whole
    }
}

/// 80 00… always.
pub fn padded(message: &[u8], block_len: usize) -> Vec<u8> {
    let mut message = [message, &[0x80]].concat();
    message.resize(message.len().next_multiple_of(block_len), 0);
    message
}

fn cbc(block_len: usize, encipher: impl Fn(&[u8]) -> Vec<u8>, initial: Vec<u8>, message: &[u8]) -> Vec<u8> {
    message.chunks(block_len).fold(initial, |chain, block| encipher(&xor(&chain, block)))
}

/// NIST SP 800-38B, clause 6.
pub fn cmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let double = |block: &[u8]| {
        let value = u128::from_be_bytes(block.try_into().unwrap());
        (value << 1 ^ if value >> 127 == 1 { 0x87 } else { 0 }).to_be_bytes()
    };
    let first = double(&aes(key, &[0; 16]));
    let whole = !message.is_empty() && message.len().is_multiple_of(16);
    let (mut message, subkey) = if whole { (message.to_vec(), first) } else { (padded(message, 16), double(&first)) };
    let last = message.split_off(message.len() - 16);
    let chain = cbc(16, |block| aes(key, block), vec![0; 16], &message);
    aes(key, &xor(&xor(&chain, &last), &subkey))
}

fn xor(left: &[u8], right: &[u8]) -> Vec<u8> {
    left.iter().zip(right).map(|(left, right)| left ^ right).collect()
}

fn des(key: &[u8], block: &[u8]) -> Vec<u8> {
    let mut block: [u8; 8] = block.try_into().unwrap();
    Des::new_from_slice(key).unwrap().encrypt_block((&mut block).into());
    block.to_vec()
}

fn sm4(key: &[u8], block: &[u8]) -> Vec<u8> {
    let mut block: [u8; 16] = block.try_into().unwrap();
    Sm4::new_from_slice(key).unwrap().encrypt_block((&mut block).into());
    block.to_vec()
}

fn aes(key: &[u8], block: &[u8]) -> Vec<u8> {
    let mut block: [u8; 16] = block.try_into().unwrap();
    Aes128::new_from_slice(key).unwrap().encrypt_block((&mut block).into());
    block.to_vec()
}
