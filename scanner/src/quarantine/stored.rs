//! A packed bundle as it lies in one of the quarantine's places: read, never changed, never unpacked.
//!
//! Nothing read here is believed: a head counts after [`StoredBundle::verify`], content after its digests were compared.

use std::path::PathBuf;
use std::sync::Arc;

use audit::storage::{OpenHow, StorageFile};
use protocol::bundle::{PREFIX_LEN, Prefix, Statement, UnverifiedHead, VerifiedHead, verify_head};
use protocol::digest::BundleId;
use protocol::merkle::leaf_hash;
use protocol::time::UnixMillis;
use protocol::trust::Trust;

use super::failure::{QuarantineError, VerifyError};
use super::places::{Place, Places};
use crate::content::PackedBundle;

/// A packed bundle in a place; a view that proves nothing about it.
#[derive(Debug)]
pub struct StoredBundle {
    places: Arc<Places>,
    place: Place,
    id: BundleId,
}

/// A head as it is stored, with where its envelope ends.
#[derive(Debug)]
pub struct StoredHead {
    /// Envelope and index.
    pub bytes: Vec<u8>,
    /// Bytes of the envelope.
    pub envelope_len: u32,
    /// Where the content begins in the file.
    pub content_offset: u64,
}

impl StoredBundle {
    pub(super) fn new(places: &Arc<Places>, place: Place, id: BundleId) -> Self {
        Self {
            places: Arc::clone(places),
            place,
            id,
        }
    }

    /// The bundle's name.
    #[must_use]
    pub fn id(&self) -> BundleId {
        self.id
    }

    /// Where it lies.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// Its file, below the quarantine's folder.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.place.packed(&self.id)
    }

    /// The head's bytes, at most `MAX_HEAD_LEN`.
    ///
    /// # Errors
    /// [`QuarantineError`] if the file cannot be read or has no bundle's prefix.
    pub fn head(&self) -> Result<StoredHead, QuarantineError> {
        self.read_head(&*self.open()?)
    }

    /// The head with its parts, whoever signed it, to be shown.
    ///
    /// # Errors
    /// [`QuarantineError`] if it cannot be read, is malformed, or is another bundle's.
    pub fn unverified(&self) -> Result<UnverifiedHead, QuarantineError> {
        let head = self.head()?;
        let parsed = UnverifiedHead::parse(&head.bytes, head.envelope_len);
        let parsed = parsed.map_err(|source| QuarantineError::Malformed {
            path: self.path(),
            source,
        })?;
        self.check_id(parsed.id)?;
        Ok(parsed)
    }

    pub(super) fn places(&self) -> &Places {
        &self.places
    }

    /// The head, if its signatures, those that were added once it was held included, audience and dates hold at `now`.
    ///
    /// # Errors
    /// [`VerifyError::Refused`] with the check that failed, or [`VerifyError::Unreadable`].
    pub fn verify(&self, trust: &Trust, receiver: &str, now: UnixMillis) -> Result<VerifiedHead, VerifyError> {
        let head = self.head_with_signatures()?;
        let verified = verify_head(&head.bytes, head.envelope_len, trust, receiver, now).map_err(|refusal| {
            VerifyError::Refused {
                id: self.id,
                refusal: Box::new(refusal),
            }
        })?;
        self.check_id(verified.id())?;
        Ok(verified)
    }

    /// Its files, to be scanned in place, each with its signed digest.
    ///
    /// # Errors
    /// [`QuarantineError`] as [`unverified`](Self::unverified), or if the file is not as long as its head says.
    pub fn content(&self) -> Result<PackedBundle, QuarantineError> {
        let UnverifiedHead { statement, .. } = self.unverified()?;
        let (file, content_offset) = self.open_content(&statement)?;
        Ok(PackedBundle::new(file, self.id, &statement, content_offset))
    }

    /// The file and where its content begins, if it is as long as the statement says.
    pub(super) fn open_content(&self, statement: &Statement) -> Result<(Box<dyn StorageFile>, u64), QuarantineError> {
        let file = self.open()?;
        let content_offset = self.read_prefix(&*file)?.content_offset();
        let expected = content_offset.saturating_add(statement.content_len);
        let found = file.len().map_err(QuarantineError::io("look at", &self.path()))?;
        if found != expected {
            return Err(QuarantineError::Length {
                path: self.path(),
                expected,
                found,
            });
        }
        Ok((file, content_offset))
    }

    pub(super) fn check_leaves(&self, head: &VerifiedHead) -> Result<(), VerifyError> {
        self.check_id(head.id())?;
        let statement = head.statement();
        let (file, mut offset) = self.open_content(statement)?;
        let mut left = statement.content_len;
        let mut leaf = vec![0; statement.leaf_len as usize];
        for (number, signed) in (0..).zip(head.index().leaves()) {
            // The last leaf is as long as what is left.
            leaf.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            file.read_exact_at(&mut leaf, offset)
                .map_err(QuarantineError::io("read", &self.path()))?;
            if leaf_hash(&leaf) != *signed {
                return Err(QuarantineError::Leaf {
                    path: self.path(),
                    leaf: number,
                }
                .into());
            }
            offset = offset.saturating_add(leaf.len() as u64);
            left = left.saturating_sub(leaf.len() as u64);
        }
        Ok(())
    }

    pub(super) fn remove(self) -> Result<(), QuarantineError> {
        let path = self.path();
        self.places
            .storage()
            .remove_file(&path)
            .map_err(QuarantineError::io("remove", &path))?;
        self.places.sync_dir(self.place.folder().as_ref())
    }

    fn open(&self) -> Result<Box<dyn StorageFile>, QuarantineError> {
        let path = self.path();
        self.places
            .storage()
            .open(&path, OpenHow::Read)
            .map_err(QuarantineError::io("open", &path))
    }

    fn read_prefix(&self, file: &dyn StorageFile) -> Result<Prefix, QuarantineError> {
        let mut prefix = [0; PREFIX_LEN];
        file.read_exact_at(&mut prefix, 0)
            .map_err(QuarantineError::io("read", &self.path()))?;
        Prefix::parse(&prefix).map_err(|source| QuarantineError::Malformed {
            path: self.path(),
            source,
        })
    }

    fn read_head(&self, file: &dyn StorageFile) -> Result<StoredHead, QuarantineError> {
        let prefix = self.read_prefix(file)?;
        let (expected, path) = (prefix.content_offset(), self.path());
        let found = file.len().map_err(QuarantineError::io("look at", &path))?;
        if found < expected {
            return Err(QuarantineError::Length { path, expected, found });
        }
        // `Prefix::parse` holds a head to MAX_HEAD_LEN, and the file is at least as long.
        let mut bytes = vec![0; usize::try_from(prefix.head_len()).unwrap_or(usize::MAX)];
        file.read_exact_at(&mut bytes, PREFIX_LEN as u64)
            .map_err(QuarantineError::io("read", &path))?;
        Ok(StoredHead {
            bytes,
            envelope_len: prefix.envelope_len,
            content_offset: prefix.content_offset(),
        })
    }

    fn check_id(&self, found: BundleId) -> Result<(), QuarantineError> {
        if found == self.id {
            Ok(())
        } else {
            Err(QuarantineError::OtherBundle {
                path: self.path(),
                found,
            })
        }
    }
}
