//! Response packets: proofs of receipt (ETSI TS 102 225 clause 5.2; over SMS 3GPP TS 31.115 clause 4).

use heapless::Vec;
use onecard_wire::ota::{COUNTER_LEN, REPORT_MAX, RESPONSE_CLEAR_LEN, RESPONSE_HEADER, USER_DATA_MAX};

use super::{
    assembly::PARTS_LEN_MAX,
    checksum::{Integrity, RedundancyCheck},
    packet::PacketKeys,
};
use crate::crypto::ZERO_BLOCK;

/// Longest response packet that goes into one short message.
pub(crate) const ONE_MESSAGE_MAX: usize = USER_DATA_MAX - RESPONSE_HEADER.len();
/// Longest in a delivery report.
const IN_REPORT_MAX: usize = REPORT_MAX - RESPONSE_HEADER.len();
/// Longest of all: the first part's header has element 71, too.
pub(crate) const PROOF_MAX: usize = PARTS_LEN_MAX - 2;
/// Most data in one, unsecured.
pub(crate) const PROOF_DATA_MAX: usize = PROOF_MAX - RESPONSE_CLEAR_LEN - COUNTERS_LEN;
/// CNTR, PCNTR, status.
const COUNTERS_LEN: usize = COUNTER_LEN + 2;
/// RHL counts TAR, CNTR, PCNTR, status, and the RC/CC field.
const RHL_WITHOUT_CHECK: usize = 10;

/// A response packet, RPL to padding.
pub(crate) type Packet = Vec<u8, PROOF_MAX>;

/// What commands answered, as it goes into a proof.
pub(crate) type ProofData = Vec<u8, PROOF_DATA_MAX>;

/// A packet on its way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Proof(Packet);

/// How it travels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Route {
    /// In the delivery report: the answer of the ENVELOPE.
    Report,
    /// By short message, in parts if it is long.
    Submit,
}

/// What a command packet fixes of its proof.
pub(crate) struct Shape {
    pub(crate) tar: [u8; 3],
    pub(crate) counter: [u8; COUNTER_LEN],
    /// If it has a redundancy check.
    pub(crate) redundancy: Option<RedundancyCheck>,
    pub(crate) with_checksum: bool,
    pub(crate) ciphered: bool,
    /// `None` only if nothing above needs them.
    pub(crate) keys: Option<PacketKeys>,
}

impl Shape {
    /// Most data that travels so.
    pub(crate) fn room(&self, route: Route) -> usize {
        let most = match route {
            Route::Report => IN_REPORT_MAX,
            Route::Submit => PROOF_MAX,
        };
        let behind_tar = most - RESPONSE_CLEAR_LEN;
        let whole_blocks = behind_tar - behind_tar % self.block_len();
        whole_blocks - COUNTERS_LEN - self.integrity().len()
    }

    /// The packet; `None` if it has no room for the data: a fault of this program.
    pub(crate) fn proof(&self, status: u8, data: &[u8]) -> Option<Proof> {
        let integrity = self.integrity();
        let unpadded = COUNTERS_LEN + integrity.len() + data.len();
        let padding = unpadded.next_multiple_of(self.block_len()) - unpadded;
        let [rpl_high, rpl_low] = ((RESPONSE_CLEAR_LEN - 2 + unpadded + padding) as u16).to_be_bytes();
        let rhl = (RHL_WITHOUT_CHECK + integrity.len()) as u8;
        let ([t1, t2, t3], [c1, c2, c3, c4, c5]) = (self.tar, self.counter);
        let head = [rpl_high, rpl_low, rhl, t1, t2, t3, c1, c2, c3, c4, c5, padding as u8, status];
        let padding = ZERO_BLOCK.get(..padding)?;
        let check = integrity.over(&[&RESPONSE_HEADER, &head, data, padding]);
        let mut packet = Packet::new();
        for part in [&head[..], &check, data, padding] {
            packet.extend_from_slice(part).ok()?;
        }
        if let (true, Some(keys)) = (self.ciphered, &self.keys) {
            keys.ciphering.encipher_cbc(ZERO_BLOCK, packet.get_mut(RESPONSE_CLEAR_LEN..)?);
        }
        Some(Proof(packet))
    }

    fn integrity(&self) -> Integrity<'_> {
        match (&self.keys, self.redundancy) {
            (Some(keys), _) if self.with_checksum => Integrity::Checksum(&keys.checksum),
            (_, Some(redundancy)) => Integrity::Redundancy(redundancy),
            _ => Integrity::Nothing,
        }
    }

    fn block_len(&self) -> usize {
        self.keys.as_ref().filter(|_| self.ciphered).map_or(1, |keys| keys.ciphering.block_len())
    }
}

impl Proof {
    /// Of a packet whose keys do not count yet: with no security, no counter, no data. What was deciphered is not told.
    pub(crate) fn in_clear(tar: [u8; 3], status: u8) -> Self {
        let [t1, t2, t3] = tar;
        let length = (RHL_WITHOUT_CHECK + 1) as u8;
        Self([0, length, RHL_WITHOUT_CHECK as u8, t1, t2, t3, 0, 0, 0, 0, 0, 0, status].into_iter().collect())
    }

    /// The packet.
    pub(crate) fn packet(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    extern crate std;

    use onecard_vectors::Vectors;
    use std::println;

    use super::*;
    use crate::ota::packet::tests::key;

    /// Two real cards' answers among them.
    #[test]
    fn published_responses_are_made_byte_for_byte() {
        let mut made = 0;
        for vector in Vectors::embedded().unwrap().response_packet {
            let response = &vector.body;
            let check = response.spi[1] >> 2 & 0x03;
            let redundancy = RedundancyCheck::of(response.kid).filter(|_| check == 1);
            let any = &[0x5A; 16][..];
            let keys = PacketKeys {
                ciphering: key(response.kic, &response.ciphering_key).or_else(|| key(0x02, any)).unwrap(),
                checksum: key(response.kid, &response.checksum_key).or_else(|| key(0x02, any)).unwrap(),
            };
            let shape = Shape {
                tar: response.tar,
                counter: response.counter,
                redundancy,
                with_checksum: check == 2,
                ciphered: response.is_enciphered(),
                keys: Some(keys),
            };
            let proof = shape.proof(response.status, &response.data).unwrap();
            assert_eq!(proof.packet() == response.packet, vector.is_valid(), "{}", vector.name);
            made += usize::from(vector.is_valid());
        }
        println!("{made} made");
        assert!(made >= 9);
    }

    #[test]
    fn what_fits_fills_its_carrier_and_no_byte_more_does() {
        for (named, ciphered, with_checksum) in
            [(0x02, true, true), (0x05, true, true), (0x02, false, true), (0x05, true, false), (0x02, false, false)]
        {
            let keys = || PacketKeys {
                ciphering: key(named, &[0x11; 16]).unwrap(),
                checksum: key(named, &[0x22; 16]).unwrap(),
            };
            let shape =
                Shape { tar: [0; 3], counter: [0; 5], redundancy: None, with_checksum, ciphered, keys: Some(keys()) };
            for (route, most) in [(Route::Report, 125), (Route::Submit, 1070)] {
                let room = shape.room(route);
                let length = |data_len| shape.proof(0, &[0xDD; 1100][..data_len]).map(|proof| proof.packet().len());
                assert!(length(room).unwrap() <= most);
                assert!(length(room + 1).is_none_or(|length| length > most), "{route:?}");
            }
        }
    }
}
