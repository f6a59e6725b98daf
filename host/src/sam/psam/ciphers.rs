//! Which cipher each key of a SAM is of, by its own list of keys (own, profile §3.2): DES CRYPT tells none.

use onecard_wire::{
    key::{Algorithm, AlgorithmId},
    sam::UsageKind,
};

use super::PsamCard;
use crate::{
    sam::{
        SamError,
        key_list::{kind_of, working_keys},
    },
    transport::Transport,
};

impl<T: Transport> PsamCard<T> {
    /// The same SAM, asked for the ciphers of its keys, as [`Self::with_algorithm`] names them. A SAM that lists no keys is
    /// left as it is. Where a kind stands in several versions, that of the maintenance key's counts.
    ///
    /// # Errors
    /// [`SamError`] if there is no answer, or the list is none.
    pub fn with_listed_algorithms(mut self) -> Result<Self, SamError> {
        for key in working_keys(&mut self.transport)?.unwrap_or_default() {
            let (kind, algorithm) = (kind_of(&key), AlgorithmId(key.algorithm).algorithm());
            let named = self.algorithms.iter().any(|(named, _)| *named == kind);
            if !named || key.version == self.maintenance_version.0 {
                self = self.with_algorithm(kind, algorithm);
            }
        }
        Ok(self)
    }

    pub(super) fn algorithm_of(&self, kind: UsageKind) -> Algorithm {
        let named = self.algorithms.iter().find(|(named, _)| *named == kind);
        named.map_or(Algorithm::Des, |(_, algorithm)| *algorithm)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{sam::Levels, transport::Scripted};
    use hex_literal::hex;
    use onecard_wire::key::KeyVersion;

    const FIRST: [u8; 5] = hex!("80CA00E000");

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
        let sam = asked(&[(&FIRST, &list)]).unwrap();
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
