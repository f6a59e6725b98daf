//! Every other command that writes: try counters, keys, files.

use std::cell::Cell;

use onecard_host::{
    apdu::{Command, exchange},
    card::{Access, Pin, external_authentication, read_binary, read_record, select, verify_pin},
    crypto::{DesKey, Key, LineKey},
    issuing::{CardOrder, issue_card, prepare_mf},
    keys::Purpose,
    line_protection::{challenge, enciphered, with_mac},
};
use onecard_simulator::{
    chip::{Blank, Chip},
    reader::Reader,
};
use onecard_tests::world::{KEY_VERSION, World, serial};
use onecard_wire::{
    aid,
    date::Date,
    fid::Fid,
    ins,
    record::{Holder, Parameters},
    status::StatusWord,
};
use rand::{SeedableRng, rngs::ChaCha8Rng};

use super::sweep::{Count, Fate, Flow, Recoveries};

const HAPPENED_OR_NOT: &[Fate] = &[Fate::NotBegun, Fate::Finished];

/// Tears what `run` sends; `judge` is told how many programming operations were completed.
fn sweep(
    name: &str,
    chip: &Chip,
    run: &dyn Fn(&mut Reader),
    judge: &dyn Fn(Reader, u64) -> Fate,
    (recoveries, expected): (Recoveries, &[Fate]),
) -> Count {
    let run = |chip: Chip| {
        let mut reader = Reader::insert(chip);
        run(&mut reader);
        let chip = reader.remove();
        let operations = chip.operations();
        (chip, operations)
    };
    let judge = |chip: Chip, operations: &u64| judge(Reader::insert(chip), *operations);
    Flow { name, chip, run: &run, judge: &judge, recoveries }.sweep(expected)
}

fn status(reader: &mut Reader, command: &Command) -> Option<StatusWord> {
    exchange(reader, command).ok().map(|response| response.status)
}

fn enter(reader: &mut Reader) -> Option<onecard_host::card::Selected> {
    select(reader, &aid::enterprise_application(World::shared().enterprise_id())).ok()
}

fn wrong_pin(reader: &mut Reader) -> Option<StatusWord> {
    let verify = Command::new(ins::CLA_ISO, ins::VERIFY, 0, 0).with_data(&[0x99, 0x99]);
    enter(reader).and_then(|_| status(reader, &verify))
}

fn right_pin(reader: &mut Reader) -> bool {
    enter(reader).is_some_and(|selected| verify_pin(reader, &selected, &World::shared().pin()).is_ok())
}

/// Tries there were, by what is left after a wrong one.
fn tries(mut reader: Reader) -> u8 {
    match wrong_pin(&mut reader).unwrap() {
        StatusWord(0x6983) => 0,
        StatusWord(word @ 0x63C0..=0x63CF) => (word as u8 & 0x0F) + 1,
        other => panic!("{other}"),
    }
}

#[test]
fn a_wrong_pin_costs_a_try_however_it_is_torn() {
    let card = World::shared().card(0).unwrap();
    let judge = |reader, _| match tries(reader) {
        3 => Fate::NotBegun,
        2 => Fate::Finished,
        other => panic!("{other} tries"),
    };
    let run = |reader: &mut Reader| {
        let _ = wrong_pin(reader);
    };
    sweep("VERIFY, wrong PIN", &card, &run, &judge, (Recoveries::Twice, HAPPENED_OR_NOT));
}

/// Programming operations that spend a try: a wrong PIN costs these and no others.
const SPENDING: u64 = 2;

/// The try is spent before the PIN is compared: nothing of the comparison can be seen, in time or in power, by who still
/// has the try. So no cut after the spending leaves it unspent, and only the whole command gives it back.
#[test]
fn a_right_pin_gives_the_tries_back_only_at_the_end() {
    let mut reader = Reader::insert(World::shared().card(0).unwrap());
    assert_eq!(wrong_pin(&mut reader), Some(StatusWord(0x63C2)));
    let card = reader.remove();
    let judge = |reader, operations| match tries(reader) {
        2 if operations < SPENDING => Fate::NotBegun,
        1 => Fate::Half,
        3 => Fate::Finished,
        other => panic!("{other} tries"),
    };
    let run = |reader: &mut Reader| {
        let _ = right_pin(reader);
    };
    let expected = [Fate::NotBegun, Fate::Finished, Fate::Half];
    sweep("VERIFY, right PIN", &card, &run, &judge, (Recoveries::Twice, &expected));
}

fn authenticate(reader: &mut Reader, id: u8, key: &LineKey) -> Option<StatusWord> {
    let challenge = challenge(reader).ok()?;
    status(reader, &external_authentication(id, challenge, key))
}

#[test]
fn a_wrong_authentication_costs_a_try_however_it_is_torn() {
    let blank = Chip::blank(Blank::CpuCard, 9).unwrap();
    let wrong = LineKey::from(DesKey::from_bytes([0x5A; 8]));
    let judge = |mut reader: Reader, _| match authenticate(&mut reader, 0, &wrong) {
        Some(StatusWord(0x63C2)) => Fate::NotBegun,
        Some(StatusWord(0x63C1)) => Fate::Finished,
        other => panic!("{other:?}"),
    };
    let run = |reader: &mut Reader| {
        let _ = authenticate(reader, 0, &wrong);
    };
    sweep("EXTERNAL AUTHENTICATE, wrong key", &blank, &run, &judge, (Recoveries::Twice, HAPPENED_OR_NOT));
}

#[test]
fn a_right_authentication_gives_the_tries_back_only_at_the_end() {
    let (wrong, right) = (LineKey::from(DesKey::from_bytes([0x5A; 8])), LineKey::from(DesKey::TRANSPORT));
    let mut reader = Reader::insert(Chip::blank(Blank::CpuCard, 9).unwrap());
    assert_eq!(authenticate(&mut reader, 0, &wrong), Some(StatusWord(0x63C2)));
    let card = reader.remove();
    let judge = |mut reader: Reader, operations| match authenticate(&mut reader, 0, &wrong) {
        Some(StatusWord(0x63C1)) if operations < SPENDING => Fate::NotBegun,
        Some(StatusWord(0x63C0)) => Fate::Half,
        Some(StatusWord(0x63C2)) => Fate::Finished,
        other => panic!("{other:?}"),
    };
    let run = |reader: &mut Reader| {
        let _ = authenticate(reader, 0, &right);
    };
    let expected = [Fate::NotBegun, Fate::Finished, Fate::Half];
    sweep("EXTERNAL AUTHENTICATE, right key", &card, &run, &judge, (Recoveries::Twice, &expected));
}

/// INTERNAL AUTHENTICATE by key 30 id 01.
fn internal(reader: &mut Reader) -> [u8; 8] {
    enter(reader).unwrap();
    let command = Command::new(ins::CLA_ISO, ins::INTERNAL_AUTHENTICATE, 0, 1).with_data(&[7; 8]).expecting(8);
    exchange(reader, &command).unwrap().done().unwrap().try_into().unwrap()
}

#[test]
fn a_key_is_the_old_one_or_the_new_one() {
    let world = World::shared();
    let card = world.card(0).unwrap();
    let (old, new) = (world.card_key(0, Purpose::AccessAuthentication).unwrap(), Key::from_bytes(*b"a key of its own"));
    let control = LineKey::from(world.card_key(0, Purpose::Control).unwrap());
    let run = |reader: &mut Reader| {
        let Some(_) = enter(reader) else { return };
        let Ok(challenge) = challenge(reader) else { return };
        let record = [&[0xF0, 0xF0, 0xF0, 0x02, 0x00], new.expose().as_slice()].concat();
        let command = Command::new(ins::CLA_PBOC, ins::WRITE_KEY, 0xF0, 1).with_bytes(&record).unwrap();
        let answer = status(reader, &enciphered(&command, challenge, &control).unwrap());
        assert!(answer.is_none_or(StatusWord::is_ok), "{answer:?}");
    };
    let judge = |mut reader: Reader, _| match internal(&mut reader) {
        answer if old.encipher(&[7; 8]) == answer => Fate::NotBegun,
        answer if new.encipher(&[7; 8]) == answer => Fate::Finished,
        _ => panic!("a key that is neither"),
    };
    sweep("WRITE KEY", &card, &run, &judge, (Recoveries::Twice, HAPPENED_OR_NOT));
}

#[test]
fn a_file_of_four_pages_is_written_whole_or_not_at_all() {
    let world = World::shared();
    let card = world.card(0).unwrap();
    let new: Vec<u8> = (1..=224).collect();
    let maintenance = LineKey::from(world.card_key(0, Purpose::Maintenance).unwrap());
    let run = |reader: &mut Reader| {
        let Some(_) = enter(reader) else { return };
        let Ok(challenge) = challenge(reader) else { return };
        let update = Command::new(ins::CLA_ISO, ins::UPDATE_BINARY, 0x99, 0).with_bytes(&new).unwrap();
        let answer = status(reader, &with_mac(&update, challenge, &mut maintenance.clone()).unwrap());
        assert!(answer.is_none_or(StatusWord::is_ok), "{answer:?}");
    };
    let judge = |mut reader: Reader, _| {
        let selected = enter(&mut reader).unwrap();
        let content = read_binary(&mut reader, &selected, Fid::ACCESS_RIGHTS, 224, Access::Plain).unwrap();
        match content {
            content if content == new => Fate::Finished,
            content if content == [0; 224] => Fate::NotBegun,
            content => panic!("half written: {content:02X?}"),
        }
    };
    sweep("UPDATE BINARY", &card, &run, &judge, (Recoveries::Few, HAPPENED_OR_NOT));
}

#[test]
fn a_record_is_appended_whole_or_not_at_all() {
    let world = World::shared();
    let card = world.card(0).unwrap();
    let append_key = LineKey::from(world.card_key(0, Purpose::AttendanceAppend).unwrap());
    let append = |reader: &mut Reader, record: [u8; 16]| {
        let Some(_) = enter(reader) else { return };
        let Ok(challenge) = challenge(reader) else { return };
        let append = Command::new(ins::CLA_ISO, ins::APPEND_RECORD, 0, 0x1A << 3 | 4).with_data(&record);
        let answer = status(reader, &with_mac(&append, challenge, &mut append_key.clone()).unwrap());
        assert!(answer.is_none_or(StatusWord::is_ok), "{answer:?}");
    };
    // The file has gone round, so that the oldest record is overwritten.
    let mut reader = Reader::insert(card);
    (0..33).for_each(|number| append(&mut reader, [number; 16]));
    let card = reader.remove();
    let newest = |reader: &mut Reader| {
        let selected = enter(reader).unwrap();
        verify_pin(reader, &selected, &Pin::from_digits("123456").unwrap()).unwrap();
        let record =
            |number| read_record(reader, &selected, Fid::ATTENDANCE_LOG, number, 16, Access::Plain).unwrap()[0];
        [1, 2, 32].map(record)
    };
    let judge = |mut reader: Reader, _| match newest(&mut reader) {
        [32, 31, 1] => Fate::NotBegun,
        [99, 32, 2] => Fate::Finished,
        other => panic!("{other:?}"),
    };
    let run = |reader: &mut Reader| append(reader, [99; 16]);
    sweep("APPEND RECORD", &card, &run, &judge, (Recoveries::Twice, HAPPENED_OR_NOT));
}

#[test]
fn a_file_is_there_or_not() {
    let mut reader = Reader::insert(Chip::blank(Blank::CpuCard, 9).unwrap());
    prepare(&mut reader).unwrap();
    let chip = reader.remove();
    let create = Command::new(ins::CLA_PBOC, ins::CREATE_FILE, 0x00, 0x19)
        .with_data(&[0x28, 0x01, 0x00, 0xF0, 0xF0, 0xFF, 0xFF]);
    let control = LineKey::from(World::shared().mf_keys(0).unwrap().control);
    let run = |reader: &mut Reader| {
        if authenticate(reader, 0, &control).is_some_and(StatusWord::is_ok) {
            let answer = status(reader, &create);
            assert!(answer.is_none_or(StatusWord::is_ok), "{answer:?}");
        }
    };
    let judge = |mut reader: Reader, _| {
        let read = Command::new(ins::CLA_ISO, ins::READ_BINARY, 0x99, 0).expecting(0xE0);
        match exchange(&mut reader, &read).unwrap().done() {
            Ok(content) => {
                assert_eq!(content, [0; 0xE0]);
                Fate::Finished
            }
            Err(StatusWord::FILE_NOT_FOUND) => {
                assert!(authenticate(&mut reader, 0, &control).is_some_and(StatusWord::is_ok));
                assert_eq!(status(&mut reader, &create), Some(StatusWord::OK), "it can be created again");
                Fate::NotBegun
            }
            Err(other) => panic!("{other}"),
        }
    };
    sweep("CREATE FILE", &chip, &run, &judge, (Recoveries::Twice, HAPPENED_OR_NOT));
}

fn prepare(reader: &mut Reader) -> Result<(), onecard_host::issuing::IssuingError> {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    prepare_mf(reader, &DesKey::TRANSPORT.into(), &World::shared().mf_keys(0).unwrap(), &mut random)
}

/// How many of these keys are somewhere in the memory.
fn present(keys: &[[u8; 16]], image: &[u8]) -> usize {
    keys.iter().filter(|key| image.windows(16).any(|window| window == key.as_slice())).count()
}

fn erase(reader: &mut Reader, control: &LineKey) {
    if authenticate(reader, 0, control).is_some_and(StatusWord::is_ok) {
        let answer = status(reader, &Command::new(ins::CLA_PBOC, ins::ERASE_DF, 0, 0));
        assert!(answer.is_none_or(StatusWord::is_ok), "{answer:?}");
    }
}

#[test]
fn an_erased_application_leaves_no_key_behind_and_the_card_is_issued_again() {
    let world = World::shared();
    let card = world.card(0).unwrap();
    let of_card = world.enterprise_keys().card(serial(0));
    let keys: Vec<[u8; 16]> = of_card
        .keys()
        .names()
        .map(|(purpose, version)| *of_card.keys().key(purpose, version).unwrap().expose())
        .collect();
    assert_eq!((present(&keys, card.image()), keys.len()), (17, 17));
    let control = LineKey::from(world.card_key(0, Purpose::Control).unwrap());
    let run = |reader: &mut Reader| {
        if enter(reader).is_some() {
            erase(reader, &control);
        }
    };
    let judged = Cell::new(0);
    let judge = |mut reader: Reader, _| {
        if enter(&mut reader).is_some() {
            assert!(right_pin(&mut reader));
            assert_eq!(present(&keys, reader.remove().image()), 17);
            return Fate::NotBegun;
        }
        let chip = reader.remove();
        assert_eq!(present(&keys, chip.image()), 0, "keys of an erased application are in the memory");
        // Issuing takes longer than everything else here: every eighth of the memories that differ.
        judged.set(judged.get() + 1);
        if judged.get() % 8 == 1 {
            let mut reader = Reader::insert(chip);
            issue_again(&mut reader);
            assert_eq!(present(&keys, reader.remove().image()), 17);
        }
        Fate::Finished
    };
    sweep("ERASE DF", &card, &run, &judge, (Recoveries::Few, HAPPENED_OR_NOT));
}

/// The keys have just been written, so they are in the journal too when the few files of this directory are erased.
#[test]
fn a_directory_erased_just_after_its_keys_were_written_leaves_none_in_the_journal() {
    let mut reader = Reader::insert(Chip::blank(Blank::CpuCard, 9).unwrap());
    prepare(&mut reader).unwrap();
    let chip = reader.remove();
    let mf = World::shared().mf_keys(0).unwrap();
    let keys = [*mf.control.expose(), *mf.maintenance.expose()];
    assert_eq!(present(&keys, chip.image()), 2);
    let control = LineKey::from(mf.control);
    let judge = |mut reader: Reader, _| {
        if authenticate(&mut reader, 0, &control).is_some_and(StatusWord::is_ok) {
            return Fate::NotBegun;
        }
        assert_eq!(present(&keys, reader.remove().image()), 0, "keys of an erased directory are in the memory");
        Fate::Finished
    };
    let run = |reader: &mut Reader| erase(reader, &control);
    sweep("ERASE DF, fresh keys", &chip, &run, &judge, (Recoveries::Few, HAPPENED_OR_NOT));
}

/// As the operator does it, from the MF.
fn issue_again(reader: &mut Reader) {
    let world = World::shared();
    let (mf, mut random) = (world.mf_keys(0).unwrap(), ChaCha8Rng::seed_from_u64(3));
    prepare_mf(reader, &mf.control.clone().into(), &mf, &mut random).unwrap();
    let order = CardOrder {
        enterprise: world.enterprise_id(),
        directory: Fid(0xDF01),
        valid_from: Date::parse("20260101").unwrap(),
        valid_to: Date::parse("20351231").unwrap(),
        holder: Holder { card_type: 1, staff: 0, name: [0x20; 20], id_number: [0x30; 32], id_type: 0 },
        parameters: Parameters::UNLIMITED,
        pin: world.pin(),
        key_version: KEY_VERSION,
        beside: Vec::new(),
    };
    issue_card(reader, &mf, &world.enterprise_keys().card(serial(0)), &order, &mut random).unwrap();
}
