//! One byte of a trace is changed: it is found, and at its place.

use onecard_host::trace::{
    Answer, Contradiction, Entry, Exchange, Payload, Peer, Place, Side, TraceKeys, Verdict, What,
};
use onecard_wire::ins;

use super::{
    check,
    published::{Case, cases},
    recorded::{keys, sessions},
};

#[test]
fn a_changed_byte_of_a_published_trace_is_found_where_it_is() {
    let mut found = 0;
    for Case { name, entries, keys, valid, degenerate } in cases() {
        let first = check(&entries, &keys);
        if valid && !degenerate && first.counts()[0] == first.findings.len() {
            found += changed_everywhere(&name, &entries, &keys, 1);
        }
    }
    println!("{found} changes found");
    assert!(found > 3_000, "{found}");
}

#[test]
fn a_changed_byte_of_a_recorded_session_is_found_where_it_is() {
    let mut found = 0;
    for (name, entries) in sessions() {
        found += changed_everywhere(&name, &entries, &keys(), 1);
    }
    println!("{found} changes found");
    assert!(found > 800, "{found}");
}

/// Changes every `stride`-th covered byte of every exchange; how many there were.
fn changed_everywhere(name: &str, entries: &[Entry], keys: &TraceKeys, stride: usize) -> usize {
    let mut found = 0;
    for (at, original) in entries.iter().enumerate() {
        let What::Exchange(exchange) = &original.what else { continue };
        for side in [Side::Command, Side::Answer] {
            let (front, length) = match (side, &exchange.received) {
                (Side::Command, _) if exchange.sent.lc.is_some() => (5, exchange.sent.data.bytes().len()),
                (Side::Answer, Ok(answer)) => (0, answer.data.bytes().len()),
                _ => continue,
            };
            for offset in (0..length).filter(|offset| is_covered(entries, at, side, *offset)).step_by(stride) {
                let mask = 1 << (offset % 8);
                let mut changed = entries.to_vec();
                changed[at].what = What::Exchange(with_change(exchange, side, offset, mask));
                let place = Place { entry: at, side, offset: front + offset };
                assert_found(name, &changed, keys, place, mask);
                found += 1;
            }
        }
    }
    found
}

/// The first wrong finding names the byte, or an exchange at or in front of where it shows is said to contradict the others.
fn assert_found(name: &str, changed: &[Entry], keys: &TraceKeys, place: Place, mask: u8) {
    let report = check(changed, keys);
    let places: Vec<Place> = report
        .findings
        .iter()
        .filter_map(|finding| match &finding.verdict {
            Verdict::Wrong(wrong) => Some(wrong.at),
            _ => None,
        })
        .collect();
    let text = || format!("{name}: {place:?} ^ {mask:02X}: {report:?}");
    assert!(!report.is_sound(), "{}", text());
    let contradicts = report.contradictions.iter().any(|(at, _)| *at >= place.entry);
    // A chain begins with challenge XOR first block: the same bit of either is the same change.
    let mut twin = place;
    if place.side == Side::Command && place.offset < 8 && place.entry > 0 {
        twin = Place { entry: place.entry - 1, side: Side::Answer, ..place };
    }
    let exact = places.first().is_some_and(|first| *first == place || *first == twin);
    assert!(contradicts || exact, "{}", text());
}

fn with_change(exchange: &Exchange, side: Side, offset: usize, mask: u8) -> Exchange {
    let mut changed = exchange.clone();
    let payload = match (side, &mut changed.received) {
        (Side::Command, _) => &mut changed.sent.data,
        (Side::Answer, Ok(Answer { data, .. })) => data,
        (Side::Answer, Err(_)) => panic!("there is no answer"),
    };
    let Payload::Shown(bytes) = payload else { panic!("it is hidden") };
    bytes[offset] ^= mask;
    changed
}

/// Which bytes a MAC of this exchange, or of the one that it begins, covers by chapters 4, 6 and 7 of the specification.
fn is_covered(entries: &[Entry], at: usize, side: Side, offset: usize) -> bool {
    let What::Exchange(exchange) = &entries[at].what else { return false };
    let done = exchange.received.as_ref().is_ok_and(|answer| answer.status.is_some_and(|status| status.is_ok()));
    let Some(header @ [cla, ins, p1, _]) = exchange.sent.header.filter(|_| done) else { return false };
    let completed = completes(entries, at);
    match (ins, side) {
        // A load's INITIALIZE has MAC1; a purchase's is covered by what completes it.
        (ins::INITIALIZE, Side::Command) => offset > 0 && (completed || has_mac1(p1)),
        (ins::INITIALIZE, Side::Answer) => match p1 {
            ins::INITIALIZE_LOAD | ins::INITIALIZE_UNLOAD => !(6..8).contains(&offset),
            ins::INITIALIZE_UPDATE => !(9..11).contains(&offset),
            _ => completed && !(0..4).contains(&offset) && !(6..11).contains(&offset),
        },
        (ins::CREDIT_FOR_LOAD | ins::DEBIT | ins::UPDATE_OVERDRAW_LIMIT, _) => true,
        (ins::EXTERNAL_AUTHENTICATE | ins::INTERNAL_AUTHENTICATE, _) => true,
        (ins::GET_CHALLENGE, Side::Answer) => used(entries, at),
        (ins::INIT_SAM | ins::SAM_MARK, Side::Command) => covered_in_sam(header, exchange, offset),
        // A session key has the low half of the terminal sequence.
        (ins::INIT_SAM, Side::Answer) => p1 == ins::SAM_LOAD || offset >= 2,
        (ins::SAM_MARK, Side::Answer) => true,
        (ins::CREDIT_SAM, Side::Command) if p1 == ins::SAM_PAST_PURCHASE => {
            // The high half of the terminal sequence, the type, the moment and the key's names are not in MAC2.
            let last = exchange.sent.data.bytes().len();
            (2..14).contains(&offset) || (24..last).contains(&offset)
        }
        (ins::CREDIT_SAM, Side::Command) => true,
        _ => matches!(cla, 0x04 | 0x84) && exchange.sent.data.bytes().len() >= 4,
    }
}

/// All but the names of the key.
fn covered_in_sam([_, ins, ..]: [u8; 4], exchange: &Exchange, offset: usize) -> bool {
    ins == ins::SAM_MARK || !(18..20).contains(&offset) && offset < exchange.sent.data.bytes().len()
}

const fn has_mac1(p1: u8) -> bool {
    matches!(p1, ins::INITIALIZE_LOAD | ins::INITIALIZE_UNLOAD | ins::INITIALIZE_UPDATE)
}

/// Whether the card's next command but those of a compound purchase completes the transaction.
fn completes(entries: &[Entry], at: usize) -> bool {
    let mut next = entries[at + 1..].iter().filter(|entry| entry.with == Peer::Card).filter_map(header);
    next.find(|[_, ins, ..]| *ins != ins::UPDATE_CAPP_DATA_CACHE)
        .is_some_and(|[_, ins, ..]| matches!(ins, ins::CREDIT_FOR_LOAD | ins::DEBIT | ins::UPDATE_OVERDRAW_LIMIT))
}

/// Whether the card's next command uses the challenge.
fn used(entries: &[Entry], at: usize) -> bool {
    let mut next = entries[at + 1..].iter().filter(|entry| entry.with == Peer::Card).filter_map(header);
    next.next().is_some_and(|[cla, ins, ..]| matches!(cla, 0x04 | 0x84) || ins == ins::EXTERNAL_AUTHENTICATE)
}

fn header(entry: &Entry) -> Option<[u8; 4]> {
    match &entry.what {
        What::Exchange(exchange) => exchange.sent.header,
        _ => None,
    }
}

#[test]
fn exchanges_that_are_missing_or_moved_are_noticed() {
    for (name, entries) in sessions() {
        let second = entries.iter().position(super::recorded::is_second);
        let Some(second) = second else { continue };
        let initialize =
            entries.iter().position(|entry| header(entry).is_some_and(|[_, ins, ..]| ins == ins::INITIALIZE));
        let mut without = entries.clone();
        without.remove(initialize.unwrap());
        let lost = !matches!(&entries[second].what, What::Exchange(Exchange { received: Ok(_), .. }));
        let report = check(&without, &keys());
        let noticed = report.contradictions.iter().any(|(_, against)| *against == Contradiction::NotBegun);
        assert!(noticed || lost, "{name}: {report:?}");
        assert!(report.counts()[2] > 0, "{name}: {report:?}");
    }
}
