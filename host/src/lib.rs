//! What a terminal vendor links: a card, a SAM, and one function for each business operation.
//!
//! | module | what |
//! |---|---|
//! | [`transport`] | the only seam: bytes to a card, bytes back |
//! | [`apdu`] | commands and answers, exchanged in one place; what a status word means to each command |
//! | [`card`] | a selected application: typed reads, PIN, authentication, life cycle |
//! | [`sam`] | who keeps the keys: a SAM in a slot, or one in memory for servers and tests |
//! | [`terminal`] | purchase and recharge, each one call with three endings; what is in doubt, settlement, the issuer's check |
//! | [`access`], [`attendance`] | a door, and who may pass; an attendance terminal |
//! | [`presence`] | what those two share: genuine cards, the journal of events, the deny list |
//! | [`trace`] | a redacting trace of APDUs, decoded field by field; its file, the state it implies, every MAC checked by known keys |
//! | [`blacklist`] | which cards are served no more: signed lists and changes, two bytes a card |
//! | [`disk`] | what is durable when, for journals and the blacklist |
//! | [`issuing`] | from a blank card to an application or a SAM |
//! | [`globalplatform`] | management of RFID-SIMs: secure channels, the registry, keys |
//! | [`over_the_air`] | secured packets by short message, the platform's side |
//! | [`key_master`] | the key master card and its mother card: personalised, opened, filled, copied |
//! | [`keys`] | roots, diversification, check values |
//! | [`key_store`] | where master keys are, which give ready bodies of WRITE KEY and no key |
//! | [`crypto`], [`line_protection`] | session keys, MACs, TAC; commands under a MAC, enciphered |
//!
//! Nothing in here opens a socket, reads a clock or draws a random number: moments and generators come in as arguments.
//! The files it can open are a terminal's own, and only where the caller says: [`JournalFile`],
//! [`EventFile`](presence::EventFile) and [`BlacklistFile`](blacklist::BlacklistFile).
//!
//! A sale:
//!
//! ```no_run
//! use onecard_host::{JournalFile, Levels, OrderNumber, Outcome, PsamCard, PurchaseOrder, Transport, purchase};
//! use onecard_host::wire::{amount::Amount, date::Moment, key::KeyVersion, number::EnterpriseId, wallet::Purse};
//!
//! fn sell(card: &mut dyn Transport, slot: Box<dyn Transport>, moment: Moment) -> Result<(), Box<dyn std::error::Error>> {
//!     let enterprise: EnterpriseId = "1000000000000001".parse()?;
//!     let mut sam = PsamCard::open(slot, enterprise, Levels::Serial, KeyVersion(1))?;
//!     let mut store = JournalFile::open("till.journal")?;
//!     let (number, amount) = (OrderNumber(1), Amount::from_fen(1_250));
//!     let order = PurchaseOrder { number, enterprise, purse: Purse::Ep, key_id: 1, amount, moment, pin: None };
//!     match purchase(card, &mut sam, &mut store, &order)?.outcome {
//!         Outcome::Committed(receipt) => println!("{receipt}"),
//!         Outcome::NotCommitted(reason) => println!("{reason}"),
//!         Outcome::Unknown(in_doubt) => println!("{in_doubt}"),
//!     }
//!     Ok(())
//! }
//! ```
#![forbid(unsafe_code)]

pub mod access;
pub mod apdu;
pub mod as_text;
pub mod attendance;
pub mod blacklist;
mod calendar;
pub mod card;
pub mod crypto;
pub mod disk;
pub mod globalplatform;
pub mod issuing;
mod key_list;
pub mod key_master;
pub mod key_store;
pub mod keys;
mod line_file;
pub mod line_protection;
pub mod over_the_air;
pub mod presence;
pub mod sam;
pub mod terminal;
pub mod trace;
pub mod transport;

pub use onecard_wire as wire;
pub use sam::{Levels, PsamCard, Sam};
pub use terminal::{
    JournalFile, OrderNumber, Outcome, PurchaseOrder, RechargeOrder, SettlementRecord, TokenStore, purchase, recharge,
};
pub use transport::Transport;
