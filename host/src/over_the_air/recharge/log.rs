//! The card's own log (EF 0018), which says whose a load was, and the balance behind it (specification 19.6.1.3).

use onecard_wire::{
    amount::Amount,
    date::Moment,
    fid::Fid,
    record::LogRecord,
    wallet::{Purse, TransactionType},
};

use super::{Begun, RechargeTerms};
use crate::{
    crypto::MAC_LEN,
    over_the_air::{
        Form, PacketCounter, PlaceError, PlacedMac, Script, ScriptAnswer, ScriptError, Tar, commands,
        placed::with_placed_mac,
    },
};

/// Records of the file.
const RECORDS: u8 = 20;
/// Records stand behind SELECT and GET BALANCE.
const FIRST_RECORD: u8 = 3;

/// Whose load took the online sequence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Logged {
    /// This one; with the balance behind it, if every transaction since is of a kind that is known.
    Ours(Option<Amount>),
    /// Another one.
    Other,
    /// No record of it is there any more.
    Gone,
}

/// SELECT, GET BALANCE, and every record from the newest on, each under the maintenance key's MAC: nothing else opens the file to a
/// packet (3.3.2, 19.4.3). A record that does not exist ends the script.
pub(super) fn script<M: PlacedMac>(
    terms: &RechargeTerms,
    counter: PacketCounter,
    keeper: &mut M,
) -> Result<Result<Script, ScriptError>, PlaceError<M::Error>> {
    let mut commands = vec![commands::select_application(terms.enterprise), commands::balance(terms.purse)];
    for (record, number) in (1..=RECORDS).zip(FIRST_RECORD..) {
        commands.push(with_placed_mac(&commands::read_record(Fid::LOG, record), (counter, number), keeper)?);
    }
    Ok(Script::new(Tar::ENTERPRISE, Form::EXPANDED, commands))
}

/// What the log says of the load; the transactions behind it are taken back from the balance there is.
pub(super) fn logged(terms: &RechargeTerms, begun: &Begun, answer: &ScriptAnswer) -> Logged {
    let sequence = begun.online_sequence.wrapping_add(1);
    let mut balance = answer.to_command(2).filter(|response| response.status.is_ok()).and_then(|response| {
        let bytes = response.data.as_slice().try_into().ok()?;
        Some(Amount::from_bytes(bytes))
    });
    for number in usize::from(FIRST_RECORD)..usize::from(FIRST_RECORD + RECORDS) {
        let record = answer.to_command(number).filter(|response| response.status.is_ok());
        // The packet's checksum proves it: the MAC behind the record (4.6.6) is not looked at.
        let record = record.and_then(|response| response.data.split_last_chunk::<MAC_LEN>());
        let Some(record) = record.and_then(|(record, _)| LogRecord::parse(record)) else { break };
        if (record.transaction_type, record.sequence) == (TransactionType::load(terms.purse), sequence) {
            let moment = Moment { date: record.date, time: record.time };
            let ours = (record.amount, record.terminal, moment) == (terms.amount, terms.terminal, begun.moment);
            return if ours { Logged::Ours(balance) } else { Logged::Other };
        }
        balance = balance.and_then(|balance| before(terms.purse, balance, &record));
    }
    Logged::Gone
}

/// The purse's balance before a transaction that left this one; `None` if nobody can say.
fn before(purse: Purse, balance: Amount, record: &LogRecord) -> Option<Amount> {
    let of_ep =
        |kind| matches!(kind, TransactionType::PURCHASE_EP | TransactionType::CAPP | TransactionType::UNLOAD_EP);
    match (purse, record.transaction_type) {
        (Purse::Ep, TransactionType::LOAD_EP | TransactionType::UNDO) => balance.minus(record.amount),
        (Purse::Ep, kind) if of_ep(kind) => balance.plus(record.amount),
        (
            Purse::Ep,
            TransactionType::LOAD_ED
            | TransactionType::UNLOAD_ED
            | TransactionType::CASH_WITHDRAW
            | TransactionType::PURCHASE_ED
            | TransactionType::OVERDRAFT,
        ) => Some(balance),
        // What a packet cannot load (6.3.1), or a type that is not known.
        _ => None,
    }
}
