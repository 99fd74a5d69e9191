//! What was decided on and is kept no longer: gone from the disk, without a link being followed or anything else being touched.
#![allow(clippy::disallowed_methods)] // The tests look at the disk from outside.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use audit::event::EventKind;
use audit::storage::{Disk, MemoryStorage, Storage};
use diode_scanner::quarantine::{Alarm, Decided, LeavingTree, Place, Quarantine, QuarantineError, Recorded, Retired};
use tempfile::TempDir;

use crate::support::*;

const REMOVED: EventKind = EventKind::BundleRemoved;

/// A quarantine on this storage that has released a bundle.
fn with_released(storage: Arc<dyn Storage>) -> (Quarantine, Ledger) {
    let quarantine = Quarantine::create(storage).unwrap();
    let mut ledger = Ledger::new();
    let held = admit(&quarantine, &mut ledger, &sample());
    release(&quarantine, &mut ledger, held).unwrap();
    (quarantine, ledger)
}

fn on_disk() -> (Quarantine, Ledger, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let (quarantine, ledger) = with_released(Arc::new(Disk::open(folder.path()).unwrap()));
    (quarantine, ledger, folder)
}

fn in_memory() -> (Quarantine, Ledger, MemoryStorage) {
    let storage = MemoryStorage::new();
    let (quarantine, ledger) = with_released(Arc::new(storage.clone()));
    (quarantine, ledger, storage)
}

fn retire(quarantine: &Quarantine, ledger: &mut Ledger, decided: Decided) -> Retired {
    let receipt = ledger.append(REMOVED, sample().id);
    quarantine.retire(vec![(sample().id, decided, receipt)]).unwrap()
}

/// All of it, one name at a time.
fn remove_all(quarantine: &Quarantine, mut tree: LeavingTree) -> usize {
    (1..).find(|_| quarantine.remove_some(&mut tree, 1).unwrap()).unwrap()
}

#[test]
fn a_released_bundle_that_is_removed_leaves_nothing() {
    let (quarantine, mut ledger, storage) = in_memory();
    let Retired { leaving, failed } = retire(&quarantine, &mut ledger, Decided::Released);
    assert!(failed.is_empty(), "{failed:?}");
    assert!(!is_released(&storage, &sample()), "its name is gone at once");
    for tree in leaving {
        remove_all(&quarantine, tree);
    }
    assert_eq!(named_at(&storage, &sample()), []);
    for folder in ["released", "reports", "originals"] {
        assert!(everything(&storage, folder).is_empty(), "{folder}");
    }
}

#[test]
fn the_report_of_a_later_scan_goes_with_its_bundle_also_at_the_next_start() {
    for at_start in [false, true] {
        let (quarantine, mut ledger, storage) = in_memory();
        let report = quarantine.load_report(&sample().id).unwrap().unwrap();
        let stored = quarantine.save_rescan(sample().id, &report).unwrap();
        assert!(storage.stat(&stored).unwrap().is_some());
        if at_start {
            let removed = [(sample().id, Recorded::Removed(Place::Originals))];
            let recovery = quarantine.recover(&removed.into()).unwrap();
            assert!(recovery.alarms.is_empty(), "{recovery:?}");
        } else {
            let _retired = retire(&quarantine, &mut ledger, Decided::Released);
        }
        assert!(everything(&storage, "reports").is_empty(), "{at_start}");
    }
}

#[test]
fn a_tree_is_removed_so_many_names_at_a_time() {
    let (quarantine, mut ledger, storage) = in_memory();
    let names = everything(&storage, &format!("released/{}", sample().id));
    let folders = names.keys().filter(|name| name.ends_with('/')).count();
    // A folder is entered and removed; the root was entered before.
    let steps = names.len() + folders + 1;
    let tree = retire(&quarantine, &mut ledger, Decided::Released).leaving.remove(0);
    assert_eq!(remove_all(&quarantine, tree), steps);
}

#[test]
fn a_rejected_bundle_that_is_removed_leaves_nothing() {
    let storage = MemoryStorage::new();
    let quarantine = Quarantine::create(Arc::new(storage.clone())).unwrap();
    let mut ledger = Ledger::new();
    let held = admit(&quarantine, &mut ledger, &sample());
    quarantine
        .reject(held, ledger.append(EventKind::BundleRejected, sample().id))
        .unwrap();
    let Retired { leaving, failed } = retire(&quarantine, &mut ledger, Decided::Rejected);
    assert!(leaving.is_empty() && failed.is_empty());
    assert_eq!(named_at(&storage, &sample()), []);
    assert!(everything(&storage, "reports").is_empty());
}

#[test]
fn nothing_is_removed_for_another_entry() {
    let (quarantine, mut ledger, storage) = in_memory();
    let wrong = [
        ledger.append(EventKind::BundleReleased, sample().id),
        ledger.append(REMOVED, other().id),
    ];
    for receipt in wrong {
        let error = quarantine.retire(vec![(sample().id, Decided::Released, receipt)]);
        assert!(matches!(error, Err(QuarantineError::Receipt { .. })), "{error:?}");
    }
    assert!(is_released(&storage, &sample()));
    assert_eq!(packed_at(&storage, &sample()), [Place::Originals]);
}

#[test]
fn a_held_bundle_is_not_touched_whatever_it_is_said_to_be() {
    let storage = MemoryStorage::new();
    let quarantine = Quarantine::create(Arc::new(storage.clone())).unwrap();
    let mut ledger = Ledger::new();
    drop(admit(&quarantine, &mut ledger, &sample()));
    for decided in [Decided::Released, Decided::Rejected] {
        let retired = retire(&quarantine, &mut ledger, decided);
        assert!(retired.leaving.is_empty() && retired.failed.is_empty());
    }
    assert_eq!(packed_at(&storage, &sample()), [Place::Held]);
}

#[test]
fn a_tree_that_its_user_took_away_is_no_error() {
    let (quarantine, mut ledger, folder) = on_disk();
    let tree = folder.path().join("released").join(sample().id.to_string());
    let taken = folder.path().join("taken");
    fs::rename(&tree, &taken).unwrap();
    let Retired { leaving, failed } = retire(&quarantine, &mut ledger, Decided::Released);
    assert!(leaving.is_empty() && failed.is_empty());
    assert!(fs::read_dir(&taken).unwrap().count() > 0);
}

#[test]
fn links_that_a_user_laid_are_removed_and_what_they_lead_to_is_not() {
    let (quarantine, mut ledger, folder) = on_disk();
    let precious = folder.path().join("precious");
    fs::create_dir(&precious).unwrap();
    fs::write(precious.join("file"), "theirs").unwrap();
    let tree = folder.path().join("released").join(sample().id.to_string());
    symlink(&precious, tree.join("link")).unwrap();
    symlink(precious.join("file"), tree.join("file-link")).unwrap();
    let leaving = retire(&quarantine, &mut ledger, Decided::Released).leaving.remove(0);
    remove_all(&quarantine, leaving);
    assert_eq!(fs::read_dir(folder.path().join("released")).unwrap().count(), 0);
    assert_eq!(fs::read_to_string(precious.join("file")).unwrap(), "theirs");
}

#[test]
fn a_link_in_place_of_the_tree_is_removed_and_what_it_leads_to_is_not() {
    let (quarantine, mut ledger, folder) = on_disk();
    let tree = folder.path().join("released").join(sample().id.to_string());
    let taken = folder.path().join("taken");
    fs::rename(&tree, &taken).unwrap();
    symlink(&taken, &tree).unwrap();
    let leaving = retire(&quarantine, &mut ledger, Decided::Released).leaving.remove(0);
    remove_all(&quarantine, leaving);
    assert!(fs::symlink_metadata(&tree).is_err());
    assert!(fs::read_dir(&taken).unwrap().count() > 0);
}

#[test]
fn a_link_in_place_of_the_tree_is_an_alarm_that_says_so() {
    let (quarantine, _, folder) = on_disk();
    let path = Path::new("released").join(sample().id.to_string());
    let (tree, taken) = (folder.path().join(&path), folder.path().join("taken"));
    fs::rename(&tree, &taken).unwrap();
    symlink(&taken, &tree).unwrap();
    let recovery = quarantine.recover(&[(sample().id, Recorded::Released)].into()).unwrap();
    let alarm = Alarm::NotAFolder { path };
    assert!(alarm.to_string().ends_with("is a link or a file"), "{alarm}");
    assert_eq!(recovery.alarms, [alarm]);
}

#[test]
fn folders_that_nobody_may_write_in_are_removed() {
    let (quarantine, mut ledger, folder) = on_disk();
    let tree = folder.path().join("released").join(sample().id.to_string());
    let closed = std::os::unix::fs::PermissionsExt::from_mode(0o555);
    fs::set_permissions(&tree, closed).unwrap();
    let leaving = retire(&quarantine, &mut ledger, Decided::Released).leaving.remove(0);
    remove_all(&quarantine, leaving);
    assert_eq!(fs::read_dir(folder.path().join("released")).unwrap().count(), 0);
}

#[test]
fn what_comes_back_under_the_name_of_a_removed_bundle_is_removed_or_an_alarm() {
    let (quarantine, _, storage) = in_memory();
    let log = |place| [(sample().id, Recorded::Removed(place))].into();
    let recovery = quarantine.recover(&log(Place::Rejected)).unwrap();
    let original = packed_path(Place::Originals, sample().id).into();
    let unrecorded: Vec<_> = recovery.alarms.into_iter().collect();
    assert!(
        unrecorded.contains(&Alarm::Unrecorded { path: original }),
        "{unrecorded:?}"
    );
    let recovery = quarantine.recover(&log(Place::Originals)).unwrap();
    assert_eq!(recovery.alarms, []);
    assert_eq!(storage.list(Path::new("released")).unwrap(), []);
    assert_eq!(named_at(&storage, &sample()), []);
}
