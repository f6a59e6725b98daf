//! The control parameters of every UICC file, read by a BER-TLV parser that we did not write, are those of the table in clause
//! 15.5.1 and of the standards it names.

use iso7816_tlv::ber::{Tag, Tlv, Value};
use onecard_applet::Interface;
use onecard_host::transport::Transport;
use onecard_simulator::{
    reader::Reader,
    sample::{SIM, Sample},
};

/// What a right needs: the key reference of a PIN, or one of these.
const ALWAYS: u8 = 0x00;
const NEVER: u8 = 0xFF;
const PIN1: u8 = 0x01;
const PIN2: u8 = 0x81;
const ADM1: u8 = 0x0A;

/// Descriptors (TS 102 221 clause 11.1.1.4.3).
const TRANSPARENT: u8 = 0x41;
const LINEAR: u8 = 0x42;
const CYCLIC: u8 = 0x46;

/// FID, SFI (0: none), descriptor, record length (0: none), size in bytes, what reading and what updating needs.
type Row = (u16, u8, u8, u8, u16, u8, u8);

const MF: [Row; 4] = [
    (0x2F00, 0x1E, LINEAR, 38, 38, ALWAYS, NEVER),
    (0x2F06, 0x06, LINEAR, 24, 168, ALWAYS, NEVER),
    (0x2FE2, 0x02, TRANSPARENT, 0, 10, ALWAYS, NEVER),
    (0x2F05, 0x05, TRANSPARENT, 0, 4, ALWAYS, PIN1),
];
const USIM: [Row; 26] = [
    (0x6F06, 0x17, LINEAR, 24, 168, ALWAYS, NEVER),
    (0x6F05, 0x02, TRANSPARENT, 0, 4, ALWAYS, PIN1),
    (0x6FAD, 0x03, TRANSPARENT, 0, 4, ALWAYS, ADM1),
    (0x6FB7, 0x01, LINEAR, 4, 20, ALWAYS, ADM1),
    (0x6F46, 0, TRANSPARENT, 0, 17, ALWAYS, ADM1),
    (0x6F07, 0x07, TRANSPARENT, 0, 9, PIN1, ADM1),
    (0x6F38, 0x04, TRANSPARENT, 0, 11, PIN1, ADM1),
    (0x6F78, 0x06, TRANSPARENT, 0, 2, PIN1, ADM1),
    (0x6F31, 0x12, TRANSPARENT, 0, 1, PIN1, ADM1),
    (0x6F5C, 0x10, TRANSPARENT, 0, 3, PIN1, ADM1),
    (0x6F61, 0x11, TRANSPARENT, 0, 40, PIN1, ADM1),
    (0x6F62, 0x13, TRANSPARENT, 0, 5, PIN1, ADM1),
    (0x6F56, 0x05, TRANSPARENT, 0, 1, PIN1, PIN2),
    (0x6F08, 0x08, TRANSPARENT, 0, 33, PIN1, PIN1),
    (0x6F09, 0x09, TRANSPARENT, 0, 33, PIN1, PIN1),
    (0x6F7E, 0x0B, TRANSPARENT, 0, 11, PIN1, PIN1),
    (0x6F73, 0x0C, TRANSPARENT, 0, 14, PIN1, PIN1),
    (0x6FE3, 0x1E, TRANSPARENT, 0, 18, PIN1, PIN1),
    (0x6FE4, 0x18, LINEAR, 80, 80, PIN1, PIN1),
    (0x6F7B, 0x0D, TRANSPARENT, 0, 12, PIN1, PIN1),
    (0x6F60, 0x0A, TRANSPARENT, 0, 40, PIN1, PIN1),
    (0x6F5B, 0x0F, TRANSPARENT, 0, 6, PIN1, PIN1),
    (0x6F3C, 0, LINEAR, 176, 1760, PIN1, PIN1),
    (0x6F40, 0, LINEAR, 28, 28, PIN1, PIN1),
    (0x6F42, 0, LINEAR, 42, 42, PIN1, PIN1),
    (0x6F43, 0, TRANSPARENT, 0, 2, PIN1, PIN1),
];
const TELECOM: [Row; 5] = [
    (0x6F3C, 0, LINEAR, 176, 1760, PIN1, PIN1),
    (0x6F40, 0, LINEAR, 28, 28, PIN1, PIN1),
    (0x6F42, 0, LINEAR, 42, 42, PIN1, PIN1),
    (0x6F43, 0, TRANSPARENT, 0, 2, PIN1, PIN1),
    (0x6F44, 0, CYCLIC, 28, 140, PIN1, PIN1),
];
const GSM: [Row; 11] = [
    (0x6F07, 0, TRANSPARENT, 0, 9, PIN1, ADM1),
    (0x6F38, 0, TRANSPARENT, 0, 8, PIN1, ADM1),
    (0x6F78, 0, TRANSPARENT, 0, 2, PIN1, ADM1),
    (0x6F31, 0, TRANSPARENT, 0, 1, PIN1, ADM1),
    (0x6F20, 0, TRANSPARENT, 0, 9, PIN1, PIN1),
    (0x6F74, 0, TRANSPARENT, 0, 16, PIN1, PIN1),
    (0x6F7B, 0, TRANSPARENT, 0, 12, PIN1, PIN1),
    (0x6F7E, 0, TRANSPARENT, 0, 11, PIN1, PIN1),
    (0x6FAD, 0, TRANSPARENT, 0, 4, ALWAYS, ADM1),
    (0x6F46, 0, TRANSPARENT, 0, 17, ALWAYS, ADM1),
    (0x6FAE, 0, TRANSPARENT, 0, 1, ALWAYS, ADM1),
];

/// The ADF has no FID that is found from the MF: 7FFF is whatever application is current.
const ADF: u16 = 0x7FFF;
const USIM_AID: [u8; 16] =
    [0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02, 0xFF, 0x86, 0xFF, 0xFF, 0x89, 0xFF, 0xFF, 0xFF, 0xFF];
const DIRECTORIES: [(Option<u16>, &[Row]); 4] =
    [(None, &MF), (Some(ADF), &USIM), (Some(0x7F10), &TELECOM), (Some(0x7F20), &GSM)];

struct Contacts(Reader);

impl Contacts {
    fn with_usim() -> Self {
        let chip = Sample::new("file control parameters").unwrap().sim(SIM.iccid).unwrap();
        let mut contacts = Self(Reader::insert_at(chip, Interface::Contact));
        contacts.ok(&[&[0x00, 0xA4, 0x04, 0x0C, 0x10][..], &USIM_AID].concat());
        contacts
    }

    fn ok(&mut self, command: &[u8]) -> Vec<u8> {
        let mut answer = self.0.transmit(command).unwrap();
        let status = answer.split_off(answer.len() - 2);
        assert_eq!(status, [0x90, 0x00], "{command:02X?}");
        answer
    }

    /// The objects of the template that SELECT by path from the MF answers.
    fn parameters(&mut self, path: &[u16]) -> Vec<(u8, Value)> {
        let bytes: Vec<u8> = path.iter().flat_map(|fid| fid.to_be_bytes()).collect();
        let command = if path.is_empty() {
            vec![0x00, 0xA4, 0x00, 0x04, 0x02, 0x3F, 0x00]
        } else {
            [&[0x00, 0xA4, 0x08, 0x04, bytes.len() as u8], &bytes[..]].concat()
        };
        let mut template = objects(&self.ok(&command));
        let (0x62, Value::Constructed(inside)) = template.remove(0) else { panic!("{path:04X?}") };
        assert!(template.is_empty(), "{path:04X?}: bytes behind the template");
        inside.iter().map(object).collect()
    }
}

fn object(tlv: &Tlv) -> (u8, Value) {
    let [tag] = Tag::to_bytes(tlv.tag()) else { panic!("{tlv:?}") };
    (*tag, tlv.value().clone())
}

/// All there is must be objects.
fn objects(mut bytes: &[u8]) -> Vec<(u8, Value)> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (tlv, rest) = Tlv::parse(bytes);
        found.push(object(&tlv.unwrap()));
        bytes = rest;
    }
    found
}

fn bytes(value: &Value) -> &[u8] {
    match value {
        Value::Primitive(bytes) => bytes,
        Value::Constructed(_) => panic!("{value:?}"),
    }
}

/// What EF ARR's record says that an access mode of an EF needs: 01 reading, 02 updating.
fn needed(record: &[u8], mode: u8) -> u8 {
    let used = record.iter().rposition(|byte| *byte != 0xFF).unwrap() + 1;
    let said = objects(&record[..used]);
    let pair = said.chunks(2).find(|pair| pair[0].0 == 0x80 && bytes(&pair[0].1)[0] & mode != 0);
    match pair.map(|pair| &pair[1]) {
        // What no record names is not allowed.
        None | Some((0x97, _)) => NEVER,
        Some((0x90, _)) => ALWAYS,
        Some((0xA4, Value::Constructed(template))) => match &template.iter().map(object).collect::<Vec<_>>()[..] {
            [(0x83, reference), (0x95, usage)] if bytes(usage) == [0x08] => bytes(reference)[0],
            other => panic!("{other:?}"),
        },
        Some(other) => panic!("{other:?}"),
    }
}

#[test]
fn every_file_is_what_the_table_says() {
    let mut contacts = Contacts::with_usim();
    let mut files = 0;
    for (directory, rows) in DIRECTORIES {
        for (fid, sfi, descriptor, record_len, size, read, update) in rows {
            let path: Vec<u16> = directory.into_iter().chain([*fid]).collect();
            let parameters = contacts.parameters(&path);
            let [(0x82, described), (0x83, named), (0x8A, life_cycle), (0x8B, rule), (0x80, sized), (0x88, short)] =
                &parameters[..]
            else {
                panic!("{path:04X?}: {parameters:02X?}")
            };
            let count = size.checked_div(u16::from(*record_len)).map(|count| [0, *record_len, count as u8]);
            let expected = [&[*descriptor, 0x21][..], count.as_ref().map_or(&[], |records| &records[..])].concat();
            assert_eq!(bytes(described), expected, "{path:04X?}");
            assert_eq!(bytes(named), fid.to_be_bytes(), "{path:04X?}");
            assert_eq!(bytes(life_cycle), [0x05], "{path:04X?}");
            assert_eq!(bytes(sized), size.to_be_bytes(), "{path:04X?}");
            assert_eq!(bytes(short), if *sfi == 0 { vec![] } else { vec![sfi << 3] }, "{path:04X?}");
            // The rule is where the parameters say, in the EF ARR of that directory.
            let [high, low, number] = *bytes(rule) else { panic!("{path:04X?}: {rule:02X?}") };
            let arr = u16::from_be_bytes([high, low]);
            assert_eq!(arr, if directory == Some(ADF) { 0x6F06 } else { 0x2F06 }, "{path:04X?}");
            contacts.parameters(&directory.filter(|it| *it == ADF).into_iter().chain([arr]).collect::<Vec<_>>());
            let record = contacts.ok(&[0x00, 0xB2, number, 0x04, 0x00]);
            assert_eq!((needed(&record, 0x01), needed(&record, 0x02)), (*read, *update), "{path:04X?}");
            files += 1;
        }
    }
    assert_eq!(files, 46);
}

#[test]
fn every_directory_says_what_it_is_and_which_pins_it_has() {
    let mut contacts = Contacts::with_usim();
    for (directory, _) in DIRECTORIES {
        let path: Vec<u16> = directory.into_iter().collect();
        let parameters = contacts.parameters(&path);
        let [
            (0x82, described),
            (name_tag, name),
            (0xA5, Value::Constructed(proprietary)),
            (0x8A, life_cycle),
            (0x8B, rule),
            (0xC6, pins),
        ] = &parameters[..]
        else {
            panic!("{path:04X?}: {parameters:02X?}")
        };
        assert_eq!((bytes(described), bytes(life_cycle)), (&[0x78, 0x21][..], &[0x05][..]), "{path:04X?}");
        match directory {
            Some(ADF) => assert_eq!((*name_tag, bytes(name)), (0x84, &USIM_AID[..])),
            other => assert_eq!((*name_tag, bytes(name)), (0x83, &other.unwrap_or(0x3F00).to_be_bytes()[..])),
        }
        let proprietary: Vec<_> = proprietary.iter().map(object).map(|(tag, value)| (tag, bytes(&value)[0])).collect();
        assert_eq!(proprietary, [(0x80, 0x71), (0x87, 0x01)], "{path:04X?}: characteristics, TERMINAL CAPABILITY");
        assert_eq!(bytes(rule), [0x2F, 0x06, 0x07], "{path:04X?}");
        // C6 is primitive by its tag, and a template by TS 102 221 clause 9.5.2.
        let pins: Vec<_> = objects(bytes(pins)).into_iter().map(|(tag, value)| (tag, bytes(&value)[0])).collect();
        let enabled = if SIM.codes.pin1_enabled { 0xE0 } else { 0x60 };
        assert_eq!(pins, [(0x90, enabled), (0x83, PIN1), (0x83, PIN2), (0x83, ADM1)], "{path:04X?}");
    }
}
