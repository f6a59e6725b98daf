//! The platform's packets and scripts, made and read by the host library, and the card that executes them: written apart from
//! one specification, they meet here.

use onecard_applet::{Interface, Response, RfidSim};
use onecard_host::{
    apdu::Command,
    key_store::{Freshness, KeyStore, KeyTarget, Manner, NamedKey, Payload, SoftwareStore, WrapperKey, WriteKeyOrder},
    keys::Purpose,
    over_the_air::{
        Answer, CommandPacket, CounterMode, Ending, Form, OtaKeySet, PacketCounter, PacketKeys, PacketTerms, Proven,
        RedundancyCheck, Script, ScriptAnswer, SetVersion, Spi, Tar,
        message::{Deliver, PacketKind, Reference, ServiceCentreTime, divide},
    },
};
use onecard_simulator::{
    chip::{Chip, PoweredChip},
    sample::{SIM, Sample},
};
use onecard_wire::{ins, number::ApplicationSerial, status::StatusWord};

/// A platform of the sample's operator, and one of its SIMs.
struct Pair {
    card: RfidSim<PoweredChip>,
    keys: PacketKeys,
    counter: u64,
}

impl Pair {
    fn new(sample: &Sample, chip: Chip) -> Self {
        let [_, _, number @ ..] = SIM.iccid;
        let version = SetVersion::new(1).unwrap();
        let set = OtaKeySet::of_chip(sample.roots(), Sample::KEY_VERSION, (number, version), true).unwrap();
        let card = RfidSim::power_up(chip.power_on()).map_err(|dead| dead.cause).unwrap();
        Self { card, keys: PacketKeys::new(&set), counter: 0 }
    }

    fn send(&mut self, command: &[u8]) -> Vec<u8> {
        let mut answer = Response::new();
        self.card.process(Interface::Contact, command, &mut answer).unwrap();
        answer.to_vec()
    }

    fn next_counter(&self) -> PacketCounter {
        PacketCounter::new(self.counter + 1).unwrap()
    }

    /// What came back in the delivery report; `None` if nothing did.
    fn deliver(&mut self, spi: Spi, tar: Tar, data: &[u8]) -> Option<Answer> {
        let terms =
            PacketTerms { spi, redundancy_check: RedundancyCheck::default(), tar, counter: self.next_counter() };
        self.counter += 1;
        let packet = CommandPacket::build(&self.keys, terms, data).unwrap();
        let time = ServiceCentreTime([0x62, 0x11, 0x92, 0x71, 0x30, 0x45, 0x23]);
        let mut report = Vec::new();
        for part in divide(PacketKind::Command, &packet.bytes, Reference::Short(7)).unwrap() {
            assert!(report.is_empty(), "an answer before the last part");
            let tpdu = Deliver::download("+8613800100500".parse().unwrap(), time, part).to_bytes();
            report = self.send(&envelope(&tpdu));
            assert_eq!(report.split_off(report.len() - 2), [0x90, 0x00]);
        }
        let packet = Answer::packet_of(&report)?;
        Some(Answer::read(&self.keys, &terms, packet).unwrap())
    }

    /// Sends a script and reads its proof.
    fn script(&mut self, tar: Tar, form: Form, commands: Vec<Command>) -> ScriptAnswer {
        let script = Script::new(tar, form, commands).unwrap();
        let Some(Answer::Proven(proven)) = self.deliver(Spi::FULL, tar, &script.to_bytes()) else { panic!("no proof") };
        assert_eq!(proven.status().0, 0x00);
        script.read_answer(data_of(&proven)).unwrap()
    }
}

fn data_of(proven: &Proven) -> &[u8] {
    proven.data()
}

/// ENVELOPE (SMS-PP DOWNLOAD) with a message.
pub(crate) fn envelope(tpdu: &[u8]) -> Vec<u8> {
    let long = |bytes: &[u8]| match bytes.len() {
        short @ 0..=0x7F => vec![short as u8],
        length => vec![0x81, length as u8],
    };
    let body = [&[0x82, 0x02, 0x83, 0x81, 0x8B][..], &long(tpdu), tpdu].concat();
    let data = [&[0xD1][..], &long(&body), &body].concat();
    [&[0x80, ins::ENVELOPE, 0x00, 0x00, data.len() as u8][..], &data].concat()
}

fn sample() -> Sample {
    Sample::new("over the air").unwrap()
}

fn select(fid: [u8; 2]) -> Command {
    Command::new(0x00, ins::SELECT, 0x00, 0x04).with_data(&fid)
}

/// Every SPI that the host can say, against the highest minimum: what the card serves, the host believes by its checksum alone.
#[test]
fn every_security_that_the_host_can_say() {
    let sample = sample();
    let mut pair = Pair::new(&sample, sample.sim(SIM.iccid).unwrap());
    let (mut proven, mut hints, mut silent) = (0, 0, 0);
    for bytes in (0..=u16::MAX).map(u16::to_be_bytes) {
        let Some(spi) = Spi::from_bytes(bytes) else { continue };
        let [first, second] = bytes;
        // KID cannot name AES and a redundancy check.
        let [redundancy, checksum] = [1, 2].map(|kind| first & 3 == kind || second & 3 != 0 && second >> 2 & 3 == kind);
        if redundancy && checksum || second & 0x20 != 0 {
            continue;
        }
        let served = first & 0x16 == 0x16;
        let counter = pair.counter;
        match pair.deliver(spi, Tar::FILES, &[]) {
            Some(Answer::Proven(proof)) => {
                assert!(served && second & 0x0C == 0x08, "{bytes:02X?}");
                assert_eq!((proof.status().0, data_of(&proof)), (0x00, &[0x00, 0x90, 0x00][..]));
                proven += 1;
            }
            Some(Answer::Hint(hint)) => {
                assert_eq!(hint.status.0, if served { 0x00 } else { 0x0A }, "{bytes:02X?}");
                hints += 1;
            }
            None => {
                assert!(second & 3 == 0 || second & 3 == 2 && served, "{bytes:02X?}");
                silent += 1;
            }
        }
        if !served || spi.counter == CounterMode::Unchecked {
            pair.counter = counter;
        }
    }
    println!("{proven} proven, {hints} hints, {silent} without an answer");
    assert!(proven > 0 && hints > 0 && silent > 0);
}

#[test]
fn both_formats_and_messages_in_parts() {
    let sample = sample();
    let mut pair = Pair::new(&sample, sample.sim(SIM.iccid).unwrap());
    let read = Command::new(0x00, ins::READ_BINARY, 0x00, 0x00).expecting(10);
    let expanded = pair.script(Tar::FILES, Form::EXPANDED, vec![select([0x2F, 0xE2]), read.clone()]);
    assert_eq!((expanded.executed, expanded.ending), (2, Ending::Complete));
    assert_eq!(expanded.to_command(2).unwrap().data, SIM.iccid);
    let compact = pair.script(Tar::FILES, Form::Compact, vec![select([0x2F, 0xE2]), read.clone()]);
    assert_eq!(compact.to_command(2).unwrap().data, SIM.iccid);
    let missing = pair.script(Tar::FILES, Form::EXPANDED, vec![select([0x6F, 0xFF]), read.clone()]);
    let stopped = Ending::Stopped { command: 1, status: Some(StatusWord::FILE_NOT_FOUND) };
    assert_eq!((missing.executed, missing.ending), (1, stopped));
    // 40 SELECTs without an answer go out in parts, and as many status words do not fit the report that comes back.
    let quiet = Command::new(0x00, ins::SELECT, 0x00, 0x0C).with_data(&[0x2F, 0xE2]);
    let many = pair.script(Tar::FILES, Form::EXPANDED, vec![quiet; 40]);
    let Ending::Stopped { command, status } = many.ending else { panic!("{:?}", many.ending) };
    assert_eq!((command, status), (many.executed, Some(StatusWord::DATA_LOST)));
}

/// A key of an enterprise's, end to end: the body is the store's, for a counter reserved before; neither packet nor operator opens it.
#[test]
fn a_key_written_by_a_stores_body_for_its_place() {
    let mut sample = sample();
    let chip = sample.sim(SIM.iccid).unwrap();
    let serial = ApplicationSerial::from_parts(31, 1, 7).unwrap();
    let enterprise = sample.enterprise();
    let chip = sample.install(chip, enterprise, serial).unwrap();
    let mut pair = Pair::new(&sample, chip);
    let mut store = SoftwareStore::new(sample.keys().clone());
    let name = [&[0xF0, 0x4F, 0x4E, 0x45, 0x43, 0x01][..], &enterprise.to_bytes()].concat();
    let select = Command::new(0x00, ins::SELECT, 0x04, 0x00).with_bytes(&name).unwrap();
    let mut order = |counter: PacketCounter| {
        let order = WriteKeyOrder {
            target: KeyTarget::Application(serial),
            payload: Payload::CardKey {
                name: NamedKey { purpose: Purpose::Purchase, version: Sample::KEY_VERSION },
                id: 0x02,
                manner: Manner::Add,
            },
            under: WrapperKey::Control(Sample::KEY_VERSION),
            fresh: Freshness::OverTheAir { counter: counter.to_bytes(), command: 2 },
        };
        let body = store.write_key(&order).unwrap();
        let [p1, p2] = order.parameters();
        Command::new(ins::CLA_PBOC_SM, ins::WRITE_KEY, p1, p2).with_bytes(body.as_bytes()).unwrap()
    };
    // Made for the packet behind the next one it is refused, in its own it is taken, and then it is old.
    let early = order(PacketCounter::new(pair.counter + 2).unwrap());
    let statuses = |answer: &ScriptAnswer| answer.responses.iter().map(|response| response.status).collect::<Vec<_>>();
    let refused = pair.script(Tar::ENTERPRISE, Form::EXPANDED, vec![select.clone(), early.clone()]);
    assert_eq!(statuses(&refused), [StatusWord::OK, StatusWord::MAC_WRONG]);
    let taken = pair.script(Tar::ENTERPRISE, Form::EXPANDED, vec![select.clone(), early.clone()]);
    assert_eq!(statuses(&taken), [StatusWord::OK, StatusWord::OK]);
    let again = pair.script(Tar::ENTERPRISE, Form::EXPANDED, vec![select, early]);
    assert_eq!(statuses(&again), [StatusWord::OK, StatusWord::MAC_WRONG]);
}
