//! A bundle, a link and a clock for tests.

use std::cell::Cell;
use std::net::Ipv4Addr;
use std::path::Path;

use audit::storage::{MemoryStorage, OpenHow, Storage};
use hw::HwError;
use protocol::bundle::seal::PackedHead;
use protocol::digest::Digest;
use protocol::fec::Redundancy;
use protocol::keys::SigningKey;
use protocol::merkle::leaf_hash;

use super::config::LinkConfig;
use super::link::{Clock, Sink};
use super::pace::Framing;
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
    }
}

pub(super) fn framing() -> Framing {
    Framing::towards((Ipv4Addr::LOCALHOST, 9).into())
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
pub(super) struct CallSink<F>(pub(super) F);

impl<F: FnMut(&[Vec<u8>]) -> Result<(), HwError> + Send> Sink for CallSink<F> {
    fn send_batch(&mut self, datagrams: &[Vec<u8>]) -> Result<(), HwError> {
        (self.0)(datagrams)
    }
}
