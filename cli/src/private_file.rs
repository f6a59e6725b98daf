//! Files with secrets: only their owner may read them.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    mem,
    path::Path,
};

use anyhow::{Context, bail, ensure};
use onecard_host::disk::{Disk, SystemDisk};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

/// Opens and reads the file at `path`, which is a `what`. The text is erased on drop.
///
/// # Errors
/// If others than the owner can read it, above all.
pub(crate) fn read(path: &Path, what: &str) -> anyhow::Result<(File, Zeroizing<String>)> {
    let failed = || format!("{what} {} cannot be read", path.display());
    let mut file = File::open(path).with_context(failed)?;
    refuse_shared(&file, path, what)?;
    let room = file.metadata().with_context(failed)?.len().max(ROOM_OF_A_PIPE);
    let room = usize::try_from(room).with_context(failed)?;
    let text = read_in_place(&mut file, room).with_context(failed)?;
    ensure!(text.len() <= room, "{what} {} is longer than {room} bytes: name the right file", path.display());
    Ok((file, text))
}

/// What can be read of a file that does not tell its length.
const ROOM_OF_A_PIPE: u64 = 64 * 1_024;

/// The text of `file` up to one byte more than `room`, in one buffer from the beginning: one that grows would leave copies of a
/// secret behind.
fn read_in_place(file: &mut impl Read, room: usize) -> io::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(room + 1));
    file.take(room as u64 + 1).read_to_end(&mut bytes)?;
    String::from_utf8(mem::take(&mut *bytes)).map(Zeroizing::new).map_err(|error| {
        drop(Zeroizing::new(error.into_bytes()));
        io::Error::new(ErrorKind::InvalidData, "it is no text in UTF-8")
    })
}

/// Writes a new file that its owner alone can read.
///
/// # Errors
/// If there is a file of that name already, above all.
pub(crate) fn create(path: &Path, what: &str, text: &str) -> anyhow::Result<()> {
    let made = write_new(path, text).and_then(|()| SystemDisk.sync_directory_of(path));
    made.with_context(|| format!("{what} {} cannot be made", path.display()))
}

/// Makes an empty file that its owner alone can read, unless there is one of that name.
pub(crate) fn create_if_missing(path: &Path, what: &str) -> anyhow::Result<()> {
    match write_new(path, "") {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made.with_context(|| format!("{what} {} cannot be made", path.display())),
    }
}

/// Puts a new file that its owner alone can read in the place of the old: after any cut there is one of the two.
pub(crate) fn replace(path: &Path, what: &str, text: &str) -> anyhow::Result<()> {
    replace_if(path, what, text, |_| Ok(()))
}

/// The same if `is_right` finds nothing wrong with what the disk gives back of the new file; else the old one stays.
pub(crate) fn replace_if(
    path: &Path,
    what: &str,
    text: &str,
    is_right: impl FnOnce(&str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let failed = || format!("{what} {} cannot be written", path.display());
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = Path::new(&new);
    // What a cut left of an earlier attempt goes.
    match fs::remove_file(new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error).with_context(failed),
        _ => write_new(new, text).with_context(failed)?,
    }
    if let Err(wrong) = fs::read_to_string(new).with_context(failed).and_then(|written| is_right(&written)) {
        fs::remove_file(new).with_context(failed)?;
        return Err(wrong.context(format!("{what} {} stays as it was", path.display())));
    }
    fs::rename(new, path).and_then(|()| SystemDisk.sync_directory_of(path)).with_context(failed)
}

/// What is stored at `path` as JSON; `None` if there is no such file.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path, what: &str) -> anyhow::Result<Option<T>> {
    let name = || format!("{what} {}", path.display());
    match fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text).map(Some).with_context(|| format!("{} is damaged", name())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", name())),
    }
}

/// Adds a line to a file that its owner alone can read, and makes it if it is missing.
pub(crate) fn append(path: &Path, what: &str, line: &str) -> anyhow::Result<()> {
    create_if_missing(path, what)?;
    let appended = OpenOptions::new().append(true).open(path).and_then(|mut file| {
        file.write_all(format!("{line}\n").as_bytes())?;
        file.sync_all()
    });
    appended.with_context(|| format!("{what} {} cannot be written", path.display()))
}

/// Opens a new file that its owner alone can read, for what is too long to be held in memory.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] if there is a file of that name, above all.
pub(crate) fn open_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = open_new(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(unix)]
fn refuse_shared(file: &File, path: &Path, what: &str) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata().with_context(|| format!("{what} {}", path.display()))?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let path = path.display();
        bail!("{what} {path} is open to others (mode {mode:04o}): close it by `chmod 600 {path}` and try again");
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_shared(_: &File, _: &Path, _: &str) -> anyhow::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Gives little at a time, as a pipe does, and sees where it is put.
    struct Trickle<'t> {
        text: &'t [u8],
        places: Vec<usize>,
    }

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let (now, later) = self.text.split_at(self.text.len().min(7));
            self.places.push(buffer.as_ptr() as usize);
            buffer.iter_mut().zip(now).for_each(|(to, from)| *to = *from);
            self.text = later;
            Ok(now.len())
        }
    }

    #[test]
    fn a_secret_stays_where_it_was_read_to() {
        let text = "key = \"00112233\"\n".repeat(500);
        let mut pipe = Trickle { text: text.as_bytes(), places: Vec::new() };
        let read = read_in_place(&mut pipe, text.len()).unwrap();
        assert_eq!(*read, text);
        let first = read.as_ptr() as usize;
        let moved =
            pipe.places.iter().zip((first..).step_by(7)).filter(|(place, expected)| **place != *expected).count();
        // The last read, which finds nothing more, is to a buffer of its own.
        assert!(moved <= 1, "{moved} of {} reads", pipe.places.len());
    }

    #[test]
    fn a_new_file_that_is_wrong_does_not_take_the_place_of_the_old() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        create(&path, "file", "old").unwrap();
        // As a cut leaves it.
        fs::write(folder.path().join("a.new"), "half").unwrap();
        let error = replace_if(&path, "file", "new", |written| bail!("{written} is wrong")).unwrap_err();
        assert!(format!("{error:#}").ends_with("stays as it was: new is wrong"), "{error:#}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        replace(&path, "file", "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_text_or_too_long_is_told() {
        let error = read_in_place(&mut &[0xFF, 0xFE][..], 64).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert_eq!(read_in_place(&mut &b"four and more"[..], 4).unwrap().len(), 5);
    }
}
