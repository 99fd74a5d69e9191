//! The quarantine's folders, the names in them, and moves that a crash cannot make a loss of.
//!
//! | folder | holds |
//! |---|---|
//! | `spool/` | `<session>-<id>-<key>.part` while it arrives, `<id>.bundle` once complete |
//! | `incomplete/` | `<id>-<key>.part`: what came of it, if it ended before it was complete |
//! | `waiting/`, `evidence/` | `<id>.bundle`: not admitted yet, and never |
//! | `held/`, `rejected/`, `originals/` | `<id>.bundle`: held, rejected, and the packed form of what was released |
//! | the same | `<id>.<n>.dsse`: its envelope with n signers that were added once it was held |
//! | `released/` | `<id>/`: what was released, as files; `.tmp-<id>/` while it is written |
//! | `reports/` | `<id>.json`, and `<id>.rescan.json` of the last scan since its release |
//!
//! A file that moves is synced under its new name before the old name's end is: whatever a crash forgets, one of the two is left.
//!
//! After a failed sync nothing more is taken or moved ([`QuarantineError::Poisoned`]): what the kernel did not write it may have dropped, and only a
//! new start looks at what the disk really has.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use audit::storage::{DirEntry, EntryKind, Storage, StorageFile, ensure_dir};
use protocol::digest::BundleId;
use protocol::wire::SessionId;

use super::failure::{FolderFault, QuarantineError};
use super::incomplete::Keeping;

/// A folder in which packed bundles lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Complete, and not admitted yet.
    Spool,
    /// Verified; not admitted before somebody accepts its epoch or number.
    Waiting,
    /// Came under another bundle's number: kept, and never admitted.
    Evidence,
    /// Admitted, and not decided.
    Held,
    /// Rejected, kept as evidence.
    Rejected,
    /// Released; the packed form stays.
    Originals,
}

impl Place {
    /// Every place, in the order in which they may be synced: of a file on its way, the new name comes before the old one.
    pub const ALL: [Self; 6] = [
        Self::Originals,
        Self::Rejected,
        Self::Held,
        Self::Evidence,
        Self::Waiting,
        Self::Spool,
    ];

    /// The folder's name.
    #[must_use]
    pub fn folder(self) -> &'static str {
        match self {
            Self::Spool => "spool",
            Self::Waiting => "waiting",
            Self::Evidence => "evidence",
            Self::Held => "held",
            Self::Rejected => "rejected",
            Self::Originals => "originals",
        }
    }

    pub(super) fn packed(self, id: &BundleId) -> PathBuf {
        PathBuf::from(format!("{}/{id}{PACKED}", self.folder()))
    }

    /// The envelope of a bundle to which so many signers were added.
    pub(super) fn envelope(self, id: &BundleId, added: u8) -> PathBuf {
        PathBuf::from(format!("{}/{id}.{added}{ENVELOPE}", self.folder()))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.folder())
    }
}

pub(super) const RELEASED: &str = "released";
pub(super) const REPORTS: &str = "reports";
pub(super) const INCOMPLETE: &str = "incomplete";
/// What a name begins with that nobody but its writer counts on.
pub(super) const TEMPORARY: &str = ".tmp-";
const PACKED: &str = ".bundle";
pub(super) const PART: &str = ".part";
const REPORT: &str = ".json";
const RESCAN: &str = ".rescan.json";
pub(super) const ENVELOPE: &str = ".dsse";

const FOLDER_MODE: u32 = 0o700;

/// Folders that quarantines of earlier versions don't have.
const LATER: [&str; 3] = ["waiting", "evidence", INCOMPLETE];

pub(super) fn part(session: SessionId) -> PathBuf {
    PathBuf::from(format!("{}/{session}{PART}", Place::Spool))
}

pub(super) fn tree(id: &BundleId) -> PathBuf {
    PathBuf::from(format!("{RELEASED}/{id}"))
}

pub(super) fn unfinished_tree(id: &BundleId) -> PathBuf {
    PathBuf::from(format!("{RELEASED}/{TEMPORARY}{id}"))
}

pub(super) fn report(id: &BundleId) -> PathBuf {
    PathBuf::from(format!("{REPORTS}/{id}{REPORT}"))
}

pub(super) fn unfinished_report(id: &BundleId) -> PathBuf {
    PathBuf::from(format!("{REPORTS}/{TEMPORARY}{id}{REPORT}"))
}

/// The report of the last scan of a bundle since its release.
pub(super) fn rescan(id: &BundleId) -> PathBuf {
    PathBuf::from(format!("{REPORTS}/{id}{RESCAN}"))
}

/// The bundle that a packed file's name stands for.
pub(super) fn packed_id(entry: &DirEntry) -> Option<BundleId> {
    let name = entry.name.to_str().filter(|_| entry.kind == EntryKind::File)?;
    name.strip_suffix(PACKED)?.parse().ok()
}

/// The bundle that a report's name stands for.
pub(super) fn report_id(entry: &DirEntry) -> Option<BundleId> {
    let name = entry.name.to_str().filter(|_| entry.kind == EntryKind::File)?;
    name.strip_suffix(REPORT)?.parse().ok()
}

/// The bundle that the name of a later report stands for.
pub(super) fn rescan_id(entry: &DirEntry) -> Option<BundleId> {
    let name = entry.name.to_str().filter(|_| entry.kind == EntryKind::File)?;
    name.strip_suffix(RESCAN)?.parse().ok()
}

/// The bundle that an envelope's name stands for, and how many signers were added to it.
pub(super) fn envelope_id(entry: &DirEntry) -> Option<(BundleId, u8)> {
    let name = entry.name.to_str().filter(|_| entry.kind == EntryKind::File)?;
    let (id, added) = name.strip_suffix(ENVELOPE)?.split_once('.')?;
    Some((id.parse().ok()?, added.parse().ok()?))
}

pub(super) fn is_part(entry: &DirEntry) -> bool {
    entry.kind == EntryKind::File && entry.name.to_str().is_some_and(|name| name.ends_with(PART))
}

pub(super) fn is_temporary(entry: &DirEntry) -> bool {
    entry.name.to_str().is_some_and(|name| name.starts_with(TEMPORARY))
}

/// What all of the quarantine's values share: the disk, and what is under way on it.
#[derive(Debug)]
pub(super) struct Places {
    storage: Arc<dyn Storage>,
    /// The first sync that failed.
    poison: Mutex<Option<String>>,
    /// Held while the whole file system is synced, so that a failure about several bundles is missed by none. Apart from `poison`, at which
    /// whoever begins a transmission looks: a long sync must not delay reception.
    syncing: Mutex<()>,
    busy: Mutex<BTreeSet<BundleId>>,
    pub(super) promises: Mutex<Promises>,
    /// Taken after that of the promises, where both are.
    pub(super) keeping: Mutex<Keeping>,
}

/// What the files in the spool will still take.
#[derive(Debug, Default)]
pub(super) struct Promises {
    pub(super) bytes: u64,
    pub(super) files: usize,
}

impl Places {
    /// Makes the folders that are missing.
    pub(super) fn create(storage: &dyn Storage) -> Result<(), QuarantineError> {
        for folder in folders() {
            ensure_dir(storage, folder, FOLDER_MODE).map_err(QuarantineError::io("make folder", folder))?;
        }
        Ok(())
    }

    /// Makes the folders that an earlier version did not know, durably, also if it was cut short in this before.
    pub(super) fn make_later(&self) -> Result<(), QuarantineError> {
        for folder in LATER.map(Path::new) {
            ensure_dir(self.storage(), folder, FOLDER_MODE).map_err(QuarantineError::io("make folder", folder))?;
        }
        self.sync_dir(Path::new(""))
    }

    /// Checks that all folders are there, and who may enter them. Those of a later version may be missing, and are empty then.
    pub(super) fn open(storage: Arc<dyn Storage>) -> Result<Arc<Self>, QuarantineError> {
        for folder in folders() {
            let found = storage
                .stat(folder)
                .map_err(QuarantineError::io("look at folder", folder))?;
            let fault = match found {
                None if is_later(folder) => continue,
                None => FolderFault::Missing,
                Some(DirEntry {
                    kind: EntryKind::Dir,
                    mode,
                    ..
                }) => match closed(folder, mode) {
                    None => continue,
                    Some(fault) => fault,
                },
                Some(_) => FolderFault::NotAFolder,
            };
            return Err(QuarantineError::Folder {
                path: folder.to_owned(),
                fault,
            });
        }
        Ok(Arc::new(Self {
            storage,
            poison: Mutex::default(),
            syncing: Mutex::default(),
            busy: Mutex::default(),
            promises: Mutex::default(),
            keeping: Mutex::default(),
        }))
    }

    pub(super) fn storage(&self) -> &dyn Storage {
        &*self.storage
    }

    /// Refuses once a sync has failed.
    pub(super) fn check_sound(&self) -> Result<(), QuarantineError> {
        match &*locked(&self.poison) {
            None => Ok(()),
            Some(why) => Err(QuarantineError::Poisoned { why: why.clone() }),
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        locked(&self.busy).is_empty() && locked(&self.promises).files == 0
    }

    /// The bundle's lock, given back when dropped.
    pub(super) fn lease(self: &Arc<Self>, id: BundleId) -> Result<Lease, QuarantineError> {
        if locked(&self.busy).insert(id) {
            return Ok(Lease {
                places: Arc::clone(self),
                id,
            });
        }
        Err(QuarantineError::Busy { id })
    }

    pub(super) fn stat(&self, path: &Path) -> Result<Option<DirEntry>, QuarantineError> {
        self.storage.stat(path).map_err(QuarantineError::io("look at", path))
    }

    pub(super) fn list(&self, path: &Path) -> Result<Vec<DirEntry>, QuarantineError> {
        self.storage.list(path).map_err(QuarantineError::io("list", path))
    }

    /// The bundles whose packed form is in a place.
    pub(super) fn bundles(&self, place: Place) -> Result<Vec<BundleId>, QuarantineError> {
        let folder = Path::new(place.folder());
        if is_later(folder) && self.stat(folder)?.is_none() {
            return Ok(Vec::new());
        }
        Ok(self.list(folder)?.iter().filter_map(packed_id).collect())
    }

    /// Moves packed bundles, durably; of none, says only whether it could. If it fails each is in one of the two places, or in both, and
    /// never in none.
    pub(super) fn move_packed(&self, ids: &[BundleId], from: Place, to: Place) -> Result<(), QuarantineError> {
        self.check_sound()?;
        if ids.is_empty() {
            return Ok(());
        }
        let mut moved = Vec::with_capacity(ids.len());
        let mut failed = None;
        for id in ids {
            match self.rename(&from.packed(id), &to.packed(id)) {
                Ok(()) => moved.push(id),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        let (old_folder, new_folder) = (Path::new(from.folder()), Path::new(to.folder()));
        let together = ids.len() > FEW;
        let synced = match together {
            true => self.sync_all(new_folder),
            false => self.sync_dir(new_folder),
        };
        if let Err(error) = synced {
            // The new names may be lost although they are seen: the old ones must not be given up. The sync's error is the one to report.
            for id in moved {
                let _ = self.rename(&to.packed(id), &from.packed(id));
            }
            let _ = self.sync_dir(old_folder);
            return Err(error);
        }
        if !together {
            self.sync_dir(old_folder)?;
        }
        failed.map_or(Ok(()), Err)
    }

    pub(super) fn rename(&self, from: &Path, to: &Path) -> Result<(), QuarantineError> {
        // Of the two names, the error is about the one that it blames.
        self.storage
            .rename_noreplace(from, to)
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => QuarantineError::Absent { path: from.to_owned() },
                _ => QuarantineError::io("rename to", to)(error),
            })
    }

    pub(super) fn sync_file(&self, file: &dyn StorageFile, path: &Path) -> Result<(), QuarantineError> {
        file.sync_data().map_err(|error| self.failed_sync(path, error))
    }

    pub(super) fn sync_dir(&self, path: &Path) -> Result<(), QuarantineError> {
        self.storage
            .sync_dir(path)
            .map_err(|error| self.failed_sync(path, error))
    }

    /// Syncs everything, one caller at a time: a failure is told to one of several callers only, yet may be about the others' bytes.
    pub(super) fn sync_all(&self, path: &Path) -> Result<(), QuarantineError> {
        let _alone = locked(&self.syncing);
        self.check_sound()?;
        self.storage.sync_fs().map_err(|error| self.failed_sync(path, error))
    }

    fn failed_sync(&self, path: &Path, error: std::io::Error) -> QuarantineError {
        let failed = QuarantineError::Io {
            doing: "sync",
            path: path.to_owned(),
            source: error,
        };
        locked(&self.poison).get_or_insert_with(|| failed.told());
        failed
    }
}

/// Up to so many files and names are synced one by one: a sync of the whole file system also waits for what others wrote.
pub(super) const FEW: usize = 4;

/// The right to work on one bundle: no two exist of the same.
#[derive(Debug)]
pub(super) struct Lease {
    places: Arc<Places>,
    id: BundleId,
}

impl Drop for Lease {
    fn drop(&mut self) {
        locked(&self.places.busy).remove(&self.id);
    }
}

/// Locks are held for single steps over whole values: a panic elsewhere leaves nothing half-changed.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn folders() -> impl Iterator<Item = &'static Path> {
    Place::ALL
        .map(Place::folder)
        .into_iter()
        .chain([RELEASED, REPORTS, INCOMPLETE])
        .map(Path::new)
}

fn is_later(folder: &Path) -> bool {
    LATER.iter().any(|later| folder == Path::new(later))
}

/// What was released may be opened for readers by the operator; what is in quarantine is the daemon's alone.
fn closed(folder: &Path, mode: u32) -> Option<FolderFault> {
    match folder == Path::new(RELEASED) {
        true => (mode & 0o022 != 0).then_some(FolderFault::Writable { mode }),
        false => (mode & 0o077 != 0).then_some(FolderFault::Open { mode }),
    }
}

#[cfg(test)]
mod tests {
    use audit::storage::MemoryStorage;

    use super::*;
    use crate::quarantine::Quarantine;

    #[test]
    fn a_transmission_begins_while_everything_is_being_synced() {
        let quarantine = Quarantine::create(Arc::new(MemoryStorage::new())).unwrap();
        let _syncing = locked(&quarantine.places.syncing);
        assert!(quarantine.begin(SessionId(1), 10).is_ok());
    }
}
