#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod blacklist;
mod deny_list;
mod event_file;
pub(crate) mod model_card;
