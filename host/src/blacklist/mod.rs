//! Which cards of an enterprise are served no more: an exact set, two bytes a card, signed by the enterprise.
//!
//! The enterprise's [`ListSigner`] makes whole lists and changes from one list to the next; a terminal holds the
//! [`ListKey`] and takes nothing that is not signed, not newer, or not made for the list it has. [`BlacklistFile`] keeps what
//! was received, signatures and all, so that it is checked again at every start.
//!
//! ```
//! use ed25519_dalek::SigningKey;
//! use onecard_host::blacklist::{Blacklist, ListSigner, ListVersion};
//!
//! let enterprise = "1000000000000001".parse()?;
//! let lost = "3100100000000423".parse()?;
//! let signer = ListSigner::new(enterprise, SigningKey::from_bytes(&[7; 32]));
//! let whole = signer.whole(ListVersion([0x20, 0x26, 0x06, 0x01, 0, 0, 0]), [lost])?;
//! let list = Blacklist::received(&whole, enterprise, &signer.key())?;
//! assert!(list.lists(lost));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod file;
mod layout;
mod signature;
#[cfg(test)]
mod tests;

pub use file::{BlacklistFile, BlacklistFileError};
pub(crate) use layout::number;
pub use signature::{ListKey, ListSigner, NoListKey};

use core::fmt;

use onecard_wire::number::{ApplicationSerial, EnterpriseId};
use roaring::RoaringTreemap;

use layout::{Body, Update};

/// Which list this is: a number of 7 bytes, the greater the newer, which a marked card bears (EF 0017). The enterprise
/// chooses it; date and time as 14 digits serve well.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ListVersion(pub [u8; 7]);

impl fmt::Display for ListVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

/// One enterprise's blacklist (黑名单), of a version, from signed bytes.
#[derive(Clone, PartialEq, Debug)]
pub struct Blacklist {
    enterprise: EnterpriseId,
    version: ListVersion,
    numbers: RoaringTreemap,
}

impl Blacklist {
    /// The whole list that `bytes` are.
    ///
    /// # Errors
    /// [`BlacklistError`].
    pub fn received(bytes: &[u8], enterprise: EnterpriseId, key: &ListKey) -> Result<Self, BlacklistError> {
        let Update { version, body, .. } = layout::verified(bytes, enterprise, key)?;
        match body {
            Body::Whole(numbers) => Ok(Self { enterprise, version, numbers }),
            Body::Changes { base, .. } => Err(BlacklistError::NoListYet { base }),
        }
    }

    /// The list that this one becomes by `bytes`: a newer whole list, or changes made for this one.
    ///
    /// # Errors
    /// [`BlacklistError`]; this list then stays as it is.
    pub fn updated(&self, bytes: &[u8], key: &ListKey) -> Result<Self, BlacklistError> {
        let Update { version, listed, body } = layout::verified(bytes, self.enterprise, key)?;
        if version <= self.version {
            return Err(BlacklistError::NotNewer { offered: version, have: self.version });
        }
        let numbers = match body {
            Body::Whole(numbers) => numbers,
            Body::Changes { base, additions, removals } => {
                if base != self.version {
                    return Err(BlacklistError::Gap { base, have: self.version });
                }
                layout::changed(&self.numbers, &additions, &removals, listed)?
            }
        };
        Ok(Self { enterprise: self.enterprise, version, numbers })
    }

    /// Whether `serial` is listed.
    #[must_use]
    pub fn lists(&self, serial: ApplicationSerial) -> bool {
        self.numbers.contains(layout::number(serial))
    }

    /// Whose list it is.
    #[must_use]
    pub const fn enterprise(&self) -> EnterpriseId {
        self.enterprise
    }

    /// Which list it is.
    #[must_use]
    pub const fn version(&self) -> ListVersion {
        self.version
    }

    /// How many cards are listed.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.numbers.len()
    }

    /// Whether no card is listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The listed cards, ascending.
    pub fn iter(&self) -> impl Iterator<Item = ApplicationSerial> {
        self.numbers.iter().filter_map(layout::serial)
    }

    /// Bytes of memory the set takes, by the capacities of its buffers and an upper bound for what frames them.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        /// A container's key and the frame of its buffer.
        const CONTAINER: u64 = 48;
        /// A container for every second number or so: a bit each.
        const BITSET: u64 = 65_536 / 8;
        /// A bitmap and its place in the tree over the numbers' upper halves.
        const BITMAP: u64 = 64;
        let bitmaps = self.numbers.bitmaps().map(|(_, bitmap)| {
            let held = bitmap.statistics();
            // Two bytes an element; the statistics count an array's capacity at four.
            let arrays = (held.n_bytes_array_containers / 2).max(u64::from(held.n_values_array_containers) * 2);
            let buffers = arrays + held.n_bytes_run_containers + u64::from(held.n_bitset_containers) * BITSET;
            BITMAP + u64::from(held.n_containers) * CONTAINER + buffers
        });
        size_of::<Self>() as u64 + bitmaps.sum::<u64>()
    }
}

/// Why a list was not taken. The terminal goes on with the list it has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BlacklistError {
    /// Not the bytes of a list.
    #[error("these are not the bytes of a blacklist ({0}): fetch it again")]
    Malformed(&'static str),
    /// Of another release.
    #[error("the blacklist has format {0:02X}, this release reads format 01: update the terminal's software")]
    Format(u8),
    /// Another enterprise's.
    #[error("the blacklist is enterprise {found}'s, this terminal serves {expected}: fetch the list of {expected}")]
    OtherEnterprise {
        /// Whose it is.
        found: EnterpriseId,
        /// Whose terminal this is.
        expected: EnterpriseId,
    },
    /// Not signed by the key this terminal holds.
    #[error(
        "the blacklist's signature is wrong: it was changed on its way or is not the enterprise's. Fetch it again; if that \
         does not help, have the station check the list key of this terminal"
    )]
    WrongSignature,
    /// As old as the list this terminal has, or older.
    #[error("the list offered is {offered}, this terminal has {have} already: fetch a newer one, if there is one")]
    NotNewer {
        /// Version of what was offered.
        offered: ListVersion,
        /// Version of the terminal's list.
        have: ListVersion,
    },
    /// Changes were missed.
    #[error(
        "the changes are made for list {base}, this terminal has {have}: fetch the changes that follow {have}, or the \
         newest whole list"
    )]
    Gap {
        /// Which list they change.
        base: ListVersion,
        /// Version of the terminal's list.
        have: ListVersion,
    },
    /// Changes, and nothing to change.
    #[error("the changes are made for list {base}, this terminal has none: fetch the newest whole list first")]
    NoListYet {
        /// Which list they change.
        base: ListVersion,
    },
    /// Signed, and contradicting the list or itself.
    #[error(
        "the blacklist is signed, but {0}: fetch the newest whole list and tell the enterprise that these changes do not fit"
    )]
    Contradictory(&'static str),
}
