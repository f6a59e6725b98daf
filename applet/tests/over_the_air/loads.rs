//! 19.6: loads over the air: pending, credited once, asked after.

use hex_literal::hex;

use crate::{
    application::{key, select},
    deal::Deal,
    domain::delete,
    enterprise::write_key,
    platform::{DOMAIN, ENTERPRISE, Platform, SECURED, answers, deliver, script, sim},
    sim::Sim,
};

const BALANCE: [u8; 5] = hex!("805C000204");

fn load(amount: u32) -> Deal {
    Deal::new(0x02, amount)
}

fn word(answer: &[u8]) -> u16 {
    u16::from_be_bytes(*answer.last_chunk().unwrap())
}

/// Step 1: what INITIALIZE answered.
fn initialize(platform: &mut Platform, sim: &mut Sim, deal: &Deal) -> Vec<u8> {
    let mut answered = platform.script(sim, ENTERPRISE, &[&select(), &deal.first()]);
    let mut initialized = answered.pop().unwrap();
    assert_eq!(initialized.split_off(initialized.len() - 2), hex!("9000"));
    initialized
}

/// Step 2: the status of CREDIT, and the balance behind it if it was right.
fn credit(platform: &mut Platform, sim: &mut Sim, credit: &[u8]) -> (u16, Option<u32>) {
    let answered = platform.script(sim, ENTERPRISE, &[&select(), credit, &BALANCE]);
    let balance = answered.get(2).map(|answer| u32::from_be_bytes(answer[..4].try_into().unwrap()));
    (word(&answered[1]), balance)
}

/// Step 3: 9000 credited, 9406 not.
fn prove(platform: &mut Platform, sim: &mut Sim, sequence: u16) -> u16 {
    let [high, low] = sequence.to_be_bytes();
    let answered = platform.script(sim, ENTERPRISE, &[&select(), &[0x80, 0x5A, 0x00, 0x02, 0x02, high, low, 0x08]]);
    word(&answered[1])
}

fn balance(sim: &mut Sim) -> u32 {
    sim.radio(&select());
    let answer = sim.radio(&BALANCE);
    sim.leave_field();
    u32::from_be_bytes(answer[..4].try_into().unwrap())
}

/// With another platform's key set each time; the TAC is over the balance that GET BALANCE tells.
#[test]
fn the_four_steps() {
    let mut sim = sim();
    for (round, mut platform) in Platform::all().into_iter().enumerate() {
        let before = balance(&mut sim);
        let deal = load(1_000 + round as u32);
        let initialized = initialize(&mut platform, &mut sim, &deal);
        let sequence = u16::from_be_bytes([initialized[4], initialized[5]]) + 1;
        assert_eq!(prove(&mut platform, &mut sim, sequence), 0x9406);
        let answered = platform.script(&mut sim, ENTERPRISE, &[&select(), &deal.second(&initialized), &BALANCE]);
        let now = u32::from_be_bytes(answered[2][..4].try_into().unwrap());
        assert_eq!(now, before + deal.amount);
        let (tac, proof) = deal.answers(&initialized, now);
        assert_eq!(answered[1], [&tac[..], &hex!("9000")].concat());
        assert_eq!(prove(&mut platform, &mut sim, sequence), 0x9000);
        assert_eq!(credit(&mut platform, &mut sim, &deal.second(&initialized)), (0x6901, None), "once");
        let [high, low] = sequence.to_be_bytes();
        let proven = platform.script(&mut sim, ENTERPRISE, &[&select(), &[0x80, 0x5A, 0, 2, 2, high, low, 8]]);
        assert_eq!(proven[1][..8], proof);
        assert_eq!(balance(&mut sim), before + deal.amount);
    }
}

/// Attack 2: SELECT, a loss of power, wrong packets, a wrong MAC2, other transactions: the load waits for its CREDIT.
#[test]
fn attack_02_nothing_takes_a_pending_load_but_what_ends_it() {
    let mut sim = sim();
    let mut platform = Platform::new(1);
    // Money to spend meanwhile.
    sim.radio(&select());
    let first = load(5_000);
    let begun = sim.radio(&first.first());
    assert_eq!(word(&sim.radio(&first.second(&begun[..16]))), 0x9000);
    let deal = load(700);
    let initialized = initialize(&mut platform, &mut sim, &deal);
    let mut sim = sim.power_cycled();
    let mut wrong = platform.next(SECURED, ENTERPRISE, &[]);
    wrong[20] ^= 1;
    deliver(&mut sim, &wrong);
    let mut wrong_mac = deal.second(&initialized);
    *wrong_mac.last_mut().unwrap() ^= 1;
    for _ in 0..3 {
        assert_eq!(credit(&mut platform, &mut sim, &wrong_mac), (0x9302, None));
    }
    // A purchase, an INITIALIZE by radio for another load and for nothing, a SELECT over the contacts, a PIN.
    sim.radio(&select());
    let sale = Deal::new(0x06, 300);
    let begun = sim.radio(&sale.first());
    assert_eq!(word(&sim.radio(&sale.second(&begun[..15]))), 0x9000);
    for other in [load(9), load(0)] {
        assert_eq!(word(&sim.radio(&other.first())), 0x9000);
    }
    sim.ok(&select());
    assert_eq!(word(&sim.send(&load(0).first())), 0x9000);
    sim.ok(&hex!("0020000003 123456"));
    sim.reset();
    sim.leave_field();
    assert_eq!(credit(&mut platform, &mut sim, &deal.second(&initialized)), (0x9000, Some(5_000 - 300 + 700)));
}

#[test]
fn what_ends_a_pending_load() {
    let second = |deal: &Deal, initialized: &[u8]| deal.second(initialized);
    // The next INITIALIZE over the air, of any amount.
    for other in [0, 900] {
        let mut sim = sim();
        let mut platform = Platform::new(1);
        let deal = load(700);
        let initialized = initialize(&mut platform, &mut sim, &deal);
        initialize(&mut platform, &mut sim, &load(other));
        let expected = if other == 0 { 0x6901 } else { 0x9302 };
        assert_eq!(credit(&mut platform, &mut sim, &second(&deal, &initialized)).0, expected);
        assert_eq!(balance(&mut sim), 0);
    }
    // A load by radio moves the online sequence.
    let mut sim = sim();
    let mut platform = Platform::new(1);
    let deal = load(700);
    let initialized = initialize(&mut platform, &mut sim, &deal);
    sim.radio(&select());
    let by_radio = load(40);
    let begun = sim.radio(&by_radio.first());
    assert_eq!(word(&sim.radio(&by_radio.second(&begun[..16]))), 0x9000);
    sim.leave_field();
    assert_eq!(credit(&mut platform, &mut sim, &second(&deal, &initialized)).0, 0x6901);
    assert_eq!(balance(&mut sim), 40);
    // One that is refused leaves it: 9403, 6982.
    let initialized = initialize(&mut platform, &mut sim, &deal);
    for (id, word_of) in [(0x33, 0x9403), (0x01, 0x6982)] {
        let mut refused = load(5).first();
        refused[5] = id;
        assert_eq!(word(&platform.script(&mut sim, ENTERPRISE, &[&select(), &refused])[1]), word_of);
    }
    // A load key replaced meanwhile makes MAC2 wrong.
    let mut replaced = sim;
    let chip = replaced.chip.0.borrow().clone();
    let record = [&hex!("FF F0 F0 01 00")[..], &[0x5C; 16]].concat();
    let write = write_key(platform.counter + 1, 2, [0x3F, 0x11], &record);
    assert_eq!(platform.script(&mut replaced, ENTERPRISE, &[&select(), &write])[1], hex!("9000"));
    assert_eq!(credit(&mut platform, &mut replaced, &second(&deal, &initialized)).0, 0x9302);
    let record = [&hex!("FF F0 F0 02 00")[..], &key(0x3F, 0x11)].concat();
    let write = write_key(platform.counter + 1, 2, [0x3F, 0x11], &record);
    assert_eq!(platform.script(&mut replaced, ENTERPRISE, &[&select(), &write])[1], hex!("9000"));
    assert_eq!(credit(&mut platform, &mut replaced, &second(&deal, &initialized)).0, 0x9302, "another version");
    let mut kept = Sim::insert(chip);
    assert_eq!(credit(&mut platform, &mut kept, &second(&deal, &initialized)).0, 0x9000);
}

/// With the application goes its pending load: one of the same name that comes later knows of none.
#[test]
fn a_deleted_application_leaves_no_pending_load() {
    let mut sim = sim();
    let mut platform = Platform::new(1);
    let deal = load(700);
    let initialized = initialize(&mut platform, &mut sim, &deal);
    let random: [u8; 4] = initialized[8..12].try_into().unwrap();
    assert_eq!(random, [0x5A; 4]);
    let mut host = crate::host::Login::SCP03.open(&mut sim);
    assert_eq!(host.status(&mut sim, hex!("80E40000"), &delete(&crate::application::AID)[5..]), 0x9000);
    let pending = [&hex!("01 11 01 000002BC 001122334455")[..], &random].concat();
    assert!(!sim.remembers(&pending));
}

/// A CREDIT by radio never completes a load begun over the air, nor the other way round.
#[test]
fn neither_side_completes_what_the_other_began() {
    let mut sim = sim();
    let mut platform = Platform::new(1);
    let deal = load(700);
    let by_air = initialize(&mut platform, &mut sim, &deal);
    sim.radio(&select());
    assert_eq!(word(&sim.radio(&deal.second(&by_air))), 0x6901);
    sim.ok(&select());
    assert_eq!(word(&sim.send(&deal.second(&by_air))), 0x6901);
    let mut sim = crate::platform::sim();
    sim.radio(&select());
    let begun = sim.radio(&deal.first());
    assert_eq!(credit(&mut Platform::new(1), &mut sim, &deal.second(&begun[..16])).0, 0x6901);
    assert_eq!(word(&sim.radio(&deal.second(&begun[..16]))), 0x9000, "and it left it alone");
}

/// Limits and states are looked at again: suspended meanwhile, the CREDIT is refused; taken back, it is right.
#[test]
fn limits_are_looked_at_again() {
    let mut sim = sim();
    let mut platform = Platform::new(1);
    let deal = load(700);
    let initialized = initialize(&mut platform, &mut sim, &deal);
    let status = |platform: &mut Platform, sim: &mut Sim, byte: u8| {
        let initial = crate::enterprise::initial(key(0x36, 0x00), platform.counter + 1, 2);
        let write = crate::application::protect(&initial, 0x00, hex!("04D69700"), &[byte]);
        assert_eq!(platform.script(sim, ENTERPRISE, &[&select(), &write])[1], hex!("9000"));
    };
    status(&mut platform, &mut sim, 0x01);
    assert_eq!(credit(&mut platform, &mut sim, &deal.second(&initialized)), (0x6985, None));
    assert_eq!(balance(&mut sim), 0);
    status(&mut platform, &mut sim, 0x00);
    assert_eq!(credit(&mut platform, &mut sim, &deal.second(&initialized)), (0x9000, Some(700)));
}

/// Attack 1: the proof of a CREDIT is late; the platform asks, hears "not credited", refunds; then the late CREDIT comes. The
/// question's higher counter has made it worthless.
#[test]
fn attack_01_a_credit_that_comes_behind_its_question_is_worth_nothing() {
    let mut sim = sim();
    let mut platform = Platform::new(1);
    let deal = load(700);
    let initialized = initialize(&mut platform, &mut sim, &deal);
    let sequence = u16::from_be_bytes([initialized[4], initialized[5]]) + 1;
    let late = platform.next(SECURED, ENTERPRISE, &script(&[&select(), &deal.second(&initialized), &BALANCE]));
    assert_eq!(prove(&mut platform, &mut sim, sequence), 0x9406);
    initialize(&mut platform, &mut sim, &load(0));
    for _ in 0..2 {
        let proof = platform.read(SECURED[1], &deliver(&mut sim, &late));
        assert_eq!((proof.status, proof.data.len()), (0x02, 0));
    }
    let mut sim = sim.power_cycled();
    assert_eq!(platform.read(SECURED[1], &deliver(&mut sim, &late)).status, 0x02);
    assert_eq!(balance(&mut sim), 0);
    // And the other way round: it came first, and the question says so.
    let initialized = initialize(&mut platform, &mut sim, &deal);
    let sequence = u16::from_be_bytes([initialized[4], initialized[5]]) + 1;
    let packet = platform.next(SECURED, ENTERPRISE, &script(&[&select(), &deal.second(&initialized)]));
    let proof = platform.read(SECURED[1], &deliver(&mut sim, &packet));
    assert_eq!(answers(&proof.data).len(), 2);
    assert_eq!(prove(&mut platform, &mut sim, sequence), 0x9000);
    assert_eq!(balance(&mut sim), 700);
}

/// SELECT, status 01 under the maintenance key's MAC, GET BALANCE: what they answered.
pub fn suspend(platform: &mut Platform, sim: &mut Sim) -> Vec<Vec<u8>> {
    let initial = crate::enterprise::initial(key(0x36, 0x00), platform.counter + 1, 2);
    let suspend = crate::application::protect(&initial, 0x00, hex!("04D69700"), &[0x01]);
    platform.script(sim, ENTERPRISE, &[&select(), &suspend, &BALANCE])
}

/// Attack 16: the balance is read, spent, and then refunded by DELETE: suspended and read in one packet nothing can be spent.
#[test]
fn attack_16_what_was_read_when_it_was_suspended_is_there_at_delete() {
    let mut sim = sim();
    let mut platform = Platform::new(1);
    let deal = load(700);
    let initialized = initialize(&mut platform, &mut sim, &deal);
    credit(&mut platform, &mut sim, &deal.second(&initialized));
    // As it is nobody's packet takes it away, a late one of before its issue either.
    assert_eq!(platform.script(&mut sim, DOMAIN, &[&delete(&crate::application::AID)])[0], hex!("6985"));
    assert_eq!(balance(&mut sim), 700);
    // A sale that was begun before.
    sim.radio(&select());
    let sale = Deal::new(0x06, 300);
    let begun = sim.radio(&sale.first());
    let answered = suspend(&mut platform, &mut sim);
    assert_eq!(answered[1..], [hex!("9000").to_vec(), hex!("000002BC 9000").to_vec()]);
    assert_eq!(word(&sim.radio(&sale.second(&begun[..15]))), 0x6901, "ended by the MACed write");
    assert_eq!(word(&sim.radio(&sale.first())), 0x6985);
    sim.leave_field();
    assert_eq!(balance(&mut sim), 700);
    assert_eq!(platform.script(&mut sim, DOMAIN, &[&delete(&crate::application::AID)])[0], hex!("00 9000"));
}
