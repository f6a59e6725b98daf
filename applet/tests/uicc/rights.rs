//! Every file, every right, every state of the PINs: what EF ARR says is what the card does.

use std::collections::BTreeMap;

use super::sim::{ADM1, Chip, DATA, PIN1, PIN2, Phone, USIM_AID, delivered};

const DIRECTORIES: [(&str, u16, &[u16]); 4] = [
    ("MF", 0x3F00, &[0x2F00, 0x2F05, 0x2F06, 0x2FE2]),
    (
        "USIM",
        0x7FFF,
        &[
            0x6F05, 0x6F06, 0x6F07, 0x6F08, 0x6F09, 0x6F31, 0x6F38, 0x6F3C, 0x6F40, 0x6F42, 0x6F43, 0x6F46, 0x6F56,
            0x6F5B, 0x6F5C, 0x6F60, 0x6F61, 0x6F62, 0x6F73, 0x6F78, 0x6F7B, 0x6F7E, 0x6FAD, 0x6FB7, 0x6FE3, 0x6FE4,
        ],
    ),
    ("TELECOM", 0x7F10, &[0x6F3C, 0x6F40, 0x6F42, 0x6F43, 0x6F44]),
    ("GSM", 0x7F20, &[0x6F07, 0x6F20, 0x6F31, 0x6F38, 0x6F46, 0x6F74, 0x6F78, 0x6F7B, 0x6F7E, 0x6FAD, 0x6FAE]),
];

/// Objects of a template's value, in order; an independent reading of BER-TLV with one-byte tags and lengths.
fn objects(mut bytes: &[u8]) -> Vec<(u8, &[u8])> {
    let mut objects = Vec::new();
    while let [tag, length, rest @ ..] = bytes {
        let (value, after) = rest.split_at(usize::from(*length));
        objects.push((*tag, value));
        bytes = after;
    }
    assert!(bytes.is_empty());
    objects
}

/// What an EF ARR record says of an access mode bit: the key reference that is needed, `Some(0)` always, none never.
fn said(record: &[u8], mode: u8) -> Option<u8> {
    let used = record.iter().rposition(|byte| *byte != 0xFF).unwrap() + 1;
    let objects = objects(&record[..used]);
    let pair = objects.chunks(2).find(|pair| pair[0].0 == 0x80 && pair[0].1[0] & mode != 0)?;
    match pair[1] {
        (0x90, []) => Some(0),
        (0x97, []) => None,
        (0xA4, [0x83, 1, reference, 0x95, 1, 0x08]) => Some(*reference),
        ref other => panic!("{other:02X?}"),
    }
}

fn enter(sim: &mut Phone, directory: u16) {
    match directory {
        0x7FFF => drop(sim.select_usim()),
        _ => {
            sim.select(0x3F00);
            sim.select(directory);
        }
    }
}

#[test]
fn every_file_opens_as_its_access_rule_says_and_not_otherwise() {
    let base = delivered(&DATA);
    let mut arr = BTreeMap::new();
    let mut sim = Phone::insert(base.clone());
    for (path, fid) in [(&[][..], 0x2F06_u16), (&[0x7F, 0xFF], 0x6F06)] {
        sim.select_usim();
        sim.ok(&[&[0x00, 0xA4, 0x08, 0x04, path.len() as u8 + 2], path, &fid.to_be_bytes()].concat());
        for number in 1..=7 {
            arr.insert((fid, number), sim.ok(&[0x00, 0xB2, number, 0x04, 24]));
        }
    }
    let codes = [(0x01, PIN1), (0x81, PIN2), (0x0A, ADM1)];
    let mut checked = 0;
    for state in 0..8 {
        let mut sim = Phone::insert(base.clone());
        let verified: Vec<u8> =
            codes.iter().enumerate().filter(|(bit, _)| state >> bit & 1 == 1).map(|(_, (pin, _))| *pin).collect();
        for (pin, code) in codes.iter().filter(|(pin, _)| verified.contains(pin)) {
            assert_eq!(sim.pin(0x20, *pin, code), 0x9000);
        }
        for (name, directory, files) in DIRECTORIES {
            for fid in files {
                enter(&mut sim, directory);
                let fcp = sim.select(*fid);
                let fcp = objects(objects(&fcp)[0].1);
                let rule = fcp.iter().find(|(tag, _)| *tag == 0x8B).unwrap().1;
                let record = &arr[&(u16::from_be_bytes([rule[0], rule[1]]), rule[2])];
                let descriptor = fcp.iter().find(|(tag, _)| *tag == 0x82).unwrap().1;
                let (read, update) = commands(descriptor);
                for (command, mode) in [(read, 0x01), (update, 0x02)] {
                    let open = said(record, mode).is_some_and(|needed| needed == 0 || verified.contains(&needed));
                    let status = {
                        let answer = sim.send(&command);
                        u16::from_be_bytes([answer[answer.len() - 2], answer[answer.len() - 1]])
                    };
                    assert_eq!(
                        status,
                        if open { 0x9000 } else { 0x6982 },
                        "{name} {fid:04X} mode {mode} with {verified:02X?}"
                    );
                    checked += 1;
                }
            }
        }
    }
    assert_eq!(checked, 8 * 2 * 46);
}

/// One READ and one UPDATE that fit a file of that descriptor.
fn commands(descriptor: &[u8]) -> (Vec<u8>, Vec<u8>) {
    match descriptor {
        [0x41, 0x21] => (vec![0x00, 0xB0, 0x00, 0x00, 0x01], vec![0x00, 0xD6, 0x00, 0x00, 0x01, 0xFF]),
        [kind, 0x21, 0, length, _] => {
            let (number, how) = if *kind == 0x46 { (0, 0x03) } else { (1, 0x04) };
            let update = [&[0x00, 0xDC, number, how, *length][..], &vec![0xFF; usize::from(*length)]].concat();
            (vec![0x00, 0xB2, 0x01, 0x04, *length], update)
        }
        other => panic!("{other:02X?}"),
    }
}

/// With PIN1 disabled its rights are everybody's; it changes nothing of the others.
#[test]
fn a_disabled_pin1_is_not_asked_for() {
    let mut sim = Phone::insert(delivered(&DATA));
    assert_eq!(sim.pin(0x26, 0x01, &PIN1), 0x9000);
    sim.reset();
    sim.select_usim();
    sim.select(0x6F07);
    assert_eq!(sim.status(&[0x00, 0xB0, 0x00, 0x00, 0x09]), 0x9000);
    assert_eq!(sim.status(&[0x00, 0xD6, 0x00, 0x00, 0x01, 0x08]), 0x6982);
    sim.select(0x6F56);
    assert_eq!(sim.status(&[0x00, 0xD6, 0x00, 0x00, 0x01, 0x00]), 0x6982);
    let parameters = sim.select(0x3F00);
    assert_eq!(parameters[26..31], [0xC6, 0x0C, 0x90, 0x01, 0x60]);
}

#[test]
fn parameters_are_short_and_use_the_tags_tools_know() {
    let mut sim = Phone::insert(delivered(&DATA));
    for (name, directory, files) in DIRECTORIES {
        for fid in files {
            enter(&mut sim, directory);
            let fcp = sim.select(*fid);
            assert!(fcp.len() < 128, "{name} {fid:04X}");
            let template = objects(&fcp);
            assert_eq!((template.len(), template[0].0), (1, 0x62));
            let tags: Vec<u8> = objects(template[0].1).iter().map(|(tag, _)| *tag).collect();
            assert_eq!(tags, [0x82, 0x83, 0x8A, 0x8B, 0x80, 0x88], "{name} {fid:04X}");
        }
    }
}

/// A channel of its own has a selection of its own; what a PIN opened is open on all.
#[test]
fn channels_share_pins_and_no_selection() {
    let mut sim = Phone::insert(delivered(&DATA));
    sim.select_usim();
    sim.select(0x6F07);
    assert_eq!(sim.ok(&[0x00, 0x70, 0x00, 0x00, 0x01]), [1]);
    sim.ok(&[0x01, 0xA4, 0x00, 0x04, 0x02, 0x2F, 0xE2]);
    assert_eq!(sim.send(&[0x01, 0xA4, 0x00, 0x04, 0x02, 0x7F, 0xFF]), [0x6A, 0x82]);
    assert_eq!(sim.status(&[&[0x01, 0x20, 0x00, 0x01, 0x08][..], &PIN1].concat()), 0x9000);
    assert_eq!(sim.ok(&[0x00, 0xB0, 0x00, 0x00, 0x09]), DATA.imsi);
    assert_eq!(sim.ok(&[0x01, 0xB0, 0x00, 0x00, 0x0A]), DATA.iccid);
    // From another channel than the basic one the new channel begins where that one is.
    sim.ok(&[&[0x01, 0xA4, 0x04, 0x04, 0x10][..], &USIM_AID].concat());
    assert_eq!(sim.ok(&[0x01, 0x70, 0x00, 0x00, 0x01]), [2]);
    assert_eq!(sim.ok(&[0x82, 0xF2, 0x00, 0x01, 0x12])[2..], USIM_AID);
    sim.ok(&[0x00, 0x70, 0x80, 0x02]);
    assert_eq!(sim.send(&[0x02, 0xB0, 0x00, 0x00, 0x09]), [0x68, 0x81]);
    let _: Chip = sim.remove();
}
