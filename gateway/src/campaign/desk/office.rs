//! Where applications are issued from: a key store, and what it takes besides.

use core::{cell::RefCell, fmt};

use onecard_host::{
    card::Pin,
    crypto::MAC_LEN,
    issuing::{CardOrder, washed_keys},
    key_store::{KeyStore, NamedKey, StoreError, StoredKey, WriteKeyBody, WriteKeyOrder},
    keys::{MissingKey, Purpose},
    over_the_air::{
        PacketCounter, PlaceError, PlacedMac,
        issue::{IssueError, IssueOrder, IssuePlan, Making, Next},
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
    /// What the issuer has left to give away, or that it does not say, if it was asked in this turn and has made nothing since.
    exports_left: Option<Result<Option<u32>, Unavailable>>,
    /// Whether a MAC was made on trial by the maintenance key of a version, of those that were asked for in this turn.
    trials: Vec<(KeyVersion, Result<(), Unavailable>)>,
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
            trials: Vec::new(),
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
    pub(super) fn turn_begins(&mut self) {
        self.sets_in_turn = 0;
        self.exports_left = None;
        self.trials.clear();
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
            // The management key is the operator's, whose versions are his own.
            let version = if *purpose == Purpose::Management { content.management } else { content.key_version };
            let found = self.stored(NamedKey { purpose: *purpose, version })?.check_value;
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
        self.makes_macs(content.key_version)?;
        // One body for each key and one for the PIN.
        let wanted = u32::try_from(names.len() + 1).unwrap_or(u32::MAX);
        match self.exports_left()? {
            Some(left) if left < wanted => Err(Unavailable(format!(
                "the key master card may export {left} more bodies, and an application takes {wanted}: add to its allowance by \
                 `onecard master allowance` 导出额度不足"
            ))),
            _ => Ok(order),
        }
    }

    fn exports_left(&mut self) -> Result<Option<u32>, Unavailable> {
        let issuer = &mut self.issuer;
        self.exports_left.get_or_insert_with(|| issuer.exports_left().map_err(unavailable)).clone()
    }

    /// Tries a MAC in a place that no packet has: bodies are exported before the first MAC is made, and would be in vain.
    fn makes_macs(&mut self, version: KeyVersion) -> Result<(), Unavailable> {
        /// The header of no command.
        const MESSAGE: [u8; 5] = [0; 5];
        if let Some((_, tried)) = self.trials.iter().find(|(tried, _)| *tried == version) {
            return tried.clone();
        }
        let nobody = ApplicationSerial::from_parts(0, 0, 0).ok_or_else(|| Unavailable("no serial".to_owned()))?;
        let place = (PacketCounter::from_bytes([0; 5]), 0);
        let tried = self.issuer.placed_mac(nobody, version, place, &MESSAGE).map(drop).map_err(unavailable);
        self.trials.push((version, tried.clone()));
        tried
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
        let packets = packets.map_err(|error| match error {
            IssueError::Place(PlaceError::Keeper(why)) => unavailable(why),
            other => unavailable(other),
        })?;
        Ok(making.made(packets))
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use core::cell::Cell;

    use onecard_host::{
        crypto::Key,
        keys::{CheckValue, EnterpriseKeys},
    };
    use onecard_simulator::sample::Sample;

    use super::*;
    use crate::campaign::{
        KeysAtHand,
        content::{FirstPin, tests::content},
    };

    /// The operator's newest management key, which the enterprise's other keys have no version of.
    const MANAGEMENT: KeyVersion = KeyVersion(3);

    /// What an issuer was asked.
    #[derive(Default)]
    struct Asked {
        macs: Cell<u32>,
        allowance: Cell<u32>,
        bodies: Cell<u32>,
    }

    /// One that may lack the maintenance key, or have been pulled.
    struct Faulty<'a> {
        keys: KeysAtHand,
        asked: &'a Asked,
        makes_macs: bool,
        is_there: bool,
    }

    fn counted(count: &Cell<u32>) {
        count.set(count.get() + 1);
    }

    impl KeyStore for Faulty<'_> {
        fn enterprise(&self) -> EnterpriseId {
            self.keys.enterprise()
        }

        fn keys(&mut self) -> Result<Vec<StoredKey>, StoreError> {
            self.keys.keys()
        }

        fn write_key(&mut self, order: &WriteKeyOrder<'_>) -> Result<WriteKeyBody, StoreError> {
            counted(&self.asked.bodies);
            self.keys.write_key(order)
        }
    }

    impl Issuer for Faulty<'_> {
        fn placed_mac(
            &mut self,
            serial: ApplicationSerial,
            version: KeyVersion,
            place: (PacketCounter, u8),
            message: &[u8],
        ) -> Result<[u8; MAC_LEN], StoreError> {
            counted(&self.asked.macs);
            assert_eq!(place.0.number(), 0, "a place that no packet has");
            if self.makes_macs {
                self.keys.placed_mac(serial, version, place, message)
            } else {
                Err(StoreError::Failed("SAM 7 has none".to_owned()))
            }
        }

        fn exports_left(&mut self) -> Result<Option<u32>, StoreError> {
            counted(&self.asked.allowance);
            if self.is_there { Ok(Some(100)) } else { Err(StoreError::Closed) }
        }
    }

    fn keys() -> EnterpriseKeys {
        let sample = Sample::new("office").unwrap();
        let set = sample.keys().keys().clone();
        EnterpriseKeys::new(sample.enterprise(), set.with(Purpose::Management, MANAGEMENT, Key::from_bytes([7; 16])))
    }

    fn office(asked: &Asked, makes_macs: bool, is_there: bool) -> IssuingOffice<'_> {
        let issuer = Faulty { keys: KeysAtHand::new(keys()), asked, makes_macs, is_there };
        IssuingOffice::open(Box::new(issuer)).unwrap()
    }

    fn wanted(check_values: Vec<(Purpose, CheckValue)>) -> ApplicationContent {
        let known = content("11010519491231002X");
        let (key_version, management) = (Sample::KEY_VERSION, MANAGEMENT);
        ApplicationContent {
            pin: FirstPin::IdNumber,
            key_version,
            beside: Vec::new(),
            management,
            check_values,
            ..known
        }
    }

    /// Asked by each order that waits, before anything goes to its card; in the next turn anew.
    #[test]
    fn what_an_issuer_lacks_is_found_without_an_export_and_once_a_turn() {
        for (makes_macs, is_there, says) in
            [(false, true, "SAM 7 has none"), (true, false, "the key store is closed"), (true, true, "")]
        {
            let asked = Asked::default();
            let mut office = office(&asked, makes_macs, is_there);
            for turn in 1..=2 {
                office.turn_begins();
                for _ in 0..5 {
                    let ready = office.ready_for(keys().enterprise(), &wanted(Vec::new()));
                    let told = ready.map_or_else(|Unavailable(why)| why, |_| String::new());
                    assert!(told.contains(says) && told.is_empty() == says.is_empty(), "{told}");
                }
                let expected = (turn, if makes_macs { turn } else { 0 }, 0);
                assert_eq!((asked.macs.get(), asked.allowance.get(), asked.bodies.get()), expected, "{says}");
            }
        }
    }

    #[test]
    fn a_version_without_a_maintenance_key_is_found_beside_one_that_has_it() {
        let asked = Asked::default();
        let mut office = office(&asked, true, true);
        assert_eq!(office.makes_macs(Sample::KEY_VERSION), Ok(()));
        let Unavailable(why) = office.makes_macs(Sample::NEXT_KEY_VERSION).unwrap_err();
        assert!(why.contains("Maintenance key of version 02"), "{why}");
        assert_eq!(office.makes_macs(Sample::KEY_VERSION), Ok(()));
    }

    /// The management key is the operator's: its check value is that of his version.
    #[test]
    fn a_check_value_of_the_management_key_is_that_of_the_operators_version() {
        let asked = Asked::default();
        let mut office = office(&asked, true, true);
        let there = office.there.clone();
        let value = |version| {
            let name = NamedKey { purpose: Purpose::Management, version };
            there.iter().find(|stored| stored.name == name).unwrap().check_value
        };
        let mut ready = |version| {
            let content = wanted(vec![(Purpose::Management, value(version))]);
            office.ready_for(keys().enterprise(), &content).map(drop)
        };
        assert_eq!(ready(MANAGEMENT), Ok(()));
        assert!(ready(Sample::KEY_VERSION).unwrap_err().0.contains("has check value"));
    }
}
