//! Ready personalised cards and SAMs, for tests and demonstrations.

mod sim;

pub use sim::{OTA_VERSION, SCP02_VERSION, SCP03_VERSION, sim_of};

use onecard_applet::{Blank, Codes, KeySet, KeySetCipher, SimData, Subscriber};
use onecard_host::{
    card::{Pin, PinTextError},
    crypto::DesKey,
    globalplatform::{SelectDomainError, management::ManagementError, secure_channel::OpenError},
    issuing::{
        CardOrder, IssuingError, KeyBeside, MfKeys, SamCardOrder, SamRole, SamSerialError, issue_card, issue_sam,
        prepare_mf,
    },
    keys::{DuplicateKey, EnterpriseKeys, MissingKey, Purpose, RootKeys},
};
use onecard_wire::{
    amount::Amount,
    date::Date,
    fid::Fid,
    key::{Algorithm, KeyVersion},
    number::{ApplicationSerial, EnterpriseId, NotANumber, TerminalNumber},
    record::{Holder, Parameters},
};
use rand::{SeedableRng, rngs::ChaCha8Rng};

use crate::{chip::Chip, memory::ChipFailure, reader::Reader};

/// One enterprise whose keys follow from a label.
///
/// **Development keys**: whoever knows the label has them all. They must never reach a card in the field.
#[derive(Debug)]
pub struct Sample {
    roots: RootKeys,
    keys: EnterpriseKeys,
    order: CardOrder,
    seed: u64,
    /// For the first control keys, which are written in clear and replaced at once.
    random: ChaCha8Rng,
}

/// Why there is no sample.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// The chip.
    #[error(transparent)]
    Chip(#[from] ChipFailure),
    /// Its issuing.
    #[error(transparent)]
    Issuing(#[from] IssuingError),
    /// A key that issuing needs.
    #[error(transparent)]
    MissingKey(#[from] MissingKey),
    /// Keys of a version that the enterprise has already.
    #[error(transparent)]
    DuplicateKey(#[from] DuplicateKey),
    /// A number in this module.
    #[error("the sample's enterprise: {0}")]
    Enterprise(#[from] NotANumber),
    /// A date in this module.
    #[error("the sample's dates are none")]
    Date,
    /// The PIN in this module.
    #[error(transparent)]
    Pin(#[from] PinTextError),
    /// The issuer domain of a SIM.
    #[error(transparent)]
    Domain(#[from] SelectDomainError),
    /// A session with it.
    #[error(transparent)]
    Session(#[from] OpenError),
    /// What was to be done there.
    #[error(transparent)]
    Management(#[from] ManagementError),
    /// A terminal number that is not decimal and so gives its SAM no serial.
    #[error(transparent)]
    SamSerial(#[from] SamSerialError),
}

impl Sample {
    /// The enterprise's id.
    pub const ENTERPRISE: &str = "1000000000000001";
    /// Version of every key.
    pub const KEY_VERSION: KeyVersion = KeyVersion(0x01);
    /// Version of the keys of [`Self::with_next_keys`].
    pub const NEXT_KEY_VERSION: KeyVersion = KeyVersion(0x02);
    /// Every card's PIN.
    pub const PIN: &str = "123456";
    /// First day of validity.
    pub const VALID_FROM: &str = "20260101";
    /// Last day of validity.
    pub const VALID_TO: &str = "20351231";
    /// What each SAM may load, fen.
    pub const LOAD_LIMIT: Amount = Amount::from_fen(100_000_000);

    /// The enterprise of this label; the same label gives the same keys and the same chips.
    ///
    /// # Errors
    /// [`SampleError`]: a constant of this module is not what it should be.
    pub fn new(label: &str) -> Result<Self, SampleError> {
        Self::with_algorithms(label, |_| Algorithm::Des)
    }

    /// The same, all of whose keys are of `algorithm`.
    ///
    /// # Errors
    /// [`SampleError`], as [`Self::new`].
    pub fn with_algorithm(label: &str, algorithm: Algorithm) -> Result<Self, SampleError> {
        Self::with_algorithms(label, |_| algorithm)
    }

    /// The same, each of whose keys is of the cipher that `algorithm` names.
    ///
    /// # Errors
    /// [`SampleError`], as [`Self::new`].
    pub fn with_algorithms(label: &str, algorithm: impl Fn(Purpose) -> Algorithm) -> Result<Self, SampleError> {
        let seed = fnv1a(label);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let roots = RootKeys::generate_with(Self::KEY_VERSION, algorithm, &mut random);
        let enterprise: EnterpriseId = Self::ENTERPRISE.parse()?;
        let order = CardOrder {
            enterprise,
            directory: APPLICATION,
            valid_from: Date::parse(Self::VALID_FROM).ok_or(SampleError::Date)?,
            valid_to: Date::parse(Self::VALID_TO).ok_or(SampleError::Date)?,
            holder: Holder { card_type: 1, staff: 0, name: [b' '; 20], id_number: [b' '; 32], id_type: 0 },
            parameters: Parameters::UNLIMITED,
            pin: Pin::from_digits(Self::PIN)?,
            key_version: Self::KEY_VERSION,
            beside: Vec::new(),
        };
        Ok(Self { keys: roots.enterprise(enterprise), roots, order, seed, random })
    }

    /// The same enterprise, which has made its next keys, of [`Self::NEXT_KEY_VERSION`] and of `algorithm`. Its cards carry
    /// the next purchase and load key beside the old, at id 02; its SAMs still get the old keys by [`Self::sam`].
    ///
    /// # Errors
    /// [`SampleError`], as [`Self::new`]; also if it has made them already.
    pub fn with_next_keys(mut self, algorithm: Algorithm) -> Result<Self, SampleError> {
        let next = RootKeys::generate_with(Self::NEXT_KEY_VERSION, |_| algorithm, &mut self.random);
        self.roots = self.roots.joined(next)?;
        self.keys = self.roots.enterprise(self.keys.enterprise());
        self.order.beside = [Purpose::Purchase, Purpose::Load]
            .map(|purpose| KeyBeside { purpose, id: 0x02, version: Self::NEXT_KEY_VERSION })
            .to_vec();
        Ok(self)
    }

    /// Another enterprise of the same operator. `directory` is the FID of its application, another one on the same card.
    #[must_use]
    pub fn neighbour(&self, enterprise: EnterpriseId, directory: Fid) -> Self {
        let order = CardOrder { enterprise, directory, ..self.order.clone() };
        let seed = self.seed ^ u64::from_be_bytes(enterprise.to_bytes());
        let random = ChaCha8Rng::seed_from_u64(seed);
        Self { keys: self.roots.enterprise(enterprise), roots: self.roots.clone(), order, seed, random }
    }

    /// The operator's roots.
    #[must_use]
    pub fn roots(&self) -> &RootKeys {
        &self.roots
    }

    /// The enterprise's keys.
    #[must_use]
    pub fn keys(&self) -> &EnterpriseKeys {
        &self.keys
    }

    /// The enterprise.
    #[must_use]
    pub fn enterprise(&self) -> EnterpriseId {
        self.keys.enterprise()
    }

    /// What [`Self::card`] issues: no limits, a nameless holder. Change it for [`Self::card_with`].
    #[must_use]
    pub fn order(&self) -> CardOrder {
        self.order.clone()
    }

    /// A card with this serial, balance 0.
    ///
    /// # Errors
    /// [`SampleError`].
    pub fn card(&mut self, serial: ApplicationSerial) -> Result<Chip, SampleError> {
        self.card_with(serial, &self.order())
    }

    /// A card with this serial, issued by `order`.
    ///
    /// # Errors
    /// [`SampleError`].
    pub fn card_with(&mut self, serial: ApplicationSerial, order: &CardOrder) -> Result<Chip, SampleError> {
        let number = serial.to_bytes();
        let mf = MfKeys::of_card(&self.roots.chip(number), Self::KEY_VERSION)?;
        let mut reader = self.operators_chip(Blank::CpuCard, number, &mf)?;
        issue_card(&mut reader, &mf, &self.keys.card(serial), order, &mut self.random)?;
        Ok(reader.remove())
    }

    /// A further application, this enterprise's, on `chip`, whose first application has the serial `first`. Serials differ.
    ///
    /// # Errors
    /// [`SampleError`].
    pub fn add_application(
        &mut self,
        chip: Chip,
        first: ApplicationSerial,
        serial: ApplicationSerial,
    ) -> Result<Chip, SampleError> {
        let mf = MfKeys::of_card(&self.roots.chip(first.to_bytes()), Self::KEY_VERSION)?;
        let mut reader = Reader::insert(chip);
        issue_card(&mut reader, &mf, &self.keys.card(serial), &self.order(), &mut self.random)?;
        Ok(reader.remove())
    }

    /// The SAM of a terminal with the keys of its roles.
    ///
    /// # Errors
    /// [`SampleError`]: also for a terminal number with a digit that is not decimal.
    pub fn sam(&mut self, terminal: TerminalNumber, roles: &[SamRole]) -> Result<Chip, SampleError> {
        self.sam_of_versions(terminal, roles, &[Self::KEY_VERSION])
    }

    /// The SAM of a terminal with the keys of its roles in each of `versions`.
    ///
    /// # Errors
    /// [`SampleError`], as [`Self::sam`].
    pub fn sam_of_versions(
        &mut self,
        terminal: TerminalNumber,
        roles: &[SamRole],
        versions: &[KeyVersion],
    ) -> Result<Chip, SampleError> {
        let in_versions = |role: &SamRole| versions.iter().flat_map(|version| role.keys(*version)).collect::<Vec<_>>();
        let mut keys: Vec<_> = roles.iter().flat_map(in_versions).collect();
        keys.sort_by_key(|(kind, version)| (kind.0, version.0));
        keys.dedup();
        let order = SamCardOrder {
            serial: format!("00000000{terminal}").parse()?,
            directory: APPLICATION,
            terminal,
            valid_from: self.order.valid_from,
            valid_to: self.order.valid_to,
            load_limit: Self::LOAD_LIMIT,
            own_key_version: Self::KEY_VERSION,
            keys,
        };
        let number = order.serial.factor();
        let mf = MfKeys::of_sam(&self.roots.chip(number), Self::KEY_VERSION)?;
        let mut reader = self.operators_chip(Blank::Sam, number, &mf)?;
        issue_sam(&mut reader, &mf, &self.keys, &order)?;
        Ok(reader.remove())
    }

    /// A chip of this number, washed from its transport key to the operator's keys.
    fn operators_chip(&mut self, blank: Blank<'_>, number: [u8; 8], mf: &MfKeys) -> Result<Reader, SampleError> {
        let mut reader = Reader::insert(Chip::blank(blank, self.seed ^ u64::from_be_bytes(number))?);
        prepare_mf(&mut reader, &DesKey::TRANSPORT.into(), mf, &mut self.random)?;
        Ok(reader)
    }
}

/// A SIM as its maker delivers it: with the published test keys of GlobalPlatform cards and of 3GPP TS 35.208 (test set 1).
///
/// **Everybody has these keys.** Such a SIM is good for tests alone.
pub const SIM: SimData<'_> = SimData {
    // 89 86 00 …: China Mobile's, with its check digit.
    iccid: [0x98, 0x68, 0x00, 0x62, 0x21, 0x43, 0x65, 0x87, 0x09, 0xF0],
    // 460 00 1234567890: China Mobile's.
    imsi: [0x08, 0x49, 0x06, 0x00, 0x21, 0x43, 0x65, 0x87, 0x09],
    subscriber: Subscriber {
        key: [0x46, 0x5B, 0x5C, 0xE8, 0xB1, 0x99, 0xB4, 0x9F, 0xAA, 0x5F, 0x0A, 0x2E, 0xE2, 0x38, 0xA6, 0xBC],
        opc: [0xCD, 0x63, 0xCB, 0x71, 0x95, 0x4A, 0x9F, 0x4E, 0x48, 0xA5, 0x99, 0x4E, 0x37, 0xA0, 0x2B, 0xAF],
    },
    codes: Codes {
        pin1: *b"1234\xFF\xFF\xFF\xFF",
        pin1_enabled: false,
        puk1: *b"12345678",
        pin2: *b"5678\xFF\xFF\xFF\xFF",
        puk2: *b"87654321",
        adm1: *b"77777777",
    },
    key_sets: &[
        KeySet { version: 0x30, cipher: KeySetCipher::Aes, enc: &GP_TEST_KEY, mac: &GP_TEST_KEY, dek: &GP_TEST_KEY },
        KeySet { version: 0x20, cipher: KeySetCipher::Des, enc: &GP_TEST_KEY, mac: &GP_TEST_KEY, dek: &GP_TEST_KEY },
    ],
};

/// 40 41 … 4F.
const GP_TEST_KEY: [u8; 16] =
    [0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F];

/// FID of the application's directory.
const APPLICATION: Fid = Fid(0xDF01);

/// FNV-1a, 64 bits: only spreads the labels.
fn fnv1a(label: &str) -> u64 {
    label.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use onecard_host::{
        sam::{Levels, PsamCard, Sam},
        terminal::{InMemoryStore, OrderNumber, Outcome, PurchaseOrder, RechargeOrder, purchase, recharge},
    };
    use onecard_wire::{date::Moment, wallet::Purse};

    use super::*;

    const TERMINAL: TerminalNumber = TerminalNumber([0x00, 0x00, 0x00, 0x00, 0x12, 0x34]);

    fn serial() -> ApplicationSerial {
        ApplicationSerial::from_parts(31, 1, 42).unwrap()
    }

    fn moment() -> Moment {
        Moment::from_bytes([0x20, 0x26, 0x11, 0x22, 0x10, 0x20, 0x30]).unwrap()
    }

    #[test]
    fn the_same_label_gives_the_same_chips_and_another_does_not() {
        let image = |label: &str| Sample::new(label).unwrap().card(serial()).unwrap().image().to_vec();
        assert!(image("a") == image("a"));
        assert!(image("a") != image("b"));
    }

    #[test]
    fn eight_enterprises_share_one_chip() {
        let mut sample = Sample::new("mall").unwrap();
        let mut chip = sample.card(serial()).unwrap();
        for place in 1..8 {
            let enterprise = format!("{:016}", 2_000_000_000_000_000_u64 + place).parse().unwrap();
            let mut neighbour = sample.neighbour(enterprise, Fid(0xDF01 + u16::try_from(place).unwrap()));
            let own = ApplicationSerial::from_parts(31, 1, 42 + place).unwrap();
            chip = neighbour.add_application(chip, serial(), own).unwrap();
        }
    }

    #[test]
    fn a_sample_card_is_recharged_and_pays() {
        let mut sample = Sample::new("shop").unwrap();
        let mut card = Reader::insert(sample.card(serial()).unwrap());
        let slot = Reader::insert(sample.sam(TERMINAL, &[SamRole::Till, SamRole::Recharge]).unwrap());
        let mut sam = PsamCard::open(slot, sample.enterprise(), Levels::Serial, Sample::KEY_VERSION).unwrap();
        assert_eq!(sam.terminal(), Ok(TERMINAL));
        let mut store = InMemoryStore::new();
        let pin = Some(Pin::from_digits(Sample::PIN).unwrap());
        let order = RechargeOrder {
            number: OrderNumber(1),
            enterprise: sample.enterprise(),
            purse: Purse::Ep,
            key_id: 1,
            amount: Amount::from_fen(5_000),
            moment: moment(),
            pin: pin.clone(),
        };
        let tap = recharge(&mut card, &mut sam, &mut store, &order).unwrap();
        assert!(matches!(tap.outcome, Outcome::Committed(_)), "{tap:?}");
        card.tap();
        let order = PurchaseOrder {
            number: OrderNumber(2),
            enterprise: sample.enterprise(),
            purse: Purse::Ep,
            key_id: 1,
            amount: Amount::from_fen(1_250),
            moment: moment(),
            pin: None,
        };
        let tap = purchase(&mut card, &mut sam, &mut store, &order).unwrap();
        let Outcome::Committed(receipt) = tap.outcome else { panic!("{tap:?}") };
        assert_eq!(receipt.settlement.transaction.new_balance, Amount::from_fen(3_750));
    }
}
