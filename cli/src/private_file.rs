//! Files with secrets: only their owner may read them.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    path::Path,
};

use anyhow::{Context, bail};
use zeroize::Zeroizing;

/// Opens and reads the file at `path`, which is a `what`. The text is erased on drop.
///
/// # Errors
/// If others than the owner can read it, above all.
pub(crate) fn read(path: &Path, what: &str) -> anyhow::Result<(File, Zeroizing<String>)> {
    let failed = || format!("{what} {} cannot be read", path.display());
    let mut file = File::open(path).with_context(failed)?;
    refuse_shared(&file, path, what)?;
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).with_context(failed)?;
    Ok((file, text))
}

/// Writes a new file that its owner alone can read.
///
/// # Errors
/// If there is a file of that name already, above all.
pub(crate) fn create(path: &Path, what: &str, text: &str) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written =
        options.open(path).and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.with_context(|| format!("{what} {} cannot be made", path.display()))
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
