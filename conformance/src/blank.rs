//! What must hold before a card is written to: nothing is on it, and its key is the one that every card is sold with.

use onecard_host::crypto::{DesKey, LineKey};
use onecard_vectors::conformance::Scope;
use onecard_wire::{fid, status::StatusWord};

use crate::{
    attempt::{Attempt, Stop, status},
    guard::{Guard, Mode},
    language::value::Names,
    report::{RuleResult, Verdict},
    run::{Order, Run, RunError, survey_failed},
    survey::{Facts, ListedKey, SELECT_MF},
    write::{TEST_APPLICATION, TEST_DIRECTORY, bare, of},
};

/// A FM1208's transport key as sold.
const TRANSPORT_TRIES: u8 = 3;
/// With fewer, the one that is spent on a card of another key would be its last.
const TRIES_MIN: u8 = 2;
/// No key file, or no such key in it.
const NO_KEY: [StatusWord; 2] = [StatusWord::FILE_NOT_FOUND, StatusWord::KEY_NOT_FOUND];
const GET_CHALLENGE: [u8; 5] = [0x00, 0x84, 0x00, 0x00, 0x04];

/// Refuses a card that is not blank. What is read comes first; then, of all that a run tries, the right cryptogram of the
/// transport key, which costs a card of another key one try, and no card more. From then on the run writes.
pub(crate) fn ensure_blank(run: &mut Run<'_, '_>, order: &Order) -> Result<(), RunError> {
    let tries = tries_to_spend(&run.facts, order)?;
    if let Some(fid) = anything_there(run)? {
        return Err(RunError::NotBlank(format!("there is a directory or file {fid:04X} in its master file")));
    }
    let mut card = bare("");
    for rule in of(run, &[Scope::BlankCheck]) {
        if !run.try_rule(&rule, &mut card)? {
            let why = run.results.last().map(told).unwrap_or_default();
            return Err(RunError::NotBlank(format!("{}: {why}", rule.title)));
        }
    }
    run.bench.guard = Guard::new(Mode::Write);
    run.bench.guard.set_tries("transport", tries.into(), TRANSPORT_TRIES.into());
    let answer = authenticate(&mut Attempt::new(&mut run.bench, Names::default())).map_err(survey_failed)?;
    let lists_a_key = run.facts.mf_keys.as_ref().is_some_and(|keys| !keys.is_empty());
    run.facts.erased = NO_KEY.contains(&answer) && !lists_a_key;
    if answer.is_ok() || run.facts.erased { Ok(()) } else { Err(RunError::OtherKey(answer)) }
}

/// How many tries its transport key has left, if it holds nothing else as far as it tells, and one may be spent.
fn tries_to_spend(facts: &Facts, order: &Order) -> Result<u8, RunError> {
    let not_blank = |why: &str| Err(RunError::NotBlank(why.to_owned()));
    if facts.sam {
        return not_blank("it is a SAM");
    }
    if facts.application.is_some() {
        return not_blank("it carries an enterprise application");
    }
    match facts.mf_keys.as_deref() {
        // Whatever it answered instead of a list: cards of other makers answer anything.
        None if order.as_sold => Ok(TRANSPORT_TRIES),
        None => Err(RunError::UnknownTries),
        Some([]) => Ok(TRANSPORT_TRIES),
        Some([ListedKey { key_type: 0x39, id: 0x00, tries: 0..TRIES_MIN, .. }]) => {
            not_blank("its transport key has at most one try left, and a last try is never spent")
        }
        Some([ListedKey { key_type: 0x39, id: 0x00, tries: tries @ ..=TRANSPORT_TRIES, .. }]) => Ok(*tries),
        Some(_) => not_blank("its master file has other keys than a transport key of three tries"),
    }
}

/// The first file or directory in the MF, but for a test application that a run has left.
fn anything_there(run: &mut Run<'_, '_>) -> Result<Option<u16>, RunError> {
    let left = run.is_there(&TEST_APPLICATION)?.then_some(TEST_DIRECTORY);
    run.bench.card.power_cycle()?;
    let mut attempt = Attempt::new(&mut run.bench, Names::default());
    attempt.exchange(&SELECT_MF, &[]).map_err(survey_failed)?;
    for fid in fid::LOOKED_FOR.into_iter().flatten().filter(|fid| left != Some(*fid)) {
        let [high, low] = fid.to_be_bytes();
        // What is not there leaves the MF selected.
        let answer = attempt.exchange(&[0x00, 0xA4, 0x00, 0x00, 0x02, high, low], &[]).map_err(survey_failed)?;
        if status(&answer) != StatusWord::FILE_NOT_FOUND {
            return Ok(Some(fid));
        }
    }
    Ok(None)
}

/// EXTERNAL AUTHENTICATE with the transport key, eight bytes FF; what the card answers to it.
fn authenticate(attempt: &mut Attempt<'_, '_>) -> Result<StatusWord, Stop> {
    attempt.bench.card.power_cycle()?;
    attempt.exchange(&SELECT_MF, &[])?;
    let challenge = attempt.exchange(&GET_CHALLENGE, &[])?;
    let [a, b, c, d, 0x90, 0x00] = *challenge.as_slice() else {
        return Err(Stop::NotKept(format!("it gives no challenge, but {}", hex::encode_upper(challenge))));
    };
    let cryptogram = LineKey::from(DesKey::TRANSPORT).encipher(&[a, b, c, d, 0, 0, 0, 0]);
    let command = [&[0x00, 0x82, 0x00, 0x00, 0x08], cryptogram.as_slice()].concat();
    let answer = attempt.exchange(&command, &["transport".to_owned()])?;
    Ok(status(&answer))
}

fn told(result: &RuleResult) -> String {
    match &result.verdict {
        Verdict::Failed(why) => why.clone(),
        _ => String::new(),
    }
}
