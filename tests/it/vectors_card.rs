//! Every vector, shown by a card or SAM through APDUs alone. Keys are written and files made in the window without
//! enforcement, sequences reached by as many transactions, random numbers injected.

use std::sync::LazyLock;

use onecard_applet::Kind;
use onecard_host::{apdu::Command, card::external_authentication, crypto::padding::method_2};
use onecard_vectors::{
    Vectors,
    authentication::{self, Authentication},
    diversify::Diversify,
    ecb::{Direction, Ecb},
    key_check_value::KeyCheckValue,
    line_protection::{Encipherment, LineProtection},
    load::Load,
    mac::{Mac, Method},
    pin::{PinUnblock, ReloadPin},
    purchase::Purchase,
    vector::Vector,
    wrapped_key::{Target, WrappedKey},
};
use onecard_wire::wallet::{PurchaseInitialized, Purse};

use crate::{
    coverage_of_vectors::Tally,
    probe::{DIRECTORY, Probe, bytes, line_key},
    purse::{ED, EP, TAC_KEY, Till, debit},
    sam_probe::SamProbe,
};

mod sam;

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
    tally.each("load", &vectors.load, load);
    tally.each("purchase", &vectors.purchase, purchase);
    tally.each("sam_purchase", &vectors.sam_purchase, sam::purchase);
    tally.each("sam_load", &vectors.sam_load, sam::load);
    tally.each("des_crypt", &vectors.des_crypt, sam::des_crypt);
    tally
}

#[test]
fn the_card_shows_every_vector() {
    TALLY.print("card");
}

/// INTERNAL AUTHENTICATE enciphers and deciphers whole blocks as they are.
fn ecb(vector: &Vector<Ecb>) {
    let Ecb { key, direction, input, output, .. } = &vector.body;
    assert!(vector.is_valid());
    assert_eq!(&internal(*direction, key, input), output);
}

/// DES CRYPT with the IV in front, by a SAM's key that is used as it is: kind 06 for the retail MAC; for single DES kind 04,
/// whose halves are folded, the right one being zero.
fn mac(vector: &Vector<Mac>) {
    let Mac { method, key, iv, data, mac } = &vector.body;
    assert!(vector.is_valid());
    let (kind, key) = match method {
        Method::Cbc => (0x04, [key.as_slice(), &[0; 8]].concat()),
        Method::Retail => (0x06, key.clone()),
        other => panic!("no card has {other:?}"),
    };
    let mut sam = SamProbe::new();
    sam.write_key(kind, 0x01, &key);
    sam.probe.done(&format!("801A{kind:02X}01"));
    let message = [&iv[..], method_2::<8>(data).as_flattened()].concat();
    let answer = sam.probe.done(&format!("80FA0500{:02X}{}04", message.len(), hex::encode(message)));
    assert_eq!(answer.len(), 4);
    assert!(mac.starts_with(&answer), "{}", hex::encode(answer));
}

/// A SAM's diversified key enciphers as the derived key does in a card.
fn diversify(vector: &Vector<Diversify>) {
    let Diversify { key, factors, derived, .. } = &vector.body;
    assert!(vector.is_valid());
    let usage = u8::try_from(factors.len()).unwrap() << 5 | 0x07;
    let mut sam = SamProbe::new();
    sam.write_key(usage, 0x01, key);
    let serial_first: Vec<u8> = factors.iter().rev().flatten().copied().collect();
    sam.probe.done(&format!("801A{usage:02X}01{:02X}{}", serial_first.len(), hex::encode(serial_first)));
    let blocks = bytes("0000000000000000 0123456789ABCDEF");
    let answer = sam.probe.done(&format!("80FA000010{}10", hex::encode(&blocks)));
    assert_eq!(answer, internal(Direction::Encipher, derived, &blocks));
}

fn key_check_value(vector: &Vector<KeyCheckValue>) {
    assert!(vector.is_valid());
    assert!(internal(Direction::Encipher, &vector.body.key, &[0; 8]).starts_with(&vector.body.value));
}

fn internal(direction: Direction, key: &[u8], blocks: &[u8]) -> Vec<u8> {
    let (header, p1) = match direction {
        Direction::Encipher => ("30F0F00100", 0x00),
        Direction::Decipher => ("31F0F00100", 0x01),
    };
    let mut probe = Probe::application(Kind::CpuCard);
    probe.key(0x01, header, key);
    probe.done(&format!("0088{p1:02X}01{:02X}{}", blocks.len(), hex::encode(blocks)))
}

fn authentication(vector: &Vector<Authentication>) {
    let Authentication { command, key, key_id, data, cryptogram, apdu, .. } = &vector.body;
    assert!(vector.is_valid());
    let mut probe = Probe::application(Kind::CpuCard);
    let header = match command {
        authentication::Command::External => "39F0F00533",
        authentication::Command::InternalEncipher => "30F0F00100",
        authentication::Command::InternalDecipher => "31F0F00100",
        authentication::Command::InternalMac => "32F0F00100",
    };
    probe.key(*key_id, header, key);
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
            probe.create("0000", "3F 0200 01 F0 FF FF");
            maintenance(&mut probe);
            protected(&mut probe, trace);
            assert_eq!(probe.ask("0084000004").status, 0x6A81);
        }
        0x18 | 0x1E => {
            let mut probe = Probe::application(Kind::CpuCard);
            maintenance(&mut probe);
            if trace.header[1] == 0x18 {
                let block = Command::new(0x84, 0x1E, 0x00, 0x00);
                assert_eq!(probe.send_with_mac(&block, &line_key(&trace.key)).status, 0x9000);
            }
            protected(&mut probe, trace);
            let status = if trace.header[1] == 0x18 { 0x9000 } else { 0x6A81 };
            assert_eq!(probe.ask(&format!("00A4000002{DIRECTORY}")).status, status);
        }
        0xB0 => read_with_mac(trace, maintenance),
        0xD6 => {
            let mut probe = Probe::application(Kind::CpuCard);
            maintenance(&mut probe);
            let kind = if trace.enciphered { 0xE8 } else { 0xA8 };
            binary(&mut probe, trace, kind, trace.plain.len());
            protected(&mut probe, trace);
            assert_eq!(probe.done("00B0000000"), trace.plain);
        }
        0xE2 => {
            let mut probe = Probe::application(Kind::CpuCard);
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
    let mut probe = Probe::application(Kind::CpuCard);
    maintenance(&mut probe);
    binary(&mut probe, trace, if answer.enciphered { 0x68 } else { 0x28 }, answer.plain.len());
    let write = Command::new(0x00, 0xD6, 0x00, 0x00).with_bytes(&answer.plain).unwrap();
    let written = match answer.enciphered {
        true => probe.send_enciphered(&write.with_class_bits(0x04), &line_key(&trace.key)),
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
    let Encipherment { key, plain, cipher, .. } = &vector.body;
    assert!(vector.is_valid());
    let mut probe = Probe::application(Kind::CpuCard);
    probe.key(0x00, "36F0F0FF33", key);
    probe.create("0015", &format!("E8 {:04X} F0F0 FF FF", plain.len()));
    let write = Command::new(0x04, 0xD6, 0x95, 0x00).with_bytes(cipher).unwrap();
    assert_eq!(probe.send_with_mac(&write, &line_key(key)).status, 0x9000);
    assert_eq!(&probe.done("00B0950000"), plain);
    let answer = probe.send_with_mac(&Command::new(0x04, 0xB0, 0x95, 0x00), &line_key(key));
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
    let mut probe = Probe::application(Kind::CpuCard);
    probe.key(0x00, "39F0F00F33", &wrapped.control_key);
    let control = line_key(&wrapped.control_key);
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
            let command = external_authentication(id, challenge, &line_key(value));
            assert_eq!(probe.send(&command.to_bytes()).status, 0x9000);
        }
        0x3E => {
            probe.key(0x00, "34F0F00100", &TAC_KEY);
            probe.create("0002", "2F 0208 F0 00 FF 18");
            let begun = probe.done(&format!("805001020B{id:02X}00000000001122334455"));
            let begun = PurchaseInitialized::parse(&begun).unwrap();
            assert_eq!([begun.key_version.0, begun.algorithm.0], header[3..5]);
            probe.done(&debit(value.try_into().unwrap(), Purse::Ep, &begun, 0, 0));
        }
        other => panic!("no card shows a key of type {other:02X}"),
    }
}

fn reload_pin(vector: &Vector<ReloadPin>) {
    let ReloadPin { key, pin, apdu, .. } = &vector.body;
    assert!(vector.is_valid());
    let mut probe = Probe::application(Kind::CpuCard);
    probe.key(0x00, "38F0F0FF33", key);
    new_pin(&mut probe, pin, |probe| (probe.ask(&crate::purse::bent(&hex::encode(apdu))).status, 0x9302));
    new_pin(&mut probe, pin, |probe| (probe.ask(&hex::encode(apdu)).status, 0x9000));
}

fn pin_unblock(vector: &Vector<PinUnblock>) {
    let PinUnblock { key, challenge, pin, apdu, .. } = &vector.body;
    assert!(vector.is_valid());
    let mut probe = Probe::application(Kind::CpuCard);
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

fn load(vector: &Vector<Load>) {
    let trace = &vector.body;
    let till = till(trace.purse);
    let mut probe = application_with_purse(till, trace.tac_key.as_deref());
    let online = u16::from_be_bytes(trace.online_sequence);
    till.bring_to(&mut probe, u32::from_be_bytes(trace.old_balance), online, 0);
    probe.key(trace.key_id, &format!("3FF0F0{:02X}{:02X}", trace.key_version, trace.algorithm), &trace.load_key);
    probe.inject(&trace.random);
    let answer = probe.done(&hex::encode(&trace.initialize));
    assert_eq!(answer == trace.initialize_answer, vector.is_valid(), "{}", hex::encode(answer));
    let Some(credit) = &trace.credit else { return };
    let tac = probe.done(&hex::encode(&credit.apdu));
    assert!(credit.tac.is_none_or(|published| tac == published), "{}", hex::encode(tac));
    let log = probe.done("00B201C417");
    assert!(credit.log_record.is_none_or(|published| log == published), "{}", hex::encode(log));
    let proof = till.proof(&mut probe, trace.transaction_type, online + 1);
    assert_eq!(proof.data, [vec![0; 4], tac].concat());
    let new_balance = u32::from_be_bytes(trace.old_balance) + u32::from_be_bytes(trace.amount);
    assert_eq!(till.balance(&mut probe), new_balance);
}

fn purchase(vector: &Vector<Purchase>) {
    let trace = &vector.body;
    let till = till(trace.purse);
    let mut probe = application_with_purse(till, trace.tac_key.as_deref());
    probe.key(trace.key_id, &format!("3EF0F0{:02X}{:02X}", trace.key_version, trace.algorithm), &trace.purchase_key);
    let (amount, printed) = (u32::from_be_bytes(trace.amount), u32::from_be_bytes(trace.old_balance));
    if printed < amount {
        // An article's example pays from an empty purse.
        probe.refused(0x9401, &hex::encode(&trace.initialize));
    }
    let offline = u16::from_be_bytes(trace.offline_sequence);
    till.bring_to(&mut probe, printed.max(amount), 1, offline);
    probe.inject(&trace.random);
    let answer = probe.done(&hex::encode(&trace.initialize));
    assert_eq!(answer[4..], trace.initialize_answer[4..]);
    assert_eq!(answer[..4], printed.max(amount).to_be_bytes());
    if !vector.is_valid() {
        return probe.refused(0x9302, &hex::encode(&trace.debit));
    }
    let answer = probe.done(&hex::encode(&trace.debit));
    let (tac, mac2) = answer.split_at(4);
    assert_eq!(mac2, trace.mac2);
    assert!(trace.tac.is_none_or(|published| tac == published), "{}", hex::encode(tac));
    let proof = till.proof(&mut probe, trace.transaction_type, offline + 1);
    assert_eq!(proof.data, [mac2, tac].concat());
    assert_eq!(till.balance(&mut probe), printed.max(amount) - amount);
}

fn till(purse: u8) -> Till {
    if purse == Purse::Ed as u8 { ED } else { EP }
}

fn application_with_purse(till: Till, tac_key: Option<&[u8]>) -> Probe {
    let mut probe = Probe::application(Kind::CpuCard);
    till.create(&mut probe);
    probe.key(0x00, "34F0F00100", tac_key.unwrap_or(&TAC_KEY));
    probe
}
