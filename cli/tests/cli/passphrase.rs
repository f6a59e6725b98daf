//! A sealed file's passphrase is changed: by the right one alone, whole, whenever the machine dies.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use onecard_station::store::{Cost, Passphrase, SealedError, SealedFile};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
use zeroize::Zeroizing;

use crate::{
    run::{json, onecard, write_secret},
    terminal::Terminal,
};

const OLD: &str = "the drawer behind the desk";
const NEW: &str = "four words of a new year";
const CHANGE: &str = "keys passphrase root.keys --passphrase-file old.pass --new-passphrase-file new.pass";
const SECRET: &[u8] = b"what nobody may see";

/// A sealed file, and passphrases.
fn room() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for (name, text) in
        [("old.pass", OLD), ("new.pass", NEW), ("weak.pass", "short"), ("other.pass", "of another file")]
    {
        write_secret(&at.join(name), text);
    }
    let sealed = SealedFile::seal(("root keys", "enterprise 1"), SECRET, &typed(OLD), Cost::USUAL, &mut rand::rng());
    write_secret(&at.join("root.keys"), &sealed.unwrap().to_text().unwrap());
    folder
}

fn typed(text: &str) -> Passphrase {
    Passphrase::typed(Zeroizing::new(text.to_owned()))
}

fn opened(path: &Path, passphrase: &str) -> Result<Zeroizing<Vec<u8>>, SealedError> {
    let file = SealedFile::from_text(&fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!((file.content(), file.owner()), ("root keys", "enterprise 1"));
    file.open("root keys", &typed(passphrase))
}

#[test]
fn the_new_passphrase_opens_the_same_and_the_old_one_nothing() {
    let folder = room();
    let at = folder.path();
    let path = at.join("root.keys");
    // As a cut leaves it.
    fs::write(at.join("root.keys.new"), "half of a").unwrap();
    let before = fs::read_to_string(&path).unwrap();
    assert_eq!(json(at, CHANGE, 0)["content"], "root keys");
    assert_eq!(*opened(&path, NEW).unwrap(), SECRET);
    assert_eq!(opened(&path, OLD).unwrap_err(), SealedError::Passphrase);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!at.join("root.keys.new").exists());
    // Salt and nonce are others: the same key would seal two texts.
    let after = fs::read_to_string(&path).unwrap();
    for field in ["salt = ", "nonce = ", "sealed = "] {
        let of = |text: &str| text.lines().find(|line| line.starts_with(field)).unwrap().to_owned();
        assert_ne!(of(&before), of(&after));
    }
    // A link stays one, and a terminal is asked without showing what is typed.
    symlink("root.keys", at.join("link")).unwrap();
    let mut terminal = Terminal::start(at, "keys passphrase link");
    for (prompt, text) in [("口令: ", NEW), ("新口令: ", OLD), ("再输一次: ", OLD)] {
        terminal.until(prompt);
        terminal.type_unseen(text);
    }
    let shown = terminal.end(0);
    assert!(!shown.contains(NEW) && !shown.contains(OLD), "{shown}");
    assert!(fs::symlink_metadata(at.join("link")).unwrap().is_symlink());
    assert_eq!(*opened(&path, OLD).unwrap(), SECRET);
}

#[test]
fn what_is_refused_changes_nothing() {
    let folder = room();
    let at = folder.path();
    json(at, "keys new dev.keys", 0);
    let files = || ["root.keys", "dev.keys"].map(|file| fs::read(at.join(file)).unwrap());
    let before = files();
    for (line, says) in [
        (CHANGE.replace("old.pass", "other.pass"), "the passphrase is wrong"),
        (CHANGE.replace("new.pass", "weak.pass"), "at least 12 characters"),
        (CHANGE.replace("new.pass", "old.pass"), "is the old one"),
        (CHANGE.replace("root.keys", "dev.keys"), "is in clear"),
        (CHANGE.replace("root.keys", "no.keys"), "no.keys cannot be found"),
        ("keys passphrase root.keys".to_owned(), "give --passphrase-file FILE"),
        (CHANGE.replace("--new-passphrase-file new.pass", ""), "give --new-passphrase-file FILE"),
    ] {
        let run = onecard(at, &line);
        assert!(run.code == 1 && run.err.contains(says), "{line}\n{}{}", run.out, run.err);
        assert!(files() == before && !at.join("root.keys.new").exists(), "{line}");
    }
}

/// Kills in a run of the tests; `ONECARD_KILLS` for more, `ONECARD_SEED` for others.
const KILLS: u64 = 20;

#[test]
fn killed_anywhere_it_opens_by_one_of_the_two() {
    let number = |name: &str, otherwise| std::env::var(name).map_or(otherwise, |text| text.parse().unwrap());
    let mut random = ChaCha8Rng::seed_from_u64(number("ONECARD_SEED", 20_261_129));
    let folder = room();
    let at = folder.path();
    let began = Instant::now();
    json(at, CHANGE, 0);
    let whole = began.elapsed();
    let (mut now, mut other) = (("new.pass", NEW), ("old.pass", OLD));
    let (mut changed, mut beside) = (0, 0);
    for kill in 0..number("ONECARD_KILLS", KILLS) {
        let (path, new) = (at.join("root.keys"), at.join("root.keys.new"));
        // Every other one behind the writing of the new file, however slow the machine is.
        let waits_for_it = kill % 2 == 1;
        if waits_for_it {
            let _ = fs::remove_file(&new);
        }
        let line = format!("keys passphrase root.keys --passphrase-file {} --new-passphrase-file {}", now.0, other.0);
        let mut command = Command::new(env!("CARGO_BIN_EXE_onecard"));
        command.args(line.split_whitespace()).current_dir(at).stdin(Stdio::null());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let wait = whole.mul_f64(random.random_range(if waits_for_it { 0.0..1.2 } else { 0.0..1.1 }));
        let mut deadline = (!waits_for_it).then(|| Instant::now() + wait);
        while deadline.is_none_or(|deadline| Instant::now() < deadline) && child.try_wait().unwrap().is_none() {
            if deadline.is_none() && new.exists() {
                deadline = Some(Instant::now() + wait);
            }
            thread::sleep(Duration::from_micros(200));
        }
        // It may have ended by itself.
        let _ = child.kill();
        child.wait().unwrap();
        beside += u32::from(new.exists());
        if opened(&path, other.1).is_ok() {
            (now, other) = (other, now);
            changed += 1;
        }
        assert_eq!(*opened(&path, now.1).unwrap(), SECRET);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    println!("{changed} of them changed it, {beside} left the new file beside the old");
    assert!(changed > 0 && beside > 0, "{changed} {beside}");
    json(at, &format!("keys passphrase root.keys --passphrase-file {} --new-passphrase-file {}", now.0, other.0), 0);
    assert_eq!(*opened(&at.join("root.keys"), other.1).unwrap(), SECRET);
}
