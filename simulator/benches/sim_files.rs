//! What reading a SIM costs, on one core and on a simulated chip, through the whole card: channel, application, file, right.
//!
//! `cargo bench -p onecard-simulator --bench sim_files` measures READ BINARY of EF IMSI, which needs PIN1, and SELECT of it
//! with its parameters, beside the bare copy of the bytes that each answers, and prints how many a second.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "a benchmark")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use criterion::Criterion;
use onecard_applet::{Blank, Interface, Response, RfidSim};
use onecard_simulator::{
    chip::{Chip, PoweredChip},
    sample::SIM,
};
use onecard_wire::uicc::USIM_AID;

const READ_IMSI: [u8; 5] = [0x00, 0xB0, 0x00, 0x00, 0x09];
const SELECT_IMSI: [u8; 8] = [0x00, 0xA4, 0x00, 0x04, 0x02, 0x6F, 0x07, 0x00];
const VERIFY_PIN1: [u8; 5] = [0x00, 0x20, 0x00, 0x01, 0x08];
/// Commands between two looks at the clock.
const CHUNK: u32 = 10_000;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut sim = sim_with_pin1();
    let mut rows = Vec::new();
    for (name, command, answer_len) in [
        ("SELECT EF IMSI with its parameters", &SELECT_IMSI[..], 27),
        ("READ BINARY of EF IMSI, PIN1 verified", &READ_IMSI, 11),
    ] {
        let mut answer = Response::new();
        sim.process(Interface::Contact, command, &mut answer).unwrap();
        assert_eq!((answer.len(), &answer[answer.len() - 2..]), (answer_len, &[0x90, 0x00][..]), "{name}");
        let bytes = answer.clone();
        criterion.bench_function(name, |bench| {
            bench.iter(|| sim.process(Interface::Contact, black_box(command), &mut answer).unwrap());
        });
        let time = best(|| sim.process(Interface::Contact, black_box(command), &mut answer).unwrap());
        let bare = best(|| {
            answer.clear();
            answer.extend_from_slice(black_box(&bytes)).unwrap();
            black_box(&mut answer);
        });
        rows.push(format!("{name:<40}{time:>12?}{:>14.0}{bare:>12?}", 1.0 / time.as_secs_f64()));
    }
    println!("\n{:<40}{:>12}{:>14}{:>12}", "", "time", "a second", "copy alone");
    rows.iter().for_each(|row| println!("{row}"));
    criterion.final_summary();
}

/// Time of one, in the fastest of many chunks: another program can only make it longer.
fn best(mut each: impl FnMut()) -> Duration {
    let chunk = |_| {
        let start = Instant::now();
        (0..CHUNK).for_each(|_| each());
        start.elapsed() / CHUNK
    };
    (0..300).map(chunk).min().unwrap_or_default()
}

fn sim_with_pin1() -> RfidSim<PoweredChip> {
    let mut codes = SIM.codes;
    codes.pin1_enabled = true;
    let data = onecard_applet::SimData { codes, ..SIM };
    let chip = Chip::blank(Blank::RfidSim(&data), 1).unwrap();
    let mut sim = RfidSim::power_up(chip.power_on()).map_err(|dead| dead.cause).unwrap();
    let select = [&[0x00, 0xA4, 0x04, 0x0C, 0x10][..], &USIM_AID].concat();
    for command in [select, [&VERIFY_PIN1[..], &data.codes.pin1].concat()] {
        let mut answer = Response::new();
        sim.process(Interface::Contact, &command, &mut answer).unwrap();
        assert_eq!(answer[..], [0x90, 0x00], "{command:02X?}");
    }
    sim
}
