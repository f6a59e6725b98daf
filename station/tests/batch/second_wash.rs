//! Batches of second washes by a key master card: dying anywhere, out of order, and out of allowance.

use std::{env, path::Path, sync::atomic::AtomicBool};

use onecard_host::{
    crypto::DesKey,
    issuing::{Known, MfKeys, prepare_mf_resumable, wash_card_to_operator},
    key_master::{
        CeremonyKeys, ClosedKeyMaster, KeyMasterOrder, LastTry, LoadAllowance, MasterPin, TransportKeys, fill,
        key_master_status, personalise_key_master, personalise_mother,
    },
    key_store::NamedKey,
    keys::{Purpose, RootKeys},
    sam::{SoftwareSam, SoftwareSamState},
};
use onecard_simulator::{
    chip::{Blank, Chip},
    fragile_disk::FragileDisk,
    reader::Reader,
};
use onecard_station::{
    batch::{BatchError, BatchJournal, Event, Fate, Feeder, Outcome},
    craft::{SecondWashCraft, WashingBook, WashingKeys},
    journal::ChainFile,
    numbers::{Number, Serial},
    store::{IssuingStore, RootStore},
    washing::Washings,
};
use onecard_wire::{
    key::{Algorithm, KeyVersion},
    number::{ApplicationSerial, TerminalNumber},
};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use crate::{
    power_cut::{Death, Mortal},
    school::{PROFILE, School, Told},
    stack::Stack,
};

/// Deaths in a run of the tests; `ONECARD_CUTS` for more, `ONECARD_SEED` for others.
const CUTS: u64 = 60;
const PEOPLE: usize = 30;
/// Bodies of a card of this profile: 17 keys and the PIN.
const A_CARD: u32 = 18;
const VERSION: KeyVersion = KeyVersion(1);
const PIN: &str = "20261129";
const WASHES: &str = "/station/washing.journal";

/// A school, its key master card and mother card, each in a reader.
struct Office {
    school: School,
    roots: RootKeys,
    master: Reader,
    mother: Reader,
    /// Keys of the issuing SAM, where they are others.
    sam: Option<RootKeys>,
}

impl Office {
    fn new(people: usize, card_exports: u32) -> Self {
        let school = School::of(PROFILE, people, Path::new("/station"), Algorithm::Des);
        let mut random = ChaCha8Rng::seed_from_u64(20_261_129);
        // As the school's own.
        let roots = RootKeys::generate_with(VERSION, |_| Algorithm::Des, &mut random);
        let keys = roots.enterprise(school.profile.enterprise);
        let mut master = Reader::insert(Chip::blank(Blank::KeyMaster, 1).unwrap());
        let mut mother = Reader::insert(Chip::blank(Blank::MotherAuthentication, 2).unwrap());
        let transport = TransportKeys::of(&keys, VERSION).unwrap();
        let number = "2026000000000001".parse().unwrap();
        let allowance = LoadAllowance { card_exports, sam_exports: 0 };
        let (enterprise, pin) = (school.profile.enterprise, MasterPin::from_digits(PIN).unwrap());
        let order = KeyMasterOrder { number, enterprise, allowance, pin: pin.clone() };
        personalise_key_master(&mut master, &order, &transport).unwrap();
        personalise_mother(&mut mother, number, enterprise, &transport).unwrap();
        let closed = ClosedKeyMaster::select(&mut master, enterprise).unwrap();
        let mut open = closed.open(&mut mother, &pin, LastTry::Keep).unwrap();
        fill(&mut open, &mut CeremonyKeys::new(keys, VERSION).unwrap()).unwrap();
        Self { school, roots, master, mother, sam: None }
    }

    /// Cards after the operator's wash, with the numbers from 1 on.
    fn washed_once(&self, count: u64) -> Vec<Chip> {
        (1..=count).map(|number| self.card(number)).collect()
    }

    fn card(&self, number: u64) -> Chip {
        let mut store = RootStore::new(self.roots.clone(), self.school.profile.enterprise);
        let (serial, version) = (self.serial(Number(number)), VERSION);
        let mut key = |purpose| store.chip_key(NamedKey { purpose, version }, serial.to_bytes()).unwrap();
        let mf = MfKeys { control: key(Purpose::CardControl), maintenance: key(Purpose::CardMaintenance) };
        let management = NamedKey { purpose: Purpose::Management, version };
        let management = store.card_key(management, serial.to_bytes()).unwrap();
        let mut reader = Reader::insert(Chip::blank(Blank::CpuCard, number).unwrap());
        prepare_mf_resumable(&mut reader, &DesKey::TRANSPORT.into(), &mf).unwrap();
        let application = (self.school.profile.enterprise, serial, self.school.profile.directory);
        let known = Known::default();
        wash_card_to_operator(&mut reader, &mf, &management, application, known, &mut known.clone()).unwrap();
        reader.remove()
    }

    fn serial(&self, number: Number) -> ApplicationSerial {
        match self.school.profile.series.serial(number) {
            Some(Serial::Application { serial, .. }) => serial,
            _ => panic!("no serial"),
        }
    }

    /// One run, from opening key master card and journals to its end.
    fn run<F: Feeder>(
        &mut self,
        disk: &FragileDisk,
        feeder: &mut F,
        tell: &(dyn Fn(Event) + Sync),
    ) -> Result<(BatchJournal<<FragileDisk as onecard_host::disk::Disk>::File>, Outcome), BatchError> {
        let Self { school, roots, master, mother, sam } = self;
        let enterprise = school.profile.enterprise;
        let pin = MasterPin::from_digits(PIN).unwrap();
        let closed = ClosedKeyMaster::select(&mut *master, enterprise).unwrap();
        let mut open = closed.open(mother, &pin, LastTry::Keep).unwrap();
        let state = SoftwareSamState {
            terminal: TerminalNumber([0; 6]),
            next_sequence: 0,
            load_limit_fen: 0,
            last_load: None,
            last_purchase: None,
            randoms_made: 0,
        };
        let sam = SoftwareSam::new(sam.as_ref().unwrap_or(roots).enterprise(enterprise), VERSION, state);
        let keys = WashingKeys::new(&mut open, Box::new(sam), &school.profile).unwrap();
        let file = ChainFile::<Washings, _>::open_on(disk, WASHES)?;
        let clock = || "2026-11-29 10:00:00".to_owned();
        let book = WashingBook::new(file, &clock);
        let orders = school.orders();
        let craft = SecondWashCraft { keys: &keys, book: &book, orders: &orders, series: &school.profile.series };
        keys.are_ready_for(&orders, "3100100000000076".parse().unwrap()).unwrap();
        school.run_by(&craft, disk, std::slice::from_mut(feeder), tell, &AtomicBool::new(false))
    }

    fn exports_left(&mut self) -> u32 {
        key_master_status(&mut self.master).unwrap().allowance.card_exports
    }

    /// Bodies that the journal of washes says were asked for.
    fn exports_noted(&self, disk: &FragileDisk, numbers: u64) -> u32 {
        let file = ChainFile::<Washings, _>::open_on(&disk.after_kill(), WASHES).unwrap();
        let clock = String::new;
        let book = WashingBook::new(file, &clock);
        (1..=numbers).map(|number| book.exports(self.serial(Number(number)))).sum()
    }
}

#[test]
fn no_power_cut_loses_a_card_or_spends_an_export_twice() {
    const EXPORTS: u32 = 100_000;
    let number = |name: &str, otherwise| env::var(name).map_or(otherwise, |text| text.parse().unwrap());
    let (cuts, seed) = (number("ONECARD_CUTS", CUTS), number("ONECARD_SEED", 20_261_129));
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut died, mut batches, mut beyond) = (0_u32, 0, 0);
    while u64::from(died) < cuts {
        let mut office = Office::new(PEOPLE, EXPORTS);
        let stack = Stack::of(office.washed_once(PEOPLE as u64));
        let mut disk = FragileDisk::default();
        let died_before = died;
        loop {
            let death = if u64::from(died) < cuts { drawn(&mut random) } else { Death::Never };
            if let Death::AtDisk(operations) = death {
                disk.die_after(operations);
            }
            let mut feeder = Mortal::new(stack.feeder("1"), disk.clone(), death);
            let ran = office.run(&disk, &mut feeder, &|_| ());
            if !disk.is_dead() {
                let (journal, outcome) = ran.unwrap();
                assert_eq!((outcome.missing_rows, outcome.stopped), (0, false));
                // Nothing but the one key of each is enough to go on: no card is spoilt, none is given up, all have their own number.
                assert_eq!((outcome.stock.bad, outcome.stock.given_up), (0, 0));
                assert!(journal.replayed().numbers().all(|(_, numbered)| numbered.fate == Fate::Good));
                office.school.every_row_has_its_card(&journal, &stack);
                break;
            }
            // A washing journal that takes no note stops the batch in its own words.
            let went_on = ran.is_ok_and(|(_, outcome)| !outcome.stopped);
            assert!(!went_on, "a dead station said that it had ended");
            died += 1;
            feeder.leave();
            disk = disk.after_a_power_cut(|below| random.random_range(0..below));
        }
        let (deaths, needed) = (died - died_before, A_CARD * u32::try_from(PEOPLE).unwrap());
        let spent = EXPORTS - office.exports_left();
        // What was done is never done again: each death costs the one body at most that was on its way.
        assert!((needed..=needed + deaths).contains(&spent), "{spent} of {needed}, {deaths} deaths");
        let noted = office.exports_noted(&disk, PEOPLE as u64);
        assert!((spent..=spent + deaths).contains(&noted), "{noted} noted, {spent} spent, {deaths} deaths");
        (batches, beyond) = (batches + 1, beyond + spent - needed);
    }
    println!(
        "seed {seed}: died {died} times in {batches} batches of {PEOPLE} cards; {beyond} exports beyond what they take"
    );
    assert!(beyond > 0 && batches > 1);
}

/// Within a few cards.
fn drawn(random: &mut ChaCha8Rng) -> Death {
    match random.random_range(0..3) {
        0 => Death::AtDisk(random.random_range(1..300)),
        1 => Death::AtExchange(random.random_range(0..500)),
        _ => Death::InCard(random.random_range(0..400), random.random_range(0..60)),
    }
}

#[test]
fn an_allowance_that_runs_out_stops_before_the_card_is_touched() {
    // The third card is left one body short.
    let mut office = Office::new(3, 3 * A_CARD - 1);
    let (disk, stack, told) = (FragileDisk::default(), Stack::of(office.washed_once(3)), Told::default());
    let mut feeder = stack.feeder("1");
    let (journal, outcome) = office.run(&disk, &mut feeder, &told.tell()).unwrap();
    assert_eq!((outcome.missing_rows, outcome.stopped, outcome.stock.good, outcome.stock.begun), (1, true, 2, 0));
    assert_eq!((journal.replayed().numbers().count(), office.exports_left()), (2, A_CARD - 1));
    let why = format!("{:?}", told.0.lock().unwrap());
    assert!(why.contains("may export 17 bodies") && why.contains("onecard master allowance"), "{why}");
    drop(journal);
    feeder.leave();
    // The same with more.
    let mut more = Office::new(3, 100);
    let (_, outcome) = more.run(&disk.after_kill(), &mut stack.feeder("1"), &|_| ()).unwrap();
    assert_eq!((outcome.missing_rows, outcome.stock.good, more.exports_left()), (0, 3, 100 - A_CARD));
}

#[test]
fn a_card_out_of_order_is_left_as_it_is_and_takes_no_other_number() {
    let mut office = Office::new(2, 1_000);
    office.school.failures_max = 2;
    let (mut disk, told) = (FragileDisk::default(), Told::default());
    // The first card is missing.
    let stack = Stack::of([office.card(2), office.card(3)]);
    let (journal, outcome) = office.run(&disk, &mut stack.feeder("1"), &told.tell()).unwrap();
    assert_eq!(
        (outcome.stopped, outcome.stock.good, outcome.stock.begun, stack.piles().not_ours.len()),
        (true, 0, 1, 2)
    );
    let why = format!("{:?}", told.0.lock().unwrap());
    assert!(why.contains("--give-up 3100100000000019") && why.contains("serials: [\"3100100000000019\"]"), "{why}");
    drop(journal);
    // It is lost; the others go on with their own numbers.
    let cards: Vec<Chip> = stack.piles().not_ours.drain(..).collect();
    let stack = Stack::of(cards);
    office.school.give_up = vec![Number(1)];
    for _ in 0..2 {
        disk = disk.after_kill();
        let (journal, outcome) = office.run(&disk, &mut stack.feeder("1"), &|_| ()).unwrap();
        assert_eq!((outcome.missing_rows, outcome.stock.good, outcome.stock.given_up), (0, 2, 1));
        office.school.every_row_has_its_card(&journal, &stack);
    }
}

#[test]
fn a_card_whose_number_was_given_up_takes_no_other_one() {
    let mut office = Office::new(2, 1_000);
    office.school.give_up = vec![Number(1)];
    let disk = FragileDisk::default();
    // Number 1 comes back whole at the end, when another run has given it up.
    let stack = Stack::of([office.card(2), office.card(3), office.card(1)]);
    let (journal, outcome) = office.run(&disk, &mut stack.feeder("1"), &|_| ()).unwrap();
    assert_eq!((outcome.missing_rows, outcome.stock.good, outcome.stock.given_up), (0, 2, 1));
    assert_eq!(journal.replayed().number(Number(1)).unwrap().fate, Fate::GivenUp);
    assert_eq!(stack.piles().stock.len(), 1);
    // A good one is not given up.
    drop(journal);
    office.school.give_up = vec![Number(2)];
    let refused = office.run(&disk.after_kill(), &mut stack.feeder("1"), &|_| ()).unwrap_err();
    assert!(refused.to_string().contains("its card is good"), "{refused}");
}

#[test]
fn an_issuing_sam_with_other_keys_stops_the_batch_at_the_first_card_and_spoils_none() {
    let mut office = Office::new(2, 1_000);
    let mut random = ChaCha8Rng::seed_from_u64(7);
    office.sam = Some(RootKeys::generate_with(VERSION, |_| Algorithm::Des, &mut random));
    let (disk, stack, told) = (FragileDisk::default(), Stack::of(office.washed_once(2)), Told::default());
    let mut feeder = stack.feeder("1");
    let (_, outcome) = office.run(&disk, &mut feeder, &told.tell()).unwrap();
    assert_eq!((outcome.stopped, outcome.stock.begun, outcome.stock.bad), (true, 1, 0));
    assert!(format!("{:?}", told.0.lock().unwrap()).contains("take the issuing SAM of these keys"));
    feeder.leave();
    office.sam = None;
    let (_, outcome) = office.run(&disk.after_kill(), &mut stack.feeder("1"), &|_| ()).unwrap();
    assert_eq!((outcome.missing_rows, outcome.stock.bad), (0, 0));
    // No body was asked for again.
    assert_eq!(office.exports_left(), 1_000 - 2 * A_CARD);
}
