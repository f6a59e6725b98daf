//! Who owns which address.

use onecard_wire::key_master::{KEYS_MAX, LOG_ENTRIES, LogEntry};

use super::PAGE_SIZE;

/// Size of a CPU card's or SAM's memory image in bytes: room for eight enterprise applications.
pub(crate) const IMAGE_SIZE: usize = 52 * 1024;

/// Size of a RFID-SIM's memory image in bytes: that of a card, then the regions of its own.
pub(crate) const RFID_SIM_IMAGE_SIZE: usize = UICC + UICC_LEN;

/// First page: what the chip is.
pub(crate) const CHIP_HEADER: usize = 0;
/// Length of the chip header.
pub(crate) const CHIP_HEADER_LEN: usize = 16;

/// Ring of journal slots.
pub(crate) const JOURNAL: usize = PAGE_SIZE;
/// Slots rotate against wear.
pub(crate) const JOURNAL_SLOTS: usize = 8;
/// Length of a slot: the largest transaction and its header.
pub(crate) const JOURNAL_SLOT_LEN: usize = 512;

/// File table.
pub(crate) const FILE_TABLE: usize = JOURNAL + JOURNAL_SLOTS * JOURNAL_SLOT_LEN;
/// Files and directories on a card, MF included.
pub(crate) const FILES_MAX: usize = 160;
/// Length of a file's entry.
pub(crate) const FILE_ENTRY_LEN: usize = 32;

/// Bodies of files, allocated in whole pages.
pub(crate) const BODIES: usize = FILE_TABLE + FILES_MAX * FILE_ENTRY_LEN;
/// Pages for bodies.
pub(crate) const BODY_PAGES: usize = (IMAGE_SIZE - BODIES) / PAGE_SIZE;

/// Issuer domain of a RFID-SIM: life cycle, card data, key sets.
pub(crate) const ISSUER_DOMAIN: usize = IMAGE_SIZE;
pub(crate) const ISSUER_DOMAIN_LEN: usize = 6 * 1024;
/// Toolkit applet of a RFID-SIM: language, addresses, counters.
pub(crate) const TOOLKIT: usize = ISSUER_DOMAIN + ISSUER_DOMAIN_LEN;
pub(crate) const TOOLKIT_LEN: usize = 1024;
/// UICC files of a RFID-SIM, its PINs, its subscription.
pub(crate) const UICC: usize = TOOLKIT + TOOLKIT_LEN;
pub(crate) const UICC_LEN: usize = 5 * 1024;

/// What a key master or mother authentication card is, and its secrets.
pub(crate) const IDENTITY: usize = FILE_TABLE;
pub(crate) const IDENTITY_LEN: usize = 2 * PAGE_SIZE;
/// Tries of a key master card's PIN, and of its mother card.
pub(crate) const PIN_TRIES: usize = IDENTITY + IDENTITY_LEN;
pub(crate) const MOTHER_TRIES: usize = PIN_TRIES + PAGE_SIZE;
/// What a key master card may still export, and where its log stands: a page for each cell, since each export writes one.
pub(crate) const ALLOWANCE: usize = MOTHER_TRIES + PAGE_SIZE;
pub(crate) const ALLOWANCE_CELLS: usize = 8;
/// Master keys.
pub(crate) const MASTER_KEYS: usize = ALLOWANCE + ALLOWANCE_CELLS * PAGE_SIZE;
pub(crate) const MASTER_KEY_LEN: usize = 20;
/// Log of a key master card.
pub(crate) const KEY_MASTER_LOG: usize = MASTER_KEYS + KEYS_MAX * MASTER_KEY_LEN;

/// Size of a mother authentication card's memory image in bytes.
pub(crate) const MOTHER_AUTHENTICATION_IMAGE_SIZE: usize = IDENTITY + IDENTITY_LEN;
/// Size of a key master card's memory image in bytes.
pub(crate) const KEY_MASTER_IMAGE_SIZE: usize = KEY_MASTER_LOG + LOG_ENTRIES as usize * LogEntry::LEN;

const _: () = assert!(MASTER_KEYS.is_multiple_of(PAGE_SIZE) && KEY_MASTER_LOG.is_multiple_of(PAGE_SIZE));
const _: () = assert!(KEY_MASTER_IMAGE_SIZE.is_multiple_of(PAGE_SIZE) && KEY_MASTER_IMAGE_SIZE <= 0x1_0000);
const _: () = assert!(CHIP_HEADER + CHIP_HEADER_LEN <= JOURNAL);
const _: () = assert!(JOURNAL_SLOT_LEN.is_multiple_of(PAGE_SIZE));
const _: () = assert!(FILE_TABLE.is_multiple_of(PAGE_SIZE) && BODIES.is_multiple_of(PAGE_SIZE));
const _: () = assert!(PAGE_SIZE.is_multiple_of(FILE_ENTRY_LEN));
const _: () = assert!(FILES_MAX < 0xFF, "FF is no file's index");
const _: () = assert!(TOOLKIT.is_multiple_of(PAGE_SIZE) && UICC.is_multiple_of(PAGE_SIZE));
const _: () = assert!(RFID_SIM_IMAGE_SIZE <= 0x1_0000, "journal addresses have 16 bits");
