//! Deleted from the phone's menu: the request, the service password, the refund, and what the phone shows of it.

use std::collections::BTreeMap;

use onecard_host::{
    apdu::Command,
    over_the_air::{
        DeleteRequest, Form, PasswordTries, PasswordVerdict, ProofWay, RequestOutcome, RequestsTaken, Script,
        ServicePassword, Tar, commands, message::Submit,
    },
};
use onecard_simulator::handset::screen::Screen;
use onecard_wire::globalplatform;

use super::{
    bench::{Bench, Fate, enterprise, serial},
    deletion::{Office, begun, loaded},
    till::LOADED,
};

/// A phone whose card knows where requests go.
fn set_up() -> Bench {
    let (sample, chip) = loaded();
    let mut bench = Bench::new(&sample, chip);
    // 10086, and the set of requests, which should be another's than the packets'.
    let settings = [0x50, 0x01, 0x04, 0x81, 0x01, 0x80, 0xF6, 0x50, 0x03, 0x01, 0x01];
    let store = Command::new(globalplatform::CLA, globalplatform::STORE_DATA, 0x80, 0x00).with_data(&settings);
    let script = vec![commands::personalise_toolkit(), store];
    let script = Script::new(Tar::ISSUER_DOMAIN, Form::EXPANDED, script).unwrap();
    let counter = bench.reserve();
    let proven = bench.exchange(&script, counter, ProofWay::Report, Fate::Good).unwrap();
    let answer = script.read_answer(proven.data()).unwrap();
    assert!(answer.responses.iter().all(|response| response.status.is_ok()), "{answer:?}");
    bench
}

/// The holder asks for it; the packet that the platform gets.
fn asked(bench: &mut Bench, password: &str) -> Vec<u8> {
    let phone = bench.phone();
    phone.open_menu().unwrap();
    phone.choose_number(1).unwrap();
    phone.choose("注销应用").unwrap();
    phone.type_text(password).unwrap();
    phone.choose("确认注销").unwrap();
    assert!(matches!(phone.screen(), Screen::Text(text) if text.contains("申请已发送")));
    phone.ok().unwrap();
    let sent = phone.sent().last().unwrap();
    Submit::parse(&sent.tpdu).unwrap().user_data.body
}

fn shown(bench: &mut Bench, outcome: RequestOutcome) -> String {
    let counter = bench.reserve();
    bench.exchange(&outcome.script().unwrap(), counter, ProofWay::Report, Fate::Good).unwrap();
    let Screen::Text(text) = bench.phone().screen() else { panic!("{:?}", bench.phone().screen()) };
    bench.phone().ok().unwrap();
    text
}

#[test]
fn a_holder_deletes_an_application_and_is_told() {
    let mut bench = set_up();
    let (mut taken, mut tries) = (RequestsTaken::default(), PasswordTries::new(3));
    let right = ServicePassword::new("123456").unwrap();
    let packet = asked(&mut bench, "654321");
    let wrong = DeleteRequest::read(&bench.keys, &packet).unwrap();
    assert!(taken.take(wrong.number));
    assert_eq!(tries.check(|| wrong.password == right), PasswordVerdict::Wrong { tries_left: 2 });
    let text = shown(&mut bench, RequestOutcome::WrongPassword);
    assert!(text.contains("服务密码错误"), "{text}");

    let packet = asked(&mut bench, "123456");
    let request = DeleteRequest::read(&bench.keys, &packet).unwrap();
    assert_eq!((request.enterprise, request.serial, &request.language), (enterprise(), serial(), b"zh"));
    assert!(taken.take(request.number));
    assert_eq!(tries.check(|| request.password == right), PasswordVerdict::Right);
    let mut office = Office::new();
    let decision = office.run(&mut bench, begun(), &BTreeMap::new());
    office.check(&mut bench, &decision, "from the menu");
    assert_eq!(office.refunds(), [LOADED]);
    let text = shown(&mut bench, RequestOutcome::Deleted);
    assert!(text.contains("已注销"), "{text}");
    assert_eq!(bench.phone().complaints(), []);
    // Kept back and sent again it is none any more.
    assert!(!taken.take(DeleteRequest::read(&bench.keys, &packet).unwrap().number));
}

/// In the menu's language, and then the phone is idle again.
#[test]
fn every_outcome_is_shown() {
    let mut bench = set_up();
    let outcomes = [
        (RequestOutcome::Deleted, "应用已注销"),
        (RequestOutcome::WrongPassword, "密码错误"),
        (RequestOutcome::PasswordLocked, "密码已锁定"),
        (RequestOutcome::NotDeleted, "未能注销"),
    ];
    for (outcome, expected) in outcomes {
        let text = shown(&mut bench, outcome);
        assert!(text.contains(expected), "{text}");
    }
    bench.phone().set_language("en").unwrap();
    let text = shown(&mut bench, RequestOutcome::NotDeleted);
    assert_eq!(text, "Nothing was deleted, please ask the service desk");
    assert!(matches!(bench.phone().screen(), Screen::Idle(_)));
}
