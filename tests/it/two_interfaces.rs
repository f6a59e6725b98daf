//! A phone and a terminal at one SIM: neither disturbs the other, and of two transactions on one purse the first to complete
//! wins (specification 15.1 to 15.3).

mod flows;
mod orders;
mod questions;
mod radio;
mod tears;
