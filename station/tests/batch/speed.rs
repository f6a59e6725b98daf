//! How fast a station is, beside a bare loop over the same cards, and beside the cards themselves.
//!
//! `cargo test --release -p onecard-station --test batch speed -- --ignored --nocapture --test-threads=1` measures; a small part runs in
//! every run of the tests.

use std::{
    fs::File,
    io,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use onecard_host::{
    disk::{Disk, DiskFile, SystemDisk},
    transport::{Transport, TransportError},
};
use onecard_simulator::{
    chip::{Blank, Chip},
    paced::{Link, Paced},
    reader::Reader,
};
use onecard_station::{
    batch::{Call, Craft, Event, Fed, Feeder, Found, Job, NoTap, Tray, Unfinished},
    craft::CpuCardCraft,
    numbers::Number,
};
use rustix::time::{ClockId, clock_gettime};

use crate::school::School;

#[test]
fn the_host_takes_a_hundredth_of_the_cards_time_and_four_syncs() {
    let measured = Measured::of(30);
    println!("{measured}");
    measured.judge();
}

#[test]
#[ignore = "a measurement: run by its name"]
fn a_thousand_cards() {
    let measured = Measured::of(1_000);
    println!("{measured}");
    measured.judge();
}

#[test]
#[ignore = "a measurement: run by its name"]
fn eight_readers_are_as_fast_as_eight() {
    const CARDS_EACH: usize = 8;
    let time_a_card = |readers: usize| {
        let (folder, cards) = (tempfile::tempdir().unwrap(), readers * CARDS_EACH);
        let school = School::new(cards, folder.path());
        let mut feeders: Vec<Endless> = (0..readers).map(|reader| Endless::new(reader, true)).collect();
        let began = Instant::now();
        let (_, outcome) = school.run(&SystemDisk, &mut feeders, &|_| ()).unwrap();
        assert_eq!(outcome.missing_rows, 0);
        began.elapsed() / u32::try_from(cards).unwrap()
    };
    let (one, eight) = (time_a_card(1), time_a_card(8));
    let ratio = one.as_secs_f64() / eight.as_secs_f64();
    println!("at 115,200 baud: one reader {one:.3?} a card, eight readers {eight:.3?}: {ratio:.2} times as fast");
    assert!(ratio >= 7.5, "{ratio}");
}

#[test]
#[ignore = "a measurement: run by its name"]
fn memory_is_flat_over_a_hundred_thousand_cards() {
    const CARDS: usize = 100_000;
    let folder = tempfile::tempdir().unwrap();
    let school = School::new(CARDS, folder.path());
    let seen = Mutex::new((0_u64, Vec::new()));
    let tell = |event| {
        if let Event::Good { .. } = event {
            let mut seen = seen.lock().unwrap();
            seen.0 += 1;
            if [1_000, 10_000, 50_000, 100_000].contains(&seen.0) {
                let cards = seen.0;
                println!("after {cards} cards: {} KiB", resident_kib());
                seen.1.push(resident_kib());
            }
        }
    };
    // No disk: its hundred thousand syncs are measured elsewhere.
    let disk = NoSync::default();
    let (_, outcome) = school.run(&disk, &mut [Endless::new(0, false)], &tell).unwrap();
    assert_eq!(outcome.missing_rows, 0);
    let seen = seen.into_inner().unwrap().1;
    // A card leaves its number and its row in the books.
    let per_card = (seen[3] - seen[1]) as f64 * 1_024.0 / 90_000.0;
    println!("{per_card:.0} bytes a card");
    assert!(per_card < 200.0);
}

/// What a batch took.
struct Measured {
    cards: u64,
    wall: Duration,
    /// Of the thread, without the cards'.
    host_cpu: Duration,
    /// The same cards in a bare loop, without batch and journal.
    bare_cpu: Duration,
    link: Duration,
    commands: u64,
    syncs: u64,
}

impl Measured {
    fn of(cards: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let school = School::new(cards, folder.path());
        let disk = NoSync { sync: true, ..NoSync::default() };
        let mut feeder = Endless::new(0, false);
        let (began, cpu) = (Instant::now(), cpu_time());
        let (_, outcome) = school.run(&disk, std::slice::from_mut(&mut feeder), &|_| ()).unwrap();
        let (wall, cpu) = (began.elapsed(), cpu_time() - cpu);
        assert_eq!(outcome.missing_rows, 0);
        Self {
            cards: cards as u64,
            wall,
            host_cpu: cpu.saturating_sub(feeder.card_cpu),
            bare_cpu: bare(&school),
            link: feeder.link,
            commands: feeder.commands,
            syncs: disk.syncs.load(Ordering::Relaxed),
        }
    }

    fn judge(&self) {
        let share = self.host_cpu.as_secs_f64() / self.link.as_secs_f64();
        assert!(share <= 0.01, "the host takes {:.2} % of the cards' own time", share * 100.0);
        let syncs = self.syncs as f64 / self.cards as f64;
        assert!(syncs <= 4.0, "{syncs} syncs a card");
    }
}

impl std::fmt::Display for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { cards, wall, host_cpu, bare_cpu, link, commands, syncs } = self;
        let each = |duration: &Duration| duration.as_secs_f64() * 1_000.0 / *cards as f64;
        write!(
            f,
            "{cards} cards in {wall:.2?}: {:.0} cards a second; {:.1} commands, {:.0} ms of a link of 115,200 baud and {:.2} syncs a \
             card; host {:.3} ms of processor a card, {:.2} % of the link's time, {:.2} times a bare loop's {:.3} ms",
            *cards as f64 / wall.as_secs_f64(),
            *commands as f64 / *cards as f64,
            each(link),
            *syncs as f64 / *cards as f64,
            each(host_cpu),
            100.0 * host_cpu.as_secs_f64() / link.as_secs_f64(),
            host_cpu.as_secs_f64() / bare_cpu.as_secs_f64(),
            each(bare_cpu),
        )
    }
}

/// The same cards made and checked one after the other: what the host cannot do without.
fn bare(school: &School) -> Duration {
    let orders = school.orders();
    let craft = CpuCardCraft { keys: &school.keys, orders: &orders, series: &school.profile.series };
    let (mut card_cpu, mut link, mut commands) = (Duration::ZERO, Duration::ZERO, 0);
    let began = cpu_time();
    for ((row, _), number) in school.list.rows.iter().zip(1..) {
        let serial = school.profile.series.serial(Number(number)).unwrap();
        let made = cpu_time();
        let mut reader = Reader::insert(Chip::blank(Blank::CpuCard, number).unwrap());
        card_cpu += cpu_time() - made;
        let mut card = Timed { card: &mut reader, cpu: &mut card_cpu, link: &mut link, commands: &mut commands };
        let Found::Blank(opening) = craft.look(&mut card, &Unfinished::default()).unwrap() else { panic!("not blank") };
        let job = Job { row: *row, number: Number(number), serial };
        craft.make(&mut card, &job, opening).unwrap();
        craft.check(&mut card, &job).unwrap();
    }
    (cpu_time() - began).saturating_sub(card_cpu)
}

/// A reader in which there is always another blank card.
struct Endless {
    name: String,
    paced: bool,
    chip: Option<Chip>,
    made: u64,
    card_cpu: Duration,
    link: Duration,
    commands: u64,
}

impl Endless {
    fn new(reader: usize, paced: bool) -> Self {
        let made = reader as u64 * 1_000_000;
        Self {
            name: reader.to_string(),
            paced,
            chip: None,
            made,
            card_cpu: Duration::ZERO,
            link: Duration::ZERO,
            commands: 0,
        }
    }
}

impl Feeder for Endless {
    fn name(&self) -> &str {
        &self.name
    }

    fn feed(&mut self, call: &Call, _: &dyn Fn() -> bool) -> Result<Fed, String> {
        if *call == Call::LookOnly {
            return Ok(Fed::Empty);
        }
        let began = cpu_time();
        self.made += 1;
        self.chip = Some(Chip::blank(Blank::CpuCard, self.made).unwrap());
        self.card_cpu += cpu_time() - began;
        Ok(Fed::Card)
    }

    fn tap(&mut self, work: &mut dyn FnMut(&mut dyn Transport)) -> Result<(), NoTap> {
        let began = cpu_time();
        let mut reader = Reader::insert(self.chip.take().unwrap());
        self.card_cpu += cpu_time() - began;
        let mut timed =
            Timed { card: &mut reader, cpu: &mut self.card_cpu, link: &mut self.link, commands: &mut self.commands };
        if self.paced {
            work(&mut Paced::new(timed, Link::CONTACT_115200))
        } else {
            work(&mut timed)
        }
        let began = cpu_time();
        self.chip = Some(reader.remove());
        self.card_cpu += cpu_time() - began;
        Ok(())
    }

    fn put_away(&mut self, _: Tray) -> Result<(), String> {
        let began = cpu_time();
        self.chip = None;
        self.card_cpu += cpu_time() - began;
        Ok(())
    }
}

/// A card whose own processor time is taken apart.
struct Timed<'t> {
    card: &'t mut Reader,
    cpu: &'t mut Duration,
    link: &'t mut Duration,
    commands: &'t mut u64,
}

impl Transport for Timed<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let began = cpu_time();
        let answer = self.card.transmit(command);
        *self.cpu += cpu_time() - began;
        *self.link += Link::CONTACT_115200.time(command.len(), answer.as_ref().map_or(0, Vec::len));
        *self.commands += 1;
        answer
    }
}

/// Of this thread.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap(), u32::try_from(time.tv_nsec).unwrap())
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// The system's disk, its syncs counted, and done if they are wanted.
#[derive(Default)]
struct NoSync {
    sync: bool,
    syncs: Arc<AtomicU64>,
}

/// A file of it.
struct NoSyncFile(File, bool, Arc<AtomicU64>);

impl Disk for NoSync {
    type File = NoSyncFile;

    fn open(&self, path: &Path) -> io::Result<NoSyncFile> {
        SystemDisk.open(path).map(|file| NoSyncFile(file, self.sync, Arc::clone(&self.syncs)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        SystemDisk.rename(from, to)
    }

    fn sync_directory_of(&self, path: &Path) -> io::Result<()> {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        if self.sync { SystemDisk.sync_directory_of(path) } else { Ok(()) }
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        SystemDisk.read(path)
    }
}

impl DiskFile for NoSyncFile {
    fn content(&mut self) -> io::Result<Vec<u8>> {
        self.0.content()
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.append(bytes)
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.0.cut(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.2.fetch_add(1, Ordering::Relaxed);
        if self.1 { self.0.sync() } else { Ok(()) }
    }
}
