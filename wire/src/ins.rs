//! CLA and INS bytes, by the document that names them.

/// CLA 00: ISO/IEC 7816-4, in clear.
pub const CLA_ISO: u8 = 0x00;
/// CLA 04: ISO/IEC 7816-4 with line protection.
pub const CLA_ISO_SM: u8 = 0x04;
/// CLA 80: JR/T 0025, FMCOS 2.0 and this profile, in clear.
pub const CLA_PBOC: u8 = 0x80;
/// CLA 84: the same with line protection.
pub const CLA_PBOC_SM: u8 = 0x84;
/// The bit of CLA that says line protection.
pub const CLA_SM_BIT: u8 = 0x04;

/// ERASE DF (80; FMCOS 2.0 special manual).
pub const ERASE_DF: u8 = 0x0E;
/// CARD BLOCK (84).
pub const CARD_BLOCK: u8 = 0x16;
/// APPLICATION UNBLOCK (84).
pub const APPLICATION_UNBLOCK: u8 = 0x18;
/// INIT_FOR_DESCRYPT (80; PBOC PSAM).
pub const INIT_FOR_DESCRYPT: u8 = 0x1A;
/// APPLICATION BLOCK (84).
pub const APPLICATION_BLOCK: u8 = 0x1E;
/// TERMINAL PROFILE (80; TS 102 221 clause 11.2.1).
pub const TERMINAL_PROFILE: u8 = 0x10;
/// FETCH (80; TS 102 221 clause 11.2.3).
pub const FETCH: u8 = 0x12;
/// TERMINAL RESPONSE (80; TS 102 221 clause 11.2.4).
pub const TERMINAL_RESPONSE: u8 = 0x14;
/// VERIFY PIN (00).
pub const VERIFY: u8 = 0x20;
/// PIN UNBLOCK (84).
pub const PIN_UNBLOCK: u8 = 0x24;
/// PERSONALISE of a blank key master or mother authentication card (84; own).
pub const PERSONALISE: u8 = 0x30;
/// LOAD MASTER KEY of a key master card (84; own).
pub const LOAD_MASTER_KEY: u8 = 0x32;
/// LOAD ALLOWANCE of a key master card (84; own).
pub const LOAD_ALLOWANCE: u8 = 0x34;
/// EXPORT KEY of a key master card (80; own; P1 the target's kind, P2 station or air).
pub const EXPORT_KEY: u8 = 0x36;
/// EXPORT COPY of a key master card (80; own; P1 key or allowance).
pub const EXPORT_COPY: u8 = 0x38;
/// INITIALIZE FOR LOAD, PURCHASE, … (80; P1 says which).
pub const INITIALIZE: u8 = 0x50;
/// CREDIT FOR LOAD (80).
pub const CREDIT_FOR_LOAD: u8 = 0x52;
/// DEBIT FOR PURCHASE, CASH WITHDRAW, UNLOAD (80; P1 says which).
pub const DEBIT: u8 = 0x54;
/// UPDATE OVERDRAW LIMIT (80).
pub const UPDATE_OVERDRAW_LIMIT: u8 = 0x58;
/// GET TRANSACTION PROVE (80).
pub const GET_TRANSACTION_PROVE: u8 = 0x5A;
/// GET BALANCE (80).
pub const GET_BALANCE: u8 = 0x5C;
/// CHANGE PIN (P1 01) and RELOAD PIN (P1 00) (80).
pub const CHANGE_OR_RELOAD_PIN: u8 = 0x5E;
/// INIT_SAM_FOR_PURCHASE (80; PBOC PSAM; P1 01 undo and 02 load are this profile's own).
pub const INIT_SAM: u8 = 0x70;
/// MANAGE CHANNEL (00; ISO/IEC 7816-4 clause 11.1.2).
pub const MANAGE_CHANNEL: u8 = 0x70;
/// CREDIT_SAM_FOR_PURCHASE (80; PBOC PSAM; P1 03, check of a past MAC2, is this profile's own).
pub const CREDIT_SAM: u8 = 0x72;
/// MAC that marks a listed card (80; own).
pub const SAM_MARK: u8 = 0x74;
/// EXTERNAL AUTHENTICATE (00).
pub const EXTERNAL_AUTHENTICATE: u8 = 0x82;
/// GET CHALLENGE (00).
pub const GET_CHALLENGE: u8 = 0x84;
/// INTERNAL AUTHENTICATE (00).
pub const INTERNAL_AUTHENTICATE: u8 = 0x88;
/// SELECT (00).
pub const SELECT: u8 = 0xA4;
/// TERMINAL CAPABILITY (80; TS 102 221 clause 11.1.19).
pub const TERMINAL_CAPABILITY: u8 = 0xAA;
/// READ BINARY (00 or 04).
pub const READ_BINARY: u8 = 0xB0;
/// READ RECORD (00 or 04).
pub const READ_RECORD: u8 = 0xB2;
/// GET RESPONSE (00, contact T=0).
pub const GET_RESPONSE: u8 = 0xC0;
/// UPDATE BINARY, older alias (00 or 04).
pub const WRITE_BINARY: u8 = 0xD0;
/// ENVELOPE (80; TS 102 221 clause 11.2.2).
pub const ENVELOPE: u8 = 0xC2;
/// GET DATA (80).
pub const GET_DATA: u8 = 0xCA;
/// WRITE KEY (80 or 84).
pub const WRITE_KEY: u8 = 0xD4;
/// UPDATE BINARY (00 or 04).
pub const UPDATE_BINARY: u8 = 0xD6;
/// UPDATE RECORD (00 or 04).
pub const UPDATE_RECORD: u8 = 0xDC;
/// UPDATE CAPP DATA CACHE (80).
pub const UPDATE_CAPP_DATA_CACHE: u8 = 0xDC;
/// CREATE FILE (80).
pub const CREATE_FILE: u8 = 0xE0;
/// APPEND RECORD (00 or 04).
pub const APPEND_RECORD: u8 = 0xE2;
/// STATUS (80; TS 102 221 clause 11.1.2), GET STATUS of an issuer domain (80; GlobalPlatform 2.3 clause 11.4).
pub const STATUS: u8 = 0xF2;
/// DES CRYPT (80; PBOC PSAM).
pub const DES_CRYPT: u8 = 0xFA;

/// P1 of SELECT: by name, an AID.
pub const SELECT_BY_AID: u8 = 0x04;
/// P1 of INITIALIZE: a load.
pub const INITIALIZE_LOAD: u8 = 0x00;
/// P1 of INITIALIZE: a purchase.
pub const INITIALIZE_PURCHASE: u8 = 0x01;
/// P1 of INITIALIZE: a cash withdrawal.
pub const INITIALIZE_CASH_WITHDRAW: u8 = 0x02;
/// P1 of INITIALIZE: a compound (CAPP) purchase.
pub const INITIALIZE_CAPP: u8 = 0x03;
/// P1 of INITIALIZE: an overdraft update.
pub const INITIALIZE_UPDATE: u8 = 0x04;
/// P1 of INITIALIZE: an unload.
pub const INITIALIZE_UNLOAD: u8 = 0x05;
/// P1 of INITIALIZE: an undo of the last purchase (own).
pub const INITIALIZE_UNDO: u8 = 0x06;
/// P1 of DEBIT: a purchase, cash withdrawal or compound purchase.
pub const DEBIT_PURCHASE: u8 = 0x01;
/// P1 of DEBIT: an unload.
pub const DEBIT_UNLOAD: u8 = 0x03;
/// P1 of DEBIT: an undo (own).
pub const DEBIT_UNDO: u8 = 0x06;
/// P2 of GET DATA: the list of keys (own); P1 is its page, from 00.
pub const KEY_LIST: u8 = 0xE0;
/// P2 of GET DATA in a packet over the air: the check value of the application's maintenance key (own).
pub const MAINTENANCE_CHECK_VALUE: u8 = 0xE2;
/// P1 of INIT_SAM and CREDIT_SAM: a purchase.
pub const SAM_PURCHASE: u8 = 0x00;
/// P1 of INIT_SAM and CREDIT_SAM: an undo (own).
pub const SAM_UNDO: u8 = 0x01;
/// P1 of INIT_SAM: a load (own).
pub const SAM_LOAD: u8 = 0x02;
/// P1 of CREDIT_SAM: check the MAC1 of a load without charging it (own).
pub const SAM_CHECK_LOAD: u8 = 0x02;
/// P1 of CREDIT_SAM: check the MAC2 of a past purchase (own).
pub const SAM_PAST_PURCHASE: u8 = 0x03;

/// Most data bytes a command carries (FMCOS 2.0).
pub const DATA_MAX: usize = 239;
