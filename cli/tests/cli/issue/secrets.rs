//! No key and no PIN is in any file that a batch makes, nor in what it tells; a planted one is found.
#![allow(clippy::panic)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use onecard_host::{
    issuing::MfKeys,
    keys::{KeySet, RootKeys},
};
use onecard_station::{
    batch::Books,
    journal::replayed,
    numbers::{Number, Serial, Series},
    profile::Profile,
};
use onecard_wire::key::KeyVersion;

use crate::run::{onecard, write_secret};

const PIN: &str = "836194";

#[test]
fn no_key_and_no_pin_leaves_a_batch() {
    let folder = tempfile::tempdir().unwrap();
    let told = a_batch(folder.path());
    let secrets = secrets(folder.path());
    assert!(secrets.len() > 100, "{} secrets are known", secrets.len());
    let mut searched = 0;
    for (name, content) in made_files(folder.path()).into_iter().chain(told) {
        searched += content.len();
        for (what, secret) in &secrets {
            assert!(!holds(&content, secret), "{what} is in {name}");
        }
        assert!(!tells_pin(&content), "the PIN is in {name}");
    }
    for told in ["PIN 836194\n", "0020000003836194", "\u{83}\u{61}\u{94}"] {
        let told: Vec<u8> = told.chars().map(|character| character as u8).collect();
        assert!(tells_pin(&told), "{told:02X?} tells the PIN");
    }
    println!("{} secrets in four forms are in none of {searched} bytes", secrets.len());
    // The search finds what is there.
    let (what, secret) = &secrets[secrets.len() / 2];
    for form in forms(secret) {
        let path = folder.path().join("planted.log");
        fs::write(&path, [b"a line\n".as_slice(), &form, b" and more"].concat()).unwrap();
        let files = made_files(folder.path());
        assert!(files.iter().any(|(_, content)| holds(content, secret)), "{what} was planted and not found");
        fs::remove_file(path).unwrap();
    }
}

/// Runs everything there is to run; returns what was printed.
fn a_batch(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cmd/issue");
    let profile = fs::read_to_string(source.join("school.toml")).unwrap().replace("\"id-number\"", "\"file\"");
    fs::write(folder.join("school.toml"), profile).unwrap();
    fs::copy(source.join("people.csv"), folder.join("people.csv")).unwrap();
    write_secret(&folder.join("first.pin"), PIN);
    let inputs = "school.toml people.csv --keys dev.keys --pin-file first.pin";
    let batch = format!("issue batch {inputs} --reader sim:blanks --sign-key station.key --new-ledger");
    let lines = [
        "keys new dev.keys".to_owned(),
        "issue new-key station.key".to_owned(),
        "issue blanks blanks 6".to_owned(),
        format!("issue check {inputs} --explain"),
        format!("--json issue check {inputs} --explain"),
        format!("--json {batch}"),
        batch,
        "journal verify people.csv.journal --report people.csv.report --key station.key.pub".to_owned(),
    ];
    lines
        .into_iter()
        .map(|line| {
            let run = onecard(folder, &line);
            assert_eq!(run.code, 0, "{line}\n{}{}", run.out, run.err);
            (line, format!("{}{}", run.out, run.err).into_bytes())
        })
        .collect()
}

/// As digits by themselves, as the data of a command in hexadecimal digits, as bytes. Within a longer number of hexadecimal digits
/// six may stand by chance.
fn tells_pin(content: &[u8]) -> bool {
    let in_command = format!("03{PIN}");
    let alone = content.split(|byte| !byte.is_ascii_hexdigit()).any(|word| word == PIN.as_bytes());
    let forms = [in_command.as_bytes(), &hex::decode(PIN).unwrap()];
    alone || forms.iter().any(|form| content.windows(form.len()).any(|window| window == *form))
}

/// Every root, every key of the enterprise, and those of every card that was made, the rehearsed one too.
fn secrets(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let text = fs::read_to_string(folder.join("dev.keys")).unwrap();
    let table: toml::Table = toml::from_str(&text).unwrap();
    let roots: RootKeys = table["roots"].clone().try_into().unwrap();
    let profile = Profile::parse("p", &fs::read_to_string(folder.join("school.toml")).unwrap()).unwrap();
    let enterprise = roots.enterprise(profile.enterprise);
    let mut secrets = values("root", roots.keys());
    secrets.extend(values("enterprise key", enterprise.keys()));
    let books: Books = replayed("j", &fs::read(folder.join("people.csv.journal")).unwrap()).unwrap();
    let Series { last, .. } = profile.series;
    for number in books.numbers().map(|(number, _)| number).chain([Number(last)]) {
        let Some(Serial::Application { serial, .. }) = profile.series.serial(number) else { panic!("no serial") };
        secrets.extend(values("card key", enterprise.card(serial).keys()));
        let mf = MfKeys::of_card(&roots.chip(serial.to_bytes()), KeyVersion(1)).unwrap();
        for (what, key) in [("MF control key", &mf.control), ("MF maintenance key", &mf.maintenance)] {
            secrets.push((what.to_owned(), key.expose().to_vec()));
        }
    }
    let station = fs::read_to_string(folder.join("station.key")).unwrap();
    secrets.push(("report key".to_owned(), hex::decode(station.trim_end()).unwrap()));
    secrets
}

fn values(what: &str, keys: &KeySet) -> Vec<(String, Vec<u8>)> {
    let names: Vec<_> = keys.names().collect();
    names
        .into_iter()
        .map(|(purpose, version)| {
            (format!("{what} {purpose:?}"), keys.key(purpose, version).unwrap().expose().to_vec())
        })
        .collect()
}

/// Every file but those that are secrets: keys, PIN, and the cards themselves.
fn made_files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let secret = ["dev.keys", "station.key", "first.pin"];
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_file() && !secret.contains(&name.as_str()) {
            files.push((name, fs::read(&path).unwrap()));
        }
    }
    assert!(files.len() >= 6, "{files:?}");
    files
}

fn holds(content: &[u8], secret: &[u8]) -> bool {
    forms(secret).iter().any(|form| content.windows(form.len()).any(|window| window == form.as_slice()))
}

/// As it is, in hexadecimal digits of both cases, and in Base64 wherever it begins in a text.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![secret.to_vec(), hex::encode(secret).into_bytes(), hex::encode_upper(secret).into_bytes()];
    forms.extend((0..3).map(|before| base64_inside(secret, before)));
    forms
}

/// The characters of Base64 that are the secret's alone if `before` bytes of a group of three stand in front of it.
fn base64_inside(secret: &[u8], before: usize) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: Vec<bool> = secret.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect();
    let skipped = (6 - before * 8 % 6) % 6;
    let whole = bits[skipped..].chunks_exact(6);
    whole.map(|six| ALPHABET[six.iter().fold(0, |value, bit| value << 1 | usize::from(*bit))]).collect()
}
