//! Power-up, sessions, time.

use std::time::Duration;

use hex_literal::hex;
use onecard_wire::date::Moment;

use super::{
    super::{
        Complaint, Handset, HandsetError, Pin, Settings,
        played_card::{PlayedCard, chinese, english, item, menu, proactive},
        profile::Lack,
        screen::Screen,
    },
    last_result,
};

fn phone(card: &PlayedCard) -> Handset<PlayedCard> {
    Handset::new(card.clone(), Settings::default())
}

fn booted(card: &PlayedCard) -> Handset<PlayedCard> {
    let mut phone = phone(card);
    phone.boot().unwrap();
    phone
}

fn text(text: &str) -> Vec<u8> {
    proactive(0x21, 0x80, 0x02, &[(0x8D, &chinese(text))])
}

fn hidden_input() -> Vec<u8> {
    proactive(0x23, 0x04, 0x82, &[(0x8D, &english("PIN")), (0x91, &[6, 6])])
}

#[test]
fn a_phone_reads_its_card_and_shows_its_menu() {
    let card = PlayedCard::wanting(&[&menu()]);
    let mut phone = booted(&card);
    let identity = phone.identity().unwrap();
    assert_eq!(identity.iccid.as_deref(), Some("89860000000000000001"));
    assert_eq!(identity.imsi.as_deref(), Some("460000123456789"));
    assert_eq!(identity.missing, ["EF.PL", "EF.LI", "EF.UST", "EF.AD", "EF.ACC", "EF.SPN"]);
    assert_eq!(card.played().profile.clone().unwrap(), phone.settings().profile.bytes());
    assert_eq!(card.played().responses.clone(), [hex!("810301258082028281830100")]);
    assert_eq!(phone.screen(), Screen::Idle(None));
    phone.open_menu().unwrap();
    assert_eq!(phone.screen().to_string(), "一卡通\n1 一卡通");
    phone.choose("一卡").unwrap();
    assert_eq!(card.played().envelopes.clone(), [hex!("D30782020181900101")]);
    assert!(phone.complaints().is_empty());
}

#[test]
fn help_on_the_menu_is_an_envelope_of_its_own() {
    let card = PlayedCard::wanting(&[&menu()]);
    let mut phone = booted(&card);
    phone.open_menu().unwrap();
    phone.help(1).unwrap();
    assert_eq!(card.played().envelopes.clone(), [hex!("D309820201819001011500")]);
}

#[test]
fn a_wanted_pin_is_given_or_asked_for() {
    let card = PlayedCard::default();
    card.played().wants_pin = true;
    let mut phone = phone(&card);
    assert!(matches!(phone.boot(), Err(HandsetError::PinWanted(status)) if status.tries() == Some(3)));
    phone.settings_mut().pin = Pin::parse("1234");
    phone.boot().unwrap();
    let verify = phone.log().iter().find(|crossing| crossing.name == "VERIFY PIN").unwrap();
    assert_eq!((verify.command_text().as_str(), verify.withheld), ("0020000108················", 8));
}

#[test]
fn what_is_typed_hidden_is_in_the_response_and_not_in_the_log() {
    let card = PlayedCard::wanting(&[&hidden_input()]);
    let mut phone = booted(&card);
    assert_eq!(phone.screen().to_string(), "PIN\n[hidden, 6 digits]");
    for wrong in ["12345", "1234567", "12345a"] {
        assert!(matches!(phone.type_text(wrong), Err(HandsetError::NotTyped(_))), "{wrong}");
    }
    phone.type_text("123456").unwrap();
    assert_eq!(last_result(&card), [&hex!("8301008D0704")[..], b"123456"].concat());
    assert!(!format!("{:?}", phone.log()).contains("49, 50, 51, 52"));
    assert_eq!(phone.log().last().unwrap().withheld, 21);
}

#[test]
fn every_key_has_its_result() {
    let list = proactive(0x24, 0x80, 0x82, &[(0x85, b"List"), (0x8F, &item(7, "甲")), (0x8F, &item(9, "乙"))]);
    type Key = fn(&mut Handset<PlayedCard>) -> Result<(), HandsetError>;
    let keys: [(&str, Key, &[u8]); 6] = [
        ("choose", |phone| phone.choose_number(2), &hex!("830100900109")),
        ("back", |phone| phone.back(), &hex!("830111")),
        ("cancel", |phone| phone.cancel(), &hex!("830110")),
        ("timeout", |phone| phone.time_out(), &hex!("830112")),
        ("help", |phone| phone.help(2), &hex!("830113900109")),
        ("patience", |phone| phone.wait(Duration::from_secs(61)), &hex!("830112")),
    ];
    for (name, key, result) in keys {
        let card = PlayedCard::wanting(&[&list]);
        let mut phone = booted(&card);
        key(&mut phone).unwrap();
        assert_eq!(last_result(&card), result, "{name}");
        assert_eq!(phone.screen(), Screen::Idle(None), "{name}");
    }
}

#[test]
fn a_text_waits_for_the_user_or_goes_by_itself() {
    let passing = proactive(0x21, 0x00, 0x02, &[(0x8D, &english("Bye"))]);
    let sustained = proactive(0x21, 0x80, 0x02, &[(0x8D, &english("Stays")), (0xAB, &[])]);
    let card = PlayedCard::wanting(&[&text("余额"), &passing, &sustained]);
    let mut phone = booted(&card);
    assert_eq!(phone.screen().to_string(), "余额");
    phone.ok().unwrap();
    assert_eq!(phone.screen().to_string(), "Bye");
    phone.wait(Duration::from_secs(5)).unwrap();
    // Answered at once, and still there until the user takes it away.
    assert_eq!((card.played().responses.len(), phone.screen().to_string().as_str()), (3, "Stays"));
    phone.back().unwrap();
    assert_eq!(phone.screen(), Screen::Idle(None));
}

#[test]
fn a_busy_screen_shows_what_is_urgent_alone() {
    let urgent = proactive(0x21, 0x81, 0x02, &[(0x8D, &english("Urgent"))]);
    let card = PlayedCard::wanting(&[&text("余额"), &hidden_input(), &urgent]);
    let mut phone = phone(&card);
    phone.settings_mut().busy = true;
    phone.boot().unwrap();
    let results: Vec<_> = card.played().responses.iter().map(|response| response[9..].to_vec()).collect();
    assert_eq!(results, [hex!("83022001"), hex!("83022001")]);
    assert_eq!(phone.screen().to_string(), "Urgent");
}

#[test]
fn a_lesser_phone_refuses_and_complains() {
    let message = proactive(0x13, 0x00, 0x83, &[(0x8B, &hex!("01000291210000 00"))]);
    for (lack, command) in [
        (Lack::Menu, menu()),
        (Lack::Ucs2, text("余额")),
        (Lack::Input, hidden_input()),
        (Lack::ShortMessage, message),
        (Lack::DisplayText, text("余额")),
        (Lack::Language, proactive(0x26, 0x04, 0x82, &[])),
        (Lack::Timers, proactive(0x27, 0x00, 0x82, &[(0xA4, &[1]), (0xA5, &[0, 0, 0x10])])),
    ] {
        let card = PlayedCard::wanting(&[&command]);
        let mut phone = phone(&card);
        phone.settings_mut().profile = Settings::default().profile.without(lack);
        phone.boot().unwrap();
        assert_eq!(last_result(&card), hex!("830130"), "{}", lack.word());
        assert!(matches!(phone.complaints(), [Complaint::NotInProfile(_)]), "{:?}", phone.complaints());
    }
}

#[test]
fn a_timer_tells_how_long_it_ran_and_waits_for_the_session() {
    let start = proactive(0x27, 0x00, 0x82, &[(0xA4, &[3]), (0xA5, &hex!("000002"))]);
    let card = PlayedCard::wanting(&[&start, &text("余额")]);
    let mut phone = booted(&card);
    assert_eq!(phone.timers(), [(3, Duration::from_secs(20))]);
    phone.wait(Duration::from_secs(25)).unwrap();
    assert!(card.played().envelopes.is_empty() && phone.timers().is_empty());
    phone.ok().unwrap();
    assert_eq!(card.played().envelopes.clone(), [hex!("D70C82028281A40103A503000052")]);
    // STATUS gives the card its turn every 30 s.
    phone.wait(Duration::from_secs(65)).unwrap();
    assert_eq!(card.played().polls, 1 + 3);
}

#[test]
fn a_phone_tells_date_and_time_if_its_clock_is_set() {
    let ask = proactive(0x26, 0x03, 0x82, &[]);
    let card = PlayedCard::wanting(&[&ask]);
    booted(&card);
    assert_eq!(last_result(&card), hex!("83022000"));
    let card = PlayedCard::wanting(&[&ask]);
    let mut phone = phone(&card);
    phone.settings_mut().start = Moment::from_bytes(hex!("20261129083000"));
    phone.boot().unwrap();
    assert_eq!(last_result(&card), hex!("830100A60762119280030023"));
}

#[test]
fn a_busy_card_is_told_again() {
    let start = proactive(0x27, 0x00, 0x82, &[(0xA4, &[3]), (0xA5, &hex!("000001"))]);
    let card = PlayedCard::wanting(&[&start]);
    card.played().envelope_answers.push_back(hex!("9300").to_vec());
    let mut phone = booted(&card);
    phone.wait(Duration::from_secs(11)).unwrap();
    phone.wait(Duration::from_secs(20)).unwrap();
    assert_eq!(card.played().envelopes.len(), 2);
    assert!(phone.complaints().is_empty());
}

#[test]
fn a_refresh_reads_again_or_resets() {
    let files = proactive(0x01, 0x01, 0x82, &[(0x92, &hex!("01 3F007FFF6F07"))]);
    let reset = proactive(0x01, 0x04, 0x82, &[]);
    let card = PlayedCard::wanting(&[&files, &reset, &menu()]);
    let phone = booted(&card);
    let selects = phone.log().iter().filter(|crossing| crossing.name == "SELECT MF").count();
    // At power-up, for the files, and behind the reset, which is not answered.
    let card = card.played();
    assert_eq!((selects, card.resets, card.responses.len()), (3, 2, 2));
    assert_eq!(phone.menu_set_up().items.len(), 1);
}

#[test]
fn a_card_that_does_what_it_must_not_is_complained_of() {
    let card = PlayedCard::wanting(&[&text("余额")]);
    card.played().impatient = true;
    let phone = booted(&card);
    assert!(matches!(phone.complaints(), [Complaint::ProactiveTooEarly(name), ..] if name == "SELECT MF"));
    let unknown = proactive(0x7E, 0x00, 0x82, &[]);
    let no_text = proactive(0x21, 0x80, 0x02, &[]);
    let strange = proactive(0x21, 0x80, 0x02, &[(0x8D, &english("A")), (0xF0, &[1])]);
    let wrong_way = proactive(0x21, 0x80, 0x82, &[(0x8D, &english("A"))]);
    for (command, result) in [(unknown, 0x31), (no_text, 0x36), (strange, 0x32), (wrong_way, 0x32)] {
        let card = PlayedCard::wanting(&[&command]);
        let phone = booted(&card);
        assert_eq!(last_result(&card), [0x83, 0x01, result]);
        assert_eq!(phone.complaints().len(), 1);
    }
}

#[test]
fn a_command_that_cannot_be_read_ends_the_session() {
    let card = PlayedCard::wanting(&[&hex!("D003810200")]);
    let error = phone(&card).boot().unwrap_err();
    let HandsetError::Unreadable { command, defect } = error else { panic!("{error}") };
    assert_eq!((command.as_str(), defect.found), ("FETCH", hex!("810200").to_vec()));
}

#[test]
fn a_toolkit_without_end_is_told_so() {
    let more = proactive(0x02, 0x00, 0x82, &[]);
    let card = PlayedCard::wanting(&vec![&more[..]; 600]);
    assert!(matches!(phone(&card).boot(), Err(HandsetError::Endless(_))));
}
