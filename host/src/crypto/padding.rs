//! Padding to whole blocks.

use onecard_wire::{key::Algorithm, layout::Writer};
use zeroize::Zeroizing;

/// Length of a DES block.
pub const BLOCK_LEN: usize = 8;
/// One DES block, and what a challenge fills.
pub type Block = [u8; BLOCK_LEN];
/// Length of a block of SM4 and AES.
pub const WIDE_BLOCK_LEN: usize = 16;
/// One block of SM4 or AES.
pub type WideBlock = [u8; WIDE_BLOCK_LEN];

/// Padding method 2 (ISO/IEC 9797-1 clause 6.3.2): 80, then zeros to whole blocks; always at least one byte.
#[must_use]
pub fn method_2<const N: usize>(message: &[u8]) -> Zeroizing<Vec<[u8; N]>> {
    let mut blocks = to_blocks(message, message.len() / N + 1);
    let marked = blocks.last_mut().and_then(|block: &mut [u8; N]| block.get_mut(message.len() % N));
    if let Some(byte) = marked {
        *byte = 0x80;
    }
    blocks
}

/// The same, but a message of whole blocks stays as it is: what FMCOS enciphers (user manual p. 136).
#[must_use]
pub fn method_2_if_needed<const N: usize>(message: &[u8]) -> Zeroizing<Vec<[u8; N]>> {
    if message.len().is_multiple_of(N) { to_blocks(message, message.len() / N) } else { method_2(message) }
}

/// What a terminal hands DES CRYPT for a MAC from `initial`: this block, then the message, padded but for AES, whose CMAC
/// pads by itself (own).
pub(crate) fn for_des_crypt(algorithm: Algorithm, initial: Block, message: &[u8]) -> Vec<u8> {
    match algorithm {
        Algorithm::Des => for_des_crypt_from(algorithm, &initial, message),
        Algorithm::Sm4 | Algorithm::Aes => for_des_crypt_from(algorithm, &widened(initial), message),
    }
}

/// The same from a block of the cipher's own length.
pub(crate) fn for_des_crypt_from(algorithm: Algorithm, initial: &[u8], message: &[u8]) -> Vec<u8> {
    match algorithm {
        Algorithm::Des => [initial, method_2::<BLOCK_LEN>(message).as_flattened()].concat(),
        Algorithm::Sm4 => [initial, method_2::<WIDE_BLOCK_LEN>(message).as_flattened()].concat(),
        Algorithm::Aes => [initial, message].concat(),
    }
}

/// What method 2 puts behind 8 bytes in a block of SM4 or AES.
pub(crate) const PADDING: Block = [0x80, 0, 0, 0, 0, 0, 0, 0];

/// Zeros behind a challenge, to a block of SM4 or AES (own).
pub(crate) fn widened(challenge: Block) -> WideBlock {
    joined(challenge, [0; BLOCK_LEN])
}

/// Two halves of a block of SM4 or AES.
pub(crate) fn joined(left: Block, right: Block) -> WideBlock {
    Writer::new().put(&left).put(&right).finish()
}

fn to_blocks<const N: usize>(message: &[u8], count: usize) -> Zeroizing<Vec<[u8; N]>> {
    let mut blocks = Zeroizing::new(vec![[0; N]; count]);
    for (to, from) in blocks.as_flattened_mut().iter_mut().zip(message) {
        *to = *from;
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_block_grows_only_by_method_2() {
        assert_eq!(method_2(&[])[..], [[0x80, 0, 0, 0, 0, 0, 0, 0]]);
        assert_eq!(method_2(&[1; 7])[..], [[1, 1, 1, 1, 1, 1, 1, 0x80]]);
        assert_eq!(method_2(&[1; 8])[..], [[1; 8], [0x80, 0, 0, 0, 0, 0, 0, 0]]);
        assert_eq!(method_2_if_needed(&[1; 8])[..], [[1; 8]]);
        assert_eq!(method_2_if_needed(&[1; 9])[..], [[1; 8], [1, 0x80, 0, 0, 0, 0, 0, 0]]);
    }

    #[test]
    fn zeros_stand_behind_a_challenge() {
        assert_eq!(widened([1, 2, 3, 4, 5, 6, 7, 8]), [1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}
