//! What was decided on and is kept no longer: removed for good, a bounded piece at a time.
//!
//! ```text
//! bundle.removed ─▶ released/<id> ──rename, sync──▶ released/.tmp-<id> ──some names at a time──▶ gone
//!                └▶ originals/<id>.bundle or rejected/<id>.bundle, reports/<id>.*json ─────────▶ gone
//! ```
//!
//! Always true:
//! - nothing is looked for in held/, waiting/ or evidence/: what was decided and still lies there, the next start puts right;
//! - whoever looks sees a tree under its final name whole, or not at all;
//! - no link is followed, and what its user already took away is no error.
//!
//! A removal that a crash undoes is done again by [`Quarantine::recover`], since the log has it: but for the tree's name nothing needs a sync.

use std::io;
use std::path::{Path, PathBuf};

use audit::event::EventKind;
use audit::log::Receipt;
use audit::storage::{DirEntry, EntryKind, Storage};
use protocol::digest::BundleId;

use super::failure::QuarantineError;
use super::places::{self, Place, Places};
use super::{Quarantine, check_receipt};

/// How a bundle was decided, which alone permits that it is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decided {
    /// It was released.
    Released,
    /// It was rejected.
    Rejected,
}

impl Decided {
    /// Where its packed form lies.
    #[must_use]
    pub fn place(self) -> Place {
        match self {
            Self::Released => Place::Originals,
            Self::Rejected => Place::Rejected,
        }
    }
}

/// What became of bundles that were to be removed.
#[derive(Debug, Default)]
#[must_use = "the trees are not removed yet"]
pub struct Retired {
    /// Trees that have lost their names, and are still to be removed.
    pub leaving: Vec<LeavingTree>,
    /// What the disk did not let go; the next start tries again.
    pub failed: Vec<(BundleId, QuarantineError)>,
}

/// A released tree under a name that nobody counts on any more.
#[derive(Debug)]
pub struct LeavingTree {
    root: PathBuf,
    /// Folders that are being emptied, each with the names in it that are left; `None` before the first look.
    open: Option<Vec<(PathBuf, Vec<DirEntry>)>>,
}

impl Quarantine {
    /// Removes packed bundles and reports, each for the receipt of its own `bundle.removed`, and takes the names of the released trees away.
    ///
    /// # Errors
    /// [`QuarantineError::Receipt`] if one of the entries is not its bundle's `bundle.removed`; then nothing is removed. What fails for one bundle
    /// alone is in the result.
    pub fn retire(&self, removed: Vec<(BundleId, Decided, Receipt)>) -> Result<Retired, QuarantineError> {
        let places = &*self.places;
        places.check_sound()?;
        for (id, _, receipt) in &removed {
            check_receipt(receipt, EventKind::BundleRemoved, *id)?;
        }
        // The receipts are used up: an entry permits one removal.
        let removed: Vec<_> = removed.into_iter().map(|(id, decided, _)| (id, decided)).collect();
        let mut retired = Retired::default();
        for (id, decided) in &removed {
            if *decided == Decided::Released {
                match take_name(places, id) {
                    Ok(tree) => retired.leaving.extend(tree),
                    Err(error) => retired.failed.push((*id, error)),
                }
            }
        }
        if !retired.leaving.is_empty() {
            places.sync_dir(Path::new(places::RELEASED))?;
        }
        for (id, decided) in &removed {
            for path in [decided.place().packed(id), places::report(id), places::rescan(id)] {
                if let Err(error) = remove_if_there(places, &path) {
                    retired.failed.push((*id, error));
                }
            }
            if let Err(error) = places.remove_envelopes(id, decided.place()) {
                retired.failed.push((*id, error));
            }
        }
        Ok(retired)
    }

    /// Removes up to so many names of a tree that leaves; says whether all of it is gone.
    ///
    /// # Errors
    /// The disk's. What is left is removed by recovery.
    pub fn remove_some(&self, tree: &mut LeavingTree, names: usize) -> Result<bool, QuarantineError> {
        let root = tree.root.clone();
        tree.remove(self.places.storage(), names)
            .map_err(QuarantineError::io("remove", &root))
    }
}

/// Takes a released tree's final name away; `None` if its user took the tree.
fn take_name(places: &Places, id: &BundleId) -> Result<Option<LeavingTree>, QuarantineError> {
    let unfinished = places::unfinished_tree(id);
    match places.rename(&places::tree(id), &unfinished) {
        Ok(()) => Ok(Some(LeavingTree {
            root: unfinished,
            open: None,
        })),
        Err(QuarantineError::Absent { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn remove_if_there(places: &Places, path: &Path) -> Result<(), QuarantineError> {
    match places.storage().remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(QuarantineError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

impl LeavingTree {
    fn remove(&mut self, storage: &dyn Storage, names: usize) -> io::Result<bool> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => match storage.stat(&self.root)? {
                None => return Ok(true),
                Some(found) if found.kind == EntryKind::Dir => vec![enter(storage, self.root.clone(), &found)?],
                // Its user put something else there: a link goes, and what it leads to stays.
                Some(_) => return storage.remove_file(&self.root).map(|()| true),
            },
        };
        for _ in 0..names {
            let Some((folder, left)) = open.last_mut() else {
                return Ok(true);
            };
            match left.pop() {
                Some(entry) => {
                    let path = folder.join(&entry.name);
                    match entry.kind {
                        EntryKind::Dir => open.push(enter(storage, path, &entry)?),
                        EntryKind::File | EntryKind::Symlink | EntryKind::Other => storage.remove_file(&path)?,
                    }
                }
                None => {
                    storage.remove_dir(folder)?;
                    open.pop();
                }
            }
        }
        let gone = open.is_empty();
        self.open = Some(open);
        Ok(gone)
    }
}

/// A folder with the names in it, which can be removed from it from now on.
fn enter(storage: &dyn Storage, folder: PathBuf, found: &DirEntry) -> io::Result<(PathBuf, Vec<DirEntry>)> {
    if found.mode & 0o700 != 0o700 {
        storage.set_mode(&folder, found.mode | 0o700)?;
    }
    let names = storage.list(&folder)?;
    Ok((folder, names))
}
