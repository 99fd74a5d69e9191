//! Each step by itself, and what refuses it.

use std::path::Path;
use std::sync::Arc;

use audit::event::{EventKind, State};
use audit::storage::memory::Fault;
use audit::storage::{MemoryStorage, OpenHow, Storage};
use diode_scanner::content::Content;
use diode_scanner::quarantine::{Place, Quarantine, QuarantineError, VerifyError};
use protocol::wire::SessionId;

use crate::support::*;

fn quarantine() -> (Quarantine, MemoryStorage) {
    let storage = MemoryStorage::new();
    (Quarantine::create(Arc::new(storage.clone())).unwrap(), storage)
}

#[test]
fn a_received_bundle_has_the_bytes_that_were_written() {
    let (quarantine, storage) = quarantine();
    let received = receive(&quarantine, &sample()).unwrap();
    assert_eq!(received.id(), sample().id);
    assert_eq!(packed_at(&storage, &sample()), [Place::Spool]);
    assert_eq!(leftovers(&storage), [""; 0]);
}

#[test]
fn a_packed_bundle_is_read_only() {
    let (quarantine, storage) = quarantine();
    let _received = receive(&quarantine, &sample()).unwrap();
    let path = packed_path(Place::Spool, sample().id);
    assert_eq!(storage.stat(Path::new(&path)).unwrap().unwrap().mode, 0o400);
}

#[test]
fn a_write_up_to_the_end_is_taken_and_one_byte_further_is_not() {
    let (quarantine, _) = quarantine();
    let spool = quarantine.begin(SESSION, 100).unwrap();
    assert!(spool.write_at(90, &[1; 10]).is_ok());
    assert!(matches!(
        spool.write_at(90, &[1; 11]),
        Err(QuarantineError::PastEnd { end: 101, len: 100, .. })
    ));
    assert!(matches!(
        spool.write_at(u64::MAX, &[1]),
        Err(QuarantineError::PastEnd { .. })
    ));
}

#[test]
fn a_session_cannot_have_two_files() {
    let (quarantine, _) = quarantine();
    let _first = quarantine.begin(SESSION, 100).unwrap();
    assert!(matches!(
        quarantine.begin(SESSION, 100),
        Err(QuarantineError::Taken { .. })
    ));
}

#[test]
fn a_discarded_transmission_leaves_nothing() {
    let (quarantine, storage) = quarantine();
    quarantine.begin(SESSION, 100).unwrap().discard();
    assert_eq!(everything(&storage, "spool").len(), 0);
}

#[test]
fn a_file_without_a_bundles_prefix_is_not_received_and_leaves_nothing() {
    let (quarantine, storage) = quarantine();
    let spool = quarantine.begin(SESSION, 100).unwrap();
    spool.write_at(0, &[0; 100]).unwrap();
    assert!(matches!(
        finish(&quarantine, spool, sample().id),
        Err(QuarantineError::Malformed { .. })
    ));
    assert_eq!(everything(&storage, "spool").len(), 0);
}

#[test]
fn a_file_whose_end_was_not_written_is_not_received_and_leaves_nothing() {
    let (quarantine, storage) = quarantine();
    let spool = quarantine.begin(SESSION, 100).unwrap();
    spool.write_at(0, &[0; 99]).unwrap();
    assert!(matches!(
        finish(&quarantine, spool, sample().id),
        Err(QuarantineError::Length {
            expected: 100,
            found: 99,
            ..
        })
    ));
    assert_eq!(everything(&storage, "spool").len(), 0);
}

#[test]
fn a_head_longer_than_the_file_is_not_received() {
    let (quarantine, _) = quarantine();
    let packed = sample();
    let spool = quarantine.begin(SESSION, packed.content_offset as u64 - 1).unwrap();
    spool.write_at(0, &packed.bytes[..packed.content_offset - 1]).unwrap();
    assert!(matches!(
        finish(&quarantine, spool, packed.id),
        Err(QuarantineError::Length { .. })
    ));
}

#[test]
fn the_same_bundle_is_not_received_twice_over_the_first() {
    let (quarantine, storage) = quarantine();
    let _first = receive(&quarantine, &sample()).unwrap();
    assert!(matches!(
        receive(&quarantine, &sample()),
        Err(QuarantineError::Taken { .. })
    ));
    assert_eq!(packed_at(&storage, &sample()), [Place::Spool]);
    assert_eq!(leftovers(&storage), [""; 0]);
}

#[test]
fn what_fits_beside_the_reserve_is_begun_and_one_byte_more_is_not() {
    // The disk in memory has u64::MAX bytes.
    let reserve = u64::MAX - 100;
    let begin = |len| {
        quarantine()
            .0
            .with_reserve(reserve)
            .begin(SESSION, len)
            .map(|spool| spool.file_len())
    };
    assert_eq!(begin(100).unwrap(), 100);
    assert!(matches!(begin(101), Err(QuarantineError::NoRoom { needed: 101, .. })));
}

#[test]
fn room_that_another_transmission_was_promised_is_not_given_twice() {
    let quarantine = quarantine().0.with_reserve(u64::MAX - 100);
    let first = quarantine.begin(SESSION, 60).unwrap();
    let second = || quarantine.begin(SessionId(8), 41).map(|spool| spool.discard());
    assert!(matches!(
        second(),
        Err(QuarantineError::NoRoom {
            needed: 41,
            promised: 60,
            ..
        })
    ));
    // What is written is on the disk, and not promised any more; this disk does not get fuller by it.
    first.write_at(0, &[1; 30]).unwrap();
    assert!(second().is_ok());
}

#[test]
fn a_transmission_that_ends_gives_its_promise_back() {
    let quarantine = quarantine().0.with_reserve(u64::MAX - 100);
    quarantine.begin(SESSION, 100).unwrap().discard();
    assert!(quarantine.begin(SESSION, 100).is_ok());
}

#[test]
fn a_bundle_is_held_once_its_admission_is_logged() {
    let (quarantine, storage) = quarantine();
    let held = admit(&quarantine, &mut Ledger::new(), &sample());
    assert_eq!(held.id(), sample().id);
    assert_eq!(packed_at(&storage, &sample()), [Place::Held]);
}

#[test]
fn the_receipt_of_another_bundle_does_not_admit() {
    let (quarantine, storage) = quarantine();
    let received = receive(&quarantine, &sample()).unwrap();
    let refused = hold(
        &quarantine,
        received,
        Ledger::new().append(EventKind::BundleAdmitted, other().id),
    );
    assert!(matches!(refused, Err(QuarantineError::Receipt { shown_bundle: Some(id), .. }) if id == other().id));
    assert_eq!(packed_at(&storage, &sample()), [Place::Spool]);
}

#[test]
fn the_receipt_of_another_event_does_not_admit() {
    let (quarantine, storage) = quarantine();
    let received = receive(&quarantine, &sample()).unwrap();
    let refused = hold(
        &quarantine,
        received,
        Ledger::new().append(EventKind::BundleRefused, sample().id),
    );
    assert!(matches!(
        refused,
        Err(QuarantineError::Receipt {
            shown: EventKind::BundleRefused,
            ..
        })
    ));
    assert_eq!(packed_at(&storage, &sample()), [Place::Spool]);
}

#[test]
fn a_held_bundle_is_nobody_elses_until_it_is_given_back() {
    let (quarantine, _) = quarantine();
    let held = admit(&quarantine, &mut Ledger::new(), &sample());
    assert!(matches!(
        quarantine.open_held(sample().id),
        Err(QuarantineError::Busy { .. })
    ));
    drop(held);
    assert!(quarantine.open_held(sample().id).is_ok());
}

#[test]
fn a_bundle_that_is_not_held_cannot_be_taken() {
    let (quarantine, _) = quarantine();
    let _received = receive(&quarantine, &sample()).unwrap();
    assert!(matches!(
        quarantine.open_held(sample().id),
        Err(QuarantineError::Absent { .. })
    ));
    // Nor is it busy for that.
    assert!(matches!(
        quarantine.open_held(sample().id),
        Err(QuarantineError::Absent { .. })
    ));
}

#[test]
fn a_held_bundle_shows_its_files_with_their_signed_digests() {
    let (quarantine, _) = quarantine();
    let held = admit(&quarantine, &mut Ledger::new(), &sample());
    let content = held.stored().content().unwrap();
    assert_eq!(content.bundle(), Some(sample().id));
    for (number, (path, bytes, _)) in sample().files.iter().enumerate() {
        let entry = &content.files()[number];
        assert_eq!((&entry.path, entry.size), (path, bytes.len() as u64));
        let mut found = vec![0; bytes.len()];
        assert_eq!(content.read_at(number, 0, &mut found).unwrap(), bytes.len());
        assert_eq!(found, *bytes);
    }
}

#[test]
fn a_held_head_is_verified_as_of_now() {
    let (quarantine, _) = quarantine();
    let held = admit(&quarantine, &mut Ledger::new(), &sample());
    let verify = |now| held.stored().verify(&trust(), RECEIVER, now);
    assert_eq!(verify(NOW).unwrap().author().principal, "alice@lab");
    let later = NOW.plus_millis(31 * 24 * 60 * 60 * 1000);
    let refused = verify(later).unwrap_err();
    assert!(matches!(refused, VerifyError::Refused { refusal, .. } if refusal.code() == "expired"));
}

#[test]
fn a_file_under_another_bundles_name_is_found_out() {
    let (quarantine, storage) = quarantine();
    drop(admit(&quarantine, &mut Ledger::new(), &sample()));
    let (from, to) = (
        packed_path(Place::Held, sample().id),
        packed_path(Place::Held, other().id),
    );
    storage.rename(Path::new(&from), Path::new(&to)).unwrap();
    let held = quarantine.open_held(other().id).unwrap();
    assert!(matches!(held.stored().content(), Err(QuarantineError::OtherBundle { found, .. }) if found == sample().id));
    let verified = held.stored().verify(&trust(), RECEIVER, NOW);
    assert!(matches!(
        verified,
        Err(VerifyError::Unreadable(QuarantineError::OtherBundle { .. }))
    ));
}

#[test]
fn a_file_that_was_cut_is_found_out() {
    let (quarantine, storage) = quarantine();
    let held = admit(&quarantine, &mut Ledger::new(), &sample());
    let path = packed_path(Place::Held, sample().id);
    let file = storage.open(Path::new(&path), OpenHow::Write).unwrap();
    file.set_len(sample().bytes.len() as u64 - 1).unwrap();
    assert!(matches!(held.stored().content(), Err(QuarantineError::Length { .. })));
    file.set_len(10).unwrap();
    assert!(held.stored().content().is_err());
}

#[test]
fn leaves_that_are_as_signed_pass_and_a_changed_one_is_named() {
    let (quarantine, storage) = quarantine();
    let packed = sample();
    let received = receive(&quarantine, &packed).unwrap();
    let head = received.stored().verify(&trust(), RECEIVER, NOW).unwrap();
    assert!(received.check_leaves(&head).is_ok());
    let file = storage
        .open(Path::new(&packed_path(Place::Spool, packed.id)), OpenHow::Write)
        .unwrap();
    file.write_at(b"\0", packed.content_offset as u64 + 2 * 4096).unwrap();
    let checked = received.check_leaves(&head);
    assert!(matches!(
        checked,
        Err(VerifyError::Unreadable(QuarantineError::Leaf { leaf: 2, .. }))
    ));
}

#[test]
fn a_discarded_received_bundle_leaves_nothing() {
    let (quarantine, storage) = quarantine();
    receive(&quarantine, &sample()).unwrap().discard().unwrap();
    assert_eq!(everything(&storage, "spool").len(), 0);
}

#[test]
fn a_rejected_bundle_is_kept_and_not_held_any_more() {
    let (quarantine, storage) = quarantine();
    let mut ledger = Ledger::new();
    let held = admit(&quarantine, &mut ledger, &sample());
    quarantine
        .reject(held, ledger.append(EventKind::BundleRejected, sample().id))
        .unwrap();
    assert_eq!(packed_at(&storage, &sample()), [Place::Rejected]);
    assert!(matches!(
        quarantine.open_held(sample().id),
        Err(QuarantineError::Absent { .. })
    ));
}

#[test]
fn a_receipt_for_something_else_does_not_reject() {
    let (quarantine, storage) = quarantine();
    let mut ledger = Ledger::new();
    let held = admit(&quarantine, &mut ledger, &sample());
    let refused = quarantine.reject(held, ledger.append(EventKind::BundleReleaseDecided, sample().id));
    assert!(matches!(refused, Err(QuarantineError::Receipt { .. })));
    assert_eq!(packed_at(&storage, &sample()), [Place::Held]);
}

#[test]
fn bundles_are_listed_by_where_they_are() {
    let (quarantine, _) = quarantine();
    let mut ledger = Ledger::new();
    let held = admit(&quarantine, &mut ledger, &sample());
    drop(admit(&quarantine, &mut ledger, &other()));
    release(&quarantine, &mut ledger, held).unwrap();
    assert_eq!(quarantine.list(State::Held).unwrap(), [other().id]);
    assert_eq!(quarantine.list(State::Released).unwrap(), [sample().id]);
    assert_eq!(quarantine.list(State::Rejected).unwrap(), []);
}

#[test]
fn a_bundle_is_shown_wherever_it_lies() {
    let (quarantine, _) = quarantine();
    let mut ledger = Ledger::new();
    let place = || quarantine.open_any(sample().id).unwrap().map(|stored| stored.place());
    assert_eq!(place(), None);
    let held = admit(&quarantine, &mut ledger, &sample());
    assert_eq!(place(), Some(Place::Held));
    release(&quarantine, &mut ledger, held).unwrap();
    assert_eq!(place(), Some(Place::Originals));
}

#[test]
fn a_report_reads_back_and_a_later_one_takes_its_place() {
    let (quarantine, _) = quarantine();
    let held = admit(&quarantine, &mut Ledger::new(), &sample());
    let first = quarantine.load_report(&sample().id).unwrap().unwrap();
    let second = changed(&first);
    assert_ne!(first.digest(), second.digest());
    save_report(&quarantine, &held, &second).unwrap();
    assert_eq!(
        quarantine.load_report(&sample().id).unwrap().unwrap().digest(),
        second.digest()
    );
}

#[test]
fn a_bundle_that_was_never_scanned_has_no_report() {
    assert!(quarantine().0.load_report(&sample().id).unwrap().is_none());
}

#[test]
fn the_report_of_another_bundle_is_not_stored() {
    let (quarantine, _) = quarantine();
    let mut ledger = Ledger::new();
    let held = admit(&quarantine, &mut ledger, &sample());
    let wrong = report(&admit(&quarantine, &mut ledger, &other()));
    assert!(matches!(
        save_report(&quarantine, &held, &wrong),
        Err(QuarantineError::OtherReport { .. })
    ));
}

#[test]
fn a_damaged_report_is_an_error() {
    let (quarantine, storage) = quarantine();
    drop(admit(&quarantine, &mut Ledger::new(), &sample()));
    let path = format!("reports/{}.json", sample().id);
    storage
        .open(Path::new(&path), OpenHow::Write)
        .unwrap()
        .write_at(b"\0", 0)
        .unwrap();
    assert!(matches!(
        quarantine.load_report(&sample().id),
        Err(QuarantineError::Report { .. })
    ));
}

#[test]
fn after_a_failed_sync_nothing_more_is_taken() {
    let (quarantine, storage) = quarantine();
    let spool = quarantine.begin(SESSION, sample().bytes.len() as u64).unwrap();
    spool.write_at(0, &sample().bytes).unwrap();
    // The first changing step of `finish` is the mode, the second the sync.
    storage.fail_at(1, Fault::Io);
    assert!(matches!(
        finish(&quarantine, spool, sample().id),
        Err(QuarantineError::Io { doing: "sync", .. })
    ));
    assert!(matches!(
        quarantine.begin(SESSION, 10),
        Err(QuarantineError::Poisoned { .. })
    ));
}

#[test]
fn a_new_start_takes_again_what_a_failed_sync_stopped() {
    let (quarantine, storage) = quarantine();
    let spool = quarantine.begin(SESSION, sample().bytes.len() as u64).unwrap();
    spool.write_at(0, &sample().bytes).unwrap();
    storage.fail_at(1, Fault::Io);
    assert!(finish(&quarantine, spool, sample().id).is_err());
    let again = Quarantine::open(Arc::new(storage)).unwrap();
    assert!(receive(&again, &sample()).is_ok());
}
