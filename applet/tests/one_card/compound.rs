//! Compound purchase: records change with the balance or not at all, and only those a purchase may change.

use hex_literal::hex;

use super::{
    application::{LOCKED, OPEN, SECOND, application, done, protected},
    deal::{Deal, EP},
    desk::{Desk, End, Parameters},
};

const NEW: [u8; 7] = hex!("AA 05 00 22222222");

fn by_tag(record: &[u8]) -> Vec<u8> {
    [&[0x80, 0xDC, record[0], 0xE0, record.len() as u8], record].concat()
}

fn record(desk: &mut Desk, number: u8) -> Vec<u8> {
    desk.reader.ok(&[0x00, 0xB2, number, 0xE4, 0x00])
}

#[test]
fn records_and_balance_change_together() {
    let mut desk = Desk::with_money(0, 1000);
    let by_number = hex!("80DC03E405 CC 03 00 4444");
    desk.done(&Deal::new(0x09, 300).caching(&by_tag(&NEW)).caching(&by_number));
    let mut desk = desk.power_cycled();
    assert_eq!(desk.balance(EP), 700);
    assert_eq!((record(&mut desk, 1), record(&mut desk, 3)), (NEW.to_vec(), hex!("CC 03 00 4444").to_vec()));
    assert_eq!(record(&mut desk, 2), LOCKED);
    assert_eq!(desk.proof(0x06, 1), desk.proof(0x09, 1), "some terminals ask by the type of a plain purchase");
    assert_eq!(desk.proof(0x06, 1).len(), 10);
    desk.done(&Deal::new(0x09, 0));
    desk.done(&Deal::new(0x06, 10));
    assert_eq!(desk.proof(0x09, 3), hex!("9406"), "a plain purchase is no compound one");
}

#[test]
fn the_last_of_two_for_one_record_stays() {
    let mut desk = Desk::with_money(0, 1000);
    desk.done(&Deal::new(0x09, 0).caching(&by_tag(&hex!("AA 05 00 33333333"))).caching(&by_tag(&NEW)));
    assert_eq!(record(&mut desk, 1), NEW);
}

#[test]
fn nothing_changes_before_the_debit_nor_by_a_refused_one() {
    let mut desk = Desk::with_money(0, 1000);
    let deal = Deal::new(0x09, 300).caching(&by_tag(&NEW));
    let initialized = desk.reader.ok(&deal.first());
    desk.reader.ok(&deal.cached[0]);
    let mut wrong = deal.second(&initialized);
    wrong[19] ^= 1;
    assert_eq!(desk.reader.send(&wrong), hex!("9302"));
    assert_eq!((record(&mut desk, 1), desk.balance(EP)), (OPEN.to_vec(), 1000));
    desk.reader.ok(&deal.first());
    desk.reader.ok(&deal.cached[0]);
    let mut desk = desk.power_cycled();
    assert_eq!(record(&mut desk, 1), OPEN);
    desk.set(&Parameters { day_total_max: 400, ..Parameters::default() });
    desk.done(&Deal::new(0x06, 200));
    assert_eq!(desk.run(&deal), End::NotCompleted(0x6985));
    assert_eq!(record(&mut desk, 1), OPEN);
    desk.done(&Deal::new(0x09, 200));
    assert_eq!(record(&mut desk, 1), OPEN, "what another purchase cached is forgotten");
}

#[test]
fn each_refusal_of_a_record_ends_the_purchase() {
    let mut desk = Desk::with_money(0, 1000);
    for (command, word) in [
        (&hex!("80DCAAE1 07 AA 05 00 22222222")[..], 0x6A86),
        (&hex!("80DCAAE3 07 AA 05 00 22222222"), 0x6A86),
        (&hex!("80DCAAE0"), 0x6700),
        (&hex!("80DCAAE0 07 AA 05 00 22222222 00"), 0x6700),
        (&hex!("80DCAAE8 07 AA 05 00 22222222"), 0x6A82),
        (&hex!("80DC01B4 07 AA 05 00 22222222"), 0x6981),
        (&hex!("80DC01C4 07 AA 05 00 22222222"), 0x6981),
        (&hex!("80DC01D4 10 00112233445520260722134600010001"), 0x6981),
        (&hex!("80DCDDE0 07 DD 05 00 22222222"), 0x6A83),
        (&hex!("80DC04E4 07 AA 05 00 22222222"), 0x6A83),
        (&hex!("80DCBBE0 05 BB 03 00 3333"), 0x9407),
        (&hex!("80DC02E4 05 BB 03 00 3333"), 0x9407),
        (&hex!("80DCAAE0 08 AA 06 00 2222222222"), 0x6A84),
        (&hex!("80DCAAE0 06 AA 04 00 222222"), 0x6700),
        (&hex!("80DCAAE0 07 AA 04 00 22222222"), 0x6A80),
        (&hex!("80DCAAE0 07 CC 05 00 22222222"), 0x6A80),
        (&hex!("84DCAAE0 07 AA 05 00 22222222"), 0x6E00),
    ] {
        let deal = Deal::new(0x09, 300).caching(command);
        assert_eq!(desk.run(&deal), End::NotCached(word), "{command:02X?}");
        let initialized = desk.reader.ok(&deal.first());
        desk.reader.send(command);
        assert_eq!(desk.reader.send(&deal.second(&initialized)), hex!("6901"));
    }
    assert_eq!(desk.reader.send(&by_tag(&NEW)), hex!("6901"), "no compound purchase was begun");
    assert_eq!([record(&mut desk, 1), record(&mut desk, 2), record(&mut desk, 3)], [OPEN, LOCKED, SECOND]);
}

#[test]
fn a_record_can_be_locked_by_its_new_content_and_opened_by_the_maintenance_key_alone() {
    let mut desk = Desk::with_money(0, 1000);
    desk.done(&Deal::new(0x09, 1).caching(&by_tag(&hex!("AA 05 01 22222222"))));
    assert_eq!(desk.run(&Deal::new(0x09, 1).caching(&by_tag(&NEW))), End::NotCached(0x9407));
    done(&protected(&mut desk.reader, 0x00, hex!("04DC01E4"), &NEW));
    desk.done(&Deal::new(0x09, 1).caching(&by_tag(OPEN)));
}

/// 384 bytes of records and 3 beside each.
#[test]
fn a_transaction_caches_so_much_and_no_more() {
    let mut desk = Desk::with_money(0, 1000);
    let long = |byte| [&hex!("EE BB 00")[..], &[byte; 0xBA]].concat();
    done(&protected(&mut desk.reader, 0x00, hex!("04E200E4"), &long(0x00)));
    // 189 + 3, twice: 384.
    let full = Deal::new(0x09, 1).caching(&by_tag(&long(0x01))).caching(&by_tag(&long(0x02)));
    desk.done(&full);
    assert_eq!(record(&mut desk, 4), long(0x02));
    assert_eq!(desk.run(&full.caching(&by_tag(SECOND))), End::NotCached(0x6A84));
    let many = (0..48).fold(Deal::new(0x09, 1), |deal, _| deal.caching(&by_tag(SECOND)));
    desk.done(&many);
    assert_eq!(desk.run(&many.caching(&by_tag(SECOND))), End::NotCached(0x6A84));
}

/// Fixed records by number; a write right that no state meets; a file that takes enciphered writes alone.
#[test]
fn files_other_than_001c_of_a_plain_wallet() {
    let mut desk = with_other_files(0x01);
    desk.done(&Deal::new(0x09, 1).caching(&hex!("80DC011C 07 AA 05 00 22222222")));
    assert_eq!(desk.reader.ok(&hex!("00B2011C00")), NEW);
    for (command, word) in [
        (hex!("80DC021C 07 AA 05 00 22222222"), 0x6A83),
        (hex!("80DCAA18 07 AA 05 00 22222222"), 0x6A86),
        (hex!("80DC0124 07 AA 05 00 22222222"), 0x6982),
        (hex!("80DC012C 07 AA 05 00 22222222"), 0x6987),
    ] {
        assert_eq!(desk.run(&Deal::new(0x09, 1).caching(&command)), End::NotCached(word), "{command:02X?}");
    }
}

/// Nobody signs what a till caches, so a right that is free to other commands does not open a file to it.
#[test]
fn a_compound_purchase_of_the_profile_reaches_001c_alone() {
    let mut desk = with_other_files(0x02);
    for (command, number, record) in [
        (hex!("80DC011C 07 AA 05 00 22222222"), 0x1C, OPEN),
        (hex!("80DC0134 07 AA 05 00 22222222"), 0x34, OPEN),
        (hex!("80DCAA30 07 AA 05 00 22222222"), 0x34, OPEN),
    ] {
        let deal = Deal::new(0x09, 1).caching(&command);
        assert_eq!(desk.run(&deal), End::NotCached(0x6982), "{command:02X?}");
        let initialized = desk.reader.ok(&deal.first());
        desk.reader.send(&command);
        assert_eq!(desk.reader.send(&deal.second(&initialized)), hex!("6901"));
        assert_eq!(desk.reader.ok(&[0x00, 0xB2, 0x01, number, 0x00]), record);
    }
    desk.done(&Deal::new(0x09, 1).caching(&by_tag(&NEW)));
    assert_eq!(record(&mut desk, 1), NEW);
}

/// An application of `version` with money and four files more: SFI 03 of fixed records and SFI 06 of variable ones, both
/// written by anybody and with one record; SFI 04, written by nobody; SFI 05, written enciphered.
fn with_other_files(version: u8) -> Desk {
    let mut desk = Desk::insert(application(version));
    desk.done(&Deal::new(0x02, 1000));
    let challenge = desk.reader.ok(&hex!("0084000008"));
    let control = super::application::key(0x39, 0x00);
    let cryptogram = super::application::session_key(control, challenge.try_into().unwrap());
    desk.reader.ok(&[&hex!("0082000008")[..], &cryptogram].concat());
    desk.reader.ok(&hex!("80E0000307 2A 0207 F0 F0 FF FF"));
    desk.reader.ok(&hex!("80E0000407 2C 0040 F0 EF FF FF"));
    desk.reader.ok(&hex!("80E0000507 6C 0040 F0 F0 FF FF"));
    desk.reader.ok(&hex!("80E0000607 2C 0040 F0 F0 FF FF"));
    desk.select_with_pin();
    for append in [hex!("00E2001C 07"), hex!("00E20034 07")] {
        desk.reader.ok(&[&append[..], OPEN].concat());
    }
    desk
}
