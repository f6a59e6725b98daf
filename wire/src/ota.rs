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
/// The same by the general coding group.
pub const DCS_DATA_CLASS_2_GENERAL: u8 = 0x16;
/// Most user data of one message in bytes, its header included.
pub const USER_DATA_MAX: usize = 140;

/// Longest response packet in a delivery report in bytes, its header included (own, 19.1.4).
pub const REPORT_MAX: usize = 128;
/// Most parts of a message (own, 19.1.3).
pub const PARTS_MAX: usize = 8;

/// From CPL to TAR: what is in clear of an enciphered command packet.
pub const CLEAR_LEN: usize = 10;
/// From RPL to TAR: the same of a response packet.
pub const RESPONSE_CLEAR_LEN: usize = 6;

/// Toolkit Application References (3GPP TS 31.115 clause 5, ETSI TS 101 220 annex D): who a packet is for.
pub mod tar {
    /// The issuer domain.
    pub const ISSUER_DOMAIN: [u8; 3] = [0x00, 0x00, 0x00];
    /// The UICC's files, from the MF.
    pub const FILES: [u8; 3] = [0xB0, 0x00, 0x00];
    /// The same.
    pub const FILES_SHARED: [u8; 3] = [0xB0, 0x00, 0x01];
    /// The UICC's files, class A0 too.
    pub const FILES_2G: [u8; 3] = [0xB0, 0x00, 0x10];
    /// The UICC's files, from the USIM.
    pub const FILES_USIM: [u8; 3] = [0xB0, 0x00, 0x11];
    /// The enterprise applications (profile §8).
    pub const ENTERPRISE: [u8; 3] = *b"ONE";
}

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

/// Bits of the second byte of SPI (clause 5.1.1): the proof of receipt.
pub mod proof {
    /// Bits 1, 2: when.
    pub const WHEN: u8 = 0x03;
    /// Always.
    pub const ALWAYS: u8 = 0x01;
    /// Of errors alone.
    pub const OF_ERRORS: u8 = 0x02;
    /// Bits 3, 4: its integrity, coded as bits 1 and 2 of the first byte.
    pub const INTEGRITY: u8 = 0x0C;
    /// How far its integrity stands above that of the first byte.
    pub const INTEGRITY_SHIFT: u32 = 2;
    /// Bit 5: enciphered.
    pub const CIPHERED: u8 = 0x10;
    /// Bit 6: by SMS-SUBMIT and not in the delivery report.
    pub const BY_SUBMIT: u8 = 0x20;
}

/// Low half of KIc and of a KID that names a checksum (clauses 5.1.2, 5.1.3); the high half is the key set's version.
pub mod algorithm {
    /// Single DES: CBC.
    pub const DES: u8 = 0x01;
    /// AES: CBC, CMAC.
    pub const AES: u8 = 0x02;
    /// Triple DES of two keys: CBC.
    pub const TRIPLE_DES_2: u8 = 0x05;
    /// Triple DES of three keys: CBC.
    pub const TRIPLE_DES_3: u8 = 0x09;
    /// Single DES: ECB.
    pub const DES_ECB: u8 = 0x0D;
}

/// Low half of a KID that names a redundancy check (clause 5.1.3).
pub mod redundancy_check {
    /// CRC-16 of ISO/IEC 13239: 2 bytes.
    pub const CRC_16: u8 = 0x01;
    /// CRC-32 of ISO/IEC 13239: 4 bytes.
    pub const CRC_32: u8 = 0x05;
}

/// Response status codes (clause 5.2, table 5).
pub mod packet_status {
    /// The packet was right.
    pub const OK: u8 = 0x00;
    /// Redundancy check, checksum or signature are wrong.
    pub const INTEGRITY_FAILED: u8 = 0x01;
    /// The counter is too low: the packet was there before.
    pub const COUNTER_LOW: u8 = 0x02;
    /// The counter is too high.
    pub const COUNTER_HIGH: u8 = 0x03;
    /// The counter is at its end.
    pub const COUNTER_BLOCKED: u8 = 0x04;
    /// It cannot be deciphered.
    pub const CIPHERING_ERROR: u8 = 0x05;
    /// Another error of security.
    pub const UNIDENTIFIED_SECURITY_ERROR: u8 = 0x06;
    /// The packet does not fit the memory.
    pub const INSUFFICIENT_MEMORY: u8 = 0x07;
    /// More time is needed.
    pub const NEEDS_MORE_TIME: u8 = 0x08;
    /// There is no such TAR.
    pub const TAR_UNKNOWN: u8 = 0x09;
    /// The TAR's minimum security level is higher.
    pub const INSUFFICIENT_SECURITY: u8 = 0x0A;
    /// The actual response follows by SMS-SUBMIT.
    pub const FOLLOWS_BY_SUBMIT: u8 = 0x0B;
}

/// Tags of the expanded format (ETSI TS 102 226 clause 5.2).
pub mod script {
    /// Command scripting template, definite length.
    pub const COMMANDS: u8 = 0xAA;
    /// Command scripting template, indefinite length.
    pub const COMMANDS_INDEFINITE: u8 = 0xAE;
    /// Response scripting template, definite length.
    pub const RESPONSES: u8 = 0xAB;
    /// Response scripting template, indefinite length.
    pub const RESPONSES_INDEFINITE: u8 = 0xAF;
    /// The length byte of an indefinite template; two bytes 00 end it.
    pub const INDEFINITE: u8 = 0x80;
    /// A command APDU.
    pub const C_APDU: u8 = 0x22;
    /// Data and status word of one.
    pub const R_APDU: u8 = 0x23;
    /// Number of commands executed.
    pub const EXECUTED: u8 = 0x80;
    /// Immediate action.
    pub const IMMEDIATE_ACTION: u8 = 0x81;
    /// Error action.
    pub const ERROR_ACTION: u8 = 0x82;
    /// Script chaining, in commands and in responses.
    pub const CHAINING: u8 = 0x83;
    /// The script is not of the format: one of [`bad_format`].
    pub const BAD_FORMAT: u8 = 0x90;

    /// Values of [`CHAINING`] in a command.
    pub mod chaining {
        /// The first script; a reset of the contacts ends the chain.
        pub const FIRST: u8 = 0x01;
        /// The first script; the chain outlives a reset.
        pub const FIRST_KEPT: u8 = 0x11;
        /// A further script, not the last.
        pub const FURTHER: u8 = 0x02;
        /// The last script.
        pub const LAST: u8 = 0x03;
    }

    /// Values of [`CHAINING`] in a response.
    pub mod chaining_error {
        /// There is none to go on from.
        pub const NO_PREVIOUS: u8 = 0x01;
        /// The receiver chains no scripts.
        pub const NOT_SUPPORTED: u8 = 0x02;
        /// The receiver cannot chain this one.
        pub const UNABLE: u8 = 0x03;
    }

    /// Values of [`BAD_FORMAT`].
    pub mod bad_format {
        /// A tag that is not known.
        pub const UNKNOWN_TAG: u8 = 0x01;
        /// A length that is wrong.
        pub const WRONG_LENGTH: u8 = 0x02;
        /// A length that is missing.
        pub const LENGTH_MISSING: u8 = 0x03;
    }
}

/// User data headers (3GPP TS 23.040 clause 9.2.3.24, TS 31.115 clause 4).
pub mod element {
    /// Concatenated message, reference of one byte: reference, number of parts, part from 1.
    pub const CONCATENATED: u8 = 0x00;
    /// Concatenated message, reference of two bytes.
    pub const CONCATENATED_WIDE: u8 = 0x08;
    /// A command packet.
    pub const COMMAND_PACKET: u8 = 0x70;
    /// A response packet.
    pub const RESPONSE_PACKET: u8 = 0x71;
}

/// The minimum SPI of every TAR, unless the operator lowers that of the files (profile §8): checksum, enciphered, counter higher.
pub const MINIMUM_SECURITY: u8 = spi::CRYPTOGRAPHIC_CHECKSUM | spi::CIPHERED | spi::COUNTER_HIGHER;

/// SPI of the card's own requests, unless the operator sets another: checksum, enciphered, counter higher; no proof of receipt.
pub const SPI_OF_REQUESTS: [u8; 2] = [0x16, 0x00];

/// First byte of SMS-SUBMIT with a user data header and no validity period (3GPP TS 23.040 clause 9.2.2.2).
pub const SUBMIT_WITH_HEADER: u8 = 0x41;

/// What became of a request, as the toolkit applet is told by STORE DATA, group 5006 (own, 15.6.7).
pub mod outcome {
    /// The application is deleted.
    pub const DELETED: u8 = 0x01;
    /// The service password was wrong.
    pub const WRONG_PASSWORD: u8 = 0x02;
    /// The service password has no tries left.
    pub const PASSWORD_LOCKED: u8 = 0x03;
    /// Not deleted for another reason: the service desk knows.
    pub const NOT_DELETED: u8 = 0x04;
}

/// A request of the card to the platform (own, 15.6.6).
pub mod request {
    /// First byte of every request: no command begins with it (ISO/IEC 7816-4 clause 5.4.1), so one sent back to a card does nothing.
    pub const MARK: u8 = 0xFF;
    /// Delete: AID 14 ‖ application serial 8 ‖ service password 8 ‖ language 2.
    pub const DELETE: u8 = 0x01;
    /// Length of a delete request in bytes.
    pub const DELETE_LEN: usize = 2 + 14 + 8 + 8 + 2;
}
