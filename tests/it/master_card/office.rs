//! A ceremony's table: blank cards become a key master card and its mother card.

use onecard_applet::Blank;
use onecard_host::{
    key_master::{
        CeremonyKeys, ClosedKeyMaster, KeyMasterError, KeyMasterOrder, LastTry, LoadAllowance, MasterPin,
        OpenKeyMaster, Personalised, TransportKeys, fill, personalise_key_master, personalise_mother,
    },
    keys::EnterpriseKeys,
};
use onecard_simulator::{chip::Chip, reader::Reader, sample::Sample};
use onecard_wire::number::KeyMasterNumber;

/// One key master card and its mother card, each in a reader of its own.
pub(super) struct Pair {
    pub(super) master: Reader,
    pub(super) mother: Reader,
}

/// What a key master card of these tests may export at first.
pub(super) const ALLOWANCE: LoadAllowance = LoadAllowance { card_exports: 200, sam_exports: 50 };

pub(super) fn pin() -> MasterPin {
    MasterPin::from_digits("20261129").unwrap()
}

pub(super) fn number(number: u8) -> KeyMasterNumber {
    KeyMasterNumber::from_bytes([0x20, 0x26, 0, 0, 0, 0, 0, number]).unwrap()
}

impl Pair {
    /// Personalised, with no keys.
    pub(super) fn new(keys: &EnterpriseKeys, of: u8, allowance: LoadAllowance) -> Self {
        let transport = TransportKeys::of(keys, Sample::KEY_VERSION).unwrap();
        let mut pair = Self {
            master: Reader::insert(Chip::blank(Blank::KeyMaster, 100 + u64::from(of)).unwrap()),
            mother: Reader::insert(Chip::blank(Blank::MotherAuthentication, 200 + u64::from(of)).unwrap()),
        };
        let order = KeyMasterOrder { number: number(of), enterprise: keys.enterprise(), allowance, pin: pin() };
        assert_eq!(personalise_key_master(&mut pair.master, &order, &transport), Ok(Personalised::Now));
        let mother = personalise_mother(&mut pair.mother, number(of), keys.enterprise(), &transport);
        assert_eq!(mother, Ok(Personalised::Now));
        // Begun again, both say that it has happened.
        assert_eq!(personalise_key_master(&mut pair.master, &order, &transport), Ok(Personalised::Before));
        let mother = personalise_mother(&mut pair.mother, number(of), keys.enterprise(), &transport);
        assert_eq!(mother, Ok(Personalised::Before));
        pair
    }

    /// With every key of the ceremony.
    pub(super) fn filled(keys: &EnterpriseKeys, of: u8, allowance: LoadAllowance) -> Self {
        let mut pair = Self::new(keys, of, allowance);
        let mut source = CeremonyKeys::new(keys.clone(), Sample::KEY_VERSION).unwrap();
        fill(&mut pair.open(keys).unwrap(), &mut source).unwrap();
        pair
    }

    pub(super) fn open(&mut self, keys: &EnterpriseKeys) -> Result<OpenKeyMaster<&mut Reader>, KeyMasterError> {
        let closed = ClosedKeyMaster::select(&mut self.master, keys.enterprise())?;
        closed.open(&mut self.mother, &pin(), LastTry::Keep)
    }

    /// What is left to export.
    pub(super) fn allowance(&mut self, keys: &EnterpriseKeys) -> LoadAllowance {
        ClosedKeyMaster::select(&mut self.master, keys.enterprise()).unwrap().status().unwrap().allowance
    }

    /// The same cards once more.
    pub(super) fn snapshot(self) -> impl Fn() -> Self {
        let (master, mother) = (self.master.remove(), self.mother.remove());
        move || Self { master: Reader::insert(master.snapshot()), mother: Reader::insert(mother.snapshot()) }
    }

    /// Both out and in again.
    pub(super) fn tap(&mut self) {
        self.master.tap();
        self.mother.tap();
    }
}
