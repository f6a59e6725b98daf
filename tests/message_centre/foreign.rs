//! Platforms and message centres that others wrote, in both directions: PyPI's smpplib at the simulated message centre, npm's smpp
//! as the message centre of the gateway's link. `.ci/smpp-peers` installs them; without them these tests fail.

use std::{
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use onecard_gateway::{
    carrier::{Carrier, Delivery, Event, ShortMessage, Ticket},
    smpp::{account::LinkTerms, link::Link},
};
use onecard_host::over_the_air::ProofWay;
use onecard_simulator::{
    message_centre::{
        faults::{Chance, Faults},
        message::{LinkId, Submission, ToPlatform},
        network::{Network, Settings},
        server::{self, CentreTerms},
    },
    sample::{SIM, Sample},
};
use onecard_wire::smpp::CommandStatus;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{
    loopback::{Centre, PASSWORD, SYSTEM_ID, account, link_terms, until},
    network::{Gateway, PATIENCE, network, phone, start},
};

fn peers() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| root().join("target"));
    let peers = target.join("smpp-peers");
    assert!(peers.join("node_modules/smpp").exists(), "{}: not there; run .ci/smpp-peers", peers.display());
    peers
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn settings(faults: Faults) -> Settings {
    Settings { faults, ..Settings::new("+8613800100500".parse().unwrap(), start()) }
}

fn centre(sample: &Sample, faults: Faults) -> Centre {
    let account = server::Account::new(SYSTEM_ID, Zeroizing::new(PASSWORD.as_bytes().to_vec()));
    let quick = Duration::from_millis(300);
    let terms = CentreTerms { accounts: vec![account], enquire_after: quick, ..CentreTerms::default() };
    Centre::start(terms, network(&sample.sim(SIM.iccid).unwrap(), 1, settings(faults), 1))
}

/// What smpplib saw.
fn smpplib(centre: &Centre, password: &str, messages: &[ShortMessage], proofs: usize) -> Value {
    smpplib_for(centre, password, messages, proofs, "")
}

/// The same, with a validity_period.
fn smpplib_for(centre: &Centre, password: &str, messages: &[ShortMessage], proofs: usize, validity: &str) -> Value {
    let port = centre.address.rsplit(':').next().unwrap();
    let mut command = Command::new(peers().join("venv/bin/python"));
    command.arg(root().join("tests/foreign/smpplib_gateway.py")).args([port, SYSTEM_ID, password]);
    command.arg(phone(0).digits().unwrap()).args([&proofs.to_string(), validity]);
    command.args(messages.iter().map(|message| hex::encode(&message.user_data)));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn smpplib_sends_packets_to_a_card_and_gets_its_proof() {
    let sample = Sample::new("message centre").unwrap();
    // A whole message and its report; parts, and a proof in a message of the card's.
    for (reads, way, proofs) in [(1, ProofWay::Report, 1), (12, ProofWay::Submit, 2)] {
        let centre = centre(&sample, Faults::NONE);
        let mut gateway = Gateway::new(&sample, reads);
        let messages = gateway.messages(&phone(0), way);
        let seen = smpplib(&centre, PASSWORD, &messages, proofs);
        println!("{seen:#}");
        assert_eq!(
            (&seen["bound"], &seen["enquired"], &seen["unbound"]),
            (&json!("ONECARD"), &json!(true), &json!(true))
        );
        assert_eq!(seen["ids"].as_array().unwrap().len(), messages.len());
        for (id, receipt) in seen["ids"].as_array().unwrap().iter().zip(seen["receipts"].as_array().unwrap()) {
            assert_eq!((&receipt["id"], &receipt["state"]), (id, &json!(2)));
            assert!(receipt["text"].as_str().unwrap().contains("stat:DELIVRD"));
        }
        for proof in seen["proofs"].as_array().unwrap() {
            assert_eq!(
                (&proof["from"], &proof["ton"], &proof["to"]),
                (&json!(phone(0).digits()), &json!(1), &json!("10086"))
            );
            assert_eq!(
                (&proof["esm_class"], &proof["protocol_id"], &proof["data_coding"]),
                (&json!(0x40), &json!(0x7F), &json!(0xF6))
            );
            let user_data = hex::decode(proof["user_data"].as_str().unwrap()).unwrap();
            gateway.received(&ShortMessage { phone: phone(0), user_data });
        }
        assert_eq!(gateway.proven.len(), 1);
        let counts = centre.stop();
        assert_eq!((counts.taken, counts.throttled), (messages.len() as u64, 0));
        assert!(counts.acknowledged > messages.len() as u64);
    }
}

#[test]
fn smpplib_is_throttled_and_refused() {
    let sample = Sample::new("message centre").unwrap();
    let centre = centre(&sample, Faults { throttled: Chance::ALWAYS, ..Faults::NONE });
    let messages = Gateway::new(&sample, 1).messages(&phone(0), ProofWay::Report);
    let seen = smpplib(&centre, PASSWORD, &messages, 1);
    assert_eq!((&seen["throttled"], &seen["ids"], &seen["unbound"]), (&json!(1), &json!([]), &json!(true)));
    let seen = smpplib(&centre, "guessed", &messages, 1);
    assert_eq!(seen, json!({ "refused": CommandStatus::INVALID_PASSWORD.0 }));
    assert_eq!(centre.stop().throttled, 1);
}

/// A card that cannot be reached: dropped after the time that smpplib says, or taken with no time that is none here.
#[test]
fn smpplib_says_how_long_a_message_is_kept() {
    let sample = Sample::new("message centre").unwrap();
    let centre = centre(&sample, Faults { unreachable: Chance::ALWAYS, ..Faults::NONE });
    let messages = Gateway::new(&sample, 1).messages(&phone(0), ProofWay::Report);
    let seen = smpplib_for(&centre, PASSWORD, &messages, 0, "000000000001000R");
    let receipt = &seen["receipts"][0];
    assert_eq!((&receipt["id"], &receipt["state"]), (&seen["ids"][0], &json!(3)), "{seen}");
    assert!(receipt["text"].as_str().unwrap().contains("stat:EXPIRED"), "{receipt}");
    let seen = smpplib_for(&centre, PASSWORD, &messages, 0, "261129120000000+");
    assert_eq!(seen["failed"], json!(CommandStatus::INVALID_EXPIRY.0), "{seen}");
    let counts = centre.stop();
    assert_eq!((counts.taken, counts.expired, counts.given_up), (1, 1, 0), "{counts:?}");
}

/// npm's smpp as a message centre.
struct NodeCentre {
    child: Child,
    orders: ChildStdin,
    told: Receiver<Value>,
    port: u16,
}

impl NodeCentre {
    fn start() -> Self {
        let mut command = Command::new("node");
        command.arg(root().join("tests/foreign/smpp_centre.js")).arg(peers().join("node_modules/smpp"));
        command.args([SYSTEM_ID, PASSWORD]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("node is missing; run .ci/smpp-peers");
        let orders = child.stdin.take().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, told) = channel();
        thread::spawn(move || {
            for line in lines {
                let _ = sender.send(serde_json::from_str(&line.unwrap()).unwrap());
            }
        });
        let mut centre = Self { child, orders, told, port: 0 };
        centre.port = centre.told.recv_timeout(Duration::from_secs(20)).unwrap()["port"].as_u64().unwrap() as u16;
        centre
    }

    fn order(&mut self, order: &Value) {
        writeln!(self.orders, "{order}").unwrap();
    }

    /// The next thing that it tells and that has this key, while the link goes on.
    fn tells(&mut self, link: &mut Link, key: &str) -> Value {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            link.room();
            match self.told.recv_timeout(Duration::from_millis(5)) {
                Ok(told) if told.get(key).is_some() => return told,
                Ok(told) => assert!(told.get("error").is_none(), "{told}"),
                Err(_) => assert!(Instant::now() < deadline, "it tells no {key:?}"),
            }
        }
    }
}

impl Drop for NodeCentre {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The next event.
fn event(link: &mut Link) -> Event {
    let mut found = None;
    until(link, "an event", |link| {
        let mut events = link.events();
        assert!(events.len() < 2, "{events:?}");
        found = events.pop();
        found.is_some()
    });
    found.unwrap()
}

/// A card's report of a message.
fn report(network: &mut Network, user_data: Vec<u8>) -> Vec<u8> {
    let submission = Submission {
        originator: "10086".parse().unwrap(),
        phone: phone(0),
        protocol: 0x7F,
        coding: 0xF6,
        header: true,
        user_data,
        validity: None,
        receipt: false,
    };
    network.submit(submission).unwrap();
    network.run_until(network.now() + Duration::from_secs(10));
    match network.hand_over(LinkId(1)) {
        Some((_, ToPlatform::Message { user_data, .. })) => user_data,
        other => panic!("{other:?}"),
    }
}

/// The link at a message centre that npm's smpp is, and a card.
struct Stage {
    link: Link,
    centre: NodeCentre,
    gateway: Gateway,
    cards: Network,
    message: ShortMessage,
}

impl Stage {
    fn set() -> Self {
        let sample = Sample::new("message centre").unwrap();
        let mut gateway = Gateway::new(&sample, 1);
        let cards = network(&sample.sim(SIM.iccid).unwrap(), 1, settings(Faults::NONE), 1);
        let mut centre = NodeCentre::start();
        let terms = LinkTerms { enquire_after: Duration::from_millis(300), ..link_terms() };
        let mut link = Link::new(&format!("127.0.0.1:{}", centre.port), account(PASSWORD), terms, 1);
        assert_eq!(centre.tells(&mut link, "bind"), json!({ "bind": SYSTEM_ID, "version": 0x34, "status": 0 }));
        let [message] = gateway.messages(&phone(0), ProofWay::Report).try_into().unwrap();
        Self { link, centre, gateway, cards, message }
    }

    fn submit(&mut self, ticket: u64) {
        until(&mut self.link, "room", |link| link.room() > 0);
        self.link.submit(Ticket(ticket), &self.message, PATIENCE).unwrap();
    }

    fn is_throttled_and_taken(&mut self) {
        // Throttled, and held; then taken.
        self.centre.order(&json!({ "answer": "ESME_RTHROTTLED" }));
        self.centre.tells(&mut self.link, "ready");
        self.submit(1);
        assert_eq!(event(&mut self.link), Event::Throttled { ticket: Ticket(1) });
        assert_eq!(self.link.room(), 0);
        self.submit(2);
        assert_eq!(event(&mut self.link), Event::Accepted { ticket: Ticket(2), message_id: "node-1".to_owned() });
        let seen = self.centre.tells(&mut self.link, "submit");
        assert_eq!((&seen["submit"], &seen["ton"], &seen["npi"]), (&json!(phone(0).digits()), &json!(1), &json!(1)));
        assert_eq!(
            (&seen["source"], &seen["source_ton"], &seen["registered_delivery"]),
            (&json!("10086"), &json!(0), &json!(1))
        );
        assert_eq!(
            (&seen["esm_class"], &seen["protocol_id"], &seen["data_coding"]),
            (&json!(0x40), &json!(0x7F), &json!(0xF6))
        );
        // It has read how long the message is kept.
        assert_eq!(seen["valid_seconds"], json!(PATIENCE.as_secs()));
        let user_data =
            hex::decode(format!("{}{}", seen["header"].as_str().unwrap(), seen["body"].as_str().unwrap())).unwrap();
        assert_eq!(user_data, self.message.user_data);
    }

    fn gets_receipts(&mut self) {
        // A receipt by parameters and one by text; one that is intermediate is nobody's.
        self.centre.order(&json!({ "receipt": "node-1", "from": phone(0).digits(), "state": 2 }));
        let Event::Receipt { message_id, delivered: true, delivery } = event(&mut self.link) else { panic!() };
        assert_eq!((message_id.as_str(), delivery), ("node-1", Delivery(1)));
        self.link.acknowledge(delivery);
        assert_eq!(self.centre.tells(&mut self.link, "answered")["answered"], json!("deliver_sm_resp"));
        self.centre.order(&json!({ "receipt": "", "from": phone(0).digits(), "text": "id:node-1 sub:001 dlvrd:000 stat:EXPIRED err:000" }));
        let Event::Receipt { delivered: false, delivery, .. } = event(&mut self.link) else { panic!() };
        self.link.acknowledge(delivery);
        assert_eq!(self.centre.tells(&mut self.link, "answered")["status"], json!(0));
    }

    fn gets_a_proof_in_pieces(&mut self) {
        // A proof in pieces; its answer goes when it is acknowledged and not before.
        let proof = report(&mut self.cards, self.message.user_data.clone());
        self.centre.order(
            &json!({ "deliver": hex::encode(&proof), "from": phone(0).digits(), "esm_class": 0x40, "pieces": 7 }),
        );
        let Event::Received { message: received, delivery } = event(&mut self.link) else { panic!() };
        self.gateway.received(&received);
        assert_eq!(self.gateway.proven.len(), 1);
        self.link.wait(Duration::from_millis(100));
        assert!(self.centre.told.try_iter().all(|told| told.get("answered").is_none()));
        self.link.acknowledge(delivery);
        assert_eq!(self.centre.tells(&mut self.link, "answered")["answered"], json!("deliver_sm_resp"));
    }

    fn asks_and_is_asked(&mut self) {
        // Asked both ways; what nobody asks a platform is refused.
        assert_eq!(self.centre.tells(&mut self.link, "asked")["asked"], json!("enquire_link"));
        self.centre.order(&json!({ "ask": "enquire_link" }));
        assert_eq!(self.centre.tells(&mut self.link, "answered")["answered"], json!("enquire_link_resp"));
        self.centre.order(&json!({ "ask": "query_sm" }));
        let nack = self.centre.tells(&mut self.link, "answered");
        assert_eq!(
            (&nack["answered"], &nack["status"]),
            (&json!("generic_nack"), &json!(CommandStatus::INVALID_COMMAND_ID.0))
        );
    }

    fn goes_down_and_comes_again(mut self) {
        // Dropped without an answer: unknown. The link comes again by itself, and when the centre unbinds too.
        self.centre.order(&json!({ "answer": "drop" }));
        self.centre.tells(&mut self.link, "ready");
        self.submit(3);
        assert_eq!(event(&mut self.link), Event::Unanswered { ticket: Ticket(3) });
        self.centre.tells(&mut self.link, "bind");
        self.submit(4);
        assert!(matches!(event(&mut self.link), Event::Accepted { ticket: Ticket(4), .. }));
        self.centre.order(&json!({ "ask": "unbind" }));
        self.centre.tells(&mut self.link, "bind");
        until(&mut self.link, "room", |link| link.room() > 0);
        assert_eq!(self.link.binds(), 3);
        let Self { link, centre, .. } = self;
        assert!(link.close().is_empty());
        assert!(centre.told.iter().any(|told| told["asked"] == json!("unbind")));
    }
}

#[test]
fn the_link_at_npms_message_centre() {
    let mut stage = Stage::set();
    stage.is_throttled_and_taken();
    stage.gets_receipts();
    stage.gets_a_proof_in_pieces();
    stage.asks_and_is_asked();
    stage.goes_down_and_comes_again();
}
