//! A reader with a card in it and a terminal that has every key.

use hex_literal::hex;

use super::{
    application::{VERIFY, application, done, protected, select},
    chip::{Chip, Reader},
    deal::{Deal, ED, EP},
};

/// How a transaction ended.
#[derive(Clone, PartialEq, Debug)]
pub enum End {
    Done,
    /// INITIALIZE was refused.
    NotBegun(u16),
    /// UPDATE CAPP DATA CACHE was.
    NotCached(u16),
    /// The second command was.
    NotCompleted(u16),
    PowerLost,
}

pub struct Desk {
    pub reader: Reader,
}

/// EF 0017 without day and spent; all zero is no limit.
#[derive(Clone, Default, Debug)]
pub struct Parameters {
    pub status: u8,
    pub expiry: [u8; 4],
    pub balance_max: u32,
    pub purchase_max: u32,
    pub day_total_max: u32,
    pub pin_threshold: u32,
}

impl Desk {
    /// A new application in its reader, selected, the PIN verified.
    pub fn new() -> Self {
        Self::insert(application(0x02))
    }

    pub fn insert(chip: Chip) -> Self {
        let mut desk = Self { reader: Reader::insert(chip) };
        desk.select_with_pin();
        desk
    }

    /// A new application with money in both purses, loaded on 22 July.
    pub fn with_money(ed: u32, ep: u32) -> Self {
        let mut desk = Self::new();
        desk.done(&Deal::new(0x01, ed));
        desk.done(&Deal::new(0x02, ep));
        desk
    }

    pub fn power_cycled(self) -> Self {
        Self::insert(self.reader.remove())
    }

    pub fn select(&mut self) {
        self.reader.ok(&select());
    }

    pub fn select_with_pin(&mut self) {
        self.select();
        self.reader.ok(VERIFY);
    }

    /// Carries `deal` out. What the card answers is compared with what it must.
    pub fn run(&mut self, deal: &Deal) -> End {
        let before = standing(&mut self.reader);
        let Ok(mut initialized) = self.reader.try_send(&deal.first()) else { return End::PowerLost };
        let status = split(&mut initialized);
        if status != 0x9000 {
            assert_eq!(standing(&mut self.reader), before);
            return End::NotBegun(status);
        }
        for command in &deal.cached {
            let Ok(mut answer) = self.reader.try_send(command) else { return End::PowerLost };
            let status = split(&mut answer);
            if status != 0x9000 {
                assert_eq!(standing(&mut self.reader), before);
                return End::NotCached(status);
            }
        }
        let Ok(mut answer) = self.reader.try_send(&deal.second(&initialized)) else { return End::PowerLost };
        let status = split(&mut answer);
        if status != 0x9000 {
            assert_eq!(standing(&mut self.reader), before, "a refusal changes nothing");
            return End::NotCompleted(status);
        }
        self.compare(deal, &initialized, &answer);
        End::Done
    }

    /// Carries it out; it must end well.
    pub fn done(&mut self, deal: &Deal) {
        assert_eq!(self.run(deal), End::Done, "type {:02X}", deal.transaction_type);
    }

    pub fn balance(&mut self, purse: u8) -> u32 {
        u32::from_be_bytes(self.reader.ok(&balance(purse)).try_into().unwrap())
    }

    /// Day and spent of EF 0017.
    pub fn account(&mut self) -> ([u8; 4], u32) {
        let shown = self.reader.ok(&hex!("00B0971C08"));
        (shown[..4].try_into().unwrap(), u32::from_be_bytes(shown[4..].try_into().unwrap()))
    }

    /// Writes EF 0017 up to day and spent.
    pub fn set(&mut self, parameters: &Parameters) {
        let Parameters { status, expiry, balance_max, purchase_max, day_total_max, pin_threshold } = parameters;
        let limits = [balance_max, purchase_max, day_total_max, pin_threshold].map(|limit| limit.to_be_bytes());
        let content = [&[*status][..], &[0; 7], expiry, limits.as_flattened()].concat();
        done(&protected(&mut self.reader, 0x00, hex!("04D69700"), &content));
    }

    /// GET TRANSACTION PROVE, whole.
    pub fn proof(&mut self, transaction_type: u8, sequence: u16) -> Vec<u8> {
        let [high, low] = sequence.to_be_bytes();
        self.reader.send(&[0x80, 0x5A, 0x00, transaction_type, 0x02, high, low, 0x08])
    }

    /// The answer, the proof, the log record and the sequence after a transaction.
    fn compare(&mut self, deal: &Deal, initialized: &[u8], answer: &[u8]) {
        let new_balance = self.balance(deal.purse());
        let old_balance = u32::from_be_bytes(initialized[..4].try_into().unwrap());
        let old_sequence = u16::from_be_bytes(initialized[4..6].try_into().unwrap());
        let old_limit = u32::from_be_bytes([0, initialized[6], initialized[7], initialized[8]]);
        let [old, amount, limit] = [old_balance, deal.amount, old_limit].map(i64::from);
        let expected = match deal.transaction_type {
            0x01 | 0x02 | 0x0A => old + amount,
            0x07 => old - limit + amount,
            _ => old - amount,
        };
        assert_eq!(i64::from(new_balance), expected);
        let (answered, proof) = deal.answers(initialized, new_balance);
        assert_eq!(answer, answered);
        assert_eq!(self.proof(deal.transaction_type, old_sequence + 1), [&proof[..], &hex!("9000")].concat());
        let log = self.reader.send(&hex!("00B201C417"));
        if log.ends_with(&hex!("9000")) {
            let limit = match deal.transaction_type {
                0x07 => deal.amount,
                // INITIALIZE does not tell it.
                0x01 | 0x03 => u32::from_be_bytes([0, log[2], log[3], log[4]]),
                _ if deal.is_online() => 0,
                _ => old_limit,
            };
            assert_eq!(log[..23], deal.log(old_sequence + 1, limit));
        }
        let again = self.reader.send(&Deal { amount: 0, ..deal.clone() }.first());
        if again.ends_with(&hex!("9000")) {
            assert_eq!(again[4..6], (old_sequence + 1).to_be_bytes());
        }
    }
}

pub fn balance(purse: u8) -> [u8; 5] {
    [0x80, 0x5C, 0x00, purse, 0x04]
}

/// What a refused transaction leaves alone: balances, account, log, compound records.
pub fn standing(reader: &mut Reader) -> Vec<Vec<u8>> {
    let numbered = [hex!("00B201C400"), hex!("00B202C400"), hex!("00B201E400"), hex!("00B202E400"), hex!("00B203E400")];
    let asked = [balance(ED), balance(EP), hex!("00B0970000")].into_iter().chain(numbered);
    asked.map(|command| reader.send(&command)).collect()
}

fn split(answer: &mut Vec<u8>) -> u16 {
    let status = answer.split_off(answer.len() - 2);
    u16::from_be_bytes([status[0], status[1]])
}
