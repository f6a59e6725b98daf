//! The SAM's vectors, by the software SAM and by a SAM in a slot that is a script.

use onecard_host::{
    blacklist::ListVersion,
    crypto::{Key, SessionKey},
    keys::{EnterpriseKeys, KeySet, Purpose, diversify_levels},
    sam::{CardFactors, Levels, LineKeyUse, PsamCard, Sam, SamError, SamOrder, SoftwareSam, SoftwareSamState},
};
use onecard_vectors::{
    access_right::AccessRight,
    block_cipher::BlockCipher,
    sam::{SamLoad, SamPurchase},
    sam_crypt::{DesCrypt, SamMark},
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
use crate::coverage_of_vectors::whole_key;

/// A purchase, or an undo of the purchase made before it.
pub(super) fn purchase(vector: &Vector<SamPurchase>) {
    let trace = &vector.body;
    assert!(vector.is_valid());
    let order = order_of(trace);
    let terminal_sequence = u32::from_be_bytes(trace.terminal_sequence);
    let answer = InitSamAnswer { terminal_sequence, mac1: trace.mac1 };
    let is_undo = order.init.transaction_type == TransactionType::UNDO;
    let key = whole_key(trace.block_cipher(), &trace.key);
    let version = order.init.key_version;
    let mut sam = if is_undo {
        let mut sam = software(&key, &trace.factors, Purpose::Cancel, version, trace.terminal, terminal_sequence - 1);
        assert_eq!(sam.initialize_undo(&order), Err(SamError::NotLastPurchase));
        paid_before(&mut sam, &diversify_levels(&key, &trace.factors), &order);
        sam
    } else {
        software(&key, &trace.factors, Purpose::Purchase, version, trace.terminal, terminal_sequence)
    };
    // An undo begun again has another number.
    for wrong_mac2 in [true, false].into_iter().skip(usize::from(is_undo)) {
        assert_eq!(begin(&mut sam, &order), Ok(answer), "a wrong MAC2 spends no sequence");
        let credit: fn(&mut _, _) -> _ = if is_undo { Sam::credit_undo } else { Sam::credit_purchase };
        let (mac2, expected) = match wrong_mac2 {
            true => (wrong(trace.mac2), Err(SamError::WrongMac)),
            false => (trace.mac2, Ok(())),
        };
        assert_eq!(credit(&mut sam, mac2), expected);
    }
    assert_eq!(sam.state().next_sequence, terminal_sequence + 1);
    assert_eq!(sam.check_past_purchase(&order, terminal_sequence, trace.mac2), Ok(()));
    assert_eq!(sam.check_past_purchase(&order, terminal_sequence, wrong(trace.mac2)), Err(SamError::WrongMac));
    if is_undo {
        assert_eq!(sam.initialize_undo(&order), Err(SamError::NotLastPurchase), "once");
    }

    let mut slot = psam(
        trace.terminal,
        &trace.factors,
        [exchange(&trace.initialize, &[&answer.emit()]), exchange(&trace.credit, &[]), exchange(&trace.past, &[])],
    );
    assert_eq!(begin(&mut slot, &order), Ok(answer));
    assert_eq!(if is_undo { slot.credit_undo(trace.mac2) } else { slot.credit_purchase(trace.mac2) }, Ok(()));
    assert_eq!(slot.check_past_purchase(&order, terminal_sequence, trace.mac2), Ok(()));
    slot.into_transport().finish();
}

fn begin(sam: &mut impl Sam, order: &SamOrder) -> Result<InitSamAnswer, SamError> {
    match order.init.transaction_type {
        TransactionType::UNDO => sam.initialize_undo(order),
        _ => sam.initialize_purchase(order),
    }
}

fn order_of(trace: &SamPurchase) -> SamOrder {
    SamOrder {
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
    }
}

/// The purchase that `undo` takes back. Purchase and cancel key of this SAM are the same, which no SAM of an enterprise has.
fn paid_before(sam: &mut SoftwareSam, card_key: &Key, undo: &SamOrder) {
    let mut order = *undo;
    order.init.transaction_type = TransactionType::PURCHASE_EP;
    order.init.card_sequence -= 1;
    let begun = sam.initialize_purchase(&order).unwrap();
    let session =
        SessionKey::of_purchase(card_key, order.init.random, order.init.card_sequence, begun.terminal_sequence);
    sam.credit_purchase(session.purchase_mac2(order.init.amount)).unwrap();
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
    let mut sam = software(
        &whole_key(trace.block_cipher(), &trace.key),
        &trace.factors,
        Purpose::Load,
        order.init.key_version,
        trace.terminal,
        0,
    );
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

/// The MAC that marks a listed card.
pub(super) fn mark(vector: &Vector<SamMark>) {
    let trace = &vector.body;
    assert!(vector.is_valid());
    let (card, list_version) = (factors(&trace.factors), ListVersion(trace.list_version));
    let key = whole_key(trace.block_cipher, &trace.key);
    let mut sam = software(&key, &trace.factors, Purpose::Maintenance, KeyVersion(1), [0; 6], 0);
    assert_eq!(sam.mark(card, KeyVersion(1), trace.challenge, list_version), Ok(trace.mac));
    let mut slot = psam([0; 6], &trace.factors, [exchange(&trace.mark, &[&trace.mac])]);
    assert_eq!(slot.mark(card, KeyVersion(trace.mark[3]), trace.challenge, list_version), Ok(trace.mac));
    slot.into_transport().finish();
}

/// The static MAC of an access right, as a door checks it.
pub(super) fn access_right(vector: &Vector<AccessRight>) {
    let trace = &vector.body;
    assert!(vector.is_valid());
    let card = factors(&trace.factors);
    let right = onecard_wire::record::AccessRight::parse(&trace.entry).unwrap();
    assert_eq!((right.emit(), right.mac), (trace.entry, trace.mac));
    let key = whole_key(trace.block_cipher, &trace.key);
    let mut sam = software(&key, &trace.factors, Purpose::Rights, KeyVersion(1), [0; 6], 0);
    let message = right.mac_input(card.serial);
    assert_eq!(sam.line_mac(card, LineKeyUse::Rights, KeyVersion(1), [0; 8], &message), Ok(trace.mac));
}

/// What a terminal with the keys in hand computes in place of DES CRYPT.
pub(super) fn des_crypt(vector: &Vector<DesCrypt>) {
    let trace = &vector.body;
    assert!(vector.is_valid());
    let key = diversify_levels(&whole_key(trace.block_cipher, &trace.key), &trace.factors);
    let answer = match (trace.p1, trace.usage & 0x1F) {
        (0x00, _) => key.encipher(&trace.data),
        (0x80, _) => key.decipher(&trace.data).unwrap().to_vec(),
        // CMAC has no IV: without a block in front it is the transaction MAC, whatever the kind.
        (0x01, kind) if kind == 0x04 || trace.block_cipher == BlockCipher::Aes => {
            key.folded_mac(message(trace.block_cipher, &trace.data)).to_vec()
        }
        (0x01, _) => key.line_mac([0; 8], message(trace.block_cipher, &trace.data)).to_vec(),
        _ => {
            let (initial, data) = trace.data.split_at(trace.block_cipher.block_len());
            let (challenge, zeros) = initial.split_first_chunk().unwrap();
            assert!(zeros.iter().all(|byte| *byte == 0));
            key.line_mac(*challenge, message(trace.block_cipher, data)).to_vec()
        }
    };
    assert_eq!(answer, trace.answer);
}

/// The terminal of these vectors pads by 80 00… but for AES; the library's MACs do it themselves.
fn message(cipher: BlockCipher, data: &[u8]) -> &[u8] {
    if cipher == BlockCipher::Aes {
        return data;
    }
    let end = data.iter().rposition(|byte| *byte != 0).unwrap();
    assert_eq!(data[end], 0x80);
    &data[..end]
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
fn software(
    key: &Key,
    levels: &[[u8; 8]],
    purpose: Purpose,
    version: KeyVersion,
    terminal: [u8; 6],
    next_sequence: u32,
) -> SoftwareSam {
    let above = levels.split_last().unwrap().1;
    let key = diversify_levels(key, above);
    let mut keys = KeySet::default().with(purpose, version, key.clone());
    if purpose == Purpose::Cancel {
        keys = keys.with(Purpose::Purchase, version, key);
    }
    let keys = EnterpriseKeys::new(factors(levels).enterprise, keys);
    let state = SoftwareSamState {
        terminal: TerminalNumber(terminal),
        next_sequence,
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
