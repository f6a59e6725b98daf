//! The UICC's files, those of the USIM, PINs, authentication (TS 102 221, TS 31.102, profile §7).

use onecard_wire::{ins, status::StatusWord};

use crate::{
    apdu::{Command, Response},
    failure::{Failure, refuse},
    nvm::Journal,
    platform::Platform,
    rfid_sim::SimData,
};

/// The UICC's files in the session of one logical channel.
pub(crate) struct Uicc<'a, P> {
    pub(crate) nvm: &'a mut Journal<P>,
    pub(crate) selection: &'a mut Selection,
    pub(crate) pins: &'a mut PinSession,
}

/// Where a channel is: directory, file, record, application.
#[derive(Clone, Copy)]
pub(crate) struct Selection {}

impl Selection {
    /// At the MF, as after a reset.
    pub(crate) const MF: Self = Self {};
}

/// Which PINs were verified since the reset, on whichever channel.
pub(crate) struct PinSession {}

impl PinSession {
    /// None.
    pub(crate) const NEW: Self = Self {};
}

impl<P: Platform> Uicc<'_, P> {
    /// A command whose class has no channel in it.
    pub(crate) fn process(&mut self, command: &Command<'_>, _answer: &mut Response) -> Result<StatusWord, Failure> {
        let _ = (&self.nvm, &self.selection, &self.pins);
        refuse(if command.ins == ins::SELECT { StatusWord::FILE_NOT_FOUND } else { StatusWord::INS_NOT_SUPPORTED })
    }

    /// SELECT of an application of the UICC by its AID, which may be cut short at its right end.
    pub(crate) fn select_application(
        &mut self,
        _command: &Command<'_>,
        _answer: &mut Response,
    ) -> Result<StatusWord, Failure> {
        refuse(StatusWord::FILE_NOT_FOUND)
    }

    /// A command of class A0 (TS 51.011).
    pub(crate) fn process_2g(&mut self, _command: &Command<'_>, _answer: &mut Response) -> Result<StatusWord, Failure> {
        refuse(StatusWord::CLA_NOT_SUPPORTED)
    }
}

/// Manufacture: every file as the maker delivers it, the SIM's own data in their places.
pub(crate) fn personalise<P: Platform>(_nvm: &mut Journal<P>, _data: &SimData<'_>) -> Result<(), Failure> {
    Ok(())
}
