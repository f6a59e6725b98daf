//! The exports that a second implementation in another language makes.

use onecard_vectors::{Vectors, block_cipher::BlockCipher, key_master::ExportedKey, wrapped_key::Target};

use super::{
    ceremony::Pair,
    exports::{ADD, CONTROL, MANAGEMENT, Order, PURCHASE, REPLACE, SAM_MANAGEMENT, SAM_MASTER},
    reference::Algorithm,
};

#[test]
fn exported_keys() {
    let vectors = Vectors::embedded().unwrap().exported_key;
    assert!(vectors.len() >= 15, "{} vectors", vectors.len());
    for vector in vectors {
        let ExportedKey { wrapping_key, master_key, cipher, mac, .. } = &vector.body;
        let algorithm = match vector.body.block_cipher {
            BlockCipher::Des => Algorithm::TripleDes,
            BlockCipher::Sm4 => Algorithm::Sm4,
            BlockCipher::Aes => Algorithm::Aes,
        };
        let (order, version) = order_of(&vector.body);
        let mut pair = Pair::new();
        pair.open();
        pair.load(order.wrapping, 0x01, algorithm.key(*wrapping_key));
        pair.load(order.code, version, algorithm.key(*master_key));
        let body = pair.master.ok(&order.with(version, &[]));
        assert_eq!(body, [&cipher[..], mac].concat(), "{}", vector.name);
    }
}

/// The order that makes this body, and the version of the key.
fn order_of(vector: &ExportedKey) -> (Order, u8) {
    let [_, _, p1, p2] = vector.header;
    let (code, version, manner, wrapping) = match vector.head[..] {
        [0xFE, _, _, version, _] => (PURCHASE, version, ADD, CONTROL),
        [0xF9, ..] => (CONTROL, 0x01, REPLACE, MANAGEMENT),
        [0x22, version, _] => (PURCHASE, version, ADD, SAM_MASTER),
        [0x00, version, _] => (SAM_MASTER, version, ADD, SAM_MANAGEMENT),
        ref other => panic!("{other:02X?}"),
    };
    assert!(vector.target == Target::Sam || (p1 == 0x01) == (manner == ADD));
    let order = Order {
        p1: if vector.target == Target::Sam { 0x02 } else { 0x01 },
        p2: u8::from(vector.over_the_air),
        code,
        place: p2,
        manner,
        wrapping,
        factor: vector.factor,
        freshness: vector.freshness,
    };
    (order, version)
}
