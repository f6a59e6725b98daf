//! Key sets of the domain, by version, each with its counter (GlobalPlatform Card Specification 2.3 clause 7.5; profile §6).

use core::ops::RangeInclusive;

use onecard_wire::{
    globalplatform::{key_id, key_version},
    layout::{Reader, Writer},
    ota::packet_status,
    status::StatusWord,
};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::region;
use crate::{
    crypto::{DOMAIN_KEY_LEN_MAX, DomainKey},
    failure::Failure,
    nvm::{
        Journal, Memory, Transaction,
        ring::{GENERATION_LEN, Ring},
    },
    ota::{CounterMode, PacketKeys},
    rfid_sim::KeySetCipher,
};

/// Most key sets: so many are listed in one answer to GET DATA.
pub(super) const KEY_SETS_MAX: usize = 13;
/// Ids of a set's keys: ENC, MAC, DEK; over the air KIc, KID, KIK.
pub(super) const KEY_IDS: RangeInclusive<u8> = key_id::ENC..=key_id::DEK;
const KEYS: usize = 3;

/// A set's place: its record, then its counter on a page of its own.
pub(super) const PLACE_LEN: usize = 192;
const COUNTER_AT: usize = 128;
const RECORD_LEN: usize = 2 + KEYS * SLOT_LEN;
/// Length 1, 0 for a key that is not there, then the value.
const SLOT_LEN: usize = 1 + DOMAIN_KEY_LEN_MAX;
/// A counter in the width that packets over the air have.
pub(super) const COUNTER_LEN: usize = 5;
/// No packet is accepted any more.
const COUNTER_END: u64 = 0xFF_FFFF_FFFF;
const COUNTER_CELL_LEN: usize = GENERATION_LEN + COUNTER_LEN;
const COUNTER_CELLS: usize = 7;
const _: () = assert!(RECORD_LEN <= COUNTER_AT && COUNTER_AT + COUNTER_CELLS * COUNTER_CELL_LEN <= PLACE_LEN);

/// Where a set lies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(usize);

/// A version and the keys under it; erased when dropped.
#[derive(Clone, ZeroizeOnDrop)]
pub(super) struct Set {
    pub(super) version: u8,
    #[zeroize(skip)]
    pub(super) cipher: KeySetCipher,
    keys: [Option<DomainKey>; KEYS],
}

/// What a version is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    OverTheAir = 0,
    Scp02 = 1,
    Scp03 = 2,
}

/// How many there are.
pub(super) const PROTOCOLS: usize = 3;

impl Protocol {
    /// By version (profile §6); `None` for a version no key set has.
    pub(super) fn of_version(version: u8) -> Option<Self> {
        [
            (key_version::OVER_THE_AIR, Self::OverTheAir),
            (key_version::SCP02, Self::Scp02),
            (key_version::SCP03, Self::Scp03),
        ]
        .into_iter()
        .find_map(|(versions, protocol)| versions.contains(&version).then_some(protocol))
    }

    /// Whether its sets may have such a key.
    pub(super) const fn takes(self, key: &DomainKey) -> bool {
        match (self, key) {
            (Self::OverTheAir, _) | (Self::Scp02, DomainKey::TripleDes2(_)) => true,
            (Self::Scp03, key) => matches!(key.cipher(), KeySetCipher::Aes),
            (Self::Scp02, _) => false,
        }
    }

    /// The counter at which a set of it opens no channel any more; `None` for one that never opens any.
    pub(super) const fn worn_at(self) -> Option<u64> {
        match self {
            Self::OverTheAir => None,
            Self::Scp02 => Some(0xFFFF),
            Self::Scp03 => Some(0xFF_FFFF),
        }
    }

    /// The highest counter that keys of this protocol had which are deleted or replaced.
    pub(super) fn past_counter<M: Memory>(self, nvm: &Journal<M>) -> u64 {
        counter_of(nvm.array(self.past_counter_address()))
    }

    const fn past_counter_address(self) -> usize {
        region::PAST_COUNTERS + self as usize * COUNTER_LEN
    }
}

impl Set {
    /// One without keys.
    pub(super) const fn new(version: u8, cipher: KeySetCipher) -> Self {
        Self { version, cipher, keys: [const { None }; KEYS] }
    }

    /// The key with this id.
    pub(super) fn key(&self, id: u8) -> Option<&DomainKey> {
        self.keys.get(slot(id)?)?.as_ref()
    }

    /// Puts a key in its place, or takes it away.
    ///
    /// # Errors
    /// 6A88 for an id no set has.
    pub(super) fn set_key(&mut self, id: u8, key: Option<DomainKey>) -> Result<(), StatusWord> {
        *slot(id).and_then(|slot| self.keys.get_mut(slot)).ok_or(StatusWord::KEY_NOT_FOUND)? = key;
        Ok(())
    }

    /// Ids and keys that are there.
    pub(super) fn keys(&self) -> impl Iterator<Item = (u8, &DomainKey)> {
        KEY_IDS.zip(&self.keys).filter_map(|(id, key)| Some((id, key.as_ref()?)))
    }

    /// Whether a secure channel can be opened by it once its counter stands there: it is whole, and not worn.
    pub(super) fn opens_channels(&self, counter: u64) -> bool {
        let worn_at = Protocol::of_version(self.version).and_then(Protocol::worn_at);
        self.keys.iter().all(Option::is_some) && worn_at.is_some_and(|worn_at| counter < worn_at)
    }

    fn parse(record: &[u8; RECORD_LEN]) -> Option<Self> {
        let mut reader = Reader::new(record);
        let version = reader.u8().filter(|version| *version != 0)?;
        let cipher = if reader.u8()? == KeySetCipher::Aes as u8 { KeySetCipher::Aes } else { KeySetCipher::Des };
        let mut set = Self::new(version, cipher);
        for key in &mut set.keys {
            let length = usize::from(reader.u8()?);
            let value = reader.slice(DOMAIN_KEY_LEN_MAX)?;
            *key = value.get(..length).and_then(|value| DomainKey::from_value(cipher, value));
        }
        Some(set)
    }

    fn emit(&self) -> Zeroizing<[u8; RECORD_LEN]> {
        let mut record = Zeroizing::new([0; RECORD_LEN]);
        let (header, slots) = record.split_at_mut(2);
        header.copy_from_slice(&[self.version, self.cipher as u8]);
        for (slot, (_, key)) in slots.chunks_mut(SLOT_LEN).zip(KEY_IDS.zip(&self.keys)) {
            let value = key.as_ref().map_or(&[][..], DomainKey::value);
            let bytes: Zeroizing<[u8; SLOT_LEN]> =
                Zeroizing::new(Writer::new().u8(value.len() as u8).put(value).finish());
            slot.copy_from_slice(&*bytes);
        }
        record
    }
}

impl Place {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..KEY_SETS_MAX).map(|number| Self(region::KEY_SETS + number * PLACE_LEN))
    }

    fn of_version<M: Memory>(nvm: &Journal<M>, version: u8) -> Option<Self> {
        Self::all().find(|place| nvm.array(place.0) == [version])
    }

    /// Stages a set here.
    pub(super) fn stage(self, set: &Set, transaction: &mut Transaction) -> Result<(), StatusWord> {
        transaction.write(self.0, &*set.emit())
    }

    /// Stages that there is none any more.
    pub(super) fn stage_removal(self, transaction: &mut Transaction) -> Result<(), StatusWord> {
        transaction.write(self.0, &[0; RECORD_LEN])
    }

    /// The sequence counter.
    pub(super) fn counter<M: Memory>(self, nvm: &Journal<M>) -> u64 {
        let ring = self.ring();
        ring.newest(nvm).map_or(0, |cell| counter_of(nvm.array(ring.content(cell))))
    }

    /// Stages that keys of the set here go: none of its protocol that comes later begins below their counter.
    pub(super) fn stage_past<M: Memory>(
        self,
        nvm: &Journal<M>,
        protocol: Protocol,
        transaction: &mut Transaction,
    ) -> Result<(), StatusWord> {
        let counter = self.counter(nvm);
        if counter <= protocol.past_counter(nvm) {
            return Ok(());
        }
        let [_, _, _, past @ ..] = counter.to_be_bytes();
        transaction.write(protocol.past_counter_address(), &past)
    }

    /// Stages the sequence counter.
    pub(super) fn stage_counter<M: Memory>(
        self,
        nvm: &Journal<M>,
        counter: u64,
        transaction: &mut Transaction,
    ) -> Result<(), StatusWord> {
        let ring = self.ring();
        let cell = ring.next(ring.newest(nvm));
        let [_, _, _, content @ ..] = counter.to_be_bytes();
        let bytes: [u8; COUNTER_CELL_LEN] = Writer::new().u32(cell.generation).put(&content).finish();
        transaction.write(ring.address(cell), &bytes)
    }

    const fn ring(self) -> Ring {
        Ring { address: self.0 + COUNTER_AT, cell_len: COUNTER_CELL_LEN, cells: COUNTER_CELLS }
    }
}

fn counter_of([a, b, c, d, e]: [u8; COUNTER_LEN]) -> u64 {
    u64::from_be_bytes([0, 0, 0, a, b, c, d, e])
}

fn slot(id: u8) -> Option<usize> {
    id.checked_sub(key_id::ENC).map(usize::from).filter(|slot| *slot < KEYS)
}

/// Every set, in the order of their places.
pub(super) fn sets<M: Memory>(nvm: &Journal<M>) -> impl Iterator<Item = (Place, Set)> {
    Place::all().filter_map(|place| Some((place, read(nvm, place)?)))
}

/// The set of a version.
pub(super) fn find<M: Memory>(nvm: &Journal<M>, version: u8) -> Option<(Place, Set)> {
    let place = Place::of_version(nvm, version)?;
    Some((place, read(nvm, place)?))
}

/// Sets that open channels, in the order of their places; the first does when the host names none.
pub(super) fn opening<M: Memory>(nvm: &Journal<M>) -> impl Iterator<Item = (Place, Set)> {
    sets(nvm).filter(|(place, set)| set.opens_channels(place.counter(nvm)))
}

/// KIc and KID of a set for packets over the air; `None` unless it has both.
pub(crate) fn packet_keys<M: Memory>(nvm: &Journal<M>, version: u8) -> Option<PacketKeys> {
    let over_the_air = key_version::OVER_THE_AIR.contains(&version);
    let (_, set) = find(nvm, version).filter(|_| over_the_air)?;
    Some(PacketKeys { ciphering: set.key(key_id::ENC)?.clone(), checksum: set.key(key_id::MAC)?.clone() })
}

/// KIK of a set for packets over the air, if it has one.
pub(super) fn kik<M: Memory>(nvm: &Journal<M>, version: u8) -> Option<DomainKey> {
    find(nvm, version).and_then(|(_, set)| set.key(key_id::DEK).cloned())
}

/// Takes the counter of a packet, if its set's is lower, and keeps it: whatever the packet does comes after this commit.
///
/// # Errors
/// Refused with the status of the proof. The power went: the counter is kept or not, and nothing has been executed.
pub(crate) fn accept_counter<M: Memory>(
    nvm: &mut Journal<M>,
    version: u8,
    counter: [u8; COUNTER_LEN],
    mode: CounterMode,
) -> Result<Result<(), u8>, Failure> {
    let place = Place::of_version(nvm, version).ok_or(StatusWord::INTERNAL_ERROR)?;
    let (kept, counter) = (place.counter(nvm), counter_of(counter));
    if kept == COUNTER_END {
        return Ok(Err(packet_status::COUNTER_BLOCKED));
    }
    if counter <= kept {
        return Ok(Err(packet_status::COUNTER_LOW));
    }
    if mode == CounterMode::Next && counter != kept + 1 {
        return Ok(Err(packet_status::COUNTER_HIGH));
    }
    let mut transaction = Transaction::new();
    place.stage_counter(nvm, counter, &mut transaction)?;
    nvm.commit(transaction)?;
    Ok(Ok(()))
}

/// A place without a set.
pub(super) fn free_place<M: Memory>(nvm: &Journal<M>) -> Option<Place> {
    Place::all().find(|place| nvm.array(place.0) == [0])
}

fn read<M: Memory>(nvm: &Journal<M>, place: Place) -> Option<Set> {
    let record = Zeroizing::new(nvm.array::<RECORD_LEN>(place.0));
    Set::parse(&record)
}
