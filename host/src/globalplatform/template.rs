//! Reading the BER-TLV objects of a domain's answers.

use iso7816_tlv::ber::{Tag, Tlv, Value};

/// What a domain's longest answer fits. The reader descends once for each nested template: a false card must not choose
/// how deep.
const LEN_MAX: usize = 4096;

/// The objects in `data`, one after another; `None` if they are not all of it.
pub(super) fn objects(data: &[u8]) -> Option<Vec<Tlv>> {
    let mut rest = data;
    let mut found = Vec::new();
    if data.len() > LEN_MAX {
        return None;
    }
    while !rest.is_empty() {
        let (object, after) = Tlv::parse(rest);
        found.push(object.ok()?);
        rest = after;
    }
    Some(found)
}

/// The one object in `data`, if it is a `tag`.
pub(super) fn object(data: &[u8], tag: u16) -> Option<Tlv> {
    let mut found = objects(data)?;
    let object = found.pop()?;
    (found.is_empty() && is(&object, tag)).then_some(object)
}

/// Whether it is a `tag`.
pub(super) fn is(object: &Tlv, tag: u16) -> bool {
    let [high, low] = tag.to_be_bytes();
    let tag: &[u8] = if high == 0 { &[low] } else { &[high, low] };
    Tag::to_bytes(object.tag()) == tag
}

/// What is in a template.
pub(super) fn children(object: &Tlv) -> &[Tlv] {
    match object.value() {
        Value::Constructed(children) => children,
        Value::Primitive(_) => &[],
    }
}

/// The first `tag` in a template.
pub(super) fn child(object: &Tlv, tag: u16) -> Option<&Tlv> {
    children(object).iter().find(|child| is(child, tag))
}

/// The value of an object that is no template.
pub(super) fn value(object: &Tlv) -> Option<&[u8]> {
    match object.value() {
        Value::Primitive(bytes) => Some(bytes),
        Value::Constructed(_) => None,
    }
}

/// The value of the first `tag` in a template.
pub(super) fn child_value(object: &Tlv, tag: u16) -> Option<&[u8]> {
    child(object, tag).and_then(value)
}
