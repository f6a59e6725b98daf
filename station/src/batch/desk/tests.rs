//! Numbers between readers, and failures in a row.
#![allow(clippy::unwrap_used)]

use std::{path::Path, sync::atomic::AtomicBool};

use onecard_simulator::fragile_disk::FragileDisk;

use super::*;
use crate::{batch::open_journal, numbers::Serials};

const ROWS: [u64; 2] = [2, 3];

/// What `judge` says of the desk of a new batch of two rows.
fn at_a_desk(judge: impl FnOnce(&mut Desk<'_, FragileDisk>)) {
    let disk = FragileDisk::default();
    let series = Series { serials: Serials::Sam { prefix: "0".repeat(10) }, first: 5, last: 99 };
    let order = Order {
        enterprise: "1000000000000001".parse().unwrap(),
        profile: String::new(),
        list: String::new(),
        rows: &ROWS,
        series: &series,
        ledger: Path::new("numbers"),
        new_ledger: true,
        list_again: false,
        failures_max: 3,
        give_up: &[],
    };
    let stop = AtomicBool::new(false);
    let around = Surroundings { disk: &disk, clock: &String::new, tell: &|_| (), stop: &stop };
    let journal = open_journal(&disk, Path::new("journal"), &order, "batch", String::new()).unwrap();
    judge(&mut Desk::open(&order, journal, &around).unwrap());
}

#[test]
fn a_number_is_in_one_reader_at_a_time() {
    at_a_desk(|desk| {
        let job = desk.assign().unwrap().unwrap();
        assert_eq!((desk.unfinished(None).all(), desk.take_begun(job.number, None)), (&[][..], None));
        // The reader that has it may look for it again, and go on with it.
        assert_eq!(desk.unfinished(Some(&job)).begun(), [job.number]);
        assert_eq!(desk.take_begun(job.number, Some(&job)), Some(job));
        desk.let_go(&job);
        assert_eq!(desk.unfinished(None).all(), [job.number]);
        assert_eq!(desk.take_begun(job.number, None), Some(job));
        assert_eq!(desk.take_begun(job.number, None), None);
    });
}

#[test]
fn a_number_in_a_reader_is_not_given_up() {
    at_a_desk(|desk| {
        let [first, second] = [desk.assign().unwrap().unwrap(), desk.assign().unwrap().unwrap()];
        assert_eq!((first.row, second.row, desk.assign().unwrap()), (2, 3, None));
        desk.let_go(&second);
        let third = desk.assign().unwrap().unwrap();
        assert_eq!((third.row, desk.books().number(second.number).unwrap().fate), (3, Fate::GivenUp));
        assert_eq!(desk.books().number(first.number).unwrap().fate, Fate::Begun);
        // Its card came back, and no row needs one.
        assert_eq!(desk.void(second.number, "came back").unwrap(), Some(3));
        let stock = desk.books().stock();
        assert_eq!((stock.bad, stock.given_up, desk.books().row(3)), (1, 0, Some(third.number)));
    });
}

#[test]
fn the_row_of_a_spoilt_card_is_served_again_though_later_rows_have_theirs() {
    at_a_desk(|desk| {
        let [first, second] = [desk.assign().unwrap().unwrap(), desk.assign().unwrap().unwrap()];
        desk.good(&second).unwrap();
        // All rows have been gone through: nothing is waited for but what is begun and in hand.
        assert_eq!(desk.call(), None);
        desk.bad("1", Some(&first), "spoilt").unwrap();
        assert_eq!(desk.call(), Some(Call::Blank { row: first.row }));
        let again = desk.assign().unwrap().unwrap();
        assert!(again.row == first.row && again.number != first.number, "{again:?}");
        desk.good(&again).unwrap();
        assert_eq!((desk.missing_rows(), desk.call()), (0, None));
    });
}

#[test]
fn failures_in_a_row_stop_a_batch_and_a_good_card_ends_the_row() {
    at_a_desk(|desk| {
        assert!(!desk.failed(3) && !desk.failed(3));
        let job = desk.assign().unwrap().unwrap();
        desk.good(&job).unwrap();
        assert!(!desk.failed(3) && !desk.failed(3) && !desk.stopped());
        assert!(desk.failed(3) && desk.stopped());
        assert_eq!(desk.call(), None);
    });
}
