//! An enterprise application in the session of one channel or of the radio.

use onecard_wire::{
    amount::Amount,
    ins::{CLA_ISO_SM, CLA_PBOC, CLA_SM_BIT, INITIALIZE, INITIALIZE_UPDATE, READ_BINARY, READ_RECORD, WRITE_KEY},
    status::StatusWord,
    wallet::Initialize,
};

use crate::{
    apdu::{Command, Response},
    cos::{Carriage, Cos, PacketPlace, Session},
    failure::{Failure, refuse},
    fs::{Directory, FileIndex, Window, directory_entry},
    manufacture::Kind,
    nvm::{Journal, Memory},
    platform::Platform,
    wallet::Wallet,
};

/// The session of enterprise applications on one channel, or by radio; with the root current none is selected.
pub(super) struct Enterprise(Session);

impl Enterprise {
    /// With none selected; `None` if the memory has no root.
    pub(super) fn none<M: Memory>(nvm: &Journal<M>) -> Option<Self> {
        Directory::read(nvm, FileIndex::MF).map(|root| Self(Session::new(root, Window::Closed)))
    }

    /// Ends the session.
    pub(super) fn leave<M: Memory>(&mut self, nvm: &Journal<M>) {
        if let Some(fresh) = Self::none(nvm) {
            *self = fresh;
        }
    }

    /// The application selected here.
    pub(super) fn selected(&self) -> Option<FileIndex> {
        Some(self.0.directory.index).filter(|index| *index != FileIndex::MF)
    }

    /// Executes a command of the application selected here, or SELECTs one by its name.
    pub(super) fn process<P: Platform>(
        &mut self,
        nvm: &mut Journal<P>,
        command: Result<Command<'_>, StatusWord>,
        answer: &mut Response,
    ) -> Result<(), Failure> {
        self.process_from(nvm, Carriage::Direct, command, answer)
    }

    /// Executes a command of a packet; `place` if the packet's counter makes it good once.
    pub(super) fn process_in_packet<P: Platform>(
        &mut self,
        nvm: &mut Journal<P>,
        command: &Command<'_>,
        place: Option<PacketPlace>,
        answer: &mut Response,
    ) -> Result<(), Failure> {
        self.process_from(nvm, Carriage::OverTheAir { place }, Ok(*command), answer)
    }

    fn process_from<P: Platform>(
        &mut self,
        nvm: &mut Journal<P>,
        carriage: Carriage,
        command: Result<Command<'_>, StatusWord>,
        answer: &mut Response,
    ) -> Result<(), Failure> {
        self.see_what_others_changed(nvm)?;
        let command = command.and_then(Command::of_fmcos);
        Cos { nvm, kind: Kind::RfidSim, session: &mut self.0, carriage }.execute(command, answer)
    }

    /// Takes away what is begun: a command came in between, or the application has been locked.
    pub(super) fn end_begun(&mut self) {
        self.0.end_begun();
    }

    /// Whether the issuer domain has locked the application selected here.
    pub(super) fn is_locked<M: Memory>(&self, nvm: &Journal<M>) -> bool {
        let entry = self.selected().and_then(|index| directory_entry(nvm, index));
        entry.is_some_and(|entry| entry.life_cycle.is_locked())
    }

    /// Ends the transaction begun in the application of that directory.
    pub(super) fn end_transaction_of(&mut self, application: FileIndex) {
        if self.0.directory.index == application {
            self.0.wallet = Wallet::Idle;
        }
    }

    /// The other interface may have blocked the application since, or the issuer domain locked it.
    fn see_what_others_changed<P: Platform>(&mut self, nvm: &Journal<P>) -> Result<(), Failure> {
        if self.selected().is_none() {
            return Ok(());
        }
        match directory_entry(nvm, self.0.directory.index) {
            Some(entry) if entry.name() == self.0.directory.file.name() => self.0.directory.file = entry,
            // Deleted: the issuer domain refuses that while it is selected, so this is a fault of this program.
            _ => return refuse(StatusWord::INTERNAL_ERROR),
        }
        Ok(())
    }
}

/// Whether a command, once it is accepted, ends the transactions that others have begun in the application (15.3).
///
/// A terminal's question what has become of one, INITIALIZE of amount zero, or for an overdraft update, which names none:
/// nothing begun before may complete any more, or the terminal was told wrong. And whatever is written or set under a key,
/// and a key written in clear: what a transaction has looked up, a key, a record's lock, may be another one's by then.
pub(super) fn ends_what_others_began(command: &Command<'_>) -> bool {
    let of_nothing = || Initialize::parse(command.data).is_some_and(|fields| fields.amount == Amount::ZERO);
    match (command.cla, command.ins) {
        (CLA_PBOC, INITIALIZE) => command.p1 == INITIALIZE_UPDATE || of_nothing(),
        (CLA_PBOC, WRITE_KEY) => true,
        (CLA_ISO_SM, READ_BINARY | READ_RECORD) => false,
        (cla, _) => cla & CLA_SM_BIT != 0,
    }
}
