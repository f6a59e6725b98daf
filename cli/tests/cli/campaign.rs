//! A campaign over SMPP on loopback, the gateway a process of its own that is killed (kill -9) again and again.

mod issues;
mod life;
mod master;
mod phone;

use std::{
    collections::BTreeMap,
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use onecard_host::card::{balance, select};
use onecard_simulator::{
    chip::Chip,
    message_centre::{
        faults::{Chance, Faults},
        network::{Network, Settings},
        server::{Account, CentreTerms, Server},
    },
    reader::Reader,
    sample::Sample,
};
use onecard_wire::{aid, amount::Amount, date::Moment, number::ApplicationSerial, uicc, wallet::Purse};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use crate::{
    cards::key_file,
    run::{json, onecard, write_secret},
};

const PASSWORD: &str = "s3cret!!";

/// The gateway's folder, the message centre, and what the cards are to hold.
struct World {
    folder: PathBuf,
    sample: Sample,
    cards: u32,
    stop: Arc<AtomicBool>,
    centre: Option<JoinHandle<Network>>,
    /// As the network's.
    clock: Instant,
    holders: Arc<Mutex<life::Holders>>,
    address: String,
    /// The key file of `campaign run`, and more of its options.
    keys: &'static str,
    more: String,
}

fn serial(number: u32) -> ApplicationSerial {
    ApplicationSerial::from_parts(31, 1, u64::from(number) + 1).unwrap()
}

fn iccid(number: u32) -> String {
    format!("8986011234{number:09}")
}

fn phone(number: u32) -> String {
    format!("+86139{number:08}")
}

fn fen(number: u32) -> u32 {
    1_000 + number
}

impl World {
    /// Cards with an application each, and a list of recharges.
    fn new(folder: &Path, cards: u32, faults: Faults) -> Self {
        let mut list = "order,iccid,phone,serial,amount\n".to_owned();
        for number in 0..cards {
            let yuan = format!("{}.{:02}", fen(number) / 100, fen(number) % 100);
            list += &format!("M{number},{},{},{},{yuan}\n", iccid(number), phone(number), serial(number));
        }
        fs::write(folder.join("march.csv"), list).unwrap();
        Self::of(folder, cards, faults, |sample, number, chip| {
            sample.install(chip, sample.enterprise(), serial(number)).unwrap()
        })
    }

    /// SIMs of which `prepared` makes what is in the phones.
    fn of(folder: &Path, cards: u32, faults: Faults, prepared: impl Fn(&mut Sample, u32, Chip) -> Chip) -> Self {
        let mut sample = Sample::new("campaign").unwrap();
        key_file(&folder.join("dev.keys"), &[sample.roots()]);
        write_secret(&folder.join("smpp.password"), PASSWORD);
        let start = Moment::from_bytes([0x20, 0x26, 0x11, 0x29, 0x12, 0x00, 0x00]).unwrap();
        let settings = Settings {
            faults,
            retry_after: Duration::from_millis(200),
            ..Settings::new("+8613800100500".parse().unwrap(), start)
        };
        let mut network = Network::new(settings, 7);
        for number in 0..cards {
            let chip = sample.sim(uicc::iccid(&iccid(number)).unwrap()).unwrap();
            let chip = prepared(&mut sample, number, chip);
            network.insert(phone(number).parse().unwrap(), chip);
        }
        let account = Account::new("onecard", PASSWORD.as_bytes().to_vec().into());
        let terms = CentreTerms { accounts: vec![account], ..CentreTerms::default() };
        let clock = Instant::now();
        let mut server = Server::listen("127.0.0.1:0", terms, network).unwrap();
        let address = server.address().unwrap().to_string();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let holders = Arc::new(Mutex::new(life::Holders::default()));
        let with_phones = Arc::clone(&holders);
        let centre = thread::spawn(move || {
            server.run(&stopped, |server| with_phones.lock().unwrap().look(server.network_mut())).unwrap();
            server.into_network()
        });
        let folder = folder.to_owned();
        let (keys, more) = ("dev.keys", String::new());
        Self { folder, sample, cards, stop, centre: Some(centre), clock, holders, address, keys, more }
    }

    fn order(&self) {
        let line = "campaign new gateway.book march --recharges march.csv --keys dev.keys --terminal 310000000001 \
                    --new-book --proof-within 1 --packets 30 --attempts 20";
        let taken = json(&self.folder, line, 0);
        assert_eq!(taken["orders"], self.cards);
    }

    fn line(&self) -> String {
        format!(
            "campaign run gateway.book --centre {} --system-id onecard --password-file smpp.password --keys {} \
             --link-window 400{}",
            self.address, self.keys, self.more
        )
    }

    fn start(&self) -> Child {
        Command::new(env!("CARGO_BIN_EXE_onecard"))
            .args(self.line().split_whitespace())
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Kills it at random moments, and begins it again each time; `killed` is called in between. How often it was killed.
    fn kill(&self, kills: u32, random: &mut ChaCha8Rng, mut killed: impl FnMut()) -> u32 {
        for already in 0..kills {
            let mut child = self.start();
            let deadline = Instant::now() + Duration::from_millis(random.random_range(100..2_000));
            while Instant::now() < deadline && child.try_wait().unwrap().is_none() {
                thread::sleep(Duration::from_millis(1));
            }
            if child.try_wait().unwrap().is_some() {
                return already;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            killed();
        }
        kills
    }

    /// The phones, once the centre has stopped and everything under way has arrived.
    fn stopped(&mut self) -> Network {
        self.stop.store(true, Ordering::SeqCst);
        let mut network = self.centre.take().unwrap().join().unwrap();
        while let Some(at) = network.next_arrival() {
            network.run_until(at);
        }
        network
    }

    /// What is on every card, by radio.
    fn balances(&mut self) -> Vec<Amount> {
        let mut network = self.stopped();
        let name = aid::enterprise_application(self.sample.enterprise());
        let of = |number: u32| {
            let chip: Chip = network.remove(&phone(number).parse().unwrap()).unwrap();
            let mut reader = Reader::insert(chip);
            let card = select(&mut reader, &name).unwrap();
            assert_eq!(card.serial(), serial(number));
            balance(&mut reader, &card, Purse::Ep).unwrap()
        };
        (0..self.cards).map(of).collect()
    }
}

fn bad() -> Faults {
    Faults {
        lost: Chance::percent(5),
        repeated: Chance::percent(2),
        throttled: Chance::percent(2),
        unreachable: Chance::percent(2),
        delay_min: Duration::from_millis(1),
        delay_max: Duration::from_millis(60),
    }
}

/// Killed at random moments, and begun again each time: each card ends as the report says, which its owner alone can read.
#[test]
fn a_gateway_killed_anywhere_credits_each_card_once() {
    const CARDS: u32 = 100;
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), CARDS, bad());
    world.order();
    let mut random = ChaCha8Rng::seed_from_u64(20_261_129);
    let killed = world.kill(5, &mut random, || ());
    let began = Instant::now();
    let ended = json(&world.folder, &world.line(), 0);
    println!("{CARDS} cards, {killed} kills, then {:?}: {ended}", began.elapsed());
    // It has the cards' TACs, their holders' telephones and amounts.
    json(&world.folder, "campaign report gateway.book march --csv march.report", 0);
    assert_eq!(fs::metadata(world.folder.join("march.report")).unwrap().permissions().mode() & 0o777, 0o600);
    let report = json(&world.folder, "campaign report gateway.book march", 0);
    let orders = report["orders"].as_array().unwrap();
    assert_eq!(orders.len(), CARDS as usize);
    let balances = world.balances();
    for order in orders {
        let number: u32 = order["order"].as_str().unwrap()[1..].parse().unwrap();
        let expected = match order["ending"].as_str().unwrap() {
            "committed" => fen(number),
            "not-committed" => 0,
            other => panic!("{other}: {order}"),
        };
        assert_eq!(balances[number as usize], Amount::from_fen(expected), "{order}");
    }
    let committed = report["campaign"]["committed"].as_u64().unwrap();
    assert!(killed > 0 && committed * 100 >= u64::from(CARDS) * 98, "{killed} kills: {}", report["campaign"]);
}

#[test]
fn a_wrong_password_and_a_second_gateway_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(folder.path(), 1, Faults::NONE);
    world.order();
    let mut first = world.start();
    thread::sleep(Duration::from_millis(300));
    if first.try_wait().unwrap().is_none() {
        let second = onecard(&world.folder, &world.line());
        assert_eq!(second.code, 1, "{}", second.err);
        assert!(second.err.contains("in use by another gateway"), "{}", second.err);
    }
    first.kill().unwrap();
    first.wait().unwrap();
    let decided = onecard(&world.folder, "campaign decide gateway.book march --order M0 --committed");
    assert!(decided.code == 1 && decided.err.contains("no order M0 of unknown outcome"), "{}", decided.err);
    let undecided = onecard(&world.folder, "campaign decide gateway.book march --order M0");
    assert_eq!(undecided.code, 2, "{}", undecided.err);
    let password = folder.path().join("smpp.password");
    fs::remove_file(&password).unwrap();
    write_secret(&password, "another");
    let run = onecard(&world.folder, &world.line());
    assert!(run.code == 1 && run.err.contains("check system_id and password"), "{}", run.err);
    fs::remove_file(&password).unwrap();
    let run = onecard(&world.folder, &world.line());
    assert!(run.code == 1 && run.err.contains("smpp.password"), "{}", run.err);
}
