//! Campaigns over the air (空中批次): a flow seen through for each of many cards, whatever becomes of its messages.
//!
//! An [`Engine`] has no thread, no clock and no link of its own. Each [turn](Engine::turn) takes what a [`Carrier`] tells, judges
//! the proofs, makes the packets that are due, commits all of it to the [`Store`] in one transaction, and only then lets messages
//! leave and acknowledges what came. Killed anywhere, it goes on from the file: a counter is never given twice, a packet goes out
//! again only byte for byte, and one that changes something of value goes out once; then the card is asked.
//!
//! [`Carrier`]: crate::carrier::Carrier

mod arrivals;
mod content;
mod desk;
mod engine;
mod flow;
mod requests;
mod settings;
mod store;
mod throttle;
mod time;
mod turning;

pub use content::{ApplicationContent, FirstPin};
pub use desk::{
    Deposits, Desk, EnterpriseDesk, Issuer, IssuingOffice, KeyMasterAndSam, KeysAtHand, NotSaid, OperatorKeys,
    PacketKeyStore, Place, Unavailable,
};
pub use engine::{Engine, EngineError, Turn};
pub use flow::{Ending, Flow, Outcome, OutcomeReport};
pub use settings::Settings;
pub use store::{
    CampaignId, CampaignListing, Card, Ended, NewCard, NewTask, OrderError, PhoneError, REQUESTS, SetCipher,
    StageCounts, Store, StoreError, TaskId, UnderWay,
};
pub use time::{UnixMillis, Window, ZoneMinutes};
