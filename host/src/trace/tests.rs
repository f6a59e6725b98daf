#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use hex_literal::hex;

fn story(command: &[u8], answer: &[u8]) -> String {
    Exchange::record(command, Ok(answer)).to_string()
}

#[test]
fn a_published_purchase_reads_like_this() {
    let initialize =
        story(&hex!("805001020B 00 00000001 001122334455 0F"), &hex!("00002000 0000 000000 00 00 584633C9 9000"));
    let expected = "\
INITIALIZE FOR PURCHASE
  > 80500102 0B 0000000001001122334455 0F
      purse                EP
      key id               00
      amount               0.01 yuan
      terminal             001122334455
  < 0000200000000000000000584633C9 9000 done
      old balance          81.92 yuan
      offline sequence     0
      overdraft limit      000000
      key version          00
      algorithm            00
      random               584633C9
";
    assert_eq!(initialize, expected);
    let debit = story(&hex!("805401000F 00000000 20161216134600 D45737C5 08"), &hex!("8AF270DC 66B54A6B 9000"));
    let expected = "\
DEBIT FOR PURCHASE
  > 80540100 0F 0000000020161216134600D45737C5 08
      terminal sequence    0
      terminal's moment    2016-12-16 13:46:00
      MAC1                 D45737C5
  < 8AF270DC66B54A6B 9000 done
      TAC                  8AF270DC
      MAC2                 66B54A6B
";
    assert_eq!(debit, expected);
}

/// Each command of the whole application by name, with a field or two that only its own layout gives.
#[test]
fn the_whole_application_is_read_field_by_field() {
    let shows = |command: &[u8], answer: &[u8], expected: &[&str]| {
        let story = story(command, answer);
        for text in expected {
            assert!(story.contains(text), "{text:?} is not in\n{story}");
        }
    };
    let offline = hex!("00010000 0007 000000 01 00 11223344 9000");
    shows(&hex!("805006020B 01 000004D2 001122334455 0F"), &offline, &["FOR UNDO", "12.34 yuan", "sequence     7"]);
    let debit = hex!("805406000F 00000009 20261123 184207 A1B2C3D4 08");
    shows(&debit, &hex!("01020304 05060708 9000"), &["DEBIT FOR UNDO", "TAC                  01020304"]);
    let unload = hex!("805005020B 02 000004D2 001122334455 10");
    shows(&unload, &hex!("00010000 0007 01 00 11223344 A1B2C3D4 9000"), &["FOR UNLOAD", "online sequence      7"]);
    shows(&hex!("805403000B 20261123 184207 A1B2C3D4 04"), &hex!("0A0B0C0D 9000"), &["MAC3                 0A0B0C0D"]);
    let update = hex!("00010000 0007 0003E8 01 06 11223344 A1B2C3D4 9000");
    shows(
        &hex!("8050040107 01 001122334455 13"),
        &update,
        &["old limit            10.00 yuan", "algorithm            06"],
    );
    let limit = hex!("805800000E 001388 20261123 184207 A1B2C3D4 04");
    shows(&limit, &hex!("0A0B0C0D 9000"), &["new limit            50.00 yuan", "TAC                  0A0B0C0D"]);
    let cache = hex!("80DCAAE006 AA0400 112233");
    shows(
        &cache,
        &hex!("9000"),
        &["UPDATE CAPP DATA CACHE", "lock                 open", "record               112233"],
    );
    let list = hex!("E00E C0053E010200FF C0053A00000003 9000");
    shows(&hex!("80CA00E000"), &list, &["key list", "type 3E id 01, version 02", "type 3A id 00, version 00"]);
    let mark = hex!("8074000013 01020304 00000000000042 3100100000000423 04");
    shows(&mark, &hex!("A1B2C3D4 9000"), &["marks a listed card", "blacklist version    00000000000042"]);
    let log = hex!("001122334455 20261123 080001 01 0007 9000");
    shows(&hex!("00B201D410"), &log, &["event                01 in", "terminal's counter   7"]);
    let mut rights = [0; 226];
    rights[..16].copy_from_slice(&hex!("0007 01 01 20260101 20261231 A1B2C3D4"));
    rights[224] = 0x90;
    shows(&hex!("00B09900E0"), &rights, &["zone 0007, schedule 01, 2026-01-01 to 2026-12-31, anti-passback"]);
}

#[test]
fn a_published_load_and_its_log_are_read() {
    let lines = |text: String| text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
    let initialize = lines(story(
        &hex!("805000020B 00 00000010 666666666666 10"),
        &hex!("00000000 0000 00 01 4E066548 0D39ADBB 9000"),
    ));
    assert!(initialize.contains(&"MAC1                 0D39ADBB".to_owned()), "{initialize:?}");
    let credit = lines(story(&hex!("805200000B 20240411212121 097E98FE 04"), &hex!("A802863E 9000")));
    assert!(credit.contains(&"host's moment        2024-04-11 21:21:21".to_owned()), "{credit:?}");
    assert!(credit.contains(&"TAC                  A802863E".to_owned()), "{credit:?}");
    let record = hex!("0001 000000 00000010 02 666666666666 20240411 212121 9000");
    let log = lines(story(&hex!("00B201C400"), &record));
    assert!(log.contains(&"type                 02 load of the EP".to_owned()), "{log:?}");
    assert!(log.contains(&"sequence after it    1".to_owned()), "{log:?}");
}

#[test]
fn no_pin_key_or_holder_is_kept() {
    let secret = hex!("5EC2E75EC2E75EC2E75EC2E7");
    for header in [
        hex!("00200000"),
        hex!("805E0100"),
        hex!("805E0000"),
        hex!("84240000"),
        hex!("80D40100"),
        hex!("84D43900"),
        hex!("84D40000"),
        hex!("802C0000"),
        hex!("FF200000"),
        hex!("04D69600"),
        hex!("00D09600"),
    ] {
        let well_formed = [&header[..], &[12], &secret].concat();
        let with_le = [&well_formed[..], &[0]].concat();
        let wrong_length = [&header[..], &[13], &secret].concat();
        let no_length = [&header[..], &secret].concat();
        for command in [well_formed, with_le, wrong_length, no_length] {
            let exchange = Exchange::record(&command, Ok(&[0x90, 0x00]));
            for text in [exchange.to_string(), format!("{exchange:?}"), format!("{:?}", exchange.decode())] {
                assert!(!text.to_uppercase().contains("5EC2"), "{text}");
                assert!(!text.contains("94, 194"), "{text}");
            }
        }
    }
    let holder = [&[0x41; 55][..], &[0x90, 0x00]].concat();
    let exchange = Exchange::record(&hex!("00B0960037"), Ok(&holder));
    assert_eq!(exchange.received.as_ref().unwrap().data, Payload::Hidden(55));
    let terminal = Exchange::record(&hex!("00B0960006"), Ok(&hex!("000000001234 9000")));
    assert_eq!(terminal.decode().answer, [Field { name: "terminal", value: "000000001234".to_owned() }]);
}

#[test]
fn a_sams_commands_are_read() {
    let init = "584633C9 0000 00000001 06 20161216134600 00 00";
    let factor = "3100100000000423";
    let command = |text: String| hex::decode(text.replace(' ', "")).unwrap();
    let purchase = story(&command(format!("807000001C {init} {factor} 08")), &hex!("00000007 D45737C5 9000"));
    assert!(purchase.contains("terminal sequence    7\n"), "{purchase}");
    assert!(purchase.contains("factor: card serial  3100100000000423\n"), "{purchase}");
    let load = story(&command(format!("8070020024 {init} {factor} 00002710 0D39ADBB 04")), &hex!("097E98FE 9000"));
    assert!(load.contains("old balance          100.00 yuan\n") && load.contains("MAC2                 097E98FE\n"));
    let past = story(&command(format!("8072030024 00000007 {init} {factor} 66B54A6B")), &hex!("9302"));
    assert!(past.contains("MAC2                 66B54A6B\n") && past.contains("  < 9302 "), "{past}");
    let maintenance = story(&command(format!("801A250108 {factor}")), &hex!("9000"));
    assert!(maintenance.contains("usage                kind 05, 1 levels\n"), "{maintenance}");
}

#[test]
fn select_tells_the_card_and_refusals_their_meaning() {
    let fci = hex!(
        "6F33 840E F04F4E4543 01 1000000000000001 A521 9F0C1E 1000000000000001 02 02 0000 3100100000000423 20260101
         20301231 0000 9000"
    );
    let select = hex!("00A404000E F04F4E4543 01 1000000000000001 00");
    let text = story(&select, &fci);
    assert!(text.contains("card                 3100100000000423\n"), "{text}");
    assert!(text.contains("valid                2026-01-01 to 2030-12-31\n"), "{text}");
    assert!(text.contains("(application of enterprise 1000000000000001)\n"), "{text}");
    let refused = story(&select, &hex!("6A82"));
    assert!(refused.contains("  < 6A82 ") && !refused.contains("file not found"), "{refused}");
}

#[test]
fn whatever_is_sent_is_told() {
    let error = TransportError::CardRemoved;
    let lost = Exchange::record(&hex!("805C000204"), Err(&error)).to_string();
    assert!(lost.contains("  < no answer: the card has left the reader"), "{lost}");
    // Every command byte with every kind of parameter and data, cut anywhere.
    for ins in 0..=255 {
        for p1 in [0, 1, 2, 3, 4, 5, 0x95, 0x96, 0x97, 0xFF] {
            for length in [0, 1, 4, 5, 6, 9, 16, 20, 41, 60] {
                let command = [&[0x80, ins, p1, 0xC4][..], &vec![0x11; length]].concat();
                for cla in [0x00, 0x04, 0x84, 0xFF] {
                    let command = [&[cla], &command[1..]].concat();
                    let text = story(&command, &command);
                    assert!(text.lines().count() >= 3, "{text}");
                }
            }
        }
    }
    for short in [&[][..], &[0x00], &[0x00, 0xA4, 0x04]] {
        assert!(story(short, short).starts_with("less than a command\n"));
    }
}

#[test]
fn the_trace_changes_nothing() {
    let mut seen = Vec::new();
    let mut traced = Traced::new(Echo, |exchange: &Exchange| seen.push(exchange.clone()));
    assert_eq!(traced.transmit(&hex!("0084000004")), Ok(hex!("0084000004 9000").to_vec()));
    let mut inner = traced.into_inner();
    assert!(inner.transmit(&[1]).is_ok());
    assert_eq!(seen.len(), 1);
}

/// Answers with the command itself.
struct Echo;

impl Transport for Echo {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        Ok([command, &[0x90, 0x00]].concat())
    }
}
