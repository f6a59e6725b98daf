//! Access rights of the current directory.

use onecard_wire::{file::AccessRight, status::StatusWord};

use crate::{cos::Session, nvm::Memory};

/// Whether rights are enforced: a directory entered while it has neither key file nor any other file is open until it is
/// left, so that it can be filled; so is one just erased (FMCOS 2.0 user manual p. 44, 72).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Window {
    Open,
    Closed,
}

impl Session {
    /// # Errors
    /// 6982 if the security state does not meet the right.
    pub(crate) fn require(&self, right: AccessRight) -> Result<(), StatusWord> {
        let met = self.window == Window::Open || right.met_by(self.mf_state, self.df_state);
        if met { Ok(()) } else { Err(StatusWord::SECURITY_NOT_SATISFIED) }
    }

    /// Sets the security state an authentication leads to: in the MF both registers.
    pub(crate) fn authenticated(&mut self, follow_up: u8) {
        self.df_state = follow_up & 0x0F;
        if self.directory.index == super::FileIndex::MF {
            self.mf_state = self.df_state;
        }
    }
}

impl Window {
    /// For a directory that is entered now.
    pub(crate) fn on_entry<M: Memory>(nvm: &crate::nvm::Journal<M>, index: super::FileIndex) -> Self {
        if super::files_below(nvm, index).next().is_none() { Self::Open } else { Self::Closed }
    }
}
