//! The log as its users see it, over crashes and faults.

use super::*;
use crate::storage::memory::Fault;
use crate::storage::{MemoryStorage, OpenHow};

pub(super) fn key() -> SigningKey {
    SigningKey::from_seed([42; 32])
}

pub(super) fn at(seconds: u64) -> UnixMillis {
    UnixMillis(1_795_340_467_000 + seconds * 1000)
}

pub(super) fn event(number: u64) -> Event {
    Event {
        seq: Some(number),
        ..Event::new(EventKind::BundleRefused, at(number))
    }
}

pub(super) fn events(numbers: std::ops::Range<u64>) -> Vec<Event> {
    numbers.map(event).collect()
}

pub(super) fn create(storage: &MemoryStorage) -> Log {
    Log::create(Arc::new(storage.clone()), "plant-7/audit", key(), at(0)).unwrap()
}

pub(super) fn open(storage: &MemoryStorage) -> Result<(Log, Recovery), LogError> {
    Log::open(Arc::new(storage.clone()), key(), at(9_999))
}

pub(super) fn append(log: &mut Log, numbers: std::ops::Range<u64>) {
    for receipt in log.append(&events(numbers)).unwrap() {
        drop(receipt);
    }
}

/// The sequence numbers in the log, without the entry of its creation.
pub(super) fn numbers(log: &Log) -> Vec<u64> {
    log.entries(1)
        .map(|entry| entry.unwrap().1)
        .filter_map(|event| event.seq)
        .collect()
}

pub(super) fn read(storage: &MemoryStorage, path: &str) -> Vec<u8> {
    storage
        .open(Path::new(path), OpenHow::Read)
        .unwrap()
        .read_all(1 << 30)
        .unwrap()
}

pub(super) fn overwrite(storage: &MemoryStorage, path: &str, bytes: &[u8]) {
    let file = storage.open(Path::new(path), OpenHow::Write).unwrap();
    file.set_len(0).unwrap();
    file.write_at(bytes, 0).unwrap();
}

/// Every published file with its bytes.
pub(super) fn published(storage: &MemoryStorage) -> Vec<(String, Vec<u8>)> {
    let mut files = vec![(CHECKPOINT.to_owned(), read(storage, CHECKPOINT))];
    let mut folders = vec![TILE_DIR.to_owned()];
    while let Some(folder) = folders.pop() {
        for found in storage.list(Path::new(&folder)).unwrap() {
            let path = format!("{folder}/{}", found.name.to_str().unwrap());
            match found.kind {
                crate::storage::EntryKind::Dir => folders.push(path),
                _ => files.push((path.clone(), read(storage, &path))),
            }
        }
    }
    files.sort();
    files
}

pub(super) fn verify_ok(storage: &MemoryStorage) -> Verified {
    let vkey = Vkey::new("plant-7/audit", key().public()).unwrap().to_string();
    verify(storage, &vkey).unwrap()
}

#[test]
fn a_receipt_names_place_kind_and_bundle_of_its_entry() {
    let storage = MemoryStorage::new();
    let mut log = create(&storage);
    let bundle = BundleId(Digest([7; 32]));
    let admitted = Event {
        bundle: Some(bundle),
        ..Event::new(EventKind::BundleAdmitted, at(1))
    };
    let receipts = log.append(&[event(1), admitted]).unwrap();
    assert_eq!(
        (receipts[1].index(), receipts[1].kind(), receipts[1].bundle()),
        (2, EventKind::BundleAdmitted, Some(bundle))
    );
}

#[test]
fn a_new_log_has_its_creation_as_first_entry_and_verifies() {
    let storage = MemoryStorage::new();
    let log = create(&storage);
    let (_, first) = log.entries(0).next().unwrap().unwrap();
    assert_eq!(
        (first.event, first.detail),
        (EventKind::LogCreated, Some(log.vkey().to_string()))
    );
    assert_eq!(verify_ok(&storage).size, 1);
}

#[test]
fn a_folder_with_a_log_is_not_made_one_again() {
    let storage = MemoryStorage::new();
    drop(create(&storage));
    let again = Log::create(Arc::new(storage), "plant-7/audit", key(), at(0));
    assert!(matches!(again, Err(LogError::Exists { found: VKEY })));
}

#[test]
fn a_log_has_one_writer() {
    let storage = MemoryStorage::new();
    let log = create(&storage);
    assert!(matches!(open(&storage), Err(LogError::Locked)));
    drop(log);
    assert!(open(&storage).is_ok());
}

#[test]
fn another_key_does_not_open_the_log() {
    let storage = MemoryStorage::new();
    drop(create(&storage));
    let error = Log::open(Arc::new(storage), SigningKey::from_seed([1; 32]), at(0)).unwrap_err();
    assert!(matches!(error, LogError::WrongKey { .. }), "{error}");
}

#[test]
fn a_folder_without_a_log_is_said_to_be_none() {
    assert!(matches!(
        open(&MemoryStorage::new()),
        Err(LogError::NotALog { missing: VKEY })
    ));
}

#[test]
fn entries_come_back_from_tiles_and_from_the_write_ahead_log() {
    let storage = MemoryStorage::new();
    let mut log = create(&storage);
    append(&mut log, 1..600);
    log.publish().unwrap();
    append(&mut log, 600..700);
    assert_eq!(numbers(&log), (1..700).collect::<Vec<_>>());
    let late: Vec<_> = log.entries(598).map(|entry| entry.unwrap().0).collect();
    assert_eq!(late, (598..700).collect::<Vec<_>>());
}

#[test]
fn an_entry_changed_on_disk_is_not_handed_out() {
    let storage = MemoryStorage::new();
    let mut log = create(&storage);
    append(&mut log, 1..600);
    log.publish().unwrap();
    let mut bundle = read(&storage, "tile/entries/000");
    let digit = bundle.iter().rposition(|byte| *byte == b'5').unwrap();
    bundle[digit] = b'6';
    overwrite(&storage, "tile/entries/000", &bundle);
    let error = log.entries(0).find_map(Result::err).unwrap();
    assert!(
        matches!(&error, LogError::Entry { file, .. } if file == "tile/entries/000"),
        "{error}"
    );
}

#[test]
fn an_unpublished_entry_is_not_shown_to_readers() {
    let storage = MemoryStorage::new();
    let mut log = create(&storage);
    append(&mut log, 1..3);
    let reader = LogReader::open(Arc::new(storage.clone())).unwrap();
    assert_eq!(reader.size().unwrap(), 1);
    log.publish().unwrap();
    assert_eq!(reader.read(1, 10).unwrap(), [(1, event(1)), (2, event(2))]);
}

#[test]
fn a_reader_reads_pieces_of_any_size_across_bundles() {
    let storage = MemoryStorage::new();
    let mut log = create(&storage);
    append(&mut log, 1..600);
    log.publish().unwrap();
    let reader = LogReader::open(Arc::new(storage)).unwrap();
    let piece: Vec<_> = reader
        .read(250, 300)
        .unwrap()
        .into_iter()
        .map(|(index, _)| index)
        .collect();
    assert_eq!(piece, (250..550).collect::<Vec<_>>());
    assert_eq!(reader.read(599, 10).unwrap().len(), 1);
    assert_eq!(reader.read(600, 10).unwrap(), []);
}

#[test]
fn publishing_again_without_news_writes_nothing() {
    let storage = MemoryStorage::new();
    let mut log = create(&storage);
    append(&mut log, 1..5);
    let first = log.publish().unwrap();
    let before = storage.operations();
    assert_eq!(log.publish().unwrap(), first);
    assert_eq!(storage.operations(), before);
}

#[test]
fn appending_a_group_is_one_write_and_one_sync() {
    let storage = MemoryStorage::new();
    let mut log = create(&storage);
    append(&mut log, 1..2);
    let before = storage.operations();
    append(&mut log, 2..50);
    assert_eq!(storage.operations() - before, 2);
}

#[test]
fn partial_tiles_go_once_their_full_tile_is_there() {
    let storage = MemoryStorage::new();
    let mut log = create(&storage);
    for from in (1..300).step_by(50) {
        append(&mut log, from..from + 50);
        log.publish().unwrap();
    }
    let names: Vec<_> = published(&storage).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "checkpoint",
            "tile/0/000",
            "tile/0/001.p/45",
            "tile/1/000.p/1",
            "tile/entries/000",
            "tile/entries/001.p/45",
        ]
    );
}

#[test]
fn a_reopened_log_is_the_same_and_publishes_the_same_bytes() {
    let storage = MemoryStorage::new();
    let mut log = create(&storage);
    append(&mut log, 1..600);
    log.publish().unwrap();
    let before = published(&storage);
    drop(log);
    let (mut log, recovery) = open(&storage).unwrap();
    assert_eq!(
        recovery,
        Recovery {
            unpublished: 0,
            torn_bytes: 0
        }
    );
    log.publish().unwrap();
    assert!(published(&storage) == before);
    assert_eq!(log.newest_time(), Some(at(599)));
}

#[test]
fn a_crash_between_append_and_publish_changes_no_published_byte() {
    let (calm, crashed) = (MemoryStorage::new(), MemoryStorage::new());
    for (storage, crash) in [(&calm, false), (&crashed, true)] {
        let mut log = create(storage);
        append(&mut log, 1..300);
        log.publish().unwrap();
        append(&mut log, 300..600);
        if crash {
            drop(log);
            storage.crash(&mut || false);
            log = open(storage).unwrap().0;
        }
        log.publish().unwrap();
    }
    assert!(published(&crashed) == published(&calm));
}

#[test]
fn a_torn_group_is_cut_and_the_log_says_so() {
    let storage = MemoryStorage::new();
    let mut log = create(&storage);
    append(&mut log, 1..3);
    append(&mut log, 3..5);
    drop(log);
    let segment = format!("{WAL_DIR}/{:020}", 0);
    let bytes = read(&storage, &segment);
    overwrite(&storage, &segment, &bytes[..bytes.len() - 1]);
    let (log, recovery) = open(&storage).unwrap();
    assert!(recovery.torn_bytes > 0);
    assert_eq!(numbers(&log), [1, 2]);
    let (index, last) = log.entries(3).next().unwrap().unwrap();
    assert_eq!((index, last.event, last.time), (3, EventKind::LogRecovered, at(9_999)));
}

#[test]
fn a_clock_that_was_put_back_does_not_date_a_recovery_before_the_entries() {
    let storage = MemoryStorage::new();
    let mut log = create(&storage);
    append(&mut log, 1..3);
    storage.cut_power_at(0);
    assert!(log.append(&events(3..30)).is_err());
    drop(log);
    let mut asked = 0;
    storage.crash(&mut || {
        asked += 1;
        asked % 2 == 0
    });
    let (log, recovery) = Log::open(Arc::new(storage), key(), at(0)).unwrap();
    assert!(recovery.torn_bytes > 0);
    let times: Vec<_> = log.entries(0).map(|entry| entry.unwrap().1.time).collect();
    assert!(times.is_sorted(), "{times:?}");
}

#[test]
fn a_log_that_ends_with_a_bundle_knows_its_newest_time() {
    let storage = MemoryStorage::new();
    let mut log = create(&storage);
    append(&mut log, 1..TILE_WIDTH);
    log.publish().unwrap();
    drop(log);
    let (log, _) = open(&storage).unwrap();
    assert_eq!((log.size(), log.newest_time()), (TILE_WIDTH, Some(at(TILE_WIDTH - 1))));
}

#[test]
fn a_last_group_cut_at_any_byte_opens_to_what_was_acknowledged() {
    let storage = MemoryStorage::new();
    let mut log = create(&storage);
    append(&mut log, 1..3);
    let segment = format!("{WAL_DIR}/{:020}", 0);
    let acknowledged = read(&storage, &segment).len();
    append(&mut log, 3..5);
    drop(log);
    let all = read(&storage, &segment);
    for len in acknowledged..all.len() {
        overwrite(&storage, &segment, &all[..len]);
        let (mut log, recovery) = open(&storage).unwrap();
        assert_eq!(numbers(&log), [1, 2], "{len} bytes");
        assert_eq!(recovery.torn_bytes, (len - acknowledged) as u64);
        append(&mut log, 3..4);
        assert_eq!(numbers(&log), [1, 2, 3], "{len} bytes");
    }
}

#[test]
fn after_a_failed_sync_the_log_takes_nothing_more() {
    let storage = MemoryStorage::new();
    let mut log = create(&storage);
    storage.fail_at(1, Fault::Io);
    assert!(log.append(&events(1..2)).is_err());
    assert!(log.is_poisoned());
    assert!(matches!(log.append(&events(1..2)), Err(LogError::Poisoned { .. })));
    assert!(matches!(log.publish(), Err(LogError::Poisoned { .. })));
}

#[test]
fn a_group_of_a_failed_sync_that_a_restart_finds_is_made_durable_anew() {
    let storage = MemoryStorage::new();
    let mut log = create(&storage);
    storage.fail_at(1, Fault::Io);
    assert!(log.append(&events(1..2)).is_err());
    drop(log);
    storage.restart();
    drop(open(&storage).unwrap());
    storage.crash(&mut || false);
    assert_eq!(numbers(&open(&storage).unwrap().0), [1]);
}

#[test]
fn a_full_disk_refuses_the_group_and_the_next_one_is_taken() {
    let storage = MemoryStorage::new();
    let mut log = create(&storage);
    storage.fail_at(0, Fault::Full);
    assert!(log.append(&events(1..2)).is_err());
    append(&mut log, 2..3);
    assert_eq!(numbers(&log), [2]);
}

#[test]
fn a_disk_full_while_publishing_can_be_tried_again_unless_a_sync_failed() {
    let calm = MemoryStorage::new();
    let mut log = create(&calm);
    append(&mut log, 1..300);
    let before = calm.operations();
    log.publish().unwrap();
    let mut tried_again = 0;
    for step in 0..calm.operations() - before {
        let storage = MemoryStorage::new();
        let mut log = create(&storage);
        append(&mut log, 1..300);
        storage.fail_at(step, Fault::Full);
        let first = log.publish();
        match log.publish() {
            Err(LogError::Poisoned { .. }) => assert!(first.is_err(), "step {step}"),
            other => {
                other.unwrap();
                let there = published(&storage);
                // A partial tile whose removal failed may be there besides.
                assert!(published(&calm).iter().all(|file| there.contains(file)), "step {step}");
                tried_again += u32::from(first.is_err());
            }
        }
    }
    assert!(tried_again > 10, "{tried_again}");
}

#[test]
fn a_tile_with_other_bytes_is_never_replaced() {
    let storage = MemoryStorage::new();
    let mut log = create(&storage);
    append(&mut log, 1..300);
    write_new_durable(&storage, Path::new("tile/entries/000"), b"other", 0o644).unwrap();
    let error = log.publish().unwrap_err();
    assert!(
        matches!(&error, LogError::Conflict { file } if file == "tile/entries/000"),
        "{error}"
    );
    assert!(matches!(log.append(&events(1..2)), Err(LogError::Poisoned { .. })));
    assert_eq!(read(&storage, "tile/entries/000"), b"other");
}

/// A published log, and its files as they were some entries earlier.
fn two_times() -> (MemoryStorage, Vec<(String, Vec<u8>)>) {
    let storage = MemoryStorage::new();
    let mut log = create(&storage);
    append(&mut log, 1..10);
    log.publish().unwrap();
    let files = [CHECKPOINT, files::HIGH_WATER, &format!("{WAL_DIR}/{:020}", 0)];
    let early = files.map(|name| (name.to_owned(), read(&storage, name))).to_vec();
    append(&mut log, 10..20);
    log.publish().unwrap();
    (storage, early)
}

fn rolled_back(storage: &MemoryStorage, early: &[(String, Vec<u8>)]) -> String {
    for (name, bytes) in early {
        overwrite(storage, name, bytes);
    }
    match open(storage) {
        Err(error @ LogError::RolledBack { .. }) => error.to_string(),
        other => panic!("opened, or failed otherwise: {other:?}"),
    }
}

#[test]
fn a_checkpoint_and_write_ahead_log_older_than_the_mark_are_refused() {
    let (storage, early) = two_times();
    let said = rolled_back(&storage, &[early[0].clone(), early[2].clone()]);
    assert!(
        said.contains("the high-water mark says that 20 entries were published, and there are 10"),
        "{said}"
    );
}

#[test]
fn a_write_ahead_log_older_than_the_checkpoint_is_refused() {
    let (storage, early) = two_times();
    let said = rolled_back(&storage, &[early[2].clone()]);
    assert!(said.contains("ends after 10"), "{said}");
}

#[test]
fn a_mark_older_than_the_checkpoint_is_refused() {
    let (storage, early) = two_times();
    let said = rolled_back(&storage, &[early[1].clone()]);
    assert!(
        said.contains("the high-water mark, which is written first, 10"),
        "{said}"
    );
}

#[test]
fn a_checkpoint_alone_that_is_older_is_caught_up_from_the_write_ahead_log() {
    let (storage, early) = two_times();
    let newest = read(&storage, CHECKPOINT);
    overwrite(&storage, CHECKPOINT, &early[0].1);
    let (mut log, recovery) = open(&storage).unwrap();
    assert_eq!(recovery.unpublished, 10);
    log.publish().unwrap();
    assert_eq!(read(&storage, CHECKPOINT), newest);
}

#[test]
fn a_missing_mark_is_refused() {
    let (storage, _) = two_times();
    storage.remove_file(Path::new(files::HIGH_WATER)).unwrap();
    assert!(matches!(open(&storage), Err(LogError::RolledBack { .. })));
}

#[test]
fn a_whole_folder_rolled_back_is_found_by_a_checkpoint_kept_elsewhere() {
    let (storage, early) = two_times();
    let kept = String::from_utf8(read(&storage, CHECKPOINT)).unwrap();
    for (name, bytes) in &early {
        overwrite(&storage, name, bytes);
    }
    let (log, _) = open(&storage).unwrap();
    assert!(matches!(log.check_against(&kept), Err(LogError::RolledBack { .. })));
    log.check_against(str::from_utf8(&early[0].1).unwrap()).unwrap();
}

#[test]
fn a_checkpoint_of_any_earlier_size_is_still_held() {
    let storage = MemoryStorage::new();
    let mut log = create(&storage);
    let mut kept = Vec::new();
    for from in (1..700).step_by(100) {
        append(&mut log, from..from + 100);
        kept.push(log.publish().unwrap());
    }
    append(&mut log, 701..703);
    for checkpoint in kept {
        log.check_against(checkpoint.note()).unwrap();
    }
}

#[test]
fn a_tile_at_the_right_edge_that_was_changed_is_found_at_the_start() {
    let storage = MemoryStorage::new();
    let mut log = create(&storage);
    append(&mut log, 1..600);
    log.publish().unwrap();
    drop(log);
    let mut tile = read(&storage, "tile/1/000.p/2");
    tile[40] ^= 1;
    overwrite(&storage, "tile/1/000.p/2", &tile);
    assert!(matches!(open(&storage), Err(LogError::Root { .. })));
}

#[test]
fn a_log_of_another_write_ahead_log_is_refused() {
    let (ours, theirs) = (MemoryStorage::new(), MemoryStorage::new());
    let mut log = create(&ours);
    append(&mut log, 1..10);
    log.publish().unwrap();
    drop(log);
    let mut other = create(&theirs);
    append(&mut other, 11..20);
    let segment = format!("{WAL_DIR}/{:020}", 0);
    overwrite(&ours, &segment, &read(&theirs, &segment));
    let error = open(&ours).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("entry 1 of the write-ahead log is not the one published"),
        "{error}"
    );
}
