//! The worker threads: what takes long of receiving, on as many cores as there are.
//!
//! ```text
//! Work::Solve ─▶ decode if symbols are missing ─▶ hash the leaves ─▶ write them to the spool ─▶ Done::Solved ─▶ reassembly
//! Work::Head  ─▶ signatures, trust, dates ─▶ take the room, write prefix and head ────────────▶ Done::Head
//!               └ of what is kept: read, and compare with the announce first ────────────────▶ Done::KeptHead
//! Work::Resume ▶ read what is kept, hash the leaves ──────────────────────────────────────────▶ Done::Resumed
//! ```
//!
//! Each step finds the block in the cache where the one before left it. Always true: a worker lets go of the spool's file before it
//! says that it is done, so that whoever hears of the last block owns the file.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use protocol::bundle::{PREFIX_LEN, Prefix, Refusal, VerifiedHead};
use protocol::digest::Digest;
use protocol::merkle;
use protocol::reception::{ResumeJob, Resumed, SolveJob, Solved, verify_announced_head};
use protocol::time::UnixMillis;
use protocol::wire::{Announce, SessionId};
use scanner::quarantine::{QuarantineError, SpoolFile};

use crate::authority::Authority;

/// Work waiting for each worker, beyond which reassembly does it itself.
const WAITING: usize = 32;

/// What a worker is asked to do.
#[derive(Debug)]
pub(super) enum Work {
    /// A block, and where its content is written; a head alone has no file.
    Solve(Box<SolveJob>, Option<Arc<SpoolFile>>),
    /// A head that equals the announced digest.
    Head(Box<HeadWork>),
    /// Blocks that an earlier transmission may have left.
    Resume(Box<ResumeJob>, Arc<SpoolFile>),
}

/// A head to be verified and written.
#[derive(Debug)]
pub(super) struct HeadWork {
    pub(super) session: SessionId,
    pub(super) announce: Announce,
    /// `None` if it is to be found in the spool file.
    pub(super) head: Option<bytes::Bytes>,
    /// Where it is written; `None` if the bundle is here already, and only its signatures may be new.
    pub(super) spool: Option<Arc<SpoolFile>>,
    /// The receiver's time.
    pub(super) now: UnixMillis,
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Done {
    /// A block, and whether its content could be written.
    Solved(Box<Solved>, Result<(), QuarantineError>),
    /// A head.
    Head(SessionId, Box<Result<VerifiedHead, HeadFailure>>),
    /// The head that an earlier transmission left; `None` if there is none that equals the announced digest.
    KeptHead(SessionId, Option<Box<Result<VerifiedHead, HeadFailure>>>),
    /// What is there of some blocks.
    Resumed(Resumed),
    /// Work of this session ended by a fault of this program: nothing is known of it.
    Failed(SessionId),
}

/// Why a head was not accepted.
#[derive(Debug)]
pub(super) enum HeadFailure {
    /// Trust can't be read.
    Unjudged(String),
    /// A check failed.
    Refused(Refusal),
    /// The disk did not take it.
    Unstorable(QuarantineError),
}

impl Work {
    fn session(&self) -> SessionId {
        match self {
            Self::Solve(job, _) => job.session(),
            Self::Head(work) => work.session,
            Self::Resume(job, _) => job.session(),
        }
    }
}

/// Does all of it, one result for each. Blocks have their leaves hashed together. A panic costs the sessions of the batch, and nothing
/// else: whoever waits for the results gets as many as ever.
pub(super) fn run_all(batch: Vec<Work>, authority: &Authority) -> Vec<Done> {
    let sessions: Vec<_> = batch.iter().map(Work::session).collect();
    catch_unwind(AssertUnwindSafe(|| run_unfenced(batch, authority)))
        .unwrap_or_else(|_| sessions.into_iter().map(Done::Failed).collect())
}

fn run_unfenced(batch: Vec<Work>, authority: &Authority) -> Vec<Done> {
    let (mut jobs, mut spools, mut done) = (Vec::new(), Vec::new(), Vec::new());
    for work in batch {
        match work {
            Work::Solve(job, spool) => {
                jobs.push(*job);
                spools.push(spool);
            }
            Work::Head(work) => done.push(work.run(authority)),
            Work::Resume(job, spool) => done.push(look(*job, spool)),
        }
    }
    let solved = SolveJob::run_all(jobs).into_iter().zip(spools);
    done.extend(solved.map(|(solved, spool)| write(solved, spool)));
    done
}

/// Writes what a job gave, and lets go of the file.
fn write(solved: Solved, spool: Option<Arc<SpoolFile>>) -> Done {
    let written = match (solved.content(), &spool) {
        (Some((offset, bytes)), Some(spool)) => spool.write_at(offset, bytes),
        _ => Ok(()),
    };
    drop(spool);
    Done::Solved(Box::new(solved), written)
}

/// Looks for blocks in the file, and lets go of it.
fn look(job: ResumeJob, spool: Arc<SpoolFile>) -> Done {
    let resumed = job.run(
        |offset, bytes| spool.read_at(offset, bytes).is_ok_and(|read| read == bytes.len()),
        |offset, bytes| spool.write_at(offset, bytes).is_ok(),
    );
    drop(spool);
    Done::Resumed(resumed)
}

/// Works until nobody gives or takes any more.
fn work(to_do: &Receiver<Work>, done: &Sender<Done>, authority: &Authority) {
    let together = merkle::leaves_together();
    for first in to_do {
        let others = to_do.try_iter().take(together - 1);
        let batch = std::iter::once(first).chain(others).collect();
        for outcome in run_all(batch, authority) {
            if done.send(outcome).is_err() {
                return;
            }
        }
    }
}

impl HeadWork {
    fn run(self, authority: &Authority) -> Done {
        let session = self.session;
        if let Some(head) = &self.head {
            return Done::Head(session, Box::new(self.verify(head, authority)));
        }
        let kept = self.read_kept();
        Done::KeptHead(session, kept.map(|head| Box::new(self.verify(&head, authority))))
    }

    /// The head that the spool file holds from an earlier transmission, if it is the announced one.
    fn read_kept(&self) -> Option<Vec<u8>> {
        let mut head = vec![0; self.announce.head_len as usize];
        let spool = self.spool.as_ref()?;
        let read = spool.read_at(PREFIX_LEN as u64, &mut head).ok()?;
        (read == head.len() && Digest::of(&head) == self.announce.head_sha256).then_some(head)
    }

    fn verify(&self, head: &[u8], authority: &Authority) -> Result<VerifiedHead, HeadFailure> {
        let trust = authority
            .trust()
            .map_err(|error| HeadFailure::Unjudged(error.to_string()))?;
        let verified = verify_announced_head(&self.announce, head, &trust, authority.receiver(), self.now)
            .map_err(HeadFailure::Refused)?;
        let Some(spool) = &self.spool else {
            return Ok(verified);
        };
        let prefix = Prefix {
            envelope_len: self.announce.envelope_len,
            index_len: self.announce.head_len - self.announce.envelope_len,
        }
        .emit();
        // From here the author stands for the size: the room is taken now rather than missed in the middle.
        let written = spool.allocate().and_then(|()| spool.write_at(0, &prefix));
        let written = written.and_then(|()| spool.write_at(prefix.len() as u64, head));
        written.map_err(HeadFailure::Unstorable)?;
        Ok(verified)
    }
}

/// Starts as many workers as there are cores.
///
/// # Errors
/// If the system has no more threads.
pub(super) fn start(authority: &Authority) -> anyhow::Result<(Sender<Work>, Receiver<Done>)> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let (give, to_do) = bounded::<Work>(cores * WAITING);
    // Room for all that waits and all that is worked on: a worker never waits to hand back.
    let (done, ended) = bounded(cores * (WAITING + merkle::leaves_together()));
    for _ in 0..cores {
        let (to_do, done, authority) = (to_do.clone(), done.clone(), authority.clone());
        super::thread("worker", move || work(&to_do, &done, &authority))?;
    }
    Ok((give, ended))
}

#[cfg(test)]
mod tests;
