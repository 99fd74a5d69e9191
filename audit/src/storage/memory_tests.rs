//! What the disk in memory forgets.

use super::*;

fn write(storage: &MemoryStorage, path: &str, bytes: &[u8]) -> Box<dyn StorageFile> {
    let file = storage
        .open(Path::new(path), OpenHow::CreateNew { mode: 0o600 })
        .unwrap();
    file.write_at(bytes, 0).unwrap();
    file
}

fn read(storage: &MemoryStorage, path: &str) -> Option<Vec<u8>> {
    storage
        .open(Path::new(path), OpenHow::Read)
        .ok()
        .map(|file| file.read_all(1 << 20).unwrap())
}

#[test]
fn a_synced_file_without_a_synced_name_is_gone_after_a_crash() {
    let storage = MemoryStorage::new();
    write(&storage, "f", b"bytes").sync_data().unwrap();
    storage.crash(&mut || false);
    assert_eq!(read(&storage, "f"), None);
}

#[test]
fn a_synced_name_without_synced_bytes_is_an_empty_file_after_a_crash() {
    let storage = MemoryStorage::new();
    write(&storage, "f", b"bytes");
    storage.sync_dir(Path::new("")).unwrap();
    storage.crash(&mut || false);
    assert_eq!(read(&storage, "f").unwrap(), b"");
}

#[test]
fn what_was_synced_survives() {
    let storage = MemoryStorage::new();
    write(&storage, "f", b"bytes").sync_data().unwrap();
    storage.sync_dir(Path::new("")).unwrap();
    storage.crash(&mut || false);
    assert_eq!(read(&storage, "f").unwrap(), b"bytes");
}

#[test]
fn a_crash_may_keep_what_was_not_synced() {
    let storage = MemoryStorage::new();
    write(&storage, "f", b"bytes");
    storage.crash(&mut || true);
    assert_eq!(read(&storage, "f").unwrap(), b"bytes");
}

#[test]
fn a_torn_write_can_keep_its_end_without_its_beginning() {
    let storage = MemoryStorage::new();
    write(&storage, "f", &[7; 1024]);
    storage.sync_dir(Path::new("")).unwrap();
    let mut asked = 0;
    storage.crash(&mut || {
        asked += 1;
        asked == 2
    });
    let found = read(&storage, "f").unwrap();
    assert_eq!((found[0], found[1023]), (0, 7));
}

#[test]
fn bytes_of_a_failed_sync_are_seen_but_no_later_sync_keeps_them() {
    let storage = MemoryStorage::new();
    let file = write(&storage, "f", b"bytes");
    storage.sync_dir(Path::new("")).unwrap();
    storage.fail_at(0, Fault::Io);
    assert!(file.sync_data().is_err());
    file.sync_data().unwrap();
    assert_eq!(read(&storage, "f").unwrap(), b"bytes");
    storage.crash(&mut || true);
    assert_eq!(read(&storage, "f").unwrap(), b"");
}

#[test]
fn a_full_disk_takes_half_of_a_write() {
    let storage = MemoryStorage::new();
    let file = write(&storage, "f", b"");
    storage.fail_at(0, Fault::Full);
    assert_eq!(
        file.write_at(b"123456", 0).unwrap_err().kind(),
        io::ErrorKind::StorageFull
    );
    assert_eq!(read(&storage, "f").unwrap(), b"123");
}

#[test]
fn after_a_power_cut_nothing_works_until_the_crash() {
    let storage = MemoryStorage::new();
    let file = write(&storage, "f", b"");
    storage.cut_power_at(0);
    assert!(file.write_at(b"1", 0).is_err());
    assert!(file.sync_data().is_err() && storage.stat(Path::new("f")).is_err());
    storage.crash(&mut || true);
    assert!(storage.stat(Path::new("f")).unwrap().is_some());
}

#[test]
fn a_rename_synced_on_one_side_only_leaves_both_names() {
    let storage = MemoryStorage::new();
    storage.create_dir(Path::new("a"), 0o700).unwrap();
    write(&storage, "f", b"bytes").sync_data().unwrap();
    storage.sync_dir(Path::new("")).unwrap();
    storage.rename(Path::new("f"), Path::new("a/f")).unwrap();
    storage.sync_dir(Path::new("a")).unwrap();
    storage.crash(&mut || false);
    assert_eq!(
        (read(&storage, "f").is_some(), read(&storage, "a/f").is_some()),
        (true, true)
    );
}

#[test]
fn a_lock_is_free_again_when_dropped() {
    let storage = MemoryStorage::new();
    let held = storage.lock(Path::new("lock")).unwrap();
    assert!(storage.lock(Path::new("lock")).unwrap().is_none());
    drop(held);
    assert!(storage.lock(Path::new("lock")).unwrap().is_some());
}

#[test]
fn what_a_disk_has_no_room_for_is_refused_and_room_comes_back_with_a_removal() {
    let storage = MemoryStorage::new();
    write(&storage, "f", &[1; 60]);
    storage.set_capacity(100);
    assert_eq!(storage.free_bytes().unwrap(), 40);
    let file = write(&storage, "g", b"");
    let error = file.write_at(&[2; 41], 0).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    storage.remove_file(Path::new("f")).unwrap();
    file.write_at(&[2; 41], 0).unwrap();
    file.write_at(&[3; 41], 0).unwrap();
    assert_eq!(storage.free_bytes().unwrap(), 59);
}

#[test]
fn a_disk_has_no_power_from_a_cut_until_the_crash() {
    let storage = MemoryStorage::new();
    let file = write(&storage, "f", b"");
    storage.cut_power_at(0);
    assert!(storage.has_power());
    assert!(file.sync_data().is_err() && !storage.has_power());
    storage.crash(&mut || true);
    assert!(storage.has_power());
}
