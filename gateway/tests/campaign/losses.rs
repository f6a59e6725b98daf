//! A card that is reported lost, or found, while something else is unknown of it or waits.

use onecard_gateway::campaign::{CampaignId, Ending, Flow, NewTask, OrderError, Settings};
use onecard_host::over_the_air::lock::{Lock, LockTerms, Way};
use onecard_wire::number::ApplicationSerial;

use crate::{
    asking::{issue, lost, serial},
    recharges::{amount, enterprise, tasks},
    unknowns::{Bench, IMPATIENT, deletion, recharge},
};

fn lock(way: Way) -> Flow {
    let Flow::Recharge { serial, .. } = recharge() else { panic!("a recharge") };
    lock_of(serial, way)
}

fn lock_of(serial: ApplicationSerial, way: Way) -> Flow {
    let terms = LockTerms { enterprise: enterprise(), serial, way };
    Flow::Lock(Box::new(Lock::begin(terms, IMPATIENT)))
}

/// How it ended, and how much of money.
fn end(bench: &Bench, campaign: CampaignId) -> (Ending, Option<u32>) {
    let ended = bench.end(campaign);
    (ended.ending, ended.amount_fen)
}

const fn done() -> (Ending, Option<u32>) {
    (Ending::Committed, None)
}

/// Whether a stolen card is locked does not wait until somebody knows what became of a recharge.
#[test]
fn a_loss_does_not_wait_for_an_unknown_recharge() {
    let mut bench = Bench::new();
    let recharges = bench.ordered("recharge", recharge());
    // INITIALIZE, CREDIT; its proof is lost, and nobody answers any more.
    bench.run(2, false);
    assert_eq!(bench.counts(recharges).unknown, 1);
    let lost = bench.ordered("lost", lock(Way::Lost));
    bench.run(u32::MAX, true);
    assert_eq!((end(&bench, lost), bench.counts(recharges).unknown), (done(), 1));
    // A lost card tells of its proof all the same.
    assert_eq!(bench.resume(recharges), 1);
    bench.run(u32::MAX, true);
    let fen = Some(amount(0).fen());
    assert_eq!(end(&bench, recharges), (Ending::Committed, fen));
    assert_eq!(bench.world.balances(), [amount(0)]);
}

/// The CREDIT never came, and a lost card ends no load: it has to be found first, which so waits for no recharge.
#[test]
fn a_card_is_found_although_a_recharge_is_unknown() {
    let mut bench = Bench::new();
    let recharges = bench.ordered("recharge", recharge());
    bench.run(1, true);
    assert_eq!(bench.counts(recharges).unknown, 1);
    let lost = bench.ordered("lost", lock(Way::Lost));
    bench.run(u32::MAX, true);
    assert_eq!(bench.resume(recharges), 1);
    bench.run(u32::MAX, true);
    let (unknown, reason) = (bench.counts(recharges).unknown, bench.end(recharges).report.reason.unwrap());
    assert!(unknown == 1 && reason.contains("6985"), "{reason}");
    let found = bench.ordered("found", lock(Way::Found));
    bench.run(u32::MAX, true);
    assert_eq!((end(&bench, lost), end(&bench, found)), (done(), done()));
    assert_eq!(bench.resume(recharges), 1);
    bench.run(u32::MAX, true);
    let ended = end(&bench, recharges);
    assert_eq!(ended, (Ending::NotCommitted, Some(amount(0).fen())), "{:?}", bench.end(recharges));
}

/// It could spend what was refunded.
#[test]
fn a_card_is_not_found_while_a_deletion_is_unknown() {
    let mut bench = Bench::new();
    let deletions = bench.ordered("deletion", deletion());
    // Asked and suspended; DELETE is lost.
    bench.run(2, true);
    assert_eq!(bench.counts(deletions).unknown, 1);
    let found = bench.ordered("found", lock(Way::Found));
    bench.run(u32::MAX, true);
    assert_eq!((bench.counts(found).behind_unknown, bench.counts(found).packets), (1, 0));
    let lost = bench.ordered("lost", lock(Way::Lost));
    bench.run(u32::MAX, true);
    // The status is a deletion's, and stays.
    assert_eq!((end(&bench, lost), bench.counts(deletions).unknown), ((Ending::NotCommitted, None), 1));
    assert_eq!(bench.resume(deletions), 1);
    bench.run(u32::MAX, true);
    assert_eq!(bench.end(deletions).ending, Ending::Committed);
}

/// Nothing is loaded any more onto a card whose loss was reported before the load was begun.
#[test]
fn a_loss_goes_before_what_waits() {
    let mut bench = Bench::new();
    let (recharges, lost) = (bench.ordered("recharge", recharge()), bench.ordered("lost", lock(Way::Lost)));
    bench.run(u32::MAX, true);
    assert_eq!(end(&bench, lost), done());
    assert_eq!(end(&bench, recharges), (Ending::NotCommitted, Some(amount(0).fen())));
    let locked = bench.ordered("again", lock(Way::Lost));
    bench.run(u32::MAX, true);
    assert_eq!((end(&bench, locked), bench.counts(locked).packets), (done(), 1));
}

/// One packet at a time: what is under way ends first.
#[test]
fn a_loss_waits_for_what_is_under_way() {
    let mut bench = Bench::new();
    let recharges = bench.ordered("recharge", recharge());
    let now = bench.now;
    bench.engine.turn(now, &mut bench.world.carrier).unwrap();
    let lost = bench.ordered("lost", lock(Way::Lost));
    bench.run(u32::MAX, true);
    assert_eq!((end(&bench, recharges).0, end(&bench, lost)), (Ending::Committed, done()));
}

/// An order that the card was found, from before it was lost again, would open it.
#[test]
fn what_found_a_card_before_does_not_open_it_when_it_is_lost_again() {
    let mut bench = Bench::new();
    let first = bench.ordered("first", lock(Way::Lost));
    bench.run(u32::MAX, true);
    let unknown = bench.ordered("unknown", lock(Way::Found));
    // Asked and written; the proof is lost, and nobody answers any more.
    bench.run(2, false);
    assert_eq!((end(&bench, first), bench.counts(unknown).unknown), (done(), 1));
    let (waits, lost) = (bench.ordered("waits", lock(Way::Found)), bench.ordered("lost", lock(Way::Lost)));
    bench.run(u32::MAX, true);
    assert_eq!(end(&bench, lost), done());
    assert_eq!((bench.resume(unknown), bench.resume(waits)), (0, 0));
    for campaign in [unknown, waits] {
        let ended = bench.end(campaign);
        assert!(ended.ending == Ending::NotCommitted && ended.report.reason.unwrap().contains("loss"), "{campaign:?}");
    }
    let recharges = bench.ordered("recharge", recharge());
    bench.run(u32::MAX, true);
    assert_eq!(end(&bench, recharges).0, Ending::NotCommitted);
    // One that came behind the loss does.
    let found = bench.ordered("found", lock(Way::Found));
    bench.run(u32::MAX, true);
    assert_eq!(end(&bench, found), done());
}

/// Taken in before the gateway is begun: the loss finds no such application, and nothing of it is issued or loaded behind.
#[test]
fn what_was_ordered_before_a_loss_and_is_not_begun_ends_with_it() {
    let mut bench = Bench::new();
    let serial = serial(9);
    let Flow::Recharge { recharge: first, .. } = recharge() else { panic!("a recharge") };
    let issues = bench.ordered("issue", issue(&bench.world, serial));
    let recharges = bench.ordered("recharge", Flow::Recharge { serial, recharge: first });
    let others = bench.ordered("another's", recharge());
    let lost = bench.ordered("lost", lost(serial));
    bench.engine.turn(bench.now, &mut bench.world.carrier).unwrap();
    // In the turn in which the loss begins.
    for (campaign, amount_fen) in [(issues, None), (recharges, Some(amount(0).fen()))] {
        let ended = bench.end(campaign);
        assert_eq!((ended.ending, ended.amount_fen, ended.packets), (Ending::NotCommitted, amount_fen, 0));
        assert!(ended.report.reason.unwrap().contains("先已挂失"));
    }
    bench.run(u32::MAX, true);
    assert_eq!(end(&bench, lost).0, Ending::NotCommitted);
    assert_eq!(end(&bench, others), (Ending::Committed, Some(amount(0).fen())));
    // Nobody gets the serial of a lost card.
    assert!(bench.end(issues).report.serial_spent);
    let again = NewTask { flow: issue(&bench.world, serial), ..tasks(1).remove(0) };
    let taken = bench.engine.store_mut().new_campaign("again", &Settings::DEFAULT, [again]);
    assert!(matches!(taken, Err(OrderError::SerialTaken { .. })), "{taken:?}");
}

/// What a packet was made for may be on the card: its own order says what became of it.
#[test]
fn a_resumed_recharge_does_not_end_with_a_loss() {
    let mut bench = Bench::new();
    let recharges = bench.ordered("recharge", recharge());
    bench.run(2, false);
    let lost = bench.ordered("lost", lock(Way::Lost));
    assert_eq!(bench.resume(recharges), 1);
    bench.run(u32::MAX, true);
    assert_eq!((end(&bench, lost), end(&bench, recharges)), (done(), (Ending::Committed, Some(amount(0).fen()))));
}

/// Of another application of the same card nothing is lost: its orders go on, and its serial is not spent.
#[test]
fn a_loss_ends_no_order_of_another_application() {
    let mut bench = Bench::new();
    let first = bench.ordered("first", lock(Way::Lost));
    bench.run(u32::MAX, true);
    let found = bench.ordered("found", lock(Way::Found));
    let issues = bench.ordered("issue", issue(&bench.world, serial(8)));
    let other = bench.ordered("other", lost(serial(9)));
    bench.engine.turn(bench.now, &mut bench.world.carrier).unwrap();
    assert_eq!([other, found, issues].map(|it| bench.counts(it).packets), [1, 0, 0]);
    for turn in 1..10 {
        bench.engine.turn(bench.now.plus(turn), &mut bench.world.carrier).unwrap();
    }
    assert_eq!((end(&bench, first), end(&bench, found)), (done(), done()));
    assert_eq!(end(&bench, other).0, Ending::NotCommitted);
    // The desk has no key store for it.
    assert_eq!((bench.counts(issues).waiting, bench.counts(issues).packets), (1, 0));
}

/// What is ordered behind a loss is carried out behind it, though the loss was not begun yet.
#[test]
fn a_loss_ends_nothing_that_was_ordered_behind_it() {
    let mut bench = Bench::new();
    let (lost, found) = (bench.ordered("lost", lock(Way::Lost)), bench.ordered("found", lock(Way::Found)));
    let recharges = bench.ordered("recharge", recharge());
    bench.run(u32::MAX, true);
    assert_eq!((end(&bench, lost), end(&bench, found)), (done(), done()));
    assert_eq!(end(&bench, recharges), (Ending::Committed, Some(amount(0).fen())));
}

/// One order at a time: what is resumed while the loss is under way waits for it.
#[test]
fn what_is_resumed_waits_for_what_is_under_way() {
    let mut bench = Bench::new();
    let recharges = bench.ordered("recharge", recharge());
    bench.run(2, false);
    assert_eq!(bench.counts(recharges).unknown, 1);
    let lost = bench.ordered("lost", lock(Way::Lost));
    bench.engine.turn(bench.now, &mut bench.world.carrier).unwrap();
    assert_eq!((bench.resume(recharges), bench.counts(lost).under_way), (1, 1));
    bench.run(u32::MAX, true);
    assert_eq!((end(&bench, lost), end(&bench, recharges)), (done(), (Ending::Committed, Some(amount(0).fen()))));
}
