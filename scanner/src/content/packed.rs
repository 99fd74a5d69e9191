//! A packed bundle as content: each file is a range of the bundle's content, by the sizes in its statement.

use std::io;

use audit::storage::StorageFile;
use protocol::bundle::{BundleError, PREFIX_LEN, Prefix, Statement, UnverifiedHead};
use protocol::digest::BundleId;

use super::{Content, FileEntry, no_such_file};

/// A `.bundle` file, or a spool with the same bytes, read in place.
#[derive(Debug)]
pub struct PackedBundle {
    file: Box<dyn StorageFile>,
    id: BundleId,
    author: String,
    entries: Vec<FileEntry>,
    /// Where each file starts in `file`.
    starts: Vec<u64>,
}

/// A file that cannot be read as a bundle.
#[derive(Debug, thiserror::Error)]
pub enum PackedError {
    /// The disk failed.
    #[error("cannot read the bundle")]
    Io(#[from] io::Error),
    /// Prefix or head are not a bundle's.
    #[error("not a bundle, or damaged")]
    Malformed(#[from] BundleError),
    /// Fewer or more bytes than prefix, head and content need.
    #[error("the bundle is {found} bytes long, and its head speaks of {expected}: it was cut short or added to")]
    Length {
        /// Bytes that there should be.
        expected: u64,
        /// Bytes that there are.
        found: u64,
    },
}

impl PackedBundle {
    /// The files of `statement`, whose content starts at `content_start` in `file`.
    ///
    /// The caller has verified the statement, or says in its report that nobody did.
    #[must_use]
    pub fn new(file: Box<dyn StorageFile>, id: BundleId, statement: &Statement, content_start: u64) -> Self {
        let entries = statement.files.iter().map(|record| FileEntry {
            path: record.path.as_str().to_owned(),
            size: record.size,
            executable: record.executable,
            sha256: Some(record.sha256),
        });
        let starts = statement
            .file_offsets()
            .into_iter()
            .map(|offset| content_start.saturating_add(offset));
        Self {
            file,
            id,
            author: statement.author.clone(),
            entries: entries.collect(),
            starts: starts.collect(),
        }
    }

    /// Reads the head of a `.bundle` file, without a look at its signatures: for the author's desk.
    ///
    /// # Errors
    /// [`PackedError`] if the file is cut short, longer than its head says, or not a bundle.
    pub fn open_unverified(file: Box<dyn StorageFile>) -> Result<(Self, Statement), PackedError> {
        let mut prefix = [0; PREFIX_LEN];
        let found = file.len()?;
        if found < PREFIX_LEN as u64 {
            return Err(PackedError::Length {
                expected: PREFIX_LEN as u64,
                found,
            });
        }
        file.read_exact_at(&mut prefix, 0)?;
        let prefix = Prefix::parse(&prefix)?;
        let content_start = PREFIX_LEN as u64 + prefix.head_len();
        if found < content_start {
            return Err(PackedError::Length {
                expected: content_start,
                found,
            });
        }
        // `Prefix::parse` holds the head to MAX_HEAD_LEN, and the file is at least as long.
        let mut head = vec![0; usize::try_from(prefix.head_len()).unwrap_or(usize::MAX)];
        file.read_exact_at(&mut head, PREFIX_LEN as u64)?;
        let head = UnverifiedHead::parse(&head, prefix.envelope_len)?;
        let expected = content_start.saturating_add(head.statement.content_len);
        if found != expected {
            return Err(PackedError::Length { expected, found });
        }
        Ok((Self::new(file, head.id, &head.statement, content_start), head.statement))
    }
}

impl Content for PackedBundle {
    fn files(&self) -> &[FileEntry] {
        &self.entries
    }

    fn read_at(&self, file: usize, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let (Some(entry), Some(start)) = (self.entries.get(file), self.starts.get(file)) else {
            return Err(no_such_file(file));
        };
        // Never past the file's own end: the next file's bytes start there.
        let left = entry.size.saturating_sub(offset);
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
        self.file.read_at(buf.split_at_mut(len).0, start.saturating_add(offset))
    }

    fn bundle(&self) -> Option<BundleId> {
        Some(self.id)
    }

    fn author(&self) -> Option<&str> {
        Some(&self.author)
    }
}
