//! Every vector, shown by a card or SAM through APDUs alone. Keys are written and files made in the window without
//! enforcement, sequences reached by as many transactions, random numbers injected.

use std::sync::LazyLock;

use onecard_applet::Kind;
use onecard_host::{apdu::Command, card::external_authentication, crypto::padding::method_2};
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
    wrapped_key::{Target, WrappedKey},
};
use onecard_wire::{
    key::AlgorithmId,
    wallet::{PurchaseInitialized, Purse},
};

use crate::{
    coverage_of_vectors::{Tally, algorithm, keyed, whole_key},
    probe::{DIRECTORY, Probe, bytes},
    purse::{TAC_KEY, debit},
    sam_probe::SamProbe,
};

mod sam;
mod wallet;

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
    tally.each("load", &vectors.load, wallet::load);
    tally.each("purchase", &vectors.purchase, wallet::purchase);
    tally.each("unload", &vectors.unload, wallet::unload);
    tally.each("overdraft", &vectors.overdraft, wallet::overdraft);
    tally.each("access_right", &vectors.access_right, sam::access_right);
    tally.each("sam_purchase", &vectors.sam_purchase, sam::purchase);
    tally.each("sam_load", &vectors.sam_load, sam::load);
    tally.each("des_crypt", &vectors.des_crypt, sam::des_crypt);
    tally.each("sam_mark", &vectors.sam_mark, sam::mark);
    tally
}

#[test]
fn the_card_shows_every_vector() {
    TALLY.print("card");
}

/// INTERNAL AUTHENTICATE enciphers and deciphers whole blocks as they are.
fn ecb(vector: &Vector<Ecb>) {
    let Ecb { block_cipher, key, direction, input, output } = &vector.body;
    assert!(vector.is_valid());
    assert_eq!(&internal(*direction, *block_cipher, key, input), output);
}

/// DES CRYPT by a SAM's key, with the IV in front but for CMAC, which has none. Kind 06 is used as it is; kind 04 is for
/// transaction MACs: triple DES folds it, here with a right half of zeros.
fn mac(vector: &Vector<Mac>) {
    let Mac { method, key, iv, data, mac } = &vector.body;
    assert!(vector.is_valid());
    let (kind, cipher, value) = match method {
        Method::Cbc => (0x04, BlockCipher::Des, [key.as_slice(), &[0; 8]].concat()),
        Method::Retail => (0x06, BlockCipher::Des, key.clone()),
        Method::Sm4Cbc => (0x06, BlockCipher::Sm4, key.clone()),
        Method::AesCmac => (0x04, BlockCipher::Aes, key.clone()),
    };
    let (p1, message) = match method {
        Method::Cbc | Method::Retail => (0x05, [iv, method_2::<8>(data).as_flattened()].concat()),
        Method::Sm4Cbc => (0x05, [iv, method_2::<16>(data).as_flattened()].concat()),
        Method::AesCmac => (0x01, data.clone()),
    };
    let mut sam = SamProbe::new();
    sam.write_key_of(kind, 0x01, AlgorithmId(cipher.byte()), &value);
    sam.probe.done(&format!("801A{kind:02X}01"));
    let crypt = format!("80FA{p1:02X}00{:02X}{}", message.len(), hex::encode(&message));
    if message.is_empty() {
        // No command has a SAM make a MAC of nothing.
        return sam.probe.refused(0x6700, &crypt);
    }
    let answer = sam.probe.done(&format!("{crypt}04"));
    assert_eq!(answer.len(), 4);
    assert!(mac.starts_with(&answer), "{}", hex::encode(answer));
}

/// A SAM's diversified key enciphers as the derived key does in a card.
fn diversify(vector: &Vector<Diversify>) {
    let Diversify { block_cipher, key, factors, derived } = &vector.body;
    assert!(vector.is_valid());
    let usage = u8::try_from(factors.len()).unwrap() << 5 | 0x07;
    let mut sam = SamProbe::new();
    sam.write_key_of(usage, 0x01, AlgorithmId(block_cipher.byte()), key);
    let serial_first: Vec<u8> = factors.iter().rev().flatten().copied().collect();
    sam.probe.done(&format!("801A{usage:02X}01{:02X}{}", serial_first.len(), hex::encode(serial_first)));
    let blocks = bytes("0000000000000000 0123456789ABCDEF");
    let answer = sam.probe.done(&format!("80FA000010{}10", hex::encode(&blocks)));
    assert_eq!(answer, internal(Direction::Encipher, *block_cipher, derived, &blocks));
}

fn key_check_value(vector: &Vector<KeyCheckValue>) {
    let KeyCheckValue { block_cipher, key, value } = &vector.body;
    assert!(vector.is_valid());
    let block = match block_cipher {
        BlockCipher::Des => vec![0x00; 8],
        BlockCipher::Sm4 => vec![0x00; 16],
        BlockCipher::Aes => vec![0x01; 16],
    };
    assert!(internal(Direction::Encipher, *block_cipher, key, &block).starts_with(value));
}

fn internal(direction: Direction, cipher: BlockCipher, key: &[u8], blocks: &[u8]) -> Vec<u8> {
    let (key_type, p1) = match direction {
        Direction::Encipher => ("30", 0x00),
        Direction::Decipher => ("31", 0x01),
    };
    let mut probe = Probe::application(Kind::CpuCard);
    probe.key(0x01, &format!("{key_type}F0F001{:02X}", cipher.byte()), key);
    probe.done(&format!("0088{p1:02X}01{:02X}{}", blocks.len(), hex::encode(blocks)))
}

fn authentication(vector: &Vector<Authentication>) {
    let Authentication { block_cipher, command, key, key_id, data, cryptogram, apdu } = &vector.body;
    assert!(vector.is_valid());
    let mut probe = application(*block_cipher);
    let header = match command {
        authentication::Command::External => "39F0F00533".to_owned(),
        authentication::Command::InternalEncipher => format!("30F0F001{:02X}", block_cipher.byte()),
        authentication::Command::InternalDecipher => format!("31F0F001{:02X}", block_cipher.byte()),
        authentication::Command::InternalMac => format!("32F0F001{:02X}", block_cipher.byte()),
    };
    probe.key(*key_id, &header, key);
    let apdu = hex::encode(apdu);
    if *command != authentication::Command::External {
        assert_eq!(&probe.done(&apdu), cryptogram);
        return;
    }
    probe.challenge(&hex::encode(data));
    assert_eq!(probe.ask(&crate::purse::bent(&apdu)).status, 0x63C2);
    probe.challenge(&hex::encode(data));
    probe.done(&apdu);
}

fn line_protection(vector: &Vector<LineProtection>) {
    let trace = &vector.body;
    assert!(vector.is_valid());
    let maintenance = |probe: &mut Probe| probe.key(0x00, "36F0F0FF33", &trace.key);
    match trace.header[1] {
        0x16 => {
            let mut probe = Probe::erased(Kind::CpuCard);
            let key_file_byte = algorithm(trace.block_cipher).key_file_byte();
            probe.create("0000", &format!("3F 0200 01 F0 FF {key_file_byte:02X}"));
            maintenance(&mut probe);
            protected(&mut probe, trace);
            assert_eq!(probe.ask("0084000004").status, 0x6A81);
        }
        0x18 | 0x1E => {
            let mut probe = application(trace.block_cipher);
            maintenance(&mut probe);
            if trace.header[1] == 0x18 {
                let block = Command::new(0x84, 0x1E, 0x00, 0x00);
                assert_eq!(probe.send_with_mac(&block, &keyed(trace.block_cipher, &trace.key)).status, 0x9000);
            }
            protected(&mut probe, trace);
            let status = if trace.header[1] == 0x18 { 0x9000 } else { 0x6A81 };
            assert_eq!(probe.ask(&format!("00A4000002{DIRECTORY}")).status, status);
        }
        0xB0 => read_with_mac(trace, maintenance),
        0xD6 => {
            let mut probe = application(trace.block_cipher);
            maintenance(&mut probe);
            let kind = if trace.enciphered { 0xE8 } else { 0xA8 };
            binary(&mut probe, trace, kind, trace.plain.len());
            protected(&mut probe, trace);
            assert_eq!(probe.done("00B0000000"), trace.plain);
        }
        0xE2 => {
            let mut probe = application(trace.block_cipher);
            maintenance(&mut probe);
            let sfi = trace.header[3] >> 3;
            probe.create(&format!("{sfi:04X}"), &format!("AE 02{:02X} F0F0 FF FF", trace.plain.len()));
            protected(&mut probe, trace);
            assert_eq!(probe.done(&format!("00B201{:02X}00", sfi << 3 | 4)), trace.plain);
        }
        other => panic!("no card shows INS {other:02X}"),
    }
}

/// The trace's command, refused with a wrong MAC, then done.
fn protected(probe: &mut Probe, trace: &LineProtection) -> Vec<u8> {
    let apdu = hex::encode(&trace.apdu);
    probe.challenge(&hex::encode(&trace.challenge));
    assert_eq!(probe.ask(&crate::purse::bent(&apdu)).status, 0x6988);
    probe.challenge(&hex::encode(&trace.challenge));
    probe.done(&apdu)
}

fn read_with_mac(trace: &LineProtection, maintenance: impl Fn(&mut Probe)) {
    let answer = trace.answer.as_ref().unwrap();
    let mut probe = application(trace.block_cipher);
    maintenance(&mut probe);
    binary(&mut probe, trace, if answer.enciphered { 0x68 } else { 0x28 }, answer.plain.len());
    let write = Command::new(0x00, 0xD6, 0x00, 0x00).with_bytes(&answer.plain).unwrap();
    let written = match answer.enciphered {
        true => probe.send_enciphered(&write.with_class_bits(0x04), &keyed(trace.block_cipher, &trace.key)),
        false => probe.send(&write.to_bytes()),
    };
    assert_eq!(written.status, 0x9000);
    let expected = [answer.cipher.as_ref().unwrap_or(&answer.plain).as_slice(), &answer.mac].concat();
    assert_eq!(protected(&mut probe, trace), expected);
}

/// Creates the binary file the trace works on, and selects it.
fn binary(probe: &mut Probe, trace: &LineProtection, type_byte: u8, length: usize) {
    let p1 = trace.header[2];
    let sfi = if p1 & 0x80 == 0 { 0x15 } else { p1 & 0x1F };
    probe.create(&format!("{sfi:04X}"), &format!("{type_byte:02X} {length:04X} F0F0 FF FF"));
    probe.done(&format!("00A4000002{sfi:04X}"));
}

/// An enciphered write, whose MAC the source does not print, and the enciphered answer to a read.
fn encipherment(vector: &Vector<Encipherment>) {
    let Encipherment { block_cipher, key, plain, cipher } = &vector.body;
    assert!(vector.is_valid());
    let mut probe = application(*block_cipher);
    probe.key(0x00, "36F0F0FF33", key);
    let key = keyed(*block_cipher, key);
    probe.create("0015", &format!("E8 {:04X} F0F0 FF FF", plain.len()));
    let write = Command::new(0x04, 0xD6, 0x95, 0x00).with_bytes(cipher).unwrap();
    assert_eq!(probe.send_with_mac(&write, &key).status, 0x9000);
    assert_eq!(&probe.done("00B0950000"), plain);
    let answer = probe.send_with_mac(&Command::new(0x04, 0xB0, 0x95, 0x00), &key);
    assert_eq!(answer.data.split_last_chunk::<4>().unwrap().0, cipher);
}

fn wrapped_key(vector: &Vector<WrappedKey>) {
    assert!(vector.is_valid());
    match vector.body.target {
        Target::Sam => sam::wrapped_key(&vector.body),
        Target::Card => wrapped_card_key(&vector.body),
    }
}

fn wrapped_card_key(wrapped: &WrappedKey) {
    let [_, _, p1, id] = wrapped.header;
    let (header, value) = wrapped.record.split_at(5);
    let mut probe = application(wrapped.block_cipher);
    probe.key(0x00, "39F0F00F33", &wrapped.control_key);
    let control = keyed(wrapped.block_cipher, &wrapped.control_key);
    match (p1, id) {
        (0x01, _) | (_, 0x00) => {}
        (0x39, _) => probe.key(id, "39F0F00133", &vec![0x5A; value.len()]),
        (0xF9, _) => {
            let record = [bytes("F9F0F00133"), vec![0x5A; value.len()]].concat();
            let add = Command::new(0x84, 0xD4, 0x01, id).with_bytes(&record).unwrap();
            assert_eq!(probe.send_enciphered(&add, &control).status, 0x9000);
        }
        other => panic!("no card shows {other:02X?}"),
    }
    let apdu = hex::encode(&wrapped.apdu);
    probe.challenge(&hex::encode(wrapped.challenge));
    assert_eq!(probe.ask(&crate::purse::bent(&apdu)).status, 0x9302);
    probe.challenge(&hex::encode(wrapped.challenge));
    probe.done(&apdu);
    match header[0] & 0x3F {
        0x39 => {
            let challenge = probe.fresh_challenge();
            let command = external_authentication(id, challenge, &keyed(wrapped.block_cipher, value));
            assert_eq!(probe.send(&command.to_bytes()).status, 0x9000);
        }
        0x3E => {
            probe.key(0x00, "34F0F00100", &TAC_KEY);
            probe.create("0002", "2F 0208 F0 00 FF 18");
            let begun = probe.done(&format!("805001020B{id:02X}00000000001122334455"));
            let begun = PurchaseInitialized::parse(&begun).unwrap();
            assert_eq!([begun.key_version.0, begun.algorithm.0], header[3..5]);
            let key = whole_key(BlockCipher::of_byte(header[4]), value);
            probe.done(&debit(&key, Purse::Ep, &begun, 0, 0));
        }
        other => panic!("no card shows a key of type {other:02X}"),
    }
}

fn reload_pin(vector: &Vector<ReloadPin>) {
    let ReloadPin { block_cipher, key, pin, apdu, .. } = &vector.body;
    assert!(vector.is_valid());
    let mut probe = application(*block_cipher);
    probe.key(0x00, "38F0F0FF33", key);
    new_pin(&mut probe, pin, |probe| (probe.ask(&crate::purse::bent(&hex::encode(apdu))).status, 0x9302));
    new_pin(&mut probe, pin, |probe| (probe.ask(&hex::encode(apdu)).status, 0x9000));
}

fn pin_unblock(vector: &Vector<PinUnblock>) {
    let PinUnblock { block_cipher, key, challenge, pin, apdu, .. } = &vector.body;
    assert!(vector.is_valid());
    let mut probe = application(*block_cipher);
    probe.key(0x00, "37F0F0FF33", key);
    new_pin(&mut probe, pin, |probe| {
        probe.challenge(&hex::encode(challenge));
        (probe.ask(&crate::purse::bent(&hex::encode(apdu))).status, 0x6988)
    });
    new_pin(&mut probe, pin, |probe| {
        probe.challenge(&hex::encode(challenge));
        (probe.ask(&hex::encode(apdu)).status, 0x9000)
    });
}

/// Has `replace` answer what it wants to see, and looks whether `pin` is the PIN now: just when it was done.
fn new_pin(probe: &mut Probe, pin: &[u8], replace: impl FnOnce(&mut Probe) -> (u16, u16)) {
    if probe.ask("00200000020000").status == 0x9403 {
        probe.key(0x00, "3AF0EF0233", &bytes("FEDCBA"));
    }
    let (status, expected) = replace(probe);
    assert_eq!(status, expected);
    let verified = probe.ask(&format!("00200000{:02X}{}", pin.len(), hex::encode(pin))).status;
    assert_eq!(verified == 0x9000, expected == 0x9000, "{verified:04X}");
}

/// An application whose keys of the types 36 to 39 are of `cipher`.
fn application(cipher: BlockCipher) -> Probe {
    Probe::application_of(Kind::CpuCard, algorithm(cipher), |_| ())
}
