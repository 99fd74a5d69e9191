//! Files carried from an outbox to a transmitter whose link and log are the tests', and kept by what became of them.
#![allow(clippy::disallowed_methods)] // Tests prepare folders.

use std::fs;
use std::sync::Arc;

use audit::storage::{Disk, MemoryStorage, Storage};
use hw::HwError;
use protocol::keys::SigningKey;
use tempfile::TempDir;

use super::*;
use crate::transmitter::dispatch::Dispatch;
use crate::transmitter::lane::LaneSender;
use crate::transmitter::ledger::Ledger;
use crate::transmitter::link::Link;
use crate::transmitter::removal::{Removal, Removals};
use crate::transmitter::retention::Why;
use crate::transmitter::state::State;
use crate::transmitter::trial::{CallSink, StillClock, bundle_bytes, config, framing, link_key, sample_bundle};
use crate::transmitter::watch::Watch;

/// An outbox, and a state in memory.
struct Desk {
    folder: TempDir,
    config: Config,
    state: State,
    tasks: Sender<Task>,
    to_do: Receiver<Task>,
}

impl Desk {
    fn new() -> Self {
        let storage = Arc::new(MemoryStorage::new());
        let key = SigningKey::from_seed([6; 32]);
        let ledger = Ledger::create(storage, key, 7, UnixMillis(1_700_000_000_000)).unwrap();
        let lock = MemoryStorage::new().lock(Path::new("lock")).unwrap().unwrap();
        let (tasks, to_do) = bounded(MOST_UNDER_WAY);
        Self {
            folder: tempfile::tempdir().unwrap(),
            config: config(2),
            state: State::of(ledger, lock),
            tasks,
            to_do,
        }
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.folder.path().join(name), bytes).unwrap();
    }

    fn names(&self, below: &str) -> Vec<String> {
        let found = fs::read_dir(self.folder.path().join(below)).unwrap();
        let mut names: Vec<String> = found
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Takes what is in the outbox, has it sent to `sink` until nothing is left, ends the run and keeps what is over.
    fn run(&mut self, sink: fn(&[Vec<u8>]) -> Result<(), HwError>) -> Result<(), Complaint> {
        let Self {
            folder,
            config,
            state,
            tasks,
            to_do,
        } = self;
        let outbox = Outbox::open(Box::new(Disk::open(folder.path()).unwrap()), Duration::from_secs(1)).unwrap();
        let manner = Manner {
            priority: Priority::Normal,
            interval: Duration::from_secs(1),
            json: true,
        };
        let mut courier = Courier::new(outbox, folder.path(), config, manner, tasks.clone());
        courier.print = |_| Ok(());
        courier.tick(at(0));
        courier.tick(at(1));
        let watch = Arc::<Watch>::default();
        let lane = LaneSender::new(CallSink(sink), StillClock::default(), config.rate, framing(), 0);
        let mut link = Link::start(vec![lane], 1408, &watch).unwrap();
        let mut dispatch = Dispatch::new(config, state, Vec::new(), to_do.clone(), &watch);
        link.run(&mut dispatch, &link_key()).unwrap();
        link.finish();
        let ended = dispatch.finish(false);
        courier.collect(at(2));
        ended
    }
}

fn at(seconds: u64) -> Moment {
    Moment {
        steady: Duration::from_secs(seconds),
        time: UnixMillis(1_700_000_000_000),
    }
}

fn broken(_: &[Vec<u8>]) -> Result<(), HwError> {
    Err(HwError::Unreachable {
        to: ([127, 0, 0, 1], 9).into(),
        source: io::Error::from_raw_os_error(100),
    })
}

#[test]
fn each_file_is_kept_by_what_became_of_it_alone() {
    let mut desk = Desk::new();
    desk.put("good.bundle", &bundle_bytes(1000));
    desk.put("none.bundle", b"no bundle at all, though long enough");
    let mut damaged = bundle_bytes(1001);
    *damaged.last_mut().unwrap() ^= 1;
    desk.put("damaged.bundle", &damaged);
    desk.run(|_| Ok(())).unwrap();
    assert_eq!(desk.names("sent"), ["good.bundle"]);
    assert_eq!(desk.names("refused"), ["damaged.bundle", "none.bundle"]);
    assert!(desk.names("sending").is_empty());
}

#[test]
fn a_link_that_fails_refuses_no_file_and_the_next_run_sends_all_under_their_numbers() {
    let mut desk = Desk::new();
    desk.put("a.bundle", &bundle_bytes(1000));
    desk.put("b.bundle", &bundle_bytes(1001));
    desk.run(broken).unwrap_err();
    assert_eq!(desk.names("sending"), ["a.bundle", "b.bundle"]);
    desk.put("c.bundle", &bundle_bytes(1002));
    desk.run(|_| Ok(())).unwrap();
    assert_eq!(desk.names("sent"), ["a.bundle", "b.bundle", "c.bundle"]);
    assert!(desk.names("refused").is_empty() && desk.names("sending").is_empty());
    let last = sample_bundle(1002).id();
    assert_eq!(desk.state.ledger.number_of(&last), Some(3), "the others have 1 and 2");
}

#[test]
fn what_cannot_be_kept_yet_is_not_sent_again_and_is_kept_later() {
    let desk = Desk::new();
    desk.put("a.bundle", &bundle_bytes(1000));
    let outbox = Outbox::open(Box::new(Disk::open(desk.folder.path()).unwrap()), Duration::ZERO).unwrap();
    let manner = Manner {
        priority: Priority::Normal,
        interval: Duration::from_secs(1),
        json: false,
    };
    let mut courier = Courier::new(outbox, desk.folder.path(), &desk.config, manner, desk.tasks.clone());
    courier.tick(at(0));
    assert_eq!(desk.to_do.try_iter().count(), 1);
    courier.under_way.clear();
    // A file is in the way of the folder.
    fs::remove_dir(desk.folder.path().join("sent")).unwrap();
    desk.put("sent", b"");
    courier.keep(OsStr::new("a.bundle"), Kept::Sent, at(0));
    courier.outbox.give_again();
    courier.tick(at(1));
    fs::remove_file(desk.folder.path().join("sent")).unwrap();
    courier.tick(at(2));
    assert_eq!(desk.to_do.try_iter().count(), 0);
    drop(courier);
    assert_eq!(desk.names("sent"), ["a.bundle"]);
}

#[test]
fn a_file_is_not_removed_while_its_bundle_waits_to_be_sent_again() {
    let mut desk = Desk::new();
    desk.put("a.bundle", &bundle_bytes(1000));
    let path = desk.folder.path().join("a.bundle");
    let (waiting, _) = look_at_all(&[path], Priority::Normal, &desk.config).unwrap();
    let removal = |content_len| Removal {
        bundle: sample_bundle(content_len).id(),
        file_bytes: 1,
        path: "sent/a.bundle".to_owned(),
        why: Why::Age { days: 1 },
    };
    let ((asks, removals), (allowed, answer)) = (bounded(1), bounded(1));
    let asked = Removals {
        removals: vec![removal(1000), removal(1001)],
        allowed,
    };
    asks.send(asked).unwrap();
    let Desk {
        config, state, to_do, ..
    } = &mut desk;
    let dispatch = Dispatch::new(config, state, waiting, to_do.clone(), &Arc::default());
    dispatch.with_removals(removals).idle();
    assert_eq!(answer.try_recv().unwrap(), [false, true]);
}
