//! The one-card CPU card and SAM.
#![no_std]
#![forbid(unsafe_code)]

pub mod nvm;
pub mod platform;
