//! What a ceremony computes (specification 16.3).

use aes::Aes128;
use cipher::{BlockCipherEncrypt, KeyInit};
use cmac::{Cmac, Mac};
use hex_literal::hex;

use super::command;

pub const ENTERPRISE: [u8; 8] = hex!("1000000000000001");
pub const NUMBER: [u8; 8] = hex!("3100000000000017");
pub const OTHER_NUMBER: [u8; 8] = hex!("3100000000000018");
pub const PIN: [u8; 8] = *b"271828\xFF\xFF";
pub const K_A: [u8; 16] = hex!("A0A1A2A3A4A5A6A7A8A9AAABACADAEAF");
pub const K_W: [u8; 16] = hex!("C0C1C2C3C4C5C6C7C8C9CACBCCCDCECF");
pub const K_M: [u8; 16] = hex!("D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF");
pub const MAKER_WRAP: [u8; 16] = *b"ONECARD-KW-BLANK";
pub const MAKER_MAC: [u8; 16] = *b"ONECARD-MAC-BLNK";

/// With the MAC over `number ‖ challenge ‖ CLA INS P1 P2 Lc ‖ data`.
pub fn proved(key: &[u8; 16], number: [u8; 8], challenge: [u8; 8], header: [u8; 4], data: &[u8]) -> Vec<u8> {
    let mut mac = Cmac::<Aes128>::new(key.into());
    let lc = [data.len() as u8 + 8];
    [&number[..], &challenge, &header, &lc, data].iter().for_each(|part| mac.update(part));
    command(header, &[data, &mac.finalize().into_bytes()[..8]].concat())
}

/// RFC 3394 clause 2.2.1.
pub fn wrap(kek: &[u8; 16], plain: &[u8]) -> Vec<u8> {
    let cipher = Aes128::new(kek.into());
    let (mut front, mut registers) = ([0xA6; 8], plain.to_vec());
    for step in 1..=6 * plain.len() as u64 / 8 {
        let mut block: [u8; 16] = [&front[..], &registers[..8]].concat().try_into().unwrap();
        cipher.encrypt_block((&mut block).into());
        front = (u64::from_be_bytes(block[..8].try_into().unwrap()) ^ step).to_be_bytes();
        registers.drain(..8);
        registers.extend(&block[8..]);
    }
    [&front[..], &registers].concat()
}
