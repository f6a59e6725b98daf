//! A PKCS#11 token, SoftHSM by `.ci/with-softhsm`: what goes in, and what never comes out.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::{
    env,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use aes::{
    Aes128,
    cipher::{BlockCipherDecrypt, KeyInit},
};
use cmac::{Cmac, Mac};
use onecard_host::{
    crypto::Key,
    issuing::SamSerial,
    key_master::{
        ClosedKeyMaster, KeyMasterOrder, LastTry, LoadAllowance, MasterKeySource, MasterPin, Recipient, TransportKeys,
        fill, move_allowance, personalise_key_master, personalise_mother,
    },
    key_store::{
        Freshness, KeyStore, KeyTarget, Manner, NamedKey, Payload, SoftwareStore, StoreError, WrapperKey, WriteKeyOrder,
    },
    keys::{MissingKey, Purpose, RootKeys},
    line_protection::Challenge,
};
use onecard_simulator::{
    chip::{Blank, Chip},
    reader::Reader,
};
use onecard_station::store::{Token, TokenError, TokenSource};
use onecard_wire::{
    key::{Algorithm, KeyVersion},
    number::{ApplicationSerial, EnterpriseId},
    sam::UsageKind,
};
use rand::{SeedableRng, rngs::ChaCha20Rng};
use zeroize::Zeroizing;

const VERSION: KeyVersion = KeyVersion(1);
const PIN: &str = "135790";

/// One test after another: a library is initialised once in a process.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn library() -> PathBuf {
    let name = env::var_os("ONECARD_PKCS11").unwrap_or_else(|| panic!("run this test by .ci/with-softhsm"));
    PathBuf::from(name)
}

fn enterprise() -> EnterpriseId {
    "1000000000000001".parse().unwrap()
}

fn open(label: &str) -> Token {
    Token::open(&library(), label, Zeroizing::new(PIN.to_owned()), enterprise()).unwrap()
}

fn roots(algorithm: Algorithm, seed: u64) -> RootKeys {
    RootKeys::generate_with(VERSION, |_| algorithm, &mut ChaCha20Rng::seed_from_u64(seed))
}

fn software(roots: &RootKeys) -> SoftwareStore {
    SoftwareStore::new(roots.enterprise(enterprise()))
}

fn name(purpose: Purpose) -> NamedKey {
    NamedKey { purpose, version: VERSION }
}

fn order_of(purpose: Purpose, manner: Manner, under: WrapperKey) -> WriteKeyOrder<'static> {
    let target = KeyTarget::Application(ApplicationSerial::from_parts(31, 1, 42).unwrap());
    let id = purpose.place().unwrap().id;
    let fresh = Freshness::Challenge(Challenge([0xA1, 0xB2, 0xC3, 0xD4, 0xE5, 0xF6, 0x07, 0x18]));
    WriteKeyOrder { target, payload: Payload::CardKey { name: name(purpose), id, manner }, under, fresh }
}

/// The token makes what the software store makes, byte for byte, for every key of an application.
fn bodies_agree(label: &str, roots: &RootKeys) {
    let mut token = open(label);
    let count = roots.keys().names().count();
    let imported = token.import(roots).unwrap();
    assert_eq!((imported.new, imported.there), (count, 0));
    // An import that is done again finds them all.
    let again = token.import(roots).unwrap();
    assert_eq!((again.new, again.there), (0, count));
    let mut software = software(roots);
    let orders = Purpose::ALL.iter().filter(|purpose| purpose.place().is_some()).map(|purpose| {
        let manner = if *purpose == Purpose::Control { Manner::Replace } else { Manner::Add };
        order_of(*purpose, manner, WrapperKey::Control(VERSION))
    });
    let washed = order_of(Purpose::Control, Manner::Replace, WrapperKey::Management(VERSION));
    let mut bodies = 0;
    for order in orders.chain([washed]) {
        assert_eq!(token.write_key(&order), software.write_key(&order), "{order:?}");
        bodies += 1;
    }
    assert_eq!(bodies, 18);
    let sorted = |mut keys: Vec<_>| {
        keys.sort_by_key(|key: &onecard_host::key_store::StoredKey| key.name.purpose);
        keys
    };
    assert_eq!(sorted(token.keys().unwrap()), sorted(software.keys().unwrap()));
}

#[test]
fn bodies_of_triple_des_keys_are_those_of_the_software_store() {
    let _alone = alone();
    bodies_agree("triple des", &roots(Algorithm::Des, 1));
}

#[test]
fn bodies_of_aes_keys_are_those_of_the_software_store() {
    let _alone = alone();
    bodies_agree("aes", &roots(Algorithm::Aes, 2));
}

#[test]
fn a_key_master_card_is_filled_and_no_enterprise_key_is_in_the_host() {
    let _alone = alone();
    for (label, algorithm) in [("filled des", Algorithm::Des), ("filled aes", Algorithm::Aes)] {
        let roots = roots(algorithm, 2);
        let mut token = open(label);
        token.import(&roots).unwrap();
        let keys = roots.enterprise(enterprise());
        let key = |purpose| keys.keys().key(purpose, VERSION).unwrap();
        for purpose in [Purpose::Control, Purpose::Purchase, Purpose::Management, Purpose::SamMaster] {
            let wrapped = token.wrapped(name(purpose), VERSION).unwrap();
            assert_eq!(unwrapped(key(Purpose::MasterCardWrap), wrapped), *key(purpose).expose(), "{purpose}");
        }
        let message = b"number, challenge, header and data of a LOAD MASTER KEY";
        let mut mac = <Cmac<Aes128> as KeyInit>::new(key(Purpose::MasterCardMac).expose().into());
        mac.update(message);
        assert_eq!(token.transport_mac(message, VERSION).unwrap()[..], mac.finalize().into_bytes()[..8]);
    }
}

/// The card of a ceremony is filled by the token alone, and its bodies are those of the keys in memory.
#[test]
fn a_simulated_key_master_card_takes_its_keys_and_its_allowance_from_the_token() {
    let _alone = alone();
    for (label, algorithm) in [("filled des", Algorithm::Des), ("filled aes", Algorithm::Aes)] {
        let roots = roots(algorithm, 2);
        let mut token = open(label);
        token.import(&roots).unwrap();
        let mut source = TokenSource::new(token, VERSION);
        let mut master = Reader::insert(Chip::blank(Blank::KeyMaster, 1).unwrap());
        let mut mother = Reader::insert(Chip::blank(Blank::MotherAuthentication, 2).unwrap());
        // In the room of the ceremony, where the transport keys are at hand.
        let keys = roots.enterprise(enterprise());
        let transport = TransportKeys::of(&keys, VERSION).unwrap();
        let number = "2026000000000001".parse().unwrap();
        let pin = MasterPin::from_digits("20261129").unwrap();
        let none = LoadAllowance::default();
        let order = KeyMasterOrder { number, enterprise: enterprise(), allowance: none, pin: pin.clone() };
        personalise_key_master(&mut master, &order, &transport).unwrap();
        personalise_mother(&mut mother, number, enterprise(), &transport).unwrap();
        let closed = ClosedKeyMaster::select(&mut master, enterprise()).unwrap();
        let mut card = closed.open(&mut mother, &pin, LastTry::Keep).unwrap();

        let filled = fill(&mut card, &mut source).unwrap();
        assert_eq!((filled.loaded, filled.there), (22, 0));
        assert_eq!(fill(&mut card, &mut source).unwrap().there, 22);
        let allowance = LoadAllowance { card_exports: 5, sam_exports: 5 };
        assert_eq!(move_allowance(&mut card, &mut source, allowance).unwrap().allowance, allowance);
        let mut software = software(&roots);
        let working = Payload::SamKey { kind: UsageKind::PURCHASE, version: VERSION };
        let target = KeyTarget::Sam("00000000000000000017".parse::<SamSerial>().unwrap());
        let fresh = Freshness::Challenge(Challenge([7; 8]));
        for order in [
            order_of(Purpose::Control, Manner::Replace, WrapperKey::Management(VERSION)),
            order_of(Purpose::Purchase, Manner::Add, WrapperKey::Control(VERSION)),
            // What the token itself gives nobody.
            WriteKeyOrder { target, payload: working, under: WrapperKey::Control(VERSION), fresh },
        ] {
            assert_eq!(card.write_key(&order), software.write_key(&order), "{order:?}");
        }
        // Transport keys of another version are none of this card's, nor is what no card holds.
        let to = Recipient { number, challenge: [1; 8] };
        assert!(matches!(source.load_key(name(Purpose::MasterCardWrap), to), Err(StoreError::Malformed(_))));
        drop(source);
        let mut other = TokenSource::new(open(label), KeyVersion(9));
        let missing = MissingKey { purpose: Purpose::MasterCardWrap, version: KeyVersion(9) };
        match other.load_key(name(Purpose::Control), to) {
            Err(StoreError::MissingKey(key)) => assert_eq!(key, missing),
            answer => panic!("{answer:?}"),
        }
    }
}

/// RFC 3394, 2.2.2, of two blocks.
fn unwrapped(key: &Key, wrapped: [u8; 24]) -> [u8; 16] {
    let cipher = Aes128::new(key.expose().into());
    let part = |at: usize| <[u8; 8]>::try_from(&wrapped[at..at + 8]).unwrap();
    let (mut a, mut r) = (part(0), [part(8), part(16)]);
    for (at, step) in [1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0].into_iter().zip((1..=12_u8).rev()) {
        a[7] ^= step;
        let mut block = <[u8; 16]>::try_from([a, r[at]].concat()).unwrap().into();
        cipher.decrypt_block(&mut block);
        let block: [u8; 16] = block.into();
        a.copy_from_slice(&block[..8]);
        r[at].copy_from_slice(&block[8..]);
    }
    assert_eq!(a, [0xA6; 8]);
    r.concat().try_into().unwrap()
}

#[test]
fn what_a_token_cannot_do_it_says() {
    let _alone = alone();
    let mut token = open("refusals");
    let refused = token.import(&roots(Algorithm::Sm4, 3)).unwrap_err();
    assert!(matches!(refused, TokenError::Sm4 { .. }) && refused.to_string().contains("PKCS#11 has not"), "{refused}");
    assert!(token.keys().unwrap().is_empty());
    token.import(&roots(Algorithm::Des, 4)).unwrap();
    let other = token.import(&roots(Algorithm::Des, 5)).unwrap_err();
    assert!(matches!(other, TokenError::OtherKey { .. }), "{other}");
    assert!(other.to_string().contains("token \"refusals\" in slot"), "{other}");
    let target = KeyTarget::Sam("00000000000000000017".parse::<SamSerial>().unwrap());
    let fresh = Freshness::Challenge(Challenge([7; 8]));
    let payload = Payload::SamKey { kind: UsageKind::PURCHASE, version: VERSION };
    let working = WriteKeyOrder { target, payload, under: WrapperKey::Control(VERSION), fresh };
    match token.write_key(&working).unwrap_err() {
        StoreError::Failed(text) => assert!(text.contains("which no token gives out"), "{text}"),
        other => panic!("{other}"),
    }
    let missing = NamedKey { purpose: Purpose::Control, version: KeyVersion(9) };
    assert!(matches!(token.wrapped(missing, VERSION), Err(TokenError::Missing(_))));
    drop(token);

    let open = |library: PathBuf, label: &str, pin: &str| {
        Token::open(&library, label, Zeroizing::new(pin.to_owned()), enterprise()).unwrap_err()
    };
    let absent = open(PathBuf::from("/no/library.so"), "aes", PIN);
    assert!(matches!(absent, TokenError::Library { .. }), "{absent}");
    let unlabelled = open(library(), "another", PIN).to_string();
    assert!(unlabelled.contains("refusals") && unlabelled.contains("\"another\""), "{unlabelled}");
    let wrong = open(library(), "refusals", "000000").to_string();
    assert!(wrong.contains("token \"refusals\" in slot") && wrong.contains("PIN is wrong"), "{wrong}");
}

/// Whoever has the PIN gives labels: two of one label, and one that was put in with less than a ceremony gives, are none of it.
#[test]
fn an_object_that_no_ceremony_put_in_is_refused_whatever_its_label() {
    use cryptoki::{
        context::Pkcs11,
        object::{Attribute, KeyType, ObjectClass},
    };
    let _alone = alone();
    let roots = roots(Algorithm::Aes, 7);
    let mut token = open("strangers");
    token.import(&roots).unwrap();
    // Beside the token's own session, which has logged in: what lasts as long as a session is seen by both.
    let context = Pkcs11::new(library()).unwrap();
    let slots = context.get_slots_with_initialized_token().unwrap();
    let slot = slots.into_iter().find(|slot| context.get_token_info(*slot).unwrap().label() == "strangers").unwrap();
    let session = context.open_rw_session(slot).unwrap();
    let make = |label: &str, changed: &[Attribute]| {
        let mut template = vec![
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::Label(label.as_bytes().to_vec()),
            Attribute::KeyType(KeyType::AES),
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Derive(true),
            Attribute::Encrypt(true),
            Attribute::Value(vec![0x5A; 16]),
        ];
        template.retain(|one| !changed.iter().any(|other| one.attribute_type() == other.attribute_type()));
        session.create_object(&[template.as_slice(), changed].concat()).unwrap()
    };
    let mac = |token: &mut Token, version| token.transport_mac(b"message", version);

    let second = make("onecard root master-card-mac 01", &[]);
    for refused in [mac(&mut token, VERSION).map(drop), token.import(&roots).map(drop)] {
        let text = refused.unwrap_err().to_string();
        assert!(text.contains("2 objects are labelled \"onecard root master-card-mac 01\""), "{text}");
        assert!(text.contains("delete them all and import the keys again"), "{text}");
    }
    assert!(token.keys().is_err());
    session.destroy_object(second).unwrap();
    token.keys().unwrap();

    let root = "onecard root master-card-mac 09";
    let own = "onecard 1000000000000001 master-card-mac 09";
    let of_24_bytes =
        [Attribute::KeyType(KeyType::DES3), Attribute::Value((0..24).collect()), Attribute::Derive(false)];
    let faults: [(&str, &[Attribute], &str); 7] = [
        (root, &[Attribute::Sensitive(false)], "CKA_SENSITIVE true"),
        (root, &[Attribute::Extractable(true)], "CKA_EXTRACTABLE false"),
        (root, &[Attribute::Private(false)], "CKA_PRIVATE true"),
        (root, &[Attribute::Token(false)], "CKA_TOKEN true"),
        (root, &[Attribute::Value(vec![0x5A; 32])], "CKA_VALUE_LEN 16"),
        (root, &of_24_bytes, "CKA_KEY_TYPE CKK_AES or CKK_DES2"),
        (own, &[], "CKA_KEY_TYPE CKK_DES2"),
    ];
    for (label, changed, needed) in faults {
        let object = make(label, changed);
        let text = mac(&mut token, KeyVersion(9)).unwrap_err().to_string();
        assert!(text.contains(&format!("{label:?} has not {needed}, as a ceremony gives it")), "{text}");
        assert!(text.contains("Delete it and import the keys again"), "{text}");
        assert!(token.keys().is_err(), "{needed}");
        session.destroy_object(object).unwrap();
    }
    // With nothing changed it is a key.
    make(root, &[]);
    mac(&mut token, KeyVersion(9)).unwrap();
}

#[test]
fn no_root_comes_out() {
    use cryptoki::{
        context::{CInitializeArgs, CInitializeFlags, Pkcs11},
        mechanism::Mechanism,
        object::{Attribute, AttributeType, ObjectClass},
        session::UserType,
        types::AuthPin,
    };
    let _alone = alone();
    open("kept").import(&roots(Algorithm::Aes, 6)).unwrap();
    let context = Pkcs11::new(library()).unwrap();
    context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let slots = context.get_slots_with_initialized_token().unwrap();
    let slot = slots.into_iter().find(|slot| context.get_token_info(*slot).unwrap().label() == "kept").unwrap();
    let session = context.open_rw_session(slot).unwrap();
    session.login(UserType::User, Some(&AuthPin::from(PIN))).unwrap();
    let key = |template: &[Attribute]| session.create_object(template).unwrap();
    let wrapping = key(&[
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(cryptoki::object::KeyType::AES),
        Attribute::Value(vec![1; 16]),
        Attribute::Wrap(true),
    ]);
    let objects = session.find_objects(&[Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Token(true)]).unwrap();
    assert!(objects.len() > 30);
    for object in objects {
        let attributes = session.get_attributes(object, &[AttributeType::Value, AttributeType::Label]).unwrap();
        assert!(!attributes.iter().any(|attribute| matches!(attribute, Attribute::Value(_))));
        let label = attributes.iter().find_map(|attribute| match attribute {
            Attribute::Label(label) => Some(String::from_utf8(label.clone()).unwrap()),
            _ => None,
        });
        let label = label.unwrap();
        if label.starts_with("onecard root ") {
            assert!(session.wrap_key(&Mechanism::AesKeyWrap, wrapping, object).is_err(), "{label}");
            assert!(session.copy_object(object, &[Attribute::Extractable(true)]).is_err(), "{label}");
            assert!(session.update_attributes(object, &[Attribute::Sensitive(false)]).is_err(), "{label}");
        }
    }
}
