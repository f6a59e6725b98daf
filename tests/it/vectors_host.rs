//! Every vector, made or checked by the host library's public API. Nothing here runs a card: terminals talk to a script of
//! the answers that were published.

use std::sync::LazyLock;

use onecard_host::{
    apdu::Command,
    card::{LifeCycle, Pin, external_authentication, reload_command, unblock_command},
    crypto::{LineKey, cbc_mac},
    keys::{CheckValue, diversify_levels},
    line_protection::{Challenge, deciphered_answer, enciphered, verified_answer, with_mac},
};
use onecard_vectors::{
    Vectors,
    authentication::{self, Authentication},
    block_cipher::BlockCipher,
    diversify::Diversify,
    ecb::{Direction, Ecb},
    key_check_value::KeyCheckValue,
    line_protection::{Encipherment, LineProtection},
    mac::{Mac, Method},
    pin::{PinUnblock, ReloadPin},
    vector::Vector,
    wrapped_key::WrappedKey,
};

use crate::{
    coverage_of_vectors::{Tally, keyed, whole_key},
    probe::line_key,
};

mod desk;
mod sam;
mod terminal;

/// What showing every vector came to; shown once for all tests.
pub(crate) static TALLY: LazyLock<Tally> = LazyLock::new(|| tally(&Vectors::embedded().unwrap()));

fn tally(vectors: &Vectors) -> Tally {
    let mut tally = Tally::default();
    tally.each("ecb", &vectors.ecb, ecb);
    tally.each("mac", &vectors.mac, mac);
    tally.each("diversify", &vectors.diversify, diversify);
    tally.each("key_check_value", &vectors.key_check_value, key_check_value);
    tally.each("authentication", &vectors.authentication, authentication);
    tally.each("line_protection", &vectors.line_protection, line_protection);
    tally.each("encipherment", &vectors.encipherment, encipherment);
    tally.each("wrapped_key", &vectors.wrapped_key, wrapped_key);
    tally.each("reload_pin", &vectors.reload_pin, reload_pin);
    tally.each("pin_unblock", &vectors.pin_unblock, pin_unblock);
    tally.each("load", &vectors.load, terminal::load);
    tally.each("purchase", &vectors.purchase, terminal::purchase);
    tally.each("unload", &vectors.unload, desk::unload);
    tally.each("overdraft", &vectors.overdraft, desk::overdraft);
    tally.each("access_right", &vectors.access_right, sam::access_right);
    tally.each("sam_purchase", &vectors.sam_purchase, sam::purchase);
    tally.each("sam_load", &vectors.sam_load, sam::load);
    tally.each("des_crypt", &vectors.des_crypt, sam::des_crypt);
    tally.each("sam_mark", &vectors.sam_mark, sam::mark);
    tally
}

#[test]
fn the_host_shows_every_vector() {
    TALLY.print("host");
}

fn ecb(vector: &Vector<Ecb>) {
    let Ecb { block_cipher, key, direction, input, output } = &vector.body;
    assert!(vector.is_valid());
    assert_eq!(&each_block(&keyed(*block_cipher, key), *direction, input), output);
}

fn each_block(key: &LineKey, direction: Direction, input: &[u8]) -> Vec<u8> {
    assert!(input.len().is_multiple_of(key.block_len()));
    match direction {
        Direction::Encipher => key.encipher(input),
        Direction::Decipher => key.decipher(input).unwrap().to_vec(),
    }
}

fn mac(vector: &Vector<Mac>) {
    let Mac { method, key, iv, data, mac } = &vector.body;
    assert!(vector.is_valid());
    // A challenge fills 8 bytes; SM4's initial block has zeros behind it.
    let initial = iv.first_chunk().copied().unwrap_or_default();
    assert!(iv.iter().skip(8).all(|byte| *byte == 0));
    let made = match (method, line_key(key)) {
        (Method::Cbc, LineKey::Single(key)) => cbc_mac(&key, initial, data),
        (Method::Retail, LineKey::Whole(key)) => key.line_mac(initial, data),
        (Method::Sm4Cbc, _) => whole_key(BlockCipher::Sm4, key).line_mac(initial, data),
        (Method::AesCmac, _) => whole_key(BlockCipher::Aes, key).folded_mac(data),
        other => panic!("{other:?}"),
    };
    assert!(mac.starts_with(&made), "{}", hex::encode(made));
}

fn diversify(vector: &Vector<Diversify>) {
    let Diversify { block_cipher, key, factors, derived } = &vector.body;
    assert!(vector.is_valid());
    assert_eq!(diversify_levels(&whole_key(*block_cipher, key), factors), whole_key(*block_cipher, derived));
}

fn key_check_value(vector: &Vector<KeyCheckValue>) {
    let KeyCheckValue { block_cipher, key, value } = &vector.body;
    assert!(vector.is_valid());
    match keyed(*block_cipher, key) {
        LineKey::Whole(key) => assert_eq!(CheckValue::of(&key), CheckValue(*value)),
        single => assert!(single.encipher(&[0; 8]).starts_with(value)),
    }
}

fn authentication(vector: &Vector<Authentication>) {
    let Authentication { block_cipher, command, key, key_id, data, cryptogram, apdu } = &vector.body;
    assert!(vector.is_valid());
    let key = keyed(*block_cipher, key);
    match command {
        authentication::Command::External => {
            let command = external_authentication(*key_id, challenge(data), &key);
            assert_eq!(&command.to_bytes()[..], &apdu[..]);
        }
        authentication::Command::InternalEncipher => {
            assert_eq!(&key.encipher(data), cryptogram);
        }
        authentication::Command::InternalDecipher => {
            assert_eq!(&each_block(&key, Direction::Decipher, data), cryptogram);
        }
        authentication::Command::InternalMac => assert_eq!(&key.mac([0; 8], data), &cryptogram[..]),
    }
}

fn line_protection(vector: &Vector<LineProtection>) {
    let trace = &vector.body;
    assert!(vector.is_valid());
    let (mut key, challenge) = (keyed(trace.block_cipher, &trace.key), challenge(&trace.challenge));
    let [cla, ins, p1, p2] = trace.header;
    let plain = match (ins, p2) {
        (0x1E, 0x00) => LifeCycle::BlockApplication.command(),
        (0x1E, _) => LifeCycle::BlockApplicationForGood.command(),
        (0x18, _) => LifeCycle::UnblockApplication.command(),
        (0x16, _) => LifeCycle::BlockCard.command(),
        _ => Command::new(cla & !0x04, ins, p1, p2).with_bytes(&trace.plain).unwrap(),
    };
    let command = match trace.enciphered {
        true => enciphered(&plain.with_class_bits(0x04), challenge, &key).unwrap(),
        false => with_mac(&plain, challenge, &mut key).unwrap(),
    };
    assert_eq!(command.to_bytes()[..], trace.apdu[..]);
    let Some(answer) = &trace.answer else { return };
    let on_the_wire = answer.cipher.as_ref().unwrap_or(&answer.plain);
    let whole = [on_the_wire.as_slice(), &answer.mac].concat();
    assert_eq!(&verified_answer(whole.clone(), challenge, &mut key).unwrap(), on_the_wire);
    for at in [0, whole.len() - 1] {
        let mut changed = whole.clone();
        changed[at] ^= 0x01;
        verified_answer(changed, challenge, &mut key).unwrap_err();
    }
    if answer.enciphered {
        assert_eq!(deciphered_answer(on_the_wire, &key).unwrap()[..], answer.plain[..]);
    }
}

fn encipherment(vector: &Vector<Encipherment>) {
    let Encipherment { block_cipher, key, plain, cipher } = &vector.body;
    assert!(vector.is_valid());
    let key = keyed(*block_cipher, key);
    let write = Command::new(0x04, 0xD6, 0x95, 0x00).with_bytes(plain).unwrap();
    let sent = enciphered(&write, Challenge([0; 8]), &key).unwrap();
    assert_eq!(sent.data().split_last_chunk::<4>().unwrap().0, cipher);
    assert_eq!(deciphered_answer(cipher, &key).unwrap()[..], plain[..]);
}

fn wrapped_key(vector: &Vector<WrappedKey>) {
    let wrapped = &vector.body;
    assert!(vector.is_valid());
    let [cla, ins, p1, p2] = wrapped.header;
    let command = Command::new(cla, ins, p1, p2).with_bytes(&wrapped.record).unwrap();
    let control = keyed(wrapped.block_cipher, &wrapped.control_key);
    let sent = enciphered(&command, Challenge::from_random(wrapped.challenge), &control);
    assert_eq!(sent.unwrap().to_bytes()[..], wrapped.apdu[..]);
}

fn reload_pin(vector: &Vector<ReloadPin>) {
    let ReloadPin { block_cipher, key, pin, apdu, .. } = &vector.body;
    assert!(vector.is_valid());
    assert_eq!(reload_command(&digits(pin), &whole_key(*block_cipher, key)).unwrap().to_bytes()[..], apdu[..]);
}

fn pin_unblock(vector: &Vector<PinUnblock>) {
    let PinUnblock { block_cipher, key, challenge, pin, apdu, .. } = &vector.body;
    assert!(vector.is_valid());
    let command = unblock_command(&digits(pin), Challenge::from_random(*challenge), &keyed(*block_cipher, key));
    assert_eq!(command.unwrap().to_bytes()[..], apdu[..]);
}

fn digits(pin: &[u8]) -> Pin {
    Pin::from_digits(hex::encode(pin).trim_end_matches('f')).unwrap()
}

/// 4 bytes and zeros, or 8 bytes.
fn challenge(random: &[u8]) -> Challenge {
    let mut block = [0; 8];
    block[..random.len()].copy_from_slice(random);
    Challenge(block)
}
