//! Arbitrary bytes, and valid commands with something changed, in every state of a card and a SAM.
//!
//! Whatever comes: no panic, always an answer that ends in a status word of the standard; an error changes nothing but error
//! counters; and no balance, limit or terminal sequence moves unless the command carries the right MAC.

use std::collections::BTreeMap;

use onecard_host::{
    apdu::{Command, exchange},
    card::{balance, select},
    transport::Transport,
};
use onecard_simulator::reader::Reader;
use onecard_tests::{
    terminal::Order,
    world::{World, serial, terminal_number},
};
use onecard_wire::{
    aid,
    amount::Amount,
    ins,
    wallet::{Initialize, Purse},
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::tearing::till::Till;

mod states;
use states::{State, load_initialised, purchase_initialised, sam_initialised, states};

/// Commands tried in each state.
const COMMANDS: u32 = 6_000;

#[test]
fn nothing_that_is_sent_does_harm() {
    for state in states() {
        let mut runner = TestRunner::new_with_rng(
            Config { cases: COMMANDS, failure_persistence: None, ..Config::default() },
            TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]),
        );
        let before = Before::of(&state);
        let mut answers: BTreeMap<u16, u32> = BTreeMap::new();
        let counted = std::cell::RefCell::new(&mut answers);
        let judged = runner.run(&command(before.valid.len()), |command| {
            let status = try_command(&state, &before, &command)?;
            *counted.borrow_mut().entry(status).or_default() += 1;
            Ok(())
        });
        if let Err(error) = judged {
            panic!("{}: {error}", state.name);
        }
        let done = answers.get(&0x9000).copied().unwrap_or_default();
        println!("{}: {COMMANDS} commands, {} different words, {done} done", state.name, answers.len());
        assert!(answers.len() > 4, "{}: {answers:X?}", state.name);
    }
}

/// What is sent.
#[derive(Clone, Debug)]
enum Sent {
    Bytes(Vec<u8>),
    /// A header that exists, with any fields behind it.
    Header {
        cla: u8,
        ins: u8,
        p1: u8,
        p2: u8,
        data: Vec<u8>,
        le: Option<u8>,
    },
    /// One of the valid commands with a byte changed.
    Changed {
        which: usize,
        at: usize,
        by: u8,
    },
    /// One of the valid commands, cut off or with bytes more.
    Resized {
        which: usize,
        length: usize,
    },
}

fn command(valid: usize) -> impl Strategy<Value = Sent> {
    let cla = prop::sample::select(vec![0x00, 0x04, 0x80, 0x84]);
    let ins = prop::sample::select(INSTRUCTIONS.to_vec());
    let parameter = || prop_oneof![3 => 0..4u8, 2 => 0x80..0xA0u8, 1 => any::<u8>()];
    let data = prop::collection::vec(any::<u8>(), 0..60);
    let header = (cla, ins, parameter(), parameter(), data, any::<Option<u8>>())
        .prop_map(|(cla, ins, p1, p2, data, le)| Sent::Header { cla, ins, p1, p2, data, le });
    prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..270).prop_map(Sent::Bytes),
        3 => header,
        4 => (0..valid, any::<usize>(), 1..=255u8).prop_map(|(which, at, by)| Sent::Changed { which, at, by }),
        1 => (0..valid, 0..40usize).prop_map(|(which, length)| Sent::Resized { which, length }),
    ]
}

const INSTRUCTIONS: [u8; 30] = [
    ins::ERASE_DF,
    ins::CARD_BLOCK,
    ins::APPLICATION_UNBLOCK,
    ins::INIT_FOR_DESCRYPT,
    ins::APPLICATION_BLOCK,
    ins::VERIFY,
    ins::PIN_UNBLOCK,
    ins::INITIALIZE,
    ins::CREDIT_FOR_LOAD,
    ins::DEBIT,
    ins::UPDATE_OVERDRAW_LIMIT,
    ins::GET_TRANSACTION_PROVE,
    ins::GET_BALANCE,
    ins::CHANGE_OR_RELOAD_PIN,
    ins::INIT_SAM,
    ins::CREDIT_SAM,
    ins::EXTERNAL_AUTHENTICATE,
    ins::GET_CHALLENGE,
    ins::INTERNAL_AUTHENTICATE,
    ins::SELECT,
    ins::READ_BINARY,
    ins::READ_RECORD,
    ins::GET_RESPONSE,
    ins::WRITE_BINARY,
    ins::WRITE_KEY,
    ins::UPDATE_BINARY,
    ins::UPDATE_RECORD,
    ins::CREATE_FILE,
    ins::APPEND_RECORD,
    ins::DES_CRYPT,
];

impl Sent {
    fn bytes(&self, valid: &[Vec<u8>]) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Header { cla, ins, p1, p2, data, le } => {
                let body = if data.is_empty() { Vec::new() } else { [&[data.len() as u8], data.as_slice()].concat() };
                [&[*cla, *ins, *p1, *p2], body.as_slice(), le.as_slice()].concat()
            }
            Self::Changed { which, at, by } => {
                let mut bytes = valid[*which].clone();
                let at = at % bytes.len();
                bytes[at] ^= by;
                bytes
            }
            Self::Resized { which, length } => {
                let mut bytes = valid[*which].clone();
                bytes.resize(*length, 0);
                bytes
            }
        }
    }
}

/// How it is when the state has been entered: a chip's random numbers are the same each time, and so is all else.
struct Before {
    image: Vec<u8>,
    money: String,
    valid: Vec<Vec<u8>>,
}

impl Before {
    fn of(state: &State) -> Self {
        let mut reader = Reader::insert(state.chip.snapshot());
        let valid = (state.enter)(&mut reader);
        let chip = reader.remove();
        Self { image: chip.image().to_vec(), money: money(Reader::insert(chip)), valid }
    }
}

fn try_command(state: &State, before: &Before, sent: &Sent) -> Result<u16, TestCaseError> {
    let mut reader = Reader::insert(state.chip.snapshot());
    let _ = (state.enter)(&mut reader);
    let bytes = sent.bytes(&before.valid);
    let answer = reader.transmit(&bytes).map_err(|error| TestCaseError::fail(format!("{bytes:02X?}: {error}")))?;
    let (data, status) = answer.split_last_chunk::<2>().ok_or_else(|| TestCaseError::fail("no status word"))?;
    let status = u16::from_be_bytes(*status);
    prop_assert!(is_standard(status), "{:02X?} answered {:04X}", bytes, status);
    prop_assert!(answer.len() <= 258);
    let done = status == 0x9000;
    prop_assert!(done || data.is_empty(), "{:02X?}: an error with data", bytes);
    let chip = reader.remove();
    if !done {
        changed_at_most_counters(&before.image, chip.image())
            .map_err(|what| TestCaseError::fail(format!("{bytes:02X?} answered {status:04X} and changed {what}")))?;
    }
    let erased = done && bytes.get(1) == Some(&ins::ERASE_DF);
    if !before.carries_the_right_mac(&bytes) && !erased {
        let now = money(Reader::insert(chip));
        prop_assert_eq!(&now, &before.money, "{:02X?} answered {:04X}", bytes, status);
    }
    Ok(status)
}

impl Before {
    /// Header, Lc and data of a valid command that moves money; Le alone may be another.
    fn carries_the_right_mac(&self, bytes: &[u8]) -> bool {
        self.valid.iter().filter(|valid| [ins::DEBIT, ins::CREDIT_FOR_LOAD, ins::CREDIT_SAM].contains(&valid[1])).any(
            |valid| without_free_bytes(bytes).starts_with(&without_free_bytes(&valid[..5 + usize::from(valid[4])])),
        )
    }
}

/// MAC1 is made with the low two bytes of the terminal sequence alone (JR/T 0025.2): DEBIT carries the high ones in the
/// open, and only its TAC covers them.
fn without_free_bytes(bytes: &[u8]) -> Vec<u8> {
    const HIGH_BYTES: std::ops::Range<usize> = 5..7;
    let mut bytes = bytes.to_vec();
    if bytes.get(1) == Some(&ins::DEBIT) {
        bytes.iter_mut().enumerate().filter(|(at, _)| HIGH_BYTES.contains(at)).for_each(|(_, byte)| *byte = 0);
    }
    bytes
}

/// 6F00, an internal error, is none.
fn is_standard(status: u16) -> bool {
    matches!(
        status,
        0x9000
            | 0x6281
            | 0x6283
            | 0x63C0..=0x63CF
            | 0x6581
            | 0x6700
            | 0x6900..=0x69FF
            | 0x6A80..=0x6A88
            | 0x6B00
            | 0x6C00..=0x6CFF
            | 0x6D00
            | 0x6E00
            | 0x9302
            | 0x9303
            | 0x9401..=0x9406
    )
}

/// First byte behind the journal: 64 bytes of header, 8 slots of 512.
const BEHIND_THE_JOURNAL: usize = 64 + 8 * 512;
/// A key record is no longer than that, its value and counters included.
const KEY_RECORD_MAX: usize = 64;

/// A counter stands behind the value of its key, and nothing else may be different.
fn changed_at_most_counters(before: &[u8], after: &[u8]) -> Result<(), String> {
    let values = secrets();
    for (at, _) in before.iter().zip(after).enumerate().skip(BEHIND_THE_JOURNAL).filter(|(_, (old, new))| old != new) {
        let start = at.saturating_sub(KEY_RECORD_MAX);
        let behind_a_value =
            values.iter().any(|value| before[start..at].windows(value.len()).any(|window| window == value.as_slice()));
        if !behind_a_value {
            return Err(format!("byte {at:#06X}"));
        }
    }
    if before[..64] == after[..64] { Ok(()) } else { Err("the chip's header".to_owned()) }
}

/// The values of every key with an error counter, as they stand in records.
fn secrets() -> &'static [Vec<u8>] {
    static SECRETS: std::sync::OnceLock<Vec<Vec<u8>>> = std::sync::OnceLock::new();
    SECRETS.get_or_init(|| {
        let world = World::shared();
        let mut secrets = vec![vec![0xFF; 8], world.pin().expose().to_vec()];
        for card in [0, 2] {
            let keys = world.enterprise_keys().card(serial(card));
            let values =
                keys.keys().names().map(|(purpose, version)| keys.keys().key(purpose, version).unwrap().clone());
            secrets.extend(values.map(|key| key.expose().to_vec()));
            let mf = world.mf_keys(card).unwrap();
            secrets.extend([mf.control, mf.maintenance].map(|key| key.expose().to_vec()));
        }
        secrets.extend(world.sam_own_keys(0).unwrap().map(|key| key.expose().to_vec()));
        secrets
    })
}

/// Balances, limit and terminal sequence: whatever of it is on the chip.
fn money(mut reader: Reader) -> String {
    let world = World::shared();
    let limit = world.load_limit(&mut reader);
    let purchase = world.last_purchase(&mut reader);
    let Ok(selected) = select(&mut reader, &aid::enterprise_application(world.enterprise_id())) else {
        return format!("{limit:?} {purchase:?}");
    };
    let ep = balance(&mut reader, &selected, Purse::Ep).ok();
    let initialize = Initialize { key_id: 1, amount: Amount::ZERO, terminal: terminal_number(0) };
    let initialize = Command::new(ins::CLA_PBOC, ins::INITIALIZE, ins::INITIALIZE_PURCHASE, Purse::Ep as u8)
        .with_data(&initialize.emit())
        .expecting(15);
    let sequence = exchange(&mut reader, &initialize).ok().and_then(|answer| answer.done().ok());
    format!("{ep:?} {:?}", sequence.map(|answer| answer[4..6].to_vec()))
}

/// Nothing in this module is worth anything if the right command does not move money.
#[test]
fn the_right_commands_do_move_it() {
    let till = Till::used(9).done(&Order::purchase(500, 1, 9));
    for (chip, enter) in [
        (&till.card, purchase_initialised as fn(&mut Reader) -> Vec<Vec<u8>>),
        (&till.card, load_initialised),
        (&till.sam, sam_initialised),
    ] {
        let mut reader = Reader::insert(chip.snapshot());
        let valid = enter(&mut reader);
        let answer = reader.transmit(&valid[0]).unwrap();
        assert!(answer.ends_with(&[0x90, 0x00]), "{answer:02X?}");
        assert_ne!(money(Reader::insert(reader.remove())), money(Reader::insert(chip.snapshot())));
    }
}
