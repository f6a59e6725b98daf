//! The kinds of card a station makes.

mod any;
mod card_check;
mod cpu_card;
mod keeper;
mod keys;
mod orders;
mod sam;
mod sam_check;
mod second_wash;
mod sim;
mod sim_domain;
mod washing_keys;

pub use any::{AnyCraft, AnyOpening};
pub use cpu_card::CpuCardCraft;
use keeper::Keeper;
pub use keys::{IssuingKeys, OtherKeys};
pub use orders::{OrderError, Orders};
pub use sam::SamCraft;
pub use second_wash::{KeysOf, SecondWashCraft};
pub use sim::{SimCraft, Standing};
pub use sim_domain::domain_keys;
pub use washing_keys::{NotReady, WashingBook, WashingKeys, exports_left, exports_of};
