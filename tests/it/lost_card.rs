//! Attack 12, a lost card, and attack 7, what a stolen till can do by its marking key.

use ed25519_dalek::SigningKey;
use onecard_host::{
    access::{Access, Denied, GrantLog, Records, access},
    apdu::{Command, exchange},
    attendance::{Attendance, AttendanceEvent, NotRecorded, attend},
    blacklist::{Blacklist, ListSigner, ListVersion},
    card::{parameters, select},
    line_protection::{challenge, enciphered},
    presence::Unfit,
    sam::{CardFactors, Sam, SamError},
    terminal::{
        Cause, DeskKeys, InMemoryStore, OrderNumber, Outcome, PurchaseOrder, Rule, UndoOrder, UnloadOrder,
        WithBlacklist, purchase, recharge, undo, unload,
    },
    transport::Transport,
};
use onecard_simulator::reader::Reader;
use onecard_tests::world::{KEY_VERSION, World, serial, terminal_number};
use onecard_wire::{
    aid,
    amount::Amount,
    ins,
    key::{AlgorithmId, KeyVersion},
    record::CardStatus,
    sam::mark_command,
};
use rand::{SeedableRng, rngs::ChaCha8Rng};

use crate::{
    apdu_budget::{Counting, sale, top_up},
    presence::{Clock, Entrance, member, sealed, tap, terms},
};

const LIST: ListVersion = ListVersion([0x20, 0x26, 0x06, 0x01, 0x08, 0x00, 0x00]);

fn list_of(cards: &[usize]) -> Blacklist {
    let enterprise = World::shared().enterprise_id();
    let signer = ListSigner::new(enterprise, SigningKey::from_bytes(&[9; 32]));
    let bytes = signer.whole(LIST, cards.iter().map(|card| serial(*card))).unwrap();
    Blacklist::received(&bytes, enterprise, &signer.key()).unwrap()
}

fn cause(outcome: Outcome) -> Cause {
    match outcome {
        Outcome::NotCommitted(reason) => reason.cause,
        other => panic!("{other:?}"),
    }
}

fn status(card: &mut Reader) -> (CardStatus, [u8; 7]) {
    let application = select(card, &aid::enterprise_application(World::shared().enterprise_id())).unwrap();
    let parameters = parameters(card, &application).unwrap();
    (parameters.status, parameters.blacklist_version)
}

/// 12: a lost card is refused by the till that has the list, and from then on, being marked, by the card itself at every
/// other.
#[test]
fn attack_12_a_lost_card_is_refused_and_marked_for_the_tills_without_the_list() {
    let world = World::shared();
    let mut slot = Reader::insert(world.sam(0).unwrap());
    let mut sam = world.open_sam(&mut slot).unwrap();
    let (list, mut journal) = (list_of(&[0]), InMemoryStore::new());
    let mut card = Counting { card: Reader::insert(world.card(0).unwrap()), commands: Vec::new() };
    let tap = recharge(&mut card, &mut world.software_sam(0), &mut journal, &top_up(1, 1_000)).unwrap();
    assert!(matches!(tap.outcome, Outcome::Committed(_)));
    for loads in [false, true] {
        card.card.tap();
        card.commands.clear();
        let mut store = WithBlacklist { store: &mut journal, blacklist: Some(&list) };
        let tap = match loads {
            true => recharge(&mut card, &mut sam, &mut store, &top_up(2, 100)),
            false => purchase(&mut card, &mut sam, &mut store, &sale(2, 100)),
        };
        assert_eq!(cause(tap.unwrap().outcome), Cause::Listed { version: LIST, unmarked: None });
        let initialized = |command: &Vec<u8>| command[1] == ins::INITIALIZE;
        assert!(!card.commands.iter().any(initialized));
        assert_eq!(status(&mut card.card), (CardStatus::LOST, LIST.0));
    }
    // A till that has no list.
    let mut elsewhere = world.software_sam(1);
    for number in 3..6 {
        card.card.tap();
        let tap = purchase(&mut card, &mut elsewhere, &mut journal, &sale(number, 1)).unwrap();
        assert_eq!(cause(tap.outcome), Cause::Rule(Rule::Status(CardStatus::LOST)));
    }
}

/// 12: nothing goes onto a lost card by an undo; the desk takes the balance off one that was found, marked or not.
#[test]
fn a_lost_card_gets_nothing_back_and_is_emptied_at_the_desk() {
    let world = World::shared();
    let mut slot = Reader::insert(world.sam(0).unwrap());
    let mut sam = world.open_sam(&mut slot).unwrap();
    let (list, mut journal) = (list_of(&[0]), InMemoryStore::new());
    let mut card = Reader::insert(world.card(0).unwrap());
    let tap = recharge(&mut card, &mut sam, &mut journal, &top_up(1, 1_000)).unwrap();
    assert!(matches!(tap.outcome, Outcome::Committed(_)));
    let tap = purchase(&mut card, &mut sam, &mut journal, &sale(2, 100)).unwrap();
    assert!(matches!(tap.outcome, Outcome::Committed(_)));
    let PurchaseOrder { enterprise, purse, moment, .. } = sale(3, 0);
    let mut store = WithBlacklist { store: &mut journal, blacklist: Some(&list) };
    let order = UndoOrder { number: OrderNumber(3), enterprise, purchase: OrderNumber(2), key_id: 1, moment };
    let tap = undo(&mut card, &mut sam, &mut store, &order).unwrap();
    assert_eq!(cause(tap.outcome), Cause::Listed { version: LIST, unmarked: None });
    assert_eq!(status(&mut card), (CardStatus::LOST, LIST.0));
    let random = ChaCha8Rng::seed_from_u64(12);
    let mut desk = DeskKeys::new(world.enterprise_keys().clone(), KEY_VERSION, terminal_number(0), random);
    let amount = Amount::from_fen(900);
    let order = UnloadOrder { number: OrderNumber(4), enterprise, purse, key_id: 2, amount, moment, pin: None };
    let tap = unload(&mut card, &mut desk, &mut store, &order).unwrap();
    let Outcome::Committed(receipt) = tap.outcome else { panic!("{tap:?}") };
    assert_eq!(receipt.settlement.transaction.new_balance, Amount::ZERO);
}

/// 12: the door that has the list marks the card by its SAM's marking key, and so does the attendance terminal; a door that
/// has none is refused by the card.
#[test]
fn attack_12_doors_and_attendance_terminals_mark_a_listed_card() {
    const NOON: u32 = 12 * 3_600;
    let (list, listed) = (list_of(&[0]), Unfit::Blacklisted { version: LIST, unmarked: None });
    let (mut entrance, mut clock) = (Entrance::new(GrantLog::Required), Clock::new());

    let mut card = member(0, &[sealed(0, &terms())]);
    let mut events = WithBlacklist { store: &mut entrance.events, blacklist: Some(&list) };
    let mut records = Records { events: &mut events, passback: &mut entrance.passback };
    let at_door = access(&mut card, &mut entrance.sam, &entrance.door, &mut records, &tap(NOON)).unwrap();
    let Access::Denied(denial) = at_door else { panic!("{at_door:?}") };
    assert_eq!((denial.reason, card.exchanges()), (Denied::Card(listed.clone()), 4));
    assert_eq!(status(&mut card), (CardStatus::LOST, LIST.0));
    card.tap();
    assert_eq!(entrance.denied(&mut card, NOON + 1), Denied::Card(Unfit::Status(CardStatus::LOST)));

    let mut card = member(0, &[]);
    let mut events = WithBlacklist { store: &mut clock.events, blacklist: Some(&list) };
    let clocked =
        attend(&mut card, &mut clock.sam, &clock.terminal, &mut events, AttendanceEvent::In, &tap(NOON)).unwrap();
    let Attendance::NotRecorded(absence) = clocked else { panic!("{clocked:?}") };
    assert_eq!((absence.reason, card.exchanges()), (NotRecorded::Card(listed), 4));
    assert_eq!(status(&mut card), (CardStatus::LOST, LIST.0));
    assert_eq!(clock.events.events().count(), 0);
}

/// 7: by the marking key a SAM makes the MAC of the mark and no other, so what a till writes can be heard and bent to
/// nothing else.
#[test]
fn attack_07_a_marking_mac_lifts_no_limit_and_takes_no_mark_off() {
    let world = World::shared();
    let mut card = Reader::insert(world.card(0).unwrap());
    let mut sam = world.software_sam(0);
    let factors = CardFactors { enterprise: world.enterprise_id(), serial: serial(0) };
    let right = mark_command(LIST.0);
    let mut normal = right;
    normal[5] = CardStatus::NORMAL.0;
    let mut other_file = right;
    other_file[2] = 0x95;
    let mut further_on = right;
    further_on[3] = 12;
    let mut other_version = right;
    other_version[12] ^= 1;
    for (command, taken) in
        [(normal, false), (other_file, false), (further_on, false), (other_version, false), (right, true)]
    {
        card.tap();
        let before = status(&mut card);
        let challenge = card.transmit(&[0x00, 0x84, 0x00, 0x00, 0x04]).unwrap();
        let mac = sam.mark(factors, KEY_VERSION, challenge[..4].try_into().unwrap(), LIST).unwrap();
        let answer = card.transmit(&[&command[..], &mac].concat()).unwrap();
        assert_eq!(answer == [0x90, 0x00], taken, "{command:02X?}");
        assert_eq!(status(&mut card), if taken { (CardStatus::LOST, LIST.0) } else { before });
        // The same write again: its challenge is gone.
        assert_ne!(card.transmit(&[&command[..], &mac].concat()).unwrap(), [0x90, 0x00]);
    }
}

/// The SAM of a till whose enterprise has rolled its maintenance key, and a card that has the old one still.
#[test]
fn a_card_with_an_older_maintenance_key_is_marked_too() {
    let world = World::shared();
    let mut slot = Reader::insert(world.sam(0).unwrap());
    let [.., master, _] = world.sam_own_keys(0).unwrap();
    select_sam(&mut slot);
    let body = [&[0x2E, KEY_VERSION.0 + 1, AlgorithmId::TRIPLE_DES.0][..], &[0x5A; 16]].concat();
    let write = Command::new(ins::CLA_PBOC, ins::WRITE_KEY, 0x00, 0x00).with_bytes(&body).unwrap();
    let random = challenge(&mut slot).unwrap();
    exchange(&mut slot, &enciphered(&write, random, &master.into()).unwrap()).unwrap().done().unwrap();

    let mut sam = world.open_sam(&mut slot).unwrap();
    assert_eq!(sam.marking_versions(), Ok(vec![KeyVersion(KEY_VERSION.0 + 1), KEY_VERSION]));
    let (list, mut journal) = (list_of(&[0]), InMemoryStore::new());
    let mut store = WithBlacklist { store: &mut journal, blacklist: Some(&list) };
    let mut card = Reader::insert(world.card(0).unwrap());
    let tap = purchase(&mut card, &mut sam, &mut store, &sale(2, 100)).unwrap();
    assert_eq!(cause(tap.outcome), Cause::Listed { version: LIST, unmarked: None });
    assert_eq!(status(&mut card), (CardStatus::LOST, LIST.0));
}

fn select_sam(slot: &mut Reader) {
    let name = aid::sam_application(World::shared().enterprise_id());
    let select = Command::new(ins::CLA_ISO, ins::SELECT, 0x04, 0x00).with_data(&name).expecting(0);
    exchange(slot, &select).unwrap().done().unwrap();
}

#[test]
fn a_sam_of_another_enterprise_marks_nothing() {
    let world = World::shared();
    let factors = CardFactors { enterprise: "2000000000000002".parse().unwrap(), serial: serial(0) };
    let mut slot = Reader::insert(world.sam(0).unwrap());
    assert_eq!(world.open_sam(&mut slot).unwrap().mark(factors, KEY_VERSION, [0; 4], LIST), Err(SamError::NoSuchKey));
    assert_eq!(world.software_sam(0).mark(factors, KEY_VERSION, [0; 4], LIST), Err(SamError::NoSuchKey));
}
