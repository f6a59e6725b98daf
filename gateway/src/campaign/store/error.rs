//! What the store refuses.

use std::path::PathBuf;

/// Why the store did not do it; nothing of it was done.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite's own word.
    #[error("the gateway's file: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// There is a file already.
    #[error("{0} exists already: open it, or name another file 文件已存在")]
    Exists(PathBuf),
    /// It cannot be made.
    #[error("{path} cannot be made")]
    NotMade {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another gateway has it.
    #[error("{0} is in use by another gateway: one at a time runs its campaigns 文件已被占用")]
    InUse(PathBuf),
    /// A copy from before, put back.
    #[error(
        "{book} is an old copy: it has {has} changes, and {lock} says {had}. What it takes for undone may be done, and \
         would be done again: put back the newest, or begin a new book by key sets that are new 账本是旧副本，不可继续使用"
    )]
    OldCopy {
        /// The book.
        book: PathBuf,
        /// What tells it.
        lock: PathBuf,
        /// Changes that it has seen.
        has: u64,
        /// Those of the newest.
        had: u64,
    },
    /// No lock.
    #[error("{path} cannot be locked")]
    Lock {
        /// The lock's own file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Some other file.
    #[error("{0} is no file of a gateway 不是网关文件")]
    NotOurs(PathBuf),
    /// Made by another release of this program.
    #[error("the gateway's file has form {0}, which this release does not know: take the release that made it")]
    OtherRelease(i64),
    /// A row that this program did not write.
    #[error("{what} of row {row} cannot be read: the file was changed by another program, or is damaged")]
    Damaged {
        /// Which column.
        what: &'static str,
        /// Which row.
        row: i64,
    },
    /// No such campaign.
    #[error("there is no campaign {0:?}: `onecard campaign status` lists them 无此批次")]
    NoCampaign(String),
    /// No such card.
    #[error("the gateway's book has no card {0}: take an order for it first 无此卡")]
    NoCard(String),
    /// The counter of a card's key set is at its end.
    #[error("the counter of key set {key_set:02X} of card {iccid} is at its end: put a new key set on the card")]
    CounterAtEnd {
        /// Which card, as stored.
        iccid: String,
        /// Which key set.
        key_set: u8,
    },
}

impl StoreError {
    /// Whether others kept the file for as long as it was waited for: the same again may find it free.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Sqlite(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy))
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn a_file_that_others_write_is_busy_and_one_that_is_damaged_is_not() {
        let told = |code| StoreError::from(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)).is_busy();
        assert!(told(ffi::SQLITE_BUSY) && !told(ffi::SQLITE_CORRUPT));
    }
}
