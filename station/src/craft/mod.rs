//! The kinds of card a station makes.

mod any;
mod card_check;
mod cpu_card;
mod keeper;
mod keys;
mod orders;
mod sam;
mod sam_check;
mod sim;
mod sim_domain;

pub use any::{AnyCraft, AnyOpening};
pub use cpu_card::CpuCardCraft;
use keeper::Keeper;
pub use keys::{IssuingKeys, OtherKeys};
pub use orders::{OrderError, Orders};
pub use sam::SamCraft;
pub use sim::{SimCraft, Standing};
pub use sim_domain::domain_keys;
