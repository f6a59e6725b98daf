//! The bytes of a list (own):
//!
//! | bytes | field |
//! |---|---|
//! | 4 | `4F 43 42 4C` |
//! | 1 | format, 01 |
//! | 1 | kind: 01 whole list, 02 changes |
//! | 8 | enterprise id |
//! | 7 | list version |
//! | 7 | changes: version of the list they are made for; whole list: zero |
//! | 4 | cards listed after it |
//! | 4, 4 | additions, removals; whole list: cards listed, 0 |
//! | 4 | length of the body |
//! | … | body |
//! | 64 | Ed25519 signature (RFC 8032) of everything before it |
//!
//! A card's number is the first 15 digits of its serial, as the 16th is their check digit. Body of a whole list: the set of
//! numbers in the portable 64-bit serialisation of RoaringFormatSpec. Body of changes: the serials added, then those removed,
//! 8 bytes each, both ascending.

use onecard_wire::{
    layout::Reader,
    number::{ApplicationSerial, EnterpriseId},
};
use roaring::RoaringTreemap;

use super::{BlacklistError, ListKey, ListVersion};

const MAGIC: [u8; 4] = *b"OCBL";
const FORMAT: u8 = 0x01;
const WHOLE: u8 = 0x01;
const CHANGES: u8 = 0x02;
const HEADER_LEN: usize = 44;
pub(super) const SIGNATURE_LEN: usize = 64;
const SERIAL_LEN: usize = 8;
/// Numbers have 15 digits.
const NUMBER_END: u64 = 1_000_000_000_000_000;
/// Serials within a province and attribute.
const SERIALS: u64 = 10_000_000_000;

/// What was signed.
#[derive(Debug)]
pub(super) struct Update {
    pub(super) version: ListVersion,
    pub(super) listed: u32,
    pub(super) body: Body,
}

#[derive(Debug)]
pub(super) enum Body {
    Whole(RoaringTreemap),
    Changes { base: ListVersion, additions: Vec<ApplicationSerial>, removals: Vec<ApplicationSerial> },
}

/// The first 15 digits.
pub(crate) fn number(serial: ApplicationSerial) -> u64 {
    let digits = serial
        .to_bytes()
        .iter()
        .fold(0, |digits: u64, byte| digits * 100 + u64::from(byte >> 4) * 10 + u64::from(byte & 0x0F));
    digits / 10
}

/// The serial that begins with these 15 digits; `None` for more digits.
pub(super) fn serial(number: u64) -> Option<ApplicationSerial> {
    let prefix = number / SERIALS;
    let (province, attribute) = (u8::try_from(prefix / 1_000).ok()?, u16::try_from(prefix % 1_000).ok()?);
    ApplicationSerial::from_parts(province, attribute, number % SERIALS)
}

/// Length of the list that begins `bytes`, which may go on behind it; `None` if it is not all there.
pub(super) fn first_length(bytes: &[u8]) -> Option<usize> {
    let header = Header::read(bytes)?;
    let length = HEADER_LEN.checked_add(header.body_length)?.checked_add(SIGNATURE_LEN)?;
    (length <= bytes.len()).then_some(length)
}

/// Whether `bytes` are a whole list rather than changes.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    Header::read(bytes).is_some_and(|header| header.kind == WHOLE)
}

/// What `bytes` say, if `key` signed it for `enterprise`. Nothing behind the header is looked at before that.
pub(super) fn verified(bytes: &[u8], enterprise: EnterpriseId, key: &ListKey) -> Result<Update, BlacklistError> {
    let (signed, signature) =
        bytes.split_last_chunk::<SIGNATURE_LEN>().ok_or(BlacklistError::Malformed("too few bytes"))?;
    let header = Header::read(signed).ok_or(BlacklistError::Malformed("no header"))?;
    let (_, body) = signed.split_at_checked(HEADER_LEN).ok_or(BlacklistError::Malformed("no header"))?;
    if header.magic != MAGIC {
        return Err(BlacklistError::Malformed("it begins otherwise"));
    }
    if header.format != FORMAT {
        return Err(BlacklistError::Format(header.format));
    }
    if header.body_length != body.len() {
        return Err(BlacklistError::Malformed("it is cut short or goes on behind its end"));
    }
    if header.enterprise != enterprise.to_bytes() {
        let found = EnterpriseId::from_bytes(header.enterprise);
        let found = found.ok_or(BlacklistError::Malformed("an enterprise id that is no number"))?;
        return Err(BlacklistError::OtherEnterprise { found, expected: enterprise });
    }
    key.verify(signed, signature)?;
    let body = match header.kind {
        WHOLE => Body::Whole(whole(&header, body)?),
        CHANGES => changes(&header, body)?,
        _ => return Err(BlacklistError::Contradictory("it is neither a whole list nor changes")),
    };
    Ok(Update { version: header.version, listed: header.listed, body })
}

/// The bytes of a whole list, without the signature.
pub(super) fn emit_whole(
    enterprise: EnterpriseId,
    version: ListVersion,
    numbers: &RoaringTreemap,
) -> Result<Vec<u8>, BlacklistError> {
    let mut body = Vec::with_capacity(numbers.serialized_size());
    numbers.serialize_into(&mut body).map_err(|_| TOO_LONG)?;
    let listed = u32::try_from(numbers.len()).map_err(|_| TOO_LONG)?;
    let counts = [listed, listed, 0];
    emit(WHOLE, enterprise, [version, ListVersion([0; 7])], counts, &body)
}

/// The bytes of the changes from `base` to a list of `listed` cards, without the signature.
pub(super) fn emit_changes(
    enterprise: EnterpriseId,
    [version, base]: [ListVersion; 2],
    listed: u64,
    [additions, removals]: [&RoaringTreemap; 2],
) -> Result<Vec<u8>, BlacklistError> {
    let mut counts = [0; 3];
    for (count, length) in counts.iter_mut().zip([listed, additions.len(), removals.len()]) {
        *count = u32::try_from(length).map_err(|_| TOO_LONG)?;
    }
    let serials = additions.iter().chain(removals).filter_map(serial);
    let body: Vec<u8> = serials.flat_map(ApplicationSerial::to_bytes).collect();
    emit(CHANGES, enterprise, [version, base], counts, &body)
}

const TOO_LONG: BlacklistError = BlacklistError::Contradictory("it is too long for its format");

fn emit(
    kind: u8,
    enterprise: EnterpriseId,
    [version, base]: [ListVersion; 2],
    counts: [u32; 3],
    body: &[u8],
) -> Result<Vec<u8>, BlacklistError> {
    let length = u32::try_from(body.len()).map_err(|_| TOO_LONG)?;
    let mut bytes = Vec::with_capacity(HEADER_LEN + body.len() + SIGNATURE_LEN);
    bytes.extend(MAGIC);
    bytes.extend([FORMAT, kind]);
    bytes.extend(enterprise.to_bytes());
    bytes.extend(version.0);
    bytes.extend(base.0);
    bytes.extend(counts.into_iter().chain([length]).flat_map(u32::to_be_bytes));
    bytes.extend(body);
    Ok(bytes)
}

/// `numbers` with the changes, in buffers of just their length.
pub(super) fn changed(
    numbers: &RoaringTreemap,
    additions: &[ApplicationSerial],
    removals: &[ApplicationSerial],
    listed: u32,
) -> Result<RoaringTreemap, BlacklistError> {
    let mut numbers = numbers.clone();
    if !removals.iter().all(|serial| numbers.remove(number(*serial))) {
        return Err(BlacklistError::Contradictory("it takes a card off that is not listed"));
    }
    if !additions.iter().all(|serial| numbers.insert(number(*serial))) {
        return Err(BlacklistError::Contradictory("it adds a card that is listed already"));
    }
    if numbers.len() != u64::from(listed) {
        return Err(BlacklistError::Contradictory("it does not list as many cards as it says"));
    }
    fitted(&numbers)
}

/// The same set in buffers of just their length: those that grew may be twice as long.
fn fitted(numbers: &RoaringTreemap) -> Result<RoaringTreemap, BlacklistError> {
    let mut bytes = Vec::with_capacity(numbers.serialized_size());
    let written = numbers.serialize_into(&mut bytes);
    written.and_then(|()| RoaringTreemap::deserialize_from(&bytes[..])).map_err(|_| TOO_LONG)
}

/// What stands in front of every body.
struct Header {
    magic: [u8; 4],
    format: u8,
    kind: u8,
    enterprise: [u8; 8],
    version: ListVersion,
    base: ListVersion,
    listed: u32,
    additions: u32,
    removals: u32,
    body_length: usize,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        Some(Self {
            magic: reader.array()?,
            format: reader.u8()?,
            kind: reader.u8()?,
            enterprise: reader.array()?,
            version: ListVersion(reader.array()?),
            base: ListVersion(reader.array()?),
            listed: reader.u32()?,
            additions: reader.u32()?,
            removals: reader.u32()?,
            body_length: usize::try_from(reader.u32()?).ok()?,
        })
    }
}

fn whole(header: &Header, body: &[u8]) -> Result<RoaringTreemap, BlacklistError> {
    let mut rest = body;
    let numbers = RoaringTreemap::deserialize_from(&mut rest);
    let numbers = numbers.map_err(|_| BlacklistError::Contradictory("its set does not read"))?;
    // A key that comes twice would hide cards.
    if !rest.is_empty() || numbers.serialized_size() != body.len() {
        return Err(BlacklistError::Contradictory("its set has another length"));
    }
    if numbers.max().is_some_and(|number| number >= NUMBER_END) {
        return Err(BlacklistError::Contradictory("it lists a number that no card has"));
    }
    let counts = [header.listed, header.additions].map(u64::from);
    if counts != [numbers.len(); 2] || header.removals != 0 || header.base != ListVersion([0; 7]) {
        return Err(BlacklistError::Contradictory("its header says otherwise than its set"));
    }
    Ok(numbers)
}

fn changes(header: &Header, body: &[u8]) -> Result<Body, BlacklistError> {
    let (entries, rest) = body.as_chunks::<SERIAL_LEN>();
    let additions = usize::try_from(header.additions).ok();
    let split = additions.filter(|_| rest.is_empty()).and_then(|additions| entries.split_at_checked(additions));
    let (additions, removals) = split.ok_or(BlacklistError::Contradictory("it has other lengths than it says"))?;
    if removals.len() as u64 != u64::from(header.removals) {
        return Err(BlacklistError::Contradictory("it has other lengths than it says"));
    }
    if header.base >= header.version {
        return Err(BlacklistError::Contradictory("it is older than the list it is made for"));
    }
    Ok(Body::Changes { base: header.base, additions: serials(additions)?, removals: serials(removals)? })
}

fn serials(entries: &[[u8; SERIAL_LEN]]) -> Result<Vec<ApplicationSerial>, BlacklistError> {
    if !entries.is_sorted_by(|left, right| left < right) {
        return Err(BlacklistError::Contradictory("its serials are not in ascending order"));
    }
    let serials = entries.iter().map(|entry| ApplicationSerial::from_bytes(*entry)).collect::<Option<_>>();
    serials.ok_or(BlacklistError::Contradictory("it lists a serial that no card has"))
}
