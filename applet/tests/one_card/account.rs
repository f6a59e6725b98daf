//! Day and spent: clocks turned back and ahead, healed by a load; cleared by a MACed write; never by a power-off.

use hex_literal::hex;

use super::{
    application::{done, protected},
    deal::{Deal, EP},
    desk::{Desk, End, Parameters},
};

const REFUSED: End = End::NotCompleted(0x6985);

/// At most 100 a day, 90 of it spent on 22 July.
fn desk() -> Desk {
    let mut desk = Desk::with_money(10_000, 10_000);
    desk.set(&Parameters { day_total_max: 100, ..Parameters::default() });
    desk.done(&Deal::new(0x06, 90));
    assert_eq!(desk.account(), (hex!("20260722"), 90));
    desk
}

#[test]
fn a_clock_turned_back_gains_nothing() {
    let mut desk = desk();
    for transaction_type in [0x06, 0x05, 0x09, 0x04] {
        for day in [hex!("20260721"), hex!("20260101")] {
            assert_eq!(desk.run(&Deal::new(transaction_type, 11).on(day)), REFUSED);
        }
    }
    desk.done(&Deal::new(0x05, 10).on(hex!("20260721")));
    assert_eq!(desk.account(), (hex!("20260722"), 100), "an earlier date counts into the day");
}

#[test]
fn a_clock_ahead_is_healed_by_a_load() {
    for load in [0x01, 0x02] {
        let mut desk = desk();
        desk.done(&Deal::new(0x06, 100).on(hex!("20271111")));
        assert_eq!(desk.account(), (hex!("20271111"), 100));
        assert_eq!(desk.run(&Deal::new(0x06, 1).on(hex!("20260723"))), REFUSED, "the right date is an earlier one now");
        desk.done(&Deal::new(load, 1).on(hex!("20260723")));
        assert_eq!(desk.account(), (hex!("20260723"), 0));
        desk.done(&Deal::new(0x06, 100).on(hex!("20260723")));
        assert_eq!(desk.run(&Deal::new(0x05, 1).on(hex!("20260723"))), REFUSED);
    }
}

#[test]
fn a_load_of_the_same_day_gains_nothing() {
    let mut desk = desk();
    desk.done(&Deal::new(0x02, 1));
    desk.done(&Deal::new(0x01, 1));
    assert_eq!(desk.account(), (hex!("20260722"), 90));
    assert_eq!(desk.run(&Deal::new(0x06, 11)), REFUSED);
}

#[test]
fn a_load_moves_the_day_on_too() {
    let mut desk = desk();
    desk.done(&Deal::new(0x02, 1).on(hex!("20260723")));
    assert_eq!(desk.account(), (hex!("20260723"), 0));
    desk.done(&Deal::new(0x06, 60).on(hex!("20260722")));
    assert_eq!(desk.account(), (hex!("20260723"), 60));
}

/// A station a day behind, then a day ahead: what was spent on the day still counts when the day comes again.
#[test]
fn a_load_with_a_wrong_date_gives_no_limit_again() {
    for load in [0x01, 0x02] {
        for wrong in [hex!("20260721"), hex!("20260101"), hex!("20260723"), hex!("20991231")] {
            let mut desk = desk();
            desk.done(&Deal::new(load, 1).on(wrong));
            assert_eq!(desk.account(), (wrong, 0));
            let mut desk = desk.power_cycled();
            if wrong < hex!("20260722") {
                assert_eq!(desk.run(&Deal::new(0x06, 11)), REFUSED, "a purchase brings the day again");
                desk.done(&Deal::new(0x05, 4));
                assert_eq!(desk.account(), (hex!("20260722"), 94));
                desk.done(&Deal::new(load, 1).on(wrong));
            }
            desk.done(&Deal::new(load, 1));
            let spent = if wrong < hex!("20260722") { 94 } else { 90 };
            assert_eq!(desk.account(), (hex!("20260722"), spent), "a right load brings the day again");
            assert_eq!(desk.run(&Deal::new(0x06, 11)), REFUSED);
            desk.done(&Deal::new(0x06, 100 - spent));
        }
    }
}

/// A till a day ahead and a right load, again and again: each of the two days has its limit once.
#[test]
fn two_clocks_that_disagree_give_each_day_its_limit_once() {
    let mut desk = desk();
    let (today, tomorrow) = (hex!("20260722"), hex!("20260723"));
    desk.done(&Deal::new(0x06, 60).on(tomorrow));
    for turn in 1..=4 {
        desk.done(&Deal::new(0x02, 1).on(today));
        assert_eq!(desk.account(), (today, 89 + turn));
        desk.done(&Deal::new(0x05, 1).on(today));
        assert_eq!(desk.run(&Deal::new(0x06, 42 - turn).on(tomorrow)), REFUSED, "tomorrow has spent {}", 59 + turn);
        desk.done(&Deal::new(0x04, 1).on(tomorrow));
        assert_eq!(desk.account(), (tomorrow, 60 + turn));
    }
    desk.done(&Deal::new(0x06, 1).on(hex!("20260724")));
    desk.done(&Deal::new(0x01, 1).on(today));
    assert_eq!(desk.account(), (today, 0), "one other day is remembered, the last");
}

/// Loads that nothing is spent between push no day out.
#[test]
fn a_day_without_a_purchase_is_not_remembered() {
    let mut desk = desk();
    for date in [hex!("20260721"), hex!("20260720"), hex!("20260801")] {
        desk.done(&Deal::new(0x02, 1).on(date));
        assert_eq!(desk.account(), (date, 0));
    }
    desk.done(&Deal::new(0x02, 1).on(hex!("20260722")));
    assert_eq!(desk.account(), (hex!("20260722"), 90));
}

/// The desk's write clears the other day too: it is what frees a card by hand.
#[test]
fn a_write_that_clears_the_account_clears_the_day_left_too() {
    for back in [hex!("20260722"), hex!("20260721")] {
        let mut desk = desk();
        desk.done(&Deal::new(0x02, 1).on(hex!("20260721")));
        desk.done(&Deal::new(0x06, 10).on(hex!("20260721")));
        done(&protected(&mut desk.reader, 0x00, hex!("04D69723"), &[0x11]));
        desk.done(&Deal::new(0x02, 1).on(back));
        assert_eq!(desk.account(), (back, 0));
        desk.done(&Deal::new(0x06, 100).on(hex!("20260722")));
    }
}

#[test]
fn a_refused_purchase_does_not_move_the_day() {
    let mut desk = desk();
    let initialized = desk.reader.ok(&Deal::new(0x06, 1).first());
    let tomorrow = Deal::new(0x06, 1).on(hex!("20260723"));
    let mut wrong = tomorrow.second(&initialized);
    wrong[19] ^= 1;
    assert_eq!(desk.reader.send(&wrong), hex!("9302"));
    assert_eq!(desk.run(&Deal::new(0x06, 1).on(hex!("20290101"))), REFUSED, "after the application's last day");
    assert_eq!(desk.account(), (hex!("20260722"), 90));
}

#[test]
fn only_a_write_that_touches_them_clears_both() {
    for (offset, length, clears) in
        [(0, 28, false), (27, 1, false), (27, 2, true), (28, 1, true), (31, 1, true), (35, 1, true), (0, 36, true)]
    {
        let mut desk = desk();
        let mut content = desk.reader.ok(&hex!("00B0970024"));
        content[28..].fill(0x99);
        let data = &content[offset as usize..offset as usize + length];
        done(&protected(&mut desk.reader, 0x00, [0x04, 0xD6, 0x97, offset], data));
        let expected = if clears { ([0; 4], 0) } else { (hex!("20260722"), 90) };
        assert_eq!(desk.account(), expected, "{length} bytes from {offset}");
        let mut desk = desk.power_cycled();
        assert_eq!(desk.account(), expected);
        let next = desk.run(&Deal::new(0x05, 100));
        assert_eq!(next, if clears { End::Done } else { REFUSED });
    }
}

#[test]
fn nobody_writes_them_without_the_maintenance_key() {
    let mut desk = desk();
    assert_eq!(desk.reader.send(&hex!("00D6971C08 0000000000000000")), hex!("6987"));
    for other_key in [0x02, 0x03] {
        assert_eq!(protected(&mut desk.reader, other_key, hex!("04D6971C"), &[0; 8]), hex!("6988"));
    }
    assert_eq!(desk.account(), (hex!("20260722"), 90));
}

/// Every part of the file shows the newest account, wherever a read begins and ends.
#[test]
fn every_read_shows_the_newest() {
    let mut desk = desk();
    let whole = desk.reader.ok(&hex!("00B0970024"));
    assert_eq!(whole[28..], hex!("20260722 0000005A"));
    for from in 0..36u8 {
        for length in 1..=36 - from {
            let part = desk.reader.ok(&[0x00, 0xB0, 0x97, from, length]);
            assert_eq!(part, whole[usize::from(from)..usize::from(from + length)]);
        }
    }
    let answer = protected(&mut desk.reader, 0x00, hex!("04B09700"), &[]);
    assert_eq!(answer[..36], whole);
}

/// The purses' rings go round; the account is where the last transaction was.
#[test]
fn the_newest_of_three_counts() {
    let mut desk = desk();
    let mut spent = 90;
    desk.set(&Parameters::default());
    for turn in 0..40u32 {
        let transaction_type = [0x06, 0x05, 0x06, 0x06, 0x09, 0x04, 0x05][turn as usize % 7];
        desk.done(&Deal::new(transaction_type, turn));
        spent += turn;
        assert_eq!(desk.account(), (hex!("20260722"), spent));
        if turn % 9 == 0 {
            done(&protected(&mut desk.reader, 0x00, hex!("04D69723"), &[0x11]));
            desk.done(&Deal::new(0x07, 0));
            assert_eq!(desk.account(), ([0; 4], 0));
            spent = 0;
        }
        desk = desk.power_cycled();
    }
    assert!(desk.balance(EP) < 10_000);
}
