//! The file system: a table of files, each with a body of whole pages; directories are entries without a body.
//!
//! The table alone says which pages are in use, so there is nothing else to keep in step with it.

mod access;
mod binary;
mod create;
mod entry;
mod erase;
mod install;
pub(crate) mod record;
mod select;
mod table;

pub(crate) use access::Window;
pub(crate) use entry::{File, FileIndex, Lock, UNBLOCK_TRIES};
pub(crate) use erase::finish_erasing;
pub(crate) use install::{APPLICATIONS_MAX, NewApplication, applications, free_bytes, install, remove};
pub(crate) use select::{Directory, PurseFiles};
pub(crate) use table::{file as directory_entry, files_below, find_child};
