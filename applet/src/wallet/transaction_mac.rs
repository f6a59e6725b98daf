//! Session keys, MAC1, MAC2, MAC3 and TAC as the card makes them (JR/T 0025.2 clause 5; FMCOS 2.0 user manual p. 89-119).

use onecard_wire::{
    amount::Amount,
    date::{Date, Moment, Time},
    layout::Writer,
    number::TerminalNumber,
    wallet::{Initialize, OverdraftLimit, TransactionType},
};

use crate::crypto::{Key, TransactionKey};

/// The key of one transaction.
pub(crate) struct SessionKey(TransactionKey);

impl SessionKey {
    /// Load, unload, overdraft update: random ‖ online sequence ‖ 8000.
    pub(crate) fn online(key: &Key, random: [u8; 4], online_sequence: u16) -> Self {
        Self::derive(key, random, online_sequence, [0x80, 0x00])
    }

    /// Purchase: random ‖ offline sequence ‖ the last two bytes of the terminal's sequence.
    pub(crate) fn offline(key: &Key, random: [u8; 4], offline_sequence: u16, terminal_sequence: u32) -> Self {
        let [_, _, high, low] = terminal_sequence.to_be_bytes();
        Self::derive(key, random, offline_sequence, [high, low])
    }

    fn derive(key: &Key, random: [u8; 4], sequence: u16, tail: [u8; 2]) -> Self {
        Self(TransactionKey::derive(key, Writer::new().put(&random).u16(sequence).put(&tail).finish()))
    }

    /// A MAC under this key.
    pub(crate) fn mac(&self, message: &[u8]) -> [u8; 4] {
        self.0.mac(message)
    }
}

/// MAC1 of a load or unload: old balance ‖ amount ‖ type ‖ terminal.
pub(crate) fn load_mac1_input(old_balance: Amount, order: &Order) -> [u8; 15] {
    Writer::new().put(&old_balance.to_bytes()).put(&order.head()).finish()
}

/// MAC2 of a load or unload and MAC1 of a purchase or undo: amount ‖ type ‖ terminal ‖ date ‖ time.
pub(crate) fn dated_input(order: &Order, date: Date, time: Time) -> [u8; 18] {
    Writer::new().put(&order.head()).put(&date.to_bytes()).put(&time.to_bytes()).finish()
}

/// TAC of a load, MAC3 of an unload: new balance ‖ online sequence before the increment ‖ the dated input.
pub(super) fn load_tac_input(new_balance: Amount, online_sequence: u16, dated: &[u8; 18]) -> [u8; 24] {
    Writer::new().put(&new_balance.to_bytes()).u16(online_sequence).put(dated).finish()
}

/// TAC of a purchase or undo: amount ‖ type ‖ terminal ‖ terminal sequence ‖ date ‖ time.
pub(super) fn purchase_tac_input(order: &Order, terminal_sequence: u32, date: Date, time: Time) -> [u8; 22] {
    Writer::new().put(&order.head()).u32(terminal_sequence).put(&date.to_bytes()).put(&time.to_bytes()).finish()
}

/// MAC1 of an overdraft update: old balance ‖ old limit ‖ type ‖ terminal.
pub(super) fn update_mac1_input(old_balance: Amount, old_limit: OverdraftLimit, terminal: TerminalNumber) -> [u8; 14] {
    Writer::new()
        .put(&old_balance.to_bytes())
        .put(&old_limit.0)
        .u8(TransactionType::OVERDRAFT.0)
        .put(&terminal.0)
        .finish()
}

/// MAC2 of an overdraft update: new limit ‖ type ‖ terminal ‖ date ‖ time.
pub(super) fn update_mac2_input(new_limit: OverdraftLimit, terminal: TerminalNumber, moment: Moment) -> [u8; 17] {
    Writer::new().put(&new_limit.0).u8(TransactionType::OVERDRAFT.0).put(&terminal.0).put(&moment.to_bytes()).finish()
}

/// TAC of an overdraft update: new balance ‖ online sequence before the increment ‖ the input of MAC2.
pub(super) fn update_tac_input(new_balance: Amount, online_sequence: u16, mac2_input: &[u8; 17]) -> [u8; 23] {
    Writer::new().put(&new_balance.to_bytes()).u16(online_sequence).put(mac2_input).finish()
}

/// TAC: by the TAC key and its own cipher, a triple DES key folded to 8 bytes.
pub(super) fn tac(key: &Key, message: &[u8]) -> [u8; 4] {
    TransactionKey::fold(key).mac(message)
}

/// What INITIALIZE fixed.
#[derive(Clone, Copy)]
pub(crate) struct Order {
    pub(crate) amount: Amount,
    pub(crate) transaction_type: TransactionType,
    pub(crate) terminal: TerminalNumber,
}

impl Order {
    /// What the data field of INITIALIZE asks for.
    pub(super) const fn new(fields: &Initialize, transaction_type: TransactionType) -> Self {
        Self { amount: fields.amount, transaction_type, terminal: fields.terminal }
    }

    fn head(&self) -> [u8; 11] {
        Writer::new().put(&self.amount.to_bytes()).u8(self.transaction_type.0).put(&self.terminal.0).finish()
    }
}
