//! Files, statements and keys for tests.

use std::path::Path;

use audit::storage::{MemoryStorage, OpenHow, Storage};
use protocol::bundle::{AiShare, FileRecord, Kind, Origin, Statement};
use protocol::digest::Digest;
use protocol::keys::SigningKey;
use protocol::path::BundlePath;
use protocol::time::UnixMillis;

pub(crate) const LEAF_LEN: u32 = 4096;

/// A name and its bytes.
pub(crate) type Sample = (&'static str, Vec<u8>);

/// Five files, two of them empty, in six leaves.
pub(crate) fn files() -> Vec<Sample> {
    let noise = |len: u32, factor: u32| (0..len).map(|at| (at.wrapping_mul(factor) >> 7) as u8).collect();
    vec![
        ("a", noise(10_000, 7919)),
        ("b", Vec::new()),
        ("c", noise(5, 31)),
        ("d", noise(4096 * 3, 104_729)),
        ("e", Vec::new()),
    ]
}

/// A storage that holds `files`.
pub(crate) fn storage(files: &[Sample]) -> MemoryStorage {
    let storage = MemoryStorage::new();
    for (path, bytes) in files {
        let file = storage
            .open(Path::new(path), OpenHow::CreateNew { mode: 0o644 })
            .unwrap();
        file.write_at(bytes, 0).unwrap();
    }
    storage
}

/// A statement about `files` without their digests.
pub(crate) fn draft(files: &[Sample]) -> Statement {
    let record = |(path, bytes): &Sample| FileRecord {
        path: BundlePath::parse(path).unwrap(),
        sha256: Digest([0; 32]),
        size: bytes.len() as u64,
        executable: false,
    };
    Statement {
        files: files.iter().map(record).collect(),
        kind: Kind::Code,
        author: "alice@lab".to_owned(),
        created: UnixMillis(1_700_000_000_000),
        not_after: UnixMillis(1_800_000_000_000),
        audience: vec!["plant-7".to_owned()],
        target: None,
        description: None,
        origin: Origin {
            ai_generated: AiShare::Full,
            ..Origin::default()
        },
        content_len: files.iter().map(|(_, bytes)| bytes.len() as u64).sum(),
        leaf_len: LEAF_LEN,
        content_root: Digest([0; 32]),
    }
}

/// An author's key.
pub(crate) fn key() -> SigningKey {
    SigningKey::from_seed([5; 32])
}
