//! A small bundle for the unit tests.

use super::seal::PackedHead;
use super::{AiShare, FileRecord, Kind, Origin, Statement};
use crate::digest::Digest;
use crate::keys::SigningKey;
use crate::merkle;
use crate::path::BundlePath;
use crate::time::UnixMillis;

/// 2026-11-22T09:40:58Z.
pub(super) const CREATED: UnixMillis = UnixMillis(1_795_340_458_000);
pub(super) const LEAF_LEN: u32 = 4096;

pub(super) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

pub(super) fn record(path: &str, bytes: &[u8]) -> FileRecord {
    FileRecord {
        path: BundlePath::parse(path).unwrap(),
        sha256: Digest::of(bytes),
        size: bytes.len() as u64,
        executable: path.ends_with(".sh"),
    }
}

pub(super) fn leaves(content: &[u8]) -> Vec<Digest> {
    content.chunks(LEAF_LEN as usize).map(merkle::leaf_hash).collect()
}

/// A statement of alice's for plant-7 whose content has three leaves, and that content.
pub(super) fn statement() -> (Statement, Vec<u8>) {
    let main = b"fn main() {}\n".repeat(700);
    let run = b"#!/bin/sh\n";
    let content = [&main[..], run].concat();
    let statement = Statement {
        files: vec![record("src/main.rs", &main), record("tools/run.sh", run)],
        kind: Kind::Code,
        author: "alice@lab".to_owned(),
        created: CREATED,
        not_after: CREATED.plus_millis(30 * 24 * 60 * 60 * 1000),
        audience: vec!["plant-7".to_owned(), "plant-8".to_owned()],
        target: Some("billing".to_owned()),
        description: None,
        origin: Origin {
            tool: Some("claude-code".to_owned()),
            ai_generated: AiShare::Full,
            ..Origin::default()
        },
        content_len: content.len() as u64,
        leaf_len: LEAF_LEN,
        content_root: merkle::root(&leaves(&content)),
    };
    (statement, content)
}

pub(super) fn packed(signers: &[&SigningKey]) -> (PackedHead, Vec<u8>) {
    let (statement, content) = statement();
    (PackedHead::seal(statement, leaves(&content), signers).unwrap(), content)
}
