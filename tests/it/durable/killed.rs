//! A till in a process of its own, killed (kill -9) again and again while it sells, with card, SAM and journal in files.

use std::{
    collections::BTreeSet,
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use onecard_host::{
    sam::{Levels, PsamCard},
    terminal::{JournalFile, OrderNumber, Outcome, PurchaseOrder, TokenStore, purchase},
};
use onecard_simulator::{chip::Chip, image_file::Durability, reader::Reader};
use onecard_tests::{
    terminal::Order,
    world::{KEY_VERSION, World, moment},
};
use onecard_wire::{amount::Amount, wallet::Purse};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use crate::tearing::till::{LOADED_FEN, Till};

const KILLS: u32 = 50;
/// Tells the child where its files are.
const FOLDER: &str = "ONECARD_KILLED_TILL";
/// Tells the child to end after so many sales.
const SALES: &str = "ONECARD_KILLED_TILL_SALES";

/// Sells for 1 fen until it is killed. Each line says an order that was paid.
#[test]
#[ignore = "the child of a_till_killed_fifty_times_loses_and_doubles_nothing, which starts it"]
fn child() {
    let folder = env::var(FOLDER).unwrap();
    let folder = Path::new(&folder);
    let chip = |name| Reader::insert(Chip::open(&folder.join(name), Durability::ProcessKill).unwrap());
    let (mut card, mut slot) = (chip("card"), chip("sam"));
    let mut journal = JournalFile::open(folder.join("journal")).unwrap();
    let sales = env::var(SALES).map_or(u64::MAX, |sales| sales.parse().unwrap());
    let mut sam = PsamCard::open(&mut slot, "1000000000000001".parse().unwrap(), Levels::Serial, KEY_VERSION).unwrap();
    println!("begins");
    for _ in 0..sales {
        let pending = journal.pending().unwrap().first().map(|token| token.transaction.order);
        let last = journal.settlement().last().map_or(0, |record| record.transaction.order.0);
        let order = PurchaseOrder {
            number: pending.unwrap_or(OrderNumber(last + 1)),
            enterprise: "1000000000000001".parse().unwrap(),
            purse: Purse::Ep,
            key_id: 1,
            amount: Amount::from_fen(1),
            moment: moment(9_000),
            pin: None,
        };
        card.tap();
        let tap = purchase(&mut card, &mut sam, &mut journal, &order).unwrap();
        let Outcome::Committed(receipt) = tap.outcome else { panic!("{:?}", tap.outcome) };
        println!("{}", receipt.settlement.transaction.order);
        std::io::stdout().flush().unwrap();
    }
}

fn start(folder: &Path, sales: Option<u64>) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "durable::killed::child", "--ignored", "--nocapture"]).env(FOLDER, folder);
    if let Some(sales) = sales {
        command.env(SALES, sales.to_string());
    }
    command.stdout(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_till_killed_fifty_times_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Till { mut card, mut sam, .. } = Till::new().done(&Order::recharge(1, LOADED_FEN, 0));
    card.store(&folder.path().join("card"), Durability::ProcessKill).unwrap();
    sam.store(&folder.path().join("sam"), Durability::ProcessKill).unwrap();
    drop((card, sam));
    let mut random = ChaCha8Rng::seed_from_u64(9);
    let (mut said, mut pending) = (BTreeSet::new(), 0);
    for round in 0..=KILLS {
        let last = round == KILLS;
        let mut child = start(folder.path(), last.then_some(10));
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line.ends_with("begins")), "round {round}");
        if !last {
            thread::sleep(Duration::from_micros(random.random_range(0..20_000)));
            child.kill().unwrap();
        }
        // A line cut short by the kill is of an order that was said and is found again by its first digits or not at all.
        said.extend(lines.filter_map(|line| line.parse::<u64>().ok()));
        assert_eq!(child.wait().unwrap().success(), last, "round {round}");
        let journal = JournalFile::open(folder.path().join("journal")).unwrap();
        pending += journal.pending().unwrap().len();
        assert!(last || journal.pending().unwrap().len() <= 1);
    }
    let journal = JournalFile::open(folder.path().join("journal")).unwrap();
    assert!(journal.pending().unwrap().is_empty());
    let settled: Vec<_> = journal.settlement().copied().collect();
    let orders: BTreeSet<u64> = settled.iter().map(|record| record.transaction.order.0).collect();
    assert!(said.is_subset(&orders), "said and lost: {:?}", said.difference(&orders));
    assert_eq!(orders, (1..=settled.len() as u64).collect());
    let keys: std::collections::HashSet<_> = settled.iter().map(|record| record.key()).collect();
    assert_eq!(keys.len(), settled.len());
    let card = Chip::open(&folder.path().join("card"), Durability::ProcessKill).unwrap();
    let till = Till { card, sam: World::shared().sam(0).unwrap(), store: Default::default() };
    assert_eq!(till.balance().fen(), LOADED_FEN - settled.len() as u32);
    println!(
        "a till killed {KILLS} times: {} sales, {} of them said, {pending} found out at the next start",
        settled.len(),
        said.len()
    );
    assert!(said.len() >= 10);
}
