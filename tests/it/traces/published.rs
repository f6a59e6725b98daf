//! Published traces, and those of the second implementation, by their own keys.

use onecard_host::{
    crypto::Key,
    trace::{Entry, GivenKey, Peer, TraceKeys, Unchecked, Verdict},
};
use onecard_vectors::{
    Vectors, authentication,
    authentication::Authentication,
    block_cipher::BlockCipher,
    line_protection::LineProtection,
    load::Load,
    overdraft::Overdraft,
    purchase::Purchase,
    sam::{SamLoad, SamPurchase},
    sam_crypt::SamMark,
    unload::Unload,
    vector::Vector,
};
use onecard_wire::{key::KeyType, sam::UsageKind};

use super::{check, done};
use crate::coverage_of_vectors::{keyed, whole_key};

/// A trace, its keys, and whether it is as the keys make it.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) entries: Vec<Entry>,
    pub(super) keys: TraceKeys,
    pub(super) valid: bool,
    /// The key proves little: of a weak one, two changes undo each other.
    pub(super) degenerate: bool,
}

/// Every vector that is an exchange.
pub(super) fn cases() -> Vec<Case> {
    let vectors = Vectors::embedded().unwrap();
    let mut cases = Vec::new();
    let add = |cases: Vec<Case>, least: usize| {
        assert!(cases.len() >= least, "{}", cases.len());
        cases
    };
    cases.extend(add(vectors.load.iter().map(|vector| case(vector, load)).collect(), 5));
    cases.extend(add(vectors.purchase.iter().map(|vector| case(vector, purchase)).collect(), 10));
    cases.extend(add(vectors.unload.iter().map(|vector| case(vector, unload)).collect(), 2));
    cases.extend(add(vectors.overdraft.iter().map(|vector| case(vector, overdraft)).collect(), 1));
    cases.extend(add(vectors.authentication.iter().map(|vector| case(vector, authentication)).collect(), 10));
    cases.extend(add(vectors.line_protection.iter().map(|vector| case(vector, line_protection)).collect(), 10));
    cases.extend(add(vectors.sam_purchase.iter().map(|vector| case(vector, sam_purchase)).collect(), 3));
    cases.extend(add(vectors.sam_load.iter().map(|vector| case(vector, sam_load)).collect(), 1));
    cases.extend(add(vectors.sam_mark.iter().map(|vector| case(vector, sam_mark)).collect(), 1));
    cases
}

#[test]
fn every_published_exchange_is_right_by_its_published_keys() {
    let [mut right, mut wrong] = [0, 0];
    for Case { name, entries, keys, valid, .. } in cases() {
        let report = check(&entries, &keys);
        println!("{name}: {:?}", report.counts());
        // Writing the holder is not kept, and an example with a key of 8 bytes has no session key of this profile.
        let cannot = [Unchecked::Hidden, Unchecked::ShortKey].map(Verdict::Unchecked);
        let unchecked = report.findings.iter().filter(|finding| cannot.contains(&finding.verdict)).count();
        assert!(!report.findings.is_empty(), "{name}");
        assert_eq!(report.counts()[2], unchecked, "{name}: {report:?}");
        if report.counts()[..2] == [0, 0] {
            continue;
        }
        assert_eq!(report.first_wrong().is_none(), valid, "{name}: {report:?}");
        assert!(report.contradictions.is_empty(), "{name}: {report:?}");
        right += report.counts()[0];
        wrong += report.counts()[1];
        // Nothing can be said without keys.
        let blind = check(&entries, &TraceKeys::new());
        assert_eq!(blind.counts()[..2], [0, 0], "{name}");
    }
    println!("{right} right, {wrong} published as wrong");
    assert!(right > 150 && wrong >= 1, "{right}, {wrong}");
}

type Shown = (Vec<Entry>, TraceKeys);

fn case<B>(vector: &Vector<B>, show: impl Fn(&B) -> Shown) -> Case {
    let (entries, keys) = show(&vector.body);
    Case { name: vector.name.clone(), entries, keys, valid: vector.is_valid(), degenerate: vector.degenerate }
}

fn load(load: &Load) -> Shown {
    let mut keys = TraceKeys::new().with_card_key(GivenKey {
        key_type: KeyType::LOAD,
        id: load.key_id,
        key: keyed(load.block_cipher(), &load.load_key),
    });
    let mut entries = vec![done(Peer::Card, &load.initialize, &load.initialize_answer)];
    if let Some(credit) = &load.credit {
        keys = with_tac(keys, load.tac_key.as_deref(), load.tac_algorithm);
        entries.push(match credit.tac {
            Some(tac) => done(Peer::Card, &credit.apdu, &tac),
            None => super::entry(Peer::Card, &credit.apdu, &[0x93, 0x01]),
        });
    }
    (entries, keys)
}

fn purchase(purchase: &Purchase) -> Shown {
    let is_undo = purchase.transaction_type == 0x0A;
    let key_type = if is_undo { KeyType::CANCEL } else { KeyType::PURCHASE };
    let key = keyed(purchase.block_cipher(), &purchase.purchase_key);
    let keys = TraceKeys::new().with_card_key(GivenKey { key_type, id: purchase.key_id, key });
    let keys = with_tac(keys, purchase.tac_key.as_deref(), purchase.tac_algorithm);
    // An article's example pays from an empty purse.
    let mut begun = purchase.initialize_answer;
    if u32::from_be_bytes(purchase.old_balance) < u32::from_be_bytes(purchase.amount) && !is_undo {
        begun[..4].copy_from_slice(&purchase.amount);
    }
    let mut entries = vec![done(Peer::Card, &purchase.initialize, &begun)];
    entries.extend(purchase.cache.as_ref().map(|cache| done(Peer::Card, &cache.update, &[])));
    entries.push(match purchase.tac {
        Some(tac) => done(Peer::Card, &purchase.debit, &[tac, purchase.mac2].concat()),
        None => super::entry(Peer::Card, &purchase.debit, &[0x94, 0x01]),
    });
    (entries, keys)
}

fn unload(unload: &Unload) -> Shown {
    let key = whole_key(BlockCipher::of_byte(unload.algorithm), &unload.unload_key);
    let key = GivenKey { key_type: KeyType::UNLOAD, id: unload.key_id, key: key.into() };
    let entries = vec![
        done(Peer::Card, &unload.initialize, &unload.initialize_answer),
        done(Peer::Card, &unload.debit, &unload.mac3),
    ];
    (entries, TraceKeys::new().with_card_key(key))
}

fn overdraft(update: &Overdraft) -> Shown {
    let key = whole_key(BlockCipher::of_byte(update.algorithm), &update.overdraft_key);
    let key = GivenKey { key_type: KeyType::OVERDRAFT, id: update.key_id, key: key.into() };
    let keys = TraceKeys::new().with_card_key(key);
    let entries = vec![
        done(Peer::Card, &update.initialize, &update.initialize_answer),
        done(Peer::Card, &update.update, &update.tac),
    ];
    (entries, with_tac(keys, Some(&update.tac_key), Some(update.tac_algorithm)))
}

fn authentication(shown: &Authentication) -> Shown {
    use authentication::Command;
    let (key_type, entries) = match shown.command {
        Command::External => {
            let challenge = done(Peer::Card, &[0x00, 0x84, 0, 0, shown.data.len() as u8], &shown.data);
            (KeyType::EXTERNAL, vec![challenge, done(Peer::Card, &shown.apdu, &[])])
        }
        Command::InternalEncipher => (KeyType::INTERNAL_ENCIPHER, answered(shown)),
        Command::InternalDecipher => (KeyType::INTERNAL_DECIPHER, answered(shown)),
        Command::InternalMac => (KeyType::INTERNAL_MAC, answered(shown)),
    };
    let key = keyed(shown.block_cipher, &shown.key);
    (entries, TraceKeys::new().with_card_key(GivenKey { key_type, id: shown.key_id, key }))
}

fn answered(shown: &Authentication) -> Vec<Entry> {
    vec![done(Peer::Card, &shown.apdu, &shown.cryptogram)]
}

fn line_protection(shown: &LineProtection) -> Shown {
    let challenge = done(Peer::Card, &[0x00, 0x84, 0, 0, shown.challenge.len() as u8], &shown.challenge);
    let answer = shown.answer.as_ref().map(|answer| {
        let data = answer.cipher.as_ref().unwrap_or(&answer.plain);
        [data.as_slice(), &answer.mac].concat()
    });
    let key = keyed(shown.block_cipher, &shown.key);
    let key = GivenKey { key_type: KeyType::MAINTENANCE, id: 0x00, key };
    // Le, so that the answer to a READ is one.
    let command = [&shown.apdu[..], if answer.is_some() { &[0x00] } else { &[] }].concat();
    let entries = vec![challenge, done(Peer::Card, &command, &answer.unwrap_or_default())];
    (entries, TraceKeys::new().with_card_key(key))
}

fn sam_purchase(shown: &SamPurchase) -> Shown {
    let undo = shown.transaction_type == 0x0A;
    let kind = if undo { UsageKind::CANCEL } else { UsageKind::PURCHASE };
    let keys = TraceKeys::new().with_sam_key(kind, whole_key(shown.block_cipher(), &shown.key));
    let entries = vec![
        done(Peer::Sam, &[0x00, 0xB0, 0x96, 0x00, 0x06], &shown.terminal),
        done(Peer::Sam, &shown.initialize, &[shown.terminal_sequence, shown.mac1].concat()),
        done(Peer::Sam, &shown.credit, &[]),
        done(Peer::Sam, &shown.past, &[]),
    ];
    (entries, keys)
}

fn sam_load(shown: &SamLoad) -> Shown {
    let key: Key = whole_key(BlockCipher::of_byte(shown.algorithm), &shown.key);
    let entries = vec![
        done(Peer::Sam, &[0x00, 0xB0, 0x96, 0x00, 0x06], &shown.terminal),
        done(Peer::Sam, &shown.initialize, &shown.mac2),
    ];
    (entries, TraceKeys::new().with_sam_key(UsageKind::LOAD, key))
}

fn sam_mark(shown: &SamMark) -> Shown {
    let key = whole_key(shown.block_cipher, &shown.key);
    (vec![done(Peer::Sam, &shown.mark, &shown.mac)], TraceKeys::new().with_sam_key(UsageKind::MARKING, key))
}

fn with_tac(keys: TraceKeys, tac_key: Option<&[u8]>, algorithm: Option<u8>) -> TraceKeys {
    let cipher = BlockCipher::of_byte(algorithm.unwrap_or_default());
    match tac_key {
        Some(key) => keys.with_card_key(GivenKey { key_type: KeyType::TAC, id: 0x00, key: keyed(cipher, key) }),
        None => keys,
    }
}
