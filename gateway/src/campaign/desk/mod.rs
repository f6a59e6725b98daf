//! Whom a campaign asks: who has the packets' keys, and the enterprise's desk, which has everything else.

mod enterprise;
mod issuer;
mod office;

use onecard_host::{
    keys::RootKeys,
    over_the_air::{
        OtaKeySet, PacketCounter, PacketKeys, PacketTerms, SetVersion,
        deletion::{self, Settlement, Suspension},
        issue::{self, Making},
        lock::{self, Writing},
        recharge::{self, Approval, Judgement},
    },
};
use onecard_wire::{
    amount::Amount,
    date::Moment,
    key::KeyVersion,
    number::{ApplicationSerial, EnterpriseId},
};

use super::{
    content::ApplicationContent,
    store::{Card, SetCipher, StoreError},
};

pub use enterprise::{Deposits, EnterpriseDesk};
pub use issuer::{Issuer, KeyMasterAndSam, KeysAtHand};
pub use office::IssuingOffice;

/// Who has the keys of packets: the operator's, one set for each card.
pub trait PacketKeyStore {
    /// The ciphers of the card's set.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn packet_keys(&mut self, card: &Card) -> Result<PacketKeys, Unavailable>;
}

/// The enterprise's desk (企业后台): it approves loads, says whose they were, makes the bodies and MACs of packets, and has the books.
pub trait Desk {
    /// Checks MAC1 and makes MAC2 at `moment`; or refuses.
    ///
    /// # Errors
    /// [`Unavailable`]: asked again later.
    fn approve(
        &mut self,
        serial: ApplicationSerial,
        approval: Approval,
        moment: Moment,
    ) -> Result<recharge::Next, Unavailable>;

    /// Says whose load took the online sequence, by its TAC or the card's log, for which it makes a packet as long as
    /// [`Judgement::log_left`].
    ///
    /// # Errors
    /// [`NotSaid`].
    fn judge(
        &mut self,
        serial: ApplicationSerial,
        judgement: Judgement,
        place: &mut Place<'_>,
    ) -> Result<recharge::Next, NotSaid>;

    /// Another turn begins: whoever does not do all in one counts anew.
    fn turn_begins(&mut self) {}

    /// Whether an application with that content can be issued now. It is asked before anything goes to the card.
    ///
    /// # Errors
    /// [`Unavailable`]: the order waits.
    fn issues(&mut self, enterprise: EnterpriseId, content: &ApplicationContent) -> Result<(), Unavailable>;

    /// Makes the packets of an issue, for as many counters as it asks for.
    ///
    /// # Errors
    /// [`NotSaid`].
    fn make(
        &mut self,
        making: Making,
        content: &ApplicationContent,
        place: &mut Place<'_>,
    ) -> Result<issue::Next, NotSaid>;

    /// Makes the MAC of a new status.
    ///
    /// # Errors
    /// [`NotSaid`].
    fn write_status(&mut self, writing: Writing, place: &mut Place<'_>) -> Result<lock::Next, NotSaid>;

    /// Makes the MAC of a suspension before a deletion.
    ///
    /// # Errors
    /// [`NotSaid`].
    fn suspend(&mut self, suspension: Suspension, place: &mut Place<'_>) -> Result<deletion::Next, NotSaid>;

    /// What the ED of an application holds by the issuer's books, which no packet reads; `None`: nobody knows.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn deposit(&mut self, enterprise: EnterpriseId, serial: ApplicationSerial) -> Result<Option<Amount>, Unavailable>;

    /// Books the balance as refunded, once for the serial however often it is told; or refuses.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn settle(&mut self, settlement: Settlement) -> Result<deletion::Next, Unavailable>;
}

/// Where what a desk makes will stand: counters of one card, reserved in the turn's own transaction.
pub struct Place<'p> {
    /// Of the packets that carry it: their counter does not matter.
    pub terms: PacketTerms,
    /// Of the card.
    pub keys: &'p PacketKeys,
    pub(super) reserve: &'p mut dyn FnMut() -> Result<PacketCounter, StoreError>,
}

/// Nobody is there who could say: later.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

/// Why nothing was made.
#[derive(Debug, thiserror::Error)]
pub enum NotSaid {
    /// Asked again later.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// As much as is done in one turn has been done: asked again in the next.
    #[error("in the next turn")]
    NextTurn,
    /// No counter: the engine stops.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Packet keys out of an operator's roots.
#[derive(Debug)]
pub struct OperatorKeys {
    roots: RootKeys,
    version: KeyVersion,
}

impl Place<'_> {
    /// The next counter of the card, which is never given again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn reserve(&mut self) -> Result<PacketCounter, StoreError> {
        (self.reserve)()
    }
}

impl OperatorKeys {
    /// Out of the roots of `version`.
    #[must_use]
    pub const fn new(roots: RootKeys, version: KeyVersion) -> Self {
        Self { roots, version }
    }

    /// A card's set itself, with KIK, which INSTALL travels under.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn key_set(&self, iccid: [u8; 10], key_set: SetVersion, cipher: SetCipher) -> Result<OtaKeySet, Unavailable> {
        let [_, _, chip @ ..] = iccid;
        let set = OtaKeySet::of_chip(&self.roots, self.version, (chip, key_set), cipher == SetCipher::Aes);
        set.map_err(|missing| Unavailable(missing.to_string()))
    }
}

impl PacketKeyStore for OperatorKeys {
    fn packet_keys(&mut self, card: &Card) -> Result<PacketKeys, Unavailable> {
        self.key_set(card.iccid, card.key_set, card.cipher).map(|set| PacketKeys::new(&set))
    }
}
