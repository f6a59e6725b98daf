//! The phone's half of the published vectors.

use onecard_host::apdu::Response;
use onecard_vectors::{
    Vectors,
    toolkit::{TextCoding, ToolkitCommand, ToolkitResponse},
};
use onecard_wire::{
    status::StatusWord,
    toolkit::{
        code::{CommandType, Event, GeneralResult},
        facility::Facility,
        tag,
    },
};

use super::{
    super::{
        Handset, Settings, alphabet,
        fcp::Fcp,
        played_card::PlayedCard,
        proactive::{Details, Fetched, Order},
        response::{Answer, Envelope},
        screen::Screen,
        short_message::{Report, deliver_coding},
        text::{Coding, alpha_identifier, encode, text_string},
        timer, tlv,
    },
    last_result,
};

#[test]
fn texts_say_what_they_say() {
    for vector in Vectors::embedded().unwrap().toolkit_text {
        let body = &vector.body;
        println!("{}", vector.name);
        let read = match body.coding {
            TextCoding::TextString => text_string(&body.bytes),
            TextCoding::AlphaIdentifier => alpha_identifier(&body.bytes),
            TextCoding::Packed => {
                let codes = alphabet::unpack(&body.bytes);
                let count = body.characters.unwrap();
                Ok(alphabet::decode(codes[..count].iter().copied()))
            }
        };
        assert_eq!(read.ok().as_ref(), body.text.as_ref(), "{}", vector.name);
        assert_eq!(vector.is_valid(), body.text.is_some(), "{}", vector.name);
    }
}

#[test]
fn texts_are_written_as_they_were() {
    let mut written = 0;
    for vector in Vectors::embedded().unwrap().toolkit_text {
        let (body, text) = (&vector.body, vector.body.text.as_deref().unwrap_or_default());
        let again = match (body.coding, body.bytes.first()) {
            (TextCoding::TextString, Some(scheme)) => encode(text, Coding::of(*scheme).unwrap()).unwrap(),
            // An escape that says nothing is not written again.
            (TextCoding::Packed, _) if body.characters == Some(text.chars().count()) => {
                alphabet::pack(&alphabet::encode(text).unwrap())
            }
            _ => continue,
        };
        assert_eq!(again, body.bytes, "{}", vector.name);
        written += 1;
    }
    assert!(written > 15, "{written}");
}

/// A menu of which one item is empty and the others are not: this phone takes none of it.
const REFUSED: [&str; 1] = ["setup-menu-neg-4"];

#[test]
fn proactive_commands_are_read() {
    let (mut read, mut unknown) = (0, 0);
    for vector in Vectors::embedded().unwrap().toolkit_command {
        let body = &vector.body;
        let fetched = Fetched::parse(&body.bytes).unwrap();
        let Details { number, kind, qualifier } = fetched.details();
        assert_eq!((number, kind.0, qualifier), (body.number, body.command, body.qualifier), "{}", vector.name);
        match fetched {
            Fetched::Command { order: Order::Unknown, .. } => unknown += 1,
            Fetched::Command { order, .. } => {
                compare(&order, body, &vector.name);
                read += 1;
            }
            Fetched::Refused { defect, .. } => {
                assert!(REFUSED.contains(&vector.name.as_str()), "{}: {defect}", vector.name);
            }
        }
    }
    assert!(read > 90 && unknown > 60, "{read} read, {unknown} of a type that the phone does not know");
}

fn compare(order: &Order, body: &ToolkitCommand, name: &str) {
    let text = body.text.clone().unwrap_or_default();
    let items = |menu: &super::super::proactive::Menu| -> Vec<(u8, String)> {
        menu.items.iter().map(|item| (item.id, item.text.clone())).collect()
    };
    match order {
        Order::DisplayText(shown) => assert_eq!(shown.text, text, "{name}"),
        Order::IdleText(idle) => assert_eq!(*idle, text, "{name}"),
        Order::Key(key) => assert_eq!(key.prompt, text, "{name}"),
        Order::Input(input) => {
            assert_eq!(input.prompt, text, "{name}");
            let [min, max] = body.length.unwrap().map(usize::from);
            assert_eq!((input.min, input.max), (min, max), "{name}");
        }
        Order::SelectItem(menu) | Order::SetUpMenu(menu) => {
            assert_eq!((&menu.title, items(menu)), (&body.title, body.items.clone()), "{name}");
        }
        Order::SendShortMessage(message) => assert_eq!(message.alpha, body.title, "{name}"),
        Order::PlayTone(alpha) => assert_eq!(*alpha, body.title, "{name}"),
        Order::Timer(order) => {
            assert_eq!(Some(order.id), body.timer, "{name}");
            if let Some(value) = order.value {
                let swapped = timer::value(value).map(|byte| byte.rotate_left(4));
                let [hours, minutes, seconds] = swapped;
                let written = format!("{hours:02X}:{minutes:02X}:{seconds:02X}");
                assert_eq!(Some(written), body.time, "{name}");
            }
        }
        _ => {}
    }
}

#[test]
fn short_messages_of_the_card_are_sent() {
    let mut sent = 0;
    for vector in Vectors::embedded().unwrap().toolkit_command {
        if vector.body.command != CommandType::SEND_SHORT_MESSAGE.0 {
            continue;
        }
        let card = PlayedCard::wanting(&[&vector.body.bytes]);
        let mut phone = Handset::new(card.clone(), Settings::default());
        phone.boot().unwrap();
        assert_eq!((last_result(&card), phone.sent().len()), (vec![0x83, 0x01, 0x00], 1), "{}", vector.name);
        sent += 1;
    }
    assert!(sent > 10, "{sent}");
}

#[test]
fn terminal_responses_are_written_as_they_were() {
    let mut written = 0;
    for vector in Vectors::embedded().unwrap().toolkit_response {
        let ToolkitResponse { number, command, qualifier, result_code, additional, objects, bytes, .. } = &vector.body;
        let answer = Answer::new(GeneralResult(*result_code)).because(additional.as_deref().unwrap_or_default());
        let objects = tlv::objects(objects.as_deref().unwrap_or_default()).unwrap();
        // Of channels alone: this phone opens none.
        if objects.iter().any(|object| !object.required) {
            continue;
        }
        written += 1;
        let answer = objects.iter().fold(answer, |answer, object| answer.with(object.tag, object.value));
        let details = Details { number: *number, kind: CommandType(*command), qualifier: *qualifier };
        assert_eq!(answer.to_bytes(details).as_slice(), bytes, "{}", vector.name);
    }
    assert!(written > 55, "{written}");
}

/// Where the source has the command too, the phone is given it and the user does what the response says.
#[test]
fn the_user_gets_the_published_response() {
    let mut shown = 0;
    for vector in Vectors::embedded().unwrap().toolkit_response {
        let body = &vector.body;
        let Some(command) = &body.to else { continue };
        if matches!(Fetched::parse(command), Ok(Fetched::Command { order: Order::Unknown, .. })) {
            continue;
        }
        let card = PlayedCard::wanting(&[command]);
        let mut phone = Handset::new(card.clone(), Settings::default());
        phone.boot().unwrap();
        let (screen, result) = (phone.screen(), GeneralResult(body.result_code));
        match (&screen, result) {
            (Screen::Idle(_), _) => {}
            (Screen::Input(_) | Screen::Key(_), GeneralResult::DONE) => {
                phone.type_text(body.text.as_deref().unwrap()).unwrap();
            }
            (Screen::Items(menu), GeneralResult::DONE) => {
                let place = menu.items.iter().position(|item| Some(item.id) == body.item).unwrap();
                phone.choose_number(place + 1).unwrap();
            }
            (_, GeneralResult::DONE) => phone.ok().unwrap(),
            (_, GeneralResult::BACKWARD) => phone.back().unwrap(),
            (_, GeneralResult::SESSION_ENDED) => phone.cancel().unwrap(),
            (_, GeneralResult::NO_RESPONSE) => phone.time_out().unwrap(),
            (_, GeneralResult::HELP) => phone.help(1).unwrap(),
            (screen, result) => panic!("{}: {result} on {}", vector.name, screen.name()),
        }
        let responses = card.played().responses.clone();
        assert_eq!(responses, std::slice::from_ref(&body.bytes), "{}", vector.name);
        shown += 1;
    }
    assert!(shown > 20, "{shown}");
}

#[test]
fn envelopes_are_written_as_they_were() {
    let mut written = 0;
    for vector in Vectors::embedded().unwrap().toolkit_envelope {
        let body = &vector.body;
        let envelope = match (&body.message, body.item, body.event.map(Event)) {
            (Some(message), _, _) => {
                let (service_centre, tpdu) = parts(message);
                Envelope::ShortMessage { service_centre, tpdu }
            }
            (_, Some(item), _) => Envelope::MenuSelection { item, help: false },
            (_, _, Some(Event::LANGUAGE_SELECTION)) => Envelope::Language("de".to_owned()),
            _ => continue,
        };
        assert_eq!(envelope.to_bytes(), body.bytes, "{}", vector.name);
        written += 1;
    }
    assert!(written >= 6, "{written}");
}

#[test]
fn the_network_is_told_what_the_card_answered() {
    let vectors = Vectors::embedded().unwrap();
    assert!(vectors.toolkit_report.len() >= 3);
    for vector in vectors.toolkit_report {
        let body = &vector.body;
        let (service_centre, tpdu) = parts(&body.message);
        let (protocol, coding) = deliver_coding(&tpdu).unwrap();
        let answer = Response { data: body.data.clone(), status: StatusWord(u16::from_be_bytes(body.status)) };
        let report = Report::of(protocol, coding, &answer.data, answer.status);
        let expected = Report { acknowledged: body.acknowledged, tpdu: body.report.clone().unwrap_or_default() };
        assert_eq!(report, expected, "{}", vector.name);
        // The same through a phone and a card.
        let card = PlayedCard::default();
        card.played().envelope_answers.push_back([body.data.as_slice(), &body.status].concat());
        let mut phone = Handset::new(card, Settings::default());
        phone.boot().unwrap();
        phone.receive(&service_centre, &tpdu).unwrap();
        assert_eq!(phone.reports(), [expected], "{}", vector.name);
    }
}

/// Service centre without its length, and what stands behind it.
fn parts(message: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (service_centre, tpdu) = message[1..].split_at(usize::from(message[0]));
    (service_centre.to_vec(), tpdu.to_vec())
}

#[test]
fn a_real_phone_tells_its_profile_by_the_same_bits() {
    for vector in Vectors::embedded().unwrap().toolkit_profile {
        let body = &vector.body;
        let facility = |text: &String| {
            let (byte, bit) = text.split_once('.').unwrap();
            Facility { byte: byte.parse().unwrap(), bit: bit.parse().unwrap() }
        };
        assert!(body.set.iter().map(facility).all(|facility| facility.is_in(&body.bytes)));
        assert!(!body.clear.iter().map(facility).any(|facility| facility.is_in(&body.bytes)));
        assert!(Facility::SET_UP_MENU.is_in(&body.bytes) && !tag::name(0x8D).unwrap().is_empty());
    }
}

/// What a phone takes from the file control parameters of real cards.
#[test]
fn file_control_parameters_are_read() {
    let vectors = Vectors::embedded().unwrap().uicc_parameters;
    assert!(vectors.len() > 60, "{}", vectors.len());
    for vector in vectors {
        let body = &vector.body;
        let fcp = Fcp::parse(&body.bytes).unwrap();
        assert_eq!(fcp.size, body.size, "{}", vector.name);
        assert_eq!(fcp.records, body.record_length.zip(body.record_count), "{}", vector.name);
        assert_eq!(fcp.pin_enabled, body.pin1_enabled(), "{}", vector.name);
        assert_eq!(fcp.wants_terminal_capability, body.terminal_capability.unwrap_or(false), "{}", vector.name);
    }
}
