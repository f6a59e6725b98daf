//! The card application toolkit: names and numbers that a card and a phone share (ETSI TS 102 223, 3GPP TS 31.111; the
//! clauses named below are those of TS 102 223).
//!
//! A proactive command is `D0 ‖ BER length ‖ COMPREHENSION-TLVs`, command details and device identities first; a TERMINAL
//! RESPONSE is COMPREHENSION-TLVs alone, details, identities and result first; an ENVELOPE is one BER-TLV. Reading and
//! writing them is each side's own.
//!
//! | module | what |
//! |---|---|
//! | [`code`] | command types, devices, results, events, qualifiers |
//! | [`tag`] | tags of BER-TLVs and COMPREHENSION-TLVs |
//! | [`facility`] | the bits of the terminal profile |

pub mod code;
pub mod facility;
pub mod tag;

/// CLA of the toolkit's commands, on the basic channel (TS 102 221 clause 10.1.1).
pub const CLA: u8 = 0x80;
/// INS of TERMINAL PROFILE: the phone tells what it can do, once after a reset (TS 102 221 clause 11.2.1).
pub const TERMINAL_PROFILE: u8 = 0x10;
/// INS of FETCH: the phone takes the proactive command whose length 91xx told (TS 102 221 clause 11.2.3).
pub const FETCH: u8 = 0x12;
/// INS of TERMINAL RESPONSE: what became of the proactive command (TS 102 221 clause 11.2.4).
pub const TERMINAL_RESPONSE: u8 = 0x14;
/// INS of ENVELOPE: something happened at the phone (TS 102 221 clause 11.2.2).
pub const ENVELOPE: u8 = 0xC2;

/// First status byte of "done, and a proactive command waits"; the second is its length, 00 for 256.
pub const SW1_PROACTIVE: u8 = 0x91;

/// Text coding: the default alphabet, seven bits a character (clause 8.15; 3GPP TS 23.038).
pub const DCS_PACKED: u8 = 0x00;
/// Text coding: the default alphabet, a byte a character.
pub const DCS_8_BIT: u8 = 0x04;
/// Text coding: UCS2.
pub const DCS_UCS2: u8 = 0x08;
/// First byte of an alpha identifier in UCS2 (TS 102 221 annex A).
pub const ALPHA_UCS2: u8 = 0x80;
/// First byte of an alpha identifier in UCS2 of one half page: length, bits 15 to 8 of the base, characters.
pub const ALPHA_UCS2_PAGE: u8 = 0x81;
/// First byte of an alpha identifier in UCS2 from a base of two bytes: length, base, characters.
pub const ALPHA_UCS2_BASE: u8 = 0x82;

/// Bit of a command's qualifier: help is there (clause 8.6; GET INKEY, GET INPUT, SELECT ITEM, SET UP MENU).
pub const HELP_AVAILABLE: u8 = 0x80;
/// Bit of DISPLAY TEXT: it comes before what the screen shows.
pub const TEXT_HIGH_PRIORITY: u8 = 0x01;
/// Bit of DISPLAY TEXT: it stays until the user acts.
pub const TEXT_UNTIL_USER: u8 = 0x80;
/// Bit of GET INPUT and GET INKEY: any character and not only digits, `*` and `#`.
pub const INPUT_ALPHABET: u8 = 0x01;
/// Bit of GET INPUT and GET INKEY: UCS2 and not the default alphabet.
pub const INPUT_UCS2: u8 = 0x02;
/// Bit of GET INPUT: what is typed is not shown.
pub const INPUT_HIDDEN: u8 = 0x04;
/// Bit of GET INPUT: the answer is packed, seven bits a character.
pub const INPUT_PACKED: u8 = 0x08;
/// Bit of GET INKEY: yes or no.
pub const INKEY_YES_NO: u8 = 0x04;
/// Bit of SEND SHORT MESSAGE: the phone packs the text, seven bits a character.
pub const MESSAGE_PACKED_BY_TERMINAL: u8 = 0x01;

/// Timer identifiers are 1 to this (clause 8.37).
pub const TIMERS: u8 = 8;
