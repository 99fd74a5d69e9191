//! A disk in memory that forgets what was not synced: for tests and simulation.
//!
//! ```text
//!  write ──▶ seen ──sync_data──▶ kept        names likewise, by sync_dir
//!                                  │
//!  crash: seen := kept + whatever part of the rest the caller's dice keep
//! ```
//!
//! It takes the least that [`Storage`] promises: at a [`crash`](MemoryStorage::crash) every 512-byte sector of each
//! write that was not synced, and every name, is kept or lost on its own (a rename within one folder stays atomic).
//! After a failed sync the bytes are seen, and lost at the next crash even if a later sync says that all is well.

mod state;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::state::{Body, Change, Dir, File, Node, State, error};
use super::{DirEntry, Lock, OpenHow, Storage, StorageFile, check_plain};

/// A [`Storage`] in memory. Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct MemoryStorage {
    state: Arc<Mutex<State>>,
}

/// What goes wrong at a chosen operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails with an IO error; a sync thereby loses what it was about.
    Io,
    /// It fails for want of space; a write leaves its first half.
    Full,
    /// The power fails during it: this and everything after fails, until [`MemoryStorage::crash`].
    PowerCut,
}

impl MemoryStorage {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Changing operations (writes, syncs, names) so far.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Syncs so far, of whatever and whether they succeeded or not: what costs the time on a real disk.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// Says from now on that so many bytes may still be written, whatever is written: a disk that others fill.
    pub fn set_free_bytes(&self, bytes: u64) {
        self.state().free_told = bytes;
    }

    /// Lets the operation after `more` further changing ones go wrong.
    pub fn fail_at(&self, more: u64, fault: Fault) {
        let mut state = self.state();
        let at = state.operations.saturating_add(more);
        state.faults.insert(at, fault);
    }

    /// [`fail_at`](Self::fail_at) with [`Fault::PowerCut`].
    pub fn cut_power_at(&self, more: u64) {
        self.fail_at(more, Fault::PowerCut);
    }

    /// The machine dies and comes back: locks are free, faults forgotten, and of what was not synced only that is left
    /// for which `keep` says so, asked once for every name change and sector in the order they were made.
    pub fn crash(&self, keep: &mut dyn FnMut() -> bool) {
        let mut state = self.state();
        state.crash(keep);
    }

    /// The process dies, the machine does not: locks are free, faults forgotten, everything is still seen.
    pub fn restart(&self) {
        let mut state = self.state();
        state.locks.clear();
        state.faults.clear();
        state.dead = false;
    }

    /// Lets all files together have so many bytes; what would make them more fails for want of space.
    pub fn set_capacity(&self, bytes: u64) {
        self.state().capacity = bytes;
    }

    /// Whether the power is on: it is not from a [`Fault::PowerCut`] until the next [`crash`](Self::crash).
    #[must_use]
    pub fn has_power(&self) -> bool {
        !self.state().dead
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic in one test thread says nothing against the state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage for MemoryStorage {
    fn open(&self, path: &Path, how: OpenHow) -> io::Result<Box<dyn StorageFile>> {
        check_plain(path)?;
        let mut state = self.state();
        let id = match how {
            OpenHow::Read | OpenHow::Write => state.file_at(path)?,
            OpenHow::CreateNew { mode } => {
                state.begin("create", path)?;
                let name = state.free_name(path)?;
                let id = state.add(Node::new(mode, Body::File(File::default())));
                state.name_changed(vec![(name.0, name.1, Some(id))]);
                id
            }
        };
        Ok(Box::new(MemoryFile {
            storage: self.clone(),
            id,
            path: path.to_owned(),
        }))
    }

    fn create_dir(&self, path: &Path, mode: u32) -> io::Result<()> {
        check_plain(path)?;
        let mut state = self.state();
        state.begin("create folder", path)?;
        let name = state.free_name(path)?;
        let id = state.add(Node::new(mode, Body::Dir(Dir::default())));
        state.name_changed(vec![(name.0, name.1, Some(id))]);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.state().rename(from, to, true)
    }

    fn rename_noreplace(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.state().rename(from, to, false)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        check_plain(path)?;
        let mut state = self.state();
        state.begin("remove", path)?;
        state.file_at(path)?;
        let (dir, name) = state.place(path)?;
        state.name_changed(vec![(dir, name, None)]);
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        check_plain(path)?;
        let mut state = self.state();
        state.begin("remove folder", path)?;
        let id = state.find(path)?;
        if !state.dir(id, path)?.seen.is_empty() {
            return Err(error(io::ErrorKind::DirectoryNotEmpty, "remove folder", path));
        }
        let (dir, name) = state.place(path)?;
        state.name_changed(vec![(dir, name, None)]);
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        check_plain(path)?;
        let state = self.state();
        let id = state.find(path)?;
        let names = &state.dir(id, path)?.seen;
        names
            .iter()
            .map(|(name, id)| state.entry(name.clone(), *id, path))
            .collect()
    }

    fn stat(&self, path: &Path) -> io::Result<Option<DirEntry>> {
        check_plain(path)?;
        let state = self.state();
        let name = path
            .file_name()
            .ok_or_else(|| error(io::ErrorKind::InvalidInput, "look at", path))?;
        match state.find(path) {
            Ok(id) => state.entry(name.to_owned(), id, path).map(Some),
            Err(found) if matches!(found.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(found) => Err(found),
        }
    }

    fn set_mode(&self, path: &Path, mode: u32) -> io::Result<()> {
        check_plain(path)?;
        let mut state = self.state();
        state.begin("set mode of", path)?;
        let id = state.find(path)?;
        state.node(id, path)?.mode = mode;
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        check_plain(path)?;
        let mut state = self.state();
        let id = state.find(path)?;
        let begun = state.begin_sync("sync folder", path);
        if state.dead {
            return begun;
        }
        state.sync_names(|dir| dir == id, begun.is_ok());
        begun
    }

    fn sync_fs(&self) -> io::Result<()> {
        let mut state = self.state();
        let begun = state.begin_sync("sync file system", Path::new(""));
        if state.dead {
            return begun;
        }
        state.sync_names(|_| true, begun.is_ok());
        for node in state.nodes.values_mut() {
            node.kept_mode = if begun.is_ok() { node.mode } else { node.kept_mode };
            if let Body::File(file) = &mut node.body {
                file.sync(begun.is_ok());
            }
        }
        begun
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let state = self.state();
        match state.dead {
            true => Err(error(io::ErrorKind::Other, "ask for the room at", Path::new(""))),
            false => Ok(state.free().min(state.free_told)),
        }
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        check_plain(path)?;
        let mut state = self.state();
        state.find(path.parent().unwrap_or(Path::new("")))?;
        if !state.locks.insert(path.to_owned()) {
            return Ok(None);
        }
        Ok(Some(Box::new(MemoryLock {
            storage: self.clone(),
            path: path.to_owned(),
        })))
    }
}

#[derive(Debug)]
struct MemoryFile {
    storage: MemoryStorage,
    id: u64,
    path: PathBuf,
}

impl MemoryFile {
    fn change(&self, doing: &'static str, change: Change) -> io::Result<()> {
        let mut state = self.storage.state();
        let begun = state
            .begin(doing, &self.path)
            .and_then(|()| self.check_room(&mut state, doing, &change));
        let half = match (&begun, change) {
            (Ok(()), change) => Some(change),
            // The caller sees a failure; the disk got some of it all the same.
            (Err(_), Change::Write { at, bytes }) if state.dead => Some(Change::Write { at, bytes }),
            (Err(failed), Change::Write { at, mut bytes }) if failed.kind() == io::ErrorKind::StorageFull => {
                bytes.truncate(bytes.len() / 2);
                Some(Change::Write { at, bytes })
            }
            _ => None,
        };
        if let (Some(change), Some(file)) = (half, state.file(self.id)) {
            change.apply(&mut file.seen);
            file.pending.push(change);
        }
        begun
    }

    fn check_room(&self, state: &mut State, doing: &'static str, change: &Change) -> io::Result<()> {
        let len = state.file(self.id).map_or(0, |file| file.seen.len());
        let more = change.end().saturating_sub(len) as u64;
        if more > 0 && more > state.free() {
            return Err(error(io::ErrorKind::StorageFull, doing, &self.path));
        }
        Ok(())
    }

    fn with<T>(&self, act: impl FnOnce(&File) -> T) -> io::Result<T> {
        let mut state = self.storage.state();
        if state.dead {
            return Err(error(io::ErrorKind::Other, "read", &self.path));
        }
        let file = state
            .file(self.id)
            .ok_or_else(|| error(io::ErrorKind::NotFound, "read", &self.path))?;
        Ok(act(file))
    }
}

impl StorageFile for MemoryFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.with(|file| {
            let from = usize::try_from(offset).unwrap_or(usize::MAX).min(file.seen.len());
            let found = file.seen.get(from..).unwrap_or_default();
            let len = found.len().min(buf.len());
            buf.iter_mut().zip(found).for_each(|(to, from)| *to = *from);
            len
        })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let at = usize::try_from(offset).map_err(|_| error(io::ErrorKind::FileTooLarge, "write", &self.path))?;
        self.change(
            "write",
            Change::Write {
                at,
                bytes: bytes.to_vec(),
            },
        )
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.set_len(len.max(self.len()?))
    }

    fn room(&self) -> io::Result<u64> {
        self.len()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).map_err(|_| error(io::ErrorKind::FileTooLarge, "extend", &self.path))?;
        self.change("set length of", Change::SetLen(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.storage.state();
        let begun = state.begin_sync("sync", &self.path);
        if state.dead {
            return begun;
        }
        if let Some(file) = state.file(self.id) {
            file.sync(begun.is_ok());
        }
        begun
    }

    fn len(&self) -> io::Result<u64> {
        self.with(|file| file.seen.len() as u64)
    }
}

#[derive(Debug)]
struct MemoryLock {
    storage: MemoryStorage,
    path: PathBuf,
}

impl Lock for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.storage.state().locks.remove(&self.path);
    }
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
