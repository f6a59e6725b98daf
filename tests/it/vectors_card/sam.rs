//! The SAM's vectors.

use onecard_host::{
    crypto::{Key, SessionKey},
    keys::diversify,
};
use onecard_vectors::{
    sam::{SamLoad, SamPurchase},
    sam_crypt::DesCrypt,
    vector::Vector,
    wrapped_key::WrappedKey,
};
use onecard_wire::wallet::TransactionType;

use crate::{
    probe::bytes,
    purse::{MOMENT, TERMINAL, bent, terms},
    sam_probe::SamProbe,
};

pub(super) fn purchase(vector: &Vector<SamPurchase>) {
    let trace = &vector.body;
    assert!(vector.is_valid());
    let sequence = u32::from_be_bytes(trace.terminal_sequence);
    let mut sam = SamProbe::of_terminal(trace.terminal, sequence);
    let usage = u8::try_from(trace.factors.len()).unwrap() << 5 | 0x02;
    sam.write_key(usage, trace.key_version, &trace.key);
    let mut past = sam.probe.copy();

    let expected = [trace.terminal_sequence, trace.mac1].concat();
    assert_eq!(sam.probe.done(&hex::encode(&trace.initialize)), expected);
    sam.probe.refused(0x9302, &bent(&hex::encode(&trace.credit)));
    sam.probe.refused(0x6901, &hex::encode(&trace.credit));
    assert_eq!(sam.probe.done(&hex::encode(&trace.initialize)), expected, "a wrong MAC2 spends no sequence");
    sam.probe.done(&hex::encode(&trace.credit));
    assert_eq!(sam.next_sequence(), sequence + 1);
    sam.probe.done(&hex::encode(&trace.past));
    assert_eq!(sam.next_sequence(), sequence + 1);

    SamProbe::select(&mut past);
    past.refused(0x9302, &bent(&hex::encode(&trace.past)));
    past.done(&hex::encode(&trace.past));
    let record = past.done("00B201C413");
    assert_eq!(record[..4], (sequence + 1).to_be_bytes());
}

pub(super) fn load(vector: &Vector<SamLoad>) {
    let trace = &vector.body;
    assert!(vector.is_valid());
    let amount = u32::from_be_bytes(trace.amount);
    let mut sam = SamProbe::of_terminal(trace.terminal, 0);
    let usage = u8::try_from(trace.factors.len()).unwrap() << 5 | 0x09;
    sam.write_key(usage, trace.key_version, &trace.key);
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
    sam.write_key(trace.usage, trace.key_version, &trace.key);
    sam.probe.refused(0x6985, &hex::encode(&trace.crypt));
    sam.probe.done(&hex::encode(&trace.initialize));
    for _ in 0..2 {
        assert_eq!(sam.probe.done(&hex::encode(&trace.crypt)), trace.answer);
    }
}

/// A purchase key: the SAM makes MAC1 by it.
pub(super) fn wrapped_key(wrapped: &WrappedKey) {
    let [usage, version, _, key @ ..] = wrapped.record.as_slice() else { panic!("a record") };
    assert_eq!(*usage, 0x22, "what this test can show");
    let mut sam = SamProbe::with_control_key(TERMINAL, 0, &wrapped.control_key);
    let apdu = hex::encode(&wrapped.apdu);
    sam.probe.challenge(&hex::encode(wrapped.challenge));
    assert_eq!(sam.probe.ask(&bent(&apdu)).status, 0x9302);
    sam.probe.challenge(&hex::encode(wrapped.challenge));
    sam.probe.done(&apdu);

    let (random, serial) = ([1, 2, 3, 4], [0x31, 0, 0x10, 0, 0, 0, 4, 0x23]);
    let order = format!("{}00070000000106{}{version:02X}00", hex::encode(random), hex::encode(MOMENT));
    let answer = sam.probe.done(&format!("807000001C{order}{}", hex::encode(serial)));
    let card_key = diversify(&Key::from_bytes(key.try_into().unwrap()), serial);
    let session = SessionKey::of_purchase(&card_key, random, 7, 0);
    assert_eq!(answer[4..], session.purchase_mac1(&terms(TransactionType::PURCHASE_EP, 1)));
}
