//! The SAM's vectors.

use onecard_applet::Kind;
use onecard_host::{
    crypto::{Key, SessionKey, padding::method_2},
    keys::{diversify, diversify_levels},
};
use onecard_vectors::{
    access_right::AccessRight,
    block_cipher::BlockCipher,
    sam::{SamLoad, SamPurchase},
    sam_crypt::{DesCrypt, SamMark},
    vector::Vector,
    wrapped_key::WrappedKey,
};
use onecard_wire::{
    amount::Amount,
    date::Moment,
    key::{AlgorithmId, KeyVersion},
    sam::InitSam,
    wallet::TransactionType,
};

use crate::{
    coverage_of_vectors::whole_key,
    probe::{Probe, bytes},
    purse::{MOMENT, TERMINAL, bent, terms},
    sam_probe::SamProbe,
};

/// A purchase, or an undo of the purchase made before it.
pub(super) fn purchase(vector: &Vector<SamPurchase>) {
    let trace = &vector.body;
    assert!(vector.is_valid());
    let sequence = u32::from_be_bytes(trace.terminal_sequence);
    let levels = u8::try_from(trace.factors.len()).unwrap() << 5;
    let algorithm = AlgorithmId(trace.algorithm);
    let mut sam = if trace.transaction_type == TransactionType::UNDO.0 {
        let mut sam = SamProbe::of_terminal(trace.terminal, sequence - 1);
        sam.write_key_of(levels | 0x0A, trace.key_version, algorithm, &trace.key);
        sam.probe.refused(0x9406, &hex::encode(&trace.initialize));
        paid_before(&mut sam, levels | 0x02, trace);
        sam
    } else {
        let mut sam = SamProbe::of_terminal(trace.terminal, sequence);
        sam.write_key_of(levels | 0x02, trace.key_version, algorithm, &trace.key);
        sam
    };
    let mut past = sam.probe.copy();

    let expected = [trace.terminal_sequence, trace.mac1].concat();
    let mut bent_mac2 = sam.probe.copy();
    SamProbe::select(&mut bent_mac2);
    assert_eq!(bent_mac2.done(&hex::encode(&trace.initialize)), expected);
    bent_mac2.refused(0x9302, &bent(&hex::encode(&trace.credit)));
    bent_mac2.refused(0x6901, &hex::encode(&trace.credit));
    let again = bent_mac2.done(&hex::encode(&trace.initialize));
    let is_undo = trace.transaction_type == TransactionType::UNDO.0;
    assert_eq!(again == expected, !is_undo, "a wrong MAC2 spends no sequence, an undo has spent it before");
    assert_eq!(sam.probe.done(&hex::encode(&trace.initialize)), expected);
    sam.probe.done(&hex::encode(&trace.credit));
    assert_eq!(sam.next_sequence(), sequence + 1);
    sam.probe.done(&hex::encode(&trace.past));
    assert_eq!(sam.next_sequence(), sequence + 1);
    if trace.transaction_type == TransactionType::UNDO.0 {
        // Once.
        sam.probe.refused(0x9406, &hex::encode(&trace.initialize));
    }

    SamProbe::select(&mut past);
    past.refused(0x9302, &bent(&hex::encode(&trace.past)));
    past.done(&hex::encode(&trace.past));
    let record = past.done("00B201C400");
    assert_eq!(record[..4], (sequence + 1).to_be_bytes());
}

/// The purchase that `undo` takes back, by a purchase key of triple DES.
fn paid_before(sam: &mut SamProbe, usage: u8, undo: &SamPurchase) {
    const PURCHASE_KEY: [u8; 16] = hex_literal::hex!("0275A4B3C2D1E0F1021324354657687A");
    sam.write_key(usage, undo.key_version, &PURCHASE_KEY);
    let key = diversify_levels(&Key::from_bytes(PURCHASE_KEY), &undo.factors);
    let card_sequence = u16::from_be_bytes(undo.offline_sequence) - 1;
    let init = InitSam {
        random: [1, 2, 3, 4],
        card_sequence,
        amount: Amount::from_bytes(undo.amount),
        transaction_type: TransactionType::PURCHASE_EP,
        moment: Moment::from_bytes(undo.moment).unwrap(),
        key_version: KeyVersion(undo.key_version),
        algorithm: AlgorithmId::TRIPLE_DES,
    };
    let serial_first: Vec<u8> = undo.factors.iter().rev().flatten().copied().collect();
    let data = [&init.emit()[..], &serial_first].concat();
    let answer = sam.probe.done(&format!("80700000{:02X}{}08", data.len(), hex::encode(data)));
    let terminal_sequence = u32::from_be_bytes(*answer.first_chunk().unwrap());
    let session = SessionKey::of_purchase(&key, init.random, card_sequence, terminal_sequence);
    sam.probe.done(&format!("8072000004{}", hex::encode(session.purchase_mac2(init.amount))));
}

pub(super) fn load(vector: &Vector<SamLoad>) {
    let trace = &vector.body;
    assert!(vector.is_valid());
    let amount = u32::from_be_bytes(trace.amount);
    let mut sam = SamProbe::of_terminal(trace.terminal, 0);
    let usage = u8::try_from(trace.factors.len()).unwrap() << 5 | 0x09;
    sam.write_key_of(usage, trace.key_version, AlgorithmId(trace.algorithm), &trace.key);
    let command = hex::encode(&trace.initialize);
    sam.set_limit(amount - 1);
    sam.probe.refused(0x9401, &command);
    sam.set_limit(amount + 1);
    let mut wrong_mac1 = bytes(&command);
    let mac1_end = wrong_mac1.len() - 2;
    wrong_mac1[mac1_end] ^= 0x80;
    sam.probe.refused(0x9302, &hex::encode(wrong_mac1));
    for _ in 0..3 {
        assert_eq!(sam.probe.done(&command), trace.mac2);
        assert_eq!(sam.limit(), 1, "charged once, however often it is asked");
    }
}

pub(super) fn des_crypt(vector: &Vector<DesCrypt>) {
    let trace = &vector.body;
    assert!(vector.is_valid());
    let mut sam = SamProbe::new();
    sam.write_key_of(trace.usage, trace.key_version, AlgorithmId(trace.block_cipher.byte()), &trace.key);
    sam.probe.refused(0x6985, &hex::encode(&trace.crypt));
    sam.probe.done(&hex::encode(&trace.initialize));
    for _ in 0..2 {
        assert_eq!(sam.probe.done(&hex::encode(&trace.crypt)), trace.answer);
    }
}

/// The MAC of the mark, and a card of that key takes the command made of it.
pub(super) fn mark(vector: &Vector<SamMark>) {
    let trace = &vector.body;
    assert!(vector.is_valid());
    let mut sam = SamProbe::new();
    let (mark, algorithm) = (hex::encode(&trace.mark), AlgorithmId(trace.block_cipher.byte()));
    sam.probe.refused(0x9403, &mark);
    sam.write_key_of(0x2E, 0x01, algorithm, &trace.key);
    for _ in 0..2 {
        assert_eq!(sam.probe.done(&mark), trace.mac);
    }

    let key = diversify_levels(&whole_key(trace.block_cipher, &trace.key), &trace.factors);
    let mut card = Probe::application_of(Kind::CpuCard, key.algorithm(), |_| ());
    card.key(0x00, "36F0F0FFFF", key.expose());
    card.create("0017", "A8 0024 F0 F0 FF FF");
    card.challenge(&hex::encode(trace.challenge));
    assert_eq!(card.ask(&bent(&hex::encode(&trace.update))).status, 0x6988);
    card.challenge(&hex::encode(trace.challenge));
    card.done(&hex::encode(&trace.update));
    assert_eq!(card.done("00B0970008"), [&[0x03][..], &trace.list_version].concat());
}

/// A door's SAM makes the MAC of the right as DES CRYPT does any: P1 05 with an initial block of zeros.
pub(super) fn access_right(vector: &Vector<AccessRight>) {
    let trace = &vector.body;
    assert!(vector.is_valid());
    let [serial] = trace.factors[..] else { panic!("one factor") };
    let message = [&serial[..], &trace.right].concat();
    let message = match trace.block_cipher {
        BlockCipher::Des => [&[0; 8], method_2::<8>(&message).as_flattened()].concat(),
        BlockCipher::Sm4 => [&[0; 16], method_2::<16>(&message).as_flattened()].concat(),
        BlockCipher::Aes => [&[0; 16][..], &message].concat(),
    };
    let mut sam = SamProbe::new();
    sam.write_key_of(0x2D, 0x01, AlgorithmId(trace.block_cipher.byte()), &trace.key);
    sam.probe.done(&format!("801A2D0108{}", hex::encode(serial)));
    let crypt = format!("80FA0500{:02X}{}04", message.len(), hex::encode(message));
    assert_eq!(sam.probe.done(&crypt), trace.mac);
}

/// A purchase key: the SAM makes MAC1 by it.
pub(super) fn wrapped_key(wrapped: &WrappedKey) {
    let [usage, version, algorithm, key @ ..] = wrapped.record.as_slice() else { panic!("a record") };
    assert_eq!(*usage, 0x22, "what this test can show");
    let mut sam = SamProbe::with_control_key(TERMINAL, 0, &whole_key(wrapped.block_cipher, &wrapped.control_key));
    let apdu = hex::encode(&wrapped.apdu);
    sam.probe.challenge(&hex::encode(wrapped.challenge));
    assert_eq!(sam.probe.ask(&bent(&apdu)).status, 0x9302);
    sam.probe.challenge(&hex::encode(wrapped.challenge));
    sam.probe.done(&apdu);

    let (random, serial) = ([1, 2, 3, 4], [0x31, 0, 0x10, 0, 0, 0, 4, 0x23]);
    let order = format!("{}00070000000106{}{version:02X}{algorithm:02X}", hex::encode(random), hex::encode(MOMENT));
    let answer = sam.probe.done(&format!("807000001C{order}{}", hex::encode(serial)));
    let card_key = diversify(&whole_key(BlockCipher::of_byte(*algorithm), key), serial);
    let session = SessionKey::of_purchase(&card_key, random, 7, 0);
    assert_eq!(answer[4..], session.purchase_mac1(&terms(TransactionType::PURCHASE_EP, 1)));
}
