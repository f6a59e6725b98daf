//! What a station has for second washes: a key master card, an issuing SAM beside it, and the journal of washes.

use core::fmt;
use std::{
    fs::File,
    sync::{Mutex, MutexGuard, PoisonError},
};

use onecard_host::{
    disk::DiskFile,
    issuing::{CardOrder, Known, NotWritten, Note, Reached, WashingJournal, washed_keys},
    key_store::{KeyStore, KeyTarget, NamedKey, StoreError, StoredKey, WriteKeyBody, WriteKeyOrder},
    keys::{MissingKey, Purpose},
    sam::{AuthenticationUse, CardFactors, LineKeyUse, Sam, SamError, SamOrder},
};
use onecard_wire::{
    amount::Amount,
    date::{Moment, Time},
    key::{Algorithm, AlgorithmId, KeyVersion},
    number::{ApplicationSerial, EnterpriseId, TerminalNumber},
    sam::InitSam,
    wallet::TransactionType,
};

use super::{Orders, OtherKeys, keys::are_meant};
use crate::{
    journal::{ChainFile, JournalError},
    profile::Profile,
    store::ExportingStore,
    washing::{Line, OrderHash, Washings},
};

/// Keys that come out as bodies of WRITE KEY alone, each counted, and who makes MACs beside them.
pub struct WashingKeys<'k> {
    enterprise: EnterpriseId,
    management: KeyVersion,
    version: KeyVersion,
    /// What is there, as the store listed it at the beginning.
    there: Vec<StoredKey>,
    store: Mutex<&'k mut dyn ExportingStore>,
    sam: Mutex<Box<dyn Sam + Send>>,
}

/// The station's journal of washes, as a batch keeps it.
pub struct WashingBook<'b, F = File> {
    file: Mutex<ChainFile<Washings, F>>,
    clock: &'b (dyn Fn() -> String + Sync),
}

/// Why nothing can be washed. No body was exported.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// A key that a card gets.
    #[error(transparent)]
    Missing(#[from] MissingKey),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The issuing SAM lacks something.
    #[error("the issuing SAM does not make {what}: {source}: take the issuing SAM of these keys")]
    Sam {
        /// What it was asked for.
        what: &'static str,
        /// Its reason.
        source: SamError,
    },
    /// The allowance is too small.
    #[error(
        "the key master card may export {left} bodies for cards, and what is left of the list takes {wanted}, {a_card} a card: add to \
         its allowance by `onecard master allowance` 导出额度不足"
    )]
    Allowance {
        /// What it may.
        left: u32,
        /// What is wanted.
        wanted: u64,
        /// Bodies of one whole card.
        a_card: u32,
    },
}

/// Bodies of WRITE KEY that a whole card takes: its keys and its PIN.
#[must_use]
pub fn exports_of(order: &CardOrder) -> u32 {
    u32::try_from(washed_keys(order).len() + 1).unwrap_or(u32::MAX)
}

/// The same of a card that has come so far.
#[must_use]
pub fn exports_left(order: &CardOrder, reached: Option<Reached>) -> u32 {
    match reached {
        None | Some(Reached::Operator | Reached::ControlSent) => exports_of(order),
        Some(Reached::Keys(there)) => exports_of(order).saturating_sub(1).saturating_sub(u32::from(there)),
        Some(Reached::ContentsSent | Reached::Contents | Reached::Good) => 0,
    }
}

impl<'k> WashingKeys<'k> {
    /// Those that `profile` names, in `store`; `sam` is the enterprise's issuing SAM.
    ///
    /// # Errors
    /// [`OtherKeys`]: a key is missing, or is not the one that the profile means.
    pub fn new(
        store: &'k mut dyn ExportingStore,
        sam: Box<dyn Sam + Send>,
        profile: &Profile,
    ) -> Result<Self, OtherKeys> {
        let there = store.keys()?;
        are_meant(store.enterprise(), &there, profile)?;
        let Profile { enterprise, operator_key_version: management, key_version: version, .. } = *profile;
        Ok(Self { enterprise, management, version, there, store: Mutex::new(store), sam: Mutex::new(sam) })
    }

    /// That the store has every key of such a card and the SAM makes what is asked of it, for a card `serial`, without an export.
    ///
    /// # Errors
    /// [`NotReady`].
    pub fn are_ready_for(&self, orders: &Orders<'_>, serial: ApplicationSerial) -> Result<(), NotReady> {
        let Some(order) = orders.any() else { return Ok(()) };
        let management = self.algorithm(NamedKey { purpose: Purpose::Management, version: self.management })?;
        for name in washed_keys(&order) {
            let payload = self.algorithm(name)?;
            if name.purpose.follows_key_file() && payload != management {
                let purpose = name.purpose;
                return Err(StoreError::MixedAlgorithms { purpose, payload, control: management }.into());
            }
        }
        let load = self.algorithm(NamedKey { purpose: Purpose::Load, version: order.key_version })?;
        let mut sam = self.sam();
        if !orders.rights(&order).is_empty() {
            let card = CardFactors { enterprise: order.enterprise, serial };
            let made = sam.line_mac(card, LineKeyUse::Rights, order.key_version, [0; 8], &[0; 8]);
            made.map_err(|source| NotReady::Sam { what: "MACs of access rights", source })?;
        }
        sam_makes_all(&mut **sam, serial, &order, load)
    }

    /// That its allowance covers `wanted` bodies, where a whole card takes `a_card`.
    ///
    /// # Errors
    /// [`NotReady`].
    pub fn allowance_covers(&self, wanted: u64, a_card: u32) -> Result<(), NotReady> {
        let left = self.card_exports_left()?;
        if u64::from(left) < wanted { Err(NotReady::Allowance { left, wanted, a_card }) } else { Ok(()) }
    }

    /// How many bodies for cards it may still export.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn card_exports_left(&self) -> Result<u32, StoreError> {
        lock(&self.store).card_exports_left()
    }

    pub(super) const fn enterprise_id(&self) -> EnterpriseId {
        self.enterprise
    }

    /// Of the enterprise's keys.
    pub(super) const fn version(&self) -> KeyVersion {
        self.version
    }

    /// Of the operator's management keys.
    pub(super) const fn management_version(&self) -> KeyVersion {
        self.management
    }

    pub(super) fn sam(&self) -> MutexGuard<'_, Box<dyn Sam + Send>> {
        lock(&self.sam)
    }

    /// The hash of an order, as `onecard wash second card` makes it too.
    pub(super) fn hash(&self, order: &CardOrder) -> OrderHash {
        let mut places = format!("key {:02X}, management {:02X}", order.key_version.0, self.management.0);
        for beside in &order.beside {
            places.push_str(&format!(", {:?} {:02X} {:02X}", beside.purpose, beside.id, beside.version.0));
        }
        OrderHash::of(&self.there, &places)
    }

    fn algorithm(&self, name: NamedKey) -> Result<Algorithm, MissingKey> {
        let stored = self.there.iter().find(|stored| stored.name == name);
        stored.map(|stored| stored.algorithm).ok_or_else(|| name.into())
    }
}

/// Asks for everything that issuing needs, of a card that need not be anywhere.
fn sam_makes_all(
    sam: &mut dyn Sam,
    serial: ApplicationSerial,
    order: &CardOrder,
    load: Algorithm,
) -> Result<(), NotReady> {
    let card = CardFactors { enterprise: order.enterprise, serial };
    let lacks = |what| move |source| NotReady::Sam { what, source };
    sam.random().map_err(lacks("random bytes"))?;
    sam.maintenance_mac(card, [0; 8], &[0; 8]).map_err(lacks("MACs of contents"))?;
    for usage in AuthenticationUse::ALL {
        let what = "what INTERNAL AUTHENTICATE is compared with";
        sam.authentication(card, usage, order.key_version, [0; 8]).map_err(lacks(what))?;
    }
    let init = InitSam {
        random: [0; 4],
        card_sequence: 0,
        amount: Amount::ZERO,
        transaction_type: TransactionType::LOAD_EP,
        moment: Moment { date: order.valid_from, time: Time::MIDNIGHT },
        key_version: order.key_version,
        algorithm: AlgorithmId::of(load),
    };
    // A MAC1 that is none: that it is wrong shows the key.
    match sam.check_load(&SamOrder { card, init }, TerminalNumber([0; 6]), Amount::ZERO, [0; 4]) {
        Ok(()) | Err(SamError::WrongMac) => Ok(()),
        Err(source) => Err(lacks("the check of a load's MAC1")(source)),
    }
}

impl<'b, F: DiskFile> WashingBook<'b, F> {
    /// The journal `file`, at the station's `clock`.
    pub fn new(file: ChainFile<Washings, F>, clock: &'b (dyn Fn() -> String + Sync)) -> Self {
        Self { file: Mutex::new(file), clock }
    }

    /// Bodies that the key master card was asked for, for this card.
    pub fn exports(&self, serial: ApplicationSerial) -> u32 {
        lock(&self.file).replayed().exports(KeyTarget::Application(serial))
    }

    pub(super) fn reached(&self, serial: ApplicationSerial) -> Option<Reached> {
        lock(&self.file).replayed().reached(KeyTarget::Application(serial))
    }

    /// What is known of a card that is washed by `order`, which is noted.
    pub(super) fn begin(&self, serial: ApplicationSerial, order: OrderHash) -> Result<Known, JournalError> {
        let target = KeyTarget::Application(serial);
        let mut file = lock(&self.file);
        let known = file.replayed().known(target, &order);
        file.record(&Line::Begun { at: (self.clock)(), target: target.to_string(), order })?;
        Ok(known)
    }

    fn note(&self, line: &Line) -> Result<(), NotWritten> {
        lock(&self.file).record(line).map_err(|error| NotWritten(error.to_string()))
    }
}

/// The notes of one card's wash, which was begun.
pub(super) struct CardNotes<'n, 'b, F> {
    book: &'n WashingBook<'b, F>,
    target: String,
}

/// The store, of which every body is noted before it is asked for.
pub(super) struct NotedStore<'n, 'b, 'k, F> {
    keys: &'n WashingKeys<'k>,
    notes: CardNotes<'n, 'b, F>,
}

impl<'n, 'b, F: DiskFile> CardNotes<'n, 'b, F> {
    pub(super) fn of(book: &'n WashingBook<'b, F>, serial: ApplicationSerial) -> Self {
        Self { book, target: KeyTarget::Application(serial).to_string() }
    }

    /// The store of this card's wash.
    pub(super) fn store<'k>(&self, keys: &'n WashingKeys<'k>) -> NotedStore<'n, 'b, 'k, F> {
        NotedStore { keys, notes: CardNotes { book: self.book, target: self.target.clone() } }
    }
}

impl<F: DiskFile> WashingJournal for CardNotes<'_, '_, F> {
    fn note(&mut self, note: Note) -> Result<(), NotWritten> {
        let target = self.target.clone();
        self.book.note(&match note {
            Note::Reached(reached) => Line::Reached { target, reached },
            Note::Guess => Line::Guess { target },
        })
    }
}

impl<F: DiskFile> KeyStore for NotedStore<'_, '_, '_, F> {
    fn enterprise(&self) -> EnterpriseId {
        self.keys.enterprise
    }

    fn keys(&mut self) -> Result<Vec<StoredKey>, StoreError> {
        Ok(self.keys.there.clone())
    }

    fn write_key(&mut self, order: &WriteKeyOrder<'_>) -> Result<WriteKeyBody, StoreError> {
        // What the store would refuse costs nothing.
        order.check()?;
        let noted = self.notes.book.note(&Line::Export { target: self.notes.target.clone() });
        noted.map_err(|error| StoreError::Failed(error.to_string()))?;
        lock(&self.keys.store).write_key(order)
    }
}

impl fmt::Debug for WashingKeys<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WashingKeys").field("enterprise", &self.enterprise).finish_non_exhaustive()
    }
}

impl<F> fmt::Debug for WashingBook<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WashingBook").finish_non_exhaustive()
    }
}

/// Neither store, SAM nor journal keeps anything between two questions that a thread which died could have left half done.
fn lock<T: ?Sized>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
