//! Runs of many bundles from a folder on disk, into a log in memory that counts what it syncs.
#![allow(clippy::disallowed_methods)] // Tests prepare folders.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use audit::event::{Event, EventKind};
use audit::log::LogReader;
use audit::storage::memory::Fault;
use audit::storage::{DirEntry, Lock, MemoryStorage, OpenHow, Storage, StorageFile};
use crossbeam_channel::{Sender, bounded};
use hw::HwError;
use protocol::keys::SigningKey;
use protocol::time::UnixMillis;

use super::*;
use crate::complaint::Exit;
use crate::transmitter::clients::ANSWERS_BESIDES;
use crate::transmitter::handover::Answer;
use crate::transmitter::job::look_at_all;
use crate::transmitter::lane::LaneSender;
use crate::transmitter::ledger::Ledger;
use crate::transmitter::link::{Link, SMALL};
use crate::transmitter::priority::Priority;
use crate::transmitter::trial::{CallSink, StillClock, bundle_bytes, config, framing, link_key};
use crate::transmitter::watch::Tally;

/// A disk that counts how often the write-ahead log is synced.
#[derive(Debug, Clone, Default)]
struct Counting {
    disk: MemoryStorage,
    syncs: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct CountingFile {
    file: Box<dyn StorageFile>,
    syncs: Option<Arc<AtomicUsize>>,
}

impl Storage for Counting {
    fn open(&self, path: &Path, how: OpenHow) -> io::Result<Box<dyn StorageFile>> {
        let file = self.disk.open(path, how)?;
        let syncs = path.starts_with(".state/wal").then(|| Arc::clone(&self.syncs));
        Ok(Box::new(CountingFile { file, syncs }))
    }
    fn create_dir(&self, path: &Path, mode: u32) -> io::Result<()> {
        self.disk.create_dir(path, mode)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }
    fn rename_noreplace(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename_noreplace(from, to)
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.disk.remove_file(path)
    }
    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.remove_dir(path)
    }
    fn list(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        self.disk.list(path)
    }
    fn stat(&self, path: &Path) -> io::Result<Option<DirEntry>> {
        self.disk.stat(path)
    }
    fn set_mode(&self, path: &Path, mode: u32) -> io::Result<()> {
        self.disk.set_mode(path, mode)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.sync_dir(path)
    }
    fn sync_fs(&self) -> io::Result<()> {
        self.disk.sync_fs()
    }
    fn free_bytes(&self) -> io::Result<u64> {
        self.disk.free_bytes()
    }
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        self.disk.lock(path)
    }
}

impl StorageFile for CountingFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buf, offset)
    }
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_at(bytes, offset)
    }
    fn allocate(&self, len: u64) -> io::Result<()> {
        self.file.allocate(len)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }
    fn sync_data(&self) -> io::Result<()> {
        if let Some(syncs) = &self.syncs {
            syncs.fetch_add(1, Ordering::SeqCst);
        }
        self.file.sync_data()
    }
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
}

/// A folder of bundles, a state in memory, and a link's configuration.
struct Desk {
    folder: tempfile::TempDir,
    disk: Counting,
    state: State,
    config: Config,
    tasks: Sender<Task>,
    to_do: Receiver<Task>,
    watch: Arc<Watch>,
}

impl Desk {
    fn new() -> Self {
        let disk = Counting::default();
        let (log_key, now) = (SigningKey::from_seed([6; 32]), UnixMillis(1_700_000_000_000));
        let ledger = Ledger::create(Arc::new(disk.clone()), log_key, 7, now).unwrap();
        let lock = MemoryStorage::new().lock(Path::new("lock")).unwrap().unwrap();
        disk.syncs.store(0, Ordering::SeqCst);
        let (tasks, to_do) = bounded(4);
        Self {
            folder: tempfile::tempdir().unwrap(),
            disk,
            state: State::of(ledger, lock),
            config: config(2),
            tasks,
            to_do,
            watch: Arc::default(),
        }
    }

    /// Writes bundles of so many bytes of content, each of its own.
    fn bundles(&self, content_lens: impl IntoIterator<Item = usize>) -> Vec<PathBuf> {
        let path = |len: usize| {
            let path = self.folder.path().join(format!("{len:08}.bundle"));
            fs::write(&path, bundle_bytes(len)).unwrap();
            path
        };
        content_lens.into_iter().map(path).collect()
    }

    fn look_at(&self, paths: &[PathBuf], priority: Priority) -> Vec<Waiting> {
        look_at_all(paths, priority, &self.config).unwrap().0
    }

    /// A client asks for these bundles; gives what it is told.
    fn ask(&self, paths: &[PathBuf], priority: Priority) -> Receiver<Answer> {
        let (waiting, ahead) = look_at_all(paths, priority, &self.config).unwrap();
        let (answers, told) = bounded(waiting.len() + ANSWERS_BESIDES);
        let task = Task {
            waiting,
            ahead,
            actor: "uid 1234".to_owned(),
            answers,
        };
        self.tasks.try_send(task).unwrap();
        told
    }

    fn dispatch(&mut self, waiting: Vec<Waiting>) -> Dispatch<'_> {
        let Self {
            config,
            state,
            to_do,
            watch,
            ..
        } = self;
        let mut dispatch = Dispatch::new(config, state, waiting, to_do.clone(), watch).in_json(true);
        // Whatever the machine's speed.
        dispatch.linger = Duration::MAX;
        dispatch.print = |_| Ok(());
        dispatch
    }

    /// Sends all over one lane to `sink`.
    fn run<F>(&mut self, waiting: Vec<Waiting>, sink: F) -> Result<(), Complaint>
    where
        F: FnMut(&[Vec<u8>]) -> Result<(), HwError> + Send + 'static,
    {
        let lane = LaneSender::new(CallSink(sink), StillClock::default(), self.config.rate, framing(), 0);
        let mut link = Link::start(vec![lane], 1408, &self.watch).unwrap();
        let mut dispatch = self.dispatch(waiting);
        link.run(&mut dispatch, &link_key()).unwrap();
        link.finish();
        dispatch.finish(false)
    }

    /// The log's entries of this kind.
    fn entries(&self, kind: EventKind) -> Vec<Event> {
        let reader = LogReader::open(Arc::new(self.disk.clone())).unwrap();
        let entries = reader.read(0, 10_000).unwrap().into_iter().map(|(_, event)| event);
        entries.filter(|event| event.event == kind).collect()
    }
}

fn drop_all(_: &[Vec<u8>]) -> Result<(), HwError> {
    Ok(())
}

fn broken() -> HwError {
    HwError::Unreachable {
        to: ([127, 0, 0, 1], 9).into(),
        source: io::Error::from_raw_os_error(100),
    }
}

fn numbers(entries: &[Event]) -> Vec<u64> {
    let mut numbers: Vec<u64> = entries.iter().filter_map(|entry| entry.seq).collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn three_hundred_bundles_cost_a_sync_of_the_log_for_every_twenty_at_most() {
    let mut desk = Desk::new();
    let paths = desk.bundles(1_000..1_300);
    let waiting = desk.look_at(&paths, Priority::Normal);
    desk.run(waiting, drop_all).unwrap();
    let syncs = desk.disk.syncs.load(Ordering::SeqCst);
    assert!(syncs <= 300 / 20, "{syncs} syncs");
    let all: Vec<u64> = (1..=300).collect();
    assert_eq!(numbers(&desk.entries(EventKind::BundleBound)), all);
    assert_eq!(numbers(&desk.entries(EventKind::BundleSent)), all);
}

#[test]
fn a_link_that_fails_ends_every_bundle_that_has_a_number_and_names_those_that_were_not_begun() {
    let mut desk = Desk::new();
    let paths = desk.bundles(200_000..200_020);
    let waiting = desk.look_at(&paths, Priority::Normal);
    let mut batches = 0;
    let sink = move |_: &[Vec<u8>]| {
        batches += 1;
        if batches > 40 { Err(broken()) } else { Ok(()) }
    };
    let complaint = desk.run(waiting, sink).unwrap_err();
    assert_eq!(complaint.exit(), Exit::Failed);
    let stopped = desk.entries(EventKind::BundleStopped);
    let mut ended = numbers(&stopped);
    ended.extend(numbers(&desk.entries(EventKind::BundleSent)));
    ended.sort_unstable();
    assert_eq!(
        ended,
        numbers(&desk.entries(EventKind::BundleBound)),
        "each number has one ending"
    );
    let reason = |text: &str| {
        stopped
            .iter()
            .filter(|entry| entry.reason.as_deref() == Some(text))
            .count()
    };
    assert!(reason("link-failed") >= 1 && reason("not-begun") >= 5, "{stopped:?}");
    assert_eq!(reason("link-failed") + reason("not-begun"), stopped.len());
    let never = stopped
        .iter()
        .filter(|entry| entry.reason.as_deref() == Some("not-begun"));
    assert!(
        never
            .clone()
            .all(|entry| entry.session.is_none() && entry.blocks == Some(0))
    );
    let text = complaint.to_string();
    assert!(text.contains("not begun  ") && text.contains("more\n"), "{text}");
    for entry in stopped
        .iter()
        .filter(|entry| entry.reason.as_deref() == Some("link-failed"))
    {
        assert!(text.contains(&format!("(seq {})", entry.seq.unwrap())), "{text}");
    }
}

#[test]
fn a_bundle_that_changed_stops_at_its_leaf_and_nothing_new_begins() {
    let mut desk = Desk::new();
    // Both are large, so that the second waits for the first's end.
    let paths = desk.bundles([1_100_000, 1_100_001]);
    let waiting = desk.look_at(&paths, Priority::Normal);
    let mut bytes = bundle_bytes(1_100_000);
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&paths[0], bytes).unwrap();
    let complaint = desk.run(waiting, drop_all).unwrap_err();
    assert_eq!(complaint.exit(), Exit::Integrity);
    assert!(complaint.to_string().contains("leaf 4"), "{complaint}");
    let stopped = desk.entries(EventKind::BundleStopped).into_iter();
    let reasons: Vec<_> = stopped.map(|entry| (entry.seq, entry.reason)).collect();
    let expected = [(1, "bundle-changed"), (2, "not-begun")];
    assert_eq!(
        reasons,
        expected.map(|(seq, reason)| (Some(seq), Some(reason.to_owned())))
    );
    assert!(desk.entries(EventKind::BundleSent).is_empty());
}

#[test]
fn the_most_urgent_goes_first_whatever_came_first() {
    let mut desk = Desk::new();
    let paths = desk.bundles([1_001, 1_002, 1_003]);
    let waiting = desk.look_at(&paths[..2], Priority::Normal);
    let answers = desk.ask(&paths[2..], Priority::Urgent);
    let mut dispatch = desk.dispatch(waiting);
    let order: Vec<_> = std::iter::from_fn(|| dispatch.next(Room::Any))
        .map(|outgoing| outgoing.bundle.statement().content_len)
        .collect();
    assert_eq!(order, [1_003, 1_001, 1_002]);
    assert_eq!(answers.try_iter().collect::<Vec<_>>(), [Answer::Taken { bundles: 1 }]);
}

#[test]
fn an_urgent_bundle_that_comes_late_goes_before_those_that_have_their_numbers() {
    let mut desk = Desk::new();
    let paths = desk.bundles([1_001, 1_002, 1_003]);
    let waiting = desk.look_at(&paths[..2], Priority::Normal);
    let (tasks, watch) = (desk.tasks.clone(), Arc::clone(&desk.watch));
    let (urgent, ahead) = look_at_all(&paths[2..], Priority::Urgent, &desk.config).unwrap();
    let mut dispatch = desk.dispatch(waiting);
    let mut next = || dispatch.next(Room::Any).unwrap();
    let first = next();
    let (answers, _told) = bounded(3);
    let datagrams = ahead.datagrams;
    let task = Task {
        waiting: urgent,
        ahead,
        actor: "uid 1".to_owned(),
        answers,
    };
    tasks.try_send(task).unwrap();
    let order = [first, next(), next()].map(|outgoing| {
        (
            outgoing.bundle.statement().content_len,
            outgoing.settings.number.sequence,
        )
    });
    assert_eq!(order, [(1_001, 1), (1_003, 3), (1_002, 2)]);
    assert_eq!(watch.ahead().0, datagrams);
}

#[test]
fn only_what_is_small_and_no_less_urgent_overtakes() {
    let at_work = Room::Overtaking(Priority::Normal);
    assert!(at_work.fits(Priority::Normal, SMALL) && !at_work.fits(Priority::Normal, SMALL + 1));
    assert!(at_work.fits(Priority::Urgent, SMALL) && !at_work.fits(Priority::Urgent, SMALL + 1));
    assert!(!at_work.fits(Priority::Bulk, 0));
    assert!(Room::Any.fits(Priority::Bulk, u64::MAX));
}

#[test]
fn what_a_client_asked_for_is_told_to_it_with_the_entrys_place_and_says_who_asked() {
    let mut desk = Desk::new();
    let paths = desk.bundles([1_001, 1_002, 1_003]);
    let waiting = desk.look_at(&paths[..1], Priority::Normal);
    let answers = desk.ask(&paths[1..], Priority::Normal);
    desk.run(waiting, drop_all).unwrap();
    let told: Vec<Answer> = answers.try_iter().collect();
    assert_eq!(told.len(), 4, "{told:?}");
    assert_eq!(
        (&told[0], &told[3]),
        (&Answer::Taken { bundles: 2 }, &Answer::Done { complaint: None })
    );
    let records = serde_json::to_value(&told[1..3]).unwrap();
    for record in records.as_array().unwrap() {
        assert_eq!(record["record"]["event"], "bundle.sent");
        assert!(record["record"]["log_index"].as_u64() > Some(0));
        assert!(record["text"].as_str().unwrap().starts_with("sent  seq "));
    }
    let actors: Vec<_> = desk
        .entries(EventKind::BundleSent)
        .into_iter()
        .map(|entry| (entry.seq, entry.actor))
        .collect();
    let clients = actors.iter().filter(|(_, actor)| actor.as_deref() == Some("uid 1234"));
    assert_eq!(clients.count(), 2, "{actors:?}");
}

#[test]
fn a_clients_bundle_that_changed_is_told_to_it_alone_and_ends_what_it_asked_for() {
    let mut desk = Desk::new();
    let paths = desk.bundles([1_001, 1_002, 1_003, 1_004]);
    let waiting = desk.look_at(&paths[..1], Priority::Bulk);
    let [bad, good] = [1..3, 3..4].map(|range| desk.ask(&paths[range], Priority::Normal));
    let mut bytes = bundle_bytes(1_002);
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&paths[1], bytes).unwrap();
    desk.run(waiting, drop_all).unwrap();
    let Some(Answer::Done {
        complaint: Some(complaint),
    }) = bad.try_iter().last()
    else {
        panic!("it was not told");
    };
    assert_eq!(complaint.exit(), Exit::Integrity);
    assert_eq!(good.try_iter().last(), Some(Answer::Done { complaint: None }));
    let sent = desk.entries(EventKind::BundleSent);
    assert!(sent.iter().any(|entry| entry.actor.is_none()), "{sent:?}");
}

#[test]
fn a_clients_bundle_that_is_gone_when_its_turn_comes_is_told_to_it_alone() {
    let mut desk = Desk::new();
    let paths = desk.bundles([1_001, 1_002]);
    let waiting = desk.look_at(&paths[..1], Priority::Normal);
    let answers = desk.ask(&paths[1..], Priority::Normal);
    fs::remove_file(&paths[1]).unwrap();
    desk.run(waiting, drop_all).unwrap();
    let Some(Answer::Done {
        complaint: Some(complaint),
    }) = answers.try_iter().last()
    else {
        panic!("it was not told");
    };
    assert!(complaint.to_string().contains("no such file"), "{complaint}");
    assert_eq!(numbers(&desk.entries(EventKind::BundleSent)), [1]);
}

#[test]
fn a_link_that_fails_is_told_to_the_operator_and_to_every_client() {
    let mut desk = Desk::new();
    let paths = desk.bundles([1_001, 1_002]);
    let waiting = desk.look_at(&paths[..1], Priority::Normal);
    let answers = desk.ask(&paths[1..], Priority::Urgent);
    assert_eq!(
        desk.run(waiting, |_: &[Vec<u8>]| Err(broken())).unwrap_err().exit(),
        Exit::Failed
    );
    let Some(Answer::Done {
        complaint: Some(complaint),
    }) = answers.try_iter().last()
    else {
        panic!("it was not told");
    };
    assert_eq!(complaint.exit(), Exit::Failed);
}

#[test]
fn a_ledger_that_takes_nothing_more_binds_nothing_and_names_all() {
    let mut desk = Desk::new();
    let paths = desk.bundles([1_001, 1_002]);
    let waiting = desk.look_at(&paths, Priority::Normal);
    desk.disk.disk.cut_power_at(0);
    let complaint = desk
        .run(waiting, |_: &[Vec<u8>]| panic!("nothing may be sent"))
        .unwrap_err();
    assert_eq!(complaint.exit(), Exit::Failed);
    for path in &paths {
        assert!(
            complaint.to_string().contains(&path.display().to_string()),
            "{complaint}"
        );
    }
}

/// Sends one bundle on a disk that is full once: at the binding, or while the bundle is sent. Gives how often the log says what.
fn patiently(full_at_binding: bool) -> [Vec<u64>; 3] {
    let mut desk = Desk::new();
    let paths = desk.bundles([1_000]);
    let waiting = desk.look_at(&paths, Priority::Normal);
    let disk = desk.disk.disk.clone();
    let fill = |disk: &MemoryStorage| disk.fail_at(0, Fault::Full);
    if full_at_binding {
        fill(&disk);
    }
    let mut is_full = !full_at_binding;
    let sink = move |_: &[Vec<u8>]| {
        if std::mem::take(&mut is_full) {
            fill(&disk);
        }
        Ok(())
    };
    let lane = LaneSender::new(CallSink(sink), StillClock::default(), desk.config.rate, framing(), 0);
    let mut link = Link::start(vec![lane], 1408, &desk.watch).unwrap();
    let mut dispatch = desk.dispatch(waiting);
    dispatch.be_patient();
    dispatch.patience.wait = Duration::ZERO;
    link.run(&mut dispatch, &link_key()).unwrap();
    while dispatch.is_due() {
        link.run(&mut dispatch, &link_key()).unwrap();
    }
    link.finish();
    dispatch.finish(false).unwrap();
    [EventKind::BundleBound, EventKind::BundleSent, EventKind::BundleStopped].map(|kind| numbers(&desk.entries(kind)))
}

#[test]
fn a_patient_run_sends_when_there_is_room_and_tells_when_it_is_written() {
    for full_at_binding in [true, false] {
        assert_eq!(patiently(full_at_binding), [vec![1], vec![1], vec![]]);
    }
}

#[test]
fn a_run_that_is_not_patient_fails_on_a_full_disk_and_gives_no_number() {
    let mut desk = Desk::new();
    let paths = desk.bundles([1_000]);
    let waiting = desk.look_at(&paths, Priority::Normal);
    desk.disk.disk.fail_at(0, Fault::Full);
    let complaint = desk.run(waiting, drop_all).unwrap_err();
    assert_eq!(complaint.exit(), Exit::Failed);
    assert!(desk.entries(EventKind::BundleBound).is_empty());
}

/// As if a run before had given numbers to these bundles and said no more.
fn left_open(paths: &[PathBuf], desk: &mut Desk) {
    for path in paths {
        let facts = Job::open(path, &desk.config).unwrap().facts(None);
        desk.state.ledger.bind(&[facts], UnixMillis(0)).unwrap();
    }
}

#[test]
fn a_number_that_a_run_before_left_open_is_closed_only_when_it_is_known_that_nobody_goes_on_with_it() {
    let mut desk = Desk::new();
    let paths = desk.bundles([1_001, 1_002]);
    left_open(&paths, &mut desk);
    let second = desk.look_at(&paths[1..], Priority::Normal);
    let known = Arc::new(AtomicBool::new(false));
    let mut dispatch = desk.dispatch(second).await_left(&known);
    let sent_below = |dispatch: &mut Dispatch<'_>| {
        dispatch.tick();
        dispatch.board().standing().sent_below
    };
    assert_eq!(sent_below(&mut dispatch), 1);
    known.store(true, Ordering::Release);
    assert_eq!(sent_below(&mut dispatch), 2, "the second waits");
    dispatch.rest();
    drop(dispatch);
    assert_eq!(numbers(&desk.entries(EventKind::BundleStopped)), [1]);
}

#[test]
fn an_open_number_whose_file_is_gone_when_its_turn_comes_is_closed() {
    let mut desk = Desk::new();
    let paths = desk.bundles([1_001]);
    left_open(&paths, &mut desk);
    let _answers = desk.ask(&paths, Priority::Normal);
    fs::remove_file(&paths[0]).unwrap();
    let mut dispatch = desk.dispatch(Vec::new());
    assert!(dispatch.next(Room::Any).is_none());
    dispatch.idle();
    let standing = dispatch.board().standing();
    assert_eq!((standing.sent_below, standing.next), (2, 2));
}

#[test]
fn what_was_sent_is_told_as_sent_when_it_is_written_down_and_not_before() {
    let mut desk = Desk::new();
    let paths = desk.bundles([1_001]);
    let waiting = desk.look_at(&paths, Priority::Normal);
    let mut dispatch = desk.dispatch(waiting);
    let outgoing = dispatch.next(Room::Any).unwrap();
    let standing = dispatch.board().standing();
    assert_eq!(
        (standing.sent_below, standing.next, standing.under_way.len()),
        (1, 2, 1)
    );
    let ended = Ended {
        id: outgoing.id,
        tally: Tally::default(),
        nanos: 1,
        result: Ok(()),
    };
    dispatch.ended(ended);
    let standing = dispatch.board().standing();
    assert_eq!((standing.sent_below, standing.under_way.len()), (2, 0));
}
