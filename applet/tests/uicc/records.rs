//! Records and bodies: SEARCH RECORD, cyclic files, and the edges of READ and UPDATE.

use hex_literal::hex;

use super::sim::{PIN1, Phone, sim};

/// EF LND: five records of 28 bytes.
const CYCLIC_RECORDS: u8 = 5;
const CYCLIC_LEN: usize = 28;
/// EF SMS: ten records of 176 bytes.
const SMS_RECORDS: u8 = 10;
const SMS_LEN: usize = 176;

fn open() -> Phone {
    let mut sim = sim();
    assert_eq!(sim.pin(0x20, 0x01, &PIN1), 0x9000);
    sim
}

fn in_telecom(fid: u16) -> Phone {
    let mut sim = open();
    sim.select(0x7F10);
    sim.select(fid);
    sim
}

fn command(header: [u8; 4], data: &[u8]) -> Vec<u8> {
    [&header[..], &[data.len() as u8], data].concat()
}

fn read(sim: &mut Phone, number: u8, mode: u8) -> Result<Vec<u8>, [u8; 2]> {
    let mut answer = sim.send(&[0x00, 0xB2, number, mode, 0x00]);
    let status = answer.split_off(answer.len() - 2).try_into().unwrap();
    if status == [0x90, 0x00] { Ok(answer) } else { Err(status) }
}

/// Writes `SMS_RECORDS` records: the number at 0, `E5` at its own number, the number again behind it.
fn filled() -> Phone {
    let mut sim = in_telecom(0x6F3C);
    for number in 1..=SMS_RECORDS {
        let mut record = vec![0xFF; SMS_LEN];
        let at = usize::from(number);
        (record[0], record[at], record[at + 1]) = (number % 3, 0xE5, number);
        sim.ok(&command([0x00, 0xDC, number, 0x04], &record));
    }
    sim
}

fn search(sim: &mut Phone, p1: u8, p2: u8, data: &[u8]) -> Result<Vec<u8>, [u8; 2]> {
    let mut answer = sim.send(&command([0x00, 0xA2, p1, p2], data));
    let status = answer.split_off(answer.len() - 2).try_into().unwrap();
    if status == [0x90, 0x00] { Ok(answer) } else { Err(status) }
}

#[test]
fn search_record_in_every_mode() {
    let mut sim = filled();
    for (p1, p2, data, found) in [
        // Simple: at the record's beginning, forward and backward from P1.
        (1, 0x04, &[0x00][..], Ok(&[3, 6, 9][..])),
        (4, 0x04, &[0x00], Ok(&[6, 9])),
        (9, 0x04, &[0x00], Ok(&[9])),
        (10, 0x04, &[0x00], Err(hex!("6282"))),
        (10, 0x05, &[0x00], Ok(&[9, 6, 3])),
        (6, 0x05, &[0x00], Ok(&[6, 3])),
        (2, 0x05, &[0x00], Err(hex!("6282"))),
        (1, 0x04, &hex!("01E501"), Ok(&[1])),
        (1, 0x04, &hex!("77"), Err(hex!("6282"))),
        // Enhanced, at an offset: all have E5 at their own number, and itself behind that.
        (1, 0x06, &hex!("0404 E504"), Ok(&[4])),
        (1, 0x06, &hex!("0405 E504"), Err(hex!("6282"))),
        (10, 0x06, &hex!("0500 00"), Ok(&[9, 6, 3])),
        // Enhanced, behind the first byte of a value.
        (1, 0x06, &hex!("0CE5 07FF"), Ok(&[7])),
        (8, 0x06, &hex!("0CE5 07FF"), Err(hex!("6282"))),
        (10, 0x06, &hex!("0DE5 07"), Ok(&[7])),
        // Behind the record's last byte there is nothing.
        (1, 0x06, &hex!("04AF FF"), Ok(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10])),
        (1, 0x06, &hex!("04AF FFFF"), Err(hex!("6282"))),
        (1, 0x06, &hex!("04B0 FF"), Err(hex!("6282"))),
        (1, 0x06, &hex!("04FF FF"), Err(hex!("6282"))),
        // What says nothing.
        (11, 0x04, &hex!("00"), Err(hex!("6A83"))),
        (1, 0x04, &hex!(""), Err(hex!("6700"))),
        (1, 0x06, &hex!("04"), Err(hex!("6700"))),
        (1, 0x06, &hex!("0400"), Err(hex!("6700"))),
        (1, 0x06, &hex!("0300 00"), Err(hex!("6A80"))),
        (1, 0x06, &hex!("1400 00"), Err(hex!("6A80"))),
        (1, 0x07, &hex!("00"), Err(hex!("6A86"))),
        (1, 0x02, &hex!("00"), Err(hex!("6A86"))),
        (1, 0x04, &[0x00; SMS_LEN + 1], Err(hex!("6700"))),
    ] {
        assert_eq!(search(&mut sim, p1, p2, data), found.map(<[u8]>::to_vec), "{p1:02X} {p2:02X} {data:02X?}");
    }
    sim.select(0x6F43);
    assert_eq!(search(&mut sim, 1, 0x04, &[0]), Err(hex!("6981")));
    sim.select(0x3F00);
    assert_eq!(search(&mut sim, 1, 0x04, &[0]), Err(hex!("6986")));
    assert_eq!(search(&mut sim, 1, 0xF4, &hex!("61")), Ok(vec![1]), "by SFI, which becomes current");
    assert_eq!(sim.ok(&hex!("00B2010426")).len(), 38);
}

/// The first record found becomes current, and is where "next", "previous" and a search from the current one begin.
#[test]
fn a_record_found_becomes_current() {
    let mut sim = filled();
    assert_eq!(search(&mut sim, 0, 0x04, &[0]), Err(hex!("6A83")), "there is no current one yet");
    assert_eq!(search(&mut sim, 0, 0x06, &hex!("0600 00")), Ok(vec![3, 6, 9]), "next, from none: from the first");
    assert_eq!(read(&mut sim, 0, 0x04).unwrap()[4], 3, "the first found is current");
    assert_eq!(search(&mut sim, 0, 0x06, &hex!("0600 00")), Ok(vec![6, 9]));
    assert_eq!(search(&mut sim, 0, 0x04, &[0]), Ok(vec![6, 9]), "from the current one on");
    assert_eq!(read(&mut sim, 0, 0x02).unwrap()[8], 7);
    assert_eq!(search(&mut sim, 0, 0x06, &hex!("0700 00")), Ok(vec![6, 3]), "previous");
    assert_eq!(search(&mut sim, 0, 0x04, &hex!("55")), Err(hex!("6282")));
    assert_eq!(read(&mut sim, 0, 0x04).unwrap()[7], 6, "nothing found leaves it");
    // From none backwards: from the last.
    sim.select(0x6F3C);
    assert_eq!(search(&mut sim, 0, 0x06, &hex!("0700 00")), Ok(vec![9, 6, 3]));
    let mut wrong = command([0x00, 0xA2, 1, 0x04], &[0]);
    wrong.push(2);
    assert_eq!(sim.send(&wrong), hex!("6C03"));
    assert_eq!(read(&mut sim, 0, 0x04).unwrap()[10], 9, "nor does a wrong Le");
}

#[test]
fn searching_needs_the_right_to_read() {
    let mut sim = sim();
    sim.select(0x7F10);
    sim.select(0x6F3C);
    assert_eq!(search(&mut sim, 1, 0x04, &[0xFF]), Err(hex!("6982")));
}

fn dialled(number: u8) -> [u8; CYCLIC_LEN] {
    [number; CYCLIC_LEN]
}

#[test]
fn of_a_cyclic_file_the_newest_record_is_the_first() {
    let mut sim = in_telecom(0x6F44);
    for written in 1..=12_u8 {
        sim.ok(&command([0x00, 0xDC, 0x00, 0x03], &dialled(written)));
        assert_eq!(read(&mut sim, 0, 0x04).unwrap(), dialled(written), "the new record is current");
        for number in 1..=CYCLIC_RECORDS {
            let expected = (written + 1).checked_sub(number).filter(|written| *written != 0);
            assert_eq!(read(&mut sim, number, 0x04).unwrap(), dialled(expected.unwrap_or(0xFF)), "{written} {number}");
        }
    }
    // Power-off keeps the order, and no current record.
    let mut sim = Phone::insert(sim.remove());
    assert_eq!(sim.pin(0x20, 0x01, &PIN1), 0x9000);
    sim.select(0x7F10);
    sim.select(0x6F44);
    assert_eq!(read(&mut sim, 0, 0x04), Err(hex!("6A83")));
    // Next goes from the newest to the oldest and round, previous the other way.
    let next: Vec<u8> = (0..7).map(|_| read(&mut sim, 0, 0x02).unwrap()[0]).collect();
    assert_eq!(next, [12, 11, 10, 9, 8, 12, 11]);
    let previous: Vec<u8> = (0..4).map(|_| read(&mut sim, 0, 0x03).unwrap()[0]).collect();
    assert_eq!(previous, [12, 8, 9, 10]);
    sim.select(0x6F44);
    assert_eq!(read(&mut sim, 0, 0x03).unwrap()[0], 8, "previous, from none: the oldest");
    assert_eq!(search(&mut sim, 1, 0x04, &[10]), Ok(vec![3]));
    for (p1, p2) in [(1, 0x04), (0, 0x04), (0, 0x02), (1, 0x03)] {
        assert_eq!(sim.status(&command([0x00, 0xDC, p1, p2], &dialled(0x77))), 0x6981, "{p1:02X} {p2:02X}");
    }
    assert_eq!(sim.status(&command([0x00, 0xDC, 0, 0x03], &dialled(0x77)[1..])), 0x6700);
    assert_eq!(read(&mut sim, 1, 0x04).unwrap()[0], 12, "nothing of that was written");
    assert_eq!(read(&mut sim, 6, 0x04), Err(hex!("6A83")));
    // Class A0 sees the same.
    sim.ok(&hex!("A0A40000023F00"));
    sim.ok(&hex!("A0A40000027F10"));
    assert_eq!(sim.ok(&hex!("A0A40000026F44"))[13..], hex!("031C"));
    assert_eq!(sim.ok(&hex!("A0B201041C"))[0], 12);
    sim.ok(&command(hex!("A0DC0003"), &dialled(13)));
    assert_eq!(sim.ok(&hex!("A0B201041C"))[0], 13);
}

#[test]
fn of_a_linear_file_next_and_previous_end() {
    let mut sim = filled();
    assert_eq!(read(&mut sim, 0, 0x03).unwrap()[11], 10, "previous, from none: the last");
    assert_eq!(read(&mut sim, 0, 0x02), Err(hex!("6A83")));
    assert_eq!(read(&mut sim, 0, 0x04).unwrap()[11], 10, "a refusal leaves the current one");
    sim.select(0x6F3C);
    assert_eq!(read(&mut sim, 0, 0x02).unwrap()[2], 1, "next, from none: the first");
    assert_eq!(read(&mut sim, 0, 0x03), Err(hex!("6A83")));
    assert_eq!(read(&mut sim, 5, 0x04).unwrap()[6], 5);
    assert_eq!(read(&mut sim, 0, 0x04).unwrap()[2], 1, "one named by its number does not become current");
    for (p1, p2) in [(1, 0x02), (1, 0x03), (1, 0x00), (1, 0x05)] {
        assert_eq!(read(&mut sim, p1, p2), Err(hex!("6A86")), "{p1:02X} {p2:02X}");
    }
    assert_eq!(read(&mut sim, 0xFF, 0x04), Err(hex!("6A83")));
    // UPDATE moves as READ does.
    sim.ok(&command([0x00, 0xDC, 0x00, 0x02], &[0x22; SMS_LEN]));
    assert_eq!(read(&mut sim, 2, 0x04).unwrap(), [0x22; SMS_LEN]);
    sim.ok(&command([0x00, 0xDC, 0x00, 0x03], &[0x11; SMS_LEN]));
    assert_eq!(read(&mut sim, 1, 0x04).unwrap(), [0x11; SMS_LEN]);
    assert_eq!(sim.status(&command([0x00, 0xDC, 0x00, 0x03], &[0x33; SMS_LEN])), 0x6A83);
    sim.ok(&command([0x00, 0xDC, 0x00, 0x04], &[0x44; SMS_LEN]));
    assert_eq!(read(&mut sim, 1, 0x04).unwrap(), [0x44; SMS_LEN]);
    for (p1, p2, length, status) in [
        (1, 0x04, SMS_LEN - 1, 0x6700),
        (1, 0x04, SMS_LEN + 1, 0x6700),
        (11, 0x04, SMS_LEN, 0x6A83),
        (1, 0x02, SMS_LEN, 0x6A86),
        (1, 0x07, SMS_LEN, 0x6A86),
    ] {
        assert_eq!(sim.status(&command([0x00, 0xDC, p1, p2], &vec![0x55; length])), status, "{p1} {p2} {length}");
    }
    let mut with_le = command([0x00, 0xDC, 1, 0x04], &[0x55; SMS_LEN]);
    with_le.push(0);
    assert_eq!(sim.status(&with_le), 0x6700);
    assert_eq!(read(&mut sim, 1, 0x04).unwrap(), [0x44; SMS_LEN]);
    assert_eq!(sim.status(&hex!("00B2010401")), 0x6CB0);
    assert_eq!(sim.status(&hex!("00B0000001")), 0x6981, "a file of records has no offsets");
}

/// EF Keys: 33 bytes.
#[test]
fn read_and_update_binary_at_the_edges() {
    const LEN: u8 = 33;
    let mut sim = open();
    sim.select_usim();
    sim.select(0x6F08);
    let whole: Vec<u8> = (1..=LEN).collect();
    sim.ok(&command([0x00, 0xD6, 0x00, 0x00], &whole));
    for (command, answer) in [
        (hex!("00B0000000"), Ok(&whole[..])),
        (hex!("00B0000021"), Ok(&whole)),
        (hex!("00B0002001"), Ok(&whole[32..])),
        (hex!("00B0002000"), Ok(&whole[32..])),
        (hex!("00B0000022"), Err(hex!("6C21"))),
        (hex!("00B0002002"), Err(hex!("6C01"))),
        (hex!("00B0002101"), Err(hex!("6B00"))),
        (hex!("00B0002100"), Err(hex!("6B00"))),
        (hex!("00B07FFF01"), Err(hex!("6B00"))),
        // By SFI 08, which has an offset of one byte.
        (hex!("00B0882001"), Ok(&whole[32..])),
        (hex!("00B0882101"), Err(hex!("6B00"))),
        (hex!("00B09F0001"), Err(hex!("6A82"))),
        (hex!("00B0A80001"), Err(hex!("6A86"))),
        (hex!("00B0C80001"), Err(hex!("6A86"))),
    ] {
        let mut answered = sim.send(&command);
        let status: [u8; 2] = answered.split_off(answered.len() - 2).try_into().unwrap();
        let answered = if status == hex!("9000") { Ok(&answered[..]) } else { Err(status) };
        assert_eq!(answered, answer, "{command:02X?}");
    }
    for (p1, p2, data, status) in [
        (0x00, 0x20, &[0x77][..], 0x9000),
        (0x88, 0x1F, &[0x66, 0x77], 0x9000),
        (0x00, 0x20, &[0x55; 2], 0x6700),
        (0x00, 0x00, &[0x55; 34], 0x6700),
        (0x00, 0x21, &[0x55], 0x6B00),
        (0x7F, 0xFF, &[0x55], 0x6B00),
        (0x88, 0x21, &[0x55], 0x6B00),
        (0x00, 0x00, &[], 0x6700),
        (0x9F, 0x00, &[0x55], 0x6A82),
        (0xA8, 0x00, &[0x55], 0x6A86),
    ] {
        let bare = command([0x00, 0xD6, p1, p2], data);
        let bare = if data.is_empty() { &bare[..4] } else { &bare };
        assert_eq!(sim.status(bare), status, "{p1:02X}{p2:02X} {data:02X?}");
        if status == 0x6A82 {
            sim.select(0x6F08);
        }
    }
    let expected = [&whole[..31], &[0x66, 0x77]].concat();
    assert_eq!(sim.ok(&hex!("00B0000000")), expected);
    // A wrong Le of an UPDATE, an EF of constants, no EF.
    assert_eq!(sim.status(&hex!("00D60000015500")), 0x6700);
    assert_eq!(sim.ok(&hex!("00B0000000")), expected);
    assert_eq!(sim.status(&command([0x00, 0xDC, 0x01, 0xBC], &[0xFF; 24])), 0x6982, "EF ARR by its SFI 17");
    sim.select(0x7FFF);
    assert_eq!(sim.status(&hex!("00B0000001")), 0x6986);
    assert_eq!(sim.status(&hex!("00D600000155")), 0x6986);
}
