//! The operator's files, trust, policy and configuration: they lie wherever the configuration says, in nobody's keeping but the operator's.
//!
//! A simulation keeps them with all else, so that nothing in it depends on the machine that it runs on.

use std::io;
use std::path::Path;
use std::sync::Arc;

use audit::storage::{OpenHow, Storage, read_outside};

/// Where the operator's files are read.
#[derive(Debug, Clone, Default)]
pub enum Outside {
    /// On the machine's disks.
    #[default]
    Machine,
    /// In a storage, below whose root all paths are.
    Kept(Arc<dyn Storage>),
}

impl Outside {
    /// Reads a file, if it is no longer than `max` bytes.
    ///
    /// # Errors
    /// The system's, or the storage's.
    pub fn read(&self, path: &Path, max: u64) -> io::Result<Vec<u8>> {
        match self {
            Self::Machine => read_outside(path, max),
            Self::Kept(storage) => storage.open(path, OpenHow::Read)?.read_all(max),
        }
    }
}
