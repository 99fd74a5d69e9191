//! Where results of files lie between scans: one file, read at the start, replaced as a whole.
//!
//! ```text
//! open ─▶ this program's digest ─▶ identity ─▶ Cache ◀── scans ──▶ store: lock, replace
//! ```
//! The program's own bytes are a part of the identity: its engines, grammars, limits and built-in rules are all in them, and
//! none can be forgotten when one changes.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use audit::storage::{OpenHow, Storage, read_outside, replace_durable};
use protocol::digest::Digest;

use super::cache::{Cache, CacheFault, MAX_BYTES};
use crate::engine::FingerprintKey;

/// What runs here, by the kernel's word.
const PROGRAM: &str = "/proc/self/exe";
/// Bytes of a program at most.
const MAX_PROGRAM: u64 = 1 << 30;

/// Kept results, and their file.
#[derive(Debug)]
pub(super) struct Results {
    storage: Arc<dyn Storage>,
    path: PathBuf,
    cache: Cache,
}

impl Results {
    /// The results in `path`, none if there are none yet or they cannot be used; nothing at all where nobody can tell what runs here.
    pub(super) fn open(
        storage: Arc<dyn Storage>,
        path: &Path,
        key: &FingerprintKey,
        identity: impl FnOnce(Digest) -> Digest,
    ) -> (Option<Self>, Option<CacheFault>) {
        let Some(program) = program() else {
            return (None, None);
        };
        let identity = identity(program);
        let read = read(&*storage, path).and_then(|stored| match stored {
            Some(stored) => Cache::read(&stored, key, identity),
            None => Ok(Cache::empty(key, identity)),
        });
        let (cache, fault) = match read {
            Ok(cache) => (cache, None),
            Err(fault) => (Cache::empty(key, identity), Some(fault)),
        };
        let path = path.to_owned();
        (Some(Self { storage, path, cache }), fault)
    }

    pub(super) fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Stores what there is, if anything is new and nobody else is at it.
    pub(super) fn store(&self) -> io::Result<()> {
        if !self.cache.has_changed() {
            return Ok(());
        }
        let Some(_lock) = self.storage.lock(&self.path.with_extension("lock"))? else {
            return Ok(());
        };
        let replaced = replace_durable(&*self.storage, &self.path, &self.cache.to_bytes(), 0o600);
        replaced.map(|()| self.cache.settle())
    }
}

/// The digest of the program that runs here, which is read once.
fn program() -> Option<Digest> {
    static DIGEST: OnceLock<Option<Digest>> = OnceLock::new();
    *DIGEST.get_or_init(|| {
        let program = read_outside(Path::new(PROGRAM), MAX_PROGRAM).ok()?;
        Some(Digest::of(&program))
    })
}

fn read(storage: &dyn Storage, path: &Path) -> Result<Option<Vec<u8>>, CacheFault> {
    let file = match storage.open(path, OpenHow::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(CacheFault::Unreadable(error.kind())),
    };
    let bytes = file.read_all(MAX_BYTES as u64);
    bytes.map(Some).map_err(|error| CacheFault::Unreadable(error.kind()))
}

#[cfg(test)]
mod tests;
