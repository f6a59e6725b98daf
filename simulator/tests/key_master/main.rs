//! A key master card and its mother card in readers whose power goes: every cut, in every way that an operation can be torn, and
//! cuts of the recovery. Whole or not at all; nothing answered that is not counted; no try for nothing.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, unreachable_pub, reason = "tests")]

mod ceremony;
mod sweep;

use hex_literal::hex;
use onecard_host::transport::Transport;
use onecard_simulator::{
    chip::{Blank, Chip, Kind},
    image_file::Durability,
    reader::Reader,
};

use ceremony::{ENTERPRISE, K_A, K_M, K_W, MAKER_MAC, MAKER_WRAP, NUMBER, OTHER_NUMBER, PIN, proved, wrap};
use sweep::{Torn, all_or_nothing};

const WRONG_PIN: [u8; 8] = *b"314159\xFF\xFF";
/// Programming operations that spend a try.
const SPENDING: u64 = 2;

/// The answer's data, if the card answered 9000.
fn send(reader: &mut Reader, command: &[u8]) -> Option<Vec<u8>> {
    let mut answer = reader.transmit(command).ok()?;
    (answer.split_off(answer.len() - 2) == [0x90, 0x00]).then_some(answer)
}

fn done(reader: &mut Reader, command: &[u8]) -> bool {
    send(reader, command).is_some()
}

fn command(header: [u8; 4], data: &[u8]) -> Vec<u8> {
    [&header[..], &[data.len() as u8], data].concat()
}

fn challenge(reader: &mut Reader) -> Option<[u8; 8]> {
    send(reader, &hex!("0084000008")).map(|challenge| challenge.try_into().unwrap())
}

fn personalise_master(reader: &mut Reader) -> bool {
    let Some(challenge) = challenge(reader) else { return false };
    let keys = wrap(&MAKER_WRAP, &[K_A, K_W, K_M].concat());
    let pin = wrap(&MAKER_WRAP, &[PIN, [0xFF; 8]].concat());
    let data = [&NUMBER[..], &ENTERPRISE, &hex!("00000014 0000000A"), &keys, &pin].concat();
    done(reader, &proved(&MAKER_MAC, [0; 8], challenge, hex!("84300000"), &data))
}

fn personalise_mother(reader: &mut Reader) -> bool {
    let Some(challenge) = challenge(reader) else { return false };
    let data = [&NUMBER[..], &ENTERPRISE, &wrap(&MAKER_WRAP, &K_A)].concat();
    done(reader, &proved(&MAKER_MAC, [0; 8], challenge, hex!("84300000"), &data))
}

fn load_key(reader: &mut Reader, code: u8) -> bool {
    let Some(challenge) = challenge(reader) else { return false };
    let key: [u8; 16] = core::array::from_fn(|at| code.wrapping_mul(0x1D).wrapping_add(at as u8));
    let data = [&[code, 0x01, 0x00][..], &wrap(&K_W, &key)].concat();
    done(reader, &proved(&K_M, NUMBER, challenge, hex!("84320000"), &data))
}

fn load_allowance(reader: &mut Reader) -> bool {
    let Some(challenge) = challenge(reader) else { return false };
    done(reader, &proved(&K_M, NUMBER, challenge, hex!("84340000"), &hex!("00000003 00000004")))
}

fn authenticate(reader: &mut Reader, mother: &Chip) -> bool {
    let Some(challenge) = challenge(reader) else { return false };
    let mut mother = Reader::insert(mother.snapshot());
    let cryptogram = send(&mut mother, &command(hex!("00880000"), &challenge)).unwrap();
    done(reader, &command(hex!("00820000"), &cryptogram))
}

fn verify(reader: &mut Reader, pin: &[u8; 8]) -> bool {
    done(reader, &command(hex!("00200000"), pin))
}

fn open(reader: &mut Reader, mother: &Chip) -> bool {
    verify(reader, &PIN) && authenticate(reader, mother)
}

/// A card with three keys, without power, and its mother card.
fn pair() -> (Chip, Chip) {
    let mut master = Reader::insert(Chip::blank(Blank::KeyMaster, 1).unwrap());
    let mut mother = Reader::insert(Chip::blank(Blank::MotherAuthentication, 2).unwrap());
    assert!(personalise_master(&mut master) && personalise_mother(&mut mother));
    let mother = mother.remove();
    assert!(open(&mut master, &mother));
    assert!([0x01, 0x09, 0x13].into_iter().all(|code| load_key(&mut master, code)));
    (master.remove(), mother)
}

fn status(reader: &mut Reader) -> Vec<u8> {
    send(reader, &hex!("80CA00C000")).unwrap()
}

/// What must move together: exports left, keys, the newest page of the log.
fn books(reader: &mut Reader, mother: &Chip) -> [Vec<u8>; 3] {
    let exports = status(reader)[19..].to_vec();
    let keys = send(reader, &hex!("80CA00E000")).unwrap();
    assert!(open(reader, mother));
    [exports, keys, send(reader, &hex!("80CA00E100")).unwrap()]
}

#[test]
fn both_are_kept_in_files() {
    let folder = tempfile::tempdir().unwrap();
    let (mut master, mut mother) = pair();
    let (master_file, mother_file) = (folder.path().join("school.master"), folder.path().join("school.mother"));
    master.store(&master_file, Durability::ProcessKill).unwrap();
    mother.store(&mother_file, Durability::ProcessKill).unwrap();
    drop((master, mother));
    let master = Chip::open(&master_file, Durability::ProcessKill).unwrap();
    let mother = Chip::open(&mother_file, Durability::ProcessKill).unwrap();
    assert_eq!((master.kind(), mother.kind()), (Kind::KeyMaster, Kind::MotherAuthentication));
    assert!(open(&mut Reader::insert(master), &mother));
}

#[test]
fn personalisations() {
    let master = Chip::blank(Blank::KeyMaster, 1).unwrap();
    all_or_nothing("PERSONALISE", &master, &personalise_master, &|reader| (status(reader), verify(reader, &PIN)));
    let mother = Chip::blank(Blank::MotherAuthentication, 2).unwrap();
    all_or_nothing("PERSONALISE of a mother card", &mother, &personalise_mother, &|reader| {
        (status(reader), send(reader, &command(hex!("00880000"), &[7; 8])))
    });
}

#[test]
fn what_comes_in() {
    let (chip, mother) = pair();
    let look = |reader: &mut Reader| books(reader, &mother);
    all_or_nothing("LOAD MASTER KEY", &chip, &|reader| open(reader, &mother) && load_key(reader, 0x0A), &look);
    all_or_nothing("LOAD ALLOWANCE", &chip, &|reader| open(reader, &mother) && load_allowance(reader), &look);
}

#[test]
fn what_goes_out() {
    let (chip, mother) = pair();
    let look = |reader: &mut Reader| books(reader, &mother);
    let to_card = hex!("80360100 16 09 01 00 00 01 01 3201234567890120 A1B2C3D400000000");
    let to_sam = hex!("80360200 16 09 01 00 00 13 01 0000000000000042 A1B2C3D400000000");
    let copy_key = command(hex!("80380100"), &[&hex!("09 01")[..], &OTHER_NUMBER, &[9; 8]].concat());
    let share = command(hex!("80380200"), &[&hex!("00000007 00000008")[..], &OTHER_NUMBER, &[9; 8]].concat());
    for (name, order) in [
        ("EXPORT KEY to a card", &to_card[..]),
        ("EXPORT KEY to a SAM", &to_sam),
        ("EXPORT COPY of a key", &copy_key),
        ("EXPORT COPY of an allowance", &share),
    ] {
        all_or_nothing(name, &chip, &|reader| open(reader, &mother) && done(reader, order), &look);
    }
}

/// A right PIN or cryptogram costs a try as well, until the whole command has given it back.
#[test]
fn both_tries() {
    let (chip, mother) = pair();
    let wrong_cryptogram =
        |reader: &mut Reader| challenge(reader).is_some_and(|_| done(reader, &command(hex!("00820000"), &[0; 16])));
    type Attempt<'a> = &'a dyn Fn(&mut Reader) -> bool;
    let attempts: [(&str, usize, Attempt<'_>, Attempt<'_>); 2] = [
        ("VERIFY", 17, &|reader| verify(reader, &WRONG_PIN), &|reader| verify(reader, &PIN)),
        ("EXTERNAL AUTHENTICATE", 18, &wrong_cryptogram, &|reader| authenticate(reader, &mother)),
    ];
    for (name, at, wrong, right) in attempts {
        let look = |reader: &mut Reader| status(reader)[at];
        let mut once = Reader::insert(chip.snapshot());
        assert!(!wrong(&mut once));
        let once = once.remove();
        let torn = Torn { name, chip: &chip, run: wrong, look: &look };
        torn.sweep(false, &|_| vec![3, 2], &[2, 3]);
        let torn = Torn { name, chip: &once, run: right, look: &look };
        torn.sweep(true, &|operations| if operations < SPENDING { vec![2, 1] } else { vec![1, 3] }, &[1, 2, 3]);
    }
}
