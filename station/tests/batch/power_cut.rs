//! The machine dies anywhere in a batch: between two commands, in the middle of one, at any step of journal or ledger. What was not
//! synced may be gone, or there in any part. The same batch goes on, as often as it takes.

use std::{
    env,
    path::Path,
    sync::{Arc, Mutex},
};

use onecard_host::{
    disk::Disk,
    transport::{Transport, TransportError},
};
use onecard_simulator::{
    chip::Chip,
    fragile_disk::FragileDisk,
    reader::Reader,
    tear::{Cut, Tear, tears_of},
};
use onecard_station::{
    batch::{Call, Fed, Feeder, NoTap, Tray},
    journal::replayed,
    numbers::{Block, LedgerState},
};
use onecard_wire::key::Algorithm;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use crate::{
    school::{PROFILE, School, mute, profile_of_sims},
    stack::{Stack, StackFeeder},
};

/// Deaths in a run of the tests; `ONECARD_CUTS` for more, `ONECARD_SEED` for others.
const CUTS: u64 = 60;
const PEOPLE: usize = 4;
const BLANKS: u64 = 8;

#[test]
fn no_power_cut_loses_a_card_or_doubles_a_number() {
    dies_and_goes_on(PROFILE);
}

#[test]
fn no_power_cut_loses_a_sim_or_doubles_a_number() {
    dies_and_goes_on(&profile_of_sims());
}

fn dies_and_goes_on(profile: &str) {
    let number = |name: &str, otherwise| env::var(name).map_or(otherwise, |text| text.parse().unwrap());
    let (cuts, seed) = (number("ONECARD_CUTS", CUTS), number("ONECARD_SEED", 20_261_129));
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut died, mut batches, mut spoilt, mut given_up, mut less) = (0, 0, 0, 0, 0);
    while died < cuts {
        let school = School::of(profile, PEOPLE, Path::new("/station"), Algorithm::Des);
        // One card never answers: nothing but its place tells it from another.
        let mut chips = school.blanks(BLANKS - 1);
        chips.insert(random.random_range(0..PEOPLE), mute());
        let stack = Stack::of(chips);
        let mut disk = FragileDisk::default();
        loop {
            let death = if died < cuts { Death::drawn(&mut random) } else { Death::Never };
            if let Death::AtDisk(operations) = death {
                disk.die_after(operations);
            }
            let mut feeder = Mortal::new(stack.feeder("1"), disk.clone(), death);
            let ran = school.run(&disk, std::slice::from_mut(&mut feeder), &|_| ());
            if !disk.is_dead() {
                let (journal, outcome) = ran.unwrap();
                assert_eq!((outcome.missing_rows, outcome.stopped), (0, false));
                school.every_row_has_its_card(&journal, &stack);
                let piles = stack.piles();
                let counted = [piles.good.len(), piles.bad.len(), piles.stock.len()].map(|count| count as u64);
                assert_eq!(counted.iter().sum::<u64>(), BLANKS, "{counted:?}");
                assert_eq!(counted[..2], [outcome.stock.good, outcome.stock.bad]);
                assert_eq!(piles.not_ours.len(), 0);
                let ledger: LedgerState = replayed("ledger", &disk.after_kill().read(&school.ledger).unwrap()).unwrap();
                let blocks = ledger.blocks_of("batch");
                for (number, _) in journal.replayed().numbers() {
                    let within = |block: &Block| (block.first.0..block.first.0 + block.count).contains(&number.0);
                    assert!(blocks.iter().any(within), "number {} is not the batch's", number.0);
                }
                (spoilt, given_up) = (spoilt + outcome.stock.bad, given_up + outcome.stock.given_up);
                batches += 1;
                break;
            }
            assert!(ran.is_err(), "a dead station said that it had ended");
            died += 1;
            feeder.leave();
            let after = disk.after_a_power_cut(|below| random.random_range(0..below));
            let journal = |disk: &FragileDisk| disk.read(&school.journal).ok();
            less += u64::from(journal(&after) != journal(&disk.after_kill()));
            disk = after;
        }
    }
    println!(
        "seed {seed}: died {died} times in {batches} batches of {PEOPLE} cards, {less} times with less or other bytes than were \
         written; {spoilt} cards spoilt, {given_up} numbers given up"
    );
    assert!(less > 0 && batches > 1);
}

/// When the machine dies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Death {
    /// At an operation of the disk.
    AtDisk(u64),
    /// In front of an exchange with a card.
    AtExchange(u64),
    /// In a programming operation of the card: at one of this power-up.
    InCard(u64, usize),
    Never,
}

impl Death {
    fn drawn(random: &mut ChaCha8Rng) -> Self {
        match random.random_range(0..3) {
            0 => Self::AtDisk(random.random_range(1..24)),
            1 => Self::AtExchange(random.random_range(0..3_000)),
            _ => Self::InCard(random.random_range(0..2_500), random.random_range(0..60)),
        }
    }
}

/// A reader of a machine that dies.
pub(crate) struct Mortal {
    inner: StackFeeder,
    disk: FragileDisk,
    death: Death,
    exchanges: Arc<Mutex<u64>>,
}

impl Mortal {
    pub(crate) fn new(inner: StackFeeder, disk: FragileDisk, death: Death) -> Self {
        Self { inner, disk, death, exchanges: Arc::default() }
    }

    /// Whoever switches the machine on again finds the card in the reader.
    pub(crate) fn leave(mut self) {
        self.inner.leave();
    }
}

impl Feeder for Mortal {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn feed(&mut self, call: &Call, wanted: &dyn Fn() -> bool) -> Result<Fed, String> {
        self.inner.feed(call, wanted)
    }

    fn tap(&mut self, work: &mut dyn FnMut(&mut dyn Transport)) -> Result<(), NoTap> {
        let (disk, death, exchanges) = (self.disk.clone(), self.death, Arc::clone(&self.exchanges));
        self.inner.tap_reader(|mut reader: Reader| -> Chip {
            if let Death::InCard(operation, tear) = death {
                let tear = tears_of(20).nth(tear).unwrap_or(Tear::BEFORE);
                reader.tap_with(|chip| chip.cut_power_at(Cut { operation, tear }));
            }
            work(&mut Dying { card: &mut reader, disk: &disk, death, exchanges: &exchanges });
            reader.remove()
        })
    }

    fn put_away(&mut self, tray: Tray) -> Result<(), String> {
        if self.disk.is_dead() { Err("the machine has died".to_owned()) } else { self.inner.put_away(tray) }
    }
}

/// A card until the machine dies.
struct Dying<'d> {
    card: &'d mut Reader,
    disk: &'d FragileDisk,
    death: Death,
    exchanges: &'d Mutex<u64>,
}

impl Transport for Dying<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let mut exchanges = self.exchanges.lock().unwrap();
        *exchanges += 1;
        if self.death == Death::AtExchange(*exchanges) {
            self.disk.die_after(0);
        }
        if self.disk.is_dead() {
            return Err(TransportError::NoAnswer);
        }
        let answer = self.card.transmit(command);
        if answer.is_err() && matches!(self.death, Death::InCard(..)) {
            self.disk.die_after(0);
        }
        answer
    }
}
