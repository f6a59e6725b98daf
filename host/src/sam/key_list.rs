//! Which working keys a SAM in a slot holds, by its key list (own, profile §3.2).

use onecard_wire::{
    key::{KeyListEntry, KeyVersion},
    sam::{Usage, UsageKind},
};

use super::SamError;
use crate::{apdu::exchange, key_list, transport::Transport};

/// P2 of `80 74`: the newest the SAM holds.
pub(super) const NEWEST: KeyVersion = KeyVersion(0x00);

/// All pages; `None` from a SAM that lists no keys, with whatever word it refuses. The SAM's own two keys, of a card's form,
/// are left out.
pub(super) fn working_keys<T: Transport + ?Sized>(transport: &mut T) -> Result<Option<Vec<KeyListEntry>>, SamError> {
    let mut working = Vec::new();
    for number in 0..=u8::MAX {
        let Ok(list) = exchange(transport, &key_list::page(number))?.done() else { return Ok(None) };
        let page = key_list::parse(&list).ok_or(SamError::Malformed(list.len()))?;
        working.extend(page.iter().filter(|listed| listed.working).map(|listed| listed.key));
        if page.len() < KeyListEntry::PAGE {
            break;
        }
    }
    Ok(Some(working))
}

/// The versions of `kind`, of whatever level, the newest first; `None` from a SAM that lists no keys.
pub(super) fn listed_versions<T: Transport + ?Sized>(
    transport: &mut T,
    kind: UsageKind,
) -> Result<Option<Vec<KeyVersion>>, SamError> {
    let versions = working_keys(transport)?.map(|keys| {
        let of_kind = keys.iter().filter(|key| kind_of(key) == kind);
        let mut versions: Vec<_> = of_kind.map(|key| KeyVersion(key.version)).collect();
        versions.sort_by_key(|version| core::cmp::Reverse(version.0));
        versions
    });
    Ok(versions)
}

/// What a working key is for.
pub(super) fn kind_of(key: &KeyListEntry) -> UsageKind {
    Usage(key.key_type.0).kind()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::transport::Scripted;
    use hex_literal::hex;

    const ASK: [u8; 5] = hex!("80CA00E000");

    fn versions(exchanges: &[(&[u8], &[u8])]) -> Result<Option<Vec<KeyVersion>>, SamError> {
        let mut slot = Scripted::new(exchanges);
        let found = listed_versions(&mut slot, UsageKind::MARKING);
        slot.finish();
        found
    }

    #[test]
    fn every_version_of_the_kind_is_told_the_newest_first() {
        // Of any level; a key of a card's form whose type would be the usage is none.
        let list = hex!("E0 1C C1052E010100FF C1052E050504FF C10522090900FF C0052E070700FF 9000");
        assert_eq!(versions(&[(&ASK, &list)]), Ok(Some(vec![KeyVersion(5), KeyVersion(1)])));
        // A full page is followed by another.
        let entry = hex!("C1052E010100FF");
        let full = [&hex!("E081FC")[..], &entry.repeat(KeyListEntry::PAGE), &hex!("9000")].concat();
        let found =
            versions(&[(&ASK, &full), (&hex!("80CA01E000"), &hex!("E007 C1052E020200FF 9000"))]).unwrap().unwrap();
        assert_eq!((found.len(), found.first()), (KeyListEntry::PAGE + 1, Some(&KeyVersion(2))));
        assert_eq!(versions(&[(&ASK, &hex!("E000 9000"))]), Ok(Some(vec![])));
    }

    #[test]
    fn a_sam_without_a_list_is_no_error_and_a_broken_list_is_one() {
        for word in [hex!("6D00"), hex!("6E00"), hex!("6A86"), hex!("6A82"), hex!("6A81")] {
            assert_eq!(versions(&[(&ASK, &word)]), Ok(None));
        }
        for broken in [&hex!("9000")[..], &hex!("E008 C1052E020200FF 9000"), &hex!("E003 C10500 9000")] {
            assert_eq!(versions(&[(&ASK, broken)]), Err(SamError::Malformed(broken.len() - 2)));
        }
    }
}
