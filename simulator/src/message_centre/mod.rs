//! A simulated message centre (短信中心): a mobile network with phones in it, each with a RFID-SIM.
//!
//! ```text
//! platform ──submit──► Network ──SMS-DELIVER──► phone ──ENVELOPE──► card
//!          ◄─hand_over──  │  ◄──delivery report, SMS-SUBMIT──┘
//!                       delays, loses, repeats, reorders, throttles
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`network`] | phones, messages and what becomes of them, under a simulated clock and a seed; no sockets |
//! | [`server`] | the same network behind a socket, by SMPP 3.4 |
//! | [`message`] | what platforms hand over, and what is handed to them |
//! | [`faults`] | how bad the network is |
//! | [`traffic`] | what passes, for those who look on |

pub mod faults;
pub mod message;
pub mod network;
mod outbox;
mod phone;
mod phones;
pub mod server;
pub mod traffic;
