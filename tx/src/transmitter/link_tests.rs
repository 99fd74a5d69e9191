//! Bundles sent to a wire in memory, on clocks that only waiting moves.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use audit::storage::{MemoryStorage, OpenHow, Storage, StorageFile};
use protocol::time::UnixMillis;
use protocol::wire::{Header, Kind, LinkNumber, SessionId};

use super::*;
use crate::transmitter::config::LinkConfig;
use crate::transmitter::forecast::settings;
use crate::transmitter::trial::{
    CallSink, LEAF_LEN, StillClock, Wire, bundle_bytes, framing, headers, link_config, link_key, opened, put_together,
    sample_bundle, stored,
};

#[path = "overtaking_tests.rs"]
mod overtaking;

const DEPTH: u16 = 2;

/// Bundles in a row, and what became of them.
struct Row<F> {
    waiting: VecDeque<Outgoing>,
    /// Whether the first may go now.
    may_go: F,
    ended: Vec<Ended>,
}

impl<F: FnMut(Room, &Outgoing) -> bool> Supply for Row<F> {
    fn next(&mut self, room: Room) -> Option<Outgoing> {
        let first = self.waiting.pop_front()?;
        let fits = room.fits(first.priority, first.bundle.statement().content_len);
        if fits && (self.may_go)(room, &first) {
            return Some(first);
        }
        self.waiting.push_front(first);
        None
    }

    fn ended(&mut self, ended: Ended) {
        self.ended.push(ended);
    }
}

/// The session of the bundle that is called `id`.
fn session(id: u64) -> SessionId {
    SessionId(100 + id)
}

fn outgoing(id: u64, bundle: BundleFile, link: &LinkConfig) -> Outgoing {
    let number = LinkNumber {
        epoch: 5,
        sequence: id + 1,
    };
    Outgoing {
        id,
        bundle: Arc::new(bundle),
        settings: settings(link, session(id), number, UnixMillis(0)),
        priority: Priority::Normal,
        pass: Arc::default(),
    }
}

/// A link whose lanes send to these sinks at 100 Mbit/s each.
fn link<F>(sinks: Vec<F>, first_packet: u32, watch: &Arc<Watch>) -> Link
where
    F: FnMut(&[Vec<u8>]) -> Result<(), HwError> + Send + 'static,
{
    let sender = |sink| {
        let rate = "100M".parse().unwrap();
        LaneSender::new(CallSink(sink), StillClock::default(), rate, framing(), first_packet)
    };
    Link::start(sinks.into_iter().map(sender).collect(), 1408, watch).unwrap()
}

fn wired(wire: &Wire, lanes: usize) -> Vec<impl FnMut(&[Vec<u8>]) -> Result<(), HwError> + Send + 'static> {
    let sink = |lane| {
        let wire = wire.clone();
        move |batch: &[Vec<u8>]| {
            wire.take(lane, batch);
            Ok(())
        }
    };
    (0..lanes).map(sink).collect()
}

/// Runs `link` until all of `bundles` are over, as they come, and gives how they ended, in the order of their ids.
fn run(link: &mut Link, bundles: Vec<Outgoing>) -> Vec<Ended> {
    let mut row = Row {
        waiting: bundles.into(),
        may_go: |_: Room, _: &Outgoing| true,
        ended: Vec::new(),
    };
    link.run(&mut row, &link_key()).unwrap();
    row.ended.sort_by_key(|ended| ended.id);
    row.ended
}

/// Sends a bundle on one lane to `sink`, and tells how it ended.
fn sent_to<F>(sink: F, bundle: BundleFile, watch: &Arc<Watch>) -> Ended
where
    F: FnMut(&[Vec<u8>]) -> Result<(), HwError> + Send + 'static,
{
    let mut link = link(vec![sink], 9, watch);
    let ended = run(&mut link, vec![outgoing(0, bundle, &link_config(DEPTH))])
        .pop()
        .unwrap();
    link.finish();
    ended
}

/// All datagrams of one bundle, and how it ended.
fn sent(bundle: BundleFile) -> (Vec<Vec<u8>>, Ended) {
    let wire = Wire::default();
    let ended = sent_to(wired(&wire, 1).remove(0), bundle, &Arc::default());
    (wire.all(), ended)
}

#[test]
fn the_blocks_that_arrive_are_the_bundles_file() {
    let bytes = bundle_bytes(600_000);
    let (datagrams, ended) = sent(opened(&stored(bytes.clone())));
    ended.result.unwrap();
    // Without some source symbols: the repair symbols must be worth as much.
    let file = put_together(&datagrams, session(0), |header| header.esi % 20 != 3);
    assert!(file == bytes[16..]);
}

#[test]
fn two_lanes_carry_one_bundle_between_them_each_with_numbers_of_its_own() {
    let bytes = bundle_bytes(9 * LEAF_LEN as usize);
    let (wire, watch) = (Wire::default(), Arc::default());
    let mut link = link(wired(&wire, 2), 7, &watch);
    let two = LinkConfig {
        lanes: 2,
        ..link_config(DEPTH)
    };
    let ended = run(&mut link, vec![outgoing(0, opened(&stored(bytes.clone())), &two)]);
    link.finish();
    assert!(ended[0].result.is_ok());
    assert!(put_together(&wire.all(), session(0), |_| true) == bytes[16..]);
    let lanes = [0, 1].map(|lane| headers(&wire.lane(lane)));
    for lane in &lanes {
        assert!(lane.iter().zip(7..).all(|(header, packet)| header.packet == packet));
    }
    let blocks = lanes.map(|lane| {
        let symbols = lane
            .into_iter()
            .filter(|header| header.kind == Kind::Symbol && header.block > 0);
        symbols.map(|header| header.block).collect::<BTreeSet<u32>>()
    });
    assert!(
        blocks[0].is_disjoint(&blocks[1]) && blocks[0].len() == 5 && blocks[1].len() == 4,
        "{blocks:?}"
    );
}

#[test]
fn an_ended_transmission_has_counted_every_datagram_and_its_bits() {
    let (datagrams, ended) = sent(sample_bundle(300_000));
    let wire_bits = datagrams
        .iter()
        .map(|datagram| framing().wire_bits(datagram.len()))
        .sum();
    let bytes = datagrams.iter().map(|datagram| datagram.len() as u64).sum();
    assert_eq!(
        ended.tally,
        Tally {
            datagrams: datagrams.len() as u64,
            bytes,
            wire_bits,
            pass: 1
        }
    );
}

#[test]
fn a_bundle_takes_the_time_that_its_rate_gives_it() {
    let (_, ended) = sent(sample_bundle(3_000_000));
    let rate = ended.tally.wire_bits as f64 * 1e9 / ended.nanos as f64;
    assert!((rate / 100e6 - 1.0).abs() < 0.01, "{rate}");
}

#[test]
fn packet_numbers_go_on_over_filler_and_bundles_and_wrap() {
    let (wire, watch) = (Wire::default(), Arc::default());
    let mut link = link(wired(&wire, 1), u32::MAX - 40, &watch);
    link.warm_up().unwrap();
    let bundles = (0..2).map(|id| outgoing(id, sample_bundle(1000), &link_config(DEPTH)));
    run(&mut link, bundles.collect());
    link.finish();
    let numbers: Vec<u32> = headers(&wire.all()).iter().map(|header| header.packet).collect();
    assert!(numbers.len() > 60);
    let mut expected = (0..).map(|at| (u32::MAX - 40).wrapping_add(at));
    assert!(numbers.iter().all(|number| Some(*number) == expected.next()));
}

#[test]
fn every_lane_is_warmed_up_with_filler_as_long_as_symbols() {
    let (wire, watch) = (Wire::default(), Arc::default());
    let mut link = link(wired(&wire, 2), 0, &watch);
    link.warm_up().unwrap();
    link.finish();
    for lane in [0, 1].map(|lane| wire.lane(lane)) {
        assert_eq!(lane.len(), 32);
        assert!(lane.iter().all(|datagram| datagram.len() == 32 + 1408));
        assert!(headers(&lane).iter().all(|header| header.kind == Kind::Filler));
    }
}

#[test]
fn a_leaf_that_changed_stops_its_bundle_under_way_and_never_leaves() {
    let bytes = bundle_bytes(20 * LEAF_LEN as usize);
    let storage = stored(bytes.clone());
    let bundle = opened(&storage);
    let offset = bundle.content_start() + 18 * u64::from(LEAF_LEN);
    let file = storage.open(std::path::Path::new("x.bundle"), OpenHow::Write).unwrap();
    file.write_at(&[bytes[offset as usize] ^ 1], offset).unwrap();
    let (datagrams, ended) = sent(bundle);
    assert!(matches!(&ended.result, Err(Stop::Bundle(BundleFileError::Leaf { place })) if place.leaf == 18));
    assert_eq!(ended.tally.datagrams, datagrams.len() as u64);
    let symbols = headers(&datagrams)
        .into_iter()
        .filter(|header| header.kind == Kind::Symbol);
    let blocks: BTreeSet<u32> = symbols.map(|header| header.block).collect();
    assert!(blocks.contains(&0) && !blocks.contains(&19), "{blocks:?}");
}

#[test]
fn nothing_more_leaves_after_the_word_to_stop_than_the_batch_under_way() {
    let stop = Arc::new(AtomicBool::new(false));
    let watch = Arc::new(Watch::new(Arc::clone(&stop)));
    let batches = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&batches);
    let sink = move |_: &[Vec<u8>]| {
        stop.store(counted.fetch_add(1, Ordering::SeqCst) == 2, Ordering::SeqCst);
        Ok(())
    };
    let ended = sent_to(sink, sample_bundle(600_000), &watch);
    assert!(matches!(ended.result, Err(Stop::Interrupted)));
    assert_eq!(batches.load(Ordering::SeqCst), 3);
    assert_eq!(ended.tally.datagrams, watch.tally().datagrams);
}

#[test]
fn a_link_that_takes_no_datagram_ends_the_bundle_with_its_error() {
    let sink = |_: &[Vec<u8>]| {
        Err(HwError::DatagramTooLarge {
            bytes: 1440,
            to: ([127, 0, 0, 1], 9).into(),
            source: io::Error::from_raw_os_error(90),
        })
    };
    let ended = sent_to(sink, sample_bundle(1000), &Arc::default());
    assert!(matches!(
        ended.result,
        Err(Stop::Link(HwError::DatagramTooLarge { .. }))
    ));
    assert_eq!(ended.tally.datagrams, 0);
}

#[test]
fn a_sink_that_panics_ends_the_bundle_as_a_fault_of_ours() {
    let ended = sent_to(
        |_: &[Vec<u8>]| panic!("on purpose"),
        sample_bundle(1000),
        &Arc::default(),
    );
    assert!(matches!(ended.result, Err(Stop::WorkersGone)));
}

/// A file that tells of each reading of its bundle's content, before it happens.
#[derive(Debug)]
struct WatchedFile {
    file: Box<dyn StorageFile>,
    content_start: u64,
    reads: Arc<AtomicUsize>,
    told: fn(&AtomicUsize),
}

impl StorageFile for WatchedFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        if offset >= self.content_start {
            (self.told)(&self.reads);
        }
        self.file.read_at(buf, offset)
    }
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
    fn write_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        Ok(())
    }
    fn allocate(&self, _: u64) -> io::Result<()> {
        Ok(())
    }
    fn set_len(&self, _: u64) -> io::Result<()> {
        Ok(())
    }
    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }
}

/// The bundle in a storage that [`stored`] made, and how often its content was read as far as `told` counts.
fn watched(storage: &MemoryStorage, told: fn(&AtomicUsize)) -> (BundleFile, Arc<AtomicUsize>) {
    let reads = Arc::default();
    let file = WatchedFile {
        file: storage.open(std::path::Path::new("x.bundle"), OpenHow::Read).unwrap(),
        content_start: opened(storage).content_start(),
        reads: Arc::clone(&reads),
        told,
    };
    (BundleFile::open(Box::new(file)).unwrap(), reads)
}

#[test]
fn nothing_more_is_read_of_a_bundle_that_failed() {
    let storage = stored(bundle_bytes(40 * LEAF_LEN as usize));
    let (bundle, reads) = watched(&storage, |reads| {
        reads.fetch_add(1, Ordering::SeqCst);
    });
    // Not even the announces leave: only what was in hand before that was known may have been read.
    let refuse_all = |_: &[Vec<u8>]| {
        Err(HwError::DatagramTooLarge {
            bytes: 1440,
            to: ([127, 0, 0, 1], 9).into(),
            source: io::Error::from_raw_os_error(90),
        })
    };
    let ended = sent_to(refuse_all, bundle, &Arc::default());
    assert!(ended.result.is_err());
    let reads = reads.load(Ordering::SeqCst);
    assert!(reads <= 2 * usize::from(DEPTH), "{reads} readings");
}

#[test]
fn a_worker_that_panics_fails_its_bundle_and_the_next_is_sent_whole() {
    let bytes = bundle_bytes(300_000);
    let storage = stored(bytes.clone());
    let (rotten, _) = watched(&storage, |_| panic!("on purpose"));
    let (wire, watch) = (Wire::default(), Arc::default());
    let mut link = link(wired(&wire, 1), 0, &watch);
    let bundles = [rotten, opened(&storage)].into_iter().zip(0..);
    let bundles = bundles.map(|(bundle, id)| outgoing(id, bundle, &link_config(DEPTH)));
    let ended = run(&mut link, bundles.collect());
    link.finish();
    assert!(matches!(ended[0].result, Err(Stop::WorkersGone)) && ended[1].result.is_ok());
    assert!(put_together(&wire.all(), session(1), |_| true) == bytes[16..]);
}

#[test]
fn settings_that_do_not_fit_the_bundle_send_nothing() {
    let (wire, watch) = (Wire::default(), Arc::default());
    let mut link = link(wired(&wire, 1), 3, &watch);
    let never = LinkConfig {
        passes: 0,
        ..link_config(DEPTH)
    };
    let ended = run(&mut link, vec![outgoing(0, sample_bundle(1000), &never)]);
    link.finish();
    assert!(matches!(
        ended[0].result,
        Err(Stop::Settings(TransmissionError::Passes { passes: 0 }))
    ));
    assert!(wire.all().is_empty());
}

#[test]
fn blocks_of_a_long_bundle_share_the_memory_of_two_groups_a_lane() {
    for lanes in [1, 2] {
        let (wire, watch) = (Wire::default(), Arc::default());
        let mut link = link(wired(&wire, lanes.into()), 0, &watch);
        let config = LinkConfig {
            lanes,
            ..link_config(DEPTH)
        };
        let ended = run(
            &mut link,
            vec![outgoing(0, sample_bundle(40 * LEAF_LEN as usize), &config)],
        );
        assert!(ended[0].result.is_ok());
        let most = 2 * usize::from(DEPTH) * usize::from(lanes);
        assert!((1..=most).contains(&link.buffers.len()), "{}", link.buffers.len());
        link.finish();
    }
}
