//! The toolkit (TS 102 223): proactive commands, and the One Card menu (profile §7).

use onecard_wire::status::StatusWord;

use crate::{
    apdu::{Command, Response},
    failure::{Failure, refuse},
    nvm::Journal,
    platform::Platform,
};

/// The toolkit in the session of the contacts.
pub(crate) struct Toolkit<'a, P> {
    pub(crate) nvm: &'a mut Journal<P>,
    pub(crate) session: &'a mut ToolkitSession,
}

/// What the toolkit remembers until the phone resets the card: its profile, the proactive command that is pending.
pub(crate) struct ToolkitSession {}

impl ToolkitSession {
    /// Before TERMINAL PROFILE.
    pub(crate) const NEW: Self = Self {};

    /// The status word that ends a command of the UICC: 91xx in the place of 9000 while a proactive command waits.
    pub(crate) fn announce(&self, status: StatusWord) -> StatusWord {
        status
    }
}

impl<P: Platform> Toolkit<'_, P> {
    /// TERMINAL PROFILE, FETCH, TERMINAL RESPONSE, ENVELOPE.
    pub(crate) fn process(&mut self, _command: &Command<'_>, _answer: &mut Response) -> Result<StatusWord, Failure> {
        let _ = (&self.nvm, &self.session);
        refuse(StatusWord::INS_NOT_SUPPORTED)
    }
}

/// Manufacture.
pub(crate) fn personalise<P: Platform>(_nvm: &mut Journal<P>) -> Result<(), Failure> {
    Ok(())
}
