//! Packets through a simulated network to many phones, and proofs back: whatever the network does, a proof is the card's, every phone
//! is heard in the end, and one seed tells one story.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use onecard_gateway::carrier::{Carrier, Event, ShortMessage, Ticket};
use onecard_host::{
    apdu::Command,
    over_the_air::{
        Answer, CommandPacket, Form, OtaKeySet, PacketCounter, PacketKeys, PacketTerms, ProofWay, RedundancyCheck,
        Script, SetVersion, Spi, Tar,
        message::{Address, Assembly, PacketKind, Reference, UserData, divide},
    },
};
use onecard_simulator::{
    chip::Chip,
    message_centre::{
        faults::{Chance, Faults},
        message::{Fate, LinkId, Submission, ToPlatform},
        network::{Network, Settings},
    },
    sample::{OTA_VERSION, SIM, Sample},
};
use onecard_tests::simulated_carrier::{LinkTerms, SimulatedCarrier};
use onecard_wire::{date::Moment, ins};

/// Longer than anything lasts here.
pub(crate) const PATIENCE: Duration = Duration::from_secs(86_400);

/// A gateway for phones of one kind of SIM: what it sent, and what it has heard.
pub(crate) struct Gateway {
    keys: PacketKeys,
    script: Script,
    pub(crate) packets: HashMap<String, CommandPacket>,
    pub(crate) proven: HashSet<String>,
    assemblies: HashMap<String, Assembly>,
    /// Proofs that came again, and what was none.
    pub(crate) again: usize,
}

impl Gateway {
    /// `reads`: how often the script reads EF.ICCID.
    pub(crate) fn new(sample: &Sample, reads: usize) -> Self {
        let [_, _, number @ ..] = SIM.iccid;
        let version = SetVersion::new(OTA_VERSION).unwrap();
        let set = OtaKeySet::of_chip(sample.roots(), Sample::KEY_VERSION, (number, version), true).unwrap();
        let select = Command::new(ins::CLA_ISO, ins::SELECT, 0x00, 0x04).with_data(&[0x2F, 0xE2]);
        let read = Command::new(ins::CLA_ISO, ins::READ_BINARY, 0x00, 0x00).expecting(10);
        let commands = std::iter::once(select).chain(std::iter::repeat_n(read, reads)).collect();
        let script = Script::new(Tar::FILES, Form::EXPANDED, commands).unwrap();
        Self {
            keys: PacketKeys::new(&set),
            script,
            packets: HashMap::new(),
            proven: HashSet::new(),
            assemblies: HashMap::new(),
            again: 0,
        }
    }

    /// The messages of a packet for that phone; the same packet each time.
    pub(crate) fn messages(&mut self, phone: &Address, way: ProofWay) -> Vec<ShortMessage> {
        let mut spi = Spi::FULL;
        spi.proof.way = way;
        let terms = PacketTerms {
            spi,
            redundancy_check: RedundancyCheck::default(),
            tar: Tar::FILES,
            counter: PacketCounter::new(1).unwrap(),
        };
        let build = || CommandPacket::build(&self.keys, terms, &self.script.to_bytes()).unwrap();
        let packet = self.packets.entry(phone.to_string()).or_insert_with(build);
        let parts = divide(PacketKind::Command, &packet.bytes, Reference::Short(1)).unwrap();
        parts.iter().map(|part| ShortMessage { phone: phone.clone(), user_data: part.to_bytes() }).collect()
    }

    /// Reads what came from a phone; a packet that says "too low" (the card had it before) is a proof too.
    pub(crate) fn received(&mut self, message: &ShortMessage) {
        let phone = message.phone.to_string();
        let part = UserData::parse(&message.user_data).unwrap();
        let whole = if part.concatenation.is_none() {
            Some((part.packet.unwrap(), part.body))
        } else {
            match self.assemblies.get_mut(&phone) {
                Some(assembly) => assembly.add(part).unwrap(),
                None => drop(self.assemblies.insert(phone.clone(), Assembly::begin(part).unwrap())),
            }
            self.assemblies[&phone].packet()
        };
        let Some((PacketKind::Response, packet)) = whole else { return };
        let Answer::Proven(proven) = Answer::read(&self.keys, &self.packets[&phone].terms, &packet).unwrap() else {
            panic!("a hint");
        };
        if proven.status().0 == 0x00 {
            let answer = self.script.read_answer(proven.data()).unwrap();
            assert_eq!(answer.to_command(2).unwrap().data, SIM.iccid);
        }
        if !self.proven.insert(phone) {
            self.again += 1;
        }
    }
}

pub(crate) fn phone(number: usize) -> Address {
    format!("+86138{number:08}").parse().unwrap()
}

pub(crate) fn start() -> Moment {
    Moment::from_bytes([0x20, 0x26, 0x11, 0x29, 0x12, 0, 0]).unwrap()
}

/// Phones whose SIMs differ in nothing.
pub(crate) fn network(chip: &Chip, phones: usize, settings: Settings, seed: u64) -> Network {
    let mut network = Network::new(settings, seed);
    for number in 0..phones {
        assert!(network.insert(phone(number), chip.snapshot()).is_none());
    }
    network
}

fn bad() -> Settings {
    let faults = Faults {
        lost: Chance::percent(20),
        repeated: Chance::percent(10),
        throttled: Chance::percent(10),
        unreachable: Chance::percent(10),
        delay_min: Duration::from_millis(50),
        delay_max: Duration::from_secs(5),
    };
    Settings { faults, ..Settings::new("+8613800100500".parse().unwrap(), start()) }
}

/// Sends to every phone until each is heard; the carrier, and what was told of each ticket.
fn until_all_are_heard(
    carrier: &mut SimulatedCarrier,
    gateway: &mut Gateway,
    phones: usize,
    way: ProofWay,
) -> (Vec<Event>, u64) {
    let (mut told, mut tickets, mut outstanding) = (Vec::new(), 0, HashSet::new());
    for round in 0..200u64 {
        for number in 0..phones {
            if gateway.proven.contains(&phone(number).to_string()) {
                continue;
            }
            for message in gateway.messages(&phone(number), way) {
                if carrier.submit(Ticket(tickets), &message, PATIENCE).is_ok() {
                    outstanding.insert(Ticket(tickets));
                    tickets += 1;
                }
            }
        }
        for step in 1..=30 {
            carrier.advance(Duration::from_secs(30 * round + step));
            // Behind the answers, behind the requests, in front of both.
            if round < 4 && step == 1 + round % 3 {
                carrier.cut();
            }
            for event in carrier.events() {
                match &event {
                    Event::Accepted { ticket, .. }
                    | Event::Throttled { ticket }
                    | Event::Refused { ticket, .. }
                    | Event::Unanswered { ticket } => assert!(outstanding.remove(ticket), "{ticket:?} is told twice"),
                    Event::Received { message, delivery } => {
                        gateway.received(message);
                        carrier.acknowledge(*delivery);
                    }
                    Event::Receipt { delivery, .. } => carrier.acknowledge(*delivery),
                }
                told.push(event);
            }
        }
        if gateway.proven.len() == phones {
            carrier.advance(Duration::from_secs(30 * round + 600));
            assert!(outstanding.is_empty(), "nothing was told of {outstanding:?}");
            return (told, tickets);
        }
    }
    panic!("{} of {phones} phones were heard", gateway.proven.len());
}

#[test]
fn every_phone_is_heard_through_a_bad_network_by_report_and_by_message() {
    const PHONES: usize = 60;
    let sample = Sample::new("message centre").unwrap();
    let chip = sample.sim(SIM.iccid).unwrap();
    // One message and its report; parts each way, which a proof by SMS-SUBMIT alone can have.
    for (reads, way) in [(1, ProofWay::Report), (1, ProofWay::Submit), (12, ProofWay::Submit)] {
        let story = |seed| {
            let mut gateway = Gateway::new(&sample, reads);
            let latency = Duration::from_millis(1_500);
            let terms = LinkTerms { receipts: true, latency, ..LinkTerms::new("10086".parse().unwrap()) };
            let mut carrier = SimulatedCarrier::new(network(&chip, PHONES, bad(), seed), terms);
            let (told, tickets) = until_all_are_heard(&mut carrier, &mut gateway, PHONES, way);
            (told, tickets, carrier.network().counts(), gateway.again)
        };
        let (told, tickets, counts, again) = story(7);
        println!("{reads} reads, {way:?}: {tickets} messages, {again} proofs came again, {counts:?}");
        for happened in [counts.lost, counts.repeated, counts.throttled, counts.not_reached, counts.acknowledged] {
            assert!(happened > 0, "{counts:?}");
        }
        let unanswered = told.iter().filter(|event| matches!(event, Event::Unanswered { .. })).count();
        let receipts = told.iter().filter(|event| matches!(event, Event::Receipt { delivered: true, .. })).count();
        assert!(unanswered > 0 && receipts > 0 && again > 0);
        // What the card had before it refuses in the report.
        assert!(counts.reports > 0 && (counts.sent_by_cards > 0) == (way == ProofWay::Submit));
        assert!(story(7).0 == told, "the same seed tells another story");
        assert!(story(8).0 != told);
    }
}

#[test]
fn who_is_not_acknowledged_comes_again_over_the_next_link_and_only_then() {
    let sample = Sample::new("message centre").unwrap();
    let settings = Settings::new("+8613800100500".parse().unwrap(), start());
    let network = network(&sample.sim(SIM.iccid).unwrap(), 1, settings, 1);
    let mut carrier = SimulatedCarrier::new(network, LinkTerms::new("10086".parse().unwrap()));
    let mut gateway = Gateway::new(&sample, 1);
    for (number, message) in (0..).zip(gateway.messages(&phone(0), ProofWay::Report)) {
        carrier.submit(Ticket(number), &message, PATIENCE).unwrap();
    }
    let received = |carrier: &mut SimulatedCarrier, until| {
        carrier.advance(Duration::from_secs(until));
        let events = carrier.events().into_iter();
        events
            .filter_map(|event| match event {
                Event::Received { message, delivery } => Some((message, delivery)),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    let first = received(&mut carrier, 1);
    assert_eq!((first.len(), received(&mut carrier, 100).len()), (1, 0));
    carrier.cut();
    let second = received(&mut carrier, 101);
    assert_eq!((first[0].0.clone(), second.len()), (second[0].0.clone(), 1));
    // What the last link called it nobody knows any more.
    carrier.acknowledge(first[0].1);
    carrier.cut();
    let third = received(&mut carrier, 102);
    assert_eq!(third.len(), 1);
    carrier.acknowledge(third[0].1);
    assert!(received(&mut carrier, 103).is_empty());
    carrier.cut();
    assert!(received(&mut carrier, 104).is_empty());
    assert_eq!(carrier.network().counts().acknowledged, 1);
}

/// Dropped when its time is over, between two tries or on its way, and its receipt says so.
#[test]
fn a_message_that_is_no_longer_valid_is_dropped() {
    let sample = Sample::new("message centre").unwrap();
    let chip = sample.sim(SIM.iccid).unwrap();
    let message = Gateway::new(&sample, 1).messages(&phone(0), ProofWay::Report).swap_remove(0);
    let seconds = Duration::from_secs;
    let slow = Faults { delay_min: seconds(90), delay_max: seconds(90), ..Faults::NONE };
    let unreachable = Faults { unreachable: Chance::ALWAYS, ..Faults::NONE };
    for (faults, not_reached) in [(slow, 0), (unreachable, 2)] {
        let settings = Settings { faults, ..Settings::new("+8613800100500".parse().unwrap(), start()) };
        let mut network = network(&chip, 1, settings, 1);
        let submission = Submission {
            originator: "10086".parse().unwrap(),
            phone: phone(0),
            protocol: 0x7F,
            coding: 0xF6,
            header: true,
            user_data: message.user_data.clone(),
            validity: Some(seconds(90)),
            receipt: true,
        };
        network.submit(submission).unwrap();
        network.run_until(seconds(90) - Duration::from_millis(1));
        assert_eq!((network.counts().expired, network.queued()), (0, 1));
        *network.faults_mut() = Faults::NONE;
        network.run_until(seconds(1_000));
        let Some((_, ToPlatform::Receipt { fate, .. })) = network.hand_over(LinkId(1)) else { panic!("no receipt") };
        assert_eq!((fate, network.hand_over(LinkId(1))), (Fate::Expired, None));
        let counts = network.counts();
        let seen = (counts.expired, counts.not_reached, counts.given_up, counts.delivered);
        assert_eq!(seen, (1, not_reached, 0, 0), "{counts:?}");
    }
}

#[test]
fn strangers_texts_and_a_full_queue() {
    let sample = Sample::new("message centre").unwrap();
    let settings = Settings { queue_max: 2, ..Settings::new("+8613800100500".parse().unwrap(), start()) };
    let network = network(&sample.sim(SIM.iccid).unwrap(), 1, settings, 1);
    let mut carrier =
        SimulatedCarrier::new(network, LinkTerms { receipts: true, ..LinkTerms::new("10086".parse().unwrap()) });
    let message = |number, user_data: &[u8]| ShortMessage { phone: phone(number), user_data: user_data.to_vec() };
    for (ticket, message) in (0..).zip([
        message(1, &[0]),
        message(0, &[0; 141]),
        message(0, &[0; 140]),
        message(0, &[3, 1, 1, 0]),
        message(0, &[0]),
    ]) {
        carrier.submit(Ticket(ticket), &message, PATIENCE).unwrap();
    }
    carrier.advance(Duration::from_secs(10));
    let events = carrier.events();
    let expected = |event: &Event| match event {
        Event::Refused { ticket: Ticket(0), status: 0x0B } | Event::Refused { ticket: Ticket(1), status: 0x01 } => 'r',
        Event::Accepted { ticket: Ticket(2 | 3), .. } => 'a',
        Event::Throttled { ticket: Ticket(4) } => 't',
        Event::Receipt { delivered: true, .. } => 'd',
        other => panic!("{other:?}"),
    };
    // Neither is a packet, so no proof comes; the phone has taken them.
    assert_eq!(events.iter().map(expected).collect::<String>(), "rraatdd");
}
