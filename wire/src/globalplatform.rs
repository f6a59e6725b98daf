//! Names and numbers of GlobalPlatform card management (Card Specification 2.3.1; amendment D for SCP03).
//!
//! The card's domain and whoever manages it share these, and nothing that computes.

pub mod aid;
pub mod install;
pub mod life_cycle;
pub mod privileges;
pub mod secure_channel;
pub mod tag;

/// CLA 80: GlobalPlatform, in clear, channels 0 to 3.
pub const CLA: u8 = 0x80;
/// CLA 84: the same under secure messaging.
pub const CLA_SECURE: u8 = 0x84;

/// INITIALIZE UPDATE (annex D.4.1, E.5.1; amendment D 7.1.1).
pub const INITIALIZE_UPDATE: u8 = 0x50;
/// MANAGE CHANNEL (CLA 00; 11.7).
pub const MANAGE_CHANNEL: u8 = 0x70;
/// EXTERNAL AUTHENTICATE (CLA 84).
pub const EXTERNAL_AUTHENTICATE: u8 = 0x82;
/// GET DATA (11.3).
pub const GET_DATA: u8 = 0xCA;
/// PUT KEY (11.8).
pub const PUT_KEY: u8 = 0xD8;
/// STORE DATA (11.11).
pub const STORE_DATA: u8 = 0xE2;
/// DELETE (11.2).
pub const DELETE: u8 = 0xE4;
/// INSTALL (11.5).
pub const INSTALL: u8 = 0xE6;
/// LOAD (11.6).
pub const LOAD: u8 = 0xE8;
/// SET STATUS (11.10).
pub const SET_STATUS: u8 = 0xF0;
/// GET STATUS (11.4).
pub const GET_STATUS: u8 = 0xF2;

/// P2 of SELECT of an issuer domain or an applet.
pub mod select {
    /// Its FCI.
    pub const FCI: u8 = 0x00;
    /// As programs for UICCs ask for what they call the FCP (TS 102 221 clause 11.1.1); an applet has its FCI alone.
    pub const FCP: u8 = 0x04;
    /// Nothing.
    pub const NO_FCI: u8 = 0x0C;
}

/// P2 of DELETE: the object alone.
pub const DELETE_OBJECT: u8 = 0x00;
/// P2 of DELETE: a load file and what was made of it.
pub const DELETE_WITH_RELATED: u8 = 0x80;

/// P1 of GET STATUS and SET STATUS: what is asked about (11.4.2.1, 11.10.2.1).
pub mod scope {
    /// The issuer domain; of SET STATUS the card.
    pub const ISSUER_DOMAIN: u8 = 0x80;
    /// Applications and other domains.
    pub const APPLICATIONS: u8 = 0x40;
    /// Load files.
    pub const LOAD_FILES: u8 = 0x20;
    /// Load files with their modules.
    pub const LOAD_FILES_AND_MODULES: u8 = 0x10;
    /// SET STATUS: a domain and its applications.
    pub const DOMAIN_AND_ITS_APPLICATIONS: u8 = 0x60;
}

/// P2 of GET STATUS: bit 1 says next instead of first (11.4.2.2).
pub mod status_form {
    /// First entries, without tags (deprecated).
    pub const FIRST_PLAIN: u8 = 0x00;
    /// Next entries, without tags.
    pub const NEXT_PLAIN: u8 = 0x01;
    /// First entries, as E3 templates.
    pub const FIRST: u8 = 0x02;
    /// Next entries, as E3 templates.
    pub const NEXT: u8 = 0x03;
}

/// P1 of STORE DATA (11.11.2.1).
pub mod store_data {
    /// Bit 8: the last block.
    pub const LAST_BLOCK: u8 = 0x80;
    /// Bits 7, 6: the data are enciphered under the DEK.
    pub const ENCIPHERED: u8 = 0x60;
    /// Bits 5, 4: the data are data grouping identifiers with their data.
    pub const GROUPS: u8 = 0x08;
    /// Bits 5, 4: the data are BER-TLV.
    pub const BER_TLV: u8 = 0x10;
    /// Bit 1: the answer may have data.
    pub const ANSWERED: u8 = 0x01;
}

/// P1 and P2 of PUT KEY (11.8.2).
pub mod put_key {
    /// P1: a new key set, which replaces none.
    pub const NEW_SET: u8 = 0x00;
    /// P1: bit 8, more commands follow.
    pub const MORE: u8 = 0x80;
    /// P2: bit 8, more than one key; its other bits are the first key's id.
    pub const SEVERAL: u8 = 0x80;
    /// Length of a key check value in bytes.
    pub const CHECK_VALUE_LEN: usize = 3;
}

/// Type of a key (table 11-16).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct KeyKind(pub u8);

impl KeyKind {
    /// DES, of a mode that is known implicitly: 16 bytes.
    pub const DES: Self = Self(0x80);
    /// AES of 16, 24 or 32 bytes.
    pub const AES: Self = Self(0x88);
}

/// Ids of the keys of a key set (7.5.1.2).
pub mod key_id {
    /// Key-ENC; over the air KIc.
    pub const ENC: u8 = 0x01;
    /// Key-MAC; over the air KID.
    pub const MAC: u8 = 0x02;
    /// Key-DEK; over the air KIK.
    pub const DEK: u8 = 0x03;
}

/// Versions of key sets, by protocol (profile §6).
pub mod key_version {
    use core::ops::RangeInclusive;

    /// Over the air (TS 102 225).
    pub const OVER_THE_AIR: RangeInclusive<u8> = 0x01..=0x0F;
    /// SCP02.
    pub const SCP02: RangeInclusive<u8> = 0x20..=0x2F;
    /// SCP03.
    pub const SCP03: RangeInclusive<u8> = 0x30..=0x3F;
    /// The highest of any key set.
    pub const MAX: u8 = 0x7F;
}
