//! Unloads and overdraft updates by the service desk, against a card that is a script of the vector.

use onecard_host::{
    blacklist::ListVersion,
    crypto::{SessionKey, TransactionTerms, update_tac},
    sam::{CardFactors, SamError, SamOrder},
    terminal::{
        DeskApprover, DeskClaim, InMemoryStore, OrderNumber, OverdraftOrder, Transaction, UnloadOrder, Witness,
        unload as take_off, update_overdraft,
    },
};
use onecard_vectors::{block_cipher::BlockCipher, overdraft::Overdraft, unload::Unload, vector::Vector};
use onecard_wire::{
    amount::Amount,
    date::Moment,
    key::KeyVersion,
    number::TerminalNumber,
    wallet::{OverdraftLimit, TransactionType},
};

use super::terminal::{Script, committed, enterprise, exchange, no_parameters, pin, purse, selected, verified};
use crate::coverage_of_vectors::whole_key;

pub(super) fn unload(vector: &Vector<Unload>) {
    let trace = &vector.body;
    assert!(vector.is_valid());
    let (amount, old_balance) = (Amount::from_bytes(trace.amount), Amount::from_bytes(trace.old_balance));
    let terms = TransactionTerms {
        amount,
        transaction_type: TransactionType(trace.transaction_type),
        terminal: TerminalNumber(trace.terminal),
        moment: Moment::from_bytes(trace.moment).unwrap(),
    };
    let sequence = u16::from_be_bytes(trace.online_sequence);
    let session = SessionKey::of_unload(&whole_key(trace.block_cipher(), &trace.unload_key), trace.random, sequence);
    let mut desk = Desk {
        terminal: terms.terminal,
        mac1: session.load_mac1(old_balance, &terms),
        mac2: session.load_mac2(&terms),
        mac3: Some(session.unload_mac3(old_balance.minus(amount).unwrap(), sequence, &terms)),
        tac: None,
    };
    assert_eq!((desk.mac1, desk.mac2, desk.mac3), (trace.mac1, trace.mac2, Some(trace.mac3)));
    let mut card = Script::new([
        selected(),
        exchange(&trace.initialize, &[&trace.initialize_answer]),
        exchange(&trace.debit, &[&trace.mac3]),
    ]);
    let order = UnloadOrder {
        number: OrderNumber(1),
        enterprise: enterprise(),
        purse: purse(trace.purse),
        key_id: trace.key_id,
        amount,
        moment: terms.moment,
        pin: None,
    };
    let receipt = committed(take_off(&mut card, &mut desk, &mut InMemoryStore::new(), &order));
    card.finish();
    assert_eq!(receipt.settlement.transaction.card_sequence, sequence);
}

pub(super) fn overdraft(vector: &Vector<Overdraft>) {
    let trace = &vector.body;
    assert!(vector.is_valid());
    let (old_balance, new_balance) = (Amount::from_bytes(trace.old_balance), Amount::from_bytes(trace.new_balance));
    let (old_limit, limit) = (OverdraftLimit(trace.old_limit), OverdraftLimit(trace.new_limit));
    let (terminal, moment) = (TerminalNumber(trace.terminal), Moment::from_bytes(trace.moment).unwrap());
    let sequence = u16::from_be_bytes(trace.online_sequence);
    let key = whole_key(trace.block_cipher(), &trace.overdraft_key);
    let session = SessionKey::of_update(&key, trace.random, sequence);
    let tac_key = whole_key(BlockCipher::of_byte(trace.tac_algorithm), &trace.tac_key);
    let mut desk = Desk {
        terminal,
        mac1: session.update_mac1(old_balance, old_limit, terminal),
        mac2: session.update_mac2(limit, terminal, moment),
        mac3: None,
        tac: Some(update_tac(&tac_key, new_balance, sequence, limit, (terminal, moment))),
    };
    assert_eq!((desk.mac1, desk.mac2, desk.tac), (trace.mac1, trace.mac2, Some(trace.tac)));
    let mut card = Script::new([
        selected(),
        verified(),
        no_parameters(),
        exchange(&trace.initialize, &[&trace.initialize_answer]),
        exchange(&trace.update, &[&trace.tac]),
    ]);
    let order = OverdraftOrder {
        number: OrderNumber(1),
        enterprise: enterprise(),
        key_id: trace.key_id,
        limit,
        moment,
        pin: pin(),
    };
    let receipt = committed(update_overdraft(&mut card, &mut desk, &mut InMemoryStore::new(), &order));
    card.finish();
    let transaction = receipt.settlement.transaction;
    assert_eq!((transaction.card_sequence, transaction.new_balance), (sequence, new_balance));
    assert_eq!(receipt.settlement.tac, Some(trace.tac));
}

/// A desk with the MACs of one transaction, as the library made them.
struct Desk {
    terminal: TerminalNumber,
    mac1: [u8; 4],
    mac2: [u8; 4],
    mac3: Option<[u8; 4]>,
    tac: Option<[u8; 4]>,
}

impl DeskApprover for Desk {
    fn approve_at_desk(&mut self, _: &SamOrder, claim: &DeskClaim) -> Result<[u8; 4], SamError> {
        if claim.mac1 == self.mac1 { Ok(self.mac2) } else { Err(SamError::WrongMac) }
    }
}

impl Witness for Desk {
    fn terminal_number(&mut self) -> Result<TerminalNumber, SamError> {
        Ok(self.terminal)
    }

    fn nonce(&mut self) -> Result<[u8; 4], SamError> {
        Err(SamError::NotSupported)
    }

    fn check_mac1(&mut self, _: &SamOrder, _: TerminalNumber, _: Amount, _: [u8; 4]) -> Result<(), SamError> {
        Err(SamError::NotSupported)
    }

    fn check_mac2(&mut self, _: &SamOrder, _: u32, _: [u8; 4]) -> Result<(), SamError> {
        Err(SamError::NotSupported)
    }

    fn check_mac3(&mut self, _: &SamOrder, _: Amount, mac3: [u8; 4]) -> Result<(), SamError> {
        if self.mac3 == Some(mac3) { Ok(()) } else { Err(SamError::WrongMac) }
    }

    fn check_tac(&mut self, _: &Transaction, tac: [u8; 4]) -> Result<(), SamError> {
        if self.tac == Some(tac) { Ok(()) } else { Err(SamError::WrongMac) }
    }

    fn marking_keys(&mut self) -> Result<Vec<KeyVersion>, SamError> {
        Err(SamError::NotSupported)
    }

    fn mark_mac(&mut self, _: CardFactors, _: KeyVersion, _: [u8; 4], _: ListVersion) -> Result<[u8; 4], SamError> {
        Err(SamError::NotSupported)
    }

    fn log_mac(&mut self, _: CardFactors, _: [u8; 8], _: &[u8]) -> Result<[u8; 4], SamError> {
        Err(SamError::NotSupported)
    }
}
