#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use super::*;
use hex_literal::hex;

const GOOD: &str = "\
{\"schema\":\"onecard.trace/1\",\"about\":\"card pay\",\"began\":\"2026-11-02 12:00:00\"}
{\"ms\":0,\"with\":\"card\",\"event\":\"power-up\",\"atr\":\"3B6F\"}
{\"ms\":3,\"with\":\"card\",\"command\":\"0020000003******\",\"answer\":\"9000\"}
{\"ms\":4,\"with\":\"card\",\"command\":\"00B0960037\",\"answer\":\"******9000\"}
{\"ms\":5,\"with\":\"sam\",\"command\":\"00840000\",\"answer\":\"6700\"}
{\"ms\":9,\"with\":\"card\",\"command\":\"805C000204\",\"error\":\"card-removed\"}
{\"ms\":9,\"with\":\"card\",\"command\":\"805C000204\",\"error\":\"reader\",\"why\":\"unplugged\"}
{\"ms\":9,\"with\":\"card\",\"event\":\"power-off\"}
";

fn written(file: &TraceFile) -> String {
    let mut writer = TraceWriter::begin(Vec::new(), file.about.clone()).unwrap();
    file.entries.iter().for_each(|entry| writer.write(entry).unwrap());
    String::from_utf8(writer.into_inner()).unwrap()
}

#[test]
fn what_is_read_is_written_again() {
    let file = TraceFile::parse(GOOD).unwrap();
    assert_eq!(file.entries.len(), 7);
    assert_eq!(written(&file), GOOD);
    let What::Exchange(Exchange { sent, .. }) = &file.entries[1].what else { panic!("no exchange") };
    assert_eq!(sent.data, Payload::Hidden(3));
}

#[test]
fn a_damaged_line_is_named() {
    let fault = |text: &str| TraceFile::parse(text).unwrap_err();
    let cases = [
        ("onecard.trace/1", "onecard.trace/2", 1),
        ("\"ms\":3", "\"ms\":x", 3),
        ("\"ms\":3", "\"ms\":6", 4),
        ("\"ms\":5,", "\"ms\":5,\"colour\":\"red\",", 5),
        ("00840000", "0084000g", 5),
        ("00840000", "008400001", 5),
        ("00840000", "**840000", 5),
        ("\"answer\":\"6700\"", "\"answer\":\"67**\"", 5),
        (",\"answer\":\"6700\"", "", 5),
        ("\"error\":\"card-removed\"", "\"error\":\"card-eaten\"", 6),
        ("\"error\":\"card-removed\"", "\"answer\":\"9000\",\"error\":\"card-removed\"", 6),
        ("\"event\":\"power-off\"", "\"event\":\"power-off\",\"command\":\"00\"", 8),
    ];
    for (from, to, line) in cases {
        assert_eq!(fault(&GOOD.replacen(from, to, 1)).line, line, "{from} -> {to}");
    }
    // Wherever the recorder is stopped: what is whole is no damage, what is not is told as cut off.
    for end in GOOD.find('\n').unwrap()..GOOD.len() {
        let text = &GOOD[..end];
        match TraceFile::parse(text) {
            Ok(file) => assert_eq!(file.entries.len() + 1, text.lines().count()),
            Err(DamagedTrace { line, fault }) => {
                assert_eq!((line, fault), (text.lines().count(), TraceFault::CutOff));
            }
        }
    }
    assert_eq!(fault("").fault, TraceFault::Schema);
}

/// Somebody else's recorder has kept what must not be kept.
#[test]
fn a_secret_in_a_file_is_not_read() {
    let open = GOOD.replace("0020000003******", "0020000003123456").replace("******9000", &"41".repeat(55));
    let open = open.replace(&"41".repeat(55), &format!("{}9000", "41".repeat(55)));
    let text = written(&TraceFile::parse(&open).unwrap());
    assert!(!text.contains("123456") && !text.contains("4141"), "{text}");
    assert!(text.contains("0020000003******"), "{text}");
}

#[test]
fn every_command_and_answer_comes_back_byte_for_byte() {
    let commands =
        [&hex!("805C000204")[..], &hex!("00"), &hex!("00A40400 05 0102030405 00"), &hex!("00A40400 07 01"), &[]];
    let answers = [&hex!("9000")[..], &hex!("00002000 9000"), &hex!("90"), &[]];
    for command in commands {
        for answer in answers {
            let what = What::Exchange(Exchange::record(command, Ok(answer)));
            let file = TraceFile { about: About::default(), entries: vec![Entry { ms: 1, with: Peer::Sam, what }] };
            let What::Exchange(exchange) = &file.entries[0].what else { panic!("no exchange") };
            let bytes: Vec<u8> = exchange.sent.bytes().into_iter().map(Option::unwrap).collect();
            assert_eq!(bytes, command);
            assert_eq!(TraceFile::parse(&written(&file)).unwrap(), file);
        }
    }
}

#[test]
fn every_silence_comes_back() {
    let errors = [
        TransportError::CardRemoved,
        TransportError::NoAnswer,
        TransportError::CardReset,
        TransportError::CardInUse,
        TransportError::ReaderUnplugged,
        TransportError::NoReader,
        TransportError::NoService,
        TransportError::CommandTooLong { length: 300, longest: 261 },
        TransportError::Reader("unplugged".to_owned()),
    ];
    for error in errors {
        let what = What::Exchange(Exchange::record(&hex!("805C000204"), Err(&error)));
        let file = TraceFile { about: About::default(), entries: vec![Entry { ms: 1, with: Peer::Card, what }] };
        let text = written(&file);
        assert_eq!(TraceFile::parse(&text).unwrap(), file, "{text}");
    }
    for (error, why) in [("command-too-long", "300"), ("command-too-long", "300/x"), ("card-reset", "300/261")] {
        let line = format!("\"error\":\"{error}\",\"why\":\"{why}\"");
        let text = GOOD.replacen("\"error\":\"card-removed\"", &line, 1);
        assert_eq!(TraceFile::parse(&text).unwrap_err().line, 6, "{error} {why}");
    }
}
