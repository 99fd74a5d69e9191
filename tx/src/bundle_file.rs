//! A `.bundle` file, read by positions and checked as it is read.
//!
//! ```text
//! open: prefix ─▶ head ─▶ index against content_root ─▶ length of the file      leaf(i): bytes ─▶ hash against the index
//! ```
//!
//! Always true:
//! - content that is read is compared with the index before it is used, and no index is used that is not the statement's;
//! - nothing here says who signed: that takes `protocol::bundle::verify_head` and a trust file;
//! - memory is the head and a few leaves, whatever the content's length.

use std::io;
use std::ops::Range;

use audit::storage::StorageFile;
use protocol::bundle::{BundleError, Envelope, HeadClaims, PREFIX_LEN, Prefix, Statement};
use protocol::digest::{BundleId, Digest, Hasher};
use protocol::merkle::leaf_hash;
use protocol::path::BundlePath;

use crate::leaves::{self, LeafLayout};

/// An open bundle file whose head is in itself consistent; its signatures are not checked.
#[derive(Debug)]
pub struct BundleFile {
    file: Box<dyn StorageFile>,
    prefix: Prefix,
    /// Envelope and index, the leaves' digests, which are kept here alone: 1 MiB of 8 GiB.
    head: Vec<u8>,
    id: BundleId,
    envelope: Envelope,
    statement: Statement,
    layout: LeafLayout,
}

/// A bundle file that can't be used, and which part of it is to blame.
#[derive(Debug, thiserror::Error)]
pub enum BundleFileError {
    /// The disk failed, which says nothing of the bundle.
    #[error("the bundle file can't be read")]
    Read(#[source] io::Error),
    /// Too short for a prefix, or another kind of file.
    #[error("not a bundle: {0}")]
    Prefix(BundleError),
    /// The file ends within its head.
    #[error("cut short within the head: {len} bytes, and the head alone takes {need}")]
    HeadCutShort {
        /// Bytes in the file.
        len: u64,
        /// Bytes of prefix and head.
        need: u64,
    },
    /// Envelope, statement or index are malformed or don't fit one another.
    #[error("the head is damaged: {0}")]
    Head(BundleError),
    /// The file ends within its content.
    #[error("cut short: {len} bytes of {need}; {place} is the first that is not whole")]
    CutShort {
        /// Bytes in the file.
        len: u64,
        /// Bytes that the head announces, itself included.
        need: u64,
        /// The first leaf that is not all there.
        place: Box<LeafPlace>,
    },
    /// Bytes after the content.
    #[error("{extra} bytes stand after the end of the content")]
    Trailing {
        /// How many.
        extra: u64,
    },
    /// A leaf's bytes don't hash to what the index says.
    #[error("{place} does not match the signed index")]
    Leaf {
        /// Which.
        place: Box<LeafPlace>,
    },
    /// All leaves are right, and yet a file isn't what the statement says: its maker contradicts himself.
    #[error("the statement contradicts itself: the content of {path:?} does not have the digest stated for it")]
    FileDigest {
        /// The first such file.
        path: BundlePath,
    },
    /// A leaf asked for that the bundle doesn't have, or into a buffer of another length.
    #[error("leaf {index} of {leaves} was asked for with a buffer of {buffer} bytes")]
    NoSuchLeaf {
        /// From 0.
        index: u64,
        /// How many the bundle has.
        leaves: u64,
        /// Bytes given to read into.
        buffer: usize,
    },
}

/// A leaf, and the files that it falls in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafPlace {
    /// From 0.
    pub leaf: u64,
    /// Leaves in the bundle.
    pub leaves: u64,
    /// Where it starts in the content, in bytes.
    pub start: u64,
    /// Its bytes.
    pub len: u64,
    /// The first files that have bytes in it.
    pub files: Vec<BundlePath>,
    /// Further files that have bytes in it.
    pub more_files: usize,
}

impl LeafPlace {
    /// Files named of those that share a leaf.
    const NAMED: usize = 3;
}

impl std::fmt::Display for LeafPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            leaf,
            leaves,
            start,
            len,
            files,
            more_files,
        } = self;
        write!(
            f,
            "leaf {leaf} (0 to {}; content bytes {start} to {}; in ",
            leaves.saturating_sub(1),
            start + len
        )?;
        for (number, file) in files.iter().enumerate() {
            write!(f, "{}{file}", if number == 0 { "" } else { ", " })?;
        }
        match more_files {
            0 => f.write_str(")"),
            more => write!(f, " and {more} more)"),
        }
    }
}

impl BundleFile {
    /// Reads and checks the head, and that the file is as long as it says.
    ///
    /// # Errors
    /// Any [`BundleFileError`] but those of leaves and files.
    pub fn open(file: Box<dyn StorageFile>) -> Result<Self, BundleFileError> {
        let len = file.len().map_err(BundleFileError::Read)?;
        let mut prefix = [0; PREFIX_LEN];
        let read = file.read_at(&mut prefix, 0).map_err(BundleFileError::Read)?;
        if read < PREFIX_LEN {
            return Err(BundleFileError::HeadCutShort {
                len,
                need: PREFIX_LEN as u64,
            });
        }
        let prefix = Prefix::parse(&prefix).map_err(BundleFileError::Prefix)?;
        let content_start = prefix.content_offset();
        if len < content_start {
            return Err(BundleFileError::HeadCutShort {
                len,
                need: content_start,
            });
        }
        // The prefix has compared the length with the limit for heads, which fits.
        let mut head = vec![0; usize::try_from(prefix.head_len()).unwrap_or(0)];
        file.read_exact_at(&mut head, PREFIX_LEN as u64)
            .map_err(BundleFileError::Read)?;
        let HeadClaims {
            id,
            envelope,
            statement,
        } = HeadClaims::parse(&head, prefix.envelope_len).map_err(BundleFileError::Head)?;
        let layout = LeafLayout::new(statement.content_len, statement.leaf_len);
        let bundle = Self {
            file,
            prefix,
            head,
            id,
            envelope,
            statement,
            layout,
        };
        bundle.check_len(len)?;
        Ok(bundle)
    }

    fn check_len(&self, len: u64) -> Result<(), BundleFileError> {
        let need = self.needed_len();
        if len < need {
            let first_missing = self.layout.leaf_at(len.saturating_sub(self.content_start()));
            return Err(self.cut_short(len, first_missing));
        }
        match len - need {
            0 => Ok(()),
            extra => Err(BundleFileError::Trailing { extra }),
        }
    }

    /// Bytes of the whole file by what its head says.
    fn needed_len(&self) -> u64 {
        self.content_start().saturating_add(self.statement().content_len)
    }

    fn cut_short(&self, len: u64, leaf: u64) -> BundleFileError {
        BundleFileError::CutShort {
            len,
            need: self.needed_len(),
            place: Box::new(self.place(leaf)),
        }
    }

    /// The bundle's id: the digest of the signed payload.
    #[must_use]
    pub fn id(&self) -> BundleId {
        self.id
    }

    /// The lengths of the head's parts.
    #[must_use]
    pub fn prefix(&self) -> &Prefix {
        &self.prefix
    }

    /// Envelope and index as they are in the file: what goes over the link before the content.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// What is claimed.
    #[must_use]
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The signatures, unchecked.
    #[must_use]
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// Where the content starts in the file.
    #[must_use]
    pub fn content_start(&self) -> u64 {
        self.prefix.content_offset()
    }

    /// How many leaves the content has.
    #[must_use]
    pub fn leaf_count(&self) -> u64 {
        self.layout.count()
    }

    /// The length of leaf `index` in bytes; `None` past the last.
    #[must_use]
    pub fn leaf_len(&self, index: u64) -> Option<usize> {
        self.layout.place(index).map(|(_, len)| len)
    }

    /// Reads the leaves with these numbers into `bytes`, which has their length, in one reading. They are not checked yet.
    ///
    /// # Errors
    /// [`BundleFileError::Read`]; [`BundleFileError::NoSuchLeaf`].
    pub fn read_leaves(&self, leaves: Range<u64>, bytes: &mut [u8]) -> Result<(), BundleFileError> {
        let end = |index: u64| self.layout.place(index).map(|(start, len)| start + len as u64);
        let start = self.layout.place(leaves.start).map(|(start, _)| start);
        let last = leaves.end.checked_sub(1).and_then(end);
        let Some(start) = start.filter(|start| last == Some(start + bytes.len() as u64)) else {
            let buffer = bytes.len();
            return Err(BundleFileError::NoSuchLeaf {
                index: leaves.start,
                leaves: self.leaf_count(),
                buffer,
            });
        };
        self.read_content(leaves.start, start, bytes)
    }

    /// Cuts what [`read_leaves`](Self::read_leaves) has read into its leaves.
    pub fn cut<'a>(&self, bytes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        bytes.chunks(self.statement().leaf_len.max(1) as usize)
    }

    /// Compares hashes of leaves with the index, from leaf `first` on.
    ///
    /// # Errors
    /// [`BundleFileError::Leaf`] for the first that is not the signed one.
    pub fn check_hashes(&self, first: u64, hashes: &[Digest]) -> Result<(), BundleFileError> {
        (first..)
            .zip(hashes)
            .try_for_each(|(index, hash)| self.check_hash(index, hash))
    }

    /// Checks every leaf against the index, and every file against the digest that the statement has for it, in one reading. `progress`
    /// is told the bytes read so far.
    ///
    /// # Errors
    /// [`BundleFileError::Leaf`] for the first leaf that is wrong, [`BundleFileError::FileDigest`] for the first file if all leaves are
    /// right, or [`BundleFileError::Read`].
    pub fn verify_all(&self, progress: impl Fn(u64)) -> Result<(), BundleFileError> {
        let mut files = FileDigests::new(self.statement());
        let fill = |index: u64, leaf: &mut [u8]| {
            self.read_leaf(index, leaf)?;
            files.take(leaf);
            progress(self.layout.place(index).map_or(0, |(start, len)| start + len as u64));
            Ok(())
        };
        leaves::for_each(self.layout, fill, |index, leaf| self.check_leaf(index, leaf))?;
        match files.finish() {
            Some(path) => Err(BundleFileError::FileDigest { path }),
            None => Ok(()),
        }
    }

    fn read_leaf(&self, index: u64, leaf: &mut [u8]) -> Result<(), BundleFileError> {
        let Some((start, _)) = self.layout.place(index).filter(|(_, len)| *len == leaf.len()) else {
            let leaves = self.leaf_count();
            return Err(BundleFileError::NoSuchLeaf {
                index,
                leaves,
                buffer: leaf.len(),
            });
        };
        self.read_content(index, start, leaf)
    }

    /// Reads content from `start`, where leaf `index` begins.
    fn read_content(&self, index: u64, start: u64, bytes: &mut [u8]) -> Result<(), BundleFileError> {
        let read = self.file.read_exact_at(bytes, self.content_start() + start);
        read.map_err(|error| match (error.kind(), self.file.len()) {
            // It was long enough when it was opened.
            (io::ErrorKind::UnexpectedEof, Ok(len)) => self.cut_short(len, index),
            _ => BundleFileError::Read(error),
        })
    }

    fn check_leaf(&self, index: u64, leaf: &[u8]) -> Result<(), BundleFileError> {
        self.check_hash(index, &leaf_hash(leaf))
    }

    fn check_hash(&self, index: u64, hash: &Digest) -> Result<(), BundleFileError> {
        let index_bytes = self.head.get(self.prefix.envelope_len as usize..);
        let (digests, _) = index_bytes.unwrap_or_default().as_chunks::<32>();
        let expected = usize::try_from(index).ok().and_then(|index| digests.get(index));
        if expected == Some(hash.as_bytes()) {
            return Ok(());
        }
        Err(BundleFileError::Leaf {
            place: Box::new(self.place(index)),
        })
    }

    /// Where leaf `leaf` lies, and whose bytes it holds.
    fn place(&self, leaf: u64) -> LeafPlace {
        let (start, len) = self.layout.place(leaf).unwrap_or_default();
        let len = len as u64;
        let statement = self.statement();
        let starts = statement.file_offsets();
        let touched = starts.iter().zip(&statement.files).filter(|(at, file)| {
            let end = at.saturating_add(file.size);
            file.size > 0 && **at < start + len && end > start
        });
        let mut touched = touched.map(|(_, file)| file.path.clone());
        let files = touched.by_ref().take(LeafPlace::NAMED).collect();
        LeafPlace {
            leaf,
            leaves: self.leaf_count(),
            start,
            len,
            files,
            more_files: touched.count(),
        }
    }
}

/// Hashes content as it comes, file by file, and compares each with the statement.
struct FileDigests<'a> {
    rest: std::slice::Iter<'a, protocol::bundle::FileRecord>,
    /// The file that the next byte belongs to, its hash so far and the bytes it still wants.
    current: Option<(&'a protocol::bundle::FileRecord, Hasher, u64)>,
    wrong: Option<BundlePath>,
}

impl<'a> FileDigests<'a> {
    fn new(statement: &'a Statement) -> Self {
        let mut digests = Self {
            rest: statement.files.iter(),
            current: None,
            wrong: None,
        };
        digests.advance();
        digests
    }

    fn take(&mut self, mut bytes: &[u8]) {
        while let Some((_, hasher, missing)) = self.current.as_mut().filter(|_| !bytes.is_empty()) {
            let now = usize::try_from(*missing).map_or(bytes.len(), |missing| missing.min(bytes.len()));
            let (ours, others) = bytes.split_at(now);
            hasher.update(ours);
            *missing -= now as u64;
            bytes = others;
            if *missing == 0 {
                self.close();
                self.advance();
            }
        }
    }

    /// The first file whose digest is not the stated one.
    fn finish(self) -> Option<BundlePath> {
        self.wrong
    }

    /// Goes on to the next file that has bytes; empty ones are compared on the way.
    fn advance(&mut self) {
        while self.current.is_none() {
            let Some(file) = self.rest.next() else { return };
            self.current = Some((file, Hasher::new(), file.size));
            if file.size == 0 {
                self.close();
            }
        }
    }

    fn close(&mut self) {
        let Some((file, hasher, _)) = self.current.take() else {
            return;
        };
        let digest: Digest = hasher.finish();
        if digest != file.sha256 && self.wrong.is_none() {
            self.wrong = Some(file.path.clone());
        }
    }
}

#[cfg(test)]
#[path = "bundle_file_tests.rs"]
mod tests;
