//! The wallet's vectors.

use onecard_applet::Kind;
use onecard_host::crypto::{Key, SessionKey, TransactionTerms};
use onecard_vectors::{load::Load, overdraft::Overdraft, purchase::Purchase, unload::Unload, vector::Vector};
use onecard_wire::{
    amount::Amount,
    date::Moment,
    number::TerminalNumber,
    wallet::{OverdraftLimit, PurchaseInitialized, Purse, TransactionType, UpdateInitialized, UpdateOverdrawLimit},
};

use crate::{
    probe::Probe,
    purse::{ED, EP, KEY_ID, PURCHASE_KEY, TAC_KEY, TERMINAL, Till, moment},
};

/// Overdraft key that sets a purse up.
const OVERDRAFT_KEY: [u8; 16] = hex_literal::hex!("3C7E5061728394A5B6C7D8E9FA0B1C2D");

pub(super) fn load(vector: &Vector<Load>) {
    let trace = &vector.body;
    let till = till(trace.purse);
    let mut probe = application_with_purse(till, trace.tac_algorithm, trace.tac_key.as_deref());
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

/// A purchase, cash withdrawal, compound purchase or undo.
pub(super) fn purchase(vector: &Vector<Purchase>) {
    let trace = &vector.body;
    let (till, is_undo) = (till(trace.purse), trace.transaction_type == TransactionType::UNDO.0);
    let mut probe = application_with_purse(till, trace.tac_algorithm, trace.tac_key.as_deref());
    let key_type = if is_undo { "33" } else { "3E" };
    let key = format!("{key_type}F0F0{:02X}{:02X}", trace.key_version, trace.algorithm);
    probe.key(trace.key_id, &key, &trace.purchase_key);
    let (amount, printed) = (u32::from_be_bytes(trace.amount), u32::from_be_bytes(trace.old_balance));
    if printed < amount && !is_undo {
        // An article's example pays from an empty purse.
        probe.refused(0x9401, &hex::encode(&trace.initialize));
    }
    let offline = u16::from_be_bytes(trace.offline_sequence);
    let balance = if is_undo {
        till.bring_to(&mut probe, printed + amount, 1, offline - 1);
        probe.refused(0x9406, &hex::encode(&trace.initialize));
        pay_at(&mut probe, trace.terminal, amount);
        printed
    } else {
        till.bring_to(&mut probe, printed.max(amount), 1, offline);
        printed.max(amount)
    };
    if let Some(cache) = &trace.cache {
        let blank = [&cache.record[..3], &vec![0x5A; cache.record.len() - 3]].concat();
        probe.create("001C", "2C 0100 F0F0 FFFF");
        probe.done(&format!("00E200E4{:02X}{}", blank.len(), hex::encode(blank)));
    }
    probe.inject(&trace.random);
    let answer = probe.done(&hex::encode(&trace.initialize));
    assert_eq!(answer[4..], trace.initialize_answer[4..]);
    assert_eq!(answer[..4], balance.to_be_bytes());
    if let Some(cache) = &trace.cache {
        probe.done(&hex::encode(&cache.update));
    }
    if !vector.is_valid() {
        return probe.refused(0x9302, &hex::encode(&trace.debit));
    }
    completed(&mut probe, till, trace, if is_undo { balance + amount } else { balance - amount });
    if is_undo {
        // It cannot be undone.
        probe.refused(0x9406, &hex::encode(&trace.initialize));
    }
}

/// DEBIT and what is there afterwards.
fn completed(probe: &mut Probe, till: Till, trace: &Purchase, new_balance: u32) {
    let answer = probe.done(&hex::encode(&trace.debit));
    let (tac, mac2) = answer.split_at(4);
    assert_eq!(mac2, trace.mac2);
    assert!(trace.tac.is_none_or(|published| tac == published), "{}", hex::encode(tac));
    let log = probe.done("00B201C417");
    assert!(trace.log_record.is_none_or(|expected| log == expected), "{}", hex::encode(log));
    if let Some(cache) = &trace.cache {
        assert_eq!(probe.done("00B201E400"), cache.record);
    }
    let sequence = u16::from_be_bytes(trace.offline_sequence) + 1;
    assert_eq!(till.proof(probe, trace.transaction_type, sequence).data, [mac2, tac].concat());
    assert_eq!(till.balance(probe), new_balance);
}

pub(super) fn unload(vector: &Vector<Unload>) {
    let trace = &vector.body;
    assert!(vector.is_valid());
    let till = till(trace.purse);
    let mut probe = application_with_purse(till, None, None);
    let (balance, online) = (u32::from_be_bytes(trace.old_balance), u16::from_be_bytes(trace.online_sequence));
    till.bring_to(&mut probe, balance, online, 0);
    probe.key(trace.key_id, &format!("3DF0F0{:02X}{:02X}", trace.key_version, trace.algorithm), &trace.unload_key);
    for guess in [true, false] {
        probe.inject(&trace.random);
        assert_eq!(probe.done(&hex::encode(&trace.initialize)), trace.initialize_answer);
        if guess {
            probe.refused(0x9302, &with_another_mac(&trace.debit));
        }
    }
    assert_eq!(probe.done(&hex::encode(&trace.debit)), trace.mac3);
    assert_eq!(probe.done("00B201C417"), trace.log_record);
    let proof = till.proof(&mut probe, trace.transaction_type, online + 1);
    assert_eq!(proof.data, [trace.mac3, [0; 4]].concat());
    assert_eq!(till.balance(&mut probe), balance - u32::from_be_bytes(trace.amount));
}

pub(super) fn overdraft(vector: &Vector<Overdraft>) {
    let trace = &vector.body;
    assert!(vector.is_valid());
    let mut probe = application_with_purse(ED, Some(trace.tac_algorithm), Some(&trace.tac_key));
    let (old_balance, online) = (Amount::from_bytes(trace.old_balance), u16::from_be_bytes(trace.online_sequence));
    let old_limit = OverdraftLimit(trace.old_limit);
    if old_limit == OverdraftLimit::default() {
        ED.bring_to(&mut probe, old_balance.fen(), online, 0);
    } else {
        ED.bring_to(&mut probe, old_balance.fen() - old_limit.amount().fen(), online - 1, 0);
        set_limit(&mut probe, old_limit);
    }
    let header = format!("3CF0F0{:02X}{:02X}", trace.key_version, trace.algorithm);
    probe.key(trace.key_id, &header, &trace.overdraft_key);
    for guess in [true, false] {
        probe.inject(&trace.random);
        assert_eq!(probe.done(&hex::encode(&trace.initialize)), trace.initialize_answer);
        if guess {
            probe.refused(0x9302, &with_another_mac(&trace.update));
        }
    }
    assert_eq!(probe.done(&hex::encode(&trace.update)), trace.tac);
    assert_eq!(probe.done("00B201C417"), trace.log_record);
    let proof = ED.proof(&mut probe, TransactionType::OVERDRAFT.0, online + 1);
    assert_eq!(proof.data, [[0; 4], trace.tac].concat());
    assert_eq!(ED.balance(&mut probe).to_be_bytes(), trace.new_balance);
}

/// An overdraft update before the one that is shown.
fn set_limit(probe: &mut Probe, limit: OverdraftLimit) {
    probe.key(KEY_ID, "3CF0F00100", &OVERDRAFT_KEY);
    let begun = probe.done(&format!("8050040107{KEY_ID:02X}{}", hex::encode(TERMINAL)));
    let begun = UpdateInitialized::parse(&begun).unwrap();
    let session = SessionKey::of_update(&Key::from_bytes(OVERDRAFT_KEY), begun.random, begun.online_sequence);
    let mac2 = session.update_mac2(limit, TerminalNumber(TERMINAL), moment());
    let update = UpdateOverdrawLimit { new_limit: limit, moment: moment(), mac2 };
    probe.done(&format!("805800000E{}", hex::encode(update.emit())));
}

/// The purchase that an undo takes back.
fn pay_at(probe: &mut Probe, terminal: [u8; 6], amount: u32) {
    let begun = probe.done(&format!("805001020B{KEY_ID:02X}{amount:08X}{}", hex::encode(terminal)));
    let begun = PurchaseInitialized::parse(&begun).unwrap();
    let session = SessionKey::of_purchase(&Key::from_bytes(PURCHASE_KEY), begun.random, begun.offline_sequence, 0);
    let Moment { date, time } = moment();
    let terms = TransactionTerms {
        amount: Amount::from_fen(amount),
        transaction_type: TransactionType::PURCHASE_EP,
        terminal: TerminalNumber(terminal),
        moment: moment(),
    };
    let moment = [&date.to_bytes()[..], &time.to_bytes()].concat();
    probe.done(&format!("805401000F00000000{}{}", hex::encode(moment), hex::encode(session.purchase_mac1(&terms))));
}

fn till(purse: u8) -> Till {
    if purse == Purse::Ed as u8 { ED } else { EP }
}

fn application_with_purse(till: Till, tac_algorithm: Option<u8>, tac_key: Option<&[u8]>) -> Probe {
    let mut probe = Probe::application(Kind::CpuCard);
    till.create(&mut probe);
    let header = format!("34F0F001{:02X}", tac_algorithm.unwrap_or_default());
    probe.key(0x00, &header, tac_key.unwrap_or(&TAC_KEY));
    probe
}

/// `command`, which ends by a MAC and Le, with another MAC.
fn with_another_mac(command: &[u8]) -> String {
    let mut command = command.to_vec();
    let last_of_mac = command.len() - 2;
    command[last_of_mac] ^= 0x01;
    hex::encode(command)
}
