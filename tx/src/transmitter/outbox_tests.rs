//! Which files are taken and when, where they are kept, and what a crash leaves.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // Tests prepare folders.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::time::SystemTime;

use audit::storage::{Disk, MemoryStorage};
use tempfile::TempDir;

use super::*;
use crate::transmitter::trial::bundle_bytes;

const NO_BUNDLE: &[u8] = b"no bundle at all, though long enough";
const SETTLE: Duration = Duration::from_secs(1);

fn at(seconds: u64) -> Moment {
    Moment {
        steady: Duration::from_secs(seconds),
        time: UnixMillis(1_700_000_000_000),
    }
}

fn outbox() -> (TempDir, Outbox) {
    let folder = tempfile::tempdir().unwrap();
    let outbox = opened(&folder);
    (folder, outbox)
}

fn opened(folder: &TempDir) -> Outbox {
    Outbox::open(Box::new(Disk::open(folder.path()).unwrap()), SETTLE).unwrap()
}

/// Looks, and takes what is due.
fn take(outbox: &mut Outbox, now: Moment) -> Vec<OsString> {
    outbox.look(now).unwrap();
    outbox.claim(now, 1000, |_| false).unwrap()
}

fn put(folder: &TempDir, name: &str, bytes: &[u8]) {
    fs::write(folder.path().join(name), bytes).unwrap();
}

fn names(folder: &TempDir, below: &str) -> Vec<String> {
    let found = fs::read_dir(folder.path().join(below)).unwrap();
    let mut names: Vec<String> = found
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_file_is_taken_when_a_second_look_finds_it_the_same() {
    let (folder, mut outbox) = outbox();
    put(&folder, "a.bundle", NO_BUNDLE);
    assert!(take(&mut outbox, at(0)).is_empty());
    assert_eq!(take(&mut outbox, at(1)), ["a.bundle"]);
    assert_eq!(names(&folder, SENDING), ["a.bundle"]);
    assert!(!folder.path().join("a.bundle").exists());
}

#[test]
fn a_file_that_grows_or_is_written_over_is_not_taken_before_it_rests() {
    let (folder, mut outbox) = outbox();
    put(&folder, "a.bundle", NO_BUNDLE);
    assert!(take(&mut outbox, at(0)).is_empty());
    put(&folder, "a.bundle", &[NO_BUNDLE, NO_BUNDLE].concat());
    assert!(take(&mut outbox, at(1)).is_empty());
    let file = File::options()
        .write(true)
        .open(folder.path().join("a.bundle"))
        .unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    assert!(take(&mut outbox, at(2)).is_empty());
    assert_eq!(take(&mut outbox, at(3)), ["a.bundle"]);
}

#[test]
fn a_file_that_changes_between_the_look_and_the_taking_is_not_taken() {
    let (folder, mut outbox) = outbox();
    put(&folder, "a.bundle", NO_BUNDLE);
    outbox.look(at(0)).unwrap();
    put(&folder, "a.bundle", &[NO_BUNDLE, NO_BUNDLE].concat());
    assert!(outbox.claim(at(1), 9, |_| false).unwrap().is_empty());
    assert!(take(&mut outbox, at(2)).is_empty());
    assert_eq!(take(&mut outbox, at(3)), ["a.bundle"]);
}

#[test]
fn a_bundle_that_is_not_whole_is_waited_for() {
    let (folder, mut outbox) = outbox();
    let bytes = bundle_bytes(1000);
    put(&folder, "a.bundle", &bytes[..bytes.len() - 1]);
    put(&folder, "b.bundle", b"");
    for second in 0..29 {
        assert!(take(&mut outbox, at(second)).is_empty(), "{second}");
    }
    put(&folder, "a.bundle", &bytes);
    assert!(take(&mut outbox, at(29)).is_empty());
    let mut taken = take(&mut outbox, at(30));
    taken.sort();
    assert_eq!(taken, ["a.bundle", "b.bundle"]);
}

#[test]
fn what_is_hidden_or_called_otherwise_or_no_file_is_left_alone() {
    let (folder, mut outbox) = outbox();
    put(&folder, ".a.bundle", NO_BUNDLE);
    put(&folder, "a.bundle.part", NO_BUNDLE);
    fs::create_dir(folder.path().join("d.bundle")).unwrap();
    symlink("a.bundle.part", folder.path().join("l.bundle")).unwrap();
    take(&mut outbox, at(0));
    assert!(take(&mut outbox, at(100)).is_empty());
    fs::rename(folder.path().join(".a.bundle"), folder.path().join("a.bundle")).unwrap();
    take(&mut outbox, at(101));
    assert_eq!(take(&mut outbox, at(102)), ["a.bundle"]);
}

#[test]
fn what_stays_is_told_once_with_the_reason() {
    let (folder, mut outbox) = outbox();
    put(&folder, "a.bundle.part", NO_BUNDLE);
    put(&folder, ".hidden", NO_BUNDLE);
    fs::create_dir(folder.path().join("d.bundle")).unwrap();
    symlink("a.bundle.part", folder.path().join("l.bundle")).unwrap();
    let _pipe = UnixListener::bind(folder.path().join("s.bundle")).unwrap();
    let bytes = bundle_bytes(1000);
    for second in 0..70 {
        // Written on and on, and never whole.
        put(&folder, "w.bundle", &bytes[..500 + second as usize]);
        assert!(take(&mut outbox, at(second)).is_empty());
    }
    let mut told: Vec<_> = std::iter::from_fn(|| outbox.poll_stray()).collect();
    told.sort_by(|one, other| one.0.cmp(&other.0));
    let expected = [
        ("a.bundle.part", Stays::Name),
        ("d.bundle", Stays::Folder),
        ("l.bundle", Stays::Link),
        ("s.bundle", Stays::Special),
        ("w.bundle", Stays::Unfinished),
    ];
    assert_eq!(told, expected.map(|(name, stays)| (OsString::from(name), stays)));
}

#[test]
fn a_file_that_was_taken_away_again_is_no_error() {
    let (folder, mut outbox) = outbox();
    put(&folder, "a.bundle", NO_BUNDLE);
    outbox.look(at(0)).unwrap();
    fs::remove_file(folder.path().join("a.bundle")).unwrap();
    assert!(outbox.claim(at(1), 9, |_| false).unwrap().is_empty());
    assert!(take(&mut outbox, at(2)).is_empty());
}

#[test]
fn the_file_that_was_written_first_is_taken_first() {
    let (folder, mut outbox) = outbox();
    for (name, seconds) in [("a.bundle", 3), ("b.bundle", 1), ("c.bundle", 2)] {
        put(&folder, name, NO_BUNDLE);
        let file = File::options().write(true).open(folder.path().join(name)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
            .unwrap();
    }
    outbox.look(at(0)).unwrap();
    assert_eq!(outbox.claim(at(1), 2, |_| false).unwrap(), ["b.bundle", "c.bundle"]);
    assert_eq!(outbox.claim(at(1), 2, |_| false).unwrap(), ["a.bundle"]);
}

#[test]
fn files_that_a_run_before_left_are_given_first_and_once() {
    let (folder, first) = outbox();
    drop(first);
    for name in ["sending/b.bundle", "sending/c.bundle", "a.bundle"] {
        put(&folder, name, NO_BUNDLE);
    }
    let mut outbox = opened(&folder);
    outbox.look(at(0)).unwrap();
    let given = outbox.claim(at(1), 1, |_| false).unwrap();
    assert!(given == ["b.bundle"] || given == ["c.bundle"], "{given:?}");
    let rest = outbox.claim(at(1), 9, |name| name == given[0]).unwrap();
    assert!(
        rest.len() == 2 && rest[1] == "a.bundle" && rest[0] != given[0],
        "{rest:?}"
    );
    assert!(outbox.claim(at(1), 9, |_| false).unwrap().is_empty());
    outbox.give_again();
    assert_eq!(outbox.claim(at(1), 9, |_| false).unwrap().len(), 3);
}

#[test]
fn a_name_that_is_taken_gets_a_time_and_no_file_is_lost() {
    let (folder, mut outbox) = outbox();
    for (second, bytes) in [
        (0, b"the first of three files"),
        (10, b"the other of three files"),
        (20, b"the third of three files"),
    ] {
        put(&folder, "a.bundle", bytes);
        take(&mut outbox, at(second));
        assert_eq!(take(&mut outbox, at(second + 1)), ["a.bundle"]);
        outbox.keep(OsStr::new("a.bundle"), Kept::Sent, at(second + 1)).unwrap();
    }
    let kept = names(&folder, SENT);
    assert_eq!(kept, ["a-1700000000000.bundle", "a-1700000000001.bundle", "a.bundle"]);
    let read = |name: &str| fs::read(folder.path().join(SENT).join(name)).unwrap();
    assert_eq!(read(&kept[2]), b"the first of three files");
    assert_eq!(read(&kept[1]), b"the third of three files");
}

#[test]
fn a_long_name_with_a_time_behind_it_is_no_longer_than_a_name_may_be() {
    let long = format!("{}é.bundle", "x".repeat(246));
    assert_eq!(long.len(), MAX_NAME);
    let suffixed = with_suffix(OsStr::new(&long), UnixMillis(1_700_000_000_000));
    let suffixed = suffixed.into_string().unwrap();
    assert!(
        suffixed.len() <= MAX_NAME && suffixed.ends_with("x-1700000000000.bundle"),
        "{suffixed}"
    );
    let wide = format!("x{}.bundle", "é".repeat(123));
    let suffixed = with_suffix(OsStr::new(&wide), UnixMillis(1_700_000_000_000));
    assert!(suffixed.into_string().unwrap().contains("é-17"));
}

#[test]
fn a_second_hand_on_the_same_outbox_is_refused() {
    let (folder, _outbox) = outbox();
    let second = Outbox::open(Box::new(Disk::open(folder.path()).unwrap()), SETTLE);
    assert!(matches!(second, Err(OutboxError::Held)));
}

fn stored(storage: &MemoryStorage, name: &str) {
    let file = storage
        .open(Path::new(name), OpenHow::CreateNew { mode: 0o644 })
        .unwrap();
    file.write_at(NO_BUNDLE, 0).unwrap();
    file.sync_data().unwrap();
    storage.sync_dir(Path::new("")).unwrap();
}

#[test]
fn of_many_files_only_so_many_are_in_memory_and_all_are_taken() {
    let storage = MemoryStorage::new();
    let many = MOST_SEEN + 100;
    (0..many).for_each(|at| stored(&storage, &format!("{at}.bundle")));
    let mut outbox = Outbox::open(Box::new(storage), SETTLE).unwrap();
    let mut taken = 0;
    for second in 0..4 {
        outbox.look(at(second)).unwrap();
        assert!(outbox.seen.len() <= MOST_SEEN);
        taken += outbox.claim(at(second), many, |_| false).unwrap().len();
    }
    assert_eq!(taken, many);
}

#[test]
fn a_power_cut_at_any_moment_loses_no_file() {
    for cut in 0..40 {
        for keeps in [true, false] {
            let storage = MemoryStorage::new();
            let mut outbox = Outbox::open(Box::new(storage.clone()), SETTLE).unwrap();
            stored(&storage, "a.bundle");
            stored(&storage, "b.bundle");
            storage.cut_power_at(cut);
            let mut run = || -> io::Result<()> {
                outbox.look(at(0))?;
                let names = outbox.claim(at(1), 9, |_| false)?;
                for (name, kept) in names.iter().zip([Kept::Sent, Kept::Refused]) {
                    outbox.keep(name, kept, at(2))?;
                }
                outbox.sync_kept()
            };
            let _ = run();
            drop(outbox);
            storage.crash(&mut || keeps);
            for name in ["a.bundle", "b.bundle"] {
                let places = ["", SENDING, SENT, REFUSED].map(|folder| Path::new(folder).join(name));
                assert!(
                    places.iter().any(|place| matches!(storage.stat(place), Ok(Some(_)))),
                    "{name} is lost by a cut at {cut}"
                );
            }
        }
    }
}
