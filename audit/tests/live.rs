//! Readers and verifiers beside a writer, on a real disk.
#![allow(
    clippy::unwrap_used,
    reason = "a test prepares files by itself, and fails by panicking"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use diode_audit::event::{Event, EventKind};
use diode_audit::log::{Log, LogReader, verify};
use diode_audit::storage::Disk;
use protocol::keys::SigningKey;
use protocol::time::UnixMillis;

fn key() -> SigningKey {
    SigningKey::from_seed([1; 32])
}

fn disk(folder: &Path) -> Arc<Disk> {
    Arc::new(Disk::open(folder).unwrap())
}

/// Publishes 700 entries in small steps, so that tiles fill up and partial ones go.
fn write(log: &mut Log) {
    for from in (1..700).step_by(7) {
        let event = |seq| Event {
            seq: Some(seq),
            ..Event::new(EventKind::BundleSent, UnixMillis(seq))
        };
        drop(log.append(&(from..from + 7).map(event).collect::<Vec<_>>()).unwrap());
        log.publish().unwrap();
    }
}

#[test]
fn a_reader_beside_the_writer_sees_every_entry_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Log::create(disk(folder.path()), "a", key(), UnixMillis(0)).unwrap();
    let reader = LogReader::open(disk(folder.path())).unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let reading = thread::spawn({
        let done = Arc::clone(&done);
        move || {
            let mut seen = Vec::new();
            loop {
                let last_round = done.load(Ordering::SeqCst);
                let entries = reader.read(seen.len() as u64, 50).unwrap();
                if entries.is_empty() && last_round {
                    return seen;
                }
                seen.extend(entries.into_iter().map(|(index, _)| index));
            }
        }
    });
    write(&mut log);
    done.store(true, Ordering::SeqCst);
    assert_eq!(reading.join().unwrap(), (0..log.size()).collect::<Vec<_>>());
}

#[test]
fn a_log_verifies_at_any_moment_of_its_writing() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Log::create(disk(folder.path()), "a", key(), UnixMillis(0)).unwrap();
    let vkey = log.vkey().to_string();
    let done = Arc::new(AtomicBool::new(false));
    let verifying = thread::spawn({
        let (done, disk) = (Arc::clone(&done), disk(folder.path()));
        move || {
            let mut sizes = Vec::new();
            while !done.load(Ordering::SeqCst) {
                sizes.push(verify(&*disk, &vkey).unwrap().size);
            }
            sizes
        }
    });
    write(&mut log);
    done.store(true, Ordering::SeqCst);
    let sizes = verifying.join().unwrap();
    assert!(sizes.is_sorted(), "{sizes:?}");
}
