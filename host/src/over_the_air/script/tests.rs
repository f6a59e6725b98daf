#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use hex_literal::hex;
use onecard_wire::status::StatusWord;
use proptest::{collection::vec, prelude::*};

use super::{
    AnswerError, BadFormat, Chaining, ChainingError, Ending, Form, Script, ScriptError, ScriptParseError,
    TemplateLength, case::carries_data,
};
use crate::{apdu::Command, over_the_air::Tar};

fn select(name: &[u8]) -> Command {
    Command::new(0x00, 0xA4, 0x04, 0x00).with_bytes(name).unwrap()
}

fn read(le: u8) -> Command {
    Command::new(0x00, 0xB0, 0x95, 0x00).expecting(le)
}

fn script(form: Form, commands: Vec<Command>) -> Script {
    Script::new(Tar::ENTERPRISE, form, commands).unwrap()
}

#[test]
fn published_scripts_are_read_and_written() {
    // osmocom/pysim docs/smpp-ota-tool.rst; suma12/asterix SecurePacket.py test_SPI1531.
    for (tar, data, count) in [
        (Tar::FILES_2G, &hex!("A0A40000027F20 A0C0000016")[..], 2),
        (Tar::ISSUER_DOMAIN, &hex!("80CA00E000 00C0000000")[..], 2),
        (Tar::FILES_2G, &hex!("A0A40000023F00 A0A40000027F10 A0A40000026F3C A0B2010405")[..], 4),
        (Tar::FILES_USIM, &hex!("00A40004023F00")[..], 1),
    ] {
        let script = Script::parse(tar, data).unwrap();
        assert_eq!((script.form(), script.commands().len()), (Form::Compact, count));
        assert_eq!(script.to_bytes()[..], *data);
    }
}

#[test]
fn both_formats() {
    let commands = || vec![select(&[0xF0, 0x01]), read(4), Command::new(0x80, 0x0E, 0, 0)];
    assert_eq!(script(Form::Compact, commands()).to_bytes()[..], hex!("00A4040002F001 00B0950004 800E000000"));
    let expanded = |length, chaining| script(Form::Expanded { length, chaining }, commands()).to_bytes().to_vec();
    assert_eq!(
        expanded(TemplateLength::Definite, None),
        hex!("AA 16 22 07 00A4040002F001 22 05 00B0950004 22 04 800E0000")
    );
    assert_eq!(
        expanded(TemplateLength::Indefinite, Some(Chaining::FirstKept)),
        hex!("AE 80 83 01 11 22 07 00A4040002F001 22 05 00B0950004 22 04 800E0000 00 00")
    );
}

#[test]
fn errors_name_the_command() {
    let new = |form, commands| Script::new(Tar::ENTERPRISE, form, commands);
    assert_eq!(new(Form::EXPANDED, vec![]), Err(ScriptError::Empty));
    assert_eq!(new(Form::EXPANDED, vec![read(1); 256]), Err(ScriptError::TooMany(256)));
    let both = select(&[1]).expecting(0);
    assert!(new(Form::EXPANDED, vec![read(1), both.clone()]).is_ok());
    assert_eq!(new(Form::Compact, vec![read(1), both]), Err(ScriptError::DataAndLe { command: 2 }));
    let other = Command::new(0x00, 0xA4, 0x04, 0x00).expecting(16);
    let error = new(Form::Compact, vec![read(1), read(2), other]).unwrap_err();
    assert!(matches!(error, ScriptError::OtherCase { command: 3, ins: 0xA4, .. }), "{error}");
    assert!(error.to_string().starts_with("command 3, A4, carries data"));
    let read_with_data = Command::new(0x00, 0xB0, 0, 0).with_data(&[1]);
    assert!(matches!(
        new(Form::Compact, vec![read_with_data.clone()]),
        Err(ScriptError::OtherCase { command: 1, ins: 0xB0, .. })
    ));
    // Under a MAC READ BINARY has data.
    assert!(new(Form::Compact, vec![read_with_data.with_class_bits(0x04)]).is_ok());
    let looks = Command::new(0xAA, 0x01, 0, 0);
    assert_eq!(new(Form::Compact, vec![looks]), Err(ScriptError::LooksExpanded(0xAA)));
    let parse = |data: &[u8]| Script::parse(Tar::ENTERPRISE, data);
    assert_eq!(parse(&hex!("00B0950004 00A4040002F0")), Err(ScriptParseError::Cut { command: 2 }));
    assert_eq!(parse(&hex!("AA 0A 22 05 00B0950004 81 01 01")), Err(ScriptParseError::Tag { tag: 0x81, command: 2 }));
    assert_eq!(parse(&hex!("AA 07 22 05 00B0950004 00")), Err(ScriptParseError::Template));
    assert_eq!(parse(&hex!("AE 80 22 05 00B0950004 00 01")), Err(ScriptParseError::Template));
}

/// The same instruction is another command to another receiver.
#[test]
fn who_is_meant_says_what_p3_is() {
    let case = |tar, cla, ins| carries_data(tar, [cla, ins, 0x00, 0x00]);
    assert_eq!(case(Tar::ISSUER_DOMAIN, 0x80, 0xF2), Some(true));
    assert_eq!(case(Tar::FILES_2G, 0xA0, 0xF2), Some(false));
    assert_eq!((case(Tar::ENTERPRISE, 0x00, 0xB0), case(Tar::ENTERPRISE, 0x04, 0xB0)), (Some(false), Some(true)));
    assert_eq!(carries_data(Tar::ISSUER_DOMAIN, [0x80, 0xCA, 0x2F, 0x00]), Some(true));
    assert_eq!(carries_data(Tar::ISSUER_DOMAIN, [0x80, 0xCA, 0x00, 0xE0]), Some(false));
    assert_eq!(case(Tar([1, 2, 3]), 0x00, 0xA4), None);
}

#[test]
fn published_answers() {
    let two = script(Form::Compact, vec![select(&[1]), read(0)]);
    // sysmoISIM-SJA2, osmocom/pysim docs/smpp-ota-tool.rst.
    let answer = two.read_answer(&hex!("02900000 00FFFF7F2002000000000009B106350400838A838A")).unwrap();
    assert_eq!((answer.ending, answer.executed), (Ending::Complete, 2));
    assert_eq!(answer.to_command(2).unwrap().data.len(), 22);
    assert_eq!(answer.to_command(1), None, "the compact format tells the last alone");
    // suma12/asterix: a card that counts GET DATA and GET RESPONSE as one.
    let answer = two.read_answer(&hex!("019000E012")).unwrap();
    assert_eq!(answer.ending, Ending::Stopped { command: 1, status: Some(StatusWord(0x9000)) });
    // opentelecoms-org/gsm0348: 6E00, and the answer of its AES case.
    let answer = two.read_answer(&hex!("016E00")).unwrap();
    assert_eq!(answer.ending, Ending::Stopped { command: 1, status: Some(StatusWord(0x6E00)) });
    let one = script(Form::EXPANDED, vec![read(0)]);
    assert_eq!(one.read_answer(&hex!("AB0780010123029000")).unwrap().ending, Ending::Complete);
    // A test packet of an eUICC, indefinite.
    assert_eq!(one.read_answer(&hex!("AF80230290000000")).unwrap().ending, Ending::Complete);
}

#[test]
fn partial_execution_and_what_is_no_answer() {
    let three = script(Form::EXPANDED, vec![select(&[1]).expecting(0), read(2), read(2)]);
    let answer = three.read_answer(&hex!("AB 0D 80 01 02 23 04 AABB9000 23 02 6A82")).unwrap();
    assert_eq!(answer.ending, Ending::Stopped { command: 2, status: Some(StatusWord(0x6A82)) });
    assert_eq!(answer.to_command(1).unwrap().data, [0xAA, 0xBB]);
    assert_eq!(answer.to_command(2).unwrap().status, StatusWord(0x6A82));
    assert_eq!((answer.to_command(0), answer.to_command(3)), (None, None));
    // All executed, the last failed.
    let failed = three.read_answer(&hex!("AB 0F 80 01 03 23 02 9000 23 02 9101 23 02 6982")).unwrap();
    assert_eq!(failed.ending, Ending::Stopped { command: 3, status: Some(StatusWord(0x6982)) });
    let bad = three.read_answer(&hex!("AB 0A 80 01 01 23 02 9000 90 01 02")).unwrap();
    assert_eq!((bad.ending, bad.executed), (Ending::BadFormat(BadFormat::WrongLength), 1));
    let unchained = three.read_answer(&hex!("AB 06 83 01 01 80 01 00")).unwrap();
    assert_eq!(unchained.ending, Ending::Unchained(ChainingError::NoPrevious));
    let error = |data: &[u8]| three.read_answer(data).unwrap_err();
    assert_eq!(error(&hex!("AB 03 80 01 04")), AnswerError::TooMany { executed: 4, sent: 3 });
    assert_eq!(error(&hex!("AB 07 80 01 02 23 02 9000")), AnswerError::Answers { executed: 2, answers: 1 });
    for wrong in [
        &hex!("03 9000")[..],
        &hex!("AB 08 80 01 01 23 02 9000"),
        &hex!("AB 05 80 01 01 23 00"),
        &hex!("AB 0A 80 01 01 80 01 01 23 02 9000"),
        &hex!("AB 0A 80 01 01 90 01 01 23 02 9000"),
        &[],
    ] {
        assert_eq!(error(wrong), AnswerError::Form("expanded"), "{wrong:02X?}");
    }
    assert_eq!(script(Form::Compact, vec![read(0)]).read_answer(&[1, 0x90]), Err(AnswerError::Form("compact")));
}

fn command() -> impl Strategy<Value = Command> {
    (any::<[u8; 4]>(), vec(any::<u8>(), 0..=239), any::<Option<u8>>()).prop_map(|([cla, ins, p1, p2], data, le)| {
        let command = Command::new(cla, ins, p1, p2).with_bytes(&data).unwrap();
        le.map_or(command.clone(), |le| command.expecting(le))
    })
}

fn form() -> impl Strategy<Value = Form> {
    let length = prop_oneof![Just(TemplateLength::Definite), Just(TemplateLength::Indefinite)];
    let chaining = prop_oneof![
        Just(None),
        Just(Some(Chaining::First)),
        Just(Some(Chaining::FirstKept)),
        Just(Some(Chaining::Further)),
        Just(Some(Chaining::Last)),
    ];
    (length, chaining).prop_map(|(length, chaining)| Form::Expanded { length, chaining })
}

proptest! {
    #[test]
    fn expanded_there_and_back(commands in vec(command(), 1..20), form in form()) {
        let script = script(form, commands);
        prop_assert_eq!(Script::parse(Tar::ENTERPRISE, &script.to_bytes()).unwrap(), script);
    }

    /// Compact, of instructions that the receiver knows: what it reads is what was meant, or it was not built.
    #[test]
    fn compact_there_and_back(commands in vec(command(), 1..20), known in vec(0_usize..5, 20)) {
        let instructions = [(0x00, 0xA4), (0x00, 0xB0), (0x80, 0x50), (0x80, 0x5C), (0x84, 0xD4)];
        let commands = commands.into_iter().zip(known).map(|(command, at)| {
            let (cla, ins) = instructions[at];
            let again = Command::new(cla, ins, command.header()[2], command.header()[3]);
            if matches!(ins, 0xB0 | 0x5C) {
                again.expecting(command.expected().unwrap_or_default())
            } else {
                again.with_bytes(command.data()).unwrap()
            }
        });
        let script = script(Form::Compact, commands.collect());
        prop_assert_eq!(Script::parse(Tar::ENTERPRISE, &script.to_bytes()).unwrap(), script);
    }

    #[test]
    fn what_parses_is_what_is_written(data in vec(any::<u8>(), 0..60)) {
        if let Ok(script) = Script::parse(Tar::FILES, &data) {
            prop_assert_eq!(Script::parse(Tar::FILES, &script.to_bytes()).unwrap(), script);
        }
    }
}
