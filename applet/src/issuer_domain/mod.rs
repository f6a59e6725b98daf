//! The issuer domain (GlobalPlatform Card Specification 2.3, profile §6).

use onecard_wire::{ins, status::StatusWord};

use crate::{
    apdu::{Command, Response},
    failure::{Failure, refuse},
    fs::FileIndex,
    nvm::{Journal, Memory},
    platform::Platform,
    rfid_sim::KeySet,
};

/// The issuer domain in the session of one logical channel.
pub(crate) struct IssuerDomain<'a, P> {
    pub(crate) nvm: &'a mut Journal<P>,
    pub(crate) session: &'a mut DomainSession,
    /// Applications that another channel or the radio has selected: they cannot be deleted.
    pub(crate) in_use: &'a [FileIndex],
}

/// What the domain remembers on one channel between two commands: its secure channel.
#[derive(Default)]
pub(crate) struct DomainSession {}

/// Life cycle of the card (GlobalPlatform clause 5.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(dead_code, reason = "SET STATUS")]
pub(crate) enum CardState {
    OpReady,
    Initialized,
    Secured,
    /// The issuer domain alone can be selected.
    Locked,
    /// Nothing is served but GET DATA.
    Terminated,
}

impl<P: Platform> IssuerDomain<'_, P> {
    /// SELECT of the domain.
    pub(crate) fn select(&mut self, _command: &Command<'_>, _answer: &mut Response) -> Result<StatusWord, Failure> {
        refuse(StatusWord::FILE_NOT_FOUND)
    }

    /// Any other command.
    pub(crate) fn process(&mut self, command: &Command<'_>, _answer: &mut Response) -> Result<StatusWord, Failure> {
        let _ = (&self.nvm, &self.session, self.in_use);
        refuse(if command.ins == ins::SELECT { StatusWord::FILE_NOT_FOUND } else { StatusWord::INS_NOT_SUPPORTED })
    }
}

/// The card's life cycle.
pub(crate) fn card_state<M: Memory>(_nvm: &Journal<M>) -> CardState {
    CardState::OpReady
}

/// Manufacture: key sets, life cycle OP_READY.
pub(crate) fn personalise<P: Platform>(_nvm: &mut Journal<P>, _key_sets: &[KeySet<'_>]) -> Result<(), Failure> {
    Ok(())
}
