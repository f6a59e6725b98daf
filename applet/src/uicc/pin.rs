//! PINs and their unblocking keys (TS 102 221 clause 9.5): the counter falls before the code is compared, so cutting the
//! power gives no try for free.

use onecard_wire::{
    layout::Writer,
    status::StatusWord,
    uicc::{PIN_LEN, PinReference},
};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{
    access::Right,
    place::{pin_codes, pin_states},
};
use crate::{
    failure::{Failure, refuse},
    nvm::{
        Journal, Memory, Transaction,
        ring::{Cell, GENERATION_LEN},
    },
    platform::Platform,
    rfid_sim::Codes,
};

/// A PIN of this SIM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pin {
    Pin1 = 0,
    Pin2 = 1,
    Adm1 = 2,
}

/// One of a PIN's two codes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Code {
    Own,
    Unblocking,
}

/// A PIN's counters, and whether it is asked for.
#[derive(Clone, Copy)]
pub(super) struct PinState {
    cell: Option<Cell>,
    pub(super) tries: u8,
    pub(super) unblocking_tries: u8,
    pub(super) enabled: bool,
}

/// A code on the wire and in the memory: digits, filled up by FF.
pub(super) type CodeValue = [u8; PIN_LEN];

/// Tries of PIN1 and PIN2.
const TRIES: u8 = 3;
/// Tries of an unblocking key.
const UNBLOCKING_TRIES: u8 = 10;
/// Tries of ADM1, which nothing unblocks.
const ADM_TRIES: u8 = 10;

/// Which PINs were verified since the reset, on whichever channel.
pub(crate) struct PinSession {
    pin1: bool,
    pin2: bool,
    adm1: bool,
    /// As the memory has it; read once in a session.
    pin1_enabled: Option<bool>,
}

impl PinSession {
    /// None.
    pub(crate) const NEW: Self = Self { pin1: false, pin2: false, adm1: false, pin1_enabled: None };

    /// What the operator opens over the air: PIN1's and ADM1's files, and none of PIN2's.
    pub(crate) const OVER_THE_AIR: Self = Self { pin1: true, pin2: false, adm1: true, pin1_enabled: None };

    /// Whether a file with that right opens.
    pub(super) fn allows<M: Memory>(&mut self, right: Right, nvm: &Journal<M>) -> bool {
        match right {
            Right::Always => true,
            Right::Pin1 => self.pin1 || !self.pin1_enabled(nvm),
            Right::Pin2 => self.pin2,
            Right::Adm1 => self.adm1,
            Right::Never => false,
        }
    }

    pub(super) fn pin1_enabled<M: Memory>(&mut self, nvm: &Journal<M>) -> bool {
        *self.pin1_enabled.get_or_insert_with(|| PinState::read(nvm, Pin::Pin1).enabled)
    }

    /// The application ends, and with it what its own PIN opened.
    pub(crate) fn end_application(&mut self) {
        self.pin2 = false;
    }

    fn set(&mut self, pin: Pin, verified: bool) {
        match pin {
            Pin::Pin1 => self.pin1 = verified,
            Pin::Pin2 => self.pin2 = verified,
            Pin::Adm1 => self.adm1 = verified,
        }
    }
}

impl Pin {
    /// # Errors
    /// 6A88: there is no such PIN.
    pub(super) fn of(reference: u8) -> Result<Self, StatusWord> {
        match PinReference(reference) {
            PinReference::PIN1 => Ok(Self::Pin1),
            PinReference::PIN2 => Ok(Self::Pin2),
            PinReference::ADM1 => Ok(Self::Adm1),
            _ => Err(StatusWord::DATA_NOT_FOUND),
        }
    }

    const fn tries(self) -> u8 {
        match self {
            Self::Pin1 | Self::Pin2 => TRIES,
            Self::Adm1 => ADM_TRIES,
        }
    }

    const fn code_address(self, code: Code) -> usize {
        pin_codes(self as usize)
            + match code {
                Code::Own => 0,
                Code::Unblocking => PIN_LEN,
            }
    }

    /// Stages a new value.
    pub(super) fn stage_code(self, value: &CodeValue, transaction: &mut Transaction) -> Result<(), StatusWord> {
        transaction.write(self.code_address(Code::Own), value)
    }
}

impl PinState {
    pub(super) fn read<M: Memory>(nvm: &Journal<M>, pin: Pin) -> Self {
        let ring = pin_states(pin as usize);
        let cell = ring.newest(nvm);
        // A cell that was never written: every try is spent.
        let content = cell.map_or([0; 3], |cell| nvm.array(ring.content(cell)));
        let [tries, unblocking_tries, enabled] = content;
        Self { cell, tries, unblocking_tries, enabled: enabled != 0 }
    }

    pub(super) const fn tries_of(&self, code: Code) -> u8 {
        match code {
            Code::Own => self.tries,
            Code::Unblocking => self.unblocking_tries,
        }
    }

    fn with_tries(self, code: Code, tries: u8) -> Self {
        match code {
            Code::Own => Self { tries, ..self },
            Code::Unblocking => Self { unblocking_tries: tries, ..self },
        }
    }

    fn stage(&self, pin: Pin, transaction: &mut Transaction) -> Result<(), StatusWord> {
        let ring = pin_states(pin as usize);
        let cell = ring.next(self.cell);
        let content: [u8; GENERATION_LEN + 3] = Writer::new()
            .u32(cell.generation)
            .u8(self.tries)
            .u8(self.unblocking_tries)
            .u8(u8::from(self.enabled))
            .finish();
        transaction.write(ring.address(cell), &content)
    }
}

/// What the owner of the right code wants of the PIN.
#[derive(Clone, Copy)]
pub(super) enum Wish<'a> {
    Verify,
    Change(&'a CodeValue),
    Enable,
    Disable,
    Unblock(&'a CodeValue),
}

impl Wish<'_> {
    const fn code(self) -> Code {
        match self {
            Self::Verify | Self::Change(_) | Self::Enable | Self::Disable => Code::Own,
            Self::Unblock(_) => Code::Unblocking,
        }
    }
}

/// Compares a code, after a try is spent. If it is right, the wish and the tries given back are one commit.
///
/// # Errors
/// 63Cx: wrong, and x tries are left; 6983: there was none. Power lost: the try is spent, or the wish fulfilled.
pub(super) fn present<P: Platform>(
    nvm: &mut Journal<P>,
    session: &mut PinSession,
    pin: Pin,
    presented: &CodeValue,
    wish: Wish<'_>,
) -> Result<(), Failure> {
    let state = PinState::read(nvm, pin);
    let code = wish.code();
    let Some(tries_left) = state.tries_of(code).checked_sub(1) else {
        return refuse(StatusWord::AUTHENTICATION_BLOCKED);
    };
    let mut spent = Transaction::new();
    state.with_tries(code, tries_left).stage(pin, &mut spent)?;
    nvm.commit(spent)?;
    let stored: Zeroizing<CodeValue> = Zeroizing::new(nvm.array(pin.code_address(code)));
    if !bool::from(stored.ct_eq(presented)) {
        if code == Code::Own {
            session.set(pin, false);
        }
        return refuse(StatusWord::tries_left(u16::from(tries_left)));
    }
    fulfil(nvm, session, pin, PinState { cell: PinState::read(nvm, pin).cell, ..state }, wish)
}

fn fulfil<P: Platform>(
    nvm: &mut Journal<P>,
    session: &mut PinSession,
    pin: Pin,
    before: PinState,
    wish: Wish<'_>,
) -> Result<(), Failure> {
    let mut transaction = Transaction::new();
    let mut state = PinState { tries: pin.tries(), ..before };
    match wish {
        Wish::Verify => {}
        Wish::Change(new) => pin.stage_code(new, &mut transaction)?,
        Wish::Enable => state.enabled = true,
        Wish::Disable => state.enabled = false,
        Wish::Unblock(new) => {
            pin.stage_code(new, &mut transaction)?;
            (state.unblocking_tries, state.enabled) = (UNBLOCKING_TRIES, true);
        }
    }
    state.stage(pin, &mut transaction)?;
    nvm.commit(transaction)?;
    session.set(pin, true);
    if pin == Pin::Pin1 {
        session.pin1_enabled = Some(state.enabled);
    }
    Ok(())
}

/// Every PIN with all its tries.
pub(super) fn personalise<P: Platform>(nvm: &mut Journal<P>, codes: &Codes) -> Result<(), Failure> {
    // Nothing unblocks ADM1: it has no such code, and no try for one.
    let no_code = [0xFF; PIN_LEN];
    for (pin, own, unblocking, unblocking_tries, enabled) in [
        (Pin::Pin1, &codes.pin1, &codes.puk1, UNBLOCKING_TRIES, codes.pin1_enabled),
        (Pin::Pin2, &codes.pin2, &codes.puk2, UNBLOCKING_TRIES, true),
        (Pin::Adm1, &codes.adm1, &no_code, 0, true),
    ] {
        let mut transaction = Transaction::new();
        pin.stage_code(own, &mut transaction)?;
        transaction.write(pin.code_address(Code::Unblocking), unblocking)?;
        PinState { cell: None, tries: pin.tries(), unblocking_tries, enabled }.stage(pin, &mut transaction)?;
        nvm.commit(transaction)?;
    }
    Ok(())
}
