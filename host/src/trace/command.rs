//! Commands by name, parameters and fields.

use onecard_wire::{
    aid,
    amount::Amount,
    date::{Date, Moment, Time},
    fid::Fid,
    ins,
    key::KeyType,
    layout::Reader,
    number::TerminalNumber,
    record::CappRecord,
    sam::{InitSam, Mark, Usage},
    wallet::{CreditForLoad, DebitForPurchase, Initialize, Purse, TransactionType, UpdateOverdrawLimit},
};

use super::{Field, Payload, Sent, field::factors};
use crate::apdu::CommandName;

/// What the standard calls the command.
pub(super) fn name(header: Option<[u8; 4]>) -> String {
    let known = match header {
        None => "less than a command",
        Some([_, ins::SELECT, ..]) => "SELECT",
        Some([_, ins::READ_BINARY, ..]) => "READ BINARY",
        Some([_, ins::READ_RECORD, ..]) => "READ RECORD",
        Some([_, ins::UPDATE_BINARY | ins::WRITE_BINARY, ..]) => "UPDATE BINARY",
        Some([0x80 | 0x84, ins::UPDATE_RECORD, ..]) => "UPDATE CAPP DATA CACHE",
        Some([_, ins::UPDATE_RECORD, ..]) => "UPDATE RECORD",
        Some([_, ins::APPEND_RECORD, ..]) => "APPEND RECORD",
        Some([_, ins::GET_CHALLENGE, ..]) => "GET CHALLENGE",
        Some([_, ins::GET_RESPONSE, ..]) => "GET RESPONSE",
        Some([_, ins::EXTERNAL_AUTHENTICATE, ..]) => "EXTERNAL AUTHENTICATE",
        Some([_, ins::INTERNAL_AUTHENTICATE, ..]) => "INTERNAL AUTHENTICATE",
        Some([_, ins::VERIFY, ..]) => "VERIFY PIN",
        Some([_, ins::CHANGE_OR_RELOAD_PIN, 0x01, _]) => "CHANGE PIN",
        Some([_, ins::CHANGE_OR_RELOAD_PIN, ..]) => "RELOAD PIN",
        Some([_, ins::PIN_UNBLOCK, ..]) => "PIN UNBLOCK",
        Some([_, ins::APPLICATION_BLOCK, ..]) => "APPLICATION BLOCK",
        Some([_, ins::APPLICATION_UNBLOCK, ..]) => "APPLICATION UNBLOCK",
        Some([_, ins::CARD_BLOCK, ..]) => "CARD BLOCK",
        Some([_, ins::CREATE_FILE, ..]) => "CREATE FILE",
        Some([_, ins::WRITE_KEY, ..]) => "WRITE KEY",
        Some([_, ins::ERASE_DF, ..]) => "ERASE DF",
        Some([_, ins::INITIALIZE, p1, _]) => initialize_name(p1),
        Some([_, ins::CREDIT_FOR_LOAD, ..]) => "CREDIT FOR LOAD",
        Some([_, ins::DEBIT, ins::DEBIT_PURCHASE, _]) => "DEBIT FOR PURCHASE",
        Some([_, ins::DEBIT, ins::DEBIT_UNDO, _]) => "DEBIT FOR UNDO",
        Some([_, ins::DEBIT, ..]) => "DEBIT FOR UNLOAD",
        Some([_, ins::UPDATE_OVERDRAW_LIMIT, ..]) => "UPDATE OVERDRAW LIMIT",
        Some([_, ins::GET_TRANSACTION_PROVE, ..]) => "GET TRANSACTION PROVE",
        Some([_, ins::GET_BALANCE, ..]) => "GET BALANCE",
        Some([_, ins::GET_DATA, 0x00, ins::KEY_LIST]) => "GET DATA, key list",
        Some([_, ins::GET_DATA, ..]) => "GET DATA",
        Some([_, ins::INIT_SAM, ins::SAM_LOAD, _]) => "INIT_SAM for a load",
        Some([_, ins::INIT_SAM, ins::SAM_UNDO, _]) => "INIT_SAM for an undo",
        Some([_, ins::INIT_SAM, ..]) => "INIT_SAM_FOR_PURCHASE",
        Some([_, ins::CREDIT_SAM, ins::SAM_PAST_PURCHASE, _]) => "CREDIT_SAM for a past purchase",
        Some([_, ins::CREDIT_SAM, ins::SAM_CHECK_LOAD, _]) => "CREDIT_SAM, MAC1 of a load alone",
        Some([_, ins::CREDIT_SAM, ins::SAM_UNDO, _]) => "CREDIT_SAM for an undo",
        Some([_, ins::CREDIT_SAM, ..]) => "CREDIT_SAM_FOR_PURCHASE",
        Some([_, ins::SAM_MARK, ..]) => "MAC that marks a listed card",
        Some([_, ins::INIT_FOR_DESCRYPT, ..]) => "INIT_FOR_DESCRYPT",
        Some([_, ins::DES_CRYPT, ..]) => "DES CRYPT",
        Some([_, unknown, ..]) => return format!("unknown command {unknown:02X}"),
    };
    let protected = matches!(header, Some([0x04 | 0x84, ..]));
    if protected { format!("{known} with line protection") } else { known.to_owned() }
}

/// The table that knows what the command's status words mean.
pub(super) fn command_name(header: Option<[u8; 4]>) -> Option<CommandName> {
    let [cla, ins, p1, _] = header?;
    Some(match ins {
        ins::SELECT => CommandName::Select,
        ins::READ_BINARY | ins::READ_RECORD => CommandName::Read,
        ins::UPDATE_CAPP_DATA_CACHE if cla & 0x80 != 0 => CommandName::UpdateCappDataCache,
        ins::UPDATE_BINARY | ins::WRITE_BINARY | ins::UPDATE_RECORD | ins::APPEND_RECORD => CommandName::Write,
        ins::GET_CHALLENGE => CommandName::GetChallenge,
        ins::EXTERNAL_AUTHENTICATE => CommandName::ExternalAuthenticate,
        ins::INTERNAL_AUTHENTICATE => CommandName::InternalAuthenticate,
        ins::VERIFY => CommandName::Verify,
        ins::CHANGE_OR_RELOAD_PIN if p1 == 0x01 => CommandName::Verify,
        ins::CHANGE_OR_RELOAD_PIN | ins::PIN_UNBLOCK => CommandName::ReplacePin,
        ins::APPLICATION_BLOCK | ins::APPLICATION_UNBLOCK | ins::CARD_BLOCK => CommandName::Block,
        ins::CREATE_FILE => CommandName::CreateFile,
        ins::WRITE_KEY => CommandName::WriteKey,
        ins::ERASE_DF => CommandName::EraseDf,
        ins::GET_BALANCE => CommandName::GetBalance,
        ins::INITIALIZE if p1 == ins::INITIALIZE_LOAD => CommandName::InitializeForLoad,
        ins::INITIALIZE if p1 == ins::INITIALIZE_UNDO => CommandName::InitializeForUndo,
        ins::INITIALIZE if p1 == ins::INITIALIZE_UNLOAD => CommandName::InitializeForUnload,
        ins::INITIALIZE if p1 == ins::INITIALIZE_UPDATE => CommandName::InitializeForUpdate,
        ins::INITIALIZE => CommandName::InitializeForPurchase,
        ins::CREDIT_FOR_LOAD => CommandName::CreditForLoad,
        ins::DEBIT if p1 == ins::DEBIT_UNDO => CommandName::DebitForUndo,
        ins::DEBIT if p1 == ins::DEBIT_UNLOAD => CommandName::DebitForUnload,
        ins::DEBIT => CommandName::DebitForPurchase,
        ins::UPDATE_OVERDRAW_LIMIT => CommandName::UpdateOverdrawLimit,
        ins::GET_TRANSACTION_PROVE => CommandName::GetTransactionProve,
        ins::INIT_SAM => CommandName::InitSam,
        ins::CREDIT_SAM => CommandName::CreditSam,
        ins::INIT_FOR_DESCRYPT | ins::DES_CRYPT => CommandName::DesCrypt,
        _ => return None,
    })
}

/// Parameters and data by name. What does not fit the command's layout is shown as it is.
pub(super) fn decode(sent: &Sent) -> Vec<Field> {
    let Some(header) = sent.header else { return Vec::new() };
    let mut fields = parameters(header, sent.data.bytes());
    match &sent.data {
        Payload::Hidden(length) => fields.push(Field::new("data", format!("{length} bytes not shown"))),
        Payload::Shown(bytes) if bytes.is_empty() => {}
        Payload::Shown(bytes) => fields.extend(data(header, bytes).unwrap_or_else(|| vec![Field::hex("data", bytes)])),
    }
    fields
}

fn initialize_name(p1: u8) -> &'static str {
    match p1 {
        0x00 => "INITIALIZE FOR LOAD",
        0x01 => "INITIALIZE FOR PURCHASE",
        0x02 => "INITIALIZE FOR CASH WITHDRAW",
        0x03 => "INITIALIZE FOR CAPP PURCHASE",
        0x04 => "INITIALIZE FOR UPDATE",
        0x05 => "INITIALIZE FOR UNLOAD",
        0x06 => "INITIALIZE FOR UNDO",
        _ => "INITIALIZE, of no known kind",
    }
}

/// What P1 and P2 say.
fn parameters([_, ins, p1, p2]: [u8; 4], data: &[u8]) -> Vec<Field> {
    let key_id = |id: u8| Field::new("key id", format_args!("{id:02X}"));
    match ins {
        ins::SELECT => vec![Field::new("by", if p1 == 0x04 { "name" } else { "file identifier" })],
        ins::READ_BINARY | ins::UPDATE_BINARY | ins::WRITE_BINARY => binary_place(p1, p2),
        ins::READ_RECORD | ins::UPDATE_RECORD | ins::APPEND_RECORD => record_place(p1, p2),
        ins::EXTERNAL_AUTHENTICATE | ins::VERIFY | ins::CHANGE_OR_RELOAD_PIN => vec![key_id(p2)],
        ins::INTERNAL_AUTHENTICATE => {
            let how = match p1 {
                0x00 => "encipher",
                0x01 => "decipher",
                0x02 => "MAC",
                _ => "unknown",
            };
            vec![Field::new("how", how), key_id(p2)]
        }
        ins::APPLICATION_BLOCK => vec![Field::new("for good", if p2 == 0x01 { "yes" } else { "no" })],
        ins::WRITE_KEY => {
            let what = match p1 {
                0x00 => "of a SAM".to_owned(),
                0x01 => "added".to_owned(),
                replaced => format!("replaces {}", key_type(replaced)),
            };
            vec![Field::new("key", what), key_id(p2)]
        }
        ins::CREATE_FILE => vec![Field::new("file", file(u16::from_be_bytes([p1, p2])))],
        ins::INITIALIZE | ins::GET_BALANCE => {
            let purse = Purse::from_p2(p2).map_or("unknown", purse_name);
            vec![Field::new("purse", purse)]
        }
        ins::GET_TRANSACTION_PROVE => {
            let sequence = Reader::new(data).u16().map(|sequence| Field::new("sequence after it", sequence));
            [Field::new("type", transaction_type(TransactionType(p2)))].into_iter().chain(sequence).collect()
        }
        ins::INIT_FOR_DESCRYPT => {
            let usage = Usage(p1);
            vec![
                Field::new("usage", format_args!("kind {:02X}, {} levels", usage.kind().0, usage.levels())),
                Field::new("key version", format_args!("{p2:02X}")),
            ]
        }
        ins::DES_CRYPT => vec![Field::new("how", descrypt_mode(p1))],
        _ => Vec::new(),
    }
}

/// The data field; `None` if it is not laid out as the command's.
fn data(header: [u8; 4], bytes: &[u8]) -> Option<Vec<Field>> {
    let mut reader = Reader::new(bytes);
    let fields = match header {
        [_, ins::SELECT, 0x04, _] => vec![Field::new("name", application_name(reader.slice(bytes.len())?))],
        [_, ins::SELECT, ..] => vec![Field::new("file", file(reader.u16()?))],
        [_, ins::INITIALIZE, 0x04, _] => {
            vec![Field::new("key id", reader.u8()?), Field::new("terminal", TerminalNumber(reader.array()?))]
        }
        [_, ins::INITIALIZE, ..] => {
            let Initialize { key_id, amount, terminal } = Initialize::parse(reader.slice(bytes.len())?)?;
            vec![
                Field::new("key id", format_args!("{key_id:02X}")),
                Field::new("amount", yuan(amount)),
                Field::new("terminal", terminal),
            ]
        }
        [_, ins::CREDIT_FOR_LOAD, ..] | [_, ins::DEBIT, 0x03, _] => {
            let CreditForLoad { date, time, mac2 } = CreditForLoad::parse(reader.slice(bytes.len())?)?;
            vec![moment("host's moment", date, time), Field::hex("MAC2", &mac2)]
        }
        [_, ins::DEBIT, ..] => {
            let debit = DebitForPurchase::parse(reader.slice(bytes.len())?)?;
            vec![
                Field::new("terminal sequence", debit.terminal_sequence),
                moment("terminal's moment", debit.date, debit.time),
                Field::hex("MAC1", &debit.mac1),
            ]
        }
        [_, ins::UPDATE_OVERDRAW_LIMIT, ..] => {
            let UpdateOverdrawLimit { new_limit, moment, mac2 } =
                UpdateOverdrawLimit::parse(reader.slice(bytes.len())?)?;
            vec![
                Field::new("new limit", yuan(new_limit.amount())),
                Field::new("host's moment", moment),
                Field::hex("MAC2", &mac2),
            ]
        }
        [0x80, ins::UPDATE_CAPP_DATA_CACHE, ..] => capp_record(reader.slice(bytes.len())?)?,
        [_, ins::GET_TRANSACTION_PROVE, ..] => reader.u16().map(|_| Vec::new())?,
        [_, ins::INIT_SAM | ins::CREDIT_SAM | ins::INIT_FOR_DESCRYPT | ins::SAM_MARK, ..] => {
            sam_data(header, &mut reader)?
        }
        [_, ins::CREATE_FILE, ..] => created(&mut reader)?,
        [0x04 | 0x84, ..] => {
            let length = bytes.len().checked_sub(4)?;
            let plain = reader.slice(length)?;
            let mac = Field::hex("MAC", &reader.array::<4>()?);
            if plain.is_empty() { vec![mac] } else { vec![Field::hex("data", plain), mac] }
        }
        _ => return None,
    };
    reader.end(fields)
}

/// The data field of a SAM's own commands.
fn sam_data(header: [u8; 4], reader: &mut Reader<'_>) -> Option<Vec<Field>> {
    Some(match header {
        [_, ins::INIT_SAM, ins::SAM_LOAD, _] => load_request(reader, 0)?,
        [_, ins::INIT_SAM, ..] => {
            let mut fields = init_sam(&InitSam::read(reader)?);
            fields.extend(factors(reader, 0));
            fields
        }
        [_, ins::CREDIT_SAM, ins::SAM_PAST_PURCHASE, _] => {
            let mut fields = vec![Field::new("terminal sequence", reader.u32()?)];
            fields.extend(init_sam(&InitSam::read(reader)?));
            fields.extend(factors(reader, 4));
            fields.push(Field::hex("MAC2", &reader.array::<4>()?));
            fields
        }
        [_, ins::CREDIT_SAM, ins::SAM_CHECK_LOAD, _] => {
            let mut fields = load_request(reader, 6)?;
            fields.push(Field::new("terminal", TerminalNumber(reader.array()?)));
            fields
        }
        [_, ins::CREDIT_SAM, ..] => vec![Field::hex("MAC2", &reader.array::<4>()?)],
        [_, ins::INIT_FOR_DESCRYPT, ..] => factors(reader, 0),
        [_, ins::SAM_MARK, ..] => {
            let Mark { challenge, list_version, serial } = Mark::parse(reader.slice(Mark::LEN)?)?;
            vec![
                Field::hex("challenge", &challenge),
                Field::hex("blacklist version", &list_version),
                Field::hex("card", &serial),
            ]
        }
        _ => return None,
    })
}

/// `behind` bytes follow it.
fn load_request(reader: &mut Reader<'_>, behind: usize) -> Option<Vec<Field>> {
    let mut fields = init_sam(&InitSam::read(reader)?);
    fields.extend(factors(reader, 8 + behind));
    fields.push(Field::new("old balance", yuan(Amount::from_bytes(reader.array()?))));
    fields.push(Field::hex("MAC1", &reader.array::<4>()?));
    Some(fields)
}

pub(super) fn capp_record(bytes: &[u8]) -> Option<Vec<Field>> {
    let CappRecord { type_id, lock, data } = CappRecord::parse(bytes)?;
    let lock = if lock == CappRecord::OPEN { "open".to_owned() } else { format!("locked ({lock:02X})") };
    Some(vec![
        Field::new("CAPP type", format_args!("{type_id:02X}")),
        Field::new("lock", lock),
        Field::hex("record", data),
    ])
}

fn init_sam(init: &InitSam) -> Vec<Field> {
    vec![
        Field::hex("card's random", &init.random),
        Field::new("card sequence", init.card_sequence),
        Field::new("amount", yuan(init.amount)),
        Field::new("type", transaction_type(init.transaction_type)),
        Field::new("moment", init.moment),
        Field::new("key version", format_args!("{:02X}", init.key_version.0)),
        Field::new("algorithm", format_args!("{:02X}", init.algorithm.0)),
    ]
}

fn created(reader: &mut Reader<'_>) -> Option<Vec<Field>> {
    let kind = reader.u8()?;
    let mut fields = vec![Field::new("type", format_args!("{kind:02X}")), Field::hex("size", &reader.array::<2>()?)];
    let rest = reader.rest();
    fields.push(match kind {
        0x38 => Field::hex("rights and name", reader.slice(rest.len())?),
        _ => Field::hex("rights and keys", reader.slice(rest.len())?),
    });
    Some(fields)
}

fn binary_place(p1: u8, p2: u8) -> Vec<Field> {
    if p1 & 0xE0 == 0x80 {
        let place = file(u16::from(p1 & 0x1F));
        return vec![Field::new("file", place), Field::new("offset", p2)];
    }
    vec![Field::new("file", "current"), Field::new("offset", u16::from_be_bytes([p1, p2]))]
}

fn record_place(p1: u8, p2: u8) -> Vec<Field> {
    let place = if p2 >> 3 == 0 { "current".to_owned() } else { file(u16::from(p2 >> 3)) };
    vec![Field::new("file", place), Field::new(if p2 & 0x07 == 0x04 { "record number" } else { "record tag" }, p1)]
}

pub(super) fn moment(name: &'static str, date: Date, time: Time) -> Field {
    Field::new(name, Moment { date, time })
}

pub(super) fn yuan(amount: Amount) -> String {
    format!("{amount} yuan")
}

pub(super) fn transaction_type(transaction_type: TransactionType) -> String {
    let name = match transaction_type {
        TransactionType::LOAD_ED => "load of the ED",
        TransactionType::LOAD_EP => "load of the EP",
        TransactionType::UNLOAD_ED => "unload of the ED",
        TransactionType::CASH_WITHDRAW => "cash withdrawal",
        TransactionType::PURCHASE_ED => "purchase from the ED",
        TransactionType::PURCHASE_EP => "purchase from the EP",
        TransactionType::OVERDRAFT => "overdraft update",
        TransactionType::CAPP => "compound purchase",
        TransactionType::UNDO => "undo of a purchase",
        TransactionType::UNLOAD_EP => "unload of the EP",
        _ => "unknown",
    };
    format!("{:02X} {name}", transaction_type.0)
}

pub(super) fn purse_name(purse: Purse) -> &'static str {
    match purse {
        Purse::Ed => "ED",
        Purse::Ep => "EP",
    }
}

fn file(fid: u16) -> String {
    let name = match Fid(fid) {
        Fid::MF => "master file",
        Fid::KEY => "keys",
        Fid::ED => "electronic deposit",
        Fid::EP => "electronic purse",
        Fid::PUBLIC_DATA => "public data",
        Fid::HOLDER => "holder, or a SAM's terminal number",
        Fid::PARAMETERS => "one-card parameters, or a SAM's public data",
        Fid::LOG => "transaction log, or a SAM's sequence",
        Fid::ACCESS_RIGHTS => "access rights, or a SAM's load limit",
        Fid::ATTENDANCE_LOG => "attendance log",
        Fid::ACCESS_LOG => "access log",
        Fid::CAPP => "compound-purchase records",
        _ => return format!("{fid:04X}"),
    };
    format!("{fid:04X} {name}")
}

pub(super) fn application_name(name: &[u8]) -> String {
    let digits = hex::encode_upper(name);
    match name.strip_prefix(&aid::RID) {
        Some([0x01, id @ ..]) => format!("{digits} (application of enterprise {})", hex::encode_upper(id)),
        Some([0x02, id @ ..]) => format!("{digits} (SAM of enterprise {})", hex::encode_upper(id)),
        _ if name == aid::MF_NAME => format!("{digits} (master file)"),
        _ => digits,
    }
}

fn key_type(byte: u8) -> String {
    let (key_type, protected) = KeyType::split(byte);
    let protection = if protected { ", protected" } else { "" };
    format!("type {:02X}{protection}", key_type.0)
}

fn descrypt_mode(p1: u8) -> &'static str {
    match p1 {
        0x00 => "encipher",
        0x01 => "MAC",
        0x05 => "MAC, IV before the data",
        0x02 | 0x03 | 0x07 => "more blocks follow",
        0x80 => "decipher",
        _ => "unknown",
    }
}
