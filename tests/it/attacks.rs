//! Attacks by their numbers in `docs/attacks.md`, tried against the finished product: cards and SAMs that the host library
//! issued, and its terminals. Those that another part of the project answers are tested there.

use onecard_host::{
    apdu::Command,
    card::{LifeCycle, Pin, external_authentication, reload_command, unblock_command},
    crypto::{Key, LineKey, SessionKey, load_tac},
    issuing::SamRole,
    keys::Purpose,
    sam::{CardFactors, Sam, SamError, SamOrder},
    terminal::{InMemoryStore, Outcome, TokenStore, Unproven, purchase, recharge, resolve},
    transport::{Transport, TransportError},
};
use onecard_simulator::{
    chip::Chip,
    reader::{Fault, Reader},
    sample::Sample,
};
use onecard_tests::world::{KEY_VERSION, World, serial, terminal_number};
use onecard_wire::{
    aid,
    amount::Amount,
    key::AlgorithmId,
    sam::{InitSam, UsageKind},
    wallet::{LoadInitialized, PurchaseInitialized, TransactionType},
};

use crate::{
    apdu_budget::{Counting, sale, top_up},
    probe::{Probe, Reply, bytes, line_key},
    purse::{MOMENT, TERMINAL, moment, terms},
};

mod power_cut;

/// A product card in the probe, its application selected.
fn product(card: usize) -> Probe {
    let mut probe = Probe::insert(World::shared().card(card).unwrap());
    select(&mut probe);
    probe
}

fn select(probe: &mut Probe) -> Reply {
    let name = aid::enterprise_application(World::shared().enterprise_id());
    probe.ask(&format!("00A404000E{}00", hex::encode(name)))
}

fn card_key(purpose: Purpose) -> Key {
    World::shared().card_key(0, purpose).unwrap()
}

fn balance(probe: &mut Probe) -> u32 {
    u32::from_be_bytes(probe.done("805C000204").try_into().unwrap())
}

/// A card of the world with `amount` in its purse.
fn card_with(amount: u32) -> (Chip, InMemoryStore) {
    let mut reader = Reader::insert(World::shared().card(0).unwrap());
    let mut store = InMemoryStore::new();
    let tap = recharge(&mut reader, &mut World::shared().software_sam(0), &mut store, &top_up(1, amount)).unwrap();
    assert!(matches!(tap.outcome, Outcome::Committed(_)), "{:?}", tap.outcome);
    (reader.remove(), store)
}

/// 4: a till's keys credit no card and make no TAC.
#[test]
fn attack_04_a_tills_key_is_no_load_key() {
    let mut probe = product(0);
    let initialize = format!("805000020B1100001000{}", hex::encode(TERMINAL));
    for purpose in Purpose::ALL.into_iter().filter(|purpose| purpose.place().is_some()) {
        let begun = LoadInitialized::parse(&probe.done(&initialize)).unwrap();
        let session = SessionKey::of_load(&card_key(purpose), begun.random, begun.online_sequence);
        let mac2 = session.load_mac2(&terms(TransactionType::LOAD_EP, 0x1000));
        let reply = probe.ask(&format!("805200000B{}{}", hex::encode(MOMENT), hex::encode(mac2)));
        let is_load_key = purpose == Purpose::LoadForAir;
        assert_eq!(reply.status, if is_load_key { 0x9000 } else { 0x9302 }, "{purpose:?}");
        if is_load_key {
            let order = terms(TransactionType::LOAD_EP, 0x1000);
            let tac_of = |key| load_tac(&card_key(key), Amount::from_fen(0x1000), begun.online_sequence, &order);
            for other in Purpose::ALL.into_iter().filter(|purpose| purpose.place().is_some()) {
                assert_eq!(reply.data == tac_of(other), other == Purpose::Tac, "{other:?}");
            }
        }
    }
    assert_eq!(balance(&mut probe), 0x1000);
    let mut till = sam_of(&[SamRole::Till]);
    let load = format!("80700200240102030400000000100002{}0100{}0000000000000000", hex::encode(MOMENT), factor());
    assert_eq!(till.ask(&load).status, 0x9403, "a till's SAM has no load key");
}

fn factor() -> String {
    hex::encode(serial(0).to_bytes())
}

/// A SAM as issued, its application selected.
fn sam_of(roles: &[SamRole]) -> Probe {
    let mut sample = Sample::new("attacks").unwrap();
    let mut probe = Probe::insert(sample.sam(terminal_number(0), roles).unwrap());
    let name = aid::sam_application(sample.enterprise());
    probe.done(&format!("00A404000E{}00", hex::encode(name)));
    probe
}

/// 6: DES CRYPT with a key that moves money or marks cards.
#[test]
fn attack_06_des_crypt_makes_no_mac_of_money() {
    let roles = [SamRole::Till, SamRole::Recharge, SamRole::ServiceDesk, SamRole::Door, SamRole::Attendance];
    let mut sam = sam_of(&roles);
    let mut served = Vec::new();
    for usage in 0..=0xFFu8 {
        let factors = factor().repeat(usize::from(usage >> 5));
        let reply = sam.ask(&format!("801A{usage:02X}01{:02X}{factors}", factors.len() / 2));
        let crypt = [0x00, 0x01, 0x05, 0x80]
            .map(|p1| sam.ask(&format!("80FA{p1:02X}0010 0000000000000000 8000000000000000")).status);
        match reply.status {
            0x9000 => served.push(usage & 0x1F),
            _ => assert_eq!(crypt, [0x6985; 4], "{usage:02X}"),
        }
    }
    for kind in [
        UsageKind::MASTER,
        UsageKind::MAINTENANCE,
        UsageKind::PURCHASE,
        UsageKind::LOAD,
        UsageKind::CANCEL,
        UsageKind::MARKING,
    ] {
        assert!(!served.contains(&kind.0), "{kind:?}");
    }
    assert!(served.contains(&UsageKind::CARD_MAINTENANCE.0), "the test can see a key that is served");
}

/// 8: two INITIALIZEs, then both DEBITs: the first to complete wins.
#[test]
fn attack_08_two_initializes_and_both_debits() {
    let (chip, _) = card_with(1_000);
    let key = card_key(Purpose::Purchase);
    let initialize = format!("805001020B01000000C8{}", hex::encode(TERMINAL));
    for first_wins in [false, true] {
        let mut probe = Probe::insert(chip.snapshot());
        select(&mut probe);
        let [first, second] = [(); 2].map(|()| PurchaseInitialized::parse(&probe.done(&initialize)).unwrap());
        let debits =
            [first, second].map(|begun| crate::purse::debit(&key, onecard_wire::wallet::Purse::Ep, &begun, 200, 0));
        let [old, new] = debits;
        if first_wins {
            probe.refused(0x9302, &old);
            probe.refused(0x6901, &new);
            assert_eq!(balance(&mut probe), 1_000);
        } else {
            probe.done(&new);
            probe.refused(0x6901, &old);
            probe.refused(0x6901, &new);
            assert_eq!(balance(&mut probe), 800);
        }
    }
}

/// 8: the proof of another terminal's transaction with the same sequence is not believed.
#[test]
fn attack_08_a_proof_answers_for_its_own_terminal() {
    let (chip, _) = card_with(1_000);
    let (mut first_sam, mut first_store) = (World::shared().software_sam(0), InMemoryStore::new());
    let mut reader = Reader::insert(chip);
    reader.fail_at(2, Fault::LostCommand);
    let tap = purchase(&mut reader, &mut first_sam, &mut first_store, &sale(10, 300)).unwrap();
    assert!(matches!(tap.outcome, Outcome::Unknown(_)), "{:?}", tap.outcome);

    // The same amount at another till: type and sequence of the proof are what the first one asks for.
    reader.tap();
    let mut second_store = InMemoryStore::new();
    let tap = purchase(&mut reader, &mut World::shared().software_sam(1), &mut second_store, &sale(20, 300)).unwrap();
    assert!(matches!(tap.outcome, Outcome::Committed(_)));

    reader.tap();
    let token = first_store.pending().unwrap()[0];
    let outcome = resolve(&mut reader, &mut first_sam, &mut first_store, &token, None).unwrap();
    assert!(!matches!(outcome, Outcome::Committed(_)), "{outcome:?}");
    assert_eq!(first_store.settlement().count(), 0);
    let mut probe = Probe::insert(reader.remove());
    select(&mut probe);
    assert_eq!(balance(&mut probe), 700, "charged once");
}

/// 10: a reader in a crowd that sends wrong MACs and cryptograms, hundreds of them.
#[test]
fn attack_10_wrong_macs_lock_nothing() {
    let mut probe = product(0);
    let wrong = line_key(&[0x13; 16]);
    let new_pin = Pin::from_digits("4711").unwrap();
    for _ in 0..300 {
        for (text, enciphered) in [
            ("04D69500 00", false),
            ("04B09600", false),
            ("04E200D4 00112233445566778899AABBCCDDEEFF", false),
            ("841E0001", false),
            ("84180000", false),
            ("84D43900 F9F0F00FFF00112233445566778899AABBCCDDEEFF", true),
        ] {
            let bytes = bytes(text);
            let (header, data) = bytes.split_first_chunk::<4>().unwrap();
            let [cla, ins, p1, p2] = *header;
            let command = Command::new(cla, ins, p1, p2).with_bytes(data).unwrap();
            let reply = if enciphered {
                probe.send_enciphered(&command, &wrong)
            } else {
                probe.send_with_mac(&command, &wrong)
            };
            assert!(matches!(reply.status, 0x6988 | 0x9302), "{text}: {reply:?}");
        }
        for id in [0x00, 0x01] {
            let command = external_authentication(id, probe.fresh_challenge(), &wrong);
            assert_eq!(probe.send(&command.to_bytes()).status, 0x63CF);
        }
        let reload = reload_command(&new_pin, &Key::from_bytes([0x13; 16])).unwrap();
        assert_eq!(probe.send(&reload.to_bytes()).status, 0x9302);
        let unblock = unblock_command(&new_pin, probe.fresh_challenge(), &wrong).unwrap();
        assert_eq!(probe.send(&unblock.to_bytes()).status, 0x6988);
    }
    let maintenance: LineKey = card_key(Purpose::Maintenance).into();
    let write = Command::new(0x04, 0xD6, 0x97, 0x00).with_data(&[0x00]);
    assert_eq!(probe.send_with_mac(&write, &maintenance).status, 0x9000);
    let control: LineKey = card_key(Purpose::Control).into();
    let command = external_authentication(0x00, probe.fresh_challenge(), &control);
    assert_eq!(probe.send(&command.to_bytes()).status, 0x9000);
    let reload = reload_command(&new_pin, &card_key(Purpose::PinReload)).unwrap();
    assert_eq!(probe.send(&reload.to_bytes()).status, 0x9000);
    let unblock = unblock_command(&new_pin, probe.fresh_challenge(), &card_key(Purpose::PinUnblock).into()).unwrap();
    assert_eq!(probe.send(&unblock.to_bytes()).status, 0x9000);
    assert_eq!(select(&mut probe).status, 0x9000);
}

/// 14: a card that answers GET TRANSACTION PROVE with 9000 and noise.
#[test]
fn attack_14_a_noisy_proof_hands_out_no_goods() {
    let (chip, _) = card_with(1_000);
    let (mut sam, mut store) = (World::shared().software_sam(0), InMemoryStore::new());
    let mut reader = Reader::insert(chip);
    reader.fail_at(2, Fault::LostCommand);
    let tap = purchase(&mut reader, &mut sam, &mut store, &sale(10, 300)).unwrap();
    assert!(matches!(tap.outcome, Outcome::Unknown(_)));
    for noise in 0..20u8 {
        reader.tap();
        let mut liar = Liar { card: &mut reader, noise: [noise.wrapping_mul(13); 8], told: 0 };
        let token = store.pending().unwrap()[0];
        let outcome = resolve(&mut liar, &mut sam, &mut store, &token, None).unwrap();
        assert_eq!(liar.told, 1, "the lie was heard");
        assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
    }
    assert_eq!(store.settlement().count(), 0);
    reader.tap();
    let token = store.pending().unwrap()[0];
    let outcome = resolve(&mut reader, &mut sam, &mut store, &token, None).unwrap();
    assert!(matches!(outcome, Outcome::NotCommitted(_)), "the honest card is believed: {outcome:?}");
}

/// The same as a purchase from a card that is all lies: 9000 and noise to every wallet command.
#[test]
fn attack_14_a_noisy_debit_hands_out_no_goods() {
    let (chip, _) = card_with(1_000);
    let (mut sam, mut store) = (World::shared().software_sam(0), InMemoryStore::new());
    let mut reader = Reader::insert(chip);
    let mut emulator = Emulator(&mut reader);
    let tap = purchase(&mut emulator, &mut sam, &mut store, &sale(10, 300)).unwrap();
    assert!(!matches!(tap.outcome, Outcome::Committed(_)), "{:?}", tap.outcome);
    assert_eq!(store.settlement().count(), 0);
    assert_eq!(sam.state().next_sequence, 0);
}

/// Says 9000 and noise to GET TRANSACTION PROVE.
struct Liar<'r> {
    card: &'r mut Reader,
    noise: [u8; 8],
    told: usize,
}

impl Transport for Liar<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        match command[1] {
            0x5A => {
                self.told += 1;
                Ok([&self.noise[..], &[0x90, 0x00]].concat())
            }
            _ => self.card.transmit(command),
        }
    }
}

/// Has read a serial and a balance; its DEBIT is noise.
struct Emulator<'r>(&'r mut Reader);

impl Transport for Emulator<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        match command[1] {
            0x54 => Ok([&[0xAB; 8][..], &[0x90, 0x00]].concat()),
            _ => self.0.transmit(command),
        }
    }
}

/// 15: a fake card answers wrong MAC2s until the till's SAM locks.
#[test]
fn attack_15_wrong_mac2s_lock_no_till() {
    let world = World::shared();
    let mut sam = world.open_sam(Reader::insert(world.sam(0).unwrap())).unwrap();
    let order = SamOrder {
        card: CardFactors { enterprise: world.enterprise_id(), serial: serial(0) },
        init: InitSam {
            random: [1, 2, 3, 4],
            card_sequence: 0,
            amount: Amount::from_fen(1),
            transaction_type: TransactionType::PURCHASE_EP,
            moment: moment(),
            key_version: KEY_VERSION,
            algorithm: AlgorithmId::TRIPLE_DES,
        },
    };
    for round in 0..1_000u32 {
        assert_eq!(sam.initialize_purchase(&order).unwrap().terminal_sequence, 0);
        assert_eq!(sam.credit_purchase(round.to_be_bytes()), Err(SamError::WrongMac));
        assert_eq!(sam.check_past_purchase(&order, 0, round.to_be_bytes()), Err(SamError::WrongMac));
    }
    let (chip, mut store) = card_with(1_000);
    let tap = purchase(&mut Reader::insert(chip), &mut sam, &mut store, &sale(10, 300)).unwrap();
    assert!(matches!(tap.outcome, Outcome::Committed(_)), "{:?}", tap.outcome);
}

/// 17: an enterprise blocks the whole card.
#[test]
fn attack_17_an_enterprise_ends_its_own_application_alone() {
    let mut probe = product(0);
    let maintenance: LineKey = card_key(Purpose::Maintenance).into();
    let block_card = LifeCycle::BlockCard.command();
    assert_eq!(probe.send_with_mac(&block_card, &maintenance).status, 0x6985);
    probe.done("00A40000023F00");
    for purpose in Purpose::ALL.into_iter().filter(|purpose| purpose.place().is_some()) {
        assert_eq!(probe.send_with_mac(&block_card, &card_key(purpose).into()).status, 0x6988, "{purpose:?}");
    }
    select(&mut probe);
    let for_good = LifeCycle::BlockApplicationForGood.command();
    assert_eq!(probe.send_with_mac(&for_good, &maintenance).status, 0x9000);
    probe.power_cycle();
    probe.done("00A40000023F00");
    assert_eq!(select(&mut probe).status, 0x6A81);
    probe.done("00A40000023F00");
    let operator: LineKey = World::shared().mf_keys(0).unwrap().maintenance.into();
    assert_eq!(probe.send_with_mac(&block_card, &operator).status, 0x9000, "the operator's own key can");
}

/// 19: a recharge heard and sent again, whole and in part.
#[test]
fn attack_19_a_recharge_is_not_replayed() {
    let mut counting = Counting { card: Reader::insert(World::shared().card(0).unwrap()), commands: Vec::new() };
    let (mut sam, mut store) = (World::shared().software_sam(0), InMemoryStore::new());
    let tap = recharge(&mut counting, &mut sam, &mut store, &top_up(1, 500)).unwrap();
    assert!(matches!(tap.outcome, Outcome::Committed(_)));
    let heard = counting.commands;
    let mut probe = Probe::insert(counting.card.remove());
    for _ in 0..3 {
        let words: Vec<u16> = heard.iter().map(|command| probe.send(command).status).collect();
        assert_eq!(words, [0x9000, 0x9000, 0x9000, 0x9302]);
        assert_eq!(probe.send(heard.last().unwrap()).status, 0x6901);
        assert_eq!(balance(&mut probe), 500);
        probe.power_cycle();
    }
    // The terminal's order, presented again, is the one that was done.
    let limit = sam.state().load_limit_fen;
    select(&mut probe);
    let tap = recharge(&mut probe, &mut sam, &mut store, &top_up(1, 500)).unwrap();
    assert!(matches!(tap.outcome, Outcome::Committed(_)));
    assert_eq!((balance(&mut probe), sam.state().load_limit_fen), (500, limit));
}

/// 19: a settlement record handed in twice, or dressed up as another.
#[test]
fn attack_19_a_settlement_record_counts_once() {
    let (chip, mut store) = card_with(1_000);
    let mut sam = World::shared().software_sam(0);
    let mut reader = Reader::insert(chip);
    for number in [2, 2, 3] {
        reader.tap();
        let tap = purchase(&mut reader, &mut sam, &mut store, &sale(number, 100)).unwrap();
        assert!(matches!(tap.outcome, Outcome::Committed(_)));
    }
    let records: Vec<_> = store.settlement().copied().collect();
    let keys: std::collections::HashSet<_> = records.iter().map(|record| record.key()).collect();
    assert_eq!((records.len(), keys.len()), (3, 3), "one load, two purchases");
    let issuer = World::shared().issuer();
    for record in records {
        assert_eq!(issuer.check(&record), Ok(()));
        let mut again = record;
        again.transaction.order.0 += 100;
        again.transaction.moment = sale(77, 1).moment;
        assert_eq!(again.key(), record.key(), "another order number makes no other transaction");
        assert_eq!(issuer.check(&again), Err(Unproven::Wrong));
        for change in 0..3 {
            let mut dearer = record;
            match change {
                0 => dearer.transaction.amount = Amount::from_fen(101),
                1 => dearer.transaction.terminal = terminal_number(1),
                _ => dearer.transaction.serial = serial(1),
            }
            assert_eq!(issuer.check(&dearer), Err(Unproven::Wrong), "{change}");
        }
    }
}
