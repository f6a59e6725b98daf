//! The kinds of card a station makes.

mod any;
mod card_check;
mod cpu_card;
mod keeper;
mod keys;
mod orders;
mod sam;
mod sam_check;

pub use any::AnyCraft;
pub use cpu_card::CpuCardCraft;
use keeper::Keeper;
pub use keys::{IssuingKeys, OtherKeys};
pub use orders::{OrderError, Orders};
pub use sam::SamCraft;
