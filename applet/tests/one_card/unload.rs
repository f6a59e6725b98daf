//! Unload of both purses: in any status, after expiry, whatever the limits.

use hex_literal::hex;

use super::{
    application::VERIFY,
    deal::{Deal, ED, EP},
    desk::{Desk, End, Parameters},
};

#[test]
fn both_purses_are_emptied() {
    let mut desk = Desk::with_money(500, 700);
    desk.done(&Deal::new(0x03, 500));
    desk.done(&Deal::new(0x0B, 200));
    desk.done(&Deal::new(0x0B, 500));
    assert_eq!((desk.balance(ED), desk.balance(EP)), (0, 0));
    assert_eq!(desk.run(&Deal::new(0x0B, 1)), End::NotBegun(0x9401));
    assert_eq!(desk.run(&Deal::new(0x03, 1)), End::NotBegun(0x9401));
    desk.done(&Deal::new(0x0B, 0));
}

#[test]
fn in_any_status_after_expiry_and_above_every_limit() {
    for status in [0x00, 0x01, 0x03, 0xFF] {
        let mut desk = Desk::with_money(500, 700);
        desk.set(&Parameters {
            status,
            expiry: hex!("20260101"),
            balance_max: 1,
            purchase_max: 1,
            day_total_max: 1,
            pin_threshold: 1,
        });
        desk.done(&Deal::new(0x03, 500).on(hex!("20300101")));
        desk.done(&Deal::new(0x0B, 700).on(hex!("20300101")));
        assert_eq!(desk.account(), (hex!("20260722"), 0), "an unload is no load");
    }
}

#[test]
fn the_deposit_wants_the_pin_and_the_purse_does_not() {
    let mut desk = Desk::with_money(500, 700);
    desk.select();
    assert_eq!(desk.run(&Deal::new(0x03, 1)), End::NotBegun(0x6982));
    desk.done(&Deal::new(0x0B, 1));
    desk.reader.ok(VERIFY);
    desk.done(&Deal::new(0x03, 1));
}

#[test]
fn its_form() {
    let mut desk = Desk::with_money(500, 700);
    let unload = Deal::new(0x0B, 1);
    let mut first = unload.first();
    first[3] = 0x03;
    assert_eq!(desk.reader.send(&first), hex!("6A86"));
    first = unload.first();
    first[5] = 0x05;
    assert_eq!(desk.reader.send(&first), hex!("9403"));
    assert_eq!(desk.reader.send(&[&unload.first()[..], &[0x0F]].concat()), hex!("6C10"));
    assert_eq!(desk.reader.ok(&[&unload.first()[..], &[0x10]].concat()).len(), 16);
    for (extra, refused) in [(&[0x05][..], hex!("6C04")), (&[0x00, 0x00], hex!("6700"))] {
        let initialized = desk.reader.ok(&unload.first());
        assert_eq!(desk.reader.send(&[&unload.second(&initialized)[..], extra].concat()), refused);
        assert_eq!(desk.reader.send(&unload.second(&initialized)), hex!("6901"));
    }
    for at in 5..16 {
        let initialized = desk.reader.ok(&unload.first());
        let mut second = unload.second(&initialized);
        second[at] ^= 1;
        let status = desk.reader.send(&second);
        assert!(status == hex!("9302") || status == hex!("6A80"), "byte {at}: {status:02X?}");
    }
    assert_eq!(desk.balance(EP), 700);
}

#[test]
fn credit_is_not_paid_out() {
    let mut desk = Desk::with_money(100, 0);
    desk.done(&Deal::new(0x07, 500));
    assert_eq!(desk.run(&Deal::new(0x03, 101)), End::NotBegun(0x9401));
    desk.done(&Deal::new(0x03, 100));
    assert_eq!(desk.run(&Deal::new(0x03, 1)), End::NotBegun(0x9401));
}
