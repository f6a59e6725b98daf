//! Short messages a second of a whole gateway: a campaign of recharges from its first packet to its last proof, over SMPP on loopback,
//! each turn committed to the disk before anything of it leaves. The message centre, its phones and their cards work on the same
//! two cores. Beside it what is not the gateway's: the cards' and the network's own time for as many packets, and a synced write of 4 KiB a turn.
//!
//! `ONECARD_CARDS=5000 cargo bench -p onecard-tests --bench smpp_campaign`
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a benchmark")]

use std::{
    env, fs,
    io::Write,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use onecard_gateway::{
    campaign::{
        Engine, EnterpriseDesk, Flow, NewCard, NewTask, OperatorKeys, SetCipher, Settings, Store, Turn, UnixMillis,
    },
    smpp::{
        account::{Account, LinkTerms, Password},
        link::Link,
    },
};
use onecard_host::over_the_air::{
    SetVersion,
    recharge::{KEY_ID_MIN, Patience, Recharge, RechargeTerms},
};
use onecard_simulator::{
    message_centre::{
        faults::Faults,
        network::{self, Network},
        server::{CentreTerms, Server},
        traffic::Counts,
    },
    sample::{OTA_VERSION, Sample},
};
use onecard_wire::{
    amount::Amount,
    date::Moment,
    number::{ApplicationSerial, TerminalNumber},
    uicc,
    wallet::Purse,
};

fn main() {
    let cards = env::var("ONECARD_CARDS").map_or(2_000, |text| text.parse().unwrap());
    for window in [100, 400, 1_000] {
        let folder = tempfile::tempdir().unwrap();
        let (total, time, counts) = campaign(folder.path(), cards, window);
        let seconds = time.as_secs_f64();
        let messages = f64::from(u32::try_from(total.messages + total.proofs).unwrap());
        println!(
            "{cards} cards, window {window}: {} messages out, {} proofs in, {} turns, {seconds:.2} s: {:.0} messages a second",
            total.messages,
            total.proofs,
            total.turns,
            messages / seconds
        );
        println!("  {counts:?}");
        let synced = synced(folder.path(), total.turns);
        println!(
            "  a synced write a turn: {:.2} s, {:.0} us each",
            synced.as_secs_f64(),
            synced.as_micros() as f64 / total.turns as f64
        );
    }
}

#[derive(Default)]
struct Total {
    messages: usize,
    proofs: usize,
    turns: u64,
}

fn serial(number: u32) -> ApplicationSerial {
    ApplicationSerial::from_parts(31, 1, u64::from(number) + 1).unwrap()
}

fn campaign(folder: &Path, cards: u32, window: usize) -> (Total, Duration, Counts) {
    let mut sample = Sample::new("bench").unwrap();
    let none = Duration::ZERO;
    let faults = Faults { delay_min: none, delay_max: none, ..Faults::NONE };
    let start = Moment::from_bytes([0x20, 0x26, 0x11, 0x29, 0x12, 0, 0]).unwrap();
    let settings = network::Settings { faults, ..network::Settings::new("10085".parse().unwrap(), start) };
    let mut network = Network::new(settings, 1);
    let mut tasks = Vec::new();
    for number in 0..cards {
        let chip = sample.sim(uicc::iccid(&iccid(number)).unwrap()).unwrap();
        let chip = sample.install(chip, sample.enterprise(), serial(number)).unwrap();
        let phone = format!("+86139{number:08}");
        network.insert(phone.parse().unwrap(), chip);
        tasks.push(task(&sample, number, &phone));
    }
    let mut store = Store::create(&folder.join("gateway.book")).unwrap();
    store.new_campaign("march", &Settings::DEFAULT, tasks).unwrap();
    let desk = EnterpriseDesk::new(vec![sample.roots().enterprise(sample.enterprise())]);
    let mut gateway = Engine::new(store, OperatorKeys::new(sample.roots().clone(), Sample::KEY_VERSION), desk);
    let mut server = Server::listen("127.0.0.1:0", CentreTerms::default(), network).unwrap();
    let address = server.address().unwrap().to_string();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let thread = thread::spawn(move || {
        server.run(&stopped, |_| ()).unwrap();
        server.network().counts()
    });
    let account = Account::new("bench", Password::from_text(b"x").unwrap()).unwrap();
    let terms = LinkTerms { window, ..LinkTerms::new("10086".parse().unwrap()) };
    let mut link = Link::new(&address, account, terms, 1);
    let (mut total, mut ended, begun) = (Total::default(), 0, Instant::now());
    while ended < cards as usize {
        let Turn { messages, proofs, ended: of_turn, .. } = gateway.turn(now(), &mut link).unwrap();
        total.messages += messages;
        total.proofs += proofs;
        total.turns += 1;
        ended += of_turn;
        if messages == 0 && proofs == 0 {
            link.wait(Duration::from_millis(1));
        }
    }
    let time = begun.elapsed();
    stop.store(true, Ordering::Relaxed);
    (total, time, thread.join().unwrap())
}

fn iccid(number: u32) -> String {
    format!("8986011234{number:09}")
}

fn task(sample: &Sample, number: u32, phone: &str) -> NewTask {
    let terms = RechargeTerms {
        enterprise: sample.enterprise(),
        purse: Purse::Ep,
        key_id: KEY_ID_MIN,
        amount: Amount::from_fen(1_000 + number),
        terminal: TerminalNumber([0x31, 0, 0, 0, 0, 1]),
    };
    let recharge = Recharge::begin(terms, Patience { packets: 5, credits: 3 }).unwrap();
    let flow = Flow::Recharge { serial: serial(number), recharge };
    let (phone, key_set) = (phone.parse().unwrap(), SetVersion::new(OTA_VERSION).unwrap());
    let card = NewCard { iccid: iccid(number), phone, key_set, cipher: SetCipher::Aes, counter: 0 };
    NewTask { order_number: format!("M{number}"), card, flow, not_before: now() }
}

fn now() -> UnixMillis {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    UnixMillis(i64::try_from(since.as_millis()).unwrap())
}

/// As many writes of a page, each synced.
fn synced(folder: &Path, turns: u64) -> Duration {
    let mut file = fs::File::create(folder.join("bare")).unwrap();
    let begun = Instant::now();
    for _ in 0..turns {
        file.write_all(&[0x5A; 4_096]).unwrap();
        file.sync_data().unwrap();
    }
    begun.elapsed()
}
