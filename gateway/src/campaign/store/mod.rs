//! What a gateway keeps: cards and their counters, campaigns, and one row of state a task (任务).
//!
//! SQLite with a write-ahead log that is synced at each commit: what [`Writing::commit`] returned from is on the disk, and nothing
//! leaves the gateway before.

mod error;
mod listing;
mod lock;
mod orders;
mod phone;
mod precedence;
mod requests;
mod writing;

use std::{fs::File, path::Path, time::Duration};

use onecard_host::over_the_air::{SetVersion, message::Address};
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use lock::Lock;

pub use error::StoreError;
pub use listing::{CampaignListing, Ended, StageCounts, UnderWay};
pub use orders::{NewCard, NewTask, OrderError};
pub use phone::PhoneError;
pub use requests::REQUESTS;
pub(super) use requests::Requester;
pub(super) use writing::{Due, DueFor, Out, PacketOut, Writing};

/// The release of the file's form, in its header.
const USER_VERSION: i64 = 3;
/// Each form, from nothing and then from the one before.
const FORMS: [(i64, &str); 3] =
    [(1, include_str!("schema.sql")), (2, include_str!("form_2.sql")), (USER_VERSION, include_str!("form_3.sql"))];
/// `OneC`, in the header of each of our files.
const APPLICATION_ID: i64 = 0x4F6E_6543;

/// A long list that is taken in beside a gateway is one transaction, which does not end it.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// The file.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    /// Held as long as this gateway runs: two would each believe that nothing else is under way.
    lock: Option<Lock>,
}

/// A campaign's row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CampaignId(pub(super) i64);

/// A task's row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TaskId(pub(super) i64);

/// The cipher of a key set over the air.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SetCipher {
    /// AES-128.
    Aes,
    /// Triple DES of two keys.
    TripleDes,
}

/// A card as the gateway knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Card {
    pub(super) id: i64,
    /// EF ICCID as stored: the chip's number is its last 8 bytes.
    pub iccid: [u8; 10],
    /// Its phone.
    pub phone: Address,
    /// The key set that this gateway uses, and no other does.
    pub key_set: SetVersion,
    /// Its cipher.
    pub cipher: SetCipher,
}

impl SetCipher {
    /// As it stands in the file and in lists.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aes => "aes",
            Self::TripleDes => "3des",
        }
    }

    /// From its name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Aes, Self::TripleDes].into_iter().find(|cipher| cipher.name() == name)
    }
}

impl Store {
    /// Makes a new file.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Exists`] if there is one already.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        let mut options = File::options();
        options.write(true).create_new(true);
        // It tells who is called what, and when: its owner alone.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::AlreadyExists => StoreError::Exists(path.to_owned()),
            _ => StoreError::NotMade { path: path.to_owned(), source },
        })?;
        // What stands beside it may be of a book that was here before: it is undone before this is a book.
        let lock = Lock::take(path).and_then(|mut lock| lock.keep(0).map(|()| lock));
        let lock = lock.inspect_err(|_| drop(std::fs::remove_file(path)))?;
        let connection = Connection::open(path)?;
        prepare(&connection)?;
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        bring_up(&connection)?;
        Ok(Self { connection, lock: Some(lock) })
    }

    /// Opens a file, for one gateway alone: a second one is refused as long as the first has it.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::InUse`], [`StoreError::NotOurs`], [`StoreError::OtherRelease`], [`StoreError::OldCopy`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = opened(path)?;
        let lock = Lock::take(path)?;
        lock.admit(path, changes(&connection)?)?;
        Ok(Self { connection, lock: Some(lock) })
    }

    /// Opens a file beside a gateway that may be running, to read and to pause.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn look(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { connection: opened(path)?, lock: None })
    }

    /// Whether no order is begun and not ended.
    pub(super) fn is_at_rest(&self) -> Result<bool, StoreError> {
        let query = "SELECT NOT EXISTS (SELECT 1 FROM task WHERE begun = 1 AND stage < 3)";
        Ok(self.connection.prepare_cached(query)?.query_row([], |row| row.get(0))?)
    }

    /// Copies the write-ahead log into the book and empties it: what has been overwritten is on no page any more. False if somebody
    /// who looks on is in the way.
    pub(super) fn empty_log(&self) -> Result<bool, StoreError> {
        // A turn does not wait for him.
        self.connection.busy_timeout(Duration::ZERO)?;
        let is_busy = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0));
        self.connection.busy_timeout(WAIT_MAX)?;
        Ok(!is_busy?)
    }

    /// What is in the book now is the newest: an older copy of it will be refused. Before any message leaves.
    pub(super) fn witness(&mut self) -> Result<(), StoreError> {
        let Self { connection, lock } = self;
        lock.as_mut().map_or(Ok(()), |lock| lock.keep(changes(connection)?))
    }

    /// Begins to write; nothing of it counts before [`Writing::commit`].
    pub(super) fn write(&mut self) -> Result<Writing<'_>, StoreError> {
        Writing::begin(&mut self.connection)
    }
}

fn opened(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    let application: i64 = connection
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(|_| StoreError::NotOurs(path.to_owned()))?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match (application, version) {
        (APPLICATION_ID, 1..=USER_VERSION) => {
            prepare(&connection)?;
            if version < USER_VERSION {
                bring_up(&connection)?;
            }
        }
        (APPLICATION_ID, version) => return Err(StoreError::OtherRelease(version)),
        _ => return Err(StoreError::NotOurs(path.to_owned())),
    }
    Ok(connection)
}

/// Brings a book of an earlier release to the form of this one, once, whoever else opens it at the same time; or an empty file.
fn bring_up(connection: &Connection) -> Result<(), StoreError> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for (_, form) in FORMS.iter().filter(|(number, _)| *number > version) {
        transaction.execute_batch(form)?;
    }
    transaction.pragma_update(None, "user_version", USER_VERSION)?;
    Ok(transaction.commit()?)
}

/// Changes of the book that an old copy must not take back.
fn changes(connection: &Connection) -> Result<u64, StoreError> {
    let mut statement = connection.prepare_cached("SELECT number FROM changes")?;
    Ok(statement.query_row([], |row| row.get::<_, i64>(0))?.unsigned_abs())
}

fn prepare(connection: &Connection) -> Result<(), StoreError> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What is overwritten or deleted is filled with zeros.
    connection.pragma_update(None, "secure_delete", true)?;
    // In KiB if negative: the rows of a campaign under way.
    connection.pragma_update(None, "cache_size", -65_536)?;
    connection.busy_timeout(WAIT_MAX)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// The trials cut the power on a disk that has what was committed: that it has is SQLite's to keep, and ours to ask for, by
    /// whichever way the book was opened.
    #[test]
    fn a_commit_is_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("book");
        let pragma = |store: &Store, name: &str| -> String {
            store
                .connection
                .query_row(&format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}"), [], |row| row.get(0))
                .unwrap()
        };
        let created = Store::create(&path).unwrap();
        let looking = Store::look(&path).unwrap();
        let of = |store: &Store| {
            ["synchronous", "journal_mode", "secure_delete", "foreign_keys"].map(|it| pragma(store, it))
        };
        const FULL: &str = "2";
        assert_eq!(of(&created), [FULL, "wal", "1", "1"]);
        assert_eq!(of(&looking), of(&created));
        drop(created);
        assert_eq!(of(&Store::open(&path).unwrap()), of(&looking));
    }

    /// A book of an earlier release goes on with what it has, whoever opens it first, and once.
    #[test]
    fn a_book_of_an_earlier_form_becomes_one_of_this() {
        for form in 1..USER_VERSION {
            becomes_one_of_this(form);
        }
    }

    fn becomes_one_of_this(form: i64) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gateway.book");
        let old = Connection::open(&path).unwrap();
        for (_, sql) in FORMS.iter().filter(|(number, _)| *number <= form) {
            old.execute_batch(sql).unwrap();
        }
        old.execute_batch("INSERT INTO campaign (name, settings, paused) VALUES ('march', '{}', 0)").unwrap();
        old.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        old.pragma_update(None, "user_version", form).unwrap();
        drop(old);
        let (first, second) = (Store::look(&path).unwrap(), Store::open(&path).unwrap());
        for store in [first, second, Store::look(&path).unwrap()] {
            assert_eq!(store.campaign("march").unwrap(), CampaignId(1));
            let version: i64 = store.connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
            assert_eq!((version, changes(&store.connection).unwrap()), (USER_VERSION, 0));
            store.connection.query_row("SELECT count(waits) FROM task", [], |row| row.get::<_, i64>(0)).unwrap();
            store.connection.query_row("SELECT count(*) FROM application", [], |row| row.get::<_, i64>(0)).unwrap();
        }
        let newer = Connection::open(&path).unwrap();
        newer.pragma_update(None, "user_version", USER_VERSION + 1).unwrap();
        assert!(matches!(Store::look(&path), Err(StoreError::OtherRelease(version)) if version == USER_VERSION + 1));
    }
}
