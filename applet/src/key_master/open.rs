//! Opening a key master card: the PIN and the mother authentication card, in any order, until power-off or SELECT. A try of
//! either is spent before the comparison, and the third failure in a row of either locks the card for good (16.4).

use onecard_wire::{
    key_master::{CRYPTOGRAM_LEN, LifeCycle, PIN_LEN, TRIES_MAX},
    layout::Writer,
    status::StatusWord,
};

use super::{
    proof::Challenge,
    region::{Identity, Secrets, life_cycle},
    session::KeyMasterCard,
};
use crate::{
    apdu::Command,
    crypto::{Key, same},
    failure::{Failure, refuse},
    nvm::{
        Journal, Memory, PAGE_SIZE, Transaction,
        map::{MOTHER_TRIES, PIN_TRIES},
        ring::{GENERATION_LEN, Ring},
    },
    platform::Platform,
};

/// What has been shown since power-up or SELECT.
#[derive(Clone, Copy, Default)]
pub(super) struct Opening {
    pin: bool,
    mother_card: bool,
}

/// One of the two that open the card, with tries of its own.
#[derive(Clone, Copy)]
pub(super) enum Secret {
    Pin,
    MotherCard,
}

/// An open card.
pub(super) struct Open {
    pub(super) identity: Identity,
    pub(super) secrets: Secrets,
}

impl<P: Platform> KeyMasterCard<P> {
    /// VERIFY: `00 20 00 00 08 PIN`.
    pub(super) fn verify_pin(&mut self, command: &Command<'_>) -> Result<(), Failure> {
        command.require_no_answer()?;
        command.require_p1p2(0x00, 0x00)?;
        command.require_data_len(PIN_LEN)?;
        self.try_secret(Secret::Pin, |_, secrets| same(&secrets.pin, command.data))
    }

    /// EXTERNAL AUTHENTICATE: `00 82 00 00 10 AES(K_A, challenge ‖ number)`, which the mother card makes.
    pub(super) fn authenticate_mother(
        &mut self,
        command: &Command<'_>,
        challenge: Option<Challenge>,
    ) -> Result<(), Failure> {
        command.require_no_answer()?;
        command.require_p1p2(0x00, 0x00)?;
        command.require_data_len(CRYPTOGRAM_LEN)?;
        let challenge = challenge.ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
        self.try_secret(Secret::MotherCard, |identity, secrets| {
            let expected = cryptogram(&secrets.authentication, challenge.bytes(), identity);
            same(&expected, command.data)
        })
    }

    /// The card, if PIN and mother card both have been shown.
    ///
    /// # Errors
    /// 6982.
    pub(super) fn require_open(&self) -> Result<Open, StatusWord> {
        let shown = self.opening.pin && self.opening.mother_card && life_cycle(&self.nvm) == LifeCycle::InUse;
        let identity = Identity::read(&self.nvm).filter(|_| shown).ok_or(StatusWord::SECURITY_NOT_SATISFIED)?;
        Ok(Open { identity, secrets: Secrets::read(&self.nvm) })
    }

    /// Spends a try, compares, and gives the tries back if it was right.
    ///
    /// # Errors
    /// 6985 of a blank card, 6983 of a locked one, 63Cx. Power lost after the comparison: the try stays spent.
    fn try_secret(
        &mut self,
        secret: Secret,
        is_right: impl FnOnce(&Identity, &Secrets) -> bool,
    ) -> Result<(), Failure> {
        *self.opening.of(secret) = false;
        let identity = Identity::read(&self.nvm).ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
        let left = secret.tries(&self.nvm).checked_sub(1).filter(|_| life_cycle(&self.nvm) == LifeCycle::InUse);
        let left = left.ok_or(StatusWord::AUTHENTICATION_BLOCKED)?;
        self.commit_tries(secret, left)?;
        if !is_right(&identity, &Secrets::read(&self.nvm)) {
            return refuse(StatusWord::tries_left(u16::from(left)));
        }
        self.commit_tries(secret, TRIES_MAX)?;
        *self.opening.of(secret) = true;
        Ok(())
    }

    fn commit_tries(&mut self, secret: Secret, tries: u8) -> Result<(), Failure> {
        let mut transaction = Transaction::new();
        secret.stage_tries(&self.nvm, tries, &mut transaction)?;
        Ok(self.nvm.commit(transaction)?)
    }
}

impl Opening {
    const fn of(&mut self, secret: Secret) -> &mut bool {
        match secret {
            Secret::Pin => &mut self.pin,
            Secret::MotherCard => &mut self.mother_card,
        }
    }
}

impl Secret {
    const CELL_LEN: usize = GENERATION_LEN + 1;

    /// Tries left.
    pub(super) fn tries<M: Memory>(self, nvm: &Journal<M>) -> u8 {
        let ring = self.ring();
        ring.newest(nvm).map_or(0, |cell| {
            let [tries] = nvm.array(ring.content(cell));
            tries
        })
    }

    pub(super) fn stage_tries<M: Memory>(
        self,
        nvm: &Journal<M>,
        tries: u8,
        transaction: &mut Transaction,
    ) -> Result<(), StatusWord> {
        let ring = self.ring();
        let cell = ring.next(ring.newest(nvm));
        let bytes: [u8; Self::CELL_LEN] = Writer::new().u32(cell.generation).u8(tries).finish();
        transaction.write(ring.address(cell), &bytes)
    }

    const fn ring(self) -> Ring {
        let address = match self {
            Self::Pin => PIN_TRIES,
            Self::MotherCard => MOTHER_TRIES,
        };
        Ring { address, cell_len: Self::CELL_LEN, cells: PAGE_SIZE / Self::CELL_LEN }
    }
}

/// What shows that the mother card is there: one block.
pub(super) fn cryptogram(key: &[u8; 16], challenge: &[u8; 8], identity: &Identity) -> [u8; CRYPTOGRAM_LEN] {
    let mut block = Writer::new().put(challenge).put(&identity.number.to_bytes()).finish();
    Key::Aes(*key).cipher().encipher_all(&mut block);
    block
}
