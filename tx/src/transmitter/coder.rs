//! Worker threads that read bundles' blocks, code them, and check their leaves.
//!
//! ```text
//! submit(bundle, EncodeJob, buffers) ──▶ channel ──▶ workers: read, code, check against the signed index ──▶ Event::Coded
//! ```
//!
//! Always true:
//! - no block is given back that does not hash to its leaves in the bundle's index;
//! - a worker that panics has failed its block, and goes on;
//! - dropping the coder ends the workers after the block that they are at.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};
use protocol::digest::Digest;
use protocol::fec::BlockBuffers;
use protocol::layout::Part;
use protocol::merkle;
use protocol::transmission::{Coded, EncodeJob};

use super::link::{Event, Stop};
use crate::bundle_file::{BundleFile, BundleFileError};

/// The workers.
#[derive(Debug)]
pub(super) struct Coder {
    jobs: Option<Sender<Work>>,
    workers: Vec<JoinHandle<()>>,
    under_way: usize,
}

/// A block to be coded.
#[derive(Debug)]
struct Work {
    id: u64,
    bundle: Arc<BundleFile>,
    job: EncodeJob,
    buffers: BlockBuffers,
}

impl Coder {
    /// Starts as many workers as there are cores.
    ///
    /// # Errors
    /// The system's, if it has no more threads.
    pub(super) fn start(events: &Sender<Event>) -> std::io::Result<Self> {
        let (jobs, to_do) = bounded::<Work>(ROOM);
        let cores = thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS);
        let workers = (0..cores).map(|_| {
            let (to_do, events) = (to_do.clone(), events.clone());
            thread::Builder::new()
                .name("coder".to_owned())
                .spawn(move || work(&to_do, &events))
        });
        Ok(Self {
            workers: workers.collect::<Result<_, _>>()?,
            jobs: Some(jobs),
            under_way: 0,
        })
    }

    /// Whether another block can be submitted.
    pub(super) fn has_room(&self) -> bool {
        self.under_way < ROOM
    }

    /// Hands a block of transmission `id` to the workers; asked only if there [is room](Self::has_room), so that it never waits.
    pub(super) fn submit(&mut self, id: u64, bundle: Arc<BundleFile>, job: EncodeJob, buffers: BlockBuffers) {
        self.under_way += 1;
        let work = Work {
            id,
            bundle,
            job,
            buffers,
        };
        if let Some(jobs) = &self.jobs {
            // Fails only without workers, which whoever watches the threads notices.
            let _ = jobs.send(work);
        }
    }

    /// Takes note that a block came back.
    pub(super) fn handle_back(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// Whether a worker is gone.
    pub(super) fn is_broken(&self) -> bool {
        self.workers.iter().any(JoinHandle::is_finished)
    }
}

impl Drop for Coder {
    fn drop(&mut self) {
        self.jobs = None;
        for worker in self.workers.drain(..) {
            // Its panics are caught; what is left would be reported by `is_broken`.
            let _ = worker.join();
        }
    }
}

/// Blocks that may be with the workers at once.
pub(super) const ROOM: usize = 256;
/// More would wait for the threads that send.
const MAX_WORKERS: usize = 8;

fn work(to_do: &Receiver<Work>, events: &Sender<Event>) {
    let together = merkle::leaves_together();
    for first in to_do {
        // Those that wait already, up to as many leaves as are best hashed together.
        let mut batch = vec![first];
        while batch.iter().map(Work::weight).sum::<u64>() < together as u64
            && let Ok(more) = to_do.try_recv()
        {
            batch.push(more);
        }
        let ids: Vec<u64> = batch.iter().map(|work| work.id).collect();
        for (id, result) in ids.into_iter().zip(code_all(batch)) {
            if events.send(Event::Coded { id, result }).is_err() {
                return;
            }
        }
    }
}

impl Work {
    /// What it adds to a batch: its leaves. A block of the head has none and counts as one, so that a head's blocks are shared among
    /// the workers.
    fn weight(&self) -> u64 {
        let leaves = self.job.leaves();
        (leaves.end - leaves.start).max(1)
    }

    /// Reads the block: of the head, which was checked as a whole when it was read, or its leaves.
    fn read(&mut self) -> Result<(), BundleFileError> {
        let wanted = *self.job.block();
        let place = self.job.place(&mut self.buffers);
        if wanted.part == Part::Content {
            return self.bundle.read_leaves(self.job.leaves(), place);
        }
        let start = usize::try_from(wanted.offset).unwrap_or(usize::MAX);
        let end = start.saturating_add(place.len());
        // The block is cut from a head of this very length; what else lies in the buffer must not be sent in its stead.
        let head = self.bundle.head();
        let bytes = head.get(start..end).ok_or(BundleFileError::HeadCutShort {
            len: head.len() as u64,
            need: end as u64,
        })?;
        place.copy_from_slice(bytes);
        Ok(())
    }

    /// Reads the block and codes it, while it is in the cache.
    fn code(mut self) -> Result<Unchecked, Stop> {
        self.read()?;
        let wanted = *self.job.block();
        Ok(Unchecked {
            first_leaf: self.job.leaves().start,
            has_leaves: wanted.part == Part::Content,
            coded: self.job.run(self.buffers).map_err(Stop::Code)?,
            bundle: self.bundle,
        })
    }
}

/// A block that was coded, and not yet compared with what was signed.
struct Unchecked {
    bundle: Arc<BundleFile>,
    first_leaf: u64,
    has_leaves: bool,
    coded: Coded,
}

impl Unchecked {
    /// The leaves that were read.
    fn leaves(&self) -> impl Iterator<Item = &[u8]> {
        let bytes = if self.has_leaves { self.coded.bytes() } else { &[] };
        self.bundle.cut(bytes)
    }

    /// The coded block, if these are its leaves' `hashes` and those that were signed.
    fn checked(self, hashes: &[Digest]) -> Result<Coded, Stop> {
        self.bundle.check_hashes(self.first_leaf, hashes)?;
        Ok(self.coded)
    }
}

/// Reads and codes all, hashes the leaves of all together, and gives those that are as they were signed.
fn code_all(batch: Vec<Work>) -> Vec<Result<Coded, Stop>> {
    let coded: Vec<_> = batch.into_iter().map(|work| fenced(|| work.code())).collect();
    let leaves: Vec<&[u8]> = coded.iter().flatten().flat_map(Unchecked::leaves).collect();
    let mut hashes = merkle::leaf_hashes(&leaves).into_iter();
    let check = |coded: Result<Unchecked, Stop>| {
        let coded = coded?;
        let hashes: Vec<_> = hashes.by_ref().take(coded.leaves().count()).collect();
        coded.checked(&hashes)
    };
    coded.into_iter().map(check).collect()
}

/// Runs one block's work: a panic fails that block, and not those that share its batch.
fn fenced<T>(run: impl FnOnce() -> Result<T, Stop>) -> Result<T, Stop> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(Err(Stop::WorkersGone))
}
