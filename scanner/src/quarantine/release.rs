//! The one way out of quarantine.
//!
//! ```text
//! HeldBundle ─┬─ Clearance (policy, or a person) ─┬─▶ head verified as of now, report as decided on
//!             └─ Receipt (decision in the log) ───┘      │
//!                    released/.tmp-<id>/ ◀── every byte hashed, files and folders synced
//!                    released/<id>/      ◀── renamed, never replacing; released/ synced: from here on it is released
//!                    originals/<id>.bundle ◀── held/<id>.bundle
//! ```
//!
//! Always true:
//! - a tree under its final name is complete, and each file has its signed digest;
//! - a release that failed leaves held/ as it was, and no tree under the final name; what cannot be taken back because the disk fails is taken back
//!   by [`recover`](super::Quarantine::recover), by what the log says then.

use std::path::{Path, PathBuf};

use audit::event::EventKind;
use audit::log::Receipt;
use audit::storage::remove_tree;
use protocol::bundle::{Signer, VerifiedHead};
use protocol::digest::BundleId;
use protocol::time::UnixMillis;
use protocol::trust::Trust;

use super::failure::{QuarantineError, ReleaseError};
use super::places::{self, Place, Places, locked};
use super::spool::check_room;
use super::tree::{self, Extent, TreeError};
use super::{HeldBundle, Quarantine, check_receipt};
use crate::policy::Clearance;

/// A bundle that left quarantine.
#[derive(Debug)]
pub struct ReleasedBundle {
    id: BundleId,
    path: PathBuf,
    head: VerifiedHead,
    clearance: Clearance,
    receipt: Receipt,
    not_moved: Option<QuarantineError>,
}

impl ReleasedBundle {
    /// The bundle's name.
    #[must_use]
    pub fn id(&self) -> BundleId {
        self.id
    }

    /// Its files, below the quarantine's folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The head as it was verified for this release.
    #[must_use]
    pub fn head(&self) -> &VerifiedHead {
        &self.head
    }

    /// The signer whom the statement names, as of this release.
    #[must_use]
    pub fn author(&self) -> &Signer {
        self.head.author()
    }

    /// What permitted it.
    #[must_use]
    pub fn clearance(&self) -> &Clearance {
        &self.clearance
    }

    /// The entry with the decision.
    pub fn decided(&self) -> &Receipt {
        &self.receipt
    }

    /// Why the packed form is still in held/, if it is. The bundle is released all the same; recovery moves the file.
    #[must_use]
    pub fn not_moved(&self) -> Option<&QuarantineError> {
        self.not_moved.as_ref()
    }
}

impl Quarantine {
    /// Releases a bundle: verifies it once more as of `now`, writes its files to `released/<id>/`, and moves its packed form to `originals/`.
    ///
    /// `clearance` must be for this bundle, and `receipt` for its `bundle.release_decided`. Once this returns `Ok` the caller appends
    /// `bundle.released`; after an error it appends `bundle.release_cancelled`, or decides again.
    ///
    /// # Errors
    /// [`ReleaseError`]; the bundle is then held as before.
    pub fn release(
        &self,
        held: HeldBundle,
        trust: &Trust,
        receiver: &str,
        now: UnixMillis,
        clearance: Clearance,
        receipt: Receipt,
    ) -> Result<ReleasedBundle, ReleaseError> {
        let id = held.id();
        let places = &*self.places;
        places.check_sound()?;
        check_receipt(&receipt, EventKind::BundleReleaseDecided, id)?;
        self.check_clearance(&clearance, id)?;
        let head = held.stored().verify(trust, receiver, now)?;
        check_room(
            places,
            &locked(&places.promises),
            Extent::of(head.statement()).room(),
            self.reserve,
        )?;
        let path = places::tree(&id);
        if places.stat(&path)?.is_some() {
            return Err(QuarantineError::Taken { path }.into());
        }
        write_unfinished(places, &held, &head)?;
        put_in_place(places, &id)?;
        // From here on it is released, whatever becomes of the packed form.
        let moved = places.move_packed(&[id], Place::Held, Place::Originals);
        let moved = moved.and_then(|()| places.move_envelopes(&id, Place::Held, Place::Originals));
        let not_moved = moved.err();
        drop(held);
        Ok(ReleasedBundle {
            id,
            path,
            head,
            clearance,
            receipt,
            not_moved,
        })
    }

    /// The clearance must be for this bundle, and for the report that is stored.
    fn check_clearance(&self, clearance: &Clearance, id: BundleId) -> Result<(), ReleaseError> {
        let cleared = clearance.bundle();
        if cleared != id {
            return Err(ReleaseError::Clearance { id, cleared });
        }
        let (decided, stored) = (clearance.report(), self.report_digest(&id)?);
        if decided != stored {
            return Err(ReleaseError::ReportChanged { id, decided, stored });
        }
        Ok(())
    }
}

fn write_unfinished(places: &Places, held: &HeldBundle, head: &VerifiedHead) -> Result<(), ReleaseError> {
    let id = held.id();
    let (content, content_offset) = held.stored().open_content(head.statement())?;
    let path = places::unfinished_tree(&id);
    // Left by an earlier release that could not take it back.
    remove_tree(places.storage(), &path).map_err(QuarantineError::io("remove", &path))?;
    let written = tree::write(places, &path, head.statement(), &*content, content_offset);
    written.map_err(|error| {
        drop_unfinished(places, &path);
        match error {
            TreeError::Quarantine(error) => ReleaseError::Quarantine(error),
            TreeError::Digest { path, signed, found } => ReleaseError::Digest {
                id,
                path,
                signed,
                found,
            },
        }
    })
}

/// Gives the written tree its final name.
fn put_in_place(places: &Places, id: &BundleId) -> Result<(), QuarantineError> {
    let (unfinished, path) = (places::unfinished_tree(id), places::tree(id));
    let folder = Path::new(places::RELEASED);
    if let Err(error) = places.rename(&unfinished, &path) {
        drop_unfinished(places, &unfinished);
        return Err(error);
    }
    places.sync_dir(folder).inspect_err(|_| {
        // The name may come back after a crash: until it is gone for good, the tree must stay whole.
        if places
            .rename(&path, &unfinished)
            .and_then(|()| places.sync_dir(folder))
            .is_ok()
        {
            drop_unfinished(places, &unfinished);
        }
    })
}

/// Removes a tree that never had, or surely lost, its final name. What stays for a failing disk, recovery removes.
fn drop_unfinished(places: &Places, path: &Path) {
    let _ = remove_tree(places.storage(), path);
}
