//! Which cipher each key of a SAM is of, by its own list of keys (own, profile §3.2): DES CRYPT tells none.

use iso7816_tlv::ber::{Tlv, Value};
use onecard_wire::{
    ins,
    key::{Algorithm, AlgorithmId, KeyListEntry},
    sam::{Usage, UsageKind},
};

use super::PsamCard;
use crate::{
    apdu::{Command, exchange},
    sam::SamError,
    transport::Transport,
};

impl<T: Transport> PsamCard<T> {
    /// The same SAM, asked for the ciphers of its keys, as [`Self::with_algorithm`] names them. A SAM that lists no keys is
    /// left as it is. Where a kind stands in several versions, that of the maintenance key's counts.
    ///
    /// # Errors
    /// [`SamError`] if there is no answer, or the list is none.
    pub fn with_listed_algorithms(mut self) -> Result<Self, SamError> {
        for page in 0..=u8::MAX {
            let ask = Command::new(ins::CLA_PBOC, ins::GET_DATA, page, ins::KEY_LIST).expecting(0);
            let Ok(list) = exchange(&mut self.transport, &ask)?.done() else { return Ok(self) };
            let keys = parse(&list).ok_or(SamError::Malformed(list.len()))?;
            if keys.is_empty() {
                break;
            }
            for key in keys {
                let (kind, algorithm) = (Usage(key.key_type.0).kind(), AlgorithmId(key.algorithm).algorithm());
                let named = self.algorithms.iter().any(|(named, _)| *named == kind);
                if !named || key.version == self.maintenance_version.0 {
                    self = self.with_algorithm(kind, algorithm);
                }
            }
        }
        Ok(self)
    }

    pub(super) fn algorithm_of(&self, kind: UsageKind) -> Algorithm {
        let named = self.algorithms.iter().find(|(named, _)| *named == kind);
        named.map_or(Algorithm::Des, |(_, algorithm)| *algorithm)
    }
}

/// `E0 L {tag 05 entry}*`: working keys have a tag of their own.
fn parse(list: &[u8]) -> Option<Vec<KeyListEntry>> {
    let template = Tlv::from_bytes(list).ok()?;
    let entries = match template.value() {
        _ if template.tag().to_bytes() != [KeyListEntry::LIST_TAG] => return None,
        Value::Constructed(entries) => entries.as_slice(),
        Value::Primitive(nothing) => return nothing.is_empty().then(Vec::new),
    };
    let working = entries.iter().filter(|entry| entry.tag().to_bytes() == [KeyListEntry::SAM_TAG]);
    let entry = |entry: &Tlv| match entry.value() {
        Value::Primitive(value) => value.as_slice().try_into().ok().map(KeyListEntry::from_bytes),
        Value::Constructed(_) => None,
    };
    working.map(entry).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{sam::Levels, transport::Scripted};
    use hex_literal::hex;
    use onecard_wire::key::KeyVersion;

    const FIRST: [u8; 5] = hex!("80CA00E000");
    const SECOND: [u8; 5] = hex!("80CA01E000");

    fn asked(exchanges: &[(&[u8], &[u8])]) -> Result<PsamCard<Scripted>, SamError> {
        let opening: [(&[u8], &[u8]); 3] = [
            (&hex!("00A40000023F0000"), &hex!("9000")),
            (&hex!("00B0960006"), &hex!("000000001234 9000")),
            (&hex!("00A404000E F04F4E4543 02 1000000000000001 00"), &hex!("9000")),
        ];
        let card = Scripted::new(&[&opening[..], exchanges].concat());
        let enterprise = "1000000000000001".parse().unwrap();
        PsamCard::open(card, enterprise, Levels::Serial, KeyVersion(2)).unwrap().with_listed_algorithms()
    }

    #[test]
    fn a_sam_tells_the_cipher_of_each_key() {
        // Maintenance (05) SM4 in version 1, AES in version 2 and SM4 in version 3; a key of the directory's own.
        let list = hex!("E01C C1052500 0104FF C1052500 0206FF C1052500 0304FF C0053900 0004FF 9000");
        let sam = asked(&[(&FIRST, &list), (&SECOND, &hex!("E000 9000"))]).unwrap();
        assert_eq!(sam.algorithm_of(UsageKind::CARD_MAINTENANCE), Algorithm::Aes);
        assert_eq!(sam.algorithm_of(UsageKind::PURCHASE), Algorithm::Des);
        sam.into_transport().finish();
    }

    #[test]
    fn a_sam_without_a_list_has_triple_des() {
        for status in [hex!("6D00"), hex!("6E00"), hex!("6A86")] {
            let sam = asked(&[(&FIRST, &status)]).unwrap();
            assert_eq!(sam.algorithm_of(UsageKind::CARD_MAINTENANCE), Algorithm::Des);
        }
        let wrong = asked(&[(&FIRST, &hex!("E103 C10125 9000"))]);
        assert_eq!(wrong.err(), Some(SamError::Malformed(5)));
    }
}
