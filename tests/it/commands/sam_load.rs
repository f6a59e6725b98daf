//! The SAM's load (specification 7.7): charged before MAC2 leaves, once for one load, and only for a genuine card.

use onecard_host::{
    crypto::{Key, SessionKey, TransactionTerms},
    keys::diversify,
};
use onecard_wire::{amount::Amount, date::Moment, number::TerminalNumber, wallet::TransactionType};

use crate::{
    purse::{MOMENT, TERMINAL},
    sam_probe::SamProbe,
};

const KEY: [u8; 16] = hex_literal::hex!("5F5DDEFF3164F2A90A54B0530659A0CB");
const RANDOM: [u8; 4] = [1, 2, 3, 4];
const OLD_BALANCE: u32 = 500;

#[derive(Clone, Copy)]
struct Load {
    serial: &'static str,
    sequence: u16,
    amount: u32,
    transaction_type: u8,
}

const LOAD: Load = Load { serial: "3201234567890120", sequence: 7, amount: 300, transaction_type: 0x02 };

fn terms(load: Load) -> TransactionTerms {
    TransactionTerms {
        amount: Amount::from_fen(load.amount),
        transaction_type: TransactionType(load.transaction_type),
        terminal: TerminalNumber(TERMINAL),
        moment: Moment::from_bytes(MOMENT).unwrap(),
    }
}

fn session(load: Load) -> SessionKey {
    let serial: [u8; 8] = hex::decode(load.serial).unwrap().try_into().unwrap();
    SessionKey::of_load(&diversify(&Key::from_bytes(KEY), serial), RANDOM, load.sequence)
}

fn command(load: Load, mac1: [u8; 4]) -> String {
    let Load { serial, sequence, amount, transaction_type } = load;
    format!(
        "8070020024{}{sequence:04X}{amount:08X}{transaction_type:02X}{}0100{serial}{OLD_BALANCE:08X}{}04",
        hex::encode(RANDOM),
        hex::encode(MOMENT),
        hex::encode(mac1)
    )
}

fn genuine(load: Load) -> String {
    command(load, session(load).load_mac1(Amount::from_fen(OLD_BALANCE), &terms(load)))
}

fn sam(limit: u32) -> SamProbe {
    let mut sam = SamProbe::new();
    sam.write_key(0x29, 0x01, &KEY);
    sam.set_limit(limit);
    sam
}

#[test]
fn a_load_is_charged_once_and_no_other_rides_on_it() {
    let mut sam = sam(1_000);
    assert_eq!(sam.probe.done(&genuine(LOAD)), session(LOAD).load_mac2(&terms(LOAD)));
    assert_eq!(sam.limit(), 700);
    sam.probe.done(&genuine(LOAD));
    assert_eq!(sam.limit(), 700, "the same load, asked again");
    let other_purse = Load { transaction_type: 0x01, ..LOAD };
    let others = [(other_purse, 400), (LOAD, 100)];
    for (load, left) in others {
        sam.probe.done(&genuine(load));
        assert_eq!(sam.limit(), left, "another load between makes it a new one");
    }
    sam.probe.refused(0x9401, &genuine(Load { sequence: 8, ..LOAD }));
    sam.probe.refused(0x9401, &genuine(Load { amount: 301, ..LOAD }));
    sam.probe.refused(0x9401, &genuine(Load { serial: "3201234567890138", ..LOAD }));
    sam.probe.done(&genuine(LOAD));
    assert_eq!(sam.limit(), 100, "the last one still costs nothing more");
    sam.probe.done(&genuine(Load { sequence: 8, amount: 100, ..LOAD }));
    assert_eq!(sam.limit(), 0);
}

#[test]
fn a_fake_card_drains_no_limit() {
    let mut sam = sam(1_000);
    let right = session(LOAD).load_mac1(Amount::from_fen(OLD_BALANCE), &terms(LOAD));
    for at in 0..4 {
        let mut wrong = right;
        wrong[at] ^= 0x80;
        sam.probe.refused(0x9302, &command(LOAD, wrong));
    }
    let other = Load { amount: 900, ..LOAD };
    sam.probe.refused(0x9302, &command(other, right));
    assert_eq!(sam.limit(), 1_000);
}

#[test]
fn a_purchase_is_no_load_and_a_till_has_no_limit() {
    let mut sam = sam(1_000);
    sam.probe.refused(0x6A80, &genuine(Load { transaction_type: 0x06, ..LOAD }));
    sam.probe.refused(0x6C04, &(genuine(LOAD)[..82].to_owned() + "08"));
    sam.probe.refused(0x6700, &genuine(LOAD).replacen("8070020024", "8070020025", 1));
    let mut till = SamProbe::new();
    till.set_limit(1_000);
    till.probe.refused(0x9403, &genuine(LOAD));
}

/// Asking a card where it stands costs nothing (own, `80 72 02`).
#[test]
fn a_check_of_mac1_charges_nothing() {
    let mut sam = sam(100);
    // A number that INITIALIZE said in the place of the SAM's own.
    let asked_by = TerminalNumber([1, 2, 3, 4, 0, 0]);
    let check_by = |TerminalNumber(terminal), load: Load, mac1: [u8; 4]| {
        let command = command(load, mac1).replacen("8070020024", "807202002A", 1);
        format!("{}{}", &command[..command.len() - 2], hex::encode(terminal))
    };
    let check = |load, mac1| check_by(asked_by, load, mac1);
    let right = |load: Load| {
        session(load).load_mac1(Amount::from_fen(OLD_BALANCE), &TransactionTerms { terminal: asked_by, ..terms(load) })
    };
    let beyond_the_limit = Load { amount: 0x3FFF_FFFF, ..LOAD };
    assert_eq!(sam.probe.done(&check(beyond_the_limit, right(beyond_the_limit))), [0; 0]);
    sam.probe.refused(0x9302, &check(beyond_the_limit, right(LOAD)));
    sam.probe.refused(0x9302, &check_by(TerminalNumber(TERMINAL), LOAD, right(LOAD)));
    sam.probe.refused(0x6A80, &check(Load { transaction_type: 0x06, ..LOAD }, [0; 4]));
    sam.probe.refused(0x6700, &check(LOAD, right(LOAD)).replacen("807202002A", "8072020029", 1));
    assert_eq!(sam.limit(), 100);
}
