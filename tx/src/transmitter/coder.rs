//! Worker threads that read a bundle's blocks, check their leaves, and code them.
//!
//! ```text
//! submit(EncodeJob) ──▶ channel ──▶ workers: read, check against the signed index, code ──▶ channel ──▶ take() ─▶ Coded
//! ```
//!
//! Always true:
//! - no byte is coded that does not hash to its leaf in the bundle's index;
//! - each worker holds one block besides what is in the channels, and the transmission hands out jobs for two groups at most;
//! - dropping the coder ends the workers after the block that they are at.

use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use protocol::layout::Part;
use protocol::transmission::{Coded, EncodeJob};

use super::link::Stop;
use crate::bundle_file::{BundleFile, BundleFileError};

/// The workers for one bundle.
#[derive(Debug)]
pub(super) struct Coder<'scope> {
    jobs: Sender<EncodeJob>,
    results: Receiver<Result<Coded, Stop>>,
    workers: Vec<ScopedJoinHandle<'scope, ()>>,
}

impl<'scope> Coder<'scope> {
    /// Starts as many workers as there are cores. `room` is the number of jobs that can be under way.
    pub(super) fn start<'env>(scope: &'scope Scope<'scope, 'env>, bundle: &'env BundleFile, room: usize) -> Self {
        let (jobs, to_do) = bounded(room);
        let (done, results) = bounded(room);
        let cores = thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS);
        let workers = (0..cores).map(|_| {
            let (to_do, done) = (to_do.clone(), done.clone());
            scope.spawn(move || work(bundle, &to_do, &done))
        });
        Self {
            jobs,
            results,
            workers: workers.collect(),
        }
    }

    /// Hands a block to the workers.
    ///
    /// # Errors
    /// [`Stop::WorkersGone`] if there are none any more.
    pub(super) fn submit(&self, job: EncodeJob) -> Result<(), Stop> {
        self.jobs.send(job).map_err(|_| Stop::WorkersGone)
    }

    /// The next coded block, if there is one within `patience`.
    ///
    /// # Errors
    /// What stopped a worker.
    pub(super) fn take(&self, patience: Duration) -> Result<Option<Coded>, Stop> {
        match self.results.recv_timeout(patience) {
            Ok(result) => result.map(Some),
            Err(RecvTimeoutError::Disconnected) => Err(Stop::WorkersGone),
            Err(RecvTimeoutError::Timeout) if self.workers.iter().any(ScopedJoinHandle::is_finished) => {
                // A worker ends before its time only with an error, which may have come just now, or by a panic.
                self.results.try_recv().map_err(|_| Stop::WorkersGone)?.map(Some)
            }
            Err(RecvTimeoutError::Timeout) => Ok(None),
        }
    }

    /// Ends the workers and waits for them.
    pub(super) fn finish(self) {
        drop((self.jobs, self.results));
        for worker in self.workers {
            // A panic has been noticed by `take`, if anything was still wanted of that worker.
            let _ = worker.join();
        }
    }
}

/// More would wait for the one thread that sends.
const MAX_WORKERS: usize = 8;

fn work(bundle: &BundleFile, to_do: &Receiver<EncodeJob>, done: &Sender<Result<Coded, Stop>>) {
    let mut block = Vec::new();
    for job in to_do {
        let result = code(bundle, job, &mut block);
        let failed = result.is_err();
        if done.send(result).is_err() || failed {
            return;
        }
    }
}

fn code(bundle: &BundleFile, job: EncodeJob, block: &mut Vec<u8>) -> Result<Coded, Stop> {
    read(bundle, &job, block)?;
    job.run(block).map_err(Stop::Code)
}

/// Reads the job's block: of the head, which was checked as a whole when it was read, or leaf by leaf.
fn read(bundle: &BundleFile, job: &EncodeJob, block: &mut Vec<u8>) -> Result<(), BundleFileError> {
    let wanted = job.block();
    block.clear();
    if wanted.part == Part::Head {
        let start = usize::try_from(wanted.offset).unwrap_or(usize::MAX);
        let head = bundle.head().get(start..).unwrap_or_default();
        block.extend_from_slice(head.get(..wanted.len as usize).unwrap_or(head));
        return Ok(());
    }
    block.resize(wanted.len as usize, 0);
    let mut rest = block.as_mut_slice();
    for index in job.leaves() {
        let len = bundle.leaf_len(index).unwrap_or(0);
        // A block is a whole number of leaves; were it not, the leaf's reading refuses a buffer of another length.
        let (leaf, others) = rest.split_at_mut_checked(len).unwrap_or_default();
        bundle.leaf(index, leaf)?;
        rest = others;
    }
    Ok(())
}
