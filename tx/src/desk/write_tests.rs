//! Bundles written into memory.

use std::cell::Cell;

use audit::storage::MemoryStorage;
use audit::storage::memory::Fault;
use protocol::time::UnixMillis;

use super::*;
use crate::bundle_file::BundleFile;
use crate::samples::{LEAF_LEN, Sample, draft, files as sample_files, key, storage};

const OUT: &str = "out";

/// Packs `draft` from `source` into a storage of its own.
fn write(source: &MemoryStorage, draft: Statement) -> Result<(Written, MemoryStorage), WriteError> {
    let target = MemoryStorage::new();
    let out = target.open(Path::new(OUT), OpenHow::CreateNew { mode: 0o644 }).unwrap();
    let watch = Watch {
        stop: &AtomicBool::new(false),
        progress: &|_| {},
    };
    let written = write_bundle(source, draft, &key(), &*out, &watch)?;
    Ok((written, target))
}

fn open(target: &MemoryStorage) -> BundleFile {
    BundleFile::open(target.open(Path::new(OUT), OpenHow::Read).unwrap()).unwrap()
}

#[test]
fn what_was_written_is_a_bundle_in_which_every_leaf_and_file_is_right() {
    let files = sample_files();
    let (written, target) = write(&storage(&files), draft(&files)).unwrap();
    let bundle = open(&target);
    assert_eq!((bundle.id(), bundle.leaf_count()), (written.id, 6));
    bundle.verify_all(|_| {}).unwrap();
}

#[test]
fn the_content_is_the_files_one_after_another() {
    let files = sample_files();
    let (written, target) = write(&storage(&files), draft(&files)).unwrap();
    let start = open(&target).content_start();
    let bytes = target
        .open(Path::new(OUT), OpenHow::Read)
        .unwrap()
        .read_all(1 << 20)
        .unwrap();
    assert_eq!(bytes.len() as u64, written.file_len);
    assert_eq!(
        bytes[start as usize..],
        files.iter().flat_map(|(_, bytes)| bytes.clone()).collect::<Vec<_>>()
    );
}

#[test]
fn the_same_files_at_the_same_time_give_the_same_bytes() {
    let files = sample_files();
    let [one, other] = [(); 2].map(|()| {
        let (written, target) = write(&storage(&files), draft(&files)).unwrap();
        (
            written.id,
            target
                .open(Path::new(OUT), OpenHow::Read)
                .unwrap()
                .read_all(1 << 20)
                .unwrap(),
        )
    });
    assert_eq!(one, other);
}

#[test]
fn another_time_gives_another_id() {
    let files = sample_files();
    let (one, _) = write(&storage(&files), draft(&files)).unwrap();
    let later = Statement {
        created: UnixMillis(1_700_000_000_001),
        ..draft(&files)
    };
    let (other, _) = write(&storage(&files), later).unwrap();
    assert_ne!(one.id, other.id);
}

#[test]
fn files_without_a_byte_among_them_make_a_bundle() {
    let files = vec![("a", Vec::new()), ("b", Vec::new())];
    let (written, target) = write(&storage(&files), draft(&files)).unwrap();
    assert_eq!(written.leaves, 0);
    open(&target).verify_all(|_| {}).unwrap();
}

#[test]
fn a_content_of_exactly_one_leaf_has_one_leaf() {
    let files = vec![("a", vec![1; LEAF_LEN as usize])];
    let (written, _) = write(&storage(&files), draft(&files)).unwrap();
    assert_eq!(written.leaves, 1);
}

/// Packs a draft that was made before the file `path` got `bytes` instead.
fn write_after_change(path: &'static str, bytes: &[u8]) -> WriteError {
    let files = sample_files();
    let now = |(name, old): &Sample| (*name, if *name == path { bytes.to_vec() } else { old.clone() });
    let changed: Vec<_> = files.iter().map(now).collect();
    write(&storage(&changed), draft(&files)).unwrap_err()
}

#[test]
fn a_file_that_grew_or_shrank_since_it_was_chosen_is_named() {
    for (path, bytes) in [
        ("a", vec![0; 10_001]),
        ("a", vec![0; 9_999]),
        ("b", vec![0; 1]),
        ("e", vec![0; 1]),
        ("c", Vec::new()),
    ] {
        let error = write_after_change(path, &bytes);
        assert!(
            matches!(&error, WriteError::Changed { path: named } if named.as_str() == path),
            "{path}: {error:?}"
        );
    }
}

#[test]
fn a_file_that_went_away_since_it_was_chosen_is_named() {
    let files = sample_files();
    let source = storage(&files);
    source.remove_file(Path::new("d")).unwrap();
    let error = write(&source, draft(&files)).unwrap_err();
    assert!(
        matches!(&error, WriteError::Changed { path } if path.as_str() == "d"),
        "{error:?}"
    );
}

#[test]
fn a_full_disk_is_told_as_such() {
    let files = sample_files();
    let target = MemoryStorage::new();
    let out = target.open(Path::new(OUT), OpenHow::CreateNew { mode: 0o644 }).unwrap();
    target.fail_at(2, Fault::Full);
    let watch = Watch {
        stop: &AtomicBool::new(false),
        progress: &|_| {},
    };
    let error = write_bundle(&storage(&files), draft(&files), &key(), &*out, &watch).unwrap_err();
    assert!(
        matches!(&error, WriteError::Write(cause) if cause.kind() == io::ErrorKind::StorageFull),
        "{error:?}"
    );
}

#[test]
fn an_interrupt_ends_the_writing() {
    let files = sample_files();
    let target = MemoryStorage::new();
    let out = target.open(Path::new(OUT), OpenHow::CreateNew { mode: 0o644 }).unwrap();
    let watch = Watch {
        stop: &AtomicBool::new(true),
        progress: &|_| {},
    };
    let error = write_bundle(&storage(&files), draft(&files), &key(), &*out, &watch).unwrap_err();
    assert!(matches!(error, WriteError::Interrupted), "{error:?}");
}

#[test]
fn progress_ends_at_the_contents_length() {
    let files = sample_files();
    let target = MemoryStorage::new();
    let out = target.open(Path::new(OUT), OpenHow::CreateNew { mode: 0o644 }).unwrap();
    let seen = Cell::new(0);
    let watch = Watch {
        stop: &AtomicBool::new(false),
        progress: &|bytes| seen.set(bytes),
    };
    let draft = draft(&files);
    let len = draft.content_len;
    write_bundle(&storage(&files), draft, &key(), &*out, &watch).unwrap();
    assert_eq!(seen.get(), len);
}

#[test]
fn a_head_over_the_limit_is_refused_before_anything_is_written() {
    let mut draft = draft(&[("a", Vec::new())]);
    // 2^21 leaves, whose digests take twice what a head may.
    draft.files[0].size = 1 << 33;
    draft.content_len = 1 << 33;
    let target = MemoryStorage::new();
    let out = target.open(Path::new(OUT), OpenHow::CreateNew { mode: 0o644 }).unwrap();
    let watch = Watch {
        stop: &AtomicBool::new(false),
        progress: &|_| {},
    };
    let error = write_bundle(&MemoryStorage::new(), draft, &key(), &*out, &watch).unwrap_err();
    assert!(
        matches!(error, WriteError::Head(BundleError::HeadTooLong { .. })),
        "{error:?}"
    );
    assert_eq!(out.len().unwrap(), 0);
}
