//! An append-only file of JSON lines, each chained to all before it by a hash and durable before anybody is told of it
//! (specification 18.3).
//!
//! The first line is the kind of file and its format, as `onecard-batch-journal;1`; it is the beginning of the chain. Each
//! further line is `HASH JSON`: `HASH` is SHA-256 over the hash before (32 bytes; of the first line, the line itself without its
//! line feed) and the text of `JSON`. A line counts when it is whole, its line feed included.
//!
//! A process that was killed, or a power cut, leaves at most a torn last line, of which nobody was told: the next opening cuts it
//! off. Damage before the last line was no torn write. Whoever may write the file can make the whole chain anew: a signed
//! [report](crate::report) names the last hash it saw.

mod chain;
mod verify;

use std::{fmt::Debug, io};

use serde::{Serialize, de::DeserializeOwned};

pub use chain::ChainFile;
pub use verify::{Verified, verify};

/// SHA-256 over a file up to and including one of its lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChainHash(pub [u8; 32]);

/// What the lines of a file amount to.
pub trait Replay: Default + Debug {
    /// The kind of file, which its first line names.
    const KIND: &'static str;
    /// The format of its lines.
    const FORMAT: u8;
    /// One line.
    type Entry: Serialize + DeserializeOwned;

    /// Takes `entry`.
    ///
    /// # Errors
    /// Why it cannot follow what is there; nothing is changed then.
    fn apply(&mut self, entry: &Self::Entry) -> Result<(), String>;
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process has it open.
    #[error("{0} is in use: another station works on it; wait for it, or end it")]
    InUse(String),
    /// The disk.
    #[error("{what} failed: free the disk or repair it, then run the same command again")]
    Io {
        /// What was done to which file.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// A line that this release did not write so, or that was changed.
    #[error("{file}, line {line}: {problem}")]
    Broken {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it, what was expected and what to do.
        problem: String,
    },
    /// A line that this program may not write.
    #[error("{file}: this line cannot follow: {problem}")]
    Refused {
        /// The file.
        file: String,
        /// Why.
        problem: String,
    },
    /// A file that was to be there is missing, or was never begun: somebody has to say that a new one may be.
    #[error("there is no journal {0}, or it is empty")]
    NotBegun(String),
    /// An earlier write failed: what the file holds is not known.
    #[error("{0} could not be written before: run the same command again, which reads it anew")]
    Unusable(String),
}

/// What the lines of `content` amount to, without opening its file for writing; a torn last line does not count.
///
/// # Errors
/// [`JournalError::Broken`].
pub fn replayed<R: Replay>(file: &str, content: &[u8]) -> Result<R, JournalError> {
    let mut replayed = R::default();
    verify::read_lines::<R>(file, content, |entry| replayed.apply(&entry))?;
    Ok(replayed)
}

impl core::fmt::Display for ChainHash {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}
