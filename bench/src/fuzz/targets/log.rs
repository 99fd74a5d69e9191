//! An audit log's folder, as whoever holds the disk can leave it.
//!
//! ```text
//! log     every file below the folder is the input's
//! wal     a log that is whole but for its write-ahead log, which is the input
//! tiles   a published copy: the input changes files of one that is whole, or is the entries of another
//! ```

use std::path::{Component, Path, PathBuf};
use std::str;
use std::sync::{Arc, LazyLock};

use audit::event::{Event, EventKind, MAX_ENTRY_LEN};
use audit::log::{Checkpoint, Log, LogReader, verify};
use audit::storage::{MemoryStorage, OpenHow, Storage};
use protocol::digest::Digest;
use protocol::merkle;

use crate::fuzz::fixture::{LogFile, NOW, ORIGIN, log_files, log_key, log_vkey};
use crate::fuzz::groups::fill_in_hashes;
use crate::fuzz::script;

/// A step that names a file below the log's folder, by its path; the next holds its content.
pub const FILE: u8 = 0;
/// Where the write-ahead log of a small log is.
pub const SEGMENT: &str = ".state/wal/00000000000000000000";

/// A script of files; groups of the write-ahead log that have no hash are given one. Whatever the folder holds, verifying, reading and
/// opening come to an end; what verifies reads as the entries that were signed; and a log that verifies and opens as it came verifies with
/// one more entry. (With a hash that was made to fit, a group may hold what is no entry, which nobody but its writer could know before it
/// is published.)
pub fn log(bytes: &[u8]) {
    let mut files = files_in(bytes);
    let groups = files.iter_mut().filter(|(path, _)| path.starts_with(WAL));
    let filled = groups.fold(false, |filled, (_, content)| fill_in_hashes(content) || filled);
    check_log(&files, !filled);
}

/// The segment of the write-ahead log, whose groups without a hash are given one: what one start takes, the next takes too, and has
/// nothing to mend.
pub fn wal(bytes: &[u8]) {
    let mut segment = bytes.to_vec();
    fill_in_hashes(&mut segment);
    check_wal(&segment);
}

/// A script of files that stand in place of a published log's, or beside them: as long as its checkpoint is the one that was signed,
/// either its entries are those that were written, or it does not verify. Then a log of nothing but the first bundle of entries, signed:
/// it verifies if they are JSON objects that end with the bundle, and not otherwise.
pub fn tiles(bytes: &[u8]) {
    let given = files_in(bytes);
    check_tiles(&given);
    if let Some((_, bundle)) = given.iter().find(|(path, _)| path.starts_with(BUNDLES)) {
        check_bundle(bundle);
    }
}

fn files_in(bytes: &[u8]) -> Vec<LogFile> {
    let mut files: Vec<LogFile> = Vec::new();
    for step in script::steps(bytes).take(MOST_STEPS) {
        match (step.op, str::from_utf8(step.bytes), files.last_mut()) {
            (FILE, Ok(path), _) => files.push((PathBuf::from(path), Vec::new())),
            (_, _, Some((_, content))) => content.extend_from_slice(step.bytes),
            _ => {}
        }
    }
    files
}

const MOST_STEPS: usize = 200;
const WAL: &str = ".state/wal";
const BUNDLES: &str = "tile/entries";

fn check_log(files: &[LogFile], as_written: bool) {
    let storage = folder_of(files);
    let verified = verify(&storage, own_vkey());
    if let Ok(verified) = &verified {
        check_entries(&storage, verified.root);
    }
    let Ok((mut log, _)) = Log::open(Arc::new(storage.clone()), log_key(), NOW) else {
        return;
    };
    let size = log.size();
    let whole = log.entries(0).all(|entry| entry.is_ok());
    let appended = log.append(&[Event::new(EventKind::LogRecovered, NOW)]);
    let published = appended.is_ok() && log.publish().is_ok();
    if as_written && verified.is_ok() {
        assert!(whole && published, "a log that verified and opened takes no entry");
        assert_eq!(log.checkpoint().size(), size + 1);
        let verified = verify(&storage, own_vkey()).map(|verified| verified.size);
        assert_eq!(verified.ok(), Some(size + 1), "it does not verify with one more entry");
    }
}

/// Of a log that verifies: the entries that are read are those under its root, by another way than the verifier's.
fn check_entries(storage: &MemoryStorage, root: Digest) {
    let Ok(reader) = LogReader::open(Arc::new(storage.clone())) else {
        return;
    };
    let read = reader.read_raw(0, MOST_ENTRIES);
    if reader.vkey() != log_vkey() {
        return;
    }
    let read = read.expect("what verifies can be read");
    assert!(read.iter().map(|(index, _)| *index).eq(0..read.len() as u64));
    let leaves: Vec<Digest> = read.iter().map(|(_, entry)| merkle::leaf_hash(entry)).collect();
    assert_eq!(merkle::root(&leaves), root, "what is read is not what was signed");
}

/// More than an input can hold.
const MOST_ENTRIES: usize = 1 << 16;

fn check_wal(segment: &[u8]) {
    let storage = folder_of(whole_log());
    let file = storage.open(Path::new(SEGMENT), OpenHow::Write).expect("it has one");
    file.set_len(0)
        .and_then(|()| file.write_at(segment, 0))
        .expect(NO_FAULT);
    let open = || Log::open(Arc::new(storage.clone()), log_key(), NOW).map(|(log, recovery)| (told(&log), recovery));
    let Ok((first, _)) = open() else { return };
    let (second, recovery) = open().expect("a log that was opened");
    assert_eq!(recovery.torn_bytes, 0, "the second start mends too");
    assert_eq!(second, first, "two starts tell two stories");
}

/// All entries, as far as they are events.
fn told(log: &Log) -> (u64, Vec<Option<(u64, Event)>>) {
    (log.size(), log.entries(0).map(Result::ok).collect())
}

fn check_tiles(given: &[LogFile]) {
    let whole = published_log();
    let of_whole = whole
        .iter()
        .filter(|(path, _)| given.iter().all(|(other, _)| other != path));
    let files: Vec<LogFile> = given.iter().chain(of_whole).cloned().collect();
    let storage = folder_of(&files);
    if let Ok(verified) = verify(&storage, own_vkey()) {
        check_entries(&storage, verified.root);
    }
}

fn check_bundle(bundle: &[u8]) {
    let entries = records(bundle).filter(|entries| (1..256).contains(&entries.len()));
    let Some(entries) = entries else { return };
    let leaves: Vec<Digest> = entries.iter().map(|entry| merkle::leaf_hash(entry)).collect();
    let width = leaves.len();
    let root = merkle::root(&leaves);
    let checkpoint = Checkpoint::sign(ORIGIN, width as u64, root, &log_key()).expect("the name is a log's");
    let storage = folder_of(&[
        (format!("{BUNDLES}/000.p/{width}").into(), bundle.to_vec()),
        (
            format!("tile/0/000.p/{width}").into(),
            leaves.iter().flat_map(|leaf| leaf.0).collect(),
        ),
        ("checkpoint".into(), checkpoint.note().as_bytes().to_vec()),
        ("log.vkey".into(), format!("{}\n", own_vkey()).into_bytes()),
    ]);
    let objects = entries.iter().all(|entry| {
        let object = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(entry);
        object.is_ok() && entry.len() <= MAX_ENTRY_LEN
    });
    let verified = verify(&storage, own_vkey());
    assert_eq!(verified.is_ok(), objects, "{verified:?}");
    if verified.is_ok() {
        check_entries(&storage, root);
    }
    if let Ok(reader) = LogReader::open(Arc::new(storage)) {
        // Whatever they say, events or not.
        let _ = reader.read(0, MOST_ENTRIES);
    }
}

/// The records of a bundle of entries, if they end where it ends.
fn records(mut bundle: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    while !bundle.is_empty() {
        let (len, rest) = bundle.split_first_chunk::<2>()?;
        let (entry, rest) = rest.split_at_checked(u16::from_be_bytes(*len).into())?;
        entries.push(entry);
        bundle = rest;
    }
    Some(entries)
}

fn own_vkey() -> &'static str {
    static VKEY: LazyLock<String> = LazyLock::new(|| log_vkey().to_string());
    &VKEY
}

/// A log with entries that are published, and some that are not yet.
fn whole_log() -> &'static [LogFile] {
    static FILES: LazyLock<Vec<LogFile>> = LazyLock::new(|| {
        log_files(|log| {
            log.publish()?;
            let _ = log.append(&[Event::new(EventKind::LogRecovered, NOW)])?;
            Ok(())
        })
    });
    &FILES
}

/// The published part of a log with so many entries that there is a full tile.
fn published_log() -> &'static [LogFile] {
    static FILES: LazyLock<Vec<LogFile>> = LazyLock::new(|| {
        let mut files = log_files(|log| {
            let entries: Vec<Event> = (0..FULL_TILE)
                .map(|at| Event::new(EventKind::LogRecovered, NOW.plus_millis(at)))
                .collect();
            let _ = log.append(&entries)?;
            log.publish().map(drop)
        });
        files.retain(|(path, _)| !path.starts_with(".state"));
        files
    });
    &FILES
}

const FULL_TILE: u64 = 256;

fn folder_of(files: &[LogFile]) -> MemoryStorage {
    let storage = MemoryStorage::new();
    for (path, content) in files {
        put(&storage, path, content);
    }
    storage
}

/// A path that no storage takes, or that is there already, is left out.
fn put(storage: &MemoryStorage, path: &Path, content: &[u8]) {
    let mut folder = PathBuf::new();
    let parts = path.parent().map(Path::components).into_iter().flatten();
    for part in parts.take_while(|part| matches!(part, Component::Normal(_))) {
        folder.push(part);
        // There already, as a rule.
        let _ = storage.create_dir(&folder, 0o755);
    }
    if let Ok(file) = storage.open(path, OpenHow::CreateNew { mode: 0o644 }) {
        file.write_at(content, 0).expect(NO_FAULT);
    }
}

const NO_FAULT: &str = "it is in memory, and no fault was asked for";

#[cfg(test)]
mod tests {
    use super::*;

    fn content_of<'a>(files: &'a [LogFile], path: &str) -> &'a [u8] {
        let file = files.iter().find(|(named, _)| named == Path::new(path));
        &file.unwrap().1
    }

    #[test]
    fn what_the_targets_begin_with_verifies() {
        for (files, size) in [(whole_log(), 1), (published_log(), FULL_TILE + 1)] {
            let verified = verify(&folder_of(files), own_vkey()).unwrap();
            assert_eq!(verified.size, size);
        }
    }

    #[test]
    fn a_bundle_is_cut_where_the_log_cuts_it() {
        let bundle = content_of(published_log(), "tile/entries/000");
        assert_eq!(records(bundle).unwrap().len(), 256);
        assert_eq!(records(&bundle[..bundle.len() - 1]), None);
    }
}
