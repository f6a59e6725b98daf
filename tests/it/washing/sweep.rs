//! Every command of both washes, lost on its way or answered in vain.

use onecard_host::issuing::{Cause, Known, Reached, Step};
use onecard_simulator::{chip::Chip, reader::Fault};

use super::stand::{ALGORITHMS, Kind, Stand, Stopped};

/// The command is lost, or its answer.
const FAULTS: [Fault; 2] = [Fault::Removed, Fault::LostAnswer];

#[test]
fn the_first_wash_goes_on_after_every_command() {
    for kind in Kind::FOUNDED {
        for algorithm in ALGORITHMS {
            let stand = Stand::new(kind, algorithm);
            let mut reader = stand.insert(stand.blank());
            stand.first_wash(&mut reader).unwrap();
            let commands = reader.exchanges();
            let undisturbed = stand.portrait(&reader.remove(), false);
            let (mut resumed, mut gaps) = (0, 0);
            // In between the station looks for what is not on the card, hundreds of times.
            let cuts = (0..commands).filter(|at| *at < 4 || *at + 50 > commands);
            for (at, fault) in cuts.flat_map(|at| FAULTS.map(|fault| (at, fault))) {
                let mut reader = stand.insert(stand.blank());
                reader.fail_at(at, fault);
                stand.first_wash(&mut reader).unwrap_err();
                reader.tap();
                match stand.first_wash(&mut reader) {
                    Ok(()) => {
                        assert_eq!(stand.portrait(&reader.remove(), false), undisturbed, "{kind:?} {at} {fault:?}");
                        resumed += 1;
                    }
                    // A key file without a key, of the MF or the directory: FMCOS leaves no way in (specification 4.5.3).
                    Err(Stopped::Issuing(error)) if error.step == Step::Erase || error.cause == Cause::Stuck => {
                        gaps += 1
                    }
                    Err(Stopped::Condition(other)) => panic!("{kind:?} {algorithm:?}: {at} {fault:?}: {other}"),
                    Err(Stopped::Issuing(other)) => panic!("{kind:?} {algorithm:?}: {at} {fault:?}: {other}"),
                }
            }
            println!("first wash, {kind:?} {algorithm:?}: {commands} commands, {resumed} resumed, {gaps} gaps");
            assert_eq!(gaps, if kind == Kind::AsBought { 4 } else { 2 }, "{kind:?}");
        }
    }
}

#[test]
fn the_second_wash_goes_on_after_every_command() {
    for kind in Kind::ALL {
        for algorithm in ALGORITHMS {
            let stand = Stand::new(kind, algorithm);
            let operators = stand.operators();
            let (commands, washed) = undisturbed(&stand, &operators);
            let mut longest = 0;
            for (at, fault) in (0..commands).flat_map(|at| FAULTS.map(|fault| (at, fault))) {
                for journal in [true, false] {
                    let what = format!("{kind:?} {algorithm:?} {at} {fault:?} journal {journal}");
                    let mut reader = stand.insert(operators.snapshot());
                    reader.fail_at(at, fault);
                    let (stopped, notes) = stand.second_wash(&mut reader, Known::default());
                    stopped.unwrap_err();
                    reader.tap();
                    let known = if journal { notes } else { Known::default() };
                    let (resumed, notes) = stand.second_wash(&mut reader, known);
                    resumed.unwrap_or_else(|error| panic!("{what}: {error}"));
                    assert_eq!(notes.reached, Some(Reached::Good), "{what}");
                    assert_eq!(notes.guesses, 0, "{what}");
                    longest = longest.max(reader.exchanges());
                    let chip = reader.remove();
                    // The key whose answer was lost is not in the journal, and is written again.
                    let masked = !journal || fault == Fault::LostAnswer;
                    assert_eq!(stand.portrait(&chip, masked), stand.portrait(&washed, masked), "{what}");
                }
            }
            println!(
                "second wash, {kind:?} {algorithm:?}: {commands} commands, each lost twice, resumed in at most {longest}"
            );
            assert!(longest <= commands + commands / 2, "{longest} of {commands}");
        }
    }
}

fn undisturbed(stand: &Stand, operators: &Chip) -> (u64, Chip) {
    let mut reader = stand.insert(operators.snapshot());
    let (washed, notes) = stand.second_wash(&mut reader, Known::default());
    washed.unwrap_or_else(|error| panic!("{:?}: {error}", stand.kind));
    assert_eq!(notes.reached, Some(Reached::Good));
    (reader.exchanges(), reader.remove())
}
