//! Answers by the names of their fields.

use onecard_wire::{
    amount::Amount,
    ins,
    key::KeyListEntry,
    number::TerminalNumber,
    record::{AccessRight, EventCode, EventRecord, LogRecord, Parameters, PublicData, Zone},
    sam::InitSamAnswer,
    wallet::{Debited, LoadInitialized, Proof, PurchaseInitialized, UpdateInitialized},
};

use super::{
    Answer, Field, Payload, Sent,
    command::{capp_record, moment, transaction_type, yuan},
};

/// The answer's data by name. What does not fit the command's answer is shown as it is.
pub(super) fn decode(sent: &Sent, answer: &Answer) -> Vec<Field> {
    match &answer.data {
        Payload::Hidden(length) => vec![Field::new("data", format!("{length} bytes not shown"))],
        Payload::Shown(bytes) if bytes.is_empty() => Vec::new(),
        Payload::Shown(bytes) => {
            let known = sent.header.and_then(|header| data(header, bytes));
            known.unwrap_or_else(|| vec![Field::hex("data", bytes)])
        }
    }
}

fn data(header: [u8; 4], bytes: &[u8]) -> Option<Vec<Field>> {
    let four = || <[u8; 4]>::try_from(bytes).ok();
    Some(match header {
        [_, ins::SELECT, ..] => public_data(&public_data_of_fci(bytes)?),
        [0x00 | 0x04, ins::READ_BINARY | ins::READ_RECORD, ..] => read(header, bytes)?,
        [_, ins::GET_CHALLENGE, ..] => vec![Field::hex("random", bytes)],
        [_, ins::INTERNAL_AUTHENTICATE, ..] => vec![Field::hex("result", bytes)],
        [_, ins::GET_BALANCE, ..] => vec![Field::new("balance", yuan(Amount::from_bytes(four()?)))],
        [_, ins::INITIALIZE, 0x00 | 0x05, _] => load_initialized(&LoadInitialized::parse(bytes)?),
        [_, ins::INITIALIZE, 0x01..=0x03 | 0x06, _] => purchase_initialized(&PurchaseInitialized::parse(bytes)?),
        [_, ins::INITIALIZE, 0x04, _] => update_initialized(&UpdateInitialized::parse(bytes)?),
        [_, ins::CREDIT_FOR_LOAD | ins::UPDATE_OVERDRAW_LIMIT, ..] => vec![Field::hex("TAC", &four()?)],
        [_, ins::DEBIT, 0x03, _] => vec![Field::hex("MAC3", &four()?)],
        [_, ins::DEBIT, ..] => {
            let Debited { tac, mac2 } = Debited::parse(bytes)?;
            vec![Field::hex("TAC", &tac), Field::hex("MAC2", &mac2)]
        }
        [_, ins::GET_TRANSACTION_PROVE, ..] => {
            let Proof { mac, tac } = Proof::parse(bytes)?;
            vec![Field::hex("MAC", &mac), Field::hex("TAC", &tac)]
        }
        [_, ins::INIT_SAM, ins::SAM_LOAD, _] => vec![Field::hex("MAC2", &four()?)],
        [_, ins::INIT_SAM, ..] => {
            let InitSamAnswer { terminal_sequence, mac1 } = InitSamAnswer::parse(bytes)?;
            vec![Field::new("terminal sequence", terminal_sequence), Field::hex("MAC1", &mac1)]
        }
        [_, ins::SAM_MARK, ..] => vec![Field::hex("MAC", &four()?)],
        [_, ins::DES_CRYPT, ..] => vec![Field::hex("result", bytes)],
        [_, ins::GET_DATA, 0x00, ins::KEY_LIST] => key_list(bytes)?,
        _ => return None,
    })
}

/// EF 0015 out of `6F{84 name, A5{9F0C content}}`, wherever it stands.
pub(super) fn public_data_of_fci(bytes: &[u8]) -> Option<PublicData> {
    const TAG_AND_LENGTH: [u8; 3] = [0x9F, 0x0C, PublicData::LEN as u8];
    let at = bytes.windows(3).position(|window| window == TAG_AND_LENGTH)?;
    PublicData::parse(bytes.get(at + 3..at + 3 + PublicData::LEN)?)
}

fn read([cla, ins, p1, p2]: [u8; 4], bytes: &[u8]) -> Option<Vec<Field>> {
    let (content, mac) = match cla {
        0x04 => bytes.split_last_chunk::<4>().map(|(content, mac)| (content, Some(Field::hex("MAC", mac))))?,
        _ => (bytes, None),
    };
    let known = match (ins, p1, p2) {
        (ins::READ_BINARY, 0x95, 0) => PublicData::parse(content).as_ref().map(public_data),
        (ins::READ_BINARY, 0x96, 0) => {
            content.try_into().ok().map(|bytes| vec![Field::new("terminal", TerminalNumber(bytes))])
        }
        (ins::READ_BINARY, 0x97, 0) => Parameters::parse(content).as_ref().map(parameters),
        (ins::READ_BINARY, 0x99, 0) => access_rights(content),
        (ins::READ_RECORD, _, 0xC4) => LogRecord::parse(content).as_ref().map(log_record),
        (ins::READ_RECORD, _, 0xD4 | 0xDC) => EventRecord::parse(content).as_ref().map(event_record),
        (ins::READ_RECORD, _, 0xE0 | 0xE4) => capp_record(content),
        _ => None,
    };
    let mut fields = known.unwrap_or_else(|| vec![Field::hex("data", content)]);
    fields.extend(mac);
    Some(fields)
}

fn public_data(data: &PublicData) -> Vec<Field> {
    vec![
        Field::new("enterprise", data.enterprise),
        Field::new("card", data.serial),
        Field::new("application type", format_args!("{:02X}", data.application_type.0)),
        Field::new("version", format_args!("{:02X}", data.version)),
        Field::new("valid", format_args!("{} to {}", data.valid_from, data.valid_to)),
    ]
}

fn parameters(parameters: &Parameters) -> Vec<Field> {
    vec![
        Field::new("status", format_args!("{:02X}", parameters.status.0)),
        Field::hex("blacklist version", &parameters.blacklist_version),
        Field::hex("balance expiry", &parameters.balance_expiry),
        Field::new("maximum balance", yuan(parameters.balance_max)),
        Field::new("maximum purchase", yuan(parameters.purchase_max)),
        Field::new("maximum a day", yuan(parameters.day_total_max)),
        Field::new("PIN above", yuan(parameters.pin_threshold)),
        Field::hex("day", &parameters.day),
        Field::new("spent that day", yuan(parameters.spent)),
    ]
}

fn log_record(record: &LogRecord) -> Vec<Field> {
    vec![
        Field::new("sequence after it", record.sequence),
        Field::hex("overdraft limit", &record.overdraft.0),
        Field::new("amount", yuan(record.amount)),
        Field::new("type", transaction_type(record.transaction_type)),
        Field::new("terminal", record.terminal),
        moment("moment", record.date, record.time),
    ]
}

/// The entries that are used; `None` if there is none.
fn access_rights(content: &[u8]) -> Option<Vec<Field>> {
    let entries: Vec<Field> = content
        .chunks_exact(AccessRight::LEN)
        .filter_map(AccessRight::parse)
        .map(|right| {
            let AccessRight { zone, schedule, flags, valid_from, valid_to, .. } = right;
            let passback = if flags & AccessRight::ANTI_PASSBACK == 0 { "" } else { ", anti-passback" };
            let zone = if zone == Zone::ALL { "all zones".to_owned() } else { format!("zone {:04X}", zone.0) };
            Field::new("entry", format_args!("{zone}, schedule {schedule:02X}, {valid_from} to {valid_to}{passback}"))
        })
        .collect();
    (!entries.is_empty()).then_some(entries)
}

fn event_record(record: &EventRecord) -> Vec<Field> {
    let event = match record.event {
        EventCode::IN | EventCode::ACCESS_IN => "in",
        EventCode::OUT | EventCode::ACCESS_OUT => "out",
        EventCode::BREAK_BEGINS => "break begins",
        EventCode::BREAK_ENDS => "break ends",
        EventCode::ACCESS_DENIED => "denied",
        _ => "unknown",
    };
    vec![
        Field::new("terminal", record.terminal),
        Field::new("moment", record.moment),
        Field::new("event", format_args!("{:02X} {event}", record.event.0)),
        Field::new("terminal's counter", record.counter),
    ]
}

/// `E0{C0 05 …}*`, its length in one byte or two.
fn key_list(bytes: &[u8]) -> Option<Vec<Field>> {
    let entries = match bytes {
        [KeyListEntry::LIST_TAG, 0x81, length, entries @ ..] | [KeyListEntry::LIST_TAG, length, entries @ ..]
            if usize::from(*length) == entries.len() =>
        {
            entries
        }
        _ => return None,
    };
    let (entries, rest) = entries.as_chunks::<{ 2 + KeyListEntry::LEN }>();
    let fields = entries.iter().map(|[tag, length, value @ ..]| {
        let known = *tag == KeyListEntry::TAG && usize::from(*length) == KeyListEntry::LEN;
        known.then(|| {
            let KeyListEntry { key_type, id, version, algorithm, tries } = KeyListEntry::from_bytes(*value);
            let text = format_args!(
                "type {:02X} id {id:02X}, version {version:02X}, algorithm {algorithm:02X}, tries {tries:02X}",
                key_type.0
            );
            Field::new("key", text)
        })
    });
    rest.is_empty().then(|| fields.collect()).flatten()
}

fn update_initialized(answer: &UpdateInitialized) -> Vec<Field> {
    vec![
        Field::new("old balance", yuan(answer.old_balance)),
        Field::new("online sequence", answer.online_sequence),
        Field::new("old limit", yuan(answer.old_limit.amount())),
        Field::new("key version", format_args!("{:02X}", answer.key_version.0)),
        Field::new("algorithm", format_args!("{:02X}", answer.algorithm.0)),
        Field::hex("random", &answer.random),
        Field::hex("MAC1", &answer.mac1),
    ]
}

fn load_initialized(answer: &LoadInitialized) -> Vec<Field> {
    vec![
        Field::new("old balance", yuan(answer.old_balance)),
        Field::new("online sequence", answer.online_sequence),
        Field::new("key version", format_args!("{:02X}", answer.key_version.0)),
        Field::new("algorithm", format_args!("{:02X}", answer.algorithm.0)),
        Field::hex("random", &answer.random),
        Field::hex("MAC1", &answer.mac1),
    ]
}

fn purchase_initialized(answer: &PurchaseInitialized) -> Vec<Field> {
    vec![
        Field::new("old balance", yuan(answer.old_balance)),
        Field::new("offline sequence", answer.offline_sequence),
        Field::hex("overdraft limit", &answer.overdraft.0),
        Field::new("key version", format_args!("{:02X}", answer.key_version.0)),
        Field::new("algorithm", format_args!("{:02X}", answer.algorithm.0)),
        Field::hex("random", &answer.random),
    ]
}
