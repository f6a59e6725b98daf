//! Issue, deletion and lock over the air against the real card in a phone, whatever becomes of their messages and of the power.

mod bench;
mod deletion;
mod from_the_menu;
mod issue;
mod key_version;
mod lock;
mod recharge_log;
mod till;
