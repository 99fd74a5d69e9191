//! The way out, and everything that bars it.

use std::path::Path;
use std::sync::Arc;

use audit::event::EventKind;
use audit::storage::{MemoryStorage, OpenHow, Storage};
use diode_scanner::quarantine::{HeldBundle, Place, Quarantine, QuarantineError, ReleaseError};
use diode_scanner::taint::lower::Here;
use diode_scanner::{Report, Scanner};

use crate::support::*;

fn held() -> (Quarantine, MemoryStorage, Ledger) {
    let storage = MemoryStorage::new();
    let quarantine = Quarantine::create(Arc::new(storage.clone())).unwrap();
    let mut ledger = Ledger::new();
    drop(admit(&quarantine, &mut ledger, &sample()));
    (quarantine, storage, ledger)
}

/// Held as before, and nothing of it outside.
fn assert_still_held(quarantine: &Quarantine, storage: &MemoryStorage) {
    assert_eq!(packed_at(storage, &sample()), [Place::Held]);
    assert_eq!(everything(storage, "released").len(), 0);
    assert!(quarantine.open_held(sample().id).is_ok());
}

/// Changes one byte of the file `main.txt` within the held bundle.
fn tamper(storage: &MemoryStorage, packed: &Packed) {
    let place = packed_path(Place::Held, packed.id);
    let file = storage.open(Path::new(&place), OpenHow::Write).unwrap();
    file.write_at(b"X", packed.bytes.len() as u64 - 100).unwrap();
}

#[test]
fn a_released_bundle_is_its_files_and_its_packed_form_is_kept() {
    let (quarantine, storage, mut ledger) = held();
    let released = release(&quarantine, &mut ledger, quarantine.open_held(sample().id).unwrap()).unwrap();
    assert_eq!(released.path(), Path::new(&format!("released/{}", sample().id)));
    assert!(released.not_moved().is_none());
    assert!(is_released(&storage, &sample()));
    assert_eq!(packed_at(&storage, &sample()), [Place::Originals]);
    assert_eq!(leftovers(&storage), [""; 0]);
}

#[test]
fn a_released_bundle_says_who_signed_it_and_where_it_was_decided() {
    let (quarantine, _, mut ledger) = held();
    let released = release(&quarantine, &mut ledger, quarantine.open_held(sample().id).unwrap()).unwrap();
    assert_eq!(released.author().principal, "alice@lab");
    assert_eq!(released.decided().kind(), EventKind::BundleReleaseDecided);
}

#[test]
fn files_larger_than_the_buffer_are_released_whole() {
    let (quarantine, storage, mut ledger) = held();
    let bytes: Vec<u8> = (0..5 << 19).map(|number: u32| number.to_le_bytes()[1]).collect();
    let large = pack(vec![("large.bin".to_owned(), bytes, false)]);
    let held = admit(&quarantine, &mut ledger, &large);
    release(&quarantine, &mut ledger, held).unwrap();
    assert!(is_released(&storage, &large));
}

#[test]
fn a_bundle_of_very_many_files_is_released_whole_and_durable() {
    let (quarantine, storage, mut ledger) = held();
    let many = many();
    let held = admit(&quarantine, &mut ledger, &many);
    release(&quarantine, &mut ledger, held).unwrap();
    storage.crash(&mut || false);
    assert!(is_released(&storage, &many));
    assert_eq!(packed_at(&storage, &many), [Place::Originals]);
}

#[test]
fn a_file_changed_after_admission_is_not_released() {
    let (quarantine, storage, mut ledger) = held();
    tamper(&storage, &sample());
    let refused = release(&quarantine, &mut ledger, quarantine.open_held(sample().id).unwrap());
    let Err(ReleaseError::Digest { path, .. }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(path.as_str(), "main.txt");
    assert_eq!(everything(&storage, "released").len(), 0);
    assert!(quarantine.open_held(sample().id).is_ok());
}

#[test]
fn a_head_changed_after_admission_is_not_released() {
    let (quarantine, storage, mut ledger) = held();
    let file = storage
        .open(Path::new(&packed_path(Place::Held, sample().id)), OpenHow::Write)
        .unwrap();
    file.write_at(b"AAAA", 100).unwrap();
    let refused = release(&quarantine, &mut ledger, quarantine.open_held(sample().id).unwrap());
    assert!(matches!(refused, Err(ReleaseError::Refused { .. })), "{refused:?}");
    assert_eq!(everything(&storage, "released").len(), 0);
}

#[test]
fn a_bundle_whose_signer_lost_trust_meanwhile_is_not_released() {
    let (quarantine, storage, mut ledger) = held();
    let clearance = clear(&quarantine, sample().id);
    let receipt = ledger.append(EventKind::BundleReleaseDecided, sample().id);
    let held = quarantine.open_held(sample().id).unwrap();
    let refused = quarantine.release(held, &nobody_trusted(), RECEIVER, NOW, clearance, receipt);
    assert_eq!(refused.unwrap_err().code(), "untrusted-signer");
    assert_still_held(&quarantine, &storage);
}

#[test]
fn a_bundle_that_expired_meanwhile_is_not_released() {
    let (quarantine, storage, mut ledger) = held();
    let clearance = clear(&quarantine, sample().id);
    let receipt = ledger.append(EventKind::BundleReleaseDecided, sample().id);
    let held = quarantine.open_held(sample().id).unwrap();
    let later = NOW.plus_millis(31 * 24 * 60 * 60 * 1000);
    let refused = quarantine.release(held, &trust(), RECEIVER, later, clearance, receipt);
    assert_eq!(refused.unwrap_err().code(), "expired");
    assert_still_held(&quarantine, &storage);
}

#[test]
fn the_clearance_of_another_bundle_does_not_release() {
    let (quarantine, storage, mut ledger) = held();
    drop(admit(&quarantine, &mut ledger, &other()));
    let clearance = clear(&quarantine, other().id);
    let receipt = ledger.append(EventKind::BundleReleaseDecided, sample().id);
    let held = quarantine.open_held(sample().id).unwrap();
    let refused = quarantine.release(held, &trust(), RECEIVER, NOW, clearance, receipt);
    assert!(matches!(refused, Err(ReleaseError::Clearance { cleared, .. }) if cleared == other().id));
    assert_still_held(&quarantine, &storage);
}

#[test]
fn the_clearance_of_an_earlier_report_does_not_release() {
    let (quarantine, storage, mut ledger) = held();
    let clearance = clear(&quarantine, sample().id);
    let held = quarantine.open_held(sample().id).unwrap();
    let later = changed(&quarantine.load_report(&sample().id).unwrap().unwrap());
    save_report(&quarantine, &held, &later).unwrap();
    let receipt = ledger.append(EventKind::BundleReleaseDecided, sample().id);
    let refused = quarantine.release(held, &trust(), RECEIVER, NOW, clearance, receipt);
    assert!(matches!(refused, Err(ReleaseError::ReportChanged { .. })));
    assert_still_held(&quarantine, &storage);
}

#[test]
fn the_receipt_of_another_bundle_does_not_release() {
    let (quarantine, storage, mut ledger) = held();
    let receipt = ledger.append(EventKind::BundleReleaseDecided, other().id);
    let held = quarantine.open_held(sample().id).unwrap();
    let clearance = clear(&quarantine, sample().id);
    let refused = quarantine.release(held, &trust(), RECEIVER, NOW, clearance, receipt);
    assert!(matches!(
        refused,
        Err(ReleaseError::Quarantine(QuarantineError::Receipt { .. }))
    ));
    assert_still_held(&quarantine, &storage);
}

#[test]
fn the_receipt_of_an_admission_does_not_release() {
    let (quarantine, storage, mut ledger) = held();
    let receipt = ledger.append(EventKind::BundleAdmitted, sample().id);
    let held = quarantine.open_held(sample().id).unwrap();
    let clearance = clear(&quarantine, sample().id);
    let refused = quarantine.release(held, &trust(), RECEIVER, NOW, clearance, receipt);
    assert!(matches!(
        refused,
        Err(ReleaseError::Quarantine(QuarantineError::Receipt { .. }))
    ));
    assert_still_held(&quarantine, &storage);
}

#[test]
fn what_stands_under_the_final_name_is_never_replaced() {
    let (quarantine, storage, mut ledger) = held();
    let name = format!("released/{}", sample().id);
    storage.create_dir(Path::new(&name), 0o755).unwrap();
    let refused = release(&quarantine, &mut ledger, quarantine.open_held(sample().id).unwrap());
    assert!(matches!(
        refused,
        Err(ReleaseError::Quarantine(QuarantineError::Taken { .. }))
    ));
    assert_eq!(
        everything(&storage, "released").into_keys().collect::<Vec<_>>(),
        [format!("{name}/")]
    );
    assert_eq!(packed_at(&storage, &sample()), [Place::Held]);
}

#[test]
fn a_bundle_that_does_not_fit_beside_the_reserve_is_not_released() {
    let (quarantine, storage, mut ledger) = held();
    let quarantine = quarantine.with_reserve(u64::MAX - 1000);
    let refused = release(&quarantine, &mut ledger, quarantine.open_held(sample().id).unwrap());
    assert!(matches!(
        refused,
        Err(ReleaseError::Quarantine(QuarantineError::NoRoom { .. }))
    ));
    assert_still_held(&quarantine, &storage);
}

#[test]
fn a_tree_left_by_an_earlier_try_does_not_get_into_the_next() {
    let (quarantine, storage, mut ledger) = held();
    let folder = format!("released/.tmp-{}", sample().id);
    storage.create_dir(Path::new(&folder), 0o755).unwrap();
    storage
        .open(
            Path::new(&format!("{folder}/stray")),
            OpenHow::CreateNew { mode: 0o444 },
        )
        .unwrap();
    release(&quarantine, &mut ledger, quarantine.open_held(sample().id).unwrap()).unwrap();
    assert!(is_released(&storage, &sample()));
}

#[test]
fn a_bundle_refused_once_is_released_when_the_reason_is_gone() {
    let (quarantine, storage, mut ledger) = held();
    let clearance = clear(&quarantine, sample().id);
    let receipt = ledger.append(EventKind::BundleReleaseDecided, sample().id);
    let held = quarantine.open_held(sample().id).unwrap();
    assert!(
        quarantine
            .release(held, &nobody_trusted(), RECEIVER, NOW, clearance, receipt)
            .is_err()
    );
    release(&quarantine, &mut ledger, quarantine.open_held(sample().id).unwrap()).unwrap();
    assert!(is_released(&storage, &sample()));
}

#[test]
fn what_the_scanner_finds_nothing_in_and_the_policy_allows_is_released_without_a_person() {
    let (quarantine, storage, mut ledger) = held();
    let held = admit(&quarantine, &mut ledger, &other());
    let report = scan(&held);
    save_report(&quarantine, &held, &report).unwrap();
    let clearance = policy().judge(&report).clear_automatically().unwrap();
    let receipt = ledger.append(EventKind::BundleReleaseDecided, other().id);
    quarantine
        .release(held, &trust(), RECEIVER, NOW, clearance, receipt)
        .unwrap();
    assert!(is_released(&storage, &other()));
}

#[test]
fn a_file_changed_after_admission_is_seen_by_the_scan_and_no_person_can_release_it() {
    let (quarantine, storage, _) = held();
    tamper(&storage, &sample());
    let report = scan(&quarantine.open_held(sample().id).unwrap());
    assert_eq!(report.integrity.len(), 1);
    let decision = policy().judge(&report);
    assert!(decision.clear_automatically().is_none());
    assert!(
        decision
            .clear_by_person(&sample().id, &decision.review_code(&sample().id))
            .is_err()
    );
}

fn scan(held: &HeldBundle) -> Report {
    Scanner::with_default_engines([7; 32], Arc::new(Here)).scan(&held.stored().content().unwrap(), &mut |_| {})
}
