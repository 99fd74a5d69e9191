//! Complete bundles that are not admitted: those that wait to be, and those that are evidence.
//!
//! ```text
//!                bundle.waiting                bundle.admitted
//! ReceivedBundle ──set_aside──▶ WaitingBundle ──hold_waiting──▶ HeldBundle
//!      │                              └──bundle.removed, remove_waiting──▶ gone
//!      │                              └──held by another number, drop_waiting_copy──▶ gone
//!      └─bundle.evidence, set_aside──▶ evidence/<id>.bundle
//! ```
//!
//! Always true: nothing comes from evidence/ into held/; what waits goes there for the receipt of its own admission, or is removed for that of
//! its removal.

use audit::event::EventKind;
use audit::log::Receipt;
use protocol::digest::BundleId;

use super::failure::QuarantineError;
use super::leaving::remove_if_there;
use super::places::{Lease, Place};
use super::spool::ReceivedBundle;
use super::stored::StoredBundle;
use super::{HeldBundle, Quarantine, check_receipt};

/// A bundle that waits to be admitted, and the right to decide on it.
#[derive(Debug)]
pub struct WaitingBundle {
    stored: StoredBundle,
    lease: Lease,
}

impl WaitingBundle {
    /// The bundle's name.
    #[must_use]
    pub fn id(&self) -> BundleId {
        self.stored.id()
    }

    /// Its packed form, to be verified again before it is admitted.
    #[must_use]
    pub fn stored(&self) -> &StoredBundle {
        &self.stored
    }
}

impl Quarantine {
    /// Puts complete bundles aside, each where the receipt of its own entry says: to those that wait, or to the evidence.
    ///
    /// # Errors
    /// [`QuarantineError::Receipt`] if one of the entries is neither its bundle's `bundle.waiting` nor `bundle.evidence`; then all stay in the spool.
    /// After another error they are aside all the same, and recovery puts them there.
    pub fn set_aside(&self, received: Vec<(ReceivedBundle, Receipt)>) -> Result<(), QuarantineError> {
        let (mut waiting, mut evidence) = (Vec::new(), Vec::new());
        for (bundle, receipt) in &received {
            let id = bundle.id();
            match receipt.kind() {
                EventKind::BundleEvidence => {
                    check_receipt(receipt, EventKind::BundleEvidence, id)?;
                    evidence.push(id);
                }
                _ => {
                    check_receipt(receipt, EventKind::BundleWaiting, id)?;
                    waiting.push(id);
                }
            }
        }
        // They are used up: the bundles are not in the spool any more, and an entry puts one aside.
        drop(received);
        self.places.move_packed(&waiting, Place::Spool, Place::Waiting)?;
        self.places.move_packed(&evidence, Place::Spool, Place::Evidence)
    }

    /// Takes a waiting bundle, to decide on it; nobody else can until it is dropped.
    ///
    /// # Errors
    /// [`QuarantineError::Absent`] if it does not wait, [`QuarantineError::Busy`] if it is taken.
    pub fn open_waiting(&self, id: BundleId) -> Result<WaitingBundle, QuarantineError> {
        let lease = self.places.lease(id)?;
        let path = Place::Waiting.packed(&id);
        match self.places.stat(&path)? {
            Some(_) => Ok(WaitingBundle {
                stored: StoredBundle::new(&self.places, Place::Waiting, id),
                lease,
            }),
            None => Err(QuarantineError::Absent { path }),
        }
    }

    /// Puts bundles that waited into `held/`, each for the receipt of its own admission.
    ///
    /// # Errors
    /// [`QuarantineError::Receipt`] if one of the entries is not its bundle's `bundle.admitted`; then all still wait. After another error all are
    /// admitted all the same, and recovery puts them into `held/`.
    pub fn hold_waiting(&self, admitted: Vec<(WaitingBundle, Receipt)>) -> Result<Vec<HeldBundle>, QuarantineError> {
        for (waiting, receipt) in &admitted {
            check_receipt(receipt, EventKind::BundleAdmitted, waiting.id())?;
        }
        let ids: Vec<_> = admitted.iter().map(|(waiting, _)| waiting.id()).collect();
        self.places.move_packed(&ids, Place::Waiting, Place::Held)?;
        let held = |(waiting, _): (WaitingBundle, Receipt)| HeldBundle {
            stored: StoredBundle::new(&self.places, Place::Held, waiting.id()),
            _lease: waiting.lease,
        };
        Ok(admitted.into_iter().map(held).collect())
    }

    /// Removes what still waits of a bundle that came again, by a number that counts, and is held by it.
    ///
    /// # Errors
    /// The disk's; the next recovery removes it then, since the log has the bundle as held.
    pub fn drop_waiting_copy(&self, held: &HeldBundle) -> Result<(), QuarantineError> {
        remove_if_there(&self.places, &Place::Waiting.packed(&held.id()))
    }

    /// Gives a waiting bundle up.
    ///
    /// # Errors
    /// [`QuarantineError::Receipt`] if the entry is not this bundle's `bundle.removed`; then it still waits. After another error recovery removes
    /// it.
    pub fn remove_waiting(&self, waiting: WaitingBundle, removed: Receipt) -> Result<(), QuarantineError> {
        let WaitingBundle { stored, lease } = waiting;
        check_receipt(&removed, EventKind::BundleRemoved, stored.id())?;
        self.places.check_sound()?;
        let gone = stored.remove();
        // An entry permits one step, and the bundle may come anew from here on.
        drop((removed, lease));
        gone
    }
}
