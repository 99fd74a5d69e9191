//! The transmitter's state: where on its disk its log lies, and what comes in its place when it is gone.
//!
//! ```text
//! state-1 ──made anew──▶ state-2 (another epoch) ──put back──▶ state-3 (a copy of what a backup has of state-1 or state-2)
//! ```
//!
//! Always true: what was before is never written again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use audit::storage::{Below, OpenHow, Storage};
use protocol::keys::SigningKey;
use protocol::time::UnixMillis;
use tx::transmitter::book::{Book, BookError};

use super::disk::FaultyDisk;
use super::fault::NewState;
use super::quarantine::files_below;
use crate::relay::dice::Dice;

/// The state of one transmitter after another.
#[derive(Debug)]
pub(super) struct State {
    seed: u64,
    lives: u64,
    epoch: u64,
    /// By the step at which it was taken: the epoch, and every file by its path within the state.
    backups: BTreeMap<u64, (u64, BTreeMap<PathBuf, Vec<u8>>)>,
}

impl State {
    /// Makes the first state on a disk.
    pub(super) fn make(seed: u64, disk: &FaultyDisk, now: UnixMillis) -> Result<Self, String> {
        let mut state = Self {
            seed,
            lives: 0,
            epoch: 0,
            backups: BTreeMap::new(),
        };
        state.replace(NewState::Anew, disk, now)?;
        Ok(state)
    }

    /// The epoch of the state.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Its folder.
    pub(super) fn folder(&self, disk: &FaultyDisk) -> Arc<dyn Storage> {
        Arc::new(Below::new(Arc::new(disk.storage.clone()), self.name()))
    }

    /// Opens its ledger.
    pub(super) fn open(&self, disk: &FaultyDisk, now: UnixMillis) -> Result<Book, BookError> {
        Book::open(self.folder(disk), log_key(), now)
    }

    /// Takes a backup of it.
    pub(super) fn back_up(&mut self, step: u64, disk: &FaultyDisk) {
        let name = self.name();
        let below = |path: PathBuf| path.strip_prefix(&name).map(Path::to_owned).unwrap_or(path.clone());
        let files = files_below(&disk.storage, Path::new(&name)).into_iter();
        let files = files.map(|(path, bytes)| (below(path), bytes));
        self.backups.insert(step, (self.epoch, files.collect()));
    }

    /// Puts another state in its place; if that fails it may be tried again.
    pub(super) fn replace(&mut self, by: NewState, disk: &FaultyDisk, now: UnixMillis) -> Result<(), String> {
        let storage = &disk.storage;
        self.lives += 1;
        storage.create_dir(Path::new(&self.name()), 0o700).map_err(text)?;
        let backup = match by {
            NewState::Anew => None,
            NewState::Backup(step) => self.backups.get(&step),
        };
        match backup {
            Some((epoch, files)) => {
                for (path, bytes) in files {
                    write(storage, &Path::new(&self.name()).join(path), bytes).map_err(text)?;
                }
                self.epoch = *epoch;
            }
            None => {
                self.epoch = 1 + Dice::new(self.seed, EPOCHS + self.lives).below(u64::MAX - 1);
                drop(Book::create(self.folder(disk), log_key(), self.epoch, now).map_err(text)?);
            }
        }
        // What is under a name of its own for good is made durable by whoever gives the name.
        storage.sync_fs().map_err(text)
    }

    fn name(&self) -> String {
        format!("state-{}", self.lives)
    }
}

fn log_key() -> SigningKey {
    SigningKey::from_seed([4; 32])
}

/// Writes a file, and the folders that it is in.
fn write(storage: &dyn Storage, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folders: Vec<_> = path
        .ancestors()
        .skip(1)
        .filter(|above| *above != Path::new(""))
        .collect();
    for folder in folders.into_iter().rev() {
        if storage.stat(folder)?.is_none() {
            storage.create_dir(folder, 0o700)?;
        }
    }
    storage
        .open(path, OpenHow::CreateNew { mode: 0o600 })?
        .write_at(bytes, 0)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Streams of the dice that epochs are drawn from begin here.
const EPOCHS: u64 = 1 << 40;
