//! What a SIM's maker puts on it for the operator.

/// A SIM's own data. Its codes and keys are the caller's to erase.
#[derive(Clone, Copy)]
pub struct SimData<'a> {
    /// EF_ICCID as stored: swapped nibbles (TS 102 221 clause 13.2).
    pub iccid: [u8; 10],
    /// EF_IMSI as stored: length, then swapped nibbles with the parity digit (TS 31.102 clause 4.2.2).
    pub imsi: [u8; 9],
    /// Who the subscriber is to the network.
    pub subscriber: Subscriber,
    /// What opens the SIM's files.
    pub codes: Codes,
    /// Key sets of the issuer domain, each of its own version.
    pub key_sets: &'a [KeySet<'a>],
}

/// Milenage's secrets (3GPP TS 35.206).
#[derive(Clone, Copy)]
pub struct Subscriber {
    /// K.
    pub key: [u8; 16],
    /// OPc, made of OP and K.
    pub opc: [u8; 16],
}

/// PINs and unblocking keys, each 8 bytes, ASCII digits filled up by FF (TS 102 221 clause 9.5).
#[derive(Clone, Copy)]
pub struct Codes {
    /// PIN1, reference 01.
    pub pin1: [u8; 8],
    /// Whether PIN1 is asked for.
    pub pin1_enabled: bool,
    /// Unblocks PIN1.
    pub puk1: [u8; 8],
    /// PIN2, reference 81.
    pub pin2: [u8; 8],
    /// Unblocks PIN2.
    pub puk2: [u8; 8],
    /// ADM1, reference 0A: the operator's.
    pub adm1: [u8; 8],
}

/// Three keys of one version (GlobalPlatform Card Specification 2.3 clause 11.8).
#[derive(Clone, Copy)]
pub struct KeySet<'a> {
    /// 30–3F SCP03, 20–2F SCP02, 01–0F over the air.
    pub version: u8,
    /// Of all three.
    pub cipher: KeySetCipher,
    /// Key id 1: Key-ENC, or KIc.
    pub enc: &'a [u8],
    /// Key id 2: Key-MAC, or KID.
    pub mac: &'a [u8],
    /// Key id 3: Key-DEK.
    pub dek: &'a [u8],
}

/// The cipher of a key set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeySetCipher {
    /// Triple DES of two keys (16 bytes), over the air also of three (24).
    Des,
    /// AES of 16, 24 or 32 bytes.
    Aes,
}

impl core::fmt::Debug for SimData<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SimData(..)")
    }
}
