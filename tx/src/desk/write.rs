//! A bundle file written in one reading of its files.
//!
//! ```text
//! │ prefix │ envelope │ index │ content …                      │
//!     3.        2.        2.     1. each leaf as it is read
//! ```
//!
//! The head stands before the content and holds its digests, and yet nothing is read twice: every digest, fingerprint and signature has one
//! length, so that the head of a draft without digests tells where the content starts. Leaves are hashed and written on as many cores as
//! there are, files are hashed as they are read.
//!
//! Always true:
//! - what is written is what was hashed: a file that changes meanwhile is either packed as it was read, or an error names it;
//! - memory is the head and a few leaves, whatever the content's length.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use audit::storage::{OpenHow, Storage, StorageFile};
use protocol::bundle::seal::{PackedHead, seal};
use protocol::bundle::{BundleError, FileRecord, Prefix, Statement};
use protocol::digest::{BundleId, Digest, Hasher};
use protocol::keys::SigningKey;
use protocol::merkle::leaf_hash;
use protocol::path::BundlePath;

use crate::leaves::{self, LeafLayout};

/// Why no bundle came of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    #[error("{path} can't be read")]
    Read { path: BundlePath, source: io::Error },
    #[error("{path} changed while it was packed")]
    Changed { path: BundlePath },
    #[error("the bundle can't be written")]
    Write(#[source] io::Error),
    #[error("no bundle can be made of this: {0}")]
    Head(#[from] BundleError),
    #[error("interrupted")]
    Interrupted,
    /// The draft's head and the final one differ in length, against what the format promises.
    #[error("the head came out {found} bytes long where {expected} were left for it")]
    HeadMoved { expected: u64, found: u64 },
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) id: BundleId,
    pub(super) leaves: u64,
    /// Bytes of the whole file.
    pub(super) file_len: u64,
}

/// Who follows the writing, and may end it.
pub(super) struct Watch<'a> {
    pub(super) stop: &'a AtomicBool,
    /// Told how many bytes of content have been read.
    pub(super) progress: &'a dyn Fn(u64),
}

/// Packs the files that `draft` lists from `source` into `out`, signed by `key`, and makes the bytes durable. The digests in `draft` are
/// not looked at.
pub(super) fn write_bundle(
    source: &dyn Storage,
    mut draft: Statement,
    key: &SigningKey,
    out: &dyn StorageFile,
    watch: &Watch<'_>,
) -> Result<Written, WriteError> {
    draft.check()?;
    let room = room_for_head(&draft)?;
    let file_len = room.content_offset().saturating_add(draft.content_len);
    out.allocate(file_len).map_err(WriteError::Write)?;
    let (files, leaves) = write_content(source, &draft, out, room.content_offset(), watch)?;
    for (record, sha256) in draft.files.iter_mut().zip(files) {
        record.sha256 = sha256;
    }
    let leaf_count = leaves.len() as u64;
    let packed = PackedHead::seal(draft, leaves, &[key])?;
    if packed.prefix() != room {
        return Err(WriteError::HeadMoved {
            expected: room.head_len(),
            found: packed.prefix().head_len(),
        });
    }
    let prefix = room.emit();
    out.write_at(packed.head(), prefix.len() as u64)
        .map_err(WriteError::Write)?;
    out.write_at(&prefix, 0).map_err(WriteError::Write)?;
    out.sync_data().map_err(WriteError::Write)?;
    Ok(Written {
        id: packed.id(),
        leaves: leaf_count,
        file_len,
    })
}

/// How much the head will take, from a draft that lacks only what has one length.
fn room_for_head(draft: &Statement) -> Result<Prefix, WriteError> {
    // The author's key signs the final statement alone.
    let stand_in = SigningKey::from_seed([0; 32]);
    let envelope_len = seal(&draft.to_payload(), &[&stand_in])?.to_bytes().len() as u64;
    let index_len = draft.leaf_count().saturating_mul(DIGEST_LEN);
    let too_long = |_| BundleError::HeadTooLong {
        len: envelope_len.saturating_add(index_len),
    };
    let prefix = Prefix {
        envelope_len: u32::try_from(envelope_len).map_err(too_long)?,
        index_len: u32::try_from(index_len).map_err(too_long)?,
    };
    prefix.check()?;
    Ok(prefix)
}

const DIGEST_LEN: u64 = 32;

/// Writes the content and gives the files' digests and the leaves'.
fn write_content(
    source: &dyn Storage,
    draft: &Statement,
    out: &dyn StorageFile,
    start: u64,
    watch: &Watch<'_>,
) -> Result<(Vec<Digest>, Vec<Digest>), WriteError> {
    let layout = LeafLayout::new(draft.content_len, draft.leaf_len);
    let leaves = Mutex::new(vec![Digest([0; 32]); usize::try_from(layout.count()).unwrap_or(0)]);
    let mut reader = Reader::new(source, &draft.files);
    let fill = |index: u64, leaf: &mut [u8]| {
        if watch.stop.load(Ordering::Relaxed) {
            return Err(WriteError::Interrupted);
        }
        reader.fill(leaf)?;
        (watch.progress)(layout.place(index).map_or(0, |(at, len)| at + len as u64));
        Ok(())
    };
    let work = |index: u64, leaf: &[u8]| {
        let digest = leaf_hash(leaf);
        let (at, _) = layout.place(index).unwrap_or_default();
        out.write_at(leaf, start + at).map_err(WriteError::Write)?;
        let mut leaves = leaves.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = usize::try_from(index).ok().and_then(|index| leaves.get_mut(index)) {
            *place = digest;
        }
        Ok(())
    };
    leaves::for_each(layout, fill, work)?;
    let files = reader.finish()?;
    Ok((files, leaves.into_inner().unwrap_or_else(PoisonError::into_inner)))
}

/// The files' bytes as one stream, each file hashed on the way.
struct Reader<'a> {
    source: &'a dyn Storage,
    rest: std::slice::Iter<'a, FileRecord>,
    open: Option<OpenFile<'a>>,
    digests: Vec<Digest>,
}

struct OpenFile<'a> {
    record: &'a FileRecord,
    file: Box<dyn StorageFile>,
    hasher: Hasher,
    read: u64,
}

impl<'a> Reader<'a> {
    fn new(source: &'a dyn Storage, files: &'a [FileRecord]) -> Self {
        Self {
            source,
            rest: files.iter(),
            open: None,
            digests: Vec::with_capacity(files.len()),
        }
    }

    /// Fills `leaf` with the stream's next bytes. The files' sizes add up to all that is ever asked for.
    fn fill(&mut self, leaf: &mut [u8]) -> Result<(), WriteError> {
        let mut filled = 0;
        while let Some(rest) = leaf.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let Some(open) = self.open_next()? else { break };
            filled += open.read_into(rest)?;
        }
        Ok(())
    }

    /// The digests of all files, in order.
    fn finish(mut self) -> Result<Vec<Digest>, WriteError> {
        // Files at the end that are empty were not needed to fill the last leaf.
        while self.open_next()?.is_some() {}
        Ok(self.digests)
    }

    /// The file with the next byte; those that have none left are closed on the way.
    fn open_next(&mut self) -> Result<Option<&mut OpenFile<'a>>, WriteError> {
        while self.open.as_ref().is_none_or(|open| open.read == open.record.size) {
            if let Some(done) = self.open.take() {
                self.digests.push(done.close()?);
            }
            let Some(record) = self.rest.next() else {
                return Ok(None);
            };
            let path = Path::new(record.path.as_str());
            let file = self
                .source
                .open(path, OpenHow::Read)
                .map_err(|error| match error.kind() {
                    io::ErrorKind::NotFound => WriteError::Changed {
                        path: record.path.clone(),
                    },
                    _ => WriteError::Read {
                        path: record.path.clone(),
                        source: error,
                    },
                })?;
            self.open = Some(OpenFile {
                record,
                file,
                hasher: Hasher::new(),
                read: 0,
            });
        }
        Ok(self.open.as_mut())
    }
}

impl OpenFile<'_> {
    fn read_into(&mut self, buffer: &mut [u8]) -> Result<usize, WriteError> {
        let missing = usize::try_from(self.record.size - self.read).unwrap_or(usize::MAX);
        let wanted = missing.min(buffer.len());
        let buffer = buffer.get_mut(..wanted).unwrap_or_default();
        let read = self
            .file
            .read_at(buffer, self.read)
            .map_err(|error| self.unreadable(error))?;
        if read < wanted {
            return Err(self.changed());
        }
        self.hasher.update(buffer);
        self.read += read as u64;
        Ok(read)
    }

    fn close(self) -> Result<Digest, WriteError> {
        let len = self.file.len().map_err(|error| self.unreadable(error))?;
        if len != self.record.size {
            return Err(self.changed());
        }
        Ok(self.hasher.finish())
    }

    fn changed(&self) -> WriteError {
        WriteError::Changed {
            path: self.record.path.clone(),
        }
    }

    fn unreadable(&self, source: io::Error) -> WriteError {
        WriteError::Read {
            path: self.record.path.clone(),
            source,
        }
    }
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
