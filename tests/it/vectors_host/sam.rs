//! The SAM's vectors, by the software SAM and by a SAM in a slot that is a script.

use onecard_host::{
    crypto::Key,
    keys::{EnterpriseKeys, KeySet, Purpose, diversify_levels},
    sam::{CardFactors, Levels, PsamCard, Sam, SamError, SamOrder, SoftwareSam, SoftwareSamState},
};
use onecard_vectors::{
    sam::{SamLoad, SamPurchase},
    sam_crypt::DesCrypt,
    vector::Vector,
};
use onecard_wire::{
    amount::Amount,
    date::Moment,
    key::{AlgorithmId, KeyVersion},
    number::{ApplicationSerial, EnterpriseId, TerminalNumber},
    sam::{InitSam, InitSamAnswer},
    wallet::TransactionType,
};

use super::terminal::{Script, exchange};

pub(super) fn purchase(vector: &Vector<SamPurchase>) {
    let trace = &vector.body;
    assert!(vector.is_valid());
    let order = SamOrder {
        card: factors(&trace.factors),
        init: InitSam {
            random: trace.random,
            card_sequence: u16::from_be_bytes(trace.offline_sequence),
            amount: Amount::from_bytes(trace.amount),
            transaction_type: TransactionType(trace.transaction_type),
            moment: Moment::from_bytes(trace.moment).unwrap(),
            key_version: KeyVersion(trace.key_version),
            algorithm: AlgorithmId(trace.algorithm),
        },
    };
    let terminal_sequence = u32::from_be_bytes(trace.terminal_sequence);
    let answer = InitSamAnswer { terminal_sequence, mac1: trace.mac1 };
    let mut sam = software(&trace.key, &trace.factors, Purpose::Purchase, order.init.key_version, trace.terminal);
    assert_eq!(sam.initialize_purchase(&order), Ok(answer));
    assert_eq!(sam.credit_purchase(wrong(trace.mac2)), Err(SamError::WrongMac));
    assert_eq!(sam.initialize_purchase(&order), Ok(answer), "a wrong MAC2 spends no sequence");
    assert_eq!(sam.credit_purchase(trace.mac2), Ok(()));
    assert_eq!(sam.state().next_sequence, terminal_sequence + 1);
    assert_eq!(sam.check_past_purchase(&order, terminal_sequence, trace.mac2), Ok(()));
    assert_eq!(sam.check_past_purchase(&order, terminal_sequence, wrong(trace.mac2)), Err(SamError::WrongMac));

    let mut slot = psam(
        trace.terminal,
        &trace.factors,
        [exchange(&trace.initialize, &[&answer.emit()]), exchange(&trace.credit, &[]), exchange(&trace.past, &[])],
    );
    assert_eq!(slot.initialize_purchase(&order), Ok(answer));
    assert_eq!(slot.credit_purchase(trace.mac2), Ok(()));
    assert_eq!(slot.check_past_purchase(&order, terminal_sequence, trace.mac2), Ok(()));
    slot.into_transport().finish();
}

pub(super) fn load(vector: &Vector<SamLoad>) {
    let trace = &vector.body;
    assert!(vector.is_valid());
    let order = SamOrder {
        card: factors(&trace.factors),
        init: InitSam {
            random: trace.random,
            card_sequence: u16::from_be_bytes(trace.online_sequence),
            amount: Amount::from_bytes(trace.amount),
            transaction_type: TransactionType(trace.transaction_type),
            moment: Moment::from_bytes(trace.moment).unwrap(),
            key_version: KeyVersion(trace.key_version),
            algorithm: AlgorithmId(trace.algorithm),
        },
    };
    let old_balance = Amount::from_bytes(trace.old_balance);
    let mut sam = software(&trace.key, &trace.factors, Purpose::Load, order.init.key_version, trace.terminal);
    assert_eq!(sam.load(&order, old_balance, wrong(trace.mac1)), Err(SamError::WrongMac));
    let limit = sam.state().load_limit_fen;
    for _ in 0..2 {
        assert_eq!(sam.load(&order, old_balance, trace.mac1), Ok(trace.mac2));
        assert_eq!(sam.state().load_limit_fen, limit - order.init.amount.fen());
    }
    let mut slot = psam(trace.terminal, &trace.factors, [exchange(&trace.initialize, &[&trace.mac2])]);
    assert_eq!(slot.load(&order, old_balance, trace.mac1), Ok(trace.mac2));
    slot.into_transport().finish();
}

/// What a terminal with the keys in hand computes in place of DES CRYPT.
pub(super) fn des_crypt(vector: &Vector<DesCrypt>) {
    let trace = &vector.body;
    assert!(vector.is_valid());
    let key = diversify_levels(&Key::from_bytes(trace.key.as_slice().try_into().unwrap()), &trace.factors);
    let (blocks, _) = trace.data.as_chunks::<8>();
    let answer = match (trace.p1, trace.usage & 0x1F) {
        (0x00, _) => key.encipher(&trace.data),
        (0x80, _) => key.decipher(&trace.data).unwrap().to_vec(),
        (0x01, 0x04) => key.folded_mac(unpadded(blocks)).to_vec(),
        (0x01, _) => key.line_mac([0; 8], unpadded(blocks)).to_vec(),
        _ => key.line_mac(blocks[0], unpadded(&blocks[1..])).to_vec(),
    };
    assert_eq!(answer, trace.answer);
}

/// The terminal of these vectors pads by 80 00…; the library's MACs do it themselves.
fn unpadded(blocks: &[[u8; 8]]) -> &[u8] {
    let message = blocks.as_flattened();
    let end = message.iter().rposition(|byte| *byte != 0).unwrap();
    assert_eq!(message[end], 0x80);
    &message[..end]
}

fn wrong(mac: [u8; 4]) -> [u8; 4] {
    let [a, b, c, d] = mac;
    [a, b, c, d ^ 0x01]
}

/// Serial is the last factor; the enterprise is the one before, or any.
fn factors(factors: &[[u8; 8]]) -> CardFactors {
    let (serial, above) = factors.split_last().unwrap();
    let enterprise = above.last().copied().unwrap_or([0x11; 8]);
    CardFactors {
        enterprise: EnterpriseId::from_bytes(enterprise).unwrap(),
        serial: ApplicationSerial::from_bytes(*serial).unwrap(),
    }
}

/// A software SAM holds enterprise keys: the levels above the serial are worked off beforehand.
fn software(key: &[u8], levels: &[[u8; 8]], purpose: Purpose, version: KeyVersion, terminal: [u8; 6]) -> SoftwareSam {
    let above = levels.split_last().unwrap().1;
    let key = diversify_levels(&Key::from_bytes(key.try_into().unwrap()), above);
    let keys = EnterpriseKeys::new(factors(levels).enterprise, KeySet::default().with(purpose, version, key));
    let state = SoftwareSamState {
        terminal: TerminalNumber(terminal),
        next_sequence: 0x0102_F3E4,
        load_limit_fen: 1_000_000,
        last_load: None,
        last_purchase: None,
        randoms_made: 0,
    };
    SoftwareSam::new(keys, version, state)
}

fn psam<const N: usize>(terminal: [u8; 6], levels: &[[u8; 8]], exchanges: [(Vec<u8>, Vec<u8>); N]) -> PsamCard<Script> {
    let enterprise = factors(levels).enterprise;
    let name = onecard_wire::aid::sam_application(enterprise);
    let opening = [
        (hex_literal::hex!("00A40000023F0000").to_vec(), vec![0x90, 0x00]),
        exchange(&hex_literal::hex!("00B0960006"), &[&terminal]),
        exchange(&[&hex_literal::hex!("00A404000E")[..], &name, &[0x00]].concat(), &[]),
    ];
    let script = Script::new(opening.into_iter().chain(exchanges));
    let levels = match levels {
        [region, _, _] => Levels::RegionEnterpriseAndSerial(*region),
        [_, _] => Levels::EnterpriseAndSerial,
        _ => Levels::Serial,
    };
    PsamCard::open(script, enterprise, levels, KeyVersion(1)).unwrap()
}
