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

/// Reads leaves and compares them with the index, as the workers do.
fn read_checked(bundle: &BundleFile, leaves: Range<u64>, bytes: &mut [u8]) -> Result<(), BundleFileError> {
    let first = leaves.start;
    bundle.read_leaves(leaves, bytes)?;
    let hashes: Vec<_> = bundle.cut(bytes).map(leaf_hash).collect();
    bundle.check_hashes(first, &hashes)
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
fn leaves_are_read_in_one_reading_up_to_the_short_last_one() {
    let bytes = packed(&sample_files());
    let bundle = open(bytes.clone()).unwrap();
    let content = &bytes[bundle.content_start() as usize..];
    let last = bundle.leaf_count() - 1;
    assert!(bundle.leaf_len(last).unwrap() < LEAF_LEN as usize);
    for leaves in [0..1, 0..last + 1, 2..4, last..last + 1, last - 1..last + 1] {
        let [start, end] = [leaves.start, leaves.end].map(|leaf| (leaf * u64::from(LEAF_LEN)) as usize);
        let expected = &content[start..end.min(content.len())];
        let mut read = vec![0xa5; expected.len()];
        read_checked(&bundle, leaves.clone(), &mut read).unwrap();
        assert!(read == expected, "{leaves:?}");
    }
}

#[test]
fn the_first_wrong_leaf_of_a_reading_is_named_and_others_are_read_beside_it() {
    let mut bytes = packed(&sample_files());
    let start = open(bytes.clone()).unwrap().content_start() as usize;
    for leaf in [2, 4] {
        bytes[start + leaf * LEAF_LEN as usize + 7] ^= 1;
    }
    let bundle = open(bytes).unwrap();
    let mut read = vec![0; 5 * LEAF_LEN as usize];
    let error = read_checked(&bundle, 0..5, &mut read).unwrap_err();
    assert!(
        matches!(&error, BundleFileError::Leaf { place } if place.leaf == 2),
        "{error:?}"
    );
    let read = &mut read[..LEAF_LEN as usize];
    assert!(read_checked(&bundle, 3..4, read).is_ok());
    let error = read_checked(&bundle, 4..5, read).unwrap_err();
    assert!(
        matches!(&error, BundleFileError::Leaf { place } if place.leaf == 4),
        "{error:?}"
    );
}

#[test]
fn leaves_are_read_only_into_a_buffer_of_their_length() {
    let bundle = open(packed(&sample_files())).unwrap();
    let count = bundle.leaf_count();
    let last_len = bundle.leaf_len(count - 1).unwrap();
    let whole = LEAF_LEN as usize;
    for (leaves, len) in [
        (0..1, whole - 1),
        (0..1, whole + 1),
        (0..2, whole),
        (count - 1..count, whole),
        (count - 1..count, last_len - 1),
        (count - 1..count + 1, last_len),
        (count..count + 1, whole),
        (0..u64::MAX, whole),
        (u64::MAX..u64::MAX, 0),
    ] {
        let error = read_checked(&bundle, leaves.clone(), &mut vec![0; len]).unwrap_err();
        assert!(
            matches!(error, BundleFileError::NoSuchLeaf { index, buffer, .. } if index == leaves.start && buffer == len),
            "{leaves:?} of {len}: {error:?}"
        );
    }
}

#[test]
fn a_file_that_got_shorter_is_cut_short_at_the_first_leaf_asked_for() {
    let storage = storage(&[("x", packed(&sample_files()))]);
    let bundle = BundleFile::open(storage.open(Path::new("x"), OpenHow::Read).unwrap()).unwrap();
    let file = storage.open(Path::new("x"), OpenHow::Write).unwrap();
    file.set_len(bundle.content_start() + 3 * u64::from(LEAF_LEN) - 1)
        .unwrap();
    let mut read = vec![0; 2 * LEAF_LEN as usize];
    read_checked(&bundle, 0..2, &mut read).unwrap();
    let error = read_checked(&bundle, 1..3, &mut read).unwrap_err();
    assert!(
        matches!(&error, BundleFileError::CutShort { place, .. } if place.leaf == 1),
        "{error:?}"
    );
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
