//! Milenage, the authentication algorithms of 3GPP TS 35.206: f1, f1*, f2, f3, f4, f5, f5*.

use aes::Aes128;
use cipher::{BlockCipherEncrypt, KeyInit};
use zeroize::Zeroizing;

/// A subscriber's secrets, expanded; erased when dropped.
pub(super) struct Milenage {
    cipher: Aes128,
    opc: Zeroizing<u128>,
}

/// The same for one RAND.
pub(super) struct Challenged {
    milenage: Milenage,
    /// E(RAND ⊕ OPc).
    temp: Zeroizing<u128>,
}

/// Constants of TS 35.206 clause 4.1 for OUT1 to OUT5: rotation in bits, and what is added.
const OUT1: (u32, u128) = (64, 0);
const OUT2: (u32, u128) = (0, 1);
const OUT3: (u32, u128) = (32, 2);
const OUT4: (u32, u128) = (64, 4);
const OUT5: (u32, u128) = (96, 8);

impl Milenage {
    /// With K and OPc.
    pub(super) fn new(key: &[u8; 16], opc: &[u8; 16]) -> Self {
        Self { cipher: Aes128::new(key.into()), opc: Zeroizing::new(u128::from_be_bytes(*opc)) }
    }

    pub(super) fn challenged(self, rand: &[u8; 16]) -> Challenged {
        let temp = Zeroizing::new(self.encipher(u128::from_be_bytes(*rand) ^ *self.opc));
        Challenged { milenage: self, temp }
    }

    fn encipher(&self, block: u128) -> u128 {
        let mut block = block.to_be_bytes();
        self.cipher.encrypt_block((&mut block).into());
        u128::from_be_bytes(block)
    }
}

impl Challenged {
    /// f1 and f1*: MAC-A and MAC-S over SQN and AMF.
    pub(super) fn macs(&self, sqn: &[u8; 6], amf: [u8; 2]) -> ([u8; 8], [u8; 8]) {
        let [s0, s1, s2, s3, s4, s5] = *sqn;
        let [a0, a1] = amf;
        let half = u64::from_be_bytes([s0, s1, s2, s3, s4, s5, a0, a1]);
        let input = (u128::from(half) << 64 | u128::from(half)) ^ *self.milenage.opc;
        let (rotation, constant) = OUT1;
        let out = self.milenage.encipher(*self.temp ^ input.rotate_left(rotation) ^ constant) ^ *self.milenage.opc;
        (((out >> 64) as u64).to_be_bytes(), (out as u64).to_be_bytes())
    }

    /// f2 and f5: RES, and AK, which conceals SQN.
    pub(super) fn res_and_ak(&self) -> ([u8; 8], [u8; 6]) {
        let out = self.out(OUT2);
        ((out as u64).to_be_bytes(), first_six(out))
    }

    /// f3: CK.
    pub(super) fn ck(&self) -> [u8; 16] {
        self.out(OUT3).to_be_bytes()
    }

    /// f4: IK.
    pub(super) fn ik(&self) -> [u8; 16] {
        self.out(OUT4).to_be_bytes()
    }

    /// f5*: AK of a resynchronisation.
    pub(super) fn ak_of_resynchronisation(&self) -> [u8; 6] {
        first_six(self.out(OUT5))
    }

    fn out(&self, (rotation, constant): (u32, u128)) -> u128 {
        let opc = *self.milenage.opc;
        self.milenage.encipher((*self.temp ^ opc).rotate_left(rotation) ^ constant) ^ opc
    }
}

fn first_six(block: u128) -> [u8; 6] {
    let [a, b, c, d, e, f, ..] = block.to_be_bytes();
    [a, b, c, d, e, f]
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use onecard_vectors::Vectors;

    use super::*;

    /// OPc = OP ⊕ E(K, OP) (TS 35.206 clause 4.1).
    #[test]
    fn the_test_sets_of_ts_35_208() {
        let sets = Vectors::embedded().unwrap().milenage;
        assert_eq!(sets.len(), 20);
        for set in sets {
            let (name, set) = (set.name, set.body);
            let bare = Milenage::new(&set.key, &[0; 16]);
            let op = u128::from_be_bytes(set.op);
            assert_eq!((bare.encipher(op) ^ op).to_be_bytes(), set.opc, "{name}");
            let challenged = Milenage::new(&set.key, &set.opc).challenged(&set.rand);
            assert_eq!(challenged.macs(&set.sqn, set.amf), (set.f1, set.f1_star), "{name}");
            assert_eq!(challenged.res_and_ak(), (set.f2, set.f5), "{name}");
            assert_eq!((challenged.ck(), challenged.ik()), (set.f3, set.f4), "{name}");
            assert_eq!(challenged.ak_of_resynchronisation(), set.f5_star, "{name}");
        }
    }
}
