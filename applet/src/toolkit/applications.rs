//! The enterprise applications on the card, as the menu counts them.

use onecard_wire::{aid, number::EnterpriseId};

use crate::{
    fs::{File, FileIndex, directory_entry, files_below},
    nvm::{Journal, Memory},
};

/// An application: where it is, and whose. It may be gone since.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Application {
    pub(super) index: FileIndex,
    pub(super) enterprise: EnterpriseId,
}

impl Application {
    /// Its entry in the file table, if it is still there.
    pub(super) fn entry<M: Memory>(&self, nvm: &Journal<M>) -> Option<File> {
        let entry = directory_entry(nvm, self.index)?;
        (of_directory(self.index, &entry)? == *self).then_some(entry)
    }
}

/// The applications, one the issuer domain has locked among them, in the order of the file table.
pub(super) fn applications<M: Memory>(nvm: &Journal<M>) -> impl Iterator<Item = Application> {
    files_below(nvm, FileIndex::MF).filter_map(|(index, entry)| of_directory(index, &entry))
}

fn of_directory(index: FileIndex, entry: &File) -> Option<Application> {
    let mut unlocked = *entry;
    unlocked.life_cycle = entry.life_cycle.unlocked();
    let is_application = unlocked.is_selectable() && aid::is_enterprise_application(entry.name());
    let enterprise = EnterpriseId::from_bytes(*entry.name().last_chunk()?)?;
    is_application.then_some(Application { index, enterprise })
}
