//! Reassembly over a disk that fails: what it calls complete is whole.

#![allow(clippy::disallowed_methods, reason = "the operator's trust file is a real one")]

mod resuming;

use std::path::Path;

use audit::event::{Event, EventKind};
use audit::storage::Storage;
use audit::storage::memory::{Fault, MemoryStorage};
use crossbeam_channel::{bounded, unbounded};
use protocol::bundle::seal::PackedHead;
use protocol::bundle::{Envelope, EnvelopeSignature, FileRecord, Kind, Origin, PREFIX_LEN, Prefix, Statement};
use protocol::digest::Digest;
use protocol::fec::Redundancy;
use protocol::keys::SigningKey;
use protocol::link::LinkState;
use protocol::merkle;
use protocol::path::BundlePath;
use protocol::reception::ReceptionLimits;
use protocol::time::Tick;
use protocol::transmission::{BundleShape, EncodeJob, Lane, Settings, Transmission};
use protocol::wire::{HEADER_LEN, LinkNumber, LinkParameters, Packet};

use super::*;
use crate::clock::wall;
use crate::config::Config;

const LEAF: usize = 4096;

fn author() -> SigningKey {
    SigningKey::from_seed([2; 32])
}

fn link() -> SigningKey {
    SigningKey::from_seed([1; 32])
}

/// A signed bundle of three blocks, as its file.
fn bundle() -> (PackedHead, Vec<u8>) {
    described(None)
}

/// The same content under another head.
fn described(description: Option<&str>) -> (PackedHead, Vec<u8>) {
    let content: Vec<u8> = (0..80_000u32).map(|i| (i % 251) as u8).collect();
    let path = BundlePath::parse("src/lib.rs").unwrap();
    let now = wall();
    let statement = Statement {
        files: vec![FileRecord {
            path,
            sha256: Digest::of(&content),
            size: content.len() as u64,
            executable: false,
        }],
        kind: Kind::Code,
        author: "alice@lab".to_owned(),
        created: now,
        not_after: now.plus_millis(3_600_000),
        audience: vec!["plant-7".to_owned()],
        target: None,
        description: description.map(str::to_owned),
        origin: Origin::default(),
        content_len: 0,
        leaf_len: LEAF as u32,
        content_root: Digest([0; 32]),
    };
    let leaves = content.chunks(LEAF).map(merkle::leaf_hash).collect();
    let head = PackedHead::seal(statement, leaves, &[&author()]).unwrap();
    let file = [&head.prefix().emit()[..], head.head(), &content].concat();
    (head, file)
}

fn datagrams(head: &PackedHead, file: &[u8], session: u64) -> Vec<Vec<u8>> {
    datagrams_of(head, head.prefix().envelope_len, file, session)
}

/// The same for a file whose head may be another than the one it was made with.
fn datagrams_of(head: &PackedHead, envelope_len: u32, file: &[u8], session: u64) -> Vec<Vec<u8>> {
    let head_len = file.len() - PREFIX_LEN - head.statement().content_len as usize;
    let shape = BundleShape {
        bundle: head.id(),
        envelope_len,
        head_len: head_len as u32,
        head_sha256: Digest::of(&file[PREFIX_LEN..PREFIX_LEN + head_len]),
        content_len: head.statement().content_len,
        content_root: head.statement().content_root,
        leaf_len: LEAF as u32,
    };
    let settings = Settings {
        session: SessionId(session),
        number: LinkNumber { epoch: 1, sequence: 1 },
        symbol_len: 128,
        redundancy: Redundancy::new(0.0, 0, 1e-9, 2).unwrap(),
        passes: 1,
        lanes: 1,
        created: wall(),
    };
    let transmission = Transmission::new(&shape, &settings, &link()).unwrap();
    let mut datagrams = Vec::new();
    let read = |job: &EncodeJob, place: &mut [u8]| {
        let start = job.file_offset() as usize;
        place.copy_from_slice(&file[start..start + place.len()]);
    };
    let send = |_: usize, header: &[u8; HEADER_LEN], body: &[u8]| datagrams.push([&header[..], body].concat());
    transmission.drive(&mut [Lane::new(0)], read, send).unwrap();
    datagrams
}

/// A reassembly over a disk in memory, and what it tells.
fn reassembly(home: &Path) -> (Reassembly, Receiver<Task>, Arc<MemoryStorage>) {
    let storage = Arc::new(MemoryStorage::new());
    let quarantine = Quarantine::create(storage.clone()).unwrap();
    let (reassembly, told) = reassembly_in(quarantine, home);
    (reassembly, told, storage)
}

/// A reassembly that begins its work in a quarantine.
fn reassembly_in(quarantine: Quarantine, home: &Path) -> (Reassembly, Receiver<Task>) {
    let config = "[receiver]\nname = \"plant-7\"\n[link]\nlisten = \"127.0.0.1:0\"\n";
    let authority = Authority::new(&Config::parse(config, "diode-rx.toml", home).unwrap());
    let quarantine = quarantine.with_reserve(0);
    let limits = ReceptionLimits {
        memory_bytes: 32 << 20,
        sessions: 4,
        lanes: 1,
        bundle_bytes: 1 << 30,
        idle_millis: 1000,
        signatures_per_second: ReceptionLimits::SIGNATURES_PER_SECOND,
    };
    // Nobody takes the work, so it is done in place; nobody else is needed either.
    let ((work, _), (_, done), (tasks, told)) = (bounded(0), unbounded(), unbounded());
    let channels = Channels {
        work,
        done,
        tasks,
        gauges: Arc::default(),
    };
    let reception = Reception::new(vec![link().public()], limits);
    let ledger = Arc::new(RwLock::new(Ledger::default()));
    let reassembly = Reassembly::new(reception, Arc::new(quarantine), authority, ledger, channels);
    (reassembly, told)
}

fn take_all(reassembly: &mut Reassembly, datagrams: &[Vec<u8>]) {
    for datagram in datagrams {
        reassembly.reception.handle_datagram(datagram, Tick(0));
        reassembly.act();
    }
}

fn news(told: &Receiver<Task>) -> Vec<News> {
    let news = told.try_iter().map(|task| match task {
        Task::News(news) => news,
        other => panic!("{other:?}"),
    });
    news.collect()
}

/// The same without what it says of the link.
fn news_of_bundles(told: &Receiver<Task>) -> Vec<News> {
    let news = news(told).into_iter();
    news.filter(|news| !matches!(news, News::Link(_))).collect()
}

/// What reassembly tells of these datagrams when the disk's `fail_at`th operation fails, if any does.
fn news_of(datagrams: &[Vec<u8>], home: &Path, fail_at: Option<u64>) -> (Vec<News>, Arc<MemoryStorage>) {
    let (mut reassembly, told, storage) = reassembly(home);
    if let Some(more) = fail_at {
        storage.fail_at(more, Fault::Io);
    }
    take_all(&mut reassembly, datagrams);
    (news(&told), storage)
}

/// A folder with the file of trusted authors.
fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let signer = format!(
        "alice@lab namespaces=\"diode-bundle\" {}\n",
        author().public().to_openssh("")
    );
    std::fs::write(home.path().join("allowed_signers"), signer).unwrap();
    home
}

#[test]
fn what_is_under_way_on_a_disk_that_fills_is_given_up_and_others_are_received_once_there_is_room() {
    let (head, file) = bundle();
    let home = home();
    let (mut reassembly, told, storage) = reassembly(home.path());
    let [first, second, third] = [7, 8, 9].map(|session| datagrams(&head, &file, session));
    take_all(&mut reassembly, &first[..1]);
    storage.set_free_bytes(file.len() as u64 - 1);
    reassembly.measure_disk(Tick(0));
    take_all(&mut reassembly, &second);
    storage.set_free_bytes(file.len() as u64);
    take_all(&mut reassembly, &third);
    let full = |error: &QuarantineError| matches!(error, QuarantineError::NoRoom { .. });
    match news_of_bundles(&told).as_slice() {
        [
            News::Opened(..),
            News::Unstorable(_, SessionId(7), ended),
            News::Unstorable(_, SessionId(8), refused),
            News::Opened(..),
            News::Complete(..),
        ] => assert!(full(ended) && full(refused), "{ended}, {refused}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_as_much_is_given_up_as_the_disk_needs_and_what_got_on_last_stays() {
    let (head, file) = bundle();
    let home = home();
    let (mut reassembly, told, storage) = reassembly(home.path());
    let is_head = |datagram: &Vec<u8>| Packet::parse(datagram).is_ok_and(|packet| packet.header.block == 0);
    for (session, at) in [(7, 5), (8, 0), (9, 9)] {
        let mut sent = datagrams(&head, &file, session);
        let announce = sent.remove(0);
        let content = sent.into_iter().filter(|datagram| !is_head(datagram));
        for datagram in std::iter::once(announce).chain(content.take(450)) {
            reassembly.reception.handle_datagram(&datagram, Tick(at));
            reassembly.act();
        }
        let (done, _) = reassembly.reception.progress(SessionId(session)).unwrap();
        assert!(done > 0, "nothing is on the disk yet");
    }
    let left = {
        storage.set_free_bytes(0);
        let arriving = &reassembly.arriving[&SessionId(7)];
        match arriving.spool.check_reserve() {
            Err(QuarantineError::NoRoom { needed, .. }) => needed,
            other => panic!("{other:?}"),
        }
    };
    storage.set_free_bytes(u64::MAX);
    storage.set_capacity(1 << 30);
    let used = (1 << 30) - storage.free_bytes().unwrap();
    storage.set_capacity(used + left - 1);
    reassembly.measure_disk(Tick(10));
    let given_up = news_of_bundles(&told).into_iter().filter_map(|news| match news {
        News::Unstorable(_, session, _) => Some(session),
        _ => None,
    });
    assert_eq!(given_up.collect::<Vec<_>>(), [SessionId(8)]);
}

#[test]
fn nothing_more_is_given_up_while_a_worker_has_the_file_of_what_was() {
    let (head, file) = bundle();
    let home = home();
    let (mut reassembly, told, storage) = reassembly(home.path());
    for session in [7, 8] {
        take_all(&mut reassembly, &datagrams(&head, &file, session)[..1]);
    }
    let held = reassembly.arriving.values().map(|arriving| Arc::clone(&arriving.spool));
    let held: Vec<_> = held.collect();
    storage.set_free_bytes(0);
    let mut left = Vec::new();
    for _ in 0..2 {
        reassembly.measure_disk(Tick(0));
        left.push(reassembly.arriving.len());
    }
    assert_eq!(left, [1, 0]);
    drop((held, told));
}

#[test]
fn what_has_all_its_room_is_not_given_up_when_others_fill_the_disk() {
    let (head, file) = bundle();
    let datagrams = datagrams(&head, &file, 7);
    let home = home();
    let (mut reassembly, told, storage) = reassembly(home.path());
    let (most, last) = datagrams.split_at(datagrams.len() / 2);
    take_all(&mut reassembly, most);
    storage.set_free_bytes(0);
    reassembly.measure_disk(Tick(0));
    take_all(&mut reassembly, last);
    assert!(matches!(
        news_of_bundles(&told).as_slice(),
        [News::Opened(..), News::Complete(..)]
    ));
}

#[test]
fn whichever_operation_of_the_disk_fails_what_is_complete_is_whole() {
    let home = home();
    let (head, file) = bundle();
    let datagrams = datagrams(&head, &file, 7);
    let (mut whole, mut refused) = (0, 0);
    for fail_at in 0..40 {
        let (news, storage) = news_of(&datagrams, home.path(), Some(fail_at));
        // What is compared is read without the fault, should it not have struck yet.
        storage.fail_at(u64::MAX, Fault::Io);
        for news in news {
            match news {
                News::Complete(arrival, _) => {
                    let mut stored = vec![0; file.len()];
                    assert_eq!(arrival.spool.read_at(0, &mut stored).unwrap(), file.len());
                    assert!(stored == file, "operation {fail_at} failed, and the bundle has a hole");
                    whole += 1;
                }
                News::Unstorable(..) => refused += 1,
                News::Opened(..) | News::Link(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(whole > 0, "the later operations are past the end");
    assert!(refused > 3, "each write, and more, was made to fail: {refused}");
    assert_eq!(whole + refused, 40, "one outcome each");
}

/// A heartbeat that says that all numbers below 2 were sent.
fn heartbeat() -> Vec<u8> {
    let heartbeat = Heartbeat {
        epoch: 1,
        counter: 1,
        interval_ms: 1000,
        next: 2,
        sent_below: 2,
        parameters: LinkParameters {
            symbol_len: 128,
            block_len: LEAF as u32,
            depth: 2,
            lanes: 1,
            max_esi: 100,
            passes: 1,
            loss_ppm: 0,
            burst: 0,
        },
        in_flight: Vec::new(),
        voids: Vec::new(),
        checkpoint: None,
    };
    let body = heartbeat.sign(&link()).unwrap();
    [&Lane::new(0).heartbeat(&body)[..], &body].concat()
}

#[test]
fn a_heartbeat_is_handed_on_with_what_is_still_under_way_below_it() {
    let home = tempfile::tempdir().unwrap();
    let (head, file) = bundle();
    let mut sent = datagrams(&head, &file, 7);
    sent.truncate(3);
    sent.push(heartbeat());
    let (news, _) = news_of(&sent, home.path(), None);
    let up = |news: &News| matches!(news, News::Link(LinkNews::Changed(change)) if change.is == LinkState::Up);
    assert_eq!(news.iter().filter(|news| up(news)).count(), 1);
    let Some(News::Heartbeat(heard, under_way)) = news.last() else {
        panic!("{news:?}");
    };
    assert_eq!(heard.sent_below, 2);
    let [one] = under_way[..] else { panic!("{under_way:?}") };
    assert!(one.sequence == 1 && one.blocks_done < one.blocks, "{one:?}");
}

/// The same bundle's file with a further signature, and where its envelope ends.
fn countersigned(head: &PackedHead, file: &[u8]) -> (u32, Vec<u8>) {
    let content_at = PREFIX_LEN + head.head().len();
    let (envelope, index) = head.head().split_at(head.prefix().envelope_len as usize);
    let envelope = Envelope::parse(envelope).unwrap();
    let bob = SigningKey::from_seed([5; 32]);
    let signature = EnvelopeSignature {
        keyid: bob.public().fingerprint().to_string(),
        sig: bob.sign(envelope.pae()),
    };
    let envelope = envelope.with_signatures([signature]).unwrap().to_bytes();
    let prefix = Prefix {
        envelope_len: envelope.len() as u32,
        ..head.prefix()
    };
    let file = [&prefix.emit()[..], &envelope, index, &file[content_at..]].concat();
    (prefix.envelope_len, file)
}

/// A reassembly that knows the bundle as held, with its head if that is told.
fn with_held(
    head: &PackedHead,
    home: &Path,
    known: Option<Digest>,
) -> (Reassembly, Receiver<Task>, Arc<MemoryStorage>) {
    let (reassembly, told, storage) = reassembly(home);
    let admitted = Event {
        bundle: Some(head.id()),
        seq: Some(1),
        epoch_id: Some(format!("{:016x}", 1)),
        head: known,
        ..Event::new(EventKind::BundleAdmitted, wall())
    };
    reassembly.ledger.write().unwrap().apply(0, &admitted);
    (reassembly, told, storage)
}

#[test]
fn a_held_bundle_that_comes_again_with_another_head_is_received_no_further_than_that() {
    let (home, (head, file)) = (home(), bundle());
    let (mut reassembly, told, storage) = with_held(&head, home.path(), Some(Digest::of(head.head())));
    let (envelope_len, file) = countersigned(&head, &file);
    take_all(&mut reassembly, &datagrams_of(&head, envelope_len, &file, 7));
    let news = news_of_bundles(&told);
    let [News::Replayed(..), News::Countersigned(again)] = &news[..] else {
        panic!("{news:?}");
    };
    assert_eq!(again.head.len(), file.len() - PREFIX_LEN - 80_000);
    assert_eq!(again.verified.id(), head.id());
    assert_eq!(storage.list(Path::new("spool")).unwrap().len(), 0);
    assert_eq!((reassembly.reception.sessions(), reassembly.heads.len()), (0, 0));
}

#[test]
fn the_content_of_a_bundle_that_is_held_takes_no_memory() {
    let (home, (head, file)) = (home(), bundle());
    let (mut reassembly, told, _) = with_held(&head, home.path(), Some(Digest::of(head.head())));
    let (envelope_len, file) = countersigned(&head, &file);
    let mut sent = datagrams_of(&head, envelope_len, &file, 7);
    // All of it but the head, which has the first blocks.
    let is_head = |datagram: &Vec<u8>| datagram[3] == 2 && datagram[16..20] == [0; 4];
    sent.retain(|datagram| !is_head(datagram));
    take_all(&mut reassembly, &sent);
    assert!(matches!(news_of_bundles(&told)[..], [News::Replayed(..)]));
    let session = SessionId(7);
    let (done, _) = reassembly.reception.progress(session).unwrap();
    assert!(done < 3, "{done}");
    assert!(reassembly.reception.counters().surplus > 100);
    reassembly.reception.drop_session(session);
    reassembly.act();
    assert!(reassembly.heads.is_empty());
}

#[test]
fn a_held_bundle_that_comes_again_with_a_head_that_is_known_or_can_not_be_is_turned_away() {
    let (home, (head, file)) = (home(), bundle());
    for known in [Some(Digest::of(head.head())), None] {
        let (mut reassembly, told, _) = with_held(&head, home.path(), known);
        let sent = match known {
            Some(_) => datagrams(&head, &file, 7),
            None => {
                let (envelope_len, file) = countersigned(&head, &file);
                datagrams_of(&head, envelope_len, &file, 7)
            }
        };
        take_all(&mut reassembly, &sent);
        assert!(matches!(news_of_bundles(&told)[..], [News::Replayed(..)]));
        assert_eq!(reassembly.reception.sessions(), 0);
    }
}
