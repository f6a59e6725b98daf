//! Secured packets over the air (ETSI TS 102 225, the clauses named below; over SMS: 3GPP TS 31.115): names and numbers.
//!
//! A command packet is `CPL 2 ‖ CHL 1 ‖ SPI 2 ‖ KIc 1 ‖ KID 1 ‖ TAR 3 ‖ CNTR 5 ‖ PCNTR 1 ‖ CC 0, 4 or 8 ‖ data ‖ padding`,
//! enciphered from CNTR on.

/// User data header of a short message with one whole command packet: information element 70, no data.
pub const COMMAND_HEADER: [u8; 3] = [0x02, 0x70, 0x00];
/// The same of a response packet.
pub const RESPONSE_HEADER: [u8; 3] = [0x02, 0x71, 0x00];

/// TP-PID of a message for the card (3GPP TS 23.040 clause 9.2.3.9).
pub const PID_DOWNLOAD: u8 = 0x7F;
/// TP-DCS of a message for the card: 8-bit data, class 2 (3GPP TS 23.038).
pub const DCS_DATA_CLASS_2: u8 = 0xF6;
/// Most user data of one message in bytes, its header included.
pub const USER_DATA_MAX: usize = 140;

/// TAR of the enterprise applications (profile §8).
pub const TAR_ENTERPRISE: [u8; 3] = *b"ONE";
/// Length of CNTR in bytes.
pub const COUNTER_LEN: usize = 5;
/// Length of a cryptographic checksum in bytes, unless its key says 4.
pub const CHECKSUM_LEN: usize = 8;

/// Bits of the first byte of SPI (clause 5.1.1).
pub mod spi {
    /// Bits 1, 2: what is in the RC/CC/DS field.
    pub const INTEGRITY: u8 = 0x03;
    /// A redundancy check.
    pub const REDUNDANCY_CHECK: u8 = 0x01;
    /// A cryptographic checksum.
    pub const CRYPTOGRAPHIC_CHECKSUM: u8 = 0x02;
    /// Bit 3: enciphered.
    pub const CIPHERED: u8 = 0x04;
    /// Bits 4, 5: the counter.
    pub const COUNTER: u8 = 0x18;
    /// The counter is there and not checked.
    pub const COUNTER_UNCHECKED: u8 = 0x08;
    /// The counter must be higher than the last.
    pub const COUNTER_HIGHER: u8 = 0x10;
    /// The counter must be higher than the last by one.
    pub const COUNTER_NEXT: u8 = 0x18;
}

/// Low half of KIc and of a KID that names a checksum (clauses 5.1.2, 5.1.3); the high half is the key set's version.
pub mod algorithm {
    /// AES: CBC, CMAC.
    pub const AES: u8 = 0x02;
    /// Triple DES of two keys: CBC.
    pub const TRIPLE_DES_2: u8 = 0x05;
    /// Triple DES of three keys: CBC.
    pub const TRIPLE_DES_3: u8 = 0x09;
}

/// SPI of the card's own requests, unless the operator sets another: checksum, enciphered, counter higher; no proof of receipt.
pub const SPI_OF_REQUESTS: [u8; 2] = [0x16, 0x00];

/// First byte of SMS-SUBMIT with a user data header and no validity period (3GPP TS 23.040 clause 9.2.2.2).
pub const SUBMIT_WITH_HEADER: u8 = 0x41;

/// A request of the card to the platform (own, 15.6.6).
pub mod request {
    /// First byte of every request: no command begins with it (ISO/IEC 7816-4 clause 5.4.1), so one sent back to a card does nothing.
    pub const MARK: u8 = 0xFF;
    /// Delete: AID 14 ‖ application serial 8 ‖ service password 8 ‖ language 2.
    pub const DELETE: u8 = 0x01;
    /// Length of a delete request in bytes.
    pub const DELETE_LEN: usize = 2 + 14 + 8 + 8 + 2;
}
