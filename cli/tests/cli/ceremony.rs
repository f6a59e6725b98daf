//! Key ceremonies: nothing secret is left anywhere, every break is gone on from, and every mistake is named.

use std::{fs, path::Path};

use onecard_station::{
    ceremony::SealedComponent,
    store::{Passphrase, SealedFile},
};
use zeroize::Zeroizing;

use crate::{
    run::{json, onecard, set_mode, write_secret},
    terminal::Terminal,
};

const ZHANG: &str = "zhang has four words";
const LI: &str = "li has four other words";
const STORE: &str = "the drawer behind the desk";
const NEW: &str = "ceremony new root.ceremony --holder 张三 --holder 李四";
const MAKE_ZHANG: &str =
    "ceremony component root.ceremony --holder 张三 --out zhang.component --passphrase-file zhang.pass";
const MAKE_LI: &str = "ceremony component root.ceremony --holder 李四 --out li.component --passphrase-file li.pass";
const COMBINE: &str = "ceremony combine root.ceremony --component zhang.component --passphrase-file zhang.pass \
                       --component li.component --passphrase-file li.pass --into root.keys \
                       --store-passphrase-file store.pass";

fn room() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, passphrase) in [("zhang.pass", ZHANG), ("li.pass", LI), ("store.pass", STORE)] {
        write_secret(&folder.path().join(name), &format!("{passphrase}\n"));
    }
    folder
}

/// Must fail with `says`.
fn refused(at: &Path, line: &str, says: &str) {
    let run = onecard(at, line);
    assert!(run.code == 1 && run.err.contains(says) && run.out.is_empty(), "{line}\n{}{}", run.out, run.err);
}

fn unsealed(path: &Path, content: &str, passphrase: &str) -> Zeroizing<Vec<u8>> {
    let file = SealedFile::from_text(&fs::read_to_string(path).unwrap()).unwrap();
    file.open(content, &Passphrase::typed(Zeroizing::new(passphrase.to_owned()))).unwrap()
}

fn component(path: &Path, passphrase: &str) -> Vec<u8> {
    let opened = unsealed(path, "component of a key ceremony", passphrase);
    let sealed = SealedComponent::from_text(std::str::from_utf8(&opened).unwrap()).unwrap();
    sealed.component().unwrap().expose().to_vec()
}

/// The values in a key file's text.
fn keys(text: &[u8]) -> Vec<Vec<u8>> {
    let text = std::str::from_utf8(text).unwrap();
    text.lines()
        .filter_map(|line| line.strip_prefix("key = \""))
        .map(|line| hex::decode(&line[..32]).unwrap())
        .collect()
}

/// Where any 8 bytes of `secret` stand in `text`: raw, in hex digits of either case, spaced or not, or in base64.
pub(crate) fn found(secret: &[u8], text: &[u8]) -> bool {
    let without_spaces: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let lower = without_spaces.to_ascii_lowercase();
    let contains = |text: &[u8], part: &[u8]| text.windows(part.len()).any(|window| window == part);
    secret.windows(8).any(|part| {
        contains(text, part)
            || contains(&lower, hex::encode(part).as_bytes())
            || (0..3).any(|offset| contains(&without_spaces, inner_base64(part, offset).as_bytes()))
    })
}

/// The characters of base64 that are of `part` alone, if it stands `offset` bytes behind a group's beginning.
fn inner_base64(part: &[u8], offset: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes = [&vec![0; offset], part, &[0; 3]].concat();
    let sextet = |at: usize| {
        let bit = |at: usize| bytes[at / 8] >> (7 - at % 8) & 1;
        (at..at + 6).fold(0, |value, at| value << 1 | usize::from(bit(at)))
    };
    let first = (offset * 8).next_multiple_of(6);
    let ends = (offset + part.len()) * 8;
    (first..).step_by(6).take_while(|at| at + 6 <= ends).map(|at| char::from(ALPHABET[sextet(at)])).collect()
}

#[test]
fn the_search_finds_what_is_planted() {
    let secret: Vec<u8> = (0..32).map(|at: u8| at.wrapping_mul(37).wrapping_add(11)).collect();
    let digits = hex::encode(&secret);
    let base64 = |bytes: &[u8]| inner_base64(bytes, 0);
    let spaced: String = digits
        .to_uppercase()
        .chars()
        .enumerate()
        .map(|(at, c)| if at % 4 == 0 { format!(" {c}") } else { c.to_string() })
        .collect();
    for planted in [
        secret.clone(),
        digits.clone().into_bytes(),
        digits[16..40].to_uppercase().into_bytes(),
        spaced.into_bytes(),
        base64(&secret).into_bytes(),
        base64(&[b"x", &secret[..]].concat()).into_bytes(),
        base64(&[b"xy", &secret[8..20]].concat()).into_bytes(),
    ] {
        let text = [b"before ", &planted[..], b" behind"].concat();
        assert!(found(&secret, &text), "{:?}", String::from_utf8_lossy(&text));
    }
    assert!(!found(&secret, &digits.as_bytes()[..15]) && !found(&secret, &[0; 4096]));
    // Another implementation's base64 of the same bytes.
    assert_eq!(base64(b"one card one card "), "b25lIGNhcmQgb25lIGNhcmQg");
}

#[test]
fn no_component_root_or_passphrase_is_in_anything_that_a_ceremony_leaves() {
    let folder = room();
    let at = folder.path();
    let mut said = Vec::new();
    for (line, code) in [
        (NEW, 0),
        (MAKE_ZHANG, 0),
        (MAKE_ZHANG, 1),
        (MAKE_LI, 0),
        ("ceremony minutes root.ceremony --html minutes.html", 0),
        (&COMBINE.replace("li.pass", "zhang.pass"), 1),
        (COMBINE, 0),
        (COMBINE, 0),
        ("--json ceremony minutes root.ceremony --html minutes.html", 0),
        ("keys show root.keys --passphrase-file store.pass", 0),
        ("--json keys show root.keys --passphrase-file store.pass", 0),
        ("sam new --reader sim:till.sam --keys root.keys --passphrase-file store.pass --role till", 0),
        ("keys show root.keys --passphrase-file li.pass", 1),
    ] {
        let run = onecard(at, line);
        assert_eq!(run.code, code, "{line}\n{}{}", run.out, run.err);
        said.push((line.to_owned(), [run.out, run.err].concat().into_bytes()));
    }
    let roots = keys(&unsealed(&at.join("root.keys"), "root keys", STORE));
    assert!(roots.len() >= 34);
    let mut secrets = roots.clone();
    secrets.push(component(&at.join("zhang.component"), ZHANG));
    secrets.push(component(&at.join("li.component"), LI));
    let base: Vec<u8> =
        secrets[roots.len()].iter().zip(&secrets[roots.len() + 1]).map(|(one, other)| one ^ other).collect();
    secrets.push(base);
    secrets.extend([ZHANG, LI, STORE].map(|passphrase| passphrase.as_bytes().to_vec()));
    let mut texts = said;
    for entry in fs::read_dir(at).unwrap() {
        let path = entry.unwrap().path();
        // A SAM's chip holds the till's keys, one enterprise's and not the roots.
        if path.extension().is_none_or(|extension| extension != "pass") {
            texts.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    assert!(texts.len() >= 13 + 6, "{}", texts.len());
    for (name, text) in &texts {
        let leak = secrets.iter().position(|secret| found(secret, text));
        assert_eq!(leak, None, "secret {leak:?} is in {name}");
    }
    // The same search finds a root that somebody wrote down.
    let planted = [b"note to self: ", hex::encode_upper(&roots[5]).as_bytes()].concat();
    assert!(secrets.iter().any(|secret| found(secret, &planted)));
    assert!(found(ZHANG.as_bytes(), &fs::read(at.join("zhang.pass")).unwrap()));
}

#[test]
fn a_ceremony_that_breaks_off_goes_on() {
    let folder = room();
    let at = folder.path();
    json(at, NEW, 0);
    let begun = fs::read(at.join("root.ceremony")).unwrap();
    json(at, MAKE_ZHANG, 0);
    // Cut between the component's file and the record: that file is worth nothing, and is made again.
    fs::write(at.join("root.ceremony"), &begun).unwrap();
    let old = fs::read(at.join("zhang.component")).unwrap();
    json(at, MAKE_ZHANG, 0);
    assert_ne!(fs::read(at.join("zhang.component")).unwrap(), old);
    refused(at, COMBINE, "li.component");
    json(at, MAKE_LI, 0);
    let made = fs::read(at.join("root.ceremony")).unwrap();
    let first = json(at, COMBINE, 0);
    assert_eq!(first["already_there"], false);
    // Cut between the store and the record: the same keys are found in the store.
    fs::write(at.join("root.ceremony"), made).unwrap();
    let second = json(at, COMBINE, 0);
    assert_eq!((&second["already_there"], &second["base_check_value"]), (&true.into(), &first["base_check_value"]));
    let minutes = json(at, "ceremony minutes root.ceremony", 0);
    assert_eq!(minutes["record"]["combined"]["stored"].as_array().unwrap().len(), 1);
    // A second store gets the same keys.
    json(at, &COMBINE.replace("root.keys", "copy.keys"), 0);
    let show = |file: &str| json(at, &format!("keys show {file} --passphrase-file store.pass"), 0)["roots"].clone();
    assert_eq!(show("root.keys"), show("copy.keys"));
    let checks = minutes["record"]["combined"]["roots"].as_array().unwrap();
    for (root, check) in show("root.keys").as_array().unwrap().iter().zip(checks) {
        assert_eq!((&root["purpose"], &root["check_value"]), (&check["purpose"], &check["check_value"]));
    }
}

#[test]
fn mistakes_are_named_and_nothing_is_written() {
    let folder = room();
    let at = folder.path();
    refused(at, "ceremony new x.ceremony --holder 张三", "2 to 20 holders");
    refused(at, "ceremony new x.ceremony --holder 张三 --holder 张三", "张三 is named twice");
    refused(at, "ceremony minutes x.ceremony", "begin one by `onecard ceremony new`");
    json(at, NEW, 0);
    refused(at, NEW, "cannot be made");
    refused(at, &MAKE_ZHANG.replace("张三", "王五"), "its holders are 张三, 李四");
    write_secret(&at.join("short.pass"), "short words");
    refused(at, &MAKE_ZHANG.replace("zhang.pass", "short.pass"), "at least 12 characters");
    set_mode(&at.join("zhang.pass"), 0o644);
    refused(at, MAKE_ZHANG, "chmod 600 zhang.pass");
    set_mode(&at.join("zhang.pass"), 0o600);
    refused(at, &MAKE_ZHANG.replace("zhang.component", "li.pass"), "is there already");
    refused(at, "ceremony component root.ceremony --holder 张三 --out a.component", "give --passphrase-file FILE");
    refused(at, "ceremony component root.ceremony --holder 张三 --show-once", "there is none: give --out FILE");
    refused(at, "ceremony deal root.ceremony --out a", "every holder is needed");
    json(at, MAKE_ZHANG, 0);
    refused(at, MAKE_ZHANG, "has made a component already");
    json(at, MAKE_LI, 0);
    refused(at, &COMBINE.replace("li.pass", "zhang.pass"), "李四's component li.component: the passphrase is wrong");
    refused(at, &COMBINE.replace("--component li.component --passphrase-file li.pass", ""), "1 more of the holders");
    refused(
        at,
        &COMBINE.replace("li.component", "zhang.component").replace("li.pass", "zhang.pass"),
        "entered already",
    );
    refused(at, &COMBINE.replace("--passphrase-file li.pass", ""), "1 passphrase files are named for 2 components");
    assert!(!at.join("root.keys").exists());
    // The plan is changed behind the holders' backs.
    let record = at.join("root.ceremony");
    let agreed = fs::read_to_string(&record).unwrap();
    fs::write(&record, agreed.replace("\"3des\"", "\"sm4\"")).unwrap();
    refused(at, COMBINE, "张三's component zhang.component was made for another plan");
    fs::write(&record, agreed).unwrap();
    // A component of another ceremony of the same holders.
    let inside = at.join("other");
    fs::create_dir(&inside).unwrap();
    json(&inside, NEW, 0);
    json(&inside, &MAKE_LI.replace("li.pass", "../li.pass"), 0);
    refused(at, &COMBINE.replace("li.component", "other/li.component"), "not of this ceremony");
    json(at, COMBINE, 0);
    json(at, &NEW.replace("root.ceremony", "b.ceremony"), 0);
    for make in [MAKE_ZHANG, MAKE_LI] {
        json(at, &make.replace("root.ceremony", "b.ceremony").replace(".component", ".b"), 0);
    }
    let other = COMBINE.replace("root.ceremony", "b.ceremony").replace(".component", ".b");
    refused(at, &other, "root.keys is there already and holds other keys");
    refused(at, "keys show root.keys", "give --passphrase-file FILE");
}

#[test]
fn shares_of_some_holders_are_enough() {
    let folder = room();
    let at = folder.path();
    json(at, "ceremony new any.ceremony --holder a --holder b --holder c --need 2 --cipher sm4", 0);
    let deal = "ceremony deal any.ceremony --out a.share --out b.share --out c.share --passphrase-file zhang.pass \
                --passphrase-file li.pass --passphrase-file store.pass";
    refused(at, &deal.replace("--out c.share", ""), "3 holders need --out FILE once each: a, b, c");
    refused(at, &deal.replace("li.pass", "zhang.pass"), "b and a chose the same passphrase");
    refused(at, "ceremony component any.ceremony --holder a --out a.share", "onecard ceremony deal");
    json(at, deal, 0);
    let combine = |one: &str, other: &str, into: &str| {
        let pass = |name: &str| match name {
            "a" => "zhang.pass",
            "b" => "li.pass",
            _ => "store.pass",
        };
        let (first, second) = (pass(one), pass(other));
        let line = format!(
            "ceremony combine any.ceremony --component {one}.share --passphrase-file {first} --component {other}.share \
             --passphrase-file {second} --into {into} --store-passphrase-file store.pass"
        );
        json(at, &line, 0)["base_check_value"].clone()
    };
    let base = combine("a", "b", "one.keys");
    assert_eq!(combine("c", "b", "two.keys"), base);
    assert_eq!(combine("a", "c", "one.keys"), base);
}

#[test]
fn at_a_terminal_nothing_typed_is_shown_and_paper_serves_as_a_file() {
    let folder = room();
    let at = folder.path();
    json(at, "ceremony new root.ceremony --holder 张三 --holder 李四", 0);
    let mut zhang = Terminal::start(at, "ceremony component root.ceremony --holder 张三 --out zhang.component");
    zhang.until("新口令: ");
    // It waits with a passphrase to come: no core file could be written of it.
    let limits = fs::read_to_string(format!("/proc/{}/limits", zhang.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    zhang.type_unseen(ZHANG);
    zhang.until("再输一次: ");
    zhang.type_unseen(ZHANG);
    assert!(!zhang.end(0).contains(ZHANG));

    let mut declined = Terminal::start(at, "ceremony component root.ceremony --holder 李四 --show-once");
    declined.until("[yes/no] ");
    declined.type_line("no");
    assert!(declined.end(1).contains("nothing was shown"));

    let mut li = Terminal::start(at, "ceremony component root.ceremony --holder 李四 --show-once");
    li.until("[yes/no] ");
    li.type_line("yes");
    let shown = li.until("屏幕将清除 ");
    let paper: String = shown.lines().filter(|line| line.starts_with("  ") && !line.contains("check value")).collect();
    let paper = paper.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(paper.len(), 16 * 5 - 1, "{shown}");
    li.type_line("");
    li.until("\x1bc");
    let cleared = li.seen.len();
    li.until("请照抄写输入: ");
    li.type_unseen(&paper);
    let all = li.end(0);
    assert!(!all[cleared..].contains(&paper[..9]), "{}", &all[cleared..]);

    let line = "ceremony combine root.ceremony --component zhang.component --into root.keys";
    let mut combine = Terminal::start(at, line);
    combine.until("口令: ");
    combine.type_unseen(ZHANG);
    combine.until("请输入分量: ");
    combine.type_unseen(&paper.replacen(&paper[..1], if paper.starts_with('0') { "1" } else { "0" }, 1));
    combine.until("enter the right one");
    combine.until("请输入分量: ");
    combine.type_unseen(&paper.replace(' ', "").to_lowercase());
    for _ in 0..2 {
        combine.until(": ");
        combine.type_unseen(STORE);
    }
    let all = combine.end(0);
    assert!(all.contains("张三, 李四: base value"), "{all}");
    for secret in [ZHANG, STORE, &paper[..9], &paper.replace(' ', "")[..8]] {
        assert!(!all.contains(secret) && !all.contains(&secret.to_lowercase()), "{all}");
    }
    json(at, "keys show root.keys --passphrase-file store.pass", 0);
}
