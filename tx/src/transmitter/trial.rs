//! Bundles, a link, a clock and a wire for tests.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use audit::storage::{MemoryStorage, OpenHow, Storage};
use hw::HwError;
use hw::udp::Datagram;
use protocol::bundle::seal::PackedHead;
use protocol::digest::Digest;
use protocol::fec::{Gathered, Oti, Redundancy};
use protocol::keys::SigningKey;
use protocol::merkle::leaf_hash;
use protocol::wire::{Header, Kind, Packet, SessionId, SignedAnnounce};

use super::config::{Config, LinkConfig};
use super::framing::{Framing, RateCounts};
use super::lane::{Clock, Sink};
use crate::bundle_file::BundleFile;
use crate::samples;

/// Bytes of the sample bundles' leaves.
pub(super) const LEAF_LEN: u32 = 262_144;

/// The bytes of a bundle of one file of `content_len` bytes.
pub(super) fn bundle_bytes(content_len: usize) -> Vec<u8> {
    let content: Vec<u8> = (0..content_len as u32)
        .map(|at| (at.wrapping_mul(7919) >> 9) as u8)
        .collect();
    let mut statement = samples::draft(&[("file", content.clone())]);
    statement.leaf_len = LEAF_LEN;
    for file in &mut statement.files {
        file.sha256 = Digest::of(&content);
    }
    let leaves = content.chunks(LEAF_LEN as usize).map(leaf_hash).collect();
    let packed = PackedHead::seal(statement, leaves, &[&samples::key()]).unwrap();
    [&packed.prefix().emit(), packed.head(), &content].concat()
}

/// A storage with these bytes in the file `x.bundle`.
pub(super) fn stored(bytes: Vec<u8>) -> MemoryStorage {
    samples::storage(&[("x.bundle", bytes)])
}

/// The bundle in a storage that [`stored`] made.
pub(super) fn opened(storage: &MemoryStorage) -> BundleFile {
    BundleFile::open(storage.open(Path::new("x.bundle"), OpenHow::Read).unwrap()).unwrap()
}

/// A bundle of one file.
pub(super) fn sample_bundle(content_len: usize) -> BundleFile {
    opened(&stored(bundle_bytes(content_len)))
}

/// A link with symbols of 1408 bytes and little loss.
pub(super) fn link_config(depth: u16) -> LinkConfig {
    let redundancy = Redundancy::new(0.01, 0, 1e-9, depth).unwrap();
    LinkConfig {
        mtu: 1500,
        symbol_len: 1408,
        redundancy,
        passes: 1,
        lanes: 1,
    }
}

/// A configuration with such a link.
pub(super) fn config(depth: u16) -> Config {
    Config {
        to: ([127, 0, 0, 1], 9).into(),
        bind: None,
        key: "key".into(),
        state: "state".into(),
        rate: "1G".parse().unwrap(),
        rate_counts: RateCounts::Wire,
        link: link_config(depth),
    }
}

pub(super) fn framing() -> Framing {
    Framing::towards((Ipv4Addr::LOCALHOST, 9).into(), RateCounts::Wire)
}

/// The link's key.
pub(super) fn link_key() -> SigningKey {
    SigningKey::from_seed([8; 32])
}

/// A clock whose time passes only by waiting.
#[derive(Debug, Default)]
pub(super) struct StillClock {
    now: Cell<u64>,
}

impl Clock for StillClock {
    fn now(&self) -> u64 {
        self.now.get()
    }

    fn pause(&self, nanos: u64) {
        self.now.set(self.now.get() + nanos);
    }
}

/// A sink that calls back with each batch.
#[derive(Debug)]
pub(super) struct CallSink<F>(pub(super) F);

impl<F: FnMut(&[Vec<u8>]) -> Result<(), HwError> + Send> Sink for CallSink<F> {
    fn send(&mut self, datagrams: &[Datagram<'_>]) -> Result<(), HwError> {
        let whole = |datagram: &Datagram<'_>| [datagram.header, datagram.body].concat();
        (self.0)(&datagrams.iter().map(whole).collect::<Vec<_>>())
    }

    /// As a kernel that segments.
    fn batch(&self, len: usize) -> usize {
        (65_507 / len.max(1)).clamp(1, 64)
    }
}

/// A lane, and a datagram that left on it.
type Seen = (usize, Vec<u8>);

/// Everything that left, in order, with the lane that it left on.
#[derive(Debug, Clone, Default)]
pub(super) struct Wire {
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Wire {
    /// Takes a batch.
    pub(super) fn take(&self, lane: usize, batch: &[Vec<u8>]) {
        let datagrams = batch.iter().map(|datagram| (lane, datagram.clone()));
        self.seen.lock().unwrap().extend(datagrams);
    }

    /// What left on this lane.
    pub(super) fn lane(&self, lane: usize) -> Vec<Vec<u8>> {
        let seen = self.seen.lock().unwrap();
        let ours = seen.iter().filter(|(on, _)| *on == lane);
        ours.map(|(_, datagram)| datagram.clone()).collect()
    }

    /// What left on all lanes.
    pub(super) fn all(&self) -> Vec<Vec<u8>> {
        self.seen
            .lock()
            .unwrap()
            .iter()
            .map(|(_, datagram)| datagram.clone())
            .collect()
    }

    /// Symbols that left of this session.
    pub(super) fn symbols(&self, session: SessionId) -> usize {
        let is_one = |header: &Header| header.kind == Kind::Symbol && header.session == session;
        headers(&self.all()).iter().filter(|header| is_one(header)).count()
    }
}

pub(super) fn headers(datagrams: &[Vec<u8>]) -> Vec<Header> {
    let header = |datagram: &Vec<u8>| Packet::parse(datagram).unwrap().header;
    datagrams.iter().map(header).collect()
}

/// Head and content of the bundle that was sent in `session`, put together from those of its symbols that are `received`.
pub(super) fn put_together(datagrams: &[Vec<u8>], session: SessionId, received: impl Fn(&Header) -> bool) -> Vec<u8> {
    let packets: Vec<_> = datagrams
        .iter()
        .map(|datagram| Packet::parse(datagram).unwrap())
        .collect();
    let of_session = || packets.iter().filter(|packet| packet.header.session == session);
    let first = of_session()
        .find(|packet| packet.header.kind == Kind::Announce)
        .unwrap();
    let announce = SignedAnnounce::open(session, first.body, &[link_key().public()]).unwrap();
    let layout = announce.announce().layout().unwrap();
    let mut blocks: BTreeMap<u32, Gathered> = BTreeMap::new();
    for Packet { header, body } in of_session().filter(|packet| packet.header.kind == Kind::Symbol) {
        if received(header) {
            let len = layout.block(header.block).unwrap().len as usize;
            let fresh = || Gathered::new(Oti::new(len, layout.symbol_len()).unwrap());
            blocks
                .entry(header.block)
                .or_insert_with(fresh)
                .insert(header.esi, body);
        }
    }
    let solved = blocks.into_values().map(|block| block.solve().ok().unwrap());
    solved.collect::<Vec<_>>().concat()
}
