//! Every transaction, and the write that clears the account, cut at every byte: whole or not there.

use hex_literal::hex;

use super::{
    application::{VERIFY, protect, protected, select},
    chip::{Chip, Reader, tear::sweep},
    deal::Deal,
    desk::{Desk, End, Parameters, standing},
};

/// Everything a transaction moves, read after a power-up.
fn look(reader: &mut Reader) -> Vec<Vec<u8>> {
    reader.ok(&select());
    reader.ok(VERIFY);
    let mut seen = standing(reader);
    for transaction_type in [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x09, 0x0A, 0x0B] {
        for sequence in 1..=3 {
            seen.push(reader.send(&[0x80, 0x5A, 0x00, transaction_type, 0x02, 0x00, sequence, 0x08]));
        }
        seen.push(reader.send(&Deal::new(transaction_type, 0).first()));
    }
    seen
}

/// 500 in each purse, then 10 spent from the EP.
fn used() -> Chip {
    let mut desk = Desk::with_money(500, 500);
    desk.set(&Parameters { day_total_max: 1000, ..Parameters::default() });
    desk.done(&Deal::new(0x06, 10));
    desk.reader.remove()
}

fn tear(deal: &Deal) {
    let flow = |reader: &mut Reader| {
        reader.ok(&select());
        let verified = reader.try_send(VERIFY).is_ok();
        verified && carry_out(reader, deal)
    };
    sweep(&used(), look, flow);
}

fn carry_out(reader: &mut Reader, deal: &Deal) -> bool {
    let ok = |answer: &Vec<u8>| answer.ends_with(&hex!("9000"));
    let Some(mut initialized) = reader.try_send(&deal.first()).ok().filter(ok) else { return false };
    initialized.truncate(initialized.len() - 2);
    let cached = deal.cached.iter().all(|command| reader.try_send(command).is_ok_and(|answer| ok(&answer)));
    cached && reader.try_send(&deal.second(&initialized)).is_ok_and(|answer| ok(&answer))
}

#[test]
fn an_undo() {
    tear(&Deal::new(0x0A, 10));
}

#[test]
fn an_unload_of_the_deposit() {
    tear(&Deal::new(0x03, 200));
}

#[test]
fn an_unload_of_the_purse() {
    tear(&Deal::new(0x0B, 200));
}

#[test]
fn a_cash_withdrawal() {
    tear(&Deal::new(0x04, 200));
}

#[test]
fn an_overdraft_update() {
    tear(&Deal::new(0x07, 1000));
}

#[test]
fn a_load_and_a_purchase_of_the_deposit() {
    tear(&Deal::new(0x01, 200).on(hex!("20260723")));
    tear(&Deal::new(0x05, 200).on(hex!("20260723")));
}

/// A last purchase shows whether the day that the load goes away from is remembered.
#[test]
fn a_load_that_sets_the_day_back() {
    let look_behind = |reader: &mut Reader| {
        let seen = look(reader);
        assert!(carry_out(reader, &Deal::new(0x06, 1)));
        assert_eq!(reader.ok(&hex!("00B0971C08")), hex!("20260722 0000000B"));
        seen
    };
    let load = Deal::new(0x02, 200).on(hex!("20260721"));
    sweep(&used(), look_behind, |reader| {
        reader.ok(&select());
        reader.try_send(VERIFY).is_ok() && carry_out(reader, &load)
    });
}

#[test]
fn a_compound_purchase_with_two_records() {
    let second = hex!("80DC03E405 CC 03 00 4444");
    tear(&Deal::new(0x09, 200).caching(&hex!("80DCAAE007 AA 05 00 22222222")).caching(&second));
}

#[test]
fn a_write_that_clears_the_account() {
    sweep(&used(), look, |reader| {
        reader.ok(&select());
        reader.ok(&hex!("0084000004"));
        clear(reader)
    });
    let mut desk = Desk::insert(used());
    assert_eq!(desk.run(&Deal::new(0x06, 1)), End::Done);
    assert_eq!(protected(&mut desk.reader, 0x00, hex!("04D69720"), &[0; 4]), hex!("9000"));
    assert_eq!(desk.account(), ([0; 4], 0));
}

/// The challenge of this chip is 5A5A5A5A.
fn clear(reader: &mut Reader) -> bool {
    let command = protect(&hex!("5A5A5A5A"), 0x00, hex!("04D6971C"), &[0; 8]);
    reader.try_send(&command).is_ok_and(|answer| answer == hex!("9000"))
}
