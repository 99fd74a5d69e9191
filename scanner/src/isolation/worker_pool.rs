//! The workers of one bundle: asked by several threads at once, each worker with one file at a time, all ended with the
//! bundle.
//!
//! ```text
//! ask ─▶ a place ─▶ an idle worker, or a new one ─▶ answer ─────────▶ idle again
//!                             ▲                     died, lied ──┐
//!                             └── a fresh one, for this file only┘    a second time: crashed
//!                                                   late ─▶ killed: timed out
//! ```
//!
//! Always true:
//! - every [`WorkerPool::ask`] returns: it takes two hard deadlines and two starts at most, and waits only for others that do;
//! - what it returns was decoded within its cap and checked by the job, in memory that was [taken](super::room) for it;
//! - what late and crashed files cost together is bounded by [`Allowance::lost`] and one file for each worker;
//! - no worker outlives the pool.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::Allowance;
use super::confine::{Held, Lacking};
use super::memfd::SealedFile;
use super::message::{Malformed, Said, whole};
use super::room::Rooms;
use super::spawner::{End, Spawner, SpawnerError};
use super::task::Job;
use super::worker::{Broken, NoWorker, Question, Worker};
use crate::engine::Outcome;

/// The workers of one bundle.
#[derive(Debug)]
pub struct WorkerPool {
    spawner: Arc<Spawner>,
    allowance: Allowance,
    next_job: AtomicU64,
    state: Mutex<State>,
    place_free: Condvar,
    rooms: Arc<Rooms>,
    /// Once it is known that no worker can be confined here.
    lacking: OnceLock<Lacking>,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Worker>,
    /// Questions at work.
    asking: usize,
    lost: Duration,
}

/// Why there is no answer about a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// No worker can be confined on this machine.
    #[error(transparent)]
    Unconfined(Lacking),
    /// The worker says that it cannot read such a file.
    #[error("such files cannot be read")]
    Unsupported,
    /// The file is too long, or the worker says that it is over a limit.
    #[error("it is over a limit")]
    OverLimit,
    /// The worker gave up, or was killed when it did not.
    #[error("it took too long")]
    TimedOut,
    /// The bundle's other files have cost all the time there is.
    #[error("other files of the bundle took too long")]
    Spent,
    /// No worker could answer, also not one that did nothing else.
    #[error(transparent)]
    Crashed(Fault),
}

/// What became of a worker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It died.
    #[error("the worker died: {0}")]
    Died(End),
    /// It said what cannot be.
    #[error("the worker sent {0}")]
    Lied(Malformed),
    /// There was none.
    #[error(transparent)]
    NoWorker(SpawnerError),
    /// The file could not be handed over.
    #[error("the file cannot be handed to a worker: {}", std::io::Error::from_raw_os_error(*.errno))]
    NotHanded {
        /// What the kernel said.
        errno: i32,
    },
}

impl Unanswered {
    /// The file's outcome.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Unconfined(_) | Self::Unsupported => Outcome::Unsupported,
            Self::OverLimit => Outcome::OverLimit,
            Self::TimedOut | Self::Spent => Outcome::TimedOut,
            Self::Crashed(_) => Outcome::Crashed,
        }
    }
}

impl WorkerPool {
    /// A pool without workers: they are started when there is something to ask.
    #[must_use]
    pub fn new(spawner: Arc<Spawner>, allowance: Allowance) -> Self {
        Self {
            spawner,
            allowance,
            next_job: AtomicU64::new(1),
            state: Mutex::default(),
            place_free: Condvar::new(),
            rooms: Rooms::new(super::ANSWERS_MEMORY),
            lacking: OnceLock::new(),
        }
    }

    /// Starts a worker to see what holds of it: whether files that need one can be scanned here.
    ///
    /// # Errors
    /// [`Unanswered::Unconfined`] with what is to be mended, or [`Unanswered::Crashed`].
    pub fn held(&self) -> Result<Held, Unanswered> {
        let _place = self.take_place();
        let worker = self.worker(false)?;
        let held = worker.held();
        self.put_back(worker);
        Ok(held)
    }

    /// Asks about a file, and waits for the answer.
    ///
    /// # Errors
    /// [`Unanswered`]: the file's outcome, and why.
    pub fn ask<J: Job>(&self, job: &J, file: &[u8]) -> Result<J::Reply, Unanswered> {
        if file.len() > self.allowance.file_bytes {
            return Err(Unanswered::OverLimit);
        }
        let _place = self.take_place();
        if self.state().lost >= self.allowance.lost {
            return Err(Unanswered::Spent);
        }
        let begun = Instant::now();
        let sealed = SealedFile::of(file).map_err(not_handed)?;
        let answer = match self.attempt(job, file, &sealed, false) {
            // It may have been the worker, and what an earlier file did to it. Alone, it is the file.
            Err(Unanswered::Crashed(Fault::Died(_) | Fault::Lied(_))) => self.attempt(job, file, &sealed, true),
            answer => answer,
        };
        if matches!(answer, Err(Unanswered::TimedOut | Unanswered::Crashed(_))) {
            let mut state = self.state();
            state.lost = state.lost.saturating_add(begun.elapsed());
        }
        answer
    }

    /// One try: by a worker that has done nothing else and will not, if it is to be `alone`.
    fn attempt<J: Job>(&self, job: &J, file: &[u8], sealed: &SealedFile, alone: bool) -> Result<J::Reply, Unanswered> {
        let mut worker = self.worker(alone)?;
        let question = Question {
            job: self.next_job.fetch_add(1, Ordering::Relaxed),
            task: job.task(),
            file: sealed,
            cap: job.reply_cap(file.len()),
            soft: self.allowance.soft,
            hard: self.allowance.hard,
        };
        let (said, bytes) = match worker.ask(&question) {
            Ok(said) => said,
            Err(broken) => {
                let end = worker.end();
                return Err(match broken {
                    Broken::Late => Unanswered::TimedOut,
                    Broken::Silent => Unanswered::Crashed(Fault::Died(end)),
                    Broken::Lied(malformed) => Unanswered::Crashed(Fault::Lied(malformed)),
                });
            }
        };
        let answer = match said {
            Said::Done => {
                let room = self.rooms.take(bytes.len());
                let believed = believed(job, file, &bytes).map(|mut reply| {
                    job.settle(&mut reply, room);
                    reply
                });
                believed.map_err(|malformed| Unanswered::Crashed(Fault::Lied(malformed)))
            }
            Said::Unsupported => Err(Unanswered::Unsupported),
            Said::OverLimit => Err(Unanswered::OverLimit),
            Said::TimedOut => Err(Unanswered::TimedOut),
        };
        // One that lied is dropped here, and so killed.
        if !alone && !matches!(answer, Err(Unanswered::Crashed(_))) {
            self.put_back(worker);
        }
        answer
    }

    fn worker(&self, alone: bool) -> Result<Worker, Unanswered> {
        if let Some(lacking) = self.lacking.get() {
            return Err(Unanswered::Unconfined(*lacking));
        }
        let idle = if alone { None } else { self.state().idle.pop() };
        match idle {
            Some(worker) => Ok(worker),
            None => Worker::start(&self.spawner).map_err(|none| match none {
                NoWorker::Lacking(lacking) => Unanswered::Unconfined(*self.lacking.get_or_init(|| lacking)),
                NoWorker::Spawner(error) => Unanswered::Crashed(Fault::NoWorker(error)),
                NoWorker::Mute(end) => Unanswered::Crashed(Fault::Died(end)),
            }),
        }
    }

    fn put_back(&self, worker: Worker) {
        if worker.is_fresh_enough(self.allowance.hard) {
            self.state().idle.push(worker);
        }
    }

    /// Waits until there are fewer questions at work than workers allowed: each ends by its deadlines.
    fn take_place(&self) -> Place<'_> {
        let most = self.allowance.workers.max(1);
        let mut state = self.state();
        while state.asking >= most {
            state = self.place_free.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.asking += 1;
        Place { pool: self }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is a single step, so a panic elsewhere leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to have a worker at work.
struct Place<'a> {
    pool: &'a WorkerPool,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.pool.state().asking -= 1;
        self.pool.place_free.notify_one();
    }
}

fn believed<J: Job>(job: &J, file: &[u8], bytes: &[u8]) -> Result<J::Reply, Malformed> {
    let reply = whole(bytes)?;
    job.check(file, &reply)
        .map_err(|implausible| Malformed::Implausible(implausible.0))?;
    Ok(reply)
}

fn not_handed(errno: Errno) -> Unanswered {
    Unanswered::Crashed(Fault::NotHanded {
        errno: errno.raw_os_error(),
    })
}
