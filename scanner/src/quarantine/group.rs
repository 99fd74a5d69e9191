//! Steps that several bundles take together, so that thousands of small ones cost few syncs.
//!
//! ```text
//!               each                   all               each                all
//! finish_all    check prefix, mode ────────────────────▶ rename in spool/ ──▶ sync bytes and spool/
//! hold_all      check receipt, lock ────────────────────▶ rename to held/ ──▶ sync held/, spool/
//! save_reports  write .tmp-<id> ─────▶ sync the bytes ─▶ rename ────────────▶ sync reports/
//! ```
//!
//! The bytes of up to [`FEW`] files are synced file by file, and before they are renamed; of more, bytes or names, by one sync of the file system.
//!
//! Always true:
//! - all bytes of a bundle are on the disk before its entry admits it: what recovery finds named in spool/ without one, it hashes again;
//! - a report has all its bytes on the disk before it has the name that counts;
//! - what is wrong with one bundle refuses that one alone; a failed sync refuses all that were to be covered by it, or come after it.

use std::io;
use std::path::Path;

use audit::event::EventKind;
use audit::log::Receipt;
use audit::storage::{OpenHow, StorageFile};
use protocol::digest::BundleId;

use super::failure::QuarantineError;
use super::places::{self, FEW, Place, Places, Promises};
use super::spool::{ReceivedBundle, SpoolFile, check_room};
use super::stored::StoredBundle;
use super::{HeldBundle, Quarantine, check_receipt};
use crate::report::Report;

impl Quarantine {
    /// Ends the filling of spool files: bytes synced, mode 0400, each named for its bundle, names synced. The caller has verified heads and every
    /// leaf. The results are in the order of the files.
    ///
    /// # Errors
    /// For each file [`QuarantineError`]; it is gone then, and nothing of its bundle is left. After a failed sync all those whose sync is not known
    /// to have succeeded are refused.
    pub fn finish_all(&self, files: Vec<(SpoolFile, BundleId)>) -> Vec<Result<ReceivedBundle, QuarantineError>> {
        let places = &self.places;
        let synced_alone = files.len() <= FEW;
        let mut group = Group::new(files);
        group.each(|(file, _)| {
            places.check_sound()?;
            file.complete()?;
            match synced_alone {
                true => file.sync(),
                false => Ok(()),
            }
        });
        group.all(|| places.check_sound());
        group.each(|(file, id)| file.name(id));
        let named: Vec<_> = group.left().map(|(_, id)| *id).collect();
        let spool = Path::new(Place::Spool.folder());
        let synced = group.all(|| match synced_alone {
            true => places.sync_dir(spool),
            false => places.sync_all(spool),
        });
        if !synced {
            for id in named {
                // Not known to be there after a crash, so not received. What stays all the same is found by recovery.
                let _ = places.storage().remove_file(&Place::Spool.packed(&id));
            }
        }
        let received = |((file, id), outcome): ((SpoolFile, _), Result<(), _>)| match outcome {
            Ok(()) => Ok(ReceivedBundle {
                stored: StoredBundle::new(places, Place::Spool, id),
            }),
            Err(error) => {
                file.discard();
                Err(error)
            }
        };
        group.members.into_iter().map(received).collect()
    }

    /// Puts admitted bundles into `held/`, each for the receipt of its own admission.
    ///
    /// # Errors
    /// [`QuarantineError::Receipt`] if one of the entries is not its bundle's `bundle.admitted`; then all stay in the spool. After another error all
    /// are admitted all the same, and recovery puts them into `held/`.
    pub fn hold_all(&self, admitted: Vec<(ReceivedBundle, Receipt)>) -> Result<Vec<HeldBundle>, QuarantineError> {
        for (received, receipt) in &admitted {
            check_receipt(receipt, EventKind::BundleAdmitted, received.id())?;
        }
        // Both are used up: the bundle is not in the spool any more, and an entry admits one.
        let ids: Vec<_> = admitted.into_iter().map(|(received, _)| received.id()).collect();
        let leases = ids
            .iter()
            .map(|id| self.places.lease(*id))
            .collect::<Result<Vec<_>, _>>()?;
        self.places.move_packed(&ids, Place::Spool, Place::Held)?;
        let held = |(id, lease)| HeldBundle {
            stored: StoredBundle::new(&self.places, Place::Held, id),
            _lease: lease,
        };
        Ok(ids.into_iter().zip(leases).map(held).collect())
    }

    /// Stores the reports of held bundles beside them, in place of earlier ones. The results are in the order of the reports.
    ///
    /// # Errors
    /// For each [`QuarantineError::OtherReport`] if the report is of something else, or the disk's.
    pub fn save_reports(&self, reports: &[(&HeldBundle, &Report)]) -> Vec<Result<(), QuarantineError>> {
        let places = &*self.places;
        let synced_alone = reports.len() <= FEW;
        let mut group = Group::new(reports.to_vec());
        group.each(|(held, report)| {
            places.check_sound()?;
            write_report(places, held, report, synced_alone, self.reserve)
        });
        group.all(|| match synced_alone {
            true => places.check_sound(),
            false => places.sync_all(places::REPORTS.as_ref()),
        });
        group.each(|(held, _)| {
            let path = places::report(&held.id());
            let renamed = places.storage().rename(&places::unfinished_report(&held.id()), &path);
            renamed.map_err(QuarantineError::io("rename to", &path))
        });
        if group.left().next().is_some() {
            group.all(|| places.sync_dir(places::REPORTS.as_ref()));
        }
        for ((held, _), _) in group.members.iter().filter(|(_, outcome)| outcome.is_err()) {
            // What cannot be removed now, the next try or recovery removes.
            let _ = places.storage().remove_file(&places::unfinished_report(&held.id()));
        }
        group.members.into_iter().map(|(_, outcome)| outcome).collect()
    }
}

/// Writes a report under the name that only its writer counts on.
fn write_report(
    places: &Places,
    held: &HeldBundle,
    report: &Report,
    sync: bool,
    reserve: u64,
) -> Result<(), QuarantineError> {
    let id = held.id();
    if report.bundle != Some(id) {
        return Err(QuarantineError::OtherReport {
            id,
            found: report.bundle,
        });
    }
    let (path, bytes) = (places::unfinished_report(&id), report.to_json());
    // Verdicts go on when nothing more is received, but leave the other half to the log.
    check_room(places, &Promises::default(), bytes.len() as u64, reserve / 2)?;
    let file = create_anew(places, &path).map_err(QuarantineError::io("create", &path))?;
    file.write_at(&bytes, 0).map_err(QuarantineError::io("write", &path))?;
    match sync {
        true => places.sync_file(&*file, &path),
        false => Ok(()),
    }
}

/// Creates a file in place of what an earlier try may have left.
fn create_anew(places: &Places, path: &Path) -> io::Result<Box<dyn StorageFile>> {
    match places.storage().remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    places.storage().open(path, OpenHow::CreateNew { mode: REPORT_MODE })
}

/// Members that take the same steps: one that failed takes none of the later ones.
struct Group<T> {
    members: Vec<(T, Result<(), QuarantineError>)>,
}

impl<T> Group<T> {
    fn new(members: Vec<T>) -> Self {
        Self {
            members: members.into_iter().map(|member| (member, Ok(()))).collect(),
        }
    }

    /// The members that have not failed.
    fn left(&self) -> impl Iterator<Item = &T> {
        let left = self.members.iter().filter(|(_, outcome)| outcome.is_ok());
        left.map(|(member, _)| member)
    }

    /// A step of each by itself.
    fn each(&mut self, mut step: impl FnMut(&T) -> Result<(), QuarantineError>) {
        for (member, outcome) in self.members.iter_mut().filter(|(_, outcome)| outcome.is_ok()) {
            *outcome = step(member);
        }
    }

    /// A sync for all that are left: the first of them gets its error, the others learn of it. Whether it succeeded.
    fn all(&mut self, sync: impl FnOnce() -> Result<(), QuarantineError>) -> bool {
        let mut left = self.members.iter_mut().filter(|(_, outcome)| outcome.is_ok());
        let Some((_, first)) = left.next() else {
            return true;
        };
        let Err(error) = sync() else { return true };
        let why = match &error {
            QuarantineError::Poisoned { why } => why.clone(),
            other => other.told(),
        };
        *first = Err(error);
        for (_, outcome) in left {
            *outcome = Err(QuarantineError::Poisoned { why: why.clone() });
        }
        false
    }
}

const REPORT_MODE: u32 = 0o400;
