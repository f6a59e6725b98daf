//! Loads and purchases by the terminals, against a card that is a script of what was published.

use std::collections::VecDeque;

use onecard_host::{
    card::Pin,
    crypto::{Key, SessionKey, TransactionTerms, load_tac, purchase_tac},
    keys::{CardKeys, KeySet, Purpose},
    sam::{SoftwareSam, SoftwareSamState},
    terminal::{
        CappOrder, CappUpdate, CashOrder, InMemoryStore, OrderNumber, Outcome, PurchaseOrder, Receipt, RechargeOrder,
        StoreError, Tap, TokenStore, UndoOrder, capp_purchase, cash_withdraw, purchase as buy, recharge, undo,
    },
    transport::{Transport, TransportError},
};
use onecard_vectors::{block_cipher::BlockCipher, load::Load, purchase::Purchase, vector::Vector};
use onecard_wire::{
    amount::Amount,
    date::Moment,
    key::{AlgorithmId, KeyVersion},
    number::{ApplicationSerial, EnterpriseId, TerminalNumber},
    wallet::{DebitForPurchase, Initialize, OverdraftLimit, PurchaseInitialized, Purse, TransactionType},
};

use crate::coverage_of_vectors::whole_key;

/// A card, or SAM, that knows its part by heart.
pub(super) struct Script(VecDeque<(Vec<u8>, Vec<u8>)>);

impl Script {
    pub(super) fn new(exchanges: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Self {
        Self(exchanges.into_iter().collect())
    }

    pub(super) fn finish(self) {
        assert_eq!(self.0.len(), 0, "commands that were not sent");
    }
}

impl Transport for Script {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let (expected, answer) = self.0.pop_front().expect("nothing more was published");
        assert_eq!(hex::encode(command), hex::encode(expected));
        Ok(answer)
    }
}

/// A command and its answer, which ends by 9000.
pub(super) fn exchange(command: &[u8], answer: &[&[u8]]) -> (Vec<u8>, Vec<u8>) {
    (command.to_vec(), [&answer.concat()[..], &[0x90, 0x00]].concat())
}

pub(super) fn load(vector: &Vector<Load>) {
    let trace = &vector.body;
    let credit = trace.credit.as_ref();
    let moment = credit.map_or(hex_literal::hex!("20161216105800"), |credit| credit.moment);
    let (terminal, amount) = (TerminalNumber(trace.terminal), Amount::from_bytes(trace.amount));
    let terms = TransactionTerms {
        amount,
        transaction_type: TransactionType(trace.transaction_type),
        terminal,
        moment: Moment::from_bytes(moment).unwrap(),
    };
    let old_balance = Amount::from_bytes(trace.old_balance);
    let sequence = u16::from_be_bytes(trace.online_sequence);
    let session = SessionKey::of_load(&whole_key(trace.block_cipher(), &trace.load_key), trace.random, sequence);
    assert_eq!(session.load_mac1(old_balance, &terms) == trace.mac1, vector.is_valid());
    if let Some((tac_key, tac)) = trace.tac_key.as_deref().zip(credit.and_then(|credit| credit.tac)) {
        let new_balance = old_balance.plus(amount).unwrap();
        assert_eq!(load_tac(&tac_key_of(trace.tac_algorithm, tac_key), new_balance, sequence, &terms), tac);
    }

    let mut script =
        vec![selected(), no_parameters(), exchange(&with_le(&trace.initialize, 16), &[&trace.initialize_answer])];
    if let Some(credit) = credit {
        script.push(exchange(&with_le(&credit.apdu, 4), &[&credit.tac.unwrap_or([0x55; 4])]));
        assert_eq!(session.load_mac2(&terms), credit.mac2);
    }
    let mut card = Script::new(script);
    let version = KeyVersion(trace.key_version);
    // Without a published CREDIT the approver is asked and nothing is sent: its limit is used up.
    let limit = if credit.is_some() { amount.fen() } else { 0 };
    let mut sam = sam(Purpose::Load, version, &whole_key(trace.block_cipher(), &trace.load_key), terminal, 0, limit);
    let mut store = InMemoryStore::new();
    let order = RechargeOrder {
        number: OrderNumber(1),
        enterprise: enterprise(),
        purse: purse(trace.purse),
        key_id: trace.key_id,
        amount,
        moment: terms.moment,
        pin: None,
    };
    let outcome = recharge(&mut card, &mut sam, &mut store, &order).unwrap().outcome;
    card.finish();
    match (outcome, credit) {
        (Outcome::Committed(receipt), Some(credit)) => {
            assert!(credit.tac.is_none_or(|tac| receipt.settlement.tac == Some(tac)));
            assert_eq!(receipt.settlement.transaction.card_sequence, sequence);
            assert_eq!(sam.state().load_limit_fen, 0);
        }
        (Outcome::NotCommitted(reason), None) => {
            assert_eq!(reason.to_string().contains("limit"), vector.is_valid(), "{reason}");
            assert_eq!(store.pending().unwrap().len(), 0);
        }
        (other, _) => panic!("{other:?}"),
    }
}

pub(super) fn purchase(vector: &Vector<Purchase>) {
    let trace = &vector.body;
    let (terminal, amount) = (TerminalNumber(trace.terminal), Amount::from_bytes(trace.amount));
    let terms = TransactionTerms {
        amount,
        transaction_type: TransactionType(trace.transaction_type),
        terminal,
        moment: Moment::from_bytes(trace.moment).unwrap(),
    };
    let (card_sequence, sequence) =
        (u16::from_be_bytes(trace.offline_sequence), u32::from_be_bytes(trace.terminal_sequence));
    let session = SessionKey::of_purchase(
        &whole_key(trace.block_cipher(), &trace.purchase_key),
        trace.random,
        card_sequence,
        sequence,
    );
    assert_eq!(session.purchase_mac1(&terms) == trace.mac1, vector.is_valid());
    assert_eq!(session.purchase_mac2(amount), trace.mac2);
    if let Some((tac_key, tac)) = trace.tac_key.as_deref().zip(trace.tac) {
        assert_eq!(purchase_tac(&tac_key_of(trace.tac_algorithm, tac_key), sequence, &terms), tac);
    }
    if !vector.is_valid() {
        return;
    }
    let tac = trace.tac.unwrap_or([0x55; 4]);
    let completed = exchange(&with_le(&trace.debit, 8), &[&tac, &trace.mac2]);
    let receipt = match TransactionType(trace.transaction_type) {
        TransactionType::UNDO => undone(trace, &terms, completed),
        _ => paid(trace, &terms, completed),
    };
    assert_eq!(receipt.settlement.tac, Some(tac));
    assert_eq!(receipt.settlement.transaction.card_sequence, card_sequence);
    assert_eq!(receipt.settlement.transaction.terminal_sequence, Some(sequence));
}

/// A purchase, cash withdrawal or compound purchase by the terminal.
fn paid(trace: &Purchase, terms: &TransactionTerms, completed: (Vec<u8>, Vec<u8>)) -> Receipt {
    // An article's example pays from an empty purse, which the terminal would refuse; no MAC covers the balance.
    let mut initialized = trace.initialize_answer;
    let balance = Amount::from_bytes(trace.old_balance).max(terms.amount);
    initialized[..4].copy_from_slice(&balance.to_bytes());
    let begun = exchange(&with_le(&trace.initialize, 15), &[&initialized]);
    let key = whole_key(trace.block_cipher(), &trace.purchase_key);
    let sequence = u32::from_be_bytes(trace.terminal_sequence);
    let mut sam = sam(Purpose::Purchase, KeyVersion(trace.key_version), &key, terms.terminal, sequence, 0);
    let mut store = InMemoryStore::new();
    let (number, enterprise, key_id) = (OrderNumber(1), enterprise(), trace.key_id);
    let &TransactionTerms { amount, moment, .. } = terms;
    let (card, tap) = match terms.transaction_type {
        TransactionType::CASH_WITHDRAW => {
            let mut card = Script::new([selected(), verified(), no_parameters(), begun, completed]);
            let order = CashOrder { number, enterprise, key_id, amount, moment, pin: pin() };
            let tap = cash_withdraw(&mut card, &mut sam, &mut store, &order);
            (card, tap)
        }
        TransactionType::CAPP => {
            let cache = trace.cache.as_ref().unwrap();
            let [type_id, _, _, data @ ..] = cache.record.as_slice() else { panic!("a record") };
            let updates = vec![CappUpdate::new(*type_id, data).unwrap()];
            let mut card = Script::new([selected(), no_parameters(), begun, exchange(&cache.update, &[]), completed]);
            let order = CappOrder { number, enterprise, key_id, amount, moment, pin: None, updates };
            let tap = capp_purchase(&mut card, &mut sam, &mut store, &order);
            (card, tap)
        }
        _ => {
            let mut card = Script::new([selected(), no_parameters(), begun, completed]);
            let purse = purse(trace.purse);
            let order = PurchaseOrder { number, enterprise, purse, key_id, amount, moment, pin: None };
            let tap = buy(&mut card, &mut sam, &mut store, &order);
            (card, tap)
        }
    };
    card.finish();
    assert_eq!(sam.state().next_sequence, sequence + 1);
    committed(tap)
}

/// An undo by the terminal that made the purchase just before.
fn undone(trace: &Purchase, terms: &TransactionTerms, completed: (Vec<u8>, Vec<u8>)) -> Receipt {
    let purchase_key = Key::from_bytes(hex_literal::hex!("3E75A4B3C2D1E0F1021324354657687A"));
    let sequence = u32::from_be_bytes(trace.terminal_sequence);
    let bought = TransactionTerms { transaction_type: TransactionType::PURCHASE_EP, ..*terms };
    let begun = PurchaseInitialized {
        old_balance: Amount::from_bytes(trace.old_balance).plus(terms.amount).unwrap(),
        offline_sequence: u16::from_be_bytes(trace.offline_sequence) - 1,
        overdraft: OverdraftLimit::default(),
        key_version: KeyVersion(trace.key_version),
        algorithm: AlgorithmId::TRIPLE_DES,
        random: [1, 2, 3, 4],
    };
    let session = SessionKey::of_purchase(&purchase_key, begun.random, begun.offline_sequence, sequence - 1);
    let initialize = Initialize { key_id: trace.key_id, amount: terms.amount, terminal: terms.terminal };
    let Moment { date, time } = terms.moment;
    let mac1 = session.purchase_mac1(&bought);
    let debit = DebitForPurchase { terminal_sequence: sequence - 1, date, time, mac1 };
    let mut card = Script::new([
        selected(),
        no_parameters(),
        exchange(&[&[0x80, 0x50, 0x01, 0x02, 0x0B], &initialize.emit()[..], &[0x0F]].concat(), &[&begun.emit()]),
        exchange(
            &[&[0x80, 0x54, 0x01, 0x00, 0x0F], &debit.emit()[..], &[0x08]].concat(),
            &[&[0x55; 4], &session.purchase_mac2(terms.amount)],
        ),
        selected(),
        no_parameters(),
        exchange(&trace.initialize, &[&trace.initialize_answer]),
        completed,
    ]);
    let cancel_key = whole_key(trace.block_cipher(), &trace.purchase_key);
    let version = KeyVersion(trace.key_version);
    let keys = KeySet::default().with(Purpose::Purchase, version, purchase_key);
    let mut sam = sam_of(keys.with(Purpose::Cancel, version, cancel_key), terms.terminal, version, sequence - 1, 0);
    let mut store = InMemoryStore::new();
    let order = PurchaseOrder {
        number: OrderNumber(1),
        enterprise: enterprise(),
        purse: Purse::Ep,
        key_id: trace.key_id,
        amount: terms.amount,
        moment: terms.moment,
        pin: None,
    };
    committed(buy(&mut card, &mut sam, &mut store, &order));
    let order = UndoOrder {
        number: OrderNumber(2),
        enterprise: enterprise(),
        purchase: OrderNumber(1),
        key_id: trace.key_id,
        moment: terms.moment,
    };
    let receipt = committed(undo(&mut card, &mut sam, &mut store, &order));
    card.finish();
    assert_eq!(sam.state().next_sequence, sequence + 1);
    receipt
}

pub(super) fn committed(tap: Result<Tap, StoreError>) -> Receipt {
    match tap.unwrap().outcome {
        Outcome::Committed(receipt) => receipt,
        other => panic!("{other:?}"),
    }
}

pub(super) fn pin() -> Pin {
    Pin::from_digits("123456").unwrap()
}

/// VERIFY of it.
pub(super) fn verified() -> (Vec<u8>, Vec<u8>) {
    exchange(&hex_literal::hex!("0020000003123456"), &[])
}

/// The traces tell nothing of EF 0015: a plain FMCOS wallet, valid for ever.
pub(super) fn selected() -> (Vec<u8>, Vec<u8>) {
    let name = onecard_wire::aid::enterprise_application(enterprise());
    let public = hex_literal::hex!("1000000000000001 03 01 0000 3100100000000423 20000101 29991231 0000");
    let select = [&hex_literal::hex!("00A404000E")[..], &name, &[0x00]].concat();
    exchange(&select, &[&hex_literal::hex!("6F33840E"), &name, &hex_literal::hex!("A5219F0C1E"), &public])
}

/// EF 0017, which a plain wallet may lack: nothing is left to the terminal to enforce.
pub(super) fn no_parameters() -> (Vec<u8>, Vec<u8>) {
    (hex_literal::hex!("00B0970024").to_vec(), hex_literal::hex!("6A82").to_vec())
}

pub(super) fn enterprise() -> EnterpriseId {
    EnterpriseId::from_bytes(hex_literal::hex!("1000000000000001")).unwrap()
}

fn sam(
    purpose: Purpose,
    version: KeyVersion,
    key: &Key,
    terminal: TerminalNumber,
    next_sequence: u32,
    load_limit_fen: u32,
) -> SoftwareSam {
    sam_of(KeySet::default().with(purpose, version, key.clone()), terminal, version, next_sequence, load_limit_fen)
}

fn sam_of(
    keys: KeySet,
    terminal: TerminalNumber,
    version: KeyVersion,
    next_sequence: u32,
    load_limit_fen: u32,
) -> SoftwareSam {
    let serial = ApplicationSerial::from_bytes(hex_literal::hex!("3100100000000423")).unwrap();
    let state = SoftwareSamState {
        terminal,
        next_sequence,
        load_limit_fen,
        last_load: None,
        last_purchase: None,
        randoms_made: 0,
    };
    SoftwareSam::for_one_card(CardKeys::new(serial, keys), version, state)
}

/// Some sources leave out Le; a terminal sends it.
fn with_le(command: &[u8], le: u8) -> Vec<u8> {
    let (head, _) = command.split_at(5 + usize::from(command[4]));
    [head, &[le]].concat()
}

fn tac_key_of(algorithm: Option<u8>, value: &[u8]) -> Key {
    whole_key(BlockCipher::of_byte(algorithm.unwrap_or_default()), value)
}

pub(super) fn purse(p2: u8) -> Purse {
    Purse::from_p2(p2).unwrap()
}
