//! A phone with a RFID-SIM in it, played by scripts: every path of the menu, in both languages, without an enterprise, with one
//! and with eight.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod sims;

use onecard_simulator::{
    handset::{Handset, Settings, script::Script},
    phone_slot::PhoneSlot,
};

use self::sims::{Beside, Sims};

fn play(name: &str, text: &str, sims: Sims) {
    let slot = PhoneSlot::new(sims.chip);
    let mut handset = Handset::new(slot.contacts(), Settings::default());
    let script = Script::parse(text).unwrap_or_else(|failure| panic!("{name}: {failure}"));
    let mut till = Beside { field: slot.field(), till: sims.till };
    let mut steps = 0;
    let played = script.play(&mut handset, &mut till, &mut |_| steps += 1);
    if let Err(failure) = played {
        for crossing in handset.log().iter().rev().take(6).rev() {
            println!("{}\n  > {}\n  < {}", crossing.name, crossing.command_text(), crossing.answer_text());
        }
        panic!("{name}: {failure}");
    }
    assert!(steps > 10, "{name}: {steps} steps");
    println!("{name}: {steps} steps, {} commands", handset.log().len());
}

macro_rules! scripts {
    ($($name:ident on $sims:expr;)*) => {
        $(#[test]
        fn $name() {
            play(stringify!($name), include_str!(concat!("../scripts/", stringify!($name), ".phone")), $sims);
        })*
    };
}

scripts! {
    none_zh on Sims::with_enterprises(0);
    none_en on Sims::with_enterprises(0);
    language on Sims::with_enterprises(0);
    lesser on Sims::with_enterprises(0);
    results on Sims::with_enterprises(0);
    one_zh on Sims::with_enterprises(1);
    one_en on Sims::with_enterprises(1);
    eight_zh on Sims::with_enterprises(8);
    eight_en on Sims::with_enterprises(8);
    delete_zh on Sims::with_platform();
    delete_en on Sims::with_platform();
}

#[test]
fn what_was_typed_unseen_is_not_told_when_it_fails() {
    let told = |text: &str, sims: Sims| {
        let slot = PhoneSlot::new(sims.chip);
        let mut handset = Handset::new(slot.contacts(), Settings::default());
        let mut till = Beside { field: slot.field(), till: sims.till };
        let played = Script::parse(text).and_then(|script| script.play(&mut handset, &mut till, &mut |_| ()));
        let failure = played.unwrap_err();
        (failure.to_string(), format!("{failure:?}"))
    };
    let to_the_password =
        "language en\ndate 20260601\nboot\nmenu\nchoose \"One Card\"\nchoose \"Delete application\"\n";
    for (text, sims) in [
        (format!("{to_the_password}type 135"), Sims::with_platform()),
        (format!("{to_the_password}type 135792468"), Sims::with_platform()),
        ("boot\ntype 13579".to_owned(), Sims::with_enterprises(0)),
        ("pin 135".to_owned(), Sims::with_enterprises(0)),
        ("boot\npin 13579x".to_owned(), Sims::with_enterprises(0)),
    ] {
        let (shown, debug) = told(&text, sims);
        assert!(shown.contains("••••") && !shown.contains("135") && !debug.contains("135"), "{shown}\n{debug}");
    }
}
