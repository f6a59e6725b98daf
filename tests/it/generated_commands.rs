//! Arbitrary bytes, and valid commands with something changed, in every state of a card and a SAM.
//!
//! Whatever comes: no panic, always an answer that ends in a status word of the standard; an error changes nothing but error
//! counters; and no balance, limit or terminal sequence moves unless the command carries the right MAC.

use std::collections::BTreeMap;

use onecard_host::{
    apdu::{Command, exchange},
    card::{balance, select, verify_pin},
    crypto::LineKey,
    keys::Purpose,
    line_protection::{challenge, with_mac},
    sam::{CardFactors, Sam, SamOrder},
    transport::Transport,
};
use onecard_simulator::{
    chip::{Chip, Kind},
    reader::Reader,
};
use onecard_tests::{
    terminal::Order,
    world::{KEY_VERSION, World, moment, serial, terminal_number},
};
use onecard_wire::{
    aid,
    amount::Amount,
    ins,
    key::AlgorithmId,
    sam::InitSam,
    wallet::{
        CreditForLoad, DebitForPurchase, Initialize, LoadInitialized, PurchaseInitialized, Purse, TransactionType,
    },
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::tearing::till::Till;

/// Commands tried in each state.
const COMMANDS: u32 = 6_000;

/// A state, and commands that are right in it.
struct State {
    name: &'static str,
    chip: Chip,
    /// Leads a card just powered up into the state; returns what is valid there.
    enter: fn(&mut Reader) -> Vec<Vec<u8>>,
}

fn states() -> Vec<State> {
    let world = World::shared();
    let (blank, card, sam) = (Chip::blank(Kind::CpuCard, 4).unwrap(), Till::used(9).card, Till::used(9).sam);
    let blank_sam = Chip::blank(Kind::Sam, 4).unwrap();
    let state = |name, chip: &Chip, enter| State { name, chip: chip.snapshot(), enter };
    let personalised = world.card(2).unwrap();
    vec![
        state("blank card", &blank, |_| ordinary()),
        state("blank SAM", &blank_sam, |_| ordinary()),
        state("MF of a card", &personalised, |_| ordinary()),
        state("MF, control key", &card, |reader| {
            authenticate(reader, World::shared().mf_keys(0).unwrap().control.into());
            ordinary()
        }),
        state("application", &card, |reader| {
            application(reader);
            ordinary()
        }),
        state("application, PIN", &card, |reader| {
            with_pin(reader);
            ordinary()
        }),
        state("application, control key", &card, |reader| {
            application(reader);
            authenticate(reader, World::shared().card_key(0, Purpose::Control).unwrap().into());
            ordinary()
        }),
        state("application, challenge", &card, challenged),
        state("purchase initialised", &card, purchase_initialised),
        state("load initialised", &card, load_initialised),
        state("MF of a SAM", &sam, |_| sam_commands()),
        state("SAM application", &sam, |reader| {
            sam_application(reader);
            sam_commands()
        }),
        state("SAM, purchase initialised", &sam, sam_initialised),
        state("SAM, working key", &sam, sam_working_key),
    ]
}

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

fn application(reader: &mut Reader) {
    select(reader, &aid::enterprise_application(World::shared().enterprise_id())).unwrap();
}

fn with_pin(reader: &mut Reader) {
    let world = World::shared();
    let selected = select(reader, &aid::enterprise_application(world.enterprise_id())).unwrap();
    verify_pin(reader, &selected, &world.pin()).unwrap();
}

fn authenticate(reader: &mut Reader, key: LineKey) {
    let challenge = challenge(reader).unwrap();
    let cipher: [u8; 8] = key.encipher_blocks(&[challenge.0]).try_into().unwrap();
    let command = Command::new(ins::CLA_ISO, ins::EXTERNAL_AUTHENTICATE, 0, 0).with_data(&cipher);
    exchange(reader, &command).unwrap().done().unwrap();
}

/// A MACed write that is right after this challenge.
fn challenged(reader: &mut Reader) -> Vec<Vec<u8>> {
    application(reader);
    let mut key = LineKey::from(World::shared().card_key(0, Purpose::Maintenance).unwrap());
    let challenge = challenge(reader).unwrap();
    let update = Command::new(ins::CLA_ISO, ins::UPDATE_BINARY, 0x97, 0x00).with_data(&[0, 1, 2, 3]);
    vec![with_mac(&update, challenge, &mut key).unwrap().to_bytes().to_vec()]
}

const FEN: u32 = 5;

fn sam_order(random: [u8; 4], card_sequence: u16, transaction_type: TransactionType) -> SamOrder {
    SamOrder {
        card: CardFactors { enterprise: World::shared().enterprise_id(), serial: serial(0) },
        init: InitSam {
            random,
            card_sequence,
            amount: Amount::from_fen(FEN),
            transaction_type,
            moment: moment(77),
            key_version: KEY_VERSION,
            algorithm: AlgorithmId::TRIPLE_DES,
        },
    }
}

fn initialize(reader: &mut Reader, p1: u8, answer: u8) -> Vec<u8> {
    let field = Initialize { key_id: 1, amount: Amount::from_fen(FEN), terminal: terminal_number(0) };
    let command =
        Command::new(ins::CLA_PBOC, ins::INITIALIZE, p1, Purse::Ep as u8).with_data(&field.emit()).expecting(answer);
    exchange(reader, &command).unwrap().done().unwrap()
}

fn purchase_initialised(reader: &mut Reader) -> Vec<Vec<u8>> {
    application(reader);
    let initialized = PurchaseInitialized::parse(&initialize(reader, ins::INITIALIZE_PURCHASE, 15)).unwrap();
    let order = sam_order(initialized.random, initialized.offline_sequence, TransactionType::PURCHASE_EP);
    let answer = World::shared().software_sam(0).initialize_purchase(&order).unwrap();
    let (date, time) = (moment(77).date, moment(77).time);
    let debit = DebitForPurchase { terminal_sequence: answer.terminal_sequence, date, time, mac1: answer.mac1 };
    let debit = Command::new(ins::CLA_PBOC, ins::DEBIT, ins::DEBIT_PURCHASE, 0).with_data(&debit.emit()).expecting(8);
    vec![debit.to_bytes().to_vec()]
}

fn load_initialised(reader: &mut Reader) -> Vec<Vec<u8>> {
    with_pin(reader);
    let initialized = LoadInitialized::parse(&initialize(reader, ins::INITIALIZE_LOAD, 16)).unwrap();
    let order = sam_order(initialized.random, initialized.online_sequence, TransactionType::LOAD_EP);
    let mac2 = World::shared().software_sam(0).load(&order, initialized.old_balance, initialized.mac1).unwrap();
    let credit = CreditForLoad { date: moment(77).date, time: moment(77).time, mac2 };
    let credit = Command::new(ins::CLA_PBOC, ins::CREDIT_FOR_LOAD, 0, 0).with_data(&credit.emit()).expecting(4);
    vec![credit.to_bytes().to_vec()]
}

fn sam_application(reader: &mut Reader) {
    let name = aid::sam_application(World::shared().enterprise_id());
    let select = Command::new(ins::CLA_ISO, ins::SELECT, 0x04, 0x00).with_data(&name).expecting(0);
    exchange(reader, &select).unwrap().done().unwrap();
}

/// A till's purchase up to the moment its SAM waits for MAC2, which is right.
fn sam_initialised(reader: &mut Reader) -> Vec<Vec<u8>> {
    let world = World::shared();
    let order = sam_order([1, 2, 3, 4], 5, TransactionType::PURCHASE_EP);
    let answer = world.open_sam(&mut *reader).unwrap().initialize_purchase(&order).unwrap();
    let key = world.card_key(0, Purpose::Purchase).unwrap();
    let session = onecard_host::crypto::SessionKey::of_purchase(&key, [1, 2, 3, 4], 5, answer.terminal_sequence);
    let mac2 = session.purchase_mac2(order.init.amount);
    vec![Command::new(ins::CLA_PBOC, ins::CREDIT_SAM, ins::SAM_PURCHASE, 0).with_data(&mac2).to_bytes().to_vec()]
}

fn sam_working_key(reader: &mut Reader) -> Vec<Vec<u8>> {
    sam_application(reader);
    let prepare = Command::new(ins::CLA_PBOC, ins::INIT_FOR_DESCRYPT, 0x25, KEY_VERSION.0);
    exchange(reader, &prepare.with_data(&serial(0).to_bytes())).unwrap().done().unwrap();
    let crypt = Command::new(ins::CLA_PBOC, ins::DES_CRYPT, 0x05, 0).with_data(&[9; 16]).expecting(4);
    vec![crypt.to_bytes().to_vec()]
}

/// Commands a card takes, without those that change it.
fn ordinary() -> Vec<Vec<u8>> {
    let world = World::shared();
    let name = aid::enterprise_application(world.enterprise_id());
    let field = Initialize { key_id: 1, amount: Amount::from_fen(FEN), terminal: terminal_number(0) };
    let purchase = ins::INITIALIZE_PURCHASE;
    [
        Command::new(ins::CLA_ISO, ins::SELECT, 0x04, 0x00).with_data(&name).expecting(0),
        Command::new(ins::CLA_ISO, ins::SELECT, 0x00, 0x00).with_data(&[0x3F, 0x00]).expecting(0),
        Command::new(ins::CLA_ISO, ins::READ_BINARY, 0x95, 0x00).expecting(30),
        Command::new(ins::CLA_ISO, ins::READ_RECORD, 0x01, 0xC4).expecting(23),
        Command::new(ins::CLA_ISO, ins::GET_CHALLENGE, 0x00, 0x00).expecting(8),
        Command::new(ins::CLA_ISO, ins::VERIFY, 0x00, 0x00).with_data(&[0x12, 0x34, 0x56]),
        Command::new(ins::CLA_ISO, ins::EXTERNAL_AUTHENTICATE, 0x00, 0x00).with_data(&[3; 8]),
        Command::new(ins::CLA_ISO, ins::INTERNAL_AUTHENTICATE, 0x00, 0x01).with_data(&[3; 8]).expecting(8),
        Command::new(ins::CLA_PBOC, ins::GET_BALANCE, 0x00, 0x02).expecting(4),
        Command::new(ins::CLA_PBOC, ins::INITIALIZE, purchase, 0x02).with_data(&field.emit()).expecting(15),
        Command::new(ins::CLA_PBOC, ins::INITIALIZE, 0x00, 0x02).with_data(&field.emit()).expecting(16),
        Command::new(ins::CLA_PBOC, ins::GET_TRANSACTION_PROVE, 0x00, 0x06).with_data(&[0, 3]).expecting(8),
        Command::new(ins::CLA_PBOC, ins::DEBIT, ins::DEBIT_PURCHASE, 0x00).with_data(&[1; 15]).expecting(8),
        Command::new(ins::CLA_PBOC, ins::CREDIT_FOR_LOAD, 0x00, 0x00).with_data(&[1; 11]).expecting(4),
        Command::new(ins::CLA_PBOC, ins::CHANGE_OR_RELOAD_PIN, 0x00, 0x00).with_data(&[0x12, 0x34, 1, 2, 3, 4]),
        Command::new(ins::CLA_PBOC_SM, ins::APPLICATION_BLOCK, 0x00, 0x00).with_data(&[1; 4]),
        Command::new(ins::CLA_PBOC_SM, ins::WRITE_KEY, 0xF0, 0x01).with_data(&[1; 28]),
        Command::new(ins::CLA_ISO_SM, ins::UPDATE_BINARY, 0x95, 0x00).with_data(&[1; 12]),
    ]
    .map(|command| command.to_bytes().to_vec())
    .into()
}

/// Commands a SAM takes, with wrong MACs.
fn sam_commands() -> Vec<Vec<u8>> {
    let init = sam_order([1, 2, 3, 4], 5, TransactionType::PURCHASE_EP).init.emit();
    let load = sam_order([1, 2, 3, 4], 5, TransactionType::LOAD_EP).init.emit();
    let serial = serial(0).to_bytes();
    let own = [
        Command::new(ins::CLA_PBOC, ins::INIT_SAM, ins::SAM_PURCHASE, 0).with_bytes(&[&init[..], &serial].concat()),
        Command::new(ins::CLA_PBOC, ins::INIT_SAM, ins::SAM_LOAD, 0)
            .with_bytes(&[&load[..], &serial, &[1; 8]].concat()),
        Command::new(ins::CLA_PBOC, ins::CREDIT_SAM, ins::SAM_PURCHASE, 0).with_bytes(&[1; 4]),
        Command::new(ins::CLA_PBOC, ins::CREDIT_SAM, ins::SAM_PAST_PURCHASE, 0)
            .with_bytes(&[&[0; 4], &init[..], &serial, &[1; 4]].concat()),
        Command::new(ins::CLA_PBOC, ins::INIT_FOR_DESCRYPT, 0x25, KEY_VERSION.0).with_bytes(&serial),
        Command::new(ins::CLA_PBOC, ins::DES_CRYPT, 0x05, 0).with_bytes(&[9; 16]),
    ];
    own.into_iter().map(|command| command.unwrap().to_bytes().to_vec()).chain(ordinary()).collect()
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
