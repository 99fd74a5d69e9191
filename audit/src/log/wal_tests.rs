//! The write-ahead log at every cut and flip of its bytes.

use super::*;
use crate::storage::MemoryStorage;
use crate::storage::memory::Fault;

fn storage() -> MemoryStorage {
    let storage = MemoryStorage::new();
    storage.create_dir(Path::new(".state"), 0o700).unwrap();
    storage.create_dir(Path::new(WAL_DIR), 0o700).unwrap();
    storage.create_dir(Path::new(TEMPORARY_DIR), 0o700).unwrap();
    storage.sync_fs().unwrap();
    storage
}

fn entries(names: &[&str]) -> Vec<Vec<u8>> {
    names.iter().map(|name| name.as_bytes().to_vec()).collect()
}

/// Three groups: entries a b | c | d e.
fn written() -> (MemoryStorage, Wal) {
    let storage = storage();
    let mut wal = Wal::new();
    wal.append(&storage, 0, &entries(&["a", "b"]), false).unwrap();
    wal.append(&storage, 2, &entries(&["c"]), false).unwrap();
    wal.append(&storage, 3, &entries(&["d", "e"]), false).unwrap();
    (storage, wal)
}

fn read(storage: &MemoryStorage) -> Result<(Vec<String>, Scan), LogError> {
    let mut found = Vec::new();
    let scan = scan(storage, &mut |group| {
        found.extend(group.entries.into_iter().map(|entry| String::from_utf8(entry).unwrap()));
        Ok(())
    })?;
    Ok((found, scan))
}

fn bytes(storage: &MemoryStorage) -> Vec<u8> {
    storage
        .open(&segment_path(0), OpenHow::Read)
        .unwrap()
        .read_all(1 << 30)
        .unwrap()
}

/// The same folder with other bytes in its segment.
fn with_bytes(bytes: &[u8]) -> MemoryStorage {
    let storage = storage();
    let file = storage
        .open(&segment_path(0), OpenHow::CreateNew { mode: 0o600 })
        .unwrap();
    file.write_at(bytes, 0).unwrap();
    storage
}

fn group_len(entries: &[Vec<u8>]) -> usize {
    emit(0, entries, &Digest([0; 32])).unwrap().0.len()
}

#[test]
fn groups_read_back_in_order() {
    let (storage, _) = written();
    let (found, scan) = read(&storage).unwrap();
    assert_eq!(found, ["a", "b", "c", "d", "e"]);
    assert_eq!((scan.first, scan.end, scan.torn()), (Some(0), 5, 0));
}

#[test]
fn a_group_is_the_documented_bytes() {
    let (group, hash) = emit(7, &entries(&["ab"]), &Digest([5; 32])).unwrap();
    let mut expected = b"\xFFdwal/1\xFF".to_vec();
    expected.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 4]);
    expected.extend_from_slice(&[5; 32]);
    let records = [0, 2, b'a', b'b'];
    assert_eq!(hash, Digest::of(&[expected.as_slice(), &records].concat()));
    expected.extend_from_slice(&hash.0);
    expected.extend_from_slice(&records);
    assert_eq!(group, expected);
}

#[test]
fn a_last_group_cut_at_any_byte_is_torn_and_the_rest_stands() {
    let (storage, _) = written();
    let all = bytes(&storage);
    let last = all.len() - group_len(&entries(&["d", "e"]));
    for len in last + 1..all.len() {
        let (found, scan) = read(&with_bytes(&all[..len])).unwrap();
        assert_eq!(found, ["a", "b", "c"], "{len} bytes");
        assert_eq!(scan.torn(), (len - last) as u64);
    }
}

#[test]
fn a_last_group_with_any_bit_flipped_is_torn_and_the_rest_stands() {
    let (storage, _) = written();
    let all = bytes(&storage);
    let last = all.len() - group_len(&entries(&["d", "e"]));
    for bit in last * 8..all.len() * 8 {
        let mut changed = all.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(read(&with_bytes(&changed)).unwrap().0, ["a", "b", "c"], "bit {bit}");
    }
}

#[test]
fn an_earlier_group_with_any_bit_flipped_is_damage() {
    let (storage, _) = written();
    let all = bytes(&storage);
    let last = all.len() - group_len(&entries(&["d", "e"]));
    for bit in 0..last * 8 {
        let mut changed = all.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(
            matches!(read(&with_bytes(&changed)), Err(LogError::Wal { .. })),
            "bit {bit}"
        );
    }
}

#[test]
fn a_group_taken_out_of_the_middle_is_damage() {
    let (storage, _) = written();
    let mut all = bytes(&storage);
    let first = group_len(&entries(&["a", "b"]));
    all.drain(first..first + group_len(&entries(&["c"])));
    let error = read(&with_bytes(&all)).unwrap_err();
    assert!(error.to_string().contains("does not follow"), "{error}");
}

#[test]
fn a_torn_group_may_leave_zeros_of_any_length() {
    let (storage, _) = written();
    let mut all = bytes(&storage);
    all.extend_from_slice(&[0; 10_000]);
    assert_eq!(read(&with_bytes(&all)).unwrap().1.torn(), 10_000);
}

#[test]
fn an_entry_cannot_pose_as_a_later_group() {
    // Entries are JSON text, and no text has the magic's bytes; this one does, within a torn group, and is whole
    // itself.
    let (inner, _) = emit(9, &entries(&["x"]), &Digest([0; 32])).unwrap();
    assert!(str::from_utf8(&inner).is_err(), "a valid group is never text");
}

#[test]
fn a_resumed_log_goes_on_after_the_cut() {
    let (storage, _) = written();
    let all = bytes(&storage);
    let storage = with_bytes(&all[..all.len() - 1]);
    let scanned = read(&storage).unwrap().1;
    let mut wal = resume(&storage, &scanned, 0).unwrap();
    wal.append(&storage, 3, &entries(&["f"]), false).unwrap();
    let (found, scan) = read(&storage).unwrap();
    assert_eq!((found.join(""), scan.torn()), ("abcf".to_owned(), 0));
}

#[test]
fn a_full_disk_leaves_no_trace_of_the_group() {
    let (storage, mut wal) = written();
    storage.fail_at(0, Fault::Full);
    let failed = wal.append(&storage, 5, &[vec![b'x'; 500]], false);
    assert!(matches!(failed, Err(Failure::Clean(_))));
    wal.append(&storage, 5, &entries(&["f"]), false).unwrap();
    storage.crash(&mut || false);
    let (found, scan) = read(&storage).unwrap();
    assert_eq!((found.join(""), scan.torn()), ("abcdef".to_owned(), 0));
}

#[test]
fn a_failed_sync_is_fatal() {
    let (storage, mut wal) = written();
    storage.fail_at(1, Fault::Io);
    assert!(matches!(
        wal.append(&storage, 5, &entries(&["f"]), false),
        Err(Failure::Fatal(_))
    ));
}

#[test]
fn a_published_segment_over_its_length_is_left_behind() {
    let (storage, mut wal) = written();
    let large = vec![vec![b'x'; 16_000]; SEGMENT_LEN as usize / 16_000 + 1];
    wal.append(&storage, 5, &large, false).unwrap();
    let next = 5 + large.len() as u64;
    wal.append(&storage, next, &entries(&["not yet"]), false).unwrap();
    assert_eq!(read(&storage).unwrap().1.segments.len(), 1);
    wal.append(&storage, next + 1, &entries(&["now"]), true).unwrap();
    let (found, scan) = read(&storage).unwrap();
    assert_eq!(found, ["now"]);
    assert_eq!(scan.segments[0].path, segment_path(next + 1));
}

#[test]
fn a_segment_whose_creation_failed_is_not_in_the_way_of_the_next_try() {
    let (storage, mut wal) = written();
    let large = vec![vec![b'x'; 16_000]; SEGMENT_LEN as usize / 16_000 + 1];
    wal.append(&storage, 5, &large, false).unwrap();
    let next = 5 + large.len() as u64;
    storage.fail_at(1, Fault::Full);
    assert!(matches!(
        wal.append(&storage, next, &entries(&["f"]), true),
        Err(Failure::Clean(_))
    ));
    wal.append(&storage, next, &entries(&["f"]), true).unwrap();
    assert_eq!(read(&storage).unwrap().0, ["f"]);
}

#[test]
fn a_segment_under_another_name_is_damage() {
    let (storage, _) = written();
    storage.rename(&segment_path(0), &segment_path(1)).unwrap();
    let error = read(&storage).unwrap_err();
    assert!(
        error.to_string().contains("the name is not its first entry's"),
        "{error}"
    );
}

#[test]
fn a_group_over_the_limit_is_refused_before_anything_is_written() {
    let (storage, mut wal) = written();
    let before = storage.operations();
    let large = vec![vec![b'x'; 16_000]; MAX_GROUP_LEN / 16_000 + 1];
    assert!(matches!(
        wal.append(&storage, 5, &large, false),
        Err(Failure::Clean(LogError::TooLarge { .. }))
    ));
    assert_eq!(storage.operations(), before);
}

#[test]
fn on_a_full_disk_a_segment_is_made_durable_in_its_place_and_a_torn_group_goes() {
    let (storage, wal) = written();
    drop(wal);
    let whole = bytes(&storage);
    let torn = storage.open(&segment_path(0), OpenHow::Write).unwrap();
    torn.write_at(b"torn", whole.len() as u64).unwrap();
    storage.set_capacity(0);
    let (_, found) = read(&storage).unwrap();
    assert_eq!(found.torn(), 4);
    let mut wal = resume(&storage, &found, 0).unwrap();
    assert_eq!(only_segment(&storage), whole);
    assert!(storage.list(Path::new(TEMPORARY_DIR)).unwrap().is_empty());
    let refused = wal.append(&storage, 5, &entries(&["f"]), false).unwrap_err();
    assert!(matches!(refused, Failure::Clean(error) if error.is_full()));
    storage.crash(&mut || false);
    assert_eq!(only_segment(&storage), whole, "all of it was synced");
    storage.set_capacity(u64::MAX);
    wal.append(&storage, 5, &entries(&["f"]), false).unwrap();
    let (entries, found) = read(&storage).unwrap();
    assert_eq!(entries, ["a", "b", "c", "d", "e", "f"]);
    // And once more, which gives it its first name back.
    storage.set_capacity(0);
    drop(resume(&storage, &found, 0).unwrap());
    assert!(bytes(&storage).starts_with(&whole));
}

/// The bytes of the one segment that there is, by whatever name.
fn only_segment(storage: &MemoryStorage) -> Vec<u8> {
    let names = storage.list(Path::new(WAL_DIR)).unwrap();
    let [only] = &names[..] else { panic!("{names:?}") };
    let file = storage
        .open(&Path::new(WAL_DIR).join(&only.name), OpenHow::Read)
        .unwrap();
    file.read_all(1 << 30).unwrap()
}

#[test]
fn a_name_that_a_failed_sync_left_is_durable_after_a_start_on_a_full_disk() {
    let storage = storage();
    let mut wal = Wal::new();
    // Created, written, synced; the folder's sync fails.
    storage.fail_at(3, Fault::Io);
    let failed = wal.append(&storage, 0, &entries(&["a"]), false).unwrap_err();
    assert!(matches!(failed, Failure::Fatal(_)));
    storage.restart();
    storage.set_capacity(0);
    let (seen, found) = read(&storage).unwrap();
    assert_eq!(seen, ["a"]);
    drop(resume(&storage, &found, 0).unwrap());
    storage.crash(&mut || false);
    assert_eq!(read(&storage).unwrap().0, ["a"]);
}

#[test]
fn a_segment_renewed_in_its_place_survives_a_power_cut_at_every_operation() {
    for at in 0..20 {
        let (storage, wal) = written();
        drop(wal);
        let whole = bytes(&storage);
        storage.set_capacity(0);
        let (_, found) = read(&storage).unwrap();
        storage.cut_power_at(at);
        let _ = resume(&storage, &found, 0);
        storage.crash(&mut || false);
        assert_eq!(only_segment(&storage), whole, "operation {at}");
    }
}
