//! Eight enterprises on one card, who share nothing: whatever seven of them do, by any commands and all their keys, the
//! first one's files, keys, money and answers are what they would be without them (attack 20).

use onecard_host::{
    apdu::Command,
    card::{Pin, external_authentication},
    crypto::{DesKey, LineKey},
    issuing::{CardOrder, MfKeys, issue_card, prepare_mf},
    keys::{EnterpriseKeys, Purpose, RootKeys},
    line_protection::{challenge, enciphered, with_mac},
    transport::Transport,
};
use onecard_simulator::{
    chip::{Blank, Chip},
    reader::Reader,
};
use onecard_tests::world::KEY_VERSION;
use onecard_wire::{
    date::Date,
    fid::Fid,
    ins,
    number::{ApplicationSerial, EnterpriseId},
    record::{Holder, Parameters},
    wallet::Purse,
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use rand::{SeedableRng, rngs::ChaCha8Rng};

use crate::{
    books::WIDE_LIMITS,
    cashier::{Cashier, Deal, Terms},
    probe::Probe,
};

/// As many as a card must hold.
const ENTERPRISES: usize = 8;
/// Sequences tried, each with the chunks below.
const CASES: u32 = 4_000;
/// Steps of the others between two of the first one's chunks.
const STEPS: usize = 12;
const CHUNKS: usize = 4;

/// What one of the other enterprises does.
#[derive(Clone, Debug)]
enum Step {
    /// Selects its own application.
    Enter,
    /// Selects the first one's application: anybody can who knows its name.
    EnterFirst,
    /// Selects a file or directory by identifier, in the MF or wherever it is.
    SelectFid { from_mf: bool, fid: u16 },
    /// A transaction of its own wallet, with its keys, wherever it is.
    Deal { which: usize, fen: u32, undo: bool },
    /// A wrong PIN, in its own application.
    WrongPin,
    /// The right PIN, in its own application.
    RightPin,
    /// A write under its maintenance key, or an append key.
    Write { ins: u8, p1: u8, p2: u8, data: Vec<u8>, key: Purpose },
    /// A command enciphered under its control key.
    Enciphered { ins: u8, p1: u8, p2: u8, data: Vec<u8> },
    /// Its control key's state.
    Authenticate,
    /// CREATE FILE or ERASE DF.
    Shape { erase: bool, fid: u16, data: Vec<u8> },
    /// APPLICATION BLOCK, UNBLOCK, CARD BLOCK under its maintenance key.
    LifeCycle { ins: u8, p2: u8, from_mf: bool },
    /// Anything, but SELECT.
    Any { cla: u8, ins: u8, p1: u8, p2: u8, data: Vec<u8>, le: Option<u8> },
    /// The card leaves the field and comes back.
    PowerCycle,
}

fn step() -> impl Strategy<Value = Step> {
    let data = || prop::collection::vec(any::<u8>(), 0..48);
    let fid = || prop_oneof![Just(0x3F00u16), 0xDF00..0xDF0Au16, 0x0000..0x0020u16, any::<u16>()];
    let sfi = || prop_oneof![0x95..0x9Du8, any::<u8>()];
    let writes =
        prop::sample::select(vec![ins::UPDATE_BINARY, ins::UPDATE_RECORD, ins::APPEND_RECORD, ins::READ_BINARY]);
    let keys = prop::sample::select(vec![
        Purpose::Maintenance,
        Purpose::AccessAppend,
        Purpose::AttendanceAppend,
        Purpose::Control,
    ]);
    let life = prop::sample::select(vec![ins::APPLICATION_BLOCK, ins::APPLICATION_UNBLOCK, ins::CARD_BLOCK]);
    let cla = prop::sample::select(vec![0x00u8, 0x04, 0x80, 0x84, 0xFF]);
    prop_oneof![
        6 => Just(Step::Enter),
        3 => Just(Step::EnterFirst),
        2 => (any::<bool>(), fid()).prop_map(|(from_mf, fid)| Step::SelectFid { from_mf, fid }),
        6 => (0..Deal::ALL.len(), 0..3_000u32, prop::bool::weighted(0.2))
            .prop_map(|(which, fen, undo)| Step::Deal { which, fen, undo }),
        1 => Just(Step::WrongPin),
        2 => Just(Step::RightPin),
        5 => (writes, sfi(), any::<u8>(), data(), keys)
            .prop_map(|(ins, p1, p2, data, key)| Step::Write { ins, p1, p2, data, key }),
        2 => (prop::sample::select(vec![ins::WRITE_KEY, ins::PIN_UNBLOCK]), any::<u8>(), 0..4u8, data())
            .prop_map(|(ins, p1, p2, data)| Step::Enciphered { ins, p1, p2, data }),
        2 => Just(Step::Authenticate),
        2 => (prop::bool::weighted(0.3), fid(), data()).prop_map(|(erase, fid, data)| Step::Shape { erase, fid, data }),
        1 => (life, 0..2u8, any::<bool>()).prop_map(|(ins, p2, from_mf)| Step::LifeCycle { ins, p2, from_mf }),
        6 => (cla, any::<u8>(), any::<u8>(), any::<u8>(), data(), any::<Option<u8>>())
            .prop_filter("a SELECT of its own choice is a step of its own", |(_, ins, ..)| *ins != ins::SELECT)
            .prop_map(|(cla, ins, p1, p2, data, le)| Step::Any { cla, ins, p1, p2, data, le }),
        1 => Just(Step::PowerCycle),
    ]
}

/// A card with all of them on it, and who knows which keys.
struct Crowd {
    chip: Chip,
    cashiers: Vec<Cashier>,
}

fn crowd() -> Crowd {
    let mut random = ChaCha8Rng::seed_from_u64(0x8_CA2D);
    let roots = RootKeys::generate(KEY_VERSION, &mut random);
    let mf = MfKeys::of_card(&roots.chip([7; 8]), KEY_VERSION).unwrap();
    let mut reader = Reader::insert(Chip::blank(Blank::CpuCard, 88).unwrap());
    prepare_mf(&mut reader, &DesKey::TRANSPORT.into(), &mf, &mut random).unwrap();
    let cashiers = (0..ENTERPRISES).map(|number| {
        let enterprise: EnterpriseId = format!("{:016}", 1_000_000_000_000_001 + number as u64).parse().unwrap();
        let keys = roots.enterprise(enterprise);
        issue(&mut reader, &mf, &keys, number, &mut random);
        let cashier = Cashier::of(enterprise, keys.card(serial(number)), pin(number));
        cashier.enter(&mut reader).unwrap();
        for purse in [Purse::Ep, Purse::Ed] {
            cashier.deal(&mut reader, Deal::Load(purse), &Terms::new(50_000, 0));
        }
        cashier
    });
    let cashiers = cashiers.collect();
    Crowd { chip: reader.remove(), cashiers }
}

fn issue(reader: &mut Reader, mf: &MfKeys, keys: &EnterpriseKeys, number: usize, random: &mut ChaCha8Rng) {
    let parameters = if number.is_multiple_of(2) { WIDE_LIMITS } else { Parameters::UNLIMITED };
    let order = CardOrder {
        enterprise: keys.enterprise(),
        directory: Fid(0xDF01 + number as u16),
        valid_from: Date::parse("20260101").unwrap(),
        valid_to: Date::parse("20351231").unwrap(),
        holder: Holder { card_type: 1, staff: 0, name: [b'A' + number as u8; 20], id_number: [0x30; 32], id_type: 0 },
        parameters,
        pin: pin(number),
        key_version: KEY_VERSION,
        beside: Vec::new(),
    };
    issue_card(reader, mf, &keys.card(serial(number)), &order, random).unwrap();
}

fn serial(number: usize) -> ApplicationSerial {
    ApplicationSerial::from_parts(31, 2, 500 + number as u64).unwrap()
}

fn pin(number: usize) -> Pin {
    Pin::from_digits(&format!("1234{number:02}")).unwrap()
}

/// All the first enterprise can ask of its application, and a transaction of each kind.
fn ask_the_first(card: &mut Probe, first: &Cashier, chunk: usize) -> Vec<String> {
    // Whatever the others drew of the chip's random numbers, these come next.
    card.inject(&[chunk as u8 ^ 0x5A; 200]);
    let mut heard = Vec::new();
    let mut ask = |card: &mut Probe, command: &str| heard.push(format!("{command}: {:?}", card.ask(command)));
    assert!(first.select(card).is_some(), "the first enterprise's application is gone");
    for command in ["00B095001E", "00B0970024", "00B09900E0", "80CA00E000", "805C000204", "00B2010400", "00B201E400"] {
        ask(card, command);
    }
    ask(card, "0020000003999999");
    assert!(first.verify_pin(card).is_some(), "its PIN is not what it was");
    for command in [
        "00B0960037",
        "805C000104",
        "00B201C417",
        "00B202C417",
        "00B201D410",
        "00B201DC10",
        "0088000108 0102030405060708 08",
    ] {
        ask(card, command);
    }
    let deal = Deal::ALL[chunk % Deal::ALL.len()];
    for (deal, fen) in [(deal, 7), (Deal::Purchase(Purse::Ep), 11), (Deal::Undo, 11)] {
        heard.push(format!("{deal:?} {:?}", first.deal(card, deal, &Terms::new(fen, chunk as u32))));
    }
    // What is left of the injected numbers must not be the others'.
    (0..30).for_each(|_| drop(card.ask("0084000008")));
    heard
}

/// One of the others at work.
fn do_step(card: &mut Probe, crowd: &Crowd, who: usize, step: &Step) {
    let me = &crowd.cashiers[who];
    let line = |purpose| LineKey::from(onecard_host::crypto::Key::from_bytes(me.key(purpose)));
    let send = |card: &mut Probe, command: &Command| card.send(&command.to_bytes());
    match step {
        Step::Enter => drop(me.select(card)),
        Step::EnterFirst => drop(crowd.cashiers[0].select(card)),
        Step::SelectFid { from_mf, fid } => {
            if *from_mf {
                card.ask("00A40000023F0000");
            }
            card.ask(&format!("00A4000002{fid:04X}"));
        }
        Step::Deal { which, fen, undo } => {
            let deal = if *undo { Deal::Undo } else { Deal::ALL[*which] };
            // In another's application its keys make wrong MACs, which a cashier would panic about.
            if let Ok(begun) = me.initialize_unchecked(card, deal, &Terms::new(*fen, 3)) {
                card.send(&me.second_command(deal, &Terms::new(*fen, 3), &begun));
            }
        }
        Step::WrongPin => {
            if me.select(card).is_some() {
                card.ask("0020000003777777");
            }
        }
        Step::RightPin => drop(me.enter(card)),
        Step::Write { ins, p1, p2, data, key } => {
            let command = Command::new(ins::CLA_ISO, *ins, *p1, *p2).with_bytes(data).unwrap();
            if let Ok(challenge) = challenge(card) {
                send(card, &with_mac(&command, challenge, &mut line(*key)).unwrap());
            }
        }
        Step::Enciphered { ins, p1, p2, data } => {
            let command = Command::new(ins::CLA_PBOC, *ins, *p1, *p2).with_bytes(data).unwrap();
            if let Ok(challenge) = challenge(card) {
                let key = if *ins == ins::PIN_UNBLOCK { Purpose::PinUnblock } else { Purpose::Control };
                send(card, &enciphered(&command, challenge, &line(key)).unwrap());
            }
        }
        Step::Authenticate => {
            if let Ok(challenge) = challenge(card) {
                send(card, &external_authentication(0x00, challenge, &line(Purpose::Control)));
            }
        }
        Step::Shape { erase, fid, data } => {
            let [high, low] = fid.to_be_bytes();
            let command = match erase {
                true => Command::new(ins::CLA_PBOC, ins::ERASE_DF, 0, 0),
                false => Command::new(ins::CLA_PBOC, ins::CREATE_FILE, high, low).with_bytes(data).unwrap(),
            };
            send(card, &command);
        }
        Step::LifeCycle { ins, p2, from_mf } => {
            if *from_mf {
                card.ask("00A40000023F0000");
            }
            let command = Command::new(ins::CLA_PBOC, *ins, 0, *p2);
            if let Ok(challenge) = challenge(card) {
                send(card, &with_mac(&command, challenge, &mut line(Purpose::Maintenance)).unwrap());
            }
        }
        Step::Any { cla, ins, p1, p2, data, le } => {
            let body = if data.is_empty() { Vec::new() } else { [&[data.len() as u8], data.as_slice()].concat() };
            card.send(&[&[*cla, *ins, *p1, *p2], body.as_slice(), le.as_slice()].concat());
        }
        Step::PowerCycle => card.power_cycle(),
    }
}

/// VERIFY, CHANGE PIN, RELOAD PIN: in an application that is selected they are at its own holder's or thief's door, which
/// its error counter guards; nobody else's key makes them do more.
fn spends_a_try(step: &Step) -> bool {
    matches!(step, Step::Any { ins: ins::VERIFY | ins::CHANGE_OR_RELOAD_PIN | ins::PIN_UNBLOCK, .. })
}

#[test]
fn whatever_the_others_do_the_first_enterprise_sees_nothing_of_it() {
    let crowd = crowd();
    let mut runner = TestRunner::new_with_rng(
        Config { cases: CASES, failure_persistence: None, ..Config::default() },
        TestRng::from_seed(RngAlgorithm::ChaCha, &[20; 32]),
    );
    let steps = prop::collection::vec((1..ENTERPRISES, step()), STEPS * (CHUNKS - 1));
    let alone = {
        let mut card = Probe::insert(crowd.chip.snapshot());
        (0..CHUNKS).map(|chunk| ask_the_first(&mut card, &crowd.cashiers[0], chunk)).collect::<Vec<_>>()
    };
    assert!(alone.iter().flatten().filter(|answer| answer.contains("Done")).count() >= 2 * CHUNKS, "{alone:#?}");
    let judged = runner.run(&steps, |steps| {
        let mut card = Probe::insert(crowd.chip.snapshot());
        for (chunk, expected) in alone.iter().enumerate() {
            let heard = ask_the_first(&mut card, &crowd.cashiers[0], chunk);
            prop_assert_eq!(&heard, expected, "chunk {}", chunk);
            let others = steps.iter().skip(chunk * STEPS).take(STEPS);
            for (who, step) in others.filter(|(_, step)| chunk + 1 < CHUNKS && !spends_a_try(step)) {
                do_step(&mut card, &crowd, *who, step);
            }
        }
        Ok(())
    });
    if let Err(error) = judged {
        panic!("{error}");
    }
    println!(
        "isolation: {CASES} sequences of {} commands by seven enterprises around the eighth",
        STEPS * (CHUNKS - 1)
    );
}

/// Knowing every key of one's own opens nothing of another's.
#[test]
fn one_enterprises_keys_open_nothing_of_anothers() {
    let crowd = crowd();
    let (first, second) = (&crowd.cashiers[0], &crowd.cashiers[1]);
    let mut card = Probe::insert(crowd.chip.snapshot());
    first.select(&mut card).unwrap();
    for deal in Deal::ALL {
        if let Ok(begun) = second.initialize_unchecked(&mut card, deal, &Terms::new(1, 1)) {
            let reply = card.send(&second.second_command(deal, &Terms::new(1, 1), &begun));
            assert_eq!(reply.status, 0x9302, "{deal:?}");
        }
    }
    for purpose in [Purpose::Maintenance, Purpose::Control] {
        let mut key = LineKey::from(onecard_host::crypto::Key::from_bytes(second.key(purpose)));
        for command in [
            Command::new(ins::CLA_ISO, ins::READ_BINARY, 0x96, 0).expecting(55),
            Command::new(ins::CLA_ISO, ins::UPDATE_BINARY, 0x97, 0).with_data(&[0x01]),
            Command::new(ins::CLA_PBOC, ins::APPLICATION_BLOCK, 0, 0),
        ] {
            first.select(&mut card).unwrap();
            let challenge = challenge(&mut card).unwrap();
            let reply = card.send(&with_mac(&command, challenge, &mut key).unwrap().to_bytes());
            assert_eq!(reply.status, 0x6988, "{command:?}");
        }
        let write = Command::new(ins::CLA_PBOC, ins::WRITE_KEY, 0xFE, 1).with_data(&[0; 21]);
        let challenge = challenge(&mut card).unwrap();
        assert_eq!(card.send(&enciphered(&write, challenge, &key).unwrap().to_bytes()).status, 0x9302);
    }
    let mut operator = |from: &str| {
        card.ask(from);
        let block = Command::new(ins::CLA_PBOC, ins::CARD_BLOCK, 0, 0);
        let mut key = LineKey::from(onecard_host::crypto::Key::from_bytes(second.key(Purpose::Maintenance)));
        let challenge = challenge(&mut card).unwrap();
        card.transmit(&with_mac(&block, challenge, &mut key).unwrap().to_bytes()).unwrap()
    };
    assert_eq!(operator("00A40000023F0000"), [0x69, 0x88], "CARD BLOCK is the operator's (attack 17)");
}

/// Whoever tries every identifier, from the MF or from an application of his own, finds no other enterprise's.
#[test]
fn no_application_is_found_by_its_identifier() {
    let crowd = crowd();
    let mut card = Probe::insert(crowd.chip.snapshot());
    for from_own in [false, true] {
        for fid in 0xDEF0..=0xDF10u16 {
            match from_own {
                true => crowd.cashiers[1].select(&mut card).unwrap(),
                false => drop(card.done("00A40000023F0000")),
            }
            let own = from_own && fid == 0xDF02;
            let reply = card.ask(&format!("00A4000002{fid:04X}"));
            assert_eq!(reply.status, if own { 0x9000 } else { 0x6A82 }, "{fid:04X}, {from_own}");
        }
    }
}
