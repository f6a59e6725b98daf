//! Other people's programs as judges: opensc, scriptor, and a terminal in Python.

use std::{path::PathBuf, process::Command, time::Duration};

use onecard_simulator::{
    chip::Kind,
    sample::Sample,
    vpcd::{Protocol, atr},
};
use pcsc::State;

use crate::{
    program::{Simulation, json, onecard, root, run, station},
    stage::Stage,
};

/// The program may have to be built.
const LIMIT: Duration = Duration::from_secs(900);
const CARD: &str = "Virtual PCD 00 00";
const SAM: &str = "Virtual PCD 00 01";

fn foreign(name: &str) -> PathBuf {
    root().join("tests").join("foreign").join(name)
}

/// A stage, and the simulation's cards in its readers.
fn simulated(options: &str, cards: usize) -> (Stage, tempfile::TempDir, Simulation) {
    let stage = Stage::begin(LIMIT);
    let folder = station();
    let simulation = Simulation::begin(folder.path(), options, cards);
    for slot in 0..cards {
        stage.wait_until(slot, State::PRESENT);
    }
    (stage, folder, simulation)
}

#[test]
fn a_terminal_in_python_loads_and_sells_to_the_fen_and_the_byte() {
    for protocol in ["t1", "t0"] {
        let options = format!("--card sim:wang.card --sam sim:till.sam --protocol {protocol} --trace-file heard.trace");
        let (_stage, folder, simulation) = simulated(&options, 2);
        let mut python = Command::new("/usr/bin/python3");
        python.arg(foreign("purchase.py")).args(["--keys", "dev.keys", "--pin", Sample::PIN]);
        python.args(["--card", CARD, "--sam", SAM, "--settlement", "python.settlement"]);
        let told: serde_json::Value = serde_json::from_str(&run(python.current_dir(folder.path()), 0)).unwrap();
        simulation.end();
        // Two loads of six comparisons less one, two purchases of four, one MAC1 of the SAM's, three more.
        assert_eq!(told["compared"].as_array().unwrap().len(), 20);
        // What the card was left with, and what the issuer says of the TACs.
        assert_eq!(told["balance_fen"], 10_000 - 1_250 - 2_345 + 1);
        let shown = json(folder.path(), "card show --reader sim:wang.card");
        assert_eq!((&shown["serial"], &shown["balance_fen"]), (&told["serial"], &told["balance_fen"]));
        let judged = json(folder.path(), "settlement verify python.settlement --keys dev.keys");
        assert_eq!((&judged["unproven"], &judged["gaps"]), (&0.into(), &serde_json::json!([])), "{judged}");
        assert_eq!((&judged["loaded_fen"], &judged["paid_fen"]), (&10_001.into(), &3_595.into()));
        // What went over the wire, as this project's own trace checker sees it: all is right but the MAC1 that was to be wrong.
        let check = ["--json", "trace", "check", "heard.trace", "--keys", "dev.keys"];
        let heard: serde_json::Value =
            serde_json::from_str(&run(onecard().args(check).current_dir(folder.path()), 6)).unwrap();
        assert_eq!((&heard["wrong"], &heard["unchecked"], &heard["right"]), (&1.into(), &0.into(), &22.into()));
        assert_eq!(heard["first_wrong"]["wrong_byte"]["got"], "00000000", "{heard}");
        let mut shown = onecard();
        shown.args(["sam", "show", "--reader", "sim:till.sam"]).current_dir(folder.path());
        assert!(run(&mut shown, 0).contains("next terminal sequence 终端交易序号  1"), "the SAM counted one purchase");
    }
}

#[test]
fn opensc_reads_the_atr_sends_commands_and_lists_files() {
    for (option, protocol) in [("t1", Protocol::T1), ("t0", Protocol::T0)] {
        let (_stage, folder, _simulation) = simulated(&format!("--card sim:wang.card --protocol {option}"), 1);
        let opensc = |program: &str, arguments: &[&str], code| {
            run(Command::new(program).args(["--reader", CARD]).args(arguments).current_dir(folder.path()), code)
        };
        let shown = opensc("opensc-tool", &["--atr"], 0);
        assert_eq!(shown.trim().replace(':', ""), hex::encode(atr(Kind::CpuCard, protocol)));
        // Fifty drivers ask whether it is theirs.
        assert_eq!(opensc("opensc-tool", &["--name"], 0).trim(), "Unsupported card");
        let application = "00A404000EF04F4E454301100000000000000100";
        let told = opensc("opensc-tool", &["-s", application, "-s", "805C000204", "-s", "805C000304"], 0);
        let statuses: Vec<&str> = told.lines().filter(|line| line.starts_with("Received")).collect();
        let word = |sw1, sw2| format!("Received (SW1=0x{sw1}, SW2=0x{sw2})");
        assert_eq!(statuses, [word("90", "00") + ":", word("90", "00") + ":", word("6A", "86")], "{told}");
        assert!(told.contains("\n00 00 00 00 ....\n"), "{told}");
        // The driver for unknown cards knows no command that lists: it shows the MF, and ends by 1.
        let files = opensc("opensc-tool", &["--card-driver", "default", "--list-files"], 1);
        assert!(files.starts_with("3f00 [1PAY.SYS.DDF01] type: DF"), "{files}");
        let script = foreign("look.explorer");
        let told = opensc("opensc-explorer", &["--card-driver", "default", script.to_str().unwrap()], 0);
        for line in
            ["1PAY.SYS.DDF01", "File path:               F04F/4E45/4301", "9F 0C 1E 10 00 00 00", "00 00 00 00 ...."]
        {
            assert!(told.contains(line), "{line} is not in\n{told}");
        }
    }
}

#[test]
fn scriptor_gets_what_the_specification_says() {
    let public_data = "100000000000000103020000310010000000007620260101203512310000";
    let fci = format!("6F33840EF04F4E4543011000000000000001A5219F0C1E{public_data}9000");
    let t1 = [
        &fci,
        "000000009000",
        &format!("{public_data}9000"),
        "6C04",
        "6A82",
        "6D00",
        "6E00",
        "6700",
        &hex::encode_upper(atr(Kind::CpuCard, Protocol::T1)),
        "6A82",
    ];
    let t0 = ["6135", &fci, "6C04", "000000009000", "6985"];
    for (option, script, expected) in [("t1", "look.scriptor", &t1[..]), ("t0", "look-t0.scriptor", &t0)] {
        let (_stage, _folder, simulation) = simulated(&format!("--card sim:wang.card --protocol {option}"), 1);
        let told = run(Command::new("scriptor").args(["-r", CARD]).arg(foreign(script)), 0);
        assert_eq!(answers(&told), expected, "{told}");
        simulation.end();
    }
}

/// The answers in what scriptor prints: from `<` to `:`, or `< OK:` and the ATR, over several lines.
fn answers(told: &str) -> Vec<String> {
    let behind = told.split("\n< ").skip(1);
    let digits = behind.map(|answer| match answer.strip_prefix("OK:") {
        Some(atr) => atr.lines().next().unwrap_or_default(),
        None => answer.split(':').next().unwrap_or_default(),
    });
    digits.map(|digits| digits.split_whitespace().collect()).collect()
}
