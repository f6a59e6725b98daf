//! A till that another vendor wrote, command by command, under generated steps: `cargo run --example own_terminal`.
//! Let it forget `doubtful`, or sell again without asking for the proof, and see what the auditor finds.

use std::collections::BTreeMap;

use onecard_host::sam::{Sam, SamError};
use onecard_host::terminal::{Evidence, InMemoryStore, Kind, OrderNumber, SettlementRecord, Token, Transaction};
use onecard_host::{card::select, transport::Transport};
use onecard_tests::terminal::{Devices, Keeper, LibraryTerminal, Order, OrderKind, Recalled, Report};
use onecard_tests::{campaign::try_case, terminal::TerminalUnderTest, world::World};
use onecard_wire::{aid, amount::Amount, wallet::*};

/// Its disk: sales whose DEBIT may have left, and sales that are done.
#[derive(Default)]
struct OwnTill {
    doubtful: BTreeMap<OrderNumber, Token>,
    sold: BTreeMap<OrderNumber, SettlementRecord>,
}

impl OwnTill {
    /// Sells, or finds out; whatever stops it on the way leaves the disk to tell how things are.
    fn sell(&mut self, card: &mut dyn Transport, sam: &mut dyn Sam, order: &Order) -> Option<()> {
        let enterprise = World::shared().enterprise_id();
        let serial = select(card, &aid::enterprise_application(enterprise)).ok()?.serial();
        let terminal = sam.terminal().ok()?;
        if let Some(token) = self.doubtful.get(&order.number).copied() {
            return if token.transaction.serial == serial { self.find_out(card, sam, &token) } else { None };
        }
        let now = initialize(card, &Initialize { key_id: 1, amount: order.amount, terminal })?;
        let mut transaction = Transaction {
            order: order.number,
            enterprise,
            serial,
            kind: Kind::PurchaseEp,
            amount: order.amount,
            old_balance: now.old_balance,
            new_balance: now.old_balance.minus(order.amount)?,
            card_sequence: now.offline_sequence,
            terminal,
            terminal_sequence: None,
            moment: order.moment,
            key_version: now.key_version.0,
            algorithm: now.algorithm.0,
        };
        let prepared = sam.initialize_purchase(&transaction.sam_order(now.random)).ok()?;
        transaction.terminal_sequence = Some(prepared.terminal_sequence);
        let token = Token::new(transaction, 1, now.random);
        self.doubtful.insert(order.number, token);
        let (terminal_sequence, date, time) = (prepared.terminal_sequence, order.moment.date, order.moment.time);
        let field = DebitForPurchase { terminal_sequence, date, time, mac1: prepared.mac1 };
        let Debited { tac, mac2 } = Debited::parse(&send(card, [0x80, 0x54, 0x01, 0x00], &field.emit(), 8)?)?;
        sam.credit_purchase(mac2).ok()?;
        self.sold(&token, tac, Evidence::Answer)
    }

    fn find_out(&mut self, card: &mut dyn Transport, sam: &mut dyn Sam, token: &Token) -> Option<()> {
        let Transaction { order, card_sequence, terminal, terminal_sequence, .. } = token.transaction;
        let asked = (card_sequence + 1).to_be_bytes();
        match send(card, [0x80, 0x5A, 0x00, 0x06], &asked, 8).and_then(|proof| Proof::parse(&proof)) {
            Some(Proof { mac, tac }) => match sam.check_past_purchase(&token.sam_order(), terminal_sequence?, mac) {
                Ok(()) => return self.sold(token, tac, Evidence::Mac2),
                // Another sale got the number.
                Err(SamError::WrongMac) => {}
                Err(_) => return None,
            },
            None => {
                let now = initialize(card, &Initialize { key_id: 1, amount: Amount::ZERO, terminal })?;
                (now.offline_sequence == card_sequence).then_some(())?;
            }
        }
        self.doubtful.remove(&order).map(drop)
    }

    fn sold(&mut self, token: &Token, tac: [u8; 4], evidence: Evidence) -> Option<()> {
        let record = SettlementRecord { transaction: token.transaction, tac: Some(tac), evidence };
        self.doubtful.remove(&token.transaction.order);
        self.sold.insert(token.transaction.order, record);
        Some(())
    }
}

impl TerminalUnderTest for OwnTill {
    fn run(&mut self, devices: Devices<'_>, order: &Order) -> Report {
        if order.kind == OrderKind::Purchase && !self.sold.contains_key(&order.number) {
            World::shared().open_sam(devices.sam).ok().and_then(|mut sam| self.sell(devices.card, &mut sam, order));
        }
        Report::of(self.recall(order.number).into())
    }

    /// Its process keeps nothing.
    fn restart(&mut self) {}

    fn recall(&self, order: OrderNumber) -> Recalled {
        match (self.sold.get(&order), self.doubtful.get(&order)) {
            (Some(record), _) => Recalled::Committed(*record),
            (None, Some(_)) => Recalled::Pending,
            (None, None) => Recalled::Nothing,
        }
    }

    /// It reads no logs, and a card shows the proofs of its last eight.
    fn decides_within(&self) -> u32 {
        7
    }
}

fn initialize(card: &mut dyn Transport, field: &Initialize) -> Option<PurchaseInitialized> {
    PurchaseInitialized::parse(&send(card, [0x80, 0x50, 0x01, 0x02], &field.emit(), 15)?)
}

/// Data of an answer that ends in 9000.
fn send(card: &mut dyn Transport, header: [u8; 4], data: &[u8], le: u8) -> Option<Vec<u8>> {
    let answer = card.transmit(&[&header[..], &[data.len() as u8], data, &[le]].concat()).ok()?;
    answer.strip_suffix(&[0x90, 0x00]).map(<[u8]>::to_vec)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut sales = 0;
    for case in 0..100 {
        let terminals = || -> Vec<Box<dyn TerminalUnderTest>> {
            vec![Box::new(LibraryTerminal::new(InMemoryStore::new(), Keeper::Slot)), Box::new(OwnTill::default())]
        };
        sales += try_case((1, case), 200, terminals)?.tally.committed;
    }
    println!("20,000 steps, {sales} sales and recharges, every fen accounted for");
    Ok(())
}
