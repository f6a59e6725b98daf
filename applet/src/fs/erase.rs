//! ERASE DF (FMCOS 2.0 user manual p. 72): everything below the current directory goes, and nothing of it stays readable
//! in the memory image.

use super::{
    File, FileIndex,
    entry::state,
    table::{file, files_below},
};
use crate::{
    apdu::Command,
    cos::Cos,
    failure::Failure,
    nvm::{Journal, Memory, Transaction, map::FILE_ENTRY_LEN},
    platform::Platform,
};

impl<P: Platform> Cos<'_, P> {
    /// ERASE DF of the current directory. Power lost in the middle: the next power-up finishes it.
    pub(crate) fn erase_df(&mut self, command: &Command<'_>) -> Result<(), Failure> {
        command.require_p1p2(0x00, 0x00)?;
        command.require_data_len(0)?;
        command.require_no_answer()?;
        let directory = self.session.directory;
        self.session.require(directory.file.second_right)?;
        let mut marked = directory.file;
        marked.state = state::ERASING;
        self.write_entry(directory.index, &marked)?;
        finish_erasing(self.nvm)?;
        self.session.elementary = None;
        self.session.directory.file.state = state::IN_USE;
        self.refresh_directory();
        self.open_window();
        Ok(())
    }
}

/// Goes on with what the power cut short: an ERASE DF, or an application of a RFID-SIM made or removed. Part of every
/// power-up.
pub(crate) fn finish_erasing<M: Memory>(nvm: &mut Journal<M>) -> Result<(), Failure> {
    let marked = |(index, entry): (FileIndex, File)| {
        matches!(entry.state, state::ERASING | state::UNFINISHED).then_some((index, entry))
    };
    let every = FileIndex::all().filter_map(|index| Some((index, file(nvm, index)?)));
    let Some((index, mut directory)) = every.filter_map(marked).next() else {
        return Ok(());
    };
    erase_below(nvm, index)?;
    // Before the mark goes: what is cut short here, the next power-up finishes.
    nvm.forget_older()?;
    let left = match directory.state {
        state::UNFINISHED => [0; FILE_ENTRY_LEN],
        _ => {
            directory.state = state::IN_USE;
            directory.emit()
        }
    };
    put(nvm, index, &left)
}

/// Depth first, so that a directory goes after its files and none is ever without its parent.
fn erase_below<M: Memory>(nvm: &mut Journal<M>, top: FileIndex) -> Result<(), Failure> {
    let mut current = top;
    loop {
        let first = files_below(nvm, current).next();
        match first {
            Some((index, child)) if child.is_directory() && files_below(nvm, index).next().is_some() => current = index,
            Some((index, child)) => {
                // Zeroed while the entry still holds the pages: freed pages hold nothing. The newest transaction did not
                // write there: it marked the directory, or freed another entry.
                nvm.clear(child.body(), usize::from(child.pages))?;
                put(nvm, index, &[0; FILE_ENTRY_LEN])?;
            }
            None if current == top => return Ok(()),
            None => current = file(nvm, current).map_or(top, |file| file.parent),
        }
    }
}

fn put<M: Memory>(nvm: &mut Journal<M>, index: FileIndex, entry: &[u8; FILE_ENTRY_LEN]) -> Result<(), Failure> {
    let mut transaction = Transaction::new();
    transaction.write(index.address(), entry)?;
    Ok(nvm.commit(transaction)?)
}
