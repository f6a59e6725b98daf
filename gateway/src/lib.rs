//! The operator's gateway (空中网关): what stands between packets over the air and the phones.
//!
//! `onecard_host::over_the_air` makes packets and decides what an answer means; here are the links that carry them and the
//! campaigns that see them through for many cards. No key but those of packets is ever here.
//!
//! | module | what |
//! |---|---|
//! | [`carrier`] | what a campaign needs of a link: messages out, messages in, what became of each |
//! | [`campaign`] | a flow seen through for each of many cards, kept in a file |
//! | [`service_password`] | what a holder types to delete an application, as a password hash |
//! | [`smpp`] | a link to a message centre by SMPP 3.4 |
#![forbid(unsafe_code)]

pub mod campaign;
pub mod carrier;
pub mod service_password;
pub mod smpp;
