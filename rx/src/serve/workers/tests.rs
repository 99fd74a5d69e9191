//! Work that fails by a fault of ours, beside work that does not.

#![allow(clippy::disallowed_methods, reason = "the operator's trust file is a real one")]

use std::path::Path;

use audit::storage::MemoryStorage;
use protocol::bundle::seal::PackedHead;
use protocol::bundle::{FileRecord, Kind, Origin, Statement};
use protocol::digest::Digest;
use protocol::keys::SigningKey;
use protocol::path::BundlePath;
use protocol::wire::LinkNumber;
use scanner::quarantine::Quarantine;

use super::*;
use crate::clock::wall;
use crate::config::Config;

fn authority(home: &Path) -> Authority {
    let config = "[receiver]\nname = \"plant-7\"\n[link]\nlisten = \"127.0.0.1:0\"\n";
    let signer = format!("alice@lab {}\n", author().public().to_openssh(""));
    std::fs::write(home.join("allowed_signers"), signer).unwrap();
    Authority::new(&Config::parse(config, "diode-rx.toml", home).unwrap())
}

fn author() -> SigningKey {
    SigningKey::from_seed([2; 32])
}

/// The head of a bundle of one empty file.
fn head() -> PackedHead {
    let statement = Statement {
        files: vec![FileRecord {
            path: BundlePath::parse("empty").unwrap(),
            sha256: Digest::of(b""),
            size: 0,
            executable: false,
        }],
        kind: Kind::Code,
        author: "alice@lab".to_owned(),
        created: wall(),
        not_after: wall().plus_millis(60_000),
        audience: vec!["plant-7".to_owned()],
        target: None,
        description: None,
        origin: Origin::default(),
        content_len: 0,
        leaf_len: 4096,
        content_root: Digest([0; 32]),
    };
    PackedHead::seal(statement, Vec::new(), &[&author()]).unwrap()
}

/// A head to be verified for session `number`; `envelope_len` is what its announce says.
fn work(quarantine: &Quarantine, number: u64, envelope_len: u32) -> Work {
    let head = head();
    let session = SessionId(number);
    let announce = Announce {
        number: LinkNumber {
            epoch: 1,
            sequence: number,
        },
        bundle: head.id(),
        envelope_len,
        head_len: head.head().len() as u32,
        head_sha256: Digest::of(head.head()),
        content_len: 0,
        content_root: head.statement().content_root,
        leaf_len: 4096,
        leaves_per_block: 1,
        symbol_len: 1408,
        depth: 1,
        lanes: 1,
        max_esi: 20,
        pass: 1,
        passes: 1,
        created: wall(),
    };
    let spool = quarantine.begin(session, head.prefix().content_offset()).unwrap();
    Work::Head(Box::new(HeadWork {
        session,
        announce,
        head: Some(head.head().to_vec().into()),
        spool: Some(Arc::new(spool)),
        now: wall(),
    }))
}

#[test]
fn a_head_is_verified_and_written_and_one_that_fails_says_why() {
    let home = tempfile::tempdir().unwrap();
    let quarantine = Quarantine::create(Arc::new(MemoryStorage::new()))
        .unwrap()
        .with_reserve(0);
    let envelope_len = head().prefix().envelope_len;
    let batch = vec![
        work(&quarantine, 1, envelope_len),
        work(&quarantine, 2, envelope_len - 1),
    ];
    let done = run_all(batch, &authority(home.path()));
    assert!(
        matches!(&done[0], Done::Head(SessionId(1), verified) if verified.is_ok()),
        "{done:?}"
    );
    assert!(
        matches!(&done[1], Done::Head(SessionId(2), verified) if matches!(**verified, Err(HeadFailure::Refused(_))))
    );
}

#[test]
fn a_panic_in_a_batch_is_told_for_each_of_its_sessions() {
    let home = tempfile::tempdir().unwrap();
    let quarantine = Quarantine::create(Arc::new(MemoryStorage::new()))
        .unwrap()
        .with_reserve(0);
    let envelope_len = head().prefix().envelope_len;
    // Overflow checks are on: an announce that no signature check would let pass makes the arithmetic panic.
    let mut broken = work(&quarantine, 2, envelope_len);
    if let Work::Head(work) = &mut broken {
        work.announce.head_len = 0;
    }
    let done = run_all(
        vec![work(&quarantine, 1, envelope_len), broken],
        &authority(home.path()),
    );
    assert!(
        matches!(done[..], [Done::Failed(SessionId(1)), Done::Failed(SessionId(2))]),
        "{done:?}"
    );
}
