//! What is removed of what was sent, what never is, and that a crash at any moment removes nothing that the log does not tell of.

use std::ffi::OsStr;
use std::sync::Arc;

use audit::event::{Event, EventKind};
use audit::storage::memory::Fault;
use audit::storage::{MemoryStorage, OpenHow, Storage};
use protocol::keys::SigningKey;
use protocol::wire::SessionId;

use super::*;
use crate::transmitter::ledger::{Facts, Ledger, Outcome};
use crate::transmitter::trial::{bundle_bytes, sample_bundle};

const START: UnixMillis = UnixMillis(1_700_000_000_000);
const NEWEST_ALONE: Retention = Retention {
    days: None,
    bytes: Some(1),
};

/// An outbox and a log on one disk.
struct Desk {
    disk: MemoryStorage,
    ledger: Ledger,
}

/// Bytes of content of the bundle with this number.
fn content_len(number: u64) -> usize {
    1000 + number as usize
}

impl Desk {
    /// With so many bundles that were sent, a second after each other, and are kept.
    fn new(bundles: u64) -> Self {
        let disk = MemoryStorage::new();
        disk.create_dir(Path::new(SENT), 0o700).unwrap();
        disk.create_dir(Path::new("log"), 0o700).unwrap();
        let ledger = Ledger::create(log_of(&disk), key(), 7, START).unwrap();
        let mut desk = Self { disk, ledger };
        for number in 1..=bundles {
            desk.put(&name(number), &bundle_bytes(content_len(number)));
            let now = START.plus_millis(1000 * number);
            let facts = Facts {
                bundle: id(number),
                bytes: 1,
                files: 1,
                actor: None,
            };
            let bound = desk.ledger.bind(&[facts], now).unwrap().remove(0);
            let outcome = Outcome {
                session: Some(SessionId(1)),
                blocks: 1,
                duration_ms: 1,
                stopped: None,
            };
            desk.ledger.end(&[(&bound, outcome)], now).unwrap();
        }
        desk.disk.sync_fs().unwrap();
        desk
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        let path = Path::new(SENT).join(name);
        let file = self.disk.open(&path, OpenHow::CreateNew { mode: 0o600 }).unwrap();
        file.write_at(bytes, 0).unwrap();
        file.sync_data().unwrap();
    }

    fn left(&self) -> Vec<String> {
        let names = self.disk.list(Path::new(SENT)).unwrap().into_iter();
        names.map(|entry| entry.name.into_string().unwrap()).collect()
    }

    /// The entries that tell of removals: number, path and reason.
    fn removals(&self) -> Vec<(u64, String, String)> {
        let events = self.ledger.entries(0).map(|entry| entry.unwrap().1);
        let removed = events.filter(|event: &Event| event.event == EventKind::BundleRemoved);
        removed
            .map(|event| (event.seq.unwrap(), event.path.unwrap(), event.reason.unwrap()))
            .collect()
    }

    /// Two rounds at `now` of a process that starts then, and sends the bundles of `in_use`; its first failure.
    fn rounds(&mut self, retention: Retention, now: UnixMillis, in_use: &[u64]) -> io::Result<()> {
        let outbox = Outbox::open(Box::new(self.disk.clone()), Duration::from_secs(1)).map_err(io::Error::other)?;
        let sent = self.ledger.sent_times().map_err(io::Error::other)?;
        let (asks, asked) = bounded(1);
        let mut shelf = Shelf::new(retention, sent, asks);
        let mut done = Ok(());
        for tick in 0..40 {
            let now = Moment {
                steady: ROUND * (tick / 20),
                time: now,
            };
            let ticked = shelf.tick(&outbox, Path::new("/srv/outbox"), now);
            done = done.and(ticked);
            for removals in asked.try_iter() {
                let is_in_use = |bundle: &BundleId| in_use.iter().any(|number| id(*number) == *bundle);
                let allowed = removals.allow(&mut self.ledger, is_in_use, START);
                allowed.map_err(io::Error::other)?;
            }
        }
        done
    }
}

fn log_of(disk: &MemoryStorage) -> Arc<dyn Storage> {
    Arc::new(audit::storage::Below::new(Arc::new(disk.clone()), "log"))
}

fn key() -> SigningKey {
    SigningKey::from_seed([6; 32])
}

fn name(number: u64) -> String {
    format!("{number}.bundle")
}

fn id(number: u64) -> BundleId {
    sample_bundle(content_len(number)).id()
}

fn names(numbers: impl IntoIterator<Item = u64>) -> Vec<String> {
    numbers.into_iter().map(name).collect()
}

#[test]
fn the_oldest_are_removed_each_with_its_entry_and_the_newest_stays() {
    let mut desk = Desk::new(3);
    desk.rounds(NEWEST_ALONE, START, &[]).unwrap();
    assert_eq!(desk.left(), names([3]));
    let entry = |number| {
        let path = format!("/srv/outbox/sent/{number}.bundle");
        (number, path, "retention-size".to_owned())
    };
    assert_eq!(desk.removals(), [entry(1), entry(2)]);
}

#[test]
fn without_a_word_nothing_is_removed_and_of_old_ones_only_those_past_their_days() {
    let mut desk = Desk::new(3);
    let late = START.plus_millis(24 * 60 * 60 * 1000 + 2500);
    desk.rounds(Retention::default(), late, &[]).unwrap();
    assert_eq!(desk.left(), names(1..=3));
    let a_day = Retention {
        days: Some(1),
        bytes: None,
    };
    desk.rounds(a_day, late, &[]).unwrap();
    assert_eq!(desk.left(), names([3]));
    assert!(desk.removals().iter().all(|(_, _, reason)| reason == "retention-age"));
}

#[test]
fn what_is_in_use_and_what_the_log_does_not_call_sent_stays() {
    let mut desk = Desk::new(3);
    desk.put("9.bundle", &bundle_bytes(content_len(9)));
    desk.put("none.bundle", b"no bundle at all, though long enough");
    desk.put("notes.txt", b"mine");
    desk.rounds(NEWEST_ALONE, START, &[1]).unwrap();
    assert_eq!(
        desk.left(),
        ["1.bundle", "3.bundle", "9.bundle", "none.bundle", "notes.txt"]
    );
    assert_eq!(desk.removals().len(), 1);
}

#[test]
fn a_file_that_took_the_place_of_one_that_was_looked_at_stays() {
    let desk = Desk::new(2);
    let outbox = Outbox::open(Box::new(desk.disk.clone()), Duration::from_secs(1)).unwrap();
    let (asks, asked) = bounded(1);
    let mut shelf = Shelf::new(NEWEST_ALONE, desk.ledger.sent_times().unwrap(), asks);
    shelf.look(&outbox).unwrap();
    shelf.new.clear();
    for number in [1, 2] {
        let name = OsString::from(name(number));
        let (bundle, stamp) = outbox.look_at_sent(&name).unwrap();
        let (bytes, sent) = (stamp.len(), START.plus_millis(number));
        shelf
            .known
            .insert(name, Some((KeptFile { bundle, bytes, sent }, stamp)));
    }
    outbox.remove_sent(OsStr::new("1.bundle")).unwrap();
    desk.put("1.bundle", &bundle_bytes(content_len(50)));
    shelf.ask(&outbox, Path::new("out"), START);
    assert!(asked.is_empty() && shelf.asked.is_none());
    assert_eq!(desk.left(), names([1, 2]));
}

#[test]
fn more_than_one_turn_of_files_goes_in_one_round() {
    let bundles = FILES_A_TURN as u64 + 3;
    let mut desk = Desk::new(bundles);
    desk.rounds(NEWEST_ALONE, START, &[]).unwrap();
    assert_eq!(desk.left(), names([bundles]));
    assert_eq!(desk.removals().len(), bundles as usize - 1);
}

#[test]
fn a_removal_that_fails_is_tried_again_in_the_next_round_without_another_entry() {
    let mut failed = 0;
    for step in 0..40 {
        let mut desk = Desk::new(3);
        desk.disk.fail_at(step, Fault::Io);
        let done = desk.rounds(NEWEST_ALONE, START, &[]);
        failed += usize::from(done.is_err() && desk.left() == names([3]));
        assert!(desk.removals().len() <= 2, "step {step}");
    }
    assert!(failed > 0, "no step met a removal");
}

#[test]
fn wherever_the_power_fails_what_is_gone_is_in_the_log_and_the_next_start_ends_it() {
    for step in 0.. {
        let mut desk = Desk::new(3);
        desk.disk.cut_power_at(step);
        let done = desk.rounds(NEWEST_ALONE, START, &[]);
        let cut = !desk.disk.has_power();
        desk.disk.crash(&mut || step % 2 == 0);
        let (ledger, _) = Ledger::open(log_of(&desk.disk), key(), START).unwrap();
        let mut desk = Desk {
            disk: desk.disk,
            ledger,
        };
        let told: Vec<u64> = desk.removals().into_iter().map(|(number, _, _)| number).collect();
        let left = desk.left();
        for number in 1..=3 {
            assert!(
                left.contains(&name(number)) || told.contains(&number),
                "step {step}: {number} is gone, and told are {told:?}"
            );
        }
        desk.rounds(NEWEST_ALONE, START, &[]).unwrap();
        assert_eq!(desk.left(), names([3]), "step {step}");
        if !cut {
            done.unwrap();
            break;
        }
    }
}
