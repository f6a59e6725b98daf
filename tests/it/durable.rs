//! What a terminal has said is on its disk, whatever becomes of the process or of the power.

mod events;
mod killed;
mod power_cut;
