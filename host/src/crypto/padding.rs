//! Padding to whole blocks.

use zeroize::Zeroizing;

/// Length of a DES block.
pub const BLOCK_LEN: usize = 8;
/// One DES block.
pub type Block = [u8; BLOCK_LEN];

/// Padding method 2 (ISO/IEC 9797-1 clause 6.3.2): 80, then zeros to whole blocks; always at least one byte.
#[must_use]
pub fn method_2(message: &[u8]) -> Zeroizing<Vec<Block>> {
    let mut blocks = to_blocks(message, message.len() / BLOCK_LEN + 1);
    let marked = blocks.last_mut().and_then(|block| block.get_mut(message.len() % BLOCK_LEN));
    if let Some(byte) = marked {
        *byte = 0x80;
    }
    blocks
}

/// The same, but a message of whole blocks stays as it is: what FMCOS enciphers (user manual p. 136).
#[must_use]
pub fn method_2_if_needed(message: &[u8]) -> Zeroizing<Vec<Block>> {
    if message.len().is_multiple_of(BLOCK_LEN) {
        to_blocks(message, message.len() / BLOCK_LEN)
    } else {
        method_2(message)
    }
}

fn to_blocks(message: &[u8], count: usize) -> Zeroizing<Vec<Block>> {
    let mut blocks = Zeroizing::new(vec![[0; BLOCK_LEN]; count]);
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
}
