//! Issue, deletion and lock over the air against the real card in a phone, whatever becomes of their messages and of the power.

mod bench;
mod deletion;
mod issue;
mod lock;
mod till;
