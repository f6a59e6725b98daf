//! Issue, deletion and lock against cards that say anything at all: they end, and never say more than they were told.

use hex_literal::hex;
use onecard_wire::{
    amount::Amount,
    date::Date,
    fid::Fid,
    ins,
    key::{Algorithm, KeyVersion},
    number::ApplicationSerial,
    record::{Holder, Parameters},
};
use proptest::{collection::vec, prelude::*, sample::select};

use super::card::{answered, every_set};
use crate::{
    apdu::Command,
    card::Pin,
    crypto::Key,
    issuing::{CardOrder, issued_public_data},
    key_store::SoftwareStore,
    keys::{EnterpriseKeys, KeySet, Purpose},
    over_the_air::{
        Answer, KeyInHand, PacketCounter, PacketKeys, PacketTerms, Proven, RedundancyCheck, Script, Spi, Tries,
        deletion::{self, Deletion, DeletionTerms},
        issue::{self, Issue, IssueOrder, IssuePlan},
        lock::{self, Lock, LockTerms, Way},
    },
};

const TRIES: Tries = Tries { packets: 2, attempts: 2 };
const VERSION: KeyVersion = KeyVersion(1);

/// What comes of one packet.
#[derive(Clone, Debug)]
enum Said {
    Nothing,
    /// The packet is refused.
    Refused(u8),
    /// Anything.
    Bytes(Vec<u8>),
    /// Each command with data and status word, and how many are said to be executed beyond those.
    Commands(Vec<(Vec<u8>, u16)>, u8),
}

fn serial() -> ApplicationSerial {
    ApplicationSerial::from_bytes(hex!("3100100000000423")).unwrap()
}

/// An FCI with this EF 0015.
fn fci(content: &[u8; 30]) -> Vec<u8> {
    [&hex!("6F33 840E F04F4E4543011000000000000001 A521 9F0C1E")[..], content].concat()
}

fn any_data() -> impl Strategy<Value = Vec<u8>> {
    let ours = hex!("1000000000000001 03 02 0000 3100100000000423 20260101 20301231 0000");
    let other = hex!("1000000000000001 03 02 0000 3100100000000076 20260101 20301231 0000");
    prop_oneof![
        3 => Just(fci(&ours)),
        1 => Just(fci(&other)),
        2 => Just(fci(&[0; 30])),
        3 => Just(Vec::new()),
        2 => select(vec![vec![0x00], vec![0x01], vec![0x03]]),
        2 => select(vec![vec![0, 0, 0, 0], vec![0, 0, 0x13, 0x88]]),
        1 => Just(hex!("E007 C005 390000FFFF").to_vec()),
        1 => Just(hex!("0E F04F4E4543011000000000000001 87 00").to_vec()),
        1 => vec(any::<u8>(), 0..40),
    ]
}

fn any_said() -> impl Strategy<Value = Said> {
    let status = prop_oneof![
        6 => Just(0x9000), 1 => select(vec![0x6A82, 0x6A88, 0x6985, 0x6A80, 0x6988, 0x62F1]), 1 => any::<u16>(),
    ];
    prop_oneof![
        1 => Just(Said::Nothing),
        1 => select(vec![0x01, 0x02, 0x09]).prop_map(Said::Refused),
        1 => vec(any::<u8>(), 0..40).prop_map(Said::Bytes),
        8 => (vec((any_data(), status), 0..5), prop_oneof![5 => Just(0_u8), 1 => 0_u8..3])
            .prop_map(|(commands, more)| Said::Commands(commands, more)),
    ]
}

impl Said {
    fn proven(&self, keys: &PacketKeys, script: &Script) -> Option<Proven> {
        let counter = PacketCounter::new(9).unwrap();
        let terms =
            PacketTerms { spi: Spi::FULL, redundancy_check: RedundancyCheck::Crc32, tar: script.tar(), counter };
        let (status, data) = match self {
            Self::Nothing => return None,
            Self::Refused(status) => (*status, Vec::new()),
            Self::Bytes(bytes) => (0x00, bytes.clone()),
            Self::Commands(commands, more) => {
                let answers = commands.iter().flat_map(|(data, status)| {
                    [&[0x23, data.len() as u8 + 2][..], data, &status.to_be_bytes()].concat()
                });
                let executed = commands.len() as u8 + more;
                let inside = [&[0x80, 0x01, executed][..], &answers.collect::<Vec<_>>()].concat();
                let length = (inside.len() as u16).to_be_bytes();
                (0x00, [&[0xAB, 0x82][..], &length, &inside].concat())
            }
        };
        match Answer::read(keys, &terms, &answered(keys, &terms, status, &data)).unwrap() {
            Answer::Proven(proven) => Some(proven),
            Answer::Hint(hint) => panic!("{hint:?}"),
        }
    }

    /// What it says of a command, from 1, if that was executed.
    fn of(&self, command: usize) -> Option<(&[u8], u16)> {
        let Self::Commands(commands, 0) = self else { return None };
        commands.get(command - 1).map(|(data, status)| (data.as_slice(), *status))
    }
}

fn is_delete(script: &Script) -> bool {
    script.commands().first().is_some_and(|command| command.header()[1] == 0xE4)
}

fn is_update(script: &Script) -> bool {
    script.commands().iter().any(|command| command.header()[1] == ins::UPDATE_BINARY)
}

fn keeper() -> KeyInHand {
    KeyInHand(Key::from_bytes(*b"the maintenance."))
}

/// Packets of one flow at most.
const PACKETS_MAX: usize = 60;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_deletion_refunds_what_it_was_told_and_deletes_what_is_refunded(said in vec(any_said(), PACKETS_MAX)) {
        let keys = &every_set()[2];
        let enterprise = "1000000000000001".parse().unwrap();
        let terms = DeletionTerms { enterprise, serial: serial(), deposit: Amount::ZERO };
        let mut next = deletion::Next::Send(Deletion::begin(terms, TRIES).unwrap());
        let (mut refunds, mut said, mut last) = (Vec::new(), said.into_iter(), None);
        let decision = loop {
            next = match next {
                deletion::Next::Send(deletion) => {
                    let script = deletion.script().unwrap();
                    prop_assert_eq!(is_delete(&script), is_delete(&script) && deletion.refund().is_some());
                    let told = said.next().expect("it ends");
                    let proven = told.proven(keys, &script);
                    last = Some((script, told));
                    match proven {
                        Some(proven) => deletion.answered(&proven),
                        None => deletion.timed_out(),
                    }
                }
                deletion::Next::Suspend(suspension) => {
                    suspension.placed(PacketCounter::new(8).unwrap(), &mut keeper()).unwrap()
                }
                deletion::Next::Settle(settlement) => {
                    let (_, told) = last.as_ref().unwrap();
                    prop_assert_eq!(told.of(3).unwrap(), (&settlement.balance().to_bytes()[..], 0x9000));
                    refunds.push(settlement.balance());
                    settlement.settled()
                }
                deletion::Next::Ended(decision) => break decision,
            };
        };
        prop_assert!(refunds.len() <= 1);
        match decision {
            deletion::Decision::Deleted { refund } => prop_assert_eq!(refunds, [refund]),
            deletion::Decision::NotDeleted { .. } => prop_assert!(refunds.is_empty()),
            deletion::Decision::Unknown { token, .. } => prop_assert_eq!(token.refund(), refunds.first().copied()),
        }
    }

    #[test]
    fn a_lock_is_done_only_if_the_card_says_so(said in vec(any_said(), PACKETS_MAX), found: bool) {
        let keys = &every_set()[2];
        let enterprise = "1000000000000001".parse().unwrap();
        let way = if found { Way::Found } else { Way::Lost };
        let begun = Lock::begin(LockTerms { enterprise, serial: serial(), way }, TRIES);
        let (mut next, mut said, mut last) = (lock::Next::Send(begun), said.into_iter(), None);
        let decision = loop {
            next = match next {
                lock::Next::Send(lock) => {
                    let script = lock.script().unwrap();
                    let told = said.next().expect("it ends");
                    let proven = told.proven(keys, &script);
                    last = Some((script, told));
                    match proven {
                        Some(proven) => lock.answered(&proven),
                        None => lock.timed_out(),
                    }
                }
                lock::Next::Write(writing) => writing.placed(PacketCounter::new(8).unwrap(), &mut keeper()).unwrap(),
                lock::Next::Ended(decision) => break decision,
            };
        };
        let (script, told) = last.unwrap();
        if decision == lock::Decision::Done {
            let status = if found { 0x00 } else { 0x03 };
            let at = if is_update(&script) { 3 } else { 2 };
            prop_assert_eq!(told.of(at).unwrap(), (&[status][..], 0x9000));
        }
    }

    #[test]
    fn an_issue_deletes_nothing_that_has_a_serial(said in vec(any_said(), PACKETS_MAX)) {
        let keys = &every_set()[2];
        let card = card_order();
        let order = IssueOrder { card: &card, serial: serial(), management: VERSION, algorithm: Algorithm::Des };
        let public = issued_public_data(card.enterprise, serial(), [card.valid_from, card.valid_to]);
        let begun = Issue::begin(&public, Command::new(0x80, 0xE6, 0x0C, 0x00), TRIES).unwrap();
        let (mut next, mut said, mut last, mut made) = (issue::Next::Send(begun), said.into_iter(), None, 0);
        let decision = loop {
            next = match next {
                issue::Next::Send(issue) => {
                    let script = issue.script().unwrap();
                    if is_delete(&script) && let Some((before, told)) = &last && !is_delete(before) {
                        // Nothing else than an EF 0015 of zeros leads there, or an INSTALL that was just done.
                        let shown: &Said = told;
                        let installed = before.tar() != script.tar() || shown.of(1).is_some();
                        prop_assert!(installed);
                        if before.tar() != script.tar() {
                            prop_assert_eq!(shown.of(1).unwrap().0, &fci(&[0; 30])[..]);
                        }
                    }
                    let told = said.next().expect("it ends");
                    let proven = told.proven(keys, &script);
                    last = Some((script, told));
                    match proven {
                        Some(proven) => issue.answered(&proven),
                        None => issue.timed_out(),
                    }
                }
                issue::Next::Make(making) => {
                    made += 1;
                    making.made(packets(order, keys))
                }
                issue::Next::Ended(decision) => break decision,
            };
        };
        match decision {
            issue::Decision::Issued { sets } => prop_assert!(sets > 0 && sets == made),
            issue::Decision::NotIssued { sets, .. } => prop_assert_eq!(sets, made),
            issue::Decision::Unknown { .. } => {}
        }
    }
}

fn packets(order: IssueOrder<'_>, keys: &PacketKeys) -> Vec<issue::IssuePacket> {
    let spi = Spi {
        proof: crate::over_the_air::ProofOfReceipt { way: crate::over_the_air::ProofWay::Submit, ..Spi::FULL.proof },
        ..Spi::FULL
    };
    let terms = PacketTerms {
        spi,
        redundancy_check: RedundancyCheck::Crc32,
        tar: crate::over_the_air::Tar::ENTERPRISE,
        counter: PacketCounter::new(0).unwrap(),
    };
    let plan = IssuePlan::new::<core::convert::Infallible>(order, keys, &terms, 8).unwrap();
    let set = Purpose::ALL.into_iter().fold(KeySet::default(), |keys, purpose| {
        keys.with(purpose, VERSION, Key::new(Algorithm::Des, [purpose as u8 + 1; 16]))
    });
    let mut store = SoftwareStore::new(EnterpriseKeys::new("1000000000000001".parse().unwrap(), set));
    plan.packets(&[PacketCounter::new(8).unwrap()], &mut store, &mut keeper()).unwrap()
}

fn card_order() -> CardOrder {
    CardOrder {
        enterprise: "1000000000000001".parse().unwrap(),
        directory: Fid(0x3F01),
        valid_from: Date::parse("2026-01-01").unwrap(),
        valid_to: Date::parse("2030-12-31").unwrap(),
        holder: Holder { card_type: 0, staff: 1, name: [0x41; 20], id_number: [0x31; 32], id_type: 0 },
        parameters: Parameters::UNLIMITED,
        pin: Pin::from_digits("135790").unwrap(),
        key_version: VERSION,
        beside: Vec::new(),
    }
}
