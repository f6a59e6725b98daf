//! A ceremony whose roots go into a PKCS#11 token, and batches by them: run by `.ci/with-softhsm`.

use std::{fs, path::Path};

use crate::run::{json, onecard, write_secret};

#[test]
fn the_roots_of_a_ceremony_go_into_a_token() {
    let library = std::env::var("ONECARD_PKCS11").unwrap_or_else(|_| panic!("run this test by .ci/with-softhsm"));
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for (name, text) in [("a.pass", "words of the one"), ("b.pass", "words of the other"), ("token.pin", "135790")] {
        write_secret(&at.join(name), text);
    }
    let combine = format!(
        "ceremony combine root.ceremony --component a.component --passphrase-file a.pass --component b.component \
         --passphrase-file b.pass --pkcs11 {library} --token-pin-file token.pin --token"
    );
    for (ceremony, cipher, code) in [("one", "aes", 0), ("two", "sm4", 1)] {
        let folder = at.join(ceremony);
        std::fs::create_dir(&folder).unwrap();
        json(&folder, &format!("ceremony new root.ceremony --holder a --holder b --cipher {cipher}"), 0);
        for holder in ["a", "b"] {
            std::fs::copy(at.join(format!("{holder}.pass")), folder.join(format!("{holder}.pass"))).unwrap();
            let make = format!("--holder {holder} --out {holder}.component --passphrase-file {holder}.pass");
            json(&folder, &format!("ceremony component root.ceremony {make}"), 0);
        }
        std::fs::copy(at.join("token.pin"), folder.join("token.pin")).unwrap();
        let combined = json(&folder, &format!("{combine} ceremony"), code);
        if code == 1 {
            assert!(combined["error"].as_str().unwrap().contains("SM4, which PKCS#11 has not"), "{combined}");
            continue;
        }
        assert!(combined["store"].as_str().unwrap().starts_with("token \"ceremony\" in slot"), "{combined}");
        // Done again, it finds them; into another token, it says which there are.
        assert_eq!(json(&folder, &format!("{combine} ceremony"), 0)["already_there"], true);
        let absent = onecard(&folder, &format!("{combine} nowhere"));
        assert!(absent.code == 1 && absent.err.contains("no token labelled \"nowhere\""), "{}", absent.err);
    }
}

/// A batch by a token's keys, which do not leave it, makes the cards that a sealed file with the same roots makes: the file's SAM
/// loads them, and a batch begun by the one goes on by the other.
#[test]
fn a_batch_takes_its_keys_from_a_token() {
    for (cipher, label) in [("3des", "batch-des"), ("aes", "batch-aes")] {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let token = in_token_and_file(at, cipher, label);
        let file = "--keys root.keys --passphrase-file a.pass";
        let inputs = "school.toml people.csv --pin-file first.pin";
        json(at, "issue new-key station.key", 0);
        json(at, "issue blanks blanks 3", 0);
        let [by_token, by_file] = [&*token, file].map(|keys| json(at, &format!("issue check {inputs} {keys}"), 0));
        assert_eq!(by_token, by_file);
        // Five rows and three cards, in two readers; the rest by the file.
        let batch = format!("issue batch {inputs} --sign-key station.key --new-ledger");
        let begun = onecard(at, &format!("{batch} {token} --reader sim:blanks --reader sim:blanks"));
        assert!(begun.code == 1 && begun.out.contains("2 rows have no card yet"), "{}{}", begun.out, begun.err);
        json(at, "issue blanks more 2", 0);
        let ended = onecard(at, &format!("{batch} {file} --reader sim:more --stock 5"));
        assert!(ended.code == 0 && ended.out.contains("Every row has its card"), "{}{}", ended.out, ended.err);
        for (folder, count) in [("blanks", 3), ("more", 2)] {
            let good: Vec<_> = fs::read_dir(at.join(folder).join("good")).unwrap().map(|card| card.unwrap()).collect();
            assert_eq!(good.len(), count);
            for card in good {
                let reader = format!("--reader sim:{folder}/good/{}", card.file_name().to_str().unwrap());
                json(
                    at,
                    &format!(
                        "card recharge 20 {reader} --sam keys:root.keys --passphrase-file a.pass --pin-file first.pin"
                    ),
                    0,
                );
            }
        }
        // What a token cannot do is said before a card is touched.
        let sams =
            onecard(at, &format!("issue batch sams.toml sams.csv {token} --reader sim:blanks --sign-key station.key"));
        assert!(
            sams.code == 1 && sams.err.contains("no card was touched") && sams.err.contains("no token gives out"),
            "{}",
            sams.err
        );
        fs::write(
            at.join("other.toml"),
            fs::read_to_string(at.join("school.toml")).unwrap().replace("0000001\"", "0000002\""),
        )
        .unwrap();
        let other = onecard(at, &format!("issue check other.toml people.csv --pin-file first.pin {token}"));
        // An AES root derives any enterprise's keys in the token; of triple DES the token has the one enterprise's.
        assert_eq!(other.code, i32::from(cipher == "3des"), "{}{}", other.out, other.err);
        assert!(cipher == "aes" || other.err.contains("No token has SM4 keys"), "{}", other.err);
    }
}

/// A token's keys give a card its first key, fill a key master card, and wash the card: none was in a file.
#[test]
fn a_token_fills_a_key_master_card_that_washes_what_the_token_began() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let token = in_token_and_file(at, "3des", "washing");
    let (file, pair) = ("--keys root.keys --passphrase-file a.pass", "--reader sim:a.master --mother sim:a.mother");
    write_secret(&at.join("master.pin"), "20261129");
    json(at, &format!("master blanks {pair}"), 0);
    let new = onecard(at, &format!("master new {pair} --token washing --number 2026000000000001"));
    assert!(new.code == 1 && new.err.contains("which no token puts together"), "{}", new.err);
    json(at, &format!("master new {pair} {file} --number 2026000000000001 --pin-file master.pin"), 0);
    let loaded = json(at, &format!("master load {pair} --pin-file master.pin {token}"), 0);
    assert_eq!(loaded["loaded"], 22);
    // The file of the same ceremony finds them all.
    assert_eq!(json(at, &format!("master load {pair} --pin-file master.pin {file}"), 0)["there"], 22);
    let allowance = format!("master allowance {pair} --pin-file master.pin {token} --card-exports 18");
    assert_eq!(json(at, &allowance, 0)["card_exports"], 18);

    let wash = "--pin-file first.pin --name 王小明 --sam keys:root.keys --passphrase-file a.pass";
    for (number, store) in
        [(7, "--master sim:a.master --mother sim:a.mother --master-pin-file master.pin"), (8, &*token)]
    {
        let reader = format!("--reader sim:{number}.card --number {number}");
        let begins = if number == 7 { "--new-journal" } else { "" };
        json(at, &format!("wash first card {reader} {token} {begins}"), 0);
        json(at, &format!("wash second card {reader} {store} {wash}"), 0);
        let recharge =
            format!("card recharge 20 --reader sim:{number}.card --sam keys:root.keys --passphrase-file a.pass");
        json(at, &format!("{recharge} --pin-file first.pin"), 0);
    }
    json(at, &format!("wash first sam --reader sim:till.sam --serial {:020} --terminal {:012} {token}", 1, 1), 0);
    let sam = onecard(at, &format!("wash second sam --reader sim:till.sam --role till {token}"));
    assert!(sam.code == 1 && sam.err.contains("which no token gives out"), "{}", sam.err);
}

/// The roots of one ceremony in a token and in a sealed file; profiles, lists and a PIN. Returns how the token is named.
fn in_token_and_file(at: &Path, cipher: &str, label: &str) -> String {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cmd/issue");
    let profile = fs::read_to_string(source.join("school.toml")).unwrap().replace("\"id-number\"", "\"file\"");
    fs::write(at.join("school.toml"), profile).unwrap();
    for file in ["people.csv", "sams.toml", "sams.csv"] {
        fs::copy(source.join(file), at.join(file)).unwrap();
    }
    for (name, text) in [("a.pass", "words of the one"), ("token.pin", "135790"), ("first.pin", "246802")] {
        write_secret(&at.join(name), text);
    }
    json(at, &format!("ceremony new root.ceremony --holder a --holder b --cipher {cipher}"), 0);
    let mut combine = "ceremony combine root.ceremony".to_owned();
    for holder in ["a", "b"] {
        let make = format!("--holder {holder} --out {holder}.component --passphrase-file a.pass");
        json(at, &format!("ceremony component root.ceremony {make}"), 0);
        combine += &format!(" --component {holder}.component --passphrase-file a.pass");
    }
    let library = std::env::var("ONECARD_PKCS11").unwrap_or_else(|_| panic!("run this test by .ci/with-softhsm"));
    let token = format!("--token {label} --pkcs11 {library} --token-pin-file token.pin");
    json(at, &format!("{combine} {token}"), 0);
    json(at, &format!("{combine} --into root.keys --store-passphrase-file a.pass"), 0);
    token
}
