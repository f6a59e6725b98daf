//! Scripts.

use hex_literal::hex;

use super::{
    super::{
        Handset, Settings,
        played_card::{PlayedCard, chinese, english, item, menu, proactive},
        script::{Counter, Failure, NoCounter, Script},
    },
    last_result,
};

fn play(card: &PlayedCard, script: &str) -> Result<Vec<String>, Failure> {
    let mut handset = Handset::new(card.clone(), Settings::default());
    let mut steps = Vec::new();
    Script::parse(script)?.play(&mut handset, &mut NoCounter, &mut |played| steps.push(played.step.clone()))?;
    Ok(steps)
}

/// A card with a list, a service password and a message behind it.
fn card() -> PlayedCard {
    let list = proactive(0x24, 0x00, 0x82, &[(0x85, b"One Card"), (0x8F, &item(1, "余额")), (0x8F, &item(2, "语言"))]);
    let password = proactive(0x23, 0x04, 0x82, &[(0x8D, &chinese("服务密码")), (0x91, &[6, 6])]);
    let packet = hex!("41000481010100F61C 027000 0016 15 1639 1515 4F4E45 0000000001 00 0102030405060708 AA");
    let message = proactive(0x13, 0x00, 0x83, &[(0x85, b"Sending"), (0x8B, &packet)]);
    let done = proactive(0x21, 0x80, 0x02, &[(0x8D, &english("Request sent"))]);
    PlayedCard::wanting(&[&menu(), &list, &password, &message, &done])
}

const SCRIPT: &str = "\
boot
expect-title \"One Card\"
expect-items 余额 | 语言
choose 语言            # the second
expect-input hidden digits 6-6
type 123456
expect Sending
expect-sms TAR=4F4E45 TO=1010 PARTS=1
ok
expect-idle
expect-no-sms
menu
expect-menu
back
off
";

#[test]
fn a_script_goes_through_a_session() {
    let steps = play(&card(), SCRIPT).unwrap();
    assert_eq!(steps.len(), SCRIPT.lines().count());
    assert_eq!(steps[5], "type ••••");
}

#[test]
fn what_is_not_as_written_ends_the_script_by_its_line() {
    for (from, to, line, problem) in [
        ("余额 | 语言", "余额", 3, "the items are"),
        ("expect-idle", "expect 余额", 10, "is not shown"),
        ("TAR=4F4E45", "TAR=000000", 8, "to 1010, 25 bytes, TAR=4F4E45"),
        ("hidden", "shown", 5, "an input is shown, and not that input"),
        ("choose 语言", "choose 余", 5, ""),
        ("type 123456", "type 12", 6, "too short"),
        ("choose 语言", "choose 充值", 4, "no item is called"),
        ("back\n", "ok\n", 14, "ok does nothing here"),
    ] {
        assert!(SCRIPT.contains(from));
        match play(&card(), &SCRIPT.replace(from, to)) {
            Ok(_) => assert!(problem.is_empty(), "{to}"),
            Err(failure) => {
                assert_eq!(failure.line, line, "{failure}");
                assert!(failure.problem.contains(problem), "{failure}");
            }
        }
    }
    assert_eq!(play(&card(), "boot\n\ndance").unwrap_err().line, 3);
}

#[test]
fn a_complaint_must_be_expected() {
    let card = || PlayedCard::wanting(&[&proactive(0x7E, 0x00, 0x82, &[])]);
    let failure = play(&card(), "boot\nexpect-idle").unwrap_err();
    assert_eq!((failure.line, failure.problem.contains("7E")), (2, true), "{failure}");
    assert!(play(&card(), "boot").is_err(), "the end is a step too");
    play(&card(), "boot\nexpect-complaint 7E\nexpect-idle").unwrap();
    assert!(play(&card(), "boot\nexpect-complaint 7F").is_err());
}

#[test]
fn any_result_can_be_given() {
    let message = proactive(0x13, 0x00, 0x83, &[(0x8B, &hex!("0100029121000000"))]);
    let text = proactive(0x21, 0x80, 0x02, &[(0x8D, &english("A"))]);
    let card = PlayedCard::wanting(&[&message, &text]);
    play(&card, "next SEND SHORT MESSAGE 35 29\nboot\nexpect A\nanswer 20 02\nexpect-no-sms").unwrap();
    let results: Vec<_> = card.played().responses.iter().map(|response| response[9..].to_vec()).collect();
    assert_eq!(results, [hex!("83023529"), hex!("83022002")]);
}

#[test]
fn a_network_that_is_away_or_refuses_is_told() {
    let message = proactive(0x13, 0x00, 0x83, &[(0x8B, &hex!("0100029121000000"))]);
    for (step, result) in [("network off", hex!("83022004")), ("sms-error 29", hex!("83023529"))] {
        let card = PlayedCard::wanting(&[&message]);
        play(&card, &format!("{step}\nboot\nexpect-no-sms")).unwrap();
        assert_eq!(last_result(&card), result);
    }
}

#[test]
fn the_card_can_be_tapped_beside_the_phone() {
    struct Till;
    impl Counter for Till {
        fn tap(&mut self, order: &str) -> Result<String, String> {
            Ok(format!("done: {order}"))
        }
    }
    let card = PlayedCard::default();
    let mut handset = Handset::new(card, Settings::default());
    let script = Script::parse("boot\ntap pay 5.00\nexpect-tap pay\nexpect-idle").unwrap();
    script.play(&mut handset, &mut Till, &mut |_| ()).unwrap();
    assert!(play(&PlayedCard::default(), "boot\ntap pay 5.00").is_err());
}
