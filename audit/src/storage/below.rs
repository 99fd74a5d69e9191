//! A folder of a storage as a storage of its own.
//!
//! [`Disk`](super::Disk) opens folders by themselves. What is kept in memory lies on one disk, so that one power cut meets all of it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{DirEntry, Lock, OpenHow, Storage, StorageFile, check_plain};

/// A folder of another storage, as the root of this one.
#[derive(Debug, Clone)]
pub struct Below {
    storage: Arc<dyn Storage>,
    folder: PathBuf,
}

impl Below {
    /// The folder of this name, which should be there.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>, folder: impl Into<PathBuf>) -> Self {
        Self {
            storage,
            folder: folder.into(),
        }
    }

    fn at(&self, path: &Path) -> io::Result<PathBuf> {
        // Joined to a folder an absolute path would replace it.
        check_plain(path)?;
        Ok(self.folder.join(path))
    }
}

impl Storage for Below {
    fn open(&self, path: &Path, how: OpenHow) -> io::Result<Box<dyn StorageFile>> {
        self.storage.open(&self.at(path)?, how)
    }

    fn create_dir(&self, path: &Path, mode: u32) -> io::Result<()> {
        self.storage.create_dir(&self.at(path)?, mode)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.storage.rename(&self.at(from)?, &self.at(to)?)
    }

    fn rename_noreplace(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.storage.rename_noreplace(&self.at(from)?, &self.at(to)?)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.storage.remove_file(&self.at(path)?)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.storage.remove_dir(&self.at(path)?)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        self.storage.list(&self.at(path)?)
    }

    fn stat(&self, path: &Path) -> io::Result<Option<DirEntry>> {
        self.storage.stat(&self.at(path)?)
    }

    fn set_mode(&self, path: &Path, mode: u32) -> io::Result<()> {
        self.storage.set_mode(&self.at(path)?, mode)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.storage.sync_dir(&self.at(path)?)
    }

    fn sync_fs(&self) -> io::Result<()> {
        self.storage.sync_fs()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.storage.free_bytes()
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        self.storage.lock(&self.at(path)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::MemoryStorage;

    #[test]
    fn what_is_made_below_a_folder_is_in_that_folder() {
        let storage = Arc::new(MemoryStorage::new());
        storage.create_dir(Path::new("d"), 0o700).unwrap();
        let below = Below::new(storage.clone(), "d");
        below.open(Path::new("f"), OpenHow::CreateNew { mode: 0o600 }).unwrap();
        below.rename(Path::new("f"), Path::new("g")).unwrap();
        assert!(storage.stat(Path::new("d/g")).unwrap().is_some());
        assert_eq!(below.list(Path::new("")).unwrap().len(), 1);
    }

    #[test]
    fn no_path_leads_out_of_the_folder() {
        let storage = Arc::new(MemoryStorage::new());
        for folder in ["d", "e"] {
            storage.create_dir(Path::new(folder), 0o700).unwrap();
        }
        let below = Below::new(storage, "d");
        for path in ["../e", "/e"] {
            let error = below.list(Path::new(path)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{path}");
        }
    }
}
