//! What a card tells, decoded; amounts in fen, and beside it every file as it stands.

use std::collections::BTreeMap;

use onecard_host::card::{ReadError, balance, key_list, load_counter, purchase_counter};
use onecard_wire::{
    date::{Date, Moment},
    fid::Fid,
    key::KeyListEntry,
    record::{AccessRight, CappRecord, CardStatus, EventRecord, Holder, LogRecord, Parameters, PublicData},
    wallet::Purse,
};
use serde::Serialize;

use super::reading::{Content, NotRead, Reading};
use crate::{
    commands::card::{LOAD_FOR_AIR_KEY, PURCHASE_KEY, key_names, log::kind_of},
    event_names::of_event,
    people::holder_text,
};

/// Everything.
#[derive(Serialize)]
pub(super) struct Inspection {
    pub(super) serial: String,
    pub(super) enterprise: String,
    /// Whether each file came with the card's MAC, which only a genuine card makes.
    pub(super) proven: bool,
    /// Whether this profile's own parts are there; else it is a plain FMCOS wallet.
    pub(super) own_parts: bool,
    pub(super) application_type: u8,
    pub(super) version: u8,
    pub(super) valid_from: String,
    pub(super) valid_to: String,
    pub(super) holder: Option<HolderFacts>,
    pub(super) parameters: Option<ParameterFacts>,
    pub(super) purses: Vec<PurseFacts>,
    /// `None` from a card that does not list its keys.
    pub(super) keys: Option<Vec<KeyFacts>>,
    pub(super) transactions: Option<Vec<TransactionFacts>>,
    pub(super) access_rights: Option<Vec<RightFacts>>,
    pub(super) attendance: Option<Vec<EventFacts>>,
    pub(super) access: Option<Vec<EventFacts>>,
    pub(super) capp_records: Option<Vec<CappFacts>>,
    /// Each file as it stands, in hexadecimal digits: what a new card is restored from.
    pub(super) files: BTreeMap<String, Content>,
    pub(super) not_read: Vec<NotRead>,
}

#[derive(Serialize)]
pub(super) struct HolderFacts {
    pub(super) card_type: u8,
    pub(super) staff: u8,
    pub(super) name: String,
    pub(super) id_number: String,
    pub(super) id_type: u8,
}

#[derive(Serialize)]
pub(super) struct ParameterFacts {
    pub(super) status: u8,
    #[serde(skip)]
    pub(super) card_status: StatusText,
    pub(super) blacklist_version: String,
    pub(super) balance_expiry: Option<String>,
    pub(super) balance_max_fen: u32,
    pub(super) purchase_max_fen: u32,
    pub(super) day_total_max_fen: u32,
    pub(super) pin_above_fen: u32,
    pub(super) day: Option<String>,
    pub(super) spent_fen: u32,
}

/// The status for people.
pub(super) struct StatusText(pub(super) CardStatus);

/// A purse; `None` is what the card did not tell, without the PIN or in its status.
#[derive(Serialize)]
pub(super) struct PurseFacts {
    pub(super) purse: &'static str,
    pub(super) balance_fen: Option<u32>,
    pub(super) overdraft_fen: Option<u32>,
    pub(super) offline_sequence: Option<u16>,
    pub(super) online_sequence: Option<u16>,
}

#[derive(Serialize)]
pub(super) struct KeyFacts {
    #[serde(rename = "type")]
    pub(super) key_type: String,
    pub(super) id: String,
    /// What it does; `pin` for the PIN, `None` for a stranger.
    pub(super) purpose: Option<&'static str>,
    #[serde(skip)]
    pub(super) chinese: &'static str,
    /// Of a key whose record holds one.
    pub(super) version: Option<u8>,
    /// How often it was replaced, of a key whose record holds no version.
    pub(super) replaced: Option<u8>,
    pub(super) algorithm: u8,
    /// 255 for that and more, and for a key that counts no failures.
    pub(super) tries: u8,
}

#[derive(Serialize)]
pub(super) struct TransactionFacts {
    pub(super) sequence: u16,
    pub(super) kind: &'static str,
    pub(super) amount_fen: u32,
    pub(super) terminal: String,
    pub(super) moment: String,
}

#[derive(Serialize)]
pub(super) struct RightFacts {
    /// Its slot, from 0, as `card rights` names it.
    pub(super) slot: usize,
    /// FFFF: all.
    pub(super) zone: String,
    /// 0: always.
    pub(super) schedule: u8,
    pub(super) anti_passback: bool,
    pub(super) valid_from: String,
    pub(super) valid_to: String,
    pub(super) mac: String,
}

#[derive(Serialize)]
pub(super) struct EventFacts {
    pub(super) event: &'static str,
    #[serde(skip)]
    pub(super) chinese: &'static str,
    pub(super) moment: String,
    pub(super) terminal: String,
    pub(super) counter: u16,
}

#[derive(Serialize)]
pub(super) struct CappFacts {
    #[serde(rename = "type")]
    pub(super) type_id: String,
    pub(super) locked: bool,
    pub(super) data: String,
}

impl Inspection {
    /// Reads every file; what a card refuses is noted.
    pub(super) fn read(reading: &mut Reading<'_>) -> anyhow::Result<Self> {
        let data = reading.application.public_data;
        reading.binary(Fid::PUBLIC_DATA, PublicData::LEN)?;
        let holder = reading.binary(Fid::HOLDER, Holder::LEN)?.and_then(|content| Holder::parse(&content));
        let parameters =
            reading.binary(Fid::PARAMETERS, Parameters::LEN)?.and_then(|content| Parameters::parse(&content));
        let rights = reading.binary(Fid::ACCESS_RIGHTS, AccessRight::FILE_LEN)?;
        let log = reading.records(Fid::LOG, LogRecord::LEN)?;
        let attendance = reading.records(Fid::ATTENDANCE_LOG, EventRecord::LEN)?;
        let access = reading.records(Fid::ACCESS_LOG, EventRecord::LEN)?;
        let capp = reading.records(Fid::CAPP, 0)?;
        let purses = [Purse::Ep, Purse::Ed].map(|purse| PurseFacts::read(reading, purse));
        let [ep, ed] = purses;
        let keys = key_list(&mut *reading.card, reading.application)?;
        Ok(Self {
            serial: data.serial.to_string(),
            enterprise: data.enterprise.to_string(),
            proven: reading.proves(),
            own_parts: reading.application.has_own_parts(),
            application_type: data.application_type.0,
            version: data.version,
            valid_from: data.valid_from.to_string(),
            valid_to: data.valid_to.to_string(),
            holder: holder.as_ref().map(HolderFacts::of),
            parameters: parameters.as_ref().map(ParameterFacts::of),
            purses: vec![ep?, ed?],
            keys: keys.map(|keys| keys.iter().map(KeyFacts::of).collect()),
            transactions: log
                .map(|records| parsed(&records, |record| LogRecord::parse(record).map(TransactionFacts::of))),
            access_rights: rights.map(|content| RightFacts::all(&content)),
            attendance: attendance.map(|records| parsed(&records, EventFacts::parse)),
            access: access.map(|records| parsed(&records, EventFacts::parse)),
            capp_records: capp.map(|records| parsed(&records, CappFacts::parse)),
            files: std::mem::take(&mut reading.files),
            not_read: std::mem::take(&mut reading.not_read),
        })
    }
}

/// Each record that is one; what is none stands in `files` all the same.
fn parsed<T>(records: &[Vec<u8>], parse: impl Fn(&[u8]) -> Option<T>) -> Vec<T> {
    records.iter().filter_map(|record| parse(record)).collect()
}

impl HolderFacts {
    fn of(holder: &Holder) -> Self {
        Self {
            card_type: holder.card_type,
            staff: holder.staff,
            name: holder_text(&holder.name),
            id_number: holder_text(&holder.id_number),
            id_type: holder.id_type,
        }
    }
}

impl ParameterFacts {
    fn of(parameters: &Parameters) -> Self {
        let date = |bytes| Date::from_bytes(bytes).map(|date| date.to_string());
        Self {
            status: parameters.status.0,
            card_status: StatusText(parameters.status),
            blacklist_version: hex::encode_upper(parameters.blacklist_version),
            balance_expiry: date(parameters.balance_expiry),
            balance_max_fen: parameters.balance_max.fen(),
            purchase_max_fen: parameters.purchase_max.fen(),
            day_total_max_fen: parameters.day_total_max.fen(),
            pin_above_fen: parameters.pin_threshold.fen(),
            day: date(parameters.day),
            spent_fen: parameters.spent.fen(),
        }
    }
}

impl PurseFacts {
    fn read(reading: &mut Reading<'_>, purse: Purse) -> Result<Self, ReadError> {
        let (card, application) = (&mut *reading.card, reading.application);
        let balance = told(balance(card, application, purse))?;
        let offline = told(purchase_counter(card, application, purse, PURCHASE_KEY))?;
        let online = told(load_counter(card, application, purse, LOAD_FOR_AIR_KEY))?;
        Ok(Self {
            purse: match purse {
                Purse::Ep => "EP",
                Purse::Ed => "ED",
            },
            balance_fen: balance.map(|amount| amount.fen()),
            overdraft_fen: offline.map(|told| told.overdraft.amount().fen()),
            offline_sequence: offline.map(|told| told.offline_sequence),
            online_sequence: online.map(|told| told.online_sequence),
        })
    }
}

/// What the card refuses to tell is no error.
fn told<T>(read: Result<T, ReadError>) -> Result<Option<T>, ReadError> {
    match read {
        Ok(told) => Ok(Some(told)),
        Err(ReadError::Refused { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

impl KeyFacts {
    fn of(key: &KeyListEntry) -> Self {
        use onecard_wire::key::KeyType;
        let purpose = key_names::purpose(key);
        let (english, chinese) = match (purpose, key.key_type) {
            (Some(purpose), _) => (Some(key_names::english(purpose)), key_names::chinese(purpose)),
            (None, KeyType::PIN) => (Some("PIN"), "密码"),
            (None, _) => (None, "-"),
        };
        let versioned = key_names::has_version(key.key_type);
        Self {
            key_type: format!("{:02X}", key.key_type.0),
            id: format!("{:02X}", key.id),
            purpose: english,
            chinese,
            version: versioned.then_some(key.version),
            replaced: (!versioned).then_some(key.version),
            algorithm: key.algorithm,
            tries: key.tries,
        }
    }
}

impl TransactionFacts {
    fn of(record: LogRecord) -> Self {
        let moment = Moment { date: record.date, time: record.time };
        Self {
            sequence: record.sequence,
            kind: kind_of(record.transaction_type),
            amount_fen: record.amount.fen(),
            terminal: record.terminal.to_string(),
            moment: moment.to_string(),
        }
    }
}

impl RightFacts {
    fn all(content: &[u8]) -> Vec<Self> {
        let slots = content.chunks(AccessRight::LEN).enumerate();
        slots.filter_map(|(slot, entry)| AccessRight::parse(entry).map(|right| Self::of(slot, &right))).collect()
    }

    fn of(slot: usize, right: &AccessRight) -> Self {
        Self {
            slot,
            zone: format!("{:04X}", right.zone.0),
            schedule: right.schedule,
            anti_passback: right.flags & AccessRight::ANTI_PASSBACK != 0,
            valid_from: right.valid_from.to_string(),
            valid_to: right.valid_to.to_string(),
            mac: hex::encode_upper(right.mac),
        }
    }
}

impl EventFacts {
    fn parse(record: &[u8]) -> Option<Self> {
        let record = EventRecord::parse(record)?;
        let (event, chinese) = of_event(record.event);
        let (moment, terminal) = (record.moment.to_string(), record.terminal.to_string());
        Some(Self { event, chinese, moment, terminal, counter: record.counter })
    }
}

impl CappFacts {
    fn parse(record: &[u8]) -> Option<Self> {
        let record = CappRecord::parse(record)?;
        Some(Self {
            type_id: format!("{:02X}", record.type_id),
            locked: record.lock != CappRecord::OPEN,
            data: hex::encode_upper(record.data),
        })
    }
}
