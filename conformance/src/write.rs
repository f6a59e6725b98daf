//! A run that writes: a blank card gets a test application in each setting, is tried, and is blank again.

use onecard_vectors::conformance::{Rule, Scope};

use crate::{
    blank::ensure_blank,
    report::{RuleResult, Skipped, Verdict},
    run::{Order, Run, RunError, Setting},
    survey::Facts,
};

/// Tries every rule in every setting that the card has.
pub(crate) fn write(run: &mut Run<'_, '_>, order: &Order) -> Result<(), RunError> {
    ensure_blank(run, order)?;
    let mut card = bare("");
    clear_what_a_run_left(run)?;
    let settings = settings(&run.facts);
    run.total = run.rules.rules.len() * settings.len();
    for rule in of(run, &[Scope::Blank]) {
        run.try_rule(&rule, &mut card)?;
    }
    for mut setting in settings {
        let tried = in_setting(run, &mut setting);
        // The card is made blank again whatever came before, and what came before is told first.
        let wiped = wipe(run, &setting.label);
        tried?;
        if !wiped? {
            break;
        }
    }
    Ok(())
}

/// Takes off what a run left that ended before its end: a test application, or an erased MF.
fn clear_what_a_run_left(run: &mut Run<'_, '_>) -> Result<(), RunError> {
    let mut card = bare("");
    if run.facts.erased {
        for rule in of(run, &[Scope::Rebuild]) {
            run.try_rule(&rule, &mut card)?;
        }
        // What it is was not to be seen before.
        return run.look_again();
    }
    if run.is_there(&TEST_APPLICATION)? {
        wipe(run, "")?;
    }
    Ok(())
}

/// Makes the card blank; whether it is.
fn wipe(run: &mut Run<'_, '_>, label: &str) -> Result<bool, RunError> {
    let mut wiping = bare(label);
    of(run, &[Scope::Wipe]).iter().try_fold(true, |wiped, rule| {
        let passed = run.try_rule(rule, &mut wiping)?;
        Ok(wiped && (passed || rule.own))
    })
}

/// A setting in which nothing is known but what the test application is called.
pub(crate) fn bare(label: &str) -> Setting {
    let mut setting = Setting { label: label.to_owned(), ..Setting::default() };
    setting.names.set_bytes("aid", &TEST_APPLICATION);
    setting
}

/// The application of an enterprise that nobody is: 9999999999999999.
pub(crate) const TEST_APPLICATION: [u8; 14] =
    [0xF0, 0x4F, 0x4E, 0x45, 0x43, 0x01, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99];
/// Its directory, as the rules make it.
pub(crate) const TEST_DIRECTORY: u16 = 0xDF7E;

/// Makes the test application and tries all rules in it.
fn in_setting(run: &mut Run<'_, '_>, setting: &mut Setting) -> Result<(), RunError> {
    let own = setting.own == Some(true);
    let makes = if own { [Scope::Make, Scope::MakeOwn] } else { [Scope::Make, Scope::MakePlain] };
    let mut made = true;
    for rule in of(run, &makes) {
        made = made && run.try_rule(&rule, setting)?;
    }
    for rule in of(run, &TRIED) {
        if made || matches!(rule.on, Scope::Card | Scope::CardOwn) {
            run.try_rule(&rule, &mut setting.clone())?;
        } else {
            let verdict = Verdict::Skipped(Skipped::NotMade);
            run.results.push(RuleResult { rule, setting: setting.label.clone(), verdict, exchanges: Vec::new() });
        }
    }
    Ok(())
}

/// In these scopes rules are tried once the test application is there.
const TRIED: [Scope; 8] = [
    Scope::Card,
    Scope::CardOwn,
    Scope::Application,
    Scope::ApplicationOwn,
    Scope::ApplicationPlain,
    Scope::Test,
    Scope::TestOwn,
    Scope::TestPlain,
];

pub(crate) fn of(run: &Run<'_, '_>, scopes: &[Scope]) -> Vec<Rule> {
    run.rules.rules.iter().filter(|rule| scopes.contains(&rule.on)).cloned().collect()
}

/// A plain wallet on every card; on a card with the own parts the own application too, in each cipher.
fn settings(facts: &Facts) -> Vec<Setting> {
    let setting = |label: &str, algorithm: u8, own: bool| {
        let mut setting = Setting { has_keys: true, has_pin: true, normal: true, own: Some(own), ..bare(label) };
        setting.names.set_bytes("algorithm", &[algorithm]);
        setting.names.set_bytes("version", &[if own { 0x02 } else { 0x01 }]);
        // What names the cipher of the keys 36 to 39, and what follows a challenge of 4 bytes in a block of it.
        let (key_file_byte, fill) = if algorithm == 0x00 { (0xFF, 4) } else { (algorithm, 12) };
        setting.names.set_bytes("key_file_byte", &[key_file_byte]);
        setting.names.set_bytes("fill", &vec![0x00; fill]);
        setting
    };
    let mut settings = vec![setting("plain wallet, 3DES", 0x00, false)];
    if facts.has_own_parts() {
        let ciphers = [("3DES", 0x00), ("SM4", 0x04), ("AES", 0x06)];
        settings.extend(ciphers.map(|(name, algorithm)| setting(name, algorithm, true)));
    }
    settings
}
