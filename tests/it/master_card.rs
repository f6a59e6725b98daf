//! The key master card at work: from a ceremony's keys to cards that pay, copies, and what is lost on the way.

mod office;
mod over_the_air;
mod sweep;
mod whole;
