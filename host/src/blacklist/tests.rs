//! Lists by the letter: exact, small, and of nobody but the enterprise.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{collections::BTreeSet, fs};

use ed25519_dalek::{Signer, SigningKey};
use onecard_wire::number::{ApplicationSerial, EnterpriseId};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::*;

fn enterprise() -> EnterpriseId {
    "1000000000000001".parse().unwrap()
}

fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&[0x5A; 32])
}

fn signer() -> ListSigner {
    ListSigner::new(enterprise(), signing_key())
}

fn version(number: u8) -> ListVersion {
    ListVersion([0x20, 0x26, 0x06, 0x01, 0, 0, number])
}

fn card(number: u64) -> ApplicationSerial {
    ApplicationSerial::from_parts(31, 1, number).unwrap()
}

fn whole(number: u8, cards: impl IntoIterator<Item = u64>) -> Vec<u8> {
    signer().whole(version(number), cards.into_iter().map(card)).unwrap()
}

fn list(number: u8, cards: impl IntoIterator<Item = u64>) -> Blacklist {
    Blacklist::received(&whole(number, cards), enterprise(), &signer().key()).unwrap()
}

/// Whatever is signed here is signed by the right key.
fn signed_anew(bytes: &[u8]) -> Vec<u8> {
    let signed = &bytes[..bytes.len() - 64];
    [signed, &signing_key().sign(signed).to_bytes()].concat()
}

fn hundred_thousand_of_ten_million() -> BTreeSet<u64> {
    let mut random = StdRng::seed_from_u64(10_000_000);
    let mut cards = BTreeSet::new();
    while cards.len() < 100_000 {
        cards.insert(random.random_range(0..10_000_000));
    }
    cards
}

/// The figure of docs/figures.md: exact, in memory, on the way, and after changes.
#[test]
fn a_hundred_thousand_of_ten_million_take_two_bytes_each() {
    let cards = hundred_thousand_of_ten_million();
    let bytes = whole(1, cards.iter().copied());
    let first = Blacklist::received(&bytes, enterprise(), &signer().key()).unwrap();
    assert_eq!(first.len(), 100_000);
    for number in 0..10_000_000 {
        assert_eq!(first.lists(card(number)), cards.contains(&number), "{number}");
    }
    let fewer: Vec<u64> = cards.iter().copied().skip(1_000).chain(10_000_000..10_001_000).collect();
    let changes = signer().changes(&first, &list(2, fewer)).unwrap();
    let second = first.updated(&changes, &signer().key()).unwrap();
    let each = |bytes: u64| bytes as f64 / 100_000.0;
    let (held, held_after, sent) = (first.memory_bytes(), second.memory_bytes(), bytes.len() as u64);
    println!(
        "100,000 cards listed of 10,000,000: {:.3} bytes each in memory, {:.3} after 2,000 changes, {:.3} on the way; the \
         changes {} bytes",
        each(held),
        each(held_after),
        each(sent),
        changes.len()
    );
    assert!(held > 190_000, "the buffers are counted");
    assert!([held, held_after, sent].into_iter().all(|bytes| each(bytes) <= 2.1));
}

#[test]
fn numbers_and_serials_are_one_to_one() {
    for (province, attribute, serial) in [(0, 0, 0), (31, 1, 42), (99, 999, 9_999_999_999), (1, 0, 1)] {
        let card = ApplicationSerial::from_parts(province, attribute, serial).unwrap();
        assert_eq!(layout::serial(layout::number(card)), Some(card));
    }
    let last = ApplicationSerial::from_parts(99, 999, 9_999_999_999).unwrap();
    assert_eq!(layout::number(last), 999_999_999_999_999);
    assert_eq!(layout::serial(1_000_000_000_000_000), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Any history of whole lists and changes is what a set of serials would hold.
    #[test]
    fn lists_are_sets(
        histories in prop::collection::vec(prop::collection::btree_set((0..3u8, 0..2u16, 0..200_000u64), 0..60), 1..8),
        changes in prop::collection::vec(any::<bool>(), 8),
    ) {
        let mut current = list(0, []);
        for (number, (history, changes)) in histories.into_iter().zip(changes).enumerate() {
            let serial = |(province, attribute, serial)| ApplicationSerial::from_parts(province, attribute, serial).unwrap();
            let expected: BTreeSet<ApplicationSerial> = history.into_iter().map(serial).collect();
            let bytes = signer().whole(version(number as u8 + 1), expected.iter().copied()).unwrap();
            let bytes = match changes {
                true => {
                    let new = Blacklist::received(&bytes, enterprise(), &signer().key()).unwrap();
                    signer().changes(&current, &new).unwrap()
                }
                false => bytes,
            };
            current = current.updated(&bytes, &signer().key()).unwrap();
            prop_assert_eq!(current.version(), version(number as u8 + 1));
            prop_assert_eq!(current.iter().collect::<BTreeSet<_>>(), expected.clone());
            prop_assert_eq!((current.len(), current.is_empty()), (expected.len() as u64, expected.is_empty()));
            prop_assert!(expected.iter().all(|serial| current.lists(*serial)));
        }
    }

    /// Arbitrary bytes, and arbitrary bytes in the place of some of a list's, are never taken and never panic.
    #[test]
    fn nothing_unsigned_is_taken(
        noise in prop::collection::vec(any::<u8>(), 0..300),
        at in any::<prop::sample::Index>(),
        changes in any::<bool>(),
    ) {
        let (old, new) = (list(1, [1, 2, 3]), list(2, [2, 3, 4, 70_000]));
        let right = if changes { signer().changes(&old, &new).unwrap() } else { whole(2, [2, 3, 4, 70_000]) };
        let at = at.index(right.len());
        let spliced: Vec<u8> = right[..at].iter().chain(&noise).chain(right.iter().skip(at + noise.len())).copied().collect();
        for bytes in [&noise, &spliced] {
            prop_assert!(*bytes == right || old.updated(bytes, &signer().key()).is_err());
            prop_assert!(*bytes == right || Blacklist::received(bytes, enterprise(), &signer().key()).is_err());
        }
    }

    /// The enterprise's own signature under nonsense: it reads to a list that is what it says, or is refused.
    #[test]
    fn signed_nonsense_does_not_panic(
        noise in prop::collection::vec(any::<u8>(), 1..40),
        at in any::<prop::sample::Index>(),
        changes in any::<bool>(),
    ) {
        let (old, new) = (list(1, 0..50), list(2, (10..60).chain([70_000, 100_000])));
        let right = if changes { signer().changes(&old, &new).unwrap() } else { whole(2, (10..60).chain([70_000, 100_000])) };
        let at = at.index(right.len() - 64);
        let mut bytes = right.clone();
        for (byte, noise) in bytes.iter_mut().skip(at).zip(noise) {
            *byte = noise;
        }
        if let Ok(taken) = old.updated(&signed_anew(&bytes), &signer().key()) {
            prop_assert_eq!(taken.iter().count() as u64, taken.len());
            prop_assert!(taken.version() > old.version());
        }
    }
}

#[test]
fn every_changed_bit_and_every_cut_is_refused() {
    let old = list(1, [1, 2, 3]);
    for right in [whole(2, [1, 7]), signer().changes(&old, &list(2, [1, 7])).unwrap()] {
        let mut taken = 0;
        for bit in 0..right.len() * 8 {
            let mut bytes = right.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            taken += u32::from(old.updated(&bytes, &signer().key()).is_ok());
        }
        for length in 0..right.len() {
            taken += u32::from(old.updated(&right[..length], &signer().key()).is_ok());
        }
        taken += u32::from(old.updated(&[&right[..], &[0]].concat(), &signer().key()).is_ok());
        assert_eq!(taken, 0);
        assert!(old.updated(&right, &signer().key()).is_ok());
    }
}

#[test]
fn what_does_not_follow_is_refused_and_says_what_to_fetch() {
    let key = signer().key();
    let (one, two, three) = (list(1, [1]), list(2, [1, 2]), list(3, [2, 3]));
    let second_to_third = signer().changes(&two, &three).unwrap();
    let refused = |list: &Blacklist, bytes: &[u8]| list.updated(bytes, &key).unwrap_err();

    let gap = refused(&one, &second_to_third);
    assert_eq!(gap, BlacklistError::Gap { base: version(2), have: version(1) });
    assert_eq!(
        gap.to_string(),
        "the changes are made for list 20260601000002, this terminal has 20260601000001: fetch the changes that follow \
         20260601000001, or the newest whole list"
    );
    let (offered, have) = (version(3), version(3));
    assert_eq!(refused(&three, &second_to_third), BlacklistError::NotNewer { offered, have });
    assert_eq!(refused(&three, &whole(2, [1])), BlacklistError::NotNewer { offered: version(2), have });
    assert_eq!(
        Blacklist::received(&second_to_third, enterprise(), &key).unwrap_err(),
        BlacklistError::NoListYet { base: version(2) }
    );
    assert_eq!(signer().changes(&three, &two).unwrap_err(), BlacklistError::NotNewer { offered: version(2), have });

    let other: EnterpriseId = "2000000000000002".parse().unwrap();
    let others = ListSigner::new(other, signing_key()).whole(version(9), [card(1)]).unwrap();
    let foreign = BlacklistError::OtherEnterprise { found: other, expected: enterprise() };
    assert_eq!(refused(&one, &others), foreign, "even under one key for both");
    let forged = ListSigner::new(enterprise(), SigningKey::from_bytes(&[1; 32])).whole(version(9), []).unwrap();
    assert_eq!(refused(&one, &forged), BlacklistError::WrongSignature);
    let mut newer_format = whole(2, [1]);
    newer_format[4] = 0x02;
    assert_eq!(refused(&one, &signed_anew(&newer_format)), BlacklistError::Format(0x02));
    assert!(refused(&one, b"GIF89a").to_string().contains("fetch it again"));
}

/// What the enterprise's own software may get wrong.
#[test]
fn signed_contradictions_are_refused() {
    let key = signer().key();
    let (one, two) = (list(1, [1, 2, 3]), list(2, [2, 3, 4, 5]));
    let changes = signer().changes(&one, &two).unwrap();
    let contradiction = |change: fn(&mut Vec<u8>)| {
        let mut bytes = changes.clone();
        change(&mut bytes);
        let error = one.updated(&signed_anew(&bytes), &key).unwrap_err();
        assert!(matches!(error, BlacklistError::Contradictory(_)), "{error}");
        error.to_string()
    };
    assert!(contradiction(|bytes| bytes[5] = 3).contains("neither"));
    assert!(contradiction(|bytes| bytes[31] = 9).contains("as many cards"));
    assert!(contradiction(|bytes| bytes[35] = 9).contains("lengths"));
    assert!(contradiction(|bytes| bytes[39] = 9).contains("lengths"));
    assert!(contradiction(|bytes| bytes[44..60].rotate_left(8)).contains("ascending"));
    assert!(contradiction(|bytes| bytes.copy_within(44..52, 52)).contains("ascending"), "a card twice");
    assert!(contradiction(|bytes| bytes[51] ^= 1).contains("no card has"));
    assert!(contradiction(|bytes| bytes[20..27].fill(0xFF)).contains("older"));
    let takes_off = contradiction(|bytes| bytes[60..68].copy_from_slice(&card(77).to_bytes()));
    assert!(takes_off.contains("takes a card off that is not listed"));
    let adds = contradiction(|bytes| bytes[44..52].copy_from_slice(&card(3).to_bytes()));
    assert!(adds.contains("listed already"));

    let right = whole(2, [1, 70_000]);
    let contradiction = |change: fn(&mut Vec<u8>)| {
        let mut bytes = right.clone();
        change(&mut bytes);
        one.updated(&signed_anew(&bytes), &key).unwrap_err().to_string()
    };
    assert!(contradiction(|bytes| bytes[31] = 9).contains("header says otherwise"));
    assert!(contradiction(|bytes| bytes[26] = 9).contains("header says otherwise"));
    assert!(contradiction(|bytes| bytes[52..56].fill(0xFF)).contains("no card has"));
    assert!(contradiction(|bytes| bytes[44] = 9).contains("does not read"));
    let length = right.len() - 64 - 44 + 4;
    assert_eq!(u32::from_be_bytes(right[40..44].try_into().unwrap()) as usize + 4, length);
    let mut longer = right[..right.len() - 64].to_vec();
    longer.extend([0; 4 + 64]);
    longer[40..44].copy_from_slice(&(length as u32).to_be_bytes());
    let error = one.updated(&signed_anew(&longer), &key).unwrap_err();
    assert!(error.to_string().contains("another length"));
    // The tree's one key twice: a set that reads, and of which the second part hides the first.
    let (header, body) = right[..right.len() - 64].split_at(44);
    let mut twice = [header, &2_u64.to_le_bytes(), &body[8..], &body[8..], &[0; 64]].concat();
    let length = twice.len() - 44 - 64;
    twice[40..44].copy_from_slice(&(length as u32).to_be_bytes());
    let error = one.updated(&signed_anew(&twice), &key).unwrap_err();
    assert!(error.to_string().contains("another length"), "{error}");
}

#[test]
fn a_key_that_every_signature_fits_is_none() {
    assert_eq!(ListKey::from_bytes(&[0; 32]), Err(NoListKey));
    let mut one = [0; 32];
    one[0] = 1;
    assert_eq!(ListKey::from_bytes(&one), Err(NoListKey));
    let key = signer().key();
    assert_eq!(ListKey::from_bytes(&key.to_bytes()), Ok(key));
    assert!(!format!("{:?}", signer()).contains("90, 90") && !format!("{:?}", signer()).contains("5a5a"));
}

#[test]
fn a_file_keeps_what_was_received_and_trusts_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("blacklist");
    let open = || BlacklistFile::open(&path, enterprise(), signer().key());
    let mut file = open().unwrap();
    assert!(file.list().is_none() && !path.exists());
    let changes = signer().changes(&list(1, [1, 2]), &list(2, [2, 3])).unwrap();
    assert!(matches!(file.receive(&changes), Err(BlacklistFileError::Refused(BlacklistError::NoListYet { .. }))));
    file.receive(&whole(1, [1, 2])).unwrap();
    file.receive(&changes).unwrap();
    assert!(matches!(file.receive(&changes), Err(BlacklistFileError::Refused(BlacklistError::NotNewer { .. }))));
    assert_eq!(file.list(), Some(&list(2, [2, 3])));
    assert_eq!(open().unwrap().list(), Some(&list(2, [2, 3])));
    assert_eq!(fs::read(&path).unwrap(), [whole(1, [1, 2]), changes].concat());
    file.receive(&whole(3, [9])).unwrap();
    assert_eq!(fs::read(&path).unwrap(), whole(3, [9]), "a whole list takes the place of everything before it");

    let right = fs::read(&path).unwrap();
    for at in 0..right.len() {
        let mut wrong = right.clone();
        wrong[at] ^= 0x01;
        fs::write(&path, wrong).unwrap();
        let error = open().unwrap_err();
        assert!(matches!(error, BlacklistFileError::Stored { .. }), "{at}: {error}");
        assert!(error.to_string().contains("fetch the newest whole list"));
    }
    fs::write(&path, &right[..right.len() - 1]).unwrap();
    assert!(matches!(open(), Err(BlacklistFileError::Stored { .. })));
    // What cannot be read is no empty list.
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(matches!(open(), Err(BlacklistFileError::Io { .. })));
}

#[test]
fn one_process_replaces_a_list_at_a_time() {
    use crate::disk::{Disk, SystemDisk};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("blacklist");
    let mut file = BlacklistFile::open(&path, enterprise(), signer().key()).unwrap();
    let other = SystemDisk.open(&folder.path().join("blacklist.new")).unwrap();
    assert!(matches!(file.receive(&whole(1, [1])), Err(BlacklistFileError::InUse(_))));
    drop(other);
    file.receive(&whole(1, [1])).unwrap();
    assert!(file.list().unwrap().lists(card(1)));
}

#[test]
fn a_damaged_or_missing_file_takes_no_list_away_from_a_running_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("blacklist");
    let mut file = BlacklistFile::open(&path, enterprise(), signer().key()).unwrap();
    file.receive(&whole(5, [1, 2])).unwrap();
    let good = fs::read(&path).unwrap();
    let mut bytes = good.clone();
    bytes[50] ^= 1;
    fs::write(&path, bytes).unwrap();
    file.receive(&whole(6, [1])).unwrap_err();
    assert_eq!(file.list().map(Blacklist::version), Some(version(5)));
    fs::remove_file(&path).unwrap();
    file.receive(&whole(1, [1])).unwrap_err();
    assert_eq!(file.list().map(Blacklist::version), Some(version(5)), "an older list is none");
    file.receive(&whole(6, [1])).unwrap();
    assert_eq!(file.list().map(Blacklist::version), Some(version(6)));
    assert!(BlacklistFile::open(&path, enterprise(), signer().key()).unwrap().list().is_some());
}
