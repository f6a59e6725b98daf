//! Published transactions of real cards, produced by the terminals byte for byte. Where the publisher left Le out, it is
//! put back; SELECT and a look for EF 0017 are put in front.

use super::*;
use crate::{keys::CardKeys, transport::Scripted};
use hex_literal::hex;

const SELECT: [u8; 20] = hex!("00A404000E F04F4E4543 01 1000000000000001 00");

/// READ BINARY of EF 0017, which the published cards have not.
const NO_PARAMETERS: [u8; 5] = hex!("00B0970024");

/// The traces tell nothing of EF 0015: a plain FMCOS wallet of serial 3100100000000423.
fn fci() -> Vec<u8> {
    let fci = hex!(
        "6F33 840E F04F4E4543 01 1000000000000001 A521 9F0C1E 1000000000000001 02 01 0000 3100100000000423 20160101
         20301231 0000 9000"
    );
    fci.to_vec()
}

fn trace_sam(purpose: Purpose, key: [u8; 16], terminal: [u8; 6]) -> SoftwareSam {
    let version = KeyVersion(0);
    let set = KeySet::default().with(purpose, version, Key::from_bytes(key));
    let keys = CardKeys::new(ApplicationSerial::from_bytes(hex!("3100100000000423")).unwrap(), set);
    let terminal = TerminalNumber(terminal);
    let state = SoftwareSamState {
        terminal,
        next_sequence: 0,
        load_limit_fen: 10_000,
        last_load: None,
        last_purchase: None,
        randoms_made: 0,
    };
    SoftwareSam::for_one_card(keys, version, state)
}

#[test]
fn purchase_by_deng214() {
    let mut card = Scripted::new(&[
        (&SELECT, &fci()),
        (&NO_PARAMETERS, &hex!("6A82")),
        (&hex!("805001020B 00 00000001 001122334455 0F"), &hex!("00002000 0000 000000 00 00 584633C9 9000")),
        (&hex!("805401000F 00000000 20161216134600 D45737C5 08"), &hex!("8AF270DC 66B54A6B 9000")),
    ]);
    let mut sam = trace_sam(Purpose::Purchase, hex!("00112233445566778899AABBCCDDEEFF"), hex!("001122334455"));
    let mut store = InMemoryStore::new();
    let order = PurchaseOrder {
        key_id: 0,
        amount: Amount::from_fen(1),
        moment: Moment::from_bytes(hex!("20161216134600")).unwrap(),
        ..sale(1, "0.01")
    };
    let receipt = committed(&purchase(&mut card, &mut sam, &mut store, &order).unwrap().outcome);
    card.finish();
    assert_eq!(receipt.settlement.tac, Some(hex!("8AF270DC")));
    assert_eq!(receipt.settlement.transaction.new_balance, Amount::from_fen(0x1FFF));
    assert_eq!(sam.state().next_sequence, 1);
    assert_eq!(store.pending().unwrap(), []);
    assert_eq!(store.committed(order.number).unwrap(), Some(receipt.settlement));
}

#[test]
fn load_by_robur() {
    let mut card = Scripted::new(&[
        (&SELECT, &fci()),
        (&NO_PARAMETERS, &hex!("6A82")),
        (&hex!("805000020B 00 00000010 666666666666 10"), &hex!("00000000 0000 00 01 4E066548 0D39ADBB 9000")),
        (&hex!("805200000B 20240411212121 097E98FE 04"), &hex!("A802863E 9000")),
    ]);
    let mut sam = trace_sam(Purpose::Load, hex!("3F3F3F3F3F3F3F3F1122334455667788"), [0x66; 6]);
    let mut store = InMemoryStore::new();
    let order = RechargeOrder {
        key_id: 0,
        amount: Amount::from_fen(0x10),
        moment: Moment::from_bytes(hex!("20240411212121")).unwrap(),
        pin: None,
        ..top_up(1, "0.16")
    };
    let receipt = committed(&recharge(&mut card, &mut sam, &mut store, &order).unwrap().outcome);
    card.finish();
    assert_eq!(receipt.settlement.tac, Some(hex!("A802863E")));
    assert_eq!(sam.state().load_limit_fen, 10_000 - 0x10);
}

#[test]
fn load_by_deng214() {
    let mut card = Scripted::new(&[
        (&SELECT, &fci()),
        (&NO_PARAMETERS, &hex!("6A82")),
        (&hex!("805000020B 01 00002000 001122334455 10"), &hex!("00000000 0000 01 00 C903814D 03976C22 9000")),
        (&hex!("805200000B 20161216105800 8AFA5718 04"), &hex!("FA00066D 9000")),
    ]);
    let key = hex!("00112233445566778899AABBCCDDEEFF");
    let set = KeySet::default().with(Purpose::Load, KeyVersion(1), Key::from_bytes(key));
    let keys = CardKeys::new(ApplicationSerial::from_bytes(hex!("3100100000000423")).unwrap(), set);
    let terminal = TerminalNumber(hex!("001122334455"));
    let state = SoftwareSamState {
        terminal,
        next_sequence: 0,
        load_limit_fen: 0x2000,
        last_load: None,
        last_purchase: None,
        randoms_made: 0,
    };
    let mut sam = SoftwareSam::for_one_card(keys, KeyVersion(1), state);
    let order = RechargeOrder {
        amount: Amount::from_fen(0x2000),
        moment: Moment::from_bytes(hex!("20161216105800")).unwrap(),
        pin: None,
        ..top_up(1, "81.92")
    };
    let receipt = committed(&recharge(&mut card, &mut sam, &mut InMemoryStore::new(), &order).unwrap().outcome);
    card.finish();
    assert_eq!(receipt.settlement.tac, Some(hex!("FA00066D")));
    assert_eq!(receipt.settlement.transaction.card_sequence, 0);
}
