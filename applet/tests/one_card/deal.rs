//! A transaction as a terminal or host carries it out: what it sends, and what the card must answer.

use hex_literal::hex;

use super::application::{key, mac, session_key, tac};

pub const TERMINAL: [u8; 6] = hex!("001122334455");
pub const ED: u8 = 1;
pub const EP: u8 = 2;

/// One transaction, by its type.
#[derive(Clone)]
pub struct Deal {
    pub transaction_type: u8,
    /// Of an overdraft update: the new limit.
    pub amount: u32,
    pub terminal: [u8; 6],
    pub date: [u8; 4],
    pub terminal_sequence: u32,
    /// Between the two commands: each a whole UPDATE CAPP DATA CACHE.
    pub cached: Vec<Vec<u8>>,
}

/// Row of the table of transactions.
struct Shape {
    p1: u8,
    purse: u8,
    key: (u8, u8),
    second: [u8; 4],
}

impl Deal {
    pub fn new(transaction_type: u8, amount: u32) -> Self {
        let date = hex!("20260722");
        Self { transaction_type, amount, terminal: TERMINAL, date, terminal_sequence: 0x0001_0203, cached: Vec::new() }
    }

    pub fn on(self, date: [u8; 4]) -> Self {
        Self { date, ..self }
    }

    pub fn at(self, terminal: [u8; 6]) -> Self {
        Self { terminal, ..self }
    }

    pub fn caching(self, command: &[u8]) -> Self {
        let cached = [&self.cached[..], &[command.to_vec()]].concat();
        Self { cached, ..self }
    }

    pub fn purse(&self) -> u8 {
        self.shape().purse
    }

    pub fn is_online(&self) -> bool {
        matches!(self.transaction_type, 0x01..=0x03 | 0x07 | 0x0B)
    }

    /// INITIALIZE.
    pub fn first(&self) -> Vec<u8> {
        let Shape { p1, purse, key: (_, id), .. } = self.shape();
        let amount = if self.transaction_type == 0x07 { vec![] } else { self.amount.to_be_bytes().to_vec() };
        let data = [&[id][..], &amount, &self.terminal].concat();
        [&[0x80, 0x50, p1, purse, data.len() as u8][..], &data].concat()
    }

    /// The second command, by the answer to the first, whose own MAC is checked.
    pub fn second(&self, initialized: &[u8]) -> Vec<u8> {
        let key = self.session_key(initialized);
        if self.is_online() {
            let (shown, mac1) = initialized.split_at(initialized.len() - 4);
            let old_limit = if self.transaction_type == 0x07 { &shown[6..9] } else { &[] };
            assert_eq!(mac(key, &[&shown[..4], old_limit, &self.head_before()].concat()), mac1, "MAC1");
        }
        let proven = mac(key, &[&self.head()[..], &self.date, TIME].concat());
        let data = match self.transaction_type {
            0x07 => [&self.amount.to_be_bytes()[1..], &self.date, TIME, &proven].concat(),
            _ if self.is_online() => [&self.date, TIME, &proven[..]].concat(),
            _ => [&self.terminal_sequence.to_be_bytes()[..], &self.date, TIME, &proven].concat(),
        };
        [&self.shape().second[..], &[data.len() as u8], &data].concat()
    }

    /// What the card must answer to the second command, and to GET TRANSACTION PROVE afterwards: MAC ‖ TAC.
    pub fn answers(&self, initialized: &[u8], new_balance: u32) -> (Vec<u8>, Vec<u8>) {
        let key = self.session_key(initialized);
        let dated = [&self.head()[..], &self.date, TIME].concat();
        let with_balance = [&new_balance.to_be_bytes()[..], &initialized[4..6], &dated].concat();
        match self.transaction_type {
            0x01 | 0x02 | 0x07 => {
                let tac = tac(&with_balance);
                (tac.to_vec(), [&[0; 4][..], &tac].concat())
            }
            0x03 | 0x0B => {
                let mac3 = mac(key, &with_balance);
                (mac3.to_vec(), [&mac3[..], &[0; 4]].concat())
            }
            _ => {
                let sequence = self.terminal_sequence.to_be_bytes();
                let tac = tac(&[&self.head()[..], &sequence, &self.date, TIME].concat());
                let mac2 = mac(key, &self.amount.to_be_bytes());
                ([tac, mac2].concat(), [mac2, tac].concat())
            }
        }
    }

    /// The log record after it.
    pub fn log(&self, sequence: u16, limit: u32) -> Vec<u8> {
        let limit = &limit.to_be_bytes()[1..];
        let head = [&self.amount.to_be_bytes()[..], &[self.transaction_type], &self.terminal].concat();
        [&sequence.to_be_bytes()[..], limit, &head, &self.date, TIME].concat()
    }

    /// amount or limit ‖ type ‖ terminal.
    fn head(&self) -> Vec<u8> {
        let amount = self.amount.to_be_bytes();
        let amount = if self.transaction_type == 0x07 { &amount[1..] } else { &amount };
        [amount, &[self.transaction_type], &self.terminal].concat()
    }

    /// The same, at INITIALIZE: an overdraft update knows no new limit yet.
    fn head_before(&self) -> Vec<u8> {
        if self.transaction_type == 0x07 { self.head()[3..].to_vec() } else { self.head() }
    }

    fn session_key(&self, initialized: &[u8]) -> [u8; 8] {
        let (key_type, id) = self.shape().key;
        let random = match (self.is_online(), self.transaction_type) {
            (true, 0x07) => &initialized[11..15],
            (true, _) => &initialized[8..12],
            (false, _) => &initialized[11..15],
        };
        let tail = if self.is_online() { [0x80, 0x00] } else { [0x02, 0x03] };
        let block = [random, &initialized[4..6], &tail].concat();
        session_key(key(key_type, id), block.try_into().unwrap())
    }

    fn shape(&self) -> Shape {
        let debit = hex!("80540100");
        let (p1, purse, key, second) = match self.transaction_type {
            0x01 => (0x00, ED, (0x3F, 0x01), hex!("80520000")),
            0x02 => (0x00, EP, (0x3F, 0x11), hex!("80520000")),
            0x03 => (0x05, ED, (0x3D, 0x01), hex!("80540300")),
            0x04 => (0x02, ED, (0x3E, 0x01), debit),
            0x05 => (0x01, ED, (0x3E, 0x01), debit),
            0x06 => (0x01, EP, (0x3E, 0x01), debit),
            0x07 => (0x04, ED, (0x3C, 0x01), hex!("80580000")),
            0x09 => (0x03, EP, (0x3E, 0x01), debit),
            0x0A => (0x06, EP, (0x33, 0x01), hex!("80540600")),
            0x0B => (0x05, EP, (0x3D, 0x02), hex!("80540300")),
            other => panic!("type {other:02X}"),
        };
        Shape { p1, purse, key, second }
    }
}

const TIME: &[u8] = &hex!("134600");
