//! What may follow what: each transaction's own second command, and nothing between.

use hex_literal::hex;

use super::{
    deal::Deal,
    desk::{Desk, End},
};

const ALL: [u8; 10] = [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x09, 0x0A, 0x0B];

/// Ready for each of them: an undo needs a purchase before it.
fn ready() -> Desk {
    let mut desk = Desk::with_money(500, 500);
    desk.done(&Deal::new(0x06, 10));
    desk
}

#[test]
fn a_second_command_completes_its_own_transaction_alone() {
    for begun in ALL {
        for ended in ALL {
            let mut desk = ready();
            let (begun, ended) = (Deal::new(begun, 10), Deal::new(ended, 10));
            let other = desk.reader.ok(&ended.first());
            let initialized = desk.reader.ok(&begun.first());
            let status = desk.reader.send(&ended.second(&other));
            let kind = |deal: &Deal, initialized: &[u8]| deal.second(initialized)[1..4].to_vec();
            let same_form = kind(&begun, &initialized) == kind(&ended, &other);
            let name = format!("{:02X} then {:02X}", begun.transaction_type, ended.transaction_type);
            // The random of this chip is always the same, so the same transaction of the same purse is completed.
            let completed = begun.transaction_type == ended.transaction_type;
            match (completed, same_form) {
                (true, _) => assert!(status.ends_with(&hex!("9000")), "{name}"),
                (false, true) => assert_eq!(status, hex!("9302"), "{name}"),
                (false, false) => assert_eq!(status, hex!("6901"), "{name}"),
            }
            assert_eq!(desk.reader.send(&begun.second(&initialized)), hex!("6901"), "{name}: over");
        }
    }
}

#[test]
fn any_command_between_ends_it() {
    for begun in ALL {
        let between: [&[u8]; 7] = [
            &hex!("805C000204"),
            &hex!("0084000004"),
            &hex!("00B0950000"),
            &hex!("80FF0000"),
            &hex!("00"),
            &hex!("805009020B 01 00000001 001122334455"),
            &hex!("80DCAAE007 AA 05 01 11111111"),
        ];
        for between in between {
            if begun == 0x09 && between.get(1) == Some(&0xDC) {
                continue;
            }
            let mut desk = ready();
            let deal = Deal::new(begun, 10);
            let initialized = desk.reader.ok(&deal.first());
            desk.reader.send(between);
            assert_eq!(desk.reader.send(&deal.second(&initialized)), hex!("6901"), "{begun:02X} {between:02X?}");
        }
    }
}

#[test]
fn every_transaction_ends_at_the_last_sequence() {
    let mut desk = ready();
    // The purse's newest cell is the image's only place with its balance and sequences; both are set to their ends.
    desk.done(&Deal::new(0x0B, 0x0102));
    let mut chip = desk.reader.remove();
    let cell = hex!("000000E8 0002 0001 000000");
    let at = chip.bytes.windows(cell.len()).rposition(|bytes| bytes == cell).unwrap();
    chip.bytes[at + 4..at + 8].fill(0xFF);
    // The journal would write the old cell out again.
    chip.bytes[64..64 + 8 * 512].fill(0);
    let mut desk = Desk::insert(chip);
    for transaction_type in [0x02, 0x06, 0x09, 0x0A, 0x0B] {
        assert_eq!(desk.run(&Deal::new(transaction_type, 0)), End::NotBegun(0x9402), "{transaction_type:02X}");
    }
}

#[test]
fn nothing_is_served_in_a_blocked_application_and_a_directory_without_purses() {
    let mut desk = ready();
    desk.reader.ok(&hex!("00A40000023F00"));
    for transaction_type in ALL {
        assert_eq!(desk.reader.send(&Deal::new(transaction_type, 1).first()), hex!("6A82"), "{transaction_type:02X}");
    }
    desk.select();
    let answer = super::application::protected(&mut desk.reader, 0x00, hex!("841E0000"), &[]);
    super::application::done(&answer);
    for transaction_type in ALL {
        assert_eq!(desk.reader.send(&Deal::new(transaction_type, 1).first()), hex!("6A81"), "{transaction_type:02X}");
    }
}
