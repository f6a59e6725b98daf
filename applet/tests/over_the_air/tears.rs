//! 19.2.5 and chapter 10: the power cut at every write of a packet's execution, and of the power-up behind it. Whatever was cut,
//! nothing runs twice, no counter falls, and the card tells how far it got.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicU64, Ordering},
};

use hex_literal::hex;
use onecard_applet::PAGE_SIZE;

use crate::{
    application::{AID, key, protect, select},
    chip::{Chip, tear::digest},
    deal::Deal,
    domain::{CONTROL, delete, install, name, put_key},
    enterprise::{initial, write_key},
    platform::{
        DOMAIN, ENTERPRISE, FILES, FILES_USIM, Platform, SECURED, answers, chip, deliver, envelope, parts, script,
        tpdu, without_applications,
    },
    sim::Sim,
};

/// What a question to the card tells, without moving anything.
type Seen = Vec<Vec<u8>>;

struct Torn<'t> {
    platform: Platform,
    tar: [u8; 3],
    packet: Vec<u8>,
    /// After none of the commands, after the first, and so on.
    steps: Vec<Seen>,
    look: &'t dyn Fn(&mut Sim) -> Seen,
}

#[derive(Default)]
struct Count {
    cuts: usize,
    not_taken: usize,
    /// By how many commands were executed.
    executed: Vec<usize>,
}

/// Cuts the execution of `commands` everywhere. Each of them is one step, whole or not at all.
fn sweep(chip: &Chip, tar: [u8; 3], commands: &[Vec<u8>], look: &dyn Fn(&mut Sim) -> Seen) {
    let platform = Platform { counter: 41, ..Platform::new(1) };
    let packet_of = |count: usize| {
        let commands: Vec<&[u8]> = commands[..count].iter().map(Vec::as_slice).collect();
        platform.packet(SECURED, tar, &script(&commands))
    };
    let steps = (0..=commands.len()).map(|count| {
        let mut sim = Sim::insert(chip.clone());
        let proof = platform.read(SECURED[1], &deliver(&mut sim, &packet_of(count)));
        assert_eq!(proof.status, 0x00);
        let answered = answers(&proof.data);
        assert!(answered.iter().all(|answer| answer.ends_with(&hex!("9000"))), "{answered:02X?}");
        look(&mut sim.power_cycled())
    });
    let steps: Vec<Seen> = steps.collect();
    // A command that only reads looks like the one before it.
    let last = steps.iter().position(|step| Some(step) == steps.last()).unwrap();
    let torn = Torn { platform: platform.clone(), tar, packet: packet_of(commands.len()), steps, look };
    let mut count = Count { executed: vec![0; commands.len() + 1], ..Count::default() };
    let mut known = HashSet::new();
    let mut operation = 0;
    while torn.cut(chip, operation, &mut known, &mut count) {
        operation += 1;
    }
    let Count { cuts, not_taken, executed } = count;
    println!(
        "{operation} operations, {cuts} cuts: {not_taken} before the counter, then by commands executed {executed:?}"
    );
    assert!(not_taken > 0 && executed[0] > 0 && executed[last] > 0);
}

impl Torn<'_> {
    /// Cuts at one operation, after every number of its bytes. False once there is no such operation.
    fn cut(&self, chip: &Chip, operation: usize, known: &mut HashSet<u64>, count: &mut Count) -> bool {
        for landing in 0..=PAGE_SIZE {
            let mut chip = chip.clone();
            chip.random.clear();
            let mut sim = Sim::insert(chip);
            {
                let mut chip = sim.chip.0.borrow_mut();
                (chip.operations_left, chip.landing) = (operation, landing);
            }
            let whole = parts(&self.packet, 7).iter().all(|part| sim.try_send(&envelope(&tpdu(part))).is_ok());
            if whole {
                return false;
            }
            let memory = sim.remove();
            count.cuts += 1;
            if known.insert(digest(&memory)) {
                self.recover_cut(&memory, known, count);
                self.judge(memory, count);
            }
        }
        true
    }

    /// Cuts the power-up, too.
    fn recover_cut(&self, torn: &Chip, known: &mut HashSet<u64>, count: &mut Count) {
        for operation in 0.. {
            for landing in [0, 7, 30] {
                let mut chip = torn.clone();
                (chip.operations_left, chip.landing) = (operation, landing);
                let Err(mut again) = Sim::try_insert(chip) else { return };
                again.operations_left = usize::MAX;
                count.cuts += 1;
                if known.insert(digest(&again)) {
                    self.judge(again, count);
                }
            }
        }
    }

    /// Asks how far it got, sends the packet again byte for byte, and asks once more.
    fn judge(&self, memory: Chip, count: &mut Count) {
        let mut sim = Sim::insert(memory);
        let seen = (self.look)(&mut sim);
        let executed = self.steps.iter().position(|step| *step == seen);
        let executed = executed.unwrap_or_else(|| panic!("half of a command: {seen:02X?}"));
        let proof = self.platform.read(SECURED[1], &deliver(&mut sim, &self.packet));
        let now = (self.look)(&mut sim.power_cycled());
        match proof.status {
            0x00 => {
                assert_eq!((executed, &now), (0, self.steps.last().unwrap()), "not taken before, and now whole");
                count.not_taken += 1;
            }
            0x02 => {
                assert_eq!(now, seen, "nothing runs twice");
                count.executed[executed] += 1;
            }
            other => panic!("{other:02X}"),
        }
        assert_eq!(proof.tar, self.tar);
    }
}

fn radio(sim: &mut Sim, commands: &[&[u8]]) -> Seen {
    let seen = commands.iter().map(|command| sim.radio(command)).collect();
    sim.leave_field();
    seen
}

fn in_usim(sim: &mut Sim, fid: [u8; 2], length: u8) -> Vec<u8> {
    sim.ok(&hex!("00A4040C0C A0000000871002FF86FFFF89"));
    sim.ok(&[&hex!("00A4000C02")[..], &fid].concat());
    sim.ok(&[0x00, 0xB0, 0, 0, length])
}

#[test]
fn updates_of_files() {
    let look = |sim: &mut Sim| {
        let spn = in_usim(sim, hex!("6F46"), 4);
        sim.ok(&hex!("00A4080C022F05"));
        vec![spn, sim.ok(&hex!("00B0000002"))]
    };
    let commands =
        [&hex!("00A4000C026F46")[..], &hex!("00D6000004 01414243"), &hex!("00A4080C022F05"), &hex!("00D6000002 656E")];
    sweep(&chip(), FILES_USIM, &commands.map(<[u8]>::to_vec), &look);
    let one = [hex!("00A4000C022F05").to_vec(), hex!("00D6000002 6465").to_vec()];
    sweep(&chip(), FILES, &one, &look);
}

#[test]
fn an_install_and_a_delete() {
    let platform = Platform::new(1);
    let look = |sim: &mut Sim| {
        let select = |name: &[u8]| [&hex!("00A404000E")[..], name].concat();
        let seen = radio(sim, &[&select(&name(7)), &hex!("80CA00E000"), &select(&AID), &hex!("805C000204")]);
        assert_eq!(sim.remembers(&CONTROL), seen[0].ends_with(&hex!("9000")), "its key is there whole, or nowhere");
        seen
    };
    sweep(&without_applications(), DOMAIN, &[install(&platform, 7)], &look);
    let mut sim = Sim::insert(chip());
    crate::loads::suspend(&mut Platform::new(1), &mut sim);
    sweep(&sim.remove(), DOMAIN, &[delete(&AID)], &look);
}

#[test]
fn a_put_key_and_states() {
    let by = Platform::new(1);
    let mut new = Platform::new(2);
    new.set = 9;
    let look = |sim: &mut Sim| {
        sim.ok(&crate::host::SELECT);
        let keys = sim.ok(&hex!("80CA00E000"));
        let application = radio(sim, &[&select()]);
        [vec![keys], application].concat()
    };
    let lock = [&hex!("80F040800E")[..], &AID].concat();
    sweep(&chip(), DOMAIN, &[put_key(&by, 0x00, &new), lock], &look);
    let renewed = Platform { kic: vec![0x71; 16], kid: vec![0x72; 16], kik: vec![0x73; 16], ..Platform::new(2) };
    let works = |sim: &mut Sim| {
        // The proof is right under the keys there are; the counter of 42 is above every other.
        let status = |sim: &mut Sim, keys: &Platform| {
            let packet = Platform { counter: 0, ..keys.clone() }.packet(hex!("1601"), FILES, &[]);
            deliver(sim, &packet)[15..16].to_vec()
        };
        vec![status(sim, &Platform::new(2)), status(sim, &renewed)]
    };
    sweep(&chip(), DOMAIN, &[put_key(&by, 0x02, &renewed)], &works);
}

/// A key and two files of an enterprise's, each under its own MAC.
#[test]
fn keys_and_files_of_an_application() {
    let counter = 41;
    let record = [&hex!("FE F0 F0 02 00")[..], &[0x77; 16]].concat();
    let place = |number| initial(key(0x36, 0x00), counter, number);
    let commands = [
        select(),
        write_key(counter, 2, [0x01, 0x02], &record),
        protect(&place(3), 0x00, hex!("04D69514"), &hex!("20260301")),
        protect(&place(4), 0x00, hex!("04DC01E4"), &hex!("AA0500 22222222")),
    ];
    let look = |sim: &mut Sim| radio(sim, &[&select(), &hex!("80CA00E000"), &hex!("00B0950000"), &hex!("00B201E400")]);
    sweep(&chip(), ENTERPRISE, &commands, &look);
}

/// INITIALIZE FOR LOAD: pending or not. CREDIT: credited once, or pending still.
#[test]
fn a_load_begun_and_credited() {
    let deal = Deal::new(0x02, 700);
    let prove = hex!("805A000202 0001 08");
    // Whether it is pending is told by whether its CREDIT is taken: by one whose MAC2 is wrong 9302, which changes nothing.
    let wrong = hex!("805200000B 20260722 134600 00000000");
    let look = |sim: &mut Sim| {
        let seen = radio(sim, &[&select(), &hex!("805C000204"), &prove, &hex!("00B201C400")]);
        // Any counter that no question had before.
        static ASKED: AtomicU64 = AtomicU64::new(0);
        let mut other = Platform { counter: ASKED.fetch_add(1, Ordering::Relaxed), ..Platform::new(4) };
        let pending = other.script(sim, ENTERPRISE, &[&select(), &wrong]).pop().unwrap();
        [seen, vec![pending]].concat()
    };
    sweep(&chip(), ENTERPRISE, &[select(), deal.first()], &look);
    let mut sim = Sim::insert(chip());
    let mut platform = Platform::new(2);
    let mut begun = platform.script(&mut sim, ENTERPRISE, &[&select(), &deal.first()]).pop().unwrap();
    begun.truncate(16);
    let commands = [select(), deal.second(&begun), hex!("805C000204").to_vec()];
    sweep(&sim.remove(), ENTERPRISE, &commands, &look);
}
