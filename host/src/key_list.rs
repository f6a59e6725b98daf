//! The list of keys without their values that `80 CA 00 E0` answers (own, profile §3.2), of a card or a SAM.

use iso7816_tlv::ber::{Tlv, Value};
use onecard_wire::{ins, key::KeyListEntry};

use crate::apdu::Command;

/// One key of a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Listed {
    /// Under C1, a SAM's working key: its type is a usage and its id a version.
    pub(crate) working: bool,
    pub(crate) key: KeyListEntry,
}

/// Asks for a page of the list, counted from 0.
pub(crate) fn page(number: u8) -> Command {
    Command::new(ins::CLA_PBOC, ins::GET_DATA, number, ins::KEY_LIST).expecting(0)
}

/// `E0 L {C0 or C1 05 entry}*`; `None` if it is anything else.
pub(crate) fn parse(list: &[u8]) -> Option<Vec<Listed>> {
    let template = Tlv::from_bytes(list).ok()?;
    match template.value() {
        _ if template.tag().to_bytes() != [KeyListEntry::LIST_TAG] => None,
        Value::Constructed(entries) => entries.iter().map(listed).collect(),
        Value::Primitive(nothing) => nothing.is_empty().then(Vec::new),
    }
}

fn listed(object: &Tlv) -> Option<Listed> {
    let working = match object.tag().to_bytes() {
        [KeyListEntry::TAG] => false,
        [KeyListEntry::SAM_TAG] => true,
        _ => return None,
    };
    let Value::Primitive(value) = object.value() else { return None };
    Some(Listed { working, key: KeyListEntry::from_bytes(value.as_slice().try_into().ok()?) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use hex_literal::hex;
    use onecard_wire::key::KeyType;

    #[test]
    fn keys_of_cards_and_of_sams_are_told_apart() {
        let keys = parse(&hex!("E00E C005 3E01020400 C105 2E05050600")).unwrap();
        let purchase = KeyListEntry { key_type: KeyType::PURCHASE, id: 1, version: 2, algorithm: 4, tries: 0 };
        assert_eq!(keys.first(), Some(&Listed { working: false, key: purchase }));
        assert_eq!(keys.get(1).map(|listed| (listed.working, listed.key.id)), Some((true, 5)));
        assert_eq!(parse(&hex!("E000")), Some(vec![]));
        // More than 127 bytes of entries have a length of two bytes.
        let many = [&hex!("E081FC")[..], &hex!("C1052E010100FF").repeat(KeyListEntry::PAGE)].concat();
        assert_eq!(parse(&many).map(|keys| keys.len()), Some(KeyListEntry::PAGE));
    }

    #[test]
    fn anything_else_is_no_list() {
        for broken in [
            &hex!("")[..],
            &hex!("E003 C10500"),
            &hex!("E008 C1052E020200FF"),
            &hex!("E105 C0033E0102"),
            &hex!("E005 C0033E0102"),
            &hex!("E007 C2053E01020400"),
            &hex!("C005 3E01020400"),
        ] {
            assert_eq!(parse(broken), None, "{broken:02X?}");
        }
    }
}
