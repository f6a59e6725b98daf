//! The e-deposit: PIN, cash withdrawal, overdraft.

use hex_literal::hex;

use super::{
    application::VERIFY,
    deal::{Deal, ED, EP},
    desk::{Desk, End},
};

#[test]
fn every_transaction_of_the_deposit_wants_the_pin() {
    let mut desk = Desk::with_money(500, 0);
    desk.select();
    for transaction_type in [0x01, 0x03, 0x04, 0x05, 0x07] {
        assert_eq!(desk.run(&Deal::new(transaction_type, 1)), End::NotBegun(0x6982), "{transaction_type:02X}");
    }
    desk.reader.ok(VERIFY);
    for transaction_type in [0x01, 0x03, 0x04, 0x05, 0x07] {
        desk.done(&Deal::new(transaction_type, 1));
    }
}

#[test]
fn cash_is_withdrawn_from_the_deposit_alone() {
    let mut desk = Desk::with_money(500, 500);
    desk.done(&Deal::new(0x04, 500));
    assert_eq!((desk.balance(ED), desk.balance(EP)), (0, 500));
    assert_eq!(desk.run(&Deal::new(0x04, 1)), End::NotBegun(0x9401));
    let mut first = Deal::new(0x04, 1).first();
    first[3] = EP;
    assert_eq!(desk.reader.send(&first), hex!("6A86"));
}

/// The balance is money and limit: a raised limit is spendable, a lowered one takes back no more than there is.
#[test]
fn the_limit_goes_up_and_down() {
    let mut desk = Desk::with_money(500, 0);
    desk.done(&Deal::new(0x07, 1000));
    assert_eq!(desk.balance(ED), 1500);
    desk.done(&Deal::new(0x05, 700));
    assert_eq!(desk.balance(ED), 800, "200 of credit in use");
    assert_eq!(desk.run(&Deal::new(0x07, 199)), End::NotCompleted(0x6985));
    desk.done(&Deal::new(0x07, 200));
    assert_eq!(desk.balance(ED), 0);
    desk.done(&Deal::new(0x01, 300));
    desk.done(&Deal::new(0x07, 0));
    assert_eq!(desk.balance(ED), 100);
    desk.done(&Deal::new(0x07, 0x00FF_FFFF));
    assert_eq!(desk.balance(ED), 0x00FF_FFFF + 100);
    assert_eq!(desk.proof(0x07, 6).len(), 10);
    assert_eq!(desk.proof(0x07, 2)[..4], [0; 4], "an update has no MAC");
    let mut desk = desk.power_cycled();
    assert_eq!(desk.reader.ok(&Deal::new(0x05, 0).first())[6..9], hex!("FFFFFF"));
}

#[test]
fn a_balance_that_no_purse_holds() {
    let mut desk = Desk::with_money(u32::MAX - 10, 0);
    assert_eq!(desk.run(&Deal::new(0x07, 11)), End::NotCompleted(0x6985));
    desk.done(&Deal::new(0x07, 10));
    assert_eq!(desk.balance(ED), u32::MAX);
    desk.done(&Deal::new(0x07, 5));
}

#[test]
fn the_form_of_an_update_and_a_wrong_mac() {
    let mut desk = Desk::with_money(500, 0);
    let update = Deal::new(0x07, 1000);
    let mut first = update.first();
    first[3] = EP;
    assert_eq!(desk.reader.send(&first), hex!("6A86"));
    assert_eq!(desk.reader.send(&hex!("805004010B 01 00000001 001122334455")), hex!("6700"));
    assert_eq!(desk.reader.send(&hex!("8050040107 02 001122334455")), hex!("9403"));
    assert_eq!(desk.reader.send(&hex!("8050040107 01 001122334455 10")), hex!("6C13"));
    for at in 5..19 {
        let initialized = desk.reader.ok(&update.first());
        let mut second = update.second(&initialized);
        second[at] ^= 1;
        let status = desk.reader.send(&second);
        assert!(status == hex!("9302") || status == hex!("6A80"), "byte {at}: {status:02X?}");
        assert_eq!(desk.reader.send(&update.second(&initialized)), hex!("6901"));
    }
    assert_eq!(desk.balance(ED), 500);
}
