//! A book that is put back from an old copy, and a clock that is set back.

use std::{
    fs,
    path::{Path, PathBuf},
};

use onecard_gateway::{
    campaign::{Engine, EnterpriseDesk, OperatorKeys, Settings, Store, StoreError, UnixMillis},
    carrier::Event,
    service_password::{SALT_LEN, ServicePasswordHash},
};
use onecard_host::over_the_air::{PasswordTries, ServicePassword};
use onecard_wire::{amount::Amount, number::ApplicationSerial};

use crate::recharges::{NOON, World, amount, tasks};

type Gateway = Engine<OperatorKeys, EnterpriseDesk<'static>>;

const DAY: i64 = 86_400_000;

fn book(folder: &Path) -> PathBuf {
    let path = folder.join("gateway.book");
    Store::create(&path).unwrap().new_campaign("recharge", &Settings::DEFAULT, tasks(1)).unwrap();
    path
}

fn gateway(world: &World, book: &Path) -> Result<Gateway, StoreError> {
    Ok(Engine::new(Store::open(book)?, world.keys(), world.desk()))
}

/// Until everything has ended.
fn run(gateway: &mut Gateway, world: &mut World, from: UnixMillis) -> UnixMillis {
    let mut now = from;
    while let Some(due) = gateway.next_due(now).unwrap() {
        now = due.max(now.plus(10));
        gateway.turn(now, &mut world.carrier).unwrap();
    }
    now
}

/// Everything that is in the book, in one file.
fn copy(book: &Path, to: &str) -> PathBuf {
    let to = book.with_file_name(to);
    let connection = rusqlite::Connection::open(book).unwrap();
    connection.execute("VACUUM INTO ?1", [to.to_str().unwrap()]).unwrap();
    to
}

fn put_back(copy: &Path, book: &Path) {
    for log in ["-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{log}", book.display()));
    }
    fs::copy(copy, book).unwrap();
}

fn lock(book: &Path) -> PathBuf {
    PathBuf::from(format!("{}.lock", book.display()))
}

/// The copy has the load to do still: whoever lets it go on loads a second time, behind as many refused packets as were sent since.
#[test]
fn an_old_copy_of_a_book_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::of(1);
    let book = book(folder.path());
    let before = copy(&book, "before");
    let mut engine = gateway(&world, &book).unwrap();
    // In the middle of it, while the gateway runs.
    engine.turn(NOON, &mut world.carrier).unwrap();
    let within = copy(&book, "within");
    let now = run(&mut engine, &mut world, NOON);
    drop(engine);
    let behind = copy(&book, "behind");
    for old in [&before, &within] {
        put_back(old, &book);
        assert!(matches!(gateway(&world, &book), Err(StoreError::OldCopy { had: 4, .. })), "{old:?}");
        // It is read all the same.
        let looked = Store::look(&book).unwrap();
        assert_eq!(looked.counts(looked.campaign("recharge").unwrap()).unwrap().committed, 0);
    }
    put_back(&behind, &book);
    gateway(&world, &book).unwrap();
    // Whoever takes the witness away has the load twice.
    put_back(&before, &book);
    fs::remove_file(lock(&book)).unwrap();
    run(&mut gateway(&world, &book).unwrap(), &mut world, now);
    assert_eq!(world.balances(), [Amount::from_fen(2 * amount(0).fen())]);
}

/// Nothing has left since, but somebody has decided by the books, or ordered, or changed: an old copy would take that back.
#[test]
fn an_old_copy_that_reserved_as_many_is_refused() {
    type Change = fn(&mut Store);
    let changes: [Change; 5] = [
        |store| {
            store.new_campaign("lost", &Settings::DEFAULT, tasks(1)).unwrap();
        },
        |store| store.set_phone(&tasks(1)[0].card.iccid, &"+8613999999999".parse().unwrap()).unwrap(),
        |store| {
            let campaign = store.campaign("recharge").unwrap();
            assert!(store.decide_unknown(campaign, "R0", false, NOON).unwrap());
        },
        |store| {
            let password = ServicePassword::new("2468").unwrap();
            let hash = ServicePasswordHash::of(&password, &[7; SALT_LEN]).unwrap();
            let task = tasks(1).remove(0);
            let serial = ApplicationSerial::from_parts(31, 1, 0).unwrap();
            let set = (&hash, PasswordTries::new(3));
            store.set_service_password(&task.card.iccid, task.card.key_set, serial, set).unwrap();
        },
        |_| (),
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World::of(1);
        let book = book(folder.path());
        let unknown = "UPDATE task SET stage = 3, ending = 2, outcome = '{}'";
        rusqlite::Connection::open(&book).unwrap().execute(unknown, []).unwrap();
        gateway(&world, &book).unwrap().turn(NOON, &mut world.carrier).unwrap();
        let before = copy(&book, "before");
        let mut store = Store::look(&book).unwrap();
        change(&mut store);
        for name in ["recharge", "lost"] {
            drop(store.campaign(name).and_then(|campaign| store.set_paused(campaign, true)));
        }
        drop(store);
        gateway(&world, &book).unwrap().turn(NOON.plus(1_000), &mut world.carrier).unwrap();
        assert_eq!(world.carrier.sent, 0);
        put_back(&before, &book);
        let again = gateway(&world, &book);
        assert_eq!(matches!(again, Err(StoreError::OldCopy { .. })), at < 4, "{at}");
    }
}

/// The book was removed beside its gateway: none is made that would be refused for ever.
#[test]
fn no_book_is_made_whose_lock_is_anothers() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::of(1);
    let path = book(folder.path());
    let engine = gateway(&world, &path).unwrap();
    fs::remove_file(&path).unwrap();
    assert!(matches!(Store::create(&path), Err(StoreError::InUse(_))));
    assert!(!path.exists());
    drop(engine);
    for torn in ["\0\0\0\0", ""] {
        fs::write(lock(&path), torn).unwrap();
        drop(Store::create(&path).unwrap());
        gateway(&world, &path).unwrap();
        fs::remove_file(&path).unwrap();
    }
}

/// Killed between the commit and the witness, nothing has left; a witness of a book that is no more says nothing of the next.
#[test]
fn a_book_that_is_ahead_of_its_witness_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::of(1);
    let path = book(folder.path());
    let mut engine = gateway(&world, &path).unwrap();
    engine.turn(NOON, &mut world.carrier).unwrap();
    drop(engine);
    assert_eq!(fs::read_to_string(lock(&path)).unwrap(), "00000000000000000002\n");
    for earlier in ["", "00000000000000000000\n"] {
        fs::write(lock(&path), earlier).unwrap();
        gateway(&world, &path).unwrap();
    }
    fs::write(lock(&path), "one").unwrap();
    assert!(matches!(gateway(&world, &path), Err(StoreError::Lock { .. })));
    fs::write(lock(&path), "00000000000000000007\n").unwrap();
    fs::remove_file(&path).unwrap();
    let path = book(folder.path());
    run(&mut gateway(&world, &path).unwrap(), &mut world, NOON);
    assert_eq!(world.balances(), [amount(0)]);
}

/// Whatever was waited for until tomorrow, by a clock that was a day ahead, is waited for no longer than ever: in the same gateway, or
/// in one that is begun then.
#[test]
fn a_clock_that_is_set_back_stops_nothing() {
    for is_begun_anew in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World::of(1);
        let path = book(folder.path());
        let mut engine = gateway(&world, &path).unwrap();
        world.carrier.fate = Some(Box::new(|| (0, false)));
        engine.turn(NOON.plus(DAY), &mut world.carrier).unwrap();
        world.carrier.fate = None;
        assert_eq!(world.carrier.sent, 1);
        if is_begun_anew {
            drop(engine);
            engine = gateway(&world, &path).unwrap();
        }
        engine.turn(NOON, &mut world.carrier).unwrap();
        let due = engine.next_due(NOON).unwrap().unwrap();
        assert_eq!(due, NOON.plus(Settings::DEFAULT.proof_millis_max), "{is_begun_anew}");
        run(&mut engine, &mut world, NOON);
        assert_eq!(world.balances(), [amount(0)]);
    }
}

/// The same of a message centre that was to be left alone for half a second.
#[test]
fn a_centre_is_not_left_alone_for_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::of(1);
    let mut engine = gateway(&world, &book(folder.path())).unwrap();
    world.carrier.says_instead.push_back(|ticket| Event::Throttled { ticket });
    engine.turn(NOON.plus(DAY), &mut world.carrier).unwrap();
    engine.turn(NOON.plus(DAY), &mut world.carrier).unwrap();
    assert_eq!(world.carrier.sent, 1);
    assert_eq!(engine.next_due(NOON).unwrap(), Some(NOON));
    engine.turn(NOON, &mut world.carrier).unwrap();
    assert_eq!(world.carrier.sent, 2);
    run(&mut engine, &mut world, NOON);
    assert_eq!(world.balances(), [amount(0)]);
}
