//! A disk that a power cut leaves with less than was written: any part of what was not yet synced, and names that were not
//! synced either.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use onecard_host::disk::{Disk, DiskFile};

/// A disk in memory. A clone is the same disk.
#[derive(Clone, Debug, Default)]
pub struct FragileDisk(Arc<Mutex<State>>);

#[derive(Clone, Debug, Default)]
struct State {
    files: Vec<Content>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    open: Vec<usize>,
    /// Until the process dies.
    operations_left: Option<u64>,
}

/// A file's bytes.
#[derive(Clone, Debug, Default)]
struct Content {
    /// As the process sees them.
    written: Vec<u8>,
    /// As the last sync left them.
    durable: Vec<u8>,
    /// So many bytes at the front have not been touched since.
    untouched: usize,
}

/// An open file of a [`FragileDisk`].
#[derive(Debug)]
pub struct FragileFile {
    disk: FragileDisk,
    file: usize,
}

impl FragileDisk {
    /// The process dies at the operation after the next `operations`: that one is done and never answered, and nothing is
    /// done after it.
    pub fn die_after(&self, operations: u64) {
        self.state().operations_left = Some(operations);
    }

    /// Whether the process has died.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.state().operations_left == Some(0)
    }

    /// The disk after the process was killed: the system keeps what was written.
    #[must_use]
    pub fn after_kill(&self) -> Self {
        let state = State { open: Vec::new(), operations_left: None, ..self.state().clone() };
        Self(Arc::new(Mutex::new(state)))
    }

    /// One of the disks that a power cut may leave: `pick` draws a number below the one it is given.
    #[must_use]
    pub fn after_a_power_cut(&self, mut pick: impl FnMut(usize) -> usize) -> Self {
        let state = self.state();
        let names = if pick(2) == 0 { &state.durable_names } else { &state.names };
        let file_of = |file: &usize| state.files.get(*file).map(Content::after_power_cut).unwrap_or_default();
        let files = names.iter().map(|(name, file)| {
            let mut contents = file_of(file);
            let at = pick(contents.len().max(1));
            (name.clone(), if at < contents.len() { contents.swap_remove(at) } else { Vec::new() })
        });
        Self::with_files(files.collect())
    }

    /// Every disk that a power cut may leave.
    #[must_use]
    pub fn after_power_cut(&self) -> Vec<Self> {
        let state = self.state();
        let mut disks = vec![BTreeMap::new()];
        for names in [&state.durable_names, &state.names] {
            let mut of_names = vec![BTreeMap::new()];
            for (name, file) in names {
                let contents = state.files.get(*file).map(Content::after_power_cut).unwrap_or_default();
                of_names = of_names
                    .iter()
                    .flat_map(|disk: &BTreeMap<PathBuf, Vec<u8>>| {
                        contents.iter().map(|content| {
                            let mut disk = disk.clone();
                            disk.insert(name.clone(), content.clone());
                            disk
                        })
                    })
                    .collect();
            }
            disks.append(&mut of_names);
            if state.names == state.durable_names {
                break;
            }
        }
        disks.remove(0);
        disks.into_iter().map(Self::with_files).collect()
    }

    fn with_files(files: BTreeMap<PathBuf, Vec<u8>>) -> Self {
        let mut state = State::default();
        for (name, content) in files {
            state.names.insert(name, state.files.len());
            let untouched = content.len();
            state.files.push(Content { durable: content.clone(), written: content, untouched });
        }
        state.durable_names.clone_from(&state.names);
        Self(Arc::new(Mutex::new(state)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn operation<R>(&self, operation: impl FnOnce(&mut State) -> io::Result<R>) -> io::Result<R> {
        let mut state = self.state();
        let died = || Err(io::Error::other("the process has died"));
        match state.operations_left {
            Some(0) => died(),
            Some(1) => {
                state.operations_left = Some(0);
                operation(&mut state)?;
                died()
            }
            left => {
                state.operations_left = left.map(|left| left - 1);
                operation(&mut state)
            }
        }
    }
}

impl Content {
    /// What is there of the bytes behind the untouched ones: as many as were durable, a part from the front, or the whole
    /// length with zeros where bytes are still missing, at the end or at the front.
    fn after_power_cut(&self) -> Vec<Vec<u8>> {
        let mut contents = vec![self.durable.clone()];
        if self.written == self.durable {
            return contents;
        }
        let kept = self.untouched.min(self.written.len());
        let (front, tail) = self.written.split_at(kept);
        for length in 0..=tail.len() {
            let (there, missing) = tail.split_at(length);
            let zeros = vec![0; missing.len()];
            contents.push([front, there].concat());
            contents.push([front, there, &zeros].concat());
            let zeros = vec![0; there.len()];
            contents.push([front, &zeros, missing].concat());
        }
        contents
    }
}

impl Disk for FragileDisk {
    type File = FragileFile;

    fn open(&self, path: &Path) -> io::Result<FragileFile> {
        let file = self.operation(|state| {
            let new = state.files.len();
            let file = *state.names.entry(path.to_path_buf()).or_insert(new);
            if file == new {
                state.files.push(Content::default());
            }
            if state.open.contains(&file) {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            state.open.push(file);
            Ok(file)
        })?;
        Ok(FragileFile { disk: self.clone(), file })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.operation(|state| {
            let file = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
            state.names.insert(to.to_path_buf(), file);
            Ok(())
        })
    }

    fn sync_directory_of(&self, _: &Path) -> io::Result<()> {
        self.operation(|state| {
            state.durable_names.clone_from(&state.names);
            Ok(())
        })
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.operation(|state| {
            let file = state.names.get(path).and_then(|file| state.files.get(*file));
            file.map(|content| content.written.clone()).ok_or(io::ErrorKind::NotFound.into())
        })
    }
}

impl FragileFile {
    fn change<R>(&self, change: impl FnOnce(&mut Content) -> R) -> io::Result<R> {
        self.disk.operation(|state| {
            let content = state.files.get_mut(self.file).ok_or(io::ErrorKind::NotFound)?;
            Ok(change(content))
        })
    }
}

impl DiskFile for FragileFile {
    fn content(&mut self) -> io::Result<Vec<u8>> {
        self.change(|content| content.written.clone())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.change(|content| content.written.extend_from_slice(bytes))
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).map_err(io::Error::other)?;
        self.change(|content| {
            content.written.truncate(length);
            content.untouched = content.untouched.min(length);
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        self.change(|content| {
            content.durable.clone_from(&content.written);
            content.untouched = content.written.len();
        })
    }
}

impl Drop for FragileFile {
    fn drop(&mut self) {
        self.disk.state().open.retain(|file| *file != self.file);
    }
}
