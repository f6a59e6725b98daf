//! Numbers of the secure channel protocols (10; annex E for SCP02, amendment D for SCP03).

/// A secure channel protocol by its number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ProtocolId(pub u8);

impl ProtocolId {
    /// SCP02: triple DES.
    pub const SCP02: Self = Self(0x02);
    /// SCP03: AES.
    pub const SCP03: Self = Self(0x03);
}

/// Bits of P1 of EXTERNAL AUTHENTICATE: the security level (10.6, table 10-1).
pub mod level {
    /// C-MAC.
    pub const C_MAC: u8 = 0x01;
    /// C-DECRYPTION: the data of commands are enciphered.
    pub const C_DECRYPTION: u8 = 0x02;
    /// R-MAC.
    pub const R_MAC: u8 = 0x10;
    /// R-ENCRYPTION: the data of answers are enciphered.
    pub const R_ENCRYPTION: u8 = 0x20;

    /// Levels of SCP03: 01, 03, 11, 13, 33, and 00.
    pub const OF_SCP03: [u8; 6] = [0x00, 0x01, 0x03, 0x11, 0x13, 0x33];
    /// Levels of SCP02 without R-MAC (i 15, 55).
    pub const OF_SCP02: [u8; 3] = [0x00, 0x01, 0x03];
}

/// The parameter i of SCP02 (annex E.1.1).
pub mod scp02_option {
    /// Explicit initiation, C-MAC on the modified command, enciphered chaining value, three keys.
    pub const EXPLICIT: u8 = 0x15;
    /// The same, the card challenge pseudo-random.
    pub const EXPLICIT_PSEUDO_RANDOM: u8 = 0x55;
}

/// The parameter i of SCP03 (amendment D, 5.1).
pub mod scp03_option {
    /// S16 mode: challenges, cryptograms and MACs of 16 bytes.
    pub const S16: u8 = 0x01;
    /// The card challenge is pseudo-random and the answer to INITIALIZE UPDATE ends with its sequence counter.
    pub const PSEUDO_RANDOM: u8 = 0x10;
    /// R-MAC.
    pub const R_MAC: u8 = 0x20;
    /// R-MAC and R-ENCRYPTION.
    pub const R_MAC_AND_R_ENCRYPTION: u8 = 0x60;
    /// What an RFID-SIM has: pseudo-random card challenge, R-MAC and R-ENCRYPTION.
    pub const OF_RFID_SIM: u8 = PSEUDO_RANDOM | R_MAC_AND_R_ENCRYPTION;
}

/// Lengths of the fields of INITIALIZE UPDATE's answer, in bytes.
pub mod length {
    /// Key diversification data.
    pub const DIVERSIFICATION: usize = 10;
    /// Host challenge; of SCP03 in S8 mode the card challenge, the cryptograms and MACs, too.
    pub const S8: usize = 8;
    /// The same in S16 mode.
    pub const S16: usize = 16;
    /// Sequence counter of SCP02.
    pub const SCP02_SEQUENCE: usize = 2;
    /// Card challenge of SCP02.
    pub const SCP02_CHALLENGE: usize = 6;
    /// Sequence counter of SCP03.
    pub const SCP03_SEQUENCE: usize = 3;
}

/// Constants from which SCP02 derives session keys (annex E.4.1, table E-2).
pub mod scp02_constant {
    /// C-MAC.
    pub const C_MAC: [u8; 2] = [0x01, 0x01];
    /// R-MAC.
    pub const R_MAC: [u8; 2] = [0x01, 0x02];
    /// DEK.
    pub const DEK: [u8; 2] = [0x01, 0x81];
    /// S-ENC.
    pub const S_ENC: [u8; 2] = [0x01, 0x82];
}

/// Derivation constants of SCP03 (amendment D, table 4-1).
pub mod scp03_constant {
    /// The card's cryptogram.
    pub const CARD_CRYPTOGRAM: u8 = 0x00;
    /// The host's cryptogram.
    pub const HOST_CRYPTOGRAM: u8 = 0x01;
    /// A pseudo-random card challenge.
    pub const CARD_CHALLENGE: u8 = 0x02;
    /// S-ENC.
    pub const S_ENC: u8 = 0x04;
    /// S-MAC.
    pub const S_MAC: u8 = 0x06;
    /// S-RMAC.
    pub const S_RMAC: u8 = 0x07;
}
