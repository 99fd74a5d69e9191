//! What is kept of incomplete transmissions: who takes it over, and what makes it go.

use std::collections::BTreeMap;
use std::sync::Arc;

use audit::storage::{MemoryStorage, OpenHow, Storage};
use diode_scanner::quarantine::{GaveWay, KeepLimits, Mended, Quarantine, ResumeKey, SpoolFile};
use protocol::digest::Digest;
use protocol::time::UnixMillis;
use protocol::wire::SessionId;

use super::support::{SESSION, sample};

const LEN: u64 = 1000;

fn quarantine(storage: &MemoryStorage) -> Quarantine {
    let limits = KeepLimits {
        bytes: 3 * LEN,
        files: 3,
    };
    Quarantine::create(Arc::new(storage.clone()))
        .unwrap()
        .with_reserve(0)
        .with_keep_limits(limits)
}

fn key(number: u8) -> ResumeKey {
    let digest = Digest([number; 32]);
    format!("{digest}-{digest}").parse().unwrap()
}

fn begin(quarantine: &Quarantine, number: u8) -> SpoolFile {
    quarantine
        .begin_resumable(SessionId(number.into()), key(number), LEN)
        .unwrap()
}

/// Keeps a file of this key, at a time.
fn keep(quarantine: &Quarantine, number: u8, at: u64) {
    let spool = begin(quarantine, number);
    assert!(quarantine.keep(spool, 1, UnixMillis(at)).unwrap());
}

fn kept(quarantine: &Quarantine) -> Vec<ResumeKey> {
    quarantine.kept().iter().map(|kept| kept.key).collect()
}

fn names(storage: &MemoryStorage, folder: &str) -> Vec<String> {
    let entries = storage.list(folder.as_ref()).unwrap().into_iter();
    entries.map(|entry| entry.name.into_string().unwrap()).collect()
}

#[test]
fn what_is_kept_is_taken_over_by_the_same_and_once() {
    let storage = MemoryStorage::new();
    let quarantine = quarantine(&storage);
    let spool = begin(&quarantine, 1);
    spool.write_at(500, b"came").unwrap();
    assert!(quarantine.keep(spool, 1, UnixMillis(1)).unwrap());
    assert!(!begin(&quarantine, 2).was_kept());
    let again = quarantine.begin_resumable(SESSION, key(1), LEN).unwrap();
    let mut bytes = [0; 4];
    assert_eq!(again.read_at(500, &mut bytes).unwrap(), 4);
    assert!(again.was_kept() && bytes == *b"came");
    assert_eq!(kept(&quarantine), []);
    assert!(!begin(&quarantine, 1).was_kept());
}

#[test]
fn a_name_that_is_kept_says_bundle_and_shape_and_is_the_daemons_alone() {
    let storage = MemoryStorage::new();
    keep(&quarantine(&storage), 1, 1);
    assert_eq!(names(&storage, "incomplete"), [format!("{}.part", key(1))]);
    let folder = storage.stat("incomplete".as_ref()).unwrap().unwrap();
    let file = storage.list("incomplete".as_ref()).unwrap().remove(0);
    assert_eq!((folder.mode, file.mode), (0o700, 0o600));
}

#[test]
fn past_the_quota_the_one_without_progress_for_longest_goes() {
    let storage = MemoryStorage::new();
    let quarantine = quarantine(&storage);
    for (number, at) in [(1, 10), (2, 5), (3, 20)] {
        keep(&quarantine, number, at);
    }
    assert!(quarantine.take_forgotten().is_empty());
    keep(&quarantine, 4, 30);
    let [gone] = quarantine.take_forgotten()[..] else {
        panic!()
    };
    assert_eq!((gone.kept.key, gone.why), (key(2), GaveWay::Quota));
    assert_eq!(names(&storage, "incomplete").len(), 3);
}

#[test]
fn a_file_larger_than_the_quota_is_not_kept_and_drives_nothing_out() {
    let storage = MemoryStorage::new();
    let quarantine = quarantine(&storage);
    keep(&quarantine, 1, 1);
    let large = quarantine.begin_resumable(SESSION, key(2), 3 * LEN + 1).unwrap();
    assert!(!quarantine.keep(large, 9, UnixMillis(9)).unwrap());
    assert_eq!(kept(&quarantine), [key(1)]);
    assert_eq!(names(&storage, "spool"), [""; 0]);
}

#[test]
fn of_two_files_of_a_key_the_one_with_more_blocks_stays() {
    let storage = MemoryStorage::new();
    let quarantine = quarantine(&storage);
    for (more_first, marks) in [(true, [b'm', b'l']), (false, [b'l', b'm'])] {
        let sessions = [1, 2].map(|session| quarantine.begin_resumable(SessionId(session), key(1), LEN).unwrap());
        for (at, (spool, mark)) in (0..).zip(sessions.into_iter().zip(marks)) {
            spool.write_at(0, &[mark]).unwrap();
            let blocks = if mark == b'm' { 5 } else { 2 };
            assert!(quarantine.keep(spool, blocks, UnixMillis(at)).unwrap());
        }
        let mut byte = [0];
        let taken = quarantine.begin_resumable(SESSION, key(1), LEN).unwrap();
        taken.read_at(0, &mut byte).unwrap();
        assert_eq!(byte, [b'm'], "the one with more came first: {more_first}");
        taken.discard();
        assert_eq!(names(&storage, "spool"), [""; 0]);
    }
}

#[test]
fn what_is_kept_gives_way_before_a_transmission_is_refused() {
    let storage = MemoryStorage::new();
    let quarantine = quarantine(&storage);
    keep(&quarantine, 1, 1);
    storage.set_free_bytes(LEN - 1);
    assert!(quarantine.begin(SESSION, LEN).is_err());
    let [gone] = quarantine.take_forgotten()[..] else {
        panic!()
    };
    assert_eq!((gone.kept.key, gone.why), (key(1), GaveWay::Room));
    assert_eq!(names(&storage, "incomplete"), [""; 0]);
}

#[test]
fn a_transmission_that_would_not_fit_anyhow_drives_nothing_out() {
    let storage = MemoryStorage::new();
    let quarantine = quarantine(&storage);
    keep(&quarantine, 1, 1);
    keep(&quarantine, 2, 2);
    storage.set_free_bytes(LEN);
    assert!(quarantine.begin(SESSION, 3 * LEN + 1).is_err());
    assert!(quarantine.take_forgotten().is_empty());
    assert_eq!((kept(&quarantine).len(), names(&storage, "incomplete").len()), (2, 2));
}

#[test]
fn what_was_taken_over_and_kept_again_is_not_forgotten_for_its_age_before() {
    let storage = MemoryStorage::new();
    let quarantine = quarantine(&storage);
    keep(&quarantine, 1, 1);
    let before = quarantine.kept();
    keep(&quarantine, 1, 2);
    quarantine.forget(&before[0]).unwrap();
    assert_eq!(
        (kept(&quarantine), names(&storage, "incomplete").len()),
        (vec![key(1)], 1)
    );
}

#[test]
fn what_is_forgotten_is_removed_and_what_is_not_there_is_no_error() {
    let storage = MemoryStorage::new();
    let quarantine = quarantine(&storage);
    keep(&quarantine, 1, 1);
    let kept = quarantine.kept();
    quarantine.forget(&kept[0]).unwrap();
    quarantine.forget(&kept[0]).unwrap();
    assert_eq!(names(&storage, "incomplete"), [""; 0]);
}

#[test]
fn after_a_kill_what_has_a_verified_head_is_kept_and_the_rest_removed() {
    let storage = MemoryStorage::new();
    let first = quarantine(&storage);
    let (with_head, without) = (begin(&first, 1), begin(&first, 2));
    with_head.write_at(0, &sample().bytes[..16]).unwrap();
    without.write_at(600, b"content").unwrap();
    drop((with_head, without));
    let second = quarantine(&storage);
    let recovery = second.recover(&BTreeMap::new()).unwrap();
    assert!(recovery.alarms.is_empty(), "{:?}", recovery.alarms);
    let (session, id) = ("0000000000000001".to_owned(), key(1).bundle());
    assert!(
        recovery.done.contains(&Mended::Kept { session, id }),
        "{:?}",
        recovery.done
    );
    assert_eq!((kept(&second), names(&storage, "spool").len()), (vec![key(1)], 0));
    assert!(begin(&second, 1).was_kept());
}

#[test]
fn a_name_that_is_not_of_our_making_is_reported_and_left() {
    let storage = MemoryStorage::new();
    let quarantine = quarantine(&storage);
    storage
        .open("incomplete/notes.txt".as_ref(), OpenHow::CreateNew { mode: 0o600 })
        .unwrap();
    let recovery = quarantine.recover(&BTreeMap::new()).unwrap();
    assert_eq!(recovery.alarms.len(), 1);
    assert_eq!(names(&storage, "incomplete"), ["notes.txt"]);
}

#[test]
fn what_was_complete_when_its_receiver_died_can_be_gone_on_with() {
    let storage = MemoryStorage::new();
    let first = quarantine(&storage);
    let spool = begin(&first, 1);
    spool.write_at(0, &sample().bytes[..16]).unwrap();
    drop(spool);
    storage
        .set_mode(format!("spool/0000000000000001-{}.part", key(1)).as_ref(), 0o400)
        .unwrap();
    let second = quarantine(&storage);
    let _ = second.recover(&BTreeMap::new()).unwrap();
    let again = begin(&second, 1);
    assert!(again.was_kept());
    again.write_at(10, b"more").unwrap();
}
