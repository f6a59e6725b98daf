//! The fields of a profile.

use onecard_host::{
    access::{RightTerms, Slot},
    issuing::{KeyBeside, SamRole},
    keys::{CheckValue, Purpose},
};
use onecard_wire::{
    amount::Amount,
    date::Date,
    fid::Fid,
    globalplatform::key_version,
    key::KeyVersion,
    record::{Parameters, Zone},
};
use toml::de::{DeTable, DeValue};

use super::{
    CardTerms, DomainKeys, FORMAT, Kind, PinRule, Profile, ProfileProblem, RightRule, SamTerms, SimTerms,
    section::{Problems, Section},
};
use crate::numbers::{Printed, Serials, Series};

/// Reads all of it.
pub(super) fn read(text: &str) -> Result<Profile, Vec<ProfileProblem>> {
    let problems = Problems::new(text);
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => {
            let line = problems.line_of(error.span().map_or(0, |span| span.start));
            return Err(vec![ProfileProblem { line, text: format!("this is not TOML: {}", error.message()) }]);
        }
    };
    let mut root = Section::new("", 0, table.get_ref(), &problems);
    let profile = whole(&mut root);
    root.end();
    match (profile, problems.into_found()) {
        (Some(profile), found) if found.is_empty() => Ok(profile),
        (_, found) => Err(found),
    }
}

fn whole(root: &mut Section<'_, '_>) -> Option<Profile> {
    let format = root.required("format", &format!("{FORMAT:?}"), |value| string(value).filter(|text| text == FORMAT));
    let what = root.required("kind", "\"cpu-card\", \"rfid-sim\" or \"sam\"", |value| match string(value)?.as_str() {
        "cpu-card" => Some(What::CpuCard),
        "rfid-sim" => Some(What::RfidSim),
        "sam" => Some(What::Sam),
        _ => None,
    });
    let enterprise = root.required("enterprise", "16 digits in quotation marks", |value| string(value)?.parse().ok());
    let mut validity = root.table("validity");
    let valid_from = validity.required("from", DAY, date);
    let valid_to = validity.required("to", "a day YYYY-MM-DD, not before from", |value| {
        date(value).filter(|to| valid_from.is_none_or(|from| from <= *to))
    });
    validity.end();
    let mut keys = root.table("keys");
    let key_version = keys.or("version", VERSION, KeyVersion(1), version);
    let operator_key_version = keys.or("operator_version", VERSION, KeyVersion(1), version);
    // What is wrong with version or days is told; the rest is read all the same, so that all of it is.
    let kind = match what {
        Some(What::Sam) => sam_terms(root, &mut keys, key_version.unwrap_or(KeyVersion(1))).map(Kind::Sam),
        Some(What::RfidSim) => {
            let (domain, card) = (domain(root), card_terms(root, &mut keys, [valid_from, valid_to]));
            domain.zip(card).map(|((domain_key_version, domain_keys), card)| {
                Kind::RfidSim(SimTerms { card, domain_key_version, domain_keys })
            })
        }
        Some(What::CpuCard) => card_terms(root, &mut keys, [valid_from, valid_to]).map(Kind::CpuCard),
        // Which fields there may be is not known without it.
        None => {
            root.forget();
            keys.forget();
            return None;
        }
    };
    let check_values = check_values(&mut keys);
    keys.end();
    let mut files = root.table("files");
    let directory =
        files.or("directory", "a file identifier of four hexadecimal digits, DF01 to DFFE", DIRECTORY, |value| {
            let text = string(value).filter(|text| text.len() == 4)?;
            u16::from_str_radix(&text, 16).ok().filter(|fid| (0xDF01..=0xDFFE).contains(fid)).map(Fid)
        });
    files.end();
    let mut numbers = root.table("numbers");
    let series = series(&mut numbers, what == Some(What::Sam));
    let ledger =
        numbers.required("ledger", "the name of a file", |value| string(value).filter(|name| !name.is_empty()));
    numbers.end();
    format?;
    Some(Profile {
        enterprise: enterprise?,
        kind: kind?,
        valid_from: valid_from?,
        valid_to: valid_to?,
        operator_key_version: operator_key_version?,
        key_version: key_version?,
        check_values: check_values?,
        directory: directory?,
        series: series?,
        ledger: ledger?.into(),
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    CpuCard,
    RfidSim,
    Sam,
}

/// The directory of a card's first application.
const DIRECTORY: Fid = Fid(0xDF01);
const DAY: &str = "a day YYYY-MM-DD";
const VERSION: &str = "a version, 0 to 255";

fn card_terms(
    root: &mut Section<'_, '_>,
    keys: &mut Section<'_, '_>,
    validity: [Option<Date>; 2],
) -> Option<CardTerms> {
    let mut holder = root.table("holder");
    let card_type = holder.or("card_type", "a number, 0 to 255", 1, byte);
    let staff = holder.or("staff", "true or false", false, DeValue::as_bool);
    let pin = holder.required("pin", "\"id-number\" (its last six digits) or \"file\"", |value| {
        match string(value)?.as_str() {
            "id-number" => Some(PinRule::IdNumber),
            "file" => Some(PinRule::File),
            _ => None,
        }
    });
    holder.end();
    let parameters = parameters(root);
    let beside: Vec<_> = keys.tables("beside").into_iter().map(beside).collect();
    let mut rights: Vec<_> = root.tables("access").into_iter().map(|section| right(section, validity)).collect();
    // The same slot twice is told where it is read.
    rights.sort_by_key(|right| right.as_ref().map(|(slot, _)| slot.number()));
    if rights.windows(2).any(|pair| matches!(pair, [Some((one, _)), Some((other, _))] if one == other)) {
        root.problem(root.line(), "access", "expected each slot once, found one twice");
        return None;
    }
    Some(CardTerms {
        card_type: card_type?,
        staff: staff?,
        pin: pin?,
        parameters: parameters?,
        beside: beside.into_iter().collect::<Option<_>>()?,
        rights: rights.into_iter().collect::<Option<_>>()?,
    })
}

/// How the issuer domain of SIMs is opened.
fn domain(root: &mut Section<'_, '_>) -> Option<(u8, DomainKeys)> {
    const VERSION: &str = "the version of an SCP03 key set in quotation marks, \"30\" to \"3F\"";
    let mut section = root.table("sim");
    let version = section.or("key_version", VERSION, *key_version::SCP03.start(), |value| {
        let text = string(value).filter(|text| text.len() == 2)?;
        u8::from_str_radix(&text, 16).ok().filter(|version| key_version::SCP03.contains(version))
    });
    let keys =
        section.or("keys", "\"operator\" or \"test\"", DomainKeys::Operator, |value| match string(value)?.as_str() {
            "operator" => Some(DomainKeys::Operator),
            "test" => Some(DomainKeys::Test),
            _ => None,
        });
    section.end();
    version.zip(keys)
}

fn parameters(root: &mut Section<'_, '_>) -> Option<Parameters> {
    const YUAN: &str = "yuan in quotation marks, such as \"500.00\"";
    let mut limits = root.table("limits");
    let mut limit = |field| limits.or(field, YUAN, Amount::ZERO, yuan);
    let [balance_max, purchase_max, day_total_max, pin_threshold] =
        ["balance_max", "purchase_max", "day_max", "pin_above"].map(&mut limit);
    let until = limits.optional("balance_until", DAY, date);
    limits.end();
    Some(Parameters {
        balance_expiry: until?.map_or([0; 4], Date::to_bytes),
        balance_max: balance_max?,
        purchase_max: purchase_max?,
        day_total_max: day_total_max?,
        pin_threshold: pin_threshold?,
        ..Parameters::UNLIMITED
    })
}

fn beside(mut section: Section<'_, '_>) -> Option<KeyBeside> {
    let purpose = section.required("purpose", "\"purchase\", \"load\" or \"load-for-air\"", |value| {
        match string(value)?.as_str() {
            "purchase" => Some(Purpose::Purchase),
            "load" => Some(Purpose::Load),
            "load-for-air" => Some(Purpose::LoadForAir),
            _ => None,
        }
    });
    let (expected, ids) = match purpose {
        Some(Purpose::Load) => ("an index, 2 to 15", 0x02..=0x0F),
        Some(Purpose::LoadForAir) => ("an index, 18 to 255", 0x12..=0xFF),
        _ => ("an index, 2 to 255", 0x02..=0xFF),
    };
    let id = section.required("id", expected, |value| byte(value).filter(|id| ids.contains(id)));
    let version = section.required("version", VERSION, version);
    section.end();
    Some(KeyBeside { purpose: purpose?, id: id?, version: version? })
}

fn right(mut section: Section<'_, '_>, [valid_from, valid_to]: [Option<Date>; 2]) -> Option<(Slot, RightRule)> {
    let slot = section.required("slot", "a slot, 0 to 13", |value| byte(value).and_then(Slot::new));
    let zone = section.required("zone", "a zone, 1 to 65534, or \"all\"", |value| match string(value).as_deref() {
        Some("all") => Some(Zone::ALL),
        Some(_) => None,
        None => integer(value)
            .and_then(|zone| u16::try_from(zone).ok())
            .filter(|zone| !matches!(zone, 0 | 0xFFFF))
            .map(Zone),
    });
    let schedule = section.or("schedule", "a row of the schedule table, 0 (always) to 255", 0, byte);
    let anti_passback = section.or("anti_passback", "true or false", false, DeValue::as_bool);
    let from = section.optional("from", DAY, date);
    let to = section.optional("to", DAY, date);
    section.end();
    let (from, to) = (from?, to?);
    let terms = RightTerms {
        zone: zone?,
        schedule: schedule?,
        anti_passback: anti_passback?,
        valid_from: from.or(valid_from)?,
        valid_to: to.or(valid_to)?,
    };
    Some((slot?, RightRule { terms, as_card: from.is_none() && to.is_none() }))
}

fn sam_terms(root: &mut Section<'_, '_>, keys: &mut Section<'_, '_>, first: KeyVersion) -> Option<SamTerms> {
    let mut section = root.table("sam");
    let role =
        section.required("role", "\"till\", \"recharge\", \"door\", \"attendance\" or \"service-desk\"", |value| {
            Some(match string(value)?.as_str() {
                "till" => SamRole::Till,
                "recharge" => SamRole::Recharge,
                "door" => SamRole::Door,
                "attendance" => SamRole::Attendance,
                "service-desk" => SamRole::ServiceDesk,
                _ => return None,
            })
        });
    let load_limit = section.or("load_limit", "yuan in quotation marks, such as \"10000.00\"", Amount::ZERO, yuan);
    section.end();
    let further = keys.or("further_versions", "versions, as [2, 3]", Vec::new(), |value| {
        value.as_array()?.iter().map(|item| version(item.get_ref())).collect()
    });
    let role = role?;
    let versions = core::iter::once(first).chain(further?);
    Some(SamTerms { role, keys: versions.flat_map(|version| role.keys(version)).collect(), load_limit: load_limit? })
}

fn series(numbers: &mut Section<'_, '_>, sams: bool) -> Option<Series> {
    let serials = if sams {
        let prefix = numbers.or("prefix", "10 digits in quotation marks", "0".repeat(10), |value| {
            string(value).filter(|text| text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit()))
        });
        prefix.map(|prefix| Serials::Sam { prefix })
    } else {
        let province = numbers.required("province", "a number, 0 to 99", |value| below(value, 100));
        let attribute = numbers.required("attribute", "a number, 0 to 999", |value| below(value, 1_000));
        let printed = printed(numbers);
        match (province, attribute, printed) {
            (Some(province), Some(attribute), Some(printed)) => {
                Some(Serials::Application { province: u8::try_from(province).ok()?, attribute, printed })
            }
            _ => None,
        }
    };
    let first = numbers.required("first", "a number, 0 to 9999999999", running);
    let last = numbers.required("last", "a number from first to 9999999999 within one hundred million", |value| {
        running(value).filter(|last| first.is_none_or(|first| Series::is_range(first, *last)))
    });
    Some(Series { serials: serials?, first: first?, last: last? })
}

/// What the enterprise's keys must be, told by the people who made them.
fn check_values(keys: &mut Section<'_, '_>) -> Option<Vec<(Purpose, CheckValue)>> {
    let name = |text: &str| Purpose::ALL.into_iter().find(|purpose| purpose_name(*purpose) == text);
    let expected = [
        "the name of a key, such as control, load or access-authentication",
        "6 hexadecimal digits in quotation marks",
    ];
    keys.table("check_values").entries(expected, name, |value| {
        let mut bytes = [0; 3];
        hex::decode_to_slice(value.as_str()?, &mut bytes).ok().map(|()| CheckValue(bytes))
    })
}

/// As key files name it: `access-authentication`.
fn purpose_name(purpose: Purpose) -> String {
    serde_json::to_value(purpose).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The 19 digits printed on a card.
fn printed(numbers: &mut Section<'_, '_>) -> Option<Printed> {
    let mut section = numbers.table("printed");
    let mut part = |field| section.required(field, "a number, 0 to 99", |value| below(value, 100));
    let [year, vendor, version, card_type] = ["year", "vendor", "version", "card_type"].map(&mut part);
    section.end();
    let two = |part: Option<u16>| part.and_then(|part| u8::try_from(part).ok());
    Some(Printed { year: two(year)?, vendor: two(vendor)?, version: two(version)?, card_type: two(card_type)? })
}

fn string(value: &DeValue<'_>) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn integer(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

fn running(value: &DeValue<'_>) -> Option<u64> {
    integer(value).and_then(|number| u64::try_from(number).ok()).filter(|number| *number <= Series::LAST)
}

fn below(value: &DeValue<'_>, limit: u16) -> Option<u16> {
    integer(value).and_then(|number| u16::try_from(number).ok()).filter(|number| *number < limit)
}

fn byte(value: &DeValue<'_>) -> Option<u8> {
    integer(value).and_then(|number| u8::try_from(number).ok())
}

fn version(value: &DeValue<'_>) -> Option<KeyVersion> {
    byte(value).map(KeyVersion)
}

fn yuan(value: &DeValue<'_>) -> Option<Amount> {
    Amount::parse_yuan(value.as_str()?)
}

/// A TOML date, or one in quotation marks.
fn date(value: &DeValue<'_>) -> Option<Date> {
    match value.as_datetime() {
        Some(datetime) => Date::parse(&datetime.to_string()),
        None => Date::parse(value.as_str()?),
    }
}
