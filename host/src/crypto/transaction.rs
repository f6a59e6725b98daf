//! Session keys, MACs and TACs of the wallet's transactions (JR/T 0025.2; FMCOS 2.0 user manual p. 88 to 119; profile
//! §3.3 for the undo and the unload of the EP, which are own).

use onecard_wire::{
    amount::Amount,
    date::Moment,
    key::Algorithm,
    layout::Writer,
    number::TerminalNumber,
    wallet::{OverdraftLimit, TransactionType},
};
use zeroize::ZeroizeOnDrop;

use super::{
    cipher::one,
    key::{DesKey, Key},
    mac::{MAC_LEN, cbc_mac},
    padding::{Block, PADDING, joined},
};

/// What both sides agree on before a transaction: part of every MAC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TransactionTerms {
    /// What is moved.
    pub amount: Amount,
    /// Type of transaction.
    pub transaction_type: TransactionType,
    /// The terminal, by its SAM's number.
    pub terminal: TerminalNumber,
    /// The terminal's (online: host's) date and time.
    pub moment: Moment,
}

/// Key of one transaction. Its random and sequence never come back, so neither do its MACs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionKey(Session);

/// One block of the transaction key's cipher; both erase themselves.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Session {
    /// Of triple DES: a DES key.
    Single(DesKey),
    /// Of SM4 or AES (own): a key of the same.
    Whole(Key),
}

impl ZeroizeOnDrop for SessionKey {}

impl SessionKey {
    /// SESLK from the load key (DLK): random ‖ online sequence ‖ 80 00. The sequence is INITIALIZE's, before the increment.
    #[must_use]
    pub fn of_load(load_key: &Key, random: [u8; 4], online_sequence: u16) -> Self {
        let input = Writer::new().put(&random).u16(online_sequence).put(&[0x80, 0x00]).finish();
        Self::derive(load_key, input)
    }

    /// SESULK from the unload key (DULK): the input of SESLK.
    #[must_use]
    pub fn of_unload(unload_key: &Key, random: [u8; 4], online_sequence: u16) -> Self {
        Self::of_load(unload_key, random, online_sequence)
    }

    /// SESUK from the overdraft key (DUK): the input of SESLK.
    #[must_use]
    pub fn of_update(overdraft_key: &Key, random: [u8; 4], online_sequence: u16) -> Self {
        Self::of_load(overdraft_key, random, online_sequence)
    }

    /// SESPK from the purchase key (DPK), or the session key of an undo from the cancel key (own): random ‖ offline sequence
    /// ‖ last two bytes of the terminal sequence.
    #[must_use]
    pub fn of_purchase(purchase_key: &Key, random: [u8; 4], offline_sequence: u16, terminal_sequence: u32) -> Self {
        let [_, _, high, low] = terminal_sequence.to_be_bytes();
        let input = Writer::new().put(&random).u16(offline_sequence).put(&[high, low]).finish();
        Self::derive(purchase_key, input)
    }

    /// MAC1 of a load or unload, by the card: old balance ‖ amount ‖ type ‖ terminal.
    #[must_use]
    pub fn load_mac1(&self, old_balance: Amount, terms: &TransactionTerms) -> [u8; MAC_LEN] {
        self.mac(&Writer::<15>::new().put(&old_balance.to_bytes()).put(&without_moment(terms)).finish())
    }

    /// MAC2 of a load or unload, by the host: amount ‖ type ‖ terminal ‖ date ‖ time.
    #[must_use]
    pub fn load_mac2(&self, terms: &TransactionTerms) -> [u8; MAC_LEN] {
        self.mac(&whole(terms))
    }

    /// MAC3 of an unload, by the card: new balance ‖ online sequence before the increment ‖ amount ‖ type ‖ terminal ‖ date
    /// ‖ time.
    #[must_use]
    pub fn unload_mac3(&self, new_balance: Amount, online_sequence: u16, terms: &TransactionTerms) -> [u8; MAC_LEN] {
        self.mac(&after(new_balance, online_sequence, terms))
    }

    /// MAC1 of an overdraft update, by the card: old balance ‖ old limit ‖ type ‖ terminal.
    #[must_use]
    pub fn update_mac1(
        &self,
        old_balance: Amount,
        old_limit: OverdraftLimit,
        terminal: TerminalNumber,
    ) -> [u8; MAC_LEN] {
        let message = Writer::<14>::new().put(&old_balance.to_bytes()).put(&of_limit(old_limit, terminal));
        self.mac(&message.finish())
    }

    /// MAC2 of an overdraft update, by the host: new limit ‖ type ‖ terminal ‖ date ‖ time.
    #[must_use]
    pub fn update_mac2(&self, new_limit: OverdraftLimit, terminal: TerminalNumber, moment: Moment) -> [u8; MAC_LEN] {
        let message = Writer::<17>::new().put(&of_limit(new_limit, terminal)).put(&moment.to_bytes());
        self.mac(&message.finish())
    }

    /// MAC1 of a purchase, withdrawal or undo, by the SAM: amount ‖ type ‖ terminal ‖ date ‖ time.
    #[must_use]
    pub fn purchase_mac1(&self, terms: &TransactionTerms) -> [u8; MAC_LEN] {
        self.mac(&whole(terms))
    }

    /// MAC2 of a purchase, withdrawal or undo, by the card: amount.
    #[must_use]
    pub fn purchase_mac2(&self, amount: Amount) -> [u8; MAC_LEN] {
        self.mac(&amount.to_bytes())
    }

    fn derive(key: &Key, input: Block) -> Self {
        Self(match key.algorithm() {
            Algorithm::Des => Session::Single(DesKey::from_bytes(one(&key.triple_des(), input))),
            wide @ (Algorithm::Sm4 | Algorithm::Aes) => {
                Session::Whole(Key::new(wide, key.encipher_key_length(joined(input, PADDING))))
            }
        })
    }

    fn mac(&self, message: &[u8]) -> [u8; MAC_LEN] {
        match &self.0 {
            Session::Single(key) => cbc_mac(key, [0; 8], message),
            Session::Whole(key) => key.folded_mac(message),
        }
    }
}

/// TAC of a load under the folded TAC key (DTK; of SM4 and AES the whole): new balance ‖ online sequence before the increment ‖ amount ‖ type ‖
/// terminal ‖ date ‖ time.
#[must_use]
pub fn load_tac(tac_key: &Key, new_balance: Amount, online_sequence: u16, terms: &TransactionTerms) -> [u8; MAC_LEN] {
    tac_key.folded_mac(&after(new_balance, online_sequence, terms))
}

/// TAC of an overdraft update under the folded TAC key (of SM4 and AES the whole): new balance ‖ online sequence before the increment ‖ new limit ‖ type
/// ‖ terminal ‖ date ‖ time (FMCOS 2.0 user manual p. 118; folded, as cards answer).
#[must_use]
pub fn update_tac(
    tac_key: &Key,
    new_balance: Amount,
    online_sequence: u16,
    new_limit: OverdraftLimit,
    (terminal, moment): (TerminalNumber, Moment),
) -> [u8; MAC_LEN] {
    let message: [u8; 23] = Writer::new()
        .put(&new_balance.to_bytes())
        .u16(online_sequence)
        .put(&of_limit(new_limit, terminal))
        .put(&moment.to_bytes())
        .finish();
    tac_key.folded_mac(&message)
}

/// TAC of a purchase, withdrawal or undo under the folded TAC key (DTK; of SM4 and AES the whole): amount ‖
/// type ‖ terminal ‖ terminal sequence ‖ date ‖ time. Neither
/// the balance nor the card's sequence is in it.
#[must_use]
pub fn purchase_tac(tac_key: &Key, terminal_sequence: u32, terms: &TransactionTerms) -> [u8; MAC_LEN] {
    let message: [u8; 22] =
        Writer::new().put(&without_moment(terms)).u32(terminal_sequence).put(&terms.moment.to_bytes()).finish();
    tac_key.folded_mac(&message)
}

fn after(new_balance: Amount, online_sequence: u16, terms: &TransactionTerms) -> [u8; 24] {
    Writer::new().put(&new_balance.to_bytes()).u16(online_sequence).put(&whole(terms)).finish()
}

fn of_limit(limit: OverdraftLimit, terminal: TerminalNumber) -> [u8; 10] {
    Writer::new().put(&limit.0).u8(TransactionType::OVERDRAFT.0).put(&terminal.0).finish()
}

fn without_moment(terms: &TransactionTerms) -> [u8; 11] {
    Writer::new().put(&terms.amount.to_bytes()).u8(terms.transaction_type.0).put(&terms.terminal.0).finish()
}

fn whole(terms: &TransactionTerms) -> [u8; 18] {
    Writer::new().put(&without_moment(terms)).put(&terms.moment.to_bytes()).finish()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::keys::diversify_levels;
    use hex_literal::hex;

    /// Published load of a real FM1208 by "robur", 2024: unequal key halves.
    #[test]
    fn load_of_a_real_card() {
        let load_key = Key::from_bytes(hex!("3F3F3F3F3F3F3F3F1122334455667788"));
        let tac_key = Key::from_bytes(hex!("34343434343434341122334455667788"));
        let terms = TransactionTerms {
            amount: Amount::from_fen(0x10),
            transaction_type: TransactionType::LOAD_EP,
            terminal: TerminalNumber([0x66; 6]),
            moment: Moment::from_bytes(hex!("20240411212121")).unwrap(),
        };
        let session = SessionKey::of_load(&load_key, hex!("4E066548"), 0);
        assert_eq!(session.load_mac1(Amount::ZERO, &terms), hex!("0D39ADBB"));
        assert_eq!(session.load_mac2(&terms), hex!("097E98FE"));
        assert_eq!(load_tac(&tac_key, Amount::from_fen(0x10), 0, &terms), hex!("A802863E"));
    }

    /// Published purchase of a real FM1208 by "deng214", 2019.
    #[test]
    fn purchase_of_a_real_card() {
        let key = Key::from_bytes(hex!("00112233445566778899AABBCCDDEEFF"));
        let terms = TransactionTerms {
            amount: Amount::from_fen(1),
            transaction_type: TransactionType::PURCHASE_EP,
            terminal: TerminalNumber(hex!("001122334455")),
            moment: Moment::from_bytes(hex!("20161216134600")).unwrap(),
        };
        let session = SessionKey::of_purchase(&key, hex!("584633C9"), 0, 0);
        assert_eq!(session.purchase_mac1(&terms), hex!("D45737C5"));
        assert_eq!(session.purchase_mac2(terms.amount), hex!("66B54A6B"));
        assert_eq!(purchase_tac(&key, 0, &terms), hex!("8AF270DC"));
    }

    /// Made by the second implementation: two levels of diversification, and no sequence is zero.
    #[test]
    fn purchase_from_the_master_key_on() {
        let master = Key::from_bytes(hex!("25CDBB730EBC1BD4C0F38B85CBF46246"));
        let key = diversify_levels(&master, &[hex!("9876543210012345"), hex!("3201234567890128")]);
        let terms = TransactionTerms {
            amount: Amount::from_fen(123_456),
            transaction_type: TransactionType::PURCHASE_EP,
            terminal: TerminalNumber(hex!("320100000977")),
            moment: Moment::from_bytes(hex!("20261123184207")).unwrap(),
        };
        let session = SessionKey::of_purchase(&key, hex!("02547B00"), 0x0FA5, 0x0102_F3E4);
        assert_eq!(session.purchase_mac1(&terms), hex!("D99A278C"));
        assert_eq!(session.purchase_mac2(terms.amount), hex!("73EBCC58"));
    }
}
