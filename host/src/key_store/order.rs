//! What a store is asked for, and how the answer is made of two keys.

use core::{convert::Infallible, fmt};

use onecard_wire::{
    ins,
    key::{AlgorithmId, KeyType, KeyVersion},
    layout::Writer,
    number::ApplicationSerial,
    ota,
    sam::{KEY_BODY_LEN, Usage, UsageKind},
};
use zeroize::Zeroizing;

use super::StoreError;
use crate::{
    apdu::Command,
    card::Pin,
    crypto::{Key, LineKey, padding},
    issuing::{
        SamSerial, purpose_of,
        records::{ADD, pin_record, place_of, record_of},
    },
    keys::Purpose,
    line_protection::{Challenge, LineMac, ProtectError, enciphered_by},
};

/// One WRITE KEY that a store is to make.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WriteKeyOrder<'o> {
    /// Onto what.
    pub target: KeyTarget,
    /// What is written.
    pub payload: Payload<'o>,
    /// The control key that the target has now.
    pub under: WrapperKey,
    /// What makes this body good once.
    pub fresh: Freshness,
}

/// Whose key file is written; its number diversifies the control key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyTarget {
    /// An enterprise application, on a CPU card or a RFID-SIM.
    Application(ApplicationSerial),
    /// A SAM's application.
    Sam(SamSerial),
}

/// What one WRITE KEY carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Payload<'o> {
    /// An application's key, diversified by its serial.
    CardKey {
        /// Which.
        name: NamedKey,
        /// Its id: that of [`Purpose::place`], or another for purchase and load keys that stand side by side.
        id: u8,
        /// Whether one stands there.
        manner: Manner,
    },
    /// The holder's first PIN, which is no key of the store: it is added.
    Pin(&'o Pin),
    /// A SAM's key: its own two diversified by its serial, working keys at enterprise level.
    SamKey {
        /// Which.
        kind: UsageKind,
        /// Its version.
        version: KeyVersion,
    },
}

/// P1 of WRITE KEY on a card. A SAM replaces a key that it has and adds one that it has not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Manner {
    /// No key stands there.
    Add,
    /// One stands there, and this takes its place.
    Replace,
}

/// Which control key the target has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WrapperKey {
    /// The operator's for this enterprise, until the control key is washed: [`Purpose::Management`],
    /// [`Purpose::SamManagement`].
    Management(KeyVersion),
    /// The enterprise's own: [`Purpose::Control`], [`Purpose::SamMaster`].
    Control(KeyVersion),
}

/// What makes a body good for one command alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Freshness {
    /// The target's challenge.
    Challenge(Challenge),
    /// A place in a secured packet (profile §8).
    OverTheAir {
        /// The packet's counter, CNTR.
        counter: [u8; ota::COUNTER_LEN],
        /// Which command of the packet, from 01.
        command: u8,
    },
}

/// A master key by its name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct NamedKey {
    /// What it is for.
    pub purpose: Purpose,
    /// Its version.
    pub version: KeyVersion,
}

/// The data field of one `84 D4 P1 P2 Lc`: `enciphered (length ‖ record ‖ padding) ‖ MAC 4`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WriteKeyBody(Vec<u8>);

impl WriteKeyOrder<'_> {
    /// Refuses what no store makes, whatever keys it holds.
    ///
    /// # Errors
    /// [`StoreError::NotForTarget`], [`StoreError::NoSuchPlace`], [`StoreError::UnderManagement`],
    /// [`StoreError::ControlKeyAdded`], [`StoreError::PinTooLong`].
    pub fn check(&self) -> Result<(), StoreError> {
        let is_control = match (self.target, self.payload) {
            (KeyTarget::Application(_), Payload::CardKey { name, id, manner }) => {
                if name.purpose.place().is_none() {
                    return Err(self.not_for_target(name.purpose));
                }
                place_of(name.purpose, id).ok_or(StoreError::NoSuchPlace(name.purpose, id))?;
                let is_control = name.purpose == Purpose::Control;
                if is_control && manner == Manner::Add {
                    return Err(StoreError::ControlKeyAdded);
                }
                is_control
            }
            (KeyTarget::Application(_), Payload::Pin(pin)) => {
                check_pin(pin)?;
                false
            }
            (KeyTarget::Sam(_), Payload::SamKey { kind, .. }) => {
                sam_purpose(kind).ok_or(StoreError::Malformed("no enterprise key is for that kind of SAM key"))?;
                kind == UsageKind::MASTER
            }
            (KeyTarget::Application(_), Payload::SamKey { kind, .. }) => {
                return Err(self.not_for_target(sam_purpose(kind).unwrap_or(Purpose::SamMaster)));
            }
            (KeyTarget::Sam(_), Payload::CardKey { name, .. }) => return Err(self.not_for_target(name.purpose)),
            (KeyTarget::Sam(_), Payload::Pin(_)) => {
                return Err(StoreError::Malformed("a SAM has no holder and no PIN"));
            }
        };
        match self.under {
            WrapperKey::Management(_) if !is_control => Err(StoreError::UnderManagement),
            WrapperKey::Management(_) | WrapperKey::Control(_) => Ok(()),
        }
    }

    /// The master key whose value is written; `None` for a PIN.
    #[must_use]
    pub fn payload_key(&self) -> Option<NamedKey> {
        match self.payload {
            Payload::CardKey { name, .. } => Some(name),
            Payload::Pin(_) => None,
            Payload::SamKey { kind, version } => sam_purpose(kind).map(|purpose| NamedKey { purpose, version }),
        }
    }

    /// Whether that key is diversified by [`Self::factor`]; a SAM's working keys are written as the enterprise has them.
    #[must_use]
    pub const fn payload_is_diversified(&self) -> bool {
        match self.payload {
            Payload::CardKey { .. } | Payload::Pin(_) => true,
            Payload::SamKey { kind, .. } => is_own(kind),
        }
    }

    /// The master key of the control key it goes under, which is always diversified by [`Self::factor`].
    #[must_use]
    pub const fn wrapper_key(&self) -> NamedKey {
        let (purpose, version) = match (self.target, self.under) {
            (KeyTarget::Application(_), WrapperKey::Management(version)) => (Purpose::Management, version),
            (KeyTarget::Application(_), WrapperKey::Control(version)) => (Purpose::Control, version),
            (KeyTarget::Sam(_), WrapperKey::Management(version)) => (Purpose::SamManagement, version),
            (KeyTarget::Sam(_), WrapperKey::Control(version)) => (Purpose::SamMaster, version),
        };
        NamedKey { purpose, version }
    }

    /// What the target's keys are diversified by.
    #[must_use]
    pub fn factor(&self) -> [u8; 8] {
        self.target.factor()
    }

    /// P1 and P2 of the command.
    #[must_use]
    pub fn parameters(&self) -> [u8; 2] {
        match self.payload {
            Payload::CardKey { name, id, manner } => match (manner, name.purpose.place()) {
                (Manner::Replace, Some(place)) => [place.key_type.0, id],
                (Manner::Add, _) | (Manner::Replace, None) => [ADD, id],
            },
            Payload::Pin(_) => [ADD, 0x00],
            Payload::SamKey { .. } => [0x00, 0x00],
        }
    }

    /// The whole command with `body`.
    ///
    /// # Errors
    /// [`StoreError::TooLong`].
    pub fn command(&self, body: &WriteKeyBody) -> Result<Command, StoreError> {
        let [p1, p2] = self.parameters();
        Ok(Command::new(ins::CLA_PBOC | ins::CLA_SM_BIT, ins::WRITE_KEY, p1, p2).with_bytes(&body.0)?)
    }

    /// Makes the body from the target's control key and the value of [`Self::payload_key`], both already the target's own:
    /// for stores that have these two keys in the host's memory for this one moment.
    ///
    /// # Errors
    /// As [`Self::check`]; [`StoreError::MixedAlgorithms`]; [`StoreError::Malformed`] without a value for a key.
    pub fn seal(&self, control: &Key, value: Option<&Key>) -> Result<WriteKeyBody, StoreError> {
        self.check()?;
        let record = self.record(control, value)?;
        let [p1, p2] = self.parameters();
        let command = Command::new(ins::CLA_PBOC, ins::WRITE_KEY, p1, p2).with_bytes(&record)?;
        let mut keeper = FreshKey { key: control, fresh: self.fresh };
        let initial = match self.fresh {
            Freshness::Challenge(challenge) => challenge,
            Freshness::OverTheAir { .. } => Challenge([0; padding::BLOCK_LEN]),
        };
        let sent = enciphered_by(&command, initial, &LineKey::from(control.clone()), &mut keeper);
        let sent = sent.map_err(|ProtectError::TooLong(too_long)| StoreError::TooLong(too_long))?;
        Ok(WriteKeyBody(sent.data().to_vec()))
    }

    /// What is enciphered: a record of 4.2.1, or a SAM's `usage ‖ version ‖ algorithm ‖ key`.
    fn record(&self, control: &Key, value: Option<&Key>) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        if let Payload::Pin(pin) = self.payload {
            return Ok(pin_record(pin).emit());
        }
        let (name, value) = self.payload_key().zip(value).ok_or(StoreError::Malformed("a key without its value"))?;
        let follows =
            name.purpose.follows_key_file() || matches!(self.payload, Payload::SamKey { kind, .. } if is_own(kind));
        if follows && value.algorithm() != control.algorithm() {
            let (payload, control) = (value.algorithm(), control.algorithm());
            return Err(StoreError::MixedAlgorithms { purpose: name.purpose, payload, control });
        }
        Ok(match self.payload {
            Payload::SamKey { kind, version } => {
                let usage = Usage::new(u8::from(!is_own(kind)), kind);
                let head = [usage.0, version.0, AlgorithmId::of(value.algorithm()).0];
                let body: [u8; KEY_BODY_LEN] = Writer::new().put(&head).put(value.expose()).finish();
                Zeroizing::new(Zeroizing::new(body).to_vec())
            }
            Payload::CardKey { .. } | Payload::Pin(_) => {
                let key_type = name.purpose.place().map_or(KeyType::EXTERNAL, |place| place.key_type);
                record_of(name.purpose, key_type, name.version, value).emit()
            }
        })
    }

    const fn not_for_target(&self, purpose: Purpose) -> StoreError {
        StoreError::NotForTarget { purpose, target: self.target }
    }
}

/// Whether a store makes a body of that PIN at all.
///
/// # Errors
/// [`StoreError::PinTooLong`].
pub(crate) fn check_pin(pin: &Pin) -> Result<(), StoreError> {
    if pin.fits_key_store() { Ok(()) } else { Err(StoreError::PinTooLong) }
}

/// The enterprise's key that a SAM holds under `kind`, its own two included.
const fn sam_purpose(kind: UsageKind) -> Option<Purpose> {
    match kind {
        UsageKind::MASTER => Some(Purpose::SamMaster),
        UsageKind::MAINTENANCE => Some(Purpose::SamMaintenance),
        working => purpose_of(working),
    }
}

/// Whether a key administers the SAM's application and is no working key.
const fn is_own(kind: UsageKind) -> bool {
    matches!(kind, UsageKind::MASTER | UsageKind::MAINTENANCE)
}

/// A control key and the block its MAC starts from.
struct FreshKey<'k> {
    key: &'k Key,
    fresh: Freshness,
}

impl LineMac for FreshKey<'_> {
    type Error = Infallible;

    fn line_mac(&mut self, initial: padding::Block, message: &[u8]) -> Result<[u8; 4], Infallible> {
        Ok(match self.fresh {
            Freshness::Challenge(_) => self.key.line_mac(initial, message),
            Freshness::OverTheAir { counter: [a, b, c, d, e], command } => {
                self.key.line_mac_over_the_air([a, b, c, d, e, command, 0, 0], message)
            }
        })
    }
}

impl KeyTarget {
    /// What its keys are diversified by.
    #[must_use]
    pub fn factor(&self) -> [u8; 8] {
        match self {
            Self::Application(serial) => serial.to_bytes(),
            Self::Sam(serial) => serial.factor(),
        }
    }
}

impl WriteKeyBody {
    /// From a store that made it.
    #[must_use]
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// As the command carries it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for KeyTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Application(serial) => write!(f, "application {serial}"),
            Self::Sam(serial) => write!(f, "SAM {serial}"),
        }
    }
}

impl fmt::Display for NamedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} key of version {:02X}", self.purpose, self.version.0)
    }
}
