//! Cards in virtual readers, with this test in vpcd's place.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use onecard_host::issuing::SamRole;
use onecard_simulator::{image_file::Durability, sample::Sample};
use onecard_wire::number::ApplicationSerial;
use serde_json::Value;

use crate::run::{json, onecard};

const GET_CHALLENGE: [u8; 5] = [0x00, 0x84, 0x00, 0x00, 0x08];
const PATIENCE: Duration = Duration::from_secs(10);

/// A simulation that prints JSON, and the first of two ports that it connects to.
struct Simulation {
    program: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Simulation {
    fn of(folder: &Path, options: &str, port: u16) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_onecard"))
            .args(format!("simulate --json --vpcd 127.0.0.1:{port} {options}").split_whitespace())
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (program.stdin.take().unwrap(), program.stdout.take().unwrap());
        Self { program, stdin, stdout: BufReader::new(stdout) }
    }

    fn event(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        let event: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(event["schema"], "onecard.simulate/1");
        event
    }

    fn next(&mut self, event: &str) -> Value {
        let told = self.event();
        assert_eq!(told["event"], event, "{told}");
        told
    }

    fn ended(mut self, by: &str) {
        assert_eq!(self.next("ended")["by"], by);
        assert!(self.program.wait().unwrap().success());
    }
}

/// Two ports one behind the other, as vpcd has them.
fn vpcd() -> (TcpListener, TcpListener, u16) {
    let pair = |_| {
        let first = TcpListener::bind("127.0.0.1:0").ok()?;
        let port = first.local_addr().ok()?.port();
        let second = TcpListener::bind(("127.0.0.1", port.checked_add(1)?)).ok()?;
        Some((first, second, port))
    };
    (0..100).find_map(pair).unwrap()
}

/// The card that comes to a slot, powered.
fn card_in(slot: &TcpListener) -> TcpStream {
    let mut card = comer_to(slot);
    assert!(ask(&mut card, &[4]).unwrap().starts_with(&[0x3B]));
    card.write_all(&[0, 1, 1]).unwrap();
    card
}

fn comer_to(slot: &TcpListener) -> TcpStream {
    slot.set_nonblocking(true).unwrap();
    let began = Instant::now();
    let card = loop {
        match slot.accept() {
            Ok((card, _)) => break card,
            Err(_) => assert!(began.elapsed() < PATIENCE, "no card comes"),
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    card.set_nonblocking(false).unwrap();
    card.set_read_timeout(Some(PATIENCE)).unwrap();
    card
}

fn ask(card: &mut TcpStream, payload: &[u8]) -> std::io::Result<Vec<u8>> {
    card.write_all(&[&u16::try_from(payload.len()).unwrap().to_be_bytes()[..], payload].concat())?;
    let mut length = [0; 2];
    card.read_exact(&mut length)?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    card.read_exact(&mut answer)?;
    Ok(answer)
}

/// A folder with a card of balance 0 and a till's SAM.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut sample = Sample::new("simulated").unwrap();
    let mut card = sample.card(ApplicationSerial::from_parts(31, 1, 7).unwrap()).unwrap();
    card.store(&folder.path().join("wang.card"), Durability::ProcessKill).unwrap();
    let mut sam = sample.sam("000000000001".parse().unwrap(), &[SamRole::Till]).unwrap();
    sam.store(&folder.path().join("till.sam"), Durability::ProcessKill).unwrap();
    folder
}

#[test]
fn a_card_and_a_sam_are_in_the_two_readers_and_their_files_are_taken() {
    let folder = folder();
    let (first, second, port) = vpcd();
    let mut simulation = Simulation::of(folder.path(), "--card sim:wang.card --sam sim:till.sam", port);
    let mut card = card_in(&first);
    let told = simulation.next("inserted");
    assert_eq!((&told["reader"], &told["kind"]), (&"Virtual PCD 00 00".into(), &"card".into()));
    assert_eq!(told["atr"], hex::encode_upper(ask(&mut card, &[4]).unwrap()));
    let mut sam = card_in(&second);
    let told = simulation.next("inserted");
    assert_eq!((&told["reader"], &told["kind"]), (&"Virtual PCD 00 01".into(), &"sam".into()));
    for slot in [&mut card, &mut sam] {
        assert_eq!(ask(slot, &GET_CHALLENGE).unwrap().len(), 10);
    }
    let run = onecard(folder.path(), "card show --reader sim:wang.card");
    assert!(run.code == 1 && run.err.contains("is in use"), "{}", run.err);
    writeln!(simulation.stdin, "quit").unwrap();
    simulation.next("removed");
    simulation.next("removed");
    simulation.ended("quit");
    assert!(ask(&mut card, &GET_CHALLENGE).is_err() && ask(&mut sam, &GET_CHALLENGE).is_err());
    json(folder.path(), "card show --reader sim:wang.card", 0);
}

#[test]
fn what_is_typed_takes_a_card_out_and_puts_it_in_again() {
    let folder = folder();
    let (first, _second, port) = vpcd();
    let options = "--card sim:wang.card --protocol t0 --trace-file heard.trace";
    let mut simulation = Simulation::of(folder.path(), options, port);
    let mut card = card_in(&first);
    assert_eq!(simulation.next("inserted")["protocol"], "T=0");
    assert_eq!(ask(&mut card, &[0x00, 0xA4, 0, 0, 2, 0x3F, 0x00]).unwrap()[0], 0x61);
    writeln!(simulation.stdin, "eject").unwrap();
    assert!(simulation.next("not understood")["why"].as_str().unwrap().contains("eject"));
    // Not its slot.
    writeln!(simulation.stdin, "remove 1").unwrap();
    writeln!(simulation.stdin, "remove 0").unwrap();
    simulation.next("removed");
    assert!(ask(&mut card, &GET_CHALLENGE).is_err());
    json(folder.path(), "card show --reader sim:wang.card", 0);
    writeln!(simulation.stdin, "insert").unwrap();
    let mut card = card_in(&first);
    simulation.next("inserted");
    assert_eq!(ask(&mut card, &GET_CHALLENGE).unwrap().len(), 10);
    writeln!(simulation.stdin, "结束").unwrap();
    simulation.next("removed");
    simulation.ended("quit");
    // Whole APDUs, whatever T=0 made of them.
    let told = onecard(folder.path(), "trace show heard.trace");
    let named = |name: &str| told.out.matches(name).count();
    assert_eq!(
        (told.code, named("SELECT"), named("GET CHALLENGE"), named("GET RESPONSE")),
        (0, 1, 1, 0),
        "{}",
        told.out
    );
}

#[test]
fn a_card_whose_reader_goes_comes_back_with_it() {
    let folder = folder();
    let (first, _second, port) = vpcd();
    let mut simulation = Simulation::of(folder.path(), "--card sim:wang.card", port);
    drop(card_in(&first));
    simulation.next("inserted");
    simulation.next("reader gone");
    let mut card = card_in(&first);
    simulation.next("inserted");
    // A command without power: this card is silent, leaves, and comes back too.
    card.write_all(&[0, 1, 0]).unwrap();
    assert!(ask(&mut card, &GET_CHALLENGE).is_err());
    simulation.next("silent");
    let mut card = card_in(&first);
    simulation.next("inserted");
    assert_eq!(ask(&mut card, &GET_CHALLENGE).unwrap().len(), 10);
    let killed = Command::new("kill").args(["-TERM", &simulation.program.id().to_string()]).status().unwrap();
    assert!(killed.success());
    simulation.next("removed");
    simulation.ended("signal");
}

#[test]
fn it_ends_after_its_time_and_says_what_is_missing() {
    let folder = folder();
    let (first, second, port) = vpcd();
    let mut simulation = Simulation::of(folder.path(), "--card sim:wang.card --for 1", port);
    let _card = card_in(&first);
    simulation.next("inserted");
    simulation.next("removed");
    simulation.ended("time");

    // Nobody in the second reader: the card in the first is taken out again.
    drop(second);
    let options = "--card sim:wang.card --sam sim:till.sam";
    let mut simulation = Simulation::of(folder.path(), options, port);
    let mut card = comer_to(&first);
    card.write_all(&[0, 1, 4]).unwrap();
    simulation.next("inserted");
    simulation.next("removed");
    assert_eq!(simulation.program.wait().unwrap().code(), Some(1));
    drop(first);
    let run = onecard(folder.path(), &format!("simulate --vpcd 127.0.0.1:{port} {options}"));
    assert!(run.code == 1 && run.err.contains("vsmartcard-vpcd") && run.out.is_empty(), "{}", run.err);
}
