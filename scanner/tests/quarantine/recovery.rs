//! What recovery makes of each state that a crash, or somebody, can leave.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use audit::event::EventKind;
use audit::storage::{MemoryStorage, OpenHow, Storage};
use diode_scanner::quarantine::{Alarm, Mended, Place, Quarantine, QuarantineError, Recorded, Recovery, Unfinished};
use protocol::digest::BundleId;

use crate::support::*;

/// A quarantine with one held bundle, and nobody at work.
fn held() -> (Quarantine, MemoryStorage, Ledger) {
    let storage = MemoryStorage::new();
    let quarantine = Quarantine::create(Arc::new(storage.clone())).unwrap();
    let mut ledger = Ledger::new();
    drop(admit(&quarantine, &mut ledger, &sample()));
    (quarantine, storage, ledger)
}

/// The same, released.
fn released() -> (Quarantine, MemoryStorage) {
    let (quarantine, storage, mut ledger) = held();
    release(&quarantine, &mut ledger, quarantine.open_held(sample().id).unwrap()).unwrap();
    (quarantine, storage)
}

fn recover(quarantine: &Quarantine, recorded: Recorded) -> Recovery {
    quarantine.recover(&BTreeMap::from([(sample().id, recorded)])).unwrap()
}

fn rename(storage: &MemoryStorage, from: &str, to: &str) {
    storage.rename(Path::new(from), Path::new(to)).unwrap();
}

fn path(place: Place) -> String {
    packed_path(place, sample().id)
}

fn copy(storage: &MemoryStorage, from: &str, to: &str) {
    let file = storage.open(Path::new(to), OpenHow::CreateNew { mode: 0o400 }).unwrap();
    file.write_at(&read(storage, from).unwrap(), 0).unwrap();
}

fn assert_quiet(recovery: &Recovery) {
    assert_eq!(recovery.alarms, []);
    assert_eq!(recovery.unfinished, []);
    assert!(recovery.received.is_empty());
}

#[test]
fn a_quarantine_in_order_is_left_as_it_is() {
    let (quarantine, storage, _) = held();
    let before = everything(&storage, "held");
    let recovery = recover(&quarantine, Recorded::Held);
    assert_quiet(&recovery);
    assert_eq!(recovery.done, []);
    assert_eq!(everything(&storage, "held"), before);
}

#[test]
fn a_part_of_a_bundle_is_removed() {
    let (quarantine, storage, _) = held();
    drop(quarantine.begin(SESSION, 100).unwrap());
    let recovery = recover(&quarantine, Recorded::Held);
    assert_eq!(
        recovery.done,
        [Mended::Removed {
            path: "spool/0000000000000007.part".into()
        }]
    );
    assert_eq!(leftovers(&storage), [""; 0]);
}

#[test]
fn an_admitted_bundle_that_is_still_in_the_spool_goes_to_held() {
    let (quarantine, storage, _) = held();
    rename(&storage, &path(Place::Held), &path(Place::Spool));
    let recovery = recover(&quarantine, Recorded::Held);
    assert_quiet(&recovery);
    assert_eq!(
        recovery.done,
        [Mended::Moved {
            id: sample().id,
            from: Place::Spool,
            to: Place::Held
        }]
    );
    assert_eq!(packed_at(&storage, &sample()), [Place::Held]);
}

#[test]
fn a_bundle_under_both_names_of_a_move_keeps_the_later_one() {
    let (quarantine, storage, _) = held();
    copy(&storage, &path(Place::Held), &path(Place::Spool));
    let recovery = recover(&quarantine, Recorded::Held);
    assert_eq!(
        recovery.done,
        [Mended::CopyRemoved {
            id: sample().id,
            place: Place::Spool
        }]
    );
    assert_eq!(packed_at(&storage, &sample()), [Place::Held]);
}

#[test]
fn a_complete_bundle_without_a_record_is_handed_out_and_can_be_admitted() {
    let (quarantine, storage, mut ledger) = held();
    drop(receive(&quarantine, &other()).unwrap());
    let mut recovery = recover(&quarantine, Recorded::Held);
    let received = recovery.received.pop().unwrap();
    let head = received.stored().verify(&trust(), RECEIVER, NOW).unwrap();
    received.check_leaves(&head).unwrap();
    let admitted = ledger.append(EventKind::BundleAdmitted, other().id);
    hold(&quarantine, received, admitted).unwrap();
    assert_eq!(packed_at(&storage, &other()), [Place::Held]);
}

#[test]
fn a_rejected_bundle_that_is_still_held_goes_to_rejected() {
    let (quarantine, storage, _) = held();
    let recovery = recover(&quarantine, Recorded::Rejected);
    assert_quiet(&recovery);
    assert_eq!(packed_at(&storage, &sample()), [Place::Rejected]);
}

#[test]
fn a_released_bundle_whose_packed_form_is_still_held_goes_to_originals() {
    let (quarantine, storage) = released();
    rename(&storage, &path(Place::Originals), &path(Place::Held));
    let recovery = recover(&quarantine, Recorded::Released);
    assert_quiet(&recovery);
    assert_eq!(packed_at(&storage, &sample()), [Place::Originals]);
    assert!(is_released(&storage, &sample()));
}

#[test]
fn a_tree_whose_release_the_log_does_not_end_is_to_be_finished() {
    let (quarantine, storage) = released();
    rename(&storage, &path(Place::Originals), &path(Place::Held));
    let recovery = recover(&quarantine, Recorded::ReleaseDecided);
    assert_eq!(recovery.unfinished, [Unfinished::FinishRelease(sample().id)]);
    assert_eq!(packed_at(&storage, &sample()), [Place::Originals]);
    assert!(is_released(&storage, &sample()));
}

#[test]
fn a_tree_that_its_user_took_away_before_the_log_ended_was_released() {
    let (quarantine, storage) = released();
    rename(&storage, &format!("released/{}", sample().id), "elsewhere");
    let recovery = recover(&quarantine, Recorded::ReleaseDecided);
    assert_eq!(recovery.unfinished, [Unfinished::FinishRelease(sample().id)]);
    assert_eq!(recovery.alarms, []);
}

#[test]
fn a_decided_release_of_which_nothing_is_there_is_decided_again() {
    let (quarantine, storage, _) = held();
    let recovery = recover(&quarantine, Recorded::ReleaseDecided);
    assert_eq!(recovery.unfinished, [Unfinished::DecideAgain(sample().id)]);
    assert_eq!(packed_at(&storage, &sample()), [Place::Held]);
}

#[test]
fn an_unfinished_tree_is_removed() {
    let (quarantine, storage) = released();
    let (tree, unfinished) = (
        format!("released/{}", sample().id),
        format!("released/.tmp-{}", sample().id),
    );
    rename(&storage, &tree, &unfinished);
    rename(&storage, &path(Place::Originals), &path(Place::Held));
    let recovery = recover(&quarantine, Recorded::ReleaseDecided);
    assert_eq!(recovery.unfinished, [Unfinished::DecideAgain(sample().id)]);
    assert_eq!(everything(&storage, "released").len(), 0);
}

#[test]
fn a_tree_whose_release_was_cancelled_is_taken_back() {
    let (quarantine, storage) = released();
    rename(&storage, &path(Place::Originals), &path(Place::Held));
    let recovery = recover(&quarantine, Recorded::Held);
    assert_eq!(recovery.done, [Mended::TakenBack { id: sample().id }]);
    assert_quiet(&recovery);
    assert_eq!(everything(&storage, "released").len(), 0);
    assert_eq!(packed_at(&storage, &sample()), [Place::Held]);
}

#[test]
fn a_tree_that_is_the_last_of_its_bundle_is_left_and_reported() {
    let (quarantine, storage) = released();
    storage.remove_file(Path::new(&path(Place::Originals))).unwrap();
    let recovery = recover(&quarantine, Recorded::Held);
    let (id, recorded) = (sample().id, Recorded::Held);
    let path = format!("released/{id}").into();
    assert_eq!(
        recovery.alarms,
        [Alarm::Missing { id, recorded }, Alarm::Misplaced { id, recorded, path }]
    );
    assert!(is_released(&storage, &sample()));
}

#[test]
fn a_record_whose_file_is_nowhere_is_reported() {
    let (quarantine, storage, _) = held();
    storage.remove_file(Path::new(&path(Place::Held))).unwrap();
    for recorded in [Recorded::Held, Recorded::Released, Recorded::Rejected] {
        let recovery = recover(&quarantine, recorded);
        assert_eq!(
            recovery.alarms,
            [Alarm::Missing {
                id: sample().id,
                recorded
            }]
        );
        assert_eq!(recovery.unfinished, []);
    }
}

#[test]
fn a_file_where_no_step_from_its_record_leads_is_left_and_reported() {
    let (quarantine, storage) = released();
    for (recorded, place) in [
        (Recorded::Held, Place::Originals),
        (Recorded::Rejected, Place::Originals),
        (Recorded::Held, Place::Rejected),
        (Recorded::ReleaseDecided, Place::Rejected),
        (Recorded::Released, Place::Rejected),
    ] {
        if place == Place::Rejected && read(&storage, &path(Place::Rejected)).is_none() {
            rename(&storage, &path(Place::Originals), &path(Place::Rejected));
        }
        let recovery = recover(&quarantine, recorded);
        let (id, path) = (sample().id, path(place).into());
        assert_eq!(recovery.alarms, [Alarm::Misplaced { id, recorded, path }]);
        assert_eq!(packed_at(&storage, &sample()), [place]);
        assert!(is_released(&storage, &sample()));
    }
}

#[test]
fn what_the_log_knows_nothing_of_is_left_and_reported() {
    let (quarantine, storage) = released();
    storage
        .open(Path::new("held/notes.txt"), OpenHow::CreateNew { mode: 0o600 })
        .unwrap();
    let recovery = quarantine.recover(&BTreeMap::<BundleId, Recorded>::new()).unwrap();
    let unrecorded = |path: String| Alarm::Unrecorded { path: path.into() };
    let tree = format!("released/{}", sample().id);
    assert_eq!(
        recovery.alarms,
        [
            unrecorded("held/notes.txt".to_owned()),
            unrecorded(path(Place::Originals)),
            unrecorded(tree)
        ]
    );
    assert_eq!(recovery.done, []);
    assert!(read(&storage, "held/notes.txt").is_some());
}

#[test]
fn a_report_that_was_never_complete_is_removed() {
    let (quarantine, storage, _) = held();
    let name = format!("reports/.tmp-{}.json", sample().id);
    storage
        .open(Path::new(&name), OpenHow::CreateNew { mode: 0o400 })
        .unwrap();
    assert_quiet(&recover(&quarantine, Recorded::Held));
    assert_eq!(leftovers(&storage), [""; 0]);
}

#[test]
fn a_mode_that_a_crash_forgot_is_set_again() {
    let (quarantine, storage, _) = held();
    storage.set_mode(Path::new(&path(Place::Held)), 0o600).unwrap();
    let recovery = recover(&quarantine, Recorded::Held);
    assert_eq!(
        recovery.done,
        [Mended::MadeReadOnly {
            path: path(Place::Held).into()
        }]
    );
    assert_eq!(
        storage.stat(Path::new(&path(Place::Held))).unwrap().unwrap().mode,
        0o400
    );
}

#[test]
fn recovery_waits_for_nobody_and_disturbs_nobody() {
    let (quarantine, _, _) = held();
    let states = BTreeMap::from([(sample().id, Recorded::Held)]);
    let spool = quarantine.begin(SESSION, 100).unwrap();
    assert!(matches!(quarantine.recover(&states), Err(QuarantineError::AtWork)));
    // Whoever still writes to it holds its room.
    spool.discard();
    assert!(matches!(quarantine.recover(&states), Err(QuarantineError::AtWork)));
    drop(spool);
    let taken = quarantine.open_held(sample().id).unwrap();
    assert!(matches!(quarantine.recover(&states), Err(QuarantineError::AtWork)));
    drop(taken);
    assert!(quarantine.recover(&states).is_ok());
}

#[test]
fn entries_move_a_bundle_as_their_names_say() {
    let moves = EventKind::ALL
        .iter()
        .filter_map(|kind| Some((kind.as_str(), Recorded::by(*kind)?)));
    assert_eq!(
        moves.collect::<Vec<_>>(),
        [
            ("bundle.admitted", Recorded::Held),
            ("bundle.release_decided", Recorded::ReleaseDecided),
            ("bundle.released", Recorded::Released),
            ("bundle.release_cancelled", Recorded::Held),
            ("bundle.rejected", Recorded::Rejected),
            ("bundle.waiting", Recorded::Waiting),
            ("bundle.evidence", Recorded::Evidence),
        ]
    );
}
