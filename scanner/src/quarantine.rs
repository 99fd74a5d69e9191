//! The packed bundles' home on the receiver: nothing is unpacked here until all checks have passed.
//!
//! ```text
//!             sync, name    bundle.admitted         Clearance + bundle.release_decided
//!  SpoolFile ──────────▶ ReceivedBundle ─────▶ HeldBundle ───────────────▶ ReleasedBundle
//!   spool/*.part          spool/<id>.bundle ▲   held/<id>.bundle │           released/<id>/, originals/<id>.bundle
//!                          │ bundle.waiting  │                     └▶ bundle.rejected ─▶ rejected/<id>.bundle
//!                          ├──────────▶ WaitingBundle ──bundle.removed──▶ gone
//!                          │ bundle.evidence  waiting/<id>.bundle
//!                          └──────────▶ evidence/<id>.bundle
//!
//!  held/<id>.bundle ──bundle.countersigned──▶ and held/<id>.<n>.dsse beside it      released, rejected ──bundle.removed──▶ gone
//!
//!  SpoolFile ──ended incomplete──▶ incomplete/*.part ──the same is announced again──▶ SpoolFile
//! ```
//!
//! Each value can be made by the step before only, is used up by the next, and is the only one for its bundle ([`HeldBundle`] is the bundle's lock).
//! What has to be in the audit log first is shown by its [`Receipt`], which only a synced entry gives.
//!
//! Always true:
//! - in quarantine a bundle is one packed file, 0400 in folders that are 0700;
//! - an admitted bundle's file is in one of the places at every moment, also after a crash in any of these steps, until its removal is on record;
//! - no name is replaced, no link followed, and whatever a crash left half-done is under a name that [`Quarantine::recover`] removes.
//!
//! The log says what state a bundle is in; the folders follow it. One process works here: the daemon holds its own lock around all of this.

mod aside;
mod countersigned;
mod failure;
mod group;
mod incomplete;
mod leaving;
mod places;
mod recovery;
mod release;
mod released;
mod spool;
mod stored;
mod tree;

use std::sync::Arc;

use audit::event::{EventKind, State};
use audit::log::Receipt;
use audit::storage::{OpenHow, Storage};
use protocol::digest::{BundleId, Digest};
use protocol::wire::SessionId;

pub use self::aside::WaitingBundle;
pub use self::failure::{FolderFault, QuarantineError, ReleaseError, VerifyError};
pub use self::incomplete::{Forgotten, GaveWay, KeepLimits, Kept, ResumeKey};
pub use self::leaving::{Decided, LeavingTree, Retired};
pub use self::places::Place;
pub use self::recovery::{Alarm, Mended, Recorded, Recovery, Unfinished};
pub use self::release::ReleasedBundle;
pub use self::released::{Differs, TreeState};
pub use self::spool::{ReceivedBundle, SpoolFile};
pub use self::stored::{StoredBundle, StoredHead};

use self::places::{Lease, Places};
use crate::report::Report;

/// Bytes that stay free on the disk unless [`Quarantine::with_reserve`] says otherwise: decisions must still be written to the log.
pub const DEFAULT_RESERVE: u64 = 256 << 20;

/// Bytes of a stored report at most.
pub const MAX_REPORT_LEN: u64 = 256 << 20;

/// The quarantine's folder.
#[derive(Debug)]
pub struct Quarantine {
    places: Arc<Places>,
    reserve: u64,
}

impl Quarantine {
    /// Makes the folders that are not there yet, each durable, and opens the quarantine.
    ///
    /// # Errors
    /// As [`open`](Self::open), or the disk's.
    pub fn create(storage: Arc<dyn Storage>) -> Result<Self, QuarantineError> {
        Places::create(&*storage)?;
        Self::open(storage)
    }

    /// Opens a quarantine, rooted at the storage's root. Whoever works in it calls [`recover`](Self::recover) first, which also makes the folders
    /// that an earlier version did not have; to read they are not needed.
    ///
    /// # Errors
    /// [`QuarantineError::Folder`] if any other folder is missing, or one is open to others.
    pub fn open(storage: Arc<dyn Storage>) -> Result<Self, QuarantineError> {
        Ok(Self {
            places: Places::open(storage)?,
            reserve: DEFAULT_RESERVE,
        })
    }

    /// Keeps so many bytes of the disk free: nothing is received or released into them. Reports of scans may take half of them.
    #[must_use]
    pub fn with_reserve(self, bytes: u64) -> Self {
        Self { reserve: bytes, ..self }
    }

    /// Whether more of the disk is free than is kept free.
    ///
    /// # Errors
    /// The disk's.
    pub fn has_room(&self) -> Result<bool, QuarantineError> {
        Ok(spool::free_bytes(&self.places)? > self.reserve)
    }

    /// Begins to receive a bundle of `file_len` bytes: prefix, head and content.
    ///
    /// # Errors
    /// [`QuarantineError::NoRoom`], [`QuarantineError::Taken`] if the session has a file already, or the disk's.
    pub fn begin(&self, session: SessionId, file_len: u64) -> Result<SpoolFile, QuarantineError> {
        SpoolFile::begin(&self.places, session, file_len, self.reserve)
    }

    /// Takes a held bundle, to scan it or to decide on it; nobody else can until it is dropped.
    ///
    /// # Errors
    /// [`QuarantineError::Absent`] if it is not held, [`QuarantineError::Busy`] if it is taken.
    pub fn open_held(&self, id: BundleId) -> Result<HeldBundle, QuarantineError> {
        let lease = self.places.lease(id)?;
        let path = Place::Held.packed(&id);
        match self.places.stat(&path)? {
            Some(_) => Ok(HeldBundle {
                stored: StoredBundle::new(&self.places, Place::Held, id),
                _lease: lease,
            }),
            None => Err(QuarantineError::Absent { path }),
        }
    }

    /// A bundle wherever it lies, to be shown; `None` if it is nowhere.
    ///
    /// # Errors
    /// The disk's.
    pub fn open_any(&self, id: BundleId) -> Result<Option<StoredBundle>, QuarantineError> {
        // In the order in which bundles move, so that one that moves meanwhile is met again.
        for place in [
            Place::Spool,
            Place::Waiting,
            Place::Held,
            Place::Rejected,
            Place::Originals,
            Place::Evidence,
        ] {
            if self.places.stat(&place.packed(&id))?.is_some() {
                return Ok(Some(StoredBundle::new(&self.places, place, id)));
            }
        }
        Ok(None)
    }

    /// Puts a rejected bundle away for good.
    ///
    /// # Errors
    /// [`QuarantineError::Receipt`] if the entry is not this bundle's `bundle.rejected`; then it stays held. After another error it is rejected
    /// all the same, and recovery puts it into `rejected/`.
    pub fn reject(&self, held: HeldBundle, rejected: Receipt) -> Result<(), QuarantineError> {
        let id = held.id();
        check_receipt(&rejected, EventKind::BundleRejected, id)?;
        self.places.move_packed(&[id], Place::Held, Place::Rejected)?;
        self.places.move_envelopes(&id, Place::Held, Place::Rejected)?;
        // Both are used up: the bundle is not held any more, and an entry permits one step.
        drop((held, rejected));
        Ok(())
    }

    /// The stored report of a bundle; `None` if it was never scanned.
    ///
    /// # Errors
    /// [`QuarantineError::Report`] if it is damaged, or the disk's.
    pub fn load_report(&self, id: &BundleId) -> Result<Option<Report>, QuarantineError> {
        let Some(bytes) = self.read_report(id)? else {
            return Ok(None);
        };
        let path = places::report(id);
        let report = Report::from_json(&bytes).map_err(|error| QuarantineError::Report {
            path,
            reason: error.to_string(),
        })?;
        match report.bundle == Some(*id) {
            true => Ok(Some(report)),
            false => Err(QuarantineError::OtherReport {
                id: *id,
                found: report.bundle,
            }),
        }
    }

    /// The bundles whose packed form lies where a state puts it, in the order of their ids. The log decides what state a bundle is in.
    ///
    /// # Errors
    /// The disk's.
    pub fn list(&self, state: State) -> Result<Vec<BundleId>, QuarantineError> {
        self.places.bundles(match state {
            State::Held => Place::Held,
            State::Released => Place::Originals,
            State::Rejected => Place::Rejected,
            State::Waiting => Place::Waiting,
            State::Evidence => Place::Evidence,
        })
    }

    fn read_report(&self, id: &BundleId) -> Result<Option<Vec<u8>>, QuarantineError> {
        let path = places::report(id);
        match self.places.storage().open(&path, OpenHow::Read) {
            Ok(file) => file
                .read_all(MAX_REPORT_LEN)
                .map(Some)
                .map_err(QuarantineError::io("read", &path)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(QuarantineError::io("open", &path)(error)),
        }
    }

    /// The digest of the stored report, by which decisions name it.
    fn report_digest(&self, id: &BundleId) -> Result<Digest, QuarantineError> {
        match self.read_report(id)? {
            Some(bytes) => Ok(Digest::of(&bytes)),
            None => Err(QuarantineError::Absent {
                path: places::report(id),
            }),
        }
    }
}

/// An admitted bundle that is neither released nor rejected, and the right to work on it: while this exists, nobody else can.
#[derive(Debug)]
pub struct HeldBundle {
    stored: StoredBundle,
    _lease: Lease,
}

impl HeldBundle {
    /// The bundle's name.
    #[must_use]
    pub fn id(&self) -> BundleId {
        self.stored.id()
    }

    /// Its packed form: to be scanned by [`StoredBundle::content`], verified by [`StoredBundle::verify`].
    #[must_use]
    pub fn stored(&self) -> &StoredBundle {
        &self.stored
    }
}

fn check_receipt(receipt: &Receipt, needed: EventKind, id: BundleId) -> Result<(), QuarantineError> {
    let (shown, shown_bundle) = (receipt.kind(), receipt.bundle());
    if shown == needed && shown_bundle == Some(id) {
        return Ok(());
    }
    Err(QuarantineError::Receipt {
        needed,
        id,
        shown,
        shown_bundle,
    })
}
