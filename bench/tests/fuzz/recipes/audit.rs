//! Audit logs: their keys, checkpoints and entries, and whole folders.

use std::path::Path;

use audit::event::{Event, EventKind, State};
use audit::log::{Checkpoint, Log, LogError};
use diode_bench::fuzz::fixture::{LogFile, NOW, ORIGIN, log_files, log_key, log_vkey};
use diode_bench::fuzz::groups::without_hashes;
use diode_bench::fuzz::targets::log::{FILE, SEGMENT};
use protocol::digest::{BundleId, Digest};

use super::{Seed, script};

pub(super) fn seeds() -> Vec<Seed> {
    let vkey = log_vkey().to_string();
    let checkpoint = |size| {
        let signed = Checkpoint::sign(ORIGIN, size, Digest::of(b"root"), &log_key()).unwrap();
        signed.note().to_owned()
    };
    let cosigned = checkpoint(300) + "— another.example/log AAAAAAAA\n";
    vec![
        ("vkey", "plain", vkey.clone().into_bytes()),
        ("vkey", "with-line-end", (vkey + "\n").into_bytes()),
        ("checkpoint", "small", checkpoint(7).into_bytes()),
        ("checkpoint", "large", checkpoint(u64::MAX).into_bytes()),
        ("checkpoint", "cosigned", cosigned.into_bytes()),
        ("entry", "plain", Event::new(EventKind::LogRecovered, NOW).to_entry()),
        ("entry", "full", full().to_entry()),
        ("entry", "hostile-text", hostile().to_entry()),
        ("log", "created", folder(&log_files(|_| Ok(())))),
        ("log", "published", folder(&log_files(|log| append(log, 3, true)))),
        ("log", "unpublished", folder(&log_files(|log| append(log, 2, false)))),
        ("log", "torn", torn()),
        ("log", "hashed-here", hashed_here()),
        ("wal", "created", segment(0, 0)),
        ("wal", "unpublished", segment(0, 3)),
        ("wal", "hashed-here", without_hashes(segment(0, 3))),
        ("wal", "one-hashed-here", without_hashes(segment(0, 0))),
        ("wal", "another-logs", segment(2, 1)),
        ("wal", "torn", torn_segment()),
        ("tiles", "entries", published(3, "tile/entries")),
        ("tiles", "hashes", published(3, "tile/0")),
        ("tiles", "another-log", published(2, "")),
        (
            "tiles",
            "nothing",
            folder(&[("tile/entries/000.p/1".into(), Vec::new())]),
        ),
    ]
}

fn full() -> Event {
    Event {
        link: Some("link-1".to_owned()),
        epoch: Some(1),
        epoch_id: Some("0123456789abcdef".to_owned()),
        seq: Some(41),
        session: Some("0123456789abcdef".to_owned()),
        bundle: Some(BundleId(Digest::of(b"bundle"))),
        signer: Some("alice@lab".to_owned()),
        key: Some("SHA256:x".to_owned()),
        state: Some(State::Held),
        reason: Some("a-reason".to_owned()),
        detail: Some("in a text".to_owned()),
        bytes: Some(1 << 20),
        files: Some(38),
        duration_ms: Some(2100),
        blocks: Some(12),
        blocks_missing: Some(1),
        loss_ppm: Some(18_000),
        report: Some(Digest::of(b"report")),
        actor: Some("root".to_owned()),
        path: Some("src/main.rs".to_owned()),
        ..Event::new(EventKind::BundleAdmitted, NOW)
    }
}

fn hostile() -> Event {
    Event {
        detail: Some("\u{1b}[2J\u{202e}\r\n\u{200b}\u{9b}31m".to_owned()),
        path: Some("a\tb\u{7f}".to_owned()),
        ..Event::new(EventKind::BundleRefused, NOW)
    }
}

/// Groups of two entries.
fn append(log: &mut Log, groups: u64, publish: bool) -> Result<(), LogError> {
    for group in 0..groups {
        let events = [full(), Event::new(EventKind::LogRecovered, NOW.plus_millis(group))];
        let _ = log.append(&events)?;
        if publish {
            log.publish()?;
        }
    }
    Ok(())
}

/// Files as a script.
fn folder(files: &[LogFile]) -> Vec<u8> {
    let step = |(path, content): &LogFile| [(FILE, path_bytes(path)), (FILE + 1, content.clone())];
    let steps: Vec<_> = files.iter().flat_map(step).collect();
    script(steps.iter().map(|(op, bytes)| (*op, &bytes[..])))
}

fn path_bytes(path: &Path) -> Vec<u8> {
    path.to_str().unwrap().as_bytes().to_vec()
}

/// The write-ahead log of a log with groups that are published, and some that are not.
fn segment(published: u64, unpublished: u64) -> Vec<u8> {
    let files = log_files(|log| append(log, published, true).and_then(|()| append(log, unpublished, false)));
    let segment = files.into_iter().find(|(path, _)| path == Path::new(SEGMENT));
    segment.unwrap().1
}

/// The segment alone, cut.
fn torn_segment() -> Vec<u8> {
    let mut segment = segment(0, 2);
    segment.truncate(segment.len() - 40);
    segment
}

/// A log whose last group was cut by a crash.
fn torn() -> Vec<u8> {
    with_segment(|segment| segment.truncate(segment.len() - 40))
}

/// A log whose groups get their hashes from the target.
fn hashed_here() -> Vec<u8> {
    with_segment(|segment| *segment = without_hashes(std::mem::take(segment)))
}

fn with_segment(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut files = log_files(|log| append(log, 2, false));
    let segment = files.iter_mut().find(|(path, _)| path == Path::new(SEGMENT));
    change(&mut segment.unwrap().1);
    folder(&files)
}

/// The published files of a log whose path begins so.
fn published(groups: u64, beginning: &str) -> Vec<u8> {
    let mut files = log_files(|log| append(log, groups, true));
    files.retain(|(path, _)| path.starts_with(beginning));
    folder(&files)
}
