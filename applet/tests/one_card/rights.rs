//! Files 0015 to 001C: who reads, who writes, and that the logs only grow, by their own keys.

use hex_literal::hex;

use super::{
    application::{VERIFY, done, key, protected, session_key},
    deal::Deal,
    desk::Desk,
};

const ATTENDANCE: [u8; 16] = hex!("001122334455 20260722 134600 01 0001");

fn desk() -> Desk {
    let mut desk = Desk::with_money(10, 10);
    done(&protected(&mut desk.reader, 0x02, hex!("04E200D4"), &ATTENDANCE));
    done(&protected(&mut desk.reader, 0x03, hex!("04E200DC"), &ATTENDANCE));
    desk.select();
    desk
}

#[test]
fn reading() {
    let mut desk = desk();
    let free = [hex!("00B0950000"), hex!("00B0970000"), hex!("00B0990000"), hex!("00B201E400")];
    let guarded = [hex!("00B0960000"), hex!("00B201C400"), hex!("00B201D400"), hex!("00B201DC00")];
    for command in free {
        desk.reader.ok(&command);
    }
    for command in guarded {
        assert_eq!(desk.reader.send(&command), hex!("6982"), "{command:02X?}");
        let [_, ins, p1, p2, _] = command;
        let answer = protected(&mut desk.reader, 0x00, [0x04, ins, p1, p2], &[]);
        assert!(answer.ends_with(&hex!("9000")), "a MAC is enough: {command:02X?}");
        for other_key in [0x02, 0x03] {
            assert_eq!(protected(&mut desk.reader, other_key, [0x04, ins, p1, p2], &[]), hex!("6988"));
        }
    }
    desk.reader.ok(VERIFY);
    guarded.iter().for_each(|command| drop(desk.reader.ok(command)));
    desk.select();
    authenticate(&mut desk, 0x01);
    guarded.iter().for_each(|command| drop(desk.reader.ok(command)));
}

#[test]
fn writing_wants_the_maintenance_key() {
    let mut desk = desk();
    for (header, data) in [
        (hex!("04D69514"), &hex!("20260101")[..]),
        (hex!("04D69600"), &hex!("0102")),
        (hex!("04D69700"), &hex!("00")),
        (hex!("04D69900"), &hex!("FFFF")),
        (hex!("04DC01E4"), &hex!("AA 05 00 22222222")),
    ] {
        for with_state in [false, true] {
            if with_state {
                authenticate(&mut desk, 0x00);
            }
            let [_, ins, p1, p2] = header;
            let clear = [&[0x00, ins, p1, p2, data.len() as u8][..], data].concat();
            assert_eq!(desk.reader.send(&clear), hex!("6987"), "{header:02X?}");
            for other_key in [0x02, 0x03] {
                assert_eq!(protected(&mut desk.reader, other_key, header, data), hex!("6988"), "{header:02X?}");
            }
        }
        done(&protected(&mut desk.reader, 0x00, header, data));
        desk.select();
    }
}

#[test]
fn nobody_writes_the_transaction_log() {
    let mut desk = desk();
    let record = Deal::new(0x06, 1).log(9, 0);
    for id in [0x00, 0x01] {
        authenticate(&mut desk, id);
        for [ins, p1, p2] in [[0xE2, 0x00, 0xC4], [0xE2, 0x00, 0xC0], [0xDC, 0x00, 0xC3], [0xDC, 0x01, 0xC4]] {
            let clear = [&[0x00, ins, p1, p2, 0x17][..], &record].concat();
            assert_eq!(desk.reader.send(&clear), hex!("6982"));
            for key_id in [0x00, 0x02, 0x03] {
                assert_eq!(protected(&mut desk.reader, key_id, [0x04, ins, p1, p2], &record), hex!("6982"));
            }
        }
    }
}

#[test]
fn the_logs_of_doors_grow_by_their_own_key_and_nothing_is_changed_in_them() {
    for (p2, own_key) in [(0xD4, 0x02), (0xDC, 0x03)] {
        let mut desk = desk();
        let mut second = ATTENDANCE;
        second[15] = 2;
        authenticate(&mut desk, 0x00);
        let clear = [&[0x00, 0xE2, 0x00, p2, 0x10][..], &second].concat();
        assert_eq!(desk.reader.send(&clear), hex!("6987"));
        for key_id in [0x00, 0x01, 0x02, 0x03].into_iter().filter(|id| *id != own_key) {
            let answer = protected(&mut desk.reader, key_id, [0x04, 0xE2, 0x00, p2], &second);
            assert_eq!(answer, hex!("6988"), "{key_id}");
        }
        for (p1, low) in [(0x01, 0x04), (0x02, 0x04), (0x00, 0x02), (0x01, 0x00)] {
            let header = [0x04, 0xDC, p1, p2 & 0xF8 | low];
            assert_eq!(protected(&mut desk.reader, own_key, header, &second), hex!("6A86"), "{p1} {low}");
        }
        done(&protected(&mut desk.reader, own_key, [0x04, 0xE2, 0x00, p2], &second));
        assert_eq!(desk.reader.ok(&[0x00, 0xB2, 0x01, p2, 0x00]), second);
        assert_eq!(desk.reader.ok(&[0x00, 0xB2, 0x02, p2, 0x00]), ATTENDANCE);
        assert_eq!(protected(&mut desk.reader, own_key, hex!("841E0000"), &[]), hex!("6988"), "it blocks nothing");
    }
}

/// Leaves the state of key 39 `id`: F of the control key, 1 of the reading key.
fn authenticate(desk: &mut Desk, id: u8) {
    let challenge = desk.reader.ok(&hex!("0084000008"));
    let cryptogram = session_key(key(0x39, id), challenge.try_into().unwrap());
    desk.reader.ok(&[&[0x00, 0x82, 0x00, id, 0x08][..], &cryptogram].concat());
}
