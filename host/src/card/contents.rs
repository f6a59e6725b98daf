//! What a station asks a card beside its files: which keys it has, and where its counters stand (profile §3.2).

use onecard_wire::{
    amount::Amount,
    fid::Fid,
    ins,
    key::KeyListEntry,
    number::TerminalNumber,
    status::StatusWord,
    wallet::{Initialize, LoadInitialized, PurchaseInitialized, Purse},
};

use super::{ReadError, Selected};
use crate::{
    apdu::{Command, exchange},
    key_list,
    transport::Transport,
};

/// `80 CA 00 E0`: the application's keys without their values (own); `None` from a card that does not list them.
///
/// # Errors
/// [`ReadError`].
pub fn key_list<T: Transport + ?Sized>(
    transport: &mut T,
    card: &Selected,
) -> Result<Option<Vec<KeyListEntry>>, ReadError> {
    match ask(transport, card, Fid::KEY, &key_list::page(0)) {
        Ok(list) => of_card(&list).map(Some).ok_or(malformed(card, Fid::KEY, list.len())),
        Err(ReadError::Refused { status, .. }) if NO_LIST.contains(&status) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What INITIALIZE FOR PURCHASE of nothing tells: offline sequence, overdraft limit, version of the key. It changes nothing.
///
/// # Errors
/// [`ReadError`]; the card refuses as it would a purchase (suspended, PIN not verified).
pub fn purchase_counter<T: Transport + ?Sized>(
    transport: &mut T,
    card: &Selected,
    purse: Purse,
    key_id: u8,
) -> Result<PurchaseInitialized, ReadError> {
    const LE: u8 = PurchaseInitialized::LEN as u8;
    let data = initialize(transport, card, ins::INITIALIZE_PURCHASE, purse, key_id, LE)?;
    PurchaseInitialized::parse(&data).ok_or(malformed(card, file_of(purse), data.len()))
}

/// What INITIALIZE FOR LOAD of nothing tells: online sequence, version of the key. It changes nothing, but ends a load begun
/// over the air (profile §8).
///
/// # Errors
/// [`ReadError`]; the card refuses as it would a load (suspended, PIN not verified).
pub fn load_counter<T: Transport + ?Sized>(
    transport: &mut T,
    card: &Selected,
    purse: Purse,
    key_id: u8,
) -> Result<LoadInitialized, ReadError> {
    const LE: u8 = LoadInitialized::LEN as u8;
    let data = initialize(transport, card, ins::INITIALIZE_LOAD, purse, key_id, LE)?;
    LoadInitialized::parse(&data).ok_or(malformed(card, file_of(purse), data.len()))
}

/// What a card without the list answers, depending on how much of the command it knows.
const NO_LIST: [StatusWord; 4] =
    [StatusWord::INS_NOT_SUPPORTED, StatusWord::CLA_NOT_SUPPORTED, StatusWord::WRONG_P1P2, StatusWord::KEY_NOT_FOUND];

/// A list with a SAM's working keys is none of a card.
fn of_card(list: &[u8]) -> Option<Vec<KeyListEntry>> {
    key_list::parse(list)?.into_iter().map(|listed| (!listed.working).then_some(listed.key)).collect()
}

fn initialize<T: Transport + ?Sized>(
    transport: &mut T,
    card: &Selected,
    p1: u8,
    purse: Purse,
    key_id: u8,
    le: u8,
) -> Result<Vec<u8>, ReadError> {
    let field = Initialize { key_id, amount: Amount::ZERO, terminal: TerminalNumber([0; 6]) };
    let command = Command::new(ins::CLA_PBOC, ins::INITIALIZE, p1, purse as u8).with_data(&field.emit()).expecting(le);
    ask(transport, card, file_of(purse), &command)
}

fn ask<T: Transport + ?Sized>(
    transport: &mut T,
    card: &Selected,
    file: Fid,
    command: &Command,
) -> Result<Vec<u8>, ReadError> {
    let serial = card.serial();
    let answer = exchange(transport, command).map_err(|source| ReadError::Exchange { serial, file, source })?;
    answer.done().map_err(|status| ReadError::Refused { serial, file, status })
}

fn malformed(card: &Selected, file: Fid, length: usize) -> ReadError {
    ReadError::Malformed { serial: card.serial(), file, length }
}

const fn file_of(purse: Purse) -> Fid {
    match purse {
        Purse::Ed => Fid::ED,
        Purse::Ep => Fid::EP,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{card::select::sample, transport::Scripted};
    use hex_literal::hex;
    use onecard_wire::key::KeyType;

    const ASK: [u8; 5] = hex!("80CA00E000");

    fn listed(answer: &[u8]) -> Result<Option<Vec<KeyListEntry>>, ReadError> {
        key_list(&mut Scripted::new(&[(&ASK, answer)]), &sample())
    }

    #[test]
    fn keys_are_listed_without_values() {
        let keys = listed(&hex!("E00E C005 3E01020400 C005 3A00000003 9000")).unwrap().unwrap();
        let purchase = KeyListEntry { key_type: KeyType::PURCHASE, id: 1, version: 2, algorithm: 4, tries: 0 };
        assert_eq!(keys.first(), Some(&purchase));
        assert_eq!(keys.get(1).map(|key| (key.key_type, key.tries)), Some((KeyType::PIN, 3)));
        // More than 127 bytes of entries have a length of two bytes.
        let many = [&hex!("E08185")[..], &hex!("C0053E01020400").repeat(19), &hex!("9000")].concat();
        assert_eq!(listed(&many).unwrap().unwrap().len(), 19);
        for none in [hex!("6D00"), hex!("6E00"), hex!("6A86")] {
            assert_eq!(listed(&none), Ok(None));
        }
        for wrong in [&hex!("E105 C0033E0102 9000")[..], &hex!("E005 C0033E0102 9000"), &hex!("9000")] {
            assert!(matches!(listed(wrong), Err(ReadError::Malformed { .. })), "{wrong:02X?}");
        }
    }

    #[test]
    fn counters_come_from_a_transaction_of_nothing() {
        let ask = hex!("805001020B 01 00000000 000000000000 0F");
        let answer = hex!("000027100007000000 05 00 01020304 9000");
        let told = purchase_counter(&mut Scripted::new(&[(&ask, &answer)]), &sample(), Purse::Ep, 0x01).unwrap();
        assert_eq!((told.offline_sequence, told.key_version.0, told.old_balance.fen()), (7, 5, 10_000));
        let refused = purchase_counter(&mut Scripted::new(&[(&ask, &hex!("6985"))]), &sample(), Purse::Ep, 0x01);
        assert!(matches!(refused, Err(ReadError::Refused { status: StatusWord::CONDITIONS_NOT_SATISFIED, .. })));
    }
}
