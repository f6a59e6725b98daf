//! EF 0019, access rights: read by doors, written by the service desk with the maintenance key; their static MACs are made
//! by the rights key, which is on no card (profile §3.1).

use onecard_wire::{
    date::Date,
    fid::Fid,
    ins,
    key::KeyVersion,
    number::ApplicationSerial,
    record::{AccessRight, Zone},
    status::StatusWord,
};

use crate::{
    apdu::{Command, CommandName, ExchangeError, Refusal, exchange},
    card::{Access, ReadError, Selected, read_binary},
    line_protection::{ChallengeError, MaintenanceSam, ProtectError, challenge, with_mac},
    sam::{CardFactors, LineKeyUse, Sam, SamError},
    transport::Transport,
};

/// Where its holder may enter, and when: an access right before the issuer's MAC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RightTerms {
    /// Zone; [`Zone::ALL`] for all.
    pub zone: Zone,
    /// 00 always, else a row of the terminals' schedule table.
    pub schedule: u8,
    /// Whether out is needed before the next in.
    pub anti_passback: bool,
    /// First day.
    pub valid_from: Date,
    /// Last day.
    pub valid_to: Date,
}

/// Place of an entry in EF 0019, from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Slot(u8);

impl Slot {
    /// `None` beyond the fourteen there are.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if (number as usize) < AccessRight::COUNT { Some(Self(number)) } else { None }
    }

    /// Every slot.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..AccessRight::COUNT as u8).map(Self)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// EF 0019 whole, in one read: each slot's right, `None` where it is empty. No static MAC is checked.
///
/// # Errors
/// [`ReadError`].
pub fn access_rights<T: Transport + ?Sized>(
    transport: &mut T,
    card: &Selected,
) -> Result<[Option<AccessRight>; AccessRight::COUNT], ReadError> {
    const LEN: u8 = AccessRight::FILE_LEN as u8;
    let content = read_binary(transport, card, Fid::ACCESS_RIGHTS, LEN, Access::Plain)?;
    let (entries, rest) = content.as_chunks::<{ AccessRight::LEN }>();
    let malformed = ReadError::Malformed { serial: card.serial(), file: Fid::ACCESS_RIGHTS, length: content.len() };
    let entries: &[_; AccessRight::COUNT] = entries.try_into().map_err(|_| malformed.clone())?;
    if rest.is_empty() { Ok(entries.map(|entry| AccessRight::parse(&entry))) } else { Err(malformed) }
}

/// The right as one card carries it, its static MAC made by `keeper`'s rights key: worthless on any other card.
///
/// # Errors
/// [`SamError::NoSuchKey`] where the keeper has no rights key.
pub fn sealed_right<K: Sam + ?Sized>(
    keeper: &mut K,
    card: CardFactors,
    version: KeyVersion,
    terms: &RightTerms,
) -> Result<AccessRight, SamError> {
    let mut right = AccessRight {
        zone: terms.zone,
        schedule: terms.schedule,
        flags: if terms.anti_passback { AccessRight::ANTI_PASSBACK } else { 0 },
        valid_from: terms.valid_from,
        valid_to: terms.valid_to,
        mac: [0; 4],
    };
    right.mac = keeper.line_mac(card, LineKeyUse::Rights, version, [0; 8], &right.mac_input(card.serial))?;
    Ok(right)
}

/// Writes a sealed right into a slot, by `keeper`'s maintenance key, and reads it back.
///
/// # Errors
/// [`RightError`].
pub fn write_access_right<T, K>(
    transport: &mut T,
    card: &Selected,
    keeper: &mut K,
    slot: Slot,
    right: &AccessRight,
) -> Result<(), RightError>
where
    T: Transport + ?Sized,
    K: Sam + ?Sized,
{
    write(transport, card, keeper, slot, Some(right))
}

/// Empties a slot. Whoever kept the right can write it back with the maintenance key: put it on the doors' deny list too,
/// until its last day.
///
/// # Errors
/// [`RightError`].
pub fn clear_access_right<T, K>(
    transport: &mut T,
    card: &Selected,
    keeper: &mut K,
    slot: Slot,
) -> Result<(), RightError>
where
    T: Transport + ?Sized,
    K: Sam + ?Sized,
{
    write(transport, card, keeper, slot, None)
}

fn write<T, K>(
    transport: &mut T,
    card: &Selected,
    keeper: &mut K,
    slot: Slot,
    right: Option<&AccessRight>,
) -> Result<(), RightError>
where
    T: Transport + ?Sized,
    K: Sam + ?Sized,
{
    const SFI: u8 = 0x80 | (Fid::ACCESS_RIGHTS.0 & 0x1F) as u8;
    let serial = card.serial();
    let entry = right.map_or([0; AccessRight::LEN], AccessRight::emit);
    let offset = slot.0 * AccessRight::LEN as u8;
    let update = Command::new(ins::CLA_ISO, ins::UPDATE_BINARY, SFI, offset).with_data(&entry);
    let challenge = challenge(transport).map_err(|error| match error {
        ChallengeError::Refused(status) => RightError::Refused { serial, command: CommandName::GetChallenge, status },
        ChallengeError::Exchange(source) => RightError::Exchange { serial, source },
    })?;
    let factors = CardFactors { enterprise: card.public_data.enterprise, serial };
    let protected = with_mac(&update, challenge, &mut MaintenanceSam { sam: keeper, card: factors });
    let protected = protected.map_err(|error| match error {
        ProtectError::Keeper(source) => RightError::NoMac { serial, source },
        ProtectError::TooLong(too_long) => RightError::NoMac { serial, source: SamError::MessageTooLong(too_long.0) },
    })?;
    let answer = exchange(transport, &protected).map_err(|source| RightError::Exchange { serial, source })?;
    answer.done().map_err(|status| RightError::Refused { serial, command: CommandName::Write, status })?;
    let written = access_rights(transport, card).map_err(RightError::NotReadBack)?;
    match written.get(usize::from(slot.0)) {
        Some(found) if found.as_ref() == right => Ok(()),
        _ => Err(RightError::Different { serial, slot: slot.0 }),
    }
}

/// Why a slot may not hold what was to be written.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RightError {
    /// No MAC; nothing was written.
    #[error("card {serial}: the access right was not written, because the keeper made no MAC: {source}")]
    NoMac {
        /// The card.
        serial: ApplicationSerial,
        /// The keeper's reason.
        source: SamError,
    },
    /// The card refused; nothing was written.
    #[error("card {serial}: the access right was not written, the card answered {}",
        Refusal { command: *.command, status: *.status })]
    Refused {
        /// The card.
        serial: ApplicationSerial,
        /// The command.
        command: CommandName,
        /// Its answer.
        status: StatusWord,
    },
    /// No answer.
    #[error("card {serial}: the access right may have been written; present the card again and read it: {source}")]
    Exchange {
        /// The card.
        serial: ApplicationSerial,
        /// What happened.
        source: ExchangeError,
    },
    /// It was written, by the card's word, and not read again.
    #[error("the access right was written and not read back; present the card again: {0}")]
    NotReadBack(#[source] ReadError),
    /// Something else stands there.
    #[error("card {serial}: slot {slot} holds something else than was written: present the card again, or exchange it")]
    Different {
        /// The card.
        serial: ApplicationSerial,
        /// The slot.
        slot: u8,
    },
}
