//! Which versions of a working key a SAM in a slot holds, by its key list (own, profile §3.2).

use onecard_wire::{
    ins,
    key::{KeyListEntry, KeyVersion},
    sam::{Usage, UsageKind},
};

use super::{SamError, psam::send};
use crate::{apdu::Command, transport::Transport};

/// P2 of `80 74`: the newest the SAM holds.
pub(super) const NEWEST: KeyVersion = KeyVersion(0x00);

/// The versions of `kind`, the newest first; `None` from a SAM that does not list its keys.
pub(super) fn listed_versions<T: Transport + ?Sized>(
    transport: &mut T,
    kind: UsageKind,
) -> Result<Option<Vec<KeyVersion>>, SamError> {
    let mut versions = Vec::new();
    for page in 0..=u8::MAX {
        let ask = Command::new(ins::CLA_PBOC, ins::GET_DATA, page, ins::KEY_LIST).expecting(0);
        let list = match send(transport, &ask) {
            Ok(list) => list,
            Err(SamError::NotSupported | SamError::NoSuchKey) => return Ok(None),
            Err(error) => return Err(error),
        };
        let entries = entries(&list).ok_or(SamError::Malformed(list.len()))?;
        versions.extend(entries.iter().filter_map(|entry| version_of(kind, entry)));
        if entries.len() < KeyListEntry::PAGE {
            break;
        }
    }
    versions.sort_by_key(|version| core::cmp::Reverse(version.0));
    Ok(Some(versions))
}

/// Tag, length, value.
type Entry = [u8; 2 + KeyListEntry::LEN];

/// `E0 L {C0 or C1 05 entry}*`.
fn entries(list: &[u8]) -> Option<&[Entry]> {
    let (length, objects) = match list {
        [KeyListEntry::LIST_TAG, 0x81, length, objects @ ..] | [KeyListEntry::LIST_TAG, length, objects @ ..] => {
            (*length, objects)
        }
        _ => return None,
    };
    let (entries, rest) = objects.as_chunks();
    (rest.is_empty() && objects.len() == usize::from(length)).then_some(entries)
}

/// The SAM's own two keys, of a card's form, have another tag.
fn version_of(kind: UsageKind, [tag, length, value @ ..]: &Entry) -> Option<KeyVersion> {
    let KeyListEntry { key_type: usage, version, .. } = KeyListEntry::from_bytes(*value);
    let is_one = (*tag, usize::from(*length)) == (KeyListEntry::SAM_TAG, KeyListEntry::LEN);
    (is_one && Usage(usage.0).kind() == kind).then_some(KeyVersion(version))
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
        for word in [hex!("6D00"), hex!("6E00"), hex!("6A86"), hex!("6A82")] {
            assert_eq!(versions(&[(&ASK, &word)]), Ok(None));
        }
        for broken in [&hex!("9000")[..], &hex!("E008 C1052E020200FF 9000"), &hex!("E003 C10500 9000")] {
            assert_eq!(versions(&[(&ASK, broken)]), Err(SamError::Malformed(broken.len() - 2)));
        }
    }
}
