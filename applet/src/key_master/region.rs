//! What a key master card keeps beside its keys and its log: identity and secrets, and what it may still export.

use onecard_wire::{
    key_master::{KEY_LEN, LifeCycle, LoadAllowance, PIN_LEN},
    layout::{Reader, Writer},
    number::{EnterpriseId, KeyMasterNumber},
    status::StatusWord,
};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::open::Secret;
use crate::nvm::{
    Journal, Memory, PAGE_SIZE, Transaction,
    map::{ALLOWANCE, ALLOWANCE_CELLS, IDENTITY, IDENTITY_LEN},
    ring::{GENERATION_LEN, Ring},
};

/// First byte of a personalised card's identity; of a blank one it is 00.
const PERSONALISED: u8 = 0x01;
/// `state 1 ‖ number 8 ‖ enterprise 8`.
const HEAD_LEN: usize = 17;
/// `PIN 8 ‖ K_A 16 ‖ K_W 16 ‖ K_M 16`, behind the head.
const SECRETS_LEN: usize = PIN_LEN + 3 * KEY_LEN;
const _: () = assert!(HEAD_LEN + SECRETS_LEN <= IDENTITY_LEN);

/// Who a card is.
#[derive(Clone, Copy)]
pub(super) struct Identity {
    pub(super) number: KeyMasterNumber,
    pub(super) enterprise: EnterpriseId,
}

impl Identity {
    /// `None` if the card is blank.
    pub(super) fn read<M: Memory>(nvm: &Journal<M>) -> Option<Self> {
        let head = nvm.array::<HEAD_LEN>(IDENTITY);
        let mut reader = Reader::new(&head);
        reader.u8().filter(|state| *state == PERSONALISED)?;
        Some(Self {
            number: KeyMasterNumber::from_bytes(reader.array()?)?,
            enterprise: EnterpriseId::from_bytes(reader.array()?)?,
        })
    }

    /// Stages it and what the card keeps secret.
    pub(super) fn stage(&self, secrets: &Secrets, transaction: &mut Transaction) -> Result<(), StatusWord> {
        let bytes: Zeroizing<[u8; HEAD_LEN + SECRETS_LEN]> = Zeroizing::new(
            Writer::new()
                .u8(PERSONALISED)
                .put(&self.number.to_bytes())
                .put(&self.enterprise.to_bytes())
                .put(&secrets.pin)
                .put(&secrets.authentication)
                .put(&secrets.wrap)
                .put(&secrets.mac)
                .finish(),
        );
        transaction.write(IDENTITY, &*bytes)
    }
}

/// What a card keeps secret beside the master keys, erased when dropped. A mother authentication card has the
/// authentication key alone.
#[derive(Default, ZeroizeOnDrop)]
pub(super) struct Secrets {
    /// 6 to 8 digits, padded by FF.
    pub(super) pin: [u8; PIN_LEN],
    /// K_A: shared with the mother authentication card.
    pub(super) authentication: [u8; KEY_LEN],
    /// K_W: wraps master keys.
    pub(super) wrap: [u8; KEY_LEN],
    /// K_M: makes the MAC of what comes in.
    pub(super) mac: [u8; KEY_LEN],
}

impl Secrets {
    /// Of a personalised card.
    pub(super) fn read<M: Memory>(nvm: &Journal<M>) -> Self {
        let bytes = Zeroizing::new(nvm.array::<SECRETS_LEN>(IDENTITY + HEAD_LEN));
        let mut reader = Reader::new(&*bytes);
        Self {
            pin: reader.array().unwrap_or_default(),
            authentication: reader.array().unwrap_or_default(),
            wrap: reader.array().unwrap_or_default(),
            mac: reader.array().unwrap_or_default(),
        }
    }
}

/// Where a key master card stands in its life. It is locked because no try is left, so no cut parts the two.
pub(super) fn life_cycle<M: Memory>(nvm: &Journal<M>) -> LifeCycle {
    let locked = || [Secret::Pin, Secret::MotherCard].iter().any(|secret| secret.tries(nvm) == 0);
    match Identity::read(nvm) {
        None => LifeCycle::Blank,
        Some(_) if locked() => LifeCycle::Locked,
        Some(_) => LifeCycle::InUse,
    }
}

/// What falls with each export, and the number of the newest log entry: one cell, so that they move together.
#[derive(Clone, Copy, Default)]
pub(super) struct Books {
    pub(super) allowance: LoadAllowance,
    /// 0 if nothing was ever logged.
    pub(super) logged: u32,
}

impl Books {
    const LEN: usize = LoadAllowance::LEN + 4;
    const RING: Ring = Ring { address: ALLOWANCE, cell_len: PAGE_SIZE, cells: ALLOWANCE_CELLS };

    pub(super) fn read<M: Memory>(nvm: &Journal<M>) -> Self {
        let bytes = Self::RING.newest(nvm).map(|cell| nvm.array::<{ Self::LEN }>(Self::RING.content(cell)));
        bytes.as_ref().and_then(|bytes| Self::parse(bytes)).unwrap_or_default()
    }

    pub(super) fn stage<M: Memory>(&self, nvm: &Journal<M>, transaction: &mut Transaction) -> Result<(), StatusWord> {
        let cell = Self::RING.next(Self::RING.newest(nvm));
        let bytes: [u8; GENERATION_LEN + Self::LEN] =
            Writer::new().u32(cell.generation).put(&self.allowance.emit()).u32(self.logged).finish();
        transaction.write(Self::RING.address(cell), &bytes)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (logged, allowance) = bytes.split_last_chunk().map(|(allowance, logged)| (logged, allowance))?;
        Some(Self { allowance: LoadAllowance::parse(allowance)?, logged: u32::from_be_bytes(*logged) })
    }
}
