//! AES key wrap (RFC 3394; NIST SP 800-38F clause 6.2, KW) under a key of 128 bits.

use aes::Aes128;
use cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use onecard_wire::layout::Writer;
use zeroize::Zeroizing;

use super::same;

/// What stands in front of the key data before it is wrapped (RFC 3394 clause 2.2.3.1).
const INITIAL_VALUE: [u8; HALF] = [0xA6; HALF];
const HALF: usize = 8;
/// Steps of the algorithm: each goes over the whole key data.
const ROUNDS: u64 = 6;

/// Wraps in place: `buffer` is 8 bytes of room and the key data, in whole blocks of 8 bytes, at least two.
pub(crate) fn wrap(kek: &[u8; 16], buffer: &mut [u8]) {
    let cipher = Aes128::new(kek.into());
    let Some((front, rest)) = buffer.split_first_chunk_mut::<HALF>() else { return };
    *front = INITIAL_VALUE;
    let registers = rest.as_chunks_mut::<HALF>().0;
    let mut step = 0u64;
    for _ in 0..ROUNDS {
        for register in &mut *registers {
            step += 1;
            let mut block = joined(*front, *register);
            cipher.encrypt_block((&mut *block).into());
            let (left, right) = super::key::halves(*block);
            (*front, *register) = (counted(left, step), right);
        }
    }
}

/// Unwraps in place and returns the key data, or `None` if they were not wrapped by `kek`.
pub(crate) fn unwrap<'b>(kek: &[u8; 16], buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let cipher = Aes128::new(kek.into());
    let (front, rest) = buffer.split_first_chunk_mut::<HALF>()?;
    let registers = rest.as_chunks_mut::<HALF>().0;
    let mut step = ROUNDS * registers.len() as u64;
    for _ in 0..ROUNDS {
        for register in registers.iter_mut().rev() {
            let mut block = joined(counted(*front, step), *register);
            cipher.decrypt_block((&mut *block).into());
            (*front, *register) = super::key::halves(*block);
            step -= 1;
        }
    }
    if same(front, &INITIAL_VALUE) { Some(rest) } else { None }
}

fn joined(front: [u8; HALF], register: [u8; HALF]) -> Zeroizing<[u8; 16]> {
    Zeroizing::new(Writer::new().put(&front).put(&register).finish())
}

fn counted(front: [u8; HALF], step: u64) -> [u8; HALF] {
    (u64::from_be_bytes(front) ^ step).to_be_bytes()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    extern crate std;

    use hex_literal::hex;
    use onecard_vectors::key_master::KeyWrap;

    use super::*;

    /// RFC 3394 clause 4.1, and the second implementation's.
    #[test]
    fn as_published() {
        let vectors = onecard_vectors::Vectors::embedded().unwrap().key_wrap;
        assert!(vectors.len() >= 3);
        for vector in vectors {
            let KeyWrap { kek, plain, wrapped } = &vector.body;
            let mut buffer = [&[0; 8], &plain[..]].concat();
            wrap(kek, &mut buffer);
            assert_eq!(&buffer, wrapped, "{}", vector.name);
            assert_eq!(unwrap(kek, &mut buffer).unwrap(), plain, "{}", vector.name);
        }
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let kek = hex!("000102030405060708090A0B0C0D0E0F");
        let mut wrapped = [0x5A; 56];
        wrap(&kek, &mut wrapped);
        for bit in 0..56 * 8 {
            let mut changed = wrapped;
            *changed.get_mut(bit / 8).unwrap() ^= 1 << (bit % 8);
            assert_eq!(unwrap(&kek, &mut changed), None, "bit {bit}");
        }
        assert_eq!(unwrap(&kek, &mut wrapped).unwrap(), [0x5A; 48]);
        assert_eq!(unwrap(&kek, &mut []), None);
    }
}
