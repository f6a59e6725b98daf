//! 19.5: both formats, where they stop, what does not fit, chains.

use hex_literal::hex;

use crate::{
    platform::{
        DOMAIN, ENTERPRISE, FILES, FILES_2G, FILES_USIM, Platform, SECURED, answers, deliver, object, objects, sim,
        template,
    },
    sim::{ICCID, Sim},
};

const SELECT_ICCID: &[u8] = &hex!("00A40004022FE2");
const SELECT_NOTHING: &[u8] = &hex!("00A40004026FFF");
const READ_ICCID: &[u8] = &hex!("00B000000A");

fn compact(platform: &mut Platform, sim: &mut Sim, tar: [u8; 3], commands: &[&[u8]]) -> Vec<u8> {
    platform.send(sim, tar, &commands.concat())
}

#[test]
fn compact_answers_are_of_the_last_command() {
    let mut sim = sim();
    for mut platform in Platform::all() {
        let mut send = |commands: &[&[u8]]| compact(&mut platform, &mut sim, FILES, commands);
        assert_eq!(send(&[]), hex!("00 9000"));
        assert_eq!(send(&[SELECT_ICCID, READ_ICCID]), [&hex!("02 9000")[..], &ICCID].concat());
        assert_eq!(send(&[SELECT_ICCID, READ_ICCID, &hex!("00A40004023F00")])[..2], hex!("0361"));
        let parameters = send(&[SELECT_ICCID]);
        let fetched = send(&[SELECT_ICCID, &[0x00, 0xC0, 0, 0, parameters[2]]]);
        assert_eq!((&fetched[..4], fetched.len()), (&hex!("02 9000 62")[..], 3 + parameters[2] as usize));
        assert_eq!(send(&[SELECT_ICCID, &hex!("80C0000000")]), fetched);
        assert_eq!(send(&[SELECT_ICCID, &hex!("00C0000005"), &hex!("00C0000000")])[3..], fetched[8..]);
        assert_eq!(send(&[SELECT_ICCID, &hex!("00C0000005")])[..3], [0x02, 0x61, parameters[2] - 5]);
        assert_eq!(send(&[SELECT_ICCID, &hex!("00C00000FF")]), [0x02, 0x6C, parameters[2]]);
        assert_eq!(send(&[SELECT_ICCID, READ_ICCID, &hex!("00C0000000")]), hex!("03 6985"), "nothing waits any more");
        assert_eq!(send(&[&hex!("00C0000000")]), hex!("01 6985"));
        assert_eq!(send(&[SELECT_ICCID, &hex!("00B0000000")]), [&hex!("02 9000")[..], &ICCID].concat());
        assert_eq!(send(&[SELECT_ICCID, &hex!("00B000000B")]), hex!("02 6C0A"), "nothing is resolved here");
    }
}

/// The number of commands executed says how far it got.
#[test]
fn a_script_stops_at_the_first_error() {
    let mut sim = sim();
    let mut platform = Platform::new(1);
    assert_eq!(compact(&mut platform, &mut sim, FILES, &[SELECT_ICCID, SELECT_NOTHING, READ_ICCID]), hex!("02 6A82"));
    let answered = platform.script(&mut sim, FILES, &[SELECT_ICCID, SELECT_NOTHING, READ_ICCID]);
    assert_eq!((answered.len(), &answered[1][..]), (2, &hex!("6A82")[..]));
    // A warning stops nothing: 6282 of SEARCH RECORD that finds none.
    let warned: [&[u8]; 3] = [&hex!("00A40004022F00"), &hex!("00A2010402 EEEE"), SELECT_ICCID];
    assert_eq!(platform.script(&mut sim, FILES, &warned)[1..].len(), 2);
    for not_whole in [&hex!("00")[..], &hex!("00A40004"), &hex!("00A40004023F"), &hex!("00D6000002 41")] {
        assert_eq!(compact(&mut platform, &mut sim, FILES, &[SELECT_ICCID, not_whole]), hex!("02 6700"));
    }
}

#[test]
fn commands_that_a_tar_has_not() {
    let mut sim = sim();
    let mut platform = Platform::new(1);
    let mut status = |tar, command: &[u8]| {
        let answered = platform.script(&mut sim, tar, &[command]);
        u16::from_be_bytes(*answered[0].last_chunk().unwrap())
    };
    for tar in [FILES, FILES_2G, FILES_USIM] {
        for command in [
            &hex!("0070000001")[..],
            &hex!("0020000108 31323334FFFFFFFF"),
            &hex!("8010000001FF"),
            &hex!("80C2000002D100"),
            &hex!("008800810122"),
            &hex!("80AA000002A900"),
            &hex!("0084000008"),
        ] {
            assert_eq!(status(tar, command), 0x6D00, "{tar:02X?} {command:02X?}");
        }
        assert_eq!(status(tar, &hex!("A0A40000023F00")), if tar == FILES_2G { 0x9000 } else { 0x6E00 });
        assert_eq!(status(tar, &hex!("A020000108 31323334FFFFFFFF")), if tar == FILES_2G { 0x6D00 } else { 0x6E00 });
        for (class, word) in [(0x01, 0x6881), (0x41, 0x6881), (0x20, 0x6E00), (0x04, 0x6882), (0xFF, 0x6E00)] {
            assert_eq!(status(tar, &[class, 0xA4, 0, 4, 2, 0x3F, 0]), word, "{class:02X}");
        }
    }
    for (command, word) in [
        (&hex!("00A4040008A000000151000000")[..], 0x6D00),
        (&hex!("8050300008 0102030405060708"), 0x6D00),
        (&hex!("8482330000"), 0x6D00),
        (&hex!("80CA00C100"), 0x9000),
        (&hex!("00CA00C100"), 0x9000),
        (&hex!("84CA00C100"), 0x6E00),
        (&hex!("81CA00C100"), 0x6881),
        (&hex!("00F28002024F00"), 0x6E00),
    ] {
        assert_eq!(status(DOMAIN, command), word, "{command:02X?}");
    }
    for (command, word) in [
        (&hex!("00A40000023F00")[..], 0x6A82),
        (&hex!("00A4040008A000000151000000"), 0x6A82),
        (&hex!("805C000204"), 0x6985),
        (&hex!("0084000008"), 0x6985),
    ] {
        assert_eq!(status(ENTERPRISE, command), word, "{command:02X?}");
    }
}

/// Both expanded forms, and every way not to be of the format.
#[test]
fn the_expanded_format() {
    let mut sim = sim();
    let mut platform = Platform::new(1);
    let commands = [object(0x22, SELECT_ICCID), object(0x22, READ_ICCID)].concat();
    let definite = platform.send(&mut sim, FILES, &template(&commands));
    let [selected, read] = &answers(&definite)[..] else { panic!() };
    assert_eq!((selected[0], &read[..]), (0x62, &[&ICCID[..], &hex!("9000")].concat()[..]));
    let indefinite = platform.send(&mut sim, FILES, &[&hex!("AE80")[..], &commands, &hex!("0000")].concat());
    let both = [object(0x23, selected), object(0x23, read)].concat();
    assert_eq!(indefinite, [&hex!("AF80")[..], &both, &hex!("0000")].concat());
    // Le too long, too short for what is fixed, and none at all.
    for command in [&hex!("00B000000B")[..], &hex!("00B0000000")] {
        let answered = platform.script(&mut sim, FILES, &[SELECT_ICCID, command]);
        assert_eq!(answered[1], [&ICCID[..], &hex!("9000")].concat());
    }
    let first = object(0x22, SELECT_ICCID);
    let bad = |body: &[u8], error: u8, executed: usize| {
        let expected = [0x90, 0x01, error];
        (body.to_vec(), expected, executed)
    };
    let cases = [
        (vec![0xAA], bad(&[], 0x03, 0)),
        (hex!("AA81").to_vec(), bad(&[], 0x03, 0)),
        (hex!("AA8201").to_vec(), bad(&[], 0x03, 0)),
        (hex!("AA05 22").to_vec(), bad(&[], 0x02, 0)),
        (hex!("AA83000001 22").to_vec(), bad(&[], 0x02, 0)),
        ([&template(&first)[..], &[0]].concat(), bad(&[], 0x02, 0)),
        (template(&[&first[..], &hex!("22")].concat()), bad(&[], 0x03, 1)),
        (template(&[&first[..], &hex!("2207 00")].concat()), bad(&[], 0x02, 1)),
        (template(&[&first[..], &hex!("810101")].concat()), bad(&[], 0x01, 1)),
        (template(&[&first[..], &hex!("820101")].concat()), bad(&[], 0x01, 1)),
        (template(&[&first[..], &hex!("830103")].concat()), bad(&[], 0x01, 1)),
        (template(&[&hex!("830104")[..], &first].concat()), bad(&[], 0x01, 0)),
        (template(&[&first[..], &hex!("0000")].concat()), bad(&[], 0x01, 1)),
        (template(&[&first[..], &hex!("00")].concat()), bad(&[], 0x01, 1)),
    ];
    for (data, (_, error, executed)) in cases {
        let answered = platform.send(&mut sim, FILES, &data);
        let [(0xAB, body)] = &objects(&answered)[..] else { panic!("{answered:02X?}") };
        assert!(body.ends_with(&error), "{data:02X?}: {answered:02X?}");
        assert_eq!(body[..3], [0x80, 1, executed as u8], "{data:02X?}");
    }
    for (rest, error) in [
        (&hex!("81")[..], 0x02),
        (&hex!("80"), 0x02),
        (&hex!("80 00"), 0x02),
        (&hex!("80 0000 00"), 0x02),
        (&hex!("80 2200"), 0x02),
        (&hex!("80 2300 0000"), 0x01),
        (&hex!(""), 0x03),
    ] {
        let answered = platform.send(&mut sim, FILES, &[&[0xAE][..], rest].concat());
        let expected = [&hex!("AF80")[..], if rest == hex!("80 2200") { &hex!("23026700") } else { &[] }].concat();
        assert!(answered.starts_with(&expected), "{rest:02X?}: {answered:02X?}");
        // An empty APDU is a command that is refused, and stops the script.
        let ends =
            if rest == hex!("80 2200") { hex!("0000").to_vec() } else { [&[0x90, 1, error][..], &[0, 0]].concat() };
        assert!(answered.ends_with(&ends), "{rest:02X?}: {answered:02X?}");
    }
}

/// The answers of 30 READs fit no report: the last that does is told by 62F1, and nothing behind it was executed.
#[test]
fn what_does_not_fit_stops_the_script() {
    let mut sim = sim();
    for mut platform in Platform::all() {
        let commands: Vec<&[u8]> = [&[SELECT_ICCID][..], &[READ_ICCID; 30]].concat();
        let answered = platform.script(&mut sim, FILES, &commands);
        let (last, before) = answered.split_last().unwrap();
        assert_eq!(last[..], hex!("62F1"));
        assert!(before[1..].iter().all(|answer| answer.len() == 12) && before.len() < 8, "{answered:02X?}");
        // Of a file that is longer than a report nothing is carried; by itself 97 bytes are.
        let long: [&[u8]; 2] = [&hex!("00A4080C047FFF6F3C"), &hex!("00B2010400")];
        assert_eq!(platform.script(&mut sim, FILES_USIM, &long)[1], hex!("62F1"));
        let compact =
            platform.send(&mut sim, FILES_USIM, &[&hex!("00A4080C047FFF6F3C")[..], &hex!("00B20104B0")].concat());
        assert_eq!(compact, hex!("02 62F1"));
        // Where only status words come, the last place is the last command's.
        let many: Vec<&[u8]> = vec![&hex!("00A4000C022FE2"); 40];
        let answered = platform.script(&mut sim, FILES, &many);
        assert_eq!(answered.last().unwrap()[..], hex!("62F1"));
        let fits = answered.len();
        assert_eq!(platform.script(&mut sim, FILES, &many[..fits]).last().unwrap()[..], hex!("9000"), "{fits}");
    }
}

fn chain(byte: u8, commands: &[&[u8]]) -> Vec<u8> {
    let objects: Vec<u8> = commands.iter().flat_map(|command| object(0x22, command)).collect();
    template(&[&[0x83, 0x01, byte][..], &objects].concat())
}

#[test]
fn a_chain_goes_on_where_it_was() {
    let mut sim = sim();
    let mut platform = Platform::new(1);
    let iccid = [&ICCID[..], &hex!("9000")].concat();
    let no_previous = hex!("AB 06 830101 800100");
    let unable = hex!("AB 06 830103 800100");
    // What is selected is still selected; behind the last it is not.
    assert_eq!(answers(&platform.send(&mut sim, FILES, &chain(0x01, &[SELECT_ICCID]))).len(), 1);
    assert_eq!(answers(&platform.send(&mut sim, FILES, &chain(0x02, &[READ_ICCID])))[0], iccid);
    assert_eq!(answers(&platform.send(&mut sim, FILES, &chain(0x03, &[READ_ICCID])))[0], iccid);
    for byte in [0x02, 0x03] {
        assert_eq!(platform.send(&mut sim, FILES, &chain(byte, &[READ_ICCID])), no_previous);
    }
    assert_eq!(platform.send(&mut sim, FILES, &chain(0x11, &[SELECT_ICCID])), unable);
    assert_eq!(platform.script(&mut sim, FILES, &[READ_ICCID])[0], hex!("6986"), "another packet begins at the MF");
    // The phone's own selection is not the chain's.
    sim.ok(&hex!("00A4000C022F05"));
    let begin = |sim: &mut Sim, platform: &mut Platform| {
        assert_eq!(answers(&platform.send(sim, FILES, &chain(0x01, &[SELECT_ICCID]))).len(), 1);
    };
    begin(&mut sim, &mut platform);
    sim.ok(&hex!("00A4000C022F00"));
    // A packet that is not right does not come between.
    let mut wrong = platform.packet(SECURED, FILES, &[]);
    wrong[20] ^= 1;
    deliver(&mut sim, &wrong);
    assert_eq!(answers(&platform.send(&mut sim, FILES, &chain(0x03, &[READ_ICCID])))[0], iccid);
    // Whatever else is accepted does: another TAR, another set, a script that is not chained.
    let mut other_set = Platform::new(2);
    begin(&mut sim, &mut platform);
    assert_eq!(platform.send(&mut sim, FILES_USIM, &chain(0x02, &[READ_ICCID])), no_previous);
    assert_eq!(platform.send(&mut sim, FILES, &chain(0x02, &[READ_ICCID])), no_previous);
    begin(&mut sim, &mut platform);
    assert_eq!(other_set.send(&mut sim, FILES, &chain(0x02, &[READ_ICCID])), no_previous);
    begin(&mut sim, &mut platform);
    platform.send(&mut sim, FILES, &[]);
    assert_eq!(platform.send(&mut sim, FILES, &chain(0x03, &[READ_ICCID])), no_previous);
    // A script that stopped ends it, and so does a reset.
    let stopped = platform.send(&mut sim, FILES, &chain(0x01, &[SELECT_ICCID, SELECT_NOTHING]));
    assert_eq!(answers(&stopped).len(), 2);
    assert_eq!(platform.send(&mut sim, FILES, &chain(0x03, &[READ_ICCID])), no_previous);
    begin(&mut sim, &mut platform);
    sim.reset();
    assert_eq!(platform.send(&mut sim, FILES, &chain(0x03, &[READ_ICCID])), no_previous);
    // In the form without lengths the word of refusal stands alone.
    let indefinite = [&hex!("AE80 830102 ")[..], &object(0x22, READ_ICCID), &hex!("0000")].concat();
    assert_eq!(platform.send(&mut sim, FILES, &indefinite), hex!("AF80 830101 0000"));
}
