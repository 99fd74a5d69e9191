//! Files in memory, for tests and for whoever has the bytes already.

use std::io;

use super::{Content, FileEntry, no_such_file};

/// A list of files held in memory.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    entries: Vec<FileEntry>,
    bytes: Vec<Vec<u8>>,
}

impl Memory {
    /// No files.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file that is not executable and that nobody signed.
    #[must_use]
    pub fn with(self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        let entry = FileEntry {
            path: path.to_owned(),
            size: bytes.len() as u64,
            executable: false,
            sha256: None,
        };
        self.with_entry(entry, bytes)
    }

    /// Adds a file with an entry that may say otherwise than its bytes do.
    #[must_use]
    pub fn with_entry(mut self, entry: FileEntry, bytes: impl Into<Vec<u8>>) -> Self {
        self.entries.push(entry);
        self.bytes.push(bytes.into());
        self
    }
}

impl Content for Memory {
    fn files(&self) -> &[FileEntry] {
        &self.entries
    }

    fn read_at(&self, file: usize, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let bytes = self.bytes.get(file).ok_or_else(|| no_such_file(file))?;
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|from| bytes.get(from..))
            .unwrap_or_default();
        let len = rest.len().min(buf.len());
        let (target, _) = buf.split_at_mut(len);
        target.copy_from_slice(rest.split_at(len).0);
        Ok(len)
    }
}
