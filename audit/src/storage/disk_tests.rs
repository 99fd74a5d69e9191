//! What the real disk does, and what it refuses.
#![allow(
    clippy::disallowed_methods,
    reason = "a test prepares files by itself, and fails by panicking"
)]

use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;
use crate::storage::{remove_tree, replace_durable, write_new_durable};

fn disk() -> (tempfile::TempDir, Disk) {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::open(folder.path()).unwrap();
    (folder, disk)
}

fn create(disk: &Disk, path: &str, bytes: &[u8]) {
    write_new_durable(disk, Path::new(path), bytes, 0o600).unwrap();
}

#[test]
fn bytes_written_at_a_position_are_read_there() {
    let (_folder, disk) = disk();
    let file = disk.open(Path::new("f"), OpenHow::CreateNew { mode: 0o600 }).unwrap();
    file.write_at(b"world", 6).unwrap();
    file.write_at(b"hello", 0).unwrap();
    file.sync_data().unwrap();
    assert_eq!(file.read_all(100).unwrap(), b"hello\0world");
}

#[test]
fn a_read_past_the_end_gives_what_is_there() {
    let (_folder, disk) = disk();
    create(&disk, "f", b"12345");
    let file = disk.open(Path::new("f"), OpenHow::Read).unwrap();
    let mut buf = [0; 8];
    assert_eq!(file.read_at(&mut buf, 3).unwrap(), 2);
    assert_eq!(
        file.read_exact_at(&mut buf, 0).unwrap_err().kind(),
        io::ErrorKind::UnexpectedEof
    );
}

#[test]
fn a_link_as_the_last_name_is_not_opened() {
    let (folder, disk) = disk();
    create(&disk, "f", b"secret");
    symlink("f", folder.path().join("link")).unwrap();
    let error = disk.open(Path::new("link"), OpenHow::Read).unwrap_err();
    assert!(error.to_string().contains("a symbolic link is in the way"), "{error}");
}

#[test]
fn a_link_on_the_way_is_not_followed_by_any_operation() {
    let (folder, disk) = disk();
    std::fs::create_dir(folder.path().join("real")).unwrap();
    create(&disk, "real/f", b"x");
    symlink("real", folder.path().join("link")).unwrap();
    let through = Path::new("link/f");
    assert!(disk.open(through, OpenHow::Write).is_err());
    assert!(
        disk.open(Path::new("link/new"), OpenHow::CreateNew { mode: 0o600 })
            .is_err()
    );
    assert!(disk.create_dir(Path::new("link/new"), 0o700).is_err());
    assert!(disk.rename(through, Path::new("f")).is_err());
    assert!(disk.rename(Path::new("real/f"), Path::new("link/g")).is_err());
    assert!(disk.remove_file(through).is_err());
    assert!(disk.list(Path::new("link")).is_err());
    assert!(disk.stat(through).is_err());
    assert!(disk.set_mode(through, 0o644).is_err());
    assert!(disk.sync_dir(Path::new("link")).is_err());
    assert!(disk.lock(Path::new("link/lock")).is_err());
}

#[test]
fn a_path_that_leads_out_is_refused() {
    let (_folder, disk) = disk();
    for path in ["../f", "/etc/passwd", "a/../../f", "./f"] {
        let error = disk.open(Path::new(path), OpenHow::Read).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{path}");
    }
}

#[test]
fn a_pipe_is_refused_and_does_not_block() {
    let (folder, disk) = disk();
    fs::mknodat(
        CWD,
        folder.path().join("pipe"),
        FileType::Fifo,
        Mode::from_bits_truncate(0o600),
        0,
    )
    .unwrap();
    let error = disk.open(Path::new("pipe"), OpenHow::Read).unwrap_err();
    assert!(error.to_string().ends_with("pipe is not a regular file"), "{error}");
}

#[test]
fn errors_name_the_whole_path() {
    let (folder, disk) = disk();
    let error = disk.open(Path::new("a/b"), OpenHow::Read).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    assert!(
        error
            .to_string()
            .contains(&folder.path().join("a/b").display().to_string()),
        "{error}"
    );
}

#[test]
fn modes_are_exact_whatever_the_umask() {
    let (folder, disk) = disk();
    disk.create_dir(Path::new("d"), 0o777).unwrap();
    disk.open(Path::new("f"), OpenHow::CreateNew { mode: 0o666 }).unwrap();
    let mode = |name: &str| {
        std::fs::metadata(folder.path().join(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o7777
    };
    assert_eq!((mode("d"), mode("f")), (0o777, 0o666));
    disk.set_mode(Path::new("f"), 0o400).unwrap();
    assert_eq!(mode("f"), 0o400);
}

#[test]
fn a_rename_without_replacing_keeps_what_is_there() {
    let (_folder, disk) = disk();
    create(&disk, "a", b"a");
    create(&disk, "b", b"b");
    let error = disk.rename_noreplace(Path::new("a"), Path::new("b")).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    disk.rename(Path::new("a"), Path::new("b")).unwrap();
    assert_eq!(
        disk.open(Path::new("b"), OpenHow::Read).unwrap().read_all(10).unwrap(),
        b"a"
    );
}

#[test]
fn a_listing_is_sorted_and_says_what_each_name_is() {
    let (folder, disk) = disk();
    create(&disk, "b", b"123");
    disk.create_dir(Path::new("a"), 0o700).unwrap();
    symlink("/nowhere", folder.path().join("c")).unwrap();
    let found: Vec<_> = disk
        .list(Path::new(""))
        .unwrap()
        .into_iter()
        .map(|e| (e.name, e.kind))
        .collect();
    let expected = [("a", EntryKind::Dir), ("b", EntryKind::File), ("c", EntryKind::Symlink)];
    assert_eq!(found, expected.map(|(name, kind)| (OsString::from(name), kind)));
}

#[test]
fn what_is_absent_has_no_stat() {
    let (_folder, disk) = disk();
    assert_eq!(disk.stat(Path::new("f")).unwrap(), None);
    assert_eq!(disk.stat(Path::new("no/such/f")).unwrap(), None);
    create(&disk, "f", b"");
    assert_eq!(disk.stat(Path::new("f/below a file")).unwrap(), None);
}

#[test]
fn a_tree_is_removed_without_following_its_links() {
    let (folder, disk) = disk();
    create(&disk, "outside", b"stays");
    disk.create_dir(Path::new("tree"), 0o700).unwrap();
    disk.create_dir(Path::new("tree/inner"), 0o700).unwrap();
    create(&disk, "tree/inner/f", b"");
    symlink("..", folder.path().join("tree/up")).unwrap();
    disk.set_mode(Path::new("tree/inner"), 0o500).unwrap();
    remove_tree(&disk, Path::new("tree")).unwrap();
    let left: Vec<_> = disk.list(Path::new("")).unwrap().into_iter().map(|e| e.name).collect();
    assert_eq!(left, ["outside"]);
}

#[test]
fn a_lock_is_for_one_and_free_when_dropped() {
    let (folder, disk) = disk();
    let held = disk.lock(Path::new("lock")).unwrap();
    assert!(held.is_some());
    let other = Disk::open(folder.path()).unwrap();
    assert!(other.lock(Path::new("lock")).unwrap().is_none());
    drop(held);
    assert!(other.lock(Path::new("lock")).unwrap().is_some());
}

#[test]
fn allocating_extends_and_never_shortens() {
    let (_folder, disk) = disk();
    let file = disk.open(Path::new("f"), OpenHow::CreateNew { mode: 0o600 }).unwrap();
    file.allocate(8192).unwrap();
    file.allocate(100).unwrap();
    file.allocate(0).unwrap();
    assert_eq!(file.len().unwrap(), 8192);
}

#[test]
fn a_file_has_room_for_what_was_written_and_none_for_a_length_that_was_only_set() {
    let (_folder, disk) = disk();
    let file = disk.open(Path::new("f"), OpenHow::CreateNew { mode: 0o600 }).unwrap();
    file.set_len(1 << 20).unwrap();
    assert_eq!(file.room().unwrap(), 0);
    file.write_at(&[7; 1 << 16], 0).unwrap();
    file.sync_data().unwrap();
    let room = file.room().unwrap();
    assert!((1 << 16..1 << 20).contains(&room), "{room}");
}

#[test]
fn what_is_allocated_has_room_unless_the_file_system_can_not_reserve() {
    for folder in [std::env::temp_dir(), PathBuf::from("/dev/shm")] {
        let Ok(folder) = tempfile::tempdir_in(folder) else {
            continue;
        };
        let reserves = fs::statfs(folder.path()).unwrap().f_type != TMPFS_MAGIC;
        let disk = Disk::open(folder.path()).unwrap();
        let file = disk.open(Path::new("f"), OpenHow::CreateNew { mode: 0o600 }).unwrap();
        file.allocate(1 << 20).unwrap();
        assert_eq!(file.len().unwrap(), if reserves { 1 << 20 } else { 0 });
        assert_eq!(file.room().unwrap() >= 1 << 20, reserves, "{}", folder.path().display());
    }
}

#[test]
fn a_replaced_file_has_the_new_bytes_and_leaves_no_other_name() {
    let (_folder, disk) = disk();
    create(&disk, "f", b"old");
    replace_durable(&disk, Path::new("f"), b"new", 0o644).unwrap();
    let found = disk.list(Path::new("")).unwrap();
    assert_eq!((found.len(), found[0].mode), (1, 0o644));
    assert_eq!(
        disk.open(Path::new("f"), OpenHow::Read).unwrap().read_all(10).unwrap(),
        b"new"
    );
}

#[test]
fn a_storage_is_created_with_its_parents_and_only_once() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("var/lib/diode");
    let disk = Disk::create(&root, 0o700).unwrap();
    assert_eq!(disk.root(), root);
    assert_eq!(std::fs::metadata(&root).unwrap().permissions().mode() & 0o7777, 0o700);
    assert_eq!(
        Disk::create(&root, 0o700).unwrap_err().kind(),
        io::ErrorKind::AlreadyExists
    );
}

#[test]
fn free_space_is_known_and_the_file_system_syncs() {
    let (_folder, disk) = disk();
    assert!(disk.free_bytes().unwrap() > 0);
    disk.sync_fs().unwrap();
}

#[test]
fn each_name_in_a_folder_is_told_once() {
    let (_folder, disk) = disk();
    disk.create_dir(Path::new("d"), 0o700).unwrap();
    for name in ["d/a", "d/b", "d/.c"] {
        create(&disk, name, b"1");
    }
    let mut names = Vec::new();
    disk.each_name(Path::new("d"), &mut |name| names.push(name.to_owned()))
        .unwrap();
    names.sort();
    assert_eq!(names, [".c", "a", "b"]);
    assert!(disk.each_name(Path::new("gone"), &mut |_| ()).is_err());
}

#[test]
fn a_file_tells_when_it_was_written() {
    let (folder, disk) = disk();
    create(&disk, "f", b"1");
    let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::new(1_700_000_000, 5);
    let file = std::fs::File::options()
        .write(true)
        .open(folder.path().join("f"))
        .unwrap();
    file.set_modified(time).unwrap();
    let file = disk.open(Path::new("f"), OpenHow::Read).unwrap();
    assert_eq!(file.modified().unwrap(), 1_700_000_000_000_000_005);
}
