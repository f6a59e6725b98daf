//! Undo of the last purchase: only of that, once, and what it does to the day's account.

use hex_literal::hex;

use super::{
    deal::{Deal, ED, EP},
    desk::{Desk, End, Parameters},
};

const PURCHASE: u8 = 0x06;
const UNDO: u8 = 0x0A;

#[test]
fn the_money_comes_back_and_the_sequence_goes_on() {
    let mut desk = Desk::with_money(0, 1000);
    desk.done(&Deal::new(PURCHASE, 300));
    let mut desk = desk.power_cycled();
    desk.done(&Deal::new(UNDO, 300));
    assert_eq!(desk.balance(EP), 1000);
    assert_eq!(desk.proof(PURCHASE, 1).len(), 10, "the purchase can still be proven");
    assert_eq!(desk.proof(UNDO, 2).len(), 10);
    assert_eq!(desk.proof(PURCHASE, 2), hex!("9406"), "an undo is no purchase");
    assert_eq!(desk.proof(UNDO, 1), hex!("9406"));
    desk.done(&Deal::new(PURCHASE, 300));
}

#[test]
fn an_undo_cannot_be_undone_nor_made_twice() {
    let mut desk = Desk::with_money(0, 1000);
    desk.done(&Deal::new(PURCHASE, 300));
    desk.done(&Deal::new(UNDO, 300));
    assert_eq!(desk.run(&Deal::new(UNDO, 300)), End::NotBegun(0x9406));
    assert_eq!(desk.balance(EP), 1000);
}

#[test]
fn only_the_very_purchase_at_the_very_terminal() {
    let mut desk = Desk::with_money(0, 1000);
    desk.done(&Deal::new(PURCHASE, 300));
    for amount in [0, 299, 301, u32::MAX] {
        assert_eq!(desk.run(&Deal::new(UNDO, amount)), End::NotBegun(0x9406), "{amount}");
    }
    for terminal in [hex!("001122334456"), hex!("011122334455")] {
        assert_eq!(desk.run(&Deal::new(UNDO, 300).at(terminal)), End::NotBegun(0x9406));
    }
    desk.done(&Deal::new(UNDO, 300));
}

#[test]
fn only_the_last_transaction_and_only_a_plain_purchase() {
    let mut desk = Desk::new();
    assert_eq!(desk.run(&Deal::new(UNDO, 0)), End::NotBegun(0x9406), "nothing was ever bought");
    let mut desk = Desk::with_money(1000, 1000);
    assert_eq!(desk.run(&Deal::new(UNDO, 1000)), End::NotBegun(0x9406), "a load");
    desk.done(&Deal::new(0x09, 200));
    assert_eq!(desk.run(&Deal::new(UNDO, 200)), End::NotBegun(0x9406), "a compound purchase");
    desk.done(&Deal::new(PURCHASE, 200));
    desk.done(&Deal::new(PURCHASE, 100));
    assert_eq!(desk.run(&Deal::new(UNDO, 200)), End::NotBegun(0x9406), "the one before the last");
    desk.done(&Deal::new(0x0B, 100));
    assert_eq!(desk.run(&Deal::new(UNDO, 100)), End::NotBegun(0x9406), "an unload");
    desk.done(&Deal::new(PURCHASE, 100));
    desk.done(&Deal::new(0x02, 50));
    assert_eq!(desk.run(&Deal::new(UNDO, 100)), End::NotBegun(0x9406), "a load after the purchase");
}

#[test]
fn what_the_deposit_does_is_no_matter() {
    let mut desk = Desk::with_money(1000, 1000);
    desk.done(&Deal::new(PURCHASE, 300));
    for other in [0x05, 0x04, 0x01, 0x03, 0x07] {
        desk.done(&Deal::new(other, 40));
    }
    desk.done(&Deal::new(UNDO, 300));
    assert_eq!(desk.balance(EP), 1000);
}

#[test]
fn its_form_and_its_own_second_command() {
    let mut desk = Desk::with_money(0, 1000);
    desk.done(&Deal::new(PURCHASE, 300));
    let undo = Deal::new(UNDO, 300);
    let mut first = undo.first();
    first[3] = ED;
    assert_eq!(desk.reader.send(&first), hex!("6A86"), "no deposit");
    let mut first = undo.first();
    first[5] = 0x02;
    assert_eq!(desk.reader.send(&first), hex!("9403"));
    for (at, wrong) in [(2, 0x01), (2, 0x03), (3, 0x01)] {
        let initialized = desk.reader.ok(&undo.first());
        let mut second = undo.second(&initialized);
        second[at] = wrong;
        let status = desk.reader.send(&second);
        assert!(status == hex!("6901") || status == hex!("6A86") || status == hex!("6700"), "{status:02X?}");
        assert_eq!(desk.reader.send(&undo.second(&initialized)), hex!("6901"), "too late");
    }
    let initialized = desk.reader.ok(&undo.first());
    let mut second = undo.second(&initialized);
    second[19] ^= 1;
    assert_eq!(desk.reader.send(&second), hex!("9302"));
    assert_eq!(desk.balance(EP), 700);
}

fn limited(desk: &mut Desk) {
    desk.set(&Parameters { day_total_max: 400, ..Parameters::default() });
}

#[test]
fn an_undo_on_the_day_is_taken_off() {
    let mut desk = Desk::with_money(0, 1000);
    limited(&mut desk);
    desk.done(&Deal::new(PURCHASE, 400));
    desk.done(&Deal::new(UNDO, 400));
    assert_eq!(desk.account(), (hex!("20260722"), 0));
    desk.done(&Deal::new(PURCHASE, 400));
    assert_eq!(desk.run(&Deal::new(PURCHASE, 1)), End::NotCompleted(0x6985));
}

#[test]
fn an_undo_after_midnight_or_with_a_clock_turned_back_leaves_the_account_alone() {
    for day in [hex!("20260723"), hex!("20260721")] {
        let mut desk = Desk::with_money(0, 1000);
        limited(&mut desk);
        desk.done(&Deal::new(PURCHASE, 400));
        desk.done(&Deal::new(UNDO, 400).on(day));
        assert_eq!((desk.balance(EP), desk.account()), (1000, (hex!("20260722"), 400)));
        assert_eq!(desk.run(&Deal::new(PURCHASE, 1)), End::NotCompleted(0x6985));
    }
}

/// Loads of the other purse move the day on and back: the day goes on where it was, but an undo is not taken off any more.
#[test]
fn a_purchase_from_before_the_day_was_gone_back_to_is_not_taken_off() {
    let mut desk = Desk::with_money(1000, 1000);
    limited(&mut desk);
    desk.done(&Deal::new(PURCHASE, 300));
    desk.done(&Deal::new(0x01, 10).on(hex!("20260723")));
    desk.done(&Deal::new(0x01, 10));
    desk.done(&Deal::new(0x05, 50));
    desk.done(&Deal::new(UNDO, 300));
    assert_eq!(desk.account(), (hex!("20260722"), 350));
    let mut desk = Desk::with_money(1000, 1000);
    desk.done(&Deal::new(PURCHASE, 300));
    desk.done(&Deal::new(0x01, 10));
    desk.done(&Deal::new(0x05, 50));
    desk.done(&Deal::new(UNDO, 300));
    assert_eq!(desk.account(), (hex!("20260722"), 50), "a load of the same day moves nothing");
}
