//! Looking files up.

use onecard_wire::fid::Fid;

use super::{File, FileIndex};
use crate::nvm::{Journal, Memory};

/// The file at a place of the table.
pub(crate) fn file<M: Memory>(nvm: &Journal<M>, index: FileIndex) -> Option<File> {
    File::parse(&nvm.array(index.address()))
}

/// Every file whose directory is `parent`.
pub(crate) fn files_below<M: Memory>(nvm: &Journal<M>, parent: FileIndex) -> impl Iterator<Item = (FileIndex, File)> {
    FileIndex::all()
        .skip(1)
        .filter(move |index| {
            let [state, _, stored_parent] = nvm.array(index.address());
            state != super::entry::state::FREE && stored_parent == parent.0
        })
        .filter_map(move |index| Some((index, file(nvm, index)?)))
}

/// The file with this FID in `parent`.
pub(crate) fn find_child<M: Memory>(nvm: &Journal<M>, parent: FileIndex, fid: Fid) -> Option<(FileIndex, File)> {
    files_below(nvm, parent).find(|(_, file)| file.fid == fid)
}

/// How deep a directory is; the MF is 1.
pub(super) fn depth<M: Memory>(nvm: &Journal<M>, mut index: FileIndex) -> u8 {
    let mut depth = 1;
    while index != FileIndex::MF
        && let Some(file) = file(nvm, index)
        && depth < u8::MAX
    {
        (index, depth) = (file.parent, depth + 1);
    }
    depth
}
