//! Bundles that are complete and not admitted.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use audit::event::{EventKind, State};
use audit::storage::{MemoryStorage, Storage};
use diode_scanner::quarantine::{Alarm, Place, Quarantine, QuarantineError, Recorded};

use crate::support::*;

fn empty() -> (Quarantine, MemoryStorage, Ledger) {
    let storage = MemoryStorage::new();
    let quarantine = Quarantine::create(Arc::new(storage.clone())).unwrap();
    (quarantine, storage, Ledger::new())
}

/// A quarantine in which a bundle was set aside by an entry of this kind.
fn aside(kind: EventKind) -> (Quarantine, MemoryStorage, Ledger) {
    let (quarantine, storage, mut ledger) = empty();
    let received = receive(&quarantine, &sample()).unwrap();
    let receipt = ledger.append(kind, sample().id);
    quarantine.set_aside(vec![(received, receipt)]).unwrap();
    (quarantine, storage, ledger)
}

#[test]
fn each_bundle_is_set_aside_where_its_entry_says() {
    let (_, storage, _) = aside(EventKind::BundleWaiting);
    assert_eq!(packed_at(&storage, &sample()), [Place::Waiting]);
    let (quarantine, storage, _) = aside(EventKind::BundleEvidence);
    assert_eq!(packed_at(&storage, &sample()), [Place::Evidence]);
    assert_eq!(quarantine.list(State::Evidence).unwrap(), [sample().id]);
}

#[test]
fn an_entry_that_admits_sets_nothing_aside() {
    let (quarantine, storage, mut ledger) = empty();
    let received = receive(&quarantine, &sample()).unwrap();
    let receipt = ledger.append(EventKind::BundleAdmitted, sample().id);
    let error = quarantine.set_aside(vec![(received, receipt)]).unwrap_err();
    assert!(matches!(error, QuarantineError::Receipt { .. }), "{error}");
    assert_eq!(packed_at(&storage, &sample()), [Place::Spool]);
}

#[test]
fn a_waiting_bundle_is_held_for_the_entry_that_admits_it_and_for_no_other() {
    let (quarantine, storage, mut ledger) = aside(EventKind::BundleWaiting);
    let waiting = quarantine.open_waiting(sample().id).unwrap();
    let again = ledger.append(EventKind::BundleWaiting, sample().id);
    assert!(quarantine.hold_waiting(vec![(waiting, again)]).is_err());
    let waiting = quarantine.open_waiting(sample().id).unwrap();
    let admitted = ledger.append(EventKind::BundleAdmitted, sample().id);
    let held = quarantine.hold_waiting(vec![(waiting, admitted)]).unwrap();
    assert_eq!(packed_at(&storage, &sample()), [Place::Held]);
    assert!(matches!(
        quarantine.open_held(held[0].id()),
        Err(QuarantineError::Busy { .. })
    ));
}

#[test]
fn evidence_is_no_waiting_bundle() {
    let (quarantine, ..) = aside(EventKind::BundleEvidence);
    assert!(matches!(
        quarantine.open_waiting(sample().id),
        Err(QuarantineError::Absent { .. })
    ));
}

#[test]
fn a_waiting_bundle_that_is_removed_is_gone_and_can_come_again() {
    let (quarantine, storage, mut ledger) = aside(EventKind::BundleWaiting);
    let waiting = quarantine.open_waiting(sample().id).unwrap();
    let removed = ledger.append(EventKind::BundleRemoved, sample().id);
    quarantine.remove_waiting(waiting, removed).unwrap();
    assert_eq!(packed_at(&storage, &sample()), []);
    drop(admit(&quarantine, &mut ledger, &sample()));
    assert_eq!(packed_at(&storage, &sample()), [Place::Held]);
}

#[test]
fn a_bundle_that_is_evidence_can_be_admitted_and_the_evidence_stays() {
    let (quarantine, storage, mut ledger) = aside(EventKind::BundleEvidence);
    drop(admit(&quarantine, &mut ledger, &sample()));
    assert_eq!(packed_at(&storage, &sample()), [Place::Held, Place::Evidence]);
    let found = quarantine.open_any(sample().id).unwrap().unwrap();
    assert_eq!(found.place(), Place::Held);
    let log = BTreeMap::from([(sample().id, Recorded::Held)]);
    let recovery = quarantine.recover(&log).unwrap();
    assert_eq!((recovery.alarms, recovery.done), (vec![], vec![]));
    assert_eq!(packed_at(&storage, &sample()), [Place::Held, Place::Evidence]);
}

#[test]
fn what_waits_without_a_record_is_an_alarm() {
    for kind in [EventKind::BundleWaiting, EventKind::BundleEvidence] {
        let (quarantine, ..) = aside(kind);
        let recovery = quarantine.recover(&BTreeMap::new()).unwrap();
        assert!(matches!(recovery.alarms[..], [Alarm::Unrecorded { .. }]));
    }
}

#[test]
fn what_came_again_after_its_removal_is_handed_out() {
    let (quarantine, _, mut ledger) = aside(EventKind::BundleWaiting);
    let waiting = quarantine.open_waiting(sample().id).unwrap();
    let removed = ledger.append(EventKind::BundleRemoved, sample().id);
    quarantine.remove_waiting(waiting, removed).unwrap();
    drop(receive(&quarantine, &sample()).unwrap());
    let log = BTreeMap::from([(sample().id, Recorded::Removed(Place::Waiting))]);
    let recovery = quarantine.recover(&log).unwrap();
    assert_eq!(recovery.received.len(), 1);
}

#[test]
fn evidence_beside_what_waits_or_was_given_up_stays_and_is_no_alarm() {
    for recorded in [Recorded::Waiting, Recorded::Removed(Place::Waiting)] {
        let (quarantine, storage, mut ledger) = aside(EventKind::BundleEvidence);
        let received = receive(&quarantine, &sample()).unwrap();
        let receipt = ledger.append(EventKind::BundleWaiting, sample().id);
        quarantine.set_aside(vec![(received, receipt)]).unwrap();
        let recovery = quarantine.recover(&BTreeMap::from([(sample().id, recorded)])).unwrap();
        assert_eq!(recovery.alarms, []);
        let left = match recorded {
            Recorded::Waiting => vec![Place::Evidence, Place::Waiting],
            _ => vec![Place::Evidence],
        };
        assert_eq!(packed_at(&storage, &sample()), left);
    }
}

/// A quarantine that an earlier version made.
fn of_earlier_version() -> MemoryStorage {
    let (_, storage, _) = empty();
    for folder in ["waiting", "evidence"] {
        storage.remove_dir(Path::new(folder)).unwrap();
    }
    storage.sync_fs().unwrap();
    storage
}

#[test]
fn a_quarantine_of_an_earlier_version_can_be_read_as_it_is() {
    let storage = of_earlier_version();
    let quarantine = Quarantine::open(Arc::new(storage.clone())).unwrap();
    assert_eq!(quarantine.list(State::Waiting).unwrap(), []);
    assert_eq!(quarantine.list(State::Evidence).unwrap(), []);
    assert!(quarantine.open_any(sample().id).unwrap().is_none());
    assert!(storage.stat(Path::new("waiting")).unwrap().is_none());
}

#[test]
fn a_quarantine_of_an_earlier_version_has_all_folders_after_recovery_for_good() {
    let storage = of_earlier_version();
    let quarantine = Quarantine::open(Arc::new(storage.clone())).unwrap();
    let _ = quarantine.recover(&BTreeMap::new()).unwrap();
    storage.crash(&mut || false);
    for folder in ["waiting", "evidence"] {
        assert!(storage.stat(Path::new(folder)).unwrap().is_some(), "{folder}");
    }
}

#[test]
fn a_folder_that_every_version_has_is_missed() {
    let (_, storage, _) = empty();
    storage.remove_dir(Path::new("held")).unwrap();
    let error = Quarantine::open(Arc::new(storage)).unwrap_err();
    assert!(matches!(error, QuarantineError::Folder { .. }), "{error}");
}
