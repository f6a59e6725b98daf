//! Where applications are issued from: a key store, and what it takes besides.

use core::{cell::RefCell, fmt};

use onecard_host::{
    card::Pin,
    crypto::MAC_LEN,
    issuing::{CardOrder, washed_keys},
    key_store::{KeyStore, NamedKey, StoreError, StoredKey, WriteKeyBody, WriteKeyOrder},
    keys::{MissingKey, Purpose},
    over_the_air::{
        PacketCounter, PlacedMac,
        issue::{IssueOrder, IssuePlan, Making, Next},
    },
};
use onecard_wire::{
    key::{Algorithm, KeyVersion},
    number::{ApplicationSerial, EnterpriseId},
};

use super::{Issuer, NotSaid, Place, Unavailable};
use crate::campaign::content::ApplicationContent;

/// Where applications are issued from.
pub struct IssuingOffice<'i> {
    issuer: Box<dyn Issuer + 'i>,
    /// As it listed them when it was opened.
    there: Vec<StoredKey>,
    pin: Option<Pin>,
    parts: usize,
    sets_a_turn: usize,
    sets_in_turn: usize,
    /// What the issuer has left to give away, if it was asked in this turn and has made nothing since.
    exports_left: Option<Option<u32>>,
}

impl<'i> IssuingOffice<'i> {
    /// Most short messages of a packet, if nobody says otherwise: three packets for a whole application.
    const PARTS: usize = 5;

    /// Opens it by whoever makes the bodies.
    ///
    /// # Errors
    /// [`StoreError`]: it does not tell what it has.
    pub fn open(mut issuer: Box<dyn Issuer + 'i>) -> Result<Self, StoreError> {
        let there = issuer.keys()?;
        Ok(Self {
            issuer,
            there,
            pin: None,
            parts: Self::PARTS,
            sets_a_turn: usize::MAX,
            sets_in_turn: 0,
            exports_left: None,
        })
    }

    /// With the first PIN of all holders whose order says so.
    #[must_use]
    pub fn with_pin(self, pin: Option<Pin>) -> Self {
        Self { pin, ..self }
    }

    /// With packets of at most so many short messages.
    #[must_use]
    pub fn with_parts(self, parts: usize) -> Self {
        Self { parts, ..self }
    }

    /// Sets of bodies that are made in one turn at most, 1 or more: a card takes its time for each, and what a turn that is killed has made
    /// is lost with it.
    #[must_use]
    pub fn with_sets_a_turn(self, sets: usize) -> Self {
        Self { sets_a_turn: sets.max(1), ..self }
    }

    /// Another turn has begun.
    pub(super) const fn turn_begins(&mut self) {
        self.sets_in_turn = 0;
        self.exports_left = None;
    }

    /// That everything is there for such an application, without an export.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub(super) fn ready_for(
        &mut self,
        enterprise: EnterpriseId,
        content: &ApplicationContent,
    ) -> Result<CardOrder, Unavailable> {
        let its = self.issuer.enterprise();
        if its != enterprise {
            let other = "the key store has the keys of enterprise";
            return Err(Unavailable(format!(
                "{other} {its}, the order is of {enterprise}: open that one's 密钥库属于另一单位"
            )));
        }
        for (purpose, expected) in &content.check_values {
            let found = self.stored(NamedKey { purpose: *purpose, version: content.key_version })?.check_value;
            if found != *expected {
                let key = "the key store's key";
                return Err(Unavailable(format!(
                    "{key} {purpose} has check value {found}, the profile of the campaign says {expected} 密钥校验值不符"
                )));
            }
        }
        let pin = content.first_pin(self.pin.as_ref());
        let pin = pin.ok_or_else(|| {
            Unavailable("the holders' first PIN is in a file, which was not named 缺少初始密码文件".to_owned())
        })?;
        let order = content.order(enterprise, pin);
        let names = washed_keys(&order);
        names.iter().try_for_each(|name| self.stored(*name).map(drop))?;
        self.stored(NamedKey { purpose: Purpose::Management, version: content.management })?;
        // One body for each key and one for the PIN.
        let wanted = u32::try_from(names.len() + 1).unwrap_or(u32::MAX);
        let left = match self.exports_left {
            Some(left) => left,
            None => self.issuer.exports_left().map_err(unavailable)?,
        };
        self.exports_left = Some(left);
        match left {
            Some(left) if left < wanted => Err(Unavailable(format!(
                "the key master card may export {left} more bodies, and an application takes {wanted}: add to its allowance by \
                 `onecard master allowance` 导出额度不足"
            ))),
            _ => Ok(order),
        }
    }

    /// Makes the packets of an issue.
    pub(super) fn make(
        &mut self,
        making: Making,
        content: &ApplicationContent,
        place: &mut Place<'_>,
    ) -> Result<Next, NotSaid> {
        if self.sets_in_turn >= self.sets_a_turn {
            return Err(NotSaid::NextTurn);
        }
        let card = self.ready_for(making.enterprise(), content)?;
        let serial = making.serial();
        let algorithm = self.algorithm(content.key_version)?;
        let order = IssueOrder { card: &card, serial, management: content.management, algorithm };
        let plan = IssuePlan::new::<StoreError>(order, place.keys, &place.terms, self.parts).map_err(unavailable)?;
        let counters = (0..plan.counters()).map(|_| place.reserve()).collect::<Result<Vec<_>, _>>()?;
        self.sets_in_turn += 1;
        self.exports_left = None;
        let shared = RefCell::new(&mut *self.issuer);
        let macs = &mut Macs { issuer: &shared, serial, version: content.key_version };
        let packets = plan.packets(&counters, &mut Bodies { enterprise: making.enterprise(), issuer: &shared }, macs);
        Ok(making.made(packets.map_err(unavailable)?))
    }

    fn algorithm(&self, version: KeyVersion) -> Result<Algorithm, Unavailable> {
        Ok(self.stored(NamedKey { purpose: Purpose::Control, version })?.algorithm)
    }

    fn stored(&self, name: NamedKey) -> Result<&StoredKey, Unavailable> {
        let stored = self.there.iter().find(|stored| stored.name == name);
        stored.ok_or_else(|| unavailable(MissingKey::from(name)))
    }
}

impl fmt::Debug for IssuingOffice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuingOffice").field("parts", &self.parts).finish_non_exhaustive()
    }
}

/// What was not made now may be made later: nothing has left.
fn unavailable(why: impl fmt::Display) -> Unavailable {
    Unavailable(why.to_string())
}

type Shared<'s, 'i> = RefCell<&'s mut (dyn Issuer + 'i)>;

/// The issuer as it makes bodies.
struct Bodies<'b, 's, 'i> {
    enterprise: EnterpriseId,
    issuer: &'b Shared<'s, 'i>,
}

/// The issuer as it makes MACs of one application's contents.
struct Macs<'m, 's, 'i> {
    issuer: &'m Shared<'s, 'i>,
    serial: ApplicationSerial,
    version: KeyVersion,
}

impl KeyStore for Bodies<'_, '_, '_> {
    fn enterprise(&self) -> EnterpriseId {
        self.enterprise
    }

    fn keys(&mut self) -> Result<Vec<StoredKey>, StoreError> {
        self.issuer.try_borrow_mut().map_err(in_use)?.keys()
    }

    fn write_key(&mut self, order: &WriteKeyOrder<'_>) -> Result<WriteKeyBody, StoreError> {
        self.issuer.try_borrow_mut().map_err(in_use)?.write_key(order)
    }
}

impl PlacedMac for Macs<'_, '_, '_> {
    type Error = StoreError;

    fn placed_mac(&mut self, place: (PacketCounter, u8), message: &[u8]) -> Result<[u8; MAC_LEN], StoreError> {
        let mut issuer = self.issuer.try_borrow_mut().map_err(in_use)?;
        issuer.placed_mac(self.serial, self.version, place, message)
    }
}

/// Never: each question is over before the next.
fn in_use(error: core::cell::BorrowMutError) -> StoreError {
    StoreError::Failed(error.to_string())
}
