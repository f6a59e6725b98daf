//! EF 0017 and the dates of EF 0015, each rule by itself, as the card enforces them.

use hex_literal::hex;

use super::{
    application::{VALID, VERIFY, application, done, key, protected},
    deal::{Deal, ED, EP},
    desk::{Desk, End, Parameters},
};

/// What a single limit is about: ED and EP purchase, cash withdrawal, compound purchase.
const SPENDING: [u8; 4] = [0x04, 0x05, 0x06, 0x09];
const REFUSED_AT_ONCE: End = End::NotBegun(0x6985);
const REFUSED: End = End::NotCompleted(0x6985);

fn limited(parameters: &Parameters) -> Desk {
    let mut desk = Desk::with_money(10_000, 10_000);
    desk.set(parameters);
    desk
}

#[test]
fn a_status_refuses_every_initialize_but_unload_and_internal_authenticate() {
    for status in [0x01, 0x03, 0x02, 0x80] {
        let mut desk = Desk::with_money(1000, 1000);
        desk.done(&Deal::new(0x06, 10));
        desk.set(&Parameters { status, ..Parameters::default() });
        for transaction_type in [0x01, 0x02, 0x04, 0x05, 0x06, 0x07, 0x09, 0x0A] {
            assert_eq!(desk.run(&Deal::new(transaction_type, 10)), REFUSED_AT_ONCE, "{status} {transaction_type:02X}");
        }
        for id in [0x01, 0x02] {
            assert_eq!(desk.reader.send(&[0x00, 0x88, 0x00, id, 0x01, 0x55]), hex!("6985"));
        }
        assert_eq!((desk.balance(ED), desk.balance(EP)), (1000, 990), "reading is no matter of status");
        assert_eq!(desk.proof(0x06, 1).len(), 10);
        desk.done(&Deal::new(0x0B, 10));
        desk.done(&Deal::new(0x03, 10));
        desk.set(&Parameters::default());
        desk.done(&Deal::new(0x06, 10));
        assert_eq!(desk.reader.ok(&hex!("0088000101 55")).len(), 8);
    }
}

#[test]
fn the_single_maximum() {
    let mut desk = limited(&Parameters { purchase_max: 100, ..Parameters::default() });
    for transaction_type in SPENDING {
        assert_eq!(desk.run(&Deal::new(transaction_type, 101)), REFUSED_AT_ONCE, "{transaction_type:02X}");
        desk.done(&Deal::new(transaction_type, 100));
    }
    for transaction_type in [0x01, 0x02, 0x03, 0x0B, 0x07] {
        desk.done(&Deal::new(transaction_type, 101));
    }
}

#[test]
fn the_pin_threshold() {
    let mut desk = limited(&Parameters { pin_threshold: 100, ..Parameters::default() });
    for transaction_type in SPENDING {
        desk.done(&Deal::new(transaction_type, 101));
    }
    desk.select();
    for transaction_type in [0x06, 0x09] {
        assert_eq!(desk.run(&Deal::new(transaction_type, 101)), REFUSED_AT_ONCE);
        desk.done(&Deal::new(transaction_type, 100));
    }
    desk.done(&Deal::new(0x02, 101));
    // The reading key's state 1 and the control key's F are not the PIN's 2.
    for (id, follow_up) in [(0x01, "reading"), (0x00, "control")] {
        desk.select();
        let challenge = desk.reader.ok(&hex!("0084000008"));
        let cryptogram = super::application::session_key(key(0x39, id), challenge.try_into().unwrap());
        desk.reader.ok(&[&[0x00, 0x82, 0x00, id, 0x08][..], &cryptogram].concat());
        assert_eq!(desk.run(&Deal::new(0x06, 101)), REFUSED_AT_ONCE, "{follow_up}");
    }
    desk.reader.ok(VERIFY);
    desk.done(&Deal::new(0x06, 101));
}

#[test]
fn the_maximum_balance_is_each_purses_own_and_a_matter_of_loads() {
    let mut desk = Desk::new();
    desk.set(&Parameters { balance_max: 1000, ..Parameters::default() });
    for (transaction_type, purchase) in [(0x01, 0x05), (0x02, 0x06)] {
        assert_eq!(desk.run(&Deal::new(transaction_type, 1001)), REFUSED_AT_ONCE);
        desk.done(&Deal::new(transaction_type, 1000));
        assert_eq!(desk.run(&Deal::new(transaction_type, 1)), REFUSED_AT_ONCE);
        desk.done(&Deal::new(transaction_type, 0));
        assert_eq!(desk.run(&Deal::new(transaction_type, u32::MAX)), REFUSED_AT_ONCE);
        desk.done(&Deal::new(purchase, 300));
    }
    desk.set(&Parameters { balance_max: 800, ..Parameters::default() });
    desk.done(&Deal::new(0x0A, 300));
    assert_eq!(desk.balance(EP), 1000, "an undo is no load");
    desk.done(&Deal::new(0x07, 500));
}

#[test]
fn the_daily_maximum_is_both_purses_together() {
    let mut desk = limited(&Parameters { day_total_max: 100, ..Parameters::default() });
    for (transaction_type, amount) in [(0x06, 40), (0x05, 30), (0x09, 20), (0x04, 10)] {
        assert_eq!(desk.run(&Deal::new(transaction_type, 101)), REFUSED_AT_ONCE, "by the amount alone");
        desk.done(&Deal::new(transaction_type, amount));
    }
    assert_eq!(desk.account(), (hex!("20260722"), 100));
    for transaction_type in SPENDING {
        assert_eq!(desk.run(&Deal::new(transaction_type, 1)), REFUSED, "{transaction_type:02X}");
        desk.done(&Deal::new(transaction_type, 0));
    }
    for transaction_type in [0x03, 0x0B, 0x01, 0x02, 0x07] {
        desk.done(&Deal::new(transaction_type, 200));
    }
    assert_eq!(desk.account(), (hex!("20260722"), 100), "no purchase, and a load of the same day");
    let mut desk = desk.power_cycled();
    assert_eq!(desk.run(&Deal::new(0x06, 1)), REFUSED);
    desk.done(&Deal::new(0x06, 100).on(hex!("20260723")));
    assert_eq!(desk.run(&Deal::new(0x05, 1).on(hex!("20260723"))), REFUSED);
}

#[test]
fn a_sum_beyond_32_bits_is_not_a_small_one() {
    let mut desk = Desk::with_money(u32::MAX, u32::MAX);
    desk.done(&Deal::new(0x06, u32::MAX));
    desk.done(&Deal::new(0x05, 1000));
    assert_eq!(desk.account(), (hex!("20260722"), u32::MAX));
    desk.set(&Parameters { day_total_max: u32::MAX - 1, ..Parameters::default() });
    assert_eq!(desk.run(&Deal::new(0x05, 1)), REFUSED);
}

#[test]
fn the_dates_of_the_application() {
    let mut desk = limited(&Parameters::default());
    let [from, to] = VALID;
    for transaction_type in SPENDING {
        assert_eq!(desk.run(&Deal::new(transaction_type, 1).on(hex!("20251231"))), REFUSED);
        desk.done(&Deal::new(transaction_type, 1).on(from));
        desk.done(&Deal::new(transaction_type, 1).on(to));
        assert_eq!(desk.run(&Deal::new(transaction_type, 1).on(hex!("20290101"))), REFUSED);
    }
    desk.done(&Deal::new(0x06, 1));
    desk.done(&Deal::new(0x0A, 1).on(hex!("20290101")));
    for transaction_type in [0x01, 0x02, 0x03, 0x0B, 0x07] {
        desk.done(&Deal::new(transaction_type, 1).on(hex!("20290101")));
    }
}

#[test]
fn an_expired_balance_is_not_spent() {
    let mut desk = limited(&Parameters { expiry: hex!("20260731"), ..Parameters::default() });
    for transaction_type in SPENDING {
        desk.done(&Deal::new(transaction_type, 1).on(hex!("20260731")));
        assert_eq!(desk.run(&Deal::new(transaction_type, 1).on(hex!("20260801"))), REFUSED);
    }
    desk.done(&Deal::new(0x06, 1).on(hex!("20260731")));
    desk.done(&Deal::new(0x0A, 1).on(hex!("20260801")));
    desk.done(&Deal::new(0x0B, 1).on(hex!("20260801")));
    // A load tells the card that the day has come; a clock turned back gains nothing from then on.
    desk.done(&Deal::new(0x02, 1).on(hex!("20260801")));
    for transaction_type in SPENDING {
        assert_eq!(desk.run(&Deal::new(transaction_type, 1).on(hex!("20260730"))), REFUSED);
    }
}

#[test]
fn a_version_other_than_02_is_a_plain_wallet() {
    let mut desk = Desk::insert(application(0x01));
    let strict = Parameters {
        status: 0x03,
        expiry: hex!("20200101"),
        balance_max: 1,
        purchase_max: 1,
        day_total_max: 1,
        pin_threshold: 1,
    };
    desk.set(&strict);
    let written = hex!("20200202 00000007");
    done(&protected(&mut desk.reader, 0x00, hex!("04D6971C"), &written));
    for transaction_type in [0x01, 0x02, 0x04, 0x05, 0x06] {
        desk.done(&Deal::new(transaction_type, 100).on(hex!("20990101")));
        if transaction_type == 0x02 {
            desk.done(&Deal::new(0x01, 100));
        }
    }
    desk.done(&Deal::new(0x0A, 100));
    assert_eq!(desk.reader.ok(&hex!("0088000101 55")).len(), 8);
    assert_eq!(desk.account(), (hex!("20200202"), 7), "a file like any other");
}
