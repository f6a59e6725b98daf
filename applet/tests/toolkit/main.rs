//! The toolkit and its menu, the card alone: every path in both languages, every general result at every screen, answers that
//! are none, power cut at every write.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    dead_code,
    reason = "tests"
)]

#[path = "../one_card/application.rs"]
mod application;
#[path = "../chip/mod.rs"]
mod chip;
#[path = "../one_card/deal.rs"]
mod deal;
#[path = "../one_card/desk.rs"]
mod desk;
#[path = "../rfid_sim/host.rs"]
mod host;
#[path = "../rfid_sim/sim.rs"]
mod sim;

mod fuzz;
mod image;
mod lesser;
mod paths;
mod phone;
mod protocol;
mod request;
mod results;
mod states;
