//! Bundle files, sound and damaged.

use std::path::Path;

use audit::storage::{OpenHow, Storage};
use protocol::bundle::seal::PackedHead;

use super::*;
use crate::samples::{LEAF_LEN, Sample, draft, files as sample_files, key, storage};

/// A bundle of `files` as bytes.
fn packed(files: &[Sample]) -> Vec<u8> {
    let mut statement = draft(files);
    for (record, (_, bytes)) in statement.files.iter_mut().zip(files) {
        record.sha256 = Digest::of(bytes);
    }
    seal_with_content(
        statement,
        &files.iter().flat_map(|(_, bytes)| bytes.clone()).collect::<Vec<_>>(),
    )
}

fn seal_with_content(statement: Statement, content: &[u8]) -> Vec<u8> {
    let leaves = content.chunks(LEAF_LEN as usize).map(leaf_hash).collect();
    let packed = PackedHead::seal(statement, leaves, &[&key()]).unwrap();
    [&packed.prefix().emit(), packed.head(), content].concat()
}

fn open(bytes: Vec<u8>) -> Result<BundleFile, BundleFileError> {
    BundleFile::open(storage(&[("x", bytes)]).open(Path::new("x"), OpenHow::Read).unwrap())
}

/// What opening and verifying says of the sample bundle after `change`, which is told where the content starts.
fn changed(change: impl FnOnce(usize, &mut Vec<u8>)) -> Result<(), BundleFileError> {
    let mut bytes = packed(&sample_files());
    let start = open(bytes.clone()).unwrap().content_start() as usize;
    change(start, &mut bytes);
    open(bytes)?.verify_all(|_| {})
}

#[test]
fn a_sound_bundle_is_verified_whole() {
    changed(|_, _| {}).unwrap();
}

#[test]
fn a_flipped_bit_is_found_in_its_leaf_and_file() {
    let error = changed(|start, bytes| bytes[start + 4096] ^= 1).unwrap_err();
    let BundleFileError::Leaf { place } = &error else {
        panic!("{error:?}")
    };
    assert_eq!((place.leaf, place.start, place.len), (1, 4096, 4096));
    assert_eq!(place.files.iter().map(BundlePath::as_str).collect::<Vec<_>>(), ["a"]);
}

#[test]
fn a_leaf_that_several_files_share_names_them() {
    let error = changed(|start, bytes| bytes[start + 10_002] ^= 1).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("leaf 2 (0 to 5; content bytes 8192 to 12288; in a, c, d)"),
        "{error}"
    );
}

#[test]
fn a_file_cut_within_its_content_names_the_first_leaf_that_is_not_whole() {
    let error = changed(|start, bytes| bytes.truncate(start + 4096 + 17)).unwrap_err();
    assert!(
        matches!(&error, BundleFileError::CutShort { place, .. } if place.leaf == 1),
        "{error:?}"
    );
}

#[test]
fn a_file_cut_by_its_last_byte_is_cut_short() {
    let error = changed(|_, bytes| bytes.truncate(bytes.len() - 1)).unwrap_err();
    assert!(
        matches!(&error, BundleFileError::CutShort { place, .. } if place.leaf == 5),
        "{error:?}"
    );
}

#[test]
fn a_file_cut_within_its_head_or_prefix_says_so() {
    for len in [0, 15, 16, 400] {
        let error = changed(|_, bytes| bytes.truncate(len)).unwrap_err();
        assert!(
            matches!(error, BundleFileError::HeadCutShort { .. }),
            "{len}: {error:?}"
        );
    }
}

#[test]
fn a_byte_after_the_end_is_not_passed_over() {
    let error = changed(|_, bytes| bytes.push(0)).unwrap_err();
    assert!(matches!(error, BundleFileError::Trailing { extra: 1 }), "{error:?}");
}

#[test]
fn a_changed_index_does_not_fit_the_statement() {
    let error = changed(|start, bytes| bytes[start - 1] ^= 1).unwrap_err();
    assert!(
        matches!(error, BundleFileError::Head(BundleError::ContentRoot { .. })),
        "{error:?}"
    );
}

#[test]
fn another_kind_of_file_is_no_bundle() {
    let error = changed(|_, bytes| bytes[..8].copy_from_slice(b"PK\x03\x04xxxx")).unwrap_err();
    assert!(
        matches!(error, BundleFileError::Prefix(BundleError::Magic)),
        "{error:?}"
    );
}

#[test]
fn no_byte_outside_of_the_envelope_can_be_flipped_unnoticed() {
    let bytes = packed(&[("a", vec![7; 300])]);
    let envelope_len = open(bytes.clone()).unwrap().prefix().envelope_len as usize;
    let envelope = PREFIX_LEN..PREFIX_LEN + envelope_len;
    for at in (0..bytes.len()).filter(|at| !envelope.contains(at)) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        assert!(
            open(changed).and_then(|bundle| bundle.verify_all(|_| {})).is_err(),
            "byte {at}"
        );
    }
}

#[test]
fn a_statement_whose_file_digest_is_wrong_is_named_though_every_leaf_is_right() {
    let mut statement = draft(&[("a", b"the bytes".to_vec())]);
    statement.files[0].sha256 = Digest::of(b"other bytes");
    let error = open(seal_with_content(statement, b"the bytes"))
        .unwrap()
        .verify_all(|_| {})
        .unwrap_err();
    assert!(
        matches!(&error, BundleFileError::FileDigest { path } if path.as_str() == "a"),
        "{error:?}"
    );
}

#[test]
fn a_wrong_digest_of_an_empty_file_is_found_too() {
    let mut statement = draft(&[("a", Vec::new())]);
    statement.files[0].sha256 = Digest::of(b"x");
    let error = open(seal_with_content(statement, b""))
        .unwrap()
        .verify_all(|_| {})
        .unwrap_err();
    assert!(
        matches!(&error, BundleFileError::FileDigest { path } if path.as_str() == "a"),
        "{error:?}"
    );
}

#[test]
fn a_leaf_is_read_only_into_a_buffer_of_its_length() {
    let bundle = open(packed(&sample_files())).unwrap();
    let last = bundle.leaf_count() - 1;
    let mut leaf = vec![0; bundle.leaf_len(last).unwrap()];
    bundle.leaf(last, &mut leaf).unwrap();
    assert!(matches!(
        bundle.leaf(last, &mut [0; 1]),
        Err(BundleFileError::NoSuchLeaf { .. })
    ));
    assert!(matches!(
        bundle.leaf(last + 1, &mut leaf),
        Err(BundleFileError::NoSuchLeaf { .. })
    ));
}

#[test]
fn a_file_that_gets_shorter_while_it_is_read_is_cut_short() {
    let storage = storage(&[("x", packed(&sample_files()))]);
    let bundle = BundleFile::open(storage.open(Path::new("x"), OpenHow::Read).unwrap()).unwrap();
    let len = bundle.content_start() + 5000;
    storage
        .open(Path::new("x"), OpenHow::Write)
        .unwrap()
        .set_len(len)
        .unwrap();
    let error = bundle.verify_all(|_| {}).unwrap_err();
    assert!(
        matches!(&error, BundleFileError::CutShort { place, .. } if place.leaf == 1),
        "{error:?}"
    );
}
