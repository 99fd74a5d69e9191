//! What transmissions that ended incomplete left, until one that announces the same takes it up.
//!
//! ```text
//!            begin_resumable              keep, or the next start
//!  announce ───────▶ spool/<session>-<bundle>-<key>.part ──────▶ incomplete/<bundle>-<key>.part ──▶ forgotten: quota, room, age
//!                                        ▲                                   │
//!                                        └── begin_resumable: the same again ┘
//! ```
//!
//! Always true:
//! - what is kept is nobody's word: whoever takes it over hashes each leaf again, and it is admitted as any bundle is;
//! - only what has its prefix is kept, which is written once an author's signature over the head was verified;
//! - it never takes more than [`KeepLimits`] allow, and gives way whenever something else needs the room.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use audit::storage::{DirEntry, EntryKind, OpenHow, StorageFile};
use protocol::bundle::{PREFIX_LEN, Prefix};
use protocol::digest::{BundleId, Digest, DigestError};
use protocol::time::UnixMillis;
use protocol::wire::{Announce, SessionId};

use super::Quarantine;
use super::failure::QuarantineError;
use super::places::{self, PART, Place, Places, locked};
use super::spool::{FILLING, SpoolFile};

/// What two transmissions must have in common for one to go on where the other ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResumeKey {
    bundle: BundleId,
    /// Of the head's digest, and the content's root and lengths.
    shape: Digest,
}

impl ResumeKey {
    /// That of an announced transmission.
    #[must_use]
    pub fn of(announce: &Announce) -> Self {
        let parts: [&[u8]; 5] = [
            b"diode-resume/1\0",
            announce.head_sha256.as_bytes(),
            announce.content_root.as_bytes(),
            &announce.content_len.to_be_bytes(),
            &announce.leaf_len.to_be_bytes(),
        ];
        Self {
            bundle: announce.bundle,
            shape: Digest::of(&parts.concat()),
        }
    }

    /// The bundle.
    #[must_use]
    pub fn bundle(&self) -> BundleId {
        self.bundle
    }
}

impl fmt::Display for ResumeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.bundle, self.shape)
    }
}

impl FromStr for ResumeKey {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let (bundle, shape) = text.split_once('-').ok_or(DigestError)?;
        Ok(Self {
            bundle: bundle.parse()?,
            shape: shape.parse()?,
        })
    }
}

/// How much is kept of what ended incomplete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepLimits {
    /// Bytes, of all files together.
    pub bytes: u64,
    /// Files.
    pub files: usize,
}

impl Default for KeepLimits {
    fn default() -> Self {
        Self {
            bytes: 16 << 30,
            files: 64,
        }
    }
}

/// A file that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// What it is of.
    pub key: ResumeKey,
    /// Its bytes, filled or not.
    pub bytes: u64,
    /// When it was written to last; `None` if the disk can't tell.
    pub since: Option<UnixMillis>,
}

/// A file that had to give way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgotten {
    /// The file.
    pub kept: Kept,
    /// What it gave way to.
    pub why: GaveWay,
}

/// Why a file that was kept is not kept any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GaveWay {
    /// More was kept than [`KeepLimits`] allow, and it is the one without progress for longest.
    Quota,
    /// The disk's room was needed for something else.
    Room,
}

/// What is kept, as far as this process knows.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    limits: KeepLimits,
    kept: BTreeMap<ResumeKey, Entry>,
    forgotten: Vec<Forgotten>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    kept: Kept,
    /// Blocks that were done when it ended; 0 if that is not known.
    blocks_done: u32,
}

impl Keeping {
    /// The one without progress for longest.
    fn oldest(&self) -> Option<Kept> {
        let kept = self.kept.values().map(|entry| entry.kept);
        kept.min_by_key(|kept| (kept.since, kept.key))
    }

    /// Bytes of all files.
    fn bytes(&self) -> u64 {
        let bytes = self.kept.values().map(|entry| entry.kept.bytes);
        bytes.fold(0, u64::saturating_add)
    }

    fn is_over(&self) -> bool {
        self.kept.len() > self.limits.files || self.bytes() > self.limits.bytes
    }

    fn remove(&mut self, places: &Places, key: &ResumeKey) -> Result<(), QuarantineError> {
        let path = incomplete(key);
        match self.kept.remove(key) {
            None => Ok(()),
            Some(_) => {
                let removed = places.storage().remove_file(&path);
                removed.map_err(QuarantineError::io("remove", &path))
            }
        }
    }

    fn forget_oldest(&mut self, places: &Places, why: GaveWay) -> bool {
        let Some(kept) = self.oldest() else { return false };
        self.kept.remove(&kept.key);
        self.forgotten.push(Forgotten { kept, why });
        // What can't be removed is found at the next start, and is then kept or removed.
        let _ = places.storage().remove_file(&incomplete(&kept.key));
        true
    }

    fn keep_within_limits(&mut self, places: &Places) {
        while self.is_over() {
            self.forget_oldest(places, GaveWay::Quota);
        }
    }
}

/// Bytes that all which is kept would free, at most.
pub(super) fn bytes(places: &Places) -> u64 {
    locked(&places.keeping).bytes()
}

/// Frees the room of the file without progress for longest; whether there was one.
pub(super) fn give_way(places: &Places) -> bool {
    locked(&places.keeping).forget_oldest(places, GaveWay::Room)
}

impl Quarantine {
    /// Keeps no more than this of what ends incomplete.
    #[must_use]
    pub fn with_keep_limits(self, limits: KeepLimits) -> Self {
        locked(&self.places.keeping).limits = limits;
        self
    }

    /// As [`begin`](Self::begin), for a transmission that may be gone on with: it takes over what earlier ones of the same key left, as
    /// [`SpoolFile::was_kept`] then says, and what comes of it can be [kept](Self::keep).
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub fn begin_resumable(
        &self,
        session: SessionId,
        key: ResumeKey,
        file_len: u64,
    ) -> Result<SpoolFile, QuarantineError> {
        let places = &self.places;
        places.check_sound()?;
        let entry = locked(&places.keeping).kept.remove(&key);
        let path = part(session, &key);
        let Some(entry) = entry else {
            return SpoolFile::begin_at(places, session, (path, Some(key)), file_len, self.reserve);
        };
        let Ok(file) = take_over(places, &key, &path, file_len) else {
            // It can't be used; what is left of it under either name is in nobody's way.
            let _ = places.storage().remove_file(&incomplete(&key));
            let _ = places.storage().remove_file(&path);
            return SpoolFile::begin_at(places, session, (path, Some(key)), file_len, self.reserve);
        };
        let begun = SpoolFile::go_on(places, session, (path.clone(), key), file, file_len, self.reserve);
        if begun.is_err() && places.rename(&path, &incomplete(&key)).is_ok() {
            locked(&places.keeping).kept.insert(key, entry);
        }
        begun
    }

    /// Keeps what came of a transmission that ended incomplete, whose head was verified or which took over what was kept: whether it is
    /// kept. Of two files of the same key the one with more blocks is. Others may have to [give way](Self::take_forgotten).
    ///
    /// # Errors
    /// The disk's; the file is gone then.
    pub fn keep(&self, spool: SpoolFile, blocks_done: u32, now: UnixMillis) -> Result<bool, QuarantineError> {
        let places = &*self.places;
        let mut keeping = locked(&places.keeping);
        let key = spool.key().filter(|_| spool.file_len() <= keeping.limits.bytes);
        let Some(key) = key.filter(|_| keeping.limits.files > 0) else {
            spool.discard();
            return Ok(false);
        };
        if keeping
            .kept
            .get(&key)
            .is_some_and(|other| other.blocks_done > blocks_done)
        {
            spool.discard();
            return Ok(true);
        }
        let path = incomplete(&key);
        // Neither name is synced: a crash leaves one of them, or both, and the next start sorts it out.
        if let Err(error) = places.storage().rename(spool.path(), &path) {
            spool.discard();
            return Err(QuarantineError::io("rename to", &path)(error));
        }
        let kept = Kept {
            key,
            bytes: spool.file_len(),
            since: Some(now),
        };
        keeping.kept.insert(key, Entry { kept, blocks_done });
        keeping.keep_within_limits(places);
        let is_kept = keeping.kept.contains_key(&key);
        // In this order: whoever gives back what was promised to a file takes the lock that comes first.
        drop(keeping);
        drop(spool);
        Ok(is_kept)
    }

    /// What is kept, in the order of its keys.
    #[must_use]
    pub fn kept(&self) -> Vec<Kept> {
        let keeping = locked(&self.places.keeping);
        keeping.kept.values().map(|entry| entry.kept).collect()
    }

    /// Counts the time of what the disk has no date for from `now` on.
    pub fn date_kept(&self, now: UnixMillis) {
        for entry in locked(&self.places.keeping).kept.values_mut() {
            entry.kept.since.get_or_insert(now);
        }
    }

    /// Removes this file, unless it was taken over since, or more of its bundle came.
    ///
    /// # Errors
    /// The disk's; the next start finds it again.
    pub fn forget(&self, kept: &Kept) -> Result<(), QuarantineError> {
        let mut keeping = locked(&self.places.keeping);
        if keeping.kept.get(&kept.key).is_none_or(|entry| entry.kept != *kept) {
            return Ok(());
        }
        keeping.remove(&self.places, &kept.key)
    }

    /// Removes what is kept of this key, if anything is: all of it is there.
    ///
    /// # Errors
    /// The disk's; the next start finds it again.
    pub fn forget_all_of(&self, key: &ResumeKey) -> Result<(), QuarantineError> {
        locked(&self.places.keeping).remove(&self.places, key)
    }

    /// Gives the room of what is kept back, as long as less of the disk is free than is to be kept free. Unlike a transmission, the log has a
    /// use for any part of it.
    ///
    /// # Errors
    /// The disk's.
    pub fn make_way(&self) -> Result<(), QuarantineError> {
        while !self.has_room()? && give_way(&self.places) {}
        Ok(())
    }

    /// What had to give way since this was asked last.
    #[must_use]
    pub fn take_forgotten(&self) -> Vec<Forgotten> {
        std::mem::take(&mut locked(&self.places.keeping).forgotten)
    }
}

/// Brings a kept file to where it is filled, no longer than it is to become.
fn take_over(
    places: &Places,
    key: &ResumeKey,
    path: &Path,
    file_len: u64,
) -> Result<Box<dyn StorageFile>, QuarantineError> {
    places.rename(&incomplete(key), path)?;
    let opened = (|| {
        // It was made read-only if it was complete, and its receiver died before it could be admitted.
        places.storage().set_mode(path, FILLING)?;
        let file = places.storage().open(path, OpenHow::Write)?;
        if file.len()? > file_len {
            file.set_len(file_len)?;
        }
        Ok(file)
    })();
    opened.map_err(QuarantineError::io("go on with", path))
}

/// A file of a receiver that died, that may be gone on with.
#[derive(Debug)]
pub(super) struct Orphan {
    pub(super) path: PathBuf,
    /// 16 hex digits.
    pub(super) session: String,
    pub(super) key: ResumeKey,
}

impl Orphan {
    /// The file of such a name, if its prefix shows that its head had been verified.
    pub(super) fn find(places: &Places, name: &str) -> Option<Self> {
        let (session, key) = name.strip_suffix(PART)?.split_once('-')?;
        let key = key.parse().ok()?;
        let path = Path::new(Place::Spool.folder()).join(name);
        let file = places.storage().open(&path, OpenHow::Read).ok()?;
        let mut prefix = [0; PREFIX_LEN];
        file.read_exact_at(&mut prefix, 0).ok()?;
        Prefix::parse(&prefix).ok()?;
        Some(Self {
            path,
            session: session.to_owned(),
            key,
        })
    }

    /// Keeps it, unless another one of its key has progressed later.
    pub(super) fn keep(&self, places: &Places) -> Result<(), QuarantineError> {
        let path = incomplete(&self.key);
        let storage = places.storage();
        let kept = modified(places, &path);
        let moved = match kept.is_some() && kept >= modified(places, &self.path) {
            true => storage.remove_file(&self.path),
            false => storage.rename(&self.path, &path),
        };
        moved.map_err(QuarantineError::io("keep", &self.path))
    }
}

/// When a file was written to last; `None` without one.
fn modified(places: &Places, path: &Path) -> Option<u64> {
    let file = places.storage().open(path, OpenHow::Read).ok()?;
    file.modified().ok()
}

/// Takes note of all that is kept; gives the names that are not of our making.
pub(super) fn look(places: &Places) -> Result<Vec<PathBuf>, QuarantineError> {
    let folder = Path::new(places::INCOMPLETE);
    let (mut kept, mut foreign) = (BTreeMap::new(), Vec::new());
    for entry in places.list(folder)? {
        let path = folder.join(&entry.name);
        let Some(key) = key_of(&entry) else {
            foreign.push(path);
            continue;
        };
        let since = modified(places, &path).filter(|nanos| *nanos > 0);
        let found = Kept {
            key,
            bytes: entry.len,
            since: since.map(|nanos| UnixMillis(nanos / 1_000_000)),
        };
        kept.insert(
            key,
            Entry {
                kept: found,
                blocks_done: 0,
            },
        );
    }
    let mut keeping = locked(&places.keeping);
    keeping.kept = kept;
    keeping.keep_within_limits(places);
    Ok(foreign)
}

fn key_of(entry: &DirEntry) -> Option<ResumeKey> {
    let name = entry.name.to_str().filter(|_| entry.kind == EntryKind::File)?;
    name.strip_suffix(PART)?.parse().ok()
}

fn part(session: SessionId, key: &ResumeKey) -> PathBuf {
    PathBuf::from(format!("{}/{session}-{key}{PART}", Place::Spool))
}

fn incomplete(key: &ResumeKey) -> PathBuf {
    PathBuf::from(format!("{}/{key}{PART}", places::INCOMPLETE))
}
