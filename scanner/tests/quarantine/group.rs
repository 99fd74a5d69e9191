//! Several bundles at once: few syncs, each bundle's fault its own, a failed sync everybody's.

use std::path::Path;
use std::sync::Arc;

use audit::event::EventKind;
use audit::storage::memory::Fault;
use audit::storage::{MemoryStorage, OpenHow, Storage};
use diode_scanner::quarantine::{Place, Quarantine, QuarantineError};

use crate::support::*;

fn quarantine() -> (Quarantine, MemoryStorage) {
    let storage = MemoryStorage::new();
    (Quarantine::create(Arc::new(storage.clone())).unwrap(), storage)
}

#[test]
fn a_group_is_received_under_its_names_and_read_only() {
    for count in [2, 4, 5, 20] {
        let (quarantine, storage) = quarantine();
        let all = numbered(count);
        let files = (0..)
            .zip(&all)
            .map(|(session, packed)| spooled(&quarantine, session, packed).unwrap());
        let received = quarantine.finish_all(files.collect());
        for (packed, received) in all.iter().zip(received) {
            assert_eq!(received.unwrap().id(), packed.id);
            assert_eq!(packed_at(&storage, packed), [Place::Spool]);
            let path = packed_path(Place::Spool, packed.id);
            assert_eq!(storage.stat(Path::new(&path)).unwrap().unwrap().mode, 0o400);
        }
        assert_eq!(leftovers(&storage), [""; 0]);
    }
}

#[test]
fn many_files_are_received_in_two_operations_each_and_one_sync_in_all() {
    let (quarantine, storage) = quarantine();
    let all = numbered(100);
    let files = (0..)
        .zip(&all)
        .map(|(session, packed)| spooled(&quarantine, session, packed).unwrap());
    let files = files.collect();
    let before = storage.operations();
    assert!(quarantine.finish_all(files).iter().all(Result::is_ok));
    // Of each file the mode and the name change.
    assert_eq!(storage.operations() - before, 2 * 100 + 1);
}

#[test]
fn a_file_that_is_no_bundle_refuses_itself_alone() {
    for count in [3, 9] {
        let (quarantine, storage) = quarantine();
        let mut all = numbered(count);
        all[1].bytes[0] ^= 1;
        let files = (0..)
            .zip(&all)
            .map(|(session, packed)| spooled(&quarantine, session, packed).unwrap());
        let received = quarantine.finish_all(files.collect());
        for (number, received) in received.iter().enumerate() {
            match received {
                Err(QuarantineError::Malformed { .. }) => assert_eq!(number, 1),
                other => assert!(other.is_ok() && number != 1, "{number}: {other:?}"),
            }
        }
        assert_eq!(everything(&storage, "spool").len() as u64, count - 1);
    }
}

#[test]
fn of_the_same_bundle_twice_in_a_group_the_first_is_received() {
    for count in [3, 9] {
        let (quarantine, storage) = quarantine();
        let mut all = numbered(count);
        all[2] = all[0].clone();
        let files = (0..)
            .zip(&all)
            .map(|(session, packed)| spooled(&quarantine, session, packed).unwrap());
        let received = quarantine.finish_all(files.collect());
        assert!(matches!(received[2], Err(QuarantineError::Taken { .. })));
        assert!(received[0].is_ok());
        assert_eq!(packed_at(&storage, &all[0]), [Place::Spool]);
        assert_eq!(leftovers(&storage), [""; 0]);
    }
}

#[test]
fn a_failed_sync_refuses_the_whole_group_and_leaves_nothing_of_it() {
    // Operations until the first sync, and until that of the names: mode, sync, then name; or mode, then name, and one sync for all.
    for (count, syncs) in [(3, vec![1, 9]), (6, vec![12])] {
        for at in syncs {
            let (quarantine, storage) = quarantine();
            let all = numbered(count);
            let files = (0..)
                .zip(&all)
                .map(|(session, packed)| spooled(&quarantine, session, packed).unwrap());
            let files = files.collect();
            storage.fail_at(at, Fault::Io);
            let received = quarantine.finish_all(files);
            assert!(
                matches!(received[0], Err(QuarantineError::Io { doing: "sync", .. })),
                "{received:?}"
            );
            // Each says of itself what the system said, of whichever of them that was.
            let told =
                |result: &_| matches!(result, Err(QuarantineError::Poisoned { why }) if why.contains(": cannot sync"));
            assert!(received.iter().skip(1).all(told), "{received:?}");
            assert_eq!(everything(&storage, "spool").len(), 0);
        }
    }
}

#[test]
fn one_receipt_that_does_not_fit_leaves_the_whole_group_in_the_spool() {
    let (quarantine, storage) = quarantine();
    let mut ledger = Ledger::new();
    let all = numbered(2);
    let admitted = (0..).zip(&all).map(|(session, packed)| {
        let (spool, id) = spooled(&quarantine, session, packed).unwrap();
        (
            finish(&quarantine, spool, id).unwrap(),
            ledger.append(EventKind::BundleAdmitted, all[0].id),
        )
    });
    let admitted = admitted.collect();
    assert!(matches!(
        quarantine.hold_all(admitted),
        Err(QuarantineError::Receipt { .. })
    ));
    for packed in &all {
        assert_eq!(packed_at(&storage, packed), [Place::Spool]);
    }
}

#[test]
fn the_report_of_another_bundle_is_refused_alone() {
    for count in [3, 9] {
        let (quarantine, storage) = quarantine();
        let mut ledger = Ledger::new();
        let held: Vec<_> = numbered(count)
            .iter()
            .map(|packed| admit(&quarantine, &mut ledger, packed))
            .collect();
        let mut reports: Vec<_> = held.iter().map(|held| changed(&report(held))).collect();
        reports[1] = reports[0].clone();
        let saved = quarantine.save_reports(&held.iter().zip(&reports).collect::<Vec<_>>());
        for (number, saved) in saved.iter().enumerate() {
            assert_eq!(saved.is_ok(), number != 1, "{saved:?}");
        }
        let stored = |number: usize| quarantine.load_report(&held[number].id()).unwrap().unwrap().digest();
        assert_eq!(stored(2), reports[2].digest());
        assert_eq!(stored(1), report(&held[1]).digest(), "the earlier one stays");
        assert_eq!(leftovers(&storage), [""; 0]);
    }
}

#[test]
fn a_temporary_report_that_was_left_is_written_anew() {
    let (quarantine, storage) = quarantine();
    let held = admit(&quarantine, &mut Ledger::new(), &sample());
    let left = format!("reports/.tmp-{}.json", sample().id);
    let how = OpenHow::CreateNew { mode: 0o400 };
    storage
        .open(Path::new(&left), how)
        .unwrap()
        .write_at(&[7; 10_000], 0)
        .unwrap();
    save_report(&quarantine, &held, &changed(&report(&held))).unwrap();
    assert!(quarantine.load_report(&sample().id).unwrap().is_some());
    assert_eq!(leftovers(&storage), [""; 0]);
}
