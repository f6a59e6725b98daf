//! Life cycle of the card and of applications; SET STATUS (GlobalPlatform Card Specification 2.3 clauses 5, 11.10).

use onecard_wire::{
    aid::{TOOLKIT_APPLET, is_issuer_domain},
    globalplatform::{
        aid::{ENTERPRISE_LOAD_FILE, ENTERPRISE_MODULE},
        life_cycle::{ApplicationState, CardState as Coded},
        scope,
    },
    status::StatusWord,
};

use super::{IssuerDomain, region};
use crate::{
    apdu::Command,
    failure::{Failure, refuse},
    fs::{self, File, FileIndex},
    nvm::{Journal, Memory, Transaction},
    platform::Platform,
};

/// Life cycle of the card (GlobalPlatform clause 5.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CardState {
    OpReady,
    Initialized,
    Secured,
    /// No enterprise application can be selected; the operator unlocks it. The phone goes on with the UICC's files.
    Locked,
    /// The end: the issuer domain answers SELECT and GET DATA, and nothing else is there (clause 5.1.1.5).
    Terminated,
}

impl CardState {
    /// `None` for a byte that codes none.
    const fn from_coded(coded: Coded) -> Option<Self> {
        Some(match coded {
            Coded::OP_READY => Self::OpReady,
            Coded::INITIALIZED => Self::Initialized,
            Coded::SECURED => Self::Secured,
            Coded::CARD_LOCKED => Self::Locked,
            Coded::TERMINATED => Self::Terminated,
            _ => return None,
        })
    }

    /// As on the wire.
    pub(super) const fn coded(self) -> Coded {
        match self {
            Self::OpReady => Coded::OP_READY,
            Self::Initialized => Coded::INITIALIZED,
            Self::Secured => Coded::SECURED,
            Self::Locked => Coded::CARD_LOCKED,
            Self::Terminated => Coded::TERMINATED,
        }
    }

    /// Forward one by one, between SECURED and CARD_LOCKED both ways, to TERMINATED from anywhere (figure 5-1).
    const fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (_, Self::Terminated)
                | (Self::OpReady, Self::Initialized)
                | (Self::Initialized, Self::Secured)
                | (Self::Secured, Self::Locked)
                | (Self::Locked, Self::Secured)
        )
    }
}

/// The card's life cycle. A byte that codes none is not taken for a card in use.
pub(crate) fn card_state<M: Memory>(nvm: &Journal<M>) -> CardState {
    let [coded] = nvm.array(region::CARD_STATE);
    CardState::from_coded(Coded(coded)).unwrap_or(CardState::Terminated)
}

impl<P: Platform> IssuerDomain<'_, P> {
    /// SET STATUS. Asking for the state there is changes nothing and is granted: a host that lost the answer asks again.
    pub(super) fn set_status(&mut self, command: &Command<'_>) -> Result<StatusWord, Failure> {
        match command.p1 {
            scope::ISSUER_DOMAIN => self.set_card_state(command)?,
            scope::APPLICATIONS => {
                let found = fs::applications(self.nvm).find(|(_, file)| file.name() == command.data);
                let (index, file) = found.ok_or_else(|| self.why_not(command.data))?;
                self.set_lock(command.p2, core::iter::once((index, file)))?;
            }
            scope::DOMAIN_AND_ITS_APPLICATIONS => {
                if !is_issuer_domain(command.data) {
                    return refuse(StatusWord::DATA_NOT_FOUND);
                }
                let all: heapless::Vec<_, { fs::APPLICATIONS_MAX }> = fs::applications(self.nvm).collect();
                self.set_lock(command.p2, all.into_iter())?;
            }
            _ => return refuse(StatusWord::WRONG_P1P2),
        }
        Ok(StatusWord::OK)
    }

    /// The data field names the domain, or nothing.
    fn set_card_state(&mut self, command: &Command<'_>) -> Result<(), Failure> {
        if !command.data.is_empty() && !is_issuer_domain(command.data) {
            return refuse(StatusWord::DATA_NOT_FOUND);
        }
        let next = CardState::from_coded(Coded(command.p2)).ok_or(StatusWord::WRONG_P1P2)?;
        let now = card_state(self.nvm);
        if now == next {
            return Ok(());
        }
        if !now.may_become(next) {
            return refuse(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        let mut transaction = Transaction::new();
        transaction.write(region::CARD_STATE, &[next.coded().0])?;
        Ok(self.nvm.commit(transaction)?)
    }

    /// Bit 8 of P2 locks or unlocks; an application unlocked is in the state it was locked in.
    fn set_lock(&mut self, p2: u8, applications: impl Iterator<Item = (FileIndex, File)>) -> Result<(), Failure> {
        let mut transaction = Transaction::new();
        let mut changed = false;
        for (index, file) in applications {
            let now = file.life_cycle;
            let next = if p2 & ApplicationState::LOCKED == 0 { now.unlocked() } else { now.locked() };
            // Only INSTALL makes an application selectable.
            let names_another =
                p2 & !ApplicationState::LOCKED != 0 && ApplicationState(p2).unlocked() != now.unlocked();
            if names_another {
                return refuse(StatusWord::CONDITIONS_NOT_SATISFIED);
            }
            if next != now {
                transaction.write(index.address(), &File { life_cycle: next, ..file }.emit())?;
                changed = true;
            }
        }
        if changed { Ok(self.nvm.commit(transaction)?) } else { Ok(()) }
    }

    /// Why an object that is no enterprise's application is not locked or deleted: it is part of the card, or not there.
    pub(super) fn why_not(&self, name: &[u8]) -> StatusWord {
        let parts: [&[u8]; 3] = [&TOOLKIT_APPLET, &ENTERPRISE_LOAD_FILE, &ENTERPRISE_MODULE];
        if is_issuer_domain(name) || parts.contains(&name) {
            StatusWord::CONDITIONS_NOT_SATISFIED
        } else {
            StatusWord::DATA_NOT_FOUND
        }
    }
}
