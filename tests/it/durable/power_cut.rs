//! The process killed and the power cut at every operation of the disk, with every part of what was not yet synced.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use ed25519_dalek::SigningKey;
use onecard_host::{
    blacklist::{Blacklist, BlacklistFile, ListSigner, ListVersion},
    disk::Disk,
    terminal::{JournalFile, OrderNumber, Outcome, PurchaseOrder, SettlementRecord, TokenStore, purchase},
};
use onecard_simulator::{chip::Chip, reader::Reader};
use onecard_tests::{
    disk::FragileDisk,
    world::{World, moment, serial},
};
use onecard_wire::{amount::Amount, wallet::Purse};

use crate::tearing::till::Till;

const FEN: u32 = 777;
const ORDERS: u64 = 3;
const JOURNAL: &str = "till/journal";

fn sale(number: u64) -> PurchaseOrder {
    PurchaseOrder {
        number: OrderNumber(number),
        enterprise: World::shared().enterprise_id(),
        purse: Purse::Ep,
        key_id: 1,
        amount: Amount::from_fen(FEN),
        moment: moment(7_000 + number as u32),
        pin: None,
    }
}

/// What outlives the terminal's process.
struct Outside {
    card: Chip,
    sam: Chip,
    /// What the terminal said of each order.
    said: BTreeMap<u64, SettlementRecord>,
}

impl Outside {
    fn snapshot(&self) -> Self {
        Self { card: self.card.snapshot(), sam: self.sam.snapshot(), said: self.said.clone() }
    }

    /// The terminal starts, and every order is presented until it dies or all are done.
    fn run(self, disk: &FragileDisk) -> Self {
        let (mut card, mut sam, mut said) = (Reader::insert(self.card), Reader::insert(self.sam), self.said);
        if let Ok(mut journal) = JournalFile::open_on(disk, JOURNAL) {
            for number in 1..=ORDERS {
                card.tap();
                let mut keeper = World::shared().open_sam(&mut sam).unwrap();
                let Ok(tap) = purchase(&mut card, &mut keeper, &mut journal, &sale(number)) else { break };
                let Outcome::Committed(receipt) = tap.outcome else { panic!("{:?}", tap.outcome) };
                let before = said.insert(number, receipt.settlement);
                assert!(
                    before.is_none_or(|before| before == receipt.settlement),
                    "order {number} told twice otherwise"
                );
            }
        }
        Self { card: card.remove(), sam: sam.remove(), said }
    }

    /// After a last start, every order is done once and on the disk.
    fn end(self, disk: &FragileDisk, begun_with: Amount) {
        let end = self.run(disk);
        let journal = JournalFile::open_on(disk, JOURNAL).unwrap();
        assert!(journal.pending().unwrap().is_empty());
        let settled: Vec<SettlementRecord> = journal.settlement().copied().collect();
        assert_eq!(settled, end.said.values().copied().collect::<Vec<_>>());
        assert_eq!(settled.len() as u64, ORDERS);
        let till = Till { card: end.card, sam: end.sam, store: Default::default() };
        assert_eq!(till.balance(), Amount::from_fen(begun_with.fen() - FEN * ORDERS as u32));
    }
}

/// Different disks that read the same are looked at once.
#[derive(Default)]
struct Seen(BTreeSet<(Vec<u8>, Vec<u8>)>);

impl Seen {
    /// Opens the journal, as a starting terminal does, and tells whether this is new.
    fn is_new(&mut self, disk: &FragileDisk, outside: &Outside) -> bool {
        drop(JournalFile::open_on(disk, JOURNAL).unwrap());
        let content = disk.read(Path::new(JOURNAL)).unwrap();
        self.0.insert((content, outside.card.image().to_vec()))
    }
}

#[test]
fn no_kill_and_no_power_cut_loses_or_doubles_a_purchase() {
    let till = Till::used(3);
    let begun_with = till.balance();
    let (mut kills, mut disks, mut recoveries) = (0, 0, 0);
    for at in 1.. {
        let disk = FragileDisk::default();
        disk.die_after(at);
        let outside = Outside { card: till.card.snapshot(), sam: till.sam.snapshot(), said: BTreeMap::new() };
        let outside = outside.run(&disk);
        if !disk.is_dead() {
            assert_eq!(outside.said.len() as u64, ORDERS);
            break;
        }
        kills += 1;
        let mut seen = Seen::default();
        for left in disk.after_power_cut() {
            disks += 1;
            if seen.is_new(&left, &outside) {
                recoveries += 1;
                outside.snapshot().end(&left, begun_with);
            }
        }
        // Killed, started anew, and then the power: what the second process said, the disk has too.
        for again in 1.. {
            let disk = disk.after_kill();
            disk.die_after(again);
            let outside = outside.snapshot().run(&disk);
            let ended = !disk.is_dead();
            for left in disk.after_power_cut() {
                disks += 1;
                if seen.is_new(&left, &outside) {
                    recoveries += 1;
                    outside.snapshot().end(&left, begun_with);
                }
            }
            if ended {
                break;
            }
        }
    }
    println!(
        "{ORDERS} purchases: killed at {kills} operations of the disk, {disks} disks after a power cut, {recoveries} different"
    );
    assert!(kills >= 4 + 4 * ORDERS && disks > 10_000 && recoveries > kills);
}

#[test]
fn a_blacklist_is_the_old_or_the_new_one_after_any_cut() {
    let enterprise = World::shared().enterprise_id();
    let signer = ListSigner::new(enterprise, SigningKey::from_bytes(&[9; 32]));
    let version = |number| ListVersion([0, 0, 0, 0, 0, 0, number]);
    let whole =
        |number, cards: &[usize]| signer.whole(version(number), cards.iter().map(|card| serial(*card))).unwrap();
    let list = |bytes: &[u8]| Blacklist::received(bytes, enterprise, &signer.key()).unwrap();
    let (first, third) = (whole(1, &[0, 1]), whole(3, &[2]));
    let second = signer.changes(&list(&first), &list(&whole(2, &[1, 2]))).unwrap();
    let open = |disk: &FragileDisk| BlacklistFile::open_on(disk.clone(), "till/list", enterprise, signer.key());
    let (mut cuts, mut disks) = (0, 0);
    for at in 1.. {
        let disk = FragileDisk::default();
        disk.die_after(at);
        let mut kept = 0;
        if let Ok(mut file) = open(&disk) {
            let updates = [&first, &second, &third];
            kept = updates.into_iter().take_while(|update| file.receive(update).is_ok()).count() as u8;
        }
        for left in disk.after_power_cut().into_iter().chain([disk.after_kill()]) {
            disks += 1;
            let mut file = open(&left).unwrap();
            let found = file.list().map_or(0, |list| list.version().0[6]);
            assert!(found == kept || found == kept + 1, "{found} after {kept} were taken");
            file.receive(&whole(4, &[0])).unwrap();
            assert!(file.list().unwrap().lists(serial(0)) && open(&left).unwrap().list() == file.list());
        }
        if !disk.is_dead() {
            break;
        }
        cuts += 1;
    }
    println!("a blacklist replaced three times: cut at {cuts} operations, {disks} disks");
    assert!(cuts >= 18 && disks > 1_000);
}
