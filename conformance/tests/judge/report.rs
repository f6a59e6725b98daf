//! A report in each of its forms, of a card that is sound and of one that is not. The pages stay in the target folder, where
//! `.ci/run` opens them in a browser.

use std::{fs, path::Path};

use onecard_conformance::{Report, Verdict};
use onecard_wire::key::Algorithm;
use quick_xml::{Reader, events::Event};

use crate::{
    bench::{blank, personalised, run},
    faulty::{Faulty, is, other_byte, says, word},
};

/// A card of another maker: no key list, a version in its FCI, and a balance that is one fen off.
fn of_another_maker() -> Report {
    let (card, mut order) = blank();
    order.as_sold = true;
    let mut off_by_one = other_byte(&[0x80, 0x50, 0x01, 0x02], 3);
    let mut card = Faulty::new(
        card,
        Box::new(move |seen, command, ask| {
            if is(command, &[0x80, 0xCA]) {
                return says(0x6D00);
            }
            let answer = off_by_one(seen, command, ask);
            let fci = is(command, &[0x00, 0xA4, 0x04]) && answer.len() == 55 && word(&answer) == 0x9000;
            if fci { with_version(&answer) } else { answer }
        }),
    );
    run(&mut card, &order)
}

/// The FCI of a FM1208: 9F08 in front of 9F0C.
fn with_version(fci: &[u8]) -> Vec<u8> {
    [&[0x6F, 0x37], &fci[2..18], &[0xA5, 0x25, 0x9F, 0x08, 0x01, 0x02], &fci[20..]].concat()
}

#[test]
fn a_known_difference_is_told_as_such_and_excuses_nothing_else() {
    let report = of_another_maker();
    let known: Vec<&str> = of(&report, |verdict| matches!(verdict, Verdict::Known(_)));
    assert_eq!(known, ["application-fci"]);
    assert!(of(&report, |verdict| matches!(verdict, Verdict::Failed(_))).contains(&"initialize-purchase"));
    // The same answer of a card that has the own parts is a failure.
    let (card, order) = blank();
    let fault = |_: &mut _, command: &[u8], ask: &mut dyn FnMut(&[u8]) -> Vec<u8>| {
        let answer = ask(command);
        let fci = is(command, &[0x00, 0xA4, 0x04]) && answer.len() == 55 && word(&answer) == 0x9000;
        if fci { with_version(&answer) } else { answer }
    };
    let report = run(&mut Faulty::new(card, Box::new(fault)), &order);
    assert!(of(&report, |verdict| matches!(verdict, Verdict::Failed(_))).contains(&"application-fci"));
}

#[test]
fn a_page_is_one_file_and_says_what_was_sent() {
    let pages = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance-pages");
    fs::create_dir_all(&pages).unwrap();
    let (mut card, order) = blank();
    let sound = run(&mut card, &order);
    for (name, report) in [("sound.html", &sound), ("another-maker.html", &of_another_maker())] {
        let page = report.document().page("2026-11-29 12:00").unwrap();
        for elsewhere in ["http:", "https:", "src=", "url(", "@import", "<link", "<script"] {
            assert!(!page.contains(elsewhere), "{elsewhere}");
        }
        for result in report.failures() {
            let last = result.exchanges.last().unwrap();
            assert!(page.contains(&last.sent) && page.contains(&last.answered), "{}", result.rule.id);
        }
        fs::write(pages.join(name), page).unwrap();
    }
}

#[test]
fn what_a_report_quotes_is_escaped() {
    let mut report = of_another_maker();
    let hostile = r#"<script>alert("&")</script>]]>"#;
    for result in &mut report.results {
        result.rule.title = hostile.to_owned();
        result.setting = hostile.to_owned();
        if let Verdict::Failed(why) = &mut result.verdict {
            *why = hostile.to_owned();
        }
    }
    let document = report.document();
    assert!(!document.page("<script>").unwrap().contains("<script"));
    let xml = document.junit().unwrap();
    assert!(!xml.contains("<script"));
    let (mut titles, mut depth) = (0, 0);
    let mut reader = Reader::from_str(&xml);
    loop {
        match reader.read_event().unwrap() {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth -= 1,
            Event::Empty(_) => {}
            Event::GeneralRef(entity) => titles += usize::from(&entity[..] == "lt"),
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0);
    assert!(titles > 0);
}

#[test]
fn junit_counts_every_rule_once() {
    for report in [of_another_maker(), {
        let (mut card, order) = personalised(Algorithm::Des);
        run(&mut card, &order)
    }] {
        let xml = report.document().junit().unwrap();
        let cases: usize =
            report.document().chapters.iter().flat_map(|chapter| &chapter.rules).map(|rule| rule.settings.len()).sum();
        assert_eq!(xml.matches("<testcase ").count(), cases);
        assert_eq!(xml.matches("<failure ").count(), report.failures().count());
        let counts = report.counts();
        let rules: std::collections::BTreeSet<_> = report.results.iter().map(|result| &result.rule.id).collect();
        assert_eq!(counts.passed + counts.failed + counts.known + counts.skipped, rules.len());
    }
}

#[test]
fn a_holders_pin_is_in_no_report() {
    let (mut card, order) = personalised(Algorithm::Des);
    let report = run(&mut card, &order);
    let document = report.document();
    let json = serde_json::to_string(&document).unwrap();
    for text in [report.text(), json, document.junit().unwrap(), document.page("now").unwrap()] {
        assert!(!text.contains("123456"));
    }
    assert!(
        report.results.iter().any(|result| result.exchanges.iter().any(|exchange| exchange.sent.ends_with("······")))
    );
}

fn of(report: &Report, verdict: impl Fn(&Verdict) -> bool) -> Vec<&str> {
    report.results.iter().filter(|result| verdict(&result.verdict)).map(|result| result.rule.id.as_str()).collect()
}
